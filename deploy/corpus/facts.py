"""What the synthetic forests are fitted to: marginal facts of a real census, species by species, never its rows.

python -m deploy.corpus facts CENSUS.csv[.gz] POLYGONS.geojson > deploy/corpus/forest.json
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from deploy.corpus.cuts import read_census_file
from deploy.corpus.listing import Listing
from services.permits.domain.forensics.near import pairs_within

MIN_TREES = 40
QUANTILES = np.linspace(0, 1, 21)


def facts_of(census: Listing) -> dict[str, Any]:
    """Density, diameter quantiles, height on diameter and clumping of each species with at least 40 trees."""
    names, counts = np.unique(census.species, return_counts=True)
    species = [
        _species(census.at(np.flatnonzero(census.species == name)), str(name))
        for name, n in zip(names, counts, strict=True)
        if n >= MIN_TREES
    ]
    last = np.bincount(census.dbh_mm % 10, minlength=10) / len(census)
    whole = census.dbh_mm[census.dbh_mm % 10 == 0] // 10
    return {
        "source": (
            "Marginals of the 100 % commercial census of UPA 4 (1,000 ha, Rondonia, Brazil, 2010), 20,108 trees from "
            "40 cm; FlorestaR/dados, commit ec46a19. Facts only, no rows."
        ),
        "last_digit_of_mm": [round(float(v), 4) for v in last],
        "digit_of_whole_cm": [round(float(v), 4) for v in np.bincount(whole % 10, minlength=10) / len(whole)],
        "species": sorted(species, key=lambda row: -float(row["trees_per_100ha"])),
    }


def _species(trees: Listing, name: str) -> dict[str, Any]:
    d, h = np.log(trees.dbh_mm / 10), np.log(trees.height_mm / 1000)
    slope, start = np.polyfit(d, h, 1)
    n, area = len(trees), float(trees.land.area)
    near = []
    for low, high in ((0.0, 60.0), (60.0, 180.0)):
        found = pairs_within(trees.x_m, trees.y_m, high)
        share = np.pi * (high**2 - low**2) / area * (1 - 2 * high * trees.land.length / (3 * np.pi * area))
        near.append(round(float((found.d_m > low).sum() / (n * (n - 1) / 2 * share)), 3))
    return {
        "name": name, "trees_per_100ha": round(n / area * 1e6, 2),
        "dbh_cm": [round(float(q), 1) for q in np.quantile(trees.dbh_mm / 10, QUANTILES)],
        "ln_height_on_ln_dbh": [round(float(start), 4), round(float(slope), 4)],
        "scatter": round(float(np.std(h - start - slope * d)), 4), "pairs_over_random_60m_180m": near,
    }  # fmt: skip


def fitted_forest() -> dict[str, Any]:
    """The facts shipped beside this file."""
    text = (resources.files("deploy.corpus") / "forest.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def print_facts(census: Path, polygons: Path) -> None:
    """The document, to standard output."""
    print(json.dumps(facts_of(read_census_file(census, polygons)), indent=1))
