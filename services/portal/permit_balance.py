"""Whole permits: what each authorised, what was felled, cut and moved, of every lot there was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WHOLE = ("authorised", "felled", "cut", "drawn")


@dataclass(frozen=True)
class WholePermit:
    """One permit and species over all its parcels and products, in litres."""

    permit: str
    species: str
    authorised_dm3: int
    felled_dm3: int
    cut_dm3: int
    drawn_dm3: int

    def steps(self) -> list[tuple[str, int, int]]:
        """Each stage with its volume and its difference from the stage before."""
        volumes = [getattr(self, f"{stage}_dm3") for stage in WHOLE]
        return [
            (stage, now, now - before)
            for stage, now, before in zip(WHOLE, volumes, [volumes[0], *volumes], strict=False)
        ]

    @property
    def unfelled_dm3(self) -> int:
        """Authorised with no felled tree behind it: paper that could cover other wood. Negative when more was felled."""
        return self.authorised_dm3 - self.felled_dm3

    @property
    def left_dm3(self) -> int:
        """Authorised and not moved yet."""
        return self.authorised_dm3 - self.drawn_dm3


def whole_permits(lines: Iterable[Mapping[str, Any]]) -> list[WholePermit]:
    """Balances added up by permit and species, the largest first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        row = sums.setdefault((line["permit"], line["species"]), [0] * len(WHOLE))
        for at, stage in enumerate(WHOLE):
            row[at] += line[f"{stage}_dm3"]
    found = [WholePermit(permit, species, *row) for (permit, species), row in sums.items()]
    return sorted(found, key=lambda one: (-one.authorised_dm3, one.permit, one.species))
