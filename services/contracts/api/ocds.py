"""A contract as an OCDS release, with prices for those who may read them."""

from typing import Any

from services.contracts.api.house import StoreDep
from services.contracts.api.versions import party_contract
from services.contracts.domain.ocds import Parties, Settled, release
from services.contracts.domain.settlement import MOST_SETTLEMENTS
from services.contracts.store import contracts as contracts_store
from services.contracts.store import settlements
from services.contracts.store import versions as kept
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["contract versions"])
# Who reads the contract itself; the other members of a party read the export without its prices.
READS_PRICES = frozenset({"manager", "company", "machine"})


@router.get("/v1/contracts/{contract_id}/ocds")
async def export_contract(contract_id: str, grant: GrantDep, store: StoreDep) -> dict[str, Any]:
    """The contract in the shape of an OCDS 1.1 release, by its own id or by the one in its ``ocid``. Prices and payments
    are in it for who may read the contract; the other members of its parties get it without."""
    async with store.db.transaction(grant.known) as tx:
        own_id = await contracts_store.contract_of_ocid(tx, contract_id)
        contract = await party_contract(tx, own_id or contract_id, grant)
        versions = await kept.versions(tx, contract.id)
        found = await settlements.of_contract(tx, contract.id, None, MOST_SETTLEMENTS)
    if not versions:
        raise Missing("version", contract_id)
    offer = contract.offer
    settled = [
        Settled(one.seq, one.stated, one.payments, None if one.closed is None else one.closed.at)
        for one in reversed(found)
        if one.counts(offer.community)
    ]
    parties = Parties(contract.ocds_id, offer.community, offer.buyer or "", offer.buyer_name)
    return release(parties, versions, settled, prices=bool(grant.known.roles & READS_PRICES))
