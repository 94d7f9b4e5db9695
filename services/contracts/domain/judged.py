"""An offer judged: each line and the whole, with what was paid, what it is worth, and what could not be computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.contracts.domain.fair import Basis, Fair, fair_value
from services.contracts.domain.gap import CUSTODY_DOWN, LOT_UNKNOWN, NO_VALUE, SUPPORT, VOLUME, Gap, Lacking
from services.contracts.domain.known import NOTHING_KNOWN, Known
from services.contracts.domain.lot import FactorSource, Wood
from services.contracts.domain.money import CENT
from services.contracts.domain.offer import Offer
from services.contracts.domain.price import AnyLine
from services.contracts.domain.residual import disproportion, loss
from services.contracts.domain.verdict import Cause, Thresholds, Verdict, judge, waterfall
from services.contracts.domain.worth import Conditions, Gross, Worth, conditions, gross_of, ladder_m3, total, worth_of
from shared.timber.measure import half_up

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class FairSum:
    """Fair value of some wood in soles, and of its boards where the residual method knows them."""

    volume_m3: Decimal
    low: Decimal
    mid: Decimal
    high: Decimal
    boards: Decimal | None
    by_species: Mapping[str, Fair]
    supported: bool = True

    def __add__(self, other: "FairSum") -> "FairSum":
        boards = None if self.boards is None or other.boards is None else self.boards + other.boards
        return FairSum(
            self.volume_m3 + other.volume_m3,
            self.low + other.low,
            self.mid + other.mid,
            self.high + other.high,
            boards,
            {**self.by_species, **other.by_species},
            self.supported and other.supported,
        )


def _fair_of(species: str, wood: Wood, basis: Basis) -> FairSum:
    fair, volume_m3 = fair_value(species, wood, basis), wood.species[species].volume_m3
    boards = None if fair.residual is None else fair.residual.inputs.gross_m3 * volume_m3
    low, mid, high = (amount * volume_m3 for amount in (fair.low_m3, fair.mid_m3, fair.high_m3))
    return FairSum(volume_m3, low, mid, high, boards, {species: fair}, fair.supported(basis))


def cents(amount: Decimal) -> Decimal:
    """Rounded to the cent, as every figure is that a verdict rests on: what is shown is what was judged."""
    return half_up(amount, CENT)


@dataclass(frozen=True, slots=True)
class Judged:
    """One line, or the whole offer. ``None`` stands for what could not be computed; ``gaps`` says why."""

    volume_m3: Decimal | None
    trees: int | None
    worth: Worth | None
    fair: FairSum | None
    verdict: Verdict
    gaps: tuple[Gap, ...]

    @property
    def net_m3(self) -> Decimal | None:
        """Soles for each base cubic metre, standing, net to the community, present value at signature."""
        return None if self.worth is None else cents(self.worth.net / self.worth.volume_m3)

    @property
    def fair_m3(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """Low, middle and high of the fair value for each cubic metre."""
        if self.fair is None:
            return None
        volume_m3 = self.fair.volume_m3
        return cents(self.fair.low / volume_m3), cents(self.fair.mid / volume_m3), cents(self.fair.high / volume_m3)

    @property
    def losses(self) -> tuple[Decimal, Decimal] | None:
        """F15 against the low and the middle fair value, in soles; less than nothing where the offer is better."""
        if self.worth is None or self.fair is None:
            return None
        volume_m3, net_m3 = self.worth.volume_m3, self.worth.net / self.worth.volume_m3
        low, mid = (loss(volume_m3, amount / volume_m3, net_m3) for amount in (self.fair.low, self.fair.mid))
        return cents(low), cents(mid)

    @property
    def disproportion(self) -> Decimal | None:
        """F17, to four decimals."""
        if self.net_m3 is None or self.fair_m3 is None or self.fair_m3[1] <= 0:
            return None
        return half_up(disproportion(self.net_m3, self.fair_m3[1]), Decimal("0.0001"))

    @property
    def value_share(self) -> Decimal | None:
        """F16: what the community receives of the value of the boards, to four decimals."""
        if self.worth is None or self.fair is None or not self.fair.boards:
            return None
        return half_up(self.worth.net / self.fair.boards, Decimal("0.0001"))

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The waterfall from the middle fair value to the net; empty when one of them is unknown."""
        if self.worth is None or self.fair_m3 is None:
            return ()
        return waterfall([self.fair_m3[1], *(cents(level) for level in self.worth.levels_m3)])


@dataclass(frozen=True, slots=True)
class JudgedLine(Judged):
    """One price line over the species of the lot that it prices."""

    number: int
    line: AnyLine
    species: tuple[str, ...]
    gross: tuple[Gross, ...]

    @property
    def factor(self) -> Decimal | None:
        """Units of the rule for each cubic metre, over the species of the line together."""
        if not self.gross or any(one.factor is None for one in self.gross):
            return None
        paid = sum((one.factor * one.volume_m3 for one in self.gross if one.factor is not None), ZERO)
        return paid / sum((one.volume_m3 for one in self.gross), ZERO)

    @property
    def factor_source(self) -> FactorSource | None:
        """The weakest source among the species of the line."""
        order: Sequence[FactorSource] = (
            "taken_equal", "distribution", "logs", "custody", "recovery", "same_rule", "volume",
        )  # fmt: skip
        return min((one.factor_source for one in self.gross), key=order.index, default=None)


@dataclass(frozen=True, slots=True)
class Case:
    """An offer, its wood, the basis, and what came of them: all a flag or a sentence may look at."""

    offer: Offer
    wood: Wood
    basis: Basis
    lines: tuple[JudgedLine, ...]
    total: Judged
    known: Known = NOTHING_KNOWN

    @property
    def fairs(self) -> Mapping[str, Fair]:
        """Fair value of each priced species for which it is known."""
        return {name: fair for line in self.lines if line.fair for name, fair in line.fair.by_species.items()}

    @property
    def residual_low(self) -> Decimal | None:
        """Low bound of the residual value of all priced wood, in soles; ``None`` where a species has none."""
        fairs = self.fairs
        amounts = [
            residual.low_m3 * self.wood.species[name].volume_m3
            for line in self.lines
            for name in line.species
            if (residual := fairs[name].residual if name in fairs else None) is not None
        ]
        return sum(amounts, ZERO) if amounts and len(amounts) == sum(len(line.species) for line in self.lines) else None


def judge_offer(offer: Offer, wood: Wood, basis: Basis, thresholds: Thresholds, known: Known = NOTHING_KNOWN) -> Case:
    """Every line and the whole. What cannot be computed is a gap, and leaves its verdict at ``no_answer``."""
    basis = replace(basis, region=offer.region)
    covered: list[list[str]] = [[] for _ in offer.lines]
    for name in wood.species:
        number = offer.line_of(name)
        if number is not None:
            covered[number].append(name)
    priced_m3 = sum((wood.species[name].volume_m3 for names in covered for name in names), ZERO)
    try:
        terms: Conditions | Lacking = conditions(offer, priced_m3, basis) if priced_m3 else Lacking(VOLUME)
    except Lacking as lacking:
        terms = lacking
    lines = tuple(
        _judge_line(number, offer, covered[number], wood, basis, terms, thresholds)
        for number in range(len(offer.lines))
    )
    return Case(offer, wood, basis, lines, _judge_total(lines, wood, thresholds), known)


def _judge_line(
    number: int,
    offer: Offer,
    covered: Sequence[str],
    wood: Wood,
    basis: Basis,
    terms: Conditions | Lacking,
    thresholds: Thresholds,
) -> JudgedLine:
    line = offer.lines[number]
    gaps: list[Gap] = []
    gross: tuple[Gross, ...] = ()
    worth: Worth | None = None
    fair: FairSum | None = None
    if not _names_only_what_is_there(line, wood):
        gaps.append(VOLUME)
    try:
        gross = tuple(gross_of(line, name, covered, wood, basis) for name in covered)
        ladder = ladder_m3(line, basis)
        if isinstance(terms, Lacking):
            raise terms
        worth = total(worth_of(one, ladder, terms) for one in gross) if not gaps else None
    except Lacking as lacking:
        gaps += lacking.gaps
    for name in covered:
        try:
            one = _fair_of(name, wood, basis)
            fair = one if fair is None else fair + one
        except Lacking as lacking:
            gaps += lacking.gaps
    if fair is not None and len(fair.by_species) < len(covered):
        fair = None
    gaps += _unsupported(fair) + _worthless(fair)
    volume_m3 = sum((wood.species[name].volume_m3 for name in covered), ZERO) or None
    return JudgedLine(
        volume_m3,
        _trees(wood, covered),
        worth,
        fair,
        _verdict(worth, fair, thresholds),
        tuple(dict.fromkeys(gaps)),
        number,
        line,
        tuple(covered),
        gross,
    )


def _worthless(fair: FairSum | None) -> list[Gap]:
    """Wood that does not pay its harvest has no standing value to compare an offer with."""
    return [NO_VALUE] if fair is not None and cents(fair.mid / fair.volume_m3) <= 0 else []


def _unsupported(fair: FairSum | None) -> list[Gap]:
    """Figures that nobody answers for are shown, and nothing is judged by them."""
    return [] if fair is None or fair.supported else [SUPPORT]


def _names_only_what_is_there(line: AnyLine, wood: Wood) -> bool:
    return line.species == "any" or all(name in wood.species for name in line.species)


def _judge_total(lines: Sequence[JudgedLine], wood: Wood, thresholds: Thresholds) -> Judged:
    """The whole. A line for any other species does not count where no other species is there."""
    counted = [line for line in lines if line.species or line.line.species != "any"] or lines
    fairs = [line.fair for line in counted if line.fair is not None]
    fair = _sum_fair(fairs) if len(fairs) == len(counted) else None
    unread = {"unavailable": (CUSTODY_DOWN,), "not_found": (LOT_UNKNOWN,)}.get(wood.custody, ())
    # One species that does not pay its harvest leaves an answer for the others.
    of_lines = (gap for line in counted for gap in line.gaps if gap is not NO_VALUE)
    gaps = tuple(dict.fromkeys((*unread, *of_lines, *_worthless(fair))))
    worths = [line.worth for line in counted if line.worth is not None]
    worth = total(worths) if len(worths) == len(counted) else None
    names = [name for line in counted for name in line.species]
    volume_m3 = sum((line.volume_m3 for line in counted if line.volume_m3 is not None), ZERO) or None
    return Judged(volume_m3, _trees(wood, names), worth, fair, _verdict(worth, fair, thresholds), gaps)


def _sum_fair(fairs: Iterable[FairSum]) -> FairSum:
    first, *others = fairs
    for other in others:
        first = first + other
    return first


def _trees(wood: Wood, names: Iterable[str]) -> int | None:
    counts = [wood.species[name].trees for name in names]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _verdict(worth: Worth | None, fair: FairSum | None, thresholds: Thresholds) -> Verdict:
    if worth is None or fair is None or not fair.supported:
        return Verdict.NO_ANSWER
    volume_m3 = fair.volume_m3
    low, mid = cents(fair.low / volume_m3), cents(fair.mid / volume_m3)
    return judge(cents(worth.net / worth.volume_m3), low, mid, thresholds)
