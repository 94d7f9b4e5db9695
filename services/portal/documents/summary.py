"""The summary of an audit package as PDF: verdict, wood by stage, rules, findings, what nobody checked, how to check."""

from importlib import resources
from typing import Any

import orjson

from services.portal.casefile import CaseFile
from services.portal.custody_graph import Words
from services.portal.lot_balance import sawings_of, stages_of
from services.portal.verdicts import MARKS, word_of
from shared.timber.norms.spoken import spoken

TEMPLATE = resources.files("services.portal.documents") / "summary.typ"
_RULE_MARKS = {"PASS": "yes", "FAIL": "no", "NOT_EVALUATED": "part", "RESOLVED": "look"}


def summary_pdf(case: CaseFile, words: Words) -> bytes:
    """The PDF in one language; the same case gives the same bytes, with the letters that the typesetter brings along."""
    import typst

    data = orjson.dumps(_told(case, words), option=orjson.OPT_SORT_KEYS).decode()
    made = typst.compile(
        TEMPLATE.read_bytes(), format="pdf", sys_inputs={"data": data}, ignore_system_fonts=True, timestamp=0
    )
    assert isinstance(made, bytes), "one document, not a list of pages"
    return made


def _told(case: CaseFile, words: Words) -> dict[str, Any]:
    language, t, m3 = words.language, words.t, words.m3
    report, lot, verdict = case.report, case.lot, case.report.verdict
    assert verdict is not None, "a case has a verdict"
    assert report.checkpoint is not None, "and a checkpoint"
    own = "text_en" if language == "en" else "text_es"
    word = word_of(report)
    return {
        "language": language,
        "title": t("package.summary", code=lot.id),
        "word": t(f"word.{word}"), "mark": MARKS[word],
        "sentence": getattr(verdict, own) if report.outcome == "valid" else (report.refusal.text(language) if report.refusal else ""),
        "warning": t("verdict.coverage_none") if verdict.coverage.permille == 0 else "",
        "footer": t("package.footer", origin=report.checkpoint.origin, size=report.checkpoint.size),
        "facts": [[name, value] for name, value in _facts(case, words) if value],
        "stages_title": t("balance.title", code=lot.id),
        "stages_head": [t("item.species"), t("balance.stage"), t("balance.volume"), t("balance.change")],
        "stages": [
            [one.species if at == 0 else "", t(f"balance.stage.{stage}"), m3(volume), m3(change) if at else ""]
            for one in stages_of(case) for at, (stage, volume, change) in enumerate(one.steps())
        ],
        "sawings_title": t("balance.yield"),
        "sawings_head": [t("balance.mill"), t("item.species"), t("balance.in"), t("balance.out"), t("balance.yield_short"), t("balance.credit")],
        "sawings": [
            [case.called(one.mill), one.species, m3(one.in_dm3), m3(one.out_dm3), f"{one.yield_permille / 10:.1f} %",
             "–" if one.credit_dm3 is None else m3(one.credit_dm3)]
            for one in sawings_of(case)
        ],
        "rules_title": t("verdict.reasons"),
        "rules": [
            {"rule": rule.rule, "mark": _RULE_MARKS[rule.status],
             "text": f"{rule.title_en if language == 'en' else rule.title_es}: {t('status.' + rule.status)}"}
            for rule in verdict.rules if rule.status in _RULE_MARKS
        ],
        "findings_title": t("verdict.findings"), "no_findings": t("facts.no_findings"),
        "findings": [
            {"rule": one.rule, "severity": one.severity or t(f"status.{one.status}"), "text": getattr(one, own),
             "source": " · ".join(spoken(part, words.language) for part in (one.norm, one.source) if part)}
            for one in verdict.findings
        ],
        "not_checked_title": t("verdict.not_checked"),
        "not_checked": [one[language] for one in report.not_checked],
        "self_title": t("verdict.self"),
        "steps": [t(f"package.step_{step}", code=lot.id) for step in (1, 2, 3)],
        "checkpoint": case.bundle.checkpoint.decode(),
    }  # fmt: skip


def _facts(case: CaseFile, words: Words) -> list[tuple[str, str]]:
    lot, t, m3 = case.lot, words.t, words.m3
    return [
        (t("verdict.pieces"), str(len(lot.items))),
        (t("verdict.volume"), m3(lot.volume_dm3)),
        (t("verdict.seller"), case.called(case.report.seller) if case.report.seller else ""),
        (t("verdict.buyer"), case.called(lot.buyer) if lot.buyer else t("verdict.unsold")),
        (t("verdict.claim"), lot.claim or ""),
        (t("package.permits"), ", ".join(case.permits)),
        (t("package.records"), str(len(case.records))),
    ]
