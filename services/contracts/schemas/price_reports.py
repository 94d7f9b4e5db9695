"""Bodies and answers of reported prices, their reviews, and related parties."""

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import model_validator

from services.contracts.domain.border import Contradiction, Day, Form, OrgId, Sha256, Text, Yes
from services.contracts.domain.price_report import PriceReport
from services.contracts.domain.price_standing import State
from services.contracts.questions import Upload
from services.contracts.schemas.answer import Out
from services.contracts.schemas.money import MoneyOut


class PriceReportIn(Upload):
    """One report; its numbers may have the decimal comma where the body says so."""

    report: PriceReport


class ReasonIn(Form):
    reason: Text


class DecisionIn(Form):
    """What a steward finds: the price counts (``released``), or it does not (``upheld``); ``looked_into`` opens a review.
    ``seen_sha256`` is the hash of the review that was read: what is decided is that, and nothing that came after."""

    decision: Literal["released", "upheld", "looked_into"]
    reason: Text
    seen_sha256: Sha256


class RelationIn(Form):
    """Two organisations that count as one, or no longer do."""

    org: OrgId
    other: OrgId
    linked: Yes = True
    reason: Text

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        if self.org == self.other:
            raise Contradiction("other", "is the same organisation", "es la misma organización")
        return self


class ConversionOut(Out):
    """What the price comes to for a cubic metre, and by what: round wood by the base rule, sawn wood for sawn."""

    pen_m3: MoneyOut
    cash_pen_m3: MoneyOut
    factor: str
    factor_source: str
    fx_on: Day | None
    fx_source: str | None
    terms: str


class WhyOut(Out):
    """One reason why a report does not count, or is looked into."""

    act: Literal["review_opened", "upheld", "retracted"]
    reason: str | None
    es: str
    en: str
    at: datetime


class FiledOut(Out):
    """A report as its author sees it. ``missing`` names what a conversion lacks; without one it is kept, and not counted."""

    id: str
    report: PriceReport
    sha256: str
    reporter: str
    conversion: ConversionOut | None
    missing: list[str]
    state: State
    why: list[WhyOut]
    received_on: Day
    created_at: datetime


class FiledListOut(Out):
    items: list[FiledOut]
    next: str | None


class ReviewOut(Out):
    """A report as the steward sees it, with who filed it, and the hash of all this, which a decision names."""

    org: str
    filed: FiledOut
    seen_sha256: str


class ReviewsOut(Out):
    items: list[ReviewOut]
    next: str | None


class RelationOut(Out):
    org: str
    other: str
    linked: bool
    reason: str
    at: datetime


class RelationsOut(Out):
    items: list[RelationOut]
    next: str | None


class RowOut(Out):
    """What became of one row of a table; ``problem`` is the refusal of that row alone."""

    row: int
    status: Literal["filed", "known", "refused"]
    report: FiledOut | None
    problem: dict[str, Any] | None


class TableOut(Out):
    rows: list[RowOut]
