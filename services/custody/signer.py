"""Signs checkpoints: after the commit, from rows read back, and never behind what was once published.

Every checkpoint extends the last signed one: the entries since then are read back from the database, hashed again, and
must lead from the old edge to the head's edge; and nothing is signed before the guard has held the database against all
that was published. Served is only what the archive and the anchor already hold.
"""

import asyncio
from contextlib import suppress

import structlog

from services.custody import tiles
from services.custody.keys.log_keys import LogKeys
from services.custody.outside.anchor import Unreadable
from services.custody.outside.guard import Frozen, Guard, reread
from services.custody.outside.published import Published
from services.custody.soundness import scrub
from services.custody.store import Head, SignedHead, Store
from shared.audit.refusals import CannotRead, CannotWrite, Forked
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint

logger = structlog.get_logger(__name__)

INTERVAL_S = 0.2
FOLLOW_S = 0.05


class Signer:
    """Signs at most every 200 ms, as soon as something new is committed. Any number of processes may run one: while one
    signs the others serve what it signed, and whoever finds that nobody did for so long signs next."""

    def __init__(self, store: Store, origin: str, keys: LogKeys, guard: Guard, published: Published) -> None:
        self._store = store
        self._origin = origin
        self._keys = keys
        self._guard = guard
        self._published = published
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        self._catching = asyncio.Lock()

    def wake(self) -> None:
        """Something was committed."""
        self._wake.set()

    async def catch_up(self) -> None:
        """Serve what another process signed and published since: a reader who saw its checkpoint there may ask for the
        tiles here, and must not be shown an older one. Published is what the archive holds, so that is asked first:
        the newest stored checkpoint may not have come so far."""
        async with self._catching:
            with suppress(Unreadable, Refusal):  # `look` will say so
                kept = await asyncio.to_thread(self._guard.archive.newest)
                if kept is None or kept.size <= self._published.size:
                    return
                async with self._store.snapshot() as tx:
                    last = await tx.last_checkpoint(kept.size + 1)
                if last is not None and self._guard.fault_of(last) is None:
                    await self._follow(last)

    async def _follow(self, last: SignedHead) -> None:
        """Serve what the archive holds. While the anchor cannot be written: what it already holds, for nobody has shown
        more than that."""
        try:
            await self._anchor_and_serve(last)
        except OSError:
            floor = await asyncio.to_thread(self._guard.anchor.read)
            if floor is not None and floor.size >= last.size:
                await self._published.announce(last)

    async def check(self) -> None:
        """Whether the log was set back: to be known before anything is appended."""
        try:
            await self._held()
        except Frozen as why:
            await self._freeze(why)

    async def run(self) -> None:
        """Until cancelled. Database trouble is retried. While the log is frozen nothing is appended either, so it stays
        as it is until an operator acts."""
        while True:
            self._wake.clear()
            pause = INTERVAL_S
            try:
                if await self._another_signs():
                    await self.catch_up()
                    pause = FOLLOW_S
                else:
                    await self.look()
            except Exception as error:
                logger.warning("signing_failed", error=repr(error))
            self._looked.set()
            await asyncio.sleep(pause)
            try:
                async with asyncio.timeout(INTERVAL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _another_signs(self) -> bool:
        """Whether a checkpoint was stored a moment ago: not by this process, which has slept longer. Signing hashes again
        and archives all that is new, which once is enough."""
        if self._published.frozen is not None or self._published.held_up is not None:
            return False
        async with self._store.snapshot() as tx:
            age_s = await tx.last_checkpoint_age_s()
        return age_s is not None and 0 <= age_s < INTERVAL_S  # less than 0: its clock was set back

    async def looked(self, timeout_s: float) -> None:
        """After the first round, or after this long: a first copy of a large log into the archive takes minutes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._looked.wait()

    async def look(self) -> None:
        """One round of signing; a log that must not be signed is marked as frozen, with the reason, and what was signed
        before is served on."""
        try:
            await self.sign_once()
            self._published.frozen = self._published.held_up = None
        except Frozen as why:
            await self._freeze(why)
        except tiles.LogIncomplete as why:
            await self._freeze(Frozen(f"the stored nodes of the tree are damaged: {why.where}"))
        except (CannotRead, CannotWrite) as why:
            if self._published.held_up is None:
                logger.error("publishing_held_up", reason=str(why))
            self._published.held_up = str(why)

    async def _freeze(self, why: Frozen) -> None:
        if self._published.frozen is None:
            logger.error("signing_frozen", reason=str(why))
        self._published.frozen = str(why)
        if self._published.head is not None:
            return  # what was signed before is being served already
        async with self._store.snapshot() as tx:
            last = await tx.last_checkpoint()
            while last is not None and self._guard.fault_of(last) is not None:
                last = await tx.last_checkpoint(last.size)
        if last is not None:
            await self._published.announce(last)

    async def sign_once(self) -> None:
        """One round: nothing to do, or a new checkpoint stored, archived, anchored and served; or Frozen. CannotWrite
        when there is no room for the archive or the anchor: the checkpoint is stored, and not served yet."""
        head, last = await self._held()
        if last is None or head.size > last.size:
            root = tiles.tree_of(head).root()
            note = self._keys.signed(Checkpoint(self._origin, head.size, root))
            async with self._store.transaction() as tx:
                # The server may have gone down since the head was read, and lost what was not on disk yet.
                if (await tx.head()).size < head.size:
                    raise RuntimeError("what was to be signed is gone; looking again")
                if await tiles.root_at(tx, head.size) != root:
                    if await reread(tx, last, head.size) == head:
                        raise Frozen(f"the stored nodes of the tree do not lead to the root of the {head.size} entries")
                    raise RuntimeError("what was to be signed is gone; looking again")
                stored = await tx.add_checkpoint(head.size, head.edge, note)
            if stored is None:
                return  # another process has signed more in the meantime, which the next round finds
            last = stored
        if last.size > self._published.size:
            await self._publish(last)

    async def _held(self) -> tuple[Head, SignedHead | None]:
        """The head and the last checkpoint, held against all that was published and read back; or Frozen."""
        if self._published.contradicted is not None:
            raise Frozen(self._published.contradicted)
        marks = await self._guard.marks()
        async with self._store.snapshot() as tx:
            head, last, origin = await tx.head(), await tx.last_checkpoint(), await tx.origin()
            if origin != self._origin:  # in one snapshot with the head: what came after the end is never signed here
                raise Frozen(f"closed: it goes on as {origin}")
            await self._guard.hold(tx, head, last, marks)
            if found := (await scrub.state(tx)).damage:
                raise Frozen(found)
            if (last is None or head.size > last.size) and await reread(tx, last, head.size) != head:
                raise Frozen(f"the stored entries up to {head.size} do not hash to the head")
        return head, last

    async def _publish(self, signed: SignedHead) -> None:
        """Into the archive, then into the anchor, then to whoever asks."""
        archive = self._guard.archive
        try:
            await archive.keep(self._store, signed)
        except (CannotRead, CannotWrite):
            raise
        except Forked as fork:
            sizes = f"{fork.first_size} and {fork.second_size}"
            raise Frozen(f"two histories were signed; the notes of {sizes} entries are in {archive.folder}") from fork
        except Refusal as refusal:
            raise Frozen(f"the archive cannot follow: {refusal}") from refusal
        try:
            await self._anchor_and_serve(signed)
        except Unreadable as why:
            raise Frozen(str(why)) from why
        except OSError as error:
            raise CannotWrite(str(self._guard.anchor.path), error.strerror or type(error).__name__) from error

    async def _anchor_and_serve(self, signed: SignedHead) -> None:
        await asyncio.to_thread(self._guard.anchor.write, signed.note, signed.size)
        await self._published.announce(signed)
