"""Thresholds, datum shift and kinds of zones, by day: data with source and validity in ``norms/land.json``."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from services.permits.domain.norms import values_on
from services.permits.domain.shipped import shipped


@dataclass(frozen=True, slots=True)
class LandLimits:
    """What is in force on one day; the file says where each value comes from."""

    version: str
    psad56_to_wgs84_m: tuple[int, int, int]
    p03_outside_permille: int
    p03_shifted_permille: int
    cycle_years: int
    zone_kinds: tuple[dict[str, Any], ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds a zone may have."""
        return tuple(row["kind"] for row in self.zone_kinds)

    @property
    def by_authority(self) -> frozenset[str]:
        """The kinds that only an authority registers, because they bind whoever lies on them."""
        return frozenset(row["kind"] for row in self.zone_kinds if row.get("by_authority"))

    def harvests(self, kind: str) -> bool:
        """Whether wood is cut in a zone of this kind."""
        return any(row["kind"] == kind and row["harvest"] for row in self.zone_kinds)


@cache
def land_limits_on(day: date) -> LandLimits:
    """The limits of this version of the norms on a day; ``ValueError`` when one is not in force."""
    return LandLimits(**values_on(shipped("land"), day, LandLimits.__slots__))
