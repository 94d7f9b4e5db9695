"""One sitting: everything measured on one fresh instance, and how it is shown."""

import json
import os
import platform
import sys
import time
from typing import Any

from deploy.bench import measures, rival
from deploy.bench.figures import Figure, table
from deploy.bench.fresh import fresh_instance

RUNS = 3
LIMITS = (
    "Gateway limits are as shipped: 800 requests a second for one organisation, 1,000 for one address. The load comes "
    "from 8 organisations and 8 loopback addresses, as from 8 phones."
)


def run(as_json: bool, quick: bool) -> int:
    """Measure and print."""
    begun = time.monotonic()
    with fresh_instance() as own:
        figures = measured(measures.Plot(own, RUNS, quick))
    answer: dict[str, Any] = {
        "machine": machine(), "rival": rival.about(), "limits": LIMITS, "quick": quick,
        "seconds": round(time.monotonic() - begun, 1), "figures": [figure.answer() for figure in figures],
    }  # fmt: skip
    if as_json:
        print(json.dumps(answer, indent=1))
    else:
        print(f"{answer['machine']['words']}\n{answer['rival']}\n{LIMITS}\n\n{table(figures)}")
    return 0


def measured(plot: measures.Plot) -> list[Figure]:
    """All figures, in the order of the table. What is under way goes to standard error."""
    _say("memory at rest")
    figures = [measures.memory(plot, "memory_idle", "(f) memory of all processes, just started")]
    for size in (100, 500):
        _say(f"batches of {size}")
        figures += measures.uploads(plot, size)
    _say("single records")
    figures += measures.singles(plot)
    _say("the rival")
    theirs = measures.rivals(plot)
    figures += [*theirs.values(), *measures.ratios({figure.name: figure for figure in figures}, theirs)]
    _say("inclusion")
    figures += measures.inclusion(plot)
    figures.append(measures.memory(plot, "memory", "(f) memory of all processes, after the load"))
    _say("warm start")
    figures.append(measures.warm_start(plot))
    return [*figures, *measures.install_size(plot.instance)]


def machine() -> dict[str, Any]:
    """What it ran on."""
    cores = len(os.sched_getaffinity(0))
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    words = f"{cores} cores, {memory_gb:.0f} GB, {platform.system()} {platform.release()}, Python {platform.python_version()}"
    return {"words": words, "cores": cores, "memory_gb": round(memory_gb, 1)}


def _say(what: str) -> None:
    print(f"  measuring: {what}", file=sys.stderr, flush=True)
