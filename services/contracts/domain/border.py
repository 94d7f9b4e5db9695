"""Kinds of values that cross the border: one spelling each, checked once, then trusted."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.refusal import Malformed

KEPT = "kept"  # the context in which a document is read that was accepted before


class Form(BaseModel):
    """A part of a body: unknown fields are refused and nothing changes after parsing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def read_back(cls, content: bytes) -> Self:
        """What was accepted once, from the bytes that were kept: a bound on prices that came later does not make it unreadable."""
        return cls.model_validate_json(content, context=KEPT)


def later() -> Any:
    """A field that came after the first release: absent it is not written, so older documents keep their hash."""
    return Field(default=None, exclude_if=lambda value: value is None)


@dataclass(eq=False)
class Contradiction(Malformed):
    """Two parts of one body cannot both be true (422)."""

    reason_es: str

    def text(self, language: str) -> str:
        reason = self.reason if language == "en" else self.reason_es
        return f"{self.where}: {reason}."


@dataclass(eq=False)
class DatesOutOfOrder(Contradiction):
    """A day stands before one that it must follow (422)."""

    slug: ClassVar[str] = "dates-out-of-order"


@dataclass(eq=False)
class ScheduleDoesNotSum(Contradiction):
    """Parts are more or less than what they are parts of (422)."""

    slug: ClassVar[str] = "schedule-does-not-sum"


_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,4})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LIMA = timezone(timedelta(hours=-5))  # no daylight saving in Peru
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 1, 1)


def spelled(amount: Decimal, places: int = 2) -> str:
    """The one spelling of an amount: no exponent, at least ``places`` decimals, no more zeros than that."""
    text = f"{amount if amount else abs(amount):f}"  # nothing has no sign
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _decimal(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, str) and value.startswith("-") and _DECIMAL.fullmatch(value[1:]):
        raise PydanticCustomError("greater_than_equal", "must not be less than nothing", {"ge": 0})
    raise PydanticCustomError("decimal_parsing", 'must be a decimal number as text, such as "12.50"')


def _day(value: Any) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            value = date.fromisoformat(value)
        except ValueError as error:
            raise PydanticCustomError("date_parsing", "must be a day YYYY-MM-DD") from error
    if type(value) is not date or not FIRST_DAY <= value <= LAST_DAY:
        raise PydanticCustomError("date_parsing", "must be a day YYYY-MM-DD between 1990 and 2100")
    return value


def _plain_text(value: Any) -> Any:
    """Text as people mean it: NFC, without blanks around and without characters that hide or reorder others."""
    if not isinstance(value, str):
        return value
    text = unicodedata.normalize("NFC", value).strip()
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in text):
        raise PydanticCustomError("string_type", "must be plain text without control characters")
    return text


def _json_decimal(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{_DECIMAL.pattern}$", "examples": [example]})


Amount = Annotated[
    Decimal, BeforeValidator(_decimal), PlainSerializer(spelled, return_type=str), _json_decimal("12.50")
]
VolumeM3 = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(gt=0, le=10_000_000),
    PlainSerializer(lambda volume: spelled(volume, 3), return_type=str),
    _json_decimal("639.000"),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Text = Annotated[str, BeforeValidator(_plain_text), StringConstraints(min_length=1, max_length=200)]
Yes = Annotated[bool, Field(strict=True)]
OrgId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,59}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Milli = Annotated[int, Field(strict=True, ge=0, le=1_000)]
Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]
Count = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Positive = Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
DiameterMm = Annotated[int, Field(strict=True, ge=1, le=5_000)]
LengthMm = Annotated[int, Field(strict=True, ge=1, le=60_000)]
