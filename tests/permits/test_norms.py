"""Norms and species as they were on a day; a trade name of several species is asked back, never guessed."""

import pytest

from shared.timber.norms.laws import in_force, load_laws
from shared.timber.species import catalogue
from shared.timber.trade_names import AmbiguousName, meant, uses
from tests.permits.conftest import Permits


def _shared_name() -> str:
    """A trade name that several species of the list go by."""
    return next(
        name for one in catalogue() for name in one.trade_names if len(catalogue().candidates(name)) > 1
    )  # fmt: skip


async def test_what_was_in_force_is_answered_by_day(permits: Permits) -> None:
    before, now = await permits.get("/v1/norms", on="2010-01-01"), await permits.get("/v1/norms", on="2026-01-01")

    assert {one["code"] for one in before["acts"]} == {"PE-L27308", "PE-RJ458-2002"}
    assert "PE-L29763" in {one["code"] for one in now["acts"]}
    assert "PE-L27308" not in {one["code"] for one in now["acts"]}
    assert (before["sanctions"], [one["rule"] for one in before["rules"]]) == ([], ["M01"])
    assert [one["numeral"] for one in now["sanctions"]] == ["1", "2", "10", "11", "21", "26", "29"]
    assert "C03" in {one["rule"] for one in now["rules"]}
    assert {"title_area_tolerance_permille", "psad56_to_wgs84_m"} <= {one["name"] for one in now["thresholds"]}
    assert "P05" in {one["rule"] for one in now["plan_rules"]}
    assert now["assembly"][0]["quorum_permille"] == 500
    assert (await permits.get("/v1/norms", expect=422, on="hoy"))["slug"] == "malformed"


def test_every_entry_of_the_laws_says_where_it_comes_from_and_who_has_to_confirm_it() -> None:
    laws = load_laws()
    entries = [one for name in ("acts", "sanctions", "caducity") for one in laws[name]]

    assert all(one["source"] and one["legal_review"] and one["valid_from"] for one in entries)
    assert {one["norm"] for one in laws["sanctions"] + laws["caducity"]} <= {one["code"] for one in laws["acts"]}
    for one in in_force(laws["acts"], "2015-09-30"):
        assert one["code"] != "PE-L29763"


async def test_a_species_is_found_by_its_names_and_listed_by_day(permits: Permits) -> None:
    before = await permits.get("/v1/species", name="Dipteryx micrantha", on="2024-11-24")
    after = await permits.get("/v1/species", name="dipteryx MICRANTHA", on="2024-11-25")

    assert (before["items"][0]["cites"], after["items"][0]["cites"]["appendix"]) == (None, "II")
    assert after["items"][0]["dmc_mm"] == 510
    assert after["legal_review"] == "pending"
    assert len((await permits.get("/v1/species"))["items"]) == len(catalogue()) == 84
    await permits.get("/v1/species", trade_name="Manchinga", expect=409)
    here = await permits.get("/v1/species", trade_name="manchinga", region="madre-de-dios")
    assert [one["name"] for one in here["items"]] == ["Brosimum guianense"]
    assert here["items"][0]["shares_name_with"] == ["Brosimum alicastrum"]
    await permits.get("/v1/species", name="Manchinga", expect=404)
    await permits.get("/v1/species", trade_name="pino radiata", expect=404)


async def test_a_trade_name_of_several_species_is_answered_with_all_of_them(permits: Permits) -> None:
    name = _shared_name()

    problem = await permits.get("/v1/species", trade_name=name, expect=409)

    assert problem["slug"] == "ambiguous-name"
    names = [one["name"] for one in problem["facts"]["candidates"]]
    assert len(names) > 1
    assert all(one in problem["detail_es"] and one in problem["detail_en"] for one in names)
    chosen = await permits.get("/v1/species", name=names[0])
    assert set(names[1:]) <= set(chosen["items"][0]["shares_name_with"])


def test_a_region_leaves_what_was_seen_there_and_is_no_guess_where_nothing_was_seen() -> None:
    name = _shared_name()
    first, second, *_ = catalogue().candidates(name)
    seen = {("loreto", name.casefold()): frozenset({second.name})}

    assert meant(name, "loreto", known=seen) == (second,)
    for region in (None, "ucayali"):
        with pytest.raises(AmbiguousName):
            meant(name, region, known=seen)
    both = {("loreto", name.casefold()): frozenset({first.name, second.name})}
    with pytest.raises(AmbiguousName) as caught:
        meant(name, "loreto", known=both)
    assert [one["regions"] for one in caught.value.candidates] == [["loreto"], ["loreto"]]


def test_every_use_that_is_shipped_names_a_listed_species() -> None:
    assert len(uses()) >= 20
    for (region, _), names in uses().items():
        assert region == "madre-de-dios"
        assert all(name in catalogue() for name in names)
