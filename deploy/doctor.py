"""`timber doctor`: looks for what could keep the house from working here, and says how to mend each finding."""

import argparse
import asyncio
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.instance import CHECKOUT, Instance, NoInstance, find
from deploy.interpreter import plain
from deploy.process import holder_of
from deploy.up import free_after, is_free

NEEDED_DISK_MB = 500
NEEDED_MEMORY_MB = 700


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do when it is not well."""

    what: str
    well: bool
    found: str
    mend: str = ""


def main(options: argparse.Namespace) -> int:
    """Look at everything; 0 when nothing stands in the way."""
    instance = _meant(options.data, options.port)
    findings = [look(instance) for look in LOOKS] + [port(instance, options.port)]
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        for finding in findings:
            print(f"  {'✓' if finding.well else '✗'} {finding.what:<12} {finding.found}")
            if not finding.well:
                print(f"      → {finding.mend}")
    return 0 if all(finding.well for finding in findings) else 1


def _meant(data: str | None, asked: int | None) -> Instance:
    """The instance of this folder or port; for a port where nothing of ours answers, the one that would be started."""
    try:
        return find(data, asked)
    except NoInstance:
        return find(data, None)


def python(_: Instance) -> Finding:
    """The interpreter and the packages of the lock."""
    marks = [CHECKOUT / ".venv" / f"timber-{kind}" for kind in ("base", "dev")]
    ready = any(mark.exists() for mark in marks)
    return Finding("Python", ready, f"{python_words()} in {sys.prefix}", "run ./timber up, which installs them")


def python_words() -> str:
    """The version of this interpreter, and that it was built without optimisation when it was."""
    return platform.python_version() + (" (built without optimisation, a fifth slower)" if plain() else "")


def system(_: Instance) -> Finding:
    """Whether wheels exist for this system."""
    libc, version = platform.libc_ver()
    found = f"{platform.system()} {platform.machine()} {libc} {version}".strip()
    old = libc == "glibc" and tuple(int(part) for part in version.split(".")[:2]) < (2, 31)
    well = platform.system() in ("Linux", "Darwin") and not old and (libc == "glibc" or platform.system() == "Darwin")
    return Finding("system", well, found, "Debian 11, Ubuntu 20.04 or newer, or macOS; elsewhere use docker compose")


def postgres(instance: Instance) -> Finding:
    """Programs of PostgreSQL, or a server that is given."""
    from deploy.databases import check_free
    from deploy.given_server import REFUSALS, chosen
    from deploy.postgres import PostgresError, find_binaries

    try:
        given = chosen(instance.data, instance.admin_url_file)
        if given is None:
            binaries = find_binaries()
            return Finding("PostgreSQL", True, f"{binaries.version} in {binaries.folder}")
        asyncio.run(check_free(*given))
    except (PostgresError, *REFUSALS) as error:
        return Finding("PostgreSQL", False, "not usable", str(error))
    return Finding("PostgreSQL", True, f"the server at {given[0].host}, databases {given[1].prefix}*")


def data_version(instance: Instance) -> Finding:
    """Whether the programs can read the data that is there."""
    from deploy.postgres import PostgresError, find_binaries

    mark = instance.data / "pg" / "data" / "PG_VERSION"
    try:
        has, reads = int(mark.read_text()), find_binaries().major
    except (OSError, ValueError, PostgresError):
        return Finding("data", True, f"none yet in {instance.data}")
    return Finding("data", has == reads, f"PostgreSQL {has} in {instance.data}", f"put PostgreSQL {has} first on PATH")


def gateway(_: Instance) -> Finding:
    """Envoy."""
    from deploy.gateway import NoGateway, find_envoy

    try:
        return Finding("Envoy", True, find_envoy())
    except NoGateway as error:
        return Finding("Envoy", False, "not found", str(error))


def port(instance: Instance, asked: int | None) -> Finding:
    """The gateway's port: the one asked for, which `up` takes or refuses, or the one it would try first."""
    wanted = asked if asked is not None else instance.port
    if instance.running and instance.port == wanted:
        return Finding("port", True, f"{wanted}, where this instance answers")
    if is_free(wanted):
        return Finding("port", True, f"{wanted} is free")
    found = f"{wanted} is taken by {holder_of(wanted) or 'another process'}"
    if asked is None:
        return Finding("port", True, f"{found}; `up` takes the next free one")
    return Finding("port", False, found, instance.typed(f"up --port {free_after(wanted)}"))


def disk(instance: Instance) -> Finding:
    """Room for data."""
    place = next(p for p in (instance.data, *instance.data.parents) if p.exists())
    free = shutil.disk_usage(place).free // 2**20
    return Finding(
        "disk", free > NEEDED_DISK_MB, f"{free} MB free at {place}", f"free {NEEDED_DISK_MB} MB or use --data"
    )


def memory(_: Instance) -> Finding:
    """Room for the processes."""
    import psutil

    free = psutil.virtual_memory().available // 2**20
    return Finding(
        "memory", free > NEEDED_MEMORY_MB, f"{free} MB free", f"close something: {NEEDED_MEMORY_MB} MB are needed"
    )


def folder(instance: Instance) -> Finding:
    """Whether the data folder can be used by this user."""
    place = next(p for p in (instance.data, *instance.data.parents) if p.exists())
    well = os.access(place, os.W_OK | os.X_OK)
    return Finding(
        "folder", well, str(instance.data), "it belongs to another user: choose one with --data or TIMBER_DATA"
    )


def user(_: Instance) -> Finding:
    """Who runs the database when root runs the launcher."""
    if os.geteuid() != 0:
        return Finding("user", True, "an ordinary user")
    from deploy.postgres import PostgresError, account_for

    try:
        account = account_for(Path("/nonexistent"))
    except PostgresError as error:
        return Finding("user", False, "root", str(error))
    return Finding("user", True, f"root; PostgreSQL runs as uid {account.uid}")


def clock(_: Instance) -> Finding:
    """Tokens and records need a clock that is not years off."""
    newest = max((path.stat().st_mtime for path in CHECKOUT.glob("deploy/*.py")), default=0)
    well = time.time() > newest - 86_400
    return Finding(
        "clock", well, time.strftime("%Y-%m-%d %H:%M:%S %Z"), "set the system's clock; it lies behind the files here"
    )


LOOKS: tuple[Callable[[Instance], Finding], ...] = (
    python, system, postgres, data_version, gateway, disk, memory, folder, user, clock,
)  # fmt: skip
