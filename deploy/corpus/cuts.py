"""Honest plans cut out of a real census: sub-parcels, thinnings and selections, the order of the list kept or lost."""

import csv
import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import box, shape

from deploy.corpus.listing import Floats, Ints, Listing


def read_census_file(census: Path, polygons: Path) -> Listing:
    """A census with the columns of ``census_upa04_sample400.csv`` (UTM 20S), CSV or CSV.GZ, and its polygons."""
    data = census.read_bytes()
    text = (gzip.decompress(data) if census.suffix == ".gz" else data).decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    days = {day: number for number, day in enumerate(sorted({row["date"] for row in rows}))}

    def numbers(name: str, scale: float = 1.0) -> Floats:
        return np.array([float(row[name]) for row in rows]) * scale

    return Listing(
        np.array([row["species"] for row in rows]), np.rint(numbers("dbh_cm", 10)).astype(np.int64),
        np.rint(numbers("commercial_height_m", 1000)).astype(np.int64), numbers("easting_wgs84_20s"),
        numbers("northing_wgs84_20s"), numbers("block").astype(np.int64), numbers("line").astype(np.int64),
        np.array([days[row["date"]] for row in rows], np.int64), np.array([row["destination"] for row in rows]),
        read_land(polygons, "20S"), "20S",
    )  # fmt: skip


def read_land(polygons: Path, zone: str) -> shapely.geometry.base.BaseGeometry:
    """All polygons of a GeoJSON file as one, in metres of the zone; hair cracks between neighbours are closed."""
    forward = Transformer.from_crs(4326, 32700 + int(zone[:2]), always_xy=True)
    forms = [
        shapely.transform(shape(feature["geometry"]), lambda xy: np.column_stack(forward.transform(xy[:, 0], xy[:, 1])))
        for feature in json.loads(polygons.read_text(encoding="utf-8"))["features"]
    ]
    return shapely.union_all([form.buffer(1.0) for form in forms]).buffer(-1.0)


def honest_cut(census: Listing, rng: np.random.Generator) -> Listing:
    """One plan: a place, a selection, a thinning and an order, drawn at random."""
    plan = _place(census, rng)
    plan = _selection(plan, rng)
    plan = _thinned(plan, rng)
    return ordered(plan, rng)


def _place(census: Listing, rng: np.random.Generator) -> Listing:
    if rng.random() < 0.3:
        return census
    west, south, east, north = census.land.bounds
    wide, high = rng.uniform(800, 3200), rng.uniform(800, 3200)
    wide, high = min(wide, east - west), min(high, north - south)
    x, y = rng.uniform(west, east - wide), rng.uniform(south, north - high)
    land = census.land.intersection(box(x, y, x + wide, y + high))
    if land.area < 600_000:
        return _place(census, rng)
    inside = shapely.contains_xy(land, census.x_m, census.y_m)
    return replace(census.at(np.flatnonzero(inside)), land=land)


def _selection(plan: Listing, rng: np.random.Generator) -> Listing:
    kind = rng.choice(["all", "cut", "commercial", "few", "by_species"], p=[0.15, 0.2, 0.25, 0.15, 0.25])
    keep = np.ones(len(plan), np.bool_)
    if kind == "cut":
        keep = plan.dbh_mm >= rng.choice([410, 450, 500, 550, 600])
    elif kind == "commercial":
        keep = np.isin(plan.destination, ["PAB", "PS"] if rng.random() < 0.5 else ["PAB"])
    else:
        names, counts = np.unique(plan.species, return_counts=True)
        chosen = len(names) if kind != "few" else int(rng.integers(10, 25))
        taken = rng.choice(names, min(chosen, len(names)), replace=False, p=counts / counts.sum())
        limit = {name: int(rng.choice([410, 460, 510, 560, 610])) for name in names.tolist()}
        keep = np.isin(plan.species, taken)
        keep &= plan.dbh_mm >= np.array([limit[name] for name in plan.species.tolist()])
    chosen_rows = plan.at(np.flatnonzero(keep))
    return chosen_rows if len(chosen_rows) >= 100 else plan


def _thinned(plan: Listing, rng: np.random.Generator) -> Listing:
    if rng.random() < 0.35:
        return plan
    wanted = max(100, int(plan.area_ha * rng.uniform(0.9, 2.2)))
    if wanted >= len(plan):
        return plan
    return plan.at(np.sort(rng.permutation(len(plan))[:wanted]))


def ordered(plan: Listing, rng: np.random.Generator) -> Listing:
    """The list as it is (mostly), or as offices sort it: by species, by diameter, or in no order."""
    kind = rng.choice(["kept", "species", "species_dbh", "shuffled"], p=[0.7, 0.12, 0.06, 0.12])
    order: Ints = np.arange(len(plan))
    if kind == "species":
        order = np.argsort(plan.species, kind="stable")
    elif kind == "species_dbh":
        order = np.lexsort((plan.dbh_mm, plan.species))
    elif kind == "shuffled":
        order = rng.permutation(len(plan))
    return plan.at(order)
