"""Measures beside ours in the same sitting: the PyPI package `pymerkle` as a tree of the same entries, and our own core with a
transaction a record instead of rounds.

`pymerkle` hashes and, on SQLite, keeps what it hashed. It checks no signature and no rule, speaks no HTTP and signs nothing.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from deploy.bench import filling
from deploy.bench.figures import percentile
from deploy.bench.forest import Registrar
from deploy.instance import Instance
from services.custody.store import Store
from shared.timber import norms

Reading = dict[str, float]
PROOFS = 200
IN_MEMORY, ON_DISK, IN_BULK, BULK = 10_000, 1_000, 5_000, 500
ONE_BY_ONE, IN_ROUNDS, ROUND = 600, 5_000, 256
_numbers = count(1)


def merkle_trees(entries: Sequence[bytes]) -> Reading:
    """Entries a second into its tree in memory and on SQLite (a transaction each, or 500 at a time), and an inclusion proof
    in each."""
    import pymerkle

    memory = pymerkle.InmemoryTree(algorithm="sha256")
    found = {"pymerkle_memory": _appended(memory, entries[:IN_MEMORY], 1)}
    found["pymerkle_memory_proof"] = _proof_ms(memory, IN_MEMORY)
    with tempfile.TemporaryDirectory(prefix="timber-", dir="/var/tmp") as folder:
        disk = pymerkle.SqliteTree(str(Path(folder) / "tree.db"), algorithm="sha256")
        try:
            found["pymerkle_sqlite"] = _appended(disk, entries[:ON_DISK], 1)
            found["pymerkle_sqlite_bulk"] = _appended(disk, entries[ON_DISK : ON_DISK + IN_BULK], BULK)
            found["pymerkle_sqlite_proof"] = _proof_ms(disk, ON_DISK + IN_BULK)
        finally:
            disk.close()
    return found


def _appended(tree: Any, entries: Sequence[bytes], each: int) -> float:
    """Entries a second, so many at a time, the root at the end included."""
    begun = time.perf_counter()
    if each == 1:
        for entry in entries:
            tree.append_entry(entry)
    else:
        for at in range(0, len(entries), each):
            tree.append_entries(entries[at : at + each])
    tree.get_root()
    return len(entries) / (time.perf_counter() - begun)


def _proof_ms(tree: Any, size: int) -> float:
    """The median of proofs of entries all over the tree; it counts from 1."""
    pick = random.Random(1)  # noqa: S311  (which entries are asked for, not a secret)
    seconds = []
    for index in pick.sample(range(1, size + 1), PROOFS):
        begun = time.perf_counter()
        tree.prove_inclusion(index, size)
        seconds.append(time.perf_counter() - begun)
    return percentile(seconds, 500) * 1000


def one_transaction_a_record(instance: Instance, registrar: Registrar) -> Reading:
    """Our own core without HTTP or verification, one connection: records a second with a transaction each, and in rounds."""
    number = next(_numbers)
    alone, together = (
        filling.portion(f"p{number}{name}", records, registrar)
        for name, records in (("a", ONE_BY_ONE), ("b", IN_ROUNDS))
    )
    return asyncio.run(_cores(instance, alone, together))


async def _cores(instance: Instance, alone: list[bytes], together: list[bytes]) -> Reading:
    async with asyncpg.create_pool(instance.database("custody").app_dsn, min_size=1, max_size=1) as pool:
        store = Store(pool, filling.LOG_ID)
        one = await _rate(store, alone, ONE_BY_ONE, 1)
        many = await _rate(store, together, IN_ROUNDS, ROUND)
    return {"core_one": one, "core_rounds": many, "core_gain": many / one}


async def _rate(store: Store, entries: list[bytes], records: int, round_: int) -> float:
    """Of the records; their papers go before."""
    rules, papers = norms.load(), len(entries) - records
    await filling.append(store, entries[:papers], rules)
    begun = time.perf_counter()
    for at in range(papers, len(entries), round_):
        await filling.append(store, entries[at : at + round_], rules)
    return records / (time.perf_counter() - begun)
