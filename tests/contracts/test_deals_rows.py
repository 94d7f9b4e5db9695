"""Row-level security of the tables of a sale, with the policy layer of the service switched off: only the database says no."""

from typing import Any

import asyncpg
import pytest

from tests.contracts.builders import Json
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import COMMUNITY, a_payment, pay, settled
from tests.contracts.test_ledgers import BOOK, A, a_distribution, an_agreement
from tests.contracts.test_versions import a_text

OF_PARTIES = ("contract_version", "contract_signature", "seal", "settlement", "settlement_entry")
OF_MEMBERS = ("ledger_entry", "ledger_member")
OPEN = dict.fromkeys(("manager", "company", "authority", "operator", "service"), "any")


async def a_sale(contracts: Contracts) -> Json:
    """A signed contract, its settlement, a payment, a closing, and a book that shares it out."""
    text = a_text(schedule={"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]})
    settlement = await settled(contracts, text)
    await pay(contracts, settlement, a_payment("3300.00", "2026-08-01"))
    await contracts.post(f"/v1/settlements/{settlement['id']}/closing", {})
    await contracts.post("/v1/benefit-ledgers", an_agreement())
    await contracts.post(f"{BOOK}/distributions", a_distribution(settlement))
    return settlement


async def as_org(contracts: Contracts, org: str, statement: str, *values: Any, roles: str = "manager") -> Any:
    """What the service's own role is answered in the name of an organisation."""
    app = await asyncpg.connect(contracts.database.app_dsn)
    try:
        async with app.transaction():
            await app.execute("SELECT set_config('app.org', $1, true), set_config('app.roles', $2, true)", org, roles)
            return await app.fetch(statement, *values)
    finally:
        await app.close()


async def seen(contracts: Contracts, org: str, tables: tuple[str, ...]) -> list[int]:
    found = [await as_org(contracts, org, f"SELECT count(*) FROM {table}", roles="operator") for table in tables]
    return [rows[0][0] for rows in found]


async def test_the_parties_see_their_sale_and_nobody_else_a_row_of_it(contracts: Contracts) -> None:
    await a_sale(contracts)

    for org in (COMMUNITY, BUYER):
        assert await seen(contracts, org, OF_PARTIES) == [1, 2, 2, 1, 2]
    for org in ("comunidad-b", A, ""):
        assert await seen(contracts, org, OF_PARTIES) == [0] * 5


async def test_the_book_is_seen_by_its_enterprise_and_members_and_not_by_the_buyer(contracts: Contracts) -> None:
    await a_sale(contracts)

    assert await seen(contracts, COMMUNITY, OF_MEMBERS) == [2, 3]
    assert await seen(contracts, A, OF_MEMBERS) == [2, 1]
    for org in (BUYER, "comunidad-b", ""):
        assert await seen(contracts, org, OF_MEMBERS) == [0, 0]


FORGED: list[tuple[str, str, list[str]]] = [
    (
        "INSERT INTO contract_version (contract_id, number, content, sha256, written_by_org, written_by, written_at)"
        " SELECT c, 2, 'xx', repeat('a', 64), $2, 'u', now() FROM (VALUES ($1)) AS v (c)", "contract", ["comunidad-b"],
    ),
    (
        "INSERT INTO settlement_entry (settlement_id, contract_id, lot, seq, kind, content, org, by_sub, at)"
        " VALUES ($1, '<contract>', '<lot>', 9, 'payment', '{}', $2, 'u', now())", "settlement", ["comunidad-b"],
    ),
    (
        "INSERT INTO ledger_entry (enterprise, seq, kind, content, sha256, org, by_sub, at)"
        " VALUES ($1, 9, 'receipt', '{}', repeat('a', 64), $2, 'u', now())", "book", [BUYER, "comunidad-b"],
    ),
    ("INSERT INTO ledger_member (enterprise, org) VALUES ($1, $2)", "book", [BUYER, "comunidad-b", A]),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "where", "strangers"), FORGED)
async def test_a_stranger_writes_nothing_into_it_even_past_the_service(
    contracts: Contracts, statement: str, where: str, strangers: list[str]
) -> None:
    settlement = await a_sale(contracts)
    stated = settlement["stated"]
    place = {"contract": stated["contract"], "settlement": settlement["id"], "book": COMMUNITY}[where]
    statement = statement.replace("<contract>", stated["contract"]).replace("<lot>", stated["lot"])

    for stranger in strangers:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_org(contracts, stranger, statement, place, stranger)
    if where != "book":
        await as_org(contracts, BUYER, statement, place, BUYER)
    # In another's name, not even a party.
    if where == "contract":
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_org(contracts, COMMUNITY, statement.replace("2, 'xx'", "3, 'xx'"), place, BUYER)


async def test_a_member_writes_its_own_receipts_and_nothing_else(contracts: Contracts) -> None:
    await a_sale(contracts)
    insert = (
        "INSERT INTO ledger_entry (enterprise, seq, kind, content, sha256, org, by_sub, at)"
        " VALUES ($1, $3, $4, '{}', repeat('a', 64), $2, 'u', now())"
    )

    with pytest.raises(asyncpg.CheckViolationError):
        await as_org(contracts, A, insert, COMMUNITY, A, 3, "distribution")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_org(contracts, A, insert, COMMUNITY, COMMUNITY, 3, "receipt")
    await as_org(contracts, A, insert, COMMUNITY, A, 3, "receipt")


@pytest.mark.parametrize("table", [*OF_PARTIES, *OF_MEMBERS])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET ctid = ctid", "TRUNCATE {}"])
async def test_nothing_of_a_sale_is_ever_rewritten(migrated: Any, table: str, statement: str) -> None:
    app = await asyncpg.connect(migrated.app_dsn)
    column = {"UPDATE {} SET ctid = ctid": "UPDATE {} SET {} = {}"}.get(statement)
    try:
        if column is not None:
            name = await app.fetchval(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum = 1", table
            )
            statement = column.format(table, name, name)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement.format(table))
    finally:
        await app.close()


async def test_with_the_policy_layer_open_a_stranger_is_answered_nothing(contracts: Contracts) -> None:
    """Every operation opened to every role and organisation: the rows are still not there."""
    settlement = await a_sale(contracts)
    contract = settlement["stated"]["contract"]
    guard = contracts.app.state.guard
    kept = guard.table
    guard.table = dict.fromkeys(kept, OPEN)
    try:
        for path in (
            f"/v1/contracts/{contract}/versions", f"/v1/contracts/{contract}/versions/1",
            f"/v1/contracts/{contract}/versions/1/commitment", f"/v1/contracts/{contract}/ocds",
            f"/v1/settlements?contract={contract}", f"/v1/settlements/{settlement['id']}",
            f"/v1/settlements/{settlement['id']}/reconciliation", f"/v1/settlements/{settlement['id']}/commitment", BOOK,
        ):  # fmt: skip
            answer = await contracts.get(path, 404, role="service", org="comunidad-b")
            assert answer["slug"] == "not-found", path
    finally:
        guard.table = kept
