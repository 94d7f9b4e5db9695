"""Rows of private values: data keys, and the disclosures sealed under them. The keys are opened here and nowhere kept."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from services.custody.private.vault import DataKey, WrappingKeys, new_key
from services.custody.store import Transaction
from shared.timber.disclosure import Disclosure
from shared.timber.event import Record, parse_entry
from shared.tlog.encoding import from_base64url, to_base64url

# FOR SHARE: an erasure that deletes the key waits for this transaction, or this one finds it gone.
KEYS = """
SELECT key_id, owner, person, wrapped_by, wrapped FROM data_key
WHERE log_id = $1 AND owner = $2 AND person = ANY($3) FOR SHARE"""
# Held by whoever makes a key until it is committed; re-wrapping takes the stronger lock, so it sees every key.
MAKING = "LOCK TABLE data_key IN ROW EXCLUSIVE MODE"
REWRAPPING = "LOCK TABLE data_key IN SHARE ROW EXCLUSIVE MODE"
ADD_KEYS = """
INSERT INTO data_key (log_id, key_id, owner, person, wrapped_by, wrapped)
SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
ON CONFLICT (log_id, owner, person) DO NOTHING"""
OTHERWISE_WRAPPED = (
    "SELECT key_id, owner, person, wrapped_by, wrapped FROM data_key WHERE log_id = $1 AND wrapped_by <> $2"
)
REWRAP = """
UPDATE data_key SET wrapped_by = t.wrapped_by, wrapped = t.wrapped
FROM unnest($2::uuid[], $3::text[], $4::bytea[]) AS t (key_id, wrapped_by, wrapped)
WHERE log_id = $1 AND data_key.key_id = t.key_id"""
COUNT_KEYS = "SELECT count(*) FROM data_key WHERE log_id = $1"
DESTROY = "DELETE FROM data_key WHERE log_id = $1 AND owner = $2 AND person = $3 RETURNING key_id"
UNDER_KEY = "SELECT count(*) FROM disclosure WHERE log_id = $1 AND key_id = ANY($2)"

# The subquery: see `services.custody.store`.
ENTRIES = """
SELECT e.sid, e.body FROM unnest($2::bytea[]) AS asked (sid)
CROSS JOIN LATERAL (SELECT sid, body FROM entry WHERE log_id = $1 AND sid = asked.sid OFFSET 0) AS e"""
OF_RECORDS = """
SELECT d.sid, d.digest, d.ciphertext, k.key_id, k.owner, k.person, k.wrapped_by, k.wrapped
FROM disclosure d LEFT JOIN data_key k ON k.log_id = d.log_id AND k.key_id = d.key_id
WHERE d.log_id = $1 AND d.sid = ANY($2) ORDER BY d.sid, d.digest"""
ADD = """
INSERT INTO disclosure (log_id, sid, digest, key_id, ciphertext)
SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::uuid[], $5::bytea[]) ON CONFLICT DO NOTHING"""

TURN = 128  # disclosures opened before others have their turn: some milliseconds


@dataclass(slots=True, frozen=True)
class Kept:
    """What stands in the database for one digest of a record: the disclosure, or that it was erased."""

    digest: str
    text: str | None


@dataclass(slots=True, frozen=True)
class ToKeep:
    """A disclosure of a record, and the person it is about: the organisation itself when empty."""

    sid: str
    disclosure: Disclosure
    person: str


async def keys_of(tx: Transaction, wrapping: WrappingKeys, owner: str, persons: Iterable[str]) -> dict[str, DataKey]:
    """The data keys of an organisation and of these persons of its, made where there is none. They stand until the
    transaction ends."""
    asked = sorted({"", *persons})
    found = await _keys(tx, wrapping, owner, asked)
    missing = [person for person in asked if person not in found]
    if missing:
        await tx.execute(MAKING)
        fresh = [new_key(uuid4(), owner, person) for person in missing]
        wrapped = [wrapping.wrap(key) for key in fresh]  # after the lock: the newest wrapping key of that moment
        await tx.execute(
            ADD_KEYS, tx.log_id, [key.id for key in fresh], [owner] * len(fresh), missing,
            [name for name, _ in wrapped], [data for _, data in wrapped],
        )  # fmt: skip
        found = await _keys(tx, wrapping, owner, asked)
    return found


async def _keys(tx: Transaction, wrapping: WrappingKeys, owner: str, persons: Sequence[str]) -> dict[str, DataKey]:
    rows = await tx.fetch(KEYS, tx.log_id, owner, persons)
    return {row["person"]: wrapping.unwrap(*row) for row in rows}


async def keep(tx: Transaction, wrapping: WrappingKeys, origin: str, owner: str, fields: Sequence[ToKeep]) -> None:
    """Seals and keeps disclosures of records of one organisation. What is there already stays, also when it was erased."""
    if not fields:
        return
    keys = await keys_of(tx, wrapping, owner, {field.person for field in fields})
    rows = sorted(
        (
            bytes.fromhex(one.sid), from_base64url(one.disclosure.digest, "digest", 32), keys[one.person].id,
            keys[one.person].seal(origin, one.sid, one.disclosure.digest, one.disclosure.text),
        )
        for one in fields
    )  # fmt: skip
    await tx.execute(ADD, tx.log_id, *map(list, zip(*rows, strict=True)))


async def kept(tx: Transaction, wrapping: WrappingKeys, origin: str, sids: Iterable[str]) -> dict[str, list[Kept]]:
    """What is kept of these records, by record, in the order of the digests."""
    found: dict[str, list[Kept]] = {}
    keys: dict[UUID, DataKey] = {}  # of this answer alone
    rows = await tx.fetch(OF_RECORDS, tx.log_id, [bytes.fromhex(sid) for sid in sids])
    for at, (raw_sid, raw_digest, ciphertext, key_id, *wrapped) in enumerate(rows):
        if at % TURN == TURN - 1:
            await asyncio.sleep(0)
        sid, digest, text = raw_sid.hex(), to_base64url(raw_digest), None
        if key_id is not None:
            if key_id not in keys:
                keys[key_id] = wrapping.unwrap(key_id, *wrapped)
            text = keys[key_id].open(origin, sid, digest, ciphertext)
        found.setdefault(sid, []).append(Kept(digest, text))
    return found


async def records_of(tx: Transaction, sids: Iterable[str]) -> Mapping[str, Record]:
    """The records of these sids that stand in the log."""
    rows = await tx.fetch(ENTRIES, tx.log_id, [bytes.fromhex(sid) for sid in sids])
    return {sid.hex(): parse_entry(body) for sid, body in rows}


async def has_key(tx: Transaction, owner: str, person: str) -> bool:
    """Whether anything was ever kept under the subject's present key."""
    return bool(await tx.fetch(KEYS, tx.log_id, owner, [person]))


async def destroy(tx: Transaction, owner: str, person: str) -> int | None:
    """Deletes the data key of a subject for good; how many disclosures can be read no more, None when there was no key."""
    keys: list[UUID] = [row["key_id"] for row in await tx.fetch(DESTROY, tx.log_id, owner, person)]
    if not keys:
        return None
    [row] = await tx.fetch(UNDER_KEY, tx.log_id, keys)
    count: int = row[0]
    return count


async def rewrap(tx: Transaction, wrapping: WrappingKeys) -> tuple[int, int]:
    """Wraps every data key by the newest wrapping key: how many were wrapped otherwise, and how many there are. All or
    none, in this transaction. WrappingKeyMissing when the file lacks one of the old ones."""
    await tx.execute(REWRAPPING)
    rows = await tx.fetch(OTHERWISE_WRAPPED, tx.log_id, wrapping.newest)
    wrapped = [(row["key_id"], *wrapping.wrap(wrapping.unwrap(*row))) for row in rows]
    if wrapped:
        ids, names, data = map(list, zip(*wrapped, strict=True))
        await tx.execute(REWRAP, tx.log_id, ids, names, data)
    [total] = await tx.fetch(COUNT_KEYS, tx.log_id)
    return len(rows), total[0]
