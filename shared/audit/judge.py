"""One entry of a log after the other, judged by the rules that let it in and by those of a monitor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.audit import census
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
from shared.timber.succession import CONTINUED
from shared.tlog import merkle

# Its time is copied from the record that it notes.
_TIMELESS = "conflict.noted"
AT_THE_END = (
    1_000  # the number of a finding on an entry that only the end of a round shows; an entry has no more of others
)


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

    def __init__(self, ledger: Ledger, norms: Norms, watch: Watch, origin: str, first: int | None = None) -> None:
        """`first`: the size of the smallest checkpoint of this origin that anybody showed."""
        self._ledger = ledger
        self._norms = norms
        self._watch = watch
        self._origin = origin
        self._first = first

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
        else:
            yield from census.outcomes(ledger, index, record, rules["L08"])
        ledger.add_record(record.sid, index, record.type, record.actor)
        yield from self._of_time(index, record, rules, seen_at, key)

    def _of_the_end(self, index: int, one: "Record | Strange | Refusal", rules: Rules) -> Iterator[Outcome]:
        """After its own end a log holds nothing, be it no record at all; only the log that it named goes on there, to an end
        of its own."""
        names, record = self._ledger.names, one if isinstance(one, Record) else None
        ended, said = names.open, names.next
        case: str | None = names.take(index, record)
        if not ended:
            return
        if case is None and self._known_before():
            case, names.known = "known_before", []
        body = record.body if record is not None and record.type == CONTINUED else {}
        subject = f"entry:{index}" if isinstance(one, Refusal) else one.sid
        computed = self._seam(index - 1, said) | {"before": body.get("before", "")}
        yield rules_of.l07(rules["L07"], subject, case, computed)

    def _known_before(self) -> bool:
        """Whether somebody showed a checkpoint of this origin from before the log of this name began."""
        return self._first is not None and self._first <= self._ledger.names.began

    def _seam(self, closed_at: int, said: str) -> dict[str, Any]:
        return {"closed_at": closed_at, "next": said, "origin": self._origin, "size": self._first}

    def settle(self, seen_at: str) -> None:
        """Hold the name that the seams lead to against the origin of the checkpoint that covers all that was judged. Inside
        a round of the ledger; what does not hold is found once."""
        names = self._ledger.names
        if names.open and names.next == self._origin:
            names.open = False
            self._find_at(names.closed_at or 0, "name_again", names.closed_at or 0, names.next, seen_at)
        elif names.known and (names.known[-1] != self._origin or self._known_before()):
            case = "known_before" if names.known[-1] == self._origin else "other_next"
            self._find_at(names.began, case, names.began - 1, names.known[-1], seen_at)
            names.known = []

    def _find_at(self, index: int, case: str, closed_at: int, said: str, seen_at: str) -> None:
        sid = self._ledger.sid_at(index)
        outcome = rules_of.l07(self._watch.on(seen_at[:10])["L07"], sid, case, self._seam(closed_at, said))
        doc = orjson.dumps(Finding(index, sid, outcome).as_dict())
        self._ledger.add_finding(index, AT_THE_END, outcome.rule, outcome.severity, doc)

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
        if record.type == CONTINUED:
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
