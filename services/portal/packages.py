"""Audit packages as jobs: built one at a time in the portal's data folder, kept for a day, within a bound of disk.

A package is named by what it is made of: lot, checkpoint, and which papers whose reader may see. Asked for again while it
is there, it is there. A portal that stops loses the jobs on their way and nothing else: they are asked for again.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import orjson
import structlog

from services.portal.casefile import CaseFile
from services.portal.custody_graph import Words
from services.portal.documents.package import cited, parts_of, write
from shared.refusal import Missing, Refusal
from shared.web import deadline
from shared.web.problems import HttpRefusal

State = Literal["queued", "building", "done", "failed"]
# What a package takes to build, near enough to say when to ask again.
A_BUILD_S = 30
AN_HOUR_S = 3600.0
PAPER_BYTES = 16 * 1024 * 1024
PAPERS_BYTES = 64 * 1024 * 1024
logger = structlog.get_logger(__name__)
Fetch = Callable[[str], Awaitable[tuple[bytes, str] | None]]


@dataclass(frozen=True)
class Limits:
    """How long a package is kept, how much disk all of them take, how many may wait. Whoever asks (an organisation, or an
    address) has so many on their way at once and begins so many an hour; a package that is done stays at least ``grace_s``,
    and then makes room for others when there is none."""

    lives_s: float = 24 * 3600
    most_bytes: int = 512 * 1024 * 1024
    most_waiting: int = 8
    most_waiting_of_one: int = 2
    most_an_hour: int = 20
    grace_s: float = 15 * 60


@dataclass(eq=False)
class TooManyOfYours(HttpRefusal):
    """Whoever asks has as many packages on their way, or began as many in an hour, as one may."""

    status: ClassVar[int] = 429
    slug: ClassVar[str] = "too-many-of-yours"
    es: ClassVar[str] = "Usted ya pidió tantos paquetes como se puede; pida otro en {wait_s} segundos."
    en: ClassVar[str] = "You have asked for as many packages as one may; ask for another in {wait_s} seconds."
    wait_s: int

    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return {"retry-after": str(self.wait_s)}


@dataclass(eq=False)
class TooManyPackages(HttpRefusal):
    """So many packages are waiting, or were made so lately, that another one would not fit; it may be asked for later."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "too-many-packages"
    es: ClassVar[str] = "Hay demasiados paquetes en espera o recién hechos; pida el suyo en {wait_s} segundos."
    en: ClassVar[str] = "Too many packages are waiting or just made; ask for yours in {wait_s} seconds."
    wait_s: int

    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return {"retry-after": str(self.wait_s)}


@dataclass(eq=False)
class NotBuilt(HttpRefusal):
    """What went wrong is ours; the log has it."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "package-not-built"
    es: ClassVar[str] = "error interno, que quedó registrado"
    en: ClassVar[str] = "internal error, which is in the log"


@dataclass(frozen=True)
class Job:
    """One package. ``reader`` is whom its papers were shown to, empty when it holds what everybody may see; ``content`` is
    the SHA-256 of its list of digests, ``file`` of the zip."""

    id: str
    lot: str
    size: int
    state: State
    done: int
    total: int
    reader: str
    papers: int
    cited: int
    bytes: int
    content: str
    file: str
    reason: str
    reason_en: str
    expires_at: float


@dataclass(frozen=True)
class Waiting:
    """A package on its way: who asked for it, and the most room it will take."""

    asker: str
    bytes: int


class Packages:
    """The folder of packages and the jobs on their way."""

    def __init__(self, folder: Path, speeches: tuple[Words, ...], limits: Limits = Limits()) -> None:
        self._folder, self._speeches, self._limits = folder, speeches, limits
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._one_at_a_time = asyncio.Semaphore(1)
        self._waiting: dict[str, Waiting] = {}
        self._begun: dict[str, list[float]] = {}

    def ask(self, case: CaseFile, reader: str, fetch: Fetch, asker: str = "") -> Job:
        """The job of this package: begun now unless it is there or on its way. ``TooManyOfYours`` when the one who asks has
        had their share, ``TooManyPackages`` when it does not fit though what was done longest ago made room."""
        self._throw_away_old()
        assert case.report.checkpoint is not None, "a case has a checkpoint"
        id_ = self._name(case, reader)
        known = self._jobs.get(id_) or self._read(id_)
        if known is not None and known.state != "failed":
            return known
        self._take_turn(asker)
        room = room_for(case)
        self._make_room(room)
        total = 2 * len(case.records) + 10 + len(cited(case))
        job = Job(id_, case.lot.id, case.report.checkpoint.size, "queued", 0, total, reader, 0, len(cited(case)), 0, "", "", "", "",
                  time.time() + self._limits.lives_s)  # fmt: skip
        self._jobs[id_] = job
        self._waiting[id_] = Waiting(asker, room)
        self._begun.setdefault(asker, []).append(time.time())
        task = self._tasks[id_] = asyncio.create_task(self._build(job, case, fetch))
        task.add_done_callback(lambda _: self._ended(id_))
        return job

    def _ended(self, id_: str) -> None:
        self._tasks.pop(id_, None)
        self._waiting.pop(id_, None)

    def job(self, id_: str, reader: str) -> Job:
        """The job of this name; missing for whoever its papers were not shown to."""
        found = (self._jobs.get(id_) or self._read(id_)) if id_.isalnum() and len(id_) == 32 else None
        if found is None or found.expires_at < time.time() or found.reader not in ("", reader):
            raise Missing("package", id_)
        return found

    def file(self, job: Job) -> Path:
        """The zip of a job that is done."""
        if job.state != "done":
            raise Missing("package", job.id)
        return self._folder / job.id / "package.zip"

    async def stop(self) -> None:
        """Give up what is on its way."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # ---- who may ask, and where it goes

    def _take_turn(self, asker: str) -> None:
        since = time.time() - AN_HOUR_S
        recent = {who: [at for at in begun if at > since] for who, begun in self._begun.items()}
        self._begun = {who: begun for who, begun in recent.items() if begun}
        mine = self._begun.get(asker, [])
        if sum(one.asker == asker for one in self._waiting.values()) >= self._limits.most_waiting_of_one:
            raise TooManyOfYours(A_BUILD_S)
        if len(mine) >= self._limits.most_an_hour:
            raise TooManyOfYours(_seconds(mine[0] - since))

    def _make_room(self, room: int) -> None:
        """Throw away what was done longest ago until there is room for so many bytes beside what is kept and on its way."""
        if len(self._tasks) >= self._limits.most_waiting:
            raise TooManyPackages(A_BUILD_S)
        done = sorted((folder.stat().st_mtime, folder) for folder in self._folders() if folder.name not in self._tasks)
        sizes = {folder: _bytes_of(folder) for _, folder in done if folder.suffix != ".part"}
        left = self._limits.most_bytes - sum(sizes.values()) - sum(one.bytes for one in self._waiting.values())
        for at, folder in done:
            if left >= room:
                return
            if folder not in sizes:
                continue
            kept_s = at + self._limits.grace_s - time.time()
            if kept_s > 0:
                raise TooManyPackages(_seconds(kept_s))
            shutil.rmtree(folder, ignore_errors=True)
            self._jobs.pop(folder.name, None)
            left += sizes[folder]
        if left < room and self._waiting:
            raise TooManyPackages(A_BUILD_S)

    # ---- building

    async def _build(self, job: Job, case: CaseFile, fetch: Fetch) -> None:
        deadline.forget()  # whoever asked has had their answer long before the last paper is here
        async with self._one_at_a_time:
            work = self._folder / f"{job.id}.part"
            try:
                work.mkdir(parents=True, exist_ok=True)
                self._jobs[job.id] = job = replace(job, state="building")
                papers = await _papers(case, work, fetch)
                job = await asyncio.to_thread(self._written, job, case, papers, work)
                work.replace(self._folder / job.id)
                self._jobs[job.id] = job
            except Exception as error:  # whoever waits must hear of any end, or the page asks again for a day
                logger.exception("package_failed", lot=job.lot)
                refusal = error if isinstance(error, Refusal) else NotBuilt()
                self._jobs[job.id] = replace(
                    job, state="failed", reason=refusal.text("es"), reason_en=refusal.text("en")
                )
            finally:
                shutil.rmtree(work, ignore_errors=True)
                self._ended(job.id)  # whoever sees that it is done may ask for the next

    def _written(self, job: Job, case: CaseFile, papers: Mapping[str, Path], work: Path) -> Job:
        def told(done: int) -> None:
            self._jobs[job.id] = replace(job, done=min(done, job.total))

        zipped = work / "package.zip"
        content = write(zipped, parts_of(case, papers, self._speeches), told)
        with zipped.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        for paper in papers.values():
            paper.unlink()
        done = replace(job, state="done", done=job.total, papers=len(papers), bytes=zipped.stat().st_size, content=content,
                       file=digest, expires_at=time.time() + self._limits.lives_s)  # fmt: skip
        (work / "job.json").write_bytes(orjson.dumps(asdict(done)))
        return done

    # ---- the folder

    def _name(self, case: CaseFile, reader: str) -> str:
        """A name that nobody can guess who does not know the key of this folder."""
        parts = (case.lot.id.encode(), case.bundle.checkpoint, reader.encode())
        return hmac.new(self._key(), b"\0".join(parts), hashlib.sha256).hexdigest()[:32]

    def _key(self) -> bytes:
        path = self._folder / "key"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            drawn = self._folder / f"key.{secrets.token_hex(4)}"
            drawn.touch(0o600)
            drawn.write_bytes(secrets.token_bytes(32))
            with suppress(FileExistsError):  # whoever comes second keeps the first
                os.link(drawn, path)
            drawn.unlink()
        return path.read_bytes()

    def _read(self, id_: str) -> Job | None:
        try:
            return Job(**orjson.loads((self._folder / id_ / "job.json").read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _folders(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (path for path in self._folder.iterdir() if path.is_dir())

    def _throw_away_old(self) -> None:
        before = time.time() - self._limits.lives_s
        for folder in list(self._folders()):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
        for id_ in [id_ for id_, job in self._jobs.items() if job.expires_at < time.time() and id_ not in self._tasks]:
            del self._jobs[id_]


def room_for(case: CaseFile) -> int:
    """The most that the package of a case takes on disk while it is made: its records several times over, and papers."""
    return 4 * len(case.data) + min(len(cited(case)) * PAPER_BYTES, PAPERS_BYTES)


def _bytes_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _seconds(left_s: float) -> int:
    return max(1, round(left_s + 0.5))


async def _papers(case: CaseFile, work: Path, fetch: Fetch) -> dict[str, Path]:
    """The cited papers that the reader may have, on disk, as many as fit; each is what its name says or left out."""
    found: dict[str, Path] = {}
    room = PAPERS_BYTES
    for digest in cited(case):
        paper = await fetch(digest)
        if paper is None or len(paper[0]) > room or hashlib.sha256(paper[0]).hexdigest() != digest:
            continue
        room -= len(paper[0])
        path = work / f"{digest}{paper[1]}"
        path.write_bytes(paper[0])
        found[digest] = path
    return found
