"""Verification of a bundle: from its bytes and the verifier's policy to a report. No clock, no network, no server.

The same `shared.timber.chain` that let the records into the log judges them again, in the order of their indices; only
the gate of custody's own guides is not judged twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from shared.lot.bundle import Bundle, BundleUnreadable, read
from shared.lot.closure import lineage_of, of_lineage
from shared.lot.report import Report, Shown
from shared.refusal import Refusal
from shared.timber import chain, disclosure, norms
from shared.timber.doubt import doubts
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts, Finding, Inspection, Lot, Permit, past_of
from shared.timber.refusals import LogEnded
from shared.timber.rules.outcome import Outcome, resolved
from shared.timber.succession import Names
from shared.timber.verdict import Verdict, coverage_of, kinds_of, verdict
from shared.tlog import checkpoint as checkpoints
from shared.tlog.merkle import BadProof, multiroot
from shared.tlog.note import split_note
from shared.tlog.policy import Policy, QuorumNotMet, UnknownLog


@dataclass(eq=False)
class RecordRefused(Refusal):
    """One record of the bundle does not stand: its bytes, its signature or what it builds on."""

    slug: ClassVar[str] = "record-refused"
    es: ClassVar[str] = "La entrada {index} (registro {sid}) no se sostiene: {reason_es}"
    en: ClassVar[str] = "Entry {index} (record {sid}) does not stand: {reason_en}"
    index: int
    sid: str
    reason: str
    reason_es: str
    reason_en: str


@dataclass(eq=False)
class EntryRefused(RecordRefused):
    """The bytes of an entry are no record, so none can be named (`sid` is a dash)."""

    es: ClassVar[str] = "La entrada {index} no se sostiene: {reason_es}"
    en: ClassVar[str] = "Entry {index} does not stand: {reason_en}"


@dataclass(eq=False)
class AnchorMissing(Refusal):
    """A bundle holds entry 0, in which the registrar's key introduces itself; without it no key can be trusted."""

    slug: ClassVar[str] = "anchor-missing"
    es: ClassVar[str] = "Falta la entrada 0, la clave del registrador, en la que descansan todas las demás."
    en: ClassVar[str] = "Entry 0 is missing, the registrar's key, on which all others rest."


@dataclass(eq=False)
class NotTheLog(Refusal):
    """The entries, at these indices, do not lead to the root that the log signed."""

    slug: ClassVar[str] = "not-the-log"
    es: ClassVar[str] = "Las entradas no son las del registro {origin}: {reason_es}"
    en: ClassVar[str] = "The entries are not those of the log {origin}: {reason_en}"
    origin: str
    reason_es: str
    reason_en: str


@dataclass(eq=False)
class DisclosureRefused(Refusal):
    """A private field that the bundle shows is not one that its record commits to."""

    slug: ClassVar[str] = "disclosure-refused"
    es: ClassVar[str] = "Un campo privado junto a la entrada {index} (registro {sid}) no se sostiene: {reason_es}"
    en: ClassVar[str] = "A private field beside entry {index} (record {sid}) does not stand: {reason_en}"
    index: int
    sid: str
    reason: str
    reason_es: str
    reason_en: str


@dataclass(eq=False)
class LotMissing(Refusal):
    """The bundle speaks of a lot that none of its records composes."""

    slug: ClassVar[str] = "lot-missing"
    es: ClassVar[str] = "Ningún registro del archivo compone el lote {lot}."
    en: ClassVar[str] = "No record of the file composes lot {lot}."
    lot: str


def verify(data: bytes, policy: Policy) -> Report:
    """The report on a bundle. Nothing in the file makes it raise: what does not fit is in the report."""
    try:
        bundle = read(data)
    except BundleUnreadable as refusal:
        return Report("unreadable", refusal)
    except Refusal as refusal:
        return Report("invalid", refusal)
    try:
        return _examine(bundle, policy)
    except Refusal as refusal:
        return Report("invalid", refusal, records=len(bundle.entries))


def _examine(bundle: Bundle, policy: Policy) -> Report:
    untrusted: Refusal | None = None
    try:
        checked = policy.check(bundle.checkpoint)
        checkpoint = checked.checkpoint
    except (UnknownLog, QuorumNotMet) as refusal:  # say so, and still look whether the contents fit
        checked, untrusted = None, refusal
        checkpoint = checkpoints.parse(split_note(bundle.checkpoint)[0])
    if bundle.indices[0] != 0:
        raise AnchorMissing
    records = parsed(bundle)
    facts, outcomes = replay(records)
    _check_root(bundle, records, checkpoint)
    _check_names(records, checkpoint)
    lot = facts.find(Lot, f"lot:{bundle.lot}")
    if lot is None:
        raise LotMissing(bundle.lot)
    private = _shown(bundle, records)
    found = _verdict(records, outcomes, lot, facts)
    return Report(
        "valid" if checked is not None else "untrusted",
        untrusted,
        checkpoint,
        None if checked is None else checked.log.vkey,
        {} if checked is None else checked.witnesses,
        len(policy.witnesses),
        len(records),
        lot,
        next(record.actor for index, record in records if index == lot.index),
        found,
        private,
    )


def parsed(bundle: Bundle) -> list[tuple[int, Record]]:
    """The records of a bundle by index; RecordRefused for the first whose bytes are not one."""
    return [_parsed(index, entry) for index, entry in zip(bundle.indices, bundle.entries, strict=True)]


def _parsed(index: int, entry: bytes) -> tuple[int, Record]:
    try:
        return index, parse_entry(entry)
    except Refusal as refusal:
        raise EntryRefused(index, "-", refusal.slug, refusal.text("es"), refusal.text("en")) from refusal


def replay(records: Sequence[tuple[int, Record]]) -> tuple[Facts, dict[int, list[Outcome]]]:
    """Admit every record again, in order: signatures, keys valid at that index, parents, exits used once, rules. The facts
    that come of it, and by index what failed or could not be evaluated; RecordRefused for the first that does not stand."""
    facts, rules = Facts(), norms.load().quiet()
    outcomes: dict[int, list[Outcome]] = {}
    for index, record in records:
        try:
            outcomes[index] = chain.admit(record, index, facts, rules, None)
        except Refusal as refusal:
            raise _refused(index, record, refusal) from refusal
        facts.preload([past_of(record, index)])
    return facts, outcomes


def _check_names(records: Sequence[tuple[int, Record]], checkpoint: checkpoints.Checkpoint) -> None:
    """The seams of the file agree with one another and lead to the log that signed; RecordRefused for the seam that does
    not."""
    names = Names()
    for index, record in records:
        closed_at, said = names.closed_at, names.next
        if names.take(index, record) is not None and closed_at is not None:
            raise _refused(index, record, LogEnded(closed_at, said))
    if names.contradict(checkpoint.origin, checkpoint.size) and names.closed_at is not None:
        last = dict(records)[names.closed_at]
        raise _refused(names.closed_at, last, LogEnded(names.closed_at, names.next))


def _refused(index: int, record: Record, refusal: Refusal) -> RecordRefused:
    return RecordRefused(index, record.sid, refusal.slug, refusal.text("es"), refusal.text("en"))


def _check_root(bundle: Bundle, records: Sequence[tuple[int, Record]], checkpoint: checkpoints.Checkpoint) -> None:
    try:
        root = multiroot(bundle.indices, [record.leaf_hash for _, record in records], checkpoint.size, bundle.proof)
        if root != checkpoint.root:
            raise BadProof("multiproof", "root does not match")
    except BadProof as refusal:
        raise NotTheLog(checkpoint.origin, refusal.text("es"), refusal.text("en")) from refusal


def _shown(bundle: Bundle, records: Sequence[tuple[int, Record]]) -> tuple[Shown, ...]:
    """The private fields of the bundle, each found in its record's digests."""
    at, found = dict(records), list[Shown]()
    for index, group in groupby(bundle.disclosed, lambda pair: pair[0]):
        record = at[index]
        try:
            fields = [disclosure.read(text) for _, text in group]
            disclosure.check_fits(record, fields)
        except Refusal as refusal:
            raise DisclosureRefused(
                index, record.sid, refusal.slug, refusal.text("es"), refusal.text("en")
            ) from refusal
        found += [Shown(index, record.sid, record.type, record.actor, one.name, one.value) for one in fields]
    return tuple(found)


def _verdict(
    records: Sequence[tuple[int, Record]], outcomes: dict[int, list[Outcome]], lot: Lot, facts: Facts
) -> Verdict:
    """The verdict on the lot, from the records of its lineage; the others are there to carry these, but for the
    revocations that put in doubt who signed them."""
    by_index, rules = dict(records), norms.load()
    own = of_lineage(records, lot, facts)
    found = {index: outcomes[index] for index in own}
    for index, doubt in doubts(own, by_index, facts, rules).items():
        own[index], found[index] = by_index[index], [doubt]
    items = lineage_of(lot, facts).values()
    permits = [facts.find(Permit, f"permit:{number}") for number in sorted({i.permit for i in items if i.permit})]
    plans = sorted({item.plan for item in items if item.plan})
    inspections = [facts.find(Inspection, f"inspection:{plan}") for plan in plans]
    return verdict(
        [
            one
            for index, said in found.items()
            if said
            for one in _as_resolved(said, facts.find(Finding, f"finding:{index}"))
        ],
        kinds_of(own.values()),
        rules,
        max(record.time[:10] for record in own.values()),
        coverage_of([i for i in inspections if i is not None], [p for p in permits if p is not None]),
    )


def _as_resolved(found: list[Outcome], finding: Finding | None) -> list[Outcome]:
    """What was found on a record, with what supervisors have resolved of it."""
    if finding is None:
        return found
    return [resolved(outcome, finding.resolved.get(outcome.rule)) for outcome in found]
