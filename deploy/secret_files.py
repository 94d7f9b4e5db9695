"""Files that only their owner may read: keys, passwords, addresses with a password in them."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)  # the name too: a log may be closed for ever in favour of this key
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def rewrite(path: Path, text: str) -> None:
    """The file anew, whole or not at all, for the same owner and readers as before."""
    before = path.stat()
    write_secret(path, text)
    if os.geteuid() == 0:
        os.chown(path, before.st_uid, before.st_gid)
    path.chmod(before.st_mode & 0o777)


def kept_in(folder: Path) -> Callable[[str], str]:
    """Passwords that are made once and kept, a file each."""

    def password(role: str) -> str:
        path = folder / role
        if not path.exists():
            write_secret(path, secrets.token_hex(24))
        return path.read_text().strip()

    return password
