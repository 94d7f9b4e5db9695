"""Honest lists in a clumped forest and the forged twin of each, for the rules over them."""

from dataclasses import replace
from functools import cache

import numpy as np

from deploy.corpus.facts import fitted_forest
from deploy.corpus.forest import honest_plan
from deploy.corpus.listing import Listing


@cache
def honest(number: int = 1) -> Listing:
    """A walked plan of 600 to 3,000 trees."""
    facts = fitted_forest()
    for attempt in range(50):
        plan = honest_plan(facts, np.random.default_rng([11, number, attempt]))
        steps = np.hypot(np.diff(plan.x_m), np.diff(plan.y_m))
        if 600 <= len(plan) <= 3_000 and np.median(steps) < 0.1 * np.sqrt(plan.land.area):
            return plan
    raise AssertionError("no such plan in fifty")


def moved(plan: Listing, east_m: float, north_m: float) -> Listing:
    """The plan without its polygon's place: every position shifted."""
    return replace(plan, x_m=plan.x_m + east_m, y_m=plan.y_m + north_m)


def rng(seed: int = 5) -> np.random.Generator:
    """A generator of its own for each forgery."""
    return np.random.default_rng(seed)
