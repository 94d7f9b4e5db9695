"""Licences of regents and CITES papers of plans, as authorities registered and changed them: only added to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.permits.domain.paper import CitesPaper, Licence, PaperAct, Version
from services.permits.store.session import Tx

_ADD_LICENCE = text(
    "INSERT INTO licences (org, number, valid_from, valid_to, no_more_from, version, act, reason, registered_by, by_org, at)"
    " VALUES (:org, :number, :valid_from, :valid_to, :no_more_from, :version, :act, :reason, :by, :by_org, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_LICENCES = text(
    "SELECT number, valid_from, valid_to, no_more_from, version, act, reason, by_org, at FROM licences WHERE org = :org"
    " ORDER BY number, version"
)
_ADD_CITES = text(
    "INSERT INTO cites_papers (plan, species, kind, number, no_more_from, version, act, reason, registered_by, by_org, at)"
    " VALUES (:plan, :species, :kind, :number, :no_more_from, :version, :act, :reason, :by, :by_org, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_CITES = text(
    "SELECT species, kind, number, no_more_from, version, act, reason, by_org, at FROM cites_papers WHERE plan = :plan"
    " ORDER BY species, number, version"
)

Versions = Sequence[Version]


async def add_licence(tx: Tx, org: str, licence: Licence, version: Version, by: str) -> bool:
    """Keep a version of a licence; ``False`` when the organisation has this version of this number."""
    values = {name: getattr(licence, name) for name in Licence.__slots__}
    return (await tx.execute(_ADD_LICENCE, values | {"org": org} | _said(version, by))).first() is not None


async def licences(tx: Tx, org: str) -> list[tuple[Licence, Versions]]:
    """The licences of an organisation as they stand, in the order they begin, each with how it came to."""
    found: dict[str, tuple[Licence, list[Version]]] = {}
    for row in await tx.execute(_LICENCES, {"org": org}):
        _, earlier = found.get(row.number, (None, []))
        found[row.number] = (Licence(*row[:4]), [*earlier, Version(*row[4:])])
    return sorted(found.values(), key=lambda pair: (pair[0].valid_from, pair[0].number))


async def add_cites(tx: Tx, plan: str, paper: CitesPaper, version: Version, by: str) -> bool:
    """Keep a version of a paper; ``False`` when the plan has this version of this one for the species."""
    values = {name: getattr(paper, name) for name in CitesPaper.__slots__}
    return (await tx.execute(_ADD_CITES, values | {"plan": plan} | _said(version, by))).first() is not None


async def cites(tx: Tx, plan: str) -> list[tuple[CitesPaper, Versions]]:
    """The papers of a plan as they stand, by species, each with how it came to, as far as the caller may see the plan."""
    found: dict[tuple[str, str], tuple[CitesPaper, list[Version]]] = {}
    for row in await tx.execute(_CITES, {"plan": plan}):
        _, earlier = found.get((row.species, row.number), (None, []))
        found[row.species, row.number] = (CitesPaper(*row[:4]), [*earlier, Version(*row[4:])])
    return sorted(found.values(), key=lambda pair: (pair[0].species, pair[1][0].at, pair[0].number))


def first(by_org: str, at: datetime) -> Version:
    """The version with which a paper is registered."""
    return Version(1, "registered", "", by_org, at)


def next_of(versions: Versions, act: PaperAct, reason: str, by_org: str, at: datetime) -> Version:
    """The version that follows these."""
    return Version(versions[-1].number + 1, act, reason, by_org, at)


def _said(version: Version, by: str) -> dict[str, Any]:
    return {
        "version": version.number, "act": version.act, "reason": version.reason, "by": by, "by_org": version.by_org,
        "at": version.at,
    }  # fmt: skip
