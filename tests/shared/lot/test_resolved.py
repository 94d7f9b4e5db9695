"""Findings by hand and resolved findings, judged offline from the file of a lot."""

from shared.lot.report import Report
from shared.lot.verify import verify
from shared.timber.event import Record
from shared.timber.verdict import Verdict
from tests.shared.lot.wood import PERMIT, PLAN, Wood, a_lot, a_policy

LOT = "LOTE-01"


def too_much_wood() -> Wood:
    """A lot of two trees; the logs of one hold a fifth more than it did: C08, S3."""
    wood = Wood()
    logs = [*wood.cut(wood.fell("501", length_mm=10_800), "501"), *wood.cut(wood.fell("502"), "502")]
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    return wood


def the_cut(wood: Wood) -> Record:
    return next(record for record in wood.records if record.type == "log.cut")


def resolve(wood: Wood, record: Record, rule: str) -> Record:
    body = {
        "record": record.sid, "rule": rule, "reason": "Medida repetida en campo", "evidence_sha256": "e" * 64, "by": "c3",
    }  # fmt: skip
    return wood.add("finding.resolved", "registro", body, by="registrar", day="2026-07-20")


def raise_on(wood: Wood, subject: str, severity: str = "S3") -> Record:
    body = {"subject": subject, "org": "comunidad-a", "severity": severity, "text": "No hay tocón", "by": "c3"}
    return wood.add("finding.raised", "registro", body, by="registrar", day="2026-07-20")


def verdict_of(report: Report) -> Verdict:
    assert report.outcome == "valid"
    assert report.verdict is not None
    return report.verdict


def test_a_resolved_finding_is_shown_with_who_resolved_it_and_is_not_open() -> None:
    wood = too_much_wood()
    assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "TO_REVIEW"

    said = resolve(wood, the_cut(wood), "C08")
    report = verify(wood.bundle(LOT), a_policy())

    verdict = verdict_of(report)
    assert (verdict.word, verdict.open, report.exit_code) == ("CONSISTENT", [], 0)
    assert {rule.rule: rule.status for rule in verdict.rules}["C08"] == "RESOLVED"
    [finding] = report.as_dict()["verdict"]["findings"]
    assert (finding["status"], finding["severity"]) == ("RESOLVED", "S3")
    assert finding["resolution"] == {
        "by": "registro", "reason": "Medida repetida en campo", "evidence_sha256": "e" * 64, "sid": said.sid,
        "index": wood.records.index(said),
    }  # fmt: skip
    spanish = report.text("es")
    assert "Resueltas:" in spanish
    assert "Resuelta por registro: Medida repetida en campo" in spanish
    assert "resueltas por un supervisor: C08" in spanish
    assert "Observaciones:" not in spanish


def test_a_resolution_that_is_left_out_of_the_file_leaves_the_finding_open() -> None:
    wood = too_much_wood()
    said = resolve(wood, the_cut(wood), "C08")
    indices = [index for index in wood.gathered(LOT) if wood.records[index].sid != said.sid]

    report = verify(wood.packed(LOT, indices), a_policy())

    assert verdict_of(report).word == "TO_REVIEW"


def test_a_resolution_of_something_else_leaves_the_finding_open() -> None:
    wood = too_much_wood()
    resolve(wood, the_cut(wood), "C10")
    resolve(wood, wood.records[-3], "C08")

    assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "TO_REVIEW"


def test_what_could_not_be_evaluated_is_not_resolved() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs, sent=False)
    arrived = wood.add("guide.received", "aserradero-1", {
        "guide": "001-1", "form": "official", "at": "2026-07-03T08:00:00Z", "volume_dm3": sum(map(wood.volume, logs)),
    })  # fmt: skip
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")

    resolve(wood, arrived, "T02")

    assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "INCOMPLETE"


def test_a_finding_by_hand_counts_wherever_it_touches_the_lot() -> None:
    wood = a_lot()
    assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "CONSISTENT"
    lot = wood.facts.get(f"lot:{LOT}")
    tree = wood.facts.get(f"item:{lot.items[0]}").tree
    for subject in (
        f"item:{lot.items[0]}",
        f"item:{tree}",
        "guide:official:001-0000017",
        f"permit:{PERMIT}",
        f"plan:{PLAN}",
    ):
        raised = raise_on(wood, subject)
        assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "TO_REVIEW", subject

        resolve(wood, raised, "H01")
        assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "CONSISTENT", subject


def test_a_finding_by_hand_on_another_tree_does_not_touch_the_lot() -> None:
    wood = a_lot()
    raise_on(wood, f"item:{wood.fell('503')}")

    assert verdict_of(verify(wood.bundle(LOT), a_policy())).word == "CONSISTENT"
