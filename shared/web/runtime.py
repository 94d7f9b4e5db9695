"""Starting a service: ``python -m services.<name>.main serve|migrate``."""

import asyncio
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError

from shared.refusal import Refusal
from shared.web.auth import HttpJwks, TokenVerifier
from shared.web.client import ServiceTokens, http_client
from shared.web.settings import BadSettings, ServiceSettings
from shared.web.telemetry import start_logging

if TYPE_CHECKING:
    from shared.web.db import Look

# Longer than the gateway keeps an idle connection, so it never sends into one that is being closed.
KEEP_ALIVE_S = 75
GRACE_S = 10


@asynccontextmanager
async def remote_verifier(settings: ServiceSettings) -> AsyncIterator[TokenVerifier]:
    """A verifier of the configured issuer's tokens, with its connection."""
    async with http_client("http://issuer", settings.jwks_uds, read_s=2.0) as client:
        yield TokenVerifier(HttpJwks(client, settings.jwks_url), settings.issuer, settings.audience)


@asynccontextmanager
async def own_tokens(settings: ServiceSettings) -> AsyncIterator[ServiceTokens]:
    """Access tokens of this service itself, from ``client_id`` and ``client_secret``, with the issuer's connection."""
    if settings.client_id is None or settings.client_secret is None:
        raise BadSettings("client_id and client_secret are needed to call other services")
    async with http_client("http://issuer", settings.jwks_uds, read_s=2.0) as client:
        yield ServiceTokens(client, settings.token_url, settings.client_id, settings.client_secret.get_secret_value())


Settings = TypeVar("Settings", bound=ServiceSettings)


def run(
    service: str, settings_class: type[Settings], build: Callable[[Settings], FastAPI], look: "Look | None" = None
) -> None:
    """The command line of a service. A bad environment ends with its reason, before anything starts. ``look`` is what
    ``migrate`` asks before and after (``shared.web.db``)."""
    verb = sys.argv[1] if len(sys.argv) == 2 else ""
    settings = command_settings(service, settings_class)
    start_logging(service, settings.log_level)
    match verb:
        case "serve":
            serve(_built(service, build, settings), settings)
        case "migrate" if settings.database_url is not None:
            asyncio.run(_migrate(service, settings.database_url.get_secret_value(), look))
        case _:
            raise SystemExit(f"usage: python -m services.{service}.main serve|migrate")


def _built(service: str, build: Callable[[Settings], FastAPI], settings: Settings) -> FastAPI:
    """The application; a file it needs that is missing or wrong ends the process in one line."""
    try:
        return build(settings)
    except (BadSettings, OSError, Refusal) as error:
        raise SystemExit(f"{service}: cannot start: {error}") from None


def command_settings(service: str, settings_class: type[Settings]) -> Settings:
    """The settings of this process, or the end of it with every reason on stderr."""
    try:
        return settings_class()
    except (BadSettings, ValidationError, OSError) as error:
        raise SystemExit(_explain(service, error)) from None


async def _migrate(service: str, url: str, look: "Look | None") -> None:
    from shared.web.db import MigrationRefused, migrate, wait_for_database  # a service without database never loads it

    await wait_for_database(url)
    try:
        await migrate(service, url, look=look)
    except (MigrationRefused, Refusal) as refusal:
        raise SystemExit(f"{service}: not migrated: {refusal}") from None


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Serve until SIGTERM: on the Unix socket when one is configured, else on host and port. One process."""
    listener = None if settings.uds is None else _listen(settings.uds)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run(sockets=None if listener is None else [listener])


def _listen(path: Path) -> socket.socket:
    """A listening socket file only its owner may use; takes the place of one a dead process left."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


def _explain(service: str, error: Exception) -> str:
    if isinstance(error, ValidationError):
        lines = [
            f"  {'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors(include_input=False)
        ]
        return "\n".join([f"{service}: the settings (TROZALOG_*) cannot be used:", *lines])
    return f"{service}: the settings (TROZALOG_*) cannot be used: {error}"


@asynccontextmanager
async def at_work(work: Coroutine[Any, Any, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """A background worker, until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
