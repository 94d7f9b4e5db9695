"""A contract as its parties wrote it: versions that are only added, each frozen once both have signed it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.contracts.domain.border import (
    Contradiction,
    DatesOutOfOrder,
    Day,
    Form,
    ScheduleDoesNotSum,
    Sha256,
    Text,
    VolumeM3,
)
from services.contracts.domain.money import Money, Price
from services.contracts.domain.offer import Advance, Deduction, Number, priced_twice
from services.contracts.domain.pinned import canonical, sha256_of
from services.contracts.domain.price import PriceLine
from services.contracts.domain.terms import Terms
from shared.refusal import Refusal

MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}$")]
Party = Literal["community", "buyer"]
RateMilli = Annotated[int, Field(strict=True, ge=0, le=1_000)]


@dataclass(eq=False)
class AnnexTwice(Contradiction):
    """Two annexes bear one name or are one file (422)."""

    slug: ClassVar[str] = "annex-twice"


class Instalment(Form):
    """A part of the price and the day on which it is due: so many thousandths of it, or an amount."""

    due_on: Day
    share_milli: Annotated[int, Field(strict=True, ge=1, le=1_000)] | None = None
    amount: Price | None = None


class Schedule(Form):
    """When the price is paid. With ``total`` the instalments are amounts and sum to it; without, they are thousandths."""

    total: Price | None = None
    instalments: tuple[Instalment, ...] = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        wanted, other = ("share_milli", "amount") if self.total is None else ("amount", "share_milli")
        for one in self.instalments:
            if getattr(one, wanted) is None or getattr(one, other) is not None:
                raise Contradiction(
                    f"schedule.instalments.{wanted}",
                    "with a total every instalment is an amount, without one a share",
                    "con total cada cuota es un monto, sin total una parte",
                )
        return self

    @model_validator(mode="after")
    def _sums(self) -> Self:
        where = "schedule.instalments"
        if self.total is None:
            if sum(one.share_milli or 0 for one in self.instalments) != 1_000:
                raise ScheduleDoesNotSum(where, "the shares do not add up to 1000", "las partes no suman 1000")
            return self
        amounts = [one.amount for one in self.instalments if one.amount is not None]
        if any(amount.currency != self.total.currency for amount in amounts):
            raise ScheduleDoesNotSum(where, "are in several currencies", "están en varias monedas")
        paid = Money(amount=sum(a.amount for a in amounts), currency=self.total.currency)
        if paid.amount != self.total.amount:
            raise ScheduleDoesNotSum(where, f"add up to {paid}, not to {self.total}", f"suman {paid}, no {self.total}")
        return self

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = [one.due_on for one in self.instalments]
        if days != sorted(days):
            raise DatesOutOfOrder(
                "schedule.instalments.due_on", "do not follow each other", "no se siguen en el tiempo"
            )
        return self

    def weights(self) -> list[tuple[date, int]]:
        """The day and the weight of each instalment, in whole numbers."""
        if self.total is None:
            return [(one.due_on, one.share_milli or 0) for one in self.instalments]
        return [(one.due_on, int(one.amount.amount * 10_000)) for one in self.instalments if one.amount is not None]


class Obligation(Form):
    """What a party owes beside wood and price: a road, a school, training, restoration."""

    of: Party
    what: Text
    due_on: Day | None = None
    worth: Money | None = None


class Annex(Form):
    """A paper that belongs to the contract, by the hash of its bytes. The bytes stay with who holds them."""

    name: Text
    sha256: Sha256
    media_type: MediaType


class LateInterest(Form):
    """What the parties agreed for late payment: simple interest, so many thousandths a year."""

    annual_milli: RateMilli


class ContractText(Form):
    """One version of a contract. ``amends`` names the signed version it changes and ``changes`` the fields that differ."""

    title: Text
    dated: Day
    starts_on: Day
    ends_on: Day
    lines: tuple[PriceLine, ...] = Field(min_length=1, max_length=50)
    schedule: Schedule
    volume_m3: VolumeM3 | None = None
    permit: Number | None = None
    deductions: tuple[Deduction, ...] = Field(default=(), max_length=60)
    advances: tuple[Advance, ...] = Field(default=(), max_length=60)
    obligations: tuple[Obligation, ...] = Field(default=(), max_length=60)
    terms: Terms = Terms()
    annexes: tuple[Annex, ...] = Field(default=(), max_length=60)
    late_interest: LateInterest | None = None
    amends: Annotated[int, Field(strict=True, ge=1, le=99)] | None = None
    changes: tuple[Text, ...] = Field(default=(), max_length=20)
    reason: Text | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.ends_on < self.starts_on:
            raise DatesOutOfOrder("ends_on", "is before starts_on", "es anterior a starts_on")
        if self.ends_on < self.dated:
            raise DatesOutOfOrder("ends_on", "is before the contract is dated", "es anterior a la fecha del contrato")
        for one in self.obligations:
            if one.due_on is not None and not self.starts_on <= one.due_on <= self.ends_on:
                raise DatesOutOfOrder("obligations.due_on", "is outside the term", "está fuera del plazo")
        if self.schedule.instalments[0].due_on < self.dated:
            raise DatesOutOfOrder(
                "schedule.instalments.due_on",
                "is due before the contract is dated",
                "vence antes de la fecha del contrato",
            )
        return self

    @model_validator(mode="after")
    def _prices_each_species_once(self) -> Self:
        if priced_twice(self.lines):
            raise Contradiction(
                "lines", "two lines price the same species", "dos líneas ponen precio a la misma especie"
            )
        return self

    @model_validator(mode="after")
    def _holds_each_annex_once(self) -> Self:
        for what in ("name", "sha256"):
            if len({getattr(one, what) for one in self.annexes}) != len(self.annexes):
                raise AnnexTwice(f"annexes.{what}", "is there twice", "está dos veces")
        return self

    @model_validator(mode="after")
    def _amends_with_a_reason(self) -> Self:
        said = (self.amends is not None, bool(self.changes), self.reason is not None)
        if len(set(said)) != 1:
            raise Contradiction(
                "amends",
                "an amendment names the version, what it changes and why; a first version none of them",
                "una adenda nombra la versión, lo que cambia y por qué; una primera versión, nada de eso",
            )
        return self


# What an amendment may change: everything but what says that it is one.
PARTS = tuple(name for name in ContractText.model_fields if name not in ("amends", "changes", "reason"))


@dataclass(eq=False)
class NoCounterpart(Refusal):
    """A contract is of two: the offer names no buyer who could sign."""

    slug: ClassVar[str] = "no-counterpart"
    es: ClassVar[str] = "La oferta {contract} no nombra comprador; registre la oferta con su comprador y firme esa."
    en: ClassVar[str] = "The offer {contract} names no buyer; store the offer with its buyer and sign that one."
    contract: str


@dataclass(eq=False)
class AmendsAnother(Refusal):
    """A new version builds on the last signed one, or on none where none is signed."""

    slug: ClassVar[str] = "amends-another-version"
    es: ClassVar[str] = "La última versión firmada es {last}; esta dice modificar {named}."
    en: ClassVar[str] = "The last signed version is {last}; this one says it amends {named}."
    last: int | str
    named: int | str


@dataclass(eq=False)
class AmendmentMisnamed(Refusal):
    """What an amendment says it changes and what it changes are not the same."""

    slug: ClassVar[str] = "amendment-misnamed"
    es: ClassVar[str] = "La adenda dice cambiar {named} y cambia {changed}; nombre exactamente lo que cambia."
    en: ClassVar[str] = "The amendment says it changes {named} and changes {changed}; name exactly what changes."
    named: str
    changed: str


@dataclass(eq=False)
class VersionSuperseded(Refusal):
    """Only the last version is signed; the others stay to be read."""

    slug: ClassVar[str] = "version-superseded"
    es: ClassVar[str] = "La versión {number} ya no se firma: la última es la {last}."
    en: ClassVar[str] = "Version {number} is not signed any more: the last one is {last}."
    number: int
    last: int


@dataclass(eq=False)
class SignsAnotherText(Refusal):
    """Who signs states the hash of what they read; this version has another."""

    slug: ClassVar[str] = "signs-another-text"
    es: ClassVar[str] = "Usted firma el texto {stated} y esta versión es {sha256}: léala de nuevo antes de firmar."
    en: ClassVar[str] = "You sign the text {stated} and this version is {sha256}: read it again before you sign."
    stated: str
    sha256: str


@dataclass(eq=False)
class NotSigned(Refusal):
    """Only what both parties have signed is committed to, settled and amended."""

    slug: ClassVar[str] = "version-not-signed"
    es: ClassVar[str] = "La versión {number} no está firmada por las dos partes."
    en: ClassVar[str] = "Version {number} is not signed by both parties."
    number: int


@dataclass(eq=False)
class NotInForce(Refusal):
    """What is delivered after an amendment was signed is settled by the amendment."""

    slug: ClassVar[str] = "version-not-in-force"
    es: ClassVar[str] = "El {day} ya regía la versión {force}; esta liquidación dice ser de la versión {number}."
    en: ClassVar[str] = "On {day} version {force} was in force; this settlement says it is of version {number}."
    number: int
    force: int
    day: str


@dataclass(eq=False)
class TurnTaken(Refusal):
    """Somebody else's act came first; the same request may be repeated."""

    slug: ClassVar[str] = "turn-taken"
    es: ClassVar[str] = "Otra persona se adelantó en {what}; lea de nuevo y repita la petición."
    en: ClassVar[str] = "Somebody else came first at {what}; read again and repeat the request."
    what: str


@dataclass(eq=False)
class Full(Refusal):
    """There is room for so many and no more."""

    slug: ClassVar[str] = "no-more-room"
    es: ClassVar[str] = "Aquí caben {most} ({what}) y ya están todos."
    en: ClassVar[str] = "There is room for {most} ({what}), and all are there."
    what: str
    most: int


MOST_VERSIONS = 99


def check_room(what: str, there: int, most: int) -> None:
    """Refuse one more than there is room for."""
    if there >= most:
        raise Full(what, most)


def check_share(what: str, written_by: Iterable[str], org: str, most: int) -> None:
    """Of what both parties write each has half the room: neither fills the other's."""
    check_room(what, sum(one == org for one in written_by), most // 2)


@dataclass(frozen=True, slots=True)
class Signature:
    """One party's consent to a version, by its own caller."""

    org: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it stands. ``sealed`` is the sid of its commitment, once both have signed."""

    number: int
    text: ContractText
    sha256: str
    written_by_org: str
    written_at: datetime
    signatures: tuple[Signature, ...] = ()
    sealed: str | None = None


def last_signed(versions: Sequence[Version]) -> Version | None:
    """The version in force."""
    return next((one for one in reversed(versions) if one.sealed is not None), None)


def check_in_force(versions: Sequence[Version], number: int, day: date, day_of: Callable[[datetime], date]) -> None:
    """Refuse a version where another that amends it had been signed by both before that day."""
    for later in versions[number:]:
        if later.sealed is not None and max(day_of(one.signed_at) for one in later.signatures) < day:
            raise NotInForce(number, later.number, day.isoformat())


def in_force_before(
    versions: Sequence[Version], number: int, day: date, day_of: Callable[[datetime], date]
) -> int | None:
    """The version that was in force on a day, where the named one was signed by both only later."""
    signed_on = {
        one.number: max(day_of(s.signed_at) for s in one.signatures) for one in versions if one.sealed is not None
    }
    earlier = [one for one in signed_on if one < number]
    return max(earlier) if earlier and signed_on[number] > day else None


def changed_parts(before: ContractText, after: ContractText) -> list[str]:
    """The fields in which two versions differ."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [part for part in PARTS if old[part] != new[part]]


def check_next(versions: Sequence[Version], text: ContractText) -> None:
    """Refuse a version that amends another than the one in force, or misnames what it changes."""
    force = last_signed(versions)
    if text.amends != (None if force is None else force.number):
        raise AmendsAnother("-" if force is None else force.number, text.amends or "-")
    if force is None:
        return
    changed = changed_parts(force.text, text)
    if sorted(changed) != sorted(set(text.changes)) or len(set(text.changes)) != len(text.changes):
        raise AmendmentMisnamed(", ".join(text.changes), ", ".join(changed) or "-")


def check_signing(versions: Sequence[Version], number: int, stated_sha256: str) -> None:
    """Refuse a signature under anything but the last version as it was read."""
    version, last = versions[number - 1], versions[-1]
    if number != last.number:
        raise VersionSuperseded(number, last.number)
    if stated_sha256 != version.sha256:
        raise SignsAnotherText(stated_sha256, version.sha256)
    if version.sealed is None:
        check_next(versions[:-1], version.text)


def document_of(contract_id: str, community: str, buyer: str, version: Version) -> bytes:
    """The bytes that the commitment of a signed version stands for: text, parties, who signed and when."""
    return canonical(
        {
            "kind": "contract",
            "contract": contract_id,
            "version": version.number,
            "community": community,
            "buyer": buyer,
            "text": version.text.model_dump(mode="json"),
            "text_sha256": version.sha256,
            "signatures": [
                {"org": one.org, "signed_at": one.signed_at.isoformat()}
                for one in sorted(version.signatures, key=lambda one: one.org)
            ],
        }
    )


def text_sha256(text: ContractText) -> str:
    """The hash that a signer states."""
    return sha256_of(text)


def read_text(content: bytes) -> ContractText:
    """A stored version, read back from its bytes."""
    return ContractText.read_back(content)
