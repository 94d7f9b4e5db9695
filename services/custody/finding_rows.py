"""Rows of what the rules found: read in log order or from the newest back, and counted."""

from collections.abc import Mapping, Sequence

from services.custody.store import Transaction

COLUMNS = ("status", "org", "permit", "subject", "rule", "severity")
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
    tx: Transaction, asked: Mapping[str, str | None], *, newest: bool, after: tuple[int, ...] | None, limit: int
) -> list[tuple[int, int, bytes]]:
    """Findings (entry, number, document) of which each of ``COLUMNS`` holds what was asked for, None for whatever it holds;
    in log order after a place, or from the newest back before one."""
    values = [(name, asked[name]) for name in COLUMNS if asked.get(name) is not None]
    where = "".join(f" AND {name} = ${at}" for at, (name, _) in enumerate(values, 5))
    way, order = ("<", " DESC") if newest else (">", "")
    first, second = after or ((2**63 - 1, 2**15 - 1) if newest else (-1, 0))
    question = (
        f"SELECT idx, n, doc FROM finding WHERE log_id = $1 AND (idx, n) {way} ($2, $3){where}"  # noqa: S608  our own words
        f" ORDER BY idx{order}, n{order} LIMIT $4"
    )
    rows = await tx.fetch(question, tx.log_id, first, second, limit, *(value for _, value in values))
    return [(idx, n, doc) for idx, n, doc in rows]


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
