"""The book of an enterprise of several communities: who shares by which act, what was distributed, what arrived.

Everything is an entry behind the ones before it. Shares are exact fractions that sum to one; a distribution is divided in
whole céntimos that sum to what there was; a member says itself what it received.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from services.contracts.domain.apportion import apportion
from services.contracts.domain.border import (
    Contradiction,
    DatesOutOfOrder,
    Day,
    Form,
    Milli,
    OrgId,
    Positive,
    Sha256,
    Text,
)
from services.contracts.domain.contract import check_room
from services.contracts.domain.money import CENT, Currency, Money
from services.contracts.domain.settlement import Id, NotYet, Paid, Receipt
from shared.refusal import Missing, NotAllowed, Refusal

MOST_ENTRIES = 20_000
MOST_RECEIPTS = 100  # of one part: no member fills the book by itself
_SHARE = re.compile(r"[1-9][0-9]{0,5}/[1-9][0-9]{0,5}|0\.[0-9]{1,6}|1")


def _share(value: object) -> object:
    if isinstance(value, str) and _SHARE.fullmatch(value) and 0 < Fraction(value) <= 1:
        return value
    raise PydanticCustomError("string_type", 'must be a share as text, such as "1/3" or "0.25"')


Share = Annotated[str, BeforeValidator(_share), WithJsonSchema({"type": "string", "pattern": f"^({_SHARE.pattern})$"})]


@dataclass(eq=False)
class SharesDoNotSum(Contradiction):
    """The shares are more or less than the whole (422)."""

    slug: ClassVar[str] = "shares-do-not-sum"


@dataclass(eq=False)
class QuorumNotMet(Contradiction):
    """Fewer attended the assembly than its quorum asks for (422)."""

    slug: ClassVar[str] = "quorum-not-met"


@dataclass(eq=False)
class MemberTwice(Contradiction):
    """A member is listed twice, or the enterprise shares with itself (422)."""

    slug: ClassVar[str] = "member-twice"


class Member(Form):
    """A community of the enterprise and its share: a fraction of the whole, exactly."""

    org: OrgId
    share: Share


class AssemblyAct(Form):
    """The act by which the assembly agreed: its day, the hash of its minutes, who could come, who came, how many must."""

    on: Day
    minutes_sha256: Sha256
    entitled: Positive
    attended: Positive
    quorum_milli: Annotated[Milli, Field(ge=1)]

    @model_validator(mode="after")
    def _has_its_quorum(self) -> Self:
        if self.attended > self.entitled:
            raise QuorumNotMet("act.attended", "more attended than were entitled", "asistieron más de los que podían")
        if self.attended * 1_000 < self.quorum_milli * self.entitled:
            raise QuorumNotMet(
                "act.attended",
                f"{self.attended} of {self.entitled} attended, fewer than {self.quorum_milli} in 1000",
                f"asistieron {self.attended} de {self.entitled}, menos de {self.quorum_milli} por mil",
            )
        return self


class Agreement(Form):
    """Who shares and how, from a day on, by the act of the assembly."""

    members: tuple[Member, ...] = Field(min_length=1, max_length=100)
    valid_from: Day
    act: AssemblyAct

    @model_validator(mode="after")
    def _sums_to_the_whole(self) -> Self:
        if len({one.org for one in self.members}) != len(self.members):
            raise MemberTwice("members.org", "is listed twice", "está dos veces")
        total = sum((Fraction(one.share) for one in self.members), Fraction(0))
        if total != 1:
            raise SharesDoNotSum("members.share", f"add up to {total}, not to 1", f"suman {total}, no 1")
        if self.valid_from < self.act.on:
            raise DatesOutOfOrder("valid_from", "is before the assembly", "es anterior a la asamblea")
        return self


class Distribution(Form):
    """So much of what a settlement brought is shared among the members, on a day."""

    settlement: Id
    amount: Paid
    on: Day
    note: Text | None = None


class Receipted(Form):
    """A member says that it received so much of a distribution, with the hash of the receipt where there is one."""

    amount: Paid
    received_on: Day
    receipt: Receipt | None = None


class ReceiptEntry(Form):
    """A receipt with the number of its distribution, as it is kept."""

    distribution: int
    receipted: Receipted


@dataclass(eq=False)
class NoAgreement(Refusal):
    """Nobody shares yet on that day."""

    slug: ClassVar[str] = "no-agreement-in-force"
    es: ClassVar[str] = "El {day} no rige ningún acuerdo de reparto de {enterprise}."
    en: ClassVar[str] = "On {day} no sharing agreement of {enterprise} is in force."
    enterprise: str
    day: str


@dataclass(eq=False)
class AgreementGoesBack(Refusal):
    """A new agreement holds from a later day; what was divided stays divided."""

    slug: ClassVar[str] = "agreement-goes-back"
    es: ClassVar[str] = "El acuerdo vigente rige desde el {last}; uno nuevo rige desde un día posterior."
    en: ClassVar[str] = "The agreement in force holds from {last}; a new one holds from a later day."
    last: str


@dataclass(eq=False)
class SettledByOthers(Refusal):
    """An enterprise shares out what its own wood brought."""

    slug: ClassVar[str] = "settlement-of-another"
    es: ClassVar[str] = "La liquidación {settlement} no es de una venta de {enterprise}."
    en: ClassVar[str] = "The settlement {settlement} is not of a sale by {enterprise}."
    settlement: str
    enterprise: str


@dataclass(eq=False)
class MoreThanReceived(Refusal):
    """More is shared out of a settlement than was paid for it."""

    slug: ClassVar[str] = "more-than-received"
    es: ClassVar[str] = "De esta liquidación se recibió {received} y ya se repartió {shared}; no alcanza para {asked}."
    en: ClassVar[str] = "{received} was received for this settlement and {shared} is shared out; {asked} is too much."
    received: str
    shared: str
    asked: str


@dataclass(eq=False)
class NotAMember(NotAllowed):
    """Only a member that has a part in a distribution says that it received it."""

    slug: ClassVar[str] = "no-part-in-it"
    es: ClassVar[str] = "Su organización no tiene parte en el reparto {distribution}."
    en: ClassVar[str] = "Your organisation has no part in distribution {distribution}."
    reason: str = "member"
    distribution: int = 0


@dataclass(eq=False)
class MoreThanPart(Refusal):
    """A member acknowledges more than its part."""

    slug: ClassVar[str] = "more-than-part"
    es: ClassVar[str] = "Su parte es {part} y ya reconoció {received}; {asked} la pasa."
    en: ClassVar[str] = "Your part is {part} and {received} is acknowledged; {asked} goes beyond it."
    part: str
    received: str
    asked: str


@dataclass(frozen=True, slots=True)
class Part:
    """A member's part of a distribution, and what it has acknowledged of it."""

    org: str
    share: str
    amount: Decimal
    received: Decimal = Decimal(0)
    receipts: int = 0


@dataclass(frozen=True, slots=True)
class Shared:
    """A distribution as it stands; ``agreement`` is the number of the one it was divided by."""

    number: int
    agreement: int
    distribution: Distribution
    parts: tuple[Part, ...]
    at: datetime

    @property
    def currency(self) -> Currency:
        return self.distribution.amount.currency

    def part_of(self, org: str) -> Part | None:
        """The part of a member."""
        return next((one for one in self.parts if one.org == org), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the book."""

    seq: int
    content: Agreement | Distribution | ReceiptEntry
    org: str
    at: datetime
    sha256: str


@dataclass(slots=True)
class Book:
    """What the entries of an enterprise come to, in their order."""

    enterprise: str
    entries: int = 0
    agreements: list[tuple[int, Agreement, datetime]] = field(default_factory=list)
    shared: list[Shared] = field(default_factory=list)
    said: set[tuple[str, str]] = field(default_factory=set)

    def agreement_on(self, day: date) -> tuple[int, Agreement]:
        """The agreement that holds on a day, with its number."""
        held = [(number, one) for number, one, _ in self.agreements if one.valid_from <= day]
        if not held:
            raise NoAgreement(self.enterprise, day.isoformat())
        return held[-1]

    def distribution(self, number: int) -> Shared:
        """A distribution by its number."""
        if not 1 <= number <= len(self.shared):
            raise Missing("distribution", f"{self.enterprise}/{number}")
        return self.shared[number - 1]


def read_book(enterprise: str, entries: Sequence[Entry]) -> Book:
    """The book as its entries make it."""
    book = Book(enterprise)
    for entry in entries:
        _apply(book, entry)
    return book


def _apply(book: Book, entry: Entry) -> None:
    match entry.content:
        case Agreement() as agreement:
            book.agreements.append((len(book.agreements) + 1, agreement, entry.at))
        case Distribution() as distribution:
            number, agreement = book.agreement_on(distribution.on)
            parts = divide(distribution.amount, agreement.members)
            book.shared.append(Shared(len(book.shared) + 1, number, distribution, parts, entry.at))
        case ReceiptEntry() as receipt:
            book.shared[receipt.distribution - 1] = _received(book.distribution(receipt.distribution), entry, receipt)
    book.entries = entry.seq
    book.said.add((entry.org, entry.sha256))


def _received(shared: Shared, entry: Entry, receipt: ReceiptEntry) -> Shared:
    parts = tuple(
        Part(one.org, one.share, one.amount, one.received + receipt.receipted.amount.amount, one.receipts + 1)
        if one.org == entry.org
        else one
        for one in shared.parts
    )
    return Shared(shared.number, shared.agreement, shared.distribution, parts, shared.at)


def divide(amount: Money, members: Sequence[Member]) -> tuple[Part, ...]:
    """An amount among members, in whole céntimos by the largest remainder; equal remainders in the order of the act."""
    cents = apportion(int(amount.amount / CENT), [Fraction(one.share) for one in members])
    return tuple(Part(one.org, one.share, Decimal(part) * CENT) for one, part in zip(members, cents, strict=True))


def check_agreement(book: Book, agreement: Agreement, today: date) -> None:
    """Refuse an agreement of an assembly that was not held yet, of the enterprise with itself, or that goes back."""
    if agreement.act.on > today:
        raise NotYet("act.on", agreement.act.on.isoformat(), today.isoformat())
    if any(one.org == book.enterprise for one in agreement.members):
        raise MemberTwice("members.org", "is the enterprise itself", "es la propia empresa")
    if book.agreements and agreement.valid_from <= book.agreements[-1][1].valid_from:
        raise AgreementGoesBack(book.agreements[-1][1].valid_from.isoformat())


def check_distribution(
    book: Book, distribution: Distribution, community: str, received: Money, of_lot: Collection[str], today: date
) -> None:
    """Refuse to share out what was not received for a sale of the enterprise itself.

    ``of_lot`` are all settlements of the lot: what was shared out of one that was replaced is shared out.
    """
    if community != book.enterprise:
        raise SettledByOthers(distribution.settlement, book.enterprise)
    if distribution.on > today:
        raise NotYet("on", distribution.on.isoformat(), today.isoformat())
    book.agreement_on(distribution.on)
    before = [one.distribution.amount for one in book.shared if one.distribution.settlement in of_lot]
    shared = sum((one.amount for one in before), Decimal(0))
    asked = distribution.amount
    if asked.currency != received.currency or shared + asked.amount > received.amount:
        told = Money(amount=shared, currency=received.currency)
        raise MoreThanReceived(str(received), str(told), str(asked))


def check_receipt(book: Book, number: int, receipted: Receipted, org: str, today: date) -> None:
    """Refuse what is not the member's own part."""
    shared = book.distribution(number)
    part = shared.part_of(org)
    if part is None:
        raise NotAMember("acknowledge_receipt", distribution=number)
    if receipted.received_on > today:
        raise NotYet("received_on", receipted.received_on.isoformat(), today.isoformat())
    check_room("receipts", part.receipts, MOST_RECEIPTS)
    asked = receipted.amount
    if asked.currency != shared.currency or part.received + asked.amount > part.amount:
        money = [Money(amount=amount, currency=shared.currency) for amount in (part.amount, part.received)]
        raise MoreThanPart(str(money[0]), str(money[1]), str(asked))
