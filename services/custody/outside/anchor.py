"""The last published checkpoint, in a file outside the database and outside every backup of it.

A restored database does not bring it back, so it tells that the database was set back. It is written before a
checkpoint is served, and never goes back.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from services.custody.keys import our_notes
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Verifier


class Unreadable(Exception):  # noqa: N818 - a state of the log, shown to operators
    """What was published last is kept, but cannot be read: nothing may be signed until it can be."""


class Anchor:
    """One file. Any number of processes may read and write it."""

    def __init__(self, path: Path, logs: Sequence[Verifier]) -> None:
        """``logs`` are the keys the log signs and signed with, of every kind."""
        self.path = path
        self._logs = logs
        self._durable = False  # whether the name of what stands there was made so, by this process

    def read(self) -> Checkpoint | None:
        """The checkpoint published last; None before the first. Unreadable when the file holds something else."""
        found = self.note()
        return None if found is None else self._opened(found)

    def note(self) -> bytes | None:
        """The signed note itself."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreadable(f"the anchor {self.path} cannot be read: {error.strerror}") from error

    def _opened(self, note: bytes) -> Checkpoint:
        try:
            return our_notes.opened(note, self._logs).checkpoint
        except Refusal as refusal:
            raise Unreadable(f"the anchor {self.path} is not a checkpoint of this log: {refusal}") from refusal

    def write(self, note: bytes, size: int) -> None:
        """Durable when it returns: temporary file, fsync, rename, fsync of the folder. Never goes back: where several
        processes sign, the largest stays. OSError when it cannot be written; may be repeated."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            stands = self.read()
            if stands is not None and stands.size >= size:
                if not self._durable:
                    os.fsync(folder)
                    self._durable = True
                return
            self._durable = False
            draft = self.path.with_suffix(".new")
            with draft.open("wb") as out:
                out.write(note)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self.path)
            os.fsync(folder)
            self._durable = True
        finally:
            os.close(folder)  # and with it the lock
