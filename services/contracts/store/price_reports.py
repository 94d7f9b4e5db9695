"""What contracts remembers of reported prices. Rows are added, never changed; what is done to a report is an act beside it.

Row-level security shows a report to its author and to the stewards of its region. What is asked across organisations
goes through functions of the database that answer with figures and pseudonyms (migrations/0002).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.contracts.domain.pinned import canonical, sha256_of
from services.contracts.domain.price_report import Conversion, PriceReport
from services.contracts.domain.price_standing import Act, Reason, Sale, Standing, cleared, standing
from shared.web.auth import Caller
from shared.web.turn import TAKE_TURN

Place = tuple[datetime, str]
Tx = AsyncSession


@dataclass(frozen=True, slots=True)
class Filed:
    """A report as it stands in the database, with what was done to it."""

    id: str
    org: str
    reporter: str
    report: PriceReport
    sha256: str
    conversion: Conversion | None
    missing: tuple[str, ...]
    received_on: date
    created_at: datetime
    standing: Standing


@dataclass(frozen=True, slots=True)
class Relation:
    """Two organisations of which a steward says that they are one, or no longer are."""

    org: str
    other: str
    linked: bool
    reason: str
    at: datetime


def id_of(org: str, report: PriceReport) -> str:
    """The id of a report here: of the organisation and of its own id for it. What a settlement seals is named apart, so
    that nobody takes its name beforehand."""
    sealed = "sealed\n" if report.settled else ""
    return hashlib.sha256(f"{sealed}{org}\n{report.id}".encode()).hexdigest()[:32]


def content_sha256(report: PriceReport) -> str:
    """The hash of everything a report says but its id: the same price filed twice has it twice."""
    return sha256_of(report.model_dump(mode="json", exclude={"id"}))


_ADD = text(
    "INSERT INTO price_report (id, client_id, org, reporter, side, species, product, point_of_sale, region, unit, rule,"
    " amount, currency, pen_m3, cash_pen_m3, factor, factor_source, fx_on, fx_source, terms_version, missing, sale_kind,"
    " observed_on, received_on, tier, evidence_sha256, counterpart_sha256, content, sha256, created_by)"
    " VALUES (:id, :client_id, :org, reporter_pseudonym(:org, :period), :side, :species, :product, :point_of_sale, :region,"
    " :unit, :rule, :amount, :currency, :pen_m3, :cash_pen_m3, :factor, :factor_source, :fx_on, :fx_source,"
    " :terms_version, :missing, :sale_kind, :observed_on, :received_on, :tier, :evidence_sha256, :counterpart_sha256,"
    " :content, :sha256, :created_by) ON CONFLICT DO NOTHING"
)
_COLUMNS = (
    "r.id, r.org, r.reporter, r.content, r.sha256, r.pen_m3, r.cash_pen_m3, r.factor, r.factor_source, r.fx_on,"
    " r.fx_source, r.terms_version, r.missing, r.received_on, r.created_at, (SELECT CAST(jsonb_agg(jsonb_build_object("
    "'act', a.act, 'reason', a.reason, 'facts', a.facts, 'note', a.note, 'at', a.at) ORDER BY a.seq) AS text)"
    " FROM price_report_act a WHERE a.report_id = r.id) AS acts"
)
_BY_ID = text(f"SELECT {_COLUMNS} FROM price_report r WHERE r.id = :id")  # noqa: S608 - columns of ours
_BY_CONTENT = text(f"SELECT {_COLUMNS} FROM price_report r WHERE r.org = :org AND r.sha256 = :sha256")  # noqa: S608
_OWN = text(
    f"SELECT {_COLUMNS} FROM price_report r WHERE r.org = :org"  # noqa: S608
    " AND (CAST(:at AS timestamptz) IS NULL OR (r.created_at, r.id) < (:at, :id))"
    " ORDER BY r.created_at DESC, r.id DESC LIMIT :limit"
)
_REVIEWED = text(
    f"SELECT {_COLUMNS} FROM price_report r WHERE"  # noqa: S608
    " EXISTS (SELECT 1 FROM price_report_act a WHERE a.report_id = r.id AND a.act = 'review_opened' AND a.seq >"
    " coalesce((SELECT max(d.seq) FROM price_report_act d WHERE d.report_id = r.id AND d.act <> 'review_opened'), 0))"
    " AND (CAST(:at AS timestamptz) IS NULL OR (r.created_at, r.id) < (:at, :id))"
    " ORDER BY r.created_at DESC, r.id DESC LIMIT :limit"
)
_EVERY = text(
    f"SELECT {_COLUMNS} FROM price_report r WHERE"  # noqa: S608
    " (CAST(:at AS timestamptz) IS NULL OR (r.created_at, r.id) < (:at, :id))"
    " ORDER BY r.created_at DESC, r.id DESC LIMIT :limit"
)
_ACT = text(
    "INSERT INTO price_report_act (report_id, act, reason, facts, note, by_org, by_sub, seen_sha256)"
    " VALUES (:report_id, :act, :reason, CAST(:facts AS jsonb), :note, :by_org, :by_sub, :seen_sha256)"
)
# What is done to one report is done by one at a time: a decision holds what it read until it is written.
_ALONE = text(TAKE_TURN.format("'price_report:' || :report_id"))
# Both sides of a sale may arrive in one moment: the second waits until the first is there to be compared with.
_ONE_PAIR_AT_A_TIME = text(
    "INSERT INTO reported_sale AS s VALUES (:pair) ON CONFLICT (pair_sha256) DO UPDATE SET pair_sha256 = s.pair_sha256"
)
_OTHER_SIDE = text(
    "SELECT id, side, species, observed_on, product, point_of_sale, region, unit, rule, currency, bark, amount, pen_m3,"
    " CAST(acts AS text) AS acts"
    " FROM other_side(:pair, :org) ORDER BY id"
)
_RELATE = text(
    "INSERT INTO related_party (org, other, linked, reason, by_org, by_sub)"
    " VALUES (:org, :other, :linked, :reason, :by_org, :by_sub)"
)
_RELATION = text(
    "SELECT org, other, linked, reason, at FROM related_party WHERE org = :org AND other = :other ORDER BY seq DESC LIMIT 1"
)
_RELATIONS = text(
    "SELECT DISTINCT ON (org, other) org, other, linked, reason, at FROM related_party"
    " WHERE (org, other) > (:org, :other) ORDER BY org, other, seq DESC LIMIT :limit"
)

_ONLY_IN = text("SELECT bool_and(reports_only_in(org, :region)) FROM unnest(CAST(:orgs AS text[])) AS o (org)")


async def add_report(
    tx: Tx,
    report: PriceReport,
    conversion: Conversion | None,
    missing: Sequence[str],
    org: str,
    received_on: date,
    caller: Caller,
) -> bool:
    """Store a report of an organisation once. False when its id, or all that it says, is already there."""
    line, made = report.line, conversion
    row = {
        "id": id_of(org, report), "client_id": report.id, "org": org, "period": period_of(received_on),
        "side": report.side, "species": report.species, "product": line.product.value,
        "point_of_sale": line.point_of_sale.value, "region": report.region, "unit": line.unit.value,
        "rule": line.rule.value, "amount": line.price.amount, "currency": line.price.currency,
        "pen_m3": made and made.pen_m3, "cash_pen_m3": made and made.cash_pen_m3, "factor": made and made.factor,
        "factor_source": made and made.factor_source, "fx_on": made and made.fx_on, "fx_source": made and made.fx_source,
        "terms_version": made and made.version, "missing": list(missing), "sale_kind": report.sale_kind,
        "observed_on": report.observed_on, "received_on": received_on, "tier": report.tier,
        "evidence_sha256": report.evidence_sha256, "counterpart_sha256": report.counterpart_sha256,
        "content": canonical(report), "sha256": content_sha256(report), "created_by": caller.sub,
    }  # fmt: skip
    return bool((await tx.execute(_ADD, row)).rowcount)  # type: ignore[attr-defined]


def period_of(day: date) -> str:
    """The quarter through which a reporter keeps one pseudonym."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


async def report(tx: Tx, report_id: str) -> Filed | None:
    """A report that the caller filed or watches over; none otherwise."""
    row = (await tx.execute(_BY_ID, {"id": report_id})).mappings().one_or_none()
    return None if row is None else _filed(row)


async def report_saying(tx: Tx, org: str, sha256: str) -> Filed | None:
    """The report of an organisation that says exactly this."""
    row = (await tx.execute(_BY_CONTENT, {"org": org, "sha256": sha256})).mappings().one_or_none()
    return None if row is None else _filed(row)


async def reports_of(tx: Tx, org: str, after: Place | None, limit: int) -> list[Filed]:
    """Reports of an organisation, newest first."""
    return await _listed(tx, _OWN, after, limit, org=org)


async def reports(tx: Tx, after: Place | None, limit: int) -> list[Filed]:
    """Every report that the caller may see, newest first."""
    return await _listed(tx, _EVERY, after, limit)


async def reports_in_review(tx: Tx, after: Place | None, limit: int) -> list[Filed]:
    """Reports with an open review that the caller watches over, newest first."""
    return await _listed(tx, _REVIEWED, after, limit)


async def _listed(tx: Tx, statement: Any, after: Place | None, limit: int, **more: Any) -> list[Filed]:
    at, id_ = after or (None, "")
    rows = (await tx.execute(statement, {"at": at, "id": id_, "limit": limit, **more})).mappings()
    return [_filed(row) for row in rows]


def _filed(row: RowMapping) -> Filed:
    conversion = None
    if row["pen_m3"] is not None:
        conversion = Conversion(
            row["pen_m3"], row["cash_pen_m3"], row["factor"], row["factor_source"], row["fx_on"], row["fx_source"],
            row["terms_version"],
        )  # fmt: skip
    return Filed(
        row["id"], row["org"], row["reporter"], PriceReport.read_back(row["content"]), row["sha256"],
        conversion, tuple(row["missing"]), row["received_on"], row["created_at"], stands(row["acts"]),
    )  # fmt: skip


async def sales_of_other_side(tx: Tx, pair: str, org: str) -> list[Sale]:
    """What other organisations say of one sale and did not take back; the transaction is then alone with that sale."""
    await tx.execute(_ONE_PAIR_AT_A_TIME, {"pair": pair})
    rows = (await tx.execute(_OTHER_SIDE, {"pair": pair, "org": org})).mappings()
    return [
        Sale(
            row["id"], row["side"], row["species"], row["observed_on"],
            (row["product"], row["point_of_sale"], row["region"]),
            (row["unit"], row["rule"], row["currency"], row["bark"]), row["amount"], row["pen_m3"],
            cleared(_acts(row["acts"])),
        )
        for row in rows
        if stands(row["acts"]).state != "retracted"
    ]  # fmt: skip


async def open_review(
    tx: Tx, report_id: str, reason: Reason, facts: Mapping[str, Any], note: str | None, caller: Caller, seen: str | None = None
) -> None:  # fmt: skip
    """Ask a steward to look into a report; who does so by hand names what was ``seen``."""
    await _act(tx, report_id, "review_opened", caller, reason, facts, note, seen)


async def alone_with(tx: Tx, report_id: str) -> None:
    """Until the transaction ends nobody else does anything to the report."""
    await tx.execute(_ALONE, {"report_id": report_id})


async def retract(tx: Tx, report_id: str, note: str, caller: Caller) -> None:
    """The author takes a report back."""
    await _act(tx, report_id, "retracted", caller, note=note)


async def decide(tx: Tx, report_id: str, decision: str, note: str, seen: str, caller: Caller) -> None:
    """A steward releases or upholds what was seen: every review that was open is closed by it."""
    await _act(tx, report_id, decision, caller, note=note, seen=seen)


async def _act(
    tx: Tx,
    report_id: str,
    act: str,
    caller: Caller,
    reason: str | None = None,
    facts: Mapping[str, Any] | None = None,
    note: str | None = None,
    seen: str | None = None,
) -> None:
    await alone_with(tx, report_id)
    row = {
        "report_id": report_id, "act": act, "reason": reason, "facts": orjson.dumps(facts or {}).decode(), "note": note,
        "by_org": caller.org, "by_sub": caller.sub, "seen_sha256": seen,
    }  # fmt: skip
    await tx.execute(_ACT, row)


def stands(acts: str | None) -> Standing:
    """The acts as the database writes them, folded. What was said about another's report is not among them."""
    return standing(_acts(acts))


def _acts(acts: str | None) -> list[Act]:
    return [
        Act(one["act"], one["reason"], one.get("facts", {}), one.get("note"), datetime.fromisoformat(one["at"]))
        for one in orjson.loads(acts or "[]")
    ]


async def relate(tx: Tx, org: str, other: str, linked: bool, reason: str, caller: Caller) -> None:
    """Write down that two organisations, the first by name first, count as one, or no longer do."""
    row = {
        "org": org, "other": other, "linked": linked, "reason": reason, "by_org": caller.org, "by_sub": caller.sub,
    }  # fmt: skip
    await tx.execute(_RELATE, row)


async def report_only_in(tx: Tx, orgs: Sequence[str], region: str) -> bool:
    """Whether each of some organisations has reported prices in a region and in no other."""
    return bool((await tx.execute(_ONLY_IN, {"orgs": list(orgs), "region": region})).scalar_one())


async def relation(tx: Tx, org: str, other: str) -> Relation:
    """The last word on a pair of which one was said."""
    row = (await tx.execute(_RELATION, {"org": org, "other": other})).one()
    return Relation(row.org, row.other, row.linked, row.reason, row.at)


async def relations(tx: Tx, after: tuple[str, str], limit: int) -> list[Relation]:
    """The last word on each pair, by name."""
    rows = await tx.execute(_RELATIONS, {"org": after[0], "other": after[1], "limit": limit})
    return [Relation(row.org, row.other, row.linked, row.reason, row.at) for row in rows]
