"""The middle of a few votes that no single voter can carry away, for one cell or for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.domain.estimate.parameters import Parameters

Floats = NDArray[np.float64]
# Points at which the middle's distribution is taken, at most so far from the median, and rows looked at in one go.
POINTS, FURTHEST, AT_ONCE = 121, 1.8, 16


@dataclass(frozen=True, slots=True)
class Middle:
    """Robust mean of log prices, their robust scale, and what share of its weight each vote kept."""

    mean: float
    scale: float
    kept: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Middles:
    """The same of many cells, a row each; ``kept`` has a column for each vote, in the order given."""

    mean: Floats
    scale: Floats
    kept: Floats


def weighted_median(values: Sequence[float] | Floats, weights: Sequence[float] | Floats) -> float:
    """The interpolated weighted median: half the weight lies on either side, each value holding its weight's middle."""
    return float(weighted_medians(np.asarray(values, float)[None, :], np.asarray(weights, float)[None, :])[0])


def weighted_medians(values: Floats, weights: Floats) -> Floats:
    """The same of each row. A row shorter than the others is filled up with votes of no weight."""
    real = weights > 0
    order = np.argsort(np.where(real, values, np.inf), axis=1, kind="stable")
    top = np.max(values, axis=1, where=real, initial=-np.inf)[:, None]
    ordered = np.take_along_axis(np.where(real, values, top), order, axis=1)
    mass = np.take_along_axis(weights, order, axis=1)
    at = (np.cumsum(mass, axis=1) - mass / 2) / mass.sum(axis=1, keepdims=True)
    below = (at <= 0.5).sum(axis=1) - 1
    rows, left = np.arange(len(values)), np.maximum(below, 0)
    right = np.minimum(below + 1, values.shape[1] - 1)
    low, high = ordered[rows, left], ordered[rows, right]
    wide = np.where(right > left, at[rows, right] - at[rows, left], 1.0)
    return np.asarray((high - low) / wide * (0.5 - at[rows, left]) * (right > left) + low, np.float64)


def robust_mean(values: Sequence[float], weights: Sequence[float], parameters: Parameters) -> Middle:
    """``robust_means`` of one cell."""
    found = robust_means(np.asarray(values, float)[None, :], np.asarray(weights, float)[None, :], parameters)
    return Middle(float(found.mean[0]), float(found.scale[0]), tuple(float(share) for share in found.kept[0]))


def robust_means(values: Floats, weights: Floats, parameters: Parameters) -> Middles:
    """The middle of each row on the terms that some votes are gross errors and nobody knows how far the others scatter.

    A vote is normal round the middle with one of the ``scatters``, or, with the chance ``gross_share``, with
    ``gross_scatter`` (contaminated normals: Tukey 1960, Huber 1964). The mean is Pitman's (1939): that of the middle's
    distribution on these terms, its prior flat as far as the furthest vote and three of the least scatter beyond, the
    likelihood of each vote raised to its weight over the average. So it has no jumps: a vote that moves away pulls more, then less, then hardly. A vote is kept in full unless the others
    make an error likelier than it was beforehand. No vote weighs more than ``most_weight`` times the average. ``scale``
    is ``max(1.4826 MAD, least_scale)`` round the median. A row shorter than the others is filled up with votes of no
    weight.
    """
    order = np.lexsort((weights, np.where(weights > 0, values, np.inf)), axis=1)
    y, w = np.take_along_axis(values, order, axis=1), np.take_along_axis(weights, order, axis=1)
    real = w > 0
    w = np.minimum(w, parameters.most_weight * w.sum(axis=1, keepdims=True) / real.sum(axis=1, keepdims=True))
    middle = weighted_medians(y, w)
    scale = np.maximum(1.4826 * weighted_medians(np.abs(y - middle[:, None]), w), parameters.least_scale)
    relative = w * real.sum(axis=1, keepdims=True) / w.sum(axis=1, keepdims=True)
    mean, shares = np.empty_like(middle), np.empty_like(w)
    for first in range(0, len(y), AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        mean[rows], shares[rows] = _pitman(np.where(real, y - middle[:, None], 0.0)[rows], relative[rows], parameters)
    kept = np.empty_like(shares)
    np.put_along_axis(kept, order, np.where(real, shares, 0.0), axis=1)
    return Middles(middle + mean, scale, kept)


def _pitman(y: Floats, w: Floats, parameters: Parameters) -> tuple[Floats, Floats]:
    """The mean of each row of votes round nought, and what is kept of each vote; with no errors thinkable the plain mean."""
    if not parameters.gross_share:
        return (y * w).sum(axis=1) / w.sum(axis=1), np.ones_like(w)
    scatters = np.array([float(name) for name in parameters.scatters])
    chances = np.log(np.array(list(parameters.scatters.values())))
    reach = np.minimum(np.abs(y).max(axis=1) + 3 * scatters[0], FURTHEST)
    at = reach[:, None] * np.linspace(-1.0, 1.0, POINTS)
    likely = np.broadcast_to(chances, (len(y), POINTS, len(scatters))).copy()
    error, normal = _densities(y, at, scatters, parameters)
    likely += np.einsum("rv,rvps->rps", w, np.log(error[..., None] + normal))
    likely = np.exp(likely - likely.max(axis=(1, 2), keepdims=True))
    likely /= likely.sum(axis=(1, 2), keepdims=True)
    mean = np.einsum("rps,rp->r", likely, at)
    sound = np.einsum("rps,rvps->rv", likely, normal / (error[..., None] + normal))
    return mean, np.minimum(1.0, sound / (1.0 - parameters.gross_share))


def _densities(y: Floats, at: Floats, scatters: Floats, parameters: Parameters) -> tuple[Floats, Floats]:
    """How likely each vote is at each middle as an error, and as no error by each scatter."""
    far = (y[:, :, None] - at[:, None, :]) ** 2 / -2
    wide = parameters.gross_scatter
    error = parameters.gross_share / wide * np.exp(far / wide**2)
    normal = (1 - parameters.gross_share) / scatters * np.exp(far[..., None] / scatters**2)
    return error, normal
