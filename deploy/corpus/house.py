"""Honest plans through a running house: what an honest community would be told, and why.

Everything goes through the gateway as the people of a development instance would do it: land, boundary, assembly, census,
submission, the officer's inspection and review, explanations, decisions, approval. Start an empty one first:

    ./timber up -d --empty --port PORT --data DIR
    python -m deploy.corpus house --data DIR --count 500 --out FILE [--write]

``FILE`` keeps a line for each plan, so a run that was cut short goes on where it ended, and its tables can be made again.
"""

import json
import multiprocessing
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import shapely

from deploy.corpus.facts import fitted_forest
from deploy.corpus.filed import filed
from deploy.corpus.forest import honest_plan
from deploy.corpus.listing import Listing
from deploy.corpus.study import put_between
from deploy.instance import Instance
from deploy.seed.house import House, NotInTime, Person, Problem, opened, until_logged
from services.permits.domain.day import peru_day
from shared.timber.measure import census_dm3

HECTARES, TREES_A_HA = (1_000.0, 7_000.0), (1.0, 2.0)
COMMUNITY, REGION = "comunidad-a", "madre-de-dios"
# Each plan has a square of its own: honest neighbours do not overlap.
SQUARE_M, SQUARES_EAST, WEST_M, SOUTH_M = 16_000, 18, 350_000, 8_600_000
PLANS_OF_A_REGENT = 20
MOST_DM3 = 100_000
SEVERITIES = ("S1", "S2", "S3", "S4")
FIRST_AND_LAST = 50
ORGANISATIONS = (
    (COMMUNITY, "community"), ("gerfor-md", "authority"), ("osinfor-md", "supervisor"),
)  # fmt: skip
Row = dict[str, Any]


def run(data: Path, count: int, seed: int, out: Path, *, lanes: int, again: bool, write: bool) -> None:
    """Put plans in until ``out`` holds ``count`` of this seed, or until interrupted, and tell the tables of those it holds.
    ``again`` puts none in: all that it holds are reviewed by the rules as they are now."""
    known = _known(out, seed)
    left = [number for number in range(count) if number not in known]
    if left or again:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the maker of listings would stay behind
        with (
            opened(Instance(data)) as house, out.open("a", encoding="utf-8") as file, suppress(KeyboardInterrupt),
            closing(_reviewed(house, known, lanes) if again else _put_in(house, seed, left, lanes)) as done,
        ):  # fmt: skip
            for told in done:
                known[told["number"]] = told
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
                file.flush()
                said = f"{told['plan']}, {told['trees']} trees, {told['state']}"
                print(f"{len(known)}/{count}: {said}", file=sys.stderr)
    rows = [known[number] for number in sorted(known) if again or number < count]
    if not rows:
        print(f"{out} holds no plan of seed {seed}", file=sys.stderr)
        return
    text = tables(rows, seed)
    print(text)
    if write:
        put_between("house", text)


def _put_in(house: House, seed: int, numbers: list[int], lanes: int) -> Generator[Row]:
    """Each plan as it is done, so many at a time; listings are made in another process meanwhile."""
    _introduce(house)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as maker:
        yield from _as_done(lambda number: _made_and_put_in(maker, house, seed, number), numbers, lanes)


def _reviewed(house: House, known: dict[int, Row], lanes: int) -> Generator[Row]:
    """Each plan as before, with what a review finds now: all are reviewed once before, since P09 and P11 hold a plan against
    the last reviews of the others."""
    officer = house.person("autoridad2")

    def review(number: int) -> Row:
        found = officer.post(f"/v1/plans/{known[number]['plan']}/review", {})["findings"]
        return known[number] | {"findings": _told(found)}

    for _ in _as_done(review, sorted(known), lanes):
        pass
    yield from _as_done(review, sorted(known), lanes)


def _as_done(act: Callable[[int], Row], numbers: list[int], lanes: int) -> Generator[Row]:
    """What the act gave of each plan. One that a busy machine did not get through is named, and left for another run."""
    with ThreadPoolExecutor(lanes) as people:
        waiting = {people.submit(act, number): number for number in numbers}
        try:
            for done in as_completed(waiting):
                try:
                    yield done.result()
                except (Problem, NotInTime, httpx.TransportError) as trouble:
                    print(f"{waiting[done]}: {trouble!r}", file=sys.stderr)
        finally:
            people.shutdown(cancel_futures=True)


def _made_and_put_in(maker: ProcessPoolExecutor, house: House, seed: int, number: int) -> Row:
    return _plan(house, maker.submit(honest_listing, seed, number).result(), seed, number)


def honest_listing(seed: int, number: int) -> Listing:
    """The census of one plan, in its own square. A tree that no upload would take as one (the tails of the corpus are longer
    than a forest's) is left out."""
    rng = np.random.default_rng([seed, 500, number])
    plan = honest_plan(fitted_forest(), rng, other_settings=bool(number % 2), hectares=HECTARES, per_ha=TREES_A_HA)
    centre = plan.land.envelope.centroid
    east = WEST_M + SQUARE_M * (number % SQUARES_EAST + 0.5) - centre.x
    north = SOUTH_M + SQUARE_M * (number // SQUARES_EAST + 0.5) - centre.y
    east, north = round(east, 1), round(north, 1)
    land = shapely.transform(plan.land, lambda xy: xy + np.array([east, north]))
    moved = replace(plan, x_m=(plan.x_m + east).round(1), y_m=(plan.y_m + north).round(1), land=land)
    small = [census_dm3(int(d), int(h), 650) < MOST_DM3 for d, h in zip(moved.dbh_mm, moved.height_mm, strict=True)]
    return filed(moved.at(np.array(small)), rng, peru_day(datetime.now(UTC)))


def _introduce(house: House) -> None:
    for org, kind in ORGANISATIONS:
        body = {"id": org, "name": org, "kind": kind, "region": REGION}
        house.person("operador" if org == "gerfor-md" else "autoridad").post("/v1/organisations", body)


def _plan(house: House, listing: Listing, seed: int, number: int) -> Row:
    """One plan from its land to the decision, and what was found on the way. A plan that is further already goes on there."""
    began, name = time.monotonic(), f"HON-{seed}-{number:03}"
    area_m2 = _drafted(house, listing, name, number)
    community, officer, path = house.person("comunidad"), house.person("autoridad2"), f"/v1/plans/{name}"
    today = peru_day(datetime.now(UTC)).isoformat()
    took = {"upload_s": 0.0}
    if community.get(path)["state"] == "draft":
        with TemporaryDirectory() as folder:
            file = Path(folder) / "census.csv"
            listing.write(file)
            took["upload_s"] = _timed(lambda: community.upload(f"{path}/census", file.read_bytes(), "text/csv"))
    inspection = {
        "day": today, "opinion": "favourable", "trees_sampled": 60, "trees_absent": 0, "reason": "Inspección ocular",
        "documents": [],
    }  # fmt: skip
    took["submit_s"] = _timed(lambda: _done(community, path, "submit", {"census_ended_on": today}, "draft"))
    took["review_s"] = _timed(lambda: _done(officer, path, "inspect", inspection, "submitted")) + _timed(
        lambda: _done(officer, path, "review", {}, "inspected")
    )
    found = community.get(f"{path}/findings")["findings"]
    before = time.monotonic()
    state = _decided(house, path, found)
    took["decide_s"] = time.monotonic() - before
    return {
        "plan": name, "seed": seed, "number": number, "trees": len(listing), "hectares": area_m2 // 10_000, "state": state,
        "seconds": round(time.monotonic() - began, 1), **{name: round(seconds, 2) for name, seconds in took.items()},
        "findings": _told(found),
    }  # fmt: skip


def _told(found: Iterable[Row]) -> list[Row]:
    return [{name: one[name] for name in ("rule", "status", "severity", "blocks", "en", "computed")} for one in found]


def _timed(act: Callable[[], Any]) -> float:
    before = time.monotonic()
    act()
    return time.monotonic() - before


def _done(who: Person, path: str, act: str, body: Row, before: str) -> None:
    """The act on a plan in the state ``before`` it, unless it was done already; again when a busy machine did not answer, or
    was still at the first asking."""
    trouble: Problem | httpx.TransportError | None = None
    for _ in range(3):
        try:
            if who.get(path)["state"] == before:
                who.post(f"{path}/{act}", body)
            return
        except (Problem, httpx.TransportError) as silence:
            passing = (503, 504) if trouble is None else (409, 503, 504)
            if isinstance(silence, Problem) and silence.status not in passing:
                raise
            trouble = silence
            time.sleep(10)
    assert trouble is not None
    raise trouble


def _drafted(house: House, listing: Listing, name: str, number: int) -> int:
    """Title, regent with a licence, plan with its boundary, and the agreement of the assembly. The area of its parcel in m2."""
    authority, community = house.person("autoridad"), house.person("comunidad")
    regent = f"regencia-{number // PLANS_OF_A_REGENT + 1}"
    authority.post("/v1/organisations", {"id": regent, "name": regent, "kind": "regent_firm", "region": REGION})
    licence = {"number": f"LR-{regent}", "valid_from": "2020-01-01", "valid_to": "2035-12-31"}
    authority.post(f"/v1/organisations/{regent}/licences", licence)
    from services.permits.domain.land import measure

    around = replace(listing, land=listing.land.convex_hull.buffer(300, join_style="mitre")).geometry()
    authority.post(
        "/v1/titles",
        {
            "number": f"T-{name}", "org": COMMUNITY, "region": REGION, "polygon": around,
            "declared_area_m2": measure.area_m2(around),
        },
    )  # fmt: skip
    until_logged(authority, f"/v1/titles/T-{name}")
    area_m2 = measure.area_m2(listing.geometry())
    plan = community.post(
        "/v1/plans",
        {
            "id": name, "title": f"T-{name}", "number": name, "season": "2026", "regent": regent,
            "parcels": [{"code": "PC 01", "area_m2": area_m2}], "form_factor_milli": 650, "harvest_from": "2026-12-15",
            "harvest_to": "2028-12-14", "census_basis": "listed",
        },
    )  # fmt: skip
    if plan["state"] != "draft":  # a run that was cut short goes on
        return area_m2
    boundary = json.dumps(listing.geometry()).encode()
    community.upload(f"/v1/plans/{name}/parcels/PC 01/shape", boundary, "application/geo+json")
    minutes = f"Acta de asamblea: presentar {name}.\n".encode()
    paper = community.upload("/v1/documents?kind=assembly_act", minutes, "text/plain")
    community.post(
        f"/v1/organisations/{COMMUNITY}/assembly-acts",
        {
            "number": f"ACTA-{name}", "purpose": "plan", "plan": name, "held_on": "2026-10-10", "present": 41,
            "members": 60, "agreement": f"Presentar {name}", "third_parties": [], "document": paper["sha256"],
        },
    )  # fmt: skip
    return area_m2


def _decided(house: House, path: str, found: Iterable[Row]) -> str:
    """What is asked is explained, what needs it is decided, and the authority approves unless something still stands."""
    community, said = house.person("comunidad"), {"text": "Se explica en el informe adjunto."}
    for one in found:
        where = f"{path}/findings/{one['id']}"
        if one["blocks"] in ("needs-explanation", "needs-decision"):  # not once it was answered
            community.post(f"{where}/explanation", said)
        if one["blocks"] == "needs-decision":
            house.person("supervisor").post(f"{where}/decision", {"decision": "accepted"} | said)
    try:
        _done(house.person("autoridad"), path, "approve", {"resolution": "RGR-0000-2026"}, "inspected")
        state: str = community.get(path)["state"]
    except Problem as problem:
        return f"refused: {problem.slug} {problem.problem.get('facts', {}).get('names', '')}".strip()
    return state


def _known(out: Path, seed: int) -> dict[int, Row]:
    if not out.exists():
        return {}
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines() if line]
    return {row["number"]: row for row in rows if row["seed"] == seed}


# ---- tables


def tables(rows: list[Row], seed: int) -> str:
    """How many plans met each severity, rule by rule, with an example in words; what was not evaluated; and how long the first
    and the last of them took."""
    sizes = sorted(row["trees"] for row in rows)
    worst = Counter(max((one["severity"] for one in row["findings"]), default="") or "none" for row in rows)
    approved = sum(row["state"] == "approved" for row in rows)
    missing = Counter(
        rule
        for row in rows
        for rule in {one["rule"] for one in row["findings"] if one["status"] == "NOT_EVALUATED"}
    )  # fmt: skip
    told = ", ".join(f"{rule} {share / len(rows):.0%}" for rule, share in sorted(missing.items()))
    return "\n".join(
        [
            f"{len(rows)} plans (seed {seed}), {sizes[0]:,} to {sizes[-1]:,} trees (median {sizes[len(sizes) // 2]:,}),"
            f" {min(r['hectares'] for r in rows):,} to {max(r['hectares'] for r in rows):,} ha; {approved} approved in the end.",
            "", "| worst finding of a plan | plans | share |", "|---|---|---|",
            *(f"| {level} | {worst[level]} | {worst[level] / len(rows):.1%} |" for level in ("none", *SEVERITIES)),
            "", "Plans that met a rule at least once, by the worst it said of each:", "", *_by_rule(rows), "",
            f"Not evaluated, share of the plans: {told}.", "", *_pace(rows),
        ]
    )  # fmt: skip


def _by_rule(rows: list[Row]) -> list[str]:
    worst: dict[str, list[Row]] = {}
    for row in rows:
        here = sorted((one for one in row["findings"] if one["severity"]), key=lambda one: str(one["severity"]))
        for rule, one in {one["rule"]: one for one in here}.items():
            worst.setdefault(rule, []).append(one)
    lines = [f"| rule | {' | '.join(SEVERITIES)} | share | for example |", "|---|---|---|---|---|---|---|"]
    for rule, found in sorted(worst.items()):
        counts = Counter(one["severity"] for one in found)
        example = max(found, key=lambda one: str(one["severity"]))["en"]
        told = " | ".join(str(counts[level]) for level in SEVERITIES)
        lines.append(f"| {rule} | {told} | {len(found) / len(rows):.1%} | {example} |")
    return lines


def _pace(rows: list[Row]) -> list[str]:
    """Seconds at the door, of a machine that may have had other work."""
    acts = {"upload_s": "census", "submit_s": "submission", "review_s": "inspection and review", "decide_s": "decision"}
    lines = [f"| seconds, median / 95 % | {' | '.join(acts.values())} |", "|---|---|---|---|---|"]
    for name, part in (("first", rows[:FIRST_AND_LAST]), ("last", rows[-FIRST_AND_LAST:])):
        told = " | ".join(
            "{:.2f} / {:.2f}".format(*np.quantile([row[act] for row in part], [0.5, 0.95])) for act in acts
        )
        lines.append(f"| {name} {len(part)} plans | {told} |")
    return lines
