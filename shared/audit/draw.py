"""A draw document held against a trust policy and against the log it speaks of.

What it cannot show: that no smaller checkpoint was published after the census, and no earlier cosignature given. Whoever
holds one can: the seed would be another.
"""

from dataclasses import dataclass

from shared.audit.kept import newest
from shared.audit.source import Source
from shared.audit.tree import Tree
from shared.refusal import Refusal
from shared.timber.draw_file import DrawDiffers, Recomputed, same
from shared.timber.event import Record, parse_entry
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH


@dataclass(frozen=True, slots=True)
class Held:
    """What a draw was held against. ``witnesses`` maps those of the policy that cosigned its checkpoint to the POSIX time
    they state; None without a policy. ``in_log``: its checkpoint, plan and census are those of the log; None when not asked,
    or when the plan was not in the log yet."""

    witnesses: dict[str, int] | None
    checkpoint_in_log: bool | None
    census_in_log: bool | None


def signed_by(again: Recomputed, policy: Policy) -> dict[str, int]:
    """Which witnesses of the policy cosigned the draw's checkpoint; a log that it names must have signed it: UnknownLog or
    BadSignature otherwise. DrawDiffers when the seed takes in a cosignature of nobody the policy knows: such a line could be
    anything, and whoever wrote it chose the draw."""
    line = "" if again.cosignature is None else again.cosignature + "\n"
    unasked = Policy(
        logs=policy.logs, witnesses=policy.witnesses
    )  # the quorum is of newest checkpoints, not of old ones
    witnesses = dict(unasked.check(again.note + line.encode()).witnesses)
    if again.cosignature is not None and not witnesses:
        raise DrawDiffers("cosignature", again.cosignature, "a witness of the policy")
    return witnesses


async def hold_against(again: Recomputed, source: Source, policy: Policy) -> bool | None:
    """DrawDiffers unless the log has the checkpoint of the draw in its history, and its plan and census as the draw has
    them. None when the draw was made before the plan was in the log: then only the checkpoint was compared."""
    _, head = await newest(source, policy)
    tree = Tree(source, head)
    at = again.checkpoint
    same("checkpoint.origin", at.origin, head.origin)
    if at.size > head.size:
        same("checkpoint.size", at.size, f"<= {head.size}")
    same("checkpoint.root", at.root.hex(), (await tree.root_at(at.size)).hex())
    if again.terms.entries is None:
        return None
    records = await _records(tree, *again.terms.entries)
    _compare(again, [record for record in records if record is not None])
    return True


async def _records(tree: Tree, first: int, last: int) -> list[Record | None]:
    """The records of these entries; None for an entry that this version cannot read."""
    found: list[Record | None] = []
    for n in range(first // WIDTH, last // WIDTH + 1):
        bundle = await tree.bundle(n)
        for place, entry in enumerate(bundle.entries):
            if first <= bundle.first + place <= last:
                found.append(_read(entry))
    return found


def _read(entry: bytes) -> Record | None:
    try:
        return parse_entry(entry)
    except Refusal:
        return None


def _compare(again: Recomputed, records: list[Record]) -> None:
    plan = next((r.body for r in records if r.type == "plan.approved" and r.body["id"] == again.terms.plan), None)
    same("plan", again.terms.plan, None if plan is None else plan["id"])
    assert plan is not None
    same("census_root", again.terms.census_root, plan["census"]["root"])
    parts = sorted(
        (r.body for r in records if r.type == "census.listed" and r.body["plan"] == again.terms.plan),
        key=lambda body: int(body["part"]),
    )
    same("census.parts", len(parts), plan["census"]["parts"])
    listed = [{"parcel": body["parcel"], **tree} for body in parts for tree in body["trees"]]
    same("trees", [tree._asdict() for tree in again.trees], listed)
