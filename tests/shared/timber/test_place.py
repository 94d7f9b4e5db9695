"""Codes written by many hands become one spelling, and what cannot be read is refused."""

import pytest

from shared.timber import fields
from shared.timber.place import BadPlace, Utm, log_code, parcel_code, tree_code, tree_of


@pytest.mark.parametrize("text", ["PC1", "PC 1", "PC01", "pc 01", " PC  001 ", "PC-1", "PC.01"])
def test_parcels_have_one_spelling(text: str) -> None:
    assert parcel_code(text) == "PC 01"
    assert fields.parcel(parcel_code(text)) is None


@pytest.mark.parametrize("text", ["", "1", "PC", "PC 1234", "РС 01", "PC 1A", "PC 1; DROP"])
def test_what_is_no_parcel_is_refused(text: str) -> None:
    with pytest.raises(BadPlace):
        parcel_code(text)


@pytest.mark.parametrize("text", ["501/A", "501-A", "501 / a", "501-a "])
def test_logs_have_one_spelling(text: str) -> None:
    assert log_code(text) == "501/A"
    assert tree_of(text) == "501"
    assert fields.log_code(log_code(text)) is None


def test_a_tree_code_may_hold_a_dash() -> None:
    assert tree_code(501) == "501"
    assert tree_code(" f2-17") == "F2-17"
    assert log_code("F2-17-B") == "F2-17/B"
    for text in ("", "501/A", "árbol", "x" * 21):
        with pytest.raises(BadPlace):
            tree_code(text)


@pytest.mark.parametrize("text", ["501", "501/", "/A", "501/1", "501/ABCDE"])
def test_what_is_no_log_is_refused(text: str) -> None:
    with pytest.raises(BadPlace):
        log_code(text)


def test_a_coordinate_needs_its_zone_and_stays_in_it() -> None:
    assert Utm("19S", 5_062_990, 88_054_630).zone == "19S"
    for zone, easting, northing in (
        ("18N", 5_062_990, 88_054_630),
        ("19S", 506_299, 88_054_630),
        ("19S", 5_062_990, 8_805_463),
    ):
        with pytest.raises(BadPlace):
            Utm(zone, easting, northing)
