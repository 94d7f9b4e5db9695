"""What becomes of a report after it was filed: counted, looked into, held, taken back. Nothing is ever changed.

A report is held while a review that holds it is open, and when a steward has upheld one; its author sees why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from services.contracts.domain.market_terms import MarketTerms

ActKind = Literal["review_opened", "released", "upheld", "retracted"]
Reason = Literal["sides_differ", "influence", "by_hand"]
State = Literal["counted", "in_review", "held", "retracted"]
HOLDS = frozenset({"sides_differ", "by_hand"})
SELLING, BUYING = frozenset({"seller"}), frozenset({"buyer", "mill"})

REASONS: dict[str, tuple[str, str]] = {
    "sides_differ": (
        "Lo que dice la otra parte de la misma venta difiere en {gap} %; el precio no se cuenta hasta que se aclare.",
        "What the other side of the same sale says differs by {gap} %; the price does not count until that is cleared up.",
    ),
    "influence": (
        "Creído sin más, lo que reporta su organización movería la estimación en {influence} %; se revisa, y mientras"
        " tanto se cuenta.",
        "Believed without more ado, what your organisation reports would move the estimate by {influence} %; it is looked"
        " into, and counts meanwhile.",
    ),
    "by_hand": (
        "Quien cuida el mercado pidió revisarlo: {note}; el precio no se cuenta hasta que se aclare.",
        "The steward of the market asked to look into it: {note}; the price does not count until that is cleared up.",
    ),
}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done to a report. ``facts`` fill the words of its reason."""

    act: ActKind
    reason: Reason | None
    facts: dict[str, Any]
    note: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a report counts, and why not."""

    state: State
    why: tuple[Act, ...]


def standing(acts: Iterable[Act]) -> Standing:
    """The acts of one report in their order, folded."""
    opened: list[Act] = []
    upheld: Act | None = None
    for act in acts:
        match act.act:
            case "retracted":
                return Standing("retracted", (act,))
            case "review_opened":
                opened.append(act)
            case "released":
                opened, upheld = [], None
            case "upheld":
                opened, upheld = [], act
    if upheld is not None:
        return Standing("held", (upheld, *opened))
    if any(act.reason in HOLDS for act in opened):
        return Standing("held", tuple(opened))
    return Standing("in_review" if opened else "counted", tuple(opened))


def said(act: Act) -> tuple[str, str]:
    """The reason of an act in Spanish and in English, for the author of the report."""
    if act.reason is None or act.act != "review_opened":
        return act.note or "", act.note or ""
    spanish, english = REASONS[act.reason]
    facts = {"note": act.note or "", **act.facts}
    return spanish.format(**facts), english.format(**facts)


def cleared(acts: Iterable[Act]) -> bool:
    """Whether a steward has seen a report contradicted and let it stand: who contradicts it again holds only the own."""
    contradicted = stands = False
    for act in acts:
        contradicted = contradicted or act.reason == "sides_differ"
        if contradicted and act.act in ("released", "upheld"):
            stands = act.act == "released"
    return stands


@dataclass(frozen=True, slots=True)
class Sale:
    """What two sides of one sale are compared by: the amount where both say it by one measure, else what it comes to.

    ``cleared``: a steward has let it stand against the other side.
    """

    id: str
    side: str
    what: tuple[str, str, str]
    measure: tuple[str, str, str]
    amount: Decimal
    pen_m3: Decimal | None
    cleared: bool = False


def gap_milli(one: Sale, other: Sale) -> int | None:
    """How far two prices of one sale lie apart, in thousandths of the lower; none where they are not comparable."""
    if one.what != other.what or not opposite(one.side, other.side):
        return None
    if one.measure == other.measure:
        low, high = sorted((one.amount, other.amount))
    elif one.pen_m3 is not None and other.pen_m3 is not None:
        low, high = sorted((one.pen_m3, other.pen_m3))
    else:
        return None
    return int((high - low) * 1_000 / low)


def opposite(one: str, other: str) -> bool:
    """Whether the two stand on the two sides of a sale."""
    return (one in SELLING and other in BUYING) or (one in BUYING and other in SELLING)


def differing(new: Sale, others: Iterable[Sale], terms: MarketTerms) -> list[tuple[Sale, int]]:
    """The reports of the other side that differ by more than the terms allow, with the gap."""
    found = ((other, gap_milli(new, other)) for other in others)
    return [(other, gap) for other, gap in found if gap is not None and gap > terms.gap_milli]


def percent(milli: int) -> str:
    """Thousandths as a person reads them: ``12.5``."""
    whole, tenth = divmod(milli, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)
