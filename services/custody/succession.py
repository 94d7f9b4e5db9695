"""A log that ended and goes on under another origin (docs/format.md, section 7.3): what came before the log of today.

Nothing beside the entries tells it: each `log.continued` names the log before, and stands right behind its last entry.
"""

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from services.custody import derived, tiles
from services.custody.store import Head, SignedHead, Store, Transaction
from services.custody.witnesses.cosignatures import checkpoint_at
from shared.refusal import Refusal
from shared.timber.event import parse_entry
from shared.tlog.checkpoint import Checkpoint

RENAME = "UPDATE tlog SET origin = $2 WHERE log_id = $1"


@dataclass(eq=False)
class OtherOrigin(Refusal):
    """The database holds another log than the one that was meant."""

    slug: ClassVar[str] = "other-origin"
    es: ClassVar[str] = "La base de datos tiene la bitácora {stands}, no {asked}."
    en: ClassVar[str] = "The database holds the log {stands}, not {asked}."
    stands: str
    asked: str


@dataclass(eq=False)
class ClosedForAnother(Refusal):
    """The log was closed, and its last entry names another key as its successor's: that stands for ever."""

    slug: ClassVar[str] = "closed-for-another"
    es: ClassVar[str] = "La bitácora {origin} se cerró en favor de la clave {named}, no de {asked}."
    en: ClassVar[str] = "The log {origin} was closed in favour of the key {named}, not of {asked}."
    origin: str
    named: str
    asked: str


@dataclass(eq=False)
class NameBorne(Refusal):
    """A name that this log, or one that it continues, had already: under it nothing could be told apart."""

    slug: ClassVar[str] = "name-borne"
    es: ClassVar[str] = "{origin} ya fue el nombre de esta bitácora; la que sigue necesita otro."
    en: ClassVar[str] = "{origin} was a name of this log before; the one that follows needs another."
    origin: str


@dataclass(frozen=True, slots=True)
class Before:
    """A closed log: all its entries are the first of today's. `note_sha256` is of its last checkpoint as it signed it."""

    origin: str
    size: int
    root: bytes
    note_sha256: bytes

    @property
    def checkpoint(self) -> Checkpoint:
        """The last one it signed."""
        return Checkpoint(self.origin, self.size, self.root)

    def signed(self, note: bytes) -> bool:
        """Whether this note is that checkpoint."""
        return hashlib.sha256(note).digest() == self.note_sha256


async def before(tx: Transaction) -> tuple[Before, ...]:
    """Every log that this one continues, the oldest first."""
    found = []
    for index, body in await tx.bodies(await derived.continuations(tx)):
        said = parse_entry(body).body
        if said["size"] == index:  # the door saw to it; a derived row may be wrong
            sha256 = bytes.fromhex(said["checkpoint_sha256"])
            found.append(Before(said["before"], index, bytes.fromhex(said["root"]), sha256))
    return tuple(found)


async def successor_of(tx: Transaction, closed: Before) -> str:
    """The key that a closed log named as its successor's."""
    [(_, body)] = await tx.bodies([closed.size - 1])
    vkey: str = parse_entry(body).body["vkey"]
    return vkey


async def last_checkpoint(tx: Transaction, closed: Before) -> SignedHead | None:
    """The last checkpoint of a closed log as it signed it; None where the database was made again without it."""
    found = await checkpoint_at(tx, closed.size)
    return found if found is not None and closed.signed(found.note) else None


async def stand_on(store: Store) -> tuple[Before, ...]:
    """Let the store know where the log of today begins: checkpoints up to there are not its own. Every log before it."""
    async with store.snapshot() as tx:
        found = await before(tx)
        if found:
            signed = await last_checkpoint(tx, found[-1])
            store.begins = found[-1].size
            if signed is not None and tiles.tree_of(Head(signed.size, signed.edge)).root() == found[-1].root:
                store.base = Head(signed.size, signed.edge)
    return found
