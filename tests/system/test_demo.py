"""The story holds on a house that was just started, and holds again."""

import json
import subprocess
from typing import Any

import pytest

from deploy.demo.story import Story
from deploy.demo.tampering import with_one_digit_changed
from deploy.instance import Instance
from tests.system.conftest import timber


def told(instance: Instance, *more: str) -> subprocess.CompletedProcess[str]:
    return timber("demo", "--data", str(instance.data), *more, check=False)


def places(answer: dict[str, Any]) -> list[tuple[str, int | None, str]]:
    return [(step["name"], step["index"], step["outcome"]) for step in answer["steps"]]


@pytest.mark.system
def test_the_demo_holds_twice_and_the_second_time_finds_the_same_records(
    house: Instance, telling: subprocess.CompletedProcess[str]
) -> None:
    first, second = telling, told(house, "--json")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    one, two = json.loads(first.stdout), json.loads(second.stdout)
    assert one["ok"]
    assert two["ok"]
    assert places(one) == places(two)
    assert {lot["lot"]: lot["verdict"] for lot in one["lots"]} == {"LOTE-501": "CONSISTENT", "LOTE-1170": "TO_REVIEW"}
    assert [step["outcome"] for step in one["steps"] if step["act"] == "tampering"][-3:] == ["caught"] * 3
    assert len(one["guides"]) == 82
    assert {item["kind"] for item in one["items"]} == {"tree", "log", "product"}


@pytest.mark.system
def test_the_demo_is_told_in_spanish_unless_asked_otherwise(told_house: Instance) -> None:
    spanish, english = told(told_house), told(told_house, "--lang", "en")

    assert (spanish.returncode, english.returncode) == (0, 0), spanish.stderr + english.stderr
    assert "CONSISTENTE: 0 observaciones abiertas" in spanish.stdout
    assert "CONSISTENT: 0 open findings" in english.stdout


def test_a_story_whose_expectation_does_not_hold_is_not_ok(capsys: pytest.CaptureFixture[str]) -> None:
    held, failed = Story("en", silent=True), Story("en", silent=True)

    for story in (held, failed):
        story.act("act", "acto", "act")
        story.expect(True, "se cumple", "holds")
    failed.expect(False, "no se cumple", "does not hold")

    assert (held.ok, failed.ok) == (True, False)
    assert failed.answer()["checks"] == {"held": 1, "failed": ["act: does not hold"]}
    assert "does not hold" in capsys.readouterr().err


def test_a_story_without_any_expectation_is_not_ok() -> None:
    assert not Story().ok


def test_a_changed_digit_keeps_the_length_and_changes_one_byte() -> None:
    entry = b'{"stmt":{"body":{"volume_dm3":5649}}}'

    changed = with_one_digit_changed(entry)

    assert changed == b'{"stmt":{"body":{"volume_dm3":5640}}}'
