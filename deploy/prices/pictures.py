"""The drawings of docs/prices.md."""

from collections.abc import Mapping
from typing import Any

from deploy.corpus.figures import Bar, bars, calibration
from deploy.corpus.study import wilson

NAMES = {"estimate": "estimate", "reference": "reference", "last": "last price", "median": "5-year median"}
LEVELS = (50, 80, 90, 95)


def errors(found: Mapping[str, Any]) -> str:
    """Median error of each way to estimate, by size of the cell, with the reports of the year."""
    rows = []
    for row in found["modes"]["same_year"]["errors"]:
        for way, name in NAMES.items():
            if way in row:
                share = row[way]["median_error_pct"] / 100
                rows.append(Bar(f"{row['reports']} reports: {name}", share, share, share, way == "estimate"))
    return bars(f"Median error, {found['from']} on, with the other cells of the year", rows, most=25)


def coverages(found: Mapping[str, Any]) -> str:
    """How many of a hundred prices fell within each band."""
    rows = []
    for row in found["modes"]["same_year"]["coverage"][:1]:
        for level in LEVELS:
            hits = round(row[str(level)] * row["cells"] / 100)
            rows.append((level / 100, row[str(level)] / 100, *wilson(hits, row["cells"]), row["cells"]))
    return calibration("Prices within their bands, held-out years", rows, "said", "came true", "cells")


def moves(found: Mapping[str, Any]) -> str:
    """Mean move by half-price reports that are 40 % of all, by how many entities file them."""
    rows = []
    for row in found["shares"]:
        if row["share_pct"] == 40:
            for way, name in (("estimate", "estimate"), ("capped_huber", "reference"), ("mean", "mean")):
                share = abs(row[way]["mean"]) / 100
                rows.append(Bar(f"{row['attackers']} of them: {name}", share, share, share, way == "estimate"))
    return bars("Moved by half-price reports, 40 % of all, 12 honest", rows, most=25)
