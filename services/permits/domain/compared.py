"""Other plans that a census is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.permits.domain.census import Tree


@dataclass(frozen=True, slots=True)
class Compared:
    """Censuses of other plans by name, and from how many they were picked as alike. ``since``: the number of the submission
    that each of their trees came with, in their order; ``own_since`` the same of the census itself, by parcel and code. Of
    two trees the one with the lower number was handed in first; nothing is said of that where these are empty. ``renamed``: what would
    be the same trees under another parcel code, in plans whose trees under the same code are the same by right."""

    trees: Mapping[str, Sequence[Tree]]
    searched: int | None = None
    since: Mapping[str, Sequence[int]] = field(default_factory=dict)
    own_since: Mapping[tuple[str, str], int] = field(default_factory=dict)
    renamed: Sequence["Renamed"] = ()


@dataclass(frozen=True, slots=True)
class Renamed:
    """Trees of a plan, and those that another one, which it replaces, stands under or holds, has in parcels of other codes."""

    name: str
    own: Sequence[Tree]
    others: Sequence[Tree]


def renamed(name: str, own: Sequence[Tree], others: Sequence[Tree]) -> list[Renamed]:
    """Of two such censuses what is held against each other: trees in parcels that the other does not have against all of it, and
    those of each common parcel against all but that parcel."""
    common = {tree.parcel for tree in own} & {tree.parcel for tree in others}
    parts = [Renamed(name, [tree for tree in own if tree.parcel not in common], others)]
    for code in sorted(common):
        here = [tree for tree in own if tree.parcel == code]
        parts.append(Renamed(name, here, [tree for tree in others if tree.parcel != code]))
    return [part for part in parts if part.own and part.others]
