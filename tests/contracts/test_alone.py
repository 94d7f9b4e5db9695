"""Contracts goes on while permits and custody are stopped, or do not speak: flags unknown, nothing lost, two seconds."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.contracts.api.house import today
from services.contracts.custody import DEADLINE_S as CUSTODY_S
from services.contracts.permits import DEADLINE_S as PERMITS_S
from shared.web.client import service_client
from tests.contracts.builders import an_offer, wood
from tests.contracts.conftest import Contracts
from tests.contracts.deals import a_payment, a_signed_contract, a_statement, pay, reconciled
from tests.contracts.test_api import STEWARD, basis
from tests.contracts.test_settled_lines import ONE
from tests.contracts.test_standing import RUC, a_list, a_sanction
from tests.contracts.test_versions import a_text, signed

ASKING = {"permit": "PER-17", "regent": "regencia-1", "lot": wood(custody_lot="LOTE-1")}
UPSTREAM = ("L07", "L08", "V03", "V04")


@asynccontextmanager
async def stopped(_: object = None) -> AsyncIterator[str]:
    """An address where nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))  # held, so that nobody else does
        yield f"http://127.0.0.1:{one.getsockname()[1]}"


@asynccontextmanager
async def silent(waiting: list[int] | None = None) -> AsyncIterator[str]:
    """A server that takes every call and never answers; only the caller hangs up. ``waiting`` gets, at each call, how many are open."""
    calls = set[asyncio.StreamWriter]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.add(writer)
        if waiting is not None:
            waiting.append(len(calls))
        await reader.read()
        calls.discard(writer)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("how", [stopped, silent])
async def test_an_offer_is_appraised_with_both_services_gone(contracts: Contracts, how: object) -> None:
    stored = await contracts.post("/v1/contracts", an_offer(**ASKING))
    waiting = list[int]()
    async with how(waiting) as address:  # type: ignore[operator]
        contracts.app.state.custody = custody = service_client("custody", address)
        contracts.app.state.permits = permits = service_client("permits", address)
        async with custody, permits:
            made = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis())

    states = {flag["code"]: flag["state"] for flag in made["flags"]}
    assert [states[code] for code in UPSTREAM] == ["unknown"] * 4
    assert made["lot"]["custody"] == "unavailable"
    assert made["verdict"] == "far_below"
    # The permit, its balance, the regent and the lot are asked once and at once, so that all silence together lasts one deadline.
    assert waiting == ([1, 2, 3, 4] if how is silent else [])
    assert (CUSTODY_S, PERMITS_S) == (2.0, 2.0)


async def test_contracts_are_signed_settled_and_paid_with_custody_gone_and_said_to_the_log_later(
    contracts: Contracts,
) -> None:
    contracts.custody.down = contracts.permits.down = contracts.log.silent = True

    contract = await a_signed_contract(contracts)
    settlement = await contracts.post("/v1/settlements", a_statement(contract))
    await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"))
    stands = await reconciled(contracts, settlement)
    other = await contracts.post("/v1/contracts", an_offer(title="Otra"))
    await signed(contracts, other["id"], a_text())

    assert (stands["custody"], {flag["state"] for flag in stands["flags"]}) == ("unavailable", {"unknown"})
    assert (await contracts.get("/healthz", role=None))["statements_pending"] == 2
    contracts.custody.down = contracts.permits.down = contracts.log.silent = False
    await contracts.published()
    assert [one["type"] for one in contracts.log.log] == ["contract.committed"] * 2
    assert (await reconciled(contracts, settlement))["custody"] == "read"


@pytest.mark.parametrize("how", [stopped, silent])
async def test_a_settlement_and_a_standing_are_answered_with_both_services_gone(
    contracts: Contracts, how: object
) -> None:
    """Nothing is refused but the closing, which is against the log list; the same closing is taken when custody is back."""
    contract = await a_signed_contract(contracts, a_text(schedule=ONE))
    await contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of=today().isoformat()), **STEWARD)
    back = contracts.app.state.custody
    async with how() as address:  # type: ignore[operator]
        contracts.app.state.custody = custody = service_client("custody", address)
        contracts.app.state.permits = permits = service_client("permits", address)
        async with custody, permits:
            settlement = await contracts.post("/v1/settlements", a_statement(contract))
            await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"))
            stands = await reconciled(contracts, settlement, "2026-08-01")
            refused = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {}, 409)
            standing = await contracts.get(f"/v1/parties/{RUC}/standing", role=None)
    contracts.app.state.custody = back
    closed = await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {})

    assert (stands["custody"], {flag["state"] for flag in stands["flags"]}) == ("unavailable", {"unknown"})
    assert (stands["balance"], stands["differences"], stands["reconciled"]) == ("0.00", [], False)
    assert refused["slug"] == "custody-not-read"
    assert standing["state"] == "listed"
    assert closed["state"] == "closed"
