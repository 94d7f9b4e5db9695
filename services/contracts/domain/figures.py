"""The figures of an appraisal as they are written: money to the céntimo, each number with one spelling."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.contracts.domain.book import PriceEntry
from services.contracts.domain.border import spelled
from services.contracts.domain.draws import Quantiles, Sensitivity
from services.contracts.domain.fair import Fair
from services.contracts.domain.flags import Flag
from services.contracts.domain.floor import Floor
from services.contracts.domain.gap import Gap
from services.contracts.domain.judged import Case, Judged, JudgedLine, cents
from services.contracts.domain.price import Whole
from shared.timber.measure import half_up

_FOUR = Decimal("0.0001")


def gaps_of(gaps: Sequence[Gap]) -> list[dict[str, str]]:
    """What is missing for an answer, in both languages."""
    return [{"what": gap.what, "es": gap.es, "en": gap.en} for gap in gaps]


def soles(amount: Decimal | None) -> dict[str, str] | None:
    """An amount in soles, to the céntimo."""
    return None if amount is None else {"amount": spelled(cents(amount)), "currency": "PEN"}


def line_of(line: JudgedLine, case: Case) -> dict[str, Any]:
    """A price line of the offer with all that it comes to."""
    offered = line.line.model_dump(mode="json")
    factor = None if line.factor is None else str(half_up(line.factor, _FOUR))
    rules = {"rule_factor": factor, "factor_source": line.factor_source}
    rest = {"line": line.number, "kind": line.line.kind, "species": list(line.species), "offered": offered}
    return {
        **rest,
        **rules,
        **_effective_range(line, case),
        "verdict": line.verdict.value,
        "missing": gaps_of(line.gaps),
        **figures_of(line, case),
        "fair_by_species": [_fair(name, fair) for name, fair in (line.fair.by_species if line.fair else {}).items()],
    }


def floor_of(floor: Floor | None) -> dict[str, Any] | None:
    """The least price of a line."""
    return (
        None
        if floor is None
        else {
            "target_m3": soles(floor.target_m3),
            "source": floor.source,
            "price": None if floor.price is None else floor.price.model_dump(mode="json"),
            "base_m3": soles(floor.base_m3),
            "buyer_limit_m3": soles(floor.buyer_limit_m3),
            "deal": floor.deal,
        }
    )


def sensitivity_of(found: Sensitivity | None) -> dict[str, Any] | None:
    """What the draws and the tornado say."""

    def quantiles(of: Quantiles) -> dict[str, Any]:
        return {"p10": soles(of.p10), "p50": soles(of.p50), "p90": soles(of.p90)}

    return (
        None
        if found is None
        else {
            "seed": found.seed,
            "draws": found.draws,
            "fair_m3": quantiles(found.fair_m3),
            "net_m3": quantiles(found.net_m3),
            "loss": quantiles(found.loss),
            "draws_with_loss": found.below,
            "tornado": [
                {
                    "input": bar.input,
                    "fair_low_m3": soles(bar.fair_low_m3),
                    "fair_high_m3": soles(bar.fair_high_m3),
                    "loss_low": soles(bar.loss_low),
                    "loss_high": soles(bar.loss_high),
                }
                for bar in found.tornado
            ],
        }
    )


def _effective_range(line: JudgedLine, case: Case) -> dict[str, Any]:
    """F5: a price by tree or lot pays more or less a cubic metre as the trees hold less or more."""
    if not isinstance(line.line, Whole) or not line.gross:
        return {"effective_low_m3": None, "effective_high_m3": None}
    amount = sum((one.gross for one in line.gross), Decimal(0))
    low = sum((case.wood.species[name].low_m3 for name in line.species), Decimal(0))
    high = sum((case.wood.species[name].high_m3 for name in line.species), Decimal(0))
    return {"effective_low_m3": soles(amount / high), "effective_high_m3": soles(amount / low)}


def figures_of(judged: Judged, case: Case) -> dict[str, Any]:
    """The figures of a line or of the whole offer."""
    levels = judged.worth.levels_m3 if judged.worth else None
    low, mid, high = judged.fair_m3 or (None, None, None)
    loss_low, loss_mid = judged.losses or (None, None)
    families = case.offer.families if judged is case.total else None
    share = judged.disproportion
    return {
        "volume_m3": None if judged.volume_m3 is None else spelled(judged.volume_m3, 3),
        "trees": judged.trees,
        "offered_m3": soles(levels[0] if levels else None),
        "effective_m3": soles(levels[1] if levels else None),
        "net_m3": soles(judged.net_m3),
        "net_total": soles(judged.worth.net if judged.worth else None),
        "fair_low_m3": soles(low),
        "fair_mid_m3": soles(mid),
        "fair_high_m3": soles(high),
        "disproportion": None if share is None else str(share),
        "value_share": None if judged.value_share is None else str(judged.value_share),
        "loss_low": soles(loss_low),
        "loss_mid": soles(loss_mid),
        "loss_m3": soles(None if mid is None or judged.net_m3 is None else mid - judged.net_m3),
        "loss_tree": soles(None if loss_mid is None or not judged.trees else loss_mid / judged.trees),
        "loss_family": soles(None if loss_mid is None or families is None else loss_mid / families),
        "waterfall": [{"cause": cause.cause, "amount": soles(cause.amount)} for cause in judged.causes],
    }


def _fair(species: str, fair: Fair) -> dict[str, Any]:
    residual, market = fair.residual, fair.market
    return {
        "species": species,
        "method": fair.method,
        "low_m3": soles(fair.low_m3),
        "mid_m3": soles(fair.mid_m3),
        "high_m3": soles(fair.high_m3),
        "reference": _reference(fair.entry),
        "residual": None
        if residual is None
        else {
            "low_m3": soles(residual.low_m3),
            "mid_m3": soles(residual.mid_m3),
            "high_m3": soles(residual.high_m3),
            "sawn_price_pt": soles(residual.inputs.price_pt),
            "recovery": str(residual.inputs.recovery),
            "margin": str(residual.inputs.margin),
            "cost_m3": soles(residual.inputs.cost_m3),
            "gross_m3": soles(residual.inputs.gross_m3),
            "swings": [{"input": s.input, "low_m3": soles(s.low), "high_m3": soles(s.high)} for s in residual.swings],
        },
        "market": None
        if market is None
        else {
            "low_m3": soles(market.low_m3),
            "mid_m3": soles(market.mid_m3),
            "high_m3": soles(market.high_m3),
            "reference": _reference(market.entry),
        },
    }


def _reference(entry: PriceEntry) -> dict[str, Any]:
    return entry.model_dump(
        mode="json", include={"product", "unit", "rule", "point_of_sale", "grade", "reporters", "observed_on", "source"}
    )


def flag_of(flag: Flag) -> dict[str, Any]:
    """One flag with its evidence, threshold, texts and source."""
    return {
        "code": flag.spec.code,
        "name": flag.spec.name,
        "state": flag.outcome.state,
        "severity": flag.severity,
        "title_es": flag.spec.es["title"],
        "title_en": flag.spec.en["title"],
        "evidence": dict(flag.outcome.evidence),
        "threshold": dict(flag.spec.threshold),
        "loss": None if flag.outcome.loss is None else soles(cents(flag.outcome.loss)),
        "text_es": flag.text("es"),
        "text_en": flag.text("en"),
        "source": flag.spec.source,
        "source_es": flag.spec.source_es,
        "legal_review": flag.spec.legal_review,
        "version": flag.version,
    }
