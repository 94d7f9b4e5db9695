"""Searching by names: whatever was posted and however it is asked for, in pieces or at once, it is what plain sets say."""

import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from deploy.databases import Database
from services.custody.derived import SPAN, add, indices_under
from services.custody.store import Store
from shared.web.db import asyncpg_dsn
from tests.custody.test_traces import SEEDS

NAMES = ["org:a", "org:b", "permit:1"]
TYPES = ["log.cut", "tree.felled", "lot.sold"]


@pytest.fixture
async def store(migrated_for: Callable[[str], Database]) -> AsyncIterator[Store]:
    database = migrated_for("custody")
    async with asyncpg.create_pool(asyncpg_dsn(database.app_url), min_size=1, max_size=2) as pool:
        yield Store(pool, 1)


async def posted(store: Store, chance: random.Random, size: int, round_most: int) -> dict[str, set[int]]:
    """Entries that say nothing but their type, in rounds of any length, and their postings: what is under each name."""
    under: defaultdict[str, set[int]] = defaultdict(set)
    share = {name: chance.choice([0.001, 0.05, 0.9]) for name in NAMES}
    kinds = chance.choices(TYPES, [90, 9, 1], k=size)
    bodies = [(1, i, i.to_bytes(32), bytes(32), f'{{"type":"{kind}"}}}}'.encode()) for i, kind in enumerate(kinds)]
    first = 0
    async with store.transaction() as tx:
        await tx.execute(
            "INSERT INTO entry SELECT 1, * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[])",
            *zip(*(body[1:] for body in bodies), strict=True),
        )
        while first < size:
            end = min(first + chance.randint(1, round_most), size)
            postings: defaultdict[str, list[int]] = defaultdict(list)
            for index in range(first, end):
                postings[f"type:{kinds[index]}"].append(index)
                for name in NAMES:
                    if chance.random() < share[name]:
                        postings[name].append(index)
            await add(tx, postings, [])
            for name, indices in postings.items():
                under[name].update(indices)
            first = end
    return under


def plain(under: dict[str, set[int]], every: list[str], types: list[str], since: int, below: int) -> list[int]:
    """The same, by sets."""
    found = set(range(since, below))
    for name in every:
        found &= under[name]
    return sorted(found & set[int]().union(*(under[f"type:{kind}"] for kind in types)) if types else found)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("round_most", [3, 500, 5 * SPAN])
async def test_a_search_finds_what_plain_sets_hold(store: Store, seed: int, round_most: int) -> None:
    chance = random.Random(seed)
    size = 600 if round_most == 3 else 12_000
    under = await posted(store, chance, size, round_most)

    async with store.snapshot() as tx:
        for _ in range(25):
            every = chance.sample(NAMES, chance.randint(0, 3))
            types = chance.sample(TYPES, chance.randint(0 if every else 1, 2))
            since, limit = chance.randrange(size), chance.choice([1, 7, 400, 20_000])
            below = chance.randint(since, size)
            whole = plain(under, every, types, since, below)
            found, at = list[int](), since
            for _ in range(30):
                if at >= below:
                    break
                page, after = await indices_under(tx, every, types, at, below, limit)
                assert len(page) <= limit
                assert after > at
                found += page
                at = after
            assert found == [index for index in whole if index < at]


async def test_nothing_is_searched_where_nothing_is(store: Store) -> None:
    async with store.transaction() as tx:
        await add(tx, {}, [])
        assert await indices_under(tx, ["org:a"], [], 5, 5, 10) == ([], 5)
        assert await indices_under(tx, ["org:a"], [], 0, 9, 10) == ([], 9)


async def test_a_search_of_a_long_log_is_bounded_and_goes_on(store: Store) -> None:
    far = 3_000_000
    async with store.transaction() as tx:
        await add(tx, {"org:a": [7, far]}, [])

        first, at = await indices_under(tx, ["org:a"], [], 0, far + 1, 10)
        assert first == [7]
        assert at < far
        calls = 1
        while at < far + 1:
            more, at = await indices_under(tx, ["org:a"], [], at, far + 1, 10)
            first += more
            calls += 1

    assert first == [7, far]
    assert calls == 3
