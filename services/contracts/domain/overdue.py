"""What of the deliveries of a contract is past its day and not paid, by the settlements that the parties keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.contracts.domain.alert import NOTHING_KNOWN, Finding, Limits, News
from services.contracts.domain.late import match
from services.contracts.domain.money import CENT, Money
from services.contracts.domain.owed import Owed
from services.contracts.domain.settlement import Stated, counted


@dataclass(frozen=True, slots=True)
class Due:
    """An instalment of one delivery of which something is unpaid, by what the community has stated."""

    settlement: str
    lot: str
    on: date
    unpaid: Money


@dataclass(frozen=True, slots=True)
class Dues:
    """What is unpaid of one delivery, and what only the buyer says was paid of it."""

    unpaid: tuple[Due, ...]
    claimed: Money


def dues_of(settlement: str, lot: str, owed: Owed, payments: Sequence[Stated], community: str) -> Dues:
    """The payments against the instalments, the oldest first."""
    own, only_buyer = counted(payments, community)
    parts, _ = match(owed.due, [(one.payment.paid_on, int(one.payment.amount.amount / CENT)) for one in own])
    unpaid = tuple(
        Due(settlement, lot, part.due_on, owed.money(Decimal(part.cents) * CENT))
        for part in parts
        if part.paid_on is None
    )
    return Dues(unpaid, owed.money(sum((one.payment.amount.amount for one in only_buyer), Decimal(0))))


def payment_overdue(contract: str, deliveries: Sequence[Dues], today: date, limits: Limits) -> Finding:
    """News for each instalment that is late. Unknown where no delivery is settled, and where the buyer says that it was
    paid and the community has not said so."""
    news: list[News] = []
    doubted = not deliveries
    for delivery in deliveries:
        late = [due for due in delivery.unpaid if (today - due.on).days > limits.payment_days]
        if sum((due.unpaid.amount for due in late), Decimal(0)) > delivery.claimed.amount:
            news += [_late(contract, due, delivery.claimed) for due in late]
        else:
            doubted |= bool(late)
    if news:
        return Finding("raised", tuple(news))
    return NOTHING_KNOWN if doubted else Finding("clear")


def _late(contract: str, due: Due, claimed: Money) -> News:
    facts = {
        "contract": contract, "settlement": due.settlement, "lot": due.lot, "due_on": due.on.isoformat(),
        "unpaid": due.unpaid.model_dump(mode="json"), "claimed": claimed.model_dump(mode="json"),
    }  # fmt: skip
    return News(
        f"{due.settlement}/{due.on.isoformat()}", facts,
        f"De la entrega del lote {due.lot} faltan {due.unpaid}, que vencieron el {due.on}.",
        f"Of the delivery of lot {due.lot} {due.unpaid} are unpaid, which were due on {due.on}.",
    )  # fmt: skip
