"""An appraisal: the offer judged, flagged and told, as a document whose bytes depend on its inputs alone."""

from decimal import Decimal, localcontext
from typing import Any

from services.contracts.domain.border import spelled
from services.contracts.domain.draws import sensitivity
from services.contracts.domain.fair import Basis
from services.contracts.domain.figures import figures_of, flag_of, floor_of, gaps_of, line_of, sensitivity_of
from services.contracts.domain.flags import FlagPack, check_flags
from services.contracts.domain.floor import counter_offers
from services.contracts.domain.judged import judge_offer
from services.contracts.domain.known import NOTHING_KNOWN, Known
from services.contracts.domain.lot import Wood
from services.contracts.domain.money import MONEY
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import Pin, Pins, sha256_of
from services.contracts.domain.text import Spoken, speak
from shared.timber.measure import half_up

ENGINE = "contracts/5"


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
        "missing": gaps_of(case.total.gaps),
        "total": figures_of(case.total, case),
        "lines": [
            line_of(line, case) | {"counter_offer": floor_of(floor)}
            for line, floor in zip(case.lines, floors, strict=True)
        ],
        "sensitivity": sensitivity_of(sensitivity(case)),
        "flags": [flag_of(flag) for flag in flags],
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
