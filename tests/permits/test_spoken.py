"""Every source of a rule over plans and of a forensic threshold is said in Spanish too, also where a finding rests on several."""

import re
from datetime import date

import pytest

from services.permits.domain.forensics.thresholds import thresholds_on
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.shipped import shipped
from services.permits.domain.spoken import in_spanish
from services.permits.schemas.findings import RuleOutcome

ENGLISH = re.compile(r"\b(the|of|and|with|above|below|trees|honest|working|value)\b")
DAY = date(2026, 11, 29)
ROWS = [*shipped("plan_rules")["rules"], *shipped("plan_rules")["terms"], *shipped("forensics")["thresholds"]]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.get("rule") or row["name"])
def test_a_datum_has_its_source_in_both_languages(row: dict[str, str]) -> None:
    assert row["source"]
    assert row["source_es"]
    assert not ENGLISH.search(row["source_es"]), row["source_es"]


def test_one_source_is_said_in_one_way() -> None:
    assert len({(row["source"], row["source_es"]) for row in ROWS}) == len({row["source"] for row in ROWS})


def test_a_finding_that_rests_on_several_thresholds_names_each() -> None:
    thresholds = thresholds_on(DAY)
    names = ("f01_chance_s3", "f02_ratio_s2", "f04_scatter_s3")  # two of them hold the mark that joins them
    finding = thresholds.finding("F01", "S2", names, {}, "es", "en")

    said = in_spanish(finding.source)

    assert said == "; ".join(
        row["source_es"] for name in names for row in shipped("forensics")["thresholds"] if row["name"] == name
    )
    assert not ENGLISH.search(said)


def test_an_answer_carries_both_and_what_is_not_shipped_any_more_stays_as_it_is() -> None:
    rule = rules_on(DAY)["P01"]
    facts = rule.passed("plan:A", "es", "en", {}).facts() | {"kind": rule.kind, "numeral": rule.numeral}

    answer = RuleOutcome(**facts).model_dump()
    old = RuleOutcome(**facts | {"source": "An older catalogue"}).model_dump()

    assert (answer["source"], answer["source_es"]) == (rule.source, rule.source_es)
    assert old["source_es"] == "An older catalogue"
