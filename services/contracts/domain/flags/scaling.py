"""Flags about who measures, and what the scale sheet says beside custody: V01 to V06."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.contracts.domain.flags.answer import (
    Check,
    FlagSpec,
    Outcome,
    Words,
    all_of,
    any_of,
    found,
    is_not,
    more_than,
    percent,
    stated,
    where,
)
from services.contracts.domain.judged import Case
from services.contracts.domain.kept import match
from services.contracts.domain.paired import Paired, paired_log_ratios
from shared.timber.measure import LogRule, half_up


def _buyer_measures_alone(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    evidence = {"scaler": terms.scaler, "joint_scaling": terms.joint_scaling, "tally_copy": terms.tally_copy}
    if (terms.scaler is not None and terms.scaler != "buyer") or terms.joint_scaling or terms.tally_copy:
        return Outcome("clear", evidence)
    if None in (terms.scaler, terms.joint_scaling, terms.tally_copy):
        return Outcome("unknown", evidence)
    return Outcome("raised", evidence, where(case, "scaler", "joint_scaling", "tally_copy"))


def _no_remeasure_right(case: Case, spec: FlagSpec) -> Outcome:
    terms = case.offer.terms
    short = None if terms.remeasure_days is None else terms.remeasure_days < spec.limit("days")
    raised = any_of(is_not(terms.remeasure_right), all_of(terms.remeasure_right, short))
    names = ("remeasure_right", "remeasure_days")
    return found(raised, stated(case, *names), where(case, *names) | {"days": str(spec.limit("days"))})


def _pairs(case: Case) -> list[tuple[Decimal, Decimal]] | None:
    """(settled, custody) cubic metres of each log that both know; ``None`` without both lists or by another rule. A row that
    may be one of several logs is none of them."""
    settled, logs = case.offer.settlement, case.known.custody_logs
    if settled is None or logs is None or settled.rule is not LogRule.MEAN_OF_ENDS:
        return None
    found, _ = match(settled.logs, logs)
    return [
        (found[log.item].volume_m3, Decimal(log.litres) / 1_000) for log in logs if log.item in found and log.litres
    ]


def _underscale_detected(case: Case, spec: FlagSpec) -> Outcome:
    return underscale(_pairs(case), spec)


def underscale(pairs: Sequence[tuple[Decimal, Decimal]] | None, spec: FlagSpec) -> Outcome:
    """V03 over (settled, custody) volumes of the same logs by one rule: unknown for too few of them."""
    if pairs is None or len(pairs) < spec.limit("logs"):
        return found(None, {"logs": None if pairs is None else len(pairs)})
    test: Paired = paired_log_ratios(pairs)
    evidence = {"logs": len(pairs), "mean_change": str(test.mean_change), "p": str(test.p)}
    raised = test.mean_change < -spec.limit("mean_change") and test.p < spec.limit("p")
    words: Words = {"percent": percent(abs(test.mean_change)), "logs": str(len(pairs))}
    return found(raised, evidence, words)


def _settlement_ne_custody(case: Case, spec: FlagSpec) -> Outcome:
    settled, logs = case.offer.settlement, case.known.custody_logs
    if settled is None or logs is None or settled.rule is not LogRule.MEAN_OF_ENDS:
        return found(None, {})
    paid = sum((log.volume_m3 for log in settled.logs), Decimal(0))
    kept = Decimal(sum(log.litres for log in logs)) / 1_000
    if not kept:
        return found(None, {})
    price = case.total.worth.net / case.total.worth.volume_m3 if case.total.worth else None
    return short_settled(paid, kept, spec, price)


def short_settled(paid: Decimal, kept: Decimal, spec: FlagSpec, price: Decimal | None = None) -> Outcome:
    """V04 over the cubic metres that are paid and those that custody keeps, which must be some; ``price`` a cubic metre."""
    short = 1 - paid / kept
    evidence = {"settled_m3": str(paid), "custody_m3": str(kept), "short": str(half_up(short, Decimal("0.0001")))}
    words: Words = {"settled": f"{paid:f}", "custody": f"{kept:f}", "percent": percent(max(short, Decimal(0)))}
    loss = None if price is None else (kept - paid) * price
    return found(paid < kept * (1 - spec.limit("short")), evidence, words, loss=loss)


def _bark_or_length_trim(case: Case, spec: FlagSpec) -> Outcome:
    terms = case.offer.terms
    trimmed = all_of(more_than(terms.trim_mm, spec.limit("trim_mm")), is_not(terms.trim_stated))
    names = ("bark_deduction_stated", "trim_mm", "trim_stated")
    return found(any_of(is_not(terms.bark_deduction_stated), trimmed), stated(case, *names), where(case, *names))


def _leaves_logs(case: Case, _: FlagSpec) -> Outcome:
    names = ("left_logs_paid",)
    return found(is_not(case.offer.terms.left_logs_paid), stated(case, *names), where(case, *names))


CHECKS: Mapping[str, Check] = {
    "V01": _buyer_measures_alone,
    "V02": _no_remeasure_right,
    "V03": _underscale_detected,
    "V04": _settlement_ne_custody,
    "V05": _bark_or_length_trim,
    "V06": _leaves_logs,
}
