"""Red flags: each one raised, clear or unknown, with its evidence, its threshold and its source.

Thresholds and texts are data (``data/flags.json``); a check here is the one condition behind a code. Unknown is never
clear: a fact that nobody stated does not speak for the offer.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from services.contracts.domain.judged import Case, JudgedLine, cents
from services.contracts.domain.money import in_pen, shown
from services.contracts.domain.offer import TermName
from services.contracts.domain.price import PaidRule, PerVolume, Product, Shared
from services.contracts.domain.verdict import Thresholds
from services.contracts.domain.words import RULES, Both
from shared.timber.measure import PT_PER_M3, Unit, half_up
from shared.timber.species import catalogue

State = Literal["raised", "clear", "unknown"]
Severity = Literal["S", "H", "M", "I"]


@dataclass(frozen=True, slots=True)
class FlagSpec:
    """One flag of the catalogue."""

    code: str
    name: str
    severity: Severity
    threshold: Mapping[str, str | int]
    source: str
    legal_review: str
    es: Mapping[str, str]
    en: Mapping[str, str]

    def limit(self, name: str) -> Decimal:
        return Decimal(self.threshold[name])


@dataclass(frozen=True, slots=True)
class FlagPack:
    """The catalogue of one version, pinned by the hash of its bytes."""

    version: str
    legal_review: str
    sha256: str
    verdict: Thresholds
    flags: tuple[FlagSpec, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check found. ``words`` fill the texts; ``evidence`` is for machines."""

    state: State
    evidence: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Both | str] = field(default_factory=dict)
    severity: Severity | None = None
    loss: Decimal | None = None


UNKNOWN = Outcome("unknown")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag as it is answered."""

    spec: FlagSpec
    outcome: Outcome
    version: str

    @property
    def severity(self) -> Severity:
        return self.outcome.severity or self.spec.severity

    def text(self, language: Literal["es", "en"]) -> str:
        """The sentence of its state, filled with what was found."""
        template = (self.spec.es if language == "es" else self.spec.en)[self.outcome.state]
        words = {
            name: getattr(word, language) if isinstance(word, Both) else word
            for name, word in self.outcome.words.items()
        }
        return template.format_map({"where": "", **words}).strip()


def parse_pack(data: bytes) -> FlagPack:
    """Read a catalogue; a code without a check here, or a check without a code, stops the reading."""
    facts = json.loads(data)
    flags = tuple(FlagSpec(**flag) for flag in facts["flags"])
    codes = [flag.code for flag in flags]
    if sorted(codes) != sorted(CHECKS):
        raise ValueError(f"the catalogue and the checks differ: {sorted(set(codes) ^ set(CHECKS))}")
    verdict = Thresholds(
        Decimal(facts["verdict"]["far_below_share"]),
        Decimal(facts["verdict"]["far_below_disproportion"]),
        Decimal(facts["verdict"]["competent_margin"]),
    )
    return FlagPack(facts["version"], facts["legal_review"], hashlib.sha256(data).hexdigest(), verdict, flags)


def check_flags(case: Case, pack: FlagPack) -> tuple[Flag, ...]:
    """Every flag of the catalogue, in its order."""
    return tuple(Flag(spec, CHECKS[spec.code](case, spec), pack.version) for spec in pack.flags)


def _where(case: Case, *terms: TermName) -> Both | str:
    cited = [case.offer.terms.where[term] for term in terms if term in case.offer.terms.where]
    return Both(f"(Vea: {'; '.join(cited)}.)", f"(See: {'; '.join(cited)}.)") if cited else ""


def _percent(share: Decimal) -> str:
    return f"{half_up(share * 100, Decimal('0.1')):f}".removesuffix(".0")


def _price_far_below(case: Case, spec: FlagSpec) -> Outcome:
    share, net, fair, losses = case.total.disproportion, case.total.net_m3, case.total.fair_m3, case.total.losses
    if share is None or net is None or fair is None or losses is None:
        return UNKNOWN
    evidence = {"disproportion": str(share), "net_m3": str(net), "fair_mid_m3": str(fair[1])}
    words = {"percent": _percent(max(share, Decimal(0))), "net": shown(net), "fair": shown(fair[1])}
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
    words = {"where": _where(case, "price_stated_without_rule")}
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
        words: dict[str, Both | str] = {
            "rule": RULES[priced.rule],
            "percent": _percent(credited),
            "lost_pt": f"{half_up(lost_pt, Decimal(1)):,}",
        }
        return Outcome("raised", evidence, words, loss=lost_pt * price_pt)
    if unknown:
        return UNKNOWN
    if worst is None:
        why = Both("no se paga madera en rollo por volumen", "no round wood is paid by volume")
        return Outcome("clear", {"by_volume": False}, {"why": why})
    percent = _percent(worst[0])
    why = Both(
        f"la regla de pago reconoce {percent} % de la madera que cuenta la guía",
        f"the payment rule credits {percent} % of the wood that the guide counts",
    )
    return Outcome("clear", {"credited": str(half_up(worst[0], Decimal("0.0001")))}, {"why": why})


def _doyle_small_logs(case: Case, spec: FlagSpec) -> Outcome:
    doyle = [line for line, priced in _lines_by_volume(case) if priced.rule is PaidRule.DOYLE]
    if not doyle:
        return Outcome("clear", {"doyle": False}, {"why": Both("no hay precio Doyle", "there is no Doyle price")})
    shares = [share for share in (_credited(line) for line in doyle) if share is not None]
    if len(shares) == len(doyle):
        least = min(shares)
        percent = _percent(least)
        why = Both(f"Doyle reconoce {percent} % de la madera", f"Doyle credits {percent} % of the wood")
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
    months, indexed = case.offer.terms.term_months, case.offer.terms.index_clause
    evidence = {"term_months": months, "index_clause": indexed}
    if indexed or (months is not None and months <= spec.limit("months")):
        return Outcome("clear", evidence)
    if months is None or indexed is None:
        return Outcome("unknown", evidence)
    words: dict[str, Both | str] = {"months": str(months), "where": _where(case, "term_months", "index_clause")}
    return Outcome("raised", evidence, words, "H" if months > spec.limit("high_months") else "M")


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
    whole = any(not isinstance(line, PerVolume) for line in case.offer.lines)
    measured = case.offer.lot.basis == "census" or case.wood.logs > 0
    evidence = {"kinds": sorted({line.kind for line in case.offer.lines}), "basis": case.offer.lot.basis}
    return Outcome("raised" if whole and not measured else "clear", evidence)


def _buyer_measures_alone(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    evidence = {"scaler": terms.scaler, "joint_scaling": terms.joint_scaling, "tally_copy": terms.tally_copy}
    if (terms.scaler is not None and terms.scaler != "buyer") or terms.joint_scaling or terms.tally_copy:
        return Outcome("clear", evidence)
    if None in (terms.scaler, terms.joint_scaling, terms.tally_copy):
        return Outcome("unknown", evidence)
    return Outcome("raised", evidence, {"where": _where(case, "scaler", "joint_scaling", "tally_copy")})


def _no_assembly(case: Case, _: FlagSpec) -> Outcome:
    assembly = case.offer.terms.assembly
    if assembly is None:
        return UNKNOWN
    faults: list[Both] = []
    if not assembly.held:
        faults.append(Both("no hubo asamblea", "no assembly was held"))
    else:
        parts = {
            Both("la fecha", "the date"): assembly.on,
            Both("el quórum", "the quorum"): assembly.quorum,
            Both("la asistencia", "the attendance"): assembly.attendance,
            Both("la votación", "the vote"): assembly.votes_for,
        }
        faults += [Both(f"falta {part.es}", f"{part.en} is missing") for part, value in parts.items() if value is None]
        if assembly.quorum is False:
            faults.append(Both("no hubo quórum", "there was no quorum"))
        if assembly.on is not None and assembly.on < case.offer.offered_on:
            faults.append(Both("el acta es anterior a la oferta", "the minutes are older than the offer"))
    evidence = {"assembly": assembly.model_dump(mode="json"), "faults": [fault.en for fault in faults]}
    why = Both("; ".join(f.es for f in faults), "; ".join(f.en for f in faults))
    return Outcome("raised" if faults else "clear", evidence, {"why": why, "where": _where(case, "assembly")})


def _fines_on_community(case: Case, _: FlagSpec) -> Outcome:
    terms = case.offer.terms
    evidence = {
        "operator": terms.operator,
        "fines_on": terms.fines_on,
        "solidarity_waived": terms.solidarity_waived,
    }
    if terms.operator == "community":
        return Outcome("clear", evidence)
    where = _where(case, "operator", "fines_on", "solidarity_waived")
    outside = terms.operator is not None
    if outside and terms.fines_on in ("community", "shared"):
        why = Both("la comunidad carga con las multas", "the community carries the fines")
        return Outcome("raised", evidence, {"why": why, "where": where})
    if outside and terms.solidarity_waived:
        why = Both("se le libera de la responsabilidad solidaria", "it is freed from joint liability")
        return Outcome("raised", evidence, {"why": why, "where": where})
    if terms.operator is None or terms.fines_on is None or terms.solidarity_waived is None:
        return Outcome("unknown", evidence)
    return Outcome("clear", evidence)


CHECKS: Mapping[str, Callable[[Case, FlagSpec], Outcome]] = {
    "P01": _price_far_below,
    "P02": _below_residual,
    "P04": _rule_missing,
    "P05": _rule_mismatch,
    "P06": _doyle_small_logs,
    "P08": _fixed_price_long,
    "P10": _one_price_all_species,
    "P11": _per_tree_or_lump,
    "V01": _buyer_measures_alone,
    "L01": _no_assembly,
    "L04": _fines_on_community,
}
