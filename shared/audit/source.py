"""Where the files of a log lie: below an HTTP address or in a folder, in the layout of C2SP tlog-tiles.

A source answers bytes and verifies none; `shared.audit.tree` does. It asks for files only under the one path that the
specification gives them, and reads no more of an answer than the longest file of its kind can be.
"""

import asyncio
import os
import random
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx

from shared.audit.refusals import CannotRead, NotServed
from shared.audit.stored import Stored, longest
from shared.tlog import note
from shared.tlog.tile import Tile

CHECKPOINT, WITNESSED = "checkpoint", "witnessed"
TRIES = 6
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=16)
Pause = Callable[[float], Awaitable[object]]


class Source(Stored, Protocol):
    """A log to be read from outside."""

    name: str

    async def checkpoint(self) -> bytes:
        """The newest signed note that is served, not verified. NotServed, or CannotRead."""
        ...

    async def witnessed(self) -> bytes:
        """The newest one that enough witnesses cosigned for the log's own policy. Not every server has it."""
        ...


class HttpSource:
    """A log below an address such as `https://host/log/`.

    Silence, 408, 429 and 5xx are asked again, with growing pauses that honour Retry-After; 404 and 410 mean that there
    is no such file.
    """

    def __init__(self, url: str, http: httpx.AsyncClient, pause: Pause = asyncio.sleep) -> None:
        self.name = url.rstrip("/") + "/"
        self._http = http
        self._pause = pause

    async def checkpoint(self) -> bytes:
        return await self._read(CHECKPOINT, note.MAX_BYTES)

    async def witnessed(self) -> bytes:
        return await self._read(WITNESSED, note.MAX_BYTES)

    async def tile(self, tile: Tile) -> bytes:
        return await self._read(tile.path, longest(tile))

    async def _read(self, path: str, at_most: int) -> bytes:
        url = self.name + path
        for tried in range(TRIES):
            try:
                answer, body = await self._get(url, at_most)
            except (httpx.TransportError, httpx.DecodingError, httpx.TooManyRedirects) as error:
                why, wait_s = _why(error), None
            except httpx.InvalidURL as error:
                raise CannotRead(url, "not an address") from error
            else:
                if answer.status_code == 200:
                    return body
                why = f"HTTP {answer.status_code}"
                if answer.status_code in (404, 410):
                    raise NotServed(url, why)
                if answer.status_code not in (408, 429) and answer.status_code < 500:
                    break
                wait_s = answer.headers.get("retry-after")
            if tried + 1 < TRIES:
                await self._pause(pause_s(tried, wait_s))
        raise CannotRead(url, why)

    async def _get(self, url: str, at_most: int) -> tuple[httpx.Response, bytes]:
        """The answer and its body, of which no more is read than one byte beyond `at_most`. What was compressed unasked is
        not unfolded."""
        parts, length = [], 0
        async with self._http.stream("GET", url) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise CannotRead(url, "compressed, which was not asked for")
            async for part in answer.aiter_bytes():
                parts.append(part)
                length += len(part)
                if length > at_most:
                    break
        return answer, b"".join(parts)[: at_most + 1]


class FolderSource:
    """A log in a folder: a mirror, an archive, a memory stick."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    async def checkpoint(self) -> bytes:
        return await self._read(CHECKPOINT, note.MAX_BYTES)

    async def witnessed(self) -> bytes:
        return await self._read(WITNESSED, note.MAX_BYTES)

    async def tile(self, tile: Tile) -> bytes:
        return await self._read(tile.path, longest(tile))

    async def _read(self, path: str, at_most: int) -> bytes:
        return await asyncio.to_thread(file_bytes, self._folder / path, at_most)


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[Source]:
    """The source that an address or a folder names. CannotRead when there is no such folder."""
    if where.startswith(("http://", "https://")):
        headers = {"accept-encoding": "identity", "user-agent": "trozalog-audit"}
        async with httpx.AsyncClient(
            timeout=TIMEOUT, limits=LIMITS, follow_redirects=True, headers=headers
        ) as http:  # fmt: skip
            yield HttpSource(where, http)
        return
    folder = Path(where)
    if not await asyncio.to_thread(folder.is_dir):
        raise CannotRead(where, "neither an http address nor a folder")
    yield FolderSource(folder)


def _why(error: httpx.RequestError) -> str:
    """Why there was no whole answer, in words that `shared.audit.refusals` has in both languages."""
    if isinstance(error, httpx.ConnectError) and "SSL" in str(error):
        return "its certificate is not accepted, or it speaks no TLS"
    if isinstance(error, httpx.ConnectError):
        return "nobody answers at that address"
    if isinstance(error, httpx.TimeoutException):
        return "no answer came in time"
    if isinstance(error, httpx.TooManyRedirects):
        return "it leads from one address to the next without end"
    if isinstance(error, httpx.UnsupportedProtocol):
        return "not an address"
    return "the answer broke off or cannot be read"


def pause_s(tried: int, retry_after: str | None) -> float:
    """How long to wait before the next try: doubling, with chance in it, and not less than the server asks for."""
    own = FIRST_PAUSE_S * 2.0**tried * random.uniform(0.5, 1.0)  # noqa: S311  (spreads callers, hides nothing)
    asked = float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else 0.0
    return min(max(own, asked), LONGEST_PAUSE_S)


def file_bytes(path: Path, at_most: int) -> bytes:
    """The bytes of an ordinary file, one beyond `at_most` at most. NotServed, or CannotRead."""
    try:
        # Not blocking: a pipe or a device put in the place of a file must not hold the reader up.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:  # noqa: PTH123  (of a descriptor)
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise CannotRead(str(path), "not an ordinary file")
            return file.read(at_most + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotServed(str(path), error.strerror or "") from None
    except OSError as error:
        raise CannotRead(str(path), error.strerror or type(error).__name__) from error
