"""From bytes to checked records: parsed, hashed and their signatures verified before any lock is taken."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import TypeVar

from services.custody.store import Store
from shared.refusal import Refusal
from shared.timber import refusals
from shared.timber.event import Record, check_signature, parse_entry, record_of, sid_of
from shared.timber.facts import Facts, Key
from shared.timber.upload import HEADER_START, Header, Together, read_header
from shared.tlog.encoding import from_base64url

SLICE = 32
Checked = Record | Refusal
T = TypeVar("T")


class KeyRing:
    """Public keys by their id, remembered: a key id is the hash of its key, so it never changes. Whether the key may
    speak is not asked here but under the lock, where additions and revocations are in order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.keys: dict[str, bytes] = {}
        self._one_at_a_time = asyncio.Lock()

    async def learn(self, kids: Iterable[str]) -> None:
        """Looks up the keys not known yet; those that stay unknown are simply absent."""
        asked = set(kids)
        if asked <= self.keys.keys():
            return
        async with self._one_at_a_time:  # a burst of one phone asks once
            await self._look_up(asked - self.keys.keys())

    async def _look_up(self, missing: set[str]) -> None:
        if not missing:
            return
        facts = Facts()
        async with self._store.snapshot() as tx:
            await tx.load_facts([f"key:{kid}" for kid in missing], facts)
        for kid in missing:
            key = facts.find(Key, f"key:{kid}")
            if key is not None:
                self.keys[kid] = from_base64url(key.public_key, "public_key", 32)


async def check(lines: Sequence[bytes], ring: KeyRing) -> list[Checked]:
    """Each entry as a record whose signatures are good, or why it is none. The lines are entries, or statements under
    one signature that the first line holds: then each becomes an entry here. ``Malformed`` when that line is not right."""
    checked: list[Checked] = []
    if lines[0].startswith(HEADER_START):
        header, statements = read_header(lines), lines[1:]
        together = Together([sid_of(one) for one in statements])
        async for places in _slices(range(len(statements))):
            checked += _enter(places, statements, together, header)
    else:
        async for piece in _slices(lines):
            checked += _parse(piece, ring.keys)
    open_ = [one for one in checked if isinstance(one, Record) and len(one.checked) < len(one.signatures)]
    if not open_:
        return checked
    await ring.learn({kid for record in open_ for kid in _unchecked(record)})
    announced = {
        one.body["kid"]: from_base64url(one.body["public_key"], "public_key", 32)
        for one in checked
        if isinstance(one, Record) and one.type == "key.added"
    }
    verified: list[Checked] = []
    async for part in _slices(checked):
        verified += _verify_rest(part, announced | ring.keys)
    return verified


async def _slices(whole: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """A large batch in pieces of a few milliseconds, between which others have their turn. Threads would take turns
    at every signature and cost a fifth more; a second core is used by a second process."""
    for at in range(0, len(whole), SLICE):
        if at:
            await asyncio.sleep(0)
        yield whole[at : at + SLICE]


def _enter(places: Sequence[int], statements: Sequence[bytes], together: Together, header: Header) -> list[Checked]:
    """The entries that these statements of an upload signed once become. Their one signature is verified with the rest."""
    checked: list[Checked] = []
    signature, message = header.raw, together.message
    for at in places:
        statement = statements[at]
        head = together.entry_head(at, header.kid, header.signature)
        try:
            checked.append(record_of(statement, together.sids[at], head, header.kid, signature, message))
        except Refusal as refusal:
            checked.append(refusal)
    return checked


def _parse(entries: Sequence[bytes], keys: Mapping[str, bytes]) -> list[Checked]:
    """Parses and, where the key is at hand, verifies."""
    checked: list[Checked] = []
    for entry in entries:
        try:
            record = parse_entry(entry)
            for kid, _ in record.signatures:
                if kid in keys:
                    check_signature(record, kid, keys[kid])
            checked.append(record)
        except Refusal as refusal:
            checked.append(refusal)
    return checked


def _verify_rest(checked: Sequence[Checked], keys: Mapping[str, bytes]) -> list[Checked]:
    return [_verified(one, keys) if isinstance(one, Record) else one for one in checked]


def _verified(record: Record, keys: Mapping[str, bytes]) -> Checked:
    try:
        for kid in _unchecked(record):
            if kid not in keys:
                return refusals.UnknownKey(kid)
            check_signature(record, kid, keys[kid])
    except Refusal as refusal:
        return refusal
    return record


def _unchecked(record: Record) -> list[str]:
    return [kid for kid, _ in record.signatures if kid not in record.checked]
