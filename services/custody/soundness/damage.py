"""Where the database of the log is not what was signed: the place, and why, in words for an operator."""

import re
from dataclasses import dataclass
from typing import ClassVar

from shared.audit.refusals import Damaged
from shared.refusal import Refusal

_REASONS: dict[str, tuple[str, str]] = {
    "head": ("su borde no corresponde a las entradas", "its edge does not follow from the entries"),
    "origin": ("es de otra bitácora", "it is of another log"),
    "missing": ("la fila no está", "the row is missing"),
    "beyond": ("la fila está más allá de la cabeza de la bitácora", "the row lies beyond the head of the log"),
    "entry": ("no es la entrada que se registró", "it is not the entry that was appended"),
    "leaf_hash": ("su columna leaf_hash no es la huella de la entrada", "its column leaf_hash is not the hash of the entry"),
    "sid": ("su columna sid no es la del documento", "its column sid is not that of the statement"),
    "hashes": ("sus huellas no siguen de las entradas", "its hashes do not follow from the entries"),
    "root": ("su columna root no sigue de sus huellas", "its column root does not follow from its hashes"),
    "edge": ("su borde no sigue de las entradas", "its edge does not follow from the entries"),
    "note": ("la nota no es la que firmó esta bitácora", "the note is not one that this log signed"),
    "strange": (
        "una línea en nombre de esta bitácora es de una clave que log.key no tiene (¿se quitó a mano?), o se dañó",
        "a line in this log's name is of a key that log.key does not have (was it taken out by hand?), or was spoilt",
    ),
    "other root": ("su raíz no es la de las entradas", "its root is not that of the entries"),
    "behind": (
        "se publicaron más entradas que las que tiene la base de datos",
        "more entries were published than the database holds",
    ),
    "cosignature": ("no es la firma de ese testigo bajo esa constancia", "it is not that witness's line under that checkpoint"),
    "derived": ("la fila derivada no es la que sigue de las entradas", "the derived row is not the one that follows from the entries"),
    "rules": ("la entrada no se sigue de las anteriores", "the entry does not follow from those before it"),
}  # fmt: skip


# How a place is called in Spanish, where it is told in words and not by the path of a file.
_PLACES = {
    "the anchor": "el ancla", "the archive": "el archivo", "the database": "la base de datos", "the witness": "el testigo",
    "the log": "la bitácora", "cosignature of checkpoint": "cofirma de la constancia", "checkpoint": "constancia",
    "entry": "entrada", "tile": "tesela", "anchor": "ancla", "head": "cabeza", "by": "por",
}  # fmt: skip
_IN_WORDS = re.compile(r"(?<![\w/.-])(" + "|".join(_PLACES) + r")(?![\w/.-])")


def in_spanish(place: str) -> str:
    """A place in the log or beside it, in Spanish; paths and numbers as they are."""
    return _IN_WORDS.sub(lambda found: _PLACES[found[1]], place)


@dataclass(eq=False)
class Damage(Refusal):
    """One place, and what is wrong with it."""

    slug: ClassVar[str] = "log-damaged"
    es: ClassVar[str] = "Daño en {place}: {reason_es}."
    en: ClassVar[str] = "Damage at {place}: {reason_en}."
    place: str
    reason: str
    reason_es: str
    reason_en: str

    def text(self, language: str) -> str:
        """The sentence for a person, the place in words of the language too."""
        place = self.place if language == "en" else in_spanish(self.place)
        return (self.en if language == "en" else self.es).format(**self.facts() | {"place": place})


def damage(place: str, reason: str) -> Damage:
    """The damage with its words in both languages."""
    return Damage(place, reason, *_REASONS[reason])


def seen(found: Damaged, where: str = "") -> Damage:
    """What `shared.audit` found, with the entry for a place where one is meant; `where` names the copy."""
    place = found.place if found.index is None else f"entry {found.index}"
    return Damage(f"{where}{place}", found.reason, found.reason_es, found.reason_en)
