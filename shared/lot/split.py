"""A bundle taken apart: for each entry the pair of files that any C2SP verifier checks, the entry and its tlog-proof.

Nothing is believed and no policy is asked: whether the checkpoint is signed by somebody known is the business of whoever
checks the pairs. They are only made when the entries lead to the root that the checkpoint states.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.lot.bundle import Bundle, read
from shared.tlog import checkpoint as checkpoints
from shared.tlog.merkle import BadProof, inclusion_spans, leaf_hash, multinodes
from shared.tlog.note import split_note
from shared.tlog.proof import Proof


@dataclass(frozen=True, slots=True)
class Pair:
    """One entry of the log and the proof that it stands there."""

    index: int
    entry: bytes
    proof: Proof

    @property
    def files(self) -> dict[str, bytes]:
        """Name and content of the two files."""
        return {f"{self.index}.entry": self.entry, f"{self.index}.tlog-proof": self.proof.encode()}


def split(data: bytes) -> Iterator[Pair]:
    """The pairs of a bundle, in the order of their indices. Refusals of `bundle.read`, or BadProof before the first pair
    when the entries are not those of the checkpoint."""
    bundle = read(data)
    checkpoint = checkpoints.parse(split_note(bundle.checkpoint)[0])
    leaves = [leaf_hash(entry) for entry in bundle.entries]
    nodes = multinodes(bundle.indices, leaves, checkpoint.size, bundle.proof)
    if nodes[0, checkpoint.size] != checkpoint.root:
        raise BadProof("multiproof", "root does not match")
    return _pairs(bundle, checkpoint.size, nodes)


def _pairs(bundle: Bundle, size: int, nodes: dict[tuple[int, int], bytes]) -> Iterator[Pair]:
    for index, entry in zip(bundle.indices, bundle.entries, strict=True):
        hashes = tuple(nodes[span] for span in inclusion_spans(index, size))
        yield Pair(index, entry, Proof(index, hashes, bundle.checkpoint))
