"""Shapes of parcels, zones of titles, and what lies near them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.permits.domain.land.document import Box, box_of
from services.permits.domain.land.facts import LandInputs
from services.permits.domain.land.judge import Land
from services.permits.domain.land.overlap import Plot
from services.permits.domain.plan import Plan
from services.permits.domain.title import Title
from services.permits.store import plans
from services.permits.store.session import Tx

# Whoever draws a parcel over half the country is not answered with all of its polygons.
MAX_NEAR = 100

_REMOVE_SHAPE = text("DELETE FROM parcel_shapes WHERE plan = :plan AND parcel = :parcel")
_ADD_SHAPE = text(
    "INSERT INTO parcel_shapes (plan, parcel, title, org, regent, region, area_m2, sha256, document, source,"
    " uploaded_by, west_e7, south_e7, east_e7, north_e7) VALUES (:plan, :parcel, :title, :org, :regent, :region,"
    " :area_m2, :sha256, :document, :source, :uploaded_by, :west, :south, :east, :north)"
)
_SHAPES = text(
    "SELECT parcel, area_m2, sha256, document, source FROM parcel_shapes WHERE plan = :plan"
    " AND (CAST(:parcel AS text) IS NULL OR parcel = :parcel) ORDER BY parcel"
)
_ADD_ZONE = text(
    "INSERT INTO title_zones (title, code, kind, org, region, area_m2, sha256, document, source, registered_by,"
    " registered_at, west_e7, south_e7, east_e7, north_e7) VALUES (:title, :code, :kind, :org, :region, :area_m2,"
    " :sha256, :document, :source, :registered_by, :at, :west, :south, :east, :north) ON CONFLICT DO NOTHING RETURNING 1"
)
_ZONE_COLUMNS = "code, kind, area_m2, sha256, document, source, registered_at, withdrawn_at"
_ZONES = text(
    f"SELECT {_ZONE_COLUMNS} FROM title_zones WHERE title = :title AND code > :after ORDER BY code LIMIT :limit"  # noqa: S608
)
_ZONE = text(f"SELECT {_ZONE_COLUMNS} FROM title_zones WHERE title = :title AND code = :code")  # noqa: S608
_WITHDRAW = text(
    "UPDATE title_zones SET withdrawn_by = :by, withdrawn_at = :at WHERE title = :title AND code = :code"
    " AND withdrawn_at IS NULL RETURNING 1"
)
_NEAR = text(
    "SELECT kind, title, plan, code, document, seen, harvest_from, approved"
    " FROM land_near(:west, :south, :east, :north) ORDER BY kind, title, plan, code LIMIT :limit"
)
_POLYGON = text("SELECT document, source FROM title_polygons WHERE title = :title")


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a parcel as stored."""

    parcel: str
    area_m2: int
    sha256: str
    document: bytes
    source: bytes


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone of a title as stored."""

    code: str
    kind: str
    area_m2: int
    sha256: str
    document: bytes
    source: bytes
    registered_at: datetime
    withdrawn_at: datetime | None


def _land(land: Land) -> dict[str, Any]:
    west, south, east, north = land.box
    return {
        "area_m2": land.area_m2, "sha256": land.sha256, "document": land.document, "source": land.source,
        "west": west, "south": south, "east": east, "north": north,
    }  # fmt: skip


async def replace_shape(tx: Tx, plan: Plan, parcel: str, land: Land, by: str) -> None:
    """The shape of a parcel of a draft, in place of the one before."""
    await tx.execute(_REMOVE_SHAPE, {"plan": plan.id, "parcel": parcel})
    values = {"plan": plan.id, "parcel": parcel, "title": plan.title, "org": plan.org, "regent": plan.regent}
    await tx.execute(_ADD_SHAPE, values | {"region": plan.region, "uploaded_by": by} | _land(land))


async def shapes(tx: Tx, plan: str, parcel: str | None = None) -> list[Shape]:
    """The shapes of a plan's parcels, as far as the caller may see them."""
    return [Shape(*row) for row in await tx.execute(_SHAPES, {"plan": plan, "parcel": parcel})]


async def add_zone(tx: Tx, title: Title, code: str, kind: str, land: Land, by: str, at: datetime) -> bool:
    """Keep a zone; ``False`` when the code is taken."""
    values = {"title": title.number, "code": code, "kind": kind, "org": title.org, "region": title.region}
    added = await tx.execute(_ADD_ZONE, values | {"registered_by": by, "at": at} | _land(land))
    return added.first() is not None


async def zones(tx: Tx, title: str, after: str, limit: int) -> list[Zone]:
    """Zones of a title by code, withdrawn ones too, as far as the caller may see them."""
    return [Zone(*row) for row in await tx.execute(_ZONES, {"title": title, "after": after, "limit": limit})]


async def zone(tx: Tx, title: str, code: str) -> Zone | None:
    """One zone, if the caller may see it."""
    row = (await tx.execute(_ZONE, {"title": title, "code": code})).first()
    return None if row is None else Zone(*row)


async def withdraw_zone(tx: Tx, title: str, code: str, by: str, at: datetime) -> bool:
    """The zone counts no more; ``False`` when it did not before."""
    done = await tx.execute(_WITHDRAW, {"title": title, "code": code, "by": by, "at": at})
    return done.first() is not None


async def plots_near(tx: Tx, boxes: Sequence[Box]) -> list[Plot]:
    """Titles, zones and parcels whose box meets the box around these, whoever they belong to; for measuring only. One
    more than ``MAX_NEAR`` says that there are more.

    A parcel of somebody else's draft is not among them.
    """
    if not boxes:
        return []
    edges = {
        "west": min(box[0] for box in boxes), "south": min(box[1] for box in boxes),
        "east": max(box[2] for box in boxes), "north": max(box[3] for box in boxes),
    }  # fmt: skip
    return [Plot(*row) for row in await tx.execute(_NEAR, edges | {"limit": MAX_NEAR + 1})]


async def title_polygon(tx: Tx, title: str) -> tuple[bytes, bytes | None] | None:
    """The polygon of a title and how it arrived (``None`` of one registered before that was kept), where the caller may
    see it."""
    row = (await tx.execute(_POLYGON, {"title": title})).first()
    return None if row is None else (row[0], row[1])


async def land_of(tx: Tx, plan: Plan, lines: Sequence[tuple[str, bytes]] = ()) -> LandInputs:
    """Everything that is stored about the land of a plan, as far as the caller may see it; what lies near in any case. Of
    its trees the ``lines`` given, which most who ask do without."""
    found = {shape.parcel: shape.document for shape in await shapes(tx, plan.id)}
    polygon = await title_polygon(tx, plan.title)
    near = await plots_near(tx, [box_of(document) for document in found.values()])
    return LandInputs(
        plan,
        await plans.kin(tx, plan.id),
        found,
        polygon[0] if polygon else None,
        near[:MAX_NEAR],
        len(near) > MAX_NEAR,
        lines,
    )
