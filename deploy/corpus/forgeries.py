"""Ways of inventing a census, each from an honest plan, with the strength named: what the rules are measured on.

A kind is a name in ``FORGERIES``; each takes an honest listing and a generator and gives the forged listing.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import Point

from deploy.corpus.cuts import ordered
from deploy.corpus.listing import Floats, Ints, Listing, joined, uniform_in

Forge = Callable[[Listing, np.random.Generator], Listing]


# ---- copies


def copied_rows(plan: Listing, rng: np.random.Generator) -> Listing:
    """Blocks of 20 to 200 rows repeated until 15 to 50 % of the list is copied, shifted on the ground, at the end or in between."""
    share = rng.uniform(0.15, 0.5)
    taken: list[Ints] = []
    wanted = int(len(plan) * share / (1 - share))
    while sum(map(len, taken)) < wanted:
        rows = min(int(rng.integers(20, 200)), len(plan) // 2, wanted)
        start = int(rng.integers(0, len(plan) - rows))
        taken.append(np.arange(start, start + rows))
    copies = [_shifted(plan.at(places), rng) for places in taken]
    result = plan
    for copy in copies:
        at = len(result) if rng.random() < 0.5 else int(rng.integers(0, len(result)))
        order = np.concatenate([np.arange(at), np.arange(len(copy)) + len(result), np.arange(at, len(result))])
        result = joined(result, copy, order)
    return result


def _shifted(part: Listing, rng: np.random.Generator, noise_m: float = 0.0) -> Listing:
    """Moved together to where most of it is still inside the land."""
    west, south, east, north = part.land.bounds
    best, most = part, -1.0
    for _ in range(12):
        dx = rng.uniform(west, east) - part.x_m.mean()
        dy = rng.uniform(south, north) - part.y_m.mean()
        x, y = part.x_m + dx + rng.normal(0, noise_m, len(part)), part.y_m + dy + rng.normal(0, noise_m, len(part))
        inside = float(shapely.contains_xy(part.land, x, y).mean())
        if inside > most:
            best, most = replace(part, x_m=np.round(x, 1), y_m=np.round(y, 1)), inside
        if most > 0.98:
            break
    return best


def scattered_copies(plan: Listing, rng: np.random.Generator) -> Listing:
    """30 % of the rows again with the same marks, each at a place of its own, the list shuffled."""
    taken = plan.at(rng.permutation(len(plan))[: int(0.3 * len(plan))])
    x, y = uniform_in(plan.land, len(taken), rng)
    copy = replace(taken, x_m=np.round(x, 1), y_m=np.round(y, 1))
    return joined(plan, copy, rng.permutation(len(plan) + len(copy)))


def noisy_copies(plan: Listing, rng: np.random.Generator) -> Listing:
    """Half of the plan again: order shuffled, diameters +-2 %, heights +-1 step, positions shifted together with 2 m of noise."""
    taken = _compact_half(plan)
    copy = _shifted(taken, rng, noise_m=2.0)
    copy = replace(
        copy,
        dbh_mm=_on_lattice(plan, copy.dbh_mm * (1 + rng.normal(0, 0.01, len(copy)))),
        height_mm=np.maximum(copy.height_mm + _height_step(plan) * rng.integers(-1, 2, len(copy)), 2000),
    )
    return joined(plan, copy.at(rng.permutation(len(copy))), np.arange(len(plan) + len(copy)))


def _compact_half(plan: Listing) -> Listing:
    return plan.at(np.flatnonzero(plan.y_m <= np.median(plan.y_m)))


# ---- positions


def jittered_grid(plan: Listing, rng: np.random.Generator) -> Listing:
    """Trees at the nodes of a square grid, each moved by up to 10 to 50 % of the mesh."""
    mesh = np.sqrt(plan.land.area / len(plan))
    jitter = rng.uniform(0.1, 0.5)
    x, y = np.empty(0), np.empty(0)
    west, south, east, north = plan.land.bounds
    while len(x) < len(plan):
        gx, gy = np.meshgrid(np.arange(west, east, mesh), np.arange(south, north, mesh))
        gx, gy = gx.ravel(), gy.ravel()
        gx, gy = gx + rng.uniform(-jitter, jitter, len(gx)) * mesh, gy + rng.uniform(-jitter, jitter, len(gy)) * mesh
        inside = shapely.contains_xy(plan.land, gx, gy)
        x, y, mesh = gx[inside], gy[inside], mesh * 0.995
    taken = np.sort(rng.permutation(len(x))[: len(plan)])
    return _placed(plan, x[taken], y[taken], rng)


def uniform_positions(plan: Listing, rng: np.random.Generator) -> Listing:
    """Every tree at a uniform place, species given out at random, diameters and heights of real trees."""
    x, y = uniform_in(plan.land, len(plan), rng)
    return _placed(plan, x, y, rng)


def uniform_in_strips(plan: Listing, rng: np.random.Generator) -> Listing:
    """The same, and then listed strip by strip as a crew would have walked: written by somebody who knows this test."""
    forged = uniform_positions(plan, rng)
    strip = ((forged.x_m - forged.x_m.min()) // rng.uniform(50, 100)).astype(np.int64)
    return replace(forged, line=strip + 1).at(np.lexsort((np.where(strip % 2 == 0, forged.y_m, -forged.y_m), strip)))


def _placed(plan: Listing, x: Floats, y: Floats, rng: np.random.Generator) -> Listing:
    mixed = plan.at(rng.permutation(len(plan)))
    return replace(mixed, x_m=np.round(x, 1), y_m=np.round(y, 1), block=plan.block, line=plan.line, day=plan.day)


# ---- marks


def formula_heights(plan: Listing, rng: np.random.Generator) -> Listing:
    """Heights from a power or a line of the diameter, with 0 to 4 % of noise, written as the plan writes them."""
    d = plan.dbh_mm / 10
    if rng.random() < 0.5:
        height = rng.uniform(2.5, 5.0) * d ** rng.uniform(0.28, 0.45)
    else:
        height = rng.uniform(8, 11) + rng.uniform(0.04, 0.12) * d
    height = height * (1 + rng.normal(0, rng.uniform(0, 0.04), len(plan)))
    step = _height_step(plan)
    return replace(plan, height_mm=np.maximum(np.rint(height * 1000 / step), 2).astype(np.int64) * step)


def bell_diameters(plan: Listing, rng: np.random.Generator) -> Listing:
    """Diameters from one normal distribution, cut where the plan is cut."""
    low = plan.dbh_mm.min()
    mean, spread = rng.uniform(650, 850), rng.uniform(80, 150)
    drawn = np.empty(0)
    while len(drawn) < len(plan):
        more = rng.normal(mean, spread, 2 * len(plan))
        drawn = np.concatenate([drawn, more[more >= low]])
    return replace(plan, dbh_mm=_on_lattice(plan, drawn[: len(plan)]))


def inflated(by: float, share: float = 1.0) -> Forge:
    """Diameters multiplied, of all trees or of a share, and written on the lattice of the plan."""

    def forge(plan: Listing, rng: np.random.Generator) -> Listing:
        chosen = rng.random(len(plan)) < share
        return replace(plan, dbh_mm=np.where(chosen, _on_lattice(plan, plan.dbh_mm * by), plan.dbh_mm))

    return forge


def inflated_by_hand(plan: Listing, rng: np.random.Generator) -> Listing:
    """Every tree by its own factor between 1.1 and 1.3: leaves no comb."""
    return replace(
        plan, dbh_mm=_on_lattice(plan, np.asarray(plan.dbh_mm * rng.uniform(1.1, 1.3, len(plan)), np.float64))
    )


def species_upward(plan: Listing, rng: np.random.Generator) -> Listing:
    """A third of the trees of common species get the names of three rarer ones."""
    names, counts = np.unique(plan.species, return_counts=True)
    order = np.argsort(-counts)
    common, rare = names[order[: max(len(names) // 3, 1)]], names[order[len(names) // 3 :][:3]]
    if not len(rare):
        return plan
    swapped = np.isin(plan.species, common) & (rng.random(len(plan)) < 0.33)
    return replace(plan, species=np.where(swapped, rng.choice(rare, len(plan)), plan.species))


# ---- phantoms


def phantoms(share: float, where: str = "anywhere") -> Forge:
    """Invented trees make up this share: real-looking marks at uniform places, between the rows, at the end, or in strips.

    A row is a real one written again with another place, so its line is that of the real tree; in strips all lines are
    written anew, and "lined" ones get the line of the nearest real tree: by somebody who knows of these tests.
    """

    def forge(plan: Listing, rng: np.random.Generator) -> Listing:
        n = round(len(plan) * share / (1 - share))
        taken = plan.at(rng.integers(0, len(plan), n))
        x, y = uniform_in(plan.land, n, rng)
        dbh = plan.dbh_mm[rng.integers(0, len(plan), n)]
        height = plan.height_mm[rng.integers(0, len(plan), n)]
        invented = replace(taken, x_m=np.round(x, 1), y_m=np.round(y, 1), dbh_mm=dbh, height_mm=height)
        if where == "lined":
            nearest = shapely.STRtree([Point(*at) for at in zip(plan.x_m, plan.y_m, strict=True)]).nearest(
                [Point(*at) for at in zip(x, y, strict=True)]
            )
            invented = replace(invented, block=plan.block[nearest], line=plan.line[nearest], day=plan.day[nearest])
        both = joined(plan, invented, np.arange(len(plan) + n))
        if where == "end":
            return both
        if where == "strips":
            strip = ((both.x_m - both.x_m.min()) // 75).astype(np.int64)
            both = replace(both, line=strip + 1, block=strip // 10 + 1)
            return both.at(np.lexsort((np.where(strip % 2 == 0, both.y_m, -both.y_m), strip)))
        place = np.concatenate([np.arange(len(plan), dtype=float), rng.uniform(-0.5, len(plan), n)])
        return both.at(np.argsort(place, kind="stable"))

    return forge


# ---- clones of another plan


def clone_of(plan: Listing, rng: np.random.Generator, *, turned: bool = True, noisy: bool = False) -> Listing:
    """The same trees elsewhere: shifted by kilometres, turned, and if noisy shuffled with 1 % and 3 m of noise."""
    angle = rng.uniform(0, 2 * np.pi) if turned else 0.0
    cx, cy = plan.land.centroid.x, plan.land.centroid.y
    dx, dy = rng.uniform(-20_000, 20_000, 2)

    def move(xy: Floats) -> Floats:
        a, b = xy[:, 0] - cx, xy[:, 1] - cy
        return np.column_stack(
            [a * np.cos(angle) - b * np.sin(angle) + cx + dx, a * np.sin(angle) + b * np.cos(angle) + cy + dy]
        )

    at = move(np.column_stack([plan.x_m, plan.y_m])) + rng.normal(0, 3.0 if noisy else 0.0, (len(plan), 2))
    clone = replace(plan, x_m=at[:, 0].round(1), y_m=at[:, 1].round(1), land=shapely.transform(plan.land, move))
    if not noisy:
        return clone
    step = _height_step(plan)
    clone = replace(
        clone,
        dbh_mm=_on_lattice(plan, clone.dbh_mm * (1 + rng.normal(0, 0.01, len(plan)))),
        height_mm=np.maximum(clone.height_mm + step * rng.integers(-1, 2, len(plan)), 2000),
    )
    return clone.at(rng.permutation(len(plan)))


def _on_lattice(plan: Listing, dbh_mm: npt.NDArray[np.floating[Any]]) -> Ints:
    step = next(step for step in (10, 5, 1) if np.mean(plan.dbh_mm % step == 0) > 0.99)
    return np.floor(np.asarray(dbh_mm) / step + 0.5).astype(np.int64) * step


def _height_step(plan: Listing) -> int:
    return next(step for step in (1000, 500, 100) if np.mean(plan.height_mm % step == 0) > 0.95 or step == 100)


def reordered(forge: Forge) -> Forge:
    """The forgery, and then the order of the list kept or lost as with honest plans."""
    return lambda plan, rng: ordered(forge(plan, rng), rng)


WHOLESALE: dict[str, Forge] = {
    "copied rows": copied_rows,
    "jittered grid": jittered_grid,
    "uniform random": uniform_positions,
    "formula heights": formula_heights,
    "bell diameters": bell_diameters,
}
PARTIAL: dict[str, Forge] = {
    "inflated 10 %": inflated(1.1),
    "inflated 20 %": inflated(1.2),
    "inflated 40 %": inflated(1.4),
    "inflated 20 %, half the trees": inflated(1.2, 0.5),
    "phantoms 5 %": phantoms(0.05),
    "phantoms 10 %": phantoms(0.10),
    "phantoms 30 %": phantoms(0.30),
    "phantoms 30 %, at the end": phantoms(0.30, "end"),
}
HARD: dict[str, Forge] = {
    "uniform random, in strips": uniform_in_strips,
    "copies scattered, shuffled": scattered_copies,
    "half again, shuffled, noisy": noisy_copies,
    "inflated by hand": inflated_by_hand,
    "phantoms 30 %, lines fitted": phantoms(0.30, "lined"),
    "phantoms 30 %, in strips": phantoms(0.30, "strips"),
    "species upward": species_upward,
}
FORGERIES = {**WHOLESALE, **PARTIAL, **HARD}
