"""The file with what one process says: bounded while the process writes, whoever wrote the program."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

MAX_LOG_BYTES = 10_000_000
KEPT = 3  # older pieces: name.log.1 is the youngest


def bound(log: Path, max_bytes: int = MAX_LOG_BYTES) -> bool:
    """Once the file is longer, keep its content as `.1` and empty it; True if so. At most `KEPT` pieces are kept.

    The writers opened it for appending, so they go on in the empty file and need not be told. What one writes in the
    instant between the last read and the emptying is lost; so is the piece when the disk has no room for it.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size > max_bytes:
            for number in range(KEPT, 1, -1):
                with suppress(FileNotFoundError):
                    piece_of(log, number - 1).replace(piece_of(log, number))
            _move_out(log, piece_of(log, 1))
            return True
    return False


def piece_of(log: Path, number: int) -> Path:
    """Where an older piece is."""
    return log.with_name(f"{log.name}.{number}")


def _move_out(log: Path, piece: Path) -> None:
    with log.open("r+b") as live:
        try:
            with os.fdopen(os.open(piece, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", 0) as kept:
                shutil.copyfileobj(live, kept, 2**20)
        except OSError:
            piece.unlink(missing_ok=True)
        live.truncate(0)
