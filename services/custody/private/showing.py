"""What a reader is shown of private fields: the grounds are weighed, the values opened, the reading written down."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from services.custody.domain.reach import Given, Reach, Reader, first_keys, next_keys, reaches
from services.custody.lineage.gathering import facts_of_lots
from services.custody.private import disclosures
from services.custody.private import grants as grant_store
from services.custody.private.grants import NewRead
from services.custody.private.vault import WrappingKeys
from services.custody.store import Transaction
from shared.refusal import Malformed, NotAllowed
from shared.timber import disclosure
from shared.timber.disclosure import Disclosure
from shared.timber.event import Record
from shared.timber.facts import Facts
from shared.timber.norms.private import load_private


@dataclass(eq=False)
class NoGround(NotAllowed):
    """The record is public, its private fields are not the reader's to see. Says nothing of whether there are any."""

    slug: ClassVar[str] = "no-ground-to-read"
    es: ClassVar[str] = (
        "Los campos privados los leen su organización, a quien ella lo permita y las autoridades de su región; usted no "
        "figura entre ellos."
    )
    en: ClassVar[str] = (
        "Private fields are read by their organisation, by whom it allows and by the authorities of its region; you are "
        "none of these."
    )
    action: str = "read_disclosures"
    reason: str = "ground"


@dataclass(eq=False)
class PurposeNeeded(Malformed):
    """Whoever reads by office says what for; the owner reads it too."""

    slug: ClassVar[str] = "purpose-needed"
    es: ClassVar[str] = "Quien lee campos privados por su función debe decir para qué (purpose)."
    en: ClassVar[str] = "Whoever reads private fields by office has to say what for (purpose)."
    where: str = "purpose"
    reason: str = "missing"


@dataclass(slots=True, frozen=True)
class Showing:
    """A private field that may be shown, and on what ground."""

    field: Disclosure
    reach: Reach


@dataclass(slots=True, frozen=True)
class Shown:
    """What is shown of one record; `erased`: how many more there were, told to its owner only."""

    record: Record
    fields: list[Showing]
    erased: int | None


async def show(
    tx: Transaction, wrapping: WrappingKeys, origin: str, reader: Reader, records: Sequence[Record], way: str,
    purpose: str | None = None, names: frozenset[str] | None = None,
) -> list[Shown]:  # fmt: skip
    """The private fields of these records that the reader may see, of those `names`; what is shown is written down, so the
    answer must not leave before the commit. Records without any ground are left out; NoGround when that is all of them,
    PurposeNeeded when an officer says none."""
    await grant_store.act_for(tx, reader.org)
    grounds = await _grounds(tx, reader, records)
    if not grounds:
        raise NoGround
    kept = await disclosures.kept(tx, wrapping, origin, [record.sid for record, _ in grounds])
    shown = [_opened(record, reach, kept.get(record.sid, []), names) for record, reach in grounds]
    reads = [read for one in shown for read in _reads(one)]
    if purpose is None and any(read.ground == "office" for read in reads):
        raise PurposeNeeded
    await grant_store.add_reads(tx, reader.sub, reader.org, purpose, way, reads)
    return shown


async def _grounds(tx: Transaction, reader: Reader, records: Sequence[Record]) -> list[tuple[Record, list[Reach]]]:
    grants = await grant_store.in_force(tx, reader.org, {record.actor for record in records})
    facts = await _facts_about(tx, records, grants)
    table = load_private()
    found = [(record, reaches(record, facts, reader, grants, table)) for record in records]
    return [(record, reach) for record, reach in found if reach]


async def _facts_about(tx: Transaction, records: Sequence[Record], grants: Iterable[Given]) -> Facts:
    """The facts that say what the records are about, and the lineage of the lots that grants name."""
    facts = await facts_of_lots(tx, {lot for given in grants for lot in given.scope.lots})
    keys = {key for record in records for key in first_keys(record)}
    while keys:
        await tx.load_facts(keys, facts)
        keys = next_keys(records, facts)
    return facts


def _opened(
    record: Record, grounds: Sequence[Reach], kept: Iterable[disclosures.Kept], names: frozenset[str] | None
) -> Shown:
    fields, erased = list[Showing](), 0
    for one in kept:
        if one.text is None:
            erased += 1
            continue
        field = disclosure.read(one.text)
        ground = next((reach for reach in grounds if reach.opens(field.name)), None)
        if ground is not None and (names is None or field.name in names):
            fields.append(Showing(field, ground))
    fields.sort(key=lambda showing: showing.field.name)
    return Shown(record, fields, erased if grounds[0].ground == "own" else None)


def _reads(shown: Shown) -> list[NewRead]:
    """A line of the audit for each ground on which something was shown."""

    def ground(showing: Showing) -> tuple[str, str]:
        return showing.reach.ground, str(showing.reach.grant or "")

    return [
        NewRead(
            shown.record.actor, shown.record.sid, tuple(one.field.name for one in group), key[0], group[0].reach.grant
        )
        for key, group in ((key, list(group)) for key, group in groupby(sorted(shown.fields, key=ground), ground))
    ]
