"""Any combination of prices, facts and books is answered: nothing that a form accepts breaks an appraisal."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.domain.appraisal import appraise
from services.contracts.domain.fair import Basis
from services.contracts.domain.kept import KeptLog
from services.contracts.domain.known import Known
from services.contracts.domain.lot import count_wood
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import Pins, canonical, sha256_of
from services.contracts.domain.report import aloud, page
from services.contracts.domain.standing import standing_on
from services.contracts.domain.terms import Terms
from services.contracts.schemas.appraisals import AppraisalOut
from services.contracts.shipped import flag_pack
from tests.contracts.builders import (
    CAOBA,
    LUPUNA,
    ON,
    TORNILLO,
    Json,
    a_basis,
    a_cost_book,
    a_price_book,
    an_offer,
    pen,
    sawn,
    t10,
    wood,
)

# Facts that are more than yes, no or a small number.
SHAPED: dict[str, list[Any]] = {
    "scaler": ["buyer", "joint"], "operator": ["buyer", "community", "third_party"], "fines_on": ["community", "shared"],
    "assembly": [{"held": False}, {"held": True, "on": "2026-11-10"}], "defects": [{"taken": True}, {"taken": False}],
    "index_shares": [{"up_milli": 500, "down_milli": 1000}], "buyer_sells_in": ["USD", "PEN"],
    "guarantee": ["none", "bond"], "penalties_on": ["nobody", "community"], "signed_on": ["2026-11-01", "2026-12-01"],
    "power_over": [[], ["permit"]], "regent_paid_by": ["buyer", "other"],
    "fine_risks": [[{"probability_milli": 500, "uit_milli": 7082}]],
    "sanctions": [{"listed": True, "on": "2026-11-01", "list_sha256": "ab" * 32}], "plan_valid_to": ["2027-01-01"],
    "may_terminate": ["buyer", "both"], "forum_region": ["lima", "madre-de-dios"], "annexes_missing": [[], ["mapa"]],
    "silenced_to": [[], ["osinfor"]], "buyer_certificate": ["valid", "suspended"], "census_m3": ["1.000", "9999.000"],
    "census_species_m3": [[{"species": TORNILLO, "volume_m3": "0.900"}], [{"species": CAOBA, "volume_m3": "0.001"}]],
    "area_ha": ["0.001", "900.000"], "first_contact_on": ["2026-10-31"], "where": [{"scaler": "cláusula 1"}],
}  # fmt: skip
COUNTED = {name for name in Terms.model_fields if name.endswith(("_milli", "_days", "_months", "_mm"))} | {"bidders"}


def _values(name: str) -> st.SearchStrategy[Any]:
    if name in SHAPED:
        return st.sampled_from(SHAPED[name])
    return st.sampled_from([0, 1, 13, 400]) if name in COUNTED else st.booleans()


facts = st.fixed_dictionaries({}, optional={name: _values(name) for name in Terms.model_fields}).map(
    lambda found: {name: value for name, value in found.items() if name != "index_shares" or found.get("index_clause")}
)
money = st.sampled_from(["0.0001", "1", "330", "99999"]).flatmap(
    lambda amount: st.sampled_from([{"amount": amount, "currency": currency} for currency in ("PEN", "USD")])
)
species = st.sampled_from(["any", [TORNILLO], [CAOBA, LUPUNA]])
places = st.sampled_from([("standing", "stump"), ("log", "stump"), ("log", "mill_gate"), ("sawn", "mill_gate")])


def _line(kind: str, names: Any, price: Json, place: tuple[str, str], unit: str, share: int) -> Json:
    product, point = place
    whole = {"species": names, "product": product, "point_of_sale": point}
    if kind.startswith("share"):
        return whole | {"kind": kind, "share_milli": share}
    if kind == "per_volume":
        rule = "sawn" if product == "sawn" else "doyle" if unit == "pt" else "smalian"
        return whole | {"kind": kind, "price": price, "unit": unit, "rule": rule}
    return whole | {"kind": kind, "price": price, "product": "log"}


def _no_dearer_than_wood(line: Json, lot: Json) -> Json:
    """The line at no more than a form accepts: by the board foot, and as a sum for a thousandth of a cubic metre."""
    thin = lot.get("species", [{}])[0].get("volume_m3") == "0.001" and line["kind"] in ("lump_sum", "in_kind")
    most = 100 if thin else 250 if line.get("unit") == "pt" else 99_999
    price = line.get("price")
    if price is None or float(price["amount"]) <= most:
        return line
    return line | {"price": price | {"amount": str(most)}}


kinds = st.sampled_from(
    ["per_volume", "per_tree", "lump_sum", "in_kind", "share_of_volume", "share_of_revenue", "share_of_profit"]
)
lines = st.builds(_line, kinds, species, money, places, st.sampled_from(["m3", "pt"]), st.sampled_from([1, 150, 1000]))
advances = st.lists(
    st.builds(
        lambda kind, worth, billed, days: {"kind": kind, "worth": worth, "billed": billed, "recovered_days": days},
        st.sampled_from(["cash", "in_kind"]), money, money, st.sampled_from([0, 1, 400]),
    ),
    max_size=2,
)  # fmt: skip
payments = st.sampled_from(
    [[{"share_milli": 1000, "days": 0}], [{"share_milli": 0, "days": 0}, {"share_milli": 1000, "days": 36_500}]]
)
lots = st.sampled_from(
    [wood(), wood(trees=None), {"basis": "logs", "logs": t10()}, wood("0.001", CAOBA, median_diameter_mm=300),
     {"basis": "declared", "species": [{"species": name, "volume_m3": "9.000", "volume_low_m3": "1.000"} for name in (CAOBA, LUPUNA)]}]
)  # fmt: skip
FX = {"pen_per_usd": "3.75", "on": "2026-11-01", "source": "SBS"}
BANDS = a_price_book(sawn(low=pen("2.80"), high=pen("3.60"), grade="given"), sawn("17", CAOBA, low=pen("0.01")))
SIGNED = a_cost_book(
    recovery_milli={"low": 1, "mid": 520, "high": 1000}, margin_milli={"low": 0, "mid": 200, "high": 1000},
    signed_by={"name": "Forestal de prueba", "licence": "R-1", "on": "2026-10-20"},
)  # fmt: skip
bases = st.sampled_from([a_basis(fx=FX), a_basis(), a_basis(bare=True), a_basis(BANDS, SIGNED, fx=FX, base="smalian")])
knowns = st.sampled_from(
    [
        Known(),
        Known(buyer=standing_on("20000000001", ON, [])),
        Known("not_found", "not_registered", (KeptLog("a", "L0", LUPUNA, 0),)),
        Known(None, "registered", (KeptLog("a", "L0", LUPUNA, 900),)),
    ]
)
settled = st.sampled_from([None, {"rule": "mean_of_ends", "logs": [{"code": "L0", "volume_m3": "0.900"}]}])


@settings(max_examples=60)
@given(lines, facts, advances, payments, lots, bases, knowns, settled)
def test_whatever_the_forms_accept_is_answered_as_documented(
    line: Json, stated: Json, given_advances: list[Json], paid: list[Json], lot: Json, basis: Basis, known: Known,
    settlement: Json | None,
) -> None:  # fmt: skip
    line = _no_dearer_than_wood(line, lot)
    more = {} if settlement is None else {"settlement": settlement}
    offer = Offer.model_validate(
        an_offer(line, terms=stated, advances=given_advances, payments=paid, lot=lot, families=3, permit="P-1", **more)
    )
    counted = count_wood(offer.lot, None, "not_asked", basis.base_rule)

    found = appraise(offer, counted, basis, flag_pack(), Pins(sha256_of(offer), None, None, None), None, known)

    read = AppraisalOut.model_validate(orjson.loads(canonical(found)))
    assert len(read.flags) == 50
    for language in ("es", "en"):
        assert "{" not in aloud(found, language)  # type: ignore[arg-type]
        assert page(found, language).endswith("</html>\n")  # type: ignore[arg-type]
        assert len(found["text"][language]["sms"]) <= 480
