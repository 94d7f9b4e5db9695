"""`timber down` and `timber reset`: end what runs, and remove what was made. Only what is surely this instance's."""

import argparse
import asyncio
import os
import shutil
import signal
import time
from contextlib import suppress

import asyncpg

from deploy import databases
from deploy.databases import Address, Tenant
from deploy.given_server import URL_VARIABLE, tenant_in
from deploy.instance import MARK, Instance, NoInstance, find, forget
from deploy.process import is_still

STOP_DEADLINE_S = 45
LEFTOVER_DEADLINE_S = 20


def down(options: argparse.Namespace) -> int:
    """Stop the launcher in order, and whatever a killed launcher left behind."""
    instance = find(options.data, options.port)
    if not instance.running:
        left = _stop_leftovers(instance)
        print(f"not running ({instance.data})" + (f"; stopped {left} left-over processes" if left else ""))
        return 0
    known = instance.status
    launcher = known.get("pid")
    if launcher is None or not is_still(launcher, known.get("begun")):  # what it last wrote is of an earlier run
        raise NoInstance("it is only just starting; try again in a moment")
    os.kill(launcher, signal.SIGTERM)
    end = time.monotonic() + STOP_DEADLINE_S
    while instance.running:
        if time.monotonic() > end:
            raise NoInstance(f"the launcher (process {launcher}) does not stop; see {instance.logs}")
        time.sleep(0.05)
    print(f"stopped ({instance.data})")
    return 0


def _stop_leftovers(instance: Instance) -> int:
    """End what a dead launcher left, and wait for it: processes of the number and the beginning that it wrote down."""
    left = [
        (name, process["pid"], process["begun"])
        for name, process in instance.status.get("processes", {}).items()
        if is_still(process.get("pid"), process.get("begun"))
    ]
    for name, pid, _ in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    end = time.monotonic() + LEFTOVER_DEADLINE_S
    while running := [(name, pid) for name, pid, begun in left if is_still(pid, begun)]:
        if time.monotonic() > end:
            raise NoInstance(", ".join(f"{name} (process {pid})" for name, pid in running) + " does not stop")
        time.sleep(0.05)
    return len(left)


def reset(options: argparse.Namespace) -> int:
    """Delete the data folder and what else the instance made. Only of the launcher's making, only after asking, never
    in production."""
    instance = find(options.data, options.port)
    if os.environ.get("TROZALOG_ENV") == "production":
        raise NoInstance("reset is refused where TROZALOG_ENV=production")
    if not instance.data.exists():
        forget(instance)
        print(f"nothing to delete ({instance.data})")
        return 0
    if not (instance.data / MARK).exists():
        raise NoInstance(f"{instance.data} was not made by timber; it stays")
    tenant = tenant_in(instance.data)
    if not options.yes and not _confirmed(instance, tenant):
        print("nothing was deleted")
        return 1
    down(argparse.Namespace(data=str(instance.data), port=None))
    if tenant is not None:
        _drop_databases(instance, tenant)
    forget(instance)
    database = instance.data / "pg"
    if database.is_symlink():  # moved out of root's private home by deploy.postgres
        shutil.rmtree(database.resolve(), ignore_errors=True)
    shutil.rmtree(instance.data)
    print(f"deleted {instance.data}")
    return 0


def _confirmed(instance: Instance, tenant: Tenant | None) -> bool:
    print(f"This deletes all records, keys and logins in {instance.data}.")
    if tenant is not None:
        print(f"So it does the databases {tenant.prefix}* on its given server.")
    try:
        return input("Type yes to go on: ").strip().lower() in ("yes", "si", "sí")
    except EOFError:  # nobody is there to ask
        print("(without a terminal: --yes)")
        return False


def _drop_databases(instance: Instance, tenant: Tenant) -> None:
    """Before the folder goes: without it nobody would know any more whose they are. DATABASE_URL wins, as at the start."""
    if not instance.admin_url_file.exists():
        return  # it never got so far as to make one
    address = Address.parse(os.environ.get(URL_VARIABLE) or instance.admin_url_file.read_text().strip())
    try:
        dropped = asyncio.run(databases.remove(address, tenant))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NoInstance(
            f"the databases {tenant.prefix}* on {address.host} could not be deleted ({error}); nothing else was. "
            f"When that server is gone for good, delete {instance.data} by hand"
        ) from None
    print(f"deleted {', '.join(dropped) or 'no database'} on {address.host}")
