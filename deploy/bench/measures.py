"""What is measured, each as one function over a fresh instance."""

import asyncio
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from deploy.bench import fresh, rival
from deploy.bench.figures import Figure, percentile
from deploy.bench.forest import Forest
from deploy.bench.load import Job, Outcome, send
from deploy.instance import CHECKOUT, Instance
from deploy.seed.house import House

NDJSON, JSON = "application/x-ndjson", "application/json"
RECORDS, TREES_A_RECORD = "/v1/records", 0.62
UPLOADERS, IN_FLIGHT, CARRIERS = 4, 64, 8
POLL_S, QUIET_S = 0.005, 0.3
Say = Callable[[str], None]


class Plot:
    """A fresh instance with forests to cut; every run gets trees nobody has felled."""

    def __init__(self, instance: Instance, runs: int, quick: bool) -> None:
        self.instance, self.runs = instance, runs
        self.scale = 1 if quick else 4
        self.tokens = fresh.machine_tokens(instance, CARRIERS)
        self._planted = 0

    def forest(self, records: int) -> Forest:
        """Enough standing trees for so many records, known to the log."""
        self._planted += 1
        forest = Forest(f"f{self._planted}", int(records * TREES_A_RECORD) + 40)
        self.tokens = fresh.machine_tokens(self.instance, CARRIERS)  # they last ten minutes
        fresh.plant(self.instance, forest, self.tokens[0])
        return forest

    def send(self, bodies: list[bytes], media_type: str, connections: int, path: str = RECORDS) -> Outcome:
        """Over so many connections, as eight organisations from eight addresses."""
        return send(
            Job(self.instance.port, path, media_type, bodies, connections, self.tokens, min(connections, CARRIERS))
        )


def uploads(plot: Plot, size: int) -> list[Figure]:
    """Signed records in NDJSON batches: records a second, and the time of one batch."""
    rates, p50, p99 = [], [], []
    for _ in range(plot.runs):
        count = 5_000 * plot.scale
        forest = plot.forest(count)
        bodies = [forest.upload(size) for _ in range(count // size)]
        outcome = _all_logged(plot.send(bodies, NDJSON, UPLOADERS), count)
        rates.append(outcome.logged / outcome.seconds)
        p50.append(percentile(outcome.latencies, 500) * 1000)
        p99.append(percentile(outcome.latencies, 990) * 1000)
    floor = "floor 5,000, aim 15,000"
    return [
        Figure(f"records_batch_{size}", f"(a) records through the gateway, batches of {size}, {UPLOADERS} uploaders", "/s", tuple(rates), floor),
        Figure(f"batch_{size}_p50", f"    one batch of {size}, p50", "ms", tuple(p50)),
        Figure(f"batch_{size}_p99", f"    one batch of {size}, p99", "ms", tuple(p99)),
    ]  # fmt: skip


def singles(plot: Plot) -> list[Figure]:
    """One record a request, 64 requests in flight."""
    rates, p50, p99 = [], [], []
    for _ in range(plot.runs):
        count = 1_500 * plot.scale
        bodies = plot.forest(count).singles(count)
        outcome = _all_logged(plot.send(bodies, JSON, IN_FLIGHT), count)
        rates.append(outcome.logged / outcome.seconds)
        p50.append(percentile(outcome.latencies, 500) * 1000)
        p99.append(percentile(outcome.latencies, 990) * 1000)
    return [
        Figure("single", f"(b) single records, {IN_FLIGHT} in flight", "/s", tuple(rates), "floor 1,000, aim 3,000"),
        Figure("single_p50", "    answer, p50", "ms", tuple(p50)),
        Figure("single_p99", "    answer, p99", "ms", tuple(p99), "floor 150, aim 60"),
    ]  # fmt: skip


def _all_logged(outcome: Outcome, count: int) -> Outcome:
    """A run in which anything was refused measures something else."""
    if outcome.logged != count or not set(outcome.statuses) <= {"200", "201"}:
        raise RuntimeError(f"{outcome.logged} of {count} records logged, answers {outcome.statuses}")
    return outcome


def rivals(plot: Plot) -> dict[str, Figure]:
    """The package `eventsourcing` on the same server, in each of its forms."""
    dsn = asyncio.run(rival.make_database(plot.instance.database("custody")))
    found = {}
    for form in rival.FORMS:
        count = {1: 500, 100: 4_000, 500: 5_000}[form.batch] * plot.scale
        runs = tuple(rival.measure(dsn, form, count) for _ in range(plot.runs))
        found[form.name] = Figure(f"rival_{form.name}", f"    eventsourcing, {form.words}", "/s", runs)
    return found


def ratios(ours: dict[str, Figure], theirs: dict[str, Figure]) -> list[Figure]:
    """Ours over its best form: run by run, against single appends and against the same size of batch."""
    found = []
    for batch, own in ((1, "single"), (100, "records_batch_100"), (500, "records_batch_500")):
        best = max((f for name, f in theirs.items() if name.endswith(f"x{batch}")), key=lambda f: f.middle)
        found.append(_ratio(f"ratio_{own}", f"(c) ours / its best with {batch} per transaction", ours[own], best))
    usual = max((f for name, f in theirs.items() if name.endswith("x1")), key=lambda f: f.middle)
    found.append(
        _ratio("ratio_usual", "(c) ours in batches of 500 / its best, an event at a time", ours["records_batch_500"], usual)
    )
    return found


def _ratio(name: str, what: str, ours: Figure, theirs: Figure) -> Figure:
    runs = tuple(own / other for own, other in zip(ours.runs, theirs.runs, strict=True))
    return Figure(name, what, "times", runs, "floor 4, aim 12" if name == "ratio_usual" else "")


def inclusion(plot: Plot) -> list[Figure]:
    """From sending to a proof under a signed checkpoint (`?wait=inclusion`), and from the answer to the checkpoint."""
    waits50, waits99, polls50, polls99 = [], [], [], []
    for _ in range(plot.runs):
        count = 50 * plot.scale
        records = plot.forest(2 * count).singles(2 * count)
        outcome = _all_logged(plot.send(records[:count], JSON, 4, RECORDS + "?wait=inclusion"), count)
        waits50.append(percentile(outcome.latencies, 500) * 1000)
        waits99.append(percentile(outcome.latencies, 990) * 1000)
        polled = _polled(plot, records[count : count + count // 2])
        polls50.append(percentile(polled, 500) * 1000)
        polls99.append(percentile(polled, 990) * 1000)
    return [
        Figure("inclusion_wait_p50", "(d) sent -> proof under a signed checkpoint, p50", "ms", tuple(waits50)),
        Figure("inclusion_wait_p99", "    p99", "ms", tuple(waits99), "floor 1,000, aim 300"),
        Figure("inclusion_poll_p50", "(d) accepted -> covered by /log/checkpoint, p50", "ms", tuple(polls50)),
        Figure("inclusion_poll_p99", "    p99", "ms", tuple(polls99), "floor 1,000, aim 300"),
    ]  # fmt: skip


def _polled(plot: Plot, records: list[bytes]) -> list[float]:
    """Seconds from each accepted record until the public checkpoint covers it, at moments that are not in step."""
    house = House(plot.instance)
    found = []
    for number, record in enumerate(records):
        time.sleep(QUIET_S * (number % 7) / 7)
        headers = {"Authorization": f"Bearer {plot.tokens[0]}", "Content-Type": JSON}
        index = house.http.post(RECORDS, content=record, headers=headers).json()["results"][0]["index"]
        begun = time.perf_counter()
        while fresh.checkpoint_of(house).size <= index:
            time.sleep(POLL_S)
        found.append(time.perf_counter() - begun)
    house.close()
    return found


def warm_start(plot: Plot) -> Figure:
    """Down, and up again with all the data that was measured."""
    runs = []
    for _ in range(plot.runs):
        fresh.down(plot.instance)
        runs.append(fresh.up(plot.instance))
    return Figure("warm_start", "(e) warm start, from the command to ready", "s", tuple(runs), "5")


def memory(plot: Plot, name: str, what: str) -> Figure:
    """Proportional memory of every process, the launcher and the database included."""
    runs = []
    for _ in range(plot.runs):
        time.sleep(1)
        runs.append(fresh.status_of(plot.instance)["memory_kb"] / 1024)
    return Figure(name, what, "MB", tuple(runs), "450")


def install_size(instance: Instance) -> list[Figure]:
    """Files of every package in requirements/base.txt as installed here, and the data folder after the measuring."""
    packages = sum(_size_of(name) for name in _locked())
    data = sum(path.stat().st_size for path in instance.data.rglob("*") if path.is_file() and not path.is_symlink())
    return [
        Figure("install", "(g) packages of requirements/base.txt, installed", "MB", (packages / 1e6,)),
        Figure("data", "(g) data folder after these measures", "MB", (data / 1e6,)),
    ]


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
