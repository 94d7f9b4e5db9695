"""An appraisal: the offer judged, flagged and told, as a document whose bytes depend on its inputs alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

import orjson
from pydantic import BaseModel

from services.contracts.domain.book import PriceEntry
from services.contracts.domain.border import spelled
from services.contracts.domain.comparison import compare, tell
from services.contracts.domain.draws import Quantiles, Sensitivity, sensitivity
from services.contracts.domain.fair import Basis, Fair
from services.contracts.domain.flags import Flag, FlagPack, check_flags
from services.contracts.domain.floor import Floor, Wishes, counter_offers
from services.contracts.domain.judged import Case, Judged, JudgedLine, cents, judge_offer
from services.contracts.domain.known import NOTHING_KNOWN, Known
from services.contracts.domain.lot import Wood
from services.contracts.domain.offer import Offer
from services.contracts.domain.price import Whole
from services.contracts.domain.scenario import Scenario, moved
from services.contracts.domain.text import Spoken, speak, tell_floors
from shared.timber.measure import half_up

ENGINE = "contracts/3"
# Every sum of an appraisal is made in this context, whatever the caller's is.
MONEY = Context(prec=28, rounding=ROUND_HALF_EVEN)
_FOUR = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Pin:
    """A book as it was used: its name, its version where it is stored, and the hash of its content."""

    id: str
    version: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Pins:
    """What an appraisal rests on. The same pins give the same bytes."""

    offer_sha256: str
    price_book: Pin | None
    cost_book: Pin | None
    lot_sha256: str | None
    cost_signature_sha256: str | None = None
    fx_series: Pin | None = None
    indices: tuple[Pin, ...] = ()


def canonical(value: Any) -> bytes:
    """Sorted JSON of a form: the bytes its hash is taken of. Numbers with decimals are text in it."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def sha256_of(value: Any) -> str:
    """The hash that pins a form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def appraise(
    offer: Offer,
    wood: Wood,
    basis: Basis,
    pack: FlagPack,
    pins: Pins,
    contract: str | None = None,
    known: Known = NOTHING_KNOWN,
) -> dict[str, Any]:
    """The whole answer. ``id`` is derived from everything it was computed from, so the same question has one answer."""
    with localcontext(MONEY):
        return _appraise(offer, wood, basis, pack, pins, contract, known)


def _appraise(
    offer: Offer, wood: Wood, basis: Basis, pack: FlagPack, pins: Pins, contract: str | None, known: Known
) -> dict[str, Any]:
    case = judge_offer(offer, wood, basis, pack.verdict, known)
    flags = check_flags(case, pack)
    floors = counter_offers(case, pack.verdict.competent_margin)
    spanish, english = speak(case, flags, floors)
    pinned = {
        "offer_sha256": pins.offer_sha256,
        "price_book": _pin(pins.price_book),
        "cost_book": _pin(pins.cost_book),
        "flag_pack": {"version": pack.version, "sha256": pack.sha256},
        "lot_sha256": pins.lot_sha256,
        "rate_milli": basis.rate_milli,
        "cost_signature_sha256": pins.cost_signature_sha256,
        "fx": None if basis.fx is None else basis.fx.model_dump(mode="json"),
        "fx_series": _pin(pins.fx_series),
        "indices": [_pin(one) for one in pins.indices],
        "seed": basis.seed,
        "draws": basis.draws,
        "known_sha256": sha256_of(known.as_json()),
    }
    asked = {
        "engine": ENGINE,
        "on": basis.on.isoformat(),
        "contract": contract,
        "pins": pinned,
        "lot": {
            "source": wood.source,
            "custody": wood.custody,
            "base_rule": wood.base.value,
            "logs": wood.logs,
            "volume_m3": spelled(wood.volume_m3, 3),
            "trees": wood.trees,
        },
        "index": _index(offer, basis),
    }
    return {
        "id": sha256_of(asked)[:32],
        **asked,
        "verdict": case.total.verdict.value,
        "missing": [{"what": gap.what, "es": gap.es, "en": gap.en} for gap in case.total.gaps],
        "total": _figures(case.total, case),
        "lines": [
            _line(line, case) | {"counter_offer": _floor(floor)} for line, floor in zip(case.lines, floors, strict=True)
        ],
        "sensitivity": _sensitivity(sensitivity(case)),
        "flags": [_flag(flag) for flag in flags],
        "text": {"es": _spoken(spanish), "en": _spoken(english)},
    }


def told(appraisal: dict[str, Any], language: str) -> dict[str, Any]:
    """The readable form of a stored appraisal in one language."""
    text = appraisal["text"][language]
    return {
        "id": appraisal["id"],
        "lang": language,
        "on": appraisal["on"],
        "verdict": appraisal["verdict"],
        "headline": text["headline"],
        "sentences": text["sentences"],
        "sms": text["sms"],
        "missing": [gap[language] for gap in appraisal["missing"]],
        "flags": [
            {
                "code": flag["code"],
                "title": flag[f"title_{language}"],
                "state": flag["state"],
                "severity": flag["severity"],
                "text": flag[f"text_{language}"],
                "legal_review": flag["legal_review"],
            }
            for flag in appraisal["flags"]
        ],
    }


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
                "net_m3": _soles(one.net_m3),
                "parts": [{"cause": part.cause, "amount": _soles(part.amount)} for part in one.parts],
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
        "missing": [{"what": gap.what, "es": gap.es, "en": gap.en} for gap in case.total.gaps],
        "lines": [
            {
                "line": line.number,
                "offered": line.line.model_dump(mode="json"),
                "net_m3": _soles(line.net_m3),
                "floor": _floor(floor),
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
                    "missing": [{"what": gap.what, "es": gap.es, "en": gap.en} for gap in found.total.gaps],
                    "total": _figures(found.total, found),
                    "sensitivity": _sensitivity(sensitivity(found)),
                }
            )
    return {"on": case.basis.on.isoformat(), "scenarios": rows}


def _pin(pin: Pin | None) -> dict[str, Any] | None:
    return None if pin is None else {"id": pin.id, "version": pin.version, "sha256": pin.sha256}


def _index(offer: Offer, basis: Basis) -> dict[str, Any] | None:
    if offer.index is None or basis.index is None:
        return None
    return {
        "factor": str(half_up(basis.index.factor, Decimal("0.000001"))),
        "fixed_milli": offer.index.fixed_milli,
        "parts": [
            {
                "index": one.part.index, "weight_milli": one.part.weight_milli,
                "base_on": one.base.on.isoformat(), "base": spelled(one.base.value),
                "now_on": one.now.on.isoformat(), "now": spelled(one.now.value),
            }
            for one in basis.index.parts
        ],
    }  # fmt: skip


def _spoken(text: Spoken) -> dict[str, Any]:
    return {"headline": text.headline, "sentences": list(text.sentences), "sms": text.sms}


def _soles(amount: Decimal | None) -> dict[str, str] | None:
    return None if amount is None else {"amount": spelled(cents(amount)), "currency": "PEN"}


def _line(line: JudgedLine, case: Case) -> dict[str, Any]:
    offered = line.line.model_dump(mode="json")
    factor = None if line.factor is None else str(half_up(line.factor, _FOUR))
    rules = {"rule_factor": factor, "factor_source": line.factor_source}
    rest = {"line": line.number, "kind": line.line.kind, "species": list(line.species), "offered": offered}
    return {
        **rest,
        **rules,
        **_effective_range(line, case),
        "verdict": line.verdict.value,
        "missing": [{"what": gap.what, "es": gap.es, "en": gap.en} for gap in line.gaps],
        **_figures(line, case),
        "fair_by_species": [_fair(name, fair) for name, fair in (line.fair.by_species if line.fair else {}).items()],
    }


def _floor(floor: Floor | None) -> dict[str, Any] | None:
    return (
        None
        if floor is None
        else {
            "target_m3": _soles(floor.target_m3),
            "source": floor.source,
            "price": None if floor.price is None else floor.price.model_dump(mode="json"),
            "base_m3": _soles(floor.base_m3),
            "buyer_limit_m3": _soles(floor.buyer_limit_m3),
            "deal": floor.deal,
        }
    )


def _sensitivity(found: Sensitivity | None) -> dict[str, Any] | None:
    def quantiles(of: Quantiles) -> dict[str, Any]:
        return {"p10": _soles(of.p10), "p50": _soles(of.p50), "p90": _soles(of.p90)}

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
                    "fair_low_m3": _soles(bar.fair_low_m3),
                    "fair_high_m3": _soles(bar.fair_high_m3),
                    "loss_low": _soles(bar.loss_low),
                    "loss_high": _soles(bar.loss_high),
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
    return {"effective_low_m3": _soles(amount / high), "effective_high_m3": _soles(amount / low)}


def _figures(judged: Judged, case: Case) -> dict[str, Any]:
    levels = judged.worth.levels_m3 if judged.worth else None
    low, mid, high = judged.fair_m3 or (None, None, None)
    loss_low, loss_mid = judged.losses or (None, None)
    families = case.offer.families if judged is case.total else None
    share = judged.disproportion
    return {
        "volume_m3": None if judged.volume_m3 is None else spelled(judged.volume_m3, 3),
        "trees": judged.trees,
        "offered_m3": _soles(levels[0] if levels else None),
        "effective_m3": _soles(levels[1] if levels else None),
        "net_m3": _soles(judged.net_m3),
        "net_total": _soles(judged.worth.net if judged.worth else None),
        "fair_low_m3": _soles(low),
        "fair_mid_m3": _soles(mid),
        "fair_high_m3": _soles(high),
        "disproportion": None if share is None else str(share),
        "value_share": None if judged.value_share is None else str(judged.value_share),
        "loss_low": _soles(loss_low),
        "loss_mid": _soles(loss_mid),
        "loss_m3": _soles(None if mid is None or judged.net_m3 is None else mid - judged.net_m3),
        "loss_tree": _soles(None if loss_mid is None or not judged.trees else loss_mid / judged.trees),
        "loss_family": _soles(None if loss_mid is None or families is None else loss_mid / families),
        "waterfall": [{"cause": cause.cause, "amount": _soles(cause.amount)} for cause in judged.causes],
    }


def _fair(species: str, fair: Fair) -> dict[str, Any]:
    residual, market = fair.residual, fair.market
    return {
        "species": species,
        "method": fair.method,
        "low_m3": _soles(fair.low_m3),
        "mid_m3": _soles(fair.mid_m3),
        "high_m3": _soles(fair.high_m3),
        "reference": _reference(fair.entry),
        "residual": None
        if residual is None
        else {
            "low_m3": _soles(residual.low_m3),
            "mid_m3": _soles(residual.mid_m3),
            "high_m3": _soles(residual.high_m3),
            "sawn_price_pt": _soles(residual.inputs.price_pt),
            "recovery": str(residual.inputs.recovery),
            "margin": str(residual.inputs.margin),
            "cost_m3": _soles(residual.inputs.cost_m3),
            "gross_m3": _soles(residual.inputs.gross_m3),
            "swings": [{"input": s.input, "low_m3": _soles(s.low), "high_m3": _soles(s.high)} for s in residual.swings],
        },
        "market": None
        if market is None
        else {
            "low_m3": _soles(market.low_m3),
            "mid_m3": _soles(market.mid_m3),
            "high_m3": _soles(market.high_m3),
            "reference": _reference(market.entry),
        },
    }


def _reference(entry: PriceEntry) -> dict[str, Any]:
    return entry.model_dump(
        mode="json", include={"product", "unit", "rule", "point_of_sale", "grade", "reporters", "observed_on", "source"}
    )


def _flag(flag: Flag) -> dict[str, Any]:
    return {
        "code": flag.spec.code,
        "name": flag.spec.name,
        "state": flag.outcome.state,
        "severity": flag.severity,
        "title_es": flag.spec.es["title"],
        "title_en": flag.spec.en["title"],
        "evidence": dict(flag.outcome.evidence),
        "threshold": dict(flag.spec.threshold),
        "loss": None if flag.outcome.loss is None else _soles(cents(flag.outcome.loss)),
        "text_es": flag.text("es"),
        "text_en": flag.text("en"),
        "source": flag.spec.source,
        "source_es": flag.spec.source_es,
        "legal_review": flag.spec.legal_review,
        "version": flag.version,
    }
