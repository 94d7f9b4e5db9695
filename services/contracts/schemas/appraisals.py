"""Answers about what an offer is worth. No field has a default: every one is always there."""

from datetime import datetime
from typing import Any, Literal

from services.contracts.domain.border import Day
from services.contracts.domain.money import ExchangeRate
from services.contracts.domain.price import PriceLine
from services.contracts.domain.verdict import Verdict
from services.contracts.schemas.answer import Out
from services.contracts.schemas.money import MoneyOut


class ListedAppraisalOut(Out):
    id: str
    on: Day
    verdict: Verdict
    created_at: datetime


class AppraisalsOut(Out):
    items: list[ListedAppraisalOut]
    next: str | None


class PinOut(Out):
    id: str
    version: int | None
    sha256: str


class PackOut(Out):
    version: str
    sha256: str


class PinsOut(Out):
    offer_sha256: str
    price_book: PinOut | None
    cost_book: PinOut | None
    flag_pack: PackOut
    lot_sha256: str | None
    rate_milli: int
    cost_signature_sha256: str | None
    fx: ExchangeRate | None
    fx_series: PinOut | None
    indices: list[PinOut]
    seed: int
    draws: int
    known_sha256: str


class LotOut(Out):
    source: str
    custody: str
    base_rule: str
    logs: int
    volume_m3: str
    trees: int | None


class GapOut(Out):
    what: str
    es: str
    en: str


class CauseOut(Out):
    cause: str
    amount: MoneyOut


class FiguresOut(Out):
    volume_m3: str | None
    trees: int | None
    offered_m3: MoneyOut | None
    effective_m3: MoneyOut | None
    net_m3: MoneyOut | None
    net_total: MoneyOut | None
    fair_low_m3: MoneyOut | None
    fair_mid_m3: MoneyOut | None
    fair_high_m3: MoneyOut | None
    disproportion: str | None
    value_share: str | None
    loss_low: MoneyOut | None
    loss_mid: MoneyOut | None
    loss_m3: MoneyOut | None
    loss_tree: MoneyOut | None
    loss_family: MoneyOut | None
    waterfall: list[CauseOut]


class FloorOut(Out):
    """F11-F13: the least price of a line. ``price`` is in the offer's own unit, rule and currency."""

    target_m3: MoneyOut
    source: Literal["residual", "market", "alternative", "reservation"]
    price: MoneyOut | None
    base_m3: MoneyOut
    buyer_limit_m3: MoneyOut | None
    deal: bool | None


class QuantilesOut(Out):
    p10: MoneyOut
    p50: MoneyOut
    p90: MoneyOut


class BarOut(Out):
    input: str
    fair_low_m3: MoneyOut
    fair_high_m3: MoneyOut
    loss_low: MoneyOut
    loss_high: MoneyOut


class SensitivityOut(Out):
    """F14: joint draws of every bounded input, and each of them alone."""

    seed: int
    draws: int
    fair_m3: QuantilesOut
    net_m3: QuantilesOut
    loss: QuantilesOut
    draws_with_loss: int
    tornado: list[BarOut]


class LineOut(FiguresOut):
    line: int
    kind: str
    species: list[str]
    offered: PriceLine
    rule_factor: str | None
    factor_source: str | None
    effective_low_m3: MoneyOut | None
    effective_high_m3: MoneyOut | None
    verdict: Verdict
    missing: list[GapOut]
    fair_by_species: list[dict[str, Any]]
    counter_offer: FloorOut | None


class FlagOut(Out):
    code: str
    name: str
    state: Literal["raised", "clear", "unknown"]
    severity: Literal["S", "H", "M", "I"]
    title_es: str
    title_en: str
    evidence: dict[str, Any]
    threshold: dict[str, str | int]
    loss: MoneyOut | None
    text_es: str
    text_en: str
    source: str
    source_es: str
    legal_review: str
    version: str


class SpokenOut(Out):
    headline: str
    sentences: list[str]
    sms: str


class TextOut(Out):
    es: SpokenOut
    en: SpokenOut


class IndexFigureOut(Out):
    index: str
    weight_milli: int
    base_on: Day
    base: str
    now_on: Day
    now: str


class IndexOut(Out):
    """F10: what the index clause makes of every price on the day, with the figures that were read."""

    factor: str
    fixed_milli: int
    parts: list[IndexFigureOut]


class AppraisalOut(Out):
    """What an offer is worth: immutable, and the same bytes for the same inputs."""

    id: str
    engine: str
    on: Day
    contract: str | None
    pins: PinsOut
    lot: LotOut
    index: IndexOut | None
    verdict: Verdict
    missing: list[GapOut]
    total: FiguresOut
    lines: list[LineOut]
    sensitivity: SensitivityOut | None
    flags: list[FlagOut]
    text: TextOut


class ToldFlagOut(Out):
    code: str
    title: str
    state: Literal["raised", "clear", "unknown"]
    severity: Literal["S", "H", "M", "I"]
    text: str
    legal_review: str


class ToldOut(Out):
    """An appraisal in one language, for reading aloud or sending to a phone."""

    id: str
    lang: Literal["es", "en"]
    on: Day
    verdict: Verdict
    headline: str
    sentences: list[str]
    sms: str
    missing: list[str]
    flags: list[ToldFlagOut]
