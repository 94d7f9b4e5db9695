"""Flags about the price: P01 to P14."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from services.contracts.domain.credit import mean_real_value
from services.contracts.domain.flags.answer import (
    UNKNOWN,
    Check,
    FlagSpec,
    Outcome,
    Words,
    all_of,
    found,
    is_not,
    more_than,
    percent,
    stated,
    where,
)
from services.contracts.domain.judged import Case, JudgedLine, cents
from services.contracts.domain.money import in_pen, shown
from services.contracts.domain.price import PaidRule, PerVolume, Product, Shared, ShareOfProfit, Whole
from services.contracts.domain.words import RULES, Both
from shared.timber.measure import PT_PER_M3, Unit, half_up
from shared.timber.species import catalogue

PRICED_BY_MARKET = ("A", "B", "C")


def _price_far_below(case: Case, spec: FlagSpec) -> Outcome:
    share, net, fair, losses = case.total.disproportion, case.total.net_m3, case.total.fair_m3, case.total.losses
    if share is None or net is None or fair is None or losses is None:
        return UNKNOWN
    evidence = {"disproportion": str(share), "net_m3": str(net), "fair_mid_m3": str(fair[1])}
    words = {"percent": percent(max(share, Decimal(0))), "net": shown(net), "fair": shown(fair[1])}
    if share < spec.limit("high"):
        return Outcome("clear", evidence, words)
    return Outcome("raised", evidence, words, "S" if share >= spec.limit("stop") else "H", losses[1])


def _below_residual(case: Case, _: FlagSpec) -> Outcome:
    net, worth, lowest = case.total.net_m3, case.total.worth, case.residual_low
    if net is None or worth is None or lowest is None:
        return UNKNOWN
    low = cents(lowest / worth.volume_m3)
    evidence, words = {"net_m3": str(net), "residual_low_m3": str(low)}, {"net": shown(net), "low": shown(low)}
    if net >= low:
        return Outcome("clear", evidence, words)
    return Outcome("raised", evidence, words, loss=lowest - worth.net)


def _rule_missing(case: Case, _: FlagSpec) -> Outcome:
    stated_without = case.offer.terms.price_stated_without_rule
    if stated_without is None:
        return UNKNOWN
    evidence = {"price_stated_without_rule": stated_without}
    words = where(case, "price_stated_without_rule")
    return Outcome("raised" if stated_without else "clear", evidence, words)


def _credited(line: JudgedLine) -> Decimal | None:
    """The share of the geometric wood that the payment rule of a line counts."""
    if line.factor is None or not isinstance(line.line, PerVolume):
        return None
    return line.factor / (PT_PER_M3 if line.line.unit is Unit.PT else 1)


def _lines_by_volume(case: Case) -> Iterator[tuple[JudgedLine, PerVolume]]:
    """Lines that pay round wood by volume; who sells boards is paid for boards."""
    for line in case.lines:
        if isinstance(line.line, PerVolume) and line.line.product is not Product.SAWN and line.species:
            yield line, line.line


def _rule_mismatch(case: Case, spec: FlagSpec) -> Outcome:
    worst: tuple[Decimal, JudgedLine, PerVolume] | None = None
    unknown = False
    for line, priced in _lines_by_volume(case):
        credited = _credited(line)
        unknown |= credited is None
        if credited is not None and (worst is None or credited < worst[0]):
            worst = (credited, line, priced)
    if worst is not None and worst[0] < spec.limit("credited"):
        credited, line, priced = worst
        lost_pt = (line.volume_m3 or Decimal(0)) * PT_PER_M3 * (1 - credited)
        price_pt = in_pen(priced.price, case.basis.fx) * (1 if priced.unit is Unit.PT else 1 / PT_PER_M3)
        evidence = {
            "line": line.number,
            "rule": priced.rule.value,
            "credited": str(half_up(credited, Decimal("0.0001"))),
            "lost_pt": str(half_up(lost_pt, Decimal("0.01"))),
        }
        words: Words = {
            "rule": RULES[priced.rule],
            "percent": percent(credited),
            "lost_pt": f"{half_up(lost_pt, Decimal(1)):,}",
        }
        return Outcome("raised", evidence, words, loss=lost_pt * price_pt)
    if unknown:
        return UNKNOWN
    if worst is None:
        why = Both("no se paga madera en rollo por volumen", "no round wood is paid by volume")
        return Outcome("clear", {"by_volume": False}, {"why": why})
    counted = percent(worst[0])
    why = Both(
        f"la regla de pago reconoce {counted} % de la madera que cuenta la guía",
        f"the payment rule credits {counted} % of the wood that the guide counts",
    )
    return Outcome("clear", {"credited": str(half_up(worst[0], Decimal("0.0001")))}, {"why": why})


def _doyle_small_logs(case: Case, spec: FlagSpec) -> Outcome:
    doyle = [line for line, priced in _lines_by_volume(case) if priced.rule is PaidRule.DOYLE]
    if not doyle:
        return Outcome("clear", {"doyle": False}, {"why": Both("no hay precio Doyle", "there is no Doyle price")})
    shares = [share for share in (_credited(line) for line in doyle) if share is not None]
    if len(shares) == len(doyle):
        least = min(shares)
        credited = percent(least)
        why = Both(f"Doyle reconoce {credited} % de la madera", f"Doyle credits {credited} % of the wood")
        evidence = {"credited": str(half_up(least, Decimal("0.0001")))}
        return Outcome("raised" if least < spec.limit("credited") else "clear", evidence, {"why": why})
    median = case.offer.lot.median_diameter_mm
    if median is None:
        return UNKNOWN
    centimetres = f"{Decimal(median) / 10:f}".removesuffix(".0")
    why = Both(f"diámetro mediano de {centimetres} cm", f"median diameter of {centimetres} cm")
    thin = median < spec.limit("median_diameter_mm")
    return Outcome("raised" if thin else "clear", {"median_diameter_mm": median}, {"why": why})


def _fixed_price_long(case: Case, spec: FlagSpec) -> Outcome:
    months = case.offer.terms.term_months
    indexed = case.offer.terms.index_clause if case.offer.index is None else True
    evidence = {"term_months": months, "index_clause": indexed}
    if indexed or (months is not None and months <= spec.limit("months")):
        return Outcome("clear", evidence)
    if months is None or indexed is None:
        return Outcome("unknown", evidence)
    words: Words = {"months": str(months), **where(case, "term_months", "index_clause")}
    worth, years = case.total.worth, months // 12
    # F10: what the years take from a price that stands still, at the inflation of the catalogue.
    lost = None if worth is None else worth.net * (1 - mean_real_value(spec.limit("inflation"), years))
    return Outcome("raised", evidence, words, "H" if months > spec.limit("high_months") else "M", lost)


def _one_price_all_species(case: Case, spec: FlagSpec) -> Outcome:
    unknown = False
    for names in _sharing_a_price(case):
        unknown |= any(name not in case.fairs for name in names)
        known = {name: case.fairs[name].mid_m3 for name in names if name in case.fairs and case.fairs[name].mid_m3 > 0}
        if len(known) < 2:
            continue
        dear, cheap = max(known, key=lambda n: (known[n], n)), min(known, key=lambda n: (known[n], n))
        ratio = known[dear] / known[cheap]
        if ratio > spec.limit("ratio"):
            shown_ratio = f"{half_up(ratio, Decimal('0.1')):f}"
            evidence = {"dear": dear, "cheap": cheap, "ratio": str(half_up(ratio, Decimal("0.01")))}
            words = {"dear": _trade_name(dear), "cheap": _trade_name(cheap), "ratio": shown_ratio}
            return Outcome("raised", evidence, words)
    return UNKNOWN if unknown else Outcome("clear")


def _sharing_a_price(case: Case) -> Iterator[tuple[str, ...]]:
    """Groups of two or more species that are paid the same, be it by one line or by several."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for line in case.lines:
        priced = line.line
        if isinstance(priced, Shared):
            continue
        how = (priced.unit, priced.rule) if isinstance(priced, PerVolume) else ()
        key = (priced.kind, priced.price.amount, priced.price.currency, priced.product, priced.point_of_sale, *how)
        groups.setdefault(key, []).extend(line.species)
    yield from (tuple(names) for names in groups.values() if len(names) > 1)


def _trade_name(species: str) -> str:
    return catalogue().accepted(species).trade_name.lower()


def _per_tree_or_lump(case: Case, _: FlagSpec) -> Outcome:
    whole = any(isinstance(line, Whole) for line in case.offer.lines)
    measured = case.offer.lot.basis == "census" or case.wood.logs > 0
    evidence = {"kinds": sorted({line.kind for line in case.offer.lines}), "basis": case.offer.lot.basis}
    return Outcome("raised" if whole and not measured else "clear", evidence)


def _below_market_p25(case: Case, spec: FlagSpec) -> Outcome:
    """The 25th percentile lies this share of the way from the middle of the estimate to its low bound."""
    net, worth = case.total.net_m3, case.total.worth
    lows: list[Decimal] = []
    for line in case.lines:
        for name in line.species:
            market = case.fairs[name].market if name in case.fairs else None
            if market is None or market.entry.grade not in PRICED_BY_MARKET:
                return UNKNOWN
            if (market.entry.reporters or 0) < spec.limit("reporters"):
                return UNKNOWN
            quarter = market.mid_m3 - (market.mid_m3 - market.low_m3) * spec.limit("share_of_band")
            lows.append(quarter * case.wood.species[name].volume_m3)
    if net is None or worth is None or not lows:
        return UNKNOWN
    p25 = cents(sum(lows, Decimal(0)) / worth.volume_m3)
    words: Words = {"net": shown(net), "p25": shown(p25)}
    return found(net < p25, {"net_m3": str(net), "p25_m3": str(p25)}, words, loss=(p25 - net) * worth.volume_m3)


def _defect_rule_open(case: Case, spec: FlagSpec) -> Outcome:
    defects = case.offer.terms.defects
    evidence, words = stated(case, "defects"), where(case, "defects")
    if defects is None:
        hollows = [one for one in case.offer.deductions if one.kind == "hollow"]
        return found(None, evidence | {"deductions": len(hollows)}, words)
    open_rule = defects.formula is None or defects.cap_milli is None or defects.cap_milli > spec.limit("cap_milli")
    return found(defects.taken and open_rule, evidence, words)


def _index_asymmetric(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    evidence, words = stated(case, "index_clause", "index_shares"), where(case, "index_clause", "index_shares")
    if terms.index_shares is None:
        # A clause that is written as a formula (F10) follows its index up and down alike.
        none_or_formula = terms.index_clause is False or case.offer.index is not None
        return found(False if none_or_formula else None, evidence, words)
    up, down = terms.index_shares.up_milli, terms.index_shares.down_milli
    words |= {"up": percent(Decimal(up) / 1_000), "down": percent(Decimal(down) / 1_000)}
    return found(up < down, evidence, words)


def _currency_mismatch(case: Case, spec: FlagSpec) -> Outcome:
    terms = case.offer.terms
    pen = any(not isinstance(line, Shared) and line.price.currency == "PEN" for line in case.offer.lines)
    dollars = None if terms.buyer_sells_in is None else terms.buyer_sells_in == "USD"
    raised = all_of(pen, dollars, more_than(terms.term_months, spec.limit("months")), is_not(terms.fx_clause))
    names = ("buyer_sells_in", "term_months", "fx_clause")
    return found(raised, stated(case, *names), where(case, *names))


def _share_of_profit(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    profit = any(isinstance(line, ShareOfProfit) for line in case.offer.lines)
    raised = all_of(profit, terms.buyer_controls_costs, is_not(terms.cost_cap), is_not(terms.audit_right))
    names = ("buyer_controls_costs", "cost_cap", "audit_right")
    return found(raised, {"share_of_profit": profit, **stated(case, *names)}, where(case, *names))


def _split_unfair(case: Case, spec: FlagSpec) -> Outcome:
    shared = [line for line in case.lines if line.line.kind == "share_of_volume"]
    shares = [line.value_share for line in shared if line.value_share is not None]
    if len(shares) < len(shared):
        return UNKNOWN
    least = min(shares, default=None)
    evidence = {"value_share": None if least is None else str(least)}
    words: Words = {"percent": "" if least is None else percent(least)}
    return found(least is not None and least < spec.limit("value_share"), evidence, words)


CHECKS: Mapping[str, Check] = {
    "P01": _price_far_below,
    "P02": _below_residual,
    "P03": _below_market_p25,
    "P04": _rule_missing,
    "P05": _rule_mismatch,
    "P06": _doyle_small_logs,
    "P07": _defect_rule_open,
    "P08": _fixed_price_long,
    "P09": _index_asymmetric,
    "P10": _one_price_all_species,
    "P11": _per_tree_or_lump,
    "P12": _currency_mismatch,
    "P13": _share_of_profit,
    "P14": _split_unfair,
}
