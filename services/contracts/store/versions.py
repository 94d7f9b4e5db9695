"""Versions of a contract, their signatures and the seals: only ever added to."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.contract import ContractText, Signature, Version, read_text, text_sha256
from services.contracts.domain.pinned import canonical
from shared.web.auth import Caller
from shared.web.turn import TAKE_TURN

Tx = AsyncSession
_VERSIONS = text(
    "SELECT v.number, v.content, v.sha256, v.written_by_org, v.written_at, s.sid FROM contract_version v"
    " LEFT JOIN seal s ON s.subject = 'contract:' || v.contract_id || '/' || v.number"
    " WHERE v.contract_id = :contract ORDER BY v.number"
)
_SIGNATURES = text(
    "SELECT number, org, signed_at FROM contract_signature WHERE contract_id = :contract ORDER BY number, place"
)
_HOLD = text(TAKE_TURN.format("'versions of ' || :contract"))
_ADD_VERSION = text(
    "INSERT INTO contract_version (contract_id, number, content, sha256, written_by_org, written_by, written_at)"
    " VALUES (:contract, :number, :content, :sha256, :org, :sub, :at) ON CONFLICT DO NOTHING RETURNING 1"
)
_SIGN = text(
    "INSERT INTO contract_signature (contract_id, number, place, org, signed_by, signed_at)"
    " VALUES (:contract, :number, :place, :org, :sub, :at) ON CONFLICT DO NOTHING RETURNING 1"
)
_SEAL = text(
    "INSERT INTO seal (subject, contract_id, document, salt, commitment, sid)"
    " VALUES (:subject, :contract, :document, :salt, :commitment, :sid)"
)
_SEAL_OF = text("SELECT document, salt, commitment, sid FROM seal WHERE subject = :subject")


@dataclass(frozen=True, slots=True)
class Seal:
    """A document that the log knows by its commitment, with the salt that opens it and the statement's sid."""

    document: bytes
    salt: bytes
    commitment: str
    sid: str


def subject_of_version(contract_id: str, number: int) -> str:
    """The name of a version's seal."""
    return f"contract:{contract_id}/{number}"


async def versions(tx: Tx, contract_id: str) -> list[Version]:
    """Every version of a contract, the first one first, with who signed it."""
    signatures: defaultdict[int, list[Signature]] = defaultdict(list)
    for row in await tx.execute(_SIGNATURES, {"contract": contract_id}):
        signatures[row.number].append(Signature(row.org, row.signed_at))
    return [
        Version(
            row.number, read_text(row.content), row.sha256, row.written_by_org, row.written_at,
            tuple(signatures[row.number]), row.sid,
        )
        for row in await tx.execute(_VERSIONS, {"contract": contract_id})
    ]  # fmt: skip


async def hold(tx: Tx, contract_id: str) -> None:
    """Hold the versions of a contract until the transaction ends: nobody signs the last one while the next is written."""
    await tx.execute(_HOLD, {"contract": contract_id})


async def add_version(
    tx: Tx, contract_id: str, number: int, content: ContractText, caller: Caller, at: datetime
) -> bool:
    """Add a version under a number; False when somebody else took the number first."""
    row = {
        "contract": contract_id, "number": number, "content": canonical(content), "sha256": text_sha256(content),
        "org": caller.org, "sub": caller.sub, "at": at,
    }  # fmt: skip
    return (await tx.execute(_ADD_VERSION, row)).first() is not None


async def sign(tx: Tx, contract_id: str, number: int, place: int, caller: Caller, at: datetime) -> bool:
    """Add the caller's signature in the first or second place; False when the place, or the party's part, is taken.

    A signature that is being written by another transaction is waited for.
    """
    row = {"contract": contract_id, "number": number, "place": place, "org": caller.org, "sub": caller.sub, "at": at}
    return (await tx.execute(_SIGN, row)).first() is not None


async def add_seal(tx: Tx, subject: str, contract_id: str, seal: Seal) -> None:
    """Keep what a commitment stands for."""
    row = {
        "subject": subject, "contract": contract_id, "document": seal.document, "salt": seal.salt,
        "commitment": seal.commitment, "sid": seal.sid,
    }  # fmt: skip
    await tx.execute(_SEAL, row)


async def seal_of(tx: Tx, subject: str) -> Seal | None:
    """The seal of a subject, for those who may read its contract."""
    row = (await tx.execute(_SEAL_OF, {"subject": subject})).one_or_none()
    return None if row is None else Seal(row.document, row.salt, row.commitment, row.sid)


def number_after(known: Sequence[Version]) -> int:
    """The number of the next version."""
    return len(known) + 1
