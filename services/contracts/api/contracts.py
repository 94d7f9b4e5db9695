"""Offers: stored once, seen by the community and the named buyer."""

from typing import Annotated

from fastapi import Response

from services.contracts.api.house import Cursor, Limit, StoreDep
from services.contracts.domain.decimal_mark import ByItsMark
from services.contracts.domain.offer import Offer
from services.contracts.refusals import NotAParty
from services.contracts.schemas.contracts import ContractOut, ContractsOut, ListedContractOut
from services.contracts.schemas.cursor import read_cursor, write_cursor
from services.contracts.store import contracts as contracts_store
from services.contracts.store.contracts import Contract, Listed
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["contracts"])


@router.post("/v1/contracts", status_code=201, responses={200: {"model": ContractOut}})
async def store_contract(
    offer: Annotated[Offer, ByItsMark], grant: GrantDep, store: StoreDep, response: Response
) -> ContractOut:
    """Store an offer. The same offer again answers 200 with what was stored first."""
    caller = grant.known
    if caller.org not in (offer.community, offer.buyer):
        raise NotAParty("store_contract")
    async with store.db.transaction(caller) as tx:
        contract_id, new = await contracts_store.add_contract(tx, offer, caller)
        contract = await contracts_store.contract(tx, contract_id)
    if contract is None:
        raise Missing("contract", contract_id)
    response.status_code = 201 if new else 200
    return shown(contract)


@router.get("/v1/contracts")
async def list_contracts(grant: GrantDep, store: StoreDep, cursor: Cursor = None, limit: Limit = 50) -> ContractsOut:
    """Offers of the caller's organisation, as community or as buyer, newest first."""
    caller, after = grant.known, read_cursor(cursor)
    async with store.db.transaction(caller) as tx:
        found = await contracts_store.contracts_of(tx, caller.org, after, limit + 1)
    more = write_cursor((found[limit - 1].created_at, found[limit - 1].id)) if len(found) > limit else None
    return ContractsOut(items=[_listed(one) for one in found[:limit]], next=more)


@router.get("/v1/contracts/{contract_id}")
async def read_contract(contract_id: str, grant: GrantDep, store: StoreDep) -> ContractOut:
    """One offer, to its parties; to anyone else it does not exist."""
    async with store.db.transaction(grant.known) as tx:
        contract = await contracts_store.contract(tx, contract_id)
    if contract is None:
        raise Missing("contract", contract_id)
    grant.require(*contract.parties, kind="contract", key=contract_id)
    return shown(contract)


def shown(contract: Contract) -> ContractOut:
    """A stored offer as it is answered."""
    return ContractOut(
        id=contract.id,
        offer=contract.offer,
        offer_sha256=contract.offer_sha256,
        created_by_org=contract.created_by_org,
        created_at=contract.created_at,
    )


def _listed(one: Listed) -> ListedContractOut:
    return ListedContractOut(
        id=one.id,
        title=one.title,
        community=one.community,
        buyer=one.buyer,
        region=one.region,
        offered_on=one.offered_on,
        offer_sha256=one.offer_sha256,
        created_at=one.created_at,
    )
