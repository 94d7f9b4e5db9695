"""Group certificates as they are sent and answered."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.permits.schemas.permits import ReasonOut
from services.permits.schemas.words import AreaM2, Day, In, LogState, OrgId, Out, Reason, Short
from shared.timber.bodies import SCHEMES

Scheme = Literal[SCHEMES]  # type: ignore[valid-type]


class MemberIn(In):
    """An organisation in the group, from a day on; with ``last_day`` it leaves."""

    org: OrgId
    first_day: Day
    last_day: Day | None = None

    @model_validator(mode="after")
    def _days(self) -> "MemberIn":
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("last_day es anterior a first_day / last_day is before first_day")
        return self


def _once(members: list[MemberIn]) -> None:
    if len({member.org for member in members}) != len(members):
        raise ValueError("members repite una organización / members repeats an organisation")


class CertificateIn(In):
    """A certificate; the certification body is the caller's organisation. Without members it is the holder's alone."""

    code: Short
    scheme: Scheme
    licence: Short | None = None
    holder: OrgId
    valid_from: Day
    valid_to: Day
    area_m2: AreaM2 | None = None
    members: list[MemberIn] = Field(default_factory=list, max_length=100)

    @model_validator(mode="after")
    def _whole(self) -> "CertificateIn":
        if self.valid_to < self.valid_from:
            raise ValueError("valid_to es anterior a valid_from / valid_to is before valid_from")
        _once(self.members)
        return self


class MembersIn(In):
    """Members that join, or whose days change, and why."""

    members: Annotated[list[MemberIn], Field(min_length=1, max_length=100)]
    reason: Reason

    @model_validator(mode="after")
    def _whole(self) -> "MembersIn":
        _once(self.members)
        return self


class StandingIn(In):
    """Why, and of whom: the whole certificate, or one member."""

    reason: Reason
    member: OrgId | None = None


class MemberOut(Out):
    """A member, and whether it is covered on the day that was asked for."""

    org: str
    first_day: date
    last_day: date | None
    status: str
    valid: bool
    reasons: list[ReasonOut]


class CertificateOut(Out):
    """A certificate, and whether it counts on the day that was asked for."""

    number: str
    code: str
    scheme: str
    scope: str
    licence: str | None
    certifier: str
    holder: str
    valid_from: date
    valid_to: date
    area_m2: int | None
    on: date
    status: str
    valid: bool
    reasons: list[ReasonOut]
    members: list[MemberOut]
    log: LogState | None
    last_act: LogState | None
