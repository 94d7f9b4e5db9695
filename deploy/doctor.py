"""`timber doctor`: looks for what could keep the house from working here, and says how to mend each finding."""

import argparse
import json
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.instance import CHECKOUT, Instance, find
from deploy.process import holder_of

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
    instance = find(options.data, None)
    findings = [look(instance) for look in LOOKS]
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        for finding in findings:
            print(f"  {'✓' if finding.well else '✗'} {finding.what:<12} {finding.found}")
            if not finding.well:
                print(f"      → {finding.mend}")
    return 0 if all(finding.well for finding in findings) else 1


def python(_: Instance) -> Finding:
    """The interpreter and the packages of the lock."""
    marks = [CHECKOUT / ".venv" / f"timber-{kind}" for kind in ("base", "dev")]
    ready = any(mark.exists() for mark in marks)
    return Finding(
        "Python", ready, f"{platform.python_version()} in {sys.prefix}", "run ./timber up, which installs them"
    )


def system(_: Instance) -> Finding:
    """Whether wheels exist for this system."""
    libc, version = platform.libc_ver()
    found = f"{platform.system()} {platform.machine()} {libc} {version}".strip()
    old = libc == "glibc" and tuple(int(part) for part in version.split(".")[:2]) < (2, 31)
    well = platform.system() in ("Linux", "Darwin") and not old and (libc == "glibc" or platform.system() == "Darwin")
    return Finding("system", well, found, "Debian 11, Ubuntu 20.04 or newer, or macOS; elsewhere use docker compose")


def postgres(_: Instance) -> Finding:
    """Programs of PostgreSQL, or a server that is given."""
    from deploy.postgres import PostgresError, find_binaries

    if os.environ.get("DATABASE_URL"):
        return Finding("PostgreSQL", True, "the server in DATABASE_URL")
    try:
        binaries = find_binaries()
    except PostgresError as error:
        return Finding("PostgreSQL", False, "not found", str(error))
    return Finding("PostgreSQL", True, f"{binaries.version} in {binaries.folder}")


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


def port(instance: Instance) -> Finding:
    """The gateway's port."""
    if instance.running:
        return Finding("port", True, f"{instance.port}, where this instance answers")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", instance.port))
        except OSError:
            holder = holder_of(instance.port) or "another process"
            return Finding("port", True, f"{instance.port} is taken by {holder}; `up` takes the next free one")
    return Finding("port", True, f"{instance.port} is free")


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
    python, system, postgres, data_version, gateway, port, disk, memory, folder, user, clock,
)  # fmt: skip
