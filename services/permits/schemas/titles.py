"""Titles."""

from typing import Any

from pydantic import Field

from services.permits.domain.land.drawing import Datum
from services.permits.schemas.land import Accept, SourceOut, Zone
from services.permits.schemas.words import AreaM2, In, LogState, Number, OrgId, Out, Region, Short


class TitleIn(In):
    """A title and its boundary as GeoJSON: degrees on WGS 84, longitude first, or metres of the UTM zone and datum said
    beside it. ``accept`` are the repairs that its owner consents to; without them a boundary with a fault is refused."""

    number: Number
    official_number: Short | None = None
    org: OrgId
    region: Region
    declared_area_m2: AreaM2
    polygon: dict[str, Any]
    datum: Datum | None = None
    zone: Zone | None = None
    accept: Accept = Field(default_factory=list)


class TitleOut(Out):
    """A title; the polygon and how it arrived only for those concerned."""

    number: str
    official_number: str | None
    org: str
    region: str
    area_m2: int
    declared_area_m2: int
    polygon_sha256: str
    polygon: dict[str, Any] | None
    source: SourceOut | None
    log: LogState | None
