"""The middle of a few votes that no single voter can carry away, for one cell or for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.domain.estimate.parameters import Parameters

Floats = NDArray[np.float64]
# At most so many steps of the reweighting; it stops earlier once a step moves the log by less than ``STILL``.
STEPS, STILL = 60, 1e-9


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
    """A Huber mean started at the weighted median, with two bounds on every single vote.

    No vote weighs more than ``most_weight`` times the average nor pulls the mean by more than ``most_pull`` of the
    whole weight; one further off than ``reject_from`` scales counts less and less, from ``reject_at`` scales on not at
    all. The scale is ``max(1.4826 MAD, least_scale)`` round the median.
    """
    found = robust_means(np.asarray(values, float)[None, :], np.asarray(weights, float)[None, :], parameters)
    return Middle(float(found.mean[0]), float(found.scale[0]), tuple(float(share) for share in found.kept[0]))


def robust_means(values: Floats, weights: Floats, parameters: Parameters) -> Middles:
    """``robust_mean`` of each row. A row shorter than the others is filled up with votes of no weight."""
    order = np.lexsort((weights, np.where(weights > 0, values, np.inf)), axis=1)
    y, w = np.take_along_axis(values, order, axis=1), np.take_along_axis(weights, order, axis=1)
    real = w > 0
    w = np.minimum(w, parameters.most_weight * w.sum(axis=1, keepdims=True) / real.sum(axis=1, keepdims=True))
    middle = weighted_medians(y, w)
    scale = np.maximum(1.4826 * weighted_medians(np.abs(y - middle[:, None]), w), parameters.least_scale)
    pull = parameters.most_pull * w.sum(axis=1, keepdims=True) / np.where(real, w, 1.0)
    bound = np.minimum(parameters.huber_k * scale[:, None], pull)
    kept = np.ones_like(w)
    going = np.arange(len(w))
    for _ in range(STEPS):
        kept[going] = _kept(y[going] - middle[going, None], scale[going, None], bound[going], parameters)
        heard = kept[going] * w[going]
        mass = heard.sum(axis=1)
        # Nobody near the middle of two camps: it stays the median.
        going, heard, mass = going[mass > 0], heard[mass > 0], mass[mass > 0]
        before, middle[going] = middle[going], (heard * y[going]).sum(axis=1) / mass
        going = going[np.abs(middle[going] - before) >= STILL]
        if not going.size:
            break
    back = np.empty_like(kept)
    np.put_along_axis(back, order, np.where(real, kept, 0.0), axis=1)
    return Middles(middle, scale, back)


def _kept(distance: Floats, scale: Floats, bound: Floats, parameters: Parameters) -> Floats:
    far = np.abs(distance)
    huber = np.minimum(1.0, bound / np.maximum(far, 1e-12))
    slope = (parameters.reject_at - far / scale) / (parameters.reject_at - parameters.reject_from)
    kept: Floats = huber * np.clip(slope, 0.0, 1.0)
    return kept
