"""Bodies and answers of the HTTP door. Answers have no default values: every field is always there."""

import base64
import binascii
import re
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.border import Contradiction, Day, Form, Slug
from services.contracts.domain.money import ExchangeRate
from services.contracts.domain.offer import Offer
from services.contracts.domain.price import PriceLine
from services.contracts.domain.verdict import Verdict
from services.contracts.schemas.answer import Out as Out
from services.contracts.schemas.signatures import SignatureOut
from shared.refusal import Malformed

ID = re.compile("[0-9a-f]{32}")
ContractId = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]


class BasisIn(Form):
    """What an offer is compared with: stored books by id, or figures given with the question."""

    on: Day | None = None
    rate_milli: Annotated[int, Field(strict=True, ge=0, le=400)] = 180
    base_rule: Literal["mean_of_ends", "smalian"] = "mean_of_ends"
    price_book: Slug | None = None
    cost_book: Slug | None = None
    prices: PriceBook | None = None
    costs: CostBook | None = None
    fx: ExchangeRate | None = None
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] = 1
    draws: Annotated[int, Field(strict=True, ge=100, le=2_000)] = 2_000

    @model_validator(mode="after")
    def _of_their_days(self) -> Self:
        for book in (self.prices, self.costs):
            if book is not None:
                book.check_days()
        return self

    @model_validator(mode="after")
    def _one_source_each(self) -> Self:
        for name, given in (("price_book", self.prices), ("cost_book", self.costs)):
            if given is not None and getattr(self, name) is not None:
                raise Contradiction(
                    name, "a stored book and given figures at once", "un libro guardado y cifras dadas a la vez"
                )
        return self


class MoneyOut(Out):
    amount: str
    currency: Literal["PEN", "USD"]


class ContractOut(Out):
    id: str
    offer: Offer
    offer_sha256: str
    created_by_org: str
    created_at: datetime


class ListedContractOut(Out):
    id: str
    title: str
    community: str
    buyer: str | None
    region: str
    offered_on: Day
    offer_sha256: str
    created_at: datetime


class ContractsOut(Out):
    items: list[ListedContractOut]
    next: str | None


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


class InLogOut(Out):
    """Where the record of a publication stands in the log; ``index`` once it is in."""

    state: Literal["pending", "in_log", "refused"]
    sid: str
    origin: str | None
    index: int | None


class PriceBookOut(Out):
    id: str
    kind: Literal["book"]
    version: int
    sha256: str
    published_by_org: str
    published_at: datetime
    log: InLogOut | None
    book: PriceBook


class CostBookOut(Out):
    id: str
    kind: Literal["book"]
    version: int
    sha256: str
    published_by_org: str
    published_at: datetime
    book: CostBook
    signatures: list[SignatureOut]


class SeriesOut(Out):
    """A monthly series of world prices. Figures are text; null where none was published."""

    id: str
    kind: Literal["series"]
    version: str
    sha256: str
    title: str
    source: str
    credit: str
    licence: str
    point_of_sale: str
    units: dict[str, str]
    months: list[dict[str, str | None]]


class ListedBookOut(Out):
    id: str
    kind: Literal["book", "series"]
    version: str
    title: str
    region: str | None
    as_of: str
    sha256: str


class BooksOut(Out):
    items: list[ListedBookOut]
    next: str | None


class LogRuleOut(Out):
    rule: str
    unit: Literal["m3", "pt"]
    quantum: str
    formula: str
    note_es: str
    note_en: str
    source: str


class LogRulesOut(Out):
    """Exact units and the named rules, as this house computes them."""

    constants: dict[str, str]
    rules: list[LogRuleOut]


class RedFlagOut(Out):
    code: str
    name: str
    severity: str
    threshold: dict[str, str | int]
    title_es: str
    title_en: str
    source: str
    legal_review: str


class RedFlagsOut(Out):
    version: str
    sha256: str
    legal_review: str
    flags: list[RedFlagOut]


def write_cursor(place: tuple[datetime, str]) -> str:
    """An opaque mark of a place in a list by time and id."""
    at, key = place
    return base64.urlsafe_b64encode(f"{at.isoformat()} {key}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """The place of a mark; a mark that is not ours is malformed."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        at, key = text.split(" ")
        moment = datetime.fromisoformat(at)
        # The database takes neither U+0000 in an id nor a moment that is outside the calendar once it is in UTC.
        if moment.utcoffset() != timedelta(0) or ID.fullmatch(key) is None:
            raise ValueError("not a place of ours")
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise Malformed("query.cursor", "not a cursor of this list") from error
    return moment, key
