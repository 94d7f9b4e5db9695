"""Verifications by public lottery, and the trees that were drawn."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from services.permits.domain.verification import Basis, SampleTree, Verification
from services.permits.store import visits
from services.permits.store.session import Tx
from shared.timber.lottery import Draw
from shared.timber.norms.lottery import Design
from shared.timber.outgoing import Announced

_ADD_BASIS = text(
    "INSERT INTO draw_bases (plan, stage, origin, after_size, first_entry, last_entry, committed_entry)"
    " VALUES (:plan, :stage, :origin, :after, :first, :last, :committed) ON CONFLICT DO NOTHING"
)
_BASIS = text(
    "SELECT origin, after_size, first_entry, last_entry, committed_entry FROM draw_bases"
    " WHERE plan = :plan AND stage = :stage"
)
_ADD = text(
    "INSERT INTO verifications (number, plan, stage, census_root, listing_root, verifier, design, cites)"
    " VALUES (:number, :plan, :stage, :census_root, :listing_root, :verifier, CAST(:design AS jsonb),"
    " CAST(:cites AS text[])) ON CONFLICT DO NOTHING RETURNING 1"
)
_SELECT = (
    f"SELECT {visits.COLUMNS}, f.stage, f.census_root, f.listing_root, b.origin, b.after_size, b.first_entry, b.last_entry,"  # noqa: S608
    " b.committed_entry, f.design, f.cites, f.note, f.cosignature, f.seed, f.strata, f.drawn_at"
    " FROM verifications f JOIN field_visits v ON v.number = f.number"
    " JOIN draw_bases b ON b.plan = f.plan AND b.stage = f.stage"
)
_ONE = text(_SELECT + " WHERE f.number = :number AND f.plan = :plan")
_OF_PLAN = text(_SELECT + " WHERE f.plan = :plan AND f.number > :after ORDER BY f.number LIMIT CAST(:limit AS bigint)")
_ELSEWHERE = text(
    "SELECT v.plan, f.number, f.stage, f.seed IS NOT NULL FROM verifications f JOIN field_visits v ON v.number = f.number"
    " WHERE v.title = :title AND v.plan <> :plan ORDER BY v.opened_at DESC, f.number DESC LIMIT :limit"
)
_TITLE = text("SELECT title FROM field_visits WHERE plan = :plan AND kind = 'verification' LIMIT 1")
_DRAW = text(
    "UPDATE verifications SET note = :note, cosignature = :cosignature, seed = :seed, strata = CAST(:strata AS jsonb),"
    " drawn_at = :at WHERE number = :number AND seed IS NULL RETURNING 1"
)
_ADD_TREES = text(
    "INSERT INTO verification_trees (verification, parcel, code, stratum, rank, ticket) SELECT :number, u.* FROM"
    " unnest(CAST(:parcels AS text[]), CAST(:codes AS text[]), CAST(:strata AS text[]), CAST(:ranks AS int[]),"
    " CAST(:tickets AS text[])) AS u"
)
_TREES = text(
    "SELECT parcel, code, stratum, rank, ticket FROM verification_trees WHERE verification = :number"
    " ORDER BY stratum, rank"
)
_LETTERS = text(
    "SELECT sid, state, origin, log_index FROM outbox WHERE subject = :subject AND type IN ('plan.approved', 'census.listed')"
    " AND state = 'published'"
)


async def basis(tx: Tx, plan: str, stage: str, proposed: Basis) -> Basis:
    """What the draws of a plan at a stage follow from: ``proposed`` the first time, and what was fixed then ever after."""
    first, last = proposed.entries or (None, None)
    values = {
        "plan": plan,
        "stage": stage,
        "origin": proposed.origin,
        "after": proposed.after,
        "first": first,
        "last": last,
        "committed": proposed.committed,
    }
    await tx.execute(_ADD_BASIS, values)
    return _basis((await tx.execute(_BASIS, {"plan": plan, "stage": stage})).one())


def _basis(row: Sequence[Any]) -> Basis:
    origin, after, first, last, committed = row
    return Basis(origin, after, None if first is None else (first, last), committed)


async def add_verification(tx: Tx, one: Verification) -> bool:
    """Keep what was fixed at the opening; its visit and basis must be there. ``False`` when the verifier has one already."""
    values = {
        "number": one.visit.number, "plan": one.visit.plan, "stage": one.stage, "census_root": one.census_root,
        "listing_root": one.listing_root, "verifier": one.visit.visitor,
        "design": orjson.dumps(asdict(one.design)).decode(), "cites": list(one.cites),
    }  # fmt: skip
    return (await tx.execute(_ADD, values)).first() is not None


async def verification(tx: Tx, plan: str, number: str) -> Verification | None:
    """One verification of a plan."""
    row = (await tx.execute(_ONE, {"plan": plan, "number": number})).first()
    return None if row is None else _verification(row)


async def verifications(tx: Tx, plan: str, after: str = "", limit: int | None = None) -> list[Verification]:
    """Those of a plan by number: at most one for each stage and verifier."""
    asked = {"plan": plan, "after": after, "limit": limit}
    return [_verification(row) for row in await tx.execute(_OF_PLAN, asked)]


async def elsewhere(tx: Tx, title: str, plan: str, limit: int) -> list[tuple[str, str, str, bool]]:
    """Plan, number and stage of the verifications of other plans of the title, the newest first, and whether they were drawn."""
    rows = await tx.execute(_ELSEWHERE, {"title": title, "plan": plan, "limit": limit})
    return [tuple(row) for row in rows]


async def title_of(tx: Tx, plan: str) -> str | None:
    """The title of a plan that has a verification, also for who may not see the plan; ``None`` without one."""
    title: str | None = (await tx.execute(_TITLE, {"plan": plan})).scalar_one_or_none()
    return title


async def note_draw(tx: Tx, number: str, note: bytes, cosignature: str | None, drawn: Draw, at: datetime) -> bool:
    """Keep the draw and its trees; ``False`` when it was drawn before."""
    strata = [{"name": s.name, "trees": s.of, "volume_dm3": s.volume_dm3, "sample": s.sample} for s in drawn.strata]
    values = {
        "number": number, "note": note, "cosignature": cosignature, "seed": drawn.seed,
        "strata": orjson.dumps(strata).decode(), "at": at,
    }  # fmt: skip
    if (await tx.execute(_DRAW, values)).first() is None:
        return False
    sample = drawn.sample
    await tx.execute(
        _ADD_TREES,
        {
            "number": number, "parcels": [d.tree.parcel for d in sample], "codes": [d.tree.code for d in sample],
            "strata": [d.stratum for d in sample], "ranks": [d.rank for d in sample],
            "tickets": [d.ticket for d in sample],
        },
    )  # fmt: skip
    return True


async def sample(tx: Tx, number: str) -> list[SampleTree]:
    """The drawn trees by stratum and rank."""
    return [SampleTree(*row) for row in await tx.execute(_TREES, {"number": number})]


async def census_letters(tx: Tx, plan: str) -> list[Announced]:
    """Where the log has the plan and the parts of its census, as far as it has answered."""
    rows = await tx.execute(_LETTERS, {"subject": f"plan:{plan}"})
    return [Announced(row[0], "in_log", row[2], row[3], None) for row in rows]


def _verification(row: Sequence[Any]) -> Verification:
    stage, census_root, listing_root, *based, design, cites, note, line, seed, strata, at = row[visits.WIDTH :]
    return Verification(
        visits.visit_of(row), stage, census_root, listing_root, _basis(based), Design(**design), tuple(cites), note, line, seed,
        tuple(strata or ()), at,
    )  # fmt: skip
