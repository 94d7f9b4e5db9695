"""Lots to be asked about: logs cut here and there while a log grows, set apart for one sale, traced and proven."""

import gzip
import json
import statistics
import time

from deploy.bench.figures import percentile, timed
from deploy.bench.forest import PARCEL, Forest
from deploy.instance import Instance
from deploy.seed.house import House, opened
from shared.lot.verify import verify
from shared.timber.event import make_statement, sign, tree_item
from shared.tlog.policy import Policy

Reading = dict[str, float]
LOT_LOGS = 500
LOT_RECORDS = 1_200
LOGS_A_TREE = 1.4  # at least, of the trees of `Forest`
COMPOSED_AT, COMPOSED_AT_ONCE = "2026-03-20T12:00:00Z", 250
STARTS = 180  # pieces that one address asks for, so that it stays below 8 KiB
TRACES, BUNDLES = 100, 5
WARM_S = 10.0


class Woodlot:
    """A forest of its own, of which lots of 500 logs are made. `cut` gives some of its records at a time, to be put between
    others."""

    def __init__(self, name: str, lots: int) -> None:
        self.forest = Forest(name, int(lots * LOT_LOGS / LOGS_A_TREE * 1.2) + 40)
        self._trees: list[str] = []
        self._logs: list[str] = []
        self._made = 0

    def cut(self, trees: int) -> list[bytes]:
        """Fellings and cross-cuttings of so many trees, or of fewer when the next lot has its logs."""
        entries: list[bytes] = []
        for _ in range(trees):
            if len(self._logs) >= LOT_LOGS:
                break
            tree, felled, cut, logs = self.forest.one_down()
            entries += [felled, cut]
            self._trees.append(tree_item(self.forest.plan, PARCEL, tree.code))
            self._logs += [log["item"] for log in logs]
        return entries

    def compose(self) -> tuple[str, list[str], list[bytes]]:
        """A lot of 500 logs: its number, the trees they came from, and what is still to be logged for it."""
        rest = self.cut(LOT_LOGS)
        self._made += 1
        lot, trees = f"BL-{self.forest.name.upper()}-{self._made}", self._trees
        rest += _composed(self.forest, lot, self._logs[:LOT_LOGS])
        self._trees, self._logs = [], []
        return lot, trees, rest


def _composed(forest: Forest, lot: str, logs: list[str]) -> list[bytes]:
    """A lot is composed in several records: a statement has at most 16 KiB."""
    parts = [logs[at : at + COMPOSED_AT_ONCE] for at in range(0, len(logs), COMPOSED_AT_ONCE)]
    made = (make_statement("lot.composed", forest.org, COMPOSED_AT, {"lot": lot, "items": part}) for part in parts)
    return [sign(statement, forest.keys[0]) for statement in made]


def a_lot_to_prove(forest: Forest) -> tuple[str, list[bytes]]:
    """A lot whose proof file has about 1,200 records: its number, and everything to be logged for it after the papers."""
    records = forest.upload(LOT_RECORDS - 40).splitlines()
    logs = [
        section["item"]
        for record in records
        for section in json.loads(record)["stmt"]["body"].get("sections", ())
    ]  # fmt: skip
    lot = f"BP-{forest.name.upper()}"
    return lot, [*records, *_composed(forest, lot, logs)]


def traces(instance: Instance, lot: str, trees: list[str]) -> Reading:
    """Back: every piece of a lot of 500 logs to its trees. Forward: from all those trees to what was made of them, in the
    requests that takes. One after the other over one connection, pages of the database warm."""
    starts = [trees[at : at + STARTS] for at in range(0, len(trees), STARTS)]
    with opened(instance) as house:
        found: Reading = {}
        for name, ask in (("back", lambda: _back(house, lot)), ("forward", lambda: _forward(house, starts))):
            seconds = timed(ask, TRACES)
            found |= {f"{name}_p50": percentile(seconds, 500) * 1000, f"{name}_p99": percentile(seconds, 990) * 1000}
    return found


def _back(house: House, lot: str) -> None:
    answer = house.public.get(f"/v1/lots/{lot}/ancestors")
    if not answer["complete"] or len(answer["lot"]["items"]) != LOT_LOGS:
        raise RuntimeError(f"{lot} was not traced whole")


def _forward(house: House, starts: list[list[str]]) -> None:
    for first, *rest in starts:
        answer = house.http.get(f"/v1/items/{first}/descendants", params=[("also", item) for item in rest]).json()
        if not answer["complete"] or len(answer["items"]) < 2 * len(rest):
            raise RuntimeError(f"{first}: followed to {len(answer['items'])} pieces, complete {answer['complete']}")


def proof_file(instance: Instance, lot: str) -> Reading:
    """The bundle of a lot, built through HTTP and verified offline (Python, processor time); its size as it travels."""
    policy = Policy.parse(instance.policy.read_bytes())
    with opened(instance) as house:
        path = f"/v1/lots/{lot}/bundle"
        end = time.monotonic() + WARM_S
        while (report := verify(house.public.download(path), policy)).outcome != "valid":
            if time.monotonic() > end:
                raise RuntimeError(f"the bundle of {lot} is {report.outcome}")
            time.sleep(0.2)
        build_s = timed(lambda: house.public.download(path), BUNDLES)
        bundle = house.public.download(path)
    verify_s = timed(lambda: verify(bundle, policy), BUNDLES, time.process_time)
    return {
        "lot_records": float(report.records), "lot_build": statistics.median(build_s),
        "lot_verify": statistics.median(verify_s), "lot_gzip": len(gzip.compress(bundle)) / 1000,
    }  # fmt: skip
