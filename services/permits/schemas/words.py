"""The words that bodies and answers are made of, with their bounds."""

import unicodedata
from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.refusal import Malformed
from shared.timber.bodies import ORG_KINDS
from shared.timber.fields import PRODUCTS
from shared.timber.place import parcel_code

T = TypeVar("T")


class In(BaseModel):
    """A body of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


def _parcel(text: str) -> str:
    try:
        return parcel_code(text)
    except Malformed as error:
        raise ValueError("debe ser una parcela como PC 01 / must be a parcel such as PC 01") from error


def _day(value: Any) -> Any:
    """A day is written as one: not as seconds since 1970, not with an hour."""
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("debe ser un día AAAA-MM-DD / must be a day YYYY-MM-DD")
    return value


def _writable(text: str) -> str:
    """Text that a statement can carry: one line, composed, without controls or marks that turn its direction."""
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp") for c in text):
        raise ValueError("no debe llevar caracteres de control / must not carry control characters")
    return unicodedata.normalize("NFC", text)


OrgId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
Number = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,39}$")]
Region = Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,39}$")]
Species = Annotated[str, Field(pattern=r"^[A-Z][a-z]{1,39} (?:[a-z]{1,39}(?:-[a-z]{1,39}){0,2}|spp?\.)$")]
ParcelCode = Annotated[str, Field(max_length=12), AfterValidator(_parcel)]
TreeCode = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,19}$")]
PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$")]
Reason = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_writable)]
Writing = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_writable)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Short = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_writable)]
Season = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_writable)]
Name = Annotated[str, Field(min_length=1, max_length=160), AfterValidator(_writable)]
AreaM2 = Annotated[int, Field(ge=1, le=100_000_000_000, strict=True)]
Dm3 = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]
Day = Annotated[date, BeforeValidator(_day), Field(ge=date(1990, 1, 1), lt=date(2100, 1, 1))]
Kind = Literal[ORG_KINDS]  # type: ignore[valid-type]
Product = Literal[PRODUCTS]  # type: ignore[valid-type]


class Page(Out, Generic[T]):
    """Some of a list; ``next`` is the cursor of the following page."""

    items: list[T]
    next: str | None


class LogState(Out):
    """Where the statement of an act stands: ``pending``, ``in_log`` with its index, or ``refused`` by the log."""

    state: Literal["pending", "in_log", "refused"]
    sid: str
    origin: str | None
    index: int | None
    problem: dict[str, Any] | None
