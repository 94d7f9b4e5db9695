"""Prices of one market pooled over species, regions and time: hierarchical shrinkage as one Gaussian model of logs.

A log price is market + species + region + series, each with a part that stays and a part that moves and fades
(exponential in time), plus the noise of its cell. The mean is unknown (flat), so prices in another currency give the
same estimate in that currency. What is known of a thin cell is borrowed from its neighbours by these covariances alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.contracts.domain.estimate.parameters import Parameters, Spread

Floats = NDArray[np.float64]
# Rounds in which points that surprise the others lose weight; later rounds move no estimate by a thousandth.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when: ``None`` is all regions, or all species. Years count from any one day."""

    species: str | None
    region: str | None
    at_years: float


@dataclass(frozen=True, slots=True)
class Point:
    """The price of one cell at one time; ``noise`` is the variance of its log round what it tells of.

    ``voices`` are the parties behind it, each with the part of the deviation that its own leaning would cause: points
    of one party lean the same way, so ten cells of its reports know little more than one.
    """

    place: Place
    log_price: float
    noise: float
    voices: Mapping[str, float] = field(default_factory=dict)


def covariance(rows: Sequence[Place], columns: Sequence[Place], spread: Spread) -> Floats:
    """How log prices at two lists of places vary together, the unknown mean left aside."""
    gap = np.abs(_years(rows)[:, None] - _years(columns)[None, :])
    species = _alike([p.species for p in rows], [p.species for p in columns])
    region = _alike([p.region for p in rows], [p.region for p in columns])
    found = spread.market * np.exp(-gap / spread.market_years)
    found = found + species * (spread.species + spread.species_moving * np.exp(-gap / spread.species_years))
    found = found + region * (spread.region + spread.region_moving * np.exp(-gap / spread.region_years))
    series = species * region * (spread.series + spread.series_moving * np.exp(-gap / spread.series_years))
    return np.asarray(found + series, np.float64)


def leanings(points: Sequence[Point]) -> Floats:
    """How far points vary together because the same parties speak in them; nothing on the diagonal, it is noise."""
    columns = {party: n for n, party in enumerate(sorted({party for point in points for party in point.voices}))}
    parts = np.zeros((len(points), len(columns)))
    for n, point in enumerate(points):
        for party, part in point.voices.items():
            parts[n, columns[party]] = part
    together = parts @ parts.T
    np.fill_diagonal(together, 0.0)
    return np.asarray(together, np.float64)


def _years(places: Sequence[Place]) -> Floats:
    return np.array([place.at_years for place in places], float)


def _alike(rows: Sequence[str | None], columns: Sequence[str | None]) -> Floats:
    """1 where both name the same; ``None`` is nobody's name, also not its own."""
    codes = {name: number for number, name in enumerate(sorted({*rows, *columns} - {None}))}  # type: ignore[type-var]
    left = np.array([codes.get(name, -1) for name in rows])
    right = np.array([codes.get(name, -2) for name in columns])
    return np.asarray(left[:, None] == right[None, :], np.float64)


@dataclass(frozen=True, slots=True)
class Pool:
    """A market as the points tell it, ready to be asked."""

    spread: Spread
    places: tuple[Place, ...]
    inverse: Floats
    residual: Floats
    sums: Floats
    mean: float

    def means(self, targets: Sequence[Place]) -> Floats:
        """Mean of the log prices at the targets alone, which is far less work than how sure they are."""
        return np.asarray(self.mean + covariance(targets, self.places, self.spread) @ self.residual, np.float64)

    def belief(self, targets: Sequence[Place]) -> tuple[Floats, Floats]:
        """Mean and covariance of the log prices at the targets, without the noise of their own reports."""
        across = covariance(targets, self.places, self.spread)
        middle = self.mean + across @ self.residual
        unsure = 1.0 - across @ self.sums
        joint = covariance(targets, targets, self.spread) - across @ self.inverse @ across.T
        return middle, joint + np.outer(unsure, unsure) / self.sums.sum()


def pool(points: Sequence[Point], weights: Floats, spread: Spread, together: Floats | None = None) -> Pool:
    """Fit the points; a weight of one half doubles the noise of its point. At least one point is needed.

    ``together`` is their covariance where it is known already.
    """
    places = tuple(point.place for point in points)
    noise = np.array([point.noise for point in points]) / weights
    if together is None:
        together = covariance(places, places, spread)
    inverse = np.asarray(np.linalg.inv(together + np.diag(noise)), np.float64)
    prices = np.array([point.log_price for point in points])
    sums = inverse.sum(axis=0)
    mean = float(sums @ prices / sums.sum())
    return Pool(spread, places, inverse, inverse @ (prices - mean), sums, mean)


def without_each(fitted: Pool, prices: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of each point as all the others tell it, its own noise included (Dubrule 1983)."""
    projected = fitted.inverse - np.outer(fitted.sums, fitted.sums) / fitted.sums.sum()
    precision = np.maximum(np.diag(projected), 1e-12)
    return prices - projected @ prices / precision, 1.0 / precision


def by_the_others(middle: Floats, joint: Floats, prices: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of each new price as the pool and all other new prices tell it, its own noise included.

    ``joint`` is the covariance of the new prices by the pool, the noise of each on its diagonal.
    """
    inverse = np.linalg.inv(joint)
    precision = np.diag(inverse)
    return prices - inverse @ (prices - middle) / precision, 1.0 / precision


def belief_weights(error: Floats, variance: Floats, surprise: float) -> Floats:
    """How far points are believed that miss what the others say by ``error``: Student's t of ``surprise`` degrees."""
    weight: Floats = np.minimum(1.0, (surprise + 1.0) / (surprise + error**2 / variance))
    return weight


def fit(points: Sequence[Point], parameters: Parameters) -> Pool:
    """The pool with every point weighted by how well the others agree with it."""
    return fits(points, together(points, parameters.spread), parameters)[-1].pool


def together(points: Sequence[Point], spread: Spread) -> Floats:
    """How points vary together, the noise of each left aside."""
    places = [point.place for point in points]
    return covariance(places, places, spread) + leanings(points)


@dataclass(frozen=True, slots=True)
class Fit:
    """One round of ``fit``: the noise that each point was given, and what came of it."""

    noise: Floats
    pool: Pool


def fits(points: Sequence[Point], among: Floats, parameters: Parameters) -> list[Fit]:
    """Every round of ``fit``, the last one its answer; ``among`` is ``together`` of the points."""
    prices = np.array([point.log_price for point in points])
    noise = np.array([point.noise for point in points])
    weights = np.ones(len(points))
    found = [Fit(noise, pool(points, weights, parameters.spread, among))]
    for _ in range(ROUNDS if len(points) > 1 else 0):
        told, variance = without_each(found[-1].pool, prices)
        before, weights = weights, belief_weights(prices - told, variance, parameters.surprise)
        if np.array_equal(before, weights):  # as where all are believed in full: further rounds would change nothing
            break
        found.append(Fit(noise / weights, pool(points, weights, parameters.spread, among)))
    return found
