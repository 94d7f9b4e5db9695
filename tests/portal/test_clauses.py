"""Goods and clauses of a contract by the form of its text, over the real service: every kind of price, deductions, advances, facts about
clauses; and what becomes of a draft that the other party has seen."""

import re
from datetime import date
from html import unescape
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import httpx
import pytest

from services.contracts.domain.contract import ContractText
from services.contracts.domain.offer import Advance, Deduction
from services.contracts.domain.price import BuyBack, InKind, ShareOfVolume
from services.contracts.domain.terms import Terms
from services.portal import clauses, contract_form
from services.portal.acts import Filled
from services.portal.clauses import Clause
from services.portal.contract_form import Base, begun, text_of
from services.portal.contract_words import part_name, part_told
from services.portal.rendering import messages
from tests.contracts.builders import TORNILLO, pen
from tests.contracts.conftest import BUYER, Contracts, contracts, migrated
from tests.contracts.test_versions import AS_BUYER, a_contract, a_text, sign, signed
from tests.portal.conftest import Open, Written
from tests.portal.signed import sign_in
from tests.portal.test_contract_text import PAPER, VAULT, fields_in, opened

__all__ = ["contracts", "migrated"]

Json = dict[str, Any]
LINES = [
    {"kind": "in_kind", "species": [TORNILLO], "price": pen("900.00"), "billed": {"amount": "400.00", "currency": "USD"}, "product": "log",
     "point_of_sale": "roadside"},
    {"kind": "share_of_volume", "species": "any", "share_milli": 305, "product": "log", "point_of_sale": "roadside",
     "buy_back": {"price": {"amount": "120.00", "currency": "USD"}, "unit": "m3", "rule": "doyle"}},
]  # fmt: skip
DEDUCTIONS = [
    {"kind": "hollow", "amount": pen("10.00"), "days": 30, "note": "Por troza", "formula": "d2 x L"},
    {"kind": "road", "amount": {"amount": "5.00", "currency": "USD"}, "days": 0},
]  # fmt: skip
ADVANCES = [
    {
        "kind": "in_kind",
        "worth": pen("100.00"),
        "billed": {"amount": "90.00", "currency": "USD"},
        "days": 1,
        "recovered_days": 40,
    }
]
TERMS: Json = {
    "price_stated_without_rule": False, "scaler": "joint", "joint_scaling": True, "term_months": 12, "power_over": [], "silenced_to": ["osinfor"],
    "assembly": {"held": True, "on": "2026-06-01", "quorum": True, "attendance": 40, "votes_for": 31, "minutes_sha256": PAPER},
    "defects": {"taken": True, "formula": "d2 x L", "cap_milli": 125}, "index_shares": {"up_milli": 1_500, "down_milli": 0},
    "index_clause": True, "buyer_sells_in": "USD", "trim_mm": 100, "penalty_milli": 55, "guarantee": "none", "forum_region": "madre-de-dios",
    "fine_risks": [{"probability_milli": 250, "uit_milli": 10_500}], "sanctions": {"listed": False, "on": "2026-06-30", "list_sha256": PAPER},
    "census_m3": "900.000", "census_species_m3": [{"species": TORNILLO, "volume_m3": "850.500"}], "area_ha": "33.500",
    "annexes_missing": ["Mapa", "Acta de la asamblea"], "plan_valid_to": "2027-12-31", "bidders": 0,
    "where": {"scaler": "Cláusula 4, página 2", "assembly": "Acta, folio 12"},
}  # fmt: skip


def whole(**more: Any) -> Json:
    return a_text(lines=LINES, deductions=DEDUCTIONS, advances=ADVANCES, terms=TERMS) | more


TEXTS = messages("es")


def say(key: str, **values: Any) -> str:
    return TEXTS[key].format(**values)


def filled(base: Base, **changes: str) -> Filled:
    return Filled(begun(base, date(2026, 7, 1)) | changes)


# ---- the tables


def _kind(annotation: Any) -> Any:
    """What is said of a field, without that it may be left out."""
    if get_origin(annotation) in (Union, UnionType):
        return next(one for one in get_args(annotation) if one is not type(None))
    return annotation


def _compare(model: Any, told: tuple[Clause, ...]) -> None:
    assert sorted(one.name for one in told) == sorted(set(model.model_fields) - {"where"})
    for one in told:
        kind = _kind(model.model_fields[one.name].annotation)
        if one.kind == "choice" and get_origin(kind) is Literal:
            assert set(one.options) == set(get_args(kind)), one.name
        if one.kind == "several":
            assert set(one.options) == set(get_args(get_args(kind)[0])), one.name
        if one.kind == "group":
            _compare(kind, one.parts)
        if one.kind == "rows":
            _compare(get_args(get_args(kind)[0])[0] if get_origin(kind) is not tuple else get_args(kind)[0], one.parts)


def test_the_form_asks_for_every_fact_that_contracts_knows_by_its_own_words() -> None:
    _compare(Terms, clauses.CLAUSES)
    _compare(Deduction, clauses.DEDUCTION.parts)
    _compare(Advance, clauses.ADVANCE.parts)
    asked = {"share_milli", "billed", "buy_back"}
    assert asked == (set(ShareOfVolume.model_fields) | set(InKind.model_fields)) - {
        "kind",
        "species",
        "price",
        "product",
        "point_of_sale",
    }
    assert set(BuyBack.model_fields) == {"price", "unit", "rule"}


def test_every_fact_and_what_it_may_say_has_words() -> None:
    texts, told = messages("es"), set[str]()

    def add(one: Clause, words: str) -> None:
        told.add(f"clause.{one.name}")
        told.update(f"{words}.{key}" for key in one.options if one.name != "forum_region")
        if one.kind == "several":
            told.add(f"{words}.{clauses.NONE}")
        for part in one.parts:
            add(part, f"clause.{part.name}")

    for one in (*clauses.CLAUSES, clauses.ADVANCE):
        add(one, f"clause.{one.name}")
    told |= {f"deduction.{key}" for key in clauses.DEDUCTION.parts[0].options} | {
        f"per.{one}" for one in contract_form.PAID
    }
    told |= {f"text.group_{group}" for group in clauses.GROUPS}
    assert told - set(texts) == set()


# ---- what becomes of the fields


def test_a_form_that_nobody_touched_says_every_clause_of_its_version() -> None:
    annex = {"name": "Acta", "sha256": PAPER, "media_type": "application/pdf"}
    kept = ContractText.model_validate(whole(annexes=[annex])).model_dump(mode="json")
    base = Base(kept, amends=1)
    form = filled(base, reason="x")

    body = text_of(form, base, [])

    assert (form.faults, body["changes"]) == ({}, [])
    again = {name: value for name, value in body.items() if name not in ("amends", "changes", "reason")}
    assert ContractText.model_validate(again).model_dump(mode="json") == kept


@pytest.mark.parametrize("empty", ["power_over", "silenced_to", "fine_risks", "annexes_missing"])
def test_that_there_is_nothing_is_not_the_same_as_nobody_having_said(empty: str) -> None:
    said, unsaid = a_text(terms={empty: []}), a_text(terms={})

    for one in (said, unsaid):
        base = Base(ContractText.model_validate(one).model_dump(mode="json"), amends=1)
        body = text_of(filled(base), base, [])
        assert body.get("terms", {}).get(empty) == one["terms"].get(empty)
        assert body["changes"] == []


def test_rows_beyond_those_of_a_form_stay_as_they_are() -> None:
    risks = [{"probability_milli": n, "uit_milli": 10_500} for n in range(1, clauses.MOST_ROWS + 4)]
    base = Base(
        ContractText.model_validate(whole(terms=TERMS | {"fine_risks": risks})).model_dump(mode="json"), amends=1
    )

    untouched = text_of(filled(base, reason="x"), base, [])
    changed = text_of(filled(base, reason="x", term_fine_risks0_uit_milli="2"), base, [])

    assert untouched["changes"] == []
    assert untouched["terms"]["fine_risks"] == risks
    assert changed["changes"] == ["terms"]
    assert changed["terms"]["fine_risks"] == [{"probability_milli": 1, "uit_milli": 2_000}, *risks[1:]]


def test_a_clause_that_is_taken_out_is_named_as_a_change_and_so_is_an_emptied_list() -> None:
    base = Base(ContractText.model_validate(whole()).model_dump(mode="json"), amends=1)
    changed = filled(base, term_scaler="", term_power_over="permit", deductions1_amount="", deductions1_currency="", deductions1_kind="",
                     deductions1_days="", line1_share="40", advances0_note="Ya se entregó")  # fmt: skip
    cleared = Filled({name: value for name, value in filled(base).fields.items() if not name.startswith("advances")})

    body = text_of(changed, base, [])

    assert body["changes"] == ["lines", "deductions", "advances", "terms"]
    assert ("scaler" in body["terms"], body["terms"]["power_over"], len(body["deductions"])) == (False, ["permit"], 1)
    assert body["lines"][1]["share_milli"] == 400
    assert text_of(cleared, base, [])["changes"] == ["advances"]


def test_what_has_no_place_in_a_line_is_said_and_not_left_out() -> None:
    base = Base(whole())
    mixed = filled(base, line1_price="5", line0_share="10", line0_buy="3")

    text_of(mixed, base, [])

    assert set(mixed.faults) == {"line1_price", "line0_share", "line0_buy"}
    both = filled(base, term_power_over="none permit", term_annexes_missing_none="yes")
    text_of(both, base, [])
    assert both.faults == {"term_power_over": "act.none_or_some", "term_annexes_missing": "act.none_or_some"}
    right = filled(base)
    text_of(right, base, [])
    assert right.faults == {}


def test_where_each_fact_stands_is_told_as_it_was_written_whatever_the_fact_is() -> None:
    told = part_told("where", {one.name: f"12 {one.name}" for one in clauses.CLAUSES}, "es", say)

    for one in clauses.CLAUSES:
        assert f"{part_name(one.name, say)}: 12 {one.name}" in told
    assert part_told("where", {"trim_mm": "12"}, "es", say) == "demasía, mm: 12"


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        ({"per": "in_kind", "billed": "400"}, set()), ({"per": "share_of_volume", "buy": "120", "buy_unit": "m3"}, set()),
        ({"per": "share_of_volume", "share": "30", "buy_unit": "m3"}, {"buy"}), ({"per": "share_of_volume", "buy_rule": "doyle"}, {"buy"}),
        ({"per": "share_of_profit", "share": "30", "buy_rule": "doyle"}, {"buy_rule"}),
        ({"per": "m3", "buy_unit": "m3"}, {"buy_unit"}), ({"per": "m3", "billed": "5"}, {"billed"}),
    ],
)  # fmt: skip
def test_nothing_that_is_written_in_a_new_line_vanishes(row: dict[str, str], faults: set[str]) -> None:
    """What is still missing in it, the service says: it is sent."""
    base = Base(whole(lines=LINES[:1]))
    form = filled(base, **{f"line1_{name}": value for name, value in row.items()})

    body = text_of(form, base, [])

    assert (len(body["lines"]), set(form.faults)) == (2, {f"line1_{one}" for one in faults})


# ---- through the door


@pytest.fixture
async def browser(open_portal: Open, contracts: Contracts) -> httpx.AsyncClient:
    client: httpx.AsyncClient = await open_portal(contracts=contracts.app, permits=Written(VAULT))
    return client


async def last(contracts: Contracts, contract: str) -> Json:
    version: Json = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"][-1]
    return version


def as_(browser: httpx.AsyncClient, contracts: Contracts, org: str = "comunidad-a") -> None:
    sign_in(browser, contracts.issuer, "company" if org == BUYER else "manager", org=org)


async def test_goods_and_clauses_of_a_signed_contract_are_changed_by_form_and_the_rest_stays(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract, whole())
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"

    form = await opened(browser, at)
    nothing = await browser.post(at, data=form | {"reason": "x"})
    done = await browser.post(
        at,
        data=form | {
            "line0_price": "950", "line1_share": "40", "term_power_over": ["permit", "sunat_key"], "term_term_months": "6",
            "where_term_months": "Cláusula 2", "deductions2_kind": "camp", "deductions2_amount": "7,50", "reason": "Se acordó en asamblea",
        },
    )  # fmt: skip

    assert (nothing.status_code, done.status_code) == (422, 303)
    text = (await last(contracts, contract))["text"]
    assert text["changes"] == ["lines", "deductions", "terms"]
    assert text["lines"] == [{**LINES[0], "price": pen("950.00")}, {**LINES[1], "share_milli": 400}]
    assert text["deductions"][2]["amount"] == pen("7.50")
    assert text["terms"]["power_over"] == ["permit", "sunat_key"]
    assert text["terms"]["where"] == TERMS["where"] | {"term_months": "Cláusula 2"}
    assert text["terms"]["assembly"] == TERMS["assembly"]
    page = unescape((await browser.get(done.headers["location"])).text)
    assert "quién mide: los dos juntos" in page
    assert "la asamblea: se hizo: sí, día: 1 jun. 2026, hubo quórum: sí" in page
    assert "penalidad, % del precio: 5.5 %" in page
    assert "parte: 40.0 %" in page
    for code_name in (
        "per_volume",
        "roadside",
        "lines",
        "deductions",
        "share_of_volume",
        "power_over",
        "penalty_milli",
    ):
        assert code_name not in page[page.index("<main") :]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"line1_share": "130"}, "line1_share", "de 0 a 100"), ({"line1_share": "0"}, "line1_share", ""), ({"line1_share": "mucho"}, "line1_share", "de 0 a 100"), ({"line1_buy_rule": ""}, "line1_buy_rule", ""),
        ({"line0_billed": "0"}, "line0_billed", ""), ({"line0_per": "share_of_profit"}, "line0_price", "no va con lo que se paga"),
        ({"deductions0_kind": ""}, "deductions0_kind", ""), ({"deductions0_formula": ""}, "deductions0_formula", "necesita su fórmula"),
        ({"advances0_recovered_days": "0"}, "advances0_recovered_days", "se recupera antes"), ({"advances0_worth": ""}, "advances0_worth", ""),
        ({"term_term_months": "doce"}, "term_term_months", ""), ({"term_term_months": "9" * 5_000}, "term_term_months", ""),
        ({"term_penalty_milli": "101"}, "term_penalty_milli", "de 0 a 100"), ({"term_index_shares_up_milli": "1001"}, "term_index_shares_up_milli", "de 0 a 1000"), ({"term_assembly_held": ""}, "term_assembly_held", ""),
        ({"term_scaler": "nadie"}, "term_scaler", ""), ({"term_index_clause": "no"}, "term_index_shares_up_milli", "no hay cláusula"),
        ({"term_census_species_m30_volume_m3": "1000"}, "term_census_species_m30_species", "más que el censo"),
        ({"term_fine_risks0_uit_milli": "1e999999"}, "term_fine_risks0_uit_milli", ""), ({"where_scaler": "x" * 300}, "where_scaler", ""),
        ({"term_sanctions_list_sha256": "corta"}, "term_sanctions_list_sha256", ""),
        ({"term_power_over": ["none", "permit"]}, "", "deje una de las dos cosas"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_stands_beside_its_field_and_its_group_is_open(
    browser: httpx.AsyncClient, contracts: Contracts, changes: Json, field: str, said: str
) -> None:
    contract = await a_contract(contracts)
    await contracts.post(f"/v1/contracts/{contract}/versions", whole())
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"
    form = await opened(browser, at) | {"title": "Otro nombre"}

    refused = await browser.post(at, data=form | changes)

    assert refused.status_code == 422
    assert said in unescape(refused.text)
    if field:
        assert re.search(rf'name="{field}"[^>]* aria-invalid', refused.text), re.findall(
            r'class="(?:error|notice no).*?</', refused.text, re.S
        )
    assert 'value="Otro nombre"' in refused.text
    assert (await last(contracts, contract))["number"] == 1
    assert (await browser.post(at, data=form)).status_code == 303


async def test_whoever_replaces_a_draft_is_told_that_the_other_party_has_signed_it(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    version = await contracts.post(f"/v1/contracts/{contract}/versions", whole())
    at, told = f"/community/contracts/{contract}/text", "ya firmó la versión 1"

    as_(browser, contracts)
    before = await browser.get(at)
    await sign(contracts, version, **AS_BUYER)
    after = await browser.get(at)
    own_page = as_(browser, contracts, BUYER) or await browser.get(at)

    assert [told in one.text for one in (before, after, own_page)] == [False, True, False]


async def test_a_version_of_the_other_party_is_not_replaced_unread(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    await contracts.post(f"/v1/contracts/{contract}/versions", whole())
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"
    form = await opened(browser, at) | {"title": "El mío"}
    await contracts.post(f"/v1/contracts/{contract}/versions", whole(title="El suyo"), **AS_BUYER)

    unread = await browser.post(at, data=form)
    [seen] = re.findall(r'name="seen" value="(\d+)"', unread.text)
    read = [await browser.post(at, data=form | {"seen": seen}) for _ in range(2)]

    assert unread.status_code == 422
    assert "se guardó la versión 2" in unread.text
    assert 'value="El mío"' in unread.text
    assert [one.status_code for one in read] == [303, 303], "the same form twice is one version"
    newest = await last(contracts, contract)
    assert (newest["number"], newest["text"]["title"]) == (3, "El mío")


async def test_a_signature_that_was_given_while_somebody_wrote_is_not_replaced_untold(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    version = await contracts.post(f"/v1/contracts/{contract}/versions", whole())
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"
    form = await opened(browser, at)
    other = form | {"title": "El mío"}
    await sign(contracts, version, **AS_BUYER)

    same = await browser.post(at, data=form)
    untold = await browser.post(at, data=other)
    number = (await last(contracts, contract))["number"]
    told = [await browser.post(at, data=other | {"signed_by": fields_in(untold.text)["signed_by"]}) for _ in range(2)]

    assert same.status_code == 303, "the text that was signed again is that version"
    assert (untold.status_code, number) == (422, 1)
    assert "Mientras usted escribía, " in untold.text
    assert 'value="El mío"' in untold.text
    assert [one.status_code for one in told] == [303, 303]
    newest = await last(contracts, contract)
    assert (newest["number"], newest["text"]["title"], newest["signatures"]) == (2, "El mío", [])


async def test_an_amendment_in_draft_goes_on_from_what_it_says_and_counts_against_what_was_signed(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract, whole())
    draft = whole(title="Con adenda", amends=1, changes=["title"], reason="Cambió el nombre")
    await contracts.post(f"/v1/contracts/{contract}/versions", draft, **AS_BUYER)
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"

    form = await opened(browser, at)
    done = await browser.post(at, data=form | {"term_scaler": "community"})

    assert (form["title"], form["reason"]) == ("Con adenda", "Cambió el nombre")
    assert done.status_code == 303
    newest = await last(contracts, contract)
    assert (newest["number"], newest["text"]["amends"], newest["text"]["changes"]) == (3, 1, ["title", "terms"])


async def test_the_form_is_light_enough_for_a_telephone(browser: httpx.AsyncClient, contracts: Contracts) -> None:
    import gzip

    contract = await a_contract(contracts)
    await contracts.post(f"/v1/contracts/{contract}/versions", whole())
    as_(browser, contracts)

    page = await browser.get(f"/community/contracts/{contract}/text")

    assert len(gzip.compress(page.content)) <= 30_000
    ids = re.findall(r' id="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    labelled = set(re.findall(r'<label for="([^"]+)"', page.text))
    assert set(re.findall(r'<(?:input|select|textarea) id="([^"]+)"', page.text)) <= labelled


async def test_a_version_that_says_where_every_fact_stands_is_read_by_both_parties(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    where = {one.name: f"Cláusula {n}" for n, one in enumerate(clauses.CLAUSES)} | {"trim_mm": "12"}
    await contracts.post(f"/v1/contracts/{contract}/versions", whole(terms=TERMS | {"where": where}))

    for org in ("comunidad-a", BUYER):
        as_(browser, contracts, org)
        page = await browser.get(f"/community/contracts/{contract}/versions/1")
        assert page.status_code == 200
        assert f"penalidad, % del precio: {where['penalty_milli']}" in unescape(page.text)
        assert "1.2 cm" not in page.text


async def test_a_signed_version_that_is_opened_and_sent_untouched_is_no_change_whatever_it_says(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    """As a browser sends it: with a region that no list has, where each fact stands, lists in another order than that of the form,
    and blanks as somebody typed them."""
    contract = await a_contract(contracts)
    terms = TERMS | {
        "forum_region": "atalaya", "where": {one.name: f"Cláusula  {n}" for n, one in enumerate(clauses.CLAUSES)},
        "power_over": ["bank_account", "permit", "sunat_key"], "silenced_to": ["adviser", "federation", "federation"],
        "annexes_missing": ["Mapa  grande", "Acta"], "defects": {"taken": True, "formula": "d2  x L"},
    }  # fmt: skip
    owed = [{"of": "buyer", "what": "El  camino"}]
    deducted = [DEDUCTIONS[0] | {"note": "Por  troza", "formula": "d2  x  L"}]
    text = whole(title="Venta  de 2026", terms=terms, obligations=owed, deductions=deducted)
    await signed(contracts, contract, text)
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"

    form = await opened(browser, at)
    nothing = await browser.post(at, data=form | {"reason": "x"})
    done = await browser.post(at, data=form | {"reason": "x", "title": "Otro  nombre"})
    more = await opened(browser, at)
    added = await browser.post(at, data=more | {"term_power_over": ["gtf_book", *more["term_power_over"]]})

    assert form["term_forum_region"] == "atalaya"
    assert (nothing.status_code, done.status_code, added.status_code) == (422, 303, 303)
    versions = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"]
    begun_with, first, second = [one["text"] for one in versions]
    parts = ("lines", "schedule", "deductions", "advances", "obligations", "terms")
    assert [first[part] for part in parts] == [begun_with[part] for part in parts]
    assert (first["changes"], first["title"]) == (["title"], "Otro nombre")
    assert second["changes"] == ["title", "terms"]
    assert second["terms"]["power_over"] == ["bank_account", "permit", "sunat_key", "gtf_book"]


@pytest.mark.parametrize(
    ("empty", "told"),
    [
        ("power_over", "poder sobre: nada"), ("silenced_to", "con quién se prohíbe hablar: con nadie"),
        ("fine_risks", "infracciones que pueden hallarse: se dice que no hay"), ("annexes_missing", "anexos que faltan: se dice que no hay"),
    ],
)  # fmt: skip
async def test_that_there_is_nothing_of_a_list_is_read_before_it_is_signed(
    browser: httpx.AsyncClient, contracts: Contracts, empty: str, told: str
) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract, whole(terms={"term_months": 12}))
    as_(browser, contracts)
    before = unescape((await browser.get(f"/community/contracts/{contract}/versions/1")).text)
    amended = whole(terms={"term_months": 12, empty: []}, amends=1, changes=["terms"], reason="x")
    await contracts.post(f"/v1/contracts/{contract}/versions", amended)

    page = unescape((await browser.get(f"/community/contracts/{contract}/versions/2")).text)

    assert told not in before
    assert page.count(told) == 2, "among what changes, and in the whole"


async def test_what_is_billed_for_goods_is_in_the_currency_that_was_chosen(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    await contracts.post(f"/v1/contracts/{contract}/versions", whole(lines=LINES[:1]))
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"
    goods = {"line1_per": "in_kind", "line1_price": "900", "line1_billed": "400", "line1_species": "Hura crepitans"}

    page = (await browser.get(at)).text
    form = await opened(browser, at)
    done = await browser.post(at, data=form | goods | {"line1_billed_currency": "USD"})

    assert re.findall(r'<select id="(line\d_billed_currency)"', page)[:3] == [
        f"line{n}_billed_currency" for n in range(3)
    ]
    assert form["line0_billed_currency"] == "USD", "as it was"
    assert done.status_code == 303, re.findall(r'class="(?:error|notice no)".*?</', done.text, re.S)
    billed = (await last(contracts, contract))["text"]["lines"][1]["billed"]
    assert billed == {"amount": "400.00", "currency": "USD"}


async def test_what_is_paid_in_parts_is_unfolded_where_it_says_something_or_is_at_fault(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    await contracts.post(f"/v1/contracts/{contract}/versions", a_text())
    as_(browser, contracts)
    at = f"/community/contracts/{contract}/text"

    def unfolded(page: str) -> list[str]:
        return re.findall(r'<details open><summary>[^<]*</summary><p class="hint">[^<]*</p>\s*<div class="columns">.*?id="(line\d)_share"', page, re.S)  # fmt: skip

    form = await opened(browser, at)
    before = (await browser.get(at)).text
    assert unfolded(before) == []
    for part, value in (("share", "5"), ("billed", "5"), ("buy", "5"), ("buy_unit", "m3"), ("buy_rule", "doyle")):
        refused = await browser.post(at, data=form | {f"line0_{part}": value})
        assert (refused.status_code, unfolded(refused.text)) == (422, ["line0"]), part
