"""The paper an assembly holds in its hands: what was offered, the word, the loss, the questions, what to ask for.

Made of the appraisal alone: it says nothing of its own, and never whether to sign.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.portal import figures
from services.portal.documents.paper import typeset
from services.portal.naming import Say
from services.portal.offer_answer import signed
from shared.web.language import Language

# What the drawing of the fair range leaves free beyond the largest of its values.
ROOM = 1.12


def report_pdf(judged: Mapping[str, Any], offer: Mapping[str, Any], language: Language, say: Say) -> bytes:
    """The paper of one judged offer (``offer_answer.judgement``). The file bears the day of the appraisal: the same
    question on the same day gives the same bytes."""
    made_at = datetime.fromisoformat(f"{judged['on']}T12:00:00").replace(tzinfo=UTC)
    return typeset("assembly.typ", sheet(judged, offer, language, say), made_at)


def sheet(judged: Mapping[str, Any], offer: Mapping[str, Any], language: Language, say: Say) -> dict[str, Any]:
    """Everything the paper shows; ``offer`` says in words who offers what."""
    return {
        "language": language,
        "title": say("assembly.title"),
        "offer": offer,
        "word": {"text": judged["word"], "mark": judged["mark"]},
        "headline": judged["headline"],
        "sentences": judged["sentences"],
        "loss": {"label": say("offer.loss"), "value": judged["loss"]} if judged["loss"] else None,
        "band": _band(judged, say),
        "questions": {"title": say("offer.questions"), "items": judged["questions"], "room": say("assembly.answer")},
        "counter": {"title": say("offer.counter"), "items": [*judged["counter"], *judged["clauses"]]},
        "figures": {"title": say("offer.figures"), "rows": judged["figures"]},
        "causes": {"title": say("offer.causes"), "rows": [[name, signed(amount)] for name, amount in judged["steps"]]},
        "raised": {
            "title": say("offer.raised"),
            "items": [
                {**one, "severity": say(f"alert.{one['severity']}"), "pending": say("offer.pending") if one["pending"] else ""}
                for one in judged["raised"]
            ],
        },
        "notes": {"title": say("assembly.notes"), "lines": 6},
        "references": {"title": say("offer.references"), "items": judged["references"]},
        "foot": say("assembly.foot", day=figures.day(judged["on"], language), id=judged["id"]),
        "page": say("documents.page"),
        "of": say("documents.of"),
    }  # fmt: skip


def _band(judged: Mapping[str, Any], say: Say) -> dict[str, Any] | None:
    """Where the offer stands beside the fair range, as shares of the width of the drawing."""
    band = judged["band"]
    if band is None:
        return None
    most = float(max(*band.values(), 1)) * ROOM
    return {
        "about": say("offer.band"),
        "marks": [
            {"name": name, "at": max(0.0, float(value) / most), "label": say(f"band.{name}"), "value": signed(value)}
            for name, value in band.items()
        ],
    }
