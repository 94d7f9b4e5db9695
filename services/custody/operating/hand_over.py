"""Closes the log and opens the one that follows it (docs/format.md, section 7.3): `./timber hand-over`.

One transaction appends the last record of the old log, signs its last checkpoint and appends the first record of the new
one, under the head row lock: after it the database stands under the new origin, and no process signs or appends under the
old one. What comes behind it (archive, anchor, witnesses) may be repeated until it is done.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services.custody import succession, tiles
from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.custody.outside.guard import Frozen, Guard, Marks, reread
from services.custody.outside.published import Published
from services.custody.said import said
from services.custody.soundness import scrub
from services.custody.store import Head, SignedHead, Store, Transaction
from services.custody.succession import Before, ClosedForAnother, NameBorne, OtherOrigin
from services.custody.witnesses import cosignatures
from services.custody.witnesses.asking import Witnesses
from shared.timber.norms import Norms
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Verifier

PUSHES, PAUSE_S = 5, 1.0


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of the old log: its last checkpoint, and the witnesses whose cosignature stands under it."""

    before: Before
    signed: SignedHead
    witnesses: list[str]
    enough: bool


@dataclass(slots=True)
class HandOver:
    """From the log of `origin` to that of `vkey`. `guard` holds the database against what was published before anything
    is signed; `folders` are where the anchor and the archive of the new log will lie."""

    store: Store
    origin: str
    keys: LogKeys
    vkey: Verifier
    host: HostKey
    norms: Norms
    guard: Guard
    published: Published
    witnesses: Witnesses
    folders: tuple[Path, Path]

    async def run(self, now: str) -> Closed:
        """Closed and opened; durable when it returns. May be repeated, also after a crash.

        Frozen when the database is not what was published; Unsaid when the log does not know the host key; OtherOrigin
        when the database holds neither log, ClosedForAnother when it was handed over to another key, NameBorne when the
        name was its own before; CannotRead or CannotWrite, behind which it is to be repeated.
        """
        await self.guard.look_back()
        marks = await self.guard.marks()
        async with self.store.transaction() as tx:
            head = await tx.head(lock=True)
            stands = await tx.origin()  # under the lock: of two that hand over at once the second finds it done
            if stands == self.origin:
                await self._turn(tx, head, marks, now)
            elif stands != self.vkey.name:
                raise OtherOrigin(stands, self.origin)
        async with self.store.snapshot() as tx:
            closed = next((one for one in await succession.before(tx) if one.origin == self.origin), None)
            if closed is None:
                raise OtherOrigin(stands, self.origin)
            if (named := await succession.successor_of(tx, closed)) != self.vkey.vkey:
                raise ClosedForAnother(self.origin, named, self.vkey.vkey)
            signed = await succession.last_checkpoint(tx, closed)
        assert signed is not None, "it was written with the record that names it"
        await self._publish(signed)
        return await self._witnessed(closed, signed)

    async def _turn(self, tx: Transaction, head: Head, marks: Marks, now: str) -> None:
        """The last record, the last checkpoint, the first record: of a log that may be signed."""
        if self.published.contradicted is not None:
            raise Frozen(self.published.contradicted)
        last = await tx.last_checkpoint()
        await self.guard.hold(tx, head, last, marks)
        if any(one.origin == self.vkey.name for one in await succession.before(tx)):
            raise NameBorne(self.vkey.name)
        if found := (await scrub.state(tx)).damage:
            raise Frozen(found)
        if await reread(tx, last, head.size) != head:
            raise Frozen(f"the stored entries up to {head.size} do not hash to the head")
        closing = self.host.closing(self.vkey.name, self.vkey.vkey, now)
        end = await said(tx, head, closing, self.norms, now)
        checkpoint = Checkpoint(self.origin, end.size, tiles.tree_of(end).root())
        note = self.keys.signed(checkpoint)
        await tx.add_checkpoint(end.size, end.edge, note)
        await said(tx, end, self.host.continuing(checkpoint, note, closing), self.norms, now)
        await tx.execute(succession.RENAME, tx.log_id, self.vkey.name)

    async def _publish(self, signed: SignedHead) -> None:
        """Into the old log's archive and anchor; then the folders of the new log, whose archive begins with the old one's
        full tiles, which are its own."""
        await self.guard.archive.keep(self.store, signed)
        await asyncio.to_thread(self.guard.anchor.write, signed.note, signed.size)
        anchor, archive = self.folders
        await asyncio.to_thread(link_full_tiles, self.guard.archive.folder, archive)
        anchor.mkdir(parents=True, exist_ok=True)  # last: from here on the new log has its own

    async def _witnessed(self, closed: Before, signed: SignedHead) -> Closed:
        """Pushed until the old log's policy is content, or not."""
        await self.published.announce(signed)
        for tried in range(PUSHES):
            await self.witnesses.push()
            async with self.store.snapshot() as tx:
                lines = await cosignatures.standing(tx, signed, self.witnesses.verifiers)
            policy = self.witnesses.policy
            names = [w.name for w in policy.witnesses if cosignatures.key_of(w.verifier) in lines]
            enough = policy.meets(set(names))
            if len(names) == len(policy.witnesses) or (enough and policy.asks) or tried + 1 == PUSHES:
                return Closed(closed, signed, names, enough)
            await asyncio.sleep(PAUSE_S)
        raise AssertionError("unreachable")


def link_full_tiles(old: Path, new: Path) -> int:
    """Every full tile and bundle of a copy under the same name in another folder, without taking room where the disk can
    link; how many are new. Each is verified again when the new log is archived."""
    made = 0
    for file in sorted((old / "tile").rglob("*")):
        name = file.relative_to(old)
        if not file.is_file() or any(part.endswith(".p") for part in name.parts) or file.name.startswith("."):
            continue
        to = new / name
        to.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError, OSError):  # where it cannot be linked, the archive copies it from the database
            os.link(file, to)
            made += 1
    new.mkdir(parents=True, exist_ok=True)
    return made
