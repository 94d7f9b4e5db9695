"""The checkpoint this process serves, and whether the log is frozen: set by the signer, asked by everybody else."""

import asyncio

from services.custody.store import SignedHead


class Published:
    """One per process and log."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self.head: SignedHead | None = None
        self.frozen: str | None = None

    @property
    def size(self) -> int:
        return -1 if self.head is None else self.head.size

    async def announce(self, signed: SignedHead) -> None:
        """From here on it is served. Not before: the anchor must already hold it."""
        if signed.size > self.size:
            async with self._changed:
                self.head = signed
                self._changed.notify_all()

    async def reaches(self, size: int, timeout_s: float = 5.0) -> SignedHead | None:
        """A checkpoint of at least `size` entries, as soon as there is one; None when the time is over."""
        if self.size >= size:
            return self.head
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.size >= size)
        except TimeoutError:
            return None
        return self.head
