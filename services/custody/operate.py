"""An operator's commands on the log: `python -m services.custody.operate fsck|recover|rebuild|hand-over`.

They need the settings of the service and no running process; a running one may stay. Exit codes: 0 sound or done, 1
damaged or refused, 2 cannot read.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from services.custody.keys import our_notes
from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.custody.main import (
    LOG_ID,
    CustodySettings,
    keys_of,
    log_url,
    open_store,
    open_witnesses,
    own_folders,
    own_policy,
    second_copies,
)
from services.custody.operating.fsck import Fsck, Sound, archive
from services.custody.operating.hand_over import HandOver
from services.custody.operating.rebuild import DoesNotFollow, rebuild
from services.custody.operating.recovery import NotThisLog, OtherHistory, Published, Recovery, TailMissing
from services.custody.operating.report import Report
from services.custody.outside.anchor import Unreadable
from services.custody.outside.archive import Pinned
from services.custody.outside.guard import Frozen, Guard, Mark, waits_for
from services.custody.outside.published import Published as Served
from services.custody.said import Unsaid
from services.custody.soundness.damage import Damage, damage
from services.custody.store import Store, Transaction
from services.custody.succession import Before, ClosedForAnother, NameBorne, OtherOrigin, stand_on
from services.custody.witnesses.asking import Pace
from shared.audit.refusals import CannotRead, CannotWrite, Damaged, Forked
from shared.audit.source import opened
from shared.refusal import Refusal
from shared.timber import norms
from shared.tlog.note import ED25519, Verifier
from shared.tlog.policy import Policy
from shared.web.runtime import command_settings

DONE, REFUSED, UNREADABLE = 0, 1, 2
SAYS_NO = (
    ClosedForAnother, Damage, Damaged, DoesNotFollow, Forked, NameBorne, NotThisLog, OtherHistory, OtherOrigin, TailMissing,
)  # fmt: skip


class Outside:
    """What shows of the log outside its database: asked before the database is."""

    def __init__(self, settings: CustodySettings, keys: LogKeys | None, past: Sequence[Before]) -> None:
        self.keys, self.past = keys, past
        self.logs: tuple[Verifier, ...] = () if keys is None else keys.verifiers
        self.known: tuple[Verifier, ...] = () if keys is None else (*keys.verifiers, *keys.past)
        self.published: list[Published] = []
        self.archive: Pinned | None = None
        self.witnesses: dict[bytes, Verifier] = {}
        self.unheard: list[str] = []  # witnesses that did not answer, while those that did are not the quorum
        self._anchor, self.copies = second_copies(settings, self.logs)

    async def look(self, settings: CustodySettings, store: Store, stack: AsyncExitStack) -> None:
        """Anchor, archive, witnesses. Damage when what is kept is not of this log; CannotRead."""
        if self.keys is None:
            return
        self._add("the anchor", await self._anchored(), "anchor")
        try:
            self.archive = await self.copies.pinned()
        except (CannotRead, CannotWrite):
            raise
        except Refusal:
            raise damage(f"{self.copies.folder}/checkpoint", "note") from None
        if self.archive is not None:
            self._add("the archive", self.copies.note(), f"{self.copies.folder}/checkpoint")
        policy = own_policy(settings, self.keys.in_use, log_url(settings))
        witnesses = await open_witnesses(settings, store, Served(), self.logs, policy, self._anchor, self.copies, stack)
        self.witnesses = witnesses.verifiers
        seen = await witnesses.highest()
        self.unheard = witnesses.unheard
        if seen is not None:
            self._add(f"the witness {seen.witness}", seen.note, f"the witness {seen.witness}")

    async def _anchored(self) -> bytes | None:
        try:
            await asyncio.to_thread(self._anchor.read)
            return self._anchor.note()
        except Unreadable as error:
            if isinstance(error.__cause__, Refusal):
                raise damage("anchor", "note") from error
            raise

    def _add(self, where: str, note: bytes | None, place: str) -> None:
        if note is None:
            return
        try:
            found = our_notes.opened(note, self.logs)
        except Refusal:
            raise damage(place, "note") from None
        if found.strange:
            raise damage(place, "strange")
        self.published.append(Published(where, found.checkpoint, note))

    @property
    def marks(self) -> list[Mark]:
        """As `fsck` asks for them."""
        return [Mark(one.where, one.checkpoint) for one in self.published]

    def old_keys(self, settings: CustodySettings) -> list[Verifier]:
        """Those of closed logs, as far as they are known."""
        return [] if settings.policy is None else keys_of(Policy.parse(settings.policy.read_bytes()), self.past)


@asynccontextmanager
async def log_at_hand(settings: CustodySettings) -> AsyncIterator[tuple[Store, Outside]]:
    """The database, and what shows of it elsewhere. Without the log's key only the rows can be held against each other."""
    file = settings.keys_dir / "log.key"
    keys = LogKeys.read(file, settings.origin) if file.exists() else None
    async with AsyncExitStack() as stack:
        store = await open_store(settings, stack, timeout_s=None)
        outside = Outside(settings, keys, await stand_on(store))
        await outside.look(settings, store, stack)
        yield store, outside


async def check(
    settings: CustodySettings, report: Report | None = None, *, deep: bool = False
) -> tuple[Sound, Outside]:
    """Everything hashed again; Damage with the first place that is not right."""
    progress = None if report is None else report.progress
    async with log_at_hand(settings) as (store, outside), store.pool.acquire() as connection:
        snapshot = connection.transaction(isolation="repeatable_read")
        await snapshot.start()
        try:
            tx = Transaction(connection, LOG_ID, store)
            origin = settings.origin if outside.logs else None
            fsck = Fsck(
                tx, origin, outside.known, outside.marks, outside.witnesses, progress, outside.past,
                outside.old_keys(settings),
            )  # fmt: skip
            sound = await fsck.rows()
            if outside.archive is not None:
                await archive(outside.archive, progress)
            if deep:
                await fsck.derived(sound.size, norms.load())
        finally:
            await snapshot.rollback()
    return sound, outside


async def fsck(settings: CustodySettings, options: argparse.Namespace, report: Report) -> int:
    """Hash everything again, and say the first damage."""
    try:
        sound, outside = await check(settings, report, deep=options.deep)
    except Damage as found:
        report.refused("damaged", found)
        return REFUSED
    size = None if outside.archive is None else outside.archive.checkpoint.size
    report.say(
        "sound", origin=settings.origin, size=sound.size, root=sound.root.hex(), checkpoints=sound.checkpoints,
        signed_size=sound.signed_size, archive_size=size, signatures=bool(outside.logs), deep=options.deep,
    )  # fmt: skip
    return DONE


async def recover(settings: CustodySettings, options: argparse.Namespace, report: Report) -> int:
    """Roll forward from a copy, up to what was published."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        async with log_at_hand(settings) as (store, outside):
            if outside.keys is None:
                raise RuntimeError(f"{settings.keys_dir} holds no log.key: nobody can tell what was published")
            if settings.only_witnessed and outside.unheard:
                # What is recorded behind too short a copy stands where something else was published.
                report.refused("refused", Frozen(waits_for(outside.unheard)))
                return REFUSED
            if not outside.published and options.source is None:
                report.say("nothing_lost", size=None)
                return DONE
            async with opened(options.source or str(outside.copies.folder)) as source:
                copied = _copied(source.name, await source.checkpoint(), outside.logs)
                host = HostKey.read(settings.keys_dir / "host.key")
                published = [*outside.published, copied]
                recovery = Recovery(
                    store, settings.origin, outside.known, published, source, copied, norms.load(), host
                )  # fmt: skip
                done = await recovery.run(now, options.reason)
    except Refusal as refusal:
        told = _told(report, refusal)
        report.say("frozen")
        return told
    if done is None:
        report.say("nothing_lost", size=copied.checkpoint.size)
        return DONE
    report.say("recovered", start=done.start, end=done.end - 1, where=copied.where, root=done.root.hex())
    if done.statement is None:
        report.say("unsaid", unsaid=done.unsaid)
    else:
        report.say("said", statement=done.statement)
    return DONE


def _copied(where: str, note: bytes, logs: Sequence[Verifier]) -> Published:
    """The checkpoint of a copy, under our right lines only: it may become the newest of the database."""
    try:
        ours = our_notes.under_right_lines(note, logs)
        return Published(where, our_notes.opened(ours, logs).checkpoint, ours)
    except Refusal:
        raise NotThisLog(where) from None


async def hand_over(settings: CustodySettings, options: argparse.Namespace, report: Report) -> int:
    """Close the log for ever, and open the one that follows it."""
    now, vkey = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), Verifier.parse(options.vkey)
    if vkey.name == settings.origin or vkey.kind != ED25519:
        raise RuntimeError(f"{options.vkey} is not the Ed25519 key of another log than {settings.origin}")
    async with AsyncExitStack() as stack:
        store = await open_store(settings, stack, timeout_s=None)
        await stand_on(store)
        keys, served = LogKeys.read(settings.keys_dir / "log.key", settings.origin), Served()
        anchor, archive = second_copies(settings, keys.verifiers)
        policy = own_policy(settings, keys.in_use, log_url(settings))
        witnesses = await open_witnesses(
            settings, store, served, keys.verifiers, policy, anchor, archive, stack, Pace(grown_s=0)
        )
        work = HandOver(
            store, settings.origin, keys, vkey, HostKey.read(settings.keys_dir / "host.key"), norms.load(),
            Guard(anchor, archive, keys, witnesses.look_back, only_witnessed=settings.only_witnessed), served,
            witnesses, own_folders(settings, vkey.name),
        )  # fmt: skip
        try:
            closed = await work.run(now)
        except (Frozen, Unsaid) as why:
            report.refused("refused", why)
            return REFUSED
    before = closed.before
    report.say(
        "closed", origin=before.origin, size=before.size, root=before.root.hex(), next=vkey.name,
        witnesses=len(closed.witnesses), asked=len(witnesses.policy.witnesses),
    )  # fmt: skip
    if closed.enough or options.unwitnessed:
        return DONE
    report.say("unwitnessed")
    return REFUSED


async def make_again(settings: CustodySettings, _: argparse.Namespace, report: Report) -> int:
    """Make the derived tables again from the entries; needs the owner's address of the database."""
    async with AsyncExitStack() as stack:
        store = await open_store(settings, stack, timeout_s=None)
        async with store.transaction() as tx:
            size = await rebuild(tx, norms.load())
    report.say("rebuilt", size=size)
    return DONE


def main(words: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(words)
    settings = command_settings("custody", CustodySettings)
    report = Report(options)
    work: Callable[[CustodySettings, argparse.Namespace, Report], Awaitable[int]] = options.work
    try:
        return asyncio.run(work(settings, options, report))  # type: ignore[arg-type]
    except Refusal as refusal:
        return _told(report, refusal)
    except (OSError, Unreadable, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError) as error:
        report.refused("unreadable", error)
        return UNREADABLE


def _told(report: Report, refusal: Refusal) -> int:
    """What the log says no to, apart from what could not be read."""
    no = isinstance(refusal, SAYS_NO)
    report.refused("refused" if no else "unreadable", refusal)
    return REFUSED if no else UNREADABLE


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m services.custody.operate", description="An operator's commands.")
    verbs = top.add_subparsers(metavar="VERB", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="for programs")
    common.add_argument("--lang", choices=("es", "en"), default="es")
    one = verbs.add_parser("fsck", parents=[common], help="hash everything again; the first damage")
    one.add_argument(
        "--deep", action="store_true", help="also replay the log and compare what is derived (owner's role)"
    )
    one.set_defaults(work=fsck)
    two = verbs.add_parser("recover", parents=[common], help="roll a set-back database forward from a copy")
    two.add_argument("--from", dest="source", metavar="URL|DIR", help="a copy of the log (the archive)")
    two.add_argument("--reason", default="Base de datos restaurada de un respaldo", help="for the record in the log")
    two.set_defaults(work=recover)
    four = verbs.add_parser("hand-over", parents=[common], help="close the log for ever, and open the one that follows")
    four.add_argument("vkey", metavar="VKEY", help="the public key of the log that follows; its name is the new origin")
    four.add_argument(
        "--unwitnessed", action="store_true", help="though the quorum of the policy did not cosign the end"
    )
    four.set_defaults(work=hand_over)
    three = verbs.add_parser("rebuild", parents=[common], help="make the derived tables again (owner's role)")
    three.set_defaults(work=make_again)
    return top


if __name__ == "__main__":
    sys.exit(main())
