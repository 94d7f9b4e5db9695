"""What is measured, each as one function that takes one reading over the instance: names of figures and their values."""

import asyncio
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import asyncpg

from deploy.bench import fresh, peers, rival, wood, yardstick
from deploy.bench.figures import percentile
from deploy.bench.forest import Forest
from deploy.bench.load import Job, Outcome, send
from deploy.instance import CHECKOUT, Instance
from deploy.seed.house import checkpoint_of, opened
from shared.timber.event import parse_entry

NDJSON, JSON = "application/x-ndjson", "application/json"
RECORDS, TREES_A_RECORD = "/v1/records", 0.62
UPLOADERS, IN_FLIGHT, CARRIERS = 8, 64, 8
POLL_S, QUIET_S = 0.005, 0.3
PROOFS = 200

Reading = dict[str, float]


class Plot:
    """A fresh instance with forests to cut; every reading gets trees nobody has felled."""

    def __init__(self, instance: Instance, quick: bool) -> None:
        self.instance = instance
        self.scale = 1 if quick else 4
        self.tokens = fresh.machine_tokens(instance, CARRIERS)
        self._planted = 0

    def forest(self, records: int) -> Forest:
        """Enough standing trees for so many records, known to the log."""
        forest = Forest(self.name(), int(records * TREES_A_RECORD) + 40)
        self.tokens = fresh.machine_tokens(self.instance, CARRIERS)  # they last ten minutes
        fresh.plant(self.instance, forest, self.tokens[0])
        return forest

    def name(self) -> str:
        """Of a forest that is not there yet."""
        self._planted += 1
        return f"f{self._planted}"

    def send(
        self, bodies: list[bytes], media_type: str, connections: int, path: str = RECORDS, port: int | None = None
    ) -> Outcome:
        """Over so many connections, as eight organisations from eight addresses, to the house or to who listens at `port`."""
        addresses = min(connections, CARRIERS)
        return send(Job(port or self.instance.port, path, media_type, bodies, connections, self.tokens, addresses))


def uploads(plot: Plot, size: int) -> Reading:
    """Records in NDJSON batches, each signed by itself and then each upload signed once: records a second, and the
    time of one batch."""
    count = 5_000 * plot.scale
    found: Reading = {}
    for name, signed in ((f"batch_{size}", Forest.upload), (f"once_{size}", Forest.signed_once)):
        forest = plot.forest(count)
        bodies = [signed(forest, size) for _ in range(count // size)]
        outcome = _all_logged(plot.send(bodies, NDJSON, UPLOADERS), count)
        found |= {name: outcome.logged / outcome.seconds, **_times(name, outcome)}
    return found


def singles(plot: Plot) -> Reading:
    """One record a request, 64 requests in flight."""
    count = 1_500 * plot.scale
    outcome = _all_logged(plot.send(plot.forest(count).singles(count), JSON, IN_FLIGHT), count)
    return {"single": outcome.logged / outcome.seconds, **_times("single", outcome)}


def _times(name: str, outcome: Outcome) -> Reading:
    return {
        f"{name}_p50": percentile(outcome.latencies, 500) * 1000, f"{name}_p99": percentile(outcome.latencies, 990) * 1000,
    }  # fmt: skip


def _all_logged(outcome: Outcome, count: int) -> Outcome:
    """A run in which anything was refused measures something else."""
    if outcome.logged != count or not set(outcome.statuses) <= {"200", "201"}:
        raise RuntimeError(f"{outcome.logged} of {count} records logged, answers {outcome.statuses}")
    return outcome


def yardsticks(plot: Plot) -> Reading:
    """The prototype that the goals were set from, on the same server: records signed each in batches, singles, their p99."""
    custody, count, singles_count = plot.instance.database("custody"), 5_000 * plot.scale, 1_500 * plot.scale
    forest = Forest(plot.name(), int((2 * count + singles_count) * TREES_A_RECORD) + 40)
    dsn = asyncio.run(rival.make_database(custody))
    found: Reading = {}
    with yardstick.running(dsn, forest.keys) as port:
        for size in (100, 500):
            bodies = [forest.upload(size) for _ in range(count // size)]
            outcome = _all_logged(plot.send(bodies, NDJSON, UPLOADERS, port=port), count)
            found[f"yardstick_{size}"] = outcome.logged / outcome.seconds
        outcome = _all_logged(plot.send(forest.singles(singles_count), JSON, IN_FLIGHT, port=port), singles_count)
        found |= {"yardstick_single": outcome.logged / outcome.seconds, **_times("yardstick_single", outcome)}
    asyncio.run(rival.drop_database(custody))
    return found


def rivals(plot: Plot) -> Reading:
    """The package `eventsourcing` on the same server, in each of its forms; its database is gone afterwards."""
    custody = plot.instance.database("custody")
    dsn = asyncio.run(rival.make_database(custody))
    counts = {1: 500 * plot.scale, 100: 4_000 * plot.scale, 500: 5_000 * plot.scale}
    found = {f"rival_{form.name}": rival.measure(dsn, form, counts[form.batch]) for form in rival.FORMS}
    asyncio.run(rival.drop_database(custody))
    return found


def ratios(reading: Reading) -> Reading:
    """Ours over the rival's forms (events one at a time, as it comes and at its best, and equal batches) and over the
    yardstick, from one reading."""
    best = {
        batch: max(value for name, value in reading.items() if name.startswith("rival_") and name.endswith(f"x{batch}"))
        for batch in (1, 100, 500)
    }
    plain = max(value for name, value in reading.items() if name.startswith("rival_default") and name.endswith("x1"))
    return {
        "ratio_default": reading["batch_500"] / plain, "ratio_usual": reading["batch_500"] / best[1], "ratio_1": reading["single"] / best[1],
        "ratio_100": reading["batch_100"] / best[100], "ratio_500": reading["batch_500"] / best[500],
        **{
            f"of_yardstick_{name}": reading[name] / reading[f"yardstick_{name.removeprefix('batch_').removeprefix('once_')}"]
            for name in ("batch_100", "once_100", "batch_500", "once_500", "single", "single_p99")
        },
    }  # fmt: skip


def peers_of(plot: Plot) -> Reading:
    """Our core without rounds and with them; the package `pymerkle` over entries of ours; a proof of ours through the door."""
    with opened(plot.instance) as house:
        registrar = fresh.registrar_of(house)
    forest = plot.forest(peers.IN_MEMORY)
    entries = forest.upload(peers.IN_MEMORY).splitlines()
    fresh.record(plot.instance, entries[:PROOFS], plot.tokens[0])
    sids = [parse_entry(entry).sid for entry in entries[:PROOFS]]
    return {
        **peers.one_transaction_a_record(plot.instance, registrar), **peers.merkle_trees(entries),
        "proof": percentile(proofs(plot.instance, sids), 500) * 1000,
    }  # fmt: skip


def proofs(instance: Instance, sids: Sequence[str]) -> list[float]:
    """Seconds of each record with its inclusion proof and checkpoint, one after the other over one connection."""
    latencies = []
    with opened(instance) as house:
        house.public.get(f"/v1/records/{sids[0]}")
        for sid in sids:
            begun = time.perf_counter()
            house.public.get(f"/v1/records/{sid}")
            latencies.append(time.perf_counter() - begun)
    return latencies


def lots(plot: Plot) -> Reading:
    """Two lots asked about: one of 500 logs traced back and forward, one of some 1,200 records proven."""
    woodlot = wood.Woodlot(plot.name(), 1)
    proven = plot.forest(wood.LOT_RECORDS)
    fresh.plant(plot.instance, woodlot.forest, plot.tokens[0])
    traced, trees, entries = woodlot.compose()
    lot, more = wood.a_lot_to_prove(proven)
    fresh.record(plot.instance, [*entries, *more], plot.tokens[0])
    return wood.traces(plot.instance, traced, trees) | wood.proof_file(plot.instance, lot)


def inclusion(plot: Plot) -> Reading:
    """From sending to a proof under a signed checkpoint (`?wait=inclusion`), and from the answer to the checkpoint."""
    count = 50 * plot.scale
    records = plot.forest(2 * count).singles(2 * count)
    waited = _all_logged(plot.send(records[:count], JSON, 4, RECORDS + "?wait=inclusion"), count)
    polled = _polled(plot, records[count : count + count // 2])
    return {
        **_times("proven", waited), "covered_p50": percentile(polled, 500) * 1000,
        "covered_p99": percentile(polled, 990) * 1000,
    }  # fmt: skip


def _polled(plot: Plot, records: list[bytes]) -> list[float]:
    """Seconds from each accepted record until the public checkpoint covers it, at moments that are not in step."""
    headers = {"Authorization": f"Bearer {plot.tokens[0]}", "Content-Type": JSON}
    found = []
    with opened(plot.instance) as house:
        for number, record in enumerate(records):
            time.sleep(QUIET_S * (number % 7) / 7)
            index = house.http.post(RECORDS, content=record, headers=headers).json()["results"][0]["index"]
            begun = time.perf_counter()
            while checkpoint_of(house).size <= index:
                time.sleep(POLL_S)
            found.append(time.perf_counter() - begun)
    return found


def warm_start(plot: Plot) -> Reading:
    """Down, and up again with all the data that was measured."""
    fresh.down(plot.instance)
    return {"warm_start": fresh.up(plot.instance)}


def memory(plot: Plot, name: str) -> Reading:
    """Proportional memory of every process, the launcher and the database included."""
    time.sleep(1)
    return {name: fresh.status_of(plot.instance)["memory_kb"] / 1024}


def sizes(instance: Instance) -> Reading:
    """Files of every package in requirements/base.txt as installed here, and the database of the log by record."""
    packages = sum(_size_of(name) for name in _locked())
    database, records = asyncio.run(_database_size(instance))
    return {"install": packages / 1e6, "database": database / 1e6, "record_bytes": database / records}


def record_bytes(instance: Instance) -> float:
    """The database of the log, for each record."""
    database, records = asyncio.run(_database_size(instance))
    return database / records


async def _database_size(instance: Instance) -> tuple[int, int]:
    connection = await asyncpg.connect(instance.admin_dsn("custody"))
    try:
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
        return int(size), int(await connection.fetchval("SELECT sum(size) FROM tlog"))
    finally:
        await connection.close()


def _locked() -> list[str]:
    lines = (CHECKOUT / "requirements/base.txt").read_text().splitlines()
    return [line.split("==")[0].strip() for line in lines if "==" in line and line[:1].isalnum()]


def _size_of(name: str) -> int:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:  # for another system
        return 0
    paths = (Path(str(file.locate())) for file in files)
    return sum(path.stat().st_size for path in paths if path.is_file())
