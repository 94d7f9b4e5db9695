"""What a witness must never forget: the checkpoints it cosigned, in one SQLite file, and a mark beside it.

A cosignature leaves only after what it says is on disk. Deciding and keeping are one transaction that takes the write
lock first, so two requests cannot both pass. `synchronous=EXTRA` is FULL and one more: after a power cut no committed
transaction comes undone, which with FULL and a rollback journal it may. The mark, `high-water`, is written after the
database: a database that stands behind it was deleted or set back, and the witness does not start. Both lost together
look like a first start; docs/operate.md says why the folder stays out of backups.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import BadText, from_decimal
from shared.tlog.merkle import BadProof
from shared.tlog.note import Signer
from shared.tlog.witness import Offer, OtherSize, StateLost, cosign, follow

DATABASE, MARK, LOCK = "cosigned.db", "high-water", "lock"
# Kept whole: the newest so many of each log, and of older ones the last of each day (UTC). 10,000 are a day and a bit
# of a log that grows without pause; each is about half a kilobyte.
KEPT_NEWEST = 10_000
DAY_S = 86_400
# An observer may send old checkpoints with wrong proofs for ever; of each kind so much is evidence enough.
MOST_EVIDENCE = 1_000
WAIT_S = 1.0  # for somebody who looks into the file; the log waits two

SCHEMA = (
    """CREATE TABLE cosigned (
        origin TEXT NOT NULL,
        size INTEGER NOT NULL CHECK (size >= 0),
        root BLOB NOT NULL CHECK (length(root) = 32),
        at INTEGER NOT NULL,
        note BLOB NOT NULL,
        PRIMARY KEY (origin, size)
    ) WITHOUT ROWID""",
    """CREATE TABLE evidence (
        origin TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('fork', 'unproven', 'state-lost')),
        size INTEGER NOT NULL,
        root BLOB NOT NULL,
        at INTEGER NOT NULL,
        offered BLOB NOT NULL,
        kept BLOB NOT NULL,
        PRIMARY KEY (origin, kind, size, root)
    ) WITHOUT ROWID""",
    "PRAGMA user_version = 1",
)
NEWEST = "SELECT size, root, at, note FROM cosigned WHERE origin = ? ORDER BY size DESC LIMIT 1"
AT_SIZE = "SELECT root, note FROM cosigned WHERE origin = ? AND size = ?"
KEEP = """
INSERT INTO cosigned (origin, size, root, at, note) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (origin, size) DO UPDATE SET at = excluded.at, note = excluded.note"""
THIN = """
DELETE FROM cosigned WHERE origin = :origin
AND size <= (SELECT size FROM cosigned WHERE origin = :origin ORDER BY size DESC LIMIT 1 OFFSET :newest)
AND size NOT IN (SELECT max(size) FROM cosigned WHERE origin = :origin GROUP BY at / :day)"""
KEEP_EVIDENCE = """
INSERT INTO evidence (origin, kind, size, root, at, offered, kept) SELECT :origin, :kind, :size, :root, :at, :offered, :kept
WHERE (SELECT count(*) FROM evidence WHERE origin = :origin AND kind = :kind) < :most ON CONFLICT DO NOTHING"""
EVIDENCE = "SELECT kind, size, at, offered, kept FROM evidence WHERE origin = ? ORDER BY at, kind, size, root"
EVIDENCE_COUNT = "SELECT count(*) FROM evidence WHERE origin = ?"
LOST = "SELECT max(size) FROM evidence WHERE origin = ? AND kind = 'state-lost'"


@dataclass(eq=False)
class StateMissing(Refusal):
    """The mark says that there was a state, and the database is gone."""

    slug: ClassVar[str] = "witness-state-missing"
    es: ClassVar[str] = "Falta {file}, y la marca dice que este testigo ya firmó. No firma más con esta clave."
    en: ClassVar[str] = (
        "{file} is missing, and the mark beside it says that this witness has cosigned. It must not sign with this key"
        " again: see `A witness` in docs/operate.md."
    )
    file: str


@dataclass(eq=False)
class StateWentBack(Refusal):
    """The database knows less than was cosigned: a backup was put in its place."""

    slug: ClassVar[str] = "witness-state-went-back"
    es: ClassVar[str] = "El testigo firmó {origin} hasta {marked} y su base solo recuerda {known}: fue repuesta."
    en: ClassVar[str] = (
        "This witness cosigned {origin} up to {marked} and its database remembers {known}: it was set back. It must not"
        " sign with this key again: see `A witness` in docs/operate.md."
    )
    origin: str
    marked: int
    known: int


@dataclass(eq=False)
class StateDamaged(Refusal):
    """The files of the state cannot be read."""

    slug: ClassVar[str] = "witness-state-damaged"
    es: ClassVar[str] = "El estado del testigo no se puede leer: {file}: {reason}."
    en: ClassVar[str] = "The state of the witness cannot be read: {file}: {reason}."
    file: str
    reason: str


@dataclass(eq=False)
class AlreadyRunning(Refusal):
    """Another process holds the folder."""

    slug: ClassVar[str] = "witness-already-running"
    es: ClassVar[str] = "Otro testigo ya usa {folder}."
    en: ClassVar[str] = "Another witness uses {folder} already."
    folder: str


@dataclass(eq=False)
class ClockWentBack(Refusal):
    """A cosignature states when it was given; this one would be older than the last."""

    slug: ClassVar[str] = "witness-clock-went-back"
    es: ClassVar[str] = "El reloj del testigo está {seconds} s por detrás de su última firma."
    en: ClassVar[str] = "The clock of the witness is {seconds} s behind its last signature."
    seconds: int


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The newest checkpoint cosigned for a log: the note carries the log's signature and the witness's."""

    checkpoint: Checkpoint
    at: int
    note: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """Two checkpoints that a log signed and that do not fit, each whole. `fork`: one size, two roots. `unproven`: no
    proof that the later extends the earlier came with it. `state-lost`: see `StateLost`."""

    kind: Literal["fork", "unproven", "state-lost"]
    size: int
    at: int
    offered: bytes
    kept: bytes


class State:
    """One per process and folder. Blocking: call it from a thread."""

    def __init__(self, folder: Path, kept_newest: int = KEPT_NEWEST) -> None:
        """Opens the state, or makes it where nothing says that there was one. StateMissing, StateWentBack,
        StateDamaged or AlreadyRunning: the witness must not start."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._kept_newest, self._one_at_a_time = folder, kept_newest, threading.Lock()
        self._held = _hold(folder)
        try:
            self._marks = _read_mark(folder / MARK)
            if self._marks and not (folder / DATABASE).exists():
                raise StateMissing(DATABASE)
            self._db = _open(folder / DATABASE)
            self._hold_against_mark()
        except BaseException:
            os.close(self._held)
            raise

    def close(self) -> None:
        """Lets go of file and folder."""
        self._db.close()
        os.close(self._held)

    def accept(self, offer: Offer, signer: Signer, clock: Callable[[], float]) -> str:
        """The cosignature line; what it says is on disk. Refuses as `follow` does, or with ClockWentBack. May be
        repeated: the same checkpoint is cosigned again with the time of then."""
        origin, new = offer.checkpoint.origin, offer.checkpoint
        with self._one_at_a_time:
            now_s = int(clock())
            with self._transaction():
                last = self._newest(origin)
                refusal = self._judged(offer, last, now_s)
                if refusal is None:
                    line = cosign(offer, signer, now_s)
                    self._db.execute(KEEP, (origin, new.size, new.root, now_s, offer.note(line)))
                    self._db.execute(THIN, {"origin": origin, "newest": self._kept_newest, "day": DAY_S})
                else:
                    self._keep_evidence(offer, last, refusal, now_s)
            if refusal is not None:
                raise refusal
            self._mark(origin, new.size)
        return line

    def newest(self, origin: str) -> Cosigned | None:
        """What was cosigned last for this log."""
        with self._one_at_a_time:
            return self._newest(origin)

    def evidence(self, origin: str) -> list[Evidence]:
        """What speaks against this log, oldest first."""
        with self._one_at_a_time:
            return [Evidence(*row) for row in self._db.execute(EVIDENCE, (origin,))]

    def evidence_count(self, origin: str) -> int:
        """How much speaks against this log."""
        with self._one_at_a_time:
            count: int = self._db.execute(EVIDENCE_COUNT, (origin,)).fetchone()[0]
        return count

    def lost(self, origin: str) -> int | None:
        """The size that proved that this state was set back; nothing is cosigned for this log any more."""
        with self._one_at_a_time:
            return self._lost(origin)

    def _judged(self, offer: Offer, last: Cosigned | None, now_s: int) -> Refusal | None:
        """None when the offer may be cosigned."""
        lost = self._lost(offer.checkpoint.origin)
        if lost is not None:
            return StateLost(offer.checkpoint.origin, lost)
        try:
            follow(offer, last.checkpoint if last else None)
        except (StateLost, OtherSize, BadProof) as refusal:
            return refusal
        return ClockWentBack(last.at - now_s) if last is not None and last.at > now_s else None

    def _keep_evidence(self, offer: Offer, last: Cosigned | None, refusal: Refusal, now_s: int) -> None:
        """The log signed what is offered; what does not fit it is kept beside it, both whole."""
        new = offer.checkpoint
        same: tuple[bytes, bytes] | None = self._db.execute(AT_SIZE, (new.origin, new.size)).fetchone()
        found: list[tuple[str, bytes]] = []
        if isinstance(refusal, StateLost):
            found.append(("state-lost", last.note if last else b""))
        if same is not None and same[0] != new.root:
            found.append(("fork", same[1]))
        elif isinstance(refusal, BadProof) and last is not None and new.size > last.checkpoint.size:
            found.append(("unproven", last.note))
        for kind, kept in found:
            row = {"origin": new.origin, "kind": kind, "size": new.size, "root": new.root, "at": now_s}
            # What strangers signed beside the log is left out, or they would fill the disk. That this state was lost is shown by
            # a signature of its own.
            offered = offer.request.note if kind == "state-lost" else offer.note()
            row |= {"offered": offered, "kept": kept, "most": MOST_EVIDENCE}
            self._db.execute(KEEP_EVIDENCE, row)

    def _newest(self, origin: str) -> Cosigned | None:
        row = self._db.execute(NEWEST, (origin,)).fetchone()
        return None if row is None else Cosigned(Checkpoint(origin, row[0], row[1]), row[2], row[3])

    def _lost(self, origin: str) -> int | None:
        size: int | None = self._db.execute(LOST, (origin,)).fetchone()[0]
        return size

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")  # the write lock now: what is read below stays true until the commit
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _hold_against_mark(self) -> None:
        for origin, marked in (self._marks or {}).items():
            known = self._newest(origin)
            if known is None or known.checkpoint.size < marked:
                raise StateWentBack(origin, marked, known.checkpoint.size if known else 0)
        for origin, size in self._db.execute("SELECT origin, max(size) FROM cosigned GROUP BY origin").fetchall():
            self._mark(origin, size)
        if self._marks is None:
            self._write_mark({})

    def _mark(self, origin: str, size: int) -> None:
        marks = self._marks or {}
        if marks.get(origin, -1) < size:
            self._write_mark(marks | {origin: size})

    def _write_mark(self, marks: dict[str, int]) -> None:
        """Durable when it returns: temporary file, fsync, rename, fsync of the folder."""
        draft = self._folder / f"{MARK}.new"
        with draft.open("w") as out:
            out.writelines(f"{size} {origin}\n" for origin, size in sorted(marks.items()))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._folder / MARK)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._marks = marks


def _hold(folder: Path) -> int:
    """The folder for this process alone, until the kernel sees it end."""
    held = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise AlreadyRunning(str(folder)) from None
    return held


def _open(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA journal_mode = DELETE")
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StateDamaged(file.name, found)
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            db.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                db.execute(statement)
            db.execute("COMMIT")
            file.chmod(0o600)
    except sqlite3.DatabaseError as error:
        db.close()
        raise StateDamaged(file.name, str(error)) from None
    except BaseException:
        db.close()
        raise
    return db


def _read_mark(file: Path) -> dict[str, int] | None:
    """The size cosigned last for each origin; None where there is no mark."""
    if not file.exists():
        return None
    marks: dict[str, int] = {}
    for line in file.read_text().splitlines():
        size, space, origin = line.partition(" ")
        if not space:
            raise StateDamaged(file.name, line)
        try:
            marks[origin] = from_decimal(size, "number")
        except BadText as error:
            raise StateDamaged(file.name, str(error)) from None
    return marks
