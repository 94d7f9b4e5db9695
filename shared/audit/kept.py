"""What a reader keeps of a log: the last checkpoint verified of each origin, and the evidence of a fork.

As the Go command does: every later checkpoint has to continue the one that was kept. Files are whole or absent:
temporary file, fsync, rename, fsync of the folder.
"""

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.audit.refusals import CannotRead, CannotWrite, Damaged, Forked, ForkKept, NotOfPolicy, NotServed
from shared.audit.source import Source
from shared.audit.tree import Tree
from shared.refusal import Malformed, Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.note import split_note
from shared.tlog.policy import Checked, Policy, QuorumNotMet

RootAt = Callable[[int], Awaitable[bytes | None]]


def accepted(policy: Policy, note: bytes) -> Checked:
    """The checkpoint of a note that the policy accepts. UnknownLog, BadSignature, QuorumNotMet, or Damaged when the
    bytes are no checkpoint."""
    try:
        return policy.check(note)
    except Malformed as refusal:
        raise Damaged(
            "checkpoint", None, refusal.slug, refusal.text("es").rstrip("."), refusal.text("en").rstrip(".")
        ) from None


async def newest(source: Source, policy: Policy) -> tuple[bytes, Checkpoint]:
    """The newest note of a log that the policy accepts, with its checkpoint. Refuses as `accepted` does; CannotRead.

    Of a log that signs many times a second the newest checkpoint lacks its cosignatures for a moment: then the newest
    that has them is asked for.
    """
    note = await source.checkpoint()
    try:
        return note, accepted(policy, note).checkpoint
    except QuorumNotMet as refusal:
        try:
            note = await source.witnessed()
        except NotServed:
            raise refusal from None
        return note, accepted(policy, note).checkpoint


class Kept:
    """The notes in a folder, with the evidence beside them or in a folder of its own."""

    def __init__(self, folder: Path, evidence: Path | None = None) -> None:
        self.folder = folder
        self.evidence = evidence or folder / "evidence"

    def last(self, origin: str) -> bytes | None:
        """The note kept for an origin."""
        path = self._path(origin)
        try:
            return path.read_bytes() if path.exists() else None
        except OSError as error:
            raise CannotRead(str(path), error.strerror or "") from error

    def keep(self, origin: str, note: bytes) -> None:
        """From here on this is the last one. Durable when it returns."""
        write_whole(self._path(origin), note)

    def first(self, origin: str) -> int | None:
        """The size of the smallest checkpoint of an origin that was ever noted here."""
        try:
            return parse_checkpoint(split_note(self._first(origin).read_bytes())[0]).size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CannotRead(str(self._first(origin)), error.strerror or "") from error

    def note_first(self, origin: str, note: bytes) -> None:
        """Keep the note, whose signature was checked, if it is smaller than the one noted: an origin that had signed so
        few entries cannot have begun later."""
        known = self.first(origin)
        if known is None or parse_checkpoint(split_note(note)[0]).size < known:
            write_whole(self._first(origin), note)

    def keep_evidence(self, *notes: tuple[Checkpoint, bytes]) -> list[Path]:
        """Write notes down as evidence; a note that is there already stays as it is."""
        paths = []
        for checkpoint, note in notes:
            digest = hashlib.sha256(note).hexdigest()[:12]
            path = self.evidence / f"{checkpoint.size}-{digest}.checkpoint"
            if not path.exists():
                write_whole(path, note)
            paths.append(path)
        return paths

    def forked_before(self) -> bool:
        """Whether evidence of a fork lies in the folder."""
        return self.evidence.is_dir() and any(self.evidence.glob("*.checkpoint"))

    def refuse_after_fork(self) -> None:
        """ForkKept when evidence of a fork lies in the folder."""
        if self.forked_before():
            raise ForkKept(str(self.evidence))

    def forked(self, first: tuple[Checkpoint, bytes], second: tuple[Checkpoint, bytes]) -> Forked:
        """Keep both notes as evidence; the refusal that shows them."""
        self.keep_evidence(first, second)
        texts = [note.decode("utf-8", "replace") for _, note in (first, second)]
        return Forked(first[0].origin, first[0].size, second[0].size, *texts)

    def _path(self, origin: str) -> Path:
        return self.folder / f"{hashlib.sha256(origin.encode()).hexdigest()}.checkpoint"

    def _first(self, origin: str) -> Path:
        return self._path(origin).with_suffix(".first")


async def continue_history(
    kept: Kept, policy: Policy, note: bytes, tree: Tree, own_root_at: RootAt | None = None
) -> bool:
    """Hold the checkpoint of `tree` against the last one kept, and keep it. Forked when neither continues the other.

    False when it is an older one, which is nothing new; whether it is of the same tree is then asked of `own_root_at`,
    which knows roots of the history kept, or None where it does not reach.
    """
    new = tree.checkpoint
    last = _opened(kept, policy, new.origin)
    if last is None:
        kept.keep(new.origin, note)
        return True
    old, old_note = last
    if new.size < old.size:
        own = None if own_root_at is None else await own_root_at(new.size)
        if own is not None and own != new.root:
            raise kept.forked((old, old_note), (new, note))
        return False
    if (new.root if new.size == old.size else await tree.root_at(old.size)) != old.root:
        raise kept.forked((old, old_note), (new, note))
    if new.size > old.size:
        kept.keep(new.origin, note)
    return True


def _opened(kept: Kept, policy: Policy, origin: str) -> tuple[Checkpoint, bytes] | None:
    note = kept.last(origin)
    return None if note is None else (known(policy, note, str(kept.folder)), note)


def known(policy: Policy, note: bytes, where: str) -> Checkpoint:
    """The checkpoint of a note that was accepted before, whoever cosigned it. NotOfPolicy."""
    try:
        return Policy(logs=policy.logs, witnesses=policy.witnesses).check(note).checkpoint
    except Refusal as refusal:
        raise NotOfPolicy(where, refusal.text("es"), refusal.text("en")) from refusal


def evidence_in(folder: str) -> list[bytes]:
    """The notes that were kept as evidence in a folder."""
    return [path.read_bytes() for path in sorted(Path(folder).glob("*.checkpoint"))]


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place, durable when it returns; whoever reads sees the old one or the new one. CannotWrite."""
    draft = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise CannotWrite(str(path), error.strerror or type(error).__name__) from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
