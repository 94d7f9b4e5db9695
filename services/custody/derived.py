"""Rows derived from entries beside facts: under which names an entry is found again, and what wood it moved.

A *posting* holds, for one name, the entries of one stretch of the log, so a round of 500 records of one organisation
costs a row a name. A *movement* is a sum over the pieces of one record. Both are written in the transaction of the
append by `add`, in one statement, and can be made again from the entries (`rebuild`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from services.custody.domain.admission import Admitted
from services.custody.domain.mass_balance import SALES, Sum
from services.custody.domain.movements import Movement
from services.custody.store import Transaction, array_text

SPAN = 1024  # a posting row covers this many indices at most; its CHECK says so too
MOST_SEARCHED = 1_048_576  # indices of the log that one search looks through
MOST_EXAMINED = 50_000  # entries whose type one search reads, and records that one answer adds up
EXAMINED_AT_ONCE = 2_000
FIRST_WINDOW = 4096

ADD = """
WITH posted AS (
    INSERT INTO posting (log_id, name, first, offsets)
    SELECT $1, name, first, offsets::smallint[]
    FROM unnest($2::text[], $3::bigint[], $4::text[]) AS t (name, first, offsets))
INSERT INTO movement (log_id, idx, n, at, org, kind, species, product, permit, claim, volume_dm3, measured_dm3)
SELECT $1, * FROM unnest($5::bigint[], $6::smallint[], $7::timestamptz[], $8::text[], $9::text[], $10::text[],
                         $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[])"""

# Bounded by the window [$3, $4). Segments of one name do not overlap, so each name counts once.
UNDER = """
SELECT idx FROM (
    SELECT first + unnest(offsets) AS idx FROM posting
    WHERE log_id = $1 AND name = ANY($2) AND first > $3::bigint - 1024 AND first < $4::bigint
) AS found
WHERE idx >= $3 AND idx < $4 GROUP BY idx HAVING count(*) >= $5 ORDER BY idx LIMIT $6"""
CONTINUATIONS = """
SELECT first + unnest(offsets) AS idx FROM posting WHERE log_id = $1 AND name = 'type:log.continued' ORDER BY idx"""
# The type ends every canonical statement (docs/format.md, section 1), so it is read without opening the entry. The subquery:
# see `services.custody.store`.
OF_TYPES = """
SELECT e.idx FROM unnest($2::bigint[]) AS found (idx)
CROSS JOIN LATERAL (
    SELECT idx FROM entry WHERE log_id = $1 AND idx = found.idx AND EXISTS (
        SELECT FROM unnest($3::bytea[]) AS t (ending)
        WHERE substr(body, octet_length(body) - octet_length(t.ending) + 1) = t.ending) OFFSET 0) AS e
ORDER BY e.idx LIMIT $4"""
# A row of a posting holds at least one index, so as many rows as entries are enough, and one that `before` cuts.
LAST_UNDER = """
SELECT first + at AS idx FROM (
    SELECT first, offsets FROM posting WHERE log_id = $1 AND name = $2 AND first < $3 ORDER BY first DESC LIMIT $4 + 1
) AS rows, unnest(offsets) AS at WHERE first + at < $3 ORDER BY idx DESC LIMIT $4"""

_WHERE = """
FROM movement
WHERE log_id = $1 AND idx = ANY($2) AND ($3::text IS NULL OR org = $3) AND ($4::text IS NULL OR permit = $4)"""
SUMS = f"""
SELECT org, kind, species, product, permit, claim,
       sum(volume_dm3) FILTER (WHERE at < $5)::bigint AS before_dm3,
       sum(volume_dm3) FILTER (WHERE at >= $5 AND at < $6)::bigint AS within_dm3,
       sum(measured_dm3) FILTER (WHERE at >= $5 AND at < $6)::bigint AS measured_dm3,
       array_agg(DISTINCT idx) FILTER (WHERE at < $6) AS indices
{_WHERE} AND ($7::text IS NULL OR (claim = $7 AND kind = ANY($8))) GROUP BY org, kind, species, product, permit, claim"""


@dataclass(slots=True, frozen=True)
class Moved:
    """A movement with its record: index and claimed time."""

    idx: int
    at: str
    movement: Movement


@dataclass(slots=True, frozen=True)
class Sums:
    """The sums over the records from one index up to `next`, less than was asked for when there are too many; and the
    records that they were claimed by."""

    sums: list[Sum]
    indices: list[int]
    next: int


async def continuations(tx: Transaction) -> list[int]:
    """Where a log ended and the next went on: the first entry behind each end, as far as these rows are right."""
    return [row[0] for row in await tx.fetch(CONTINUATIONS, tx.log_id)]


async def add_round(tx: Transaction, admitted: Sequence[Admitted]) -> None:
    """Writes what follows from the records a round admitted, under the head row lock."""
    postings: defaultdict[str, list[int]] = defaultdict(list)
    for one in admitted:
        for name in found_under(one):
            postings[name].append(one.index)
    moved = [Moved(one.index, one.record.time, movement) for one in admitted for movement in one.movements]
    await add(tx, postings, moved)


def found_under(one: Admitted) -> set[str]:
    """All names an admitted record is found under: what it is about, and whose wood it moved."""
    names = set(one.names)
    for movement in one.movements:
        names.add(f"org:{movement.org}")
        if movement.permit:
            names.add(f"permit:{movement.permit}")
    return names


async def add(tx: Transaction, postings: Mapping[str, Sequence[int]], moved: Sequence[Moved]) -> None:
    """Writes what one round adds: the indices under each name, ascending, and the movements in the order of their
    records. One statement; to be called under the head row lock."""
    if not postings:
        return
    segments = [(name, *segment) for name in sorted(postings) for segment in _segments(postings[name])]
    numbered = [(n, one) for _, of_record in groupby(moved, lambda one: one.idx) for n, one in enumerate(of_record)]
    movements = [one.movement for _, one in numbered]
    await tx.execute(
        ADD, tx.log_id,
        [name for name, _, _ in segments], [first for _, first, _ in segments], [text for _, _, text in segments],
        [one.idx for _, one in numbered], [n for n, _ in numbered],
        [datetime.fromisoformat(one.at) for _, one in numbered], [m.org for m in movements],
        [m.kind for m in movements], [m.species for m in movements], [m.product for m in movements],
        [m.permit for m in movements], [m.claim for m in movements], [m.volume_dm3 for m in movements],
        [m.measured_dm3 for m in movements],
    )  # fmt: skip


def _segments(indices: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The indices as rows: the first, and the distances from it as the text of an array."""
    first, offsets = -SPAN, list[int]()
    for index in indices:
        if index - first >= SPAN:
            if offsets:
                yield first, array_text(offsets)
            first, offsets = index, []
        offsets.append(index - first)
    if offsets:
        yield first, array_text(offsets)


async def indices_under(
    tx: Transaction, every: Sequence[str], types: Sequence[str], since: int, below: int, limit: int
) -> tuple[list[int], int]:
    """The first entries from `since` on and below `below` that are found under every name and are, if any are given, of
    one of the types: at most `limit` of them, and the index up to which was searched. That index is `below` when there is
    nothing more; the search goes on from it otherwise."""
    names, need = (list(every), len(every)) if every else ([f"type:{kind}" for kind in types], 1)
    found: list[int] = []
    at, width, end, examined = since, FIRST_WINDOW, min(below, since + MOST_SEARCHED), 0
    while at < end and examined < MOST_EXAMINED:
        until = min(at + width, end)
        most = EXAMINED_AT_ONCE if every and types else limit - len(found)
        some = [row[0] for row in await tx.fetch(UNDER, tx.log_id, names, at, until, need, most)]
        examined += len(some)
        at, width = (some[-1] + 1, width) if len(some) == most else (until, width * 4)
        if every and types and some:
            endings = [f'"type":"{kind}"}}}}'.encode() for kind in types]
            some = [row[0] for row in await tx.fetch(OF_TYPES, tx.log_id, some, endings, limit - len(found))]
        found += some
        if len(found) == limit:
            return found, found[-1] + 1
    return found, max(at, since)


async def last_under(tx: Transaction, name: str, before: int, limit: int) -> list[int]:
    """The newest entries before an index that are found under a name, newest first."""
    return [row[0] for row in await tx.fetch(LAST_UNDER, tx.log_id, name, before, limit)]


async def sums_of(
    tx: Transaction, org: str | None, permit: str | None, since: int, below: int, start: datetime, end: datetime,
    limit: int, claim: str | None = None,
) -> Sums:  # fmt: skip
    """The movements of an organisation, of a permit's wood, or both, added up over the records [since, below): over the
    first `limit` that concern them, should there be more. With `claim` only those of the sales that made it."""
    names = [f"org:{org}"] * (org is not None) + [f"permit:{permit}"] * (permit is not None)
    indices: list[int] = []
    at = since
    while at < below and len(indices) < limit:
        found, at = await indices_under(tx, names, [], at, below, limit - len(indices))
        indices += found
    sums: list[Sum] = []
    behind: set[int] = set()
    for *row, claimed in await tx.fetch(SUMS, tx.log_id, indices, org, permit, start, end, claim, SALES):
        sums.append(Sum(*row[:6], *(volume or 0 for volume in row[6:])))
        behind.update(claimed or ())
    return Sums(sums, sorted(behind), at)
