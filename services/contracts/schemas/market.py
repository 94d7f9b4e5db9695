"""Bodies and answers of estimates and of price books made from reports."""

from datetime import date, datetime
from typing import Literal

from services.contracts.domain.border import Day, Form, Slug
from services.contracts.domain.market import State
from services.contracts.domain.price import PaidRule, PointOfSale, Product
from services.contracts.schemas.answer import Out
from services.contracts.schemas.appraisals import GapOut
from services.contracts.schemas.money import MoneyOut


class SnapshotIn(Form):
    """The region and the day of a price book made from reports; without a day, today."""

    region: Slug
    as_of: Day | None = None


class EstimateOut(Out):
    """An estimate with its band, its grade and how far one party carries it. Nobody is named, nothing is younger than
    ``observed_before``. ``pooled``: the figure is of ``of_species`` in ``of_region``, null for all of them.

    ``market_version`` names the state of the reports that were read at ``worked_out_at``; not ``current`` while a newer
    state is being worked out. ``age_months`` counts months, so that no day of a sale is told."""

    species: str
    region: str
    product: Product
    point_of_sale: PointOfSale
    unit: Literal["m3"]
    rule: PaidRule
    on: Day
    observed_before: date
    state: State
    of_species: str | None
    of_region: str | None
    low: MoneyOut | None
    mid: MoneyOut | None
    high: MoneyOut | None
    band: int
    grade: Literal["A", "B", "C", "D"] | None
    reporters: int | None
    age_months: int | None
    market_version: str
    worked_out_at: datetime
    current: bool
    evidence: list[str]
    max_influence: str | None
    alarm: bool | None
    parameters: str | None
    parameters_sha256: str | None
    missing: list[GapOut]
