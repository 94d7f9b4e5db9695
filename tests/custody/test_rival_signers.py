"""Three signers of one log, which nobody makes wait for one another: whatever any of them shows is of one history."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations, count
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pymerkle
import pytest

from services.custody.keys.log_keys import LogKeys
from services.custody.main import CustodySettings, log_url, open_store, open_witnesses, own_policy, second_copies
from services.custody.outside.guard import Guard
from services.custody.outside.published import Published
from services.custody.signer import Signer
from services.custody.succession import stand_on
from services.custody.witnesses.asking import Pace, Witnesses
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.note import open_note
from shared.tlog.witness import monitoring_path, origin_id
from tests.custody.conftest import ORIGIN, Custody
from tests.custody.set_back import PATIENCE_S, rows, until
from tests.custody.watched import Watched, point

RIVALS, CHECKPOINTS = 3, 30
SOCKET = ".s.PGSQL.5432"
HELD_UP, LONGEST_S = 0.15, 0.2  # so often a word to the database, or from it, is under way for up to so long


@pytest.fixture
async def watched(short: Path, open_custody: Any) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        yield Watched(short, stack, open_custody)


@asynccontextmanager
async def bad_road(server: Path, folder: Path, chance: Random) -> AsyncIterator[Path]:
    """A folder with the socket of the database, far away: of two signers now this one is overtaken, now that one."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if chance.random() < HELD_UP:
                    await asyncio.sleep(chance.random() * LONGEST_S)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def travel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(str(server / SOCKET))
        await asyncio.gather(carry(reader, forth), carry(back, writer))

    await asyncio.to_thread(folder.mkdir)
    async with await asyncio.start_unix_server(travel, path=str(folder / SOCKET)):
        yield folder


@dataclass
class Rival:
    """A signer as another process has it: with a pool, keys, a guard and witnesses of its own. It waits for nobody."""

    signer: Signer
    published: Published
    witnesses: Witnesses
    shown: list[bytes] = field(default_factory=list)

    async def sign(self) -> None:
        """One round; what it publishes is noted."""
        await self.signer.look()
        assert self.published.frozen is None, self.published.frozen
        if self.published.head is not None and self.published.head.note not in self.shown[-1:]:
            self.shown.append(self.published.head.note)

    async def compete(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.sign()

    async def push(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.witnesses.push()
            await asyncio.sleep(0.01)  # without anything to push it waits for nothing

    async def has_all(self, size: int) -> bool:
        """Whether it shows so many entries, and its witness does, too."""
        await self.sign()
        await self.witnesses.push()
        witnessed = self.published.witnessed
        return self.published.size == size and witnessed is not None and witnessed.size == size


async def a_rival(custody: Custody, watched: Watched, number: int) -> Rival:
    """Put together as `services.custody.main` does."""
    stack, there, published = watched.stack, custody.database, Published()
    road = bad_road(Path(there.address.host), watched.folder / f"road-{number}", Random(number))
    address = replace(there.address, host=str(await stack.enter_async_context(road)))
    url = CustodySettings(database_url=replace(there, address=address).app_url).database_url
    settings = custody.settings.model_copy(update={"database_url": url})
    store = await open_store(settings, stack)
    await store.open_log(settings.origin)
    await stand_on(store)
    keys = LogKeys.read(settings.keys_dir / "log.key", settings.origin)
    anchor, archive = second_copies(settings, keys.verifiers)
    policy = own_policy(settings, keys.in_use, log_url(settings))
    hasty = Pace(grown_s=0, fresh_s=1, answer_s=PATIENCE_S)
    witnesses = await open_witnesses(
        settings, store, published, keys.verifiers, policy, anchor, archive, stack, pace=hasty
    )
    guard = Guard(anchor, archive, keys, witnesses.look_back, only_witnessed=False)
    await guard.look_back()
    return Rival(Signer(store, settings.origin, keys, guard, published), published, witnesses)


@dataclass
class Onlooker:
    """Sees what is stored and what lies outside the database, again and again."""

    custody: Custody
    stored: list[tuple[int, bytes]] = field(default_factory=list)
    outside: set[bytes] = field(default_factory=set)

    async def look(self) -> None:
        """What is stored is only ever added to at its end: which was the first of more than so many entries stays."""
        found: Any = await rows(self.custody, "SELECT size, note FROM checkpoint ORDER BY size")
        assert found[: len(self.stored)] == self.stored
        self.stored = found
        for file in (self.custody.settings.data_dir / "anchor", self.custody.settings.archive):
            with suppress(FileNotFoundError):
                self.outside.add((file / "checkpoint").read_bytes())

    async def watch(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self.look()


async def grow(custody: Custody, onlooker: Onlooker) -> None:
    """Record by record, until so many checkpoints are stored."""
    for number in count():
        if len(onlooker.stored) >= CHECKPOINTS:
            return
        firm = {"id": f"empresa-{number}", "name": f"empresa-{number}", "kind": "company"}
        await custody.log(custody.act("organisation.registered", firm))


async def ended(*races: asyncio.Task[None]) -> None:
    """The first of them; an error in any is an error."""
    done, _ = await asyncio.wait(races, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()


async def raced(custody: Custody, rivals: list[Rival]) -> Onlooker:
    """All of them sign, push and look while the log grows."""
    onlooker, over = Onlooker(custody), asyncio.Event()
    growing = asyncio.create_task(grow(custody, onlooker))
    work = [asyncio.create_task(onlooker.watch(over))]
    work += [asyncio.create_task(each(over)) for rival in rivals for each in (rival.compete, rival.push)]
    try:
        await ended(growing, *work)
    finally:
        over.set()
        growing.cancel()
        await asyncio.gather(*work)
    [(size,)] = await rows(custody, "SELECT size FROM tlog")
    for rival in rivals:
        await until(partial(rival.has_all, size))
    await onlooker.look()
    return onlooker


def one_history(custody: Custody, entries: Iterable[bytes], notes: Iterable[bytes]) -> list[Checkpoint]:
    """Each signed by the log; of one size one root; each pair proven by another implementation from the entries."""
    tree, roots = pymerkle.InmemoryTree(algorithm="sha256"), {}
    for entry in entries:
        tree.append_entry(entry)
    for note in notes:
        seen = parse(open_note(note, [custody.keys.log.verifier]).text)
        assert seen.origin == ORIGIN
        assert roots.setdefault(seen.size, seen) == seen
    for small, large in combinations([roots[size] for size in sorted(roots) if size > 0], 2):
        proof = tree.prove_consistency(small.size, large.size)
        pymerkle.verify_consistency(small.root, large.root, proof)
    assert all(seen.root == (tree.get_root(size) if size else EMPTY_ROOT) for size, seen in roots.items())
    return [roots[size] for size in sorted(roots)]


async def test_three_rival_signers_show_one_history_and_do_not_split_their_witness(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    rivals = [await a_rival(custody, watched, number) for number in range(RIVALS)]

    onlooker = await raced(custody, rivals)

    entries = [body for (body,) in await rows(custody, "SELECT body FROM entry ORDER BY idx")]
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S, base_url=watched.addresses["near"]) as near:
        cosigned = (await near.get(f"/{monitoring_path(ORIGIN)}")).content
        evidence = (await near.get(f"/{origin_id(ORIGIN)}/evidence")).json()["evidence"]
        assert (await near.get("/healthz")).json()["lost"] == []
    stored = [note for _, note in onlooker.stored]
    shown = [note for rival in rivals for note in rival.shown]
    history = one_history(custody, entries, [*stored, *shown, *onlooker.outside, cosigned])

    assert (
        [point(note).size for note in stored] == [size for size, _ in onlooker.stored] == [one.size for one in history]
    )
    in_turn = await rows(custody, "SELECT size FROM checkpoint ORDER BY xmin::text::bigint")  # as they were inserted
    assert [size for (size,) in in_turn] == [one.size for one in history]
    assert history[-1].size == len(entries) == point(cosigned).size
    for rival in rivals:
        sizes = [point(note).size for note in rival.shown]
        assert sizes == sorted(set(sizes))
        assert len(sizes) > 2
        assert sizes[-1] == len(entries)
    assert evidence == []
    unknown = "SELECT FROM cosignature c WHERE NOT EXISTS (SELECT FROM checkpoint p WHERE p.size = c.size)"
    assert await rows(custody, unknown) == []
