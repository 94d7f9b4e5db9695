"""Fields and their values in words: a person reads no code name and no unit that is not theirs."""

from typing import Any

import pytest

from services.portal.field_words import field_name, field_value
from services.portal.rendering import Pages

PAGES = Pages()


def say(key: str, **facts: Any) -> str:
    return PAGES.text("es", key, **facts)


def known(key: str) -> bool:
    try:
        say(key)
    except KeyError:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "value", "name", "said"),
    [
        ("volume_dm3", 5881, "volumen", "5.881 m³"), ("volume_dm3", "5881", "volumen", "5.881 m³"),
        ("sections[0].length_mm", "13300", "trozas 1: largo", "13.30 m"),
        ("sections[11].diameter_large_mm", 710, "trozas 12: diámetro mayor", "71.0 cm"),
        ("area_m2", 14_000_000, "superficie", "1,400.00 ha"), ("over_permille", 25, "por encima de", "2.5 %"),
        ("expires_on", "2025-09-20", "vence", "20 set. 2025"), ("at", "2025-09-15T17:00:00Z", "cuándo", "15 set. 2025, 12:00 (UTC−5)"),
        ("product", "roundwood", "producto", "madera rolliza"), ("branch", "false", "de rama", "no"),
        ("prev[1]", "ab", "prev 2", "ab"), ("codes", ["A", "B"], "códigos", "A, B"),
        ("expires_on", "2025-02-30", "vence", "2025-02-30"), ("evidence_sha256", "ee", "huella de la evidencia", "ee"),
    ],
)  # fmt: skip
def test_a_field_is_told_in_words_with_its_unit(path: str, value: Any, name: str, said: str) -> None:
    assert field_name(path, say, known) == name
    assert field_value(path, value, "es", say, known) == said
