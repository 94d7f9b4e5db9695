"""From bytes to checked records: parsed, hashed and their signatures verified before any lock is taken."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from services.custody.store import Store
from shared.refusal import Refusal
from shared.timber import refusals
from shared.timber.event import Record, check_signature, parse_entry
from shared.timber.facts import Facts, Key
from shared.tlog.encoding import from_base64url

INLINE = 4
Checked = Record | Refusal


class KeyRing:
    """Public keys by their id, remembered: a key id is the hash of its key, so it never changes. Whether the key may
    speak is not asked here but under the lock, where additions and revocations are in order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[str, bytes] = {}

    async def learn(self, kids: Iterable[str]) -> None:
        """Looks up the keys not known yet; those that stay unknown are simply absent."""
        missing = {kid for kid in kids if kid not in self._keys}
        if not missing:
            return
        facts = Facts()
        async with self._store.snapshot() as tx:
            await tx.load_facts([f"key:{kid}" for kid in missing], facts)
        for kid in missing:
            key = facts.find(Key, f"key:{kid}")
            if key is not None:
                self._keys[kid] = from_base64url(key.public_key, "public_key", 32)

    def key(self, kid: str, announced: dict[str, bytes]) -> bytes | None:
        return self._keys.get(kid) or announced.get(kid)


async def check(entries: Sequence[bytes], ring: KeyRing) -> list[Checked]:
    """Each entry as a record whose signatures are good, or why it is none."""
    parsed = await _apart(len(entries), partial(_parse, entries))
    records = [one for one in parsed if isinstance(one, Record)]
    await ring.learn({kid for record in records for kid, _ in record.signatures})
    announced = {
        record.body["kid"]: from_base64url(record.body["public_key"], "public_key", 32)
        for record in records
        if record.type == "key.added"
    }
    return await _apart(len(entries), partial(_verify, parsed, ring, announced))


async def _apart(count: int, work: Callable[[], list[Checked]]) -> list[Checked]:
    """A large batch leaves the event loop free; a thread hop costs more than a few records do."""
    return work() if count <= INLINE else await asyncio.to_thread(work)


def _parse(entries: Sequence[bytes]) -> list[Checked]:
    parsed: list[Checked] = []
    for entry in entries:
        try:
            parsed.append(parse_entry(entry))
        except Refusal as refusal:
            parsed.append(refusal)
    return parsed


def _verify(parsed: Sequence[Checked], ring: KeyRing, announced: dict[str, bytes]) -> list[Checked]:
    return [_verified(one, ring, announced) if isinstance(one, Record) else one for one in parsed]


def _verified(record: Record, ring: KeyRing, announced: dict[str, bytes]) -> Checked:
    try:
        for kid, _ in record.signatures:
            public_key = ring.key(kid, announced)
            if public_key is None:
                return refusals.UnknownKey(kid)
            check_signature(record, kid, public_key)
    except Refusal as refusal:
        return refusal
    return record
