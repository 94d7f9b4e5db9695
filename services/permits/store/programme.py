"""What the programme's indicators are computed from, of one region or of all, as far as it was announced by a day."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import text

from services.permits.domain.area import Rings
from services.permits.domain.programme import CertificateFact, Coverage, Facts, OpenFinding, PlanFact, Supervised
from services.permits.store import certificates
from services.permits.store.session import Tx
from services.permits.store.supervisions import NEWEST_SUPERVISED
from shared.tlog import canon

_MOST_BOUNDARY_BYTES = 1_000_000
_HERE = "(CAST(:region AS text) IS NULL OR {}.region = :region)"
_BY = "(SELECT peru_day(o.created_at) FROM outbox o WHERE o.sid = {}.sid) <= :day"
_PLANS = text(
    "SELECT p.id, p.title, p.org, g.kind, p.kind, p.harvest_from, p.harvest_to, p.parcels, p.sid FROM plans p"  # noqa: S608
    " JOIN organisations g ON g.id = p.org LEFT JOIN LATERAL (SELECT a.state FROM plan_acts a WHERE a.plan = p.id"
    " AND peru_day(a.at) <= :day ORDER BY a.seq DESC LIMIT 1) AS last ON true"
    " WHERE p.state = 'approved' AND coalesce(last.state, 'approved') = 'approved'"
    f" AND {_HERE.format('p')} AND {_BY.format('p')} ORDER BY p.id"
)
_TITLES = text(
    "SELECT t.number, t.org, b.document FROM titles t LEFT JOIN title_polygons b ON b.title = t.number"  # noqa: S608
    f" WHERE {_HERE.format('t')} AND {_BY.format('t')} ORDER BY t.number"
)
_PERMITS = text(
    "SELECT p.plan, sum((l->>'volume_dm3')::bigint), array_agg(DISTINCT p.sid) FROM permits p"  # noqa: S608
    " CROSS JOIN jsonb_array_elements(p.lines) AS l WHERE p.state IN ('in_force', 'suspended')"
    f" AND {_HERE.format('p')} AND {_BY.format('p')} GROUP BY p.plan"
)
_INSPECTIONS = text(
    "SELECT i.plan, sum(i.volume_dm3), array_agg(i.sid) FROM inspections i JOIN plans p ON p.id = i.plan"  # noqa: S608
    f" WHERE {_HERE.format('p')} AND {_BY.format('i')} GROUP BY i.plan"
)
_CERTIFICATES = text(
    "SELECT c.number, g.kind FROM certificates c JOIN organisations g ON g.id = c.holder"  # noqa: S608
    f" WHERE {_HERE.format('g')} AND {_BY.format('c')} ORDER BY c.number"
)
_SHAPES = text(
    "SELECT s.title, s.parcel, s.document FROM parcel_shapes s JOIN plans p ON p.id = s.plan"  # noqa: S608
    f" WHERE p.state = 'approved' AND p.kind <> 'PGMF' AND {_HERE.format('p')} AND {_BY.format('p')}"
    " ORDER BY p.harvest_from, p.id"  # of a parcel that was drawn anew the newest shape counts
)
_FINDINGS = text(
    "SELECT f.severity, CAST(f.id AS text) FROM plans p"  # noqa: S608
    " JOIN LATERAL (SELECT r.findings FROM plan_reviews r WHERE r.plan = p.id AND peru_day(r.at) <= :day"
    " ORDER BY r.id DESC LIMIT 1) AS seen ON true JOIN findings f ON f.id = ANY(seen.findings) AND f.status = 'FAIL'"
    " LEFT JOIN LATERAL (SELECT a.state FROM finding_acts a WHERE a.finding = f.id"
    " AND peru_day(a.at) <= :day ORDER BY a.seq DESC LIMIT 1) AS last ON true"
    f" WHERE coalesce(last.state, 'open') NOT IN ('accepted', 'closed') AND p.state <> 'rejected' AND {_HERE.format('p')}"
    " ORDER BY f.id"
)
_SUPERVISED = text(NEWEST_SUPERVISED.format(_HERE.format("p")))
# What the figures follow from: acts that are announced, and those that are not.
_AS_OF = text(
    "SELECT (SELECT coalesce(max(seq), 0) FROM outbox) AS announced, (SELECT count(*) FROM finding_acts) AS answered,"
    " (SELECT coalesce(max(id), 0) FROM plan_reviews) AS reviewed, (SELECT count(closed_at) FROM field_visits) AS closed,"
    " (SELECT coalesce(max(seq), 0) FROM plan_acts) AS acted, (SELECT count(*) FROM supervision_volume_acts) AS heard,"
    " x.log_index, x.origin FROM (SELECT 1) AS one LEFT JOIN LATERAL ("
    "SELECT log_index, origin FROM outbox WHERE state = 'published' ORDER BY seq DESC LIMIT 1) AS x ON true"
)


async def as_of(tx: Tx) -> tuple[tuple[int, ...], int | None, str | None]:
    """How far each kind of act has come, the index at which the log has the newest that it has, and of which log."""
    *newest, index, origin = (await tx.execute(_AS_OF)).one()
    return tuple(newest), index, origin


async def facts_of(tx: Tx, region: str | None, day: date) -> Facts:
    """What was announced by a day, the findings open on it, and the supervisions closed by it."""
    asked = {"region": region, "day": day}
    plans = [
        PlanFact(
            id_,
            title,
            org,
            org_kind,
            first,
            last,
            tuple((p["code"], p["area_m2"]) for p in parcels),
            sid,
            kind != "PGMF",
        )
        for id_, title, org, org_kind, kind, first, last, parcels, sid in await tx.execute(_PLANS, asked)
    ]
    titles = (await tx.execute(_TITLES, asked)).all()
    titles_of: dict[str, list[str]] = {}
    for number, org, _ in titles:
        titles_of.setdefault(org, []).append(number)
    return Facts(
        plans=plans, titles_of=titles_of, certificates=await _certificates(tx, asked), coverage=await _coverage(tx, asked),
        boundaries={number: _rings(document) for number, _, document in titles if document is not None},
        parcel_shapes={(title, parcel): _rings(doc) for title, parcel, doc in await tx.execute(_SHAPES, asked)},
        findings=[OpenFinding(severity, id_) for severity, id_ in await tx.execute(_FINDINGS, asked)],
        supervised=[
            Supervised(int(moved), int(without), number)
            for number, _, moved, without, *_ in await tx.execute(_SUPERVISED, asked)
        ],
    )  # fmt: skip


def _rings(document: bytes) -> Rings:
    found: Rings = canon.decode(document, max_bytes=_MOST_BOUNDARY_BYTES)["lon_lat_e7"]
    return found


async def _coverage(tx: Tx, asked: dict[str, Any]) -> list[Coverage]:
    authorised = {plan: (int(volume), sids) for plan, volume, sids in await tx.execute(_PERMITS, asked)}
    inspected = {plan: (int(volume), sids) for plan, volume, sids in await tx.execute(_INSPECTIONS, asked)}
    nothing: tuple[int, list[str]] = (0, [])
    return [
        Coverage(plan, volume, inspected.get(plan, nothing)[0], _sids(sids, inspected.get(plan, nothing)[1]))
        for plan, (volume, sids) in sorted(authorised.items())
    ]


def _sids(*lists: Iterable[str]) -> tuple[str, ...]:
    return tuple(sid for sids in lists for sid in sids)


async def _certificates(tx: Tx, asked: dict[str, Any]) -> Sequence[CertificateFact]:
    kinds: dict[str, str] = {row.number: row.kind for row in await tx.execute(_CERTIFICATES, asked)}
    acts = await certificates.acts(tx, list(kinds))
    return [
        CertificateFact(certificate, acts[certificate.number], kinds[certificate.number], sid)
        for certificate, sid, _ in await certificates.with_numbers(tx, list(kinds))
    ]
