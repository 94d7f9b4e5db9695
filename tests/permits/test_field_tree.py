"""Planned against field, tree by tree: what is out of tolerance, what was not compared, and the two real pairs."""

from datetime import date
from typing import Any

import pytest

from services.permits.domain.field_norms import field_document, tolerances_from, tolerances_on
from services.permits.domain.field_tree import FieldTree, Judged, Place, Planned, judge

DAY = date(2026, 11, 20)
LIMITS = tolerances_on(DAY)
HERE = Place("19S", 5_062_990, 88_054_630)


def planned(**changes: Any) -> Planned:
    values = {
        "parcel": "PC 01", "code": "501", "species": "Brosimum guianense", "dbh_mm": 800, "height_mm": 18_000,
        "volume_dm3": 5_881, "condition": "harvestable", "place": HERE,
    } | changes  # fmt: skip
    return Planned(**values)


def found(**changes: Any) -> FieldTree:
    values = {
        "parcel": "PC 01", "code": "501", "state": "standing", "seen_on": DAY, "code_field": "501",
        "species_field": "Brosimum guianense", "diameter_a_mm": 800, "diameter_b_mm": 800, "diameter_method": "tape",
        "height_mm": 18_000, "place": HERE, "observation": None,
    } | changes  # fmt: skip
    return FieldTree(**values)


def judged(field: dict[str, Any], **plan: Any) -> Judged:
    return judge(planned(**plan), found(**field), LIMITS, 650)


def test_a_tree_as_listed_matches_to_the_litre() -> None:
    one = judged({})

    assert (one.verdict, one.differences, one.not_compared, one.distance_dm, one.field_dm3) == (
        "match",
        (),
        (),
        0,
        5_881,
    )


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ({"diameter_a_mm": 680, "diameter_b_mm": 680}, None), ({"diameter_a_mm": 679, "diameter_b_mm": 680}, "dbh"),
        ({"diameter_a_mm": 920, "diameter_b_mm": 920}, None), ({"diameter_a_mm": 920, "diameter_b_mm": 921}, "dbh"),
        ({"diameter_a_mm": 600, "diameter_b_mm": 1_000}, None),
        ({"height_mm": 14_400}, None), ({"height_mm": 14_399}, "height"),
        ({"height_mm": 21_600}, None), ({"height_mm": 21_601}, "height"),
        ({"place": Place("19S", 5_062_990 + 150, 88_054_630 + 200)}, None),
        ({"place": Place("19S", 5_062_990 + 151, 88_054_630 + 200)}, "position"),
        ({"species_field": "Hura crepitans"}, "species"), ({"code_field": "502"}, "code"),
    ],
)  # fmt: skip
def test_tolerances_end_where_they_say(field: dict[str, Any], what: str | None) -> None:
    one = judged(field)

    assert [difference.what for difference in one.differences] == ([] if what is None else [what])
    assert one.verdict == ("match" if what is None else "mismatch")


def test_the_two_remarks_from_which_the_diameter_tolerance_was_inferred_come_out() -> None:
    """Supervision records: 95 cm listed and 80 cm found (-15.8 %) was remarked upon, -6.3 % was not."""
    far = judged({"diameter_a_mm": 800, "diameter_b_mm": 800}, dbh_mm=950)
    near = judged({"diameter_a_mm": 750, "diameter_b_mm": 750}, dbh_mm=800)

    assert [one.verdict for one in (far, near)] == ["mismatch", "match"]


@pytest.mark.parametrize("state", ["stump", "moved"])
def test_a_stump_tells_species_and_place_and_nothing_of_breast_height(state: str) -> None:
    one = judged({"state": state, "diameter_a_mm": 300, "diameter_b_mm": 300, "height_mm": None})

    assert (one.verdict, one.not_compared, one.field_dm3) == ("match", ("dbh", "height"), None)


def test_what_was_not_measured_is_not_compared_and_says_so() -> None:
    one = judged(
        {"state": "fallen", "code_field": None, "diameter_a_mm": None, "diameter_b_mm": None, "height_mm": None}
    )

    assert (one.verdict, one.not_compared) == ("match", ("code", "dbh", "height"))


def test_without_the_place_of_the_census_the_place_is_not_compared() -> None:
    assert judged({}, place=None).not_compared == ("position",)


@pytest.mark.parametrize("state", ["absent", "not_reached"])
def test_what_was_not_seen_is_neither_match_nor_mismatch(state: str) -> None:
    assert judged({"state": state}).verdict == state


def test_at_the_border_of_two_zones_the_distance_is_that_on_the_ground() -> None:
    """72 degrees west, 12 degrees south: zone 18S ends and 19S begins at the same point."""
    west, east = Place("18S", 8_267_146, 86_716_668), Place("19S", 1_732_854, 86_716_668)

    one = judge(planned(place=west), found(place=east), LIMITS, 650)

    assert one.distance_dm is not None
    assert one.distance_dm < 250


def test_a_tolerance_is_the_newest_that_had_begun_and_each_says_where_it_comes_from() -> None:
    norms = field_document()
    later = {"name": "dbh_permille", "value": 100, "valid_from": "2030-01-01", "source": "x"}
    document = norms | {"tolerances": [later, *norms["tolerances"]]}

    days = (DAY, date(2030, 1, 1))
    assert [tolerances_from(document, day).dbh_permille for day in days] == [150, 100]
    with pytest.raises(ValueError, match="no tolerance"):
        tolerances_from(document, date(2014, 1, 1))
    assert norms["legal_review"] == "pending"
    assert all(row["source"] for row in norms["tolerances"])
