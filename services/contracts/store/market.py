"""What contracts asks of the market of reports across organisations, and what it writes down of a book made from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.market import Reported
from services.contracts.store.price_reports import alone_with, stands
from shared.web.auth import Caller

_VERSION = text("SELECT market_version(:product, :point, :opened, :closed)")
# In one statement, so that the version is of these rows: each of several statements sees what was committed before it.
_MARKET = text(
    "SELECT v.version, v.related, o.id, o.entity, o.side, o.tier, o.species, o.product, o.point_of_sale, o.region,"
    " o.cash_pen_m3, o.observed_on, o.received_on, o.counterpart_sha256, o.evidence_sha256, CAST(o.acts AS text) AS acts"
    " FROM (SELECT market_version(:product, :point, :opened, :closed) AS version,"
    " (SELECT CAST(jsonb_agg(jsonb_build_array(entity, other)) AS text) FROM related_entities()) AS related) v"
    " LEFT JOIN price_observations(:opened, :closed) o ON o.product = :product AND o.point_of_sale = :point"
)
_NAMES = text(
    "SELECT DISTINCT product || '/' || point_of_sale AS name FROM price_observations(:opened, :closed)"
    " WHERE region = :region ORDER BY 1"
)
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


@dataclass(frozen=True, slots=True)
class State:
    """A market as it stood in one moment: what counts, who is whose under the names of ``Reported.entity``, and the text
    that changes with any of it."""

    version: str
    reports: list[Reported]
    related: list[tuple[str, str]]


async def version(tx: AsyncSession, name: str, opened: date, closed: date) -> str:
    """A text that changes with everything the estimates of a market rest on."""
    found: str = (await tx.execute(_VERSION, _asked(name, opened, closed))).scalar_one()
    return found


async def state(tx: AsyncSession, name: str, opened: date, closed: date) -> State:
    """Every report of a market that counts, observed from one day on and known before another."""
    rows = (await tx.execute(_MARKET, _asked(name, opened, closed))).all()
    reports = [
        Reported(
            row.id, row.entity, row.side, row.tier, row.species, row.product, row.point_of_sale, row.region,
            row.cash_pen_m3, row.observed_on, row.received_on, row.counterpart_sha256, row.evidence_sha256,
        )
        for row in rows
        if row.id is not None and stands(row.acts).state in ("counted", "in_review")
    ]  # fmt: skip
    return State(rows[0].version, reports, [(one, other) for one, other in orjson.loads(rows[0].related or "[]")])


async def names(tx: AsyncSession, region: str, opened: date, closed: date) -> list[str]:
    """The markets of which somebody in a region reported."""
    row = {"region": region, "opened": opened, "closed": closed}
    return [one.name for one in await tx.execute(_NAMES, row)]


def _asked(name: str, opened: date, closed: date) -> dict[str, Any]:
    product, _, point = name.partition("/")
    return {"product": product, "point": point, "opened": opened, "closed": closed}


async def note_reports(
    tx: AsyncSession, book_id: str, version: int, report_ids: Sequence[str], parameters: str
) -> None:
    """Which reports a version of a book rests on, for its stewards."""
    row = {"book_id": book_id, "version": version, "report_ids": list(report_ids), "parameters": parameters}
    await tx.execute(_NOTE_REPORTS, row)


async def open_influence_reviews(tx: AsyncSession, alarming: Sequence[tuple[str, str]], caller: Caller) -> None:
    """Put reports that carry an estimate too far before the stewards, each with the per cent by which it does. What a steward
    decides in that moment is decided before it or after it, never over a review that nobody has read."""
    for id_ in sorted({id_ for id_, _ in alarming}):  # in one order, so that two books do not wait for one another
        await alone_with(tx, id_)
    row = {"ids": [id_ for id_, _ in alarming], "percents": [percent for _, percent in alarming]}
    await tx.execute(_OPEN_REVIEWS, row | {"by_org": caller.org, "by_sub": caller.sub})
