"""A census list of the corpus in columns, with its polygon: as trees for the rules, or as the files a forester sends."""

import csv
import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from services.permits.domain.census import Tree
from shared.timber.measure import census_dm3

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]
FIRST_DAY = date(2025, 5, 5)
# As crews abbreviate them: may fall, seed tree, left for a later harvest.
CONDITIONS = {"PAB": "harvestable", "PS": "seed", "CF": "future"}
COLUMNS = (
    "tree", "block", "line", "date", "zone", "easting", "northing", "species", "dbh_cm", "commercial_height_m",
    "volume_m3", "destination", "parcel",
)  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """One plan. All columns have one place for each row, in the order of the list."""

    species: Words
    dbh_mm: Ints
    height_mm: Ints
    x_m: Floats
    y_m: Floats
    block: Ints
    line: Ints
    day: Ints
    destination: Words
    land: BaseGeometry
    zone: str = "18S"

    def __len__(self) -> int:
        return len(self.species)

    @property
    def area_ha(self) -> float:
        """Of the polygon."""
        return float(self.land.area) / 10_000

    def at(self, places: Any) -> "Listing":
        """These rows, in this order."""
        columns = ("species", "dbh_mm", "height_mm", "x_m", "y_m", "block", "line", "day", "destination")
        return replace(self, **{name: getattr(self, name)[places] for name in columns})

    def geometry(self) -> dict[str, Any]:
        """The polygon as GeoJSON, WGS 84."""
        back = Transformer.from_crs(32700 + int(self.zone[:2]), 4326, always_xy=True)
        form = shapely.transform(self.land, lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1])))
        found: dict[str, Any] = json.loads(shapely.to_geojson(form))
        return found

    def trees(self) -> list[Tree]:
        """As the census reader hands them to the rules."""
        return [
            Tree(
                "PC 01", f"{place + 1}", str(self.species[place]), "", str(self.block[place]), str(self.line[place]),
                int(self.dbh_mm[place]), int(self.height_mm[place]),
                census_dm3(int(self.dbh_mm[place]), int(self.height_mm[place]), 650),
                CONDITIONS.get(str(self.destination[place]), "seed"), self.zone,
                round(self.x_m[place] * 10), round(self.y_m[place] * 10), None, "CSV", place + 2,
            )
            for place in range(len(self))
        ]  # fmt: skip

    def write(self, path: Path) -> None:
        """``path`` (CSV) and the polygon beside it (GeoJSON)."""
        with path.open("w", encoding="utf-8", newline="") as file:
            sheet = csv.writer(file)
            sheet.writerow(COLUMNS)
            for place, tree in enumerate(self.trees()):
                day = FIRST_DAY + timedelta(days=int(self.day[place]))
                sheet.writerow(
                    [
                        tree.code, tree.block, tree.line, day.isoformat(), tree.zone,
                        f"{tree.easting_dm / 10:.1f}", f"{tree.northing_dm / 10:.1f}", tree.species,
                        f"{tree.dbh_mm / 10:g}", f"{tree.height_mm / 1000:g}", f"{tree.volume_dm3 / 1000:.3f}",
                        self.destination[place], tree.parcel,
                    ]
                )  # fmt: skip
        feature = {"type": "Feature", "properties": {}, "geometry": self.geometry()}
        path.with_suffix(".geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))


def joined(a: Listing, b: Listing, order: Ints) -> Listing:
    """The rows of both, ``a`` first, in this order; the land of ``a``."""
    columns = ("species", "dbh_mm", "height_mm", "x_m", "y_m", "block", "line", "day", "destination")
    both: dict[str, Any] = {name: np.concatenate([getattr(a, name), getattr(b, name)])[order] for name in columns}
    return replace(a, **both)


def uniform_in(land: BaseGeometry, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """n independent uniform points of the land."""
    west, south, east, north = land.bounds
    shapely.prepare(land)
    x, y = np.empty(0), np.empty(0)
    while len(x) < n:
        a, b = rng.uniform(west, east, 2 * n + 20), rng.uniform(south, north, 2 * n + 20)
        inside = shapely.contains_xy(land, a, b)
        x, y = np.concatenate([x, a[inside]]), np.concatenate([y, b[inside]])
    return x[:n], y[:n]
