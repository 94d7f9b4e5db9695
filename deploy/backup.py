"""`./timber backup FILE` and `./timber restore FILE`: the three databases, checked by hashing the log again.

What was published is remembered outside: the anchor and the archive are in no backup, and after a restore they decide
whether the log may sign (docs/operate.md).
"""

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from deploy import databases, dumps, keygen
from deploy.databases import SERVICES, SOLE, Database, Tenant
from deploy.dumps import BadBackup
from deploy.given_server import settle, tenant_in
from deploy.instance import Instance, NoInstance, find
from deploy.topology import BY_NAME, Laptop
from deploy.upkeep import database_at_hand, operate, own_server
from shared.audit.kept import sync_folder
from shared.tlog.merkle import CompactRange
from shared.tlog.note import Verifier

ORDER = ("permits", "contracts", "custody")  # the log last: what the others have sent to it is then in it


def backup(options: argparse.Namespace) -> int:
    """Dump, restore into scratch databases, hash the log again, and only then give the file its name."""
    instance, file = find(options.data, options.port), Path(options.file).absolute()
    if file.exists():
        raise BadBackup(f"{file} exists; a backup never takes the place of another")
    if not file.parent.is_dir():
        raise BadBackup(f"there is no folder {file.parent}")
    begun = time.monotonic()
    with database_at_hand(instance), tempfile.TemporaryDirectory(prefix=".timber-", dir=file.parent) as folder:
        manifest = asyncio.run(_dumped(instance, Path(folder)))
        draft = Path(folder) / "backup"
        dumps.pack(manifest, Path(folder), draft)
        asyncio.run(_verified(instance, draft))
        draft.rename(file)
        sync_folder(file.parent)
    log = manifest["log"]
    print(
        f"{file}   {file.stat().st_size / 1e6:.1f} MB, {time.monotonic() - begun:.1f} s\n"
        f"  the log in it: {log['size']} entries, root {log['root']}: restored into a scratch database and hashed again\n"
        f"  NOT in it, keep them apart: the keys {instance.keys}, the anchor {instance.data / 'anchor'}, the archive "
        f"{instance.data / 'archive'}"
    )
    return 0


async def _dumped(instance: Instance, folder: Path) -> dict[str, Any]:
    """The dumps, each of one moment, and the manifest that describes them."""
    found: dict[str, Any] = {}
    for service in ORDER:
        database, file = instance.database(service), folder / f"{service}.dump"
        if service == "custody":
            log = await _dump_log(database, file)
        else:
            await asyncio.to_thread(dumps.dump, database, file)
        roles = {"owner": database.owner_role, "app": database.app_role}
        found[service] = dumps.facts_of(file) | {"roles": roles}
    keys = [key.vkey for key in log_keys(instance)]
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"format": dumps.FORMAT, "made_at": made_at, "log": log | {"keys": keys}, "databases": found}


async def _dump_log(database: Database, file: Path) -> dict[str, Any]:
    """The dump of custody, and the size and root of the log at the same moment."""
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            row = await connection.fetchrow("SELECT origin, size, edge FROM tlog")
            if row is None:
                raise BadBackup("there is no log yet: start the house once")
            note = await connection.fetchval("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
            await asyncio.to_thread(dumps.dump, database, file, snapshot)
    finally:
        await connection.close()
    root = CompactRange.stored(row["size"], row["edge"]).root()
    checkpoint = None if note is None else note.decode()
    return {"origin": row["origin"], "size": row["size"], "root": root.hex(), "checkpoint": checkpoint}


def log_keys(instance: Instance) -> list[Verifier]:
    """The public halves of the log's keys, old and new. NoInstance when they are not there."""
    try:
        return keygen.log_keys(instance.keys)
    except OSError:
        raise NoInstance(f"{instance.keys} has no log.key: put the keys back first (--keys DIR)") from None


async def _verified(instance: Instance, file: Path) -> None:
    """Everything in the file can be restored, and the log in it is the one that the manifest names."""
    async with _unpacked(instance, file, "verify"):
        pass


@asynccontextmanager
async def _unpacked(
    instance: Instance, file: Path, suffix: str
) -> AsyncIterator[tuple[dict[str, Any], dict[str, Database]]]:
    """The databases of a backup beside the real ones, which are not touched; the log in them has been hashed again. They
    are dropped at the end, if they are still there."""
    tenant = tenant_in(instance.data) or SOLE
    beside: dict[str, Database] = {}
    with tempfile.TemporaryDirectory(prefix=".timber-", dir=file.parent) as folder:
        manifest = dumps.unpack(file, Path(folder))
        _check_roles(instance, manifest)
        try:
            for service in SERVICES:
                database = instance.database(service)
                beside[service] = await dumps.restored(database, tenant, suffix, Path(folder) / f"{service}.dump")
            await asyncio.to_thread(_hash_again, instance, beside["custody"], manifest)
            yield manifest, beside
        finally:
            for database in beside.values():
                await databases.drop(database)


def _check_roles(instance: Instance, manifest: dict[str, Any]) -> None:
    """The dumps grant rights to roles by their names, so these must be the ones here."""
    for service in SERVICES:
        database, roles = instance.database(service), manifest["databases"][service]["roles"]
        if roles != {"owner": database.owner_role, "app": database.app_role}:
            raise BadBackup(
                f"the roles in it are called {roles['owner']}, those here {database.owner_role}: on a given server set "
                "TIMBER_DATABASE_PREFIX as it was"
            )


def _hash_again(instance: Instance, database: Database, manifest: dict[str, Any]) -> None:
    """Without anchor and archive: a backup may be old. What it holds must be sound, and what it says it holds."""
    with tempfile.TemporaryDirectory(prefix="timber-") as nothing:
        done = operate(instance, ["fsck", "--json"], database.owner_url, capture=True, TROZALOG_DATA_DIR=nothing)
    found = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {"text_en": done.stderr[-1000:]}
    log = manifest["log"]
    if done.returncode != 0 or (found["size"], found["root"]) != (log["size"], log["root"]):
        raise BadBackup(f"the log in it is not sound: {found.get('text_en', found)}")


# ---- back


def restore(options: argparse.Namespace) -> int:
    """Put a backup in the place of the databases; the guard then decides whether the log may sign."""
    instance, file = find(options.data, None), Path(options.file).absolute()
    if instance.running:
        raise NoInstance(f"{instance.data} is running; stop it first: {instance.typed('down')}")
    if not file.is_file():
        raise BadBackup(f"there is no file {file}")
    if not options.yes and not _confirmed(instance, file):
        print("nothing was changed")
        return 1
    instance.make()
    put: list[Path] = []
    try:
        if options.keys is not None:
            _put_keys_back(instance, Path(options.keys), put)
        own = {key.vkey for key in log_keys(instance)}
        with instance.held():
            given = asyncio.run(settle(instance.data, instance.admin_url_file))
            if given is not None:
                manifest = asyncio.run(_put_back(instance, file, own, given[1]))
            else:
                with own_server(instance):
                    manifest = asyncio.run(_put_back(instance, file, own, SOLE))
    except BaseException:
        for path in put:  # a start with the log's key and without its entries would begin a second history
            path.unlink(missing_ok=True)
        raise
    instance.sample_mark.write_text("Restored from a backup: no sample data.\n")
    print(f"restored {file} of {manifest['made_at']}: {manifest['log']['size']} entries, hashed again")
    if not instance.policy.exists():
        place = Laptop(instance.run, instance.data, instance.keys, instance.base_url)
        keygen.make_keys(instance.keys, instance.policy, witness=place.folder(BY_NAME["witness"]))
        print(
            f"  {instance.policy} was made anew from log.key: put your own there, if it names more witnesses or earlier logs"
        )
    print(_outlook(instance, manifest["log"]["size"]))
    return 0


def _put_keys_back(instance: Instance, folder: Path, put: list[Path]) -> None:
    """Keys of the instance that was lost, where this one has none; `put` hears of each before it is written. One that is
    there is never touched."""
    if not (folder / "log.key").exists():
        raise NoInstance(f"{folder} has no log.key")
    for path in sorted(folder.rglob("*")):
        target = instance.keys / path.relative_to(folder)
        if path.is_file() and not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            put.append(target)
            shutil.copyfile(path, target)
            target.chmod(0o600)


def _confirmed(instance: Instance, file: Path) -> bool:
    print(f"This replaces all three databases of {instance.data} with those of {file}.")
    print(f"What was recorded since is lost, unless the archive or a mirror holds it ({instance.typed('recover')}).")
    try:
        return input("Type yes to go on: ").strip().lower() in ("yes", "si", "sí")
    except EOFError:  # nobody is there to ask
        print("(without a terminal: --yes)")
        return False


async def _put_back(instance: Instance, file: Path, own: set[str], tenant: Tenant) -> dict[str, Any]:
    """First everything beside the real databases, hashed again; then all three take their names, or none does."""
    async with _unpacked(instance, file, "restored") as (manifest, beside):
        if not own & set(manifest["log"]["keys"]):
            raise BadBackup(
                f"it is of the log {manifest['log']['origin']} under another key than {instance.keys} holds"
            )
        await _scrub_anew(beside["custody"])
        places = [(instance.database(service), beside[service]) for service in SERVICES]
        await databases.exchange(places)
        for database, _ in places:
            await databases.create(database, tenant)
    return manifest


async def _scrub_anew(database: Database) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        await connection.execute("UPDATE scrub SET bundle = 0, damage = ''")
    finally:
        await connection.close()


def _outlook(instance: Instance, size: int) -> str:
    """What will happen at the next start."""
    published = max(_size_in(instance.last_checkpoint(kept)) for kept in ("anchor", "archive"))
    if published > size:
        return (
            f"  {published} entries were published: the log will be frozen until the lost ones are back.\n"
            f"  Next: {instance.typed('recover')}, then {instance.typed('up')}"
        )
    if published < 0:
        return (
            "  There is neither anchor nor archive here. If they survived anywhere, put them back BEFORE the next start:\n"
            "  only they and the witnesses know what was published after this backup. Without them the log stays frozen until\n"
            "  the witnesses that cosigned it have answered. A copy elsewhere: ./timber recover --from it, before the start."
        )
    return f"  Nothing was published that it lacks. Next: {instance.typed('up')}"


def _size_in(note: Path) -> int:
    try:
        return int(note.read_text().splitlines()[1])
    except (OSError, ValueError, IndexError):
        return -1
