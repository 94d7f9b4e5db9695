"""A cost book carries a verdict once a second person has signed the version that was published."""

from typing import Any

import asyncpg
import pytest

from tests.contracts.builders import a_cost_book, a_price_book, an_offer, pen, sawn
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import STEWARD

FORESTER = {"role": "regent", "org": "regencia-1", "sub": "u-forester"}
NAME = {"name": "Forestal de prueba", "licence": "R-1"}


async def books(contracts: Contracts, **costs: Any) -> Any:
    """A price of grade D is not judged by, one of whoever asks is no support: only the costs can carry a verdict."""
    return await contracts.post("/v1/cost-books", a_cost_book(**costs), **STEWARD)


async def quick(contracts: Contracts, **basis: Any) -> Any:
    given = a_price_book(sawn(grade="given"))
    body = {"offer": an_offer(), "basis": {"on": "2026-11-22", "prices": given} | basis}
    return await contracts.post("/v1/appraisals/quick", body, 200)


def signature(book: Any, **more: Any) -> dict[str, Any]:
    return {"version": book["version"], "sha256": book["sha256"], **NAME, **more}


async def test_a_published_book_gives_no_verdict_until_a_second_person_signs_it(contracts: Contracts) -> None:
    book = await books(contracts)
    before = await quick(contracts)

    signed = await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(book), **FORESTER)
    after = await quick(contracts)

    assert (before["verdict"], [gap["what"] for gap in before["missing"]]) == ("no_answer", ["support"])
    assert "firmado por un forestal" in before["missing"][0]["es"]
    assert before["total"]["fair_mid_m3"] == after["total"]["fair_mid_m3"] == pen("295.64")
    assert after["verdict"] == "far_below"
    assert after["pins"]["cost_signature_sha256"] == signed["signatures"][0]["sha256"]
    assert before["pins"]["cost_signature_sha256"] is None
    assert before["id"] != after["id"]
    shown = signed["signatures"][0]
    assert (shown["name"], shown["licence"], shown["signed_by_org"]) == ("Forestal de prueba", "R-1", "regencia-1")


async def test_a_new_version_without_a_signature_takes_no_answer_away_of_who_names_the_book(
    contracts: Contracts,
) -> None:
    first = await books(contracts)
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(first), **FORESTER)
    second = await books(contracts, title="Costos corregidos")

    before = await quick(contracts, cost_book="costos-mdd")
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(second), **FORESTER)
    after = await quick(contracts, cost_book="costos-mdd")

    assert [(one["verdict"], one["pins"]["cost_book"]["version"]) for one in (before, after)] == [
        ("far_below", 1), ("far_below", 2),
    ]  # fmt: skip


async def test_whoever_published_a_version_does_not_sign_it(contracts: Contracts) -> None:
    book = await books(contracts)

    own = await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(book), 409, **STEWARD)
    colleague = await contracts.post(
        "/v1/cost-books/costos-mdd/signatures", signature(book), 201, **STEWARD, sub="u-colleague"
    )

    assert own["slug"] == "same-person"
    assert len(colleague["signatures"]) == 1


async def test_the_database_refuses_the_author_even_past_the_service(contracts: Contracts) -> None:
    book = await books(contracts)
    insert = (
        "INSERT INTO cost_signature (book_id, version, book_sha256, published_by, signed_by, signed_by_org, name, licence,"
        " signed_on, sha256) VALUES ('costos-mdd', 1, $1, $2, $3, 'trozalog', 'x', 'x', '2026-11-22', repeat('a', 64))"
    )

    async def attempt(author: str, signer: str) -> None:
        app = await asyncpg.connect(contracts.database.app_dsn)
        try:
            async with app.transaction():
                await app.execute(
                    "SELECT set_config('app.org', 'trozalog', true), set_config('app.roles', 'operator', true),"
                    " set_config('app.sub', $1, true)",
                    signer,
                )
                await app.execute(insert, book["sha256"], author, signer)
        finally:
            await app.close()

    with pytest.raises(asyncpg.CheckViolationError):
        await attempt("u-1", "u-1")
    with pytest.raises(asyncpg.ForeignKeyViolationError):  # nobody else published it
        await attempt("u-2", "u-1")
    await attempt("u-1", "u-2")


async def test_a_signature_names_what_was_read(contracts: Contracts) -> None:
    first = await books(contracts)
    second = await books(contracts, costs={"felling": "30"})

    wrong = await contracts.post(
        "/v1/cost-books/costos-mdd/signatures", signature(first, sha256=second["sha256"]), 409, **FORESTER
    )
    absent = await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(first, version=3), 404, **FORESTER)
    right = await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(first), 201, **FORESTER)
    again = await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(first), 200, **FORESTER)

    assert (wrong["slug"], absent["slug"]) == ("not-what-was-read", "not-found")
    assert again == right
    assert (await contracts.get("/v1/cost-books/costos-mdd", role=None))["signatures"] == []  # version 2
    assert (await contracts.get("/v1/cost-books/costos-mdd?version=1", role=None))["signatures"] == right["signatures"]


async def test_a_newer_version_without_a_signature_takes_nobodys_answer_away(contracts: Contracts) -> None:
    signed = await books(contracts)
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(signed), **FORESTER)
    newer = await books(contracts, costs={"felling": "600"})

    found = await quick(contracts)
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(newer), **FORESTER)
    later = await quick(contracts)

    assert (found["pins"]["cost_book"]["version"], found["verdict"]) == (1, "far_below")
    assert later["pins"]["cost_book"]["version"] == 2


async def test_a_book_past_its_last_day_carries_no_verdict(contracts: Contracts) -> None:
    book = await books(contracts, valid_to="2026-11-22")
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(book), **FORESTER)

    last_day, day_after = await quick(contracts), await quick(contracts, on="2026-11-23")

    assert last_day["verdict"] == "far_below"
    assert (day_after["verdict"], [gap["what"] for gap in day_after["missing"]]) == ("no_answer", ["support"])


async def test_a_signed_book_of_another_region_carries_none_either(contracts: Contracts) -> None:
    book = await books(contracts, region="loreto")
    await contracts.post("/v1/cost-books/costos-mdd/signatures", signature(book), **FORESTER)

    assert (await quick(contracts, cost_book="costos-mdd"))["verdict"] == "no_answer"


async def test_a_published_book_does_not_sign_itself(contracts: Contracts) -> None:
    by = {"name": "Forestal de prueba", "licence": "R-1", "on": "2026-10-20"}

    refused = await contracts.post("/v1/cost-books", a_cost_book(signed_by=by), 422, **STEWARD)

    assert refused["slug"] == "self-signed"
    await books(contracts)


async def test_an_officer_signs_for_the_own_region_and_a_company_never(contracts: Contracts) -> None:
    book = await books(contracts)
    path = "/v1/cost-books/costos-mdd/signatures"

    elsewhere = await contracts.post(
        path, signature(book), 403, role="authority", org="gerfor-lo", region="loreto", sub="u-2"
    )
    company = await contracts.post(path, signature(book), 403, role="company", org="aserradero-1", sub="u-3")
    here = await contracts.post(
        path, signature(book), 201, role="authority", org="gerfor-md", region="madre-de-dios", sub="u-4"
    )

    assert (elsewhere["slug"], company["slug"]) == ("other-region", "role-not-allowed")
    assert here["signatures"][0]["signed_by_org"] == "gerfor-md"


async def test_a_book_ends_after_it_begins(contracts: Contracts) -> None:
    wrong = await contracts.post("/v1/cost-books", a_cost_book(valid_to="2026-10-31"), 422, **STEWARD)

    assert wrong["slug"] == "dates-out-of-order"
    assert "valid_to" in wrong["detail"]
    await books(contracts, valid_to="2026-11-01")
