"""Index series that are already clean: the last published figure is carried, never smoothed.

A median of the last months is further off in every series and at every horizon up to a year (docs/prices.md).
"""

from collections.abc import Mapping
from decimal import Decimal


def carried(published: Mapping[str, Decimal], month: str) -> tuple[str, Decimal] | None:
    """The newest month (YYYY-MM) not after ``month`` that has a figure, and its figure; ``None`` before the first."""
    known = [one for one in published if one <= month]
    return (max(known), published[max(known)]) if known else None
