"""The wood of a lot stage by stage, and what mills made of it, worked out from its proof file."""

import pytest

from services.portal.casefile import CaseFile, opened
from services.portal.lot_balance import sawings_of, stages_of
from shared.lot.report import Report
from tests.shared.lot.wood import SPECIES, Wood, a_lot, a_policy


def case_of(wood: Wood, lot: str = "LOTE-01") -> CaseFile:
    case = opened(wood.bundle(lot), a_policy())
    assert isinstance(case, CaseFile)
    return case


def a_sawn_lot(permille: int = 500) -> tuple[Wood, list[str], str]:
    wood = Wood()
    logs = [log for tree in ("501", "502") for log in wood.cut(wood.fell(tree), tree)]
    wood.guide("001-0000017", logs)
    boards = wood.saw(logs[:3], permille=permille)
    wood.sell("LOTE-01", [boards, logs[3]], seller="aserradero-1", buyer="otra-1")
    return wood, logs, boards


def test_every_stage_is_the_sum_of_its_records() -> None:
    wood, logs, boards = a_sawn_lot()
    round_dm3, sawn_dm3 = sum(map(wood.volume, logs)), sum(map(wood.volume, logs[:3]))

    [stages] = stages_of(case_of(wood))

    assert stages.species == SPECIES
    felled = sum(item.volume_dm3 for item in case_of(wood).pieces if item.kind == "tree")
    assert stages.volume_dm3 == {
        "authorised": 1_000_000, "felled": felled, "cut": round_dm3, "moved": round_dm3, "milled": sawn_dm3,
        "made": wood.volume(boards), "sold": wood.volume(boards) + wood.volume(logs[3]),
    }  # fmt: skip
    changes = {stage: change for stage, _, change in stages.steps()}
    assert changes["sold"] == 0, "all that was neither sawn nor left over is in the lot"
    assert changes["made"] == wood.volume(boards) - sawn_dm3


def test_a_lot_of_logs_has_no_mill_and_wood_left_behind_shows_as_less() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-0000017", logs)
    wood.sell("LOTE-01", logs[:1], seller="aserradero-1", buyer="otra-1")

    [stages] = stages_of(case_of(wood))

    assert "milled" not in stages.volume_dm3
    assert "made" not in stages.volume_dm3
    assert stages.volume_dm3["sold"] == stages.volume_dm3["cut"] == wood.volume(logs[0]), (
        "only the lot's own wood counts"
    )


@pytest.mark.parametrize(("permille", "left"), [(500, 0.060), (560, 0.0), (400, 0.160)])
def test_surplus_credit_is_what_the_ceiling_leaves_above_the_yield(permille: int, left: float) -> None:
    wood, logs, boards = a_sawn_lot(permille)
    used = sum(map(wood.volume, logs[:3]))

    [sawing] = sawings_of(case_of(wood))

    assert (sawing.mill, sawing.in_dm3, sawing.out_dm3) == ("aserradero-1", used, wood.volume(boards))
    assert sawing.ceiling_permille == 560
    assert sawing.norm == "PE-COEF-2024"
    assert sawing.credit_dm3 == pytest.approx(used * left, abs=2)
    assert sawing.yield_permille == pytest.approx(permille, abs=1)


def test_a_file_that_does_not_hold_is_only_reported() -> None:
    data = a_lot().bundle("LOTE-01")
    assert isinstance(opened(data, a_policy()), CaseFile)

    report = opened(data.replace(b"LOTE-01", b"LOTE-02"), a_policy())

    assert isinstance(report, Report)
    assert report.outcome == "invalid"
