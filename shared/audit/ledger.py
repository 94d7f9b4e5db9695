"""What a monitor remembers of one log, in one SQLite file: facts, records, hashes, device counters, findings.

A round is one transaction, so an interrupted monitor goes on after the last whole round. Memory does not grow with the
log: facts live in the file, and of those in memory all are let go when they become many. Everything here follows from
the entries; the file may be deleted, which costs a replay.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import orjson

from shared.audit.refusals import CannotWrite
from shared.timber import facts as facts_of
from shared.timber.facts import Facts, Past
from shared.timber.rules.watch import HandedIn
from shared.timber.succession import Names
from shared.tlog import merkle
from shared.tlog.merkle import CompactRange
from shared.tlog.tile import node_reader, pieces

MOST_IN_MEMORY = 50_000
_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE fact (key TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE record (sid BLOB PRIMARY KEY, idx INTEGER NOT NULL, type TEXT NOT NULL, actor TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE tile (level INTEGER, n INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, n))",
    # Moments after which the entries from `position` on entered the log, ascending in both.
    "CREATE TABLE clock (position INTEGER, observed INTEGER, time TEXT NOT NULL, PRIMARY KEY (position, observed)) WITHOUT ROWID",
    "CREATE TABLE device (kid TEXT, seq INTEGER, idx INTEGER NOT NULL, sid TEXT NOT NULL, PRIMARY KEY (kid, seq)) WITHOUT ROWID",
    "CREATE TABLE gap (kid TEXT, first INTEGER, last INTEGER NOT NULL, idx INTEGER NOT NULL, sid TEXT NOT NULL, PRIMARY KEY (kid, first)) WITHOUT ROWID",
    # Of plans handed in, the last; of its listing the leaf hashes, until it is whole.
    "CREATE TABLE census (plan TEXT PRIMARY KEY, idx INTEGER NOT NULL, root TEXT NOT NULL, listing_root TEXT NOT NULL, trees INTEGER NOT NULL, harvestable_dm3 INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE listed (plan TEXT, part INTEGER, leaves BLOB NOT NULL, harvestable_dm3 INTEGER NOT NULL, PRIMARY KEY (plan, part)) WITHOUT ROWID",
    "CREATE TABLE finding (idx INTEGER, n INTEGER, rule TEXT NOT NULL, severity TEXT NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (idx, n)) WITHOUT ROWID",
)
_NAMES = ("meta", "fact", "record", "tile", "clock", "device", "gap", "census", "listed", "finding")


class Ledger:
    """One thread at a time. CannotWrite when the file cannot be opened or written."""

    def __init__(self, path: Path, version: str, most_in_memory: int = MOST_IN_MEMORY) -> None:
        """`version` names rules and layout: a file of another version is begun again (`begun_again`)."""
        self.begun_again = False
        self._most = most_in_memory
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise CannotWrite(str(path), str(error)) from error
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._prepare(version)
        except sqlite3.Error as error:
            self._db.close()
            raise CannotWrite(str(path), str(error)) from error
        self._path = path
        self._recall()

    def close(self) -> None:
        """Whatever was committed stays."""
        self._db.close()

    def _prepare(self, version: str) -> None:
        there = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if there and (there != set(_NAMES) or self._meta("version") != version.encode()):
            self.begun_again = True
            with self._transaction():
                for name in there:
                    self._db.execute(f'DROP TABLE "{name}"')
            there = set()
        if not there:
            with self._transaction():
                for table in _TABLES:
                    self._db.execute(table)
                self._put_meta(version=version.encode(), size=b"0", edge=b"")

    def _recall(self) -> None:
        self.tree = CompactRange.stored(int(self._meta("size") or b"0"), self._meta("edge") or b"")
        self.facts = Facts(complete=False)
        self._loaded = 0
        row = self._db.execute("SELECT max(time) FROM clock").fetchone()
        self._clock: str = row[0] or ""
        names = self._meta("names")
        self.names = Names() if names is None else Names(**orjson.loads(names))

    @property
    def size(self) -> int:
        """How many entries were judged."""
        return self.tree.size

    @property
    def origin(self) -> str | None:
        """The log this is the memory of, once it has begun."""
        found = self._meta("origin")
        return None if found is None else found.decode()

    @contextmanager
    def round(self, origin: str) -> Iterator[None]:
        """One transaction: all that is done inside it, or nothing, in the file and in memory."""
        try:
            with self._transaction():
                yield
                self._put_meta(
                    size=b"%d" % self.size, edge=self.tree.edge_bytes, origin=origin.encode(),
                    names=orjson.dumps(self.names.as_dict()),
                )  # fmt: skip
                changed = sorted(self.facts.dirty)
                rows = [(key, facts_of.dump(self.facts.get(key))) for key in changed]
                self._db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", rows)
        except BaseException as error:
            self._recall()
            if isinstance(error, sqlite3.Error):
                raise CannotWrite(str(self._path), str(error)) from error
            raise
        self.facts.settle()
        if self._loaded > self._most:
            self.facts, self._loaded = Facts(complete=False), 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # ---- facts and records

    def load(self, keys: Iterable[str]) -> None:
        """Put the documents under these keys into `facts`, and None where there is none."""
        for key in keys:
            if key not in self.facts:
                self.facts.preload([(key, self._fact(key))])
                self._loaded += 1

    def _fact(self, key: str) -> facts_of.Fact | None:
        if key.startswith("record:"):
            sid = key.removeprefix("record:")
            row = self._db.execute(
                "SELECT type, actor, idx FROM record WHERE sid = ?", (bytes.fromhex(sid),)
            ).fetchone()
            return None if row is None else Past(sid, *row)
        row = self._db.execute("SELECT doc FROM fact WHERE key = ?", (key,)).fetchone()
        return None if row is None else facts_of.load(key, row[0])

    def index_of(self, sid: str) -> int | None:
        """Where a statement stood first."""
        row = self._db.execute("SELECT idx FROM record WHERE sid = ?", (bytes.fromhex(sid),)).fetchone()
        return None if row is None else int(row[0])

    def sid_at(self, index: int) -> str:
        """The statement whose first place is this; empty where the entry there could not be read or stood before."""
        row = self._db.execute("SELECT sid FROM record WHERE idx = ?", (index,)).fetchone()
        return "" if row is None else row[0].hex()

    def add_record(self, sid: str, index: int, type_: str, actor: str) -> None:
        """Remember that a statement stands in the log."""
        self._db.execute("INSERT INTO record VALUES (?, ?, ?, ?)", (bytes.fromhex(sid), index, type_, actor))
        self.facts.preload([(f"record:{sid}", Past(sid, type_, actor, index))])
        self._loaded += 1

    # ---- the tree

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """The log grows by these leaves."""
        for row in self.tree.append(leaf_hashes):
            for n, offset, piece in pieces(row):
                before = self._tile(row.tile_level, n)[: offset * merkle.HASH_BYTES] if offset else b""
                values = (row.tile_level, n, b"".join([before, *piece]))
                self._db.execute("INSERT OR REPLACE INTO tile VALUES (?, ?, ?)", values)

    def _tile(self, level: int, n: int) -> bytes:
        row = self._db.execute("SELECT hashes FROM tile WHERE level = ? AND n = ?", (level, n)).fetchone()
        return b"" if row is None else bytes(row[0])

    def root_at(self, size: int) -> bytes:
        """The root of the log when it had `size` entries, at most those judged."""
        return merkle.prove([(0, size)], node_reader(self._tile))[0] if size else merkle.EMPTY_ROOT

    def consistency(self, old: int) -> list[bytes]:
        """The RFC 6962 proof that the tree of `old` entries is a prefix of the one judged."""
        return merkle.consistency_proof(old, self.size, node_reader(self._tile))

    # ---- time

    def observe(self, size: int, time: str) -> None:
        """At this instant no more than `size` entries had been published."""
        self._advance(size, time, observed=True)

    def passed(self, index: int, time: str) -> None:
        """The entry at `index` was made at this instant, so those after it entered later."""
        self._advance(index + 1, time, observed=False)

    def _advance(self, position: int, time: str, *, observed: bool) -> None:
        if time > self._clock:
            self._db.execute("INSERT OR REPLACE INTO clock VALUES (?, ?, ?)", (position, observed, time))
            self._clock = time

    def entered_after(self, index: int) -> str | None:
        """The latest known instant after which the entry at `index` entered the log."""
        row = self._db.execute(
            "SELECT time FROM clock WHERE position <= ? ORDER BY position DESC, time DESC LIMIT 1", (index,)
        ).fetchone()
        return None if row is None else row[0]

    def made_after(self, seen_size: int) -> str | None:
        """The latest known instant after which a checkpoint of `seen_size` entries was there to be seen."""
        row = self._db.execute(
            "SELECT time FROM clock WHERE position < ? OR (position = ? AND NOT observed) ORDER BY position DESC, time DESC LIMIT 1",
            (seen_size, seen_size),
        ).fetchone()
        return None if row is None else row[0]

    # ---- counters of devices

    def count(self, kid: str, seq: int, index: int, sid: str) -> tuple[int, str] | None:
        """Note a number of a device; index and sid of another record that has it already."""
        row = self._db.execute("SELECT idx, sid FROM device WHERE kid = ? AND seq = ?", (kid, seq)).fetchone()
        if row is not None:
            return row[0], row[1]
        low, high = self._db.execute("SELECT min(seq), max(seq) FROM device WHERE kid = ?", (kid,)).fetchone()
        self._db.execute("INSERT INTO device VALUES (?, ?, ?, ?)", (kid, seq, index, sid))
        if low is None:
            return None
        if seq > high:
            self._open(kid, high + 1, seq - 1, index, sid)
        elif seq < low:
            self._open(kid, seq + 1, low - 1, index, sid)
        else:
            self._close(kid, seq)
        return None

    def _open(self, kid: str, first: int, last: int, index: int, sid: str) -> None:
        if first <= last:
            self._db.execute("INSERT INTO gap VALUES (?, ?, ?, ?, ?)", (kid, first, last, index, sid))

    def _close(self, kid: str, seq: int) -> None:
        """A number within a gap has come: what remains of the gap is at most two."""
        [(first, last, index, sid)] = self._db.execute(
            "SELECT first, last, idx, sid FROM gap WHERE kid = ? AND first <= ? AND last >= ?", (kid, seq, seq)
        ).fetchall()
        self._db.execute("DELETE FROM gap WHERE kid = ? AND first = ?", (kid, first))
        self._open(kid, first, seq - 1, index, sid)
        self._open(kid, seq + 1, last, index, sid)

    def gaps(self, since: int = 0) -> Iterator[tuple[str, int, int, int, str]]:
        """Numbers still missing: kid, first, last, and index and sid of the record that showed it, from `since` on."""
        yield from self._db.execute(
            "SELECT kid, first, last, idx, sid FROM gap WHERE idx >= ? ORDER BY idx, kid, first", (since,)
        )

    # ---- censuses

    def commit_census(self, census: HandedIn) -> None:
        """A plan was handed in with this census; of several of one plan the last counts."""
        self._db.execute("INSERT OR REPLACE INTO census VALUES (?, ?, ?, ?, ?, ?)", astuple(census))

    def committed(self, plan: str) -> HandedIn | None:
        """With which census a plan was handed in last."""
        row = self._db.execute(
            "SELECT plan, idx, root, listing_root, trees, harvestable_dm3 FROM census WHERE plan = ?", (plan,)
        ).fetchone()
        return None if row is None else HandedIn(*row)

    def some_commitment(self) -> int | None:
        """The index of one such entry, if there is any: then this log tells with which census plans are handed in."""
        found: int | None = self._db.execute("SELECT min(idx) FROM census").fetchone()[0]
        return found

    def list_census(self, plan: str, part: int, leaf_hashes: Sequence[bytes], harvestable_dm3: int) -> int:
        """Remember a part of a plan's census; how many are remembered."""
        self._db.execute("INSERT INTO listed VALUES (?, ?, ?, ?)", (plan, part, b"".join(leaf_hashes), harvestable_dm3))
        count: int = self._db.execute("SELECT count(*) FROM listed WHERE plan = ?", (plan,)).fetchone()[0]
        return count

    def listed_census(self, plan: str) -> tuple[list[bytes], int]:
        """The leaf hashes of all parts in order, and the harvestable volume in litres. They are forgotten."""
        rows = self._db.execute(
            "SELECT leaves, harvestable_dm3 FROM listed WHERE plan = ? ORDER BY part", (plan,)
        ).fetchall()
        self._db.execute("DELETE FROM listed WHERE plan = ?", (plan,))
        leaves = b"".join(leaves for leaves, _ in rows)
        width = merkle.HASH_BYTES
        return [leaves[at : at + width] for at in range(0, len(leaves), width)], sum(dm3 for _, dm3 in rows)

    # ---- findings

    def add_finding(self, index: int, n: int, rule: str, severity: str, doc: bytes) -> None:
        """Keep a finding of an entry."""
        self._db.execute("INSERT INTO finding VALUES (?, ?, ?, ?, ?)", (index, n, rule, severity, doc))

    def findings(self, since: int = 0) -> Iterator[bytes]:
        """The documents of the findings from an index on, in order."""
        for (doc,) in self._db.execute("SELECT doc FROM finding WHERE idx >= ? ORDER BY idx, n", (since,)):
            yield doc

    def counts(self) -> list[tuple[str, str, int]]:
        """How many findings there are by rule and severity, open gaps left out."""
        return self._db.execute("SELECT rule, severity, count(*) FROM finding GROUP BY 1, 2 ORDER BY 1, 2").fetchall()

    # ---- meta

    def _meta(self, name: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def _put_meta(self, **values: bytes) -> None:
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())
