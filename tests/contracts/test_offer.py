"""What an offer may not leave open: every refusal, and beside it the nearest thing that passes."""

import copy
from decimal import Decimal
from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.border import Contradiction, spelled
from services.contracts.domain.lot import LotEstimate
from services.contracts.domain.money import Money
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import sha256_of
from services.contracts.domain.price import AbsurdPrice, PriceLine
from services.contracts.store.contracts import parse_offer
from shared.timber.species import UnknownSpecies
from tests.contracts.builders import (
    LUPUNA,
    TORNILLO,
    Json,
    a_cost_book,
    a_price_book,
    an_offer,
    pen,
    per_tree,
    per_volume,
    sawn,
    t10,
    wood,
)

LINE: TypeAdapter[Any] = TypeAdapter(PriceLine)
REFUSALS = (ValidationError, Contradiction, UnknownSpecies)


def without(form: Json, *path: Any) -> Json:
    changed = copy.deepcopy(form)
    at = changed
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return changed


def with_(form: Json, value: Any, *path: Any) -> Json:
    changed = copy.deepcopy(form)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return changed


DOYLE = per_volume("0.90", "pt", "doyle", [TORNILLO])


@pytest.mark.parametrize(
    "path", [("unit",), ("rule",), ("point_of_sale",), ("product",), ("species",), ("kind",), ("price", "currency"),
             ("price", "amount")],
)  # fmt: skip
def test_a_price_without_unit_rule_point_product_species_or_currency_is_not_a_price(path: tuple[str, ...]) -> None:
    assert LINE.validate_python(DOYLE).rule.value == "doyle"

    with pytest.raises(ValidationError):
        LINE.validate_python(without(DOYLE, *path))


@pytest.mark.parametrize("amount", ["0.90", "50", "1.3165", "249.9999"])
def test_a_price_is_decimal_text(amount: str) -> None:
    assert LINE.validate_python(with_(DOYLE, amount, "price", "amount")).price.amount == Decimal(amount)


@pytest.mark.parametrize(
    "amount",
    [0.9, 1, True, None, "", "1e3", "-1", "+1", " 1", "1 ", "1.", ".5", "01", "1,5", "NaN", "Infinity", "0", "0.0000",
     "1.23456", "1234567890123", "１", "1_0"],
)  # fmt: skip
def test_a_price_is_neither_a_json_number_nor_another_spelling_nor_nothing(amount: Any) -> None:
    with pytest.raises(ValidationError):
        LINE.validate_python(with_(DOYLE, amount, "price", "amount"))


def test_money_has_one_spelling() -> None:
    assert [spelled(Decimal(text)) for text in ("50", "50.0", "50.00", "1.3165", "1.3160")] == [
        "50.00", "50.00", "50.00", "1.3165", "1.316",
    ]  # fmt: skip
    assert Money.model_validate(pen("50.0")).model_dump(mode="json") == pen("50.00")


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (with_(DOYLE, "220", "rule"), with_(DOYLE, "oxapampina", "rule")),
        (with_(DOYLE, "ft", "unit"), with_(DOYLE, "m3", "unit")),
        (with_(DOYLE, "EUR", "price", "currency"), with_(DOYLE, "USD", "price", "currency")),
        (with_(DOYLE, "forest", "point_of_sale"), DOYLE),
        (with_(DOYLE, "mill_gate", "point_of_sale"), DOYLE | {"point_of_sale": "mill_gate", "product": "log"}),
        (with_(DOYLE, "sawn", "product"), DOYLE | {"product": "sawn", "rule": "sawn", "point_of_sale": "mill_gate"}),
        (DOYLE | {"product": "log", "point_of_sale": "fob"},
         DOYLE | {"product": "sawn", "rule": "sawn", "point_of_sale": "fob"}),
        (per_tree(product="log", point_of_sale="fob"), per_tree(product="log", point_of_sale="mill_gate")),
        (per_tree(point_of_sale="roadside"), per_tree(product="log", point_of_sale="roadside")),
        (per_tree(product="sawn"), per_tree(kind="lump_sum")),
        (per_tree(unit="pt"), per_tree()),
        (with_(DOYLE, [], "species"), with_(DOYLE, "any", "species")),
        (with_(DOYLE, ["Tornillo"], "species"), with_(DOYLE, [TORNILLO], "species")),
        (with_(DOYLE, [TORNILLO, TORNILLO], "species"), with_(DOYLE, [TORNILLO, LUPUNA], "species")),
        (with_(DOYLE, "share_of_profit", "kind"), DOYLE),
    ],
)  # fmt: skip
def test_a_price_line_that_contradicts_itself_is_refused_and_its_twin_is_not(bad: Json, good: Json) -> None:
    LINE.validate_python(good)
    with pytest.raises(REFUSALS):
        LINE.validate_python(bad)


LOGS = {"basis": "logs", "logs": t10()}
CLASSES = [
    {"large_mm": 460, "small_mm": 420, "length_mm": 4_900, "share_milli": 400},
    {"large_mm": 620, "small_mm": 560, "length_mm": 4_900, "share_milli": 600},
]


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ({"basis": "declared"}, wood()),
        (wood() | {"species": wood()["species"] * 2}, wood()),
        (wood() | {"diameters": CLASSES[:1]}, wood() | {"diameters": CLASSES}),
        (with_(wood(), 639, "species", 0, "volume_m3"), wood()),
        (with_(wood(), "0", "species", 0, "volume_m3"), wood()),
        (with_(wood(), "600", "species", 0, "volume_high_m3"), with_(wood(), "700", "species", 0, "volume_high_m3")),
        (with_(wood(), "700", "species", 0, "volume_low_m3"), with_(wood(), "600", "species", 0, "volume_low_m3")),
        (with_(LOGS, 0, "logs", 0, "large_mm"), LOGS),
        (with_(LOGS, "460", "logs", 0, "large_mm"), LOGS),
        (with_(LOGS, True, "logs", 0, "count"), LOGS),
        (with_(LOGS, 0, "logs", 0, "count"), with_(LOGS, 1, "logs", 0, "count")),
        (LOGS | {"logs": [t10()[0] | {"count": 1_000}] * 21}, LOGS | {"logs": [t10()[0] | {"count": 1_000}] * 20}),
        (wood() | {"custody_lot": "1"}, wood() | {"custody_lot": "0b0a8f0e-6d1c-4f5e-9c61-6f5d3f0e2a11"}),
    ],
)  # fmt: skip
def test_a_lot_that_cannot_be_counted_is_refused_and_its_twin_is_not(bad: Json, good: Json) -> None:
    LotEstimate.model_validate(good)
    with pytest.raises(REFUSALS):
        LotEstimate.model_validate(bad)


def test_the_small_end_may_measure_more_than_the_large_end() -> None:
    swapped = LotEstimate.model_validate(with_(LOGS, 470, "logs", 0, "small_mm"))

    assert swapped.logs[0].size.thin_end_mm == 460


TWO = an_offer(per_tree("50", [TORNILLO]), per_tree("40", [LUPUNA]))


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (an_offer(lines=[]), an_offer()),
        (an_offer(per_tree("50", [TORNILLO]), per_tree("40", [TORNILLO])), TWO),
        (an_offer(per_tree(), per_tree("40")), an_offer(per_tree("50", [TORNILLO]), per_tree("40"))),
        (an_offer(buyer="comunidad-a"), an_offer(buyer=None)),
        (an_offer(payments=[{"share_milli": 500, "days": 0}]),
         an_offer(payments=[{"share_milli": 500, "days": 0}, {"share_milli": 500, "days": 90}])),
        (an_offer(payments=[{"share_milli": 1000, "days": -1}]), an_offer(payments=[{"share_milli": 1000, "days": 1}])),
        (an_offer(offered_on="2026-02-30"), an_offer(offered_on="2026-02-28")),
        (an_offer(offered_on="2026-2-3"), an_offer(offered_on="2026-02-03")),
        (an_offer(offered_on=1_790_000_000), an_offer()),
        (an_offer(offered_on="0000-01-01"), an_offer(offered_on="1999-01-01")),
        (an_offer(title="  "), an_offer(title="x")),
        (an_offer(title="a\u202eb"), an_offer(title="Piñón")),
        (an_offer(title="a\x07b"), an_offer(title="a b")),
        (an_offer(note="more"), an_offer()),
        (an_offer(terms={"scaler": "nobody"}), an_offer(terms={"scaler": "buyer"})),
        (an_offer(terms={"joint_scaling": "yes"}), an_offer(terms={"joint_scaling": True})),
        (an_offer(terms={"where": {"colour": "cláusula 1"}}), an_offer(terms={"where": {"scaler": "cláusula 1"}})),
        (an_offer(document_sha256="A" * 64), an_offer(document_sha256="a" * 64)),
        (an_offer(region="Madre de Dios"), an_offer(region="madre-de-dios")),
        (an_offer(families=0), an_offer(families=40)),
    ],
)  # fmt: skip
def test_an_offer_that_contradicts_itself_is_refused_and_its_twin_is_not(bad: Json, good: Json) -> None:
    Offer.model_validate(good)
    with pytest.raises(REFUSALS):
        Offer.model_validate(bad)


def test_a_contradiction_speaks_both_languages() -> None:
    with pytest.raises(Contradiction) as refused:
        Offer.model_validate(an_offer(buyer="comunidad-a"))

    assert refused.value.text("es") == "buyer: es la misma comunidad."
    assert refused.value.text("en") == "buyer: is the community itself."


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (a_price_book(sawn(grade="E")), a_price_book(sawn(grade="D"))),
        (a_price_book(sawn(rule="doyle")), a_price_book(sawn(product="log", rule="doyle"))),
        (a_price_book(sawn(product="log", rule="doyle", point_of_sale="stump")),
         a_price_book(sawn(product="standing", rule="doyle", point_of_sale="stump"))),
        (a_price_book(sawn(low=pen("3.30"))), a_price_book(sawn(low=pen("3.10")))),
        (a_price_book(sawn(high=pen("3.10"))), a_price_book(sawn(high=pen("3.30")))),
        (a_price_book(sawn(low={"amount": "1", "currency": "USD"})), a_price_book(sawn(low=pen("1")))),
        (a_price_book(sawn(species="Tornillo")), a_price_book(sawn(species=TORNILLO))),
        (without(a_price_book(), "licence"), a_price_book()),
        (without(a_price_book(sawn()), "entries", 0, "source"), a_price_book(sawn())),
        (a_price_book(entries=[]), a_price_book()),
    ],
)  # fmt: skip
def test_a_price_book_says_its_sources_or_is_refused(bad: Json, good: Json) -> None:
    PriceBook.model_validate(good)
    with pytest.raises(REFUSALS):
        PriceBook.model_validate(bad)


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (with_(a_cost_book(), {"low": 600, "mid": 520}, "recovery_milli"),
         with_(a_cost_book(), {"low": 400, "mid": 520}, "recovery_milli")),
        (with_(a_cost_book(), {"mid": 0}, "recovery_milli"), with_(a_cost_book(), {"mid": 1}, "recovery_milli")),
        (with_(a_cost_book(), "bribes", "lines", 0, "step"), with_(a_cost_book(), "drying", "lines", 0, "step")),
        (without(a_cost_book(), "lines", 0, "source"), a_cost_book()),
        (a_cost_book(lines=[]), a_cost_book()),
    ],
)  # fmt: skip
def test_a_cost_book_says_its_sources_or_is_refused(bad: Json, good: Json) -> None:
    CostBook.model_validate(good)
    with pytest.raises(REFUSALS):
        CostBook.model_validate(bad)


def test_documents_stored_before_fields_were_added_keep_their_hash() -> None:
    """The id of a stored contract is its hash: a field that came later and is absent must not change it."""
    offer = an_offer(
        terms={"operator": "buyer", "assembly": {"held": True}}, deductions=[{"kind": "road", "amount": pen("1")}],
        advances=[{"kind": "cash", "worth": pen("1"), "billed": pen("1"), "recovered_days": 3}],
    )  # fmt: skip

    assert sha256_of(Offer.model_validate(an_offer())).startswith("cca95dd26c1a10b4")
    assert sha256_of(Offer.model_validate(offer)).startswith("dbb1f8a2f317b25e")
    assert sha256_of(CostBook.model_validate(a_cost_book())).startswith("d14429d1614c9cd6")
    assert sha256_of(PriceBook.model_validate(a_price_book())).startswith("f914d656945be1c5")


def test_a_fact_that_is_cited_must_be_one() -> None:
    assert Offer.model_validate(an_offer(terms={"where": {"remeasure_right": "cláusula 3"}}))
    with pytest.raises(Contradiction, match="no fact has this name"):
        Offer.model_validate(an_offer(terms={"where": {"remeasure": "cláusula 3"}}))


@pytest.mark.parametrize(
    "line",
    [per_volume("250.01", "pt", "doyle"), per_tree("100000.01"), per_tree("900000000.00", kind="lump_sum")],
    ids=str,
)
def test_what_was_accepted_before_a_price_became_absurd_is_still_read(line: Json) -> None:
    content = orjson.dumps(an_offer(lines=[line]))
    with pytest.raises(AbsurdPrice):
        Offer.model_validate_json(content)

    assert str(parse_offer(content).lines[0].price).endswith(f"{Decimal(line['price']['amount']):,}")
