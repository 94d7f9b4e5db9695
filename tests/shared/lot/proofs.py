"""A bundle before it is bytes: what a test takes apart, changes and puts together again."""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from shared.timber.facts import Lot
from shared.tlog import merkle, note
from shared.tlog.checkpoint import Checkpoint
from tests.shared.lot.stories import Story
from tests.shared.lot.wood import log_signer


@dataclass(frozen=True)
class Proof:
    """A bundle before it is bytes; `entries` of the whole log, `indices` of those that go into the file."""

    lot: str
    entries: list[bytes]
    indices: list[int]
    disclosed: list[tuple[int, str]]

    def checkpoint(self, signer: note.Signer | None = None, *witnesses: note.Signer) -> bytes:
        """The signed note over the whole log."""
        root = merkle.root_of(merkle.leaf_hash(entry) for entry in self.entries)
        signer = signer or log_signer()
        text = Checkpoint(signer.name, len(self.entries), root).text()
        return note.sign(text, [signer]) + b"".join(w.line(text, 1_800_000_000).encode() for w in witnesses)

    def document(self, checkpoint: bytes | None = None) -> dict[str, Any]:
        """The bundle as a value."""
        leaves = [merkle.leaf_hash(entry) for entry in self.entries]
        proof = merkle.multiproof(
            self.indices, len(leaves), lambda level, at: merkle.root_of(leaves[at << level : (at + 1) << level])
        )
        shown = [pair for pair in self.disclosed if pair[0] in self.indices]
        return {
            "format": "trozalog-bundle/1",
            "lot": self.lot,
            "private": {"disclosures": [text for _, text in shown], "indices": [index for index, _ in shown]},
            "log": {
                "checkpoint": base64(checkpoint or self.checkpoint()),
                "entries": [base64(self.entries[i]) for i in self.indices],
                "indices": list(self.indices),
                "proof": [base64(node) for node in proof],
            },
        }

    def bytes(self, checkpoint: bytes | None = None) -> bytes:
        """The bundle."""
        return dumps(self.document(checkpoint))


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def dumps(value: Any) -> bytes:
    """Sorted and without blanks, as a canonical document; what it holds may be outside the profile."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def a_proof(story: Story) -> Proof:
    """The proof of one of its lots, with what a server would put in or with the whole log."""
    lots = [lot.id for lot in story.all(Lot)] or ["NADA-1"]
    lot = story.random.choice(lots)
    everything = list(range(len(story.records)))
    indices = story.gathered(lot) if story.maybe(0.7) and lots != ["NADA-1"] else everything
    hidden = [(index, fields) for index, fields in story.hidden.items() if story.maybe(0.7)]
    chosen = [(index, text) for index, fields in hidden for text in {one.name: one.text for one in fields}.values()]
    return Proof(lot, [record.entry for record in story.records], indices, sorted(chosen))
