"""What an operator reads of damage and of a recovery is in one language."""

import pytest

from services.custody.operating.rebuild import DoesNotFollow, does_not_follow
from services.custody.operating.recovery import OtherHistory, TailMissing
from services.custody.soundness.damage import damage
from shared.refusal import Missing, Refusal


@pytest.mark.parametrize(
    ("refusal", "spanish", "english"),
    [
        (damage("entry 5 (the anchor: 9)", "behind"), "Daño en entrada 5 (el ancla: 9): se public", "Damage at entry 5 (the anchor: 9)"),
        (damage("tile 0/3", "root"), "Daño en tesela 0/3: su", "Damage at tile 0/3"),
        (damage("cosignature of checkpoint 7 by 0a1b", "cosignature"), "Daño en cofirma de la constancia 7 por 0a1b: no", "Damage at cosig"),
        (damage("/data/archive/checkpoint", "note"), "Daño en /data/archive/checkpoint: la", "Damage at /data/archive/checkpoint"),
        (TailMissing(3, 8, "/mnt/copy", 3, 9, "the witness w1"), "Faltan las entradas 3 a 8: /mnt/copy llega hasta 3, y 9 se publicaron (el testigo w1).",
         "Entries 3 to 8 are missing: /mnt/copy ends at 3, and 9 were published (the witness w1)."),
        (OtherHistory("the database", 4), "Las primeras 4 entradas de la base de datos no", "The first 4 entries of the database are"),
        (OtherHistory("/the archive/by", 4), "Las primeras 4 entradas de /the archive/by no", "The first 4 entries of /the archive/by are"),
        (does_not_follow(4, Missing("plan", "x")), "La entrada 4 no se sigue de las anteriores: No existe plan x", "Entry 4 does not follow from those before it: There is no plan x"),
        (DoesNotFollow(4, "it is missing", "no está"), "La entrada 4 no se sigue de las anteriores: no está", "Entry 4 does not follow from those before it: it is missing"),
    ],
)  # fmt: skip
def test_a_sentence_is_of_one_language(refusal: Refusal, spanish: str, english: str) -> None:
    assert refusal.text("es").startswith(spanish)
    assert refusal.text("en").startswith(english)
