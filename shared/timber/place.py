"""Places and the codes of things in them: parcels, trees, logs and UTM coordinates, written one way only."""

import re
from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Malformed

_PARCEL = re.compile(r"([A-Z]{2,5})[ .\-]*0*([0-9]{1,3})")
_TREE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")
_LOG = re.compile(r"([A-Z0-9][A-Z0-9-]*?)[ ]*[/-][ ]*([A-Z]{1,4})")

# UTM south of the equator, in decimetres; the zones and bounds of Peru.
ZONES = ("17S", "18S", "19S")
EASTING_DM = (1_600_000, 8_400_000)
NORTHING_DM = (82_000_000, 100_000_000)


@dataclass(eq=False)
class BadPlace(Malformed):
    """A code or a coordinate is not written as places are; ``reason`` is what was written."""

    slug: ClassVar[str] = "bad-place"
    es: ClassVar[str] = "{where}: {reason} no es un código o una coordenada que se pueda leer."
    en: ClassVar[str] = "{where}: {reason} is not a code or a coordinate that can be read."


def parcel_code(text: str) -> str:
    """``PC1``, ``pc 1`` and ``PC01`` are all ``PC 01``."""
    match = _PARCEL.fullmatch(" ".join(text.upper().split()))
    if match is None:
        raise BadPlace("parcel", str(text)[:60])
    return f"{match[1]} {int(match[2]):02d}"


def tree_code(text: str | int) -> str:
    """A tree's code in capitals without blanks: ``501``, ``F2-17``."""
    code = "".join(str(text).upper().split())
    if _TREE.fullmatch(code) is None:
        raise BadPlace("tree", str(text)[:60])
    return code


def log_code(text: str) -> str:
    """``501-A``, ``501 / a`` and ``501/A`` are all ``501/A``."""
    match = _LOG.fullmatch(" ".join(text.upper().split()))
    if match is None:
        raise BadPlace("log", str(text)[:60])
    return f"{match[1]}/{match[2]}"


def tree_of(code: str) -> str:
    """The code of the tree a log was cut from."""
    return log_code(code).partition("/")[0]


@dataclass(frozen=True, slots=True)
class Utm:
    """A point in WGS84 UTM. The zone is part of it: Peru spans three."""

    zone: str
    easting_dm: int
    northing_dm: int

    def __post_init__(self) -> None:
        if self.zone not in ZONES:
            raise BadPlace("zone", self.zone)
        if not EASTING_DM[0] <= self.easting_dm <= EASTING_DM[1]:
            raise BadPlace("easting_dm", str(self.easting_dm))
        if not NORTHING_DM[0] <= self.northing_dm <= NORTHING_DM[1]:
            raise BadPlace("northing_dm", str(self.northing_dm))
