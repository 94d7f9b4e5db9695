"""Norms as data: dated, sourced, reviewed or marked as pending."""

from shared.timber.bodies import BODIES
from shared.timber.norms import load

RULES = sorted(
    [f"C{n}" for n in ("01", "02", "03", "05", "07", "08", "09", "10", "11", "13", "17")]
    + ["B01", "B02", "T01", "T02", "T03", "T04", "M01", "M04", "M06", "D05", "D06", "H01"]
)


def test_every_rule_has_its_source_its_day_and_its_state_of_review() -> None:
    norms = load()

    assert sorted(norms.versions) == RULES
    for versions in norms.versions.values():
        for rule in versions:
            assert rule.norm
            assert rule.source
            assert rule.norm_es
            assert rule.source_es
            assert rule.legal_review
            assert rule.valid_from >= "2002-01-01"
            assert rule.title_es != rule.title_en
            assert {kind.partition("/")[0] for kind in rule.when} <= BODIES.keys()


def test_the_version_in_force_on_the_day_is_used() -> None:
    norms = load()

    ceilings = {day: norms.on(day)["M01"].parameters["ceilings_permille"].get("sawn") for day in
                ("1995-01-01", "2002-01-01", "2025-05-31", "2025-06-01", "2090-01-01")}  # fmt: skip

    assert ceilings == {"1995-01-01": 520, "2002-01-01": 520, "2025-05-31": 520, "2025-06-01": 560, "2090-01-01": 560}


def test_all_rules_are_there_on_any_day() -> None:
    for day in ("1990-01-01", "2015-10-01", "2026-01-01"):
        assert sorted(load().on(day)) == RULES


def test_severities_in_the_norms_are_severities() -> None:
    for versions in load().versions.values():
        for rule in versions:
            for name, value in rule.parameters.items():
                if name.startswith("severity"):
                    assert value in ("S1", "S2", "S3", "S4")
