"""What a first page says is to be done: by what its organisation holds."""

from datetime import date
from typing import Any

import pytest

from services.portal.figures import day
from services.portal.holdings import todos

TODAY = date(2026, 11, 28)
PERMIT = {"number": "CN-A-2025-B", "state": "in_force", "move_to": "2029-07-21"}
DRAFT = {"id": "CN-A-PO-20", "number": "PO-20", "state": "draft"}


@pytest.mark.parametrize(
    ("plans", "permits", "owns_forest", "said"),
    [
        ([], [], False, ["todo.reception"]),  # a sawmill
        ([], [], True, ["todo.no_permit"]),
        ([DRAFT], [], False, ["todo.census", "todo.no_permit"]),  # a company that cuts
        ([], [PERMIT], True, ["todo.record"]),
    ],
)
def test_who_owns_no_forest_is_told_to_receive_and_who_owns_one_to_ask_for_a_permit(
    plans: list[dict[str, Any]], permits: list[dict[str, Any]], owns_forest: bool, said: list[str]
) -> None:
    assert [one.text for one in todos(plans, permits, 0, TODAY, owns_forest=owns_forest)] == said


def test_a_series_by_months_is_dated_by_its_month() -> None:
    assert (day("2026-05", "es"), day("2026-05", "en")) == ("may. 2026", "May 2026")
