"""A settlement with what stands behind it: its contract, the version it settles, what that makes of it, the other sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.contracts.api.house import day_in_peru
from services.contracts.api.versions import party_contract
from services.contracts.domain.beside import Other
from services.contracts.domain.contract import NotSigned, Version, in_force_before
from services.contracts.domain.differences import Elsewhere
from services.contracts.domain.matched import KeptLot
from services.contracts.domain.owed import Owed, owed
from services.contracts.domain.reconciliation import Reconciliation, reconcile
from services.contracts.domain.settlement import MOST_SETTLEMENTS, STATES_ES, SettlementEnded, SettlementText
from services.contracts.shipped import flag_pack, legal_rates, settling_limits
from services.contracts.store import outbox
from services.contracts.store import settlements as kept
from services.contracts.store import versions as known_versions
from services.contracts.store.contracts import Contract
from services.contracts.store.settlements import Settlement
from services.contracts.store.versions import Tx
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.web.access import Grant


@dataclass(frozen=True, slots=True)
class Delivery:
    """One party's settlement of a lot, and the contract behind it."""

    found: Settlement
    contract: Contract
    versions: Sequence[Version]

    @property
    def version(self) -> Version:
        """The one that it settles."""
        return self.versions[self.found.stated.version - 1]

    @property
    def comes_to(self) -> Owed:
        """What its version of the contract makes of it."""
        return owed(self.version.text, self.found.stated)


async def settlement(tx: Tx, settlement_id: str) -> Settlement:
    """A settlement of a contract the caller is a party of; ``Missing`` else."""
    found = await kept.settlement(tx, settlement_id)
    if found is None:
        raise Missing("settlement", settlement_id)
    return found


async def delivery(tx: Tx, settlement_id: str, grant: Grant) -> Delivery:
    """The same with what stands behind it."""
    found = await settlement(tx, settlement_id)
    contract = await party_contract(tx, found.stated.contract, grant)
    versions = await known_versions.versions(tx, found.stated.contract)
    signed(versions, found.stated)
    return Delivery(found, contract, versions)


def signed(versions: Sequence[Version], stated: SettlementText) -> Version:
    """The version that is settled, which both parties have signed."""
    if stated.version > len(versions):
        raise Missing("version", f"{stated.contract}/{stated.version}")
    version = versions[stated.version - 1]
    if version.sealed is None:
        raise NotSigned(stated.version)
    return version


def check_open(found: Settlement) -> None:
    """Refuse to add to what has ended."""
    if found.state != "open":
        raise SettlementEnded(found.id, found.state, STATES_ES[found.state])


async def standing(tx: Tx, found: Sequence[Settlement]) -> Mapping[str, Announced]:
    """Where their seals stand on the way into the log."""
    return await outbox.standing(tx, [one.sid for one in found if one.sid is not None])


@dataclass(frozen=True, slots=True)
class Around:
    """What else the parties have stated that bears on a settlement: of the same lot, and elsewhere."""

    other: Other | None
    elsewhere: Elsewhere


async def around(tx: Tx, known: Delivery) -> Around:
    """What the other party states of the lot, and what of it other settlements count too."""
    found, texts = known.found, known.versions
    other: Other | None = None
    if found.beside is not None:
        there = await settlement(tx, found.beside)
        theirs = owed(signed(texts, there.stated).text, there.stated)
        other = Other(there.id, there.stated_by_org, there.stated, theirs)
    every = await kept.of_contract(tx, found.stated.contract, None, MOST_SETTLEMENTS)
    community = known.contract.offer.community
    counted = [one for one in every if one.stated.lot != found.stated.lot and one.counts(community)]
    elsewhere = Elsewhere(
        lot=await kept.lot_elsewhere(tx, found),
        receipts=await kept.receipts_elsewhere(tx, found, community),
        counted=tuple((one.id, texts[one.stated.version - 1].text, one.stated) for one in counted),
        version=in_force_before(texts, found.stated.version, found.stated.delivered_on, day_in_peru),
    )
    return Around(other, elsewhere)


def reconciled(known: Delivery, near: Around, lot: KeptLot, on: date) -> Reconciliation:
    """How it stands on a day beside what custody answered."""
    offer, comes_to = known.contract.offer, known.comes_to
    return reconcile(
        known.version.text, known.found.stated, (offer.community, offer.buyer or ""), comes_to, known.found.payments, lot,
        legal_rates(comes_to.currency), flag_pack(), settling_limits(), on, near.elsewhere, near.other,
    )  # fmt: skip
