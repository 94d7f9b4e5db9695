"""Supervisions, with their volumes, documents and answers. Before the holder is told a list is replaced whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from services.permits.domain.field_supervision import FoundVolume, Moved, Supervision
from services.permits.store import visits
from services.permits.store.session import Tx, one_at_a_time

_ADD = text(
    "INSERT INTO supervisions (number, plan, permit, visited_from, visited_to)"
    " VALUES (:number, :plan, :permit, :visited_from, :visited_to)"
)
_SELECT = (
    f"SELECT {visits.COLUMNS}, s.permit, s.visited_from, s.visited_to, s.notified_at, s.conclusion, s.moved"  # noqa: S608
    " FROM supervisions s JOIN field_visits v ON v.number = s.number"
)
_ONE = text(_SELECT + " WHERE s.number = :number AND s.plan = :plan")
_OF_PLAN = text(_SELECT + " WHERE s.plan = :plan AND s.number > :after ORDER BY s.number LIMIT :limit")
_NOTIFY = text("UPDATE supervisions SET notified_at = :at WHERE number = :number AND notified_at IS NULL RETURNING 1")
_CONCLUDE = text(
    "UPDATE supervisions SET conclusion = :conclusion, moved = CAST(:moved AS jsonb) WHERE number = :number RETURNING 1"
)
_DROP_VOLUMES = text("DELETE FROM supervision_volumes WHERE supervision = :number")
_ADD_VOLUME = text(
    "INSERT INTO supervision_volumes (supervision, parcel, species, numeral, kind, volume_dm3, trees, reason)"
    " VALUES (:number, :parcel, :species, :numeral, :kind, :volume_dm3, :trees, :reason)"
)
_VOLUMES = text(
    "SELECT parcel, species, numeral, kind, volume_dm3, trees, reason FROM supervision_volumes WHERE supervision = :number"
    " ORDER BY parcel, species, numeral"
)
_DROP_DOCUMENTS = text("DELETE FROM supervision_documents WHERE supervision = :number")
_ADD_DOCUMENTS = text(
    "INSERT INTO supervision_documents (supervision, document, state, sha256) SELECT :number, u.* FROM"
    " unnest(CAST(:documents AS text[]), CAST(:states AS text[]), CAST(:digests AS text[])) AS u"
)
_DOCUMENTS = text("SELECT document, state, sha256 FROM supervision_documents WHERE supervision = :number")
_ADD_ANSWER = text(
    "INSERT INTO supervision_answers (supervision, answer, attachments, by_org, at)"
    " VALUES (:number, :answer, CAST(:attachments AS jsonb), :org, :at)"
)
_ANSWERS = text("SELECT answer, attachments, at FROM supervision_answers WHERE supervision = :number ORDER BY seq")
# Of closed supervisions up to a day: number, community, moved and unjustified volume, what was supervised, the day of the
# closing; ``{}`` narrows to plans ``p`` or supervisions ``s``. The supervised species are those of the trees reached and of the
# volumes that fault was found with; what was accepted, lifted or is under appeal by the day is no unjustified volume.
_CLOSED = (
    "SELECT v.number, v.plan, v.org, s.moved, coalesce(s.permit, v.number) AS subject, v.closed_at"
    " FROM field_visits v JOIN supervisions s USING (number) JOIN plans p ON p.id = v.plan"
    " WHERE s.moved IS NOT NULL AND peru_day(v.closed_at) <= :day AND {}"
)
_FIGURES = (
    ", named AS ("
    "SELECT c.number, t.species FROM closed c JOIN LATERAL (SELECT DISTINCT ON (r.parcel, r.code) r.parcel, r.code, r.facts"
    " FROM field_results r WHERE r.visit = c.number ORDER BY r.parcel, r.code, r.seq DESC) AS r"
    " ON r.facts->>'verdict' IS DISTINCT FROM 'not_reached'"
    " JOIN census_trees t ON t.plan = c.plan AND t.parcel = r.parcel AND t.code = r.code"
    " UNION SELECT c.number, v.species FROM closed c JOIN supervision_volumes v ON v.supervision = c.number)"
    " SELECT c.number, c.org, coalesce((SELECT sum((c.moved->'by_species'->>n.species)::bigint) FROM named n"
    " WHERE n.number = c.number), 0), coalesce((SELECT sum(v.volume_dm3) FROM supervision_volumes v"
    " WHERE v.supervision = c.number AND v.kind = 'unjustified' AND coalesce(("
    "SELECT a.state NOT IN ('accepted', 'appealed') AND a.outcome NOT IN ('accepted', 'lifted') FROM supervision_volume_acts a"
    " WHERE (a.supervision, a.parcel, a.species, a.numeral) = (v.supervision, v.parcel, v.species, v.numeral)"
    " AND peru_day(a.at) <= :day ORDER BY a.seq DESC LIMIT 1), true)), 0), c.subject, peru_day(c.closed_at) FROM closed c"
)
EACH_SUPERVISED = f"WITH closed AS ({_CLOSED}){_FIGURES} ORDER BY c.closed_at, c.number"
# What custody counts as moved grows, so sums take of each permit the newest supervision alone.
NEWEST_SUPERVISED = (
    f"WITH closed AS (SELECT DISTINCT ON (e.subject) e.* FROM ({_CLOSED}) AS e ORDER BY e.subject, e.closed_at DESC)"  # noqa: S608
    f"{_FIGURES} ORDER BY c.number"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the holder answered, with the digests of what was attached."""

    answer: str
    attachments: list[dict[str, str]]
    at: datetime


async def add_supervision(tx: Tx, one: Supervision) -> None:
    """Keep a new one; its visit must be there."""
    await tx.execute(
        _ADD,
        {
            "number": one.visit.number, "plan": one.visit.plan, "permit": one.permit, "visited_from": one.visited_from,
            "visited_to": one.visited_to,
        },
    )  # fmt: skip


async def supervision(tx: Tx, plan: str, number: str) -> Supervision | None:
    """One supervision, as far as the transaction's caller may see it."""
    row = (await tx.execute(_ONE, {"plan": plan, "number": number})).first()
    return None if row is None else _supervision(row)


async def supervisions(tx: Tx, plan: str, after: str, limit: int) -> list[Supervision]:
    """Those of a plan by number that the caller may see."""
    return [_supervision(row) for row in await tx.execute(_OF_PLAN, {"plan": plan, "after": after, "limit": limit})]


async def notify(tx: Tx, number: str, at: datetime) -> None:
    """The holder is told."""
    (await tx.execute(_NOTIFY, {"number": number, "at": at})).one()


async def conclude(tx: Tx, number: str, conclusion: str, moved: Moved | None) -> None:
    """The last word, and what custody said had been moved."""
    told = None if moved is None else {"as_of": moved.as_of, "by_species": dict(moved.by_species)}
    values = {
        "number": number,
        "conclusion": conclusion,
        "moved": None if told is None else orjson.dumps(told).decode(),
    }
    (await tx.execute(_CONCLUDE, values)).one()


async def replace_volumes(tx: Tx, number: str, volumes: Sequence[FoundVolume]) -> None:
    """These volumes and no others."""
    await tx.execute(_DROP_VOLUMES, {"number": number})
    for one in volumes:
        await tx.execute(_ADD_VOLUME, {"number": number, **{n: getattr(one, n) for n in FoundVolume.__slots__}})


async def volumes(tx: Tx, number: str) -> list[FoundVolume]:
    """The volumes found fault with."""
    return [FoundVolume(*row) for row in await tx.execute(_VOLUMES, {"number": number})]


async def replace_documents(tx: Tx, number: str, documents: Sequence[tuple[str, str, str | None]]) -> None:
    """The checklist anew: document, state, SHA-256 where it was taken."""
    await tx.execute(_DROP_DOCUMENTS, {"number": number})
    names, states, digests = (list(column) for column in zip(*documents, strict=True))
    await tx.execute(_ADD_DOCUMENTS, {"number": number, "documents": names, "states": states, "digests": digests})


async def documents(tx: Tx, number: str) -> dict[str, tuple[str, str | None]]:
    """State and SHA-256 of each document that was looked for."""
    return {row[0]: (row[1], row[2]) for row in await tx.execute(_DOCUMENTS, {"number": number})}


async def add_answer(
    tx: Tx, number: str, answer: str, attachments: Sequence[dict[str, str]], org: str, at: datetime
) -> None:
    """Keep an answer; answers are added, never changed."""
    told = orjson.dumps(list(attachments)).decode()
    await tx.execute(_ADD_ANSWER, {"number": number, "answer": answer, "attachments": told, "org": org, "at": at})


async def one_answers_or_closes(tx: Tx, number: str) -> None:
    """No answer comes in while the supervision is closed without it."""
    await one_at_a_time(tx, f"answers to {number}")


async def answers(tx: Tx, number: str) -> list[Answer]:
    """The answers in order, as far as the caller may see them."""
    return [Answer(*row) for row in await tx.execute(_ANSWERS, {"number": number})]


def _supervision(row: Sequence[Any]) -> Supervision:
    permit, visited_from, visited_to, notified_at, conclusion, moved = row[visits.WIDTH :]
    told = None if moved is None else Moved(moved["as_of"], moved["by_species"])
    return Supervision(visits.visit_of(row), permit, visited_from, visited_to, notified_at, conclusion, told)
