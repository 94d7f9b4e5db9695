"""What is answered beside an appraisal: offers side by side, the counter-offer, and the offer under changes."""

from collections.abc import Sequence
from decimal import localcontext
from typing import Any

from services.contracts.domain.comparison import compare, tell
from services.contracts.domain.draws import sensitivity
from services.contracts.domain.figures import figures_of, floor_of, gaps_of, sensitivity_of, soles
from services.contracts.domain.flags import FlagPack, check_flags
from services.contracts.domain.floor import Wishes, counter_offers
from services.contracts.domain.judged import Case, judge_offer
from services.contracts.domain.money import MONEY
from services.contracts.domain.scenario import Scenario, moved
from services.contracts.domain.text import tell_floors


def compared(asked: Sequence[tuple[Case, dict[str, Any]]], pack: FlagPack) -> dict[str, Any]:
    """Offers side by side. Each column carries the id of its quick appraisal: the same question, the same answer."""
    with localcontext(MONEY):
        cases = [case for case, _ in asked]
        found = compare(cases, [check_flags(case, pack) for case in cases])
        said = tell(cases, found)
    return {
        "on": cases[0].basis.on.isoformat(),
        "offers": [_column(case, appraisal) for case, appraisal in asked],
        "differences": [
            {
                "start": one.start,
                "end": one.end,
                "net_m3": soles(one.net_m3),
                "parts": [{"cause": part.cause, "amount": soles(part.amount)} for part in one.parts],
            }
            for one in found.differences
        ],
        "dominates": [list(pair) for pair in found.dominates],
        "best": list(found.best),
        "text": {"es": [one.es for one in said], "en": [one.en for one in said]},
    }


def _column(case: Case, appraisal: dict[str, Any]) -> dict[str, Any]:
    raised = dict.fromkeys(("S", "H", "M", "I"), 0)
    for flag in appraisal["flags"]:
        raised[flag["severity"]] += flag["state"] == "raised"
    kept = ("id", "pins", "lot", "verdict", "missing", "total", "sensitivity")
    return {"title": case.offer.title, "raised": raised, **{name: appraisal[name] for name in kept}}


def countered(case: Case, pack: FlagPack, wishes: Wishes) -> dict[str, Any]:
    """The floor of every line, and for each raised flag about a clause how the clause reads when it is clear."""
    with localcontext(MONEY):
        floors = counter_offers(case, pack.verdict.competent_margin, wishes)
        said = tell_floors(case, floors)
        raised = [flag for flag in check_flags(case, pack) if flag.outcome.state == "raised"]
    whole = [flag for flag in raised if "{" not in flag.spec.es["clear"]]
    return {
        "on": case.basis.on.isoformat(),
        "missing": gaps_of(case.total.gaps),
        "lines": [
            {
                "line": line.number,
                "offered": line.line.model_dump(mode="json"),
                "net_m3": soles(line.net_m3),
                "floor": floor_of(floor),
            }
            for line, floor in zip(case.lines, floors, strict=True)
        ],
        "clauses": [
            {"code": flag.spec.code, "es": flag.spec.es["clear"], "en": flag.spec.en["clear"]} for flag in whole
        ],
        "text": {"es": [one.es for one in said], "en": [one.en for one in said]},
    }


def what_if(case: Case, pack: FlagPack, scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """The offer as it is, and under each change."""
    rows: list[dict[str, Any]] = []
    with localcontext(MONEY):
        for scenario in (Scenario(name="base"), *scenarios):
            offer, basis = moved(case.offer, case.basis, scenario)
            found = judge_offer(offer, case.wood, basis, pack.verdict, case.known)
            rows.append(
                {
                    "name": scenario.name,
                    "verdict": found.total.verdict.value,
                    "missing": gaps_of(found.total.gaps),
                    "total": figures_of(found.total, found),
                    "sensitivity": sensitivity_of(sensitivity(found)),
                }
            )
    return {"on": case.basis.on.isoformat(), "scenarios": rows}
