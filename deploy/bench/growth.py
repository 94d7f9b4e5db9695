"""How the log behaves as it grows: the same measures at 10,000, 100,000, 1,000,000 entries and beyond, in one sitting.

In between the log is filled by `deploy.bench.filling`; what is measured goes through the gateway, as ever. Before each
measure the house comes to rest: everything signed and archived, PostgreSQL's own checkpoint made. After a checkpoint
PostgreSQL writes each page whole that it touches for the first time, and in a large log nearly every touch is one; so the
records right after it are told apart, and with them the rate over a whole stretch between two checkpoints.

A machine's speed changes within minutes, so a larger log takes turns with a fresh house of the first size.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from deploy.bench import filling, fresh, measures, wood
from deploy.bench.figures import percentile, shown
from deploy.bench.fresh import fresh_instance
from deploy.bench.load import Outcome
from deploy.bench.measures import NDJSON, UPLOADERS, Plot, Reading
from deploy.bench.plot import Line, plotted
from deploy.bench.sitting import machine
from deploy.instance import Instance
from deploy.seed.house import checkpoint_of, opened
from shared.timber.event import parse_entry

BATCH = 500
MEASURED = 4_000
RUNS = 5
AFTER_A_CHECKPOINT = 40_000  # until each page that is written often was written whole
TREES_BETWEEN = 40
PATIENCE_S = 1_800.0
REST_S = 3.0
COLUMNS = {
    "rate": "records/s, batches of 500", "rate_min": "min", "rate_max": "max", "of_small": "of a fresh house in turns, %",
    "rate_first": "the first after a checkpoint", "first_records": "as many as these",
    "cycle_records": "from one checkpoint to the next", "of_small_cycle": "over all these, of a fresh house, %",
    "batch_p99": "one batch p99, ms", "proof_p50": "record with proof p50, ms", "proof_p99": "p99, ms",
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
    with fresh_instance(
        before=lambda folder: _say(filling.check_room(folder, largest + AFTER_A_CHECKPOINT + RUNS * MEASURED))
    ) as own:
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
    house = _House(instance)
    woodlot = wood.Woodlot(house.plot.name(), len(at))
    fresh.plant(instance, woodlot.forest, house.plot.tokens[0])
    rows: dict[int, Reading] = {}
    for size in at:
        each = min(MEASURED, size // RUNS // BATCH * BATCH) or BATCH
        before = max(each, min(AFTER_A_CHECKPOINT, size - RUNS * each // 2 - _size(instance)) // each * each)
        house.grow(size - before - RUNS * each // 2, partial(woodlot.cut, TREES_BETWEEN))
        lot, trees, entries = woodlot.compose()
        fresh.record(instance, entries, fresh.machine_tokens(instance, 1)[0])
        with ExitStack() as stack:
            small = None if size == at[0] else _House(stack.enter_context(fresh_instance()))
            if small is not None:
                small.grow(at[0], tuple)
            rates, sids = _rates(house, small, before, each)
        memory = measures.memory(house.plot, "memory")
        _come_to_rest(instance)
        proofs = measures.proofs(instance, sids[: measures.PROOFS])
        rows[size] = {
            **rates, **wood.traces(instance, lot, trees), **memory,
            "proof_p50": percentile(proofs, 500) * 1000, "proof_p99": percentile(proofs, 990) * 1000,
            "record_bytes": measures.record_bytes(instance), "archive_bytes": _archive_bytes(instance),
        }  # fmt: skip
    return rows


class _House:
    """A log that grows, and takes uploads."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.plot = instance, Plot(instance, quick=True)
        with opened(instance) as house:
            self._filler = filling.Filler(instance, fresh.registrar_of(house))

    def grow(self, size: int, between: Callable[[], Sequence[bytes]]) -> None:
        """To about `size` entries, if it is not as large."""
        begun, before = time.monotonic(), _size(self.instance)
        if size > before:
            filled = self._filler.fill(size, between, partial(_so_far, size))
            _say(f"filled {filled - before:,} in {time.monotonic() - begun:.0f} s")

    def send(self, records: int) -> tuple[Outcome, list[str]]:
        """Batches of so many records in all; a few of their sids. RuntimeError when one is not logged."""
        forest = self.plot.forest(records)
        bodies = [forest.upload(BATCH) for _ in range(records // BATCH)]
        outcome = self.plot.send(bodies, NDJSON, UPLOADERS)
        if outcome.logged != records:
            raise RuntimeError(f"{outcome.logged} of {records} records logged, answers {outcome.statuses}")
        return outcome, [parse_entry(line).sid for body in bodies for line in body.splitlines()[:: BATCH // 10]]


def _rates(house: _House, small: _House | None, before: int, each: int) -> tuple[Reading, list[str]]:
    """Records a second right after a checkpoint of PostgreSQL (`before` records) and from then on, in turns with the small
    house; and some sids. The stretch to the next checkpoint is as long as PostgreSQL's settings and the bytes of
    write-ahead log a record make it."""
    both = [house, *([small] if small else [])]
    for one in both:
        _come_to_rest(one.instance)
    begun = _log_bytes(house.instance)
    sent = [house.send(each) for _ in range(before // each)]
    between = _log_bytes(house.instance)
    if small is not None:
        small.send(each)
    turns = [[one.send(each) for one in both] for _ in range(RUNS)]
    ended = _log_bytes(house.instance)
    rates = sorted(_rate(turn[0][0]) for turn in turns)
    first = sum(one.logged for one, _ in sent) / sum(one.seconds for one, _ in sent)
    rate, base = rates[RUNS // 2], sorted(_rate(turn[-1][0]) for turn in turns)[RUNS // 2]
    later = max(0.0, (_log_limit(house.instance) - (between - begun)) / (ended - between) * RUNS * each)
    cycle = (before + later) / (before / first + later / rate)
    reading = {
        "rate": rate, "rate_min": rates[0], "rate_max": rates[-1], "of_small": 100 * rate / base, "rate_first": first,
        "first_records": before, "cycle_records": before + later, "of_small_cycle": 100 * cycle / base,
        "batch_p99": percentile([one for turn in turns for one in turn[0][0].latencies], 990) * 1000,
    }  # fmt: skip
    return reading, [sid for outcome in (*sent, *(turn[0] for turn in turns)) for sid in outcome[1]]


def _rate(outcome: Outcome) -> float:
    return outcome.logged / outcome.seconds


def _log_bytes(instance: Instance) -> int:
    """Where PostgreSQL's write-ahead log stands."""
    return int(asyncio.run(_asked(instance, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")))


def _log_limit(instance: Instance) -> int:
    """How much of it is written from one checkpoint to the next under load: PostgreSQL begins one so early that
    what comes while it is under way still fits into `max_wal_size` (CalculateCheckpointSegments in PostgreSQL's xlog.c)."""
    limit = "pg_size_bytes(current_setting('max_wal_size')) / (1 + current_setting('checkpoint_completion_target')::numeric)"
    return int(asyncio.run(_asked(instance, f"SELECT {limit}")))


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
    asyncio.run(_asked(instance, "CHECKPOINT"))
    time.sleep(REST_S)


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"the log was not signed within {PATIENCE_S:.0f} s")
        time.sleep(0.2)


async def _asked(instance: Instance, question: str) -> Any:
    connection = await asyncpg.connect(instance.admin_dsn("custody"))
    try:
        return await connection.fetchval(question, timeout=PATIENCE_S)
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
