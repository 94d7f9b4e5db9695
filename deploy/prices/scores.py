"""How far estimates were off: median errors by size of the cell, coverage of bands, gains with their intervals."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.prices.rivals import History, Series
from services.contracts.domain.estimate.parameters import LEVELS
from services.contracts.domain.estimate.rolling import Held, PanelCell

# Classes of a cell by the reports behind what it turned out to be.
SIZES = (("all", 1, 10**9), ("1-10", 1, 10), ("11-20", 11, 20), ("over 20", 21, 10**9))
RESAMPLES = 500
RIVALS = ("last", "median", "reference", "in_force")
Values = NDArray[np.float64]
Errors = dict[str, Values]


@dataclass(frozen=True, slots=True)
class Scored:
    """Cells of which a price came and had come before, with the error in logs of each way to estimate them."""

    cells: Sequence[PanelCell]
    errors: Errors

    def size(self, least: int, most: int) -> NDArray[np.bool_]:
        return np.array([least <= cell.reports <= most for cell in self.cells])


def score(held: Sequence[Held], history: History, in_force: Sequence[Held] | None, *, same_year: bool) -> Scored:
    """Errors of the estimator and its rivals on the same cells: those with an earlier price of their own. ``in_force`` is
    what the parameters in force say of the same cells, where others are tried."""
    reference = history.reference(same_year=same_year)
    ways: dict[str, Callable[[PanelCell], float]] = {
        "last": history.last_price, "median": history.median_price, "reference": reference,
    }  # fmt: skip
    if in_force is not None:
        means = {(one.cell.year, one.cell.series): one.mean for one in in_force}
        ways["in_force"] = lambda cell: means[cell.year, cell.series]
    counted: list[Held] = []
    errors: dict[str, list[float]] = defaultdict(list)
    for one in held:
        if one.cell.price is None or not history.knows(one.cell):
            continue
        counted.append(one)
        came = math.log(one.cell.price)
        errors["estimate"].append(one.mean - came)
        for name, way in ways.items():
            said = way(one.cell)
            errors[name].append(math.nan if said is None else said - came)
    return Scored([one.cell for one in counted], {name: np.array(errors[name]) for name in ("estimate", *ways)})


def error_table(scored: Scored) -> list[dict[str, Any]]:
    """For each size of cell how many there are, and of each way the median absolute error in per cent and the RMSE."""
    rows = []
    for name, least, most in SIZES:
        inside = scored.size(least, most)
        row: dict[str, Any] = {"reports": name, "cells": int(inside.sum())}
        if row["cells"]:
            for way, errors in scored.errors.items():
                row[way] = {
                    "median_error_pct": round(_median(100 * np.abs(np.expm1(errors[inside]))), 2),
                    "rmse_ln": round(float(np.sqrt(np.mean(errors[inside] ** 2))), 3),
                }
        rows.append(row)
    return rows


def gains(scored: Scored, seed: int) -> list[dict[str, Any]]:
    """Points of median error saved against each rival, with a 95 % interval from resampling whole series."""
    missed = {name: 100 * np.abs(np.expm1(errors)) for name, errors in scored.errors.items()}
    rivals = [name for name in RIVALS if name in missed]
    sizes = [(name, scored.size(least, most)) for name, least, most in SIZES]
    sizes = [(name, inside) for name, inside in sizes if inside.sum() > 1]

    def saved(rows: NDArray[np.int64]) -> list[list[float]]:
        parts = [rows[inside[rows]] for _, inside in sizes]
        ours = [_median(missed["estimate"][part]) for part in parts]
        return [[_median(missed[r][part]) - our for r in rivals] for part, our in zip(parts, ours, strict=True)]

    clusters, random = _clusters(scored), np.random.default_rng(seed)
    draws = [
        saved(np.concatenate([clusters[n] for n in random.integers(0, len(clusters), len(clusters))]))
        for _ in range(RESAMPLES if sizes else 0)
    ]
    points = saved(np.arange(len(scored.cells)))
    return [
        {"reports": name, "over": rival, "points": round(points[m][n], 2)}
        | dict(zip(("low", "high"), _between([draw[m][n] for draw in draws]), strict=True))
        for m, (name, _) in enumerate(sizes)
        for n, rival in enumerate(rivals)
    ]


def _between(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.nanquantile(values, (0.025, 0.975))
    return round(float(low), 2), round(float(high), 2)


def _median(values: Values) -> float:
    if not values.size:
        return math.nan
    middle = (values.size - 1) // 2, values.size // 2
    return float(np.partition(values, middle)[list(middle)].mean())


def coverage(held: Sequence[Held]) -> list[dict[str, Any]]:
    """The share in per cent of cells that fell within each band, by size and by year; all cells with a price count."""
    known = [one for one in held if one.cell.price is not None]
    groups = [(f"reports {name}", [h for h in known if low <= h.cell.reports <= high]) for name, low, high in SIZES]
    groups += [(str(year), [h for h in known if h.cell.year == year]) for year in sorted({h.cell.year for h in known})]
    return [
        {"of": name, "cells": len(rows)}
        | {str(level): round(100 * sum(_inside(one, level) for one in rows) / len(rows), 1) for level in LEVELS}
        for name, rows in groups
        if rows
    ]


def _inside(one: Held, level: int) -> bool:
    low, high = one.bounds(level)
    return one.cell.price is not None and low <= one.cell.price <= high


def _clusters(scored: Scored) -> list[NDArray[np.int64]]:
    rows: dict[Series, list[int]] = defaultdict(list)
    for number, cell in enumerate(scored.cells):
        rows[cell.series].append(number)
    return [np.array(numbers) for _, numbers in sorted(rows.items())]
