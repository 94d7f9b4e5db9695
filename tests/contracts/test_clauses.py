"""Flags over clauses, permits and custody: raised by what they name, clear beside it, unknown where nobody said."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.contracts.domain.fair import Basis
from services.contracts.domain.flags import CHECKS, Flag, check_flags
from services.contracts.domain.flags.answer import all_of, any_of
from services.contracts.domain.kept import KeptLog
from services.contracts.domain.known import NOTHING_KNOWN, Known, PermitStanding
from services.contracts.domain.paired import paired_log_ratios, student_below
from services.contracts.domain.standing import Standing
from services.contracts.shipped import flag_pack
from tests.contracts.builders import (
    CAOBA,
    CEDRO,
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
    wood,
)

D = Decimal
HASH = "ab" * 32


def flag(code: str, offer: Json, basis: Basis | None = None, known: Known = NOTHING_KNOWN) -> Flag:
    return next(one for one in check_flags(judged(offer, basis, known), flag_pack()) if one.spec.code == code)


def t(**facts: Any) -> Json:
    return an_offer(terms=facts)


def two_species(**facts: Any) -> Json:
    """639 m³ of two species, 400 and 239."""
    lot = wood("400.000") | {"species": [*wood("400.000")["species"], *wood("239.000", CAOBA)["species"]]}
    return an_offer(lot=lot, lines=[per_volume("300", "m3", "mean_of_ends", "any")], terms=facts)


def share(kind: str, milli: int = 150) -> Json:
    return {"kind": kind, "species": "any", "share_milli": milli, "product": "standing", "point_of_sale": "stump"}


def advance(worth: str = "1000", billed: str = "1000", kind: str = "cash", days: int = 365) -> Json:
    return {"kind": kind, "worth": pen(worth), "billed": pen(billed), "recovered_days": days}


def standing(mid: str, low: str | None = None, reporters: int = 3, grade: str = "C") -> Basis:
    more = {} if low is None else {"low": pen(low)}
    entry = {"product": "standing", "unit": "m3", "rule": "mean_of_ends", "point_of_sale": "stump", "grade": grade}
    return a_basis(a_price_book(sawn(), sawn(mid, reporters=reporters, **entry, **more)))


FAIR = per_volume("330", "m3", "mean_of_ends")
CREDIT = [{"share_milli": 600, "days": 0}, {"share_milli": 400, "days": 100}]
PROFIT = an_offer(share("share_of_profit"))
LATE = {"payments": CREDIT}


def profit(**facts: Any) -> Json:
    return PROFIT | {"terms": facts}


CASES: list[tuple[str, str, str, Json, Basis | None]] = [
    ("P03", "raised", "M", an_offer(per_volume("294.73", "m3", "mean_of_ends")), standing("400", "200")),
    ("P03", "clear", "M", an_offer(per_volume("294.74", "m3", "mean_of_ends")), standing("400", "200")),
    ("P03", "unknown", "M", an_offer(), standing("400", "200", reporters=2)),
    ("P03", "unknown", "M", an_offer(), standing("400", "200", grade="D")),
    ("P03", "unknown", "M", an_offer(), None),
    ("P07", "raised", "H", t(defects={"taken": True}), None),
    ("P07", "raised", "H", t(defects={"taken": True, "formula": "d2L", "cap_milli": 101}), None),
    ("P07", "clear", "H", t(defects={"taken": True, "formula": "d2L", "cap_milli": 100}), None),
    ("P07", "clear", "H", t(defects={"taken": False}), None),
    ("P07", "unknown", "H", t(), None),
    ("P09", "raised", "H", t(index_shares={"up_milli": 500, "down_milli": 1000}), None),
    ("P09", "clear", "H", t(index_shares={"up_milli": 1000, "down_milli": 1000}), None),
    ("P09", "clear", "H", t(index_clause=False), None),
    ("P09", "unknown", "H", t(index_clause=True), None),
    ("P12", "raised", "I", t(buyer_sells_in="USD", term_months=13, fx_clause=False), None),
    ("P12", "clear", "I", t(buyer_sells_in="USD", term_months=12, fx_clause=False), None),
    ("P12", "clear", "I", t(buyer_sells_in="PEN"), None),
    ("P12", "unknown", "I", t(buyer_sells_in="USD", term_months=13), None),
    ("P13", "raised", "H", profit(buyer_controls_costs=True, cost_cap=False, audit_right=False), None),
    ("P13", "clear", "H", profit(buyer_controls_costs=True, cost_cap=False, audit_right=True), None),
    ("P13", "unknown", "H", profit(buyer_controls_costs=True, cost_cap=False), None),
    ("P13", "clear", "H", t(), None),
    ("P14", "raised", "H", an_offer(share("share_of_volume")), None),
    ("P14", "clear", "H", an_offer(share("share_of_volume", 500)), None),
    ("P14", "clear", "H", an_offer(), None),
    ("P14", "unknown", "H", an_offer(share("share_of_volume")), a_basis(bare=True)),
    ("V02", "raised", "M", t(remeasure_right=False), None),
    ("V02", "raised", "M", t(remeasure_right=True, remeasure_days=9), None),
    ("V02", "clear", "M", t(remeasure_right=True, remeasure_days=10), None),
    ("V02", "unknown", "M", t(remeasure_right=True), None),
    ("V05", "raised", "M", t(bark_deduction_stated=False), None),
    ("V05", "raised", "M", t(trim_mm=101, trim_stated=False), None),
    ("V05", "clear", "M", t(bark_deduction_stated=True, trim_mm=100, trim_stated=False), None),
    ("V05", "unknown", "M", t(bark_deduction_stated=True), None),
    ("V06", "raised", "M", t(left_logs_paid=False), None),
    ("V06", "clear", "M", t(left_logs_paid=True), None),
    ("V06", "unknown", "M", t(), None),
    ("T01", "raised", "H", t(paid_after_resale=True), None),
    ("T01", "clear", "H", t(paid_after_resale=False), None),
    ("T01", "unknown", "H", t(), None),
    ("T02", "raised", "M", an_offer(**LATE, terms={"delivery_days": 39}), None),
    ("T02", "raised", "M", an_offer(**LATE, terms={"removal_days": 50}), None),
    ("T02", "clear", "M", an_offer(**LATE, terms={"delivery_days": 40, "removal_days": 100}), None),
    ("T02", "clear", "M", an_offer(), None),
    ("T02", "unknown", "M", an_offer(**LATE, terms={"delivery_days": 40}), None),
    ("T03", "raised", "M", an_offer(**LATE, terms={"guarantee": "none"}), None),
    ("T03", "clear", "M", an_offer(**LATE, terms={"guarantee": "bond"}), None),
    ("T03", "clear", "M", an_offer(), None),
    ("T03", "unknown", "M", an_offer(**LATE), None),
    ("T04", "raised", "H", an_offer(FAIR, advances=[advance(billed="1835")]), None),
    ("T04", "clear", "H", an_offer(FAIR, advances=[advance(billed="1833")]), None),
    ("T04", "raised", "H", an_offer(per_tree("50"), advances=[advance()]), None),  # repaid in wood bought for nothing
    ("T04", "raised", "H", an_offer(FAIR, advances=[advance(billed="1151", kind="in_kind", days=3_000)]), None),
    ("T04", "clear", "H", an_offer(FAIR, advances=[advance(billed="1150", kind="in_kind", days=3_000)]), None),
    ("T04", "clear", "H", an_offer(), None),
    ("T04", "unknown", "H", an_offer(FAIR, advances=[advance()]), a_basis(bare=True)),
    ("T05", "raised", "S", t(debt_carries_over=True), None),
    ("T05", "raised", "S", t(debt_has_end_date=False), None),
    ("T05", "raised", "S", t(repaid_in_wood_or_labour_only=True), None),
    ("T05", "clear", "S", t(), None),
    ("T05", "clear", "S", an_offer(advances=[advance()], terms={
        "repaid_in_wood_or_labour_only": False, "debt_has_end_date": True, "debt_carries_over": False}), None),
    ("T05", "unknown", "S", an_offer(advances=[advance()]), None),
    ("T06", "raised", "H", t(costs_deducted_uncapped=True), None),
    ("T06", "clear", "H", t(costs_deducted_uncapped=False), None),
    ("T06", "unknown", "H", an_offer(deductions=[{"kind": "road", "amount": pen("10")}]), None),
    ("T07", "raised", "M", t(penalties_on="community"), None),
    ("T07", "raised", "M", t(penalties_on="both", penalty_milli=101), None),
    ("T07", "clear", "M", t(penalties_on="both", penalty_milli=100), None),
    ("T07", "clear", "M", t(penalties_on="nobody"), None),
    ("T07", "unknown", "M", t(penalties_on="both"), None),
    ("T08", "raised", "M", an_offer(per_tree("500", kind="in_kind"), terms={"price_list": False}), None),
    ("T08", "clear", "M", an_offer(per_tree("500", kind="in_kind"), terms={"price_list": True}), None),
    ("T08", "clear", "M", an_offer(), None),
    ("T08", "unknown", "M", an_offer(advances=[advance(kind="in_kind")]), None),
    ("L01", "raised", "S", t(signed_on="2026-11-09", assembly={
        "held": True, "on": "2026-11-10", "quorum": True, "attendance": 60, "votes_for": 51}), None),
    *(("L01", state, "S", t(assembly={"held": True, "on": "2026-11-10", "quorum": True, "attendance": 60, "votes_for": votes}), None)
      for state, votes in (("raised", 30), ("clear", 31), ("clear", 60), ("raised", 61))),
    ("L02", "raised", "H", t(signed_on="2026-11-15"), None),
    ("L02", "raised", "H", t(translated=False), None),
    ("L02", "clear", "H", t(signed_on="2026-11-16", translated=True, adviser_named=True), None),
    ("L02", "unknown", "H", t(signed_on="2026-11-16", translated=True), None),
    ("L03", "raised", "S", t(power_over=["permit", "sunat_key"]), None),
    ("L03", "clear", "S", t(power_over=[]), None),
    ("L03", "unknown", "S", t(), None),
    ("L05", "raised", "H", t(operator="third_party"), None),
    ("L05", "raised", "H", t(operator="buyer", regent_paid_by="buyer", regent_disclosed=False), None),
    ("L05", "clear", "H", t(operator="buyer", regent_paid_by="buyer", regent_disclosed=True), None),
    ("L05", "unknown", "H", t(operator="buyer"), None),
    ("L06", "raised", "S", t(sanctions={"listed": True, "on": "2026-11-20", "list_sha256": HASH}), None),
    ("L06", "unknown", "S", t(sanctions={"listed": False, "on": "2026-11-20", "list_sha256": HASH}), None),
    ("L06", "unknown", "S", t(), None),
    ("L09", "raised", "H", t(all_species=True), None),
    ("L09", "raised", "H", t(volume_limited=False), None),
    ("L09", "clear", "H", t(all_species=False, area_is_polygon=True, volume_limited=True), None),
    ("L09", "unknown", "H", t(all_species=False), None),
    ("L10", "raised", "H", t(term_months=13, plan_valid_to="2027-11-01"), None),
    ("L10", "clear", "M", t(term_months=12, plan_valid_to="2027-11-01", automatic_renewal=False), None),
    ("L10", "raised", "M", t(term_months=61), None),
    ("L10", "raised", "M", t(automatic_renewal=True), None),
    ("L10", "unknown", "M", t(term_months=12, automatic_renewal=False), None),
    ("L11", "raised", "M", t(exclusive_months=13), None),
    ("L11", "raised", "M", t(first_refusal_at_buyer_price=True), None),
    ("L11", "clear", "M", t(exclusive_months=12, first_refusal_at_buyer_price=False), None),
    ("L11", "unknown", "M", t(exclusive_months=12), None),
    ("L12", "raised", "H", t(may_terminate="buyer"), None),
    ("L12", "raised", "H", t(unpaid_exit=False), None),
    ("L12", "raised", "H", t(may_terminate="both", unpaid_exit=True, unpaid_exit_days=31), None),
    ("L12", "clear", "H", t(may_terminate="both", unpaid_exit=True, unpaid_exit_days=30), None),
    ("L12", "unknown", "H", t(may_terminate="both"), None),
    ("L13", "raised", "M", t(assignment_needs_consent=False), None),
    ("L13", "clear", "M", t(assignment_needs_consent=True), None),
    ("L13", "unknown", "M", t(), None),
    ("L14", "raised", "I", t(forum_region="lima"), None),
    ("L14", "raised", "I", t(forum_costs_on_community=True), None),
    ("L14", "clear", "I", t(forum_region="madre-de-dios", forum_costs_on_community=False), None),
    ("L14", "unknown", "I", t(forum_region="madre-de-dios"), None),
    ("L15", "raised", "H", t(annexes_missing=["mapa"]), None),
    ("L15", "clear", "H", t(annexes_missing=[]), None),
    ("L15", "unknown", "H", t(), None),
    ("L16", "raised", "H", t(silenced_to=["osinfor"]), None),
    ("L16", "clear", "H", t(silenced_to=[]), None),
    ("L16", "unknown", "H", t(), None),
    ("L17", "raised", "S", t(community_has_copy=False), None),
    ("L17", "clear", "S", an_offer(document_sha256=HASH), None),
    ("L17", "unknown", "S", t(community_has_copy=True), None),
    ("L17", "unknown", "S", t(), None),
    ("L18", "raised", "M", t(minors_rule=False), None),
    ("L18", "clear", "M", t(wages_stated=True, insurance_stated=True, minors_rule=True), None),
    ("L18", "unknown", "M", t(wages_stated=True), None),
    ("E01", "raised", "M", t(buyer_certificate="suspended"), None),
    ("E01", "raised", "M", t(sold_as_certified=True, chain_of_custody_code=False), None),
    ("E01", "clear", "M", t(buyer_certificate="none", sold_as_certified=False), None),
    ("E01", "unknown", "M", t(buyer_certificate="valid"), None),
    ("E02", "raised", "S", an_offer(lot=wood(species=CAOBA), terms={"cites_evidence": False}), None),
    ("E02", "raised", "S", t(seed_trees_included=True), None),
    ("E02", "clear", "S", an_offer(lot=wood(species=CEDRO), terms={
        "cites_evidence": True, "seed_trees_included": False}), None),
    ("E02", "clear", "S", t(seed_trees_included=False), None),
    ("E02", "unknown", "S", t(), None),
    ("E03", "raised", "S", t(census_m3="638.999"), None),
    ("E03", "raised", "S", t(area_ha="25.000"), None),
    ("E03", "clear", "S", t(census_m3="639.000", area_ha="26.000"), None),
    ("E03", "unknown", "S", t(census_m3="639.000"), None),
    ("E03", "raised", "S", t(census_species_m3=[{"species": TORNILLO, "volume_m3": "638.999"}]), None),
    ("E03", "raised", "S", t(census_m3="900.000", census_species_m3=[{"species": CAOBA, "volume_m3": "700.000"}]), None),
    ("E03", "clear", "S", t(area_ha="26.000", census_species_m3=[{"species": TORNILLO, "volume_m3": "639.000"}]), None),
    ("E03", "unknown", "S", t(census_species_m3=[{"species": TORNILLO, "volume_m3": "639.000"}]), None),
    ("E03", "unknown", "S", two_species(census_m3="900.000", area_ha="90.000"), None),
    ("E03", "clear", "S", two_species(area_ha="90.000", census_species_m3=[
        {"species": TORNILLO, "volume_m3": "400.000"}, {"species": CAOBA, "volume_m3": "239.000"}]), None),
    ("E03", "raised", "S", two_species(area_ha="90.000", census_m3="900.000", census_species_m3=[
        {"species": TORNILLO, "volume_m3": "500.000"}, {"species": CAOBA, "volume_m3": "238.999"}]), None),
    ("S01", "raised", "I", t(bidders=1), None),
    ("S01", "raised", "I", t(first_contact_on="2026-11-09", signed_on="2026-11-10"), None),
    ("S01", "clear", "I", t(bidders=2, first_contact_on="2026-11-08", signed_on="2026-11-10"), None),
    ("S01", "unknown", "I", t(bidders=2), None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "state", "severity", "offer", "basis"), CASES)
def test_a_flag_is_raised_clear_or_unknown(
    code: str, state: str, severity: str, offer: Json, basis: Basis | None
) -> None:
    found = flag(code, offer, basis)

    assert (found.outcome.state, found.severity) == (state, severity)
    for language in ("es", "en"):
        text = found.text(language)  # type: ignore[arg-type]
        assert text
        assert "{" not in text


def test_the_catalogue_has_fifty_flags_and_every_one_has_its_three_states_in_a_test() -> None:
    from tests.contracts import test_flags

    others = next(mark for mark in test_flags.test_a_flag_is_raised_clear_or_unknown.pytestmark).args[1]
    seen = {(code, state) for code, state, *_ in [*CASES, *others, *ANSWERED]}

    assert len(CHECKS) == 50
    lacking = {(code, state) for code in CHECKS for state in ("raised", "clear", "unknown")} - seen
    # Nobody has to say where a volume comes from: the offer's basis does.
    assert lacking == {("P11", "unknown")}


# --- permits and custody ------------------------------------------------------------------------------------------


def permit(**more: Any) -> Known:
    facts = {"number": "P-1", "on": date(2026, 11, 22), "valid": True, "movement_valid": True, "status": "in_force"}
    return Known(permit=PermitStanding(**(facts | {"volume_m3": D("700"), "move_to": date(2027, 6, 30)} | more)))


def felled(**more: Any) -> Known:
    """The same permit, and logs that custody holds."""
    return replace(permit(**more), custody_logs=custody(1_000).custody_logs)


def sells(*products: str) -> Json:
    """An offer under the permit, a line for each product."""
    prices = [
        per_volume("10", "m3", "mean_of_ends", names, product=product)
        for product, names in zip(products, ([TORNILLO], "any"), strict=False)
    ]
    return an_offer(permit="P-1", lines=prices)


NOT_LISTED = Standing("20000000001", date(2026, 11, 10), "not_listed", (), ())


def settled(*volumes: str, rule: str = "mean_of_ends") -> Json:
    logs = [{"code": f"L{n}", "volume_m3": volume} for n, volume in enumerate(volumes)]
    return an_offer(settlement={"rule": rule, "logs": logs})


def custody(*litres: int) -> Known:
    return Known(custody_logs=tuple(KeptLog(f"id-{n}", f"L{n}", TORNILLO, volume) for n, volume in enumerate(litres)))


def twins(*named: Json) -> Json:
    """A sheet of nine logs of which two bear one code, each row called as given; 3 % short or so."""
    rows = [{"code": f"L{n}", "volume_m3": volume} for n, volume in enumerate(SHORT)]
    return an_offer(
        settlement={"rule": "mean_of_ends", "logs": rows + [{"code": "T", "volume_m3": "0.950"} | one for one in named]}
    )


def in_two_parcels() -> Known:
    """The eight logs, and two more of one code."""
    logs = custody(*EIGHT).custody_logs or ()
    parcels = [KeptLog(TWIN[n], "T", TORNILLO, 1_000, f"PC 0{n + 1}") for n in (0, 1)]
    return Known(custody_logs=(*logs, *parcels))


TWIN = [f"00000000-0000-5000-8000-00000000000{n}" for n in (0, 1)]
EIGHT = (1_000, 1_200, 1_400, 1_600, 1_800, 2_000, 2_200, 2_400)
SHORT = ("0.950", "1.150", "1.320", "1.540", "1.700", "1.920", "2.080", "2.300")
SAME = ("1.010", "1.190", "1.405", "1.595", "1.810", "1.990", "2.205", "2.395")
ANSWERED: list[tuple[str, str, Json, Known]] = [
    ("L07", "raised", an_offer(regent="regente-1"), Known(regent="not_registered")),
    ("L07", "raised", an_offer(regent="regente-1"), Known(regent="unlicensed")),
    ("L07", "clear", an_offer(regent="regente-1"), Known(regent="licensed")),
    ("L07", "unknown", an_offer(regent="regente-1"), Known(regent="registered")),
    ("L07", "unknown", an_offer(regent="regente-1"), NOTHING_KNOWN),
    ("L08", "raised", an_offer(permit="P-1"), permit(valid=False, status="suspended")),
    ("L08", "raised", an_offer(permit="P-1"), permit(volume_m3=D("638.999"))),
    ("L08", "raised", an_offer(permit="P-1"), Known(permit="not_found")),
    ("L08", "clear", an_offer(permit="P-1"), permit(volume_m3=D("639"))),
    ("L08", "unknown", an_offer(permit="P-1"), permit(volume_m3=None)),
    ("L08", "unknown", an_offer(permit="P-1"), NOTHING_KNOWN),
    ("L08", "clear", an_offer(permit="P-1"), permit(species_m3={TORNILLO: D("639")})),
    ("L08", "raised", an_offer(permit="P-1"), permit(species_m3={TORNILLO: D("638.999"), CAOBA: D("61.001")})),
    ("L08", "raised", an_offer(permit="P-1"), permit(species_m3={CAOBA: D("700")})),
    ("L08", "clear", an_offer(permit="P-1"), replace(permit(), left_m3={TORNILLO: D("639")})),
    ("L08", "raised", an_offer(permit="P-1"), replace(permit(), left_m3={TORNILLO: D("638.999")})),
    ("L08", "raised", an_offer(permit="P-1"), replace(permit(), left_m3={CAOBA: D("700")})),
    # What custody already holds may have been drawn from the permit before.
    ("L08", "clear", sells("log"), replace(felled(), left_m3={TORNILLO: D("1")})),
    ("L06", "clear", t(sanctions={"listed": False, "on": "2026-11-20", "list_sha256": HASH}), Known(buyer=NOT_LISTED)),
    ("L08", "raised", an_offer(permit="P-1"), permit(valid=False)),
    ("L08", "raised", sells("standing", "log"), felled(valid=False)),
    ("L08", "clear", sells("log"), felled(valid=False)),
    ("L08", "raised", sells("log"), felled(valid=False, movement_valid=False)),
    ("L08", "raised", sells("log"), felled(valid=False, volume_m3=D("638.999"))),
    ("L08", "unknown", sells("log"), permit(valid=False)),
    ("L08", "raised", sells("log"), permit(valid=False, movement_valid=False)),
    ("L08", "raised", sells("log"), permit(valid=False, volume_m3=D("638.999"))),
    ("L08", "clear", sells("log"), permit()),
    ("V03", "raised", settled(*SHORT), custody(*EIGHT)),
    ("V03", "clear", settled(*SAME), custody(*EIGHT)),
    ("V03", "unknown", settled(*SHORT[:7]), custody(*EIGHT)),
    ("V03", "unknown", settled(*SHORT, rule="smalian"), custody(*EIGHT)),
    ("V03", "unknown", settled(*SHORT), NOTHING_KNOWN),
    ("V04", "raised", settled("0.969"), custody(1_000)),
    ("V04", "clear", settled("0.970"), custody(1_000)),
    ("V04", "unknown", settled("0.970"), NOTHING_KNOWN),
    ("V04", "unknown", an_offer(), custody(1_000)),
    ("L10", "raised", t(term_months=9), permit()),
]


@pytest.mark.parametrize(("code", "state", "offer", "known"), ANSWERED)
def test_what_permits_and_custody_answered_decides(code: str, state: str, offer: Json, known: Known) -> None:
    found = flag(code, offer, None, known)

    assert found.outcome.state == state
    assert "{" not in found.text("es") + found.text("en")


@pytest.mark.parametrize(
    ("named", "logs"),
    [
        (({"parcel": "PC 01"}, {"parcel": "PC 02"}), 10), (({"item": TWIN[1]}, {"item": TWIN[0]}), 10),
        (({"item": TWIN[1]}, {"parcel": "PC 01"}), 10), (({},), 8), (({"parcel": "PC 03"},), 8), (({"parcel": "PC 02"}, {}), 10),
    ],
)  # fmt: skip
def test_two_logs_of_one_code_are_told_apart_by_parcel_or_item_and_never_by_a_guess(
    named: tuple[Json, ...], logs: int
) -> None:
    v03, v04 = (flag(code, twins(*named), None, in_two_parcels()) for code in ("V03", "V04"))

    assert (v03.outcome.state, v03.outcome.evidence["logs"]) == ("raised", logs)
    # The volume of the whole lot is known whatever its logs are called.
    assert (v04.outcome.state, v04.outcome.evidence["custody_m3"]) == ("raised", "15.6")


def test_logs_of_one_code_are_pinned_each_with_its_parcel() -> None:
    assert (custody(1_000).as_json()["custody_logs"], in_two_parcels().as_json()["custody_logs"]["T (PC 02)"]) == (
        {"L0": 1_000}, 1_000,
    )  # fmt: skip
    same = KeptLog(TWIN[0], "T", TORNILLO, 1_000, "PC 01"), KeptLog(TWIN[1], "T", TORNILLO, 900, "PC 01")
    assert Known(custody_logs=same).as_json()["custody_logs"] == {
        f"T (PC 01) {TWIN[0]}": 1_000,
        f"T (PC 01) {TWIN[1]}": 900,
    }


def test_wood_that_was_not_settled_is_a_loss_in_soles() -> None:
    found = flag("V04", settled("0.500") | {"lines": [FAIR]}, None, custody(1_000))

    assert found.outcome.loss == D("165.000")


def test_an_expected_fine_is_the_loss_of_who_carries_the_fines() -> None:
    risky = t(operator="buyer", fines_on="community", fine_risks=[{"probability_milli": 1_000, "uit_milli": 7_082}])

    assert flag("L04", risky).outcome.loss == D("36472.300")
    assert flag("L04", t(operator="buyer", fines_on="community")).outcome.loss is None


# --- words and statistics -----------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([True, False, None]), max_size=5))
def test_unknown_never_decides(values: list[bool | None]) -> None:
    assert any_of(*values) is (True if True in values else None if None in values else False)
    opposite = [None if value is None else not value for value in values]
    one, other = all_of(*values), any_of(*opposite)
    assert one is (None if other is None else not other)


@given(st.floats(min_value=-40, max_value=40), st.integers(min_value=1, max_value=2_000))
def test_students_distribution_agrees_with_scipy(value: float, freedom: int) -> None:
    assert student_below(value, freedom) == pytest.approx(float(stats.t.cdf(value, freedom)), abs=1e-9)


volumes = st.decimals(min_value="0.100", max_value="9", places=3)


@given(st.lists(st.tuples(volumes, volumes), min_size=3, max_size=30))
def test_paired_scaling_agrees_with_scipy_and_does_not_mind_the_order(pairs: list[tuple[Decimal, Decimal]]) -> None:
    ratios = [float((one / other).ln()) for one, other in pairs]
    found = paired_log_ratios(pairs)

    assert found == paired_log_ratios(pairs[::-1])
    if len(set(ratios)) > 1:
        assert float(found.p) == pytest.approx(float(stats.ttest_1samp(ratios, 0, alternative="less").pvalue), abs=1e-4)


def test_logs_that_all_shrink_alike_are_no_chance() -> None:
    assert paired_log_ratios([(D("0.9"), D(1))] * 8).p == 0
    assert paired_log_ratios([(D(1), D(1))] * 8).p == 1


def test_the_wood_of_the_cases_is_the_wood_of_the_builders() -> None:
    assert set(judged(an_offer()).wood.species) == {TORNILLO}


def test_a_price_that_stands_still_for_twenty_years_loses_what_inflation_takes() -> None:
    """W15: on the average of its years it is worth 74.39 %."""
    found = flag("P08", an_offer(per_tree("50"), terms={"term_months": 240, "index_clause": False}))

    assert found.outcome.loss is not None
    assert round(found.outcome.loss / 5_000, 4) == D("0.2561")


def test_the_price_of_an_advance_is_hidden_in_the_wood_and_in_nothing_else() -> None:
    """F9: repaid in wood at half its worth it doubles in a year, whatever else the contract takes off or pays late."""
    half = per_volume("147.82", "m3", "mean_of_ends")
    road = [{"kind": "road", "amount": pen("30000")}]
    late = [{"share_milli": 1_000, "days": 300}]

    plain, laden, waiting = (
        flag("T04", an_offer(half, advances=[advance()], **more)).outcome.evidence["annual_rate"]
        for more in ({}, {"deductions": road}, {"payments": late})
    )

    assert plain == laden == waiting == "1.0000"
    fair = flag("T04", an_offer(per_volume("295.65", "m3", "mean_of_ends"), advances=[advance(billed="1250")]))
    assert fair.outcome.evidence["annual_rate"] == "0.2500"


def test_only_what_is_dear_of_an_advance_is_said() -> None:
    cash = flag("T04", an_offer(FAIR, advances=[advance(billed="2000")]))
    goods = flag("T04", an_offer(FAIR, advances=[advance(billed="1200", kind="in_kind", days=3_000)]))

    assert cash.text("es") == "Lo que se adelanta sale caro: el adelanto cuesta 100 % al año."
    assert goods.text("es") == "Lo que se adelanta sale caro: la mercadería se anotó 20 % por encima de la tienda."
    assert goods.text("en") == "What is advanced comes dear: the goods were written 20 per cent above the shop price."


def test_a_lost_vote_is_told_in_its_figures() -> None:
    lost = {"held": True, "on": "2026-11-10", "quorum": True, "attendance": 40, "votes_for": 3}

    assert "votaron a favor 3 de 40" in flag("L01", t(assembly=lost)).text("es")


def test_wood_beyond_the_permit_is_named_with_both_volumes() -> None:
    drawn = flag("L08", an_offer(permit="P-1"), None, replace(permit(), left_m3={TORNILLO: D("40.5")}))
    other = flag("L08", an_offer(permit="P-1"), None, permit(species_m3={CAOBA: D("700")}))

    assert "se ofrecen 639.000 m³ y del permiso P-1 quedan 40.5." in drawn.text("es")
    assert "the permit P-1 does not authorise tornillo (Cedrelinga cateniformis)" in other.text("en")
    assert other.outcome.evidence["species"] == [TORNILLO]


def test_several_advances_have_one_rate_together() -> None:
    two = an_offer(FAIR, advances=[advance(billed="1100"), advance(billed="1210", days=730)])

    assert flag("T04", two).outcome.evidence["all_advances"] == "0.1000"
    assert flag("T04", an_offer(FAIR, advances=[advance()])).outcome.evidence["all_advances"] is None
