"""A running witness and a log that nobody of ours wrote."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.witness.main import WitnessSettings, build
from shared.tlog.note import COSIGNATURE, Signer
from shared.tlog.witness import origin_id
from tests.witness.foreign import ForeignLog

NAME = "watcher.example/w1"


@dataclass
class Watcher:
    """A witness as a log sees it."""

    app: FastAPI
    http: httpx.AsyncClient
    signer: Signer
    folder: Path
    lifespan: AsyncExitStack

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    async def send(self, body: bytes) -> httpx.Response:
        return await self.http.post("/add-checkpoint", content=body)

    async def newest(self, log: ForeignLog) -> httpx.Response:
        return await self.http.get(f"/{origin_id(log.name)}/checkpoint")

    async def evidence(self, log: ForeignLog) -> list[dict[str, object]]:
        answer = await self.http.get(f"/{origin_id(log.name)}/evidence")
        found: list[dict[str, object]] = answer.json()["evidence"]
        return found

    async def stop(self) -> None:
        await self.lifespan.aclose()


def settle(folder: Path, signer: Signer, *vkeys: str) -> WitnessSettings:
    """Key and list of logs in a folder, as a witness finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "witness.key").write_text(signer.skey)
    (folder / "logs.txt").write_text("".join(f"log {vkey}\n" for vkey in vkeys) + "quorum none\n")
    return WitnessSettings(env="test", keys_dir=folder, data_dir=folder / "state", policy=folder / "logs.txt")


@pytest.fixture
def log() -> ForeignLog:
    """The log that the witness watches."""
    return ForeignLog()


@pytest.fixture
async def open_watcher(log: ForeignLog, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """`await open_watcher()`: a witness of `log`; given one that was stopped, on the same folder and with the same key."""
    async with AsyncExitStack() as stack:

        async def make(again: Watcher | None = None, *vkeys: str) -> Watcher:
            signer = again.signer if again else Signer.generate(NAME, COSIGNATURE)
            app = build(settle(tmp_path / "witness", signer, *(vkeys or (log.vkey,))))
            lifespan = await stack.enter_async_context(AsyncExitStack())
            await lifespan.enter_async_context(app.router.lifespan_context(app))
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://witness.test")
            await stack.enter_async_context(http)
            return Watcher(app, http, signer, tmp_path / "witness" / "state", lifespan)

        yield make


@pytest.fixture
async def watcher(open_watcher: Callable[..., Any]) -> Watcher:
    """A witness that has cosigned nothing yet."""
    made: Watcher = await open_watcher()
    return made
