"""The corpus as the rules see it: one row of figures for each plan, worked out by several processes."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from deploy.corpus.plans import Base, Sources, plan, sources
from services.permits.domain.forensics.examine import examine
from services.permits.domain.forensics.found_copies import find_copies
from services.permits.domain.forensics.found_marks import find_marks
from services.permits.domain.forensics.found_pattern import find_places
from services.permits.domain.forensics.pattern import measure_pattern
from services.permits.domain.forensics.score import evidence
from services.permits.domain.forensics.stand import stand_of
from services.permits.domain.forensics.thresholds import Thresholds, thresholds_on

Job = tuple[str, Base, int, int]
TODAY = date(2026, 11, 28)


@dataclass(frozen=True)
class Judged:
    """One plan after all rules: its severity from 0 to 4, the rules at each severity, the chance of the score,
    and the evidence of F03 in natural logarithms."""

    kind: str
    base: Base
    trees: int
    hectares: float
    severity: int
    rules: dict[str, str]
    chance: float
    uniform: float


@dataclass(frozen=True)
class Measured:
    """What the score is fitted on: the evidence of each part, and the excess and weight of the four bands."""

    kind: str
    base: Base
    trees: int
    area_m2: float
    parts: dict[str, float]
    excess: tuple[float, ...]
    weight: tuple[float, ...]


@cache
def _sources(census: Path | None, polygons: Path | None) -> Sources:
    return sources(census, polygons)


def judge(of: Sources, job: Job, norms: Thresholds) -> Judged:
    """Make one plan and examine it with its polygon, as `timber census` does."""
    listing = plan(of, *job)
    found = examine(listing.trees(), norms, polygons={"": listing.geometry()})
    failed = {finding.rule: finding.severity for finding in found.findings if finding.severity}
    severity = max((int(s[1]) for s in failed.values()), default=0)
    chance = found.score.chance if found.score else float("nan")
    uniform = next(
        (f.computed["evidence_ln"] for f in found.findings if f.rule == "F03" and f.status != "NOT_EVALUATED"), 0.0
    )
    return Judged(job[0], job[1], len(listing), listing.area_ha, severity, dict(failed), chance, float(uniform))


def measure(of: Sources, job: Job, norms: Thresholds) -> Measured:
    """Make one plan and take the figures that the score is fitted on."""
    listing = plan(of, *job)
    stand = stand_of(listing.trees(), {"": listing.geometry()})
    parts = evidence(find_copies(stand, norms)[1], find_places(stand, norms)[1], find_marks(stand, norms)[1])
    bands = measure_pattern(stand).bands
    return Measured(
        job[0], job[1], len(listing), stand.area_m2, {name: float(value) for name, value in parts.items()},
        tuple(float(b.effect) for b in bands), tuple(float(b.weight) for b in bands),
    )  # fmt: skip


def _judge(work: tuple[Path | None, Path | None, Job]) -> Judged:
    return judge(_sources(work[0], work[1]), work[2], thresholds_on(TODAY))


def _measure(work: tuple[Path | None, Path | None, Job]) -> Measured:
    return measure(_sources(work[0], work[1]), work[2], thresholds_on(TODAY))


def judge_all(jobs: Iterable[Job], census: Path | None, polygons: Path | None) -> Iterator[Judged]:
    """Judged in the order of the jobs."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(_judge, [(census, polygons, job) for job in jobs], chunksize=4)


def measure_all(jobs: Iterable[Job], census: Path | None, polygons: Path | None) -> Iterator[Measured]:
    """Measured in the order of the jobs."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(_measure, [(census, polygons, job) for job in jobs], chunksize=4)
