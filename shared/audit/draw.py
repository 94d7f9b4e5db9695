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
from shared.timber.lottery import census_commitment
from shared.tlog.policy import Policy
from shared.tlog.tile import WIDTH


@dataclass(frozen=True, slots=True)
class Held:
    """What a draw was held against. ``witnesses`` maps those of the policy that cosigned its checkpoint to the POSIX time
    they state; None without a policy. Its checkpoint, its plan and census, and what the plan was handed in with are those of
    the log, or None: when not asked; of the census also when the plan was not in the log yet; of the commitment also when
    the draw names none."""

    witnesses: dict[str, int] | None
    checkpoint_in_log: bool | None
    census_in_log: bool | None
    commitment_in_log: bool | None


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


async def hold_against(
    again: Recomputed, source: Source, policy: Policy, witnesses: dict[str, int] | None
) -> Held:  # fmt: skip
    """DrawDiffers unless the log has the checkpoint of the draw in its history, the commitment that the draw names to the
    very census that was drawn from, and plan and census as the draw has them, where they were in the log already."""
    _, head = await newest(source, policy)
    tree = Tree(source, head)
    at = again.checkpoint
    same("checkpoint.origin", at.origin, head.origin)
    if at.size > head.size:
        same("checkpoint.size", at.size, f"<= {head.size}")
    same("checkpoint.root", at.root.hex(), (await tree.root_at(at.size)).hex())
    terms = again.terms
    if terms.entries is not None:
        _compare(again, [record for record in await _records(tree, *terms.entries) if record is not None])
    if terms.committed is not None:
        [record] = await _records(tree, terms.committed, terms.committed)
        _compare_commitment(again, record)
    return Held(witnesses, True, True if terms.entries else None, None if terms.committed is None else True)


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


def _compare_commitment(again: Recomputed, record: Record | None) -> None:
    """The entry is what it is said to be, and commits to this census; it is below the checkpoint (``recompute``)."""
    same("committed", "census.committed", None if record is None else record.type)
    assert record is not None
    said = census_commitment(again.terms.plan, again.terms.census_root, again.trees)
    for name, computed in said.items():
        same(f"committed.{name}", computed, record.body[name])


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
