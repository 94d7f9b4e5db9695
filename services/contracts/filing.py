"""Filing a report: by its author at the door, or sealed by the closing of a settlement inside that transaction."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.contracts.domain.gap import Lacking
from services.contracts.domain.lot import MeasuredLog
from services.contracts.domain.market_terms import terms_on
from services.contracts.domain.money import ExchangeRate
from services.contracts.domain.price import PerVolume
from services.contracts.domain.price_report import Conversion, Dispute, PriceReport, SaleKind, convert, pair_sha256
from services.contracts.domain.price_standing import Sale, differing
from services.contracts.refusals import DuplicateReport, ReportIdTaken
from services.contracts.shipped import market_terms
from services.contracts.store import price_reports as kept
from services.contracts.store.price_reports import Tx
from shared.refusal import Missing
from shared.web.auth import Caller


async def file_report(tx: Tx, report: PriceReport, today: date, caller: Caller) -> tuple[kept.Filed, bool]:
    """Keep a report of the caller's organisation, and hold it against the other side of its sale.

    The same report again is answered with the first; ``ReportIdTaken`` and ``DuplicateReport`` for what is not the same.
    """
    if not await _keep(tx, report, caller.org, today, caller):
        return await _first(tx, report, caller.org), False
    filed = await kept.report(tx, kept.id_of(caller.org, report))
    if filed is None:
        raise Missing("price_report", report.id)
    return filed, True


async def _first(tx: Tx, report: PriceReport, org: str) -> kept.Filed:
    digest = kept.content_sha256(report)
    same_id = await kept.report(tx, kept.id_of(org, report))
    if same_id is not None:
        if same_id.sha256 != digest:
            raise ReportIdTaken(report.id, same_id.id)
        return same_id
    twin = await kept.report_saying(tx, org, digest)
    if twin is None:
        raise Missing("price_report", report.id)
    raise DuplicateReport(twin.report.id)


async def _keep(tx: Tx, report: PriceReport, org: str, today: date, caller: Caller) -> bool:
    """Store it with its conversion, or with what the conversion lacks; whether it is new."""
    terms = terms_on(market_terms(), report.observed_on)
    conversion: Conversion | None = None
    missing: tuple[str, ...] = ()
    try:
        conversion = convert(report, terms)
    except Lacking as lacking:
        missing = tuple(gap.what for gap in lacking.gaps)
    if not await kept.add_report(tx, report, conversion, missing, org, today, caller):
        return False
    if report.counterpart_sha256 is not None:
        line = report.line
        own = Sale(
            kept.id_of(org, report), report.side, report.species, report.observed_on,
            (line.product, line.point_of_sale, report.region), (line.unit, line.rule, line.price.currency, report.bark),
            line.price.amount, None if conversion is None else conversion.pen_m3,
        )  # fmt: skip
        others = await kept.sales_of_other_side(tx, report.counterpart_sha256, org)
        for other, differs in differing(own, others, terms):
            for one in (own, other):
                if not one.cleared:
                    await kept.open_review(tx, one.id, "sides_differ", differs.facts(), None, caller)
    return True


@dataclass(frozen=True, slots=True)
class SealedSale:
    """What a closed settlement knows of one price: both parties, the paper that was closed, and the logs of custody."""

    settlement: str
    number: int
    settlement_sha256: str
    seller: str
    buyer: str
    line: PerVolume
    region: str
    sale_kind: SaleKind
    closed_on: date
    payment_delay_days: int
    volume_m3: Decimal
    disputed: tuple[Dispute, ...] = ()
    logs: tuple[MeasuredLog, ...] = ()
    fx: ExchangeRate | None = None


async def seal_report(tx: Tx, sale: SealedSale, today: date, caller: Caller) -> str:
    """File the seller's report of a settlement that was reconciled with custody, in the transaction that closes it. What the
    buyer disputes is of the tier of the contract that both signed, and the report says so.

    Answers the id of the report. May be repeated: one settlement seals one report for each of its numbered lines. The caller is
    either party; the report is the seller's. Whoever calls has checked that the settlement is closed and reconciled, or what of
    it is disputed: nothing else may give the tier ``sealed``. ``Malformed``, before anything is stored, where the market takes no such price;
    where a conversion lacks something the report is kept without one.
    """
    report = PriceReport(
        id=f"settlement.{sale.settlement[:36]}.{sale.number}",
        side="seller",
        line=sale.line,
        region=sale.region,
        observed_on=sale.closed_on,
        tier="contract" if sale.disputed else "sealed",
        sale_kind=sale.sale_kind,
        volume_m3=sale.volume_m3,
        logs=sale.logs,
        payment_delay_days=sale.payment_delay_days,
        fx=sale.fx,
        evidence_sha256=sale.settlement_sha256,
        counterpart_sha256=pair_sha256(sale.seller, sale.buyer, sale.settlement_sha256),
        disputed=sale.disputed or None,
    )
    await _keep(tx, report, sale.seller, today, caller)
    return kept.id_of(sale.seller, report)
