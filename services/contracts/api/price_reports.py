"""Reported prices: filed and taken back by their authors; looked into, held and released by the stewards of the region."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from pydantic import ValidationError

from services.contracts.api.books import region_of
from services.contracts.api.house import Cursor, Limit, StoreDep, today
from services.contracts.domain.decimal_mark import Mark
from services.contracts.domain.money import Money
from services.contracts.domain.price_report import Conversion, check_report
from services.contracts.domain.price_standing import Act, said, seen_sha256
from services.contracts.domain.report_table import read_table
from services.contracts.filing import file_report
from services.contracts.refusals import (
    NothingToRelease,
    OwnReport,
    ReportersOfOtherRegions,
    ReportRetracted,
    ReviewMovedOn,
)
from services.contracts.schemas.cursor import read_cursor, write_cursor
from services.contracts.schemas.money import MoneyOut
from services.contracts.schemas.price_reports import (
    ConversionOut,
    DecisionIn,
    FiledListOut,
    FiledOut,
    PriceReportIn,
    ReasonIn,
    RelationIn,
    RelationOut,
    RelationsOut,
    ReviewOut,
    ReviewsOut,
    RowOut,
    TableOut,
    WhyOut,
)
from services.contracts.store import price_reports as kept
from services.contracts.store.price_reports import Filed, Tx
from shared.refusal import Malformed, Missing, Refusal
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller
from shared.web.problems import describe, describe_form

router = Router(tags=["price reports"])
TABLE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "CSV in UTF-8; a comma between columns, a semicolon where decimal_mark is a comma.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


@router.post("/v1/price-reports", status_code=201, responses={200: {"model": FiledOut}})
async def file_price_report(body: PriceReportIn, grant: GrantDep, store: StoreDep, response: Response) -> FiledOut:
    """Report a price. The same report again answers 200 with what was filed first."""
    caller, day = grant.known, today()
    check_report(body.report, caller.roles, day)
    async with store.db.transaction(caller) as tx:
        filed, new = await file_report(tx, body.report, day, caller)
    response.status_code = 201 if new else 200
    return _shown(filed)


@router.post("/v1/price-reports/table", openapi_extra=TABLE)
async def file_price_table(
    request: Request, grant: GrantDep, store: StoreDep, decimal_mark: Annotated[Mark, Query()] = "."
) -> TableOut:
    """Report many prices as a CSV. Each row stands for itself, so the same file may be sent again after a refusal."""
    caller, day = grant.known, today()
    rows: list[RowOut] = []
    for number, body in read_table(await request.body(), decimal_mark):
        try:
            report = PriceReportIn.model_validate({"decimal_mark": decimal_mark, "report": body}).report
            check_report(report, caller.roles, day)
            async with store.db.transaction(caller) as tx:
                filed, new = await file_report(tx, report, day, caller)
            status: Literal["filed", "known"] = "filed" if new else "known"
            rows.append(RowOut(row=number, status=status, report=_shown(filed), problem=None))
        except ValidationError as error:
            rows.append(RowOut(row=number, status="refused", report=None, problem=describe_form(error.errors())))
        except Refusal as refusal:
            rows.append(RowOut(row=number, status="refused", report=None, problem=describe(refusal)))
    return TableOut(rows=rows)


@router.get("/v1/price-reports")
async def list_price_reports(
    grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50
) -> FiledListOut:
    """What the caller's organisation reported, newest first, with why a price does not count."""
    caller, after = grant.known, read_cursor(cursor)
    async with store.db.transaction(caller) as tx:
        found = await kept.reports_of(tx, caller.org, after, limit + 1)
    return FiledListOut(items=[_shown(one) for one in found[:limit]], next=_next(found, limit))


@router.get("/v1/price-reports/{report_id}")
async def read_price_report(report_id: str, grant: GrantDep, store: StoreDep) -> FiledOut:
    """One report, to its author; to anyone else it does not exist here."""
    async with store.db.transaction(grant.known) as tx:
        return _shown(await _own(tx, report_id, grant))


@router.post("/v1/price-reports/{report_id}/retraction")
async def retract_price_report(report_id: str, body: ReasonIn, grant: GrantDep, store: StoreDep) -> FiledOut:
    """Take a report back. It stays on record and no longer counts; again answers the same."""
    caller = grant.known
    async with store.db.transaction(caller) as tx:
        filed = await _own(tx, report_id, grant)
        if filed.standing.state != "retracted":
            await kept.retract(tx, report_id, body.reason, caller)
            filed = await _own(tx, report_id, grant)
    return _shown(filed)


@router.get("/v1/price-reviews")
async def list_price_reviews(
    grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50,
    every: Annotated[bool, Query(description="every report of the region, not only those in review")] = False,
) -> ReviewsOut:  # fmt: skip
    """Reports of the steward's region with an open review, newest first."""
    after = read_cursor(cursor)
    async with store.db.transaction(grant.known) as tx:
        found = await (kept.reports if every else kept.reports_in_review)(tx, after, limit + 1)
    return ReviewsOut(items=[_review(one) for one in found[:limit]], next=_next(found, limit))


@router.get("/v1/price-reviews/{report_id}")
async def read_price_review(report_id: str, grant: GrantDep, store: StoreDep) -> ReviewOut:
    """One report of the steward's region, with who filed it."""
    async with store.db.transaction(grant.known) as tx:
        return _review(await _watched(tx, report_id))


@router.post("/v1/price-reviews/{report_id}/decisions")
async def decide_price_review(report_id: str, body: DecisionIn, grant: GrantDep, store: StoreDep) -> ReviewOut:
    """Release a report, hold it, or open a review of it by hand: as it stands when the decision names what was read. Its author
    reads the reason."""
    caller = grant.known
    async with store.db.transaction(caller) as tx:
        await kept.alone_with(tx, report_id)
        filed = await _watched(tx, report_id)
        _check_decision(filed, body, caller)
        if body.decision == "looked_into":
            await kept.open_review(tx, report_id, "by_hand", {}, body.reason, caller, body.seen_sha256)
        else:
            await kept.decide(tx, report_id, body.decision, body.reason, body.seen_sha256, caller)
        return _review(await _watched(tx, report_id))


@router.post("/v1/related-parties", status_code=201)
async def relate_parties(body: RelationIn, grant: GrantDep, store: StoreDep) -> RelationOut:
    """Two organisations that count as one reporter, or no longer do. The last word counts.

    An officer relates those who report in the own region alone.
    """
    first, second = sorted((body.org, body.other))
    region = region_of(grant.known)
    async with store.db.transaction(grant.known) as tx:
        if region is not None and not await kept.report_only_in(tx, (first, second), region):
            raise ReportersOfOtherRegions("relate_parties", "region", region or "–")
        await kept.relate(tx, first, second, body.linked, body.reason, grant.known)
        relation = await kept.relation(tx, first, second)
    return _relation(relation)


@router.get("/v1/related-parties")
async def list_related_parties(
    grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50
) -> RelationsOut:
    """The last word on each pair, by name."""
    first, _, second = (cursor or " ").partition(" ")
    if "\x00" in (cursor or ""):
        raise Malformed("query.cursor", "not a cursor of this list")
    async with store.db.transaction(grant.known) as tx:
        found = await kept.relations(tx, (first, second), limit + 1)
    more = f"{found[limit - 1].org} {found[limit - 1].other}" if len(found) > limit else None
    return RelationsOut(items=[_relation(one) for one in found[:limit]], next=more)


async def _own(tx: Tx, report_id: str, grant: Grant) -> Filed:
    filed = await kept.report(tx, report_id)
    if filed is None or filed.org != grant.known.org:
        raise Missing("price_report", report_id)
    return filed


async def _watched(tx: Tx, report_id: str) -> Filed:
    """A report that row-level security shows a steward."""
    filed = await kept.report(tx, report_id)
    if filed is None:
        raise Missing("price_report", report_id)
    return filed


def _check_decision(filed: Filed, body: DecisionIn, caller: Caller) -> None:
    if filed.org == caller.org:
        raise OwnReport("decide_price_review")
    if filed.standing.state == "retracted":
        raise ReportRetracted(filed.id)
    if body.decision == "released" and filed.standing.state == "counted":
        raise NothingToRelease(filed.id)
    stands = seen_sha256(filed.sha256, filed.standing)
    if body.seen_sha256 != stands:
        raise ReviewMovedOn(filed.id, stands)


def _next(found: list[Filed], limit: int) -> str | None:
    return write_cursor((found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None


def _review(filed: Filed) -> ReviewOut:
    return ReviewOut(org=filed.org, filed=_shown(filed), seen_sha256=seen_sha256(filed.sha256, filed.standing))


def _relation(one: kept.Relation) -> RelationOut:
    return RelationOut(org=one.org, other=one.other, linked=one.linked, reason=one.reason, at=one.at)


def _shown(filed: Filed) -> FiledOut:
    return FiledOut(
        id=filed.id, report=filed.report, sha256=filed.sha256, reporter=filed.reporter,
        conversion=None if filed.conversion is None else _conversion(filed.conversion), missing=list(filed.missing),
        state=filed.standing.state, why=[_why(act) for act in filed.standing.why], received_on=filed.received_on,
        created_at=filed.created_at,
    )  # fmt: skip


def _conversion(one: Conversion) -> ConversionOut:
    return ConversionOut(
        pen_m3=_soles(Money.pen(one.pen_m3)), cash_pen_m3=_soles(Money.pen(one.cash_pen_m3)), factor=str(one.factor),
        factor_source=one.factor_source, fx_on=one.fx_on, fx_source=one.fx_source, terms=one.version,
    )  # fmt: skip


def _soles(money: Money) -> MoneyOut:
    return MoneyOut.model_validate(money.model_dump(mode="json"))


def _why(act: Act) -> WhyOut:
    spanish, english = said(act)
    return WhyOut.model_validate({"act": act.act, "reason": act.reason, "es": spanish, "en": english, "at": act.at})
