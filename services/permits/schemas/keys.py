"""Keys and revocations."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from services.permits.schemas.words import In, LogState, OrgId, Out, PublicKey, Reason

Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{85}[AQgw]$")]


class KeyIn(In):
    """A public key of an organisation, with the proof that whoever brings it holds it (docs/format.md, section 5.1)."""

    org: OrgId
    public_key: PublicKey
    role: Literal["device", "root"] = "device"
    proof: Signature


class RevocationIn(In):
    """Why a key ends, and since which entry of the log it may have been in wrong hands. ``org`` is needed for a key that
    did not come through here."""

    reason: Reason
    org: OrgId | None = None
    distrust_from: Annotated[int, Field(ge=0, le=2**53 - 1, strict=True)] | None = None


class ConfirmationIn(In):
    """That another person saw the revocation and finds it right. ``org`` as in ``RevocationIn``."""

    org: OrgId | None = None


class ContestIn(ConfirmationIn):
    """That another person finds the revocation wrong, and why."""

    reason: Reason


class SecondWordOut(Out):
    """What another person said of a revocation, who as a pseudonym."""

    word: Literal["confirmed", "contested"]
    reason: str | None
    by: str
    at: datetime


class RevocationOut(Out):
    """The end of a key: by whom (as a pseudonym; nobody where the house ended its own, or where it was not kept), and what a
    second person said of it. ``awaits_second``: nobody has yet."""

    kid: str
    org: str
    reason: str
    distrust_from: int | None
    log: LogState | None
    revoked_by: str | None
    second: SecondWordOut | None
    awaits_second: bool


class KeyOut(Out):
    """A key, and how far it has come."""

    kid: str
    org: str
    public_key: str
    alg: Literal["ed25519"]
    role: str
    proof: str
    state: Literal["asked", "proposed", "registered"]
    log: LogState | None
    revocation: RevocationOut | None
