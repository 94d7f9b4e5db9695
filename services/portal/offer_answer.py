"""What an appraisal says, as the page and the assembly's paper show it: the light, the reasons, three questions, figures."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.portal.figures import day, number
from services.portal.naming import Say
from shared.web.language import Language

Json = Mapping[str, Any]
# The word is a text; the mark is a shape and a colour of the style.
LIGHTS = {"far_below": "no", "below": "look", "low_in_range": "part", "fair": "yes", "no_answer": "part"}
GRAVEST = {"S": 0, "H": 1, "M": 2, "I": 3}
QUESTIONS = 3
# How every text about a silence of the offer begins: it is asked instead of told.
NOBODY_SAID: dict[Language, str] = {"es": "Nadie ha dicho ", "en": "Nobody has said "}
SIGNS = {"PEN": "S/", "USD": "US$"}


def money(amount: Json | None) -> str:
    """An amount with its currency: ``S/ 184,051.40``."""
    if amount is None:
        return "–"
    value = Decimal(amount["amount"])
    return f"{'−' if value < 0 else ''}{SIGNS[amount['currency']]} {number(abs(value), 2)}"


def asked(appraisal: Json, language: Language, say: Say) -> list[str]:
    """The three questions to ask before anything is answered: what is missing to compare, then the gravest silences."""
    missing = [say("offer.ask_for", what=gap[language]) for gap in appraisal["missing"]]
    start = NOBODY_SAID[language]
    silent = sorted(
        (
            flag
            for flag in appraisal["flags"]
            if flag["state"] == "unknown" and flag[f"text_{language}"].startswith(start)
        ),
        key=lambda flag: GRAVEST[flag["severity"]],
    )
    questions = [say("offer.ask", what=flag[f"text_{language}"].removeprefix(start).rstrip(".")) for flag in silent]
    return [*missing, *questions][:QUESTIONS]


def raised(appraisal: Json, language: Language) -> list[dict[str, Any]]:
    """The alerts, the gravest first."""
    found = sorted(
        (flag for flag in appraisal["flags"] if flag["state"] == "raised"),
        key=lambda flag: (GRAVEST[flag["severity"]], flag["code"]),
    )
    return [
        {
            "code": flag["code"], "severity": flag["severity"], "title": flag[f"title_{language}"],
            "text": flag[f"text_{language}"], "source": _source(flag, language), "pending": flag["legal_review"] == "pending",
        }
        for flag in found
    ]  # fmt: skip


def _source(flag: Json, language: Language) -> str:
    """Where a flag comes from; an appraisal of before there was a Spanish source has only the English one."""
    return str(flag.get("source_es", flag["source"]) if language == "es" else flag["source"])


def sentences(appraisal: Json, language: Language) -> list[str]:
    """What the appraisal says beside its alerts, which have a list of their own."""
    flagged = {flag[f"text_{language}"] for flag in appraisal["flags"]}
    return [one for one in appraisal["text"][language]["sentences"] if one not in flagged]


def figures_of(appraisal: Json, say: Say) -> list[tuple[str, str]]:
    """The figures that stand behind the word."""
    total, lot = appraisal["total"], appraisal["lot"]
    rows = [(say("offer.volume"), f"{number(lot['volume_m3'], 3)} m³")]
    rows += [
        (say(f"offer.{name}"), money(total[name]))
        for name in ("offered_m3", "net_m3", "fair_low_m3", "fair_mid_m3", "fair_high_m3", "loss_mid", "loss_tree", "loss_family")
        if total[name] is not None
    ]  # fmt: skip
    return rows


def steps(total: Json, say: Say) -> list[tuple[str, Decimal]]:
    """From fair value to what is left, in soles for each standing cubic metre; empty when it is not known."""
    if not total["waterfall"]:
        return []
    causes = [(say(f"cause.{one['cause']}"), -Decimal(one["amount"]["amount"])) for one in total["waterfall"]]
    return [
        (say("band.mid"), Decimal(total["fair_mid_m3"]["amount"])),
        *((name, amount) for name, amount in causes if amount),
        (say("band.net"), Decimal(total["net_m3"]["amount"])),
    ]


def signed(amount: Decimal) -> str:
    """An amount of soles with its sign before it."""
    return f"{'−' if amount < 0 else ''}S/ {number(abs(amount), 2)}"


def band(total: Json) -> dict[str, Decimal] | None:
    """The fair range and what the offer leaves, in soles for each standing cubic metre; None when there is no range."""
    names = {"net": "net_m3", "low": "fair_low_m3", "mid": "fair_mid_m3", "high": "fair_high_m3"}
    if any(total[field] is None for field in names.values()):
        return None
    return {name: Decimal(total[field]["amount"]) for name, field in names.items()}


def judgement(appraisal: Json, counter: Json, language: Language, say: Say) -> dict[str, Any]:
    """Everything a person is shown of one offer."""
    total = appraisal["total"]
    return {
        "verdict": appraisal["verdict"],
        "mark": LIGHTS[appraisal["verdict"]],
        "word": say(f"offer.word_{appraisal['verdict']}"),
        "headline": appraisal["text"][language]["headline"],
        "sentences": sentences(appraisal, language),
        "questions": asked(appraisal, language, say),
        "loss": money(total["loss_mid"]) if _positive(total["loss_mid"]) else "",
        "figures": figures_of(appraisal, say),
        "band": band(total),
        "steps": steps(total, say),
        "counter": list(counter["text"][language]),
        "clauses": [clause[language] for clause in counter["clauses"]],
        "raised": raised(appraisal, language),
        "id": appraisal["id"],
        "on": appraisal["on"],
        "references": references(appraisal, language, say),
        "sms": appraisal["text"][language]["sms"],
    }


def references(appraisal: Json, language: Language, say: Say) -> list[str]:
    """The prices the fair value rests on, each with its grade, day and source."""
    found: dict[str, None] = {}
    for line in appraisal["lines"]:
        for fair in line["fair_by_species"]:
            one = fair["reference"]
            if one is not None:
                found[
                    say(
                        "offer.reference",
                        grade=say(f"grade.{one['grade']}"),
                        day=day(one["observed_on"], language),
                        source=one["source"],
                    )
                ] = None
    return list(found)


def _positive(amount: Json | None) -> bool:
    return amount is not None and Decimal(amount["amount"]) > 0


def spoken_offer(lines: Sequence[Json], say: Say, key: str = "offer.line") -> list[str]:
    """The price lines in words, as they were asked: so that a paper says what it judged."""
    return [
        say(
            key, price=money({"amount": line["price"]["amount"] or "0", "currency": line["price"]["currency"]}),
            per=say(f"per.{'lot' if line['kind'] == 'lump_sum' else 'tree' if line['kind'] == 'per_tree' else line['unit']}"),
            rule=f" ({say('rule.' + line['rule'])})" if line.get("rule") else "",
            product=say(f"offered.{line['product']}"), point=say(f"point.{line['point_of_sale']}"),
        )
        for line in lines
    ]  # fmt: skip
