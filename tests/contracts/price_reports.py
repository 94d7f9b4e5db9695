"""Builders of price reports: a valid one, of which a test states only what matters to it."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from services.contracts.domain.estimate import Cell, Estimate, Observation, Parameters, Tier, estimate
from services.contracts.shipped import estimator

ON = date(2026, 11, 1)
TORNILLO = Cell("standing/stump", "Cedrelinga cateniformis", "ucayali")
NEXT_RIVER = Cell("standing/stump", "Cedrelinga cateniformis", "loreto")
CEDRO = Cell("standing/stump", "Cedrela odorata", "ucayali")


def parameters() -> Parameters:
    return estimator(ON)


def a_report(
    price: str | Decimal = "300.00", entity: str = "c-1", *, cell: Cell = TORNILLO, tier: Tier = Tier.RECEIPT,
    days_ago: int = 30, named: str | None = None,
) -> Observation:  # fmt: skip
    day = ON - timedelta(days=days_ago)
    return Observation(named or f"{entity}/{cell}/{day}/{price}", cell, Decimal(price), tier, entity, day)


def honest(
    count: int = 12, *, seed: int = 1, scatter: float = 0.2, cell: Cell = TORNILLO, tier: Tier = Tier.RECEIPT
) -> list[Observation]:
    """So many entities, one report each, round S/ 300."""
    prices = 300 * np.exp(np.random.default_rng(seed).normal(0, scatter, count))
    return [a_report(f"{p:.2f}", f"honest-{n}", cell=cell, tier=tier, days_ago=20 * n) for n, p in enumerate(prices)]


def of(reports: Sequence[Observation], cell: Cell = TORNILLO, parties: dict[str, str] | None = None) -> Estimate:
    return estimate(reports, (cell,), ON, parameters(), parties)[0]
