"""How an answer over many records goes out: as of one size, under one checkpoint, with the indices it rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from fastapi import Query, Response

from services.custody.api.custody import Custody, base64_text, json_answer
from services.custody.lineage.proving import entries_with_proof
from services.custody.store import SignedHead, Transaction
from shared.refusal import Malformed, Refusal
from shared.tlog.canon import MAX_INTEGER

ITEM = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"

Proof = Annotated[
    bool, Query(description="Add the entries behind the answer and one multiproof for them (docs/format.md, section 9)")
]
Known = Annotated[
    int | None,
    Query(
        ge=0, le=MAX_INTEGER,
        description="Only what was known when the log had this many entries; everything when it is left out",
    ),
]  # fmt: skip
KnownAt = Annotated[
    str | None,
    Query(
        pattern=f"^{INSTANT}$",
        description="Only what was known at this instant: the entries under the newest checkpoint signed at it or before it, "
        "as many as `known` of the answer says. Not together with `known`",
    ),
]  # fmt: skip
# The first entry to look at.
Since = Annotated[int, Query(ge=0, le=MAX_INTEGER)]


@dataclass(eq=False)
class BeforeFirstCheckpoint(Refusal):
    """It is asked what the log knew at an instant before it had signed anything."""

    slug: ClassVar[str] = "before-first-checkpoint"
    es: ClassVar[str] = (
        "Hasta {known_at} la bitácora no había firmado ninguna constancia: no consta qué se sabía entonces."
    )
    en: ClassVar[str] = "By {known_at} the log had signed no checkpoint: there is no word of what was known then."
    known_at: str


async def size_known(tx: Transaction, size: int, known: int | None, known_at: str | None) -> int:
    """As of how many entries an answer is told, of a log of `size`: as asked by number or by instant, else of all."""
    if known_at is not None:
        if known is not None:
            raise Malformed("known_at", "either known or known_at, not both")
        known = await tx.size_signed_by(_instant(known_at))
        if known is None:
            raise BeforeFirstCheckpoint(known_at)
    return size if known is None else min(known, size)


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("known_at", "not an instant") from None


async def answered(
    custody: Custody, answer: dict[str, Any], size: int, indices: Iterable[int], proof: bool
) -> Response:
    """The answer as of `size` entries, and the indices it rests on; with `proof` their entries and multiproof. What was
    read is immutable, so proof and answer agree whatever was appended in between."""
    signed = await custody.signed(size)
    ordered = sorted(set(indices))
    whole = {**answer, "as_of": size, **told_under(custody, signed, ordered)}
    if proof:
        whole |= await proven_set(custody, ordered, signed)
    return json_answer(whole)


def told_under(custody: Custody, signed: SignedHead, indices: Sequence[int]) -> dict[str, Any]:
    """The names of an answer about a set of entries."""
    return {"origin": custody.origin, "checkpoint": signed.note.decode(), "indices": list(indices)}


async def proven_set(custody: Custody, indices: Sequence[int], signed: SignedHead) -> dict[str, Any]:
    """The entries and their multiproof as `entries` and `proof`, base64 as in a bundle."""
    async with custody.question() as tx:
        entries, proof = await entries_with_proof(tx, indices, signed.size)
    return {
        "entries": [base64_text(entry) for entry in entries],
        "proof": [base64_text(node) for node in proof],
    }
