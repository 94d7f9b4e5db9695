"""Settings, pool, application: `python -m services.custody.main serve|migrate`."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self

import asyncpg
from fastapi import FastAPI
from pydantic import model_validator

from services.custody.access import ACCESS
from services.custody.api import routers
from services.custody.api.custody import Custody
from services.custody.committer import Committer
from services.custody.hosted import HostKey
from services.custody.intake import KeyRing
from services.custody.published import Published
from services.custody.signer import Anchor, Signer
from services.custody.store import Store
from shared.timber import norms
from shared.tlog.note import Signer as NoteSigner
from shared.web.app import make_app
from shared.web.auth import TokenVerifier
from shared.web.db import asyncpg_dsn, is_outage
from shared.web.runtime import remote_verifier, run
from shared.web.settings import ServiceSettings

LOG_ID = 1
# 500 records of at most 16 KiB with their signatures, and the newlines between them.
LARGEST_UPLOAD_BYTES = 500 * 17 * 1024


class CustodySettings(ServiceSettings):
    """What custody needs beyond the common settings."""

    origin: str = "trozalog.localhost/madre-de-dios/2026"

    @model_validator(mode="after")
    def _production_names_its_log(self) -> Self:
        """An origin names one log for ever; the laptop's is everybody's."""
        if self.env == "production" and "localhost" in self.origin:
            raise ValueError("ENV=production needs an origin of its own (TROZALOG_ORIGIN)")
        return self


def log_signer(settings: CustodySettings) -> NoteSigner:
    """The log's key; RuntimeError when it signs under another name than the origin."""
    signer = NoteSigner.parse((settings.keys_dir / "log.key").read_text().strip())
    if signer.name != settings.origin:
        raise RuntimeError(f"log.key signs as {signer.name!r}, the origin is {settings.origin!r}")
    return signer


def build(settings: CustodySettings, verifier: TokenVerifier | None = None) -> FastAPI:
    """The application. Everything it holds opens in its lifespan and closes with it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.guard.verifier = verifier or await stack.enter_async_context(remote_verifier(settings))
            custody, signer = await _open(settings, stack)
            app.state.custody = custody
            await signer.look()  # before anything is appended: a log that was set back is known as such
            tasks = [asyncio.create_task(custody.committer.run()), asyncio.create_task(signer.run())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                for task in tasks:
                    with suppress(asyncio.CancelledError):
                        await task

    async def health() -> Mapping[str, Any]:
        custody: Custody = app.state.custody
        async with custody.store.snapshot() as tx:
            head = await tx.head()
        return {"size": head.size, "signed_size": custody.published.size, "frozen": custody.published.frozen}

    app = make_app(
        "Trozalog custody", service="custody", routers=routers, access=ACCESS, verifier=verifier, lifespan=lifespan,
        health=health, body_limits={"add_records": LARGEST_UPLOAD_BYTES, "add_statements": LARGEST_UPLOAD_BYTES},
        is_outage=is_outage,
    )  # fmt: skip
    return app


async def _open(settings: CustodySettings, stack: AsyncExitStack) -> tuple[Custody, Signer]:
    assert settings.database_url is not None, "TROZALOG_DATABASE_URL is needed"
    dsn = asyncpg_dsn(settings.database_url.get_secret_value())
    pool = await stack.enter_async_context(
        asyncpg.create_pool(dsn, min_size=2, max_size=settings.database_pool, command_timeout=30, reset=leave_as_it_is)
    )
    await refuse_without_fsync(pool, settings.env)
    store, published = Store(pool, LOG_ID), Published()
    await store.open_log(settings.origin)
    note_signer = log_signer(settings)
    anchor = Anchor(settings.data_dir / "anchor" / "checkpoint", note_signer)
    signer = Signer(store, settings.origin, note_signer, anchor, published)
    host = HostKey.read(settings.keys_dir / "host.key")
    committer = Committer(store, norms.load(), host.conflict, signer.wake, published)
    base_url = settings.public_url.rstrip("/") + "/log"
    custody = Custody(
        store, committer, published, KeyRing(store), host, settings.origin, note_signer.verifier.vkey, base_url
    )
    return custody, signer


async def leave_as_it_is(_: object) -> None:
    """Nothing here outlives a transaction, so a connection goes back to the pool without another round trip."""


async def refuse_without_fsync(pool: asyncpg.Pool, env: str) -> None:
    """A log whose database forgets what it acknowledged is none. Tests may."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        value = await pool.fetchval("SELECT current_setting($1)", setting)
        if value == "off" and env != "test":
            raise RuntimeError(f"PostgreSQL runs with {setting}=off")


if __name__ == "__main__":
    # A round makes tens of thousands of objects that die with it: looking for cycles among them costs a quarter of it.
    gc.set_threshold(100_000, 50, 100)
    run("custody", CustodySettings, build)
