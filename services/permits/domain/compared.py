"""Other plans that a census is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.permits.domain.census import Tree


@dataclass(frozen=True, slots=True)
class Compared:
    """Censuses of other plans by name, and from how many they were picked as alike. ``since``: the number of the submission
    that each of their trees came with, in their order; ``own_since`` the same of the census itself, by parcel and code. Of
    two trees the one with the lower number was handed in first; nothing is said of that where these are empty."""

    trees: Mapping[str, Sequence[Tree]]
    searched: int | None = None
    since: Mapping[str, Sequence[int]] = field(default_factory=dict)
    own_since: Mapping[tuple[str, str], int] = field(default_factory=dict)
