"""The counter-offer: the least a price may be, in the buyer's own unit and rule, and whether a deal exists (F11-F13)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal

from services.contracts.domain.fair import Basis, Fair, boards_of
from services.contracts.domain.gap import Lacking
from services.contracts.domain.judged import Case, JudgedLine, cents
from services.contracts.domain.money import CENT, Money
from services.contracts.domain.price import PerVolume, Shared
from services.contracts.domain.residual import residual_m3
from services.contracts.domain.worth import Conditions, conditions, ladder_m3

ZERO = Decimal(0)
_WIDE = Context(prec=100)  # rounding never fails for want of digits


def floor_price_m3(target_m3: Decimal, ladder_m3: Decimal, terms: Conditions) -> Decimal:
    """F11: the price by cubic metre, paid on the offer's own schedule, that leaves ``target_m3`` net at signature."""
    return (target_m3 + ladder_m3 + terms.deductions_m3 - terms.advances_m3) / terms.discount


@dataclass(frozen=True, slots=True)
class Wishes:
    """What only the community knows: its best other offer and what its assembly set, net by standing cubic metre."""

    alternative_m3: Decimal | None = None
    reservation_m3: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """One line's counter-offer. ``price`` is in the unit of the line, rounded up to the cent; ``None`` where a share
    of wood or money has no price. ``base_m3`` is the same by cubic metre of the base rule, handed over at the same
    point. ``source`` says which bound of F13 is the highest."""

    target_m3: Decimal
    source: str
    price: Money | None
    base_m3: Decimal
    buyer_limit_m3: Decimal | None
    deal: bool | None


def target_of(fairs: Iterable[tuple[Fair, Decimal]], wishes: Wishes) -> tuple[Decimal, str]:
    """F13: the highest of the lower bounds, over (fair value, volume) of the species of a line."""
    listed = tuple(fairs)
    volume_m3 = sum((volume for _, volume in listed), ZERO)
    bounds = {"residual": ZERO, "market": ZERO}
    for name in ("residual", "market"):
        lows = [(getattr(fair, name), volume) for fair, volume in listed]
        known = all(found is not None for found, _ in lows)
        graded = name == "residual" or all(fair.market and fair.market.entry.grade in "ABC" for fair, _ in listed)
        if known and graded:
            bounds[name] = sum((max(found.low_m3, ZERO) * volume for found, volume in lows), ZERO) / volume_m3
    bounds |= {"alternative": wishes.alternative_m3 or ZERO, "reservation": wishes.reservation_m3 or ZERO}
    source = max(bounds, key=lambda name: (bounds[name], -list(bounds).index(name)))
    return bounds[source], source


def buyer_limit_m3(line: JudgedLine, case: Case, margin: Decimal) -> Decimal | None:
    """F12: the residual value at the lowest margin a competent buyer works for; ``None`` where no book says it."""
    total = ZERO
    fairs = {} if line.fair is None else line.fair.by_species
    try:
        for name in line.species:
            residual = fairs[name].residual if name in fairs else None
            inputs = replace(residual.inputs if residual else boards_of(name, case.basis), margin=margin)
            total += residual_m3(inputs) * case.wood.species[name].volume_m3
    except Lacking:
        return None
    return total / line.volume_m3 if line.volume_m3 else None


def counter_offers(case: Case, margin: Decimal, wishes: Wishes | None = None) -> list[Floor | None]:
    """The floor of each line; ``None`` where its fair value is unknown or nothing, or nobody answers for it."""
    if all(line.worth is None for line in case.lines):
        return [None] * len(case.lines)
    terms = terms_of(case)
    return [_counter_offer(line, case, terms, margin, wishes or Wishes()) for line in case.lines]


def _counter_offer(line: JudgedLine, case: Case, terms: Conditions, margin: Decimal, wishes: Wishes) -> Floor | None:
    if line.fair is None or not line.fair.supported or line.volume_m3 is None or line.worth is None:
        return None
    volumes = [(line.fair.by_species[name], case.wood.species[name].volume_m3) for name in line.species]
    target, source = target_of(volumes, wishes)
    if terms.discount == 0 or target <= 0:
        return None
    price_m3 = floor_price_m3(target, ladder_m3(line.line, case.basis), terms)
    limit = buyer_limit_m3(line, case, margin)
    deal = None if limit is None else target <= limit
    own = _in_own_unit(price_m3, line, case.basis)
    return Floor(cents(target), source, own, _up(price_m3), None if limit is None else cents(limit), deal)


def terms_of(case: Case) -> Conditions:
    """What the contract does to each cubic metre it prices."""
    priced_m3 = sum((case.wood.species[name].volume_m3 for line in case.lines for name in line.species), ZERO)
    return conditions(case.offer, priced_m3, case.basis)


def _in_own_unit(price_m3: Decimal, line: JudgedLine, basis: Basis) -> Money | None:
    priced = line.line
    if isinstance(priced, Shared) or line.volume_m3 is None:
        return None
    units = {"per_tree": line.trees, "lump_sum": 1, "in_kind": 1}
    each = line.factor if isinstance(priced, PerVolume) else Decimal(units[priced.kind] or 0) / line.volume_m3
    if not each:
        return None
    price = price_m3 / each / (1 if basis.index is None else basis.index.factor)
    if priced.price.currency == "USD" and basis.fx is not None:
        return Money.model_construct(amount=_up(price / basis.fx.pen_per_usd), currency="USD")
    return Money.model_construct(amount=_up(price), currency="PEN")


def _up(amount: Decimal) -> Decimal:
    return max(amount, ZERO).quantize(CENT, ROUND_CEILING, _WIDE)
