"""What any stranger can do with the public log: fetch all of it and check every entry against the signed checkpoint."""

from dataclasses import dataclass

import orjson

from deploy.seed.house import House
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH, decode_entries, entries_path, tile_path


@dataclass(frozen=True)
class Mark:
    """An entry whose bytes are not those the log committed to."""

    index: int
    type: str


@dataclass(frozen=True)
class Audit:
    """The outcome: entries that differ, and whether the committed hashes lead to the signed root."""

    checkpoint: Checkpoint
    entries: int
    marks: tuple[Mark, ...]
    root_agrees: bool

    @property
    def clean(self) -> bool:
        """The log is what its checkpoint says."""
        return self.root_agrees and not self.marks


def audit(house: House) -> Audit:
    """Download checkpoint, hashes and entries through the gateway and compare. Raises what the policy refuses."""
    policy = Policy.parse(house.instance.policy.read_bytes())
    checkpoint = policy.check(house.public.download("/log/checkpoint")).checkpoint
    tree = merkle.CompactRange()
    marks: list[Mark] = []
    for n in range(-(-checkpoint.size // WIDTH)):
        width = min(WIDTH, checkpoint.size - n * WIDTH)
        hashes = house.public.download(f"/log/{tile_path(0, n, width)}")
        committed = [hashes[at : at + merkle.HASH_BYTES] for at in range(0, len(hashes), merkle.HASH_BYTES)]
        entries = decode_entries(house.public.download(f"/log/{entries_path(n, width)}"))
        for offset, (entry, leaf) in enumerate(zip(entries, committed, strict=True)):
            if merkle.leaf_hash(entry) != leaf:
                marks.append(Mark(n * WIDTH + offset, type_of(entry)))
        tree.append(committed)
    return Audit(checkpoint, tree.size, tuple(marks), tree.root() == checkpoint.root)


def type_of(entry: bytes) -> str:
    """The type an entry claims; `?` when not even that can be read."""
    try:
        return str(orjson.loads(entry)["stmt"]["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "?"
