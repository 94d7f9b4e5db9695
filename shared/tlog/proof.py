"""c2sp.org/tlog-proof@v1: one entry's place in a log, as a file that stands by itself."""

from dataclasses import dataclass
from typing import ClassVar

from shared.tlog.encoding import from_base64, from_decimal, to_base64
from shared.tlog.merkle import leaf_hash, verify_inclusion
from shared.tlog.policy import Checked, Policy
from shared.tlog.refusals import BadBytes

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 64


@dataclass(eq=False)
class BadProofFile(BadBytes):
    """The bytes are not a tlog-proof."""

    slug: ClassVar[str] = "bad-proof-file"


@dataclass(frozen=True, slots=True)
class Proof:
    """Index, audit path and checkpoint note. `extra` is what the sender added; nobody has signed it."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """The text of a `.tlog-proof` file."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {to_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [to_base64(h) for h in self.hashes]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint


def parse(data: bytes) -> Proof:
    """Read a proof file; BadProofFile (or BadText for a number or hash). The checkpoint is not looked at."""
    head, blank, checkpoint = data.partition(b"\n\n")
    if not blank or not head.isascii():
        raise BadProofFile("proof", "header line")
    header, *lines = head.decode("ascii").split("\n")
    if header != HEADER:
        raise BadProofFile("proof", "header line")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "), "extra")
    if not lines or not lines[0].startswith("index "):
        raise BadProofFile("proof", "index line")
    index = from_decimal(lines.pop(0).removeprefix("index "), "index")
    if len(lines) > MAX_HASHES:
        raise BadProofFile("proof", "hash left over")
    return Proof(index, tuple(from_base64(line, "proof", 32) for line in lines), checkpoint, extra)


def verify(proof: Proof, entry: bytes, policy: Policy) -> Checked:
    """The checkpoint under which `entry` is shown to stand at its index; raises as the policy does, or BadProof."""
    checked = policy.check(proof.checkpoint)
    verify_inclusion(proof.index, checked.checkpoint.size, leaf_hash(entry), proof.hashes, checked.checkpoint.root)
    return checked
