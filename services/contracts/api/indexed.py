"""Price clauses over time: what a price that follows indices has become. Nothing is stored."""

from decimal import Decimal

from services.contracts.api.house import BucketDep
from services.contracts.domain.indexed import PriceClause, follow
from services.contracts.questions import Upload
from services.contracts.schemas.answer import Out
from services.contracts.schemas.money import MoneyOut
from services.contracts.shipped import world_bank
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["appraisals"])


class IndexedIn(Upload):
    """A clause; its numbers may have the decimal comma where the body says so."""

    clause: PriceClause


class FigureOut(Out):
    """What a part of the price followed, from the start until now."""

    weight_milli: int
    series: str | None
    start: str
    now: str


class IndexedOut(Out):
    """The price now, its change, and shares of today's worth that a price fixed for the years keeps."""

    price: MoneyOut
    change: str
    parts: list[FigureOut]
    real_value_last_year: str | None
    real_value_mean: str | None
    credit: str | None


@router.post("/v1/indexed-prices")
async def index_price(body: IndexedIn, grant: GrantDep, bucket: BucketDep) -> IndexedOut:
    """F10: the price of an index clause by given figures or by the World Bank's series, and the cost of a fixed one."""
    if grant.caller is None:
        bucket.take()
    found = follow(body.clause, _world_bank)
    parts = [
        FigureOut(
            weight_milli=part.weight_milli, series=None if part.series is None else part.series.id,
            start=str(start), now=str(now),
        )
        for part, (start, now) in zip(body.clause.parts, found.figures, strict=True)
    ]  # fmt: skip
    return IndexedOut(
        price=MoneyOut(amount=str(found.price), currency=body.clause.price.currency), change=str(found.change),
        parts=parts, real_value_last_year=None if found.real_last is None else str(found.real_last),
        real_value_mean=None if found.real_mean is None else str(found.real_mean),
        credit=world_bank()["credit"] if any(part.series for part in body.clause.parts) else None,
    )  # fmt: skip


def _world_bank(series: str, month: str) -> Decimal | None:
    """The figure of a series in a month."""
    found = next((row.get(series) for row in world_bank()["months"] if row["month"] == month), None)
    return None if found is None or series == "month" else Decimal(found)
