"""Receivers of webhooks: small HTTP servers that keep what they were sent and answer as they are told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = bytes | None


def status(code: int, *headers: str) -> bytes:
    """A whole answer without a body."""
    lines = [f"HTTP/1.1 {code} told so", "content-length: 0", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


OK = status(204)


@dataclass
class Event:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with `answers` in turn, the last one for ever; `None` is silence. Never two at once, or it says so."""

    answers: list[Answer] = field(default_factory=lambda: [OK])
    pause_s: float = 0.0
    events: list[Event] = field(default_factory=list)
    port: int = 0
    busy: int = 0
    most_busy: int = 0
    on_event: Callable[[Event], None] = lambda _: None
    lines: "set[asyncio.Task[None]]" = field(default_factory=set)

    @property
    def ids(self) -> list[str]:
        return [event.headers["webhook-id"] for event in self.events]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self.lines.add(line)
        line.add_done_callback(self.lines.discard)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await self._answer(Event(first.split(" ")[1], headers, body), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, event: Event, writer: asyncio.StreamWriter) -> None:
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            self.events.append(event)
            self.on_event(event)
            await asyncio.sleep(self.pause_s)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                await asyncio.sleep(60)
                return
            writer.write(answer)
            await writer.drain()
        finally:
            self.busy -= 1


@asynccontextmanager
async def listening(receiver: Receiver, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """The receiver on a port of this machine."""
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for line in tuple(receiver.lines):
            line.cancel()
        await asyncio.gather(*receiver.lines, return_exceptions=True)
        await server.wait_closed()
