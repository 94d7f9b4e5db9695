"""Valid offers and books; a test states only what matters to it."""

from datetime import date
from typing import Any

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.fair import Basis
from services.contracts.domain.judged import Case, judge_offer
from services.contracts.domain.known import NOTHING_KNOWN, Known
from services.contracts.domain.lot import count_wood
from services.contracts.domain.money import ExchangeRate
from services.contracts.domain.offer import Offer
from services.contracts.shipped import flag_pack
from shared.timber.measure import LogRule

Json = dict[str, Any]
TORNILLO, SHIHUAHUACO, LUPUNA = "Cedrelinga cateniformis", "Dipteryx micrantha", "Ceiba pentandra"
ISHPINGO, CEDRO, CAOBA = "Amburana acreana", "Cedrela odorata", "Swietenia macrophylla"
ON = date(2026, 11, 22)

# Costs of the worked example W06, S/ 292 a round cubic metre.
W06_COSTS = {
    "milling": "95", "river_transport": "60", "skidding": "70", "felling": "28", "planning": "18", "fees": "6",
    "overhead": "15",
}  # fmt: skip


def pen(amount: str) -> Json:
    return {"amount": amount, "currency": "PEN"}


def per_tree(amount: str = "50", species: Any = "any", **more: Any) -> Json:
    line = {"kind": "per_tree", "species": species, "price": pen(amount), "product": "standing"}
    return line | {"point_of_sale": "stump"} | more


def per_volume(amount: str, unit: str, rule: str, species: Any = "any", **more: Any) -> Json:
    line = {"kind": "per_volume", "species": species, "price": pen(amount), "unit": unit, "rule": rule}
    return line | {"product": "standing", "point_of_sale": "stump"} | more


def wood(volume_m3: str = "639.000", species: str = TORNILLO, trees: int | None = 100, **more: Any) -> Json:
    one = {"species": species, "volume_m3": volume_m3, **({} if trees is None else {"trees": trees})}
    return {"basis": "census", "species": [one]} | more


def t10() -> list[Json]:
    """The lot T10 of the worked examples: ten tornillo logs of 4.9 m."""
    return [
        {"species": TORNILLO, "large_mm": 460, "small_mm": 420, "length_mm": 4_900, "count": 4},
        {"species": TORNILLO, "large_mm": 620, "small_mm": 560, "length_mm": 4_900, "count": 4},
        {"species": TORNILLO, "large_mm": 880, "small_mm": 800, "length_mm": 4_900, "count": 2},
    ]


def an_offer(*lines: Json, **more: Any) -> Json:
    """S/ 50 a tree for a hundred trees of the plan's own mean of 6.39 m³."""
    return {
        "title": "Compra de madera, PC 01",
        "community": "comunidad-a",
        "buyer": "aserradero-1",
        "region": "madre-de-dios",
        "offered_on": "2026-11-01",
        "lines": list(lines) or [per_tree()],
        "lot": wood(),
    } | more


def sawn(amount: str = "3.20", species: str = "any", **more: Any) -> Json:
    """A reference price of sawn wood at the mill, by board foot."""
    entry = {
        "species": species, "product": "sawn", "unit": "pt", "rule": "sawn", "point_of_sale": "mill_gate",
        "mid": pen(amount), "grade": "B", "observed_on": "2026-10-15", "source": "Boletín de prueba",
    }  # fmt: skip
    return entry | more


def a_price_book(*entries: Json, **more: Any) -> Json:
    book = {
        "id": "precios-mdd", "title": "Precios de referencia", "region": "madre-de-dios", "as_of": "2026-11-01",
        "source": "Boletín de prueba", "licence": "CC BY 4.0", "entries": list(entries) or [sawn()],
    }  # fmt: skip
    return book | more


def a_cost_book(costs: dict[str, str] | None = None, recovery: int = 520, margin: int = 200, **more: Any) -> Json:
    book = {
        "id": "costos-mdd", "title": "Costos de la cadena", "region": "madre-de-dios", "as_of": "2026-11-01",
        "source": "Taller de prueba", "recovery_milli": {"mid": recovery}, "margin_milli": {"mid": margin},
        "lines": [
            {"step": step, "mid": pen(amount), "source": "Taller de prueba", "on": "2026-10-15"}
            for step, amount in (W06_COSTS if costs is None else costs).items()
        ],
    }  # fmt: skip
    return book | more


def signed(book: Json) -> Json:
    """A cost book as a forester signed it, unless it says whether somebody did."""
    return {"signed_by": {"name": "Forestal de prueba", "licence": "R-1", "on": "2026-10-20"}} | book


def a_basis(
    prices: Json | None = None, costs: Json | None = None, *, base: str = "mean_of_ends", rate_milli: int = 180,
    fx: Json | None = None, bare: bool = False,
) -> Basis:  # fmt: skip
    """The basis of W06, unless parts of it are given; ``bare`` leaves out what is not given. Costs are signed."""
    prices = prices if prices is not None or bare else a_price_book()
    costs = costs if costs is not None or bare else a_cost_book()
    costs = None if costs is None else signed(costs)
    return Basis(
        ON,
        rate_milli,
        LogRule(base),
        None if prices is None else PriceBook.model_validate(prices),
        None if costs is None else CostBook.model_validate(costs),
        None if fx is None else ExchangeRate.model_validate(fx),
    )


def judged(offer: Json, basis: Basis | None = None, known: Known = NOTHING_KNOWN) -> Case:
    """An offer judged against a basis, W06 by default."""
    parsed, basis = Offer.model_validate(offer), basis or a_basis()
    counted = count_wood(parsed.lot, None, "not_asked", basis.base_rule)
    return judge_offer(parsed, counted, basis, flag_pack().verdict, known)


def a_report(id_: str = "01JDQ7Z5P0000000000000000A", amount: str = "120", **more: Any) -> Json:
    """A community sold standing tornillo by the official cubic metre, and has the receipt."""
    line = more.pop("line", None) or per_volume(amount, "m3", "mean_of_ends", [TORNILLO])
    report = {
        "id": id_, "side": "seller", "line": line, "region": "madre-de-dios", "observed_on": "2026-09-15",
        "tier": "receipt", "sale_kind": "negotiated", "volume_m3": "80.000", "evidence_sha256": "ab" * 32,
    }  # fmt: skip
    return {name: value for name, value in (report | more).items() if value is not None}
