"""The offer form: what becomes of its fields, what comes back beside them, and the pages over the real service."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal import offer_form
from services.portal.acts import Filled
from services.portal.drawing.offers import way_down
from services.portal.offer_form import Asked, milli, whole, written
from tests.contracts.builders import CEDRO, TORNILLO, a_cost_book, a_price_book
from tests.contracts.conftest import Contracts, contracts, migrated
from tests.portal.conftest import Open
from tests.portal.signed import sign_in

__all__ = ["contracts", "migrated"]

TODAY = date(2026, 11, 22)
FORESTER = {"name": "Ing. Forestal de prueba", "licence": "L-1"}
S50_A_TREE = {
    "a_title": "Compra de madera, PC 01", "a_buyer": "Maderera de prueba", "a_offered_on": "2026-11-01", "region": "madre-de-dios",
    "a_line0_price": "50", "a_line0_currency": "PEN", "a_line0_per": "tree", "a_line0_rule": "", "a_line0_product": "standing",
    "a_line0_point": "stump", "a_line0_species": "any", "a_paid_now": "100", "basis": "census", "families": "40",
    "wood0_species": TORNILLO, "wood0_volume": "639", "wood0_trees": "100",
    "sawn_low": "2.80", "sawn_mid": "3.20", "sawn_high": "3.60", "recovery": "52", "margin": "20", "cost_felling": "28",
    "cost_skidding": "70", "cost_river_transport": "60", "cost_milling": "95", "cost_overhead": "39",
    "forester": "Ing. Forestal de prueba", "forester_licence": "L-1",
}  # fmt: skip


def asked(**fields: str) -> Asked:
    return Asked(S50_A_TREE | fields, "comunidad-a", TODAY)


def errors(*places: str) -> dict[str, Any]:
    return {"errors": [{"where": f"body.{place}", "reason": "mal", "reason_en": "wrong"} for place in places]}


# ---- the fields


@given(st.decimals(0, 10**9, places=2))
def test_a_number_is_read_however_its_thousands_are_written(value: Decimal) -> None:
    assert Decimal(written(f" {value:,.2f} ")) == Decimal(written(f"{value:.2f}")) == value
    assert Decimal(written(f"{value:.2f}".replace(".", ","))) == value


@pytest.mark.parametrize(("text", "found"), [("52", 520), ("52.5", 525), ("52,5", 525), ("0", 0), ("mucho", "mucho"), ("1.23", "1.23")])  # fmt: skip
def test_percent_become_thousandths_and_what_is_none_goes_as_it_is(text: str, found: int | str) -> None:
    assert milli(text) == found


@pytest.mark.parametrize("text", ["1e999999", "1e999990", "1e30", "-1e30", "inf", "nan", "snan", "9" * 30, "9" * 5000])
def test_a_number_beyond_all_measure_is_none_and_costs_nothing(text: str) -> None:
    form = Filled({"x": text})

    assert (milli(text), whole(text)) == (text, text)
    assert (form.mm("x", 10), form.thousandths("x", "no")) == (0, 0)
    assert form.cents("x") is None
    assert form.faults == {"x": "act.not_an_amount"}
    assert (milli("100"), whole("40"), Filled({"x": "13.3"}).mm("x", 1000)) == (1000, 40, 13300)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("offer.lines.1.per_volume.price.amount", "a_line2_price"),
        ("offer.lines.1.per_volume.rule", "a_line2_rule"),
        ("offer.lines.0.per_tree.point_of_sale", "a_line0_point"),
        ("offer.lot.species.1.volume_m3", "wood3_volume"),
        ("basis.costs.lines.1.mid.amount", "cost_skidding"),
        ("basis.costs.recovery_milli.mid", "recovery"),
        ("basis.prices.entries.0.low.amount", "sawn_low"),
        ("offers.1.lines.0.per_tree.price.amount", "b_line0_price"),
        ("offers.1.title", "b_title"),
        ("reservation_m3", "reservation_m3"),
    ],
)
def test_a_fault_finds_its_field_past_rows_that_were_left_empty(place: str, field: str) -> None:
    form = asked(a_line2_price="1", wood3_species=CEDRO)

    assert form.faults(errors(place), "es") == {field: "mal"}
    assert form.faults(errors(place), "en") == {field: "wrong"}


def test_what_belongs_to_no_field_is_said_for_the_whole() -> None:
    assert asked().faults({"detail_es": "No se puede.", "facts": {}}, "es") == {"": "No se puede."}


def test_silence_about_a_clause_is_not_a_no() -> None:
    assert asked().offer()["terms"] == {}
    terms = asked(
        a_assembly="no", a_rule_stated="yes", a_power_over="nothing", a_scaler="buyer", a_term_months="36"
    ).offer()["terms"]
    assert terms == {
        "assembly": {"held": False}, "price_stated_without_rule": False, "power_over": [], "scaler": "buyer", "term_months": 36,
    }  # fmt: skip


@given(st.lists(st.decimals(-(10**6), 10**6, places=2), max_size=6), st.decimals(0, 10**6, places=2))
def test_the_way_down_ends_where_the_offer_leaves_off(causes: list[Decimal], fair: Decimal) -> None:
    left = fair + sum(causes)
    steps = [("justo", fair), *((f"causa {n}", amount) for n, amount in enumerate(causes)), ("queda", left)]

    bars = way_down(steps, "S/")["data"]["values"]

    at = float(fair)
    for bar, (_, amount) in zip(bars[1:-1], steps[1:-1], strict=True):
        assert min(abs(bar["low"] - at), abs(bar["high"] - at)) < 1e-6 * max(1.0, abs(at)), (
            "each begins where the one before ended"
        )
        at += float(amount)
    assert abs((bars[-1]["high"] if left >= 0 else bars[-1]["low"]) - float(left)) < 1e-6


# ---- the pages


@pytest.fixture
async def browser(open_portal: Open, contracts: Contracts) -> httpx.AsyncClient:
    client: httpx.AsyncClient = await open_portal(contracts=contracts.app)
    return client


async def check(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await browser.post("/community/offers", data=S50_A_TREE | fields)


def text_of(page: str) -> str:
    """The words of a page, without its drawings."""
    plain = re.sub(r"<svg.*?</svg>", "", page, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", plain.partition("<main")[2]).split())


async def test_an_offer_gets_a_word_a_loss_three_questions_and_a_counter_offer(browser: httpx.AsyncClient) -> None:
    answer = await check(browser)

    said = text_of(answer.text)
    assert answer.status_code == 200
    assert '<p class="verdict no" role="status">MUY POR DEBAJO DE LO JUSTO</p>' in answer.text
    # (369.09 + 222.18) / 2 less 7.82, over 639 m³, as the service has it.
    assert "deja de recibir cerca de S/ 183,911.44" in said
    assert len(re.findall(r"<li>Pregunte ", answer.text)) == 3
    assert "Pida al menos S/ " in said
    assert "no dice si firmar" in said
    assert answer.text.count('role="img"') == 4, "the range and the way down, each for a wide and a narrow page"
    assert "S/ 295.64" in said
    assert "script" not in answer.text.partition("<body")[2]


async def test_what_the_form_answers_is_asked_no_more(browser: httpx.AsyncClient) -> None:
    before = (await check(browser)).text
    after = (await check(browser, a_assembly="yes", a_power_over="nothing")).text

    assert "Pregunte si la asamblea acordó esta oferta." in before
    assert "Pregunte si la asamblea acordó esta oferta." not in after


async def test_without_prices_the_page_says_what_is_missing_and_no_loss(browser: httpx.AsyncClient) -> None:
    bare = {name: "" for name in S50_A_TREE if name.startswith(("sawn", "cost", "recovery", "margin"))}

    said = text_of((await check(browser, **bare)).text)

    assert "FALTAN DATOS" in said
    assert "Consiga un precio de referencia" in said
    assert "deja de recibir" not in said


async def test_a_price_without_unit_rule_or_point_is_refused_beside_its_field(browser: httpx.AsyncClient) -> None:
    answer = await check(browser, a_line0_per="pt", a_line0_price="cincuenta", wood0_volume="")

    assert answer.status_code == 422
    for name in ("a_line0_price", "a_line0_rule", "wood0_volume"):
        assert f'id="{name}-error"' in answer.text, name
    assert 'value="Maderera de prueba"' in answer.text
    assert (await check(browser, a_line0_per="pt", a_line0_rule="doyle", a_line0_price="0.50")).status_code == 200


async def test_published_books_are_offered_and_used(browser: httpx.AsyncClient, contracts: Contracts) -> None:
    steward = {"role": "operator", "org": "trozalog"}
    await contracts.post("/v1/price-books", a_price_book(), **steward)
    book = await contracts.post("/v1/cost-books", a_cost_book(), **steward)
    signature = {"version": book["version"], "sha256": book["sha256"], **FORESTER}
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature, role="regent", org="regencia-1", sub="u-2")
    form = (await browser.get("/community/offers")).text
    own = {name: "" for name in S50_A_TREE if name.startswith(("sawn", "cost", "recovery", "margin", "forester"))}

    said = text_of((await check(browser, price_book="precios-mdd", cost_book="costos-mdd", **own)).text)
    board = text_of((await browser.get("/community/prices")).text)

    assert 'value="precios-mdd"' in form
    assert 'value="costos-mdd"' in form
    assert "MUY POR DEBAJO DE LO JUSTO" in said
    assert "Grado B (buena), del 15 oct. 2026: Boletín de prueba" in said
    for words in (
        "S/ 3.20",
        "por pie tablar",
        "puesta en el aserradero",
        "B (buena)",
        "15 oct. 2026",
        "Boletín de prueba",
        "CC BY 4.0",
    ):
        assert words in board, words


async def test_two_offers_stand_side_by_side(browser: httpx.AsyncClient) -> None:
    better = {name.replace("a_", "b_", 1): value for name, value in S50_A_TREE.items() if name.startswith("a_")}
    better |= {"b_title": "Otra oferta", "b_line0_price": "0.70", "b_line0_per": "pt", "b_line0_rule": "mean_of_ends"}

    answer = await browser.post("/community/offers/compare", data=S50_A_TREE | better)

    said = text_of(answer.text)
    assert "Deja más a la comunidad: Otra oferta." in said
    assert "MUY POR DEBAJO DE LO JUSTO" in said
    assert "LLEGA A LO JUSTO" in said
    assert answer.text.count('role="img"') == 6
    broken = await browser.post("/community/offers/compare", data=S50_A_TREE | better | {"b_line0_price": "x"})
    assert (broken.status_code, 'id="b_line0_price-error"' in broken.text) == (422, True)
    assert 'id="a_line0_price-error"' not in broken.text


async def test_the_form_comes_back_as_it_was_filled_in(browser: httpx.AsyncClient) -> None:
    page = (await browser.post("/community/offers/again", data=S50_A_TREE)).text

    for name, value in S50_A_TREE.items():
        if value and name.split("_")[-1] not in ("currency", "per", "product", "point", "species", "region", "basis"):
            assert re.search(rf'name="{name}"[^>]* value="{re.escape(value)}"', page), name
    assert f'<option value="{TORNILLO}" selected>' in page


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_assembly_holds_the_same_in_its_hands(browser: httpx.AsyncClient, language: str) -> None:
    answer = await browser.post(f"/community/offers/report.pdf?lang={language}", data=S50_A_TREE)
    again = await browser.post(f"/community/offers/report.pdf?lang={language}", data=S50_A_TREE)

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content == again.content
    said = " ".join(
        " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(answer.content)).split()
    )
    words: Mapping[str, tuple[str, ...]] = {
        "es": ("Informe para la asamblea", "MUY POR DEBAJO DE LO JUSTO", "S/ 183,911.44", "Pregunte", "Pida al menos", "Lo que acordó la asamblea"),
        "en": ("Report for the assembly", "FAR BELOW FAIR VALUE", "S/ 183,911.44", "Ask", "Ask for at least", "What the assembly agreed"),
    }  # fmt: skip
    for one in (*words[language], "Compra de madera, PC 01", "Maderera de prueba", TORNILLO):
        assert one in said, one


async def test_a_community_keeps_the_offer_it_checked_and_finds_it_among_its_contracts(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    stranger = await check(browser)
    session = sign_in(browser, contracts.issuer, "manager", org="comunidad-a")
    sure = S50_A_TREE | {"form_token": session.form_token()}

    result = await check(browser)
    twice = [await browser.post("/community/offers/keep", data=sure) for _ in range(2)]
    wrong = await browser.post("/community/offers/keep", data=sure | {"a_line0_price": "mucho"})
    forged = await browser.post("/community/offers/keep", data=S50_A_TREE)
    kept = await browser.get(twice[0].headers["location"])

    assert "/community/offers/keep" in result.text
    assert "/community/offers/keep" not in stranger.text, "only who may is offered it"
    assert [one.status_code for one in (*twice, wrong, forged)] == [303, 303, 422, 403]
    assert "Compra de madera, PC 01" in kept.text
    assert "La oferta quedó guardada" in kept.text
    assert len((await contracts.get("/v1/contracts"))["items"]) == 1


def test_every_choice_of_the_form_is_one_that_the_api_knows() -> None:
    from services.contracts.domain.book import STEP_POINT
    from services.contracts.domain.price import PaidRule, PointOfSale, Product
    from services.contracts.domain.terms import Terms

    assert set(offer_form.RULES) == {rule.value for rule in PaidRule}
    assert set(offer_form.POINTS) == {point.value for point in PointOfSale}
    assert set(offer_form.PRODUCTS) == {product.value for product in Product}
    assert set(offer_form.STEPS) - {"milling"} <= set(STEP_POINT)
    for name, keys in offer_form.CHOICES.items():
        for key in keys:
            value: Any = ([] if key == "nothing" else [key]) if name == "power_over" else key
            Terms.model_validate({name: value})
