"""A figure is the median of several runs with its spread; the table is what people read."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured thing: every run is kept, so that the spread can be seen. `floor` is what the design asks for."""

    name: str
    what: str
    unit: str
    runs: tuple[float, ...]
    floor: str = ""

    @property
    def middle(self) -> float:
        """The median of the runs."""
        return median(self.runs)

    def answer(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"min": min(self.runs), "median": self.middle, "max": max(self.runs)}


def timed(ask: Callable[[], object], times: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Seconds of each of so many, after one that does not count. The collector looks at what they make, and not at the bench's
    own heap: that takes 90 ms every hundred answers."""
    ask()
    gc.collect()
    gc.freeze()
    try:
        seconds = []
        for _ in range(times):
            begun = clock()
            ask()
            seconds.append(clock() - begun)
        return seconds
    finally:
        gc.unfreeze()


def percentile(values: Sequence[float], permille: int) -> float:
    """The value below which so many thousandths of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * permille // 1000) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """Minimum, median and maximum of each figure."""
    lines = [f"{'':<76}{'min':>10}{'median':>10}{'max':>10}  {'unit':<10}goal", "-" * 124]
    for figure in figures:
        numbers = "".join(f"{shown(value):>10}" for value in (min(figure.runs), figure.middle, max(figure.runs)))
        lines.append(f"{figure.what:<76}{numbers}  {figure.unit:<10}{figure.floor}")
    return "\n".join(lines)


def shown(value: float) -> str:
    """Three significant figures, or whole thousands."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
