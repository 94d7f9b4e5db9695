"""A record as people read it: the answer of custody opened, its proof checked, a sentence about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from services.portal.custody_graph import Words
from shared.lot.closure import made_by, used_by
from shared.refusal import Refusal
from shared.timber.event import Record, parse_entry
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import from_base64
from shared.tlog.merkle import BadProof, verify_inclusion
from shared.tlog.policy import Policy

MOST_SHOWN = 400


@dataclass(frozen=True)
class Shown:
    """A record with the bytes it was signed as. ``refusal`` says why its proof does not lead to a root that this server's
    policy accepts; None when it does."""

    record: Record
    index: int
    origin: str
    hashes: int
    note: str
    checkpoint: Checkpoint | None
    refusal: Refusal | None

    @property
    def raw(self) -> str:
        """The canonical bytes of the entry, as text."""
        return self.record.entry.decode()

    @property
    def private(self) -> int:
        """How many digests of private fields it carries, decoys among them."""
        return len(orjson.loads(self.record.statement).get("sd", ()))

    def items(self) -> list[str]:
        """The pieces it makes and acts on."""
        return list(dict.fromkeys([*made_by(self.record), *used_by(self.record)]))


def shown(answer: dict[str, Any], entry: bytes, policy: Policy) -> Shown:
    """Custody's answer about one record, whose entry was cut out of the answer's bytes as it stands in the log."""
    record = parse_entry(entry)
    hashes = [from_base64(one, "proof", 32) for one in answer["proof"]]
    checkpoint, refusal = None, None
    try:
        checkpoint = policy.check(answer["checkpoint"].encode()).checkpoint
        verify_inclusion(answer["index"], checkpoint.size, record.leaf_hash, hashes, checkpoint.root)
    except (Refusal, BadProof) as error:
        refusal = error
    return Shown(record, answer["index"], answer["origin"], len(hashes), answer["checkpoint"], checkpoint, refusal)


def parties(record: Record) -> list[str]:
    """The organisations that its sentence names."""
    buyer = record.body.get("buyer") if record.type == "lot.sold" else None
    return [record.actor, buyer] if isinstance(buyer, str) else [record.actor]


def sentence(record: Record, words: Words, called: Callable[[str], str]) -> str:
    """What the record says, in one sentence; ``called`` gives an organisation its name."""
    body, kind = record.body, record.type
    facts: dict[str, Any] = {"actor": called(record.actor)}
    match kind:
        case "tree.felled":
            return words.t("says.tree.felled", tree=body["tree"], parcel=body["parcel"], **facts)
        case "log.cut":
            return words.t("says.log.cut", count=len(body["sections"]), **facts)
        case "log.moved":
            return words.t("says.log.moved", count=len(body["items"]), **facts)
        case "mill.processed":
            return words.t("says.mill.processed", count=len(body["inputs"]), **facts)
        case "lot.composed":
            return words.t("says.lot.composed", lot=body["lot"], count=len(body["items"]), **facts)
        case "lot.sold":
            return words.t("says.lot.sold", lot=body["lot"], buyer=called(body["buyer"]), **facts)
    if kind.startswith("guide."):
        return words.t(f"says.{kind}", guide=body["guide"], **facts)
    return words.t("says.other", type=words.t(f"type.{kind}"), **facts)


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a body under its path, as it is written there."""
    if isinstance(value, dict):
        for key in sorted(value):
            yield from fields(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from fields(one, f"{path}[{at}]")
    else:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)
