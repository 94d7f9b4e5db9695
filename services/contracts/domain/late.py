"""Late payment: what of an instalment was paid on which day, and the simple interest on what was late.

Simple, never interest on interest, over a year of 365 days; at the rate the parties agreed, or at the dated legal rate.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.contracts.domain.money import CENT
from shared.timber.measure import half_up

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Rate:
    """An annual rate in thousandths from a day on, with where it is from."""

    valid_from: date
    annual_milli: int
    source: str
    source_es: str
    legal_review: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an instalment: due on a day, paid on a day or not yet. Money in céntimos."""

    due_on: date
    paid_on: date | None
    cents: int


@dataclass(frozen=True, slots=True)
class Late:
    """A part that was late, by so many days, and its interest in soles, unrounded."""

    part: Part
    days: int
    interest: Decimal


def match(due: Sequence[tuple[date, int]], paid: Sequence[tuple[date, int]]) -> tuple[list[Part], int]:
    """Payments against instalments, the oldest of either first; and the céntimos that were paid beyond all of them."""
    waiting = deque(sorted(paid))
    parts: list[Part] = []
    for day, cents in sorted(due):
        left = cents
        while left and waiting:
            paid_on, there = waiting.popleft()
            taken = min(left, there)
            left -= taken
            if taken:
                parts.append(Part(day, paid_on, taken))
            if there > taken:
                waiting.appendleft((paid_on, there - taken))
        if left:
            parts.append(Part(day, None, left))
    return parts, sum(cents for _, cents in waiting)


def late(parts: Sequence[Part], rates: Sequence[Rate], on: date) -> list[Late]:
    """The parts that were paid late, or are late on a day."""
    found = []
    for part in parts:
        until = part.paid_on or on
        if until > part.due_on:
            days = (until - part.due_on).days
            found.append(Late(part, days, interest(part.cents, part.due_on, until, rates)))
    return found


def interest(cents: int, start: date, end: date, rates: Sequence[Rate]) -> Decimal:
    """Simple interest on an amount from a day to a later one, in soles and unrounded; each rate for the days it held."""
    ordered = sorted(rates, key=lambda rate: rate.valid_from)
    weighted = 0
    for at, rate in enumerate(ordered):
        begins = max(start, rate.valid_from)
        ends = min(end, ordered[at + 1].valid_from) if at + 1 < len(ordered) else end
        weighted += max((ends - begins).days, 0) * rate.annual_milli
    return Decimal(cents * weighted) / (100 * 1_000 * DAYS_A_YEAR)


def total(lates: Sequence[Late]) -> Decimal:
    """The interest of all parts together, rounded once, half-up to the céntimo."""
    return half_up(sum((one.interest for one in lates), Decimal(0)), CENT)
