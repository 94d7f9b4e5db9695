"""What is derived from the entries, made again from them: to mend it, or to hold what was written against what follows.

Nothing derived is believed. The log is replayed by the rules and the statements that appended it, over temporary
tables that stand before the real ones under the same names; so memory stays bounded whatever the size of the log.
"""

from dataclasses import dataclass
from typing import ClassVar

from services.custody import rounds
from services.custody.domain.admission import Round
from services.custody.store import Head, Transaction
from shared.refusal import Refusal
from shared.timber import facts as facts_of
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts
from shared.timber.norms import Norms

ROUND = 1000
# Each derived table: what names a row, and the rows as they must be whatever the rounds they were written in.
DERIVED = {
    "tile": ("level, n", "SELECT * FROM {}.tile WHERE log_id = $1"),
    "fact": ("key", "SELECT key, doc FROM {}.fact WHERE log_id = $1"),
    "mention": (
        "idx, ref",
        "SELECT ref, idx FROM {0}.mention WHERE log_id = $1 UNION SELECT ('x' || encode(substr(sha256(convert_to(key, 'UTF8')), 1, 8),"
        " 'hex'))::bit(64)::bigint AS ref, unnest(entries) AS idx FROM {0}.fact WHERE log_id = $1",
    ),
    "spent": ("idx, item", "SELECT * FROM {}.spent WHERE log_id = $1"),
    "finding": ("idx, n", "SELECT * FROM {}.finding WHERE log_id = $1"),
    "posting": ("idx, name", "SELECT first + unnest(offsets) AS idx, name FROM {}.posting WHERE log_id = $1"),
    "movement": ("idx, org, n", "SELECT * FROM {}.movement WHERE log_id = $1"),
}
DIFFERING = """
WITH stored AS ({stored}), made AS ({made})
SELECT DISTINCT {key} FROM ((TABLE stored EXCEPT TABLE made) UNION ALL (TABLE made EXCEPT TABLE stored)) AS d
ORDER BY {key}"""
BOTH_FACTS = """
SELECT (SELECT doc FROM public.fact WHERE log_id = $1 AND key = $2),
       (SELECT doc FROM pg_temp.fact WHERE log_id = $1 AND key = $2)"""


@dataclass(eq=False)
class DoesNotFollow(Refusal):
    """An entry is not one that the rules let in after those before it, which no entry of an undamaged log is."""

    slug: ClassVar[str] = "does-not-follow"
    es: ClassVar[str] = "La entrada {index} no se sigue de las anteriores: {why_es}"
    en: ClassVar[str] = "Entry {index} does not follow from those before it: {why}"
    index: int
    why: str
    why_es: str


def does_not_follow(index: int, refusal: Refusal) -> DoesNotFollow:
    """The rules refuse this entry, in words of both languages."""
    return DoesNotFollow(index, refusal.text("en"), refusal.text("es"))


async def rebuild(tx: Transaction, norms: Norms) -> int:
    """Replaces what is not as it should be; the number of entries. May be repeated. Under the head row lock, so appends
    wait. Needs the owner's role. DoesNotFollow as `replay`."""
    size = (await tx.head(lock=True)).size
    await replay(tx, size, norms)
    wrong = {table for table in DERIVED if await first_difference(tx, table) is not None}
    if wrong & {"fact", "mention"}:
        wrong |= {"fact", "mention"}  # what is found under a name stands in both
    for table in wrong:
        await _replace(tx, table)
    return size


async def _replace(tx: Transaction, table: str) -> None:
    await tx.execute(f"ALTER TABLE public.{table} DISABLE TRIGGER USER")
    await tx.execute(f"DELETE FROM public.{table} WHERE log_id = $1", tx.log_id)  # noqa: S608  (a name of the table above)
    await tx.execute(f"INSERT INTO public.{table} SELECT * FROM pg_temp.{table}")  # noqa: S608
    await tx.execute(f"ALTER TABLE public.{table} ENABLE TRIGGER USER")


async def replay(tx: Transaction, size: int, norms: Norms) -> None:
    """Makes the derived rows of the first `size` entries in temporary tables, which end with the transaction. Needs a
    role that may make them. DoesNotFollow names the first entry that the rules do not let in."""
    for table in DERIVED:
        await tx.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
    await tx.execute("DISCARD PLANS")  # statements this connection has prepared must see them
    head = Head(0, b"")
    while head.size < size:
        head = await _replay_round(tx, head, min(head.size + ROUND, size), norms)


async def _replay_round(tx: Transaction, head: Head, end: int, norms: Norms) -> Head:
    round_, facts = Round(head.size), Facts(complete=False)
    records: list[Record] = []
    try:
        for body in await tx.body_range(head.size, end):
            records.append(parse_entry(body))
    except Refusal as refusal:
        raise does_not_follow(head.size + len(records), refusal) from refusal
    try:
        await rounds.replay(tx, records, round_, facts, norms)
    except Refusal as refusal:
        raise does_not_follow(round_.size, refusal) from refusal
    if round_.size != end:
        raise DoesNotFollow(round_.size, "it is missing", "no está")
    return await rounds.derive(tx, head, round_, facts)


async def first_difference(tx: Transaction, table: str) -> str | None:
    """After `replay`: the first row of a derived table that is missing, differs, or should not be there; None when all is
    as it follows from the entries."""
    key, rows = DERIVED[table]
    question = DIFFERING.format(stored=rows.format("public"), made=rows.format("pg_temp"), key=key)
    for row in await tx.fetch(question if table == "fact" else f"{question} LIMIT 1", tx.log_id):
        if table != "fact" or await _facts_differ(tx, row[0]):
            return f"{table} {' '.join(map(str, row))}"
    return None


async def _facts_differ(tx: Transaction, key: str) -> bool:
    """Not when one was only written by a version that knew fewer fields."""
    [(stored, made)] = await tx.fetch(BOTH_FACTS, tx.log_id, key)
    try:
        return stored is None or made is None or facts_of.load(key, stored) != facts_of.load(key, made)
    except (ValueError, TypeError):
        return True
