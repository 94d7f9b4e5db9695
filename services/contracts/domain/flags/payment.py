"""Flags about when and how the money comes, and what is taken off: T01 to T08."""

from collections.abc import Mapping
from decimal import Decimal

from services.contracts.domain.credit import HIGHEST_RATE, implied_annual_rate, internal_rate
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
from services.contracts.domain.money import in_pen
from services.contracts.domain.offer import Advance
from services.contracts.domain.price import InKind
from services.contracts.domain.words import Both
from shared.timber.measure import half_up

FOUR = Decimal("0.0001")
COMMUNITY_PAYS = frozenset({"road", "planning", "permit", "camp"})


def _pay_after_resale(case: Case, _: FlagSpec) -> Outcome:
    names = ("paid_after_resale",)
    return found(case.offer.terms.paid_after_resale, stated(case, *names), where(case, *names))


def _pay_late(case: Case, spec: FlagSpec) -> Outcome:
    terms, payments = case.offer.terms, [one for one in case.offer.payments if one.share_milli]
    last = max(one.days for one in payments)
    delivered, removed = terms.delivery_days, terms.removal_days
    wait = None if delivered is None else last - delivered
    unpaid = None if removed is None else sum(one.share_milli for one in payments if one.days > removed)
    if last == 0:
        wait, unpaid = 0, 0
    raised = any_of(more_than(wait, spec.limit("days")), more_than(unpaid, spec.limit("unpaid_milli")))
    evidence = {
        "last_payment_days": last,
        "unpaid_at_removal_milli": unpaid,
        **stated(case, "delivery_days", "removal_days"),
    }
    return found(raised, evidence, {"days": str(last), **where(case, "delivery_days", "removal_days")})


def _no_guarantee(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    later_milli = sum(one.share_milli for one in case.offer.payments if one.days > 0)
    bare = None if terms.guarantee is None else terms.guarantee == "none"
    words: Words = {"percent": percent(Decimal(later_milli) / 1_000), **where(case, "guarantee")}
    return found(all_of(later_milli > 0, bare), {"later_milli": later_milli, **stated(case, "guarantee")}, words)


def _delivered(one: Advance, case: Case) -> Decimal | None:
    """What was billed is repaid in wood at the offer's price; the wood is worth what fair wood is worth.

    The price is that of the wood itself, standing: the wait for other payments, deductions and the advance's own cost are
    no part of what a cubic metre repays.
    """
    worth, fair = case.total.worth, case.total.fair_m3
    if worth is None or fair is None:
        return None
    paid_m3 = (worth.gross - (worth.discounted - worth.standing)) / worth.volume_m3
    return in_pen(one.billed, case.basis.fx) * max(fair[1] / paid_m3, Decimal(1)) if paid_m3 > 0 else None


def _rate(one: Advance, case: Case) -> Decimal | None:
    """F9 of one advance as an effective annual rate; past a thousandfold a year it is only said to be so high."""
    received, delivered, days = in_pen(one.worth, case.basis.fx), _delivered(one, case), one.recovered_days - one.days
    if received <= 0 or not delivered or days == 0:
        return None
    return min(implied_annual_rate(received, delivered, days), HIGHEST_RATE)


def _joint_rate(case: Case) -> Decimal | None:
    """F9 of all advances together, in the general case."""
    flows: list[tuple[Decimal, int]] = []
    for one in case.offer.advances:
        delivered = _delivered(one, case)
        if delivered is None:
            return None
        flows += [(in_pen(one.worth, case.basis.fx), one.days), (-delivered, one.recovered_days)]
    return internal_rate(flows)


def _mark_ups(case: Case) -> list[Decimal | None]:
    """How much more than the shop price was written for each lot of goods; unknown where nothing was."""
    goods = [(one.worth, one.billed) for one in case.offer.advances if one.kind == "in_kind"]
    lines = [(line.price, line.billed) for line in case.offer.lines if isinstance(line, InKind)]
    marks: list[Decimal | None] = []
    for worth, billed in (*goods, *lines):
        local = in_pen(worth, case.basis.fx)
        marks.append(None if billed is None or local <= 0 else in_pen(billed, case.basis.fx) / local - 1)
    return marks


def _has_dollars(case: Case) -> bool:
    amounts = [amount for one in case.offer.advances for amount in (one.worth, one.billed)]
    amounts += [
        amount
        for line in case.offer.lines
        if isinstance(line, InKind)
        for amount in (line.price, line.billed)
        if amount
    ]
    return any(amount.currency == "USD" for amount in amounts)


def _advance_costly(case: Case, spec: FlagSpec) -> Outcome:
    if case.basis.fx is None and _has_dollars(case):
        return found(None, {})
    rates = [_rate(one, case) for one in case.offer.advances]
    joint = _joint_rate(case) if len(rates) > 1 else None
    marks = _mark_ups(case)
    raised = any_of(
        *(more_than(rate, spec.limit("annual_rate")) for rate in rates),
        *(more_than(mark, spec.limit("mark_up")) for mark in marks),
    )
    known = [rate for rate in rates if rate is not None]
    worst, dear = max(known, default=None), max((mark for mark in marks if mark is not None), default=None)
    evidence = {
        "annual_rate": None if worst is None else str(half_up(worst, FOUR)),
        "all_advances": None if joint is None else str(half_up(joint, FOUR)),
        "mark_up": None if dear is None else str(half_up(dear, FOUR)),
    }
    return found(raised, evidence, {"why": _why_costly(worst, dear, spec)})


def _why_costly(rate: Decimal | None, mark_up: Decimal | None, spec: FlagSpec) -> Both:
    """Only what passes its limit is said."""
    es, en = [], []
    if more_than(rate, spec.limit("annual_rate")) and rate is not None:
        most = rate >= HIGHEST_RATE
        es.append(f"el adelanto cuesta {'más de ' if most else ''}{percent(rate)} % al año")
        en.append(f"the advance costs {'more than ' if most else ''}{percent(rate)} per cent a year")
    if more_than(mark_up, spec.limit("mark_up")) and mark_up is not None:
        es.append(f"la mercadería se anotó {percent(mark_up)} % por encima de la tienda")
        en.append(f"the goods were written {percent(mark_up)} per cent above the shop price")
    return Both("; ".join(es), "; ".join(en))


def _debt_trap(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    names = ("repaid_in_wood_or_labour_only", "debt_has_end_date", "debt_carries_over")
    conditions = (terms.repaid_in_wood_or_labour_only, is_not(terms.debt_has_end_date), terms.debt_carries_over)
    raised = any_of(*conditions)
    if raised is None and not case.offer.advances and all(condition is None for condition in conditions):
        raised = False
    return found(raised, {"advances": len(case.offer.advances), **stated(case, *names)}, where(case, *names))


def _deduct_road_planning(case: Case, _: FlagSpec) -> Outcome:
    names = ("costs_deducted_uncapped",)
    taken = [one for one in case.offer.deductions if one.kind in COMMUNITY_PAYS]
    abroad = case.basis.fx is None and any(one.amount.currency == "USD" for one in taken)
    loss = None if abroad or not taken else sum((in_pen(one.amount, case.basis.fx) for one in taken), Decimal(0))
    evidence = {"deductions": sorted({one.kind for one in taken}), **stated(case, *names)}
    return found(case.offer.terms.costs_deducted_uncapped, evidence, where(case, *names), loss=loss)


def _penalty_one_way(case: Case, spec: FlagSpec) -> Outcome:
    terms = case.offer.terms
    one_way = None if terms.penalties_on is None else terms.penalties_on == "community"
    # Who says that nobody is fined has said that no fine passes the limit.
    most = 0 if terms.penalties_on == "nobody" and terms.penalty_milli is None else terms.penalty_milli
    raised = any_of(one_way, more_than(most, spec.limit("penalty_milli")))
    names = ("penalties_on", "penalty_milli")
    return found(raised, stated(case, *names), where(case, *names))


def _in_kind_overpriced(case: Case, _: FlagSpec) -> Outcome:
    goods = any(one.kind == "in_kind" for one in case.offer.advances) or any(
        isinstance(line, InKind) for line in case.offer.lines
    )
    names = ("price_list",)
    raised = all_of(goods, is_not(case.offer.terms.price_list))
    return found(raised, {"in_kind": goods, **stated(case, *names)}, where(case, *names))


CHECKS: Mapping[str, Check] = {
    "T01": _pay_after_resale,
    "T02": _pay_late,
    "T03": _no_guarantee,
    "T04": _advance_costly,
    "T05": _debt_trap,
    "T06": _deduct_road_planning,
    "T07": _penalty_one_way,
    "T08": _in_kind_overpriced,
}
