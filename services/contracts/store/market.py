"""What contracts asks of the market of reports across organisations, and what it writes down of a book made from it."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.market import Reported
from services.contracts.store.price_reports import stands
from shared.web.auth import Caller

_OBSERVATIONS = text(
    "SELECT id, entity, side, tier, species, product, point_of_sale, region, cash_pen_m3, observed_on,"
    " counterpart_sha256, CAST(acts AS text) AS acts FROM price_observations(:opened, :closed)"
)
_VERSION = text("SELECT market_version(:product, :point, :opened, :closed)")
_RELATED = text("SELECT entity, other FROM related_entities()")
_NOTE_REPORTS = text(
    "INSERT INTO book_reports (kind, book_id, version, report_ids, parameters)"
    " VALUES ('price', :book_id, :version, :report_ids, :parameters)"
)
# Once for each report: what a steward has seen and let stand is not asked again with every book.
_OPEN_REVIEWS = text(
    "INSERT INTO price_report_act (report_id, act, reason, facts, by_org, by_sub)"
    " SELECT u.id, 'review_opened', 'influence', jsonb_build_object('influence', u.percent), :by_org, :by_sub"
    " FROM unnest(CAST(:ids AS text[]), CAST(:percents AS text[])) AS u (id, percent)"
    " WHERE NOT EXISTS (SELECT 1 FROM price_report_act a WHERE a.report_id = u.id AND a.reason = 'influence')"
)


async def version(tx: AsyncSession, name: str, opened: date, closed: date) -> str:
    """A text that changes with everything the estimates of a market rest on."""
    product, _, point = name.partition("/")
    row = {"product": product, "point": point, "opened": opened, "closed": closed}
    found: str = (await tx.execute(_VERSION, row)).scalar_one()
    return found


async def reported(tx: AsyncSession, opened: date, closed: date) -> list[Reported]:
    """Every report that counts and was observed from one day until before another."""
    rows = await tx.execute(_OBSERVATIONS, {"opened": opened, "closed": closed})
    return [
        Reported(
            row.id, row.entity, row.side, row.tier, row.species, row.product, row.point_of_sale, row.region,
            row.cash_pen_m3, row.observed_on, row.counterpart_sha256,
        )
        for row in rows
        if stands(row.acts).state in ("counted", "in_review")
    ]  # fmt: skip


async def related_entities(tx: AsyncSession) -> list[tuple[str, str]]:
    """Pairs of entities that count as one, under the names of ``Reported.entity``."""
    return [(row.entity, row.other) for row in await tx.execute(_RELATED)]


async def note_reports(
    tx: AsyncSession, book_id: str, version: int, report_ids: Sequence[str], parameters: str
) -> None:
    """Which reports a version of a book rests on, for its stewards."""
    row = {"book_id": book_id, "version": version, "report_ids": list(report_ids), "parameters": parameters}
    await tx.execute(_NOTE_REPORTS, row)


async def open_influence_reviews(tx: AsyncSession, alarming: Sequence[tuple[str, str]], caller: Caller) -> None:
    """Put reports that carry an estimate too far before the stewards, each with the per cent by which it does."""
    row = {"ids": [id_ for id_, _ in alarming], "percents": [percent for _, percent in alarming]}
    await tx.execute(_OPEN_REVIEWS, row | {"by_org": caller.org, "by_sub": caller.sub})
