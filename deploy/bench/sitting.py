"""One sitting: everything measured on one fresh instance, and how it is shown.

Ours, the yardstick and the rival take turns, so that whatever else the machine does falls on both.
"""

import json
import os
import platform
import sys
import time
from typing import Any

from deploy.bench import measures, offer, peers, rival, yardstick
from deploy.bench.figures import Figure, table
from deploy.bench.fresh import fresh_instance
from deploy.bench.measures import IN_FLIGHT, UPLOADERS, Plot, Reading
from deploy.doctor import python_words

RUNS = 3
LIMITS = (
    "Gateway limits are as shipped: 800 requests a second for one organisation, 1,000 for one address. The load comes "
    f"from 8 organisations and 8 loopback addresses, as from 8 phones; batches by {UPLOADERS} uploaders at once."
)


def _goal(floor: int, aim: int, name: str) -> str:
    """The goal over what the yardstick did where the goals were set."""
    return f"floor {floor / yardstick.THEN[name]:.2f}, aim {aim / yardstick.THEN[name]:.2f}"


LEGEND: tuple[tuple[str, str, str, str], ...] = (
    *(
        row
        for size in (100, 500)
        for name, how in ((f"batch_{size}", "records signed"), (f"once_{size}", "signed once"))
        for row in (
            (
                name,
                f"(a) records through the gateway, batches of {size}, {how}",
                "/s",
                "floor 5,000, aim 15,000",
            ),
            (f"{name}_p50", f"    one batch of {size}, p50", "ms", ""),
            (f"{name}_p99", f"    one batch of {size}, p99", "ms", ""),
        )
    ),
    ("single", f"(b) single records, {IN_FLIGHT} in flight", "/s", "floor 1,000, aim 3,000"),
    ("single_p50", "    answer, p50", "ms", ""),
    ("single_p99", "    answer, p99", "ms", "floor 150, aim 60"),
    *(
        (f"yardstick_{name}", f"    yardstick, {words}", "/s", f"{yardstick.THEN[name]:,} when the goals were set")
        for name, words in (("100", "batches of 100"), ("500", "batches of 500"), ("single", "single records"))
    ),
    ("yardstick_single_p99", "    its answer, p99", "ms", f"{yardstick.P99_MS_THEN} when the goals were set"),
    *(
        (
            f"of_yardstick_{name}_{size}",
            f"(a) ours, {how}, / the yardstick, batches of {size}",
            "times",
            _goal(5_000, 15_000, size),
        )
        for size in ("100", "500")
        for name, how in (("batch", "records signed"), ("once", "signed once"))
    ),
    ("of_yardstick_single", "(b) ours / the yardstick, single records", "times", _goal(1_000, 3_000, "single")),
    (
        "of_yardstick_single_p99",
        "    p99 of an answer",
        "times",
        f"floor {150 / yardstick.P99_MS_THEN:.1f}, aim {60 / yardstick.P99_MS_THEN:.1f}",
    ),
    *((f"rival_{form.name}", f"    eventsourcing, {form.words}", "/s", "") for form in rival.FORMS),
    (
        "ratio_default",
        "(c) ours in batches of 500 / its default insert, an event at a time",
        "times",
        "floor 4, aim 12",
    ),
    ("ratio_usual", "(c) ours in batches of 500 / its best, an event at a time", "times", ""),
    ("ratio_1", "(c) ours one by one / its best, an event at a time", "times", ""),
    ("ratio_100", "(c) ours in batches of 100 / its best bulk form of 100", "times", ""),
    ("ratio_500", "(c) ours in batches of 500 / its best bulk form of 500", "times", ""),
    ("core_one", "(c) our core alone, no HTTP, a transaction a record", "/s", ""),
    ("core_rounds", f"    in rounds of {peers.ROUND}", "/s", ""),
    ("core_gain", "    the second / the first", "times", "floor 8"),
    ("pymerkle_memory", f"    pymerkle, {peers.IN_MEMORY:,} entries in memory, nothing durable", "/s", ""),
    ("pymerkle_sqlite", f"    pymerkle, {peers.ON_DISK:,} entries on SQLite, a transaction each", "/s", ""),
    ("pymerkle_sqlite_bulk", f"    pymerkle, {peers.IN_BULK:,} more on SQLite, {peers.BULK} a transaction", "/s", ""),
    ("pymerkle_memory_proof", "    an inclusion proof in its memory, p50", "ms", ""),
    ("pymerkle_sqlite_proof", "    an inclusion proof in its SQLite, p50", "ms", ""),
    ("proof", "    ours: record, proof and checkpoint through the gateway, p50", "ms", "5"),
    ("proven_p50", "(d) sent -> proof under a signed checkpoint, p50", "ms", ""),
    ("proven_p99", "    p99", "ms", "floor 1,000, aim 300"),
    ("covered_p50", "(d) accepted -> covered by /log/checkpoint, p50", "ms", ""),
    ("covered_p99", "    p99", "ms", "floor 1,000, aim 300"),
    ("back_p50", "(h) a lot of 500 logs back to its trees, through the gateway, p50", "ms", ""),
    ("back_p99", "    p99", "ms", "floor 100, aim 30"),
    ("forward_p50", "(h) all trees of that lot forward, p50 of the requests together", "ms", ""),
    ("forward_p99", "    p99", "ms", "floor 100, aim 30"),
    ("lot_records", "(i) a lot's proof file: records in it", "", ""),
    ("lot_build", "    built, through the gateway", "s", "floor 0.5, aim 0.1"),
    ("lot_verify", "    verified offline in Python, processor time", "s", "floor 0.3, aim 0.15"),
    ("lot_gzip", "    gzipped", "kB", "300"),
    ("warm_start", "(e) warm start, from the command to ready", "s", "5"),
    ("memory_idle", "(f) memory of all processes, just started", "MB", "450"),
    ("memory", "(f) memory of all processes, after the load", "MB", "450"),
    ("install", "(g) packages of requirements/base.txt, installed", "MB", ""),
    ("database", "(g) database of the log after these measures", "MB", ""),
    ("record_bytes", "    for each record", "bytes", ""),
    ("appraisal_p50", "(h) appraisal of 20 lines with tornado and 2,000 draws, p50", "ms", ""),
    ("appraisal_p95", "    p95", "ms", "floor 100, aim 50"),
)


def run(as_json: bool, quick: bool) -> int:
    """Measure and print."""
    begun = time.monotonic()
    with fresh_instance() as own:
        figures = figures_of(readings(Plot(own, quick)))
    answer: dict[str, Any] = {
        "machine": machine(), "rival": rival.about(), "limits": LIMITS, "quick": quick,
        "seconds": round(time.monotonic() - begun, 1), "figures": [figure.answer() for figure in figures],
    }  # fmt: skip
    if as_json:
        print(json.dumps(answer, indent=1))
    else:
        print(f"{answer['machine']['words']}\n{answer['rival']}\n{LIMITS}\n\n{table(figures)}")
    return 0


def readings(plot: Plot) -> list[Reading]:
    """Every measure, three times. What is under way goes to standard error."""
    found = [measures.memory(plot, "memory_idle") for _ in range(RUNS)]
    for run_number, reading in enumerate(found, 1):
        _say(f"run {run_number} of {RUNS}: batches, singles")
        reading |= measures.uploads(plot, 100) | measures.uploads(plot, 500) | measures.singles(plot)
        _say(f"run {run_number} of {RUNS}: the yardstick, the rival")
        reading |= measures.yardsticks(plot) | measures.rivals(plot)
        reading |= measures.ratios(reading) | measures.peers_of(plot)
        _say(f"run {run_number} of {RUNS}: lots")
        reading |= measures.lots(plot)
        _say(f"run {run_number} of {RUNS}: inclusion, memory, warm start")
        reading |= measures.inclusion(plot) | measures.memory(plot, "memory") | measures.warm_start(plot)
        reading |= offer.times()
    found[-1] |= measures.sizes(plot.instance)
    return found


def figures_of(found: list[Reading]) -> list[Figure]:
    """The readings by name, in the order of the table."""
    return [
        Figure(name, what, unit, tuple(reading[name] for reading in found if name in reading), goal)
        for name, what, unit, goal in LEGEND
    ]


def machine() -> dict[str, Any]:
    """What it ran on, and how busy it was with other things when the sitting ended."""
    cores = len(os.sched_getaffinity(0))
    memory_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    load = os.getloadavg()[2]
    words = (
        f"{cores} cores, {memory_gb:.0f} GB, {platform.system()} {platform.release()}, "
        f"Python {python_words()}, load average {load:.1f} (this bench alone makes about 2)"
    )
    return {"words": words, "cores": cores, "memory_gb": round(memory_gb, 1), "load_average": round(load, 2)}


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
