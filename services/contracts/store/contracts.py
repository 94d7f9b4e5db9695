"""Stored offers."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import canonical, sha256_of
from services.contracts.store.places import Place, older
from shared.web.auth import Caller


class ContractRow(SQLModel, table=True):
    """A stored offer."""

    __tablename__ = "contract"
    id: str = Field(primary_key=True)
    community: str
    buyer: str | None
    title: str
    region: str
    offered_on: date
    offer: bytes
    offer_sha256: str
    created_by_org: str
    created_by: str
    created_at: datetime
    ocds_id: str


@dataclass(frozen=True, slots=True)
class Contract:
    """A stored offer with who stored it and when, and the random id that it has for the world."""

    id: str
    offer: Offer
    offer_sha256: str
    created_by_org: str
    created_at: datetime
    ocds_id: str

    @property
    def parties(self) -> tuple[str, ...]:
        """The organisations that see it."""
        return (self.offer.community,) if self.offer.buyer is None else (self.offer.community, self.offer.buyer)


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract in a list."""

    id: str
    title: str
    community: str
    buyer: str | None
    region: str
    offered_on: date
    offer_sha256: str
    created_at: datetime


async def add_contract(tx: AsyncSession, offer: Offer, caller: Caller) -> tuple[str, bool]:
    """Store an offer once. Answers its id, and whether it is new."""
    digest = sha256_of(offer)
    row = {
        "id": digest[:32],
        "community": offer.community,
        "buyer": offer.buyer,
        "title": offer.title,
        "region": offer.region,
        "offered_on": offer.offered_on,
        "offer": canonical(offer),
        "offer_sha256": digest,
        "created_by_org": caller.org,
        "created_by": caller.sub,
    }
    statement = insert(ContractRow).values(row).on_conflict_do_nothing().returning(col(ContractRow.id))
    return digest[:32], (await tx.execute(statement)).first() is not None


async def contract(tx: AsyncSession, contract_id: str) -> Contract | None:
    """A contract the caller is a party of, by row-level security; none otherwise."""
    columns = (
        col(ContractRow.id), col(ContractRow.offer), col(ContractRow.offer_sha256),
        col(ContractRow.created_by_org), col(ContractRow.created_at), col(ContractRow.ocds_id),
    )  # fmt: skip
    found = (await tx.execute(select(*columns).where(col(ContractRow.id) == contract_id))).one_or_none()
    if found is None:
        return None
    return Contract(
        found.id, parse_offer(found.offer), found.offer_sha256, found.created_by_org, found.created_at, found.ocds_id
    )  # fmt: skip


async def contract_of_ocid(tx: AsyncSession, ocds_id: str) -> str | None:
    """The id of the contract that has this random one, to its parties."""
    statement = select(col(ContractRow.id)).where(col(ContractRow.ocds_id) == ocds_id)
    return (await tx.execute(statement)).scalar_one_or_none()


async def contracts_of(tx: AsyncSession, org: str, after: Place | None, limit: int) -> list[Listed]:
    """Contracts of an organisation as community or as buyer, newest first."""
    row = ContractRow
    mine = or_(col(row.community) == org, col(row.buyer) == org)
    columns = (
        col(row.id), col(row.title), col(row.community), col(row.buyer), col(row.region), col(row.offered_on),
        col(row.offer_sha256), col(row.created_at),
    )  # fmt: skip
    statement = select(*columns).where(and_(mine, older(row, after)))
    statement = statement.order_by(col(row.created_at).desc(), col(row.id).desc()).limit(limit)
    return [Listed(**found._mapping) for found in await tx.execute(statement)]


def parse_offer(content: bytes) -> Offer:
    """A stored offer, read back from its bytes."""
    return Offer.read_back(content)
