"""The text of a contract by form: what becomes of its fields, and the pages over the real service, from an offer to an amendment
that both have signed."""

import re
from datetime import date
from html import unescape
from typing import Any

import httpx
import pytest

from services.portal import contract_form
from services.portal.acts import Filled
from services.portal.contract_form import ROWS, Base, begun, field_of, rows_shown, text_of
from tests.contracts.builders import TORNILLO, pen
from tests.contracts.conftest import BUYER, Contracts, contracts, migrated
from tests.contracts.test_versions import AS_BUYER, a_contract, a_text, signed
from tests.portal.conftest import HEALTHY, Listed, Open, Written
from tests.portal.signed import sign_in

__all__ = ["contracts", "migrated"]

Json = dict[str, Any]
PAPER = "ab" * 32
SHARE = {"kind": "share_of_volume", "species": "any", "share_milli": 300, "product": "log", "point_of_sale": "roadside"}
VAULT = {
    **HEALTHY, "/v1/documents": {"items": [{
        "sha256": PAPER, "org": "comunidad-a", "kind": "third_party_contract", "media_type": "application/pdf",
        "size_bytes": 9, "stored_on": "2026-11-20",
    }], "next": None},
    "/v1/norms": {"documents": [{"kind": "third_party_contract", "es": "contrato con tercero", "en": "contract with a third party"}]},
    "/v1/permits": {"items": [{"number": "RGR-1", "state": "in_force"}], "next": None},
    "/v1/organisations": {"items": [], "next": None},
}  # fmt: skip


def filled(base: Base, **changes: str) -> Filled:
    return Filled(begun(base, date(2026, 7, 1)) | changes)


def test_a_form_that_nobody_touched_says_what_its_version_says() -> None:
    """Of every kind: shares and amounts, obligations, a price that the form does not ask for."""
    obligations = [
        {"of": "buyer", "what": "El camino", "due_on": "2026-09-30", "worth": {"amount": "500.00", "currency": "USD"}}
    ]
    text = a_text(
        lines=[*a_text()["lines"], SHARE], obligations=obligations, volume_m3="60.000", permit="RGR-1",
        late_interest={"annual_milli": 125}, deductions=[{"kind": "road", "amount": pen("10.00"), "days": 0}],
    )  # fmt: skip
    amounts = {"instalments": [{"due_on": "2026-08-01", "amount": pen("70.00")}, {"due_on": "2027-01-01", "amount": pen("30.00")}],
               "total": pen("100.00")}  # fmt: skip

    for one in (text, text | {"schedule": amounts}):
        form = filled(Base(one))
        assert text_of(form, Base(one), []) == one
        assert form.faults == {}


def a_long_text() -> Json:
    """More instalments and obligations than an empty form has rows for."""
    days = [f"{2026 + month // 12}-{month % 12 + 1:02}-15" for month in range(6, 18)]
    return a_text(
        schedule={"instalments": [{"due_on": day, "amount": pen("50.00")} for day in days], "total": pen("600.00")},
        obligations=[{"of": "community", "what": f"Tramo {n} del camino"} for n in range(6)],
    )  # fmt: skip


def test_a_long_contract_is_taken_over_whole() -> None:
    base = Base(a_long_text(), amends=1)
    form = filled(base, reason="x")

    body = text_of(form, base, [])

    assert (form.faults, body["changes"]) == ({}, [])
    assert (body["schedule"], body["obligations"]) == (base.text["schedule"], base.text["obligations"])
    assert [rows_shown(form.fields, part) for part in ROWS] == [3, 14, 8]
    assert [rows_shown({}, part) for part in ROWS] == [3, 6, 4]


def test_an_amendment_names_what_changes_and_an_amount_written_otherwise_is_no_change() -> None:
    base = Base(a_text(), amends=1)

    body = text_of(filled(base, line0_price="330", ends_on="2027-12-31", reason="Llovió  mucho"), base, [])

    assert (body["amends"], body["changes"], body["reason"]) == (1, ["ends_on"], "Llovió mucho")


def test_papers_that_are_ticked_become_annexes_each_under_a_name_of_its_own() -> None:
    kept = {"name": "Acta", "sha256": "cd" * 32, "media_type": "image/jpeg"}
    base = Base(a_text(annexes=[kept]))
    vault = [
        {"sha256": one, "name": "contrato", "stored_on": "2026-11-20", "media_type": "application/pdf"}
        for one in (PAPER, "ef" * 32)
    ]

    form, unknown = [filled(base, annexes=f"{PAPER} {'cd' * 32} {'ef' * 32} {more}") for more in ("", "99" * 32)]
    body = text_of(form, base, vault)
    text_of(unknown, base, vault)

    assert (form.faults, unknown.faults) == ({}, {"annexes": "act.unknown_paper"})
    assert [one["name"] for one in body["annexes"]] == [
        "contrato, 2026-11-20",
        "Acta",
        "contrato, 2026-11-20 (efefefef)",
    ]


@pytest.mark.parametrize(
    ("where", "field"),
    [
        ("body.lines.1.per_volume.rule", "line1_rule"), ("body.schedule.instalments.2.due_on", "instalment2_on"),
        ("schedule.instalments", "instalment0_on"), ("body.obligations.0.due_on", "obligation0_on"), ("ends_on", "ends_on"),
        ("annexes.name", "annexes"), ("body.lines.0.share_of_volume.buy_back.unit", "line0_buy_unit"), ("lines.2.share_milli", "line2_share"),
        ("body.lines.1.in_kind.billed.amount", "line1_billed"), ("terms.scaler", "term_scaler"), ("terms.where.scaler", "where_scaler"),
        ("body.terms.assembly.votes_for", "term_assembly_votes_for"), ("terms.assembly", "term_assembly_held"),
        ("terms.census_species_m3", "term_census_species_m30_species"), ("body.terms.fine_risks.1.uit_milli", "term_fine_risks3_uit_milli"),
        ("body.deductions.1.amount.amount", "deductions4_amount"), ("deductions.formula", "deductions1_formula"),
        ("body.advances.0.recovered_days", "advances0_recovered_days"), ("terms.unheard", ""), ("offer", ""),
    ],
)  # fmt: skip
def test_a_fault_finds_its_field(where: str, field: str) -> None:
    fields = {
        f"{name}{n}_{said}": "x"
        for n in range(3)
        for name, said in (("line", "price"), ("instalment", "percent"), ("obligation", "what"))
    }
    fields |= {
        f"{name}": "x"
        for name in (
            "term_fine_risks1_uit_milli",
            "term_fine_risks3_uit_milli",
            "deductions1_amount",
            "deductions4_note",
        )
    }
    assert field_of(where, fields) == field


def test_a_fault_stands_beside_the_row_it_speaks_of_however_many_before_it_are_blank() -> None:
    base = Base(a_text(lines=[SHARE, *a_text()["lines"]]))
    form = filled(
        base, line1_price="", line2_per="tree", line2_price="10", instalment0_percent="", instalment4_percent="50", obligation2_what="El camino",
        obligation3_what="El puente",
    )  # fmt: skip
    body = text_of(form, base, [])
    places = (
        "body.lines.1.per_tree.price", "body.schedule.instalments.1.due_on", "body.obligations.1.due_on", "body.obligations.0.what",
        "body.lines.0.species",
    )  # fmt: skip

    assert [len(body["lines"]), len(body["schedule"]["instalments"]), len(body["obligations"])] == [2, 2, 2]
    assert [field_of(place, form.fields) for place in places] == [
        "line2_price", "instalment4_on", "obligation3_on", "obligation2_what", "line0_species",
    ]  # fmt: skip


# ---- the pages


@pytest.fixture
async def browser(open_portal: Open, contracts: Contracts) -> httpx.AsyncClient:
    client: httpx.AsyncClient = await open_portal(contracts=contracts.app, permits=Written(VAULT))
    return client


def fields_in(page: str) -> Json:
    """What a browser would send of the form, untouched."""
    form = page[page.rindex('<form class="form') :].partition("</form>")[0]
    found: Json = {}
    for tag in re.findall(r"<input[^>]+>", form):
        given = dict(re.findall(r'([a-z]+)="([^"]*)"', tag))
        if given.get("type") != "checkbox":
            found[given["name"]] = given.get("value", "")
        elif " checked" in tag:
            found[given["name"]] = [*found.get(given["name"], ()), given["value"]]
    for name, options in re.findall(r'<select id="[^"]+" name="([^"]+)".*?>(.*?)</select>', form, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', options) or re.findall(r'value="([^"]*)"', options)
        found[name] = chosen[0]
    return found | {
        name: unescape(text)
        for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S)
    }


async def opened(browser: httpx.AsyncClient, path: str) -> Json:
    page = await browser.get(path)
    assert page.status_code == 200, page.text[-2000:]
    return fields_in(page.text)


async def test_a_contract_is_written_signed_and_amended_by_form(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    at = f"/community/contracts/{contract}/text"
    session = sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    form = await opened(browser, f"{at}?annex={PAPER}")
    written = form | {"starts_on": "2026-12-01", "dated": "2026-12-01", "ends_on": "2027-11-30", "instalment0_on": "2026-12-01",
                      "instalment0_percent": "100"}  # fmt: skip
    twice = [await browser.post(at, data=written) for _ in range(2)]
    shown = await browser.get(twice[0].headers["location"])

    assert form["annexes"] == [PAPER]
    assert [one.status_code for one in twice] == [303, 303]
    assert "La versión quedó escrita" in shown.text
    [version] = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"]
    assert version["text"]["lines"] == (await contracts.get(f"/v1/contracts/{contract}"))["offer"]["lines"]
    assert version["text"]["annexes"] == [
        {"name": "contrato con tercero, 2026-11-20", "sha256": PAPER, "media_type": "application/pdf"}
    ]
    for who, role in (("comunidad-a", "manager"), (BUYER, "company")):
        session = sign_in(browser, contracts.issuer, role, org=who)
        sure = {"form_token": session.form_token(), "read": "yes", "text_sha256": version["text_sha256"]}
        await browser.post(f"/community/contracts/{contract}/versions/1/signature", data=sure)

    amended = await opened(browser, at)
    nothing = await browser.post(at, data=amended | {"reason": "x"})
    done = await browser.post(at, data=amended | {"ends_on": "2028-01-31", "reason": "La lluvia paró la extracción"})

    assert (nothing.status_code, done.status_code) == (422, 303), re.findall(
        r'class="(?:error|notice no)".*?</', done.text, re.S
    )
    last = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"][-1]
    assert (last["number"], last["text"]["amends"], last["text"]["changes"]) == (2, 1, ["ends_on"])
    assert last["written_by_org"] == BUYER, "either party writes"


async def test_an_annex_that_is_far_down_in_the_vault_is_found_and_one_that_is_nowhere_is_said(
    open_portal: Open, contracts: Contracts
) -> None:
    paper = VAULT["/v1/documents"]["items"][0]
    many = [paper | {"sha256": f"{n:064x}"} for n in range(2, 603)]
    vault = Written(VAULT | {"/v1/documents": Listed([*many, paper])})
    browser = await open_portal(contracts=contracts.app, permits=vault)
    contract = await a_contract(contracts)
    at = f"/community/contracts/{contract}/text"
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")
    form = await opened(browser, f"{at}?annex={PAPER}") | {
        "dated": "2026-12-01", "starts_on": "2026-12-01", "ends_on": "2027-11-30", "instalment0_on": "2026-12-01",
        "instalment0_percent": "100",
    }  # fmt: skip

    nowhere = await browser.post(at, data=form | {"annexes": [PAPER, "99" * 32]})
    done = await browser.post(at, data=form)

    assert (form["annexes"], nowhere.status_code, done.status_code) == ([PAPER], 422, 303)
    assert "Uno de los papeles marcados no está" in nowhere.text
    [version] = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"]
    assert [one["sha256"] for one in version["text"]["annexes"]] == [PAPER]


async def test_a_long_contract_that_is_opened_and_sent_back_untouched_is_no_change(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract, a_long_text())
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")
    at = f"/community/contracts/{contract}/text"

    form = await opened(browser, at)
    nothing = await browser.post(at, data=form | {"reason": "x"})
    done = await browser.post(
        at, data=form | {"reason": "x", "instalment12_on": "2027-06-20", "instalment12_amount": "5"}
    )

    assert (nothing.status_code, done.status_code) == (422, 303)
    last = (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"][-1]["text"]
    assert (last["changes"], last["schedule"]["total"], len(last["obligations"])) == (["schedule"], pen("605.00"), 6)


async def test_what_the_service_refuses_stands_beside_its_field_and_nothing_typed_is_lost(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    contract = await a_contract(contracts)
    at = f"/community/contracts/{contract}/text"
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")
    form = await opened(browser, at) | {
        "ends_on": "2027-11-30", "instalment0_on": "2026-12-01", "instalment0_percent": "60", "title": "Mi contrato",
    }  # fmt: skip

    short = await browser.post(at, data=form)
    later = await browser.post(
        at, data=form | {"instalment0_percent": "", "instalment3_on": "2020-01-01", "instalment3_percent": "no sé"}
    )
    empty = await browser.post(at, data=form | {"instalment0_percent": "", "line0_price": ""})
    forged = await browser.post(at, data=form | {"form_token": "x"})

    assert short.status_code == 422
    assert "las partes no suman 1000" in short.text
    assert 'value="Mi contrato"' in short.text
    assert re.search(r'name="instalment3_percent"[^>]* aria-invalid', later.text)
    assert re.search(
        r"<details open><summary>[^<]*</summary>\s*<div[^>]*><div[^>]*><label for=\"instalment2_on", later.text
    )
    assert (empty.status_code, empty.text.count("Falta este dato.")) == (422, 2)
    assert forged.status_code == 403
    assert (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"] == []


async def test_every_permit_may_be_chosen(open_portal: Open, contracts: Contracts) -> None:
    numbers = [f"RGR-{n}" for n in range(501)]
    permits = Listed([{"number": one, "state": "in_force"} for one in numbers])
    browser = await open_portal(contracts=contracts.app, permits=Written(VAULT | {"/v1/permits": permits}))
    contract = await a_contract(contracts)
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    page = await browser.get(f"/community/contracts/{contract}/text")

    assert set(re.findall(r'value="(RGR-\d+)"', page.text)) == set(numbers)


async def test_an_offer_without_a_registered_buyer_says_who_is_missing(
    browser: httpx.AsyncClient, contracts: Contracts
) -> None:
    nobody, named = await a_contract(contracts, buyer=None), await a_contract(contracts, title="Otra")
    sign_in(browser, contracts.issuer, "manager", org="comunidad-a")

    without, with_one = [(await browser.get(f"/community/contracts/{one}/text")).text for one in (nobody, named)]

    assert "no hay quien firme" in without
    assert "no hay quien firme" not in with_one


async def test_only_the_parties_of_a_contract_see_its_form(browser: httpx.AsyncClient, contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract)

    answers = {}
    for role, org in (
        ("manager", "comunidad-a"),
        ("company", BUYER),
        ("manager", "comunidad-b"),
        ("auditor", "auditoria-1"),
    ):
        sign_in(browser, contracts.issuer, role, org=org)
        answers[org] = (await browser.get(f"/community/contracts/{contract}/text")).status_code

    assert answers == {"comunidad-a": 200, BUYER: 200, "comunidad-b": 404, "auditoria-1": 403}
    assert AS_BUYER["org"] == BUYER
    assert (
        TORNILLO
        in (await contracts.get(f"/v1/contracts/{contract}/versions"))["items"][0]["text"]["lines"][0]["species"]
    )


def test_the_form_knows_every_part_that_an_amendment_may_change() -> None:
    from services.contracts.domain.contract import PARTS

    assert set(contract_form.PARTS) == set(PARTS)
