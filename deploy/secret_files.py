"""Files that only their owner may read: keys, passwords, addresses with a password in them."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write_secret(path: Path, text: str, like: Path | None = None) -> None:
    """Write a file that only its owner may read, or whoever may read the file `like`; whole or not at all, and there to
    stay when it returns, also when the power fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        if like is not None:
            readable_as(like, draft)
        os.fsync(file.fileno())
    put(draft, path)


def rewrite(path: Path, text: str) -> None:
    """Another text in a file that is there, for whoever may read it; whole or not at all, as `write_secret`."""
    path = path.resolve()
    write_secret(path, text, like=path)


def put(draft: Path, path: Path) -> None:
    """A file that is whole takes the place of another; there to stay when it returns."""
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def readable_as(model: Path, path: Path) -> None:
    """The same owner, where root may give it away, and the same readers."""
    found = model.stat()
    if os.geteuid() == 0:
        os.chown(path, found.st_uid, found.st_gid)
    path.chmod(found.st_mode & 0o777)


def kept_in(folder: Path) -> Callable[[str], str]:
    """Passwords that are made once and kept, a file each."""

    def password(role: str) -> str:
        path = folder / role
        if not path.exists():
            write_secret(path, secrets.token_hex(24))
        return path.read_text().strip()

    return password
