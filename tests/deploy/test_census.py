"""`timber census FILE...` through its door: files, an exit status, a line a file; each status once from a process."""

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.affinity import translate
from shapely.geometry import box

from deploy.__main__ import parser
from deploy.census import main
from deploy.corpus.filed import filed
from deploy.corpus.forgeries import clone_of, copied_rows
from tests.permits.forensics_plans import honest, rng
from tests.permits.workbooks import ods, ods_rows

ROOT = Path(__file__).parents[2]
# The folder with the real census, which may not be shipped.
DATA = Path(os.environ.get("TIMBER_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL = DATA / "census_upa04_rondonia_2010.csv.gz"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="TIMBER_RESEARCH_DATA names no folder with the real census")


Done = subprocess.CompletedProcess[str]


def in_a_process(*words: object) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "deploy", "census", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def census(*words: object) -> Done:
    """The same in this process: a new one takes longer to load what it needs than to examine a few files."""
    out, err = StringIO(), StringIO()
    options = parser().parse_args(["census", *map(str, words)])
    with redirect_stdout(out), redirect_stderr(err):
        status = main(options)
    return Done([], status, out.getvalue(), err.getvalue())


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def rule(line: dict[str, Any], name: str) -> dict[str, Any]:
    return next(finding for finding in line["findings"] if finding["rule"] == name)


def test_an_honest_file_exits_with_0_and_a_forged_one_beside_it_with_1(tmp_path: Path) -> None:
    honest().write(tmp_path / "honest.csv")
    copied_rows(honest(), rng()).write(tmp_path / "copied.csv")

    clean = in_a_process("--json", tmp_path / "honest.csv")
    both = in_a_process("--json", tmp_path / "honest.csv", tmp_path / "copied.csv")

    assert (clean.returncode, clean.stderr) == (0, "")
    assert both.returncode == 1
    first, second = lines(both)
    assert (first["file"], first["severity"] < 3, second["severity"]) == (str(tmp_path / "honest.csv"), True, 3)
    assert 0 <= first["score"] < 0.5 < second["score"] <= 1
    assert {"file", "severity", "score", "findings"} <= set(first)
    assert rule(first, "F11-PARCEL")["status"] == "PASS"
    assert rule(first, "F10")["status"] in ("PASS", "FAIL")


def test_a_file_without_a_polygon_is_examined_without_it(tmp_path: Path) -> None:
    honest().write(tmp_path / "honest.csv")
    (tmp_path / "honest.geojson").unlink()

    done = census("--json", tmp_path / "honest.csv")

    assert done.returncode == 0
    assert rule(lines(done)[0], "F11-PARCEL")["status"] == "NOT_EVALUATED"


def test_a_file_shows_seed_trees_volume_and_densities_as_far_as_it_goes(tmp_path: Path) -> None:
    plan = honest()
    filed(plan, rng(), date(2026, 11, 28)).write(tmp_path / "filed.csv")
    replace(plan, destination=np.full(len(plan), "PAB")).write(tmp_path / "all-felled.csv")
    crowded = replace(plan, land=plan.land.centroid.buffer(0.1 * np.sqrt(plan.land.area)))
    crowded.write(tmp_path / "crowded.csv")

    kept, felled, dense = lines(census("--json", *(tmp_path / f"{n}.csv" for n in ("filed", "all-felled", "crowded"))))

    assert (rule(kept, "P08")["status"], rule(felled, "P08")["severity"]) == ("PASS", "S2")
    assert (rule(kept, "P09")["status"], rule(dense, "P09")["severity"]) == ("PASS", "S2")
    # What a region or a declared area would have to say is never more than a question to a file.
    assert {one["severity"] for one in dense["findings"] if one["rule"] == "P10" and one["status"] == "FAIL"} <= {
        "S1",
        "S2",
    }
    assert rule(kept, "P11")["status"] == "NOT_EVALUATED"


def test_without_land_no_density_is_asked(tmp_path: Path) -> None:
    honest().write(tmp_path / "honest.csv")
    (tmp_path / "honest.geojson").unlink()

    (line,) = lines(census("--json", tmp_path / "honest.csv"))

    assert {rule(line, name)["status"] for name in ("P09", "P10", "P11")} == {"NOT_EVALUATED"}
    assert rule(line, "P08")["status"] in ("PASS", "FAIL")


def test_a_zone_that_the_file_does_not_name_is_that_of_the_polygon(tmp_path: Path) -> None:
    honest().write(tmp_path / "honest.csv")
    text = (tmp_path / "honest.csv").read_text()
    (tmp_path / "honest.csv").write_text(text.replace(",18S,", ",,").replace("zone", "note", 1))

    with_polygon = census("--json", tmp_path / "honest.csv")
    (tmp_path / "honest.geojson").unlink()
    without = census("--json", tmp_path / "honest.csv")

    assert (with_polygon.returncode, without.returncode) == (0, 2)
    assert "zone" in without.stderr


# ---- the land beside


def ring_beside(census_file: Path) -> list[list[float]]:
    """The outer ring of the polygon beside a census, as it was drawn."""
    beside = json.loads(census_file.with_suffix(".geojson").read_text())
    ring: list[list[float]] = beside["features"][0]["geometry"]["coordinates"][0]
    return ring


def draw_beside(census_file: Path, ring: list[list[float]]) -> None:
    drawn = {"type": "Polygon", "coordinates": [ring]}
    census_file.with_suffix(".geojson").write_text(json.dumps(drawn))


@pytest.mark.parametrize(
    "land",
    [
        "no JSON", "[]", '"x"', "null", '{"type": "FeatureCollection", "features": [null]}', '{"type": "Polygon", "coordinates": null}',
        '{"type": "Polygon", "coordinates": []}', '{"type": "Polygon", "coordinates": [[[-75, -9], ["x", 1], [2, 3]]]}',
        '{"type": "Polygon", "coordinates": [[[-75, -9], [-74, -9], [-75, -9]]]}', '{"type": "Point", "coordinates": [1, 2]}',
        '{"type": "Polygon", "coordinates": [[[400000, 8790000], [404000, 8790000], [404000, 8793000], [400000, 8790000]]]}',
    ],
)  # fmt: skip
def test_land_of_no_use_is_said_and_the_other_files_are_still_judged(tmp_path: Path, land: str) -> None:
    for name in ("first", "second"):
        honest().write(tmp_path / f"{name}.csv")
    (tmp_path / "first.geojson").write_text(land)

    done = census("--json", tmp_path / "first.csv", tmp_path / "second.csv")

    unread, judged = lines(done)
    assert (done.returncode, unread["severity"], unread["findings"]) == (2, None, [])
    assert "first.geojson" in unread["error"]
    assert judged["severity"] < 3
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fault", ["close-ring", "swap-axes", "repair-crossing"])
def test_an_honest_census_is_not_accused_for_a_badly_drawn_boundary(tmp_path: Path, fault: str) -> None:
    plan = tmp_path / "plan.csv"
    honest().write(plan)
    ring = ring_beside(plan)
    lon, lat = ring[0]
    # A knot of a tenth of a millimetre, which is no land.
    knot = [[lon, lat], [lon + 1e-9, lat + 1e-9], [lon, lat + 1e-9], [lon + 1e-9, lat]]
    drawn = {
        "close-ring": ring[:-1], "swap-axes": [[y, x] for x, y in ring], "repair-crossing": [*knot, *ring[1:-1], ring[0]],
    }[fault]  # fmt: skip
    draw_beside(plan, drawn)

    done = census("--json", plan)

    (line,) = lines(done)
    assert (done.returncode, rule(line, "LAND")["severity"]) == (0, "S1")
    assert fault in rule(line, "LAND")["computed"]["repairs"]
    assert rule(line, "F11-PARCEL")["status"] == "PASS"


def test_the_polygon_of_another_parcel_asks_and_trees_beyond_a_boundary_are_decided(tmp_path: Path) -> None:
    plan = honest()
    west, south, east, north = plan.land.bounds
    beside = replace(plan, land=translate(plan.land, east - west + 100))
    narrow = replace(plan, land=plan.land.intersection(box(west, south, west + 0.7 * (east - west), north)))
    for name, listing in (("other", beside), ("narrow", narrow)):
        listing.write(tmp_path / f"{name}.csv")

    other, beyond = lines(census("--json", tmp_path / "other.csv", tmp_path / "narrow.csv"))

    assert rule(other, "F11-PARCEL")["severity"] == "S2"
    assert "another parcel" in rule(other, "F11-PARCEL")["en"]
    assert rule(beyond, "F11-PARCEL")["severity"] == "S3"


def test_a_slit_that_an_overlay_left_is_no_hole(tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    honest().write(plan)
    ring = ring_beside(plan)
    slit = [ring[0], ring[1], ring[0], ring[0]]
    plan.with_suffix(".geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring, slit]}))

    done = census("--json", plan)

    assert (done.returncode, rule(lines(done)[0], "F11-PARCEL")["status"]) == (0, "PASS")


def test_a_census_as_an_open_document_is_read_like_the_same_table_as_text(tmp_path: Path) -> None:
    honest().write(tmp_path / "plan.csv")
    rows = list(csv.reader((tmp_path / "plan.csv").read_text().splitlines()))
    (tmp_path / "plan.ods").write_bytes(ods(ods_rows(*rows)))

    as_text, as_book = lines(census("--json", tmp_path / "plan.csv", tmp_path / "plan.ods"))

    said = [
        [(one["rule"], one["severity"], one["computed"]) for one in line["findings"]] for line in (as_text, as_book)
    ]
    assert said[0] == said[1]


# ---- rows


def test_codes_used_twice_and_a_few_bad_rows_are_said_and_the_rest_is_examined(tmp_path: Path) -> None:
    honest().write(tmp_path / "honest.csv")
    rows = (tmp_path / "honest.csv").read_text().splitlines()
    rows[3] = rows[3].replace(rows[3].split(",")[0] + ",", rows[2].split(",")[0] + ",", 1)
    rows[5] = rows[5].replace("PC 01", "nowhere at all")
    (tmp_path / "honest.csv").write_text("\n".join(rows))

    line = lines(census("--json", tmp_path / "honest.csv"))[0]

    assert rule(line, "CODES")["evidence"] == [{"sheet": "CSV", "row": 4, "code": rows[2].split(",")[0]}]
    assert rule(line, "FILE")["computed"]["rows"] == 1
    assert line["trees"] == len(rows) - 2


@pytest.mark.parametrize("content", [b"", b"hello\nworld\n", b"\x00\x01\x02", b"PK\x03\x04 no workbook"])
def test_what_is_no_census_exits_with_2_and_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)

    done = census("--json", tmp_path / "x.csv")

    assert done.returncode == 2
    assert lines(done)[0]["severity"] is None
    assert "Traceback" not in done.stderr


def test_a_missing_file_and_a_broken_archive_exit_with_2(tmp_path: Path) -> None:
    (tmp_path / "broken.csv.gz").write_bytes(gzip.compress(b"tree,species\n" * 1000)[:30])

    done = in_a_process(tmp_path / "nothing.csv", tmp_path / "broken.csv.gz")

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)


def test_a_clone_of_another_plan_is_found_when_the_other_is_given(tmp_path: Path) -> None:
    honest().write(tmp_path / "first.csv")
    clone_of(honest(), rng(), noisy=True).write(tmp_path / "second.csv")

    alone = census("--json", tmp_path / "second.csv")
    against = census("--json", tmp_path / "second.csv", "--against", tmp_path / "first.csv")

    assert rule(lines(alone)[0], "F13")["status"] == "NOT_EVALUATED"
    assert against.returncode == 1
    assert rule(lines(against)[0], "F13")["severity"] == "S4"


@pytest.mark.parametrize(("lang", "word"), [("es", "Puntaje"), ("en", "Joint score")])
def test_people_read_it_in_their_language(tmp_path: Path, lang: str, word: str) -> None:
    copied_rows(honest(), rng()).write(tmp_path / "copied.csv")

    done = census("--lang", lang, tmp_path / "copied.csv")

    assert word in done.stdout
    assert "legal" not in done.stdout


@needs_real
def test_the_real_census_and_its_sample_have_nothing_at_s3(tmp_path: Path) -> None:
    shutil.copy(REAL, tmp_path / "whole.csv.gz")
    shutil.copy(DATA / "census_upa04_blocks.geojson", tmp_path / "whole.geojson")

    done = census("--json", tmp_path / "whole.csv.gz", DATA / "census_upa04_sample400.csv")

    assert (done.returncode, [line["trees"] for line in lines(done)]) == (0, [20108, 400])
