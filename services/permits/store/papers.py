"""Licences of regents and CITES papers of plans, as authorities registered them: only added to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from services.permits.domain.paper import CitesPaper, Licence
from services.permits.store.session import Tx

_ADD_LICENCE = text(
    "INSERT INTO licences (org, number, valid_from, valid_to, registered_by, by_org, at)"
    " VALUES (:org, :number, :valid_from, :valid_to, :by, :by_org, :at) ON CONFLICT DO NOTHING RETURNING 1"
)
_LICENCES = text("SELECT number, valid_from, valid_to FROM licences WHERE org = :org ORDER BY valid_from, number")
_ADD_CITES = text(
    "INSERT INTO cites_papers (plan, species, kind, number, registered_by, by_org, at)"
    " VALUES (:plan, :species, :kind, :number, :by, :by_org, :at) ON CONFLICT DO NOTHING RETURNING 1"
)
_CITES = text("SELECT species, kind, number FROM cites_papers WHERE plan = :plan ORDER BY species, at, number")


async def add_licence(tx: Tx, org: str, licence: Licence, by: str, by_org: str, at: datetime) -> bool:
    """Keep a licence; ``False`` when the organisation has one of this number."""
    values = {name: getattr(licence, name) for name in Licence.__slots__}
    return (
        await tx.execute(_ADD_LICENCE, values | {"org": org, "by": by, "by_org": by_org, "at": at})
    ).first() is not None


async def licences(tx: Tx, org: str) -> Sequence[Licence]:
    """The licences of an organisation in the order they began."""
    return [Licence(*row) for row in await tx.execute(_LICENCES, {"org": org})]


async def add_cites(tx: Tx, plan: str, paper: CitesPaper, by: str, by_org: str, at: datetime) -> bool:
    """Keep a paper; ``False`` when the plan has this one for the species."""
    values = {name: getattr(paper, name) for name in CitesPaper.__slots__}
    return (
        await tx.execute(_ADD_CITES, values | {"plan": plan, "by": by, "by_org": by_org, "at": at})
    ).first() is not None


async def cites(tx: Tx, plan: str) -> Sequence[CitesPaper]:
    """The papers of a plan by species, as far as the caller may see it."""
    return [CitesPaper(*row) for row in await tx.execute(_CITES, {"plan": plan})]
