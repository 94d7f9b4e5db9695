"""Private fields: taken in from phones, shown to whom they may be shown, and who was shown them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from services.custody.api.custody import Custody, CustodyDep
from services.custody.domain.reach import Reader
from services.custody.private import disclosures as disclosure_store
from services.custody.private import grants
from services.custody.private.disclosures import Kept, ToKeep
from services.custody.private.hidden import check_persons
from services.custody.private.showing import Shown, show
from shared.refusal import Missing, Refusal
from shared.timber import disclosure
from shared.timber.disclosure import MAX_CHARACTERS, SaidTwice
from shared.timber.event import SD_SIZES, Record
from shared.timber.norms.private import load_private
from shared.web.access import NATIONAL, Grant, GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.problems import describe

router = Router(tags=["private fields"])

SID = r"[0-9a-f]{64}"
Sid = Annotated[str, Path(pattern=f"^{SID}$")]
Purpose = Annotated[
    str | None, Query(min_length=3, max_length=200, description="What for: officers must say; the owner reads it")
]


@dataclass(eq=False)
class Erased(Refusal):
    """A field of the record was erased by its owner, and is not taken in again."""

    slug: ClassVar[str] = "disclosure-erased"
    es: ClassVar[str] = "Un campo privado del registro {sid} fue borrado por su organización; no se vuelve a guardar."
    en: ClassVar[str] = "A private field of record {sid} was erased by its organisation; it is not kept again."
    sid: str


class DisclosuresOf(BaseModel):
    """The private fields of one record, as the device that signed it made them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sid: str = Field(pattern=f"^{SID}$")
    disclosures: list[Annotated[str, Field(max_length=MAX_CHARACTERS)]] = Field(min_length=1, max_length=SD_SIZES[-1])
    persons: dict[str, str] = Field(
        default={}, max_length=SD_SIZES[-1], description="For fields about a person: the pseudonym to erase them under"
    )


class DisclosuresIn(BaseModel):
    """Private fields of 1 to 500 records that stand in the log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    records: list[DisclosuresOf] = Field(min_length=1, max_length=500)


class KeptResult(BaseModel):
    """What became of the fields of one record: all of them `kept`, now or before, or none."""

    sid: str
    status: Literal["kept", "refused"]
    problem: dict[str, Any] | None


class KeptResults(BaseModel):
    """One result for each record, in the order sent."""

    results: list[KeptResult]


class FieldOut(BaseModel):
    """One private field. `disclosure` can be handed on and checked against the record by anyone."""

    name: str
    title_es: str
    title_en: str
    value: str | int | bool
    digest: str
    disclosure: str
    ground: Literal["own", "grant", "office"]
    grant: UUID | None


class DisclosuresOut(BaseModel):
    """The private fields of a record that the caller may see. `erased`: how many more there were, told to the owner."""

    sid: str
    type: str
    actor: str
    fields: list[FieldOut]
    erased: int | None


class ReadOut(BaseModel):
    """That somebody read private fields of a record of the caller's organisation."""

    n: int
    at: datetime
    sid: str
    names: list[str]
    reader: str
    reader_org: str
    ground: Literal["own", "grant", "office"]
    grant: UUID | None
    purpose: str | None
    way: Literal["record", "bundle"]


class ReadsOut(BaseModel):
    """Readings in the order they happened; `next` is the cursor of what follows."""

    reads: list[ReadOut]
    next: int | None


def reader_of(grant: Grant) -> Reader:
    """The caller as the grounds of reading see it."""
    caller = grant.known
    return Reader(caller.sub, caller.org, caller.roles, caller.region, caller.region == NATIONAL)


@router.post("/v1/disclosures")
async def add_disclosures(body: DisclosuresIn, custody: CustodyDep, grant: GrantDep) -> KeptResults:
    """Keeps private fields of records that devices of the caller's organisation signed, encrypted. They may come long
    after their records, in parts and repeatedly. Each must be one that its record commits to."""
    async with custody.store.transaction() as tx:
        sids = {one.sid for one in body.records}
        records = await disclosure_store.records_of(tx, sids)
        kept = await disclosure_store.kept(tx, custody.wrapping, custody.first_origin, sids)
        results, fields = list[KeptResult](), list[ToKeep]()
        for one in body.records:
            try:
                fields += _checked(one, records, kept.get(one.sid, []), fields, grant)
                results.append(KeptResult(sid=one.sid, status="kept", problem=None))
            except Refusal as refusal:
                results.append(KeptResult(sid=one.sid, status="refused", problem=describe(refusal)))
        await disclosure_store.keep(tx, custody.wrapping, custody.first_origin, grant.known.org, fields)
    return KeptResults(results=results)


def _checked(
    one: DisclosuresOf, records: Mapping[str, Record], kept: Sequence[Kept], earlier: Sequence[ToKeep], grant: Grant
) -> list[ToKeep]:
    """What is new among the disclosures of one record; refused when one of them is not the record's, or holds what its
    field may not."""
    record = records.get(one.sid)
    if record is None:
        raise Missing("record", one.sid)
    if record.actor != grant.known.org:
        raise OtherOrganisation("add_disclosures")
    read = {field.digest: field for field in map(disclosure.read, one.disclosures)}
    check_persons(one.persons, {field.name: field for field in read.values()})
    stand = {each.digest: each.text for each in kept}
    stand |= {each.disclosure.digest: each.disclosure.text for each in earlier if each.sid == one.sid}
    if any(digest in stand and stand[digest] is None for digest in read):
        raise Erased(one.sid)
    new = [field for digest, field in read.items() if digest not in stand]
    disclosure.check_fits(record, read.values())
    said = {disclosure.read(text).name for text in stand.values() if text is not None}
    for field in new:
        load_private().check(record.type, record.time[:10], field.name, field.value)
        if field.name in said:
            raise SaidTwice(record.sid, field.name)
    return [ToKeep(one.sid, field, one.persons.get(field.name, "")) for field in new]


@router.get("/v1/records/{sid}/disclosures")
async def read_disclosures(sid: Sid, custody: CustodyDep, grant: GrantDep, purpose: Purpose = None) -> DisclosuresOut:
    """The private fields of a record that the caller may see: of its own organisation, by a grant, or by office. Each
    reading is written down, and its owner can list them."""
    async with custody.store.transaction() as tx:
        record = (await disclosure_store.records_of(tx, [sid])).get(sid)
        if record is None:
            raise Missing("record", sid)
        [shown] = await show(tx, custody.wrapping, custody.first_origin, reader_of(grant), [record], "record", purpose)
    return _told(shown)


def _told(shown: Shown) -> DisclosuresOut:
    table = load_private()
    fields = []
    for one in shown.fields:
        spanish, english = table.title_of(one.field.name) or (one.field.name, one.field.name)
        fields.append(
            FieldOut(
                name=one.field.name, title_es=spanish, title_en=english, value=one.field.value, digest=one.field.digest,
                disclosure=one.field.text, ground=one.reach.ground, grant=one.reach.grant,
            )
        )  # fmt: skip
    record = shown.record
    return DisclosuresOut(sid=record.sid, type=record.type, actor=record.actor, fields=fields, erased=shown.erased)


@router.get("/v1/disclosure-reads")
async def list_disclosure_reads(
    custody: CustodyDep, grant: GrantDep, sid: Annotated[str | None, Query(pattern=f"^{SID}$")] = None,
    cursor: Annotated[int, Query(ge=0, le=2**62)] = 0, limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ReadsOut:  # fmt: skip
    """Who read private fields of the caller's organisation: which, when, on what ground and what for. Never the values."""
    org = grant.known.org
    async with custody.store.transaction() as tx:
        await grants.act_for(tx, org)
        rows = await grants.reads_of(tx, org, bytes.fromhex(sid) if sid else None, cursor, limit + 1)
    reads = [
        ReadOut(
            n=row.n, at=row.at, sid=row.sid.hex(), names=row.names, reader=row.reader, reader_org=row.reader_org,
            ground=row.ground, grant=row.grant_id, purpose=row.purpose, way=row.way,
        )
        for row in rows[:limit]
    ]  # fmt: skip
    return ReadsOut(reads=reads, next=reads[-1].n if len(rows) > limit else None)


async def shown_in_bundle(
    custody: Custody, grant: Grant, records: Sequence[tuple[int, Record]], names: frozenset[str] | None,
    purpose: str | None,
) -> list[tuple[int, str]]:  # fmt: skip
    """The disclosures that a bundle of these records may carry for the caller, each with its record's index. As for a
    single record: 401 without a token, NoGround, PurposeNeeded, and every reading is written down."""
    reader = reader_of(grant)
    at = {record.sid: index for index, record in records if disclosure.committed(record)}
    some = [record for _, record in records if record.sid in at]
    if not some:  # as anybody sees in the log
        return []
    async with custody.store.transaction() as tx:
        shown = await show(tx, custody.wrapping, custody.first_origin, reader, some, "bundle", purpose, names)
    return [(at[one.record.sid], showing.field.text) for one in shown for showing in one.fields]
