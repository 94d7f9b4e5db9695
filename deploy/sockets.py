"""Folders for Unix sockets. The path of a socket has room for about 100 bytes, and a checkout may lie deep."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

LONGEST = 100 - len("/.s.PGSQL.5432.lock")


class UnsafeFolder(Exception):  # noqa: N818
    """A folder in the shared temporary place belongs to somebody else."""


def socket_folder(wanted: Path, owner: int | None = None) -> Path:
    """`wanted` itself where it is short enough, else a private folder with a short name; always mode 0700.

    `owner` is the user it may belong to besides the caller. Raises UnsafeFolder when another made it first.
    """
    folder = wanted.absolute()
    if len(os.fsencode(folder)) > LONGEST:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:10]
        folder = Path(tempfile.gettempdir()).resolve() / f"timber-{os.geteuid()}-{name}"
        if len(os.fsencode(folder)) > LONGEST:
            folder = Path("/tmp") / folder.name  # noqa: S108  (private by mode and checked below)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), owner}:
        raise UnsafeFolder(f"{folder} belongs to another user; remove it or choose a shorter path with --data.")
    folder.chmod(0o700)
    return folder
