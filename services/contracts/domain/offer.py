"""An offer as the parties wrote it: price lines, wood, payments, deductions, advances, and facts about its clauses."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from services.contracts.domain.border import (
    Contradiction,
    Count,
    Day,
    Days,
    Form,
    Milli,
    OrgId,
    Positive,
    Sha256,
    Slug,
    Text,
    Yes,
)  # fmt: skip
from services.contracts.domain.lot import LotEstimate
from services.contracts.domain.money import Money, Price
from services.contracts.domain.price import PriceLine

DeductionKind = Literal[
    "road", "planning", "permit", "transport", "machinery", "camp", "obligation", "penalty", "other"
]
TermName = Literal[
    "price_stated_without_rule", "scaler", "joint_scaling", "tally_copy", "term_months", "index_clause", "operator",
    "fines_on", "solidarity_waived", "assembly",
]  # fmt: skip
TERM_NAMES: tuple[TermName, ...] = get_args(TermName)


class Payment(Form):
    """A part of the price, so many days after signature."""

    share_milli: Milli
    days: Days


class Deduction(Form):
    """What is taken off, and when: roads, planning, penalties, and obligations that cost the community money."""

    kind: DeductionKind
    amount: Price
    days: Days = 0
    note: Text | None = None


class Advance(Form):
    """Money or goods before the wood is paid. Goods are worth their local shop price, whatever was billed for them."""

    kind: Literal["cash", "in_kind"]
    worth: Money
    billed: Money
    days: Days = 0
    recovered_days: Days
    note: Text | None = None


class Assembly(Form):
    """The assembly that agreed to the offer, as far as the minutes show it."""

    held: Yes
    on: Day | None = None
    quorum: Yes | None = None
    attendance: Count | None = None
    votes_for: Count | None = None
    minutes_sha256: Sha256 | None = None


class Terms(Form):
    """Facts about clauses. ``None`` means that nobody has said, which is not the same as no."""

    price_stated_without_rule: Yes | None = None
    scaler: Literal["buyer", "community", "joint", "third_party"] | None = None
    joint_scaling: Yes | None = None
    tally_copy: Yes | None = None
    term_months: Annotated[int, Field(strict=True, ge=0, le=1_200)] | None = None
    index_clause: Yes | None = None
    operator: Literal["buyer", "community", "third_party"] | None = None
    fines_on: Literal["buyer", "community", "shared"] | None = None
    solidarity_waived: Yes | None = None
    assembly: Assembly | None = None
    where: dict[TermName, Text] = Field(default_factory=dict)


ALL_AT_SIGNATURE = (Payment(share_milli=1_000, days=0),)


class Offer(Form):
    """One offer to one community. It says everything an appraisal needs but the prices and costs of the day."""

    title: Text
    community: OrgId
    buyer: OrgId | None
    buyer_name: Text | None = None
    region: Slug
    offered_on: Day
    lines: tuple[PriceLine, ...] = Field(min_length=1, max_length=50)
    lot: LotEstimate
    payments: tuple[Payment, ...] = Field(default=ALL_AT_SIGNATURE, min_length=1, max_length=60)
    deductions: tuple[Deduction, ...] = Field(default=(), max_length=60)
    advances: tuple[Advance, ...] = Field(default=(), max_length=60)
    terms: Terms = Terms()
    families: Positive | None = None
    document_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _is_of_two_parties(self) -> Self:
        if self.buyer == self.community:
            raise Contradiction("buyer", "is the community itself", "es la misma comunidad")
        return self

    @model_validator(mode="after")
    def _pays_exactly_once(self) -> Self:
        if sum(payment.share_milli for payment in self.payments) != 1_000:
            raise Contradiction("payments", "the shares do not add up to 1000", "las partes no suman 1000")
        return self

    @model_validator(mode="after")
    def _prices_each_species_once(self) -> Self:
        named = [name for line in self.lines if line.species != "any" for name in line.species]
        if len(set(named)) != len(named) or sum(line.species == "any" for line in self.lines) > 1:
            raise Contradiction(
                "lines", "two lines price the same species", "dos líneas ponen precio a la misma especie"
            )
        return self

    def line_of(self, species: str) -> int | None:
        """The line that prices a species: the one that names it, else the one for any species, else none."""
        for number, line in enumerate(self.lines):
            if line.covers(species):
                return number
        return next((number for number, line in enumerate(self.lines) if line.species == "any"), None)
