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


def kept_in(folder: Path) -> Callable[[str], str]:
    """Passwords that are made once and kept, a file each."""

    def password(role: str) -> str:
        path = folder / role
        if not path.exists():
            write_secret(path, secrets.token_hex(24))
        return path.read_text().strip()

    return password
