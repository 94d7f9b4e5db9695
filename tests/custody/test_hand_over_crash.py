"""The hand-over dies at every step of its list (docs/life-of-a-log.md): the log is the old one, or closed for ever, and
saying it again finishes it."""

from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from services.custody import operate
from services.custody.main import CustodySettings, own_folders
from services.custody.operating.report import Report
from shared.audit.monitor import Monitor
from shared.audit.source import opened
from shared.timber.event import parse_entry
from shared.tlog.checkpoint import parse
from shared.tlog.note import COSIGNATURE, Signer, split_note
from shared.tlog.policy import Policy
from shared.tlog.witness import monitoring_path
from tests.custody.conftest import ORIGIN, Custody
from tests.custody.processes import Errand, Point, Process, Road, hand_over_custody, serve_custody, serve_witness
from tests.custody.set_back import rows, until
from tests.witness.conftest import settle

RENAME = "UPDATE tlog SET origin"
# Step 2, one transaction.
STATEMENTS = (
    Point("FROM tlog .* FOR UPDATE", done=True), Point("INSERT INTO entry", done=True), Point("INSERT INTO checkpoint"),
    Point("INSERT INTO checkpoint", done=True), Point(RENAME), Point(RENAME, done=True), Point(RENAME, commit=True),
    Point(RENAME, commit=True, done=True),
)  # fmt: skip
# Steps 3 and 4, before each file, link or folder.
FILES = (
    r"archive(/[0-9a-f]{16})?/checkpoint$", r"anchor(/[0-9a-f]{16})?/checkpoint$", r"os.link:.*/archive/[0-9a-f]{16}/tile/",
    r"os.mkdir:.*/anchor/[0-9a-f]{16}$",
)  # fmt: skip
# Step 5: the witness has cosigned, and what it answered is kept.
COSIGNED = "INSERT INTO cosignature"
ANSWERED = (
    Point(COSIGNED), Point(COSIGNED, done=True), Point(COSIGNED, commit=True), Point(COSIGNED, commit=True, done=True),
)  # fmt: skip
# Step 7: the first checkpoint of the new log, then its files, in the folders that step 4 made.
FIRST = "INSERT INTO checkpoint"
STARTED: tuple[Point | str, ...] = (
    Point(FIRST), Point(FIRST, done=True), Point(FIRST, commit=True), Point(FIRST, commit=True, done=True),
    r"archive/[0-9a-f]{16}/\.mirror/", r"archive/[0-9a-f]{16}/tile/", r"archive/[0-9a-f]{16}/checkpoint$",
    r"anchor/[0-9a-f]{16}/checkpoint$",
)  # fmt: skip
BRIEFLY: tuple[Point | str, ...] = (STATEMENTS[3], STATEMENTS[-1], FILES[1], FILES[3])


@dataclass
class Years:
    """One log, which is handed over again and again."""

    custody: Custody
    values: dict[str, Any]
    road: Road
    log: Path
    origin: str

    async def killed(self, at: Point | str, key: Signer) -> None:
        """The command is said, and dies there."""
        await self._dies(at, hand_over_custody, key.verifier.vkey)

    async def starts_and_dies(self, at: Point | str) -> None:
        """Custody is started, and dies there."""
        await self._dies(at, serve_custody, self.custody.issuer.jwks())

    async def _dies(self, at: Point | str, target: Callable[..., None], given: Any) -> None:
        file = at if isinstance(at, str) else None
        errand = Errand(target, (self.values | {"origin": self.origin}, given, self.log, file))
        if isinstance(at, Point):
            self.road.wait_for(at, errand.kill)
        await errand.start()
        assert await errand.ended() == -9, f"not {at}: {self.log.read_text()[-2000:]}"

    async def under_the_new_name(self) -> list[bytes]:
        """The checkpoints that the log of today has stored."""
        return [note for (note,) in await rows(self.custody, "SELECT note FROM checkpoint ORDER BY size")
                if parse(split_note(note)[0]).origin == self.origin]  # fmt: skip

    async def watched_by(self, witness: Signer, short: Path) -> Process:
        """A witness that runs, and a policy that asks for it."""
        settings = settle(short / "witness", witness, self.custody.keys.log.verifier.vkey)
        self.values |= {"policy": short / "policy.txt", "witness_uds": short / "witness.sock"}
        lines = [f"log {self.custody.keys.log.verifier.vkey}", f"witness own {witness.verifier.vkey}", "quorum own", ""]
        (short / "policy.txt").write_text("\n".join(lines))
        served = settings.model_copy(update={"uds": short / "witness.sock"}).model_dump(exclude_unset=True)
        process = Process(short / "witness.sock", serve_witness, (served, short / "witness.log"))
        await process.start()
        return process

    async def stands(self) -> tuple[str, list[str]]:
        """The origin of the database, and the logs that its entries name as what follows."""
        [(origin,)] = await rows(self.custody, "SELECT origin FROM tlog")
        closings = await rows(
            self.custody,
            "SELECT body FROM entry WHERE convert_from(body, 'UTF8') LIKE '%\"type\":\"log.closed\"}}' ORDER BY idx",
        )
        return origin, [parse_entry(body).body["next"] for (body,) in closings]

    async def done(self, key: Signer) -> int:
        """Said again, to its end; the size of the log that ended."""
        settings = CustodySettings(
            **self.values | {"origin": self.origin, "database_url": self.custody.database.app_url}
        )
        options = Namespace(vkey=key.verifier.vkey, unwitnessed=False, json=True, lang="es")
        assert await operate.hand_over(settings, options, Report(options)) == 0
        (anchor, archive), data = own_folders(settings, self.origin), settings.data_dir
        if not anchor.is_dir():
            anchor, archive = data / "anchor", settings.archive
        ends = {parse(split_note((folder / "checkpoint").read_bytes())[0]) for folder in (anchor, archive)}
        [end] = ends
        assert end.origin == self.origin
        self.custody.keys.log, self.origin = key, key.name
        self.custody.keys.write(settings.keys_dir)
        return end.size


@pytest.fixture
async def years(shelved: Custody, short: Path) -> AsyncIterator[Years]:
    async with AsyncExitStack() as stack:
        there, settings = shelved.database, shelved.settings
        road = await stack.enter_async_context(Road(Path(there.address.host), short / "road").open())
        database = replace(there, address=replace(there.address, host=str(road.folder)))
        values = {
            "env": "test", "database_url": database.app_url, "keys_dir": settings.keys_dir, "data_dir": settings.data_dir,
            "uds": short / "custody.sock",
        }  # fmt: skip
        yield Years(shelved, values, road, short / "hand-over.log", settings.origin)


async def test_a_hand_over_may_die_at_every_step(
    years: Years, open_custody: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    points: tuple[Point | str, ...] = (*STATEMENTS, *FILES) if request.config.getoption("--full") else BRIEFLY
    sizes: list[tuple[str, int]] = []
    for year, at in enumerate(points, 2027):
        key = Signer.generate(f"trozalog.test/madre-de-dios/{year}")
        named = (await years.stands())[1]

        await years.killed(at, key)

        closed = isinstance(at, str) or (at.commit and at.done)
        found = await years.stands()
        assert found == ((key.name, [*named, key.name]) if closed else (years.origin, named)), str(at)
        sizes.append((years.origin, await years.done(key)))
        assert await years.stands() == (key.name, [*named, key.name])

    await goes_on(years, open_custody, sizes, tmp_path / "state")


async def test_a_hand_over_may_die_while_the_witnesses_cosign_its_end(
    years: Years, short: Path, open_custody: Any, tmp_path: Path
) -> None:
    """Each time it is said again it dies one step later. The quorum asks for the witness: the end is not done without it."""
    witness = Signer.generate("watcher.test/w", COSIGNATURE)
    watching = await years.watched_by(witness, short)
    key = Signer.generate("trozalog.test/madre-de-dios/2027")
    try:
        for at in ANSWERED:
            await years.killed(at, key)

            assert await years.stands() == (key.name, [key.name])
            kept = await rows(years.custody, "SELECT line FROM cosignature")
            assert len(kept) == (at.commit and at.done), str(at)
            shown = await watching.http.get(f"/{monitoring_path(ORIGIN)}")
            assert shown.status_code == 200
        sizes = [(years.origin, await years.done(key))]
    finally:
        await watching.close()

    assert parse(split_note(shown.content)[0]).size == sizes[0][1]
    assert await rows(years.custody, "SELECT DISTINCT size FROM cosignature") == [(sizes[0][1],)]
    await goes_on(years, open_custody, sizes, tmp_path / "state")


async def test_the_first_start_of_the_log_that_follows_may_die_at_every_step(
    years: Years, open_custody: Any, tmp_path: Path
) -> None:
    key = Signer.generate("trozalog.test/madre-de-dios/2027")
    sizes = [(years.origin, await years.done(key))]
    first: list[bytes] = []

    for at in STARTED:
        await years.starts_and_dies(at)

        stored = await years.under_the_new_name()
        assert bool(stored) == (isinstance(at, str) or (at.commit and at.done)), str(at)
        assert stored[: len(first)] == first  # what was stored is gone on with, not signed again
        first = stored
    assert len(first) == 1
    new = await goes_on(years, open_custody, sizes, tmp_path / "state")
    assert (await new.get("/log/checkpoint")).startswith(first[0])


async def goes_on(years: Years, open_custody: Any, sizes: list[tuple[str, int]], state: Path) -> Custody:
    """The log of today is served, covers all, and knows the ends of those before; a monitor finds nothing in it."""
    new: Custody = await open_custody(years.custody, origin=years.origin)

    async def covered() -> bool:
        health = await new.get("/healthz")
        return bool(health["size"] == health["signed_size"])

    await until(covered)
    told = (await new.get("/v1/logs"))["logs"][0]["before"]
    assert [(one["origin"], one["size"]) for one in told] == sizes
    assert await watched(new, own_folders(new.settings, years.origin)[1], state) == []
    return new


async def watched(new: Custody, archive: Path, state: Path) -> list[dict[str, Any]]:
    """What a monitor finds in the log itself."""
    policy = Policy.parse(f"log {new.keys.log.verifier.vkey}\nquorum none\n".encode())
    found: list[dict[str, Any]] = []
    async with opened(str(archive)) as source:
        monitor = Monitor(source, policy, state)
        try:
            await monitor.round()
            await monitor.tell(0, found.append)
        finally:
            monitor.ledger.close()
    return [one for one in found if one["rule"].startswith("L")]
