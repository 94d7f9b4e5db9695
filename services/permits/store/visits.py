"""Field visits and what was found in them, tree by tree. Results are added, never changed: the last of a tree counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.engine import Row

from services.permits.domain.field_norms import Tolerances
from services.permits.domain.field_tree import FieldTree, Place, Planned
from services.permits.domain.plan import Plan
from services.permits.domain.visit import Result, Visit, VisitClosed
from services.permits.store.session import Tx, one_at_a_time
from shared.tlog import canon

COLUMNS = (
    "v.number, v.kind, v.plan, v.org, v.regent, v.region, v.visitor, v.tolerances, v.opened_by, v.opened_at,"
    " v.closed_by, v.closed_at"
)
WIDTH = 12
# Visits and inspections share their numbers, and no constraint goes over both tables.
_NUMBERS = "numbers of inspections"
_ADD = text(
    "INSERT INTO field_visits (number, kind, plan, title, org, regent, region, visitor, tolerances, opened_by, opened_at)"
    " VALUES (:number, :kind, :plan, :title, :org, :regent, :region, :visitor, CAST(:tolerances AS jsonb), :opened_by,"
    " :opened_at) ON CONFLICT DO NOTHING RETURNING 1"
)
_CLOSE = text(
    "UPDATE field_visits SET closed_by = :closed_by, closed_at = :closed_at WHERE number = :number AND closed_at IS NULL"
    " RETURNING 1"
)
_HOLD = text("SELECT 1 FROM field_visits WHERE number = :number AND closed_at IS NULL FOR UPDATE")
# An inspection reported by hand may not take a number under which a visit will report.
_RESERVED = text(
    "SELECT 1 FROM field_visits WHERE :number = number OR :number ~ ('^' || replace(number, '.', '[.]') || '-[0-9]+$')"
)
_TAKEN = text(
    "SELECT 1 FROM inspections WHERE number = :number OR number ~ ('^' || replace(:number, '.', '[.]') || '-[0-9]+$')"
)
_ADD_RESULT = text(
    "INSERT INTO field_results (visit, parcel, code, facts, recorded_by, recorded_at)"
    " VALUES (:visit, :parcel, :code, CAST(:facts AS jsonb), :recorded_by, :recorded_at) RETURNING seq"
)
_ADD_PLACE = text(
    "INSERT INTO field_places (seq, org, region, visitor, zone, easting_dm, northing_dm, observation, reason)"
    " VALUES (:seq, :org, :region, :visitor, :zone, :easting_dm, :northing_dm, :observation, :reason)"
)
_RESULTS = text(
    "SELECT DISTINCT ON (parcel, code) seq, parcel, code, facts, recorded_by, recorded_at,"
    " count(*) OVER (PARTITION BY parcel, code) FROM field_results WHERE visit = :visit ORDER BY parcel, code, seq DESC"
)
_PRIVATE = text(
    "SELECT seq, zone, easting_dm, northing_dm, observation, reason FROM field_places WHERE seq IN :seqs"
).bindparams(bindparam("seqs", expanding=True))
_RECORDERS = text(
    "SELECT DISTINCT recorded_by FROM field_results WHERE visit IN (SELECT number FROM field_visits WHERE plan = :plan)"
)
_PLANNED = text(
    "SELECT t.parcel, t.code, t.species, t.dbh_mm, t.height_mm, t.volume_dm3, t.condition, l.document"
    " FROM census_trees t JOIN unnest(CAST(:parcels AS text[]), CAST(:codes AS text[])) AS u (parcel, code)"
    " ON u.parcel = t.parcel AND u.code = t.code"
    " LEFT JOIN census_lines l ON l.plan = t.plan AND l.position = t.position WHERE t.plan = :plan"
)
_PERMIT_MAKERS = text("SELECT proposed_by, approved_by FROM permits WHERE number = :number")


async def add_visit(tx: Tx, visit: Visit, plan: Plan) -> bool:
    """Keep a new visit; ``False`` when the number is taken, also by an inspection."""
    await one_at_a_time(tx, _NUMBERS)
    if (await tx.execute(_TAKEN, {"number": visit.number})).first() is not None:
        return False
    values = {
        "number": visit.number, "kind": visit.kind, "plan": visit.plan, "title": plan.title, "org": visit.org,
        "regent": visit.regent, "region": visit.region, "visitor": visit.visitor,
        "tolerances": orjson.dumps(visit.tolerances.facts()).decode(), "opened_by": visit.opened_by,
        "opened_at": visit.opened_at,
    }  # fmt: skip
    return (await tx.execute(_ADD, values)).first() is not None


async def reserved(tx: Tx, number: str) -> bool:
    """Whether a visit reports to the log under this number; it stays so until the transaction ends."""
    await one_at_a_time(tx, _NUMBERS)
    return (await tx.execute(_RESERVED, {"number": number})).first() is not None


async def hold(tx: Tx, number: str) -> None:
    """Hold an open visit of the caller's until the transaction ends, so that nothing is recorded while it closes.
    ``VisitClosed`` when it was closed meanwhile."""
    if (await tx.execute(_HOLD, {"number": number})).first() is None:
        raise VisitClosed(number)


async def close(tx: Tx, number: str, closed_by: str, at: datetime) -> None:
    """A visit that is held is closed."""
    (await tx.execute(_CLOSE, {"number": number, "closed_by": closed_by, "closed_at": at})).one()


def visit_of(row: Row[Any] | Sequence[Any]) -> Visit:
    """From the first columns of a row that selects ``COLUMNS``."""
    number, kind, plan, org, regent, region, visitor, tolerances, *rest = row[:WIDTH]
    return Visit(number, kind, plan, org, regent, region, visitor, Tolerances(**tolerances), *rest)


async def add_result(
    tx: Tx, visit: Visit, found: FieldTree, facts: dict[str, Any], by: str, at: datetime, reason: str | None
) -> None:
    """Keep a result, and apart from it what is not for everybody."""
    values = {
        "visit": visit.number, "parcel": found.parcel, "code": found.code, "facts": orjson.dumps(facts).decode(),
        "recorded_by": by, "recorded_at": at,
    }  # fmt: skip
    seq = (await tx.execute(_ADD_RESULT, values)).scalar_one()
    if found.place is None and found.observation is None and reason is None:
        return
    place = found.place
    await tx.execute(
        _ADD_PLACE,
        {
            "seq": seq, "org": visit.org, "region": visit.region, "visitor": visit.visitor,
            "zone": place and place.zone, "easting_dm": place and place.easting_dm,
            "northing_dm": place and place.northing_dm, "observation": found.observation,
            "reason": reason,
        },
    )  # fmt: skip


async def results(tx: Tx, number: str) -> dict[tuple[str, str], Result]:
    """The last result of each tree of a visit, by parcel and code."""
    rows = await tx.execute(_RESULTS, {"visit": number})
    return {(row[1], row[2]): Result(*row) for row in rows}


async def private_of(tx: Tx, seqs: Sequence[int]) -> dict[int, tuple[Place | None, str | None, str | None]]:
    """Place, observation and reason of these results, as far as the caller may see them."""
    if not seqs:
        return {}
    rows = await tx.execute(_PRIVATE, {"seqs": list(seqs)})
    return {row[0]: (None if row[1] is None else Place(*row[1:4]), row[4], row[5]) for row in rows}


async def recorders(tx: Tx, plan: str) -> list[str]:
    """Who recorded a result on this plan."""
    return list((await tx.execute(_RECORDERS, {"plan": plan})).scalars())


async def planned(tx: Tx, plan: str, trees: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Planned]:
    """These trees as the census has them, as far as the caller may see them; their places likewise."""
    values = {"plan": plan, "parcels": [parcel for parcel, _ in trees], "codes": [code for _, code in trees]}
    rows = await tx.execute(_PLANNED, values)
    return {
        (row.parcel, row.code): Planned(
            row.parcel, row.code, row.species, row.dbh_mm, row.height_mm, row.volume_dm3, row.condition,
            _place(row.document),
        )
        for row in rows
    }  # fmt: skip


def _place(document: bytes | None) -> Place | None:
    if document is None:
        return None
    utm = canon.decode(document)["utm"]
    return Place(utm["zone"], utm["easting_dm"], utm["northing_dm"])


async def permit_makers(tx: Tx, number: str) -> list[str]:
    """Who proposed a permit and who approved it."""
    row = (await tx.execute(_PERMIT_MAKERS, {"number": number})).first()
    return [] if row is None else [sub for sub in row if sub is not None]
