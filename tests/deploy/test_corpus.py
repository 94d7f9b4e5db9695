"""The corpus and its study: the same plans for the same seed, and bounds on what the rules see in them."""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.corpus.__main__ import main
from deploy.corpus.figures import Bar, Point, bars, calibration, cloud
from deploy.corpus.fit import logistic
from deploy.corpus.forgeries import FORGERIES, PARTIAL, WHOLESALE
from deploy.corpus.judged import judge, judge_all
from deploy.corpus.plans import HONEST, jobs, plan, sources
from deploy.corpus.study import calibrated, tables, wilson
from services.permits.domain.forensics.thresholds import thresholds_on

NORMS = thresholds_on(date(2026, 11, 28))
# The folder with the real census, which may not be shipped.
DATA = Path(os.environ.get("TIMBER_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
REAL, POLYGONS = DATA / "census_upa04_rondonia_2010.csv.gz", DATA / "census_upa04_blocks.geojson"


def test_equal_seeds_give_equal_plans_and_other_numbers_others() -> None:
    of = sources()

    a, b, c = (plan(of, "copied rows", "synthetic", 3, number) for number in (1, 1, 2))

    assert (a.x_m == b.x_m).all()
    assert (a.dbh_mm == b.dbh_mm).all()
    assert len(a) != len(c) or (a.x_m != c.x_m).any()


def test_a_plan_is_written_as_files_that_somebody_else_can_examine(tmp_path: Path) -> None:
    assert main(["make", str(tmp_path), "--kind", "inflated 20 %", "--count", "2"]) == 0

    assert len(list(tmp_path.glob("*.csv"))) == len(list(tmp_path.glob("*.geojson"))) == 2
    assert json.loads(next(tmp_path.glob("*.geojson")).read_text())["features"][0]["geometry"]["type"] == "Polygon"


def test_plans_of_a_real_census_need_one() -> None:
    with pytest.raises(ValueError, match="real census"):
        plan(sources(), HONEST, "east", 0, 0)


def test_a_small_study_keeps_loose_bounds() -> None:
    """Six honest plans and one of each forgery that must be found, of settings that nothing was fitted on."""
    of = sources()
    honest = [judge(of, (HONEST, "other", 77, number), NORMS) for number in range(6)]
    forged = [judge(of, (kind, "other", 78, 0), NORMS) for kind in (*WHOLESALE, "inflated 20 %", "inflated 40 %")]

    assert sum(one.severity >= 3 for one in honest) <= 1
    assert sum(one.severity >= 3 for one in forged) >= len(forged) - 1
    text = tables(honest + forged)
    assert "| synthetic, other settings | 6 |" in text
    assert all(kind in text for kind in FORGERIES)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_the_study_keeps_its_targets() -> None:
    """At most 1 % of honest plans (upper end 3 %), 95 % of wholesale forgeries, 60 % of 20 % inflation or 30 % phantoms."""
    real = (REAL, POLYGONS) if REAL.exists() else (None, None)
    of = sources(*real)
    judged = list(judge_all(jobs(of.held_out, 60, 8, 3), *real))

    def share(kinds: tuple[str, ...]) -> float:
        plans = [one for one in judged if one.kind in kinds]
        return sum(one.severity >= 3 for one in plans) / len(plans)

    honest = [one for one in judged if one.kind == HONEST]
    assert sum(one.severity >= 3 for one in honest) <= 0.02 * len(honest)
    assert share(tuple(WHOLESALE)) >= 0.95
    assert share(("inflated 20 %",)) >= 0.9
    assert share(("phantoms 30 %", "phantoms 30 %, at the end")) >= 0.6
    assert set(PARTIAL) < set(FORGERIES)


def _put_in(number: int, *found: tuple[str, str]) -> dict[str, Any]:
    findings = [
        {
            "rule": rule,
            "status": "FAIL" if severity else "NOT_EVALUATED",
            "severity": severity,
            "en": f"{rule} says so.",
        }
        for rule, severity in found
    ]
    took = {"upload_s": 0.5, "submit_s": 1.0 + number, "review_s": 2.0, "decide_s": 0.25}
    return {
        "plan": f"HON-9-{number:03}", "seed": 9, "number": number, "trees": 1000 + number, "hectares": 700,
        "state": "approved", "findings": findings, **took,
    }  # fmt: skip


def test_a_house_run_counts_communities_and_not_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two genera over the reference are one community that is asked; the tables of a finished run need no house."""
    out = tmp_path / "house.jsonl"
    rows = [
        _put_in(0, ("SPECIES", "S1"), ("P10", "S2"), ("P10", "S2"), ("F10", "")),
        _put_in(1, ("SPECIES", "S1"), ("P10", "S1"), ("P10", "S3")), _put_in(2),
    ]  # fmt: skip
    out.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {**rows[0], "seed": 8}]))

    assert main(["house", "--data", str(tmp_path), "--out", str(out), "--count", "3", "--seed", "9"]) == 0

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("3 plans (seed 9), 1,000 to 1,002 trees")
    assert {"| none | 1 | 33.3% |", "| S1 | 0 | 0.0% |", "| S2 | 1 | 33.3% |", "| S3 | 1 | 33.3% |"} <= set(told)
    assert "| P10 | 0 | 1 | 1 | 0 | 66.7% | P10 says so. |" in told
    assert "| SPECIES | 2 | 0 | 0 | 0 | 66.7% | SPECIES says so. |" in told
    assert "Not evaluated, share of the plans: F10 33%." in told
    assert "| first 3 plans | 0.50 / 0.50 | 2.00 / 2.90 | 2.00 / 2.00 | 0.25 / 0.25 |" in told


def test_a_run_of_nothing_says_so_and_leaves_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "house.jsonl"

    assert main(["house", "--data", str(tmp_path), "--out", str(out), "--count", "0", "--seed", "9"]) == 0

    told = capsys.readouterr()
    assert (told.out, told.err.strip()) == ("", f"{out} holds no plan of seed 9")


def test_the_interval_of_a_share_is_that_of_wilson() -> None:
    assert wilson(0, 300) == pytest.approx((0.0, 0.01264), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_the_fit_finds_the_coefficients_that_made_the_data() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (4000, 2))
    y = rng.random(4000) < 1 / (1 + np.exp(-(0.3 + 1.5 * x[:, 0])))

    base, first, second = logistic(x, y, float(y.mean()))

    assert (base, first) == (pytest.approx(0.3, abs=0.15), pytest.approx(1.5, abs=0.2))
    assert 0 <= second < 0.15


def test_figures_are_svg_and_a_calibration_row_lies_between_0_and_1() -> None:
    of = sources()
    rows = calibrated([judge(of, (kind, "synthetic", 5, 0), NORMS) for kind in (HONEST, "jittered grid")])

    assert all(0 <= value <= 1 for row in rows for value in row[:4])
    for text in (
        bars("a & b", [Bar(HONEST, 0.5, 0.4, 0.6)]), calibration("t", rows), cloud("t", [Point(500, 2.0, HONEST)], 3.0),
    ):  # fmt: skip
        assert text.startswith("<svg ")
        assert "&amp;" in text or "&" not in text
