"""Settings, pool, application: `python -m services.custody.main serve|migrate`."""

import asyncio
import gc
import hashlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import asyncpg
from fastapi import FastAPI
from pydantic import model_validator

from services.custody.access import ACCESS
from services.custody.api import routers
from services.custody.api.custody import Custody
from services.custody.committer import Committer
from services.custody.gauges import register
from services.custody.intake import KeyRing
from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.custody.operating.beside import Beside
from services.custody.operating.fsck import Fsck, Sound
from services.custody.operating.signed import Signed
from services.custody.outside.anchor import Anchor
from services.custody.outside.archive import Archive
from services.custody.outside.guard import Guard
from services.custody.outside.published import Published
from services.custody.private.vault import WrappingKeys
from services.custody.signer import Signer
from services.custody.soundness.scrub import Scrub
from services.custody.soundness.scrub import state as scrub_state
from services.custody.store import Store, Transaction
from services.custody.succession import Before, stand_on
from services.custody.webhooks.sender import Sender
from services.custody.witnesses.asking import HURRIED, TIMEOUT_S, Pace, Witnesses
from shared.timber import norms
from shared.tlog.note import Verifier
from shared.tlog.policy import Policy
from shared.web.app import make_app
from shared.web.auth import TokenVerifier
from shared.web.client import http_client
from shared.web.db import asyncpg_dsn, is_outage
from shared.web.runtime import remote_verifier, run
from shared.web.settings import ServiceSettings
from shared.web.webhooks.destination import Destinations

LOG_ID = 1
# 500 records of at most 16 KiB with their signatures, and the newlines between them.
LARGEST_UPLOAD_BYTES = 500 * 17 * 1024
FIRST_LOOK_S = 5.0


class CustodySettings(ServiceSettings):
    """What custody needs beyond the common settings. ``policy`` is the log's own tlog-policy: which witnesses it asks,
    and with which quorum it is content. A witness without address in it is the house's own, at ``witness_url``. With
    ``only_witnessed`` no checkpoint leaves before that quorum has cosigned it, and nothing is signed or recorded by a
    process before it has answered what it saw."""

    origin: str = "trozalog.localhost/madre-de-dios/2026"
    policy: Path | None = None
    witness_url: str | None = None
    witness_uds: Path | None = None
    only_witnessed: bool = False
    archive_dir: Path | None = None

    @property
    def archive(self) -> Path:
        """The second copy of the log: best on another disk than the database, and never in a backup of it."""
        return self.archive_dir or self.data_dir / "archive"

    @property
    def own_witness(self) -> str | None:
        """The address of the house's own witness."""
        return "http://witness" if self.witness_uds and not self.witness_url else self.witness_url

    @model_validator(mode="after")
    def _production_names_its_log(self) -> Self:
        """An origin names one log for ever; the laptop's is everybody's."""
        if self.env == "production" and "localhost" in self.origin:
            raise ValueError("ENV=production needs an origin of its own (TROZALOG_ORIGIN)")
        return self


def own_policy(settings: CustodySettings, logs: Sequence[Verifier], base_url: str) -> bytes:
    """The log's own policy; without a file, one that asks for no witness. RuntimeError when it does not name each key of
    this log that is in use, or asks for no quorum where nothing may leave without."""
    if settings.policy is None:
        text = "".join([*(f"log {log.vkey} {base_url}\n" for log in logs), "quorum none\n"]).encode()
    else:
        text = settings.policy.read_bytes()
    policy = Policy.parse(text)
    for log in logs:
        if log not in {known.verifier for known in policy.logs}:
            raise RuntimeError(f"{settings.policy} does not name the key of this log {log.vkey}")
    if settings.only_witnessed and not policy.asks:
        raise RuntimeError("only_witnessed needs a policy with a quorum of witnesses")
    nowhere = [witness.name for witness in policy.witnesses if witness.url is None]
    if len(nowhere) > (settings.own_witness is not None):
        raise RuntimeError(
            f"{settings.policy} says no address of {nowhere[-1]}: only the house's own witness needs none"
        )
    return text


def build(settings: CustodySettings, verifier: TokenVerifier | None = None) -> FastAPI:
    """The application. Everything it holds opens in its lifespan and closes with it."""
    destinations = Destinations(loopback=settings.env != "production")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.guard.verifier = verifier or await stack.enter_async_context(remote_verifier(settings))
            custody, guard = await _open(settings, stack)
            app.state.custody, signer = custody, custody.signer
            sender = Sender(
                custody.store, custody.published, custody.host, settings.origin, settings.public_url, destinations
            )
            await guard.look_back()
            await signer.check()  # before anything is appended: a log that was set back is known as such
            scrub = open_scrub(custody, guard.archive)
            register(app.state.metrics.registry, lambda: (custody.published, scrub.seen))
            work = (
                custody.committer.run(), signer.run(), guard.run(), custody.witnesses.run(), sender.run(), scrub.run(),
            )  # fmt: skip
            tasks = [asyncio.create_task(each) for each in work]
            try:
                await signer.looked(FIRST_LOOK_S)
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
            head, scrubbed = await tx.head(), await scrub_state(tx)
        published, witnessed = custody.published, custody.published.witnessed
        return {
            "size": head.size, "signed_size": published.size, "frozen": published.frozen, "held_up": published.held_up,
            "witnessed_size": -1 if witnessed is None else witnessed.size, "witnesses": custody.witnesses.facts(),
            "scrub": {
                "entries": scrubbed.entries, "passes": scrubbed.passes, "damage": scrubbed.damage or None,
                "aside": scrubbed.aside or None, "mended": scrubbed.mended,
            },
        }  # fmt: skip

    app = make_app(
        "Trozalog custody", service="custody", routers=routers, access=ACCESS, verifier=verifier, lifespan=lifespan,
        health=health, body_limits={"add_records": LARGEST_UPLOAD_BYTES, "add_statements": LARGEST_UPLOAD_BYTES},
        is_outage=is_outage,
    )  # fmt: skip
    app.state.destinations = destinations
    return app


async def _open(settings: CustodySettings, stack: AsyncExitStack) -> tuple[Custody, Guard]:
    store = await open_store(settings, stack)
    await refuse_without_fsync(store.pool, settings.env)
    await store.open_log(settings.origin)
    past = await stand_on(store)
    published = Published(only_witnessed=settings.only_witnessed)
    keys, base_url = LogKeys.read(settings.keys_dir / "log.key", settings.origin), log_url(settings)
    policy = own_policy(settings, keys.in_use, base_url)
    anchor, archive = second_copies(settings, keys.verifiers)
    witnesses = await open_witnesses(settings, store, published, keys.verifiers, policy, anchor, archive, stack)
    guard = Guard(anchor, archive, keys, witnesses.look_back, only_witnessed=settings.only_witnessed)
    signer = Signer(store, settings.origin, keys, guard, published)
    host = HostKey.read(settings.keys_dir / "host.key")
    await seal_anew(store, host)
    committer = Committer(store, norms.load().quiet(), host.conflict, signer.wake, published)
    custody = Custody(
        store, committer, published, signer, witnesses, KeyRing(store), host, settings.origin, keys, base_url,
        policy.decode("utf-8", "backslashreplace"), WrappingKeys(settings.keys_dir / "wrapping.key"),
        past,
    )  # fmt: skip
    return custody, guard


async def open_store(settings: CustodySettings, stack: AsyncExitStack, timeout_s: float | None = 30) -> Store:
    """The database, with connections that give a statement so long."""
    assert settings.database_url is not None, "TROZALOG_DATABASE_URL is needed"
    dsn, most = asyncpg_dsn(settings.database_url.get_secret_value()), settings.database_pool
    pool = asyncpg.create_pool(dsn, min_size=2, max_size=most, command_timeout=timeout_s, reset=leave_as_it_is)
    return Store(await stack.enter_async_context(pool), LOG_ID)


def log_url(settings: CustodySettings) -> str:
    """Where the log is read."""
    return settings.public_url.rstrip("/") + "/log"


def second_copies(settings: CustodySettings, logs: Sequence[Verifier]) -> tuple[Anchor, Archive]:
    """What is kept of the log outside its database: of one that continues another, in folders of its own, which its
    opening made."""
    anchor, archive = own_folders(settings, settings.origin)
    if not anchor.is_dir():
        anchor, archive = settings.data_dir / "anchor", settings.archive
    return Anchor(anchor / "checkpoint", logs), Archive(archive, logs)


def own_folders(settings: CustodySettings, origin: str) -> tuple[Path, Path]:
    """Where the anchor and the archive of a log lie that continues another."""
    name = hashlib.sha256(origin.encode()).hexdigest()[:16]
    return settings.data_dir / "anchor" / name, settings.archive / name


async def open_witnesses(
    settings: CustodySettings, store: Store, published: Published, logs: Sequence[Verifier], policy: bytes,
    anchor: Anchor, archive: Archive, stack: AsyncExitStack, pace: Pace | None = None,
) -> Witnesses:  # fmt: skip
    """The witnesses of the log's own policy, each with a connection."""
    pace = pace or (HURRIED if settings.only_witnessed else Pace())
    witnesses = Witnesses(store, published, Policy.parse(policy), logs, anchor.write, archive.keep_fork, pace)
    await reach(witnesses, settings, stack)
    return witnesses


async def seal_anew(store: Store, host: HostKey) -> None:
    """What older host keys of the file had sealed is sealed by the newest: all of it or none. May be repeated, and by
    several processes at once. RuntimeError when no key of the file opens one of them."""
    async with store.transaction() as tx:
        sealed = await tx.hosted_keys() if host.before is not None else []
        anew = [(org, host.sealed_anew(org, blob, os.urandom(12))) for org, blob in sealed]
        await tx.seal_anew([(org, blob) for org, blob in anew if blob is not None])


def open_scrub(custody: Custody, archive: Archive) -> Scrub:
    """The slow second reading of this log, and of its archive."""
    logs, witnesses, past = custody.keys.verifiers, custody.witnesses, custody.past
    rules = Signed(custody.origin, logs, witnesses.verifiers, past, keys_of(witnesses.policy, past))
    return Scrub(custody.store, logs, Beside(rules, archive))


def keys_of(policy: Policy, past: Sequence[Before]) -> list[Verifier]:
    """Those of closed logs that the policy still names: what they signed can be checked too."""
    names = {one.origin for one in past}
    return [log.verifier for log in policy.logs if log.verifier.name in names]


async def reach(witnesses: Witnesses, settings: CustodySettings, stack: AsyncExitStack) -> None:
    """A connection to each witness of the policy: by its address there, or the house's own by that of the settings."""
    for witness in witnesses.policy.witnesses:
        base, uds = (witness.url, None) if witness.url else (settings.own_witness, settings.witness_uds)
        assert base is not None, "own_policy saw to it"
        http = http_client(base, uds, read_s=TIMEOUT_S, connect_s=TIMEOUT_S)
        witnesses.ask(witness, await stack.enter_async_context(http), base)


async def whole_log(connection: Any) -> Sound | None:
    """The log hashed again, before and after a migration, which must not change it; None where there is none yet.
    Damage. What it asks, every schema since the first can answer."""
    tx = Transaction(connection, LOG_ID)
    if not await tx.fetch("SELECT FROM tlog WHERE log_id = $1 FOR UPDATE", LOG_ID):
        return None
    return await Fsck(tx, None, ()).rows()


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
    run("custody", CustodySettings, build, whole_log)
