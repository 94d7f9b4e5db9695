"""The coefficients of the score and the honest plans behind F03, fitted again and written into the norms.

Fitted only on synthetic plans and the western half of a real census; the figures of the study come from elsewhere.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import box

from deploy.corpus.forest import honest_plan
from deploy.corpus.forgeries import FORGERIES, HARD
from deploy.corpus.judged import TODAY, Measured, measure_all
from deploy.corpus.listing import Listing
from deploy.corpus.plans import HONEST, Sources, jobs
from services.permits.domain.forensics.found_pattern import band_evidence
from services.permits.domain.forensics.pattern import measure_pattern
from services.permits.domain.forensics.score import PARTS
from services.permits.domain.forensics.stand import stand_of
from services.permits.domain.forensics.thresholds import thresholds_on

SEED = 0
NORMS = Path(__file__).parents[2] / "services" / "permits" / "norms" / "forensics.json"
# One plan in five: what the national supervisor estimated for titled timber in 2021 (20.7 %, 31.5 % in 2019).
BASE_RATE = 0.207
EACH_BASE = 40
# Small pieces of forest, as dense as a whole census.
PATCH_HA, PATCH_TREES_PER_HA = (25.0, 250.0), (8.0, 16.0)
SHRINK = 3.0


def refit(of: Sources, census: Path | None, polygons: Path | None, honest: int, forged: int) -> dict[str, Any]:
    """Measure the corpus, fit, write the norms; answers what was fitted on how many plans."""
    rows = list(measure_all(jobs(of.fitted_on, honest, forged, SEED), census, polygons))
    document = json.loads(NORMS.read_text(encoding="utf-8"))
    values = {row["name"]: row for row in document["thresholds"]}
    excess = [*_honest_excess(rows, of), *_patches(of)]
    values["f03_honest_excess"]["value"] = excess
    norms = thresholds_on(TODAY)
    known = {id(row): band_evidence(row.excess, row.weight, row.area_m2, norms, excess) for row in rows}
    rows = [row for row in rows if row.kind not in HARD or row.kind == "uniform random, in strips"]
    features = np.array(
        [[np.clip(known[id(r)], -4, 6) if name == "uniform" else r.parts[name] for name in PARTS] for r in rows]
    )
    forged_rows = np.array([row.kind != HONEST for row in rows])
    weights = logistic(features, forged_rows, BASE_RATE)
    values["f00_coefficients"]["value"] = {
        name: round(float(w), 3) for name, w in zip(("base", *PARTS), weights, strict=True)
    }
    write_norms(document)
    return {
        "plans": len(rows), "honest": int((~forged_rows).sum()), "kinds": len(FORGERIES),
        "coefficients": values["f00_coefficients"]["value"],
    }  # fmt: skip


def _honest_excess(rows: list[Measured], of: Sources) -> list[list[float]]:
    """The excesses of the honest plans that show them best, as many from each base."""
    chosen: list[list[float]] = []
    for base in of.fitted_on:
        honest = sorted((r for r in rows if r.kind == HONEST and r.base == base), key=lambda r: -r.weight[2])
        chosen += [_vector(row.excess, row.area_m2) for row in honest[:EACH_BASE]]
    return chosen


def _vector(excess: Sequence[float], area_m2: float) -> list[float]:
    return [*(round(float(value), 3) for value in excess), round(area_m2 / 10_000, 1)]


def _patches(of: Sources) -> list[list[float]]:
    """Excesses of small pieces of forest with all their trees, which show them well: as many from each base."""
    rng = np.random.default_rng([SEED, 3])
    found = []
    for _ in range(EACH_BASE):
        pieces = [honest_plan(of.facts, rng, hectares=PATCH_HA, per_ha=PATCH_TREES_PER_HA)]
        if of.west is not None:
            pieces.append(_piece(of.west, rng))
        for piece in pieces:
            stand = stand_of(piece.trees(), {"": piece.geometry()})
            found.append(_vector([band.effect for band in measure_pattern(stand).bands], stand.area_m2))
    return found


def _piece(census: Listing, rng: np.random.Generator) -> Listing:
    """A rectangle of a census, from the cut or from a larger diameter on."""
    west, south, east, north = census.land.bounds
    while True:
        area, ratio = np.exp(rng.uniform(*np.log(PATCH_HA))) * 1e4, np.exp(rng.uniform(-1, 1))
        wide, high = np.sqrt(area * ratio), np.sqrt(area / ratio)
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        land = census.land.intersection(box(x, y, x + wide, y + high))
        if land.geom_type == "Polygon" and land.area > 0.8 * area:
            break
    kept = shapely.contains_xy(land, census.x_m, census.y_m) & (census.dbh_mm >= rng.choice([400, 400, 500]))
    return replace(census.at(np.flatnonzero(kept)), land=land)


def logistic(features: npt.NDArray[np.float64], forged: npt.NDArray[np.bool_], rate: float) -> npt.NDArray[np.float64]:
    """Intercept and coefficients not below 0, plans weighted to the base rate, ridge ``SHRINK``; projected gradient."""
    x = np.column_stack([np.ones(len(features)), features])
    y = forged.astype(np.float64)
    weight = np.where(forged, rate / forged.mean(), (1 - rate) / (1 - forged.mean()))
    found = np.zeros(x.shape[1])
    step = 1 / (0.25 * float(np.linalg.eigvalsh((x * weight[:, None]).T @ x)[-1]) + SHRINK)
    for _ in range(20_000):
        chance = 1 / (1 + np.exp(-np.clip(x @ found, -40, 40)))
        slope = x.T @ (weight * (chance - y)) + SHRINK * np.concatenate([[0.0], found[1:]])
        moved = found - step * slope
        moved[1:] = np.maximum(moved[1:], 0.0)
        if np.abs(moved - found).max() < 1e-7:
            break
        found = moved
    return np.asarray(found, np.float64)


def write_norms(document: dict[str, Any]) -> None:
    """The file as it is kept: one threshold on a line."""
    head = "".join(f"  {json.dumps(k)}: {json.dumps(v)},\n" for k, v in document.items() if k != "thresholds")
    rows = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in document["thresholds"])
    NORMS.write_text(f'{{\n{head}  "thresholds": [\n{rows}\n  ]\n}}\n', encoding="utf-8")
