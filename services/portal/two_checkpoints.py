"""Checkpoints of one log: how it grew; and of two both notes, who signed them, and whether the newer continues the older."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.portal.backends import CHECKPOINT_BYTES
from shared.refusal import Refusal
from shared.tlog.encoding import from_base64
from shared.tlog.merkle import verify_consistency
from shared.tlog.policy import Checked, Policy
from shared.web.client import ServiceClient, UpstreamRefused

MOMENTS = 8


@dataclass(frozen=True)
class Pair:
    """``refusal`` says why the newer is not shown to continue the older; None when this server worked it out."""

    older: Checked
    older_note: str
    newer: Checked
    newer_note: str
    proof: list[str]
    refusal: Refusal | None


@dataclass(frozen=True)
class Moment:
    """A published checkpoint with its root in hex. ``refusal`` says why this server's policy does not believe it."""

    size: int
    root: str
    checked: Checked | None
    refusal: Refusal | None

    @property
    def seen_at(self) -> int | None:
        """When the first witness signed it, in POSIX seconds; None when none that is known did."""
        return min(self.checked.witnesses.values()) if self.checked and self.checked.witnesses else None


async def compare(custody: ServiceClient, policy: Policy, start: int, to: int | None) -> Pair:
    """The first published checkpoints of at least so many entries (``to`` None: the newest), believed only under the
    policy. What custody does not have, or a note nobody known signed, is refused."""
    origin = (await custody.get("/v1/logs"))["logs"][0]["origin"]
    base = f"/v1/logs/{quote(origin, safe='')}"
    older_note = await _first(custody, base, start)
    newer_note = await (_newest(custody) if to is None else _first(custody, base, max(start, to)))
    older, newer = policy.check(older_note.encode()), policy.check(newer_note.encode())
    sizes: dict[str, Any] = {"from": older.checkpoint.size, "to": newer.checkpoint.size}
    answer = await custody.get(f"{base}/consistency", **sizes)
    hashes = [from_base64(one, "proof", 32) for one in answer["proof"]]
    refusal = None
    try:
        verify_consistency(
            older.checkpoint.size, newer.checkpoint.size, older.checkpoint.root, newer.checkpoint.root, hashes
        )
    except Refusal as error:
        refusal = error
    return Pair(older, older_note, newer, newer_note, answer["proof"], refusal)


async def history(custody: ServiceClient, policy: Policy) -> list[Moment]:
    """How the log grew: the first published checkpoints at equal parts of its size, the newest first."""
    newest = await _newest(custody)
    size = int(newest.split("\n", 2)[1])
    origin = (await custody.get("/v1/logs"))["logs"][0]["origin"]
    base = f"/v1/logs/{quote(origin, safe='')}"
    parts = sorted({size * part // MOMENTS for part in range(1, MOMENTS)} - {0, size})
    notes = [*await asyncio.gather(*(_first(custody, base, one) for one in parts)), newest]
    found = {moment.size: moment for moment in (_moment(note, policy) for note in notes)}
    return sorted(found.values(), key=lambda one: -one.size)


def _moment(note: str, policy: Policy) -> Moment:
    _, size, root, _ = note.split("\n", 3)
    try:
        checked = policy.check(note.encode())
    except Refusal as refusal:
        return Moment(int(size), from_base64(root, "root", 32).hex(), None, refusal)
    return Moment(checked.checkpoint.size, checked.checkpoint.root.hex(), checked, None)


async def _first(custody: ServiceClient, base: str, size: int) -> str:
    """The first that has at least so many entries; the newest where that one is not cosigned yet."""
    try:
        found: dict[str, Any] = await custody.get(f"{base}/first-checkpoint", after=max(size - 1, 0))
    except UpstreamRefused as refusal:
        newest = await _newest(custody)
        if refusal.status != 404 or int(newest.split("\n", 2)[1]) < size:
            raise
        return newest
    return str(found["checkpoint"]) + (f"{found['cosignature']}\n" if found["cosignature"] else "")


async def _newest(custody: ServiceClient) -> str:
    return (await custody.raw("/log/checkpoint", at_most=CHECKPOINT_BYTES)).decode()
