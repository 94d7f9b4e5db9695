"""One entry of a log after the other, judged by the rules that let it in and by those of a monitor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.audit.ledger import Ledger
from shared.refusal import Refusal
from shared.timber import chain
from shared.timber.event import Record, UnknownType, parse_entry, sid_of
from shared.timber.facts import Key, NotLoaded
from shared.timber.norms import Norms, Rules
from shared.timber.norms.watch import Watch
from shared.timber.party import REGISTRAR, signer
from shared.timber.rules import watch as rules_of
from shared.timber.rules.outcome import Outcome
from shared.tlog import merkle

# Its time is copied from the record that it notes.
_TIMELESS = "conflict.noted"


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not hold, and in which entry. `sid` is empty where the entry could not be read."""

    index: int
    sid: str
    outcome: Outcome

    def as_dict(self) -> dict[str, Any]:
        """For machines and for people."""
        return {"index": self.index, "sid": self.sid, **self.outcome.as_dict()}


class Judge:
    """Judges the entries of a log in order and keeps what follows in a ledger."""

    def __init__(self, ledger: Ledger, norms: Norms, watch: Watch, origin: str) -> None:
        self._ledger = ledger
        self._norms = norms
        self._watch = watch
        self._origin = origin

    def take(self, entries: Sequence[bytes], seen_at: str) -> list[Finding]:
        """The findings on the next entries, which somebody saw in the log at this instant. All of them, or none, are
        kept."""
        ledger, first = self._ledger, self._ledger.size
        read = [_read(entry) for entry in entries]
        records = [one for one in read if isinstance(one, Record)]
        with ledger.round(self._origin):
            ledger.append([merkle.leaf_hash(entry) for entry in entries])
            ledger.load(key for record in records for key in chain.keys_of(record))
            findings = [
                Finding(index, "" if isinstance(one, Refusal) else one.sid, outcome)
                for index, one in enumerate(read, first)
                for outcome in self._outcomes(index, one, seen_at)
            ]
            for n, finding in enumerate(findings):
                outcome = finding.outcome
                doc = orjson.dumps(finding.as_dict())
                ledger.add_finding(finding.index, n, outcome.rule, outcome.severity, doc)
        return findings

    def _outcomes(self, index: int, one: "Record | Strange | Refusal", seen_at: str) -> list[Outcome]:
        rules = self._watch.on(one.time[:10] if isinstance(one, Record) else seen_at[:10])
        found = [*self._of_entry(index, one, rules, seen_at), *self._of_the_end(index, one, rules)]
        return [outcome for outcome in found if _tells(outcome)]

    def _of_entry(self, index: int, one: "Record | Strange | Refusal", rules: Rules, seen_at: str) -> Iterator[Outcome]:
        if isinstance(one, Record):
            yield from self._of_record(index, one, rules, seen_at)
        elif isinstance(one, Strange):
            if self._ledger.index_of(one.sid) is None:  # what builds on it is not to blame
                self._ledger.add_record(one.sid, index, one.type, one.actor)
            yield rules_of.l01_unknown_type(rules["L01"], one.sid, one.refusal)
        else:
            yield rules_of.l01_refused(rules["L01"], f"entry:{index}", one)

    def _of_record(self, index: int, record: Record, rules: Rules, seen_at: str) -> Iterator[Outcome]:
        ledger = self._ledger
        stood = ledger.index_of(record.sid)
        if stood is not None:
            yield rules_of.l01_repeated(rules["L01"], record.sid, stood)
            return
        absent = next((prev for prev in record.prev if ledger.index_of(prev) is None), None)
        if absent is not None:
            yield rules_of.l01_predecessor(rules["L01"], record.sid, absent)
        key = self._signer(index, record)
        try:
            yield from self._admit(index, record)
        except Refusal as refusal:
            yield rules_of.l01_refused(rules["L01"], record.sid, refusal)
        ledger.add_record(record.sid, index, record.type, record.actor)
        yield from self._of_time(index, record, rules, seen_at, key)

    def _of_the_end(self, index: int, one: "Record | Strange | Refusal", rules: Rules) -> Iterator[Outcome]:
        """After its own end a log holds nothing, be it no record at all; only the log that continues it, which has another
        name, goes on there, to an end of its own."""
        ledger = self._ledger
        record = one if isinstance(one, Record) else None
        if ledger.closed_at is not None and index == ledger.closed_at + 1:
            continued = record is not None and record.type == "log.continued" and record.body["before"] != self._origin
            subject = f"entry:{index}" if isinstance(one, Refusal) else one.sid
            yield rules_of.l07(rules["L07"], subject, ledger.closed_at, continued)
        if record is not None and record.type == "log.closed":
            ledger.end(index)

    def _signer(self, index: int, record: Record) -> Key | None:
        """The key that speaks, when its signature is good and it may."""
        while True:
            try:
                return signer(record, index, self._ledger.facts)
            except NotLoaded as asked:
                self._ledger.load([asked.key])
            except Refusal:
                return None

    def _admit(self, index: int, record: Record) -> list[Outcome]:
        while True:
            try:
                return chain.admit(record, index, self._ledger.facts, self._norms, None)
            except NotLoaded as asked:
                self._ledger.load([asked.key])

    def _of_time(self, index: int, record: Record, rules: Rules, seen_at: str, key: Key | None) -> Iterator[Outcome]:
        """What the device had seen and counted, when it says it happened, and what the note of a conflict says."""
        ledger, body = self._ledger, record.body
        statement = orjson.loads(record.statement)
        seen = statement.get("seen")
        if seen is not None:
            size = seen["size"]
            root = ledger.root_at(size).hex() if size <= index else None
            yield rules_of.l02(rules["L02"], record.sid, index, size, seen["root"], root)
        if "seq" in statement and key is not None:
            other = ledger.count(key.kid, statement["seq"], index, record.sid)
            if other is not None:
                yield rules_of.l03_twice(rules["L03"], record.sid, key.kid, statement["seq"], *other)
        if record.type == "log.continued":
            size = body["size"]
            root = ledger.root_at(size).hex() if size <= index else None
            yield rules_of.l06(rules["L06"], record.sid, body["before"], size, body["root"], root)
        if record.type == _TIMELESS:
            yield rules_of.l05_noted(rules["L05"], body["refused"], body["first"], body["subject"])
            return
        made_after = ledger.made_after(seen["size"]) if seen is not None and seen["size"] <= index else None
        yield rules_of.c14(rules["C14"], record.sid, record.time, made_after, ledger.entered_after(index))
        yield rules_of.c14_ahead(rules["C14"], record.sid, record.time, seen_at)
        if key is not None and key.role == REGISTRAR and record.time <= seen_at:
            ledger.passed(index, record.time)

    def gaps(self, since: int = 0) -> Iterator[Finding]:
        """The numbers of devices that are missing as of now, each as a finding of the record that showed it."""
        for kid, first, last, index, sid in self._ledger.gaps(since):
            rule = self._watch.on("9999")["L04"]
            yield Finding(index, sid, rules_of.l04_gap(rule, kid, first, last))


@dataclass(frozen=True, slots=True)
class Strange:
    """A record whose type this version does not know."""

    refusal: UnknownType
    sid: str
    type: str
    actor: str


def _read(entry: bytes) -> Record | Strange | Refusal:
    try:
        return parse_entry(entry)
    except UnknownType as refusal:
        statement = entry.partition(b'],"stmt":')[2][:-1]  # docs/format.md, section 3
        known = orjson.loads(statement)
        return Strange(refusal, sid_of(statement), str(known.get("type", "")), str(known.get("actor", "")))
    except Refusal as refusal:
        return refusal


def _tells(outcome: Outcome) -> bool:
    """Whether it goes into the report: failures, and what this version cannot judge at all."""
    return outcome.status == "FAIL" or outcome.case == "unknown_type"
