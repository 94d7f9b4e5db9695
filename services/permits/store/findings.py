"""Reviews of plans, what they found, and what was done about it. Nothing here is ever changed, only added.

Evidence, the words of people and who said them lie apart in ``finding_papers``, which row-level security keeps to those
concerned: number 0 is the evidence, number n what was said at the n-th act.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from services.permits.domain.day import peru_day
from services.permits.domain.finding import Finding
from services.permits.domain.finding_life import Done, KnownFinding, Review, digest_of
from services.permits.domain.plan import Plan
from services.permits.domain.rules.catalogue import About
from services.permits.store.session import Tx

_ADD_FINDINGS = text(
    "INSERT INTO findings (plan, digest, rule, status, severity, kind, numeral, false_data, subject, computed, threshold,"
    " norm, source, es, en, opened_at) SELECT :plan, decode(r.digest, 'hex'), r.rule, r.status, r.severity, r.kind,"
    " r.numeral, r.false_data, r.subject, r.computed, r.threshold, r.norm, r.source, r.es, r.en, :at"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (digest text, rule text, status text, severity text, kind text,"
    " numeral text, false_data boolean, subject text, computed jsonb, threshold jsonb, norm text, source text, es text,"
    " en text) ON CONFLICT DO NOTHING"
)
_ADD_EVIDENCE = text(
    "INSERT INTO finding_papers (finding, seq, org, regent, region, document)"
    " SELECT f.id, 0, :org, :regent, :region, r.evidence"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (digest text, evidence jsonb)"
    " JOIN findings f ON f.plan = :plan AND f.digest = decode(r.digest, 'hex') ON CONFLICT DO NOTHING"
)
_ADD_REVIEW = text(
    "INSERT INTO plan_reviews (plan, at, by_sub, by_org, norms, census_root, changes, findings)"
    " SELECT :plan, :at, :by, :org, :norms, :root, :changes, array_agg(f.id ORDER BY r.n)"
    " FROM unnest(CAST(:digests AS text[])) WITH ORDINALITY AS r (digest, n)"
    " JOIN findings f ON f.plan = :plan AND f.digest = decode(r.digest, 'hex') RETURNING id"
)
_REVIEW = text(
    "SELECT id, plan, at, by_sub, by_org, norms, census_root, changes FROM plan_reviews WHERE plan = :plan"
    " AND (CAST(:review AS bigint) IS NULL OR id = :review) ORDER BY id DESC LIMIT 1"
)
# All of it is only added to, so equal counts are the same facts; instants would be those at which transactions began.
_CHANGES = text(
    "SELECT (SELECT count(*) FROM licences WHERE org = :regent AND version > 1)"
    " + (SELECT count(*) FROM cites_papers WHERE plan = :plan AND version > 1)"
    " + (SELECT count(*) FROM crown_looks WHERE plan = :plan AND by_org <> ALL(CAST(:makers AS text[])))"
    " + (SELECT count(*) FROM field_visits WHERE plan = :plan AND closed_at IS NOT NULL)"
    " + (SELECT count(*) FROM plan_acts WHERE plan = :plan AND act = 'inspect')"
)
_COLUMNS = (
    "SELECT CAST(f.id AS text) AS id, f.rule, f.status, f.severity, f.kind, f.numeral, f.false_data, f.subject, f.computed,"
    " f.threshold, f.norm, f.source, f.es, f.en, f.opened_at, e.document AS evidence FROM findings f"
    " LEFT JOIN finding_papers e ON e.finding = f.id AND e.seq = 0"
)
_OF_REVIEW = text(
    _COLUMNS
    + " JOIN plan_reviews r ON f.id = ANY(r.findings) WHERE r.id = :review ORDER BY array_position(r.findings, f.id)"
)
_ONE = text(_COLUMNS + " WHERE f.plan = :plan AND f.id = CAST(:id AS uuid)")
_ACTS = text(
    "SELECT CAST(a.finding AS text), a.act, a.state, a.outcome, a.at, a.by_sub, a.by_org, p.document FROM finding_acts a"
    " LEFT JOIN finding_papers p ON p.finding = a.finding AND p.seq = a.seq"
    " WHERE a.finding = ANY(CAST(:ids AS uuid[])) ORDER BY a.finding, a.seq"
)
_ADD_ACT = text(
    "INSERT INTO finding_acts (finding, seq, act, state, outcome, at, by_sub, by_org) VALUES"
    " (CAST(:id AS uuid), :seq, :act, :state, :outcome, :at, :by, :org) ON CONFLICT DO NOTHING RETURNING 1"
)
_ADD_PAPER = text(
    "INSERT INTO finding_papers (finding, seq, org, regent, region, document)"
    " VALUES (CAST(:id AS uuid), :seq, :org, :regent, :region, CAST(:document AS jsonb))"
)
_HANDED_IN = text("SELECT max(at) FROM plan_reviews WHERE plan = :plan AND by_org = :org")
_REGION = text(
    "SELECT CAST(f.computed ->> :figure AS bigint) FROM plans p"
    " JOIN LATERAL (SELECT findings FROM plan_reviews WHERE plan = p.id ORDER BY id DESC LIMIT 1) r ON true"
    " JOIN findings f ON f.plan = p.id AND f.rule = :rule AND f.id = ANY(r.findings)"
    " WHERE p.region = :region AND p.sid IS NOT NULL AND p.id <> :plan AND f.computed ->> :figure IS NOT NULL"
)


async def changes_around(tx: Tx, plan: Plan) -> int:
    """How often something that the rules over a plan read was changed by others than its makers: a paper corrected, ended or
    revoked, its crowns or its trees looked at."""
    asked = {"plan": plan.id, "regent": plan.regent, "makers": sorted(plan.makers)}
    count: int = (await tx.execute(_CHANGES, asked)).scalar_one()
    return count


async def add_review(
    tx: Tx, plan: Plan, found: Sequence[tuple[Finding, About]], at: datetime, by: str, org: str, norms: str, changes: int
) -> None:  # fmt: skip
    """Keep a review, with the ``changes`` counted before it read anything. What was found before with the same figures stays the same
    finding, with all that was done about it."""
    rows = [_row(finding, about) for finding, about in found]
    values = {"plan": plan.id, "rows": json.dumps(rows, default=str)}
    await tx.execute(_ADD_FINDINGS, values | {"at": at})
    await tx.execute(_ADD_EVIDENCE, values | {"org": plan.org, "regent": plan.regent, "region": plan.region})
    digests = [row["digest"] for row in rows]
    asked = {
        "plan": plan.id,
        "at": at,
        "by": by,
        "org": org,
        "norms": norms,
        "root": plan.census.root,
        "changes": changes,
        "digests": digests,
    }
    (await tx.execute(_ADD_REVIEW, asked)).one()


def _row(finding: Finding, about: About) -> dict[str, Any]:
    return {
        **finding.facts(), "digest": digest_of(finding).hex(), "kind": about.kind, "numeral": about.numeral,
        "false_data": about.false_data,
    }  # fmt: skip


async def reviewed(tx: Tx, plan: str, review: int | None = None) -> tuple[Review | None, list[KnownFinding]]:
    """The last review of a plan, or the one with this number, and what it found; ``None`` and nothing without one."""
    row = (await tx.execute(_REVIEW, {"plan": plan, "review": review})).first()
    if row is None:
        return None, []
    one = Review(*row)
    return one, await _known(tx, (await tx.execute(_OF_REVIEW, {"review": one.id})).mappings())


async def handed_in_on(tx: Tx, plan: Plan) -> date | None:
    """The day of the review that its community's last submission brought; ``None`` for a plan of before the reviews."""
    at: datetime | None = (await tx.execute(_HANDED_IN, {"plan": plan.id, "org": plan.org})).scalar_one()
    return None if at is None else peru_day(at)


async def finding(tx: Tx, plan: str, finding_id: str) -> KnownFinding | None:
    """One finding of a plan, also of an earlier review."""
    found = await _known(tx, (await tx.execute(_ONE, {"plan": plan, "id": finding_id})).mappings())
    return found[0] if found else None


async def add_act(tx: Tx, plan: Plan, known: KnownFinding, done: Done) -> bool:
    """Keep an act; ``False`` when somebody else acted in the same moment."""
    seq = len(known.acts) + 1
    act = {
        "id": known.id, "seq": seq, "act": done.act, "state": done.state, "outcome": done.outcome, "at": done.at,
        "by": done.by, "org": done.org,
    }  # fmt: skip
    if (await tx.execute(_ADD_ACT, act)).first() is None:
        return False
    document = json.dumps({"text": done.text, "attachment_sha256": done.attachment_sha256})
    paper = {"id": known.id, "seq": seq, "org": plan.org, "regent": plan.regent, "region": plan.region}
    await tx.execute(_ADD_PAPER, paper | {"document": document})
    return True


async def figures_of_region(tx: Tx, region: str, but: str, rule: str, figure: str) -> tuple[int, ...]:
    """What a rule computed for the other approved plans of a region, at their last review."""
    asked = {"region": region, "plan": but, "rule": rule, "figure": figure}
    return tuple((await tx.execute(_REGION, asked)).scalars())


async def _known(tx: Tx, rows: Any) -> list[KnownFinding]:
    found = [dict(row) for row in rows]
    acts: dict[str, list[Done]] = {row["id"]: [] for row in found}
    for known, act, state, outcome, at, by, org, paper in await tx.execute(_ACTS, {"ids": list(acts)}):
        said = paper or {"text": None, "attachment_sha256": None}
        acts[known].append(Done(act, state, outcome, at, by, org, said["text"], said["attachment_sha256"]))
    return [_one(row, tuple(acts[row["id"]])) for row in found]


def _one(row: dict[str, Any], acts: tuple[Done, ...]) -> KnownFinding:
    about = About(row.pop("kind"), row.pop("numeral"), row.pop("false_data"))
    known, opened_at, evidence = row.pop("id"), row.pop("opened_at"), row.pop("evidence")
    return KnownFinding(known, Finding(**row, evidence=evidence or []), about, opened_at, acts, evidence is not None)
