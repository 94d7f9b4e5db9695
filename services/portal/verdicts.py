"""Verdicts of lots for people: the same verification an auditor runs, over the same file, with this server's policy."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from services.portal.naming import natural
from shared.lot import bundle as bundles
from shared.lot.report import Report
from shared.lot.verify import verify
from shared.tlog.policy import Policy
from shared.web.client import AnswerTooLong

KEPT = 64
# What a page reads of a lot: some 4,000 records, which take a dozen times the room of the file while they are verified,
# in a process of 256 MiB. Whoever buys more has a computer to verify it with.
LARGEST_BYTES = 4 * 1024 * 1024
TOO_LONG = "too_long"

# (word on the page, shape beside it): never by colour alone.
MARKS = {
    "CONSISTENT": "yes",
    "TO_REVIEW": "look",
    "INCOMPLETE": "part",
    "untrusted": "look",
    "invalid": "no",
    "unreadable": "part",
    TOO_LONG: "part",
}
# Words that leave nothing for an auditor to look into: the others do, and so does a lot that was not judged.
CALM = ("CONSISTENT", "INCOMPLETE")

T = TypeVar("T")


class OfLots(Generic[T]):
    """What was made of the files of lots, by lot and checkpoint: a much-asked lot is fetched and read once while the log
    stands still.

    A few at a time, off the loop: the file is fetched inside too, so that no more than those are in memory.
    """

    def __init__(self, read: Callable[[bytes], T], kept: int, at_a_time: int) -> None:
        self._read_file, self._most = read, kept
        self._kept: OrderedDict[tuple[str, bytes], T | None] = OrderedDict()
        self._reading: dict[tuple[str, bytes], asyncio.Task[T | None]] = {}
        self._at_a_time = asyncio.Semaphore(at_a_time)

    async def of(self, lot: str, checkpoint: bytes | None, fetch: Callable[[], Awaitable[bytes]]) -> T | None:
        """What the file of this lot is read as; ``None`` when it is too long for a page. A failed fetch is not kept."""
        if checkpoint is None:
            return await self._read(fetch)
        name = lot, checkpoint
        if name in self._kept:
            return self._kept[name]
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = asyncio.create_task(self._read(fetch))
            reading.add_done_callback(lambda done: self._keep(name, done))
        return await asyncio.shield(reading)  # others wait for it too, and it is worth keeping

    async def _read(self, fetch: Callable[[], Awaitable[bytes]]) -> T | None:
        async with self._at_a_time:
            try:
                bundle = await fetch()
            except AnswerTooLong:
                return None
            return await asyncio.to_thread(self._read_file, bundle)

    def _keep(self, name: tuple[str, bytes], done: "asyncio.Task[T | None]") -> None:
        del self._reading[name]
        if not done.cancelled() and done.exception() is None:
            self._kept[name] = done.result()
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


@dataclass(frozen=True)
class Signer:
    """One who signed records of the file: how many of each kind."""

    org: str
    kinds: Mapping[str, int]

    @property
    def records(self) -> int:
        """How many in all."""
        return sum(self.kinds.values())


@dataclass(frozen=True)
class Piece:
    """A piece of the lot as the record that made it has it: a log with the code painted on it, or a product."""

    id: str
    kind: str
    code: str
    species: str
    product: str
    volume_dm3: int


@dataclass(frozen=True)
class Judged:
    """A file as verified, and from a file that holds: who signed its records, the permits among them, and the pieces of
    the lot by code."""

    report: Report
    signers: tuple[Signer, ...] = ()
    permits: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()


def judge(bundle: bytes, policy: Policy) -> Judged:
    """The verification, and what stands in the records once it has passed."""
    report = verify(bundle, policy)
    if report.outcome != "valid":
        return Judged(report)
    statements = [orjson.loads(entry)["stmt"] for entry in bundles.read(bundle).entries]
    kinds: dict[str, Counter[str]] = {}
    for statement in statements:
        kinds.setdefault(statement["actor"], Counter())[statement["type"]] += 1
    signers = sorted((Signer(org, count) for org, count in kinds.items()), key=lambda one: (-one.records, one.org))
    permits = sorted({one["body"]["number"] for one in statements if one["type"] == "permit.issued"})
    return Judged(report, tuple(signers), tuple(permits), tuple(_pieces(statements, report)))


def _pieces(statements: Iterable[Mapping[str, Any]], report: Report) -> list[Piece]:
    inside = set() if report.lot is None else set(report.lot.items)
    made = {"log.cut": ("sections", "log"), "mill.processed": ("outputs", "product")}
    found = [
        Piece(one["item"], kind, one.get("code", ""), one["species"], one.get("product", "roundwood"), one["volume_dm3"])
        for statement in statements if statement["type"] in made
        for field, kind in [made[statement["type"]]]
        for one in statement["body"][field] if one["item"] in inside
    ]  # fmt: skip
    return sorted(found, key=lambda one: (natural(one.code), one.species, one.product, one.id))


class Verdicts(OfLots[Judged]):
    """Verdicts on the files of lots, under this server's policy."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(lambda bundle: judge(bundle, policy), KEPT, at_a_time=2)


def word_of(report: Report | None) -> str:
    """The first word of the page: the verdict of a file that holds, else why there is none."""
    if report is None:
        return TOO_LONG
    return report.verdict.word if report.outcome == "valid" and report.verdict is not None else report.outcome
