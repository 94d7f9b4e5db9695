"""How the log behaves as it grows: the same measures at 10,000, 100,000, 1,000,000 entries and beyond, in one sitting.

In between the log is filled by `deploy.bench.filling`; what is measured goes through the gateway, as ever. Before each
measure the house comes to rest: everything signed and archived, PostgreSQL's own checkpoint made. After a checkpoint
PostgreSQL writes each page whole that it touches for the first time, and in a large log nearly every touch is one; so as many
records as are measured go before, and their rate is told apart.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from deploy.bench import filling, fresh, measures, wood
from deploy.bench.figures import percentile, shown
from deploy.bench.fresh import fresh_instance
from deploy.bench.measures import NDJSON, UPLOADERS, Plot, Reading
from deploy.bench.plot import Line, plotted
from deploy.bench.sitting import machine
from deploy.instance import Instance
from deploy.seed.house import checkpoint_of, opened
from shared.timber.event import parse_entry

BATCH = 500
MEASURED = 4_000
RUNS = 5
TREES_BETWEEN = 40
PATIENCE_S = 1_800.0
REST_S = 3.0
COLUMNS = {
    "rate": "records/s, batches of 500", "rate_min": "min", "rate_max": "max", "of_first": "of that at the first size, %",
    "rate_first": "the first ones after a checkpoint", "batch_p99": "one batch p99, ms", "proof_p50": "record with proof p50, ms", "proof_p99": "p99, ms",
    "back_p50": "500-log lot to its trees p50, ms", "back_p99": "p99, ms", "forward_p50": "its trees forward p50, ms",
    "forward_p99": "p99, ms", "record_bytes": "database bytes a record", "archive_bytes": "archive bytes a record",
    "memory": "memory of all processes, MB",
}  # fmt: skip
LINES = (
    Line("rate", "records/s, batches of 500", "#1b6e3c"),
    Line("back_p99", "500-log lot to its trees p99, ms", "#8a4b00"),
    Line("proof_p99", "record with proof p99, ms", "#1f4e8c"),
)


def run(largest: int, as_json: bool, figures: Path | None) -> int:
    """Measure at every power of ten from 10,000 up to `largest`, and at `largest`; print a table or JSON, and leave table and
    plot in `figures`. NoRoom before anything is started when the disk is too small."""
    begun = time.monotonic()
    with fresh_instance(before=lambda folder: _say(filling.check_room(folder, largest + 2 * RUNS * MEASURED))) as own:
        rows = measured(own, sizes(largest))
    answer: dict[str, Any] = {"machine": machine(), "seconds": round(time.monotonic() - begun), "sizes": rows}
    text = f"{answer['machine']['words']}\n\n{table(rows)}\n"
    if figures is not None:
        keep(figures, text, rows)
    print(json.dumps(answer, indent=1) if as_json else text, end="")
    return 0


def keep(folder: Path, text: str, rows: dict[int, Reading]) -> None:
    """The table and the plot as files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "growth.txt").write_text(text)
    (folder / "growth.svg").write_text(plotted("As the log grows", "entries", rows, LINES))


def sizes(largest: int) -> list[int]:
    """Where it is measured."""
    return [*(10**n for n in range(4, 10) if 10**n < largest), largest]


def measured(instance: Instance, at: list[int]) -> dict[int, Reading]:
    """All measures at each of these sizes, ascending."""
    plot = Plot(instance, quick=True)
    with opened(instance) as house:
        registrar = fresh.registrar_of(house)
    filler = filling.Filler(instance, registrar)
    woodlot = wood.Woodlot(plot.name(), len(at))
    fresh.plant(instance, woodlot.forest, plot.tokens[0])
    rows: dict[int, Reading] = {}
    for size in at:
        each = min(MEASURED, size // RUNS // BATCH * BATCH) or BATCH
        begun = time.monotonic()
        size_before = _size(instance)
        if (goal := size - RUNS * each * 3 // 2) > size_before:
            filled = filler.fill(goal, partial(woodlot.cut, TREES_BETWEEN), partial(_so_far, size))
            _say(f"filled {filled - size_before:,} in {time.monotonic() - begun:.0f} s")
        rows[size] = _at(plot, woodlot, each)
        rows[size]["of_first"] = 100 * rows[size]["rate"] / rows[at[0]]["rate"]
    return rows


def _at(plot: Plot, woodlot: wood.Woodlot, each: int) -> Reading:
    """The measures on the log as it stands."""
    lot, trees, entries = woodlot.compose()
    plot.tokens = fresh.machine_tokens(plot.instance, measures.CARRIERS)
    fresh.record(plot.instance, entries, plot.tokens[0])
    forests = [plot.forest(each) for _ in range(2 * RUNS)]
    _come_to_rest(plot.instance)
    outcomes, sids = [], []
    for forest in forests:
        bodies = [forest.upload(BATCH) for _ in range(each // BATCH)]
        outcome = plot.send(bodies, NDJSON, UPLOADERS)
        if outcome.logged != each:
            raise RuntimeError(f"{outcome.logged} of {each} records logged, answers {outcome.statuses}")
        outcomes.append(outcome)
        sids += [parse_entry(line).sid for body in bodies for line in body.splitlines()[:: BATCH // 10]]
    first, outcomes = outcomes[:RUNS], outcomes[RUNS:]
    rates = sorted(outcome.logged / outcome.seconds for outcome in outcomes)
    memory = measures.memory(plot, "memory")
    _come_to_rest(plot.instance)
    proofs = measures.proofs(plot.instance, sids[: measures.PROOFS])
    return {
        "rate": rates[RUNS // 2], "rate_min": rates[0], "rate_max": rates[-1],
        "rate_first": sum(one.logged for one in first) / sum(one.seconds for one in first),
        "batch_p99": percentile([one for outcome in outcomes for one in outcome.latencies], 990) * 1000,
        "proof_p50": percentile(proofs, 500) * 1000, "proof_p99": percentile(proofs, 990) * 1000,
        **wood.traces(plot.instance, lot, trees), **memory,
        "record_bytes": measures.record_bytes(plot.instance), "archive_bytes": _archive_bytes(plot.instance),
    }  # fmt: skip


def _size(instance: Instance) -> int:
    with opened(instance) as house:
        return checkpoint_of(house).size


def _come_to_rest(instance: Instance) -> None:
    """Until everything is signed and archived, and PostgreSQL has written what it holds. RuntimeError after half an hour."""

    def signed() -> bool:
        with opened(instance) as house:
            log = house.public.get("/healthz")["custody"]
        return bool(log["size"] == log["signed_size"])

    _until(signed)
    asyncio.run(_database_checkpoint(instance))
    time.sleep(REST_S)


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"the log was not signed within {PATIENCE_S:.0f} s")
        time.sleep(0.2)


async def _database_checkpoint(instance: Instance) -> None:
    connection = await asyncpg.connect(instance.admin_dsn("custody"))
    try:
        await connection.execute("CHECKPOINT", timeout=PATIENCE_S)
    finally:
        await connection.close()


def _archive_bytes(instance: Instance) -> float:
    """What the archive's files take, for each entry."""
    files = (file.stat().st_size for file in (instance.data / "archive").rglob("*") if file.is_file())
    return sum(files) / _size(instance)


def table(rows: dict[int, Reading]) -> str:
    """A column a size."""
    lines = [f"{'entries':<36}" + "".join(f"{size:>12,}" for size in rows)]
    lines += [
        f"{words:<36}" + "".join(f"{shown(reading[name]):>12}" for reading in rows.values())
        for name, words in COLUMNS.items()
    ]
    return "\n".join(lines)


def _so_far(size: int, entries: int) -> None:
    _say(f"{entries:,} of {size:,}")


def _say(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
