"""Rolls a database that was set back forward again, to the last checkpoint that was published.

The lost entries come from a copy of the log: the archive, or a mirror that anybody kept. None is believed before its
hash leads to the signed root. They go through the statements that append, by the rules that let them in, at the indices
they had; what is derived is written again with them. All or nothing: one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.custody import rounds, succession
from services.custody.domain.admission import Round
from services.custody.keys.hosted import HostKey
from services.custody.operating.fsck import Fsck
from services.custody.operating.rebuild import does_not_follow
from services.custody.said import Unsaid, said
from services.custody.soundness.damage import in_spanish
from services.custody.store import Head, Store, Transaction
from services.custody.succession import OtherOrigin
from services.custody.tiles import tree_of
from shared.audit.stored import Stored
from shared.audit.tree import Bundle, Tree
from shared.refusal import Refusal
from shared.timber.event import parse_entry
from shared.timber.facts import Facts
from shared.timber.norms import Norms
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Verifier
from shared.tlog.tile import WIDTH


@dataclass(eq=False)
class TailMissing(Refusal):
    """The copy ends before the checkpoint that was published: these entries cannot be brought back from it."""

    slug: ClassVar[str] = "tail-missing"
    es: ClassVar[str] = (
        "Faltan las entradas {first} a {last}: {where} llega hasta {size}, y {published} se publicaron ({published_where})."
    )
    en: ClassVar[str] = (
        "Entries {first} to {last} are missing: {where} ends at {size}, and {published} were published ({published_where})."
    )
    first: int
    last: int
    where: str
    size: int
    published: int
    published_where: str

    def text(self, language: str) -> str:
        """The sentence for a person, in words of one language."""
        where = self.published_where if language == "en" else in_spanish(self.published_where)
        return (self.en if language == "en" else self.es).format(**self.facts() | {"published_where": where})


@dataclass(eq=False)
class OtherHistory(Refusal):
    """Its first entries are not those that were published."""

    slug: ClassVar[str] = "other-history"
    es: ClassVar[str] = "Las primeras {size} entradas de {where} no son las que se publicaron."
    en: ClassVar[str] = "The first {size} entries of {where} are not those that were published."
    where: str
    size: int

    def text(self, language: str) -> str:
        """The sentence for a person, in words of one language."""
        where = self.where if language == "en" else in_spanish(self.where)
        return (self.en if language == "en" else self.es).format(where=where, size=self.size)


@dataclass(eq=False)
class NotThisLog(Refusal):
    """None of the keys of this log signed the checkpoint of the copy."""

    slug: ClassVar[str] = "not-this-log"
    es: ClassVar[str] = (
        "{where} no es una copia de esta bitácora: ninguna de sus claves firmó la constancia que hay allí."
    )
    en: ClassVar[str] = "{where} is no copy of this log: none of its keys signed the checkpoint that is there."
    where: str


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that was published, the note of it, and where it shows."""

    where: str
    checkpoint: Checkpoint
    note: bytes


@dataclass(frozen=True, slots=True)
class Recovered:
    """Entries `start` to `end` came back; the statement that says so stands at `statement`, or why it does not."""

    start: int
    end: int
    root: bytes
    statement: int | None
    unsaid: str | None


@dataclass(slots=True)
class Recovery:
    """`logs` are the keys that `Fsck` is given. `published` are all checkpoints of this log that show anywhere; `copy` is
    the copy to read, whose own checkpoint is `copied`."""

    store: Store
    origin: str
    logs: Sequence[Verifier]
    published: Sequence[Published]
    copy: Stored
    copied: Published
    norms: Norms
    host: HostKey

    async def run(self, now: str, reason: str) -> Recovered | None:
        """Rolls forward and logs that it did; None when the database lacks nothing. Durable when it returns; after any
        failure nothing has changed.

        TailMissing, OtherHistory; Damage in the database as it is; Damaged, CannotRead of the copy; DoesNotFollow when
        the rules of this version do not let an entry in.
        """
        goal = max(self.published, key=lambda one: one.checkpoint.size)
        async with self.store.transaction() as tx:
            head = await tx.head(lock=True)
            stands, past = await tx.origin(), await succession.before(tx)
            # Set back behind a hand-over it stands under the origin before, of which only the public keys are here.
            own = stands == self.origin
            sound = await Fsck(tx, stands, self.logs, past=past).rows()
            tree = Tree(self.copy, self.copied.checkpoint)
            await self._same_history(tree, head, sound.root, goal)
            if head.size >= goal.checkpoint.size:
                return None
            at = head
            async for bundle in tree.bundles(head.size // WIDTH):
                at = await self._append(tx, at, bundle, goal.checkpoint.size)
                if at.size == goal.checkpoint.size:
                    break
            if tree_of(at).root() != goal.checkpoint.root:
                raise OtherHistory(self.copied.where, at.size)
            if not own:
                await self._follow(tx, stands)
            await tx.add_checkpoint(at.size, at.edge, goal.note)
            statement, unsaid = await self._say(tx, head, at, now, reason)
            return Recovered(head.size, at.size, goal.checkpoint.root, statement, unsaid)

    async def _same_history(self, tree: Tree, head: Head, root: bytes, goal: Published) -> None:
        """The copy reaches the goal, and database, copy and every checkpoint published are of one history."""
        reach = self.copied.checkpoint.size
        if reach < goal.checkpoint.size:
            first, last = max(head.size, reach), goal.checkpoint.size - 1
            raise TailMissing(first, last, self.copied.where, reach, goal.checkpoint.size, goal.where)
        for one in self.published:
            if await tree.root_at(one.checkpoint.size) != one.checkpoint.root:
                raise OtherHistory(self.copied.where, one.checkpoint.size)
        if head.size <= reach and await tree.root_at(head.size) != root:
            raise OtherHistory("the database", head.size)

    async def _follow(self, tx: Transaction, stands: str) -> None:
        """The entries that came back hand the log of `stands` over to this one, step by step, or it is another log."""
        for one in await succession.before(tx):
            if one.origin == stands:
                stands = (await succession.successor_of(tx, one)).partition("+")[0]
        if stands != self.origin:
            raise OtherOrigin(stands, self.origin)
        await tx.execute(succession.RENAME, tx.log_id, self.origin)

    async def _append(self, tx: Transaction, at: Head, bundle: Bundle, end: int) -> Head:
        entries = bundle.entries[at.size - bundle.first : end - bundle.first]
        round_, facts = Round(at.size), Facts(complete=False)
        try:
            await rounds.replay(tx, [parse_entry(entry) for entry in entries], round_, facts, self.norms)
        except Refusal as refusal:
            raise does_not_follow(round_.size, refusal) from refusal
        return await rounds.save(tx, at, round_, facts)

    async def _say(
        self, tx: Transaction, start: Head, end: Head, now: str, reason: str
    ) -> tuple[int | None, str | None]:
        """Logs the recovery, under the host key; why not, where the log does not know that key."""
        record = self.host.recovery(start.size, end.size, tree_of(end).root(), reason, now)
        try:
            await said(tx, end, record, self.norms, now)
        except Unsaid as why:
            return None, str(why)
        return end.size, None
