"""Species: exact names in, all candidates out, dates that bind, diameters in their order."""

from datetime import date, timedelta
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Malformed
from shared.timber import species
from shared.timber.species import Catalogue, UnknownSpecies, catalogue


def names(found: tuple[species.Species, ...]) -> set[str]:
    return {one.name for one in found}


def test_an_accepted_name_is_found_and_another_is_refused_by_name() -> None:
    assert catalogue().accepted("Cedrelinga cateniformis").trade_name == "Tornillo"
    assert "Cedrelinga cateniformis" in catalogue()

    with pytest.raises(UnknownSpecies) as refused:
        catalogue().accepted("Cedrelinga catenaeformis", "body.species")
    assert isinstance(refused.value, Malformed)
    assert "Cedrelinga catenaeformis" in refused.value.text("es")
    assert refused.value.where == "body.species"


@pytest.mark.parametrize("text", ["tornillo", "TORNILLO", " Tornillo ", "huayra  caspi", "cedrorana"])
def test_a_trade_name_of_one_species_finds_it_however_it_is_written(text: str) -> None:
    assert names(catalogue().candidates(text)) == {"Cedrelinga cateniformis"}


def test_accents_do_not_matter() -> None:
    assert catalogue().candidates("tahuari") == catalogue().candidates("Tahuarí") != ()


def test_an_ambiguous_trade_name_answers_with_every_species_it_may_mean() -> None:
    assert names(catalogue().candidates("shihuahuaco")) == {
        "Dipteryx ferrea",
        "Dipteryx micrantha",
        "Dipteryx odorata",
    }
    assert names(catalogue().candidates("balsamo")) == {"Astronium lecointei", "Myroxylon balsamum"}
    assert len(catalogue().candidates("moena")) == 4


def test_a_scientific_name_wins_over_trade_names_and_a_former_name_leads_to_the_accepted_one() -> None:
    assert names(catalogue().candidates("swietenia macrophylla")) == {"Swietenia macrophylla"}
    assert names(catalogue().candidates("Allantoma decandra")) == {"Cariniana decandra"}


def test_an_unknown_name_answers_with_nothing_rather_than_the_nearest() -> None:
    assert catalogue().candidates("tornilo") == ()


@given(st.sampled_from(sorted(catalogue(), key=lambda one: one.name)))
def test_every_species_is_among_the_candidates_of_each_of_its_trade_names(one: species.Species) -> None:
    for name in one.trade_names:
        assert one in catalogue().candidates(name.upper())


@pytest.mark.parametrize(
    ("name", "in_force"),
    [("Dipteryx micrantha", date(2024, 11, 25)), ("Swietenia macrophylla", date(2003, 11, 15))],
)
def test_a_cites_listing_binds_from_its_day_of_force_and_not_before(name: str, in_force: date) -> None:
    one = catalogue().accepted(name)

    listing = one.cites_on(in_force)

    assert listing is not None
    assert listing.appendix == "II"
    assert one.cites_on(in_force - timedelta(days=1)) is None


def test_a_species_outside_cites_is_outside_on_every_day() -> None:
    assert catalogue().accepted("Hura crepitans").cites_on(date(2099, 1, 1)) is None


@pytest.mark.parametrize(
    ("trade_name", "dmc_mm"),
    [
        ("capirona", 410), ("topa", 410), ("marupá", 460), ("azúcar huayo", 510), ("pumaquiro", 530),
        ("ishpingo", 560), ("catahua", 600), ("lagarto caspi", 610), ("tornillo", 610), ("lupuna blanca", 640),
        ("cedro", 650), ("caoba", 750),
    ],
)  # fmt: skip
def test_the_listed_minimum_cutting_diameters_are_those_of_the_norm(trade_name: str, dmc_mm: int) -> None:
    assert {one.dmc_mm for one in catalogue().candidates(trade_name)} == {dmc_mm}


def test_the_plan_wins_over_the_list_and_the_list_over_the_general_diameter() -> None:
    listed = catalogue().minimum_diameter("Dipteryx micrantha")
    by_plan = catalogue().minimum_diameter("Dipteryx micrantha", plan_mm=700)
    unlisted = catalogue().minimum_diameter("Genus species")

    assert listed is not None
    assert listed.diameter_mm == 510
    assert by_plan == species.Minimum(700, "plan")
    assert unlisted == catalogue().general_dmc


def test_no_diameter_makes_a_prohibited_species_cuttable() -> None:
    assert catalogue().minimum_diameter("Bertholletia excelsa", plan_mm=900) is None
    assert catalogue().minimum_diameter("Hura crepitans", plan_mm=900) is not None


def test_yield_ceilings_are_those_of_the_norm_and_cites_species_have_none() -> None:
    tornillo, caoba = catalogue().accepted("Cedrelinga cateniformis"), catalogue().accepted("Swietenia macrophylla")

    assert (tornillo.yield_ceiling_milli("sawn"), tornillo.yield_ceiling_milli("flooring_blank")) == (560, 410)
    assert caoba.yield_ceiling_milli("sawn") is None
    assert tornillo.yield_ceiling_milli("roundwood") is None


def test_every_row_says_its_source_and_is_a_binomial() -> None:
    assert len(catalogue()) == 84
    for one in catalogue():
        assert one.source
        assert one.dmc_basis
        assert len(one.name.split()) == 2
        assert one.name == one.name.strip().capitalize()


def test_the_catalogue_says_its_version_and_its_sources() -> None:
    about = species.about()

    assert about["version"] == catalogue().version
    assert about["legal_review"] == "pending"
    assert {"names", "dmc", "cites", "wood_density", "yield"} <= set(about["sources"])


def test_a_broken_row_stops_the_reading_and_the_shipped_one_reads() -> None:
    norms = resources.files("shared.timber") / "norms"
    table, about = ((norms / f"species.{kind}").read_text(encoding="utf-8") for kind in ("csv", "json"))

    assert isinstance(species.parse(table, about), Catalogue)
    with pytest.raises(ValueError):
        species.parse(table.replace(",750,", ",seventy-five,"), about)
