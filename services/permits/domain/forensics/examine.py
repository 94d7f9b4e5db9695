"""Every forensic rule over one census: findings with their evidence, and the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from services.permits.domain.census import Tree
from services.permits.domain.compared import Compared
from services.permits.domain.crowns import CrownLook
from services.permits.domain.finding import Finding
from services.permits.domain.forensics.found_copies import find_copies
from services.permits.domain.forensics.found_marks import find_marks
from services.permits.domain.forensics.found_pattern import find_places
from services.permits.domain.forensics.found_plan import (
    Order,
    OtherPlan,
    Terrain,
    find_clones,
    find_crowns,
    find_ground,
    find_mix,
    find_pace,
)
from services.permits.domain.forensics.score import Score, evidence, find_score, score
from services.permits.domain.forensics.stand import Stand, stand_of
from services.permits.domain.forensics.thresholds import Thresholds

RULES = (
    "F00", "F01-RUNS", "F01-TWINS", "F01-SHIFT", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "F09", "F10",
    "F11-PARCEL", "F11-GROUND", "F12", "F13", "F14", "F15", "F16", "F17", "F18",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Examination:
    """What the rules say, in the order of ``RULES``; ``score`` is None when there are too few trees to say anything."""

    findings: list[Finding]
    score: Score | None


def examine(
    trees: Sequence[Tree],
    norms: Thresholds,
    *,
    subject: str = "plan",
    polygons: Mapping[str, dict[str, Any]] | None = None,
    others: Compared | None = None,
    terrain: Terrain | None = None,
    crowns: Sequence[CrownLook] | None = None,
    felling_from: date | None = None,
) -> Examination:
    """All rules over the trees of one plan, in the order of its sheets. Nothing but the arguments is looked at.

    ``polygons``: GeoJSON geometries by parcel ("" for the whole plan); ``others``: other plans; ``crowns``: what was seen from above,
    which before ``felling_from`` tells of the trees. What is missing makes its rule NOT_EVALUATED.
    """
    above = find_crowns(trees, crowns, felling_from, norms)
    if len(trees) < norms["least_trees"]:
        few = {rule: _too_few(rule, len(trees), norms) for rule in RULES} | ({"F14": above} if crowns else {})
        return Examination([replace(finding, subject=subject) for finding in few.values()], None)
    stand = stand_of(trees, polygons)
    others = others or Compared({})
    renamed = _renamed(others, norms)
    searched = None if others.searched is None else others.searched + len({other.name for other in renamed})
    clones = find_clones(stand, [*_other_plans(stand, others), *renamed], norms, searched)
    examined = _rules(stand, norms, [*clones, above], polygons, terrain)
    ordered = sorted(examined.findings, key=lambda finding: RULES.index(finding.rule))
    return Examination([replace(finding, subject=subject) for finding in ordered], examined.score)


def _other_plans(stand: Stand, others: Compared) -> list[OtherPlan]:
    own = np.array([others.own_since.get((tree.parcel, tree.code), 0) for tree in stand.rows], np.int64)
    return [
        OtherPlan(
            name, stand_of(rows), Order(own, np.array(others.since[name], np.int64)) if name in others.since else None
        )
        for name, rows in others.trees.items()
        if rows
    ]  # fmt: skip


def _renamed(others: Compared, norms: Thresholds) -> list[OtherPlan]:
    """Of few trees nothing is said, here as elsewhere."""
    return [
        OtherPlan(part.name, stand_of(part.others), own=stand_of(part.own))
        for part in others.renamed
        if min(len(part.own), len(part.others)) >= norms["least_trees"]
    ]


def _rules(
    stand: Stand, norms: Thresholds, others: Sequence[Finding], polygons: Mapping[str, dict[str, Any]] | None,
    terrain: Terrain | None,
) -> Examination:  # fmt: skip
    copied, copies = find_copies(stand, norms)
    placed, places = find_places(stand, norms)
    marked, marks = find_marks(stand, norms)
    whole = score(evidence(copies, places, marks), norms)
    return Examination(
        [
            find_score(whole, norms), *copied, *placed, *marked, find_pace(stand, norms),
            *find_ground(stand, polygons, terrain, norms), find_mix(stand, norms), *others,
        ],
        whole,
    )  # fmt: skip


def _too_few(rule: str, trees: int, norms: Thresholds) -> Finding:
    least = norms["least_trees"]
    return norms.unknown(
        rule, f"Hay {trees} árboles; con menos de {least} estas pruebas no dicen nada.",
        f"There are {trees} trees; with fewer than {least} these tests say nothing.", trees=trees, least_trees=least,
    )  # fmt: skip
