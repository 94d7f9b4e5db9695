"""Titles."""

from typing import Any

from services.permits.schemas.words import AreaM2, In, LogState, Number, OrgId, Out, Region, Short


class TitleIn(In):
    """A title and its boundary as GeoJSON (WGS84, longitude first)."""

    number: Number
    official_number: Short | None = None
    org: OrgId
    region: Region
    declared_area_m2: AreaM2
    polygon: dict[str, Any]


class TitleOut(Out):
    """A title; the polygon only for those concerned."""

    number: str
    official_number: str | None
    org: str
    region: str
    area_m2: int
    declared_area_m2: int
    polygon_sha256: str
    polygon: dict[str, Any] | None
    log: LogState | None
