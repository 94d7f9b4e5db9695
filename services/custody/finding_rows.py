"""Rows of what the rules found: read in log order or from the newest back, and counted."""

from collections.abc import Mapping, Sequence

from services.custody.store import Transaction

Place = tuple[int, ...]

COLUMNS = ("status", "org", "permit", "subject", "rule", "severity")
INDEXED = frozenset({"org", "permit", "subject"})
MOST_EXAMINED = 50_000
"""Findings that one question reads to hold them against what no index holds."""
# `status = 'FAIL'` as the partial index has it.
FAILED = """
SELECT severity, rule, count(*) FROM finding
WHERE log_id = $1 AND status = 'FAIL' AND ($2::text IS NULL OR org = $2) GROUP BY severity, rule"""
# The subqueries: see `services.custody.store`.
FAILED_OF = """
SELECT f.severity, f.rule, count(*) FROM unnest($3::bigint[], $4::text[]) AS said (idx, rule)
CROSS JOIN LATERAL (
    SELECT severity, rule FROM finding WHERE log_id = $1 AND idx = said.idx AND rule = said.rule AND status = 'FAIL'
        AND ($2::text IS NULL OR org = $2) OFFSET 0) AS f
GROUP BY f.severity, f.rule"""
WORST_AT = """
SELECT asked.idx, max(f.severity) FROM unnest($2::bigint[]) AS asked (idx)
CROSS JOIN LATERAL (
    SELECT severity FROM finding WHERE log_id = $1 AND idx = asked.idx AND status = 'FAIL' OFFSET 0) AS f
GROUP BY asked.idx"""


async def findings(
    tx: Transaction, asked: Mapping[str, str | None], *, newest: bool, after: Place | None, limit: int
) -> tuple[list[tuple[int, int, bytes]], Place | None]:
    """Findings (entry, number, document) of which each of ``COLUMNS`` holds what was asked for, None for whatever it holds;
    in log order after a place, or from the newest back before one. Looks through at most ``MOST_EXAMINED`` findings: with
    fewer than ``limit`` also the place where it stopped, None at the end of the log."""
    given = {name for name in COLUMNS if asked.get(name) is not None}
    walked = sorted(given & (INDEXED | ({"status", "severity"} if {"status", "severity"} <= given else set())))
    rest = sorted(given - set(walked))
    inner = "".join(f" AND {name} = ${at}" for at, name in enumerate(walked, 4))
    outer = "".join(f" AND {name} = ${at}" for at, name in enumerate(rest, 5 + len(walked)))
    way, back = ("<", " DESC") if newest else (">", "")
    first, second = after or ((2**63 - 1, 2**15 - 1) if newest else (-1, 0))
    looked = f" FROM finding WHERE log_id = $1 AND (idx, n) {way} ($2, $3){inner} ORDER BY idx{back}, n{back}"
    values = [tx.log_id, first, second, *(asked[name] for name in walked)]
    question = (
        f"SELECT idx, n, doc FROM (SELECT *{looked} LIMIT {MOST_EXAMINED}) AS examined"  # noqa: S608  our own words
        f" WHERE true{outer} ORDER BY idx{back}, n{back} LIMIT ${4 + len(walked)}"
    )
    found = [(idx, n, doc) for idx, n, doc in await tx.fetch(question, *values, limit, *(asked[name] for name in rest))]
    if len(found) == limit or not rest:
        return found, None
    stopped = await tx.fetch(f"SELECT idx, n{looked} OFFSET {MOST_EXAMINED - 1} LIMIT 1", *values)
    return found, (stopped[0][0], stopped[0][1]) if stopped else None


async def failed(tx: Transaction, org: str | None) -> dict[tuple[str, str], int]:
    """How many findings failed, of one organisation's records or of all, by severity and rule."""
    return {(severity, rule): count for severity, rule, count in await tx.fetch(FAILED, tx.log_id, org)}


async def failed_of(tx: Transaction, named: Sequence[tuple[int, str]], org: str | None) -> dict[tuple[str, str], int]:
    """The same of those named by their entry and rule."""
    rows = await tx.fetch(FAILED_OF, tx.log_id, org, [idx for idx, _ in named], [rule for _, rule in named])
    return {(severity, rule): count for severity, rule, count in rows}


async def worst_at(tx: Transaction, indices: Sequence[int]) -> dict[int, str]:
    """The gravest severity that failed on each of these entries, of those on which one did."""
    return dict(await tx.fetch(WORST_AT, tx.log_id, list(indices)))
