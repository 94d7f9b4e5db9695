"""The public lottery of trees: sizes against brute force, tickets against chance, and the draw against those who would choose."""

import random
from collections import Counter
from datetime import date
from fractions import Fraction
from math import ceil, comb, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from shared.timber.cites import listed_genera
from shared.timber.lottery import (
    CITES,
    HIGH,
    REST,
    Source,
    Tree,
    cites_names,
    draw,
    first_tickets,
    listing_root,
    sample_of,
    sample_size,
    seed_of,
    strata_of,
    ticket_of,
)
from shared.timber.norms.lottery import design_from, design_on, lottery_norms
from shared.timber.species import catalogue

DAY = "2026-11-20"
SOURCE = Source("trozalog.test/x/2026", 100, "ab" * 32, None)


def a_tree(code: int, **changes: object) -> Tree:
    values = {
        "parcel": "PC 01", "code": str(code), "species": "Brosimum guianense", "dbh_mm": 800, "height_mm": 18_000,
        "volume_dm3": 5_881, "condition": "harvestable",
    } | changes  # fmt: skip
    return Tree(**values)  # type: ignore[arg-type]


TREES = st.lists(
    st.builds(
        a_tree, st.integers(1, 9_999), parcel=st.sampled_from(["PC 01", "PC 02"]),
        species=st.sampled_from(["Brosimum guianense", "Cedrelinga cateniformis", "Dipteryx ferrea"]),
        volume_dm3=st.integers(500, 20_000), condition=st.sampled_from(["harvestable", "harvestable", "seed"]),
    ),
    max_size=60, unique_by=lambda tree: (tree.parcel, tree.code),
)  # fmt: skip


def seed(number: int) -> str:
    return seed_of("PO-1", "cd" * 32, "ef" * 32, Source("o", number, "ab" * 32, None))


# ---- how many


@pytest.mark.parametrize(("share", "trees"), [(50, 59), (100, 29), (10, 299)])
def test_the_sizes_of_a_large_stratum_are_those_of_the_formula(share: int, trees: int) -> None:
    assert sample_size(share, 950) == trees == ceil(log(0.05) / log(1 - share / 1000))


@settings(deadline=None)
@given(st.integers(1, 999), st.integers(500, 999))
def test_the_whole_numbers_agree_with_the_logarithms(share: int, confidence: int) -> None:
    by_logs = log(1 - confidence / 1000) / log(1 - share / 1000)

    assert sample_size(share, confidence) in (ceil(by_logs - 1e-9), ceil(by_logs + 1e-9))


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 999), st.integers(1, 999))
def test_a_small_stratum_needs_exactly_what_counting_all_samples_says(trees: int, share: int, confidence: int) -> None:
    n = sample_of(trees, share, confidence)
    phantoms = max(1, ceil(Fraction(trees * share, 1000)))

    def missed(size: int) -> Fraction:
        return Fraction(comb(trees - phantoms, size), comb(trees, size))

    allowed = 1 - Fraction(confidence, 1000)
    assert 1 <= n <= trees
    assert missed(n) <= allowed < missed(n - 1)


def test_a_finite_stratum_never_needs_more_than_the_formula_and_comes_to_it() -> None:
    sizes = [sample_of(trees, 50, 950) for trees in range(1, 400)] + [sample_of(200_000, 50, 950)]

    assert max(sizes) == sizes[-1] == sample_size(50, 950)
    assert sample_of(0, 50, 950) == 0


@pytest.mark.parametrize(("share", "confidence"), [(0, 950), (1000, 950), (50, 0), (50, 1000)])
def test_a_share_of_nothing_or_of_all_has_no_size(share: int, confidence: int) -> None:
    with pytest.raises(ValueError, match="permille"):
        sample_size(share, confidence)


# ---- which layer


def test_cites_binds_from_its_day_and_takes_in_the_genus_by_another_name() -> None:
    names = {"Dipteryx ferrea", "Dipteryx sp.", "Brosimum guianense", "Swietenia macrophylla"}

    after, before = (cites_names(names, catalogue(), day) for day in (date(2024, 11, 25), date(2024, 11, 24)))

    assert after == {"Dipteryx ferrea", "Dipteryx sp.", "Swietenia macrophylla"}
    assert before == {"Swietenia macrophylla"}


@pytest.mark.parametrize(
    "name", ["Cedrela spp.", "Swietenia sp.", "Dipteryx spp.", "Handroanthus sp.", "Tabebuia aurea"]
)
def test_a_genus_that_cites_lists_whole_takes_in_every_name_of_it(name: str) -> None:
    listed = listed_genera()[name.partition(" ")[0]].in_force

    assert cites_names({name}, catalogue(), listed) == {name}
    others = {"Cedrelinga cateniformis", "Aniba amazonica", "Brosimum spp."}
    assert cites_names(others, catalogue(), listed) == frozenset()


def test_a_name_outside_the_catalogue_of_a_genus_with_a_listed_species_may_be_that_one() -> None:
    """CITES lists Aniba rosaeodora alone: moena is free of it, a tree that is called Aniba sp. is not."""
    assert cites_names({"Aniba sp.", "Aniba amazonica"}, catalogue(), date(2026, 1, 1)) == {"Aniba sp."}


@settings(deadline=None)
@given(TREES)
def test_every_harvestable_tree_is_in_one_stratum_and_no_other_tree_in_any(trees: list[Tree]) -> None:
    strata = strata_of(trees, frozenset({"Dipteryx ferrea"}), design_on(DAY))

    assert Counter(tree for layer in strata.values() for tree in layer) == Counter(
        tree for tree in trees if tree.condition == "harvestable"
    )
    assert {tree.species for tree in strata[CITES]} <= {"Dipteryx ferrea"}


@settings(deadline=None)
@given(TREES)
def test_the_upper_stratum_is_worth_half_and_no_tree_of_the_rest_is_worth_more(trees: list[Tree]) -> None:
    design = design_on(DAY)
    strata = strata_of(trees, frozenset(), design)

    def value(tree: Tree) -> int:
        return tree.volume_dm3 * design.weight_of(tree.species)

    high, rest = ([value(tree) for tree in strata[name]] for name in (HIGH, REST))
    whole = sum(high) + sum(rest)
    assert min(high, default=0) >= max(rest, default=0) or not high
    assert 2 * sum(high) >= whole
    assert not high or 2 * (sum(high) - min(high)) < whole


def test_the_design_is_the_newest_that_had_begun() -> None:
    norms = lottery_norms()
    later = norms["designs"][0] | {"valid_from": "2030-01-01", "share_permille": 20}
    document = norms | {"designs": [later, *norms["designs"]]}

    assert [design_from(document, day).share_permille for day in (DAY, "2030-01-01")] == [50, 20]
    with pytest.raises(ValueError, match="no design"):
        design_from(document, "2014-01-01")


def test_every_design_says_where_it_comes_from() -> None:
    norms = lottery_norms()

    assert norms["legal_review"] == "pending"
    assert all(row["source"] for row in norms["designs"] + norms["weights"])
    assert set(norms["weights"][0]["genera"]) <= {one.name.split()[0] for one in catalogue()}


# ---- which trees


def test_the_bytes_of_seed_and_ticket_are_fixed() -> None:
    """Computed once by hand with hashlib; docs/format.md shows the same."""
    root = listing_root([a_tree(501), a_tree(1170)])
    made = seed_of("PO-17", "00" * 32, root, SOURCE)

    assert root == "c25843dc125b34affda44d0514f9757c4cd797b3f5390d93e0b1a57069e98099"
    assert made == "a365814fe66c6e6eec868a18671ef301d51404a6c45947668ef1aa51fd5b0177"
    assert ticket_of(made, "PC 01", "501") == "9e1cea7797655281e70fcf262ef0281e42832f8570317ffc3cbc2d491957dde4"


@settings(deadline=None)
@given(TREES, st.randoms(use_true_random=False))
def test_a_draw_does_not_depend_on_the_order_of_the_trees(trees: list[Tree], chance: random.Random) -> None:
    shuffled = list(trees)
    chance.shuffle(shuffled)
    cites, design = frozenset({"Dipteryx ferrea"}), design_on(DAY)

    one, other = (draw(seed(1), strata_of(order, cites, design), design) for order in (trees, shuffled))

    assert one == other


@settings(deadline=None)
@given(TREES)
def test_a_stricter_design_draws_the_same_trees_and_more(trees: list[Tree]) -> None:
    design = design_on(DAY)
    strata = strata_of(trees, frozenset(), design)

    for layer in strata.values():
        few, many = (first_tickets(seed(1), layer, sample_of(len(layer), share, 950)) for share in (200, 20))
        assert many[: len(few)] == few


@pytest.mark.parametrize(
    ("plan", "census", "listing", "source"),
    [
        ("PO-2", "cd" * 32, "ef" * 32, SOURCE),
        ("PO-1", "ce" * 32, "ef" * 32, SOURCE),
        ("PO-1", "cd" * 32, "ee" * 32, SOURCE),
        ("PO-1", "cd" * 32, "ef" * 32, Source(SOURCE.origin, 101, SOURCE.root, None)),
        ("PO-1", "cd" * 32, "ef" * 32, Source(SOURCE.origin, 100, "ac" * 32, None)),
        ("PO-1", "cd" * 32, "ef" * 32, Source("other", 100, SOURCE.root, None)),
        ("PO-1", "cd" * 32, "ef" * 32, Source(SOURCE.origin, 100, SOURCE.root, "— near AAAA")),
    ],
)
def test_whatever_goes_into_the_seed_changes_it(plan: str, census: str, listing: str, source: Source) -> None:
    assert seed_of(plan, census, listing, source) != seed_of("PO-1", "cd" * 32, "ef" * 32, SOURCE)


def test_over_many_seeds_every_tree_of_a_stratum_is_as_likely() -> None:
    trees, drawn_each, rounds = [a_tree(n) for n in range(1, 41)], 8, 2_000
    seen: Counter[str] = Counter()
    together = 0
    for number in range(rounds):
        codes = {tree.code for _, tree in first_tickets(seed(number), trees, drawn_each)}
        seen.update(codes)
        together += {"1", "2"} <= codes

    # Without replacement the counts vary less than chi-square expects, by (N - n) / (N - 1): scaled back.
    statistic = chisquare([seen[tree.code] for tree in trees]).statistic / ((40 - drawn_each) / 40)
    assert 15.0 < statistic < 75.0  # 39 degrees of freedom: 0.0005 and 0.9995 quantiles are 14.9 and 77.4
    # Neighbours in the census are drawn together as often as chance has it: 2000 x 8/40 x 7/39 = 71.8.
    assert 40 < together < 105


# ---- what it is for


def _caught(share: float, rounds: int, trees: int = 400) -> float:
    """How often a draw of the norm's design catches a phantom, over fixed seeds."""
    census = [a_tree(n) for n in range(trees)]
    chance, caught = random.Random(7), 0
    for number in range(rounds):
        phantoms = {tree.code for tree in chance.sample(census, ceil(share * trees))}
        picked = first_tickets(seed(number), census, sample_of(trees, 50, 950))
        caught += any(tree.code in phantoms for _, tree in picked)
    return caught / rounds


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_with_that_many_phantoms_the_stated_detection_holds(share: float) -> None:
    rounds = 400

    assert _caught(share, rounds) >= 0.95 - 3 * (0.95 * 0.05 / rounds) ** 0.5


@pytest.mark.full
@pytest.mark.parametrize("trees", [60, 400, 2_000])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.3])
def test_with_that_many_phantoms_the_stated_detection_holds_over_many_draws(share: float, trees: int) -> None:
    rounds = min(5_000, 1_000_000 // trees)

    assert _caught(share, rounds, trees) >= 0.95 - 3 * (0.95 * 0.05 / rounds) ** 0.5
