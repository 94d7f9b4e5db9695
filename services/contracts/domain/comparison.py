"""Offers side by side: what each leaves, what sets them apart in figures that sum exactly, and which one another beats."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, permutations

from services.contracts.domain.flags import Flag
from services.contracts.domain.judged import Case, Judged, cents
from services.contracts.domain.money import Money, shown
from services.contracts.domain.verdict import CAUSES, Cause
from services.contracts.domain.words import CAUSES as WORDS
from services.contracts.domain.words import Both

# Of two offers with one fair value, what sets them apart are the price as it is read and everything after it.
HEADLINE = "price"


@dataclass(frozen=True, slots=True)
class Difference:
    """What offer ``end`` leaves more than offer ``start`` by cubic metre, cause by cause."""

    start: int
    end: int
    net_m3: Decimal
    parts: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """All of it, by the places of the offers in the question."""

    differences: tuple[Difference, ...]
    dominates: tuple[tuple[int, int], ...]
    best: tuple[int, ...]


def compare(cases: Sequence[Case], flags: Sequence[Sequence[Flag]]) -> Compared:
    """Differences of each pair in order, who dominates whom, and the best net; none where a net is unknown."""
    nets = [case.total.net_m3 for case in cases]
    known = [(place, net) for place, net in enumerate(nets) if net is not None]
    differences = tuple(
        difference(one, cases[one].total, other, cases[other].total) for (one, _), (other, _) in combinations(known, 2)
    )
    raised = [frozenset(flag.spec.code for flag in listed if flag.outcome.state == "raised") for listed in flags]
    pairs = tuple(
        (one, other) for (one, mine), (other, theirs) in permutations(known, 2)
        if (mine > theirs and raised[one] <= raised[other]) or (mine == theirs and raised[one] < raised[other])
    )  # fmt: skip
    highest = max((net for _, net in known), default=None)
    best = tuple(place for place, net in known if net == highest) if len(known) == len(cases) else ()
    return Compared(differences, pairs, best)


def _levels(judged: Judged) -> tuple[Decimal, ...]:
    assert judged.worth is not None, "only offers whose net is known are set apart"
    return tuple(cents(level) for level in judged.worth.levels_m3)


def difference(start: int, one: Judged, end: int, other: Judged) -> Difference:
    """From one to the other: the price as it is read, then what each later cause takes less (or more)."""
    mine, theirs = _levels(one), _levels(other)
    parts = [Cause(HEADLINE, theirs[0] - mine[0])]
    for place, name in enumerate(CAUSES[1:], start=1):
        parts.append(Cause(name, (theirs[place] - theirs[place - 1]) - (mine[place] - mine[place - 1])))
    return Difference(start, end, theirs[-1] - mine[-1], tuple(parts))


def tell(cases: Sequence[Case], compared: Compared) -> tuple[Both, ...]:
    """Which offer leaves more and by how much, with what sets them apart most; never which one to take."""
    said: list[Both] = []
    for place, case in enumerate(cases):
        net = case.total.net_m3
        if net is None:
            said.append(
                Both(f"Oferta {place + 1}: todavía no se puede comparar.", f"Offer {place + 1} cannot be compared yet.")
            )
        else:
            said.append(
                Both(
                    f"Oferta {place + 1}: deja {shown(net)} por m³ en pie.",
                    f"Offer {place + 1} leaves {shown(net)} per m³ standing.",
                )
            )
    for apart in compared.differences:
        said.append(_told(apart))
    return tuple(said)


def _told(apart: Difference) -> Both:
    if apart.net_m3 == 0:
        return Both(
            f"Las ofertas {apart.start + 1} y {apart.end + 1} dejan lo mismo.",
            f"Offers {apart.start + 1} and {apart.end + 1} leave the same.",
        )
    more, less = (apart.end, apart.start) if apart.net_m3 > 0 else (apart.start, apart.end)
    widest = max(apart.parts, key=lambda part: (abs(part.amount), part.cause))
    amount = Money.pen(abs(apart.net_m3))
    return Both(
        f"La oferta {more + 1} deja {amount} por m³ más que la oferta {less + 1}; lo que más pesa es {WORDS[widest.cause].es}.",
        f"Offer {more + 1} leaves {amount} per m³ more than offer {less + 1}; what weighs most is {WORDS[widest.cause].en}.",
    )
