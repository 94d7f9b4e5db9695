"""The land and the trees of a plan as far as the API shows them to the reader, ready for a map."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.backends import part
from services.portal.custody_graph import Words
from services.portal.drawing.maps import Area, Spot, area_of
from shared.web.client import ServiceClient, UpstreamRefused

MOST_TREES = 25_000
PAGE = 500
KINDS = ("harvestable", "seed")


@dataclass(frozen=True)
class Land:
    """``rows`` are the same areas for a table: kind, name, square metres."""

    areas: list[Area]
    rows: list[tuple[str, str, int]]


async def land_of(permits: ServiceClient, title: str, plan: Mapping[str, Any] | None) -> Land:
    """Title, zones and, of a plan, its parcels. What the reader may not see is left out."""
    asked = [permits.get(f"/v1/titles/{part(title)}"), permits.get(f"/v1/titles/{part(title)}/zones", limit=200)]
    parcels = [one["code"] for one in plan["parcels"]] if plan else []
    asked += [permits.get(f"/v1/plans/{part(plan['id'])}/parcels/{part(code)}/shape") for code in parcels if plan]
    known, zones, *shapes = await asyncio.gather(*(_shown(call) for call in asked))
    areas, rows = list[Area](), list[tuple[str, str, int]]()

    def add(kind: str, name: str, found: Mapping[str, Any]) -> None:
        areas.append(area_of(kind, name, found["polygon"]))
        rows.append((kind, name, found["area_m2"]))

    if known is not None and known["polygon"] is not None:
        add("title", title, known)
    for zone in (zones or {"items": ()})["items"]:
        if zone["withdrawn_at"] is None:
            add("zone" if zone["harvest"] else "no_harvest", zone["code"], zone)
    for code, shape in zip(parcels, shapes, strict=True):
        if shape is not None:
            add("parcel", code, shape)
    return Land(areas, rows)


async def _shown(call: Any) -> Any:
    """The answer; None when the reader may not have it, or there is none."""
    try:
        return await call
    except UpstreamRefused:
        return None


async def trees_of(permits: ServiceClient, plan: str, most: int = MOST_TREES) -> tuple[list[dict[str, Any]], bool]:
    """The census in its order, with places where the reader may see them; whether that is all of it."""
    found, cursor = list[dict[str, Any]](), ""
    while len(found) < most:
        asked: dict[str, Any] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
        page = await permits.get(f"/v1/plans/{part(plan)}/trees", **asked)
        found += page["items"]
        cursor = page["next"] or ""
        if not cursor:
            return found, True
    return found, False


def spots_of(trees: Iterable[Mapping[str, Any]], words: Words, drawn: Iterable[tuple[str, str]] = ()) -> Sequence[Spot]:
    """The trees that the reader may see the place of; ``drawn`` are those of a lottery, by parcel and code."""
    chosen = set(drawn)
    return [
        Spot(
            "drawn" if (tree["parcel"], tree["code"]) in chosen else tree["condition"] if tree["condition"] in KINDS else "other",
            words.t("map.tree", code=tree["code"], species=tree["species"], dbh=f"{tree['dbh_mm'] / 10:g}"),
            tree["utm"]["zone"], tree["utm"]["easting_dm"] / 10, tree["utm"]["northing_dm"] / 10,
        )
        for tree in trees if tree["utm"] is not None
    ]  # fmt: skip
