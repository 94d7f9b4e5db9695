"""Whole céntimos by shares: what is divided is what there was, exactly."""

from collections.abc import Sequence
from fractions import Fraction


def apportion(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """A total in whole units by weight, by the largest remainder; the first of equal remainders goes first.

    The parts sum to the total, and each lies within one unit of its exact share. ``ValueError`` when nothing weighs
    anything, or something weighs less than nothing.
    """
    whole = sum(weights, Fraction(0))
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative and must weigh something together")
    exact = [Fraction(total) * weight / whole for weight in weights]
    parts = [share.numerator // share.denominator for share in exact]
    left = total - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda at: (parts[at] - exact[at], at))
    for at in by_remainder[:left]:
        parts[at] += 1
    return parts
