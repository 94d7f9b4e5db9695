"""What holds when two acts meet in one moment: what an act decides by is what stands when it writes."""

import asyncio

from tests.contracts.conftest import Contracts
from tests.contracts.test_api import STEWARD
from tests.contracts.test_market import reported
from tests.contracts.test_standing import FILE, a_list
from tests.contracts.test_versions import AS_BUYER, a_contract, a_text, sign, written
from tests.moments import stopped


async def test_a_list_of_sanctions_has_one_publisher(contracts: Contracts) -> None:
    begun = (
        "INSERT INTO sanction_list (id, version, title, as_of, valid_days, source, document_sha256, entries, sha256,"
        " published_by_org, published_by)"
        f" VALUES ('lista-prueba', 1, 'Otra', '2026-11-19', 7, 'Otra', '{FILE}', 0, '{'ef' * 32}', 'osinfor', 'x')"
    )

    # The other's list is there after this one has looked for it, and before it writes.
    held = "LOCK TABLE sanction_list IN SHARE ROW EXCLUSIVE MODE"
    async with stopped(contracts.database, held, begun) as waiting:
        publishing = asyncio.create_task(contracts.post("/v1/sanction-lists", a_list(), None, **STEWARD))
        await waiting(1)
    answer = await publishing

    assert answer.get("slug") == "book-contested"
    refused = await contracts.post("/v1/sanction-lists", a_list(), 403, **STEWARD)
    assert refused["slug"] == "book-of-another"


async def test_no_version_is_signed_under_one_that_is_written_meanwhile(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    version = await written(contracts, contract)
    await sign(contracts, version)
    path = f"/v1/contracts/{contract}/versions"
    agreed = {"text_sha256": version["text_sha256"]}

    async with stopped(contracts.database, "LOCK TABLE contract_signature IN SHARE ROW EXCLUSIVE MODE") as waiting:
        signing = asyncio.create_task(contracts.post(f"{path}/1/signatures", agreed, None, **AS_BUYER))
        await waiting(1)
        writing = asyncio.create_task(contracts.post(path, a_text(title="Con otro título"), None))
        await asyncio.wait([writing], timeout=2)
    made, written_now = await asyncio.gather(signing, writing)

    slugs = (made.get("slug"), written_now.get("slug"))
    assert slugs in (("version-superseded", None), (None, "amends-another-version"))


async def test_no_decision_closes_a_review_that_a_book_opens_meanwhile(contracts: Contracts) -> None:
    await reported(contracts, [100, 102])
    [odd] = await reported(contracts, [190], first=2)
    path = f"/v1/price-reviews/{odd['id']}"
    read = (await contracts.get(path, **STEWARD))["seen_sha256"]

    # The book is made and about to put the report before the stewards when one decides by what was read before.
    async with stopped(contracts.database, "LOCK TABLE price_report_act IN SHARE ROW EXCLUSIVE MODE") as waiting:
        body = {"region": "madre-de-dios"}
        publishing = asyncio.create_task(contracts.post("/v1/price-books/snapshots", body, None, **STEWARD))
        await waiting(1)
        deciding = asyncio.create_task(contracts.decide(odd["id"], "upheld", expect=None, seen=read, **STEWARD))
        await waiting(2)
    made, decided = await asyncio.gather(publishing, deciding)

    assert made["book"]["entries"][0]["reporters"] == 3
    assert decided.get("slug") == "review-moved-on"
    now = (await contracts.get(path, **STEWARD))["filed"]
    assert (now["state"], now["why"][-1]["reason"]) == ("in_review", "influence")
