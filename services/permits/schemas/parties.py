"""Organisations, and the reason of an act."""

from services.permits.schemas.words import In, Kind, LogState, Name, OrgId, Out, Reason, Region


class OrganisationIn(In):
    """A party to be registered."""

    id: OrgId
    name: Name
    kind: Kind
    region: Region | None = None


class OrganisationOut(Out):
    """A registered party."""

    id: str
    name: str
    kind: str
    region: str | None
    log: LogState | None


class ReasonIn(In):
    """Why."""

    reason: Reason
