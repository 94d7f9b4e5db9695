"""How long the pages of a lot of 500 logs take to work out. Prints; ``pytest tests/portal/test_pace.py --full -s``."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from services.portal.casefile import CaseFile, opened
from services.portal.custody_graph import collapsed, graph_of, things_of_case
from services.portal.documents.package import parts_of, write
from services.portal.drawing.charts import NARROW, WIDE, chart, waterfall
from services.portal.lot_balance import stages_of
from services.portal.pages.saying import words_in
from services.portal.rendering import Pages
from shared.lot.verify import verify
from tests.shared.lot.wood import Wood, a_policy

T = TypeVar("T")
LOGS = 500


def a_large_lot() -> Wood:
    """250 trees, 500 logs, 20 guides, one sale."""
    wood = Wood(trees={str(code): 800 for code in range(1000, 1000 + LOGS // 2)})
    logs = [log for tree in wood.trees for log in wood.cut(wood.fell(tree), tree)]
    for at in range(0, LOGS, 25):
        wood.guide(f"001-{at:07}", logs[at : at + 25])
    for at in range(0, LOGS, 100):
        wood.add("lot.composed", "aserradero-1", {"lot": "LOTE-500", "items": logs[at : at + 100]}, day="2026-07-06")
    wood.add("lot.sold", "aserradero-1", {"lot": "LOTE-500", "buyer": "otra-1"}, day="2026-07-06")
    return wood


def timed(what: str, work: Callable[[], T]) -> T:
    begun = time.process_time()
    made = work()
    sys.stdout.write(f"{what}: {1000 * (time.process_time() - begun):.0f} ms of processor time\n")
    return made


@pytest.mark.full
def test_a_lot_of_500_logs_is_folded_drawn_and_packed(tmp_path: Path) -> None:
    data, words = a_large_lot().bundle("LOTE-500"), words_in(Pages(), "es")
    timed("verdict", lambda: verify(data, a_policy()))
    case = timed("case: verdict, records, facts", lambda: opened(data, a_policy()))
    assert isinstance(case, CaseFile)
    things = things_of_case(case)

    folded = timed("graph, folded", lambda: graph_of(collapsed(things), "LOTE-500", words))
    whole = timed("graph of all its things", lambda: graph_of(things, "LOTE-500", words))
    steps = [(stage, volume / 1000, change / 1000, str(volume)) for stage, volume, change in stages_of(case)[0].steps()]
    first = timed("first chart, with its library", lambda: chart(waterfall(steps, "m³"), "t", "d"))
    timed("another chart", lambda: chart(waterfall(steps[1:], "m³"), "t", "d"))
    timed("package", lambda: write(tmp_path / "package.zip", parts_of(case, {}, (words, words_in(Pages(), "en")))))

    assert len(things) == LOGS // 2 + LOGS + 1
    assert len(folded) < 5000 < len(whole)
    assert all(f'width="{width}"' in first for width in (WIDE, NARROW))
