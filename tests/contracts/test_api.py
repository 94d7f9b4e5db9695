"""The HTTP door: offers, appraisals and books on real PostgreSQL."""

import asyncio
import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.contracts import quick_limit
from services.contracts.api.house import today
from services.contracts.quick_limit import Bucket
from shared.web.client import service_client
from shared.web.problems import TooManyAttempts
from tests.clock import Clock
from tests.contracts.builders import (
    LUPUNA,
    TORNILLO,
    a_cost_book,
    a_price_book,
    an_offer,
    pen,
    per_tree,
    per_volume,
    sawn,
    signed,
    wood,
)
from tests.contracts.conftest import BUYER, Contracts

STEWARD = {"role": "operator", "org": "trozalog"}
LOT = "0b0a8f0e-6d1c-4f5e-9c61-6f5d3f0e2a11"


def basis(**more: Any) -> dict[str, Any]:
    return {"on": "2026-11-22", "prices": a_price_book(), "costs": signed(a_cost_book())} | more


def custody_lot(*diameters: int, species: str = TORNILLO) -> dict[str, Any]:
    """A lot as custody answers it."""
    logs = [
        {"id": f"log-{n}", "code": f"501/{n}", "species": species, "product": "roundwood", "diameter_large_mm": d,
         "diameter_small_mm": d - 40, "length_mm": 4_900, "volume_dm3": 1_000}
        for n, d in enumerate(diameters)
    ]  # fmt: skip
    boards = [{"id": "board", "code": "b", "species": species, "product": "sawn", "volume_dm3": 500}]
    return {"lot": LOT, "items": boards, "logs": logs}


async def published(contracts: Contracts) -> None:
    await contracts.post("/v1/price-books", a_price_book(), **STEWARD)
    await contracts.post("/v1/cost-books", a_cost_book(), **STEWARD)


# --- offers -------------------------------------------------------------------------------------------------------


async def test_an_offer_is_stored_once_however_often_it_is_sent(contracts: Contracts) -> None:
    first = await contracts.post("/v1/contracts", an_offer())
    again = await contracts.post("/v1/contracts", an_offer(), expect=200)
    by_buyer = await contracts.post("/v1/contracts", an_offer(), expect=200, role="company", org=BUYER)

    assert first == again == by_buyer
    assert first["offer_sha256"].startswith(first["id"])
    assert first["offer"]["lines"][0]["price"] == pen("50.00")


async def test_the_same_price_spelled_otherwise_is_the_same_offer(contracts: Contracts) -> None:
    first = await contracts.post("/v1/contracts", an_offer(per_tree("50")))

    assert (await contracts.post("/v1/contracts", an_offer(per_tree("50.00")), expect=200))["id"] == first["id"]


async def test_a_contract_exists_for_its_parties_and_for_nobody_else(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    path = f"/v1/contracts/{stored['id']}"

    assert await contracts.get(path) == stored
    assert await contracts.get(path, role="company", org=BUYER) == stored
    for role, org in (("manager", "comunidad-b"), ("company", "aserradero-2"), ("machine", "comunidad-b")):
        assert (await contracts.get(path, 404, role=role, org=org))["slug"] == "not-found"


async def test_only_a_party_stores_an_offer(contracts: Contracts) -> None:
    stranger = await contracts.post("/v1/contracts", an_offer(), 403, org="comunidad-b")

    assert stranger["slug"] == "not-a-party"
    await contracts.post("/v1/contracts", an_offer(), 201, role="company", org=BUYER)


async def test_an_offer_without_a_named_buyer_is_the_communitys_alone(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer(buyer=None))

    await contracts.get(f"/v1/contracts/{stored['id']}")
    await contracts.get(f"/v1/contracts/{stored['id']}", 404, role="company", org=BUYER)


async def test_a_list_pages_from_the_newest_and_shows_own_offers_only(contracts: Contracts) -> None:
    ids = [(await contracts.post("/v1/contracts", an_offer(title=f"Oferta {n}")))["id"] for n in range(5)]
    await contracts.post("/v1/contracts", an_offer(community="comunidad-b", buyer=None), org="comunidad-b")

    first = await contracts.get("/v1/contracts?limit=3")
    second = await contracts.get(f"/v1/contracts?limit=3&cursor={first['next']}")

    assert [one["id"] for one in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert len((await contracts.get("/v1/contracts", role="company", org=BUYER))["items"]) == 5
    assert len((await contracts.get("/v1/contracts", org="comunidad-b"))["items"]) == 1


def a_cursor(text: str) -> str:
    """Any text, packed as a cursor is."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "bm90IGEgY3Vyc29y",
        "MjAyNi0wMS0wMSB4",
        "%00",
        a_cursor(f"0001-01-01T00:00:00+23:59 {'a' * 32}"),
        a_cursor(f"9999-12-31T23:59:59-23:59 {'a' * 32}"),
        a_cursor(f"2026-11-22T00:00:00 {'a' * 32}"),
        a_cursor("2026-11-22T00:00:00+00:00 a\x00b"),
        a_cursor("2026-11-22T00:00:00+00:00 " + "a" * 31 + "\n"),
        a_cursor("2026-11-22T00:00:00+00:00 aa"),
    ],
)
async def test_a_cursor_that_is_not_ours_is_malformed(contracts: Contracts, cursor: str) -> None:
    assert (await contracts.get(f"/v1/contracts?cursor={cursor}", 422))["slug"] == "malformed"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2026-11-22T00:00:00"])
async def test_a_cursor_of_any_moment_of_the_calendar_is_a_place(contracts: Contracts, moment: str) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())

    page = await contracts.get(f"/v1/contracts?cursor={a_cursor(f'{moment}+00:00 ' + 'a' * 32)}")

    assert [item["id"] for item in page["items"]] == ([stored["id"]] if moment.startswith("9999") else [])


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (an_offer(lines=[{k: v for k, v in per_volume("1", "pt", "doyle").items() if k != "rule"}]), "malformed"),
        (an_offer(lines=[per_tree() | {"price": {"amount": 50, "currency": "PEN"}}]), "malformed"),
        (an_offer(lines=[per_tree() | {"price": {"amount": 0.5, "currency": "PEN"}}]), "malformed"),
        (an_offer(per_tree("50", ["Tornillo"])), "unknown-species"),
        (an_offer(extra=1), "malformed"),
        (an_offer(buyer="comunidad-a"), "malformed"),
    ],
)
async def test_an_offer_that_is_not_one_is_refused_in_both_languages(
    contracts: Contracts, body: Any, slug: str
) -> None:
    problem = await contracts.post("/v1/contracts", body, 422)

    assert problem["slug"] == slug
    assert problem["detail_es"] != problem["detail_en"]


# --- appraisals ---------------------------------------------------------------------------------------------------


async def test_the_demonstration_case_through_the_door_without_a_login(contracts: Contracts) -> None:
    answer = await contracts.post("/v1/appraisals/quick", {"offer": an_offer(), "basis": basis()}, 200, role=None)

    assert answer["verdict"] == "far_below"
    assert answer["total"]["net_m3"] == pen("7.82")
    assert answer["total"]["fair_mid_m3"] == pen("295.64")
    assert answer["total"]["loss_mid"] == pen("183911.44")
    assert answer["contract"] is None
    assert "S/ 7.82 por m³ en pie" in answer["text"]["es"]["sentences"][1]


async def test_a_quick_appraisal_stores_nothing(contracts: Contracts) -> None:
    await contracts.post("/v1/appraisals/quick", {"offer": an_offer(), "basis": basis()}, 200)

    admin = await asyncpg.connect(contracts.database.admin_dsn)
    counts = [await admin.fetchval(f"SELECT count(*) FROM {table}") for table in ("contract", "appraisal", "book")]
    await admin.close()
    assert counts == [0, 0, 0]


async def test_a_quick_appraisal_of_nothing_known_says_what_is_missing(contracts: Contracts) -> None:
    answer = await contracts.post("/v1/appraisals/quick", {"offer": an_offer()}, 200, role=None)

    assert answer["verdict"] == "no_answer"
    assert [gap["what"] for gap in answer["missing"]] == ["cost_book", "price"]
    assert answer["on"] == today().isoformat()


async def test_a_stored_appraisal_is_immutable_and_the_same_question_has_the_same_bytes(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    path = f"/v1/contracts/{stored['id']}/appraisals"
    headers = contracts.issuer.headers("manager")

    first = await contracts.http.post(path, json=basis(), headers=headers)
    again = await contracts.http.post(path, json=basis(), headers=headers)
    read = await contracts.http.get(f"/v1/appraisals/{first.json()['id']}", headers=headers)

    assert (first.status_code, again.status_code, read.status_code) == (201, 200, 200)
    assert first.content == again.content == read.content
    assert first.json()["contract"] == stored["id"]
    assert first.json()["pins"]["offer_sha256"] == stored["offer_sha256"]


async def test_another_basis_is_another_appraisal_and_the_list_has_both(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    path = f"/v1/contracts/{stored['id']}/appraisals"

    one = await contracts.post(path, basis())
    other = await contracts.post(path, basis(rate_milli=0))

    listed = await contracts.get(path)
    assert [item["id"] for item in listed["items"]] == [other["id"], one["id"]]
    first = await contracts.get(f"{path}?limit=1")
    assert [item["id"] for item in (await contracts.get(f"{path}?limit=1&cursor={first['next']}"))["items"]] == [
        one["id"]
    ]


async def test_what_the_wood_is_worth_is_not_for_the_buyer(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    path = f"/v1/contracts/{stored['id']}/appraisals"
    appraisal = await contracts.post(path, basis())
    # A person of the buyer's who manages: the role passes the door, the organisation does not.
    buyer = {"role": "manager", "org": BUYER}

    assert (await contracts.post(path, basis(), 403, **buyer))["slug"] == "buyer-may-not-appraise"
    assert (await contracts.get(path, 403, **buyer))["slug"] == "buyer-may-not-appraise"
    await contracts.get(f"/v1/appraisals/{appraisal['id']}", 404, **buyer)
    for method, address in (("POST", path), ("GET", path), ("GET", f"/v1/appraisals/{appraisal['id']}")):
        problem = await contracts.call(method, address, basis(), role="company", org=BUYER, expect=403)
        assert problem["slug"] == "role-not-allowed"
    await contracts.post(path, basis(), 404, org="comunidad-b")
    await contracts.get(f"/v1/appraisals/{appraisal['id']}", 404, org="comunidad-b")
    await contracts.get(f"/v1/appraisals/{appraisal['id']}", 200)


@pytest.mark.parametrize(("lang", "headline"), [("es", "La oferta está muy"), ("en", "The offer is far")])
async def test_an_appraisal_is_told_in_either_language(contracts: Contracts, lang: str, headline: str) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    appraisal = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis())

    told = await contracts.get(f"/v1/appraisals/{appraisal['id']}?lang={lang}")

    assert told["headline"].startswith(headline)
    assert len(told["sms"]) <= 480
    assert {flag["code"] for flag in told["flags"]} == {flag["code"] for flag in appraisal["flags"]}
    await contracts.get(f"/v1/appraisals/{appraisal['id']}?lang=qu", 422)


async def test_the_newest_books_of_the_region_are_taken_and_pinned(contracts: Contracts) -> None:
    await published(contracts)
    await contracts.post("/v1/price-books", a_price_book(sawn("4.00"), as_of="2026-11-10"), **STEWARD)
    await contracts.post("/v1/price-books", a_price_book(sawn("9.00"), id="loreto", region="loreto"), **STEWARD)
    await contracts.post("/v1/price-books", a_price_book(sawn("8.00"), id="manana", as_of="2026-11-25"), **STEWARD)

    answer = await contracts.post("/v1/appraisals/quick", {"offer": an_offer(), "basis": {"on": "2026-11-22"}}, 200)

    pin = answer["pins"]["price_book"]
    assert (pin["id"], pin["version"]) == ("precios-mdd", 2)
    assert answer["pins"]["cost_book"]["version"] == 1
    assert answer["lines"][0]["fair_by_species"][0]["residual"]["sawn_price_pt"] == pen("4.00")


async def test_a_named_book_that_does_not_exist_is_missing_and_one_that_does_is_used(contracts: Contracts) -> None:
    await published(contracts)
    missing = {"offer": an_offer(), "basis": {"price_book": "nadie"}}
    named = {"offer": an_offer(region="loreto"), "basis": {"price_book": "precios-mdd", "cost_book": "costos-mdd"}}

    await contracts.post("/v1/appraisals/quick", missing, 404)
    told = await contracts.post("/v1/appraisals/quick", named, 200)
    assert [told["pins"][book]["id"] for book in ("price_book", "cost_book")] == ["precios-mdd", "costos-mdd"]
    # Costs of another region, which nobody signed either: figures, and no colour.
    assert (told["verdict"], told["total"]["fair_mid_m3"]) == ("no_answer", pen("295.64"))


async def test_a_stored_book_and_given_figures_at_once_contradict(contracts: Contracts) -> None:
    both = {"offer": an_offer(), "basis": basis(price_book="precios-mdd")}

    assert (await contracts.post("/v1/appraisals/quick", both, 422))["slug"] == "malformed"


async def test_strangers_ask_so_many_questions_and_then_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(quick_limit, "time", clock)
    bucket = Bucket(rate=1_000.0, burst=2)

    bucket.take()
    bucket.take()
    with pytest.raises(TooManyAttempts):
        bucket.take()
    clock.now_s += 0.01
    bucket.take()


async def test_a_caller_with_a_token_does_not_take_from_the_strangers(contracts: Contracts) -> None:
    contracts.app.state.quick_limit = Bucket(rate=0.0, burst=0)
    body = {"offer": an_offer(), "basis": basis()}

    await contracts.post("/v1/appraisals/quick", body, 429, role=None)
    await contracts.post("/v1/appraisals/quick", body, 200, role="member")


# --- custody ------------------------------------------------------------------------------------------------------

BY_FOOT = an_offer(per_volume("1.20", "pt", "doyle"), lot=wood(custody_lot=LOT))


async def test_the_lots_own_logs_convert_the_price(contracts: Contracts) -> None:
    contracts.custody.lots[LOT] = custody_lot(460, 460, 620, 620, 880)

    answer = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)

    assert answer["lot"] | {"source": "custody", "custody": "read", "logs": 5} == answer["lot"]
    assert answer["lines"][0]["factor_source"] == "custody"
    assert answer["pins"]["lot_sha256"] is not None
    assert answer["verdict"] != "no_answer"


async def test_thinner_logs_pay_less_by_doyle_and_another_log_list_is_another_appraisal(contracts: Contracts) -> None:
    contracts.custody.lots[LOT] = custody_lot(900, 900)
    thick = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)
    contracts.custody.lots[LOT] = custody_lot(400, 400)
    thin = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)

    assert float(thin["total"]["net_m3"]["amount"]) < float(thick["total"]["net_m3"]["amount"])
    assert thin["id"] != thick["id"]


async def test_silence_of_custody_degrades_the_answer_and_does_not_block_it(contracts: Contracts) -> None:
    contracts.custody.down = True

    answer = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)

    assert answer["lot"]["custody"] == "unavailable"
    assert answer["verdict"] == "no_answer"
    assert "custody" in [gap["what"] for gap in answer["missing"]]
    assert {f["code"]: f["state"] for f in answer["flags"]}["P05"] == "unknown"


async def test_a_custody_that_is_not_there_at_all_is_silence_too(contracts: Contracts, tmp_path: Path) -> None:
    async with service_client("custody", "http://custody", tmp_path / "nobody.sock") as nobody:
        contracts.app.state.custody = nobody

        answer = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)

    assert answer["lot"]["custody"] == "unavailable"


async def test_with_a_stated_distribution_silence_still_has_an_answer(contracts: Contracts) -> None:
    contracts.custody.down = True
    classes = [{"large_mm": 620, "small_mm": 560, "length_mm": 4_900, "share_milli": 1_000}]
    offer = an_offer(per_volume("1.20", "pt", "doyle"), lot=wood(custody_lot=LOT, diameters=classes))

    answer = await contracts.post("/v1/appraisals/quick", {"offer": offer, "basis": basis()}, 200)

    assert answer["lot"]["source"] == "distribution"
    assert answer["verdict"] != "no_answer"


async def test_a_lot_that_custody_does_not_know_is_said(contracts: Contracts) -> None:
    answer = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)

    assert answer["lot"]["custody"] == "not_found"
    assert "custody_lot" in [gap["what"] for gap in answer["missing"]]


@pytest.mark.parametrize("answer", [{}, {"logs": [{}], "items": []}, {"logs": None, "items": None}, [], "x"])
async def test_an_answer_of_custody_that_makes_no_sense_counts_as_silence(contracts: Contracts, answer: Any) -> None:
    contracts.custody.lots[LOT] = answer

    found = await contracts.post("/v1/appraisals/quick", {"offer": BY_FOOT, "basis": basis()}, 200)

    assert found["verdict"] == "no_answer"


# --- books --------------------------------------------------------------------------------------------------------


async def test_a_book_is_published_in_versions_and_the_same_content_only_once(contracts: Contracts) -> None:
    first = await contracts.post("/v1/price-books", a_price_book(), **STEWARD)
    again = await contracts.post("/v1/price-books", a_price_book(), 200, **STEWARD)
    second = await contracts.post("/v1/price-books", a_price_book(sawn("3.40")), **STEWARD)

    assert (first["version"], second["version"]) == (1, 2)
    # Where in the log it stands is known a moment later.
    assert again == first | {"log": again["log"]}
    newest = await contracts.get("/v1/price-books/precios-mdd", role=None)
    oldest = await contracts.get("/v1/price-books/precios-mdd?version=1", role=None)
    assert newest == second | {"log": newest["log"]}
    assert oldest == first | {"log": oldest["log"]}
    await contracts.get("/v1/price-books/precios-mdd?version=3", 404)


async def test_a_book_does_not_go_back_in_time(contracts: Contracts) -> None:
    await contracts.post("/v1/cost-books", a_cost_book(as_of="2026-11-05"), **STEWARD)

    back = await contracts.post("/v1/cost-books", a_cost_book(as_of="2026-11-04"), 409, **STEWARD)

    assert back["slug"] == "book-goes-back"
    await contracts.post("/v1/cost-books", a_cost_book(as_of="2026-11-06"), 201, **STEWARD)


async def test_nobody_publishes_under_anothers_name(contracts: Contracts) -> None:
    await contracts.post("/v1/price-books", a_price_book(), **STEWARD)
    authority = {"role": "authority", "org": "gerfor-md", "region": "madre-de-dios"}

    taken = await contracts.post("/v1/price-books", a_price_book(sawn("1")), 403, **authority)

    assert taken["slug"] == "book-of-another"
    await contracts.post("/v1/price-books", a_price_book(id="precios-gerfor"), 201, **authority)


async def test_an_officer_publishes_for_the_own_region(contracts: Contracts) -> None:
    officer = {"role": "authority", "org": "gerfor-md", "region": "madre-de-dios"}

    other = await contracts.post("/v1/price-books", a_price_book(region="loreto"), 403, **officer)

    assert (other["slug"], other["facts"]["own"], other["facts"]["region"]) == (
        "other-region", "madre-de-dios", "loreto",
    )  # fmt: skip
    await contracts.post("/v1/price-books", a_price_book(), 201, **officer)


async def test_an_officer_whose_token_names_no_region_publishes_for_none(contracts: Contracts) -> None:
    officer = {"role": "authority", "org": "gerfor-md"}

    nowhere = await contracts.post("/v1/price-books", a_price_book(), 403, **officer)

    assert nowhere["slug"] == "other-region"
    await contracts.post("/v1/price-books", a_price_book(), 201, region="*", **officer)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/price-books", a_price_book()),
        ("/v1/cost-books", a_cost_book()),
        ("/v1/indices", {"id": "ipm-prueba", "unit": "2013 = 100"}),
        ("/v1/fx-rates", {"id": "dolar-prueba"}),
    ],
)
async def test_nothing_is_published_of_a_day_that_has_not_come(
    contracts: Contracts, path: str, body: dict[str, Any]
) -> None:
    lines = [{"on": "2026-11-01", "value": "3.82", "source": "Fuente de prueba"}]
    series = {"title": "x", "source": "Fuente", "licence": "CC0-1.0", "valid_days": 7, "lines": lines}
    told = body if "entries" in body or "recovery_milli" in body else series | body

    refused = await contracts.post(path, told | {"as_of": (today() + timedelta(days=1)).isoformat()}, 422, **STEWARD)

    assert (refused["slug"], refused.get("where", "body.as_of")) == ("future-date", "body.as_of")
    await contracts.post(path, told | {"as_of": today().isoformat()}, 201, **STEWARD)


async def test_a_published_book_states_its_grade(contracts: Contracts) -> None:
    given = await contracts.post("/v1/price-books", a_price_book(sawn(grade="given")), 422, **STEWARD)

    assert given["slug"] == "private-grade"


async def test_own_figures_are_judged_by_once_a_forester_of_the_region_signs_the_costs(contracts: Contracts) -> None:
    signed = {"signed_by": {"name": "Forestal de prueba", "licence": "R-1", "on": "2026-10-20"}}

    async def quick(**costs: Any) -> Any:
        prices = a_price_book(sawn(grade="given"))
        body = {"offer": an_offer(), "basis": basis(prices=prices, costs=a_cost_book(**costs))}
        return await contracts.post("/v1/appraisals/quick", body, 200)

    unsigned = await quick()
    assert unsigned["verdict"] == "no_answer"
    assert [gap["what"] for gap in unsigned["missing"]] == ["support"]
    assert unsigned["total"]["fair_mid_m3"] == pen("295.64")
    assert unsigned["lines"][0]["counter_offer"] is None
    assert (await quick(**signed, region="loreto"))["verdict"] == "no_answer"
    assert (await quick(**signed))["verdict"] == "far_below"


async def test_two_publications_at_once_are_two_versions_or_one_is_asked_to_repeat(contracts: Contracts) -> None:
    books = [a_price_book(sawn(f"3.{n}")) for n in range(10, 18)]

    answers = await asyncio.gather(*(contracts.post("/v1/price-books", book, None, **STEWARD) for book in books))

    made = sorted(answer["version"] for answer in answers if "version" in answer)
    assert made == list(range(1, len(made) + 1))
    assert {answer["slug"] for answer in answers if "slug" in answer} <= {"book-contested"}


async def test_a_list_of_books_shows_the_latest_of_each_and_the_world_series(contracts: Contracts) -> None:
    for name in ("a-libro", "b-libro", "c-libro"):
        await contracts.post("/v1/price-books", a_price_book(id=name), **STEWARD)
        await contracts.post("/v1/price-books", a_price_book(sawn("5"), id=name), **STEWARD)

    first = await contracts.get("/v1/price-books?limit=2", role=None)
    second = await contracts.get(f"/v1/price-books?limit=2&cursor={first['next']}", role=None)

    assert [one["id"] for one in first["items"]] == ["world-bank-pink-sheet", "a-libro", "b-libro"]
    assert [(one["id"], one["version"]) for one in second["items"]] == [("c-libro", "2")]
    assert (await contracts.get("/v1/price-books?region=loreto", role=None))["items"] == []


async def test_the_world_bank_series_is_credited_and_its_name_is_taken(contracts: Contracts) -> None:
    series = await contracts.get("/v1/price-books/world-bank-pink-sheet", role=None)

    assert series["credit"] == "World Bank, Commodity Markets"
    assert series["licence"] == "CC BY 4.0"
    assert series["version"] == "2026-05"
    assert series["months"][-1]["sawnwood_malaysia_usd_m3"] == "735.26"
    assert series["months"][0]["logs_cameroon_usd_m3"] is None
    assert len(series["months"]) == 797
    taken = await contracts.post("/v1/price-books", a_price_book(id="world-bank-pink-sheet"), 409, **STEWARD)
    assert taken["slug"] == "book-name-reserved"


async def test_the_rules_of_the_house_are_public(contracts: Contracts) -> None:
    rules = await contracts.get("/v1/log-rules", role=None)
    flags = await contracts.get("/v1/red-flags", role=None)

    assert rules["constants"]["pt_per_m3"] == "423.776001"
    assert {rule["rule"] for rule in rules["rules"]} >= {"smalian", "doyle", "oxapampina", "mean_of_ends"}
    assert {flag["code"] for flag in flags["flags"]} >= {"P01", "L01"}
    assert flags["legal_review"] == "pending"


# --- the database says no too -------------------------------------------------------------------------------------


async def test_row_level_security_hides_what_a_forgotten_condition_would_show(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis())

    async def seen(org: str) -> tuple[int, int]:
        app = await asyncpg.connect(contracts.database.app_dsn)
        try:
            async with app.transaction():
                await app.execute("SELECT set_config('app.org', $1, true)", org)
                return await app.fetchval("SELECT count(*) FROM contract"), await app.fetchval(
                    "SELECT count(*) FROM appraisal"
                )
        finally:
            await app.close()

    assert await seen("comunidad-a") == (1, 1)
    assert await seen(BUYER) == (1, 0)
    assert await seen("comunidad-b") == (0, 0)
    assert await seen("") == (0, 0)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE contract SET title = 'x'", "DELETE FROM appraisal", "TRUNCATE book", "UPDATE book SET sha256 = ''"],
)
async def test_the_service_cannot_rewrite_what_it_stored(contracts: Contracts, statement: str) -> None:
    app = await asyncpg.connect(contracts.database.app_dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)
    await app.close()


async def test_a_book_is_inserted_by_a_steward_only_even_past_the_service(contracts: Contracts) -> None:
    insert = (
        "INSERT INTO book (kind, id, version, title, region, as_of, content, sha256, published_by_org, published_by)"
        " VALUES ('price', 'x', 1, 'x', 'loreto', '2026-01-01', 'xx', repeat('a', 64), 'org', 'u')"
    )

    async def attempt(roles: str) -> None:
        app = await asyncpg.connect(contracts.database.app_dsn)
        try:
            async with app.transaction():
                await app.execute("SELECT set_config('app.org', 'org', true), set_config('app.roles', $1, true)", roles)
                await app.execute(insert)
        finally:
            await app.close()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt("manager")
    await attempt("operator")


# --- bad bytes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"{", 422), (b"[]", 422), (b"null", 422), (b'{"offer":NaN}', 422), (b'{"offer":1,"offer":2}', 422),
        (b"\xef\xbb\xbf{}", 422), (b"[" * 5_000, 422), (b'{"a":' * 40 + b"1" + b"}" * 40, 422),
        (b'{"offer":"\\ud800"}', 422), (b'{"offer":1e999}', 422), (b'{"offer":' + b"9" * 5_000 + b"}", 422),
        (b'{"offer":"' + b"x" * 300_000 + b'"}', 413),
    ],
)  # fmt: skip
async def test_bytes_that_are_not_a_question_are_refused_as_a_problem(
    contracts: Contracts, body: bytes, status: int
) -> None:
    answer = await contracts.http.post(
        "/v1/appraisals/quick", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_service_is_well_and_says_so(contracts: Contracts) -> None:
    answer = await contracts.http.get("/healthz")

    assert answer.json() == {
        "status": "ok",
        "service": "contracts",
        "database": "ok",
        "statements_pending": 0,
        "statements_refused": 0,
    }
    assert isinstance(answer, httpx.Response)


async def test_two_species_priced_apart_are_appraised_apart(contracts: Contracts) -> None:
    lot = {"basis": "census", "species": [*wood()["species"], *wood("100.000", LUPUNA, 20)["species"]]}
    offer = an_offer(per_tree("50", [TORNILLO]), per_tree("1600", [LUPUNA]), lot=lot)

    answer = await contracts.post("/v1/appraisals/quick", {"offer": offer, "basis": basis()}, 200)

    assert [line["verdict"] for line in answer["lines"]] == ["far_below", "fair"]
    assert answer["verdict"] == "far_below"


# --- permits ------------------------------------------------------------------------------------------------------


def standing(**more: Any) -> dict[str, Any]:
    """A permit as the permits service answers anyone."""
    return {
        "number": "P-1", "on": "2026-11-22", "valid": True, "movement_valid": True, "status": "in_force", "window": {"move_to": "2027-06-30"},
        "lines": {"by_product": [{"product": "roundwood", "volume_dm3": 700_000}]},
    } | more  # fmt: skip


async def flags_of(contracts: Contracts, offer: dict[str, Any]) -> dict[str, Any]:
    answer = await contracts.post("/v1/appraisals/quick", {"offer": offer, "basis": basis()}, 200)
    return {flag["code"]: flag["state"] for flag in answer["flags"]} | {"id": answer["id"]}


async def test_permits_says_whether_the_permit_covers_the_wood_and_the_regent_is_known(contracts: Contracts) -> None:
    offer = an_offer(permit="P-1", regent="regente-1")
    contracts.permits.answers = {
        "/v1/permits/P-1/verify": standing(), "/v1/organisations/regente-1": REGENT, "/v1/organisations/regente-1/licences": licences(),
    }  # fmt: skip
    good = await flags_of(contracts, offer)
    contracts.permits.answers = {"/v1/permits/P-1/verify": standing(valid=False, status="suspended")}
    bad = await flags_of(contracts, offer)

    assert (good["L08"], good["L07"]) == ("clear", "clear")
    assert (bad["L08"], bad["L07"]) == ("raised", "raised")
    assert good["id"] != bad["id"]


REGENT = {"id": "regente-1", "kind": "regent_firm"}


def licences(valid_to: str = "2027-12-31", no_more_from: str | None = None) -> dict[str, Any]:
    """A regent's licences as the permits service tells them to anyone."""
    return {
        "items": [{"number": "L-1", "valid_from": "2024-01-01", "valid_to": valid_to, "no_more_from": no_more_from}]
    }


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        (licences(), "clear"),
        (licences(no_more_from="2026-11-23"), "clear"),
        (licences(no_more_from="2026-11-22"), "raised"),
        (licences(valid_to="2026-11-21"), "raised"),
        ({"items": [*licences(valid_to="2026-11-21")["items"], *licences()["items"]]}, "clear"),
        ({"items": []}, "unknown"),
        ({"items": [{"number": "L-1"}]}, "unknown"),
        (None, "unknown"),
    ],
)
async def test_a_regent_whose_licence_was_suspended_or_is_over_may_not_sign(
    contracts: Contracts, listed: dict[str, Any] | None, state: str
) -> None:
    known = {"/v1/organisations/regente-1": REGENT}
    contracts.permits.answers = known if listed is None else known | {"/v1/organisations/regente-1/licences": listed}

    assert (await flags_of(contracts, an_offer(regent="regente-1")))["L07"] == state


async def test_the_licence_that_counts_is_that_of_the_day_of_the_signature(contracts: Contracts) -> None:
    revoked = licences(no_more_from="2026-11-10")
    contracts.permits.answers = {
        "/v1/organisations/regente-1": REGENT, "/v1/organisations/regente-1/licences": revoked,
    }  # fmt: skip
    before, after = (
        an_offer(regent="regente-1", terms={"signed_on": day}) for day in ("2026-11-09", "2026-11-10")
    )  # fmt: skip

    assert (await flags_of(contracts, before))["L07"] == "clear"
    assert (await flags_of(contracts, after))["L07"] == "raised"


async def test_the_balance_of_a_permit_counts_for_those_who_may_read_it(contracts: Contracts) -> None:
    def page(litres: int, more: str | None) -> dict[str, Any]:
        row = {"permit": "P-1", "parcel": "PC 01", "species": TORNILLO, "product": "roundwood", "balance_dm3": litres}
        return {"balances": [row], "next": more}

    offer = an_offer(permit="P-1")  # 639 m³
    contracts.permits.answers = {"/v1/permits/P-1/verify": standing()}
    first, second = b"permit=P-1&product=roundwood", b"permit=P-1&product=roundwood&cursor=mas"

    async def l08(*litres: int, **who: Any) -> Any:
        contracts.custody.balances = {first: page(litres[0], "mas"), second: page(litres[1], None)}
        answer = await contracts.post("/v1/appraisals/quick", {"offer": offer, "basis": basis()}, 200, **who)
        return next(flag for flag in answer["flags"] if flag["code"] == "L08")

    enough, short, stranger = await l08(600_000, 39_000), await l08(600_000, 38_999), await l08(1, 1, role=None)

    assert (enough["state"], short["state"], stranger["state"]) == ("clear", "raised", "clear")
    assert "quedan 638.999" in short["text_es"]
    contracts.custody.down = True
    assert (await l08(1, 1))["state"] == "clear"


async def test_the_species_of_a_permit_are_read_from_its_public_standing(contracts: Contracts) -> None:
    def authorised(species: str) -> dict[str, Any]:
        row = {"species": species, "product": "roundwood", "volume_dm3": 700_000}
        return standing(lines=standing()["lines"] | {"by_species": [row]})

    states = []
    for species in (TORNILLO, LUPUNA):
        contracts.permits.answers = {"/v1/permits/P-1/verify": authorised(species)}
        states.append((await flags_of(contracts, an_offer(permit="P-1")))["L08"])

    assert states == ["clear", "raised"]


async def test_logs_felled_in_time_are_judged_by_their_days_of_movement_and_trees_by_those_of_felling(
    contracts: Contracts,
) -> None:
    contracts.custody.lots[LOT] = custody_lot(460, 620)
    logs = per_volume("10", "m3", "mean_of_ends", product="log", point_of_sale="roadside")
    harvest_ended = {"/v1/permits/P-1/verify": standing(valid=False)}
    expired = {"/v1/permits/P-1/verify": standing(valid=False, movement_valid=False)}

    async def l08(answers: dict[str, Any], **offer: Any) -> Any:
        contracts.permits.answers = answers
        return await flags_of(contracts, an_offer(permit="P-1", lot=wood(custody_lot=LOT), **offer))

    in_time, late, standing_trees = (
        await l08(harvest_ended, lines=[logs]), await l08(expired, lines=[logs]), await l08(harvest_ended),
    )  # fmt: skip
    unshown = await flags_of(contracts, an_offer(permit="P-1", lines=[logs]))

    assert [one["L08"] for one in (in_time, late, standing_trees, unshown)] == ["clear", "raised", "raised", "unknown"]
    assert in_time["id"] != late["id"]


async def test_silence_of_permits_leaves_its_flags_unknown_and_the_answer_stands(contracts: Contracts) -> None:
    contracts.permits.down = contracts.custody.down = True

    answer = await contracts.post(
        "/v1/appraisals/quick", {"offer": an_offer(permit="P-1", regent="regente-1"), "basis": basis()}, 200
    )

    states = {flag["code"]: flag["state"] for flag in answer["flags"]}
    assert {states[code] for code in ("L06", "L07", "L08", "V03", "V04")} == {"unknown"}
    assert answer["verdict"] == "far_below"


async def test_an_answer_of_permits_that_is_not_understood_is_no_answer(contracts: Contracts) -> None:
    contracts.permits.answers = {"/v1/permits/P-1/verify": {"number": "P-1"}}

    assert (await flags_of(contracts, an_offer(permit="P-1")))["L08"] == "unknown"


async def test_a_settlement_is_held_against_the_logs_of_custody(contracts: Contracts) -> None:
    contracts.custody.lots[LOT] = custody_lot(460, 620)
    logs = [{"code": "501/0", "volume_m3": "0.900"}, {"code": "501/1", "volume_m3": "0.900"}]
    offer = an_offer(lot=wood(custody_lot=LOT), settlement={"rule": "mean_of_ends", "logs": logs})

    assert (await flags_of(contracts, offer))["V04"] == "raised"
