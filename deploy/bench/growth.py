"""How the log behaves as it grows: the same measures at 10,000, 100,000, 1,000,000 entries and beyond, in one sitting.

The log grows by real records through the gateway, so a sitting to a million entries takes some minutes.
"""

import json
import random
import sys
import time
from typing import Any

from deploy.bench import measures
from deploy.bench.figures import percentile, shown
from deploy.bench.fresh import checkpoint_of, fresh_instance
from deploy.bench.measures import NDJSON, UPLOADERS, Plot, Reading
from deploy.bench.sitting import machine
from deploy.seed.house import opened
from shared.timber.event import parse_entry

CHUNK = 50_000  # records of one forest
BATCH = 500
MEASURED = 10_000
RUNS = 3
PROOFS = 200
COLUMNS = {
    "rate": "records/s", "rate_min": "min", "rate_max": "max", "batch_p99": "batch of 500 p99, ms", "proof_p50": "record with proof p50, ms",
    "proof_p99": "p99, ms", "record_bytes": "database bytes a record", "memory": "memory, MB",
}  # fmt: skip


def run(largest: int, as_json: bool) -> int:
    """Measure at every power of ten up to `largest`, and at `largest`; print a table or JSON."""
    begun = time.monotonic()
    with fresh_instance() as own:
        plot = Plot(own, quick=True)
        plot.forest(BATCH)  # so that there is a checkpoint
        rows = {size: _at(plot, size) for size in _sizes(largest)}
    answer: dict[str, Any] = {"machine": machine(), "seconds": round(time.monotonic() - begun), "sizes": rows}
    print(json.dumps(answer, indent=1) if as_json else f"{answer['machine']['words']}\n\n{_table(rows)}")
    return 0


def _sizes(largest: int) -> list[int]:
    powers = [10**n for n in range(4, 10) if 10**n < largest]
    return [*powers, largest]


def _at(plot: Plot, size: int) -> Reading:
    """The measures on a log of about `size` entries: they end where it has that many."""
    while (left := size - RUNS * MEASURED // 2 - _size(plot)) > MEASURED:
        print(f"  {size - left:,} of {size:,}", file=sys.stderr, flush=True)
        _upload(plot, min(CHUNK, left // BATCH * BATCH))
    runs = [_upload(plot, MEASURED) for _ in range(RUNS)]
    rates = [outcome.logged / outcome.seconds for outcome, _ in runs]
    latencies = [one for outcome, _ in runs for one in outcome.latencies]
    return {
        "rate": sorted(rates)[RUNS // 2], "rate_min": min(rates), "rate_max": max(rates),
        "batch_p99": percentile(latencies, 990) * 1000,
        **_proofs(plot, [sid for _, sids in runs for sid in sids]),
        **measures.memory(plot, "memory"), "record_bytes": measures.sizes(plot.instance)["record_bytes"],
    }  # fmt: skip


def _size(plot: Plot) -> int:
    with opened(plot.instance) as house:
        return checkpoint_of(house).size


def _upload(plot: Plot, count: int) -> tuple[Any, list[str]]:
    """So many records in batches, and the statement ids of some of them."""
    forest = plot.forest(count)
    bodies = [forest.upload(BATCH) for _ in range(count // BATCH)]
    outcome = plot.send(bodies, NDJSON, UPLOADERS)
    if outcome.logged != count:
        raise RuntimeError(f"{outcome.logged} of {count} records logged, answers {outcome.statuses}")
    return outcome, [parse_entry(body.split(b"\n", 1)[0]).sid for body in bodies]


def _proofs(plot: Plot, sids: list[str]) -> Reading:
    """A record, its inclusion proof and the checkpoint, one after the other over one connection."""
    pick = random.Random(1)  # noqa: S311  (which records are asked for, not a secret)
    latencies = []
    with opened(plot.instance) as house:
        for sid in pick.choices(sids, k=PROOFS):
            begun = time.perf_counter()
            house.public.get(f"/v1/records/{sid}")
            latencies.append(time.perf_counter() - begun)
    return {"proof_p50": percentile(latencies, 500) * 1000, "proof_p99": percentile(latencies, 990) * 1000}


def _table(rows: dict[int, Reading]) -> str:
    lines = [f"{'entries':<28}" + "".join(f"{size:>12,}" for size in rows)]
    lines += [
        f"{words:<28}" + "".join(f"{shown(reading[name]):>12}" for reading in rows.values())
        for name, words in COLUMNS.items()
    ]
    return "\n".join(lines)
