"""Titles, and their polygons, which row-level security keeps to those concerned."""

from sqlmodel import col, select

from services.permits.domain.land.judge import Land
from services.permits.domain.title import Title
from services.permits.store.rows import PolygonRow, TitleRow
from services.permits.store.session import Tx, added

KnownTitle = tuple[Title, str]


async def add_title(tx: Tx, title: Title, land: Land, sid: str) -> bool:
    """Keep a new title with its polygon; ``False`` when the number is taken."""
    values = {name: getattr(title, name) for name in Title.__slots__} | {"sid": sid}
    if not await added(tx, TitleRow, values):
        return False
    west, south, east, north = land.box
    polygon = {
        "title": title.number, "org": title.org, "region": title.region, "document": land.document,
        "source": land.source, "west_e7": west, "south_e7": south, "east_e7": east, "north_e7": north,
    }  # fmt: skip
    return await added(tx, PolygonRow, polygon)


async def title(tx: Tx, number: str) -> KnownTitle | None:
    """A title and the statement that announced it."""
    row = await tx.get(TitleRow, number)
    return None if row is None else _title(row)


async def titles(tx: Tx, org: str | None, after: str, limit: int) -> list[KnownTitle]:
    """Titles by number, perhaps of one organisation."""
    asked = select(TitleRow).where(col(TitleRow.number) > after)
    if org is not None:
        asked = asked.where(TitleRow.org == org)
    return [_title(row) for row in await tx.exec(asked.order_by(col(TitleRow.number)).limit(limit))]


def _title(row: TitleRow) -> KnownTitle:
    return Title(**{name: getattr(row, name) for name in Title.__slots__}), row.sid
