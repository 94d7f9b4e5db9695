"""Honest synthetic plans: species in clumps on irregular land, diameters and heights fitted to facts, written as crews write."""

from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from deploy.corpus.cuts import ordered
from deploy.corpus.facts import QUANTILES
from deploy.corpus.listing import Floats, Ints, Listing, uniform_in

TREES_A_DAY = 180


def honest_plan(
    facts: dict[str, Any], rng: np.random.Generator, *, other_settings: bool = False,
    hectares: tuple[float, float] = (120, 7000), per_ha: tuple[float, float] | None = None,
) -> Listing:  # fmt: skip
    """One plan. ``other_settings`` draws from ranges and shapes of distribution that no coefficient was fitted on.

    ``per_ha`` bounds the trees a hectare; without it small plans may be denser than large ones.
    """
    land = _land(rng, float(np.exp(rng.uniform(np.log(hectares[0]), np.log(hectares[1])))))
    if per_ha is not None:
        wanted_per_ha = rng.uniform(*per_ha)
    else:
        wanted_per_ha = (
            rng.uniform(0.8, 2.6) if land.area > 8e6 else float(np.exp(rng.uniform(np.log(1.0), np.log(12))))
        )
    wanted = int(np.clip(land.area / 1e4 * wanted_per_ha, 130, 15_000))
    rows = facts["species"]
    chosen = rng.permutation(len(rows))[: int(rng.integers(8, min(len(rows), 45)))]
    shares = np.array([rows[k]["trees_per_100ha"] for k in chosen]) ** rng.uniform(0.4, 1.0)
    counts = rng.multinomial(wanted, shares / shares.sum())
    clump = float(np.exp(rng.normal(0.0, 0.3)))
    habitat = _Habitat(rng)
    parts = [
        _of_species(rows[k], int(n), land, habitat, clump, rng, other_settings=other_settings)
        for k, n in zip(chosen.tolist(), counts.tolist(), strict=True)
        if n
    ]
    species, dbh, height, x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    plan = _walked(_written(species, dbh, height, x, y, land, rng), rng)
    return ordered(plan, rng)


def _land(rng: np.random.Generator, hectares: float) -> BaseGeometry:
    side = np.sqrt(hectares * 10_000)
    if rng.random() < 0.4:
        ratio = float(np.exp(rng.uniform(-0.7, 0.7)))
        form: BaseGeometry = box(0, 0, side * ratio, side / ratio)
    else:
        corners = int(rng.integers(6, 16))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners) * 0.5 + np.linspace(0, 2 * np.pi, corners, endpoint=False))
        reach = side / np.sqrt(np.pi) * rng.uniform(0.7, 1.3, corners)
        form = shapely.make_valid(Polygon(np.column_stack([reach * np.cos(angle), reach * np.sin(angle)]))).buffer(0)
        if form.geom_type != "Polygon" or form.area < 0.3 * side**2:
            form = box(0, 0, side, side)
    scaled = np.sqrt(hectares * 10_000 / form.area)
    east, north = rng.uniform(350_000, 650_000), rng.uniform(8_600_000, 9_400_000)
    return shapely.transform(form, lambda xy: xy * scaled + [east, north])


class _Habitat:
    """Smooth surfaces of preference: sums of waves, one surface shared by all species and one for each."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.strength = float(rng.uniform(0.05, 0.45))
        self.shared = self._waves()

    def _waves(self) -> tuple[Floats, Floats, Floats]:
        length, angle = np.exp(self.rng.uniform(np.log(300), np.log(2500), 8)), self.rng.uniform(0, 2 * np.pi, 8)
        return 2 * np.pi / length * np.cos(angle), 2 * np.pi / length * np.sin(angle), self.rng.uniform(0, 2 * np.pi, 8)

    def of(self, x: Floats, y: Floats, own: tuple[Floats, Floats, Floats]) -> Floats:
        """Logarithm of the intensity, up to a constant."""
        total = np.zeros(len(x))
        for kx, ky, phase in (self.shared, own):
            total += self.strength * np.cos(np.outer(x, kx) + np.outer(y, ky) + phase).sum(1) / 2
        return total

    def waves(self) -> tuple[Floats, Floats, Floats]:
        """A surface for one species."""
        return self._waves()


def _of_species(
    row: dict[str, Any], n: int, land: BaseGeometry, habitat: _Habitat, clump: float, rng: np.random.Generator,
    *, other_settings: bool,
) -> tuple[Any, Floats, Floats, Floats, Floats]:  # fmt: skip
    x, y = _clumped(row, n, land, habitat, clump, rng, other_settings=other_settings)
    if other_settings:  # an exponential or lognormal tail above the cut in place of the fitted quantiles
        scale = row["dbh_cm"][10] - row["dbh_cm"][0] + 4
        dbh = 41 + (rng.exponential(scale, n) if rng.random() < 0.6 else scale * rng.lognormal(-0.2, 0.7, n))
    else:
        cut = rng.choice([0.0, 0.0, 0.15, 0.3, 0.5])
        dbh = np.interp(rng.uniform(cut, 1, n), QUANTILES, row["dbh_cm"])
    start, slope = row["ln_height_on_ln_dbh"]
    scatter = row["scatter"] * rng.uniform(0.75, 1.25) if not other_settings else rng.uniform(0.11, 0.26)
    height = np.exp(start + slope * np.log(dbh) + rng.normal(0, scatter, n))
    return np.full(n, row["name"]), dbh, height, x, y


def _clumped(
    row: dict[str, Any], n: int, land: BaseGeometry, habitat: _Habitat, clump: float, rng: np.random.Generator,
    *, other_settings: bool,
) -> tuple[Floats, Floats]:  # fmt: skip
    """A Thomas process on the habitat: parents keep to the preferred ground, children scatter round them."""
    own = habitat.waves()
    spread = float(np.exp(rng.normal(np.log(60), 0.35)))
    excess = max(row["pairs_over_random_60m_180m"][0] - 1, 0.15) * clump
    # g(0) - 1 = 1 / (4 pi spread^2 parents per area) for a Thomas process; the band 0-60 m sees about 0.8 of it.
    parents = max(int(land.area * 0.8 / (4 * np.pi * spread**2 * excess)), 1)
    px, py = _preferring(land, parents, habitat, own, rng)
    x, y = np.empty(0), np.empty(0)
    while len(x) < n:
        parent = rng.integers(0, parents, 2 * n)
        if other_settings:  # uniform discs in place of bells
            reach, turn = 2 * spread * np.sqrt(rng.uniform(0, 1, 2 * n)), rng.uniform(0, 2 * np.pi, 2 * n)
            a, b = px[parent] + reach * np.cos(turn), py[parent] + reach * np.sin(turn)
        else:
            a, b = px[parent] + rng.normal(0, spread, 2 * n), py[parent] + rng.normal(0, spread, 2 * n)
        inside = shapely.contains_xy(land, a, b)
        x, y = np.concatenate([x, a[inside]]), np.concatenate([y, b[inside]])
    return x[:n], y[:n]


def _preferring(
    land: BaseGeometry, n: int, habitat: _Habitat, own: tuple[Floats, Floats, Floats], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    x, y = uniform_in(land, 4 * n, rng)
    liking = np.exp(habitat.of(x, y, own))
    taken = rng.choice(len(x), n, replace=False, p=liking / liking.sum())
    return x[taken], y[taken]


def written_diameters(dbh_cm: Floats, rng: np.random.Generator, kind: str) -> Ints:
    """Millimetres as written: every millimetre, heaped on whole and half centimetres, or whole centimetres only."""
    if kind == "mm":
        return np.rint(dbh_cm * 10).astype(np.int64)
    if kind == "half_cm":
        return (np.rint(dbh_cm * 2) * 5).astype(np.int64)
    if kind == "cm":
        return (np.rint(dbh_cm) * 10).astype(np.int64)
    exact = np.rint(dbh_cm * 10).astype(np.int64)
    rounded = (np.rint(dbh_cm) * 10).astype(np.int64)
    return np.where(rng.random(len(exact)) < rng.uniform(0.1, 0.6), rounded, exact)


def _written(
    species: Any, dbh: Floats, height: Floats, x: Floats, y: Floats, land: BaseGeometry,
    rng: np.random.Generator,
) -> Listing:  # fmt: skip
    n = len(dbh)
    kind = str(rng.choice(["mm", "heaped", "cm", "half_cm"], p=[0.25, 0.35, 0.3, 0.1]))
    step_mm = int(rng.choice([1000, 500, 100], p=[0.55, 0.3, 0.15]))
    noise = rng.uniform(0, 8)
    a, b = x + rng.normal(0, noise, n), y + rng.normal(0, noise, n)
    inside = shapely.contains_xy(land, a, b)
    a, b = np.where(inside, a, x), np.where(inside, b, y)
    zero = np.zeros(n, np.int64)
    destination = np.where(rng.random(n) < rng.choice([0.0, 0.1]), "PS", "PAB")
    return Listing(
        species, written_diameters(dbh, rng, kind),
        np.maximum(np.rint(height * 1000 / step_mm), 1).astype(np.int64) * step_mm,
        np.round(a, 1), np.round(b, 1), zero, zero, zero, destination, land,
    )  # fmt: skip


def _walked(plan: Listing, rng: np.random.Generator) -> Listing:
    """Strips of 50 to 100 m walked up and down, blocks of ten strips, crews of a steady pace."""
    wide = rng.uniform(40, 100)
    strip = ((plan.x_m - plan.x_m.min()) // wide).astype(np.int64)
    along = np.where(strip % 2 == 0, plan.y_m, -plan.y_m) + rng.normal(0, 8, len(plan))
    plan = replace(plan, line=strip + 1, block=strip // 10 + 1)
    plan = plan.at(np.lexsort((along, strip)))
    return replace(plan, day=np.arange(len(plan)) // TREES_A_DAY)
