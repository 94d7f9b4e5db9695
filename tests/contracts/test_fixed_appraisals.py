"""Fixed appraisals have fixed bytes, whatever runs them: what the suite finds under CPython 3.11 it finds under 3.13."""

import builtins
import decimal
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.contracts.domain.pinned import canonical
from tests.contracts.fixed_appraisals import VECTOR, answer, hashes, questions

WANTED = json.loads(VECTOR.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made() -> dict[str, dict[str, str]]:
    return hashes()


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_fixed_question_has_the_bytes_of_the_vector(made: dict[str, dict[str, str]], name: str) -> None:
    assert made[name] == WANTED[name], "changed on purpose? python -m tests.contracts.fixed_appraisals --write"


def test_the_vector_has_every_question_and_all_of_them_differ() -> None:
    assert set(WANTED) == set(questions())
    assert len({one["sha256"] for one in WANTED.values()}) == len({one["id"] for one in WANTED.values()}) == len(WANTED)


def test_what_is_hashed_holds_the_draws_the_tornado_and_the_texts() -> None:
    found = answer(questions()["index-clause-and-dollars"])

    assert found["sensitivity"]["draws"] == 2_000
    assert len(found["sensitivity"]["tornado"]) > 2
    assert found["index"]["parts"][0]["now"] == "735.26"
    assert found["text"]["es"]["sentences"]
    assert found["text"]["en"]["sms"]
    assert found["total"]["waterfall"]


def test_the_callers_own_arithmetic_changes_nothing() -> None:
    question = questions()["documented-example"]
    with decimal.localcontext() as context:
        context.prec, context.rounding = 6, decimal.ROUND_DOWN
        found = answer(question)

    assert canonical(found) == canonical(answer(question))
    assert Decimal(found["total"]["net_m3"]["amount"]) > 0


def test_no_order_of_a_set_is_in_the_bytes() -> None:
    """Another hash seed orders every set of texts otherwise; so does another interpreter."""
    script = "import json; from tests.contracts.fixed_appraisals import hashes; print(json.dumps(hashes()))"
    seed = {"PYTHONHASHSEED": "7" if os.environ.get("PYTHONHASHSEED") != "7" else "8"}
    root = Path(__file__).parents[2]
    made = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=os.environ | seed, check=True, capture_output=True, timeout=120
    )

    assert json.loads(made.stdout) == WANTED


def test_no_floats_are_added_by_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython adds floats another way from 3.12 on (compensated), so ``sum`` of floats has other last digits there."""
    plain, seen = builtins.sum, []

    def strict(items: Iterable[Any], /, start: Any = 0) -> Any:
        kept = [*items]
        seen.extend(type(one) for one in (start, *kept))
        return plain(kept, start)

    monkeypatch.setattr(builtins, "sum", strict)
    for question in questions().values():
        answer(question)

    assert Decimal in seen
    assert float not in seen
