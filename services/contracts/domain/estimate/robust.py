"""The middle of a few votes that no single voter can carry away."""

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


def weighted_median(values: Sequence[float] | Floats, weights: Sequence[float] | Floats) -> float:
    """The interpolated weighted median: half the weight lies on either side, each value holding its weight's middle."""
    order = np.argsort(np.asarray(values), kind="stable")
    ordered, mass = np.asarray(values, float)[order], np.asarray(weights, float)[order]
    return float(np.interp(0.5, (np.cumsum(mass) - mass / 2) / mass.sum(), ordered))


def robust_mean(values: Sequence[float], weights: Sequence[float], parameters: Parameters) -> Middle:
    """A Huber mean started at the weighted median, with two bounds on every single vote.

    No vote weighs more than ``most_weight`` times the average nor pulls the mean by more than ``most_pull`` of the
    whole weight; one further off than ``reject_from`` scales counts less and less, from ``reject_at`` scales on not at
    all. The scale is ``max(1.4826 MAD, least_scale)`` round the median.
    """
    order = sorted(range(len(values)), key=lambda n: (values[n], weights[n]))
    y, w = np.asarray(values, float)[order], np.asarray(weights, float)[order]
    w = np.minimum(w, parameters.most_weight * w.mean())
    middle = weighted_median(y, w)
    scale = max(1.4826 * weighted_median(np.abs(y - middle), w), parameters.least_scale)
    bound = np.minimum(parameters.huber_k * scale, parameters.most_pull * w.sum() / w)
    kept = np.ones_like(w)
    for _ in range(STEPS):
        kept = _kept(y - middle, scale, bound, parameters)
        if not (kept * w).sum() > 0:  # nobody near the middle of two camps: it stays the median
            break
        before, middle = middle, float((kept * w * y).sum() / (kept * w).sum())
        if abs(middle - before) < STILL:
            break
    back = np.empty_like(kept)
    back[order] = kept
    return Middle(middle, scale, tuple(float(share) for share in back))


def _kept(distance: Floats, scale: float, bound: Floats, parameters: Parameters) -> Floats:
    far = np.abs(distance)
    huber = np.minimum(1.0, bound / np.maximum(far, 1e-12))
    slope = (parameters.reject_at - far / scale) / (parameters.reject_at - parameters.reject_from)
    kept: Floats = huber * np.clip(slope, 0.0, 1.0)
    return kept
