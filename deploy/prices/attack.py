"""People who lie to the estimator: how far one to four entities move it, however much they report.

Twelve honest entities report once each, log-normally round one price. The attackers' prices, dates, cells and evidence
vary. What counts is the move: the estimate with them over the estimate without them.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from services.contracts.domain.estimate import Cell, Observation, Parameters, Tier, clusters, estimate
from services.contracts.domain.estimate.robust import weighted_median

TRUE_PRICE, HONEST, SCATTER = 300.0, 12, 0.20
# Honest prices scatter by so much in the table by scatter, and at these shares the cleverest looks for the worst.
SCATTERS, CLEVER = (0.10, 0.20, 0.30, 0.45), (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
HUBER_K = 1.345
CELL = Cell("standing/stump", "Cedrelinga cateniformis", "ucayali")
ELSEWHERE = tuple(
    Cell("standing/stump", species, region)
    for species in ("Cedrelinga cateniformis", "Cedrela odorata")
    for region in ("loreto", "madre-de-dios", "junin", "pasco")
)
SHARES_PCT, ATTACKERS = (0, 10, 20, 30, 40), (1, 2, 3, 4)
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Attack:
    """What each attacker does: how often and at what share of the true price, on what evidence and days, and where."""

    name: str
    price_share: float = 0.5
    reports: int = 1
    every_days: int = 1
    tier: Tier = Tier.RECEIPT
    honest_tier: Tier = Tier.RECEIPT
    cells: Sequence[Cell] = (CELL,)
    related: bool = False
    clever: bool = False  # who knows all reports, and says of ``CLEVER`` what moves it most


ATTACKS = (
    Attack("one half-price receipt"),
    Attack("100 half-price receipts", reports=100),
    Attack("100 half-price sealed, honest only oral", reports=100, tier=Tier.SEALED, honest_tier=Tier.ORAL),
    Attack("100 half-price oral, honest receipts", reports=100, tier=Tier.ORAL),
    Attack("back-dated over four years", reports=48, every_days=30),
    Attack("in nine cells, four years", reports=48, every_days=30, cells=(CELL, *ELSEWHERE)),
    Attack("in eight others only, four years", reports=48, every_days=30, cells=ELSEWHERE),
    Attack("at 0.7 of the price", price_share=0.7, reports=100),
    Attack("at 0.85 of the price", price_share=0.85, reports=100),
    Attack("at the price that moves it most", clever=True),
    Attack("at twice the price", price_share=2.0, reports=100),
    Attack("known as related", reports=100, related=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """Honest reports, and what each way makes of them alone."""

    honest: list[Observation]
    before: Mapping[str, float]


class Trials:
    """So many seeded samples of honest reports, the same for every attack."""

    def __init__(self, parameters: Parameters, on: date, trials: int, seed: int) -> None:
        self.parameters, self.on, self.trials, self.seed = parameters, on, trials, seed
        self._samples: dict[tuple[Tier, float], list[Sample]] = {}

    def shares(self) -> list[dict[str, Any]]:
        """The move in per cent when attackers file so many per cent of all reports of the cell at half price."""
        rows = []
        for attackers in ATTACKERS:
            for share in SHARES_PCT:
                filed = round(HONEST * share / (100 - share))
                moves = self._moves(Attack("half price", reports=filed), attackers, split=True)
                rows.append({"attackers": attackers, "share_pct": share, "reports": filed} | moves)
        return rows

    def kinds(self) -> list[dict[str, Any]]:
        """The move in per cent by kind of attack, for one to four entities."""
        return [
            {"attack": attack.name, "attackers": attackers} | self._moves(attack, attackers)
            for attack in ATTACKS
            for attackers in ATTACKERS
        ]

    def scatters(self) -> list[dict[str, Any]]:
        """One attacker where honest prices scatter by less or more, at half price and at the worst one."""
        kinds = [attack for attack in ATTACKS if attack.clever or attack == ATTACKS[0]]
        return [
            {"scatter": scatter, "attack": attack.name} | self._moves(attack, 1, scatter=scatter)
            for scatter in SCATTERS
            for attack in kinds
        ]

    def misses(self) -> list[dict[str, Any]]:
        """What the defence costs: by how many per cent honest reports alone miss the true price (RMSE of the logarithm)."""
        return [
            {"scatter": scatter} | {name: self._missed(name, scatter) for name in WAYS} for scatter in SCATTERS
        ]  # fmt: skip

    def _missed(self, way: str, scatter: float) -> float:
        missed = [math.log(one.before[way] / TRUE_PRICE) for one in self._of(Tier.RECEIPT, scatter)]
        return round(100 * math.sqrt(math.fsum(one**2 for one in missed) / len(missed)), 2)

    def _moves(
        self, attack: Attack, attackers: int, *, split: bool = False, scatter: float = SCATTER
    ) -> dict[str, Any]:  # fmt: skip
        """Mean of the moves, and the 95th percentile and the most of their size, by each way. ``split`` shares the reports
        out among the attackers instead of giving each of them all."""
        moved: dict[str, list[float]] = {name: [] for name in WAYS}
        tried = [replace(attack, price_share=share) for share in CLEVER] if attack.clever else [attack]
        lies = [_false(one, attackers, self.on, split) for one in tried]
        names = [f"attacker-{n}" for n in range(attackers)]
        parties = clusters(pairwise(names)) if attack.related else {}
        for sample in self._of(attack.honest_tier, scatter):
            for name, way in WAYS.items():
                before = sample.before[name]
                after = [
                    way([*sample.honest, *false], self.on, self.parameters, parties) if false else before
                    for false in lies
                ]
                moved[name].append(max((100 * (one / before - 1) for one in after), key=abs))
        return {name: _summed_up(of) for name, of in moved.items()}

    def _of(self, tier: Tier, scatter: float) -> list[Sample]:
        if (tier, scatter) not in self._samples:
            random = np.random.default_rng(self.seed)
            drawn = [_honest(random, self.on, tier, scatter) for _ in range(self.trials)]
            self._samples[tier, scatter] = [
                Sample(honest, {name: way(honest, self.on, self.parameters, {}) for name, way in WAYS.items()})
                for honest in drawn
            ]
        return self._samples[tier, scatter]


def _summed_up(moves: Sequence[float]) -> dict[str, float]:
    sizes = np.abs(moves)
    found = {"mean": np.mean(moves), "p95": np.quantile(sizes, 0.95), "most": sizes.max()}
    return {name: round(float(value), 2) for name, value in found.items()}


def _honest(random: Random, on: date, tier: Tier, scatter: float) -> list[Observation]:
    prices = TRUE_PRICE * np.exp(random.normal(0.0, scatter, HONEST))
    days = random.integers(0, 365, HONEST)
    return [
        Observation(f"honest-{n}", CELL, _money(price), tier, f"honest-{n}", on - timedelta(days=int(day)))
        for n, (price, day) in enumerate(zip(prices, days, strict=True))
    ]


def _false(attack: Attack, attackers: int, on: date, split: bool) -> list[Observation]:
    price = _money(TRUE_PRICE * attack.price_share)
    found = []
    for n in range(attackers):
        mine = range(n, attack.reports, attackers) if split else range(attack.reports)
        for k in mine:
            day = on - timedelta(days=k * attack.every_days)
            found += [
                Observation(f"false-{n}-{k}-{m}", cell, price, attack.tier, f"attacker-{n}", day)
                for m, cell in enumerate(attack.cells)
            ]
    return found


def _money(price: float) -> Decimal:
    return Decimal(f"{price:.2f}")


# ---- what the estimator is held against

Way = Callable[[Sequence[Observation], date, Parameters, Mapping[str, str]], float]


def _ours(reports: Sequence[Observation], on: date, parameters: Parameters, parties: Mapping[str, str]) -> float:
    return float(estimate(reports, (CELL,), on, parameters, parties)[0].mid)


def _mean(reports: Sequence[Observation], *_: object) -> float:
    return float(np.mean([float(one.price) for one in reports if one.cell == CELL]))


def _capped_huber(
    reports: Sequence[Observation], on: date, parameters: Parameters, _: Mapping[str, str]
) -> float:  # fmt: skip
    """The reference: weights decay, each entity's total is capped to its best, Huber from the weighted median."""
    rows = []
    for one in reports:
        age = (on - one.observed_on).days
        if one.cell == CELL:
            weight = parameters.tiers[one.tier] * 0.5 ** (age / parameters.half_life_days)
            rows.append((one.entity, math.log(one.price), weight))
    total: dict[str, float] = {}
    best: dict[str, float] = {}
    for entity, _price, weight in rows:
        total[entity] = total.get(entity, 0.0) + weight
        best[entity] = max(best.get(entity, 0.0), weight)
    y = np.array([price for _, price, _ in rows])
    w = np.array([weight * best[entity] / total[entity] for entity, _, weight in rows])
    middle = weighted_median(y, w)
    scale = max(1.4826 * weighted_median(np.abs(y - middle), w), parameters.least_scale)
    for _step in range(60):
        kept = w * np.minimum(1.0, HUBER_K * scale / np.maximum(np.abs(y - middle), 1e-12))
        middle = float((kept * y).sum() / kept.sum())
    return math.exp(middle)


WAYS: Mapping[str, Way] = {"mean": _mean, "capped_huber": _capped_huber, "estimate": _ours}
