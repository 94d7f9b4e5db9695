"""Contracts as versions: written by either party, signed by both, frozen then, and known to the log by a commitment."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Request, Response

from services.contracts.api import sealing
from services.contracts.api.house import StoreDep
from services.contracts.domain.contract import (
    MOST_VERSIONS,
    ContractText,
    NoCounterpart,
    TurnTaken,
    Version,
    check_next,
    check_share,
    check_signing,
    document_of,
    last_signed,
    text_sha256,
)
from services.contracts.schemas.deals import CommitmentOut, SignatureOut, SignIn, VersionOut, VersionsOut
from services.contracts.store import contracts as contracts_store
from services.contracts.store import outbox
from services.contracts.store import versions as kept
from services.contracts.store.contracts import Contract
from services.contracts.store.versions import Tx
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["contract versions"])
Number = Annotated[int, Path(ge=1, le=99)]


def now() -> datetime:
    """This moment, to the second: statements have no parts of one."""
    return datetime.now(UTC).replace(microsecond=0)


@router.post("/v1/contracts/{contract_id}/versions", status_code=201, responses={200: {"model": VersionOut}})
async def write_version(
    contract_id: str, body: ContractText, grant: GrantDep, store: StoreDep, response: Response
) -> VersionOut:
    """Add a version. The text of the last version again answers 200 with it; a signed version is never changed, an
    amendment is a version that names it and what it changes."""
    caller, at = grant.known, now()
    async with store.db.transaction(caller) as tx:
        contract = await party_contract(tx, contract_id, grant)
        _two_parties(contract)
        await kept.hold(tx, contract_id)
        known = await kept.versions(tx, contract_id)
        new = not known or known[-1].sha256 != text_sha256(body)
        if new:
            check_share("versions", [one.written_by_org for one in known], caller.org, MOST_VERSIONS)
            check_next(known, body)
            if not await kept.add_version(tx, contract_id, kept.number_after(known), body, caller, at):
                raise TurnTaken("versions")
            known = await kept.versions(tx, contract_id)
        standing = await _standing(tx, known)
    response.status_code = 201 if new else 200
    return shown(contract_id, known, known[-1], standing)


@router.get("/v1/contracts/{contract_id}/versions")
async def list_versions(contract_id: str, grant: GrantDep, store: StoreDep) -> VersionsOut:
    """Every version, the first one first: drafts, the signed ones, and what they replaced."""
    async with store.db.transaction(grant.known) as tx:
        await party_contract(tx, contract_id, grant)
        known = await kept.versions(tx, contract_id)
        standing = await _standing(tx, known)
    return VersionsOut(items=[shown(contract_id, known, one, standing) for one in known])


@router.get("/v1/contracts/{contract_id}/versions/{number}")
async def read_version(contract_id: str, number: Number, grant: GrantDep, store: StoreDep) -> VersionOut:
    """One version."""
    async with store.db.transaction(grant.known) as tx:
        await party_contract(tx, contract_id, grant)
        known = await kept.versions(tx, contract_id)
        version = find(known, contract_id, number)
        standing = await _standing(tx, [version])
    return shown(contract_id, known, version, standing)


@router.post(
    "/v1/contracts/{contract_id}/versions/{number}/signatures", status_code=201, responses={200: {"model": VersionOut}}
)
async def sign_version(
    contract_id: str, number: Number, body: SignIn, grant: GrantDep, store: StoreDep, request: Request,
    response: Response,
) -> VersionOut:  # fmt: skip
    """Sign the last version for the caller's organisation, with the hash of the text that was read. When both have
    signed, the version is frozen and its commitment goes to the log. A second signature of one party answers 200."""
    caller, at = grant.known, now()
    async with store.db.transaction(caller) as tx:
        contract = await party_contract(tx, contract_id, grant)
        await kept.hold(tx, contract_id)
        known = await kept.versions(tx, contract_id)
        version = find(known, contract_id, number)
        check_signing(known, number, body.text_sha256)
        new = caller.org not in {one.org for one in version.signatures}
        if new:
            known = await _sign(tx, contract, known, number, caller, at)
        version = find(known, contract_id, number)
        standing = await _standing(tx, [version])
    sealing.wake_publisher(request)
    response.status_code = 201 if new else 200
    return shown(contract_id, known, version, standing)


async def _sign(
    tx: Tx, contract: Contract, known: list[Version], number: int, caller: Caller, at: datetime
) -> list[Version]:
    """The versions after this signature: who comes second seals."""
    place = len(known[number - 1].signatures) + 1
    if not await kept.sign(tx, contract.id, number, place, caller, at):
        raise TurnTaken("signatures")
    signed = await kept.versions(tx, contract.id)
    version = signed[number - 1]
    if len(version.signatures) < 2:
        return signed
    document = document_of(contract.id, contract.offer.community, contract.offer.buyer or "", version)
    before = last_signed(signed)
    prev = [] if before is None or before.sealed is None else [before.sealed]
    subject = kept.subject_of_version(contract.id, number)
    await sealing.seal(tx, "contract.committed", subject, contract.id, document, at, prev)
    return await kept.versions(tx, contract.id)


@router.get("/v1/contracts/{contract_id}/versions/{number}/commitment")
async def open_version(contract_id: str, number: Number, grant: GrantDep, store: StoreDep) -> CommitmentOut:
    """The salt and the bytes that open the commitment of a signed version, for its parties."""
    async with store.db.transaction(grant.known) as tx:
        await party_contract(tx, contract_id, grant)
        return await sealing.opened(tx, "contract.committed", kept.subject_of_version(contract_id, number))


async def party_contract(tx: Tx, contract_id: str, grant: Grant) -> Contract:
    """The contract, for its parties; to anyone else it does not exist."""
    contract = await contracts_store.contract(tx, contract_id)
    if contract is None:
        raise Missing("contract", contract_id)
    grant.require(*contract.parties, kind="contract", key=contract_id)
    return contract


def _two_parties(contract: Contract) -> None:
    if contract.offer.buyer is None:
        raise NoCounterpart(contract.id)


def find(known: list[Version], contract_id: str, number: int) -> Version:
    """The version of a number."""
    if number > len(known):
        raise Missing("version", f"{contract_id}/{number}")
    return known[number - 1]


async def _standing(tx: Tx, known: list[Version]) -> dict[str, Announced]:
    return await outbox.standing(tx, [one.sealed for one in known if one.sealed is not None])


def shown(contract_id: str, known: list[Version], one: Version, standing: dict[str, Announced]) -> VersionOut:
    """A version as it is answered."""
    last = known[-1].number
    state = "signed" if one.sealed is not None else "draft" if one.number == last else "superseded"
    return VersionOut.model_validate(
        {
            "contract": contract_id,
            "number": one.number,
            "state": state,
            "text": one.text,
            "text_sha256": one.sha256,
            "written_by_org": one.written_by_org,
            "written_at": one.written_at,
            "signatures": [SignatureOut(org=s.org, signed_at=s.signed_at) for s in one.signatures],
            "sid": one.sealed,
            "log": None if one.sealed is None else sealing.shown(standing[one.sealed]),
        }
    )
