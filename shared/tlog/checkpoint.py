"""c2sp.org/tlog-checkpoint: what a log signs about itself at one size."""

from dataclasses import dataclass
from typing import ClassVar

from shared.tlog.encoding import from_base64, from_decimal, to_base64
from shared.tlog.refusals import BadBytes


@dataclass(eq=False)
class BadCheckpoint(BadBytes):
    """The text of a note is not a checkpoint."""

    slug: ClassVar[str] = "bad-checkpoint"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The root of the log `origin` when it held `size` entries. Our own logs write no extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed as a note."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse(text: str) -> Checkpoint:
    """Read the text of a note that has been opened; BadCheckpoint (or BadText for a number or hash) otherwise."""
    if not text.endswith("\n"):
        raise BadCheckpoint("checkpoint", "text does not end in a newline")
    lines = text[:-1].split("\n")
    if len(lines) < 3:
        raise BadCheckpoint("checkpoint", "too few lines")
    origin, size, root, *extensions = lines
    if not origin:
        raise BadCheckpoint("checkpoint", "origin")
    if not all(extensions):
        raise BadCheckpoint("checkpoint", "extension line")
    return Checkpoint(
        origin, from_decimal(size, "checkpoint size"), from_base64(root, "checkpoint root", 32), tuple(extensions)
    )
