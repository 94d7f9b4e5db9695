"""Other plans that a census is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.permits.domain.census import Tree


@dataclass(frozen=True, slots=True)
class Compared:
    """Censuses of other plans by name; which of them were handed in later; and from how many they were picked as alike."""

    trees: Mapping[str, Sequence[Tree]]
    later: frozenset[str] = frozenset()
    searched: int | None = None
