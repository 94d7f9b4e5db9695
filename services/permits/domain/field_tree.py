"""One tree as the census has it against the same tree as somebody found it: planned and field, in pairs.

Tolerances are data (``field_norms``). What was not measured is not compared, and says so; it never counts as agreeing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from math import hypot
from typing import Any, Literal

from services.permits.domain.field_norms import Tolerances
from shared.timber.measure import census_dm3

State = Literal["standing", "fallen", "stump", "moved", "absent", "not_reached"]
Method = Literal["tape", "calliper", "estimated"]
Verdict = Literal["match", "mismatch", "absent", "not_reached"]
UPRIGHT = ("standing", "fallen")
"""States in which the tree can still be measured as the census measured it."""
CUT = ("stump", "moved")


@dataclass(frozen=True, slots=True)
class Place:
    """A point in WGS84 UTM, in decimetres."""

    zone: str
    easting_dm: int
    northing_dm: int


@dataclass(frozen=True, slots=True)
class Planned:
    """A tree as the census lists it; its place where the reader may know it."""

    parcel: str
    code: str
    species: str
    dbh_mm: int
    height_mm: int
    volume_dm3: int
    condition: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class FieldTree:
    """The same tree in the field. ``place`` and ``observation`` are private, the rest is public."""

    parcel: str
    code: str
    state: State
    seen_on: date
    code_field: str | None
    species_field: str | None
    diameter_a_mm: int | None
    diameter_b_mm: int | None
    diameter_method: Method | None
    height_mm: int | None
    place: Place | None
    observation: str | None

    @property
    def key(self) -> tuple[str, str]:
        """A code alone repeats across parcels."""
        return self.parcel, self.code

    @property
    def public(self) -> dict[str, Any]:
        """What everybody may read of it."""
        return {
            "state": self.state, "seen_on": self.seen_on.isoformat(), "code_field": self.code_field,
            "species_field": self.species_field, "diameter_a_mm": self.diameter_a_mm,
            "diameter_b_mm": self.diameter_b_mm, "diameter_method": self.diameter_method, "height_mm": self.height_mm,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One pair outside its tolerance. Of a position only the distance is told."""

    what: str
    planned: str | int | None
    field: str | int
    tolerance: int | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the pairs of one tree say. ``field_dm3`` is its volume by the census formula, where diameter and height were
    measured on the whole tree."""

    verdict: Verdict
    differences: tuple[Difference, ...]
    not_compared: tuple[str, ...]
    distance_dm: int | None
    field_dm3: int | None

    def facts(self) -> dict[str, Any]:
        """As stored and answered."""
        return {
            "verdict": self.verdict, "distance_dm": self.distance_dm, "field_dm3": self.field_dm3,
            "differences": [{name: getattr(one, name) for name in Difference.__slots__} for one in self.differences],
            "not_compared": list(self.not_compared),
        }  # fmt: skip


def judge(planned: Planned, found: FieldTree, limits: Tolerances, form_factor_milli: int) -> Judged:
    """Hold the pairs against the tolerances. A stump tells species and place, not DBH or height."""
    if found.state in ("absent", "not_reached"):
        return Judged(found.state, (), (), None, None)
    distance = None if planned.place is None or found.place is None else _distance(planned.place, found.place)
    pairs = dict(_pairs(planned, found, limits, distance))
    differences = tuple(one for one in pairs.values() if one is not None)
    left_out = tuple(what for what in ("code", "species", "dbh", "height", "position") if what not in pairs)
    return Judged(
        "mismatch" if differences else "match", differences, left_out, distance, _volume(found, form_factor_milli)
    )


def _pairs(
    planned: Planned, found: FieldTree, limits: Tolerances, distance: int | None
) -> Iterator[tuple[str, Difference | None]]:
    """Each pair that can be compared, with the difference where it is out of tolerance."""
    if found.code_field is not None:
        yield "code", _unequal("code", planned.code, found.code_field)
    if found.species_field is not None:
        yield "species", _unequal("species", planned.species, found.species_field)
    if found.state in UPRIGHT and found.diameter_a_mm is not None and found.diameter_b_mm is not None:
        doubled = found.diameter_a_mm + found.diameter_b_mm
        out = abs(doubled - 2 * planned.dbh_mm) * 1000 > limits.dbh_permille * 2 * planned.dbh_mm
        yield "dbh", Difference("dbh", planned.dbh_mm, doubled // 2, limits.dbh_permille) if out else None
    if found.state in UPRIGHT and found.height_mm is not None:
        out = abs(found.height_mm - planned.height_mm) * 1000 > limits.height_permille * planned.height_mm
        yield (
            "height",
            Difference("height", planned.height_mm, found.height_mm, limits.height_permille) if out else None,
        )
    if distance is not None:
        out = distance > limits.position_dm
        yield "position", Difference("position", None, distance, limits.position_dm) if out else None


def _unequal(what: str, planned: str, found: str) -> Difference | None:
    return None if planned == found else Difference(what, planned, found, None)


def _distance(one: Place, other: Place) -> int:
    if one.zone == other.zone:
        return round(hypot(one.easting_dm - other.easting_dm, one.northing_dm - other.northing_dm))
    from services.permits.domain.land import measure  # 30 MB of libraries that only a border of two zones needs

    return measure.across_zones_dm(
        (one.zone, one.easting_dm, one.northing_dm), (other.zone, other.easting_dm, other.northing_dm)
    )


def _volume(found: FieldTree, form_factor_milli: int) -> int | None:
    if found.state not in UPRIGHT or None in (found.diameter_a_mm, found.diameter_b_mm, found.height_mm):
        return None
    mean_mm = ((found.diameter_a_mm or 0) + (found.diameter_b_mm or 0) + 1) // 2
    return census_dm3(mean_mm, found.height_mm or 0, form_factor_milli)
