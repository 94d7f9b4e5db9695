"""Contracts, deliveries and payments: the sums and the course over answers, and the pages over the real service."""

import re
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.deals import Delivery, course_of, in_force, in_words, lines_in_words, named_in, state_of, sums_of
from services.portal.prices import Price, together, without
from tests.contracts.builders import TORNILLO, a_price_book, an_offer, pen, per_volume, sawn
from tests.contracts.conftest import BUYER, Contracts, contracts, migrated
from tests.contracts.deals import LOT, a_payment, a_sheet, a_statement, pay, settled
from tests.contracts.test_versions import AS_BUYER, a_contract, an_amendment, signed, written
from tests.portal.conftest import Open
from tests.portal.signed import sign_in
from tests.portal.test_offers import text_of

__all__ = ["contracts", "migrated"]

Json = dict[str, Any]
Cents = st.integers(0, 10**9)


def amount(cents: int, currency: str = "PEN") -> Json:
    return {"amount": str(Decimal(cents) / 100), "currency": currency}


def settlement(owed: int, paid: list[tuple[str, int, bool]], state: str = "open", currency: str = "PEN") -> Json:
    """A settlement due in two halves, with payments of a day that count or that only the buyer states."""
    return {
        "state": state, "counts": state in ("open", "closed"), "owed": amount(owed, currency),
        "due": [{"due_on": "2026-08-01", "amount": amount(owed - owed // 2, currency)},
                {"due_on": "2027-01-01", "amount": amount(owed // 2, currency)}],
        "payments": [{"counted": counted, "payment": {"paid_on": on, "amount": amount(cents, currency)}} for on, cents, counted in paid],
        "paid": amount(sum(cents for _, cents, counted in paid if counted), currency),
        "claimed": amount(sum(cents for _, cents, counted in paid if not counted), currency),
    }  # fmt: skip


Payments = st.lists(
    st.tuples(st.sampled_from(["2026-07-01", "2026-08-01", "2027-02-03"]), Cents, st.booleans()), max_size=4
)
Settlements = st.lists(
    st.builds(settlement, Cents, Payments, st.sampled_from(["open", "closed", "replaced", "set_aside"]), st.sampled_from(["PEN", "USD"])),
    max_size=4,
)  # fmt: skip


@given(Settlements)
def test_the_course_ends_at_the_sums_and_never_falls(made: list[Json]) -> None:
    deliveries = [Delivery(one, None) for one in made]
    sums = {one.currency: one for one in sums_of(deliveries)}

    for course in course_of(deliveries):
        due, paid = [step[1] for step in course.days], [step[2] for step in course.days]
        assert (due[-1], paid[-1]) == (sums[course.currency].owed, sums[course.currency].paid)
        assert due == sorted(due)
        assert paid == sorted(paid)
        assert [step[0] for step in course.days] == sorted({step[0] for step in course.days})


@given(Settlements)
def test_what_was_replaced_or_set_aside_is_owed_to_nobody(made: list[Json]) -> None:
    standing = [one for one in made if one["state"] in ("open", "closed")]

    assert sums_of(Delivery(one, None) for one in made) == sums_of(Delivery(one, None) for one in standing)


def version(state: str, *signed: str) -> Json:
    return {"state": state, "signatures": [{"org": org} for org in signed]}


@pytest.mark.parametrize(
    ("versions", "state", "counts"),
    [
        ([], "none", None),
        ([version("draft")], "draft", 0),
        ([version("draft", "comunidad-a")], "one_signature", 0),
        ([version("superseded", "a", "b"), version("signed", "a", "b")], "signed", 1),
        ([version("signed", "a", "b"), version("draft", "a")], "amending", 0),
    ],
)
def test_a_draft_never_counts_before_what_both_signed(versions: list[Json], state: str, counts: int | None) -> None:
    assert state_of(versions) == state
    assert in_force(versions) == (None if counts is None else versions[counts])


def test_every_kind_of_price_line_is_said_in_words() -> None:
    def say(key: str, **facts: str) -> str:
        return f"{key} {sorted(facts.items())}"

    lines = [
        per_volume("330.00", "m3", "mean_of_ends", [TORNILLO]),
        {"kind": "share_of_volume", "species": "any", "share_milli": 300},
        {"kind": "in_kind", "species": "any", "price": pen("500.00")},
    ]

    priced, shared, goods = lines_in_words(lines, say)

    assert TORNILLO in priced
    assert "S/ 330.00" in priced
    assert "30.0 %" in shared
    assert "S/ 500.00" in goods


# ---- the pages


@pytest.fixture
async def browser(open_portal: Open, contracts: Contracts) -> httpx.AsyncClient:
    client: httpx.AsyncClient = await open_portal(contracts=contracts.app)
    return client


async def see(browser: httpx.AsyncClient, path: str, status: int = 200) -> str:
    answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    return text_of(answer.text)


async def test_a_contract_shows_what_is_owed_paid_and_late(browser: httpx.AsyncClient, contracts: Contracts) -> None:
    made = await settled(contracts, sheet=a_sheet(["0.700"] + ["1.000"] * 9))
    await pay(contracts, made, a_payment("1000.00", "2026-08-15"))
    contract = made["stated"]["contract"]
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    listed, page = await see(browser, "/community/contracts"), await see(browser, f"/community/contracts/{contract}")
    delivery = await see(browser, f"/community/contracts/{contract}/settlements/{made['id']}")

    assert "firmado por ambos" in listed
    assert "sin evaluar" in listed
    assert LOT in page
    assert "S/ 3,201.00" in page, "9.7 m³ at S/ 330"
    assert "S/ 1,000.00" in page
    assert "S/ 330.00" in page
    assert "Nadie ha evaluado todavía esta oferta" in page
    assert "Lo que no coincide" in delivery
    assert "Pagos atrasados" in delivery
    assert "500/A" in delivery


async def test_two_sheets_of_one_lot_are_shown_beside_one_another_and_owed_once(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    made = await settled(contracts)
    contract = made["stated"]["contract"]
    short = await contracts.post("/v1/settlements", a_statement(contract, sheet=a_sheet(["0.900"] * 10)), **AS_BUYER)
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    page = await see(browser, f"/community/contracts/{contract}")
    mine, theirs = [
        await see(browser, f"/community/contracts/{contract}/settlements/{one['id']}") for one in (made, short)
    ]

    assert "S/ 2,970.00" in page
    assert "S/ 6,270.00" not in page
    assert "aserradero-1 declaró también este lote: por su hoja se debe S/ 2,970.00" in mine
    assert "En la otra hoja" in mine
    assert "comunidad-a declaró también este lote: por su hoja se debe S/ 3,300.00" in theirs


async def test_a_buyer_sees_its_contract_and_never_what_it_is_worth(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    made = await settled(contracts)
    contract = made["stated"]["contract"]
    sign_in(browser, contracts.issuer, "company", org=BUYER)

    page = await see(browser, f"/community/contracts/{contract}")
    await see(browser, "/community/ledger", 403)
    sign_in(browser, contracts.issuer, "company", org="importadora-1")
    await see(browser, f"/community/contracts/{contract}", 404)

    assert "S/ 3,300.00" in page
    assert "Cuánto vale de verdad" not in page


async def test_what_only_the_buyer_says_it_paid_is_said_apart(browser: httpx.AsyncClient, contracts: Contracts) -> None:
    made = await settled(contracts)
    await pay(contracts, made, a_payment("900.00", "2026-08-02", "bb"), **AS_BUYER)
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    page = await see(browser, f"/community/contracts/{made['stated']['contract']}")

    assert "El comprador dice haber pagado además S/ 900.00" in page


async def test_the_book_of_benefits_shows_shares_and_what_arrived(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")
    empty = await see(browser, "/community/ledger")
    agreement = {
        "members": [{"org": "comunidad-a", "share": "2/3"}, {"org": "comunidad-b", "share": "1/3"}],
        "valid_from": "2026-07-01",
        "act": {"on": "2026-06-15", "minutes_sha256": "cc" * 32, "entitled": 60, "attended": 41, "quorum_milli": 500},
    }  # fmt: skip
    await contracts.post("/v1/benefit-ledgers", agreement, org="empresa-1")

    page = await see(browser, "/community/ledger?enterprise=empresa-1")

    assert "no tiene libro de reparto" in empty
    assert "asistieron 41 de 60" in page
    assert "2/3" in page


async def test_the_price_board_says_what_is_missing_and_shows_the_books(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    await contracts.post(
        "/v1/price-books",
        a_price_book(sawn("3.20", TORNILLO)),
        role="authority",
        org="gerfor-md",
        region="madre-de-dios",
    )

    page = await see(browser, "/community/prices")

    assert TORNILLO in page
    assert f"Todavía sin precio: {TORNILLO}. Falta: más reportantes" in page
    assert "S/ 3.20" in page


async def test_a_stored_offer_without_a_contract_is_shown_as_one(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    page = await see(browser, f"/community/contracts/{stored['id']}")

    assert "Es una oferta" in page
    assert "Todavía no hay entregas" in page


def price(species: str, mid: str | None, **more: Any) -> Price:
    money = None if mid is None else pen(mid)
    state = "missing" if mid is None else "published"
    gaps = [] if mid is not None else [{"es": "reportantes", "en": "reporters"}]
    answer = {
        "state": state,
        "low": money,
        "mid": money,
        "high": money,
        "missing": gaps,
        "grade": "C",
        "evidence": ["oral"],
    }
    return Price(species, answer | more, "es", lambda key, **facts: f"{key} {facts}" if facts else key)


def test_species_that_share_the_figure_of_a_wider_set_are_one_row() -> None:
    wider = {"state": "pooled", "of_species": None, "of_region": None}
    rows = [
        price("a", "1.00", **wider),
        price("b", "2.00"),
        price("c", "1.00", **wider),
        price("d", None),
        price("e", None),
    ]

    assert [(row.species, row.name) for row in together(rows)] == [("b", "b"), ("a, c", "prices.all_species")]
    assert [names for _, names in without(rows)] == [["d", "e"]]


async def test_a_community_signs_and_its_buyer_countersigns_the_text_they_read(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts, buyer=BUYER)
    await written(contracts, contract)
    at = f"/community/contracts/{contract}/versions/1"
    session = sign_in(browser, contracts.issuer, "manager", org="comunidad-a")
    offered = await see(browser, f"/community/contracts/{contract}")
    page = await browser.get(at)
    read = re.search(r'name="text_sha256" value="(\w+)"', page.text)
    assert read is not None
    form = {"form_token": session.form_token(), "text_sha256": read[1]}

    unread = await browser.post(f"{at}/signature", data=form)
    other = await browser.post(f"{at}/signature", data=form | {"read": "yes", "text_sha256": "ab" * 32})
    twice = [await browser.post(f"{at}/signature", data=form | {"read": "yes"}) for _ in range(2)]
    waiting = await see(browser, at)
    session = sign_in(browser, contracts.issuer, "company", org=BUYER)
    done = await browser.post(f"{at}/signature", data=form | {"read": "yes", "form_token": session.form_token()})
    signed_page = await see(browser, at)

    assert "todavía no firma la versión 1" in offered
    assert "Marque que leyó el texto." in text_of(unread.text)
    assert "léala de nuevo antes de firmar" in text_of(other.text)
    assert [one.status_code for one in (unread, other, *twice, done)] == [422, 422, 303, 303, 303]
    assert "Falta la firma de la otra parte." in waiting
    assert "firmada por ambos" in signed_page
    [version] = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"]
    assert [one["org"] for one in version["signatures"]] == ["comunidad-a", BUYER]


async def test_an_amendment_shows_what_it_changes_and_nobody_else_sees_or_signs_it(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts, buyer=BUYER)
    await signed(contracts, contract)
    await written(contracts, contract, an_amendment(1, "ends_on", ends_on="2027-12-31"))
    at = f"/community/contracts/{contract}/versions/2"
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    page, first = await see(browser, at), await see(browser, at.replace("/2", "/1"))
    session = sign_in(browser, contracts.issuer, "company", org="importadora-1")
    theirs = await browser.post(f"{at}/signature", data={"form_token": session.form_token(), "read": "yes"})
    bare = await browser.post(f"{at}/signature", data={"read": "yes"})

    assert "Modifica la 1: Acuerdo de las partes" in page
    assert "30 jun. 2027" in page
    assert "31 dic. 2027" in page
    assert "Firmar esta versión" in page
    assert "Firmar esta versión" not in first
    assert theirs.status_code == 404
    assert bare.status_code == 403


def test_a_difference_is_said_with_names_and_days_and_a_code_is_left_alone() -> None:
    other, unknown = "0b9f4c1e-5d1c-4c44-9a43-0d3a1b0a7f11", "1b9f4c1e-5d1c-4c44-9a43-0d3a1b0a7f11"
    texts = [
        "en custodia el lote es de aserradero-1 → -", f"el mismo lote está también en {other}, {unknown}",
        "el contrato rige 2026-07-01 → 2027-06-30", "LOTE-2026-07-01 salió el 2026-07-20",
    ]  # fmt: skip
    orgs, ids = named_in(texts)

    assert (orgs, ids) == (["aserradero-1", "-"], [other, unknown])
    said = [
        in_words(text, "es", lambda org: {"aserradero-1": "Aserradero"}.get(org, org), {other: "la del lote 7"})
        for text in texts
    ]
    assert said == [
        "En custodia el lote es de Aserradero → -", f"El mismo lote está también en la del lote 7, {unknown[:12]}…",
        "El contrato rige 1 jul. 2026 → 30 jun. 2027", "LOTE-2026-07-01 salió el 20 jul. 2026",
    ]  # fmt: skip
