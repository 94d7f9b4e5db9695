"""F14: which input moves the answer most, one at a time (tornado), and 2,000 draws of all of them together.

Floating point stays in this file and leaves it rounded to the cent. Every input has a stream of its own, made from the
seed and its name, so two offers drawn with one seed meet the same prices and costs. Only raw bits of PCG64 and exact
IEEE operations (+ - * /) are used: no result depends on the version of numpy or on the machine.
"""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.contracts.domain.book import AFTER_MILL, CostBook, CostLine, PriceEntry, on_the_way
from services.contracts.domain.fair import Basis, Fair
from services.contracts.domain.floor import terms_of
from services.contracts.domain.judged import Case, JudgedLine, cents
from services.contracts.domain.lot import FactorSource
from services.contracts.domain.money import in_pen
from services.contracts.domain.price import (
    AnyLine,
    PaidRule,
    PerVolume,
    PointOfSale,
    Product,
    Shared,
    ShareOfRevenue,
    ShareOfVolume,
    Whole,
)
from shared.timber.measure import PT_PER_M3, Unit

Draws = NDArray[np.float64]
Bounds = tuple[float, float, float]
Made = TypeVar("Made")
PT = float(PT_PER_M3)
# Bounds are read as holding four times out of five: 1.2816 standard deviations to each side.
Z80 = 1.2815515655446004
_WORDS, _HALF, _WORD = 12, 65_535 / 2, 65_536.0
_LANES = np.uint64(0x0000FFFF0000FFFF)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The tenth, fiftieth and ninetieth of a hundred draws, in soles."""

    p10: Decimal
    p50: Decimal
    p90: Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    """What one input alone does to the fair value of a cubic metre and to the loss, from its low to its high figure."""

    input: str
    fair_low_m3: Decimal
    fair_high_m3: Decimal
    loss_low: Decimal
    loss_high: Decimal


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The tornado, widest loss first, and the joint draws. ``below`` is how many of the draws lose by the offer."""

    seed: int
    draws: int
    tornado: tuple[Bar, ...]
    fair_m3: Quantiles
    net_m3: Quantiles
    loss: Quantiles
    below: int


def sensitivity(case: Case) -> Sensitivity | None:
    """Both, for an offer whose worth and fair value are known; else ``None``."""
    if case.total.worth is None or case.total.fair is None:
        return None
    model = _Model(case)
    bounds: dict[str, Bounds] = {}

    def note(name: str, low: float, mid: float, high: float) -> Draws:
        if low < high:
            bounds[name] = (low, mid, high)
        return np.full(1, mid)

    model.run(note)
    drawn = model.run(lambda name, low, mid, high: _spread(case.basis, name, low, mid, high))
    return Sensitivity(
        case.basis.seed,
        case.basis.draws,
        _tornado(model, bounds),
        _quantiles(drawn.fair / drawn.volume, case.basis.draws),
        _quantiles(drawn.net / drawn.volume, case.basis.draws),
        _quantiles(drawn.fair - drawn.net, case.basis.draws),
        int(np.count_nonzero(np.broadcast_to(drawn.fair - drawn.net, (case.basis.draws,)) > 0)),
    )


def deviates(seed: int, name: str, count: int) -> Draws:
    """Nearly normal numbers: sums of twelve 16-bit integers, three words of raw PCG64 each, exact to the last bit."""
    stream = np.random.PCG64(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()))
    raw = stream.random_raw(count * _WORDS // 4)
    # Four 16-bit words a raw word are added two by two in lanes of 32 bits, then the lanes.
    lanes = (raw & _LANES) + ((raw >> np.uint64(16)) & _LANES)
    lanes = lanes[:count] + lanes[count : 2 * count] + lanes[2 * count :]
    total = ((lanes & np.uint64(0xFFFFFFFF)) + (lanes >> np.uint64(32))).astype(np.int64)
    return np.asarray((total - _WORDS * _HALF) / _WORD, np.float64)


def _spread(basis: Basis, name: str, low: float, mid: float, high: float) -> Draws:
    """Draws of one input: its own width to each side, never below nothing (a recovery or margin never above one)."""
    if not low < high:
        return np.full(1, mid)
    z = deviates(basis.seed, name, basis.draws)
    values = mid + z / Z80 * np.where(z > 0, high - mid, mid - low)
    return np.clip(values, 1e-6, 1.0 if name in ("recovery", "margin") else None)


def _tornado(model: "_Model", bounds: Mapping[str, Bounds]) -> tuple[Bar, ...]:
    """Every input at its low and at its high in one run: two columns of the draws for each of them."""
    if not bounds:
        return ()
    names = sorted(bounds)

    def one_at_a_time(name: str, low: float, mid: float, high: float) -> Draws:
        values = np.full(2 * len(names), mid)
        if name in bounds:
            values[2 * names.index(name)], values[2 * names.index(name) + 1] = low, high
        return values

    found = model.run(one_at_a_time)
    fair, loss = found.fair / found.volume, found.fair - found.net
    bars = [
        Bar(name, _cents(fair[2 * n]), _cents(fair[2 * n + 1]), _cents(loss[2 * n]), _cents(loss[2 * n + 1]))
        for n, name in enumerate(names)
    ]
    return tuple(sorted(bars, key=lambda bar: (-abs(bar.loss_high - bar.loss_low), bar.input)))


def _cents(amount: Any) -> Decimal:
    return cents(Decimal(float(amount)))


def _quantiles(values: Draws, count: int) -> Quantiles:
    ordered = np.sort(np.broadcast_to(values, (count,)))
    p10, p50, p90 = (_cents(ordered[math.ceil(count * tenths / 10) - 1]) for tenths in (1, 5, 9))
    return Quantiles(p10, p50, p90)


Draw = Callable[[str, float, float, float], Draws]


class _Sample:
    """The inputs of one run: each drawn once, whoever asks for it, and so is what is made of them alone."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._kept: dict[Any, Any] = {}

    def __call__(self, name: str, bounds: Callable[[], Bounds]) -> Draws:
        return self.once(name, lambda: self._draw(name, *bounds()))

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """What was made under this key before, else now."""
        if key not in self._kept:
            self._kept[key] = make()
        made: Made = self._kept[key]
        return made


@dataclass(slots=True)
class _Outcome:
    fair: Draws
    net: Draws
    volume: Draws


class _Model:
    """The judgement again in floating point, with every bounded input open to be drawn."""

    def __init__(self, case: Case) -> None:
        self._case, self._basis = case, case.basis
        self._factors: dict[tuple[str, PaidRule, Unit], tuple[Decimal, FactorSource]] = {}
        self._lines = [line for line in case.lines if line.gross]
        for line in self._lines:
            if isinstance(line.line, PerVolume):
                for name, one in zip(line.species, line.gross, strict=True):
                    if one.factor is not None:
                        self._factors[name, line.line.rule, line.line.unit] = (one.factor, one.factor_source)
        terms = terms_of(case)
        priced = float(sum((one.volume_m3 for line in self._lines for one in line.gross), Decimal(0)))
        self._discount = float(terms.discount)
        self._taken = float(terms.deductions_m3 - terms.advances_m3) * priced

    def run(self, draw: Draw) -> _Outcome:
        """Fair value, net and volume of the whole offer in soles and cubic metres."""
        once = _Sample(draw)
        whole = _Outcome(np.zeros(1), np.full(1, -self._taken), np.zeros(1))
        for line in self._lines:
            ladder = self._ladder(line.line, once)
            for name in line.species:
                fair_m3, volume = self._fair_m3(line, name, once), self._volume(name, once)
                gross = self._gross(line, name, volume, fair_m3, once)
                whole.fair = whole.fair + fair_m3 * volume
                whole.net = whole.net + gross * self._discount - ladder * volume
                whole.volume = whole.volume + volume
        return whole

    def _volume(self, species: str, sample: _Sample) -> Draws:
        wood = self._case.wood.species[species]
        return sample(f"volume {species}", lambda: (float(wood.low_m3), float(wood.volume_m3), float(wood.high_m3)))

    def _price(self, entry: PriceEntry, sample: _Sample) -> Draws:
        about = (entry.product.value, entry.species, entry.point_of_sale.value)
        return sample(f"price {' '.join(about)} {entry.observed_on} {entry.source}", lambda: self._bounds(entry))

    def _bounds(self, entry: PriceEntry | CostLine) -> Bounds:
        low, mid, high = (
            float(in_pen(getattr(entry, end) or entry.mid, self._basis.fx)) for end in ("low", "mid", "high")
        )
        return low, mid, high

    def _share(self, name: str, sample: _Sample) -> Draws:
        costs = self._basis.costs
        if costs is None:  # a price by volume needs no recovery
            return np.full(1, 0.0)
        share = getattr(costs, f"{name}_milli")
        low, high = (share.mid if end is None else end for end in (share.low, share.high))
        return sample(name, lambda: (low / 1_000, share.mid / 1_000, high / 1_000))

    def _cost(self, costs: CostBook, number: int, sample: _Sample) -> Draws:
        line = costs.lines[number]
        same = [one.step for one in costs.lines[:number]].count(line.step)
        return sample(line.step if not same else f"{line.step} {same + 1}", lambda: self._bounds(line))

    def _spent(self, sample: _Sample) -> Draws:
        """The cost of making boards of a round cubic metre: one for all species."""
        costs, spent = self._basis.costs, np.zeros(1)
        assert costs is not None, "boards are valued by a cost book"
        for number, line in enumerate(costs.lines):
            if line.step not in AFTER_MILL:
                spent = spent + self._cost(costs, number, sample)
        return spent

    def _boards_m3(self, entry: PriceEntry, sample: _Sample) -> tuple[Draws, Draws]:
        """Value of the boards of a round cubic metre, and the cost of making them."""
        costs = self._basis.costs
        assert costs is not None, "boards are valued by a cost book"
        price = self._price(entry, sample) * (PT if entry.unit is Unit.PT else 1.0)
        after = sum((in_pen(line.mid, self._basis.fx) for line in costs.after_mill(entry.point_of_sale)), Decimal(0))
        return (price - float(after)) * self._share("recovery", sample), sample.once(
            "spent", lambda: self._spent(sample)
        )

    def _fair_m3(self, line: JudgedLine, species: str, sample: _Sample) -> Draws:
        assert line.fair is not None
        fair = line.fair.by_species[species]
        if fair.method == "residual":
            boards, spent = self._boards_m3(fair.entry, sample)
            return np.maximum(boards / (1 + self._share("margin", sample)) - spent, 0.0)
        return np.maximum(self._market_m3(fair, species, sample), 0.0)

    def _market_m3(self, fair: Fair, species: str, sample: _Sample) -> Draws:
        entry = fair.entry
        factor = self._factor(species, entry.rule, entry.unit, sample)
        value = self._price(entry, sample) * factor
        return value - self._way(entry.product, entry.point_of_sale, sample) if entry.product is Product.LOG else value

    def _factor(self, species: str, rule: PaidRule, unit: Unit, sample: _Sample) -> Draws:
        key = (species, rule, unit)
        if key not in self._factors:
            self._factors[key] = self._case.wood.factor(*key, self._basis.recovery_milli)
        factor, source = self._factors[key]
        if source == "recovery":
            return self._share("recovery", sample) * (PT if unit is Unit.PT else 1.0)
        return np.full(1, float(factor))

    def _ladder(self, line: AnyLine, sample: _Sample) -> Draws:
        if line.product is Product.STANDING or isinstance(line, Shared):
            return np.zeros(1)
        way = (line.product, line.point_of_sale)
        return sample.once(way, lambda: self._way(*way, sample))

    def _way(self, product: Product, point: PointOfSale, sample: _Sample) -> Draws:
        costs, spent = self._basis.costs, np.zeros(1)
        assert costs is not None, "the way to the point of sale was counted by a cost book"
        for number, one in enumerate(costs.lines):
            if on_the_way(one, product, point):
                cost = self._cost(costs, number, sample)
                spent = spent + (cost * self._share("recovery", sample) if one.step in AFTER_MILL else cost)
        return spent

    def _gross(self, line: JudgedLine, species: str, volume: Draws, fair_m3: Draws, sample: _Sample) -> Draws:
        priced = line.line
        if isinstance(priced, Whole):
            return np.full(
                1, float(next(g.gross for n, g in zip(line.species, line.gross, strict=True) if n == species))
            )
        if isinstance(priced, PerVolume):
            factor = self._factor(species, priced.rule, priced.unit, sample)
            return float(self._basis.agreed(priced.price)) * factor * volume
        return self._shared_m3(line, species, fair_m3, sample) * (priced.share_milli / 1_000) * volume

    def _shared_m3(self, line: JudgedLine, species: str, fair_m3: Draws, sample: _Sample) -> Draws:
        priced = line.line
        if isinstance(priced, ShareOfVolume) and priced.buy_back is not None:
            bought = priced.buy_back
            return float(self._basis.agreed(bought.price)) * self._factor(species, bought.rule, bought.unit, sample)
        if isinstance(priced, ShareOfVolume):
            free = priced.product is Product.STANDING
            return fair_m3 + (0.0 if free else self._way(priced.product, priced.point_of_sale, sample))
        assert line.fair is not None
        sawn = line.fair.by_species[species].sawn
        assert sawn is not None, "a share of sales was valued by boards"
        boards, spent = self._boards_m3(sawn, sample)
        return boards if isinstance(priced, ShareOfRevenue) else np.maximum(boards - spent, 0.0)
