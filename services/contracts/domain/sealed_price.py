"""A closed settlement as prices for the market of reports, and how sure they are (decision 0041).

What nobody disputes is sealed. Where only the buyer's word stands against it, what both signed is reported as what the signed
contract shows, and the report names the dispute: no word of one side keeps a price out of the market.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from services.contracts.domain.contract import ContractText
from services.contracts.domain.matched import THOUSAND
from services.contracts.domain.price import PerVolume
from services.contracts.domain.price_report import Dispute
from services.contracts.domain.reconciliation import Reconciliation
from services.contracts.domain.settlement import Closing, SettlementText, SettlingLimits, Stated, counted
from shared.timber.measure import LogSize, half_up

# Differences that are what one side says against the other; custody agrees with the sheet in each case.
WORDS: tuple[Dispute, ...] = ("claimed_only", "sheets_differ", "statements_differ")


@dataclass(frozen=True, slots=True)
class SealedPrice:
    """What a closed settlement says of the price of one species of one line: the facts of a sealed price report.
    ``disputed`` names what the buyer disputes; the price is then what both have signed."""

    number: int
    line: PerVolume
    closed_on: date
    payment_delay_days: int
    volume_m3: Decimal
    logs: tuple[LogSize, ...]
    sale_kind: Literal["negotiated", "auction", "tender", "related_party"]
    disputed: tuple[Dispute, ...]


def disputed(found: Reconciliation, *, own_sheet: bool, limits: SettlingLimits) -> tuple[Dispute, ...] | None:
    """What the buyer disputes of a settlement; nothing where both agree, ``None`` where it shows no price at all: custody was
    not read, or something differs that is more than a word.

    ``own_sheet`` is whether the community closes what it stated itself: with the buyer's sheet it takes the buyer's word. A
    part of the price that nobody paid is a dispute where the buyer says that it has paid all that it owes, and where the
    last day to pay is long past.
    """
    names = {one.what for one in found.differences} - {"overpaid"}
    if not own_sheet:
        names -= {"sheets_differ", "statements_differ"}
    told: list[Dispute] = [one for one in WORDS if one in names]
    if "unpaid" in names and (_buyer_says_paid(found) or _long_due(found, limits)):
        told.append("unpaid")
    return tuple(told) if found.custody == "read" and names <= set(told) else None


def _buyer_says_paid(found: Reconciliation) -> bool:
    owed = found.owed.net if found.beside is None else found.beside.other.owed.net
    return bool(found.claimed or found.beside) and found.paid + found.claimed >= owed


def _long_due(found: Reconciliation, limits: SettlingLimits) -> bool:
    due = max((day for day, _ in found.owed.due), default=found.on)
    return found.on > due + timedelta(days=limits.unpaid_days)


def sealed_prices(
    contract: ContractText, stated: SettlementText, found: Reconciliation, payments: Sequence[Stated], community: str,
    closing: Closing, disputes: tuple[Dispute, ...],
) -> tuple[SealedPrice, ...]:  # fmt: skip
    """The price of each species that was paid by volume, in its own unit and rule."""
    delay = payment_delay_days(stated.delivered_on, counted(payments, community)[0])
    prices: list[SealedPrice] = []
    for owed in found.owed.lines:
        line = contract.lines[owed.line]
        if not isinstance(line, PerVolume):
            continue
        for species in owed.species:
            logs = [row.kept for row in found.rows if row.kept and row.scaled and row.scaled.species == species]
            prices.append(
                SealedPrice(
                    len(prices) + 1,
                    line.model_copy(update={"species": (species,)}),
                    found.on,
                    delay,
                    Decimal(sum(log.litres for log in logs)) / THOUSAND,
                    tuple(log.size for log in logs if log.size is not None) if line.rule.log_rule else (),
                    closing.sale_kind,
                    disputes,
                )
            )
    return tuple(prices)


def payment_delay_days(delivered_on: date, payments: Sequence[Stated]) -> int:
    """How long after the delivery the money came, as a mean weighted by amount; money before it counts as no delay."""
    whole = sum((one.payment.amount.amount for one in payments), Decimal(0))
    if not whole:
        return 0
    days = sum(
        (max((one.payment.paid_on - delivered_on).days, 0) * one.payment.amount.amount for one in payments), Decimal(0)
    )
    return int(half_up(days / whole, Decimal(1)))
