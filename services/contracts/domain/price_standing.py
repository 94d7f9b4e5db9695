"""What becomes of a report after it was filed: counted, looked into, held, taken back. Nothing is ever changed.

A report is held while a review that holds it is open, and when a steward has upheld one; its author sees why.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from services.contracts.domain.market_terms import MarketTerms
from services.contracts.domain.pinned import sha256_of

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
OTHER_TERMS = (
    "La otra parte de la misma venta dice otra cosa de: {terms}; el precio no se cuenta hasta que se aclare.",
    "The other side of the same sale says otherwise of: {terms}; the price does not count until that is cleared up.",
)


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


def seen_sha256(report_sha256: str, now: Standing) -> str:
    """The hash of what a steward is shown of a report: what it says, how it stands, and everything that is held against it."""
    why = [
        {"act": one.act, "reason": one.reason, "facts": one.facts, "note": one.note, "at": one.at.isoformat()}
        for one in now.why
    ]
    return sha256_of({"report_sha256": report_sha256, "state": now.state, "why": why})


def said(act: Act) -> tuple[str, str]:
    """The reason of an act in Spanish and in English, for the author of the report."""
    if act.reason is None or act.act != "review_opened":
        return act.note or "", act.note or ""
    spanish, english = OTHER_TERMS if "terms" in act.facts else REASONS[act.reason]
    facts = {"note": act.note or "", **act.facts}
    if "terms" in act.facts:
        es, en = zip(*(TERMS[name] for name in act.facts["terms"]), strict=True)
        return spanish.format(terms=", ".join(es)), english.format(terms=", ".join(en))
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

    ``place`` is product, point of sale and region, ``measure`` unit, rule, currency and bark, each in the order of
    ``PLACE`` and ``MEASURE``. ``cleared``: a steward has let it stand against the other side.
    """

    id: str
    side: str
    species: str
    on: date
    place: tuple[str, str, str]
    measure: tuple[str, str, str, str]
    amount: Decimal
    pen_m3: Decimal | None
    cleared: bool = False


PLACE = ("product", "point_of_sale", "region")
MEASURE = ("unit", "rule", "currency", "bark")
TERMS: dict[str, tuple[str, str]] = {
    "product": ("el producto", "the product"),
    "point_of_sale": ("el punto de venta", "the point of sale"),
    "region": ("la región", "the region"),
    "rule": ("la regla de cubicación", "the log rule"),
    "bark": ("la corteza", "the bark"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """In what two sides of one sale differ: in what they say was sold and how it was measured, or by so many thousandths
    of the lower price."""

    terms: tuple[str, ...] = ()
    milli: int = 0

    def facts(self) -> dict[str, Any]:
        """What the words of the reason are filled with."""
        return {"terms": list(self.terms)} if self.terms else {"gap": percent(self.milli)}


def _of_one_thing(one: Sale, other: Sale, terms: MarketTerms) -> bool:
    """Whether two sides may speak of one price: a paper may be of several species, and of several deliveries."""
    near = abs((one.on - other.on).days) <= terms.pair_days
    return near and one.species == other.species and opposite(one.side, other.side)


def _other_terms(one: Sale, other: Sale) -> tuple[str, ...]:
    """What the two say otherwise of what was sold. One paper names one rule: the same unit by another is another price."""
    named = [name for name, a, b in zip(PLACE, one.place, other.place, strict=True) if a != b]
    measured = {name for name, a, b in zip(MEASURE, one.measure, other.measure, strict=True) if a != b}
    if "rule" in measured and "unit" not in measured:
        named.append("rule")
    return (*named, "bark") if "bark" in measured else tuple(named)


def _gap(one: Sale, other: Sale) -> Difference | None:
    """How far the amounts lie apart, or what both come to where unit or currency differ; ``None`` where it is not known."""
    amounts = (one.amount, other.amount) if one.measure == other.measure else (one.pen_m3, other.pen_m3)
    if amounts[0] is None or amounts[1] is None:
        return None
    low, high = sorted((amounts[0], amounts[1]))
    return Difference(milli=int((high - low) * 1_000 / low))


def opposite(one: str, other: str) -> bool:
    """Whether the two stand on the two sides of a sale."""
    return (one in SELLING and other in BUYING) or (one in BUYING and other in SELLING)


def differing(new: Sale, others: Iterable[Sale], terms: MarketTerms) -> list[tuple[Sale, Difference]]:
    """The reports of the other side that say otherwise of the same sale, each with in what.

    Where the other side has said it in these terms too, what it says in others is of another line of the paper.
    """
    named = [(other, _other_terms(new, other)) for other in others if _of_one_thing(new, other, terms)]
    same = [(other, _gap(new, other)) for other, terms_ in named if not terms_]
    if not same:
        return [(other, Difference(terms=terms_)) for other, terms_ in named]
    return [(other, gap) for other, gap in same if gap is not None and gap.milli > terms.gap_milli]


def percent(milli: int) -> str:
    """Thousandths as a person reads them: ``12.5``."""
    whole, tenth = divmod(milli, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)
