"""A market fitted again without one of its parties, from the fit of the whole.

A party speaks in few points, and without it few others are believed more or less than before. So each round is the
round of the whole with some rows changed (Woodbury's identity): the figures of a fit from nothing, to the rounding of
floats, for a fraction of its work. Where most rows change it is fitted from nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.domain.estimate.parameters import Parameters
from services.contracts.domain.estimate.pooled import (
    ROUNDS,
    Fit,
    Floats,
    Place,
    Point,
    belief_weights,
    covariance,
    fits,
    together,
)

# Beyond this share of rows that change, a fit from nothing is less work (measured).
MOST_CHANGED = 0.5
# A noise that changes by less, of itself, is the same noise: a rounding of floats.
SAME_NOISE = 1e-12


class Whole:
    """A market fitted once, to be asked what it would tell of some places without some of its points."""

    def __init__(self, points: Sequence[Point], parameters: Parameters, targets: Sequence[Place]) -> None:
        self._points, self._parameters, self._targets = points, parameters, targets
        self._places = [point.place for point in points]
        self._prices = np.array([point.log_price for point in points])
        self._noise = np.array([point.noise for point in points])
        parties = sorted({party for point in points for party in point.voices})
        self._columns = {party: n for n, party in enumerate(parties)}
        self._voices = self._parts(points)
        self._among = together(points, parameters.spread)
        self._fits = fits(points, self._among, parameters)
        self._across = covariance(targets, self._places, parameters.spread)
        self.means, self.joint = self._fits[-1].pool.belief(targets)

    def means_without(self, changed: Mapping[int, Point | None]) -> Floats:
        """Mean of the log prices at the targets with some points changed, or gone where they are ``None``.

        At least one point must be left.
        """
        kept = {n: point for n, point in sorted(changed.items()) if point is not None}
        gone = np.array(sorted(n for n, point in changed.items() if point is None), int)
        asked = _Asked(
            gone, np.array(list(kept), int), self._moved(kept), self._replaced(self._prices, kept, "log_price"),
            self._replaced(self._noise, kept, "noise"),
        )  # fmt: skip
        across = self._across.copy()
        if kept:
            across[:, asked.kept] = covariance(
                self._targets, [point.place for point in kept.values()], self._parameters.spread
            )
        if len(changed) > MOST_CHANGED * len(self._points):
            return self._from_nothing(kept, asked, across)
        mean, residual = self._refit(asked)
        return np.asarray(mean + across @ residual, np.float64)

    def _refit(self, asked: "_Asked") -> tuple[float, Floats]:
        """The rounds of ``fit``, each from the round of the whole that is nearest to it."""
        weights = np.ones(len(self._points))
        rounds = ROUNDS if len(self._points) - len(asked.gone) > 1 else 0
        for number in range(rounds + 1):
            base = self._fits[min(number, len(self._fits) - 1)]
            step = _Step(base, asked, asked.noise / weights)
            mean, residual, sums = step.told()
            if number == rounds:
                break
            precision = np.maximum(step.diagonal() - sums**2 / sums.sum(), 1e-12)
            before, weights = weights, belief_weights(residual / precision, 1.0 / precision, self._parameters.surprise)
            weights[asked.gone] = 1.0
            if np.array_equal(before, weights):
                break
        return mean, residual

    def _from_nothing(self, kept: Mapping[int, Point], asked: "_Asked", across: Floats) -> Floats:
        among = self._among.copy()
        among[asked.kept] += asked.moved.T
        among[:, asked.kept] += asked.moved
        left = np.setdiff1d(np.arange(len(self._points)), asked.gone)
        points = [kept.get(n, self._points[n]) for n in left.tolist()]
        found = fits(points, among[np.ix_(left, left)], self._parameters)[-1].pool
        return np.asarray(found.mean + across[:, left] @ found.residual, np.float64)

    def _moved(self, kept: Mapping[int, Point]) -> Floats:
        """How far the covariances of the kept points with all others move, a column each; between two of them, half."""
        rows, new = list(kept), list(kept.values())
        if not rows:
            return np.zeros((len(self._points), 0))
        places, voices = [*self._places], self._voices.copy()
        voices[rows] = self._parts(new)
        for n, point in kept.items():
            places[n] = point.place
        found = covariance(places, [point.place for point in new], self._parameters.spread)
        found = found + voices @ voices[rows].T - self._among[:, rows]
        found[rows, range(len(rows))] = 0.0
        found[rows] /= 2
        return np.asarray(found, np.float64)

    def _parts(self, points: Sequence[Point]) -> Floats:
        parts = np.zeros((len(points), len(self._columns)))
        for n, point in enumerate(points):
            for party, part in point.voices.items():
                parts[n, self._columns[party]] = part
        return parts

    @staticmethod
    def _replaced(values: Floats, kept: Mapping[int, Point], name: str) -> Floats:
        found = values.copy()
        for n, point in kept.items():
            found[n] = getattr(point, name)
        return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """Points that are gone and that are kept otherwise, what moves their covariances, and what all of them then say."""

    gone: NDArray[np.int_]
    kept: NDArray[np.int_]
    moved: Floats
    prices: Floats
    noise: Floats


class _Step:
    """One round without some points: the inverse of the whole's round, less ``U inv(K) U'``.

    The change of the matrix is ``W G W'``; W has a unit column for each row whose noise changes (without bound where the
    point is gone) or whose covariances move, and a column of the move for each of the latter. ``U`` is the inverse times
    W, and ``K`` is ``inv(G) + W' U``.
    """

    def __init__(self, base: Fit, asked: _Asked, noise: Floats) -> None:
        self._inverse, self._prices = base.pool.inverse, asked.prices
        by = noise - base.noise
        other = np.abs(by) > SAME_NOISE * base.noise
        other[asked.gone] = other[asked.kept] = False
        rows = np.concatenate([asked.kept, np.flatnonzero(other), asked.gone])
        moving, free = len(asked.kept), len(rows)
        moved = self._inverse @ asked.moved
        self._u = np.concatenate([self._inverse[:, rows], moved], axis=1)
        middle = np.zeros((free + moving, free + moving))
        middle[:, :free] = self._u[rows].T
        middle[:free, free:], middle[free:, free:] = moved[rows], asked.moved.T @ moved
        single, pairs = np.arange(moving, moving + int(other.sum())), np.arange(moving)
        middle[single, single] += 1.0 / by[rows[single]]
        middle[pairs, free + pairs] += 1.0
        middle[free + pairs, pairs] += 1.0
        middle[free + pairs, free + pairs] -= by[asked.kept]
        self._middle = middle

    def told(self) -> tuple[float, Floats, Floats]:
        """The mean, the residual and the sums of the rows, as a ``Pool`` has them."""
        asked = np.stack([np.ones_like(self._prices), self._prices], axis=1)
        found = self._inverse @ asked - self._u @ np.linalg.solve(self._middle, self._u.T @ asked)
        sums = found[:, 0]
        mean = float(sums @ self._prices / sums.sum())
        return mean, np.asarray(found[:, 1] - mean * sums, np.float64), np.asarray(sums, np.float64)

    def diagonal(self) -> Floats:
        """The diagonal of the inverse."""
        taken = np.linalg.solve(self._middle, self._u.T)
        return np.asarray(np.diag(self._inverse) - np.einsum("nk,kn->n", self._u, taken), np.float64)
