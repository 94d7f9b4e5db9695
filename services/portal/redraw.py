"""A lottery worked out again from its document, as ``audit-log draw`` does it, in words and numbers."""

from dataclasses import dataclass

from shared.refusal import Refusal
from shared.timber.draw_file import Recomputed, recompute
from shared.timber.lottery import Drawn, ticket_of
from shared.tlog.policy import Policy


@dataclass(frozen=True)
class Redrawn:
    """``found`` is None when the document does not hold, and ``refusal`` says where. ``distrust`` says why the checkpoint
    behind the seed is not believed; None when this server's policy accepts it. ``example`` is the first drawn tree, with
    its ticket worked out by itself."""

    found: Recomputed | None
    refusal: Refusal | None
    distrust: Refusal | None
    example: Drawn | None
    example_ticket: str


def redrawn(data: bytes, policy: Policy) -> Redrawn:
    """Recompute roots, seed, strata and sample; nothing of the document is believed."""
    try:
        found = recompute(data)
    except Refusal as refusal:
        return Redrawn(None, refusal, None, None, "")
    distrust = None
    try:
        policy.check(found.note)
    except Refusal as refusal:
        distrust = refusal
    first = found.draw.sample[0] if found.draw.sample else None
    ticket = ticket_of(found.draw.seed, first.tree.parcel, first.tree.code) if first else ""
    return Redrawn(found, None, distrust, first, ticket)
