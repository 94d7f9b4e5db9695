"""What is printed comes from others, and may not play tricks with the terminal."""

import json

import pytest

from shared.audit.refusals import Forked
from shared.audit.report import Report

TRICK = "trozalog.test/x/2026\n5\nAAAA\n\x9b2J\u202e\x1b[1A\n"


def test_notes_of_others_do_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    Report("en").refusal(Forked("trozalog.test/x/2026", 5, 6, TRICK, "second\n"))

    shown = capsys.readouterr().err
    assert "trozalog.test/x/2026\n5\nAAAA\n\ufffd2J\ufffd\ufffd[1A" in shown
    assert not {"\x9b", "\u202e", "\x1b"} & set(shown)


def test_for_programs_they_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Report("en", json=True).refusal(Forked("trozalog.test/x/2026", 5, 6, TRICK, "second\n"))

    assert json.loads(capsys.readouterr().out)["facts"]["first"] == TRICK


def test_only_what_is_grave_enough_is_told_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("en", least="S3")

    for severity in ("S1", "S2", "S3", "S4", ""):
        finding = {"index": 1, "sid": "", "severity": severity, "rule": f"rule-{severity}", "text_en": "words"}
        report.finding(finding)

    assert report.found == 3
    assert [line.split()[3] for line in capsys.readouterr().out.splitlines()] == ["rule-S3", "rule-S4", "rule-"]
