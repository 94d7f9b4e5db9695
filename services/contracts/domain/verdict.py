"""The word an offer gets, and the causes of the gap in figures that sum exactly to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from services.contracts.domain.residual import disproportion


class Verdict(StrEnum):
    """States of an offer against fair value. None of them says what to do about it."""

    NO_ANSWER = "no_answer"
    FAR_BELOW = "far_below"
    BELOW = "below"
    LOW_IN_RANGE = "low_in_range"
    FAIR = "fair"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where ``far_below`` begins, and the least margin of F12; the figures come with the flag pack."""

    far_below_share: Decimal
    far_below_disproportion: Decimal
    competent_margin: Decimal


def judge(net_m3: Decimal, fair_low_m3: Decimal, fair_mid_m3: Decimal, thresholds: Thresholds) -> Verdict:
    """The state of a net price. ``far_below`` needs to be below the low bound as well."""
    if fair_mid_m3 <= 0:
        return Verdict.NO_ANSWER
    if net_m3 >= fair_mid_m3:
        return Verdict.FAIR
    if net_m3 >= fair_low_m3:
        return Verdict.LOW_IN_RANGE
    far = net_m3 < thresholds.far_below_share * fair_low_m3
    lesion = disproportion(net_m3, fair_mid_m3) >= thresholds.far_below_disproportion
    return Verdict.FAR_BELOW if far or lesion else Verdict.BELOW


CAUSES = ("price", "rule", "delay", "point_of_sale", "deductions", "advances")


@dataclass(frozen=True, slots=True)
class Cause:
    """What one thing takes from each cubic metre (more than nothing) or gives to it (less)."""

    cause: str
    amount: Decimal


def waterfall(levels: Sequence[Decimal]) -> tuple[Cause, ...]:
    """Steps from the fair value down to the net price. They sum exactly, being differences of rounded levels.

    Levels: fair value, the price as it is read, after its rule, after the wait, after the way to the point of sale,
    after deductions, after advances (the net).
    """
    if len(levels) != len(CAUSES) + 1:
        raise ValueError(f"a waterfall has {len(CAUSES) + 1} levels")
    return tuple(Cause(name, above - below) for name, (above, below) in zip(CAUSES, pairwise(levels), strict=True))
