"""Red flags: each raised by what it names, clear beside its threshold, unknown where nobody said."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from services.contracts.domain.fair import Basis
from services.contracts.domain.flags import CHECKS, Flag, check_flags, parse_pack
from services.contracts.shipped import _DATA, flag_pack
from tests.contracts.builders import (
    CAOBA,
    LUPUNA,
    TORNILLO,
    Json,
    a_basis,
    a_price_book,
    an_offer,
    judged,
    pen,
    per_tree,
    per_volume,
    sawn,
    t10,
    wood,
)

D = Decimal
LOGS = {"basis": "logs", "logs": t10()}
THICK = {"basis": "logs", "logs": [{"species": TORNILLO, "large_mm": 1_000, "small_mm": 960, "length_mm": 4_900}]}
ASSEMBLY = {"held": True, "on": "2026-11-10", "quorum": True, "attendance": 60, "votes_for": 51}


def flag(code: str, offer: Json, basis: Basis | None = None) -> Flag:
    return next(one for one in check_flags(judged(offer, basis), flag_pack()) if one.spec.code == code)


def terms(**facts: Any) -> Json:
    return an_offer(terms=facts)


BARE = a_basis(bare=True)
DOYLE = per_volume("1.20", "pt", "doyle")
TWO_SPECIES = {
    "basis": "census",
    "species": [
        {"species": CAOBA, "volume_m3": "10.000", "trees": 2}, {"species": LUPUNA, "volume_m3": "90.000", "trees": 9},
    ],
}  # fmt: skip
TWO_PRICES = a_basis(a_price_book(sawn("17", CAOBA), sawn("5", LUPUNA)))


@pytest.mark.parametrize(
    ("code", "state", "severity", "offer", "basis"),
    [
        ("P01", "raised", "S", an_offer(per_volume("98.44", "m3", "mean_of_ends")), None),
        ("P01", "raised", "H", an_offer(per_volume("98.50", "m3", "mean_of_ends")), None),
        ("P01", "raised", "H", an_offer(per_volume("177.36", "m3", "mean_of_ends")), None),
        ("P01", "clear", "H", an_offer(per_volume("177.40", "m3", "mean_of_ends")), None),
        ("P01", "unknown", "H", an_offer(), BARE),
        ("P02", "raised", "H", an_offer(per_volume("295.63", "m3", "mean_of_ends")), None),
        ("P02", "clear", "H", an_offer(per_volume("295.64", "m3", "mean_of_ends")), None),
        ("P02", "unknown", "H", an_offer(), BARE),
        ("P04", "raised", "H", terms(price_stated_without_rule=True), None),
        ("P04", "clear", "H", terms(price_stated_without_rule=False), None),
        ("P04", "unknown", "H", an_offer(), None),
        ("P05", "raised", "H", an_offer(DOYLE, lot=LOGS), None),
        ("P05", "raised", "H", an_offer(per_volume("0.20", "pt", "sawn")), None),
        ("P05", "clear", "H", an_offer(per_volume("330", "m3", "smalian"), lot=LOGS), None),
        ("P05", "clear", "H", an_offer(per_volume("3", "pt", "sawn", product="sawn", point_of_sale="mill_gate")), None),
        ("P05", "clear", "H", an_offer(), None),
        ("P05", "unknown", "H", an_offer(DOYLE), None),
        ("P06", "raised", "H", an_offer(DOYLE, lot=LOGS), None),
        ("P06", "clear", "H", an_offer(DOYLE, lot=THICK), None),
        ("P06", "raised", "H", an_offer(DOYLE, lot=wood(median_diameter_mm=639)), None),
        ("P06", "clear", "H", an_offer(DOYLE, lot=wood(median_diameter_mm=640)), None),
        ("P06", "clear", "H", an_offer(per_volume("1.20", "pt", "oxapampina")), None),
        ("P06", "unknown", "H", an_offer(DOYLE), None),
        ("P08", "raised", "M", terms(term_months=13, index_clause=False), None),
        ("P08", "raised", "H", terms(term_months=240, index_clause=False), None),
        ("P08", "clear", "M", terms(term_months=12), None),
        ("P08", "clear", "M", terms(index_clause=True), None),
        ("P08", "unknown", "M", terms(term_months=13), None),
        ("P08", "unknown", "M", terms(index_clause=False), None),
        ("P10", "raised", "H", an_offer(per_tree(), lot=TWO_SPECIES), TWO_PRICES),
        ("P10", "raised", "H", an_offer(per_tree("50", [CAOBA]), per_tree("50", [LUPUNA]), lot=TWO_SPECIES), TWO_PRICES),
        ("P10", "clear", "H", an_offer(per_tree("900", [CAOBA]), per_tree("50", [LUPUNA]), lot=TWO_SPECIES), TWO_PRICES),
        ("P10", "clear", "H", an_offer(per_tree(), lot=TWO_SPECIES), None),
        ("P10", "clear", "H", an_offer(), BARE),
        ("P10", "unknown", "H", an_offer(per_tree(), lot=TWO_SPECIES), BARE),
        ("P11", "raised", "M", an_offer(lot=wood(basis="declared")), None),
        ("P11", "raised", "M", an_offer(per_tree(kind="lump_sum"), lot=wood(basis="declared")), None),
        ("P11", "clear", "M", an_offer(), None),
        ("P11", "clear", "M", an_offer(per_volume("330", "m3", "smalian"), lot=wood(basis="declared")), None),
        ("V01", "raised", "H", terms(scaler="buyer", joint_scaling=False, tally_copy=False), None),
        ("V01", "clear", "H", terms(scaler="buyer", joint_scaling=False, tally_copy=True), None),
        ("V01", "clear", "H", terms(scaler="joint"), None),
        ("V01", "unknown", "H", terms(scaler="buyer", joint_scaling=False), None),
        ("V01", "unknown", "H", an_offer(), None),
        ("L01", "clear", "S", terms(assembly=ASSEMBLY), None),
        ("L01", "raised", "S", terms(assembly={"held": False}), None),
        ("L01", "raised", "S", terms(assembly=ASSEMBLY | {"on": "2026-10-31"}), None),
        ("L01", "clear", "S", terms(assembly=ASSEMBLY | {"on": "2026-11-01"}), None),
        ("L01", "raised", "S", terms(assembly=ASSEMBLY | {"quorum": False}), None),
        ("L01", "raised", "S", terms(assembly=ASSEMBLY | {"attendance": None}), None),
        ("L01", "raised", "S", terms(assembly={"held": True}), None),
        ("L01", "unknown", "S", an_offer(), None),
        ("L04", "raised", "S", terms(operator="buyer", fines_on="community"), None),
        ("L04", "raised", "S", terms(operator="third_party", fines_on="shared"), None),
        ("L04", "raised", "S", terms(operator="buyer", fines_on="buyer", solidarity_waived=True), None),
        ("L04", "clear", "S", terms(operator="buyer", fines_on="buyer", solidarity_waived=False), None),
        ("L04", "clear", "S", terms(operator="community", fines_on="community"), None),
        ("L04", "unknown", "S", terms(operator="buyer", fines_on="buyer"), None),
        ("L04", "unknown", "S", terms(fines_on="community"), None),
        ("L04", "unknown", "S", an_offer(), None),
    ],
)  # fmt: skip
def test_a_flag_is_raised_clear_or_unknown(
    code: str, state: str, severity: str, offer: Json, basis: Basis | None
) -> None:
    found = flag(code, offer, basis)

    assert (found.outcome.state, found.severity) == (state, severity)
    for language in ("es", "en"):
        text = found.text(language)  # type: ignore[arg-type]
        assert text
        assert "{" not in text


def test_the_rule_flag_counts_the_feet_and_the_soles_that_go_unpaid() -> None:
    found = flag("P05", an_offer(DOYLE, lot=LOGS), a_basis(base="smalian"))

    assert found.outcome.evidence["lost_pt"] == "2389.18"
    assert found.outcome.evidence["credited"] == "0.5915"
    assert found.outcome.loss is not None
    assert round(found.outcome.loss, 2) == D("2867.01")  # 1.20 x (5,848.9564 - 3,459.78)
    assert "2,389" in found.text("es")


def test_the_price_flag_carries_the_loss_of_the_whole_lot() -> None:
    found = flag("P01", an_offer())

    assert found.outcome.loss == judged(an_offer()).total.losses[1]  # type: ignore[index]
    assert found.spec.legal_review == "pending"


def test_a_flag_cites_the_clause_that_somebody_named() -> None:
    cited = terms(operator="buyer", fines_on="community", where={"fines_on": "cláusula 4, pág. 2"})

    assert "cláusula 4, pág. 2" in flag("L04", cited).text("es")
    assert "cláusula" not in flag("L04", terms(operator="buyer", fines_on="community")).text("es")


def test_an_offer_of_which_nobody_said_anything_has_no_clear_clause() -> None:
    states = {one.spec.code: one.outcome.state for one in check_flags(judged(an_offer()), flag_pack())}

    assert {states[code] for code in ("P04", "P08", "V01", "L01", "L04")} == {"unknown"}


def test_the_shipped_catalogue_and_the_checks_are_of_the_same_codes() -> None:
    assert {spec.code for spec in flag_pack().flags} == set(CHECKS)
    for spec in flag_pack().flags:
        assert spec.source
        assert spec.source_es
        assert not re.search(r"\b(the|of|and|with|is|are|press|should)\b", spec.source_es), spec.source_es
        assert spec.legal_review in ("pending", "not needed")
        assert set(spec.es) == set(spec.en) == {"title", "raised", "clear", "unknown"}


def test_a_catalogue_that_forgets_a_flag_stops_the_start_and_the_whole_one_does_not() -> None:
    data = (_DATA / "flags.json").read_bytes()
    facts = json.loads(data)

    assert parse_pack(data).version == facts["version"]
    with pytest.raises(ValueError, match="P01"):
        parse_pack(json.dumps(facts | {"flags": facts["flags"][1:]}).encode())


def test_another_threshold_is_another_hash() -> None:
    data = (_DATA / "flags.json").read_bytes()

    assert parse_pack(data).sha256 != parse_pack(data.replace(b'"0.40"', b'"0.41"')).sha256


def test_low_prices_in_dollars_are_compared_in_soles() -> None:
    fx = {"pen_per_usd": "3.75", "on": "2026-11-01", "source": "SBS"}
    dollars = per_volume("0.32", "pt", "doyle") | {"price": {"amount": "0.32", "currency": "USD"}}
    soles = per_volume("1.20", "pt", "doyle") | {"price": pen("1.20")}

    one, other = (flag("P05", an_offer(line, lot=LOGS), a_basis(fx=fx)) for line in (dollars, soles))

    assert one.outcome.loss == other.outcome.loss
