"""The corpus: for a kind, a base and a number always the same plan. Nothing of it is stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np
import shapely
from shapely.geometry import box

from deploy.corpus.cuts import honest_cut, read_census_file
from deploy.corpus.facts import fitted_forest
from deploy.corpus.forest import honest_plan
from deploy.corpus.forgeries import FORGERIES
from deploy.corpus.listing import Listing

# synthetic: fitted facts; other: distributions and settings that nothing is fitted on; west, east: halves of a real
# census; whole: all of it.
Base = Literal["synthetic", "other", "west", "east", "whole"]
HONEST = "honest"


@dataclass(frozen=True)
class Sources:
    """What plans are made from. Without a real census the three bases cut from it do not exist."""

    facts: dict[str, Any]
    west: Listing | None = None
    east: Listing | None = None
    whole: Listing | None = None

    @property
    def fitted_on(self) -> tuple[Base, ...]:
        """Bases that coefficients may be fitted on."""
        return ("synthetic", "west") if self.west is not None else ("synthetic",)

    @property
    def held_out(self) -> tuple[Base, ...]:
        """Bases that figures are reported on."""
        return ("synthetic", "other", "east", "whole") if self.east is not None else ("synthetic", "other")


def sources(census: Path | None = None, polygons: Path | None = None) -> Sources:
    """The fitted facts, and a real census with its polygons when both are given."""
    facts = fitted_forest()
    if census is None or polygons is None:
        return Sources(facts)
    whole = read_census_file(census, polygons)
    middle = float(np.median(whole.x_m))
    west, south, east, north = whole.land.bounds
    return Sources(
        facts, _part(whole, box(west, south, middle, north)), _part(whole, box(middle, south, east, north)), whole
    )


def _part(whole: Listing, frame: shapely.geometry.base.BaseGeometry) -> Listing:
    land = whole.land.intersection(frame)
    return replace(whole.at(np.flatnonzero(shapely.contains_xy(land, whole.x_m, whole.y_m))), land=land)


def plan(of: Sources, kind: str, base: Base, seed: int, number: int) -> Listing:
    """Plan ``number`` of a kind on a base: ``honest`` or a name in ``FORGERIES``. Equal arguments, equal plan."""
    rng = np.random.default_rng([seed, number, crc32(kind.encode()), crc32(base.encode())])
    if base in ("synthetic", "other"):
        honest = honest_plan(of.facts, rng, other_settings=base == "other")
    else:
        census = {"west": of.west, "east": of.east, "whole": of.whole}[base]
        if census is None:
            raise ValueError(f"plans on the base {base} need a real census")
        honest = honest_cut(census, rng)
    return honest if kind == HONEST else FORGERIES[kind](honest, rng)


def jobs(bases: Iterable[Base], honest: int, forged: int, seed: int) -> Iterator[tuple[str, Base, int, int]]:
    """Every (kind, base, seed, number) of a study."""
    for base in bases:
        for kind, count in ((HONEST, honest), *((kind, forged) for kind in FORGERIES)):
            for number in range(count):
                yield kind, base, seed, number
