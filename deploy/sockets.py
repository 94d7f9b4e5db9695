"""Folders for Unix sockets. The path of a socket has room for about 100 bytes, and a checkout may lie deep."""

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

LONGEST = 100 - len("/.s.PGSQL.5432.lock")


class UnsafeFolder(Exception):  # noqa: N818
    """A folder in the shared temporary place belongs to somebody else."""


def place_of(wanted: Path) -> Path:
    """`wanted` itself where it is short enough, else a short name in the shared temporary place, always the same."""
    folder = wanted.absolute()
    if len(os.fsencode(folder)) <= LONGEST:
        return folder
    name = f"timber-{os.geteuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:10]}"
    short = Path(tempfile.gettempdir()).resolve() / name
    return short if len(os.fsencode(short)) <= LONGEST else Path("/tmp") / name  # noqa: S108  (private by mode, checked)


def socket_folder(wanted: Path, owner: int | None = None) -> Path:
    """The place of `wanted`, made when missing; always mode 0700.

    `owner` is the user it may belong to besides the caller. Raises UnsafeFolder when another made it first.
    """
    folder = place_of(wanted)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
        raise UnsafeFolder(f"{folder} belongs to another user; remove it or choose a shorter path with --data.")
    folder.chmod(0o700)
    return folder


def forget(wanted: Path) -> None:
    """Remove what `socket_folder` made elsewhere because the path was too long. May be repeated."""
    folder = place_of(wanted)
    if folder != wanted.absolute():
        shutil.rmtree(folder, ignore_errors=True)
