"""`timber prices` through its door: a panel in, estimates and tables out, an exit status, refusals by row and column."""

import contextlib
import csv
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.__main__ import parser
from deploy.prices import command

ROOT = Path(__file__).parents[2]
# The folder with the real panel, which may not be shipped.
DATA = Path(os.environ.get("TIMBER_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL = DATA / "stumpage_panel_2000_2015.csv"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="TIMBER_RESEARCH_DATA names no folder with the real panel")
HEADER = "Year,County,Category,PerUnit,Species,AvgPrice,MinPrice,MaxPrice,NumReports"
Rows = list[list[str]]


def prices(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy", "prices", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def refused(*words: object) -> tuple[int, str, str]:
    """The same command without a process of its own: exit status, what it printed, what it complained of."""
    out, err = io.StringIO(), io.StringIO()
    options = parser().parse_args(["prices", *map(str, words)])
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = command.main(options)
    return status, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(("hour", "day"), [(4, 28), (5, 29)])
def test_parameters_come_into_force_by_the_day_of_peru(hour: int, day: int) -> None:
    assert command.day_in_peru(datetime(2026, 11, 29, hour, 59, 59, tzinfo=UTC)) == date(2026, 11, day)


def rows() -> Rows:
    """Four counties, three species, eight years; the price of a species drifts, the names change their case."""
    random = np.random.default_rng(4)
    found = []
    for year in range(2001, 2009):
        for county in ("Alto", "Bajo", "Cerro", "Delta"):
            for number, species in enumerate(("Tornillo", "Cedro", "Lupuna")):
                price = 100 * (number + 1) * math.exp(0.05 * (year - 2001) + random.normal(0, 0.1))
                spelled = county if year % 2 else county.upper()
                text = f"{price:,.2f}"
                found.append(
                    [str(year), spelled, "sawlogs", "m3", species, text, "1", "9,999", str(random.integers(3, 60))]
                )
    return found


def written(folder: Path, table: Rows, header: str = HEADER) -> Path:
    path = folder / "panel.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header + "\n")
        csv.writer(file).writerows(table)
    return path


def test_every_held_out_cell_gets_an_estimate_within_its_band(tmp_path: Path) -> None:
    panel = written(tmp_path, rows())

    done = prices("backtest", panel, "--from", 2006, "--out", tmp_path / "out.csv", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        out = list(csv.DictReader(file))
    assert list(out[0]) == ["year", "county", "category", "species", "estimate", "lo80", "hi80"]
    asked = {(r[0], r[1], r[2], r[4]) for r in rows() if int(r[0]) >= 2006}
    assert {(r["year"], r["county"], r["category"], r["species"]) for r in out} == asked
    assert all(float(r["lo80"]) < float(r["estimate"]) < float(r["hi80"]) for r in out)
    off = [
        abs(float(r["estimate"]) / (100 * (1 + ("Tornillo", "Cedro", "Lupuna").index(r["species"]))) - 1) for r in out
    ]
    assert max(off) < 0.9


def test_names_are_written_to_the_letter_as_the_file_has_them(tmp_path: Path) -> None:
    table = [[row[0], row[1].replace("Alto", " Alto  Purús "), *row[2:]] for row in rows()]
    panel = written(tmp_path, [[row[0], row[1].replace("ALTO", "alto purús"), *row[2:]] for row in table])

    done = prices("backtest", panel, "--from", 2007, "--out", tmp_path / "out.csv")

    assert done.returncode == 0
    out = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith("2007, Alto  Purús ,sawlogs,Tornillo,") for line in out) == 1
    assert sum(line.startswith("2008,alto purús,sawlogs,Tornillo,") for line in out) == 1


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    panel = written(tmp_path, rows())

    first, second = (
        prices("backtest", panel, "--from", 2006, "--out", tmp_path / f"{n}.csv", "--json").stdout for n in range(2)
    )

    assert first == second
    assert (tmp_path / "0.csv").read_bytes() == (tmp_path / "1.csv").read_bytes()


def test_tables_say_error_by_size_coverage_and_gains_with_their_intervals(tmp_path: Path) -> None:
    found = json.loads(prices("backtest", written(tmp_path, rows()), "--from", 2005, "--json").stdout)

    assert (found["cells"], found["estimated"], found["written"]) == (48, 48, "same_year")
    for mode in found["modes"].values():
        everything = mode["errors"][0]
        assert (everything["reports"], everything["cells"]) == ("all", 48)
        assert {"estimate", "reference", "last", "median"} <= set(everything)
        assert {gain["over"] for gain in mode["gains"]} == {"last", "median", "reference"}
        assert all(gain["low"] <= gain["high"] for gain in mode["gains"])
        assert mode["coverage"][0]["50"] <= mode["coverage"][0]["95"]


def test_past_only_writes_what_earlier_years_alone_say(tmp_path: Path) -> None:
    table = rows()
    other = [[*r[:5], str(2 * float(r[5].replace(",", ""))), *r[6:]] if r[0] == "2008" else r for r in table]
    wide = {}
    for name, panel in (("as it was", table), ("doubled", other)):
        for way in ("--past-only", "--same-year"):
            prices("backtest", written(tmp_path, panel), "--from", 2008, way, "--out", tmp_path / "out.csv")
            wide[name, way] = (tmp_path / "out.csv").read_text()

    assert wide["as it was", "--past-only"] == wide["doubled", "--past-only"]
    assert wide["as it was", "--same-year"] != wide["doubled", "--same-year"]


def test_a_blank_price_asks_for_an_estimate(tmp_path: Path) -> None:
    table = rows()
    table[-1][5] = table[-1][8] = ""

    done = prices("backtest", written(tmp_path, table), "--from", 2008, "--out", tmp_path / "out.csv")

    assert done.returncode == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 13


def change(row: int, column: int, text: str) -> Callable[[Rows], None]:
    def changed(table: Rows) -> None:
        table[row][column] = text

    return changed


@pytest.mark.parametrize(
    ("bad", "slug", "row", "column"),
    [
        (change(3, 0, "next"), "panel-cell-invalid", 5, "Year"),
        (change(3, 1, " "), "panel-cell-invalid", 5, "County"),
        (change(3, 5, "-4"), "panel-cell-invalid", 5, "AvgPrice"),
        (change(3, 5, "12,50"), "panel-cell-invalid", 5, "AvgPrice"),
        (change(3, 5, ""), "panel-cell-invalid", 5, "AvgPrice"),
        (change(3, 5, "nan"), "panel-cell-invalid", 5, "AvgPrice"),
        (change(3, 8, "0"), "panel-cell-invalid", 5, "NumReports"),
        (change(3, 8, "2.5"), "panel-cell-invalid", 5, "NumReports"),
        (lambda table: table.append(table[-1]), "panel-row-repeated", 98, "Species"),
    ],
)
def test_a_bad_cell_is_refused_by_row_and_column(
    tmp_path: Path, bad: Callable[[Rows], None], slug: str, row: int, column: str
) -> None:
    table = rows()
    bad(table)

    status, out, _ = refused("backtest", written(tmp_path, table), "--from", 2006, "--json")

    problem: dict[str, Any] = json.loads(out)
    assert (status, problem["slug"]) == (2, slug)
    assert (problem["facts"]["row"], problem["facts"]["column"]) == (row, column)
    assert problem["detail_es"] != problem["detail_en"]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    panel = written(tmp_path, rows(), HEADER.replace("NumReports", "Reports"))

    done = prices("backtest", panel, "--from", 2006, "--lang", "en")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "panel-cell-invalid: panel.csv: row 1, column NumReports: the column is missing.\n"


def test_more_cells_of_a_year_than_can_be_pooled_are_refused(tmp_path: Path) -> None:
    many = [["2001", f"county {n}", "sawlogs", "m3", "Cedro", "10", "", "", "3"] for n in range(1001)]

    status, out, err = refused("backtest", written(tmp_path, [*rows(), *many]), "--from", 2006, "--lang", "en")

    assert (status, out) == (2, "")
    assert "1013 cells of one category, unit and year" in err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,"b\n'])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)

    status, out, err = refused("backtest", tmp_path / "x.csv", "--from", 2006)

    assert (status, out) == (2, "")
    assert err.startswith("panel-")


def test_variances_are_fitted_to_some_years_and_held_against_those_in_force(tmp_path: Path) -> None:
    path = written(tmp_path, rows())
    years = ("fit", path, "--from", 2001, "--to", 2004, "--fix", "species=0.5", "--json")

    status, out, _ = refused(*years)
    found = json.loads(out)

    assert (status, found) == (0, json.loads(refused(*years)[1]))
    # Of the first year nothing was reported before.
    assert (found["told"], found["from"], found["to"]) == (36, 2001, 2004)
    assert found["log_likelihood"]["fitted"] > found["log_likelihood"]["in_force"]
    # Made with a drift that all species share, and nothing of a region or of a series.
    assert (found["spread"]["species"], found["fixed"]) == (0.5, {"species": 0.5})
    assert 10 * (found["spread"]["region"] + found["spread"]["series"]) < 0.1


def test_fitted_variances_are_tried_beside_those_in_force(tmp_path: Path) -> None:
    path, fit = written(tmp_path, rows()), tmp_path / "fit.json"
    fit.write_text(refused("fit", path, "--from", 2001, "--to", 2003, "--fix", "species=0.5", "--json")[1], "utf-8")

    tried = json.loads(refused("backtest", path, "--from", 2006, "--spread", fit, "--json")[1])
    in_force = json.loads(refused("backtest", path, "--from", 2006, "--json")[1])

    [errors, others] = [one["modes"]["same_year"]["errors"][0] for one in (tried, in_force)]
    assert errors["in_force"] == others["estimate"] != errors["estimate"]
    assert "in_force" in {row["over"] for row in tried["modes"]["same_year"]["gains"]}
    assert "in_force" not in others
    assert (tried["parameters"]["version"], len(tried["parameters"]["sha256"])) == ("fit.json", 64)


@pytest.mark.parametrize("bad", ["species", "species=x", "species=0", "price=0.5", "species=inf"])
def test_what_is_no_variance_is_not_fixed(tmp_path: Path, bad: str) -> None:
    status, _, err = refused("fit", written(tmp_path, rows()), "--from", 2001, "--to", 2002, "--fix", bad)

    assert (status, err.split(":")[0], bad in err) == (2, "backtest-incomplete", True)


@pytest.mark.parametrize("bad", ["{}", "[1]", "", '{"spread": {"species": 0.5}}'])
def test_what_is_no_fit_is_not_tried(tmp_path: Path, bad: str) -> None:
    (tmp_path / "fit.json").write_text(bad)

    panel = written(tmp_path, rows())
    status, _, err = refused("backtest", panel, "--from", 2006, "--spread", tmp_path / "fit.json")

    assert (status, err.split(":")[0]) == (2, "backtest-incomplete")


def test_years_without_prices_are_no_fit(tmp_path: Path) -> None:
    status, _, err = refused("fit", written(tmp_path, rows()), "--from", 2008, "--to", 2007)

    assert (status, err.split(":")[0]) == (2, "backtest-incomplete")


def test_nothing_to_look_at_no_first_year_and_no_place_to_write_are_refused(tmp_path: Path) -> None:
    panel = written(tmp_path, rows())
    slugs = [
        refused(*words)[2].partition(":")[0]
        for words in (
            ("backtest",), ("backtest", panel), ("backtest", tmp_path / "none.csv", "--from", 2006),
            ("backtest", panel, "--from", 2050), ("backtest", panel, "--from", 2001),
            ("backtest", panel, "--from", 2006, "--out", tmp_path / "no" / "out.csv"),
        )
    ]  # fmt: skip

    assert slugs == [
        "backtest-incomplete", "backtest-incomplete", "panel-unreadable", "panel-unreadable", "panel-unreadable",
        "output-unwritable",
    ]  # fmt: skip


def test_the_last_figure_of_a_clean_series_beats_its_medians_a_month_and_half_a_year_ahead() -> None:
    found = json.loads(prices("backtest", "--world-bank", "--json").stdout)["series"]

    assert len(found) == 15
    assert all(row["last"] < row["median_12"] for row in found)
    malaysia = next(r for r in found if (r["series"], r["months_ahead"]) == ("sawnwood_malaysia_usd_m3", 1))
    assert (malaysia["last"], malaysia["months"]) == (1.19, 281)


def test_the_attack_table_is_seeded_and_one_entity_moves_little(tmp_path: Path) -> None:
    first = prices("attack", "--trials", 1, "--json", "--figures", tmp_path)

    found = json.loads(first.stdout)
    alone = [row for row in [*found["shares"], *found["kinds"]] if row["attackers"] == 1]
    assert max(abs(row["estimate"]["mean"]) for row in alone) <= 5
    assert {row["share_pct"] for row in found["shares"]} == {0, 10, 20, 30, 40}
    assert all(row["estimate"]["mean"] == 0 for row in found["shares"] if row["share_pct"] == 0)
    assert (tmp_path / "prices-attack.svg").read_text().startswith("<svg")


@pytest.mark.full
def test_of_many_samples_one_entity_at_half_price_moves_nineteen_of_twenty_by_at_most_three_per_cent() -> None:
    found = json.loads(prices("attack", "--trials", 40, "--json").stdout)

    half = [
        row for row in found["kinds"] if row["attackers"] == 1 and "price" not in row["attack"].split("half-price")[0]
    ]
    assert {"one half-price receipt", "in nine cells, four years"} <= {row["attack"] for row in half}
    assert max(row["estimate"]["p95"] for row in half) <= 3
    assert max(row["estimate"]["p95"] for row in found["shares"] if row["attackers"] == 1) <= 3
    usual = next(row for row in found["misses"] if row["scatter"] == 0.2)
    assert usual["estimate"] <= usual["capped_huber"] + 0.2


@needs_real
def test_on_the_real_panel_it_beats_the_last_price_the_median_and_the_reference(tmp_path: Path) -> None:
    done = prices("backtest", REAL, "--from", 2010, "--out", tmp_path / "out.csv", "--json")

    found = json.loads(done.stdout)
    assert found["estimated"] == found["cells"] == 2177
    same, past = found["modes"]["same_year"], found["modes"]["past_only"]
    assert same["errors"][0]["estimate"]["median_error_pct"] <= 9.0
    assert past["errors"][0]["estimate"]["median_error_pct"] <= 11.5
    for mode in (same, past):
        assert all(gain["low"] > 0 for gain in mode["gains"] if gain["reports"] == "all")
        assert 77 <= mode["coverage"][0]["80"] <= 83
    for row in same["errors"]:
        ours = row["estimate"]["median_error_pct"]
        assert ours <= min(row["last"]["median_error_pct"], row["median"]["median_error_pct"])
