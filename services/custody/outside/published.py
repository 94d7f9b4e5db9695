"""The checkpoints this process serves, and whether the log is frozen: set by signer and witnesses, asked by everybody
else."""

import asyncio
from dataclasses import dataclass

from services.custody.store import SignedHead


@dataclass(frozen=True, slots=True)
class Standing:
    """What may leave at one moment: the newest checkpoint that met the policy, and the newest of all. Whoever takes it before
    a snapshot finds every entry of both in it."""

    witnessed: SignedHead | None
    newest: SignedHead | None

    def covering(self, size: int) -> SignedHead | None:
        """What an answer about `size` entries stands under: the witnessed one where that covers them, else the newest; None
        while there is none that does."""
        for one in (self.witnessed, self.newest):
            if one is not None and one.size >= size:
                return one
        return None


class Published:
    """One per process and log. Where `only_witnessed` is set, no checkpoint leaves before the quorum of the log's own
    policy has cosigned it."""

    def __init__(self, *, only_witnessed: bool = False) -> None:
        self._changed = asyncio.Condition()
        self._only_witnessed = only_witnessed
        self._lines: tuple[int, bytes] = (-1, b"")
        self.head: SignedHead | None = None  # the newest, as we signed it
        self.witnessed: SignedHead | None = None  # the newest that met the policy, with the cosignatures
        self.frozen: str | None = None
        self.held_up: str | None = None  # why the newest checkpoint, already stored, is not served yet
        self.contradicted: str | None = None  # a witness showed another history under our own signature

    @property
    def size(self) -> int:
        return -1 if self.head is None else self.head.size

    @property
    def newest(self) -> SignedHead | None:
        """The newest checkpoint that may leave, with the cosignatures at hand."""
        if self._only_witnessed or self.head is None:
            return self.witnessed
        if self._lines[0] != self.head.size:
            return self.head
        return SignedHead(self.head.size, self.head.edge, self.head.note + self._lines[1])

    @property
    def standing(self) -> Standing:
        """Both as they are now."""
        return Standing(self.witnessed, self.newest)

    def covering(self, size: int) -> SignedHead | None:
        """As `Standing.covering`, now."""
        return self.standing.covering(size)

    async def announce(self, signed: SignedHead) -> None:
        """From here on it is served. Not before: the anchor must already hold it."""
        if signed.size > self.size:
            async with self._changed:
                self.head = signed
                self._changed.notify_all()

    async def cosigned(self, size: int, lines: bytes, witnessed: SignedHead | None) -> None:
        """What witnesses have said: `lines` under the checkpoint of `size`, and the newest that met the policy."""
        async with self._changed:
            self._lines = (size, lines)
            if witnessed is not None and (self.witnessed is None or witnessed.size >= self.witnessed.size):
                self.witnessed = witnessed
            self._changed.notify_all()

    async def reaches(self, size: int, timeout_s: float) -> SignedHead | None:
        """A checkpoint of at least `size` entries, as soon as there is one; None when the time is over."""
        if found := self.covering(size):
            return found
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.covering(size) is not None)
        except TimeoutError:
            return None
        return self.covering(size)
