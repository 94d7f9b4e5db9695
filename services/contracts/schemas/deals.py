"""Answers about versions of a contract, and what opens a commitment."""

from datetime import datetime
from typing import Any, Literal

from services.contracts.domain.border import Form, Sha256
from services.contracts.domain.contract import ContractText
from services.contracts.schemas.answer import Out


class SignIn(Form):
    """A signature: the hash of the text that was read (``text_sha256`` of the version)."""

    text_sha256: Sha256


class LogStateOut(Out):
    """Where a statement stands on its way into the log."""

    state: Literal["pending", "in_log", "refused"]
    origin: str | None
    index: int | None
    problem: dict[str, Any] | None


class SignatureOut(Out):
    org: str
    signed_at: datetime


class VersionOut(Out):
    """One version. It is frozen once both parties have signed it; ``sid`` is then that of its commitment."""

    contract: str
    number: int
    state: Literal["draft", "signed", "superseded"]
    text: ContractText
    text_sha256: str
    written_by_org: str
    written_at: datetime
    signatures: list[SignatureOut]
    sid: str | None
    log: LogStateOut | None


class VersionsOut(Out):
    items: list[VersionOut]


class CommitmentOut(Out):
    """What opens a commitment (docs/format.md, section 6.6): the document's text is its bytes in UTF-8."""

    type: Literal["contract.committed", "settlement.sealed"]
    commitment: str
    salt: str
    document: str
    document_sha256: str
    sid: str
    log: LogStateOut
