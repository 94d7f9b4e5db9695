"""What supervisors say of findings."""

from typing import Annotated, Literal

from pydantic import Field

from services.permits.schemas.words import In, LogState, OrgId, Out, Reason
from shared.timber.fields import FINDING_SUBJECT

Sid = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RuleId = Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}$")]
Subject = Annotated[str, Field(pattern=f"^(?:{FINDING_SUBJECT})$", max_length=100)]


class FindingIn(In):
    """What a supervisor saw. ``org`` is the organisation that has to answer."""

    subject: Subject
    org: OrgId
    severity: Literal["S1", "S2", "S3", "S4"]
    text: Reason


class FindingOut(Out):
    """A finding by hand, on its way to the log."""

    subject: str
    org: str
    severity: str
    text: str
    raised_by: str
    log: LogState | None


class ResolutionIn(In):
    """Why what a rule found on a record is answered for, and the SHA-256 of the evidence."""

    record: Sid
    rule: RuleId
    reason: Reason
    evidence_sha256: Sid


class ResolutionOut(Out):
    """A resolution, on its way to the log."""

    record: str
    rule: str
    reason: str
    evidence_sha256: str
    resolved_by: str
    log: LogState | None
