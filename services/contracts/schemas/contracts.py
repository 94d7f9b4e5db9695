"""Answers about stored offers. No field has a default: every one is always there."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from services.contracts.domain.border import Day
from services.contracts.domain.offer import Offer
from services.contracts.schemas.answer import Out
from services.contracts.schemas.cursor import ID

ContractId = Annotated[str, StringConstraints(pattern=f"^{ID.pattern}$")]


class ContractOut(Out):
    id: str
    offer: Offer
    offer_sha256: str
    created_by_org: str
    created_at: datetime


class ListedContractOut(Out):
    id: str
    title: str
    community: str
    buyer: str | None
    region: str
    offered_on: Day
    offer_sha256: str
    created_at: datetime


class ContractsOut(Out):
    items: list[ListedContractOut]
    next: str | None
