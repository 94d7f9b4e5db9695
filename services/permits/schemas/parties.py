"""Organisations and keys."""

from typing import Literal

from services.permits.schemas.words import In, Kind, LogState, Name, OrgId, Out, PublicKey, Reason, Region


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


class KeyIn(In):
    """A public key of an organisation."""

    org: OrgId
    public_key: PublicKey
    role: Literal["device", "root"] = "device"


class ReasonIn(In):
    """Why."""

    reason: Reason


class KeyOut(Out):
    """A registered key."""

    kid: str
    org: str
    public_key: str
    alg: Literal["ed25519"]
    role: str
    revoked: bool
    reason: str | None
    log: LogState | None
    revocation_log: LogState | None
