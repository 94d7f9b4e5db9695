"""Bodies and answers of the questions that store nothing: quick appraisal, comparison, counter-offer, what-if."""

from typing import Any

from pydantic import Field, model_validator

from services.contracts.domain.border import Day, Form, VolumeM3
from services.contracts.domain.decimal_mark import Mark, with_points
from services.contracts.domain.offer import Offer
from services.contracts.domain.scenario import Scenario
from services.contracts.domain.verdict import Verdict
from services.contracts.schemas.answer import Out
from services.contracts.schemas.appraisals import CauseOut, FiguresOut, GapOut, SensitivityOut
from services.contracts.schemas.basis import BasisIn
from services.contracts.schemas.money import MoneyOut


class Upload(Form):
    """A body that may state a decimal comma for its numbers; without a word the mark is the point."""

    decimal_mark: Mark = "."

    @model_validator(mode="before")
    @classmethod
    def _reads_by_the_stated_mark(cls, body: Any) -> Any:
        mark = body.get("decimal_mark", ".") if isinstance(body, dict) else None
        return with_points(body, mark) if mark in (".", ",") else body


class QuickIn(Upload):
    """An offer and what to compare it with; nothing of it is stored."""

    offer: Offer
    basis: BasisIn = BasisIn()


class ComparisonIn(Upload):
    """Two to five offers for the same wood, judged on one basis; nothing of them is stored."""

    offers: tuple[Offer, ...] = Field(min_length=2, max_length=5)
    basis: BasisIn = BasisIn()


class CounterOfferIn(QuickIn):
    """An offer, and what only the community knows: the net of its best other offer, and what its assembly set."""

    alternative_m3: VolumeM3 | None = None
    reservation_m3: VolumeM3 | None = None


class ScenariosIn(QuickIn):
    """An offer under up to ten changes of prices, costs, recovery, margin, rate or of the offered price itself."""

    scenarios: tuple[Scenario, ...] = Field(min_length=1, max_length=10)


class DifferenceOut(Out):
    """From one offer to another by cubic metre; the parts sum exactly to the net."""

    start: int
    end: int
    net_m3: MoneyOut
    parts: list[CauseOut]


class ComparisonOut(Out):
    """Offers side by side, in the order they were given. ``dominates`` pairs are better in money and no worse in flags."""

    on: Day
    offers: list[dict[str, Any]]
    differences: list[DifferenceOut]
    dominates: list[tuple[int, int]]
    best: list[int]
    text: dict[str, list[str]]


class CounterOfferOut(Out):
    """The least price of each line in the offer's own unit and rule, what the clauses should say, in both languages."""

    on: Day
    missing: list[GapOut]
    lines: list[dict[str, Any]]
    clauses: list[dict[str, str]]
    text: dict[str, list[str]]


class ScenarioOut(Out):
    name: str
    verdict: Verdict
    missing: list[GapOut]
    total: FiguresOut
    sensitivity: SensitivityOut | None


class ScenariosOut(Out):
    """The offer as it is, named ``base``, then each change of it, drawn with one seed."""

    on: Day
    scenarios: list[ScenarioOut]
