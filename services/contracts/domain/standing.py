"""Whether a party is in the lists of sanctions on a day: ``unknown`` where no snapshot of a list covers that day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from services.contracts.domain.border import Contradiction, DatesOutOfOrder, Day, Form, Sha256, Slug, Text

StandingState = Literal["listed", "not_listed", "unknown"]
_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_BEGINNINGS = ("10", "15", "16", "17", "20")


def ruc_check_digit(first_ten: str) -> str:
    """The eleventh digit of a RUC: 11 less the weighted sum modulo 11 (SUNAT); 10 is written 0 and 11 is written 1."""
    total = sum(int(digit) * weight for digit, weight in zip(first_ten, _WEIGHTS, strict=True))
    return str((11 - total % 11) % 10)


def _ruc(value: str) -> str:
    known = len(value) == 11 and value.isascii() and value.isdigit() and value.startswith(_BEGINNINGS)
    if not known or value[10] != ruc_check_digit(value[:10]):
        raise Contradiction(
            "ruc",
            "must be a RUC of eleven digits whose last one is right",
            "debe ser un RUC de once cifras cuya última cifra sea la correcta",
        )
    return value


Ruc = Annotated[str, AfterValidator(_ruc), WithJsonSchema({"type": "string", "pattern": "^(10|15|16|17|20)[0-9]{9}$"})]


class Sanction(Form):
    """One line of a list: whom, for what, from which day and until when (open where nobody has said)."""

    ruc: Ruc
    reason: Text
    resolution: Text
    since: Day
    until: Day | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise DatesOutOfOrder("until", "is before since", "es anterior a since")
        return self

    def holds(self, day: date) -> bool:
        """Whether the party is under it on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


class SanctionList(Form):
    """A list as it was published on a day. ``document_sha256`` is the hash of the file it was read from; the snapshot
    speaks for ``valid_days`` after its day, then somebody has to look again."""

    id: Slug
    title: Text
    as_of: Day
    valid_days: Annotated[int, Field(strict=True, ge=1, le=400)]
    source: Text
    document_sha256: Sha256
    entries: tuple[Sanction, ...] = Field(max_length=4_000)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest snapshot of a list up to a day, with what it says of one party. ``None``: the list began later."""

    list: str
    as_of: date | None
    valid_days: int
    sha256: str
    document_sha256: str
    sanctions: tuple[Sanction, ...]

    def covers(self, day: date) -> bool:
        """Whether the snapshot still speaks for that day."""
        return self.as_of is not None and 0 <= (day - self.as_of).days <= self.valid_days


@dataclass(frozen=True, slots=True)
class Standing:
    """A party on a day, with the snapshots that were read and the sanctions in force."""

    ruc: str
    on: date
    state: StandingState
    snapshots: tuple[Snapshot, ...]
    sanctions: tuple[tuple[str, Sanction], ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON, for the pins of an appraisal and for people."""
        return {
            "ruc": self.ruc,
            "on": self.on.isoformat(),
            "state": self.state,
            "lists": [
                {
                    "list": one.list,
                    "as_of": None if one.as_of is None else one.as_of.isoformat(),
                    "covers": one.covers(self.on),
                    "sha256": one.sha256,
                    "document_sha256": one.document_sha256,
                }
                for one in self.snapshots
            ],
            "sanctions": [{"list": name, **one.model_dump(mode="json")} for name, one in self.sanctions],
        }


def standing_on(ruc: str, day: date, snapshots: Sequence[Snapshot]) -> Standing:
    """Listed when one list that covers the day names the party; not listed only when every known list covers it."""
    covering = [one for one in snapshots if one.covers(day)]
    held = tuple((one.list, sanction) for one in covering for sanction in one.sanctions if sanction.holds(day))
    state: StandingState = "unknown"
    if held:
        state = "listed"
    elif snapshots and len(covering) == len(snapshots):
        state = "not_listed"
    return Standing(ruc, day, state, tuple(snapshots), held)
