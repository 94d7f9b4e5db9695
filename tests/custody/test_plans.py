"""Questions are answered by their keys: also of tables that nobody has analysed yet, and by a plan that was made while the
tables were small. Otherwise one question reads the whole log, for as long as the first minutes of a log, of a filling or of a
restored backup last."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from deploy.databases import Database
from services.custody import derived, finding_rows, store
from services.custody.lineage import proving, tracing
from services.custody.main import CustodySettings, open_store
from services.custody.private import disclosures

SMALL, LARGE = 40, 20_000
KEPT_FROM = 6  # PostgreSQL plans the first five executions for their values, then for any
TABLES = ("entry", "mention", "fact", "spent", "finding", "tile", "posting", "movement", "checkpoint")
# Rows as wide as real ones, from one index up to another.
FILL = (
    "INSERT INTO entry SELECT 1, i, sha256(int8send(i)), sha256(int8send(i)), "
    "convert_to(repeat('x', 700) || CASE i % 3 WHEN 0 THEN '\"type\":\"log.cut\"}}}}' ELSE '\"type\":\"tree.felled\"}}}}' END, 'UTF8') "
    "FROM generate_series({0}, {1} - 1) AS i",
    "INSERT INTO mention SELECT 1, i / 4 * 10 + k, i FROM generate_series({0}, {1} - 1) AS i, generate_series(1, 3) AS k",
    "INSERT INTO fact SELECT 1, 'item:' || i, decode(repeat('ab', 300), 'hex'), ARRAY[i] FROM generate_series({0}, {1} - 1) AS i",
    "INSERT INTO spent SELECT 1, md5(i::text)::uuid, i FROM generate_series({0}, {1} - 1) AS i",
    "INSERT INTO finding SELECT 1, i, 0, 'C07', 'FAIL', 'S2', 'x' || i, 'org' || i % 8, 'p', '\\x7b7d' "
    "FROM generate_series({0}, {1} - 1) AS i",
    "INSERT INTO tile SELECT 1, 0, n, decode(repeat(md5(n::text), 512), 'hex'), sha256(int8send(n)) "
    "FROM generate_series({0} / 8, {1} / 8 - 1) AS n",
    "INSERT INTO posting SELECT 1, 'org:' || i % 8, i, ARRAY[0]::smallint[] FROM generate_series({0}, {1} - 1) AS i",
    "INSERT INTO movement SELECT 1, i, 0, now(), 'org' || i % 8, 'cut', 's', 'p', 'x', '', 1, 0 "
    "FROM generate_series({0}, {1} - 1) AS i",
    "INSERT INTO checkpoint SELECT 1, i, decode(repeat('ab', 300), 'hex'), decode(repeat('ab', 300), 'hex'), "
    "'2026-01-01'::timestamptz + i * interval '1 s' FROM generate_series({0}, {1} - 1) AS i",
)
SOME = range(0, 1_200, 3)
INDICES = "{" + ",".join(map(str, SOME)) + "}"
NAMES = "{" + ",".join(f"item:{i}" for i in SOME) + "}"
HASHES = "{" + ",".join(f'"\\\\x{i:064x}"' for i in SOME) + "}"
QUESTIONS: dict[str, tuple[str, Sequence[str]]] = {
    "promised": (store.FLUSH, [INDICES, HASHES]),
    "indices": (store.INDICES, [HASHES]),
    "facts": (store.FACTS, [NAMES]),
    "leaves": (store.LEAVES, ["300", "500"]),
    "bodies": (store.BODIES, [INDICES]),
    "bodies by sid": (store.BODIES_BY_SID, [HASHES]),
    "findings at": (store.FINDINGS_AT, [INDICES]),
    "range of bodies": (store.BODY_RANGE, ["300", "500"]),
    "tiles": (store.TILES, ["{" + ",".join("0" for _ in SOME) + "}", INDICES]),
    "roots of tiles": (store.TILE_ROOTS, ["0", "3", "9"]),
    "mentions": (store.MENTIONS, [INDICES, NAMES, "900", "20000"]),
    "used": (tracing.USED, ["{" + ",".join(f"00000000-0000-0000-0000-{i:012}" for i in SOME) + "}"]),
    "cut": (tracing.CUT, [NAMES, INDICES]),
    "oldest": (tracing.OLDEST, [INDICES, NAMES, "5000"]),
    "weights": (proving.WEIGHTS, [INDICES]),
    "entries of private fields": (disclosures.ENTRIES, [HASHES]),
    "under names": (derived.UNDER, ["{org:1,org:2}", "0", "900", "1", "500"]),
    "of types": (derived.OF_TYPES, [INDICES, '{"\\\\x7d7d","\\\\x7b7d"}', "500"]),
    "last under a name": (derived.LAST_UNDER, ["org:1", "900", "500"]),
    "sums": (derived.SUMS, [INDICES, "org1", "x", "2026-01-01", "2026-02-01", "FSC 100%", "{bought,sold}"]),
    "signed by": (store.SIGNED_BY, ["2026-01-01T00:00:30Z"]),
    "failed of": (finding_rows.FAILED_OF, ["org1", INDICES, "{" + ",".join("C07" for _ in SOME) + "}"]),
    "worst at": (finding_rows.WORST_AT, [INDICES]),
}


@pytest.fixture
async def connection(migrated_for: Callable[[str], Database], tmp_path: Path) -> AsyncIterator[Any]:
    """One of custody's own, to tables that are not analysed."""
    database = migrated_for("custody")
    owner = await asyncpg.connect(database.admin_dsn)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(owner.close)
        for table in TABLES:
            await owner.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        settings = CustodySettings(env="test", database_url=database.app_url, keys_dir=tmp_path, data_dir=tmp_path)
        opened = await open_store(settings, stack)
        yield await stack.enter_async_context(opened.pool.acquire())


async def fill(connection: Any, start: int, end: int) -> None:
    for statement in FILL:
        await connection.execute(statement.format(start, end))


async def test_every_question_finds_its_rows_by_their_key(connection: Any) -> None:
    await fill(connection, 0, SMALL)
    for number, (question, _) in enumerate(QUESTIONS.values()):
        await connection.execute(f"PREPARE kept_{number} AS {question}")
        await connection.execute(f"PREPARE fresh_{number} AS {question}")
        await planned(connection, f"kept_{number}", number, KEPT_FROM)  # from here on it is kept

    await fill(connection, SMALL, LARGE)

    wrong = [
        f"{name}: {fault}"
        for number, name in enumerate(QUESTIONS)
        for plan in (
            *await planned(connection, f"kept_{number}", number, 1),
            *await planned(connection, f"fresh_{number}", number, KEPT_FROM),
        )
        for fault in faults(plan)
    ]
    assert sorted(set(wrong)) == []


async def planned(connection: Any, statement: str, number: int, times: int) -> list[Any]:
    """The plans of so many executions."""
    _, values = list(QUESTIONS.values())[number]
    told = ", ".join(f"'{value}'" for value in ("1", *values))
    explain = f"EXPLAIN (FORMAT JSON) EXECUTE {statement} ({told})"
    return [orjson.loads(await connection.fetchval(explain))[0]["Plan"] for _ in range(times)]


def faults(plan: Any) -> Iterator[str]:
    """Where a plan reads a table whole, or all that is under one log."""
    kind, condition = plan["Node Type"], plan.get("Index Cond", "")
    if kind == "Seq Scan" or ("Index" in kind and " AND " not in condition):
        yield f"{kind} on {plan.get('Relation Name', plan.get('Index Name'))} {condition}"
    for part in plan.get("Plans", ()):
        yield from faults(part)


def test_the_fault_that_is_looked_for_is_seen() -> None:
    whole = {"Node Type": "Bitmap Index Scan", "Index Name": "entry_pkey", "Index Cond": "(log_id = '1'::smallint)"}
    by_key = whole | {"Index Cond": "((log_id = '1'::smallint) AND (idx = asked.idx))"}

    assert [*faults({"Node Type": "Sort", "Plans": [whole]})] == [
        "Bitmap Index Scan on entry_pkey (log_id = '1'::smallint)"
    ]
    assert [*faults({"Node Type": "Sort", "Plans": [by_key]})] == []
    assert [*faults({"Node Type": "Seq Scan", "Relation Name": "fact"})] == ["Seq Scan on fact "]
