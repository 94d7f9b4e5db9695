"""`./timber test` runs every stage, whatever the others say, and tells of each."""

import sys

import pytest

from deploy.check import BESIDE, run_all, stages
from deploy.instance import CHECKOUT
from tests.turns import LONG, TOLD_HOUSE


def saying(text: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"]


def test_every_stage_runs_after_one_that_failed_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    planned = [("lint", saying("a comma", 1)), ("tests", saying("three passed")), ("types", saying("no int", 2))]

    assert run_all(planned) == 1

    said, summary = capfd.readouterr().out.split("── summary\n")
    assert said == "── lint\na comma\n── tests\nthree passed\n── types\nno int\n"
    assert [line.split()[:2] for line in summary.splitlines()] == [["✗", "lint"], ["✓", "tests"], ["✗", "types"]]
    assert summary.splitlines()[-1].endswith("status 2")


def test_when_all_stages_pass_so_does_the_whole(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_all([("tests", saying("fine")), ("imports", saying("kept"))]) == 0
    assert "── imports\nkept\n" in capfd.readouterr().out


def test_what_is_asked_of_pytest_reaches_it_and_the_number_of_workers_may_be_chosen() -> None:
    usual, alone = dict(stages([])), dict(stages(["-n0", "tests/shared"]))

    assert usual["tests"][-5:] == ["-n", "3", "--dist", "loadscope", "--no-loadscope-reorder"]
    assert alone["tests"][-4:] == ["loadscope", "--no-loadscope-reorder", "-n0", "tests/shared"]
    assert set(BESIDE) < set(usual)


def test_the_modules_that_begin_first_are_there() -> None:
    assert all((CHECKOUT / module).exists() for module in LONG)
    assert all((CHECKOUT / module).is_file() for module in TOLD_HOUSE)
