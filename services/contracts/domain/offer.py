"""An offer as the parties wrote it: price lines, wood, payments, deductions, advances, and facts about its clauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from services.contracts.domain.border import (
    KEPT,
    Contradiction,
    DatesOutOfOrder,
    Day,
    Days,
    Form,
    Milli,
    OrgId,
    Positive,
    ScheduleDoesNotSum,
    Sha256,
    Slug,
    Text,
    VolumeM3,
    later,
    spelled,
)  # fmt: skip
from services.contracts.domain.lot import LotEstimate
from services.contracts.domain.money import Money, Price
from services.contracts.domain.price import DEAREST, AbsurdPrice, AnyLine, InKind, LumpSum, PriceLine
from services.contracts.domain.series import IndexClause
from services.contracts.domain.standing import Ruc
from services.contracts.domain.terms import Terms
from shared.timber.measure import LogRule

Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,59}$")]
ItemId = Annotated[str, StringConstraints(pattern="^[0-9a-f-]{36}$")]
DeductionKind = Literal[
    "road", "planning", "permit", "transport", "machinery", "camp", "obligation", "penalty", "hollow", "other"
]


@dataclass(eq=False)
class HollowWithoutFormula(Contradiction):
    """A deduction for hollows that does not say how a hollow is measured (422)."""

    slug: ClassVar[str] = "hollow-without-formula"


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
    formula: Text | None = later()

    @model_validator(mode="after")
    def _says_how_a_hollow_is_measured(self) -> Self:
        if self.kind == "hollow" and self.formula is None:
            raise HollowWithoutFormula(
                "deductions.formula",
                "a deduction for hollows needs its formula",
                "un descuento por hueco necesita su fórmula",
            )
        return self


class Advance(Form):
    """Money or goods before the wood is paid. Goods are worth their local shop price, whatever was billed for them."""

    kind: Literal["cash", "in_kind"]
    worth: Money
    billed: Money
    days: Days = 0
    recovered_days: Days
    note: Text | None = None

    @model_validator(mode="after")
    def _is_received_before_it_is_recovered(self) -> Self:
        if self.recovered_days < self.days:
            raise DatesOutOfOrder(
                "advances.recovered_days",
                "is recovered before it is received",
                "se recupera antes de recibirse",
            )
        return self


@dataclass(eq=False)
class MixedRules(Contradiction):
    """Volumes by two log rules in one sum (422)."""

    slug: ClassVar[str] = "mixed-rules"


class SettledLog(Form):
    """What the buyer's scale sheet credits for one log of custody, by its code; of two of one code its parcel, or custody's
    own id of it (``item``), says which. A rule of its own is the sheet's."""

    code: Text
    volume_m3: VolumeM3
    rule: LogRule | None = later()
    parcel: Text | None = later()
    item: ItemId | None = later()


class Settlement(Form):
    """The scale sheet of a delivery. Volumes of one rule only: those of several do not sum."""

    rule: LogRule
    logs: tuple[SettledLog, ...] = Field(min_length=1, max_length=20_000)

    @model_validator(mode="after")
    def _measures_by_one_rule(self) -> Self:
        for number, log in enumerate(self.logs):
            if log.rule not in (None, self.rule):
                raise MixedRules(
                    f"settlement.logs.{number}.rule",
                    f"a volume by {log.rule} does not add to volumes by {self.rule}",
                    f"un volumen por {log.rule} no se suma con volúmenes por {self.rule}",
                )
        return self

    @model_validator(mode="after")
    def _lists_each_log_once(self) -> Self:
        if len({log.item or (log.code, log.parcel) for log in self.logs}) != len(self.logs):
            raise listed_twice("settlement.logs")
        return self


def listed_twice(where: str) -> Contradiction:
    """Two rows of a sheet call their log the same."""
    return Contradiction(
        where,
        "a log is listed twice; of two of one code state the parcel, or the item of custody",
        "una troza está dos veces; de dos con un código diga la parcela, o la pieza en custodia",
    )


def priced_twice(lines: Sequence[AnyLine]) -> bool:
    """Whether two lines price one species, or two price any other."""
    named = [name for line in lines if line.species != "any" for name in line.species]
    return len(set(named)) != len(named) or sum(line.species == "any" for line in lines) > 1


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
    permit: Number | None = later()
    regent: OrgId | None = later()
    settlement: Settlement | None = later()
    buyer_ruc: Ruc | None = later()
    index: IndexClause | None = later()

    @model_validator(mode="after")
    def _is_of_two_parties(self) -> Self:
        if self.buyer == self.community:
            raise Contradiction("buyer", "is the community itself", "es la misma comunidad")
        return self

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        signed = self.terms.signed_on
        if signed is not None and signed < self.offered_on:
            raise DatesOutOfOrder("terms.signed_on", "is before the offer", "es anterior a la oferta")
        return self

    @model_validator(mode="after")
    def _says_once_whether_it_is_indexed(self) -> Self:
        if self.index is not None and self.terms.index_clause is False:
            raise Contradiction(
                "terms.index_clause",
                "says no, and there is an index clause",
                "dice que no, y hay una cláusula de índice",
            )
        return self

    @model_validator(mode="after")
    def _pays_exactly_once(self) -> Self:
        if sum(payment.share_milli for payment in self.payments) != 1_000:
            raise ScheduleDoesNotSum("payments", "the shares do not add up to 1000", "las partes no suman 1000")
        return self

    @model_validator(mode="after")
    def _prices_each_species_once(self) -> Self:
        if priced_twice(self.lines):
            raise Contradiction(
                "lines", "two lines price the same species", "dos líneas ponen precio a la misma especie"
            )
        return self

    @model_validator(mode="after")
    def _sums_are_prices_of_wood(self, info: ValidationInfo) -> Self:
        most_m3 = None if info.context == KEPT else self.lot.most_m3
        for number, line in enumerate(self.lines):
            if most_m3 is not None and isinstance(line, LumpSum | InKind) and line.price.amount > DEAREST * most_m3:
                raise AbsurdPrice(f"lines.{number}.price", str(line.price), f"{spelled(most_m3, 3)} m³")
        return self

    def line_of(self, species: str) -> int | None:
        """The line that prices a species: the one that names it, else the one for any species, else none."""
        for number, line in enumerate(self.lines):
            if line.covers(species):
                return number
        return next((number for number, line in enumerate(self.lines) if line.species == "any"), None)
