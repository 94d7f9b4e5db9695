"""How a document gets its commitment into the log, and how it is opened again."""

import hashlib
import secrets
from datetime import datetime
from typing import Literal

from fastapi import Request

from services.contracts.domain.announced import write
from services.contracts.schemas.deals import CommitmentOut, LogStateOut
from services.contracts.store import outbox, versions
from services.contracts.store.versions import Seal, Tx
from shared.refusal import Missing
from shared.timber.commitment import SALT_BYTES, commitment_of
from shared.timber.outgoing import Announced
from shared.tlog.encoding import to_base64url

Kind = Literal["contract.committed", "settlement.sealed"]


async def seal(
    tx: Tx, kind: Kind, subject: str, contract_id: str, document: bytes, at: datetime, prev: list[str]
) -> Seal:
    """Commit to a document in the transaction of its act: a fresh salt, the seal, and the statement in the outbox."""
    salt = secrets.token_bytes(SALT_BYTES)
    commitment = commitment_of(salt, document)
    letter = write(kind, subject, {"commitment": commitment}, at, prev)
    made = Seal(document, salt, commitment, letter.sid)
    await versions.add_seal(tx, subject, contract_id, made)
    await outbox.announce(tx, letter, at)
    return made


async def opened(tx: Tx, kind: Kind, subject: str) -> CommitmentOut:
    """What opens the commitment of a subject, and where its statement stands. ``Missing`` where there is none to see."""
    found = await versions.seal_of(tx, subject)
    if found is None:
        raise Missing("commitment", subject)
    standing = await outbox.standing(tx, [found.sid])
    return CommitmentOut(
        type=kind, commitment=found.commitment, salt=to_base64url(found.salt), document=found.document.decode(),
        document_sha256=hashlib.sha256(found.document).hexdigest(), sid=found.sid, log=shown(standing[found.sid]),
    )  # fmt: skip


def shown(standing: Announced) -> LogStateOut:
    """Where a statement stands, as it is answered."""
    return LogStateOut(state=standing.state, origin=standing.origin, index=standing.index, problem=standing.problem)


def wake_publisher(request: Request) -> None:
    """After the commit: what was queued need not wait for the next look."""
    request.app.state.publisher.wake.set()
