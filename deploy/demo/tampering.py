"""Act 5: somebody with every password changes one digit; somebody with the file changes one digit. Both are seen.

The digit in the database is put back before the act ends. Its original is kept in a file until then, so that a demo
that was killed in between heals at the next run.
"""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from deploy.demo import lots
from deploy.demo.audit import audit, type_of
from deploy.demo.clean_tree import LOT
from deploy.demo.story import Story
from deploy.instance import Instance
from deploy.seed.house import House, until_covered
from shared.lot import bundle

REFUSED = (asyncpg.InsufficientPrivilegeError,)
ATTEMPTS = {
    "UPDATE": "UPDATE entry SET body = body WHERE idx = 0",
    "DELETE": "DELETE FROM entry WHERE idx = 0",
    "TRUNCATE": "TRUNCATE entry",
}


def tell(story: Story, house: House) -> None:
    """What the database refuses, what a forger with its password leaves behind, and what a forged file shows."""
    story.act("tampering", "5. Alguien cambia un dígito", "5. Somebody changes a digit")
    _heal(house.instance)
    # What was just recorded is covered before anybody forges: nothing new is signed over a forged entry.
    size = 1 + max(step["index"] for step in story.steps if step["index"] is not None)
    story.expect(until_covered(house, size), "lo registrado no se firmó", "what was recorded was not signed")
    before = audit(house)
    story.expect(before.clean, "la bitácora ya estaba alterada", "the log was altered before")
    _database_refuses(story, house.instance)
    index = next(step["index"] for step in story.steps if step["name"] == "fell-501")
    _in_the_database(story, house, index)
    after = audit(house)
    story.expect(after.clean, "el dígito no volvió a su lugar", "the digit was not put back")
    _in_the_file(story, house, index)


def _database_refuses(story: Story, instance: Instance) -> None:
    """Neither the service's role nor the administrator changes what was appended."""
    database = instance.database("custody")
    for who, dsn in ((database.app_role, database.app_dsn), (database.address.admin, database.admin_dsn)):
        for verb, statement in ATTEMPTS.items():
            said = asyncio.run(_refusal(dsn, statement))
            story.expect(said is not None, f"{who} pudo hacer {verb}", f"{who} could {verb}")
            if said:
                story.step(
                    f"{verb.lower()}-by-{who}", "refused", f"{verb} como {who}: {said}", f"{verb} as {who}: {said}"
                )


async def _refusal(dsn: str, statement: str) -> str | None:
    """What the database says to the statement; None if it lets it through, in which case it is rolled back."""
    connection = await asyncpg.connect(dsn)
    attempt = connection.transaction()
    try:
        await attempt.start()
        await connection.execute(statement)
    except REFUSED as refusal:
        return str(refusal)
    finally:
        await attempt.rollback()
        await connection.close()
    return None


def _in_the_database(story: Story, house: House, index: int) -> None:
    with _forged(house.instance, index) as (was, now):
        seen = audit(house)
        named = [(mark.index, mark.type) for mark in seen.marks]
        story.expect(named == [(index, type_of(was))], f"la auditoría vio {named}", f"the audit saw {named}")
        story.step(
            "forged-in-database", "caught",
            f"El administrador de la base desactiva las protecciones y cambia un dígito: {_volume(was)} → {_volume(now)}. "
            f"La auditoría de la bitácora señala la entrada {index} ({type_of(was)})",
            f"The database's administrator turns the protections off and changes one digit: {_volume(was)} → {_volume(now)}. "
            f"The audit of the log points at entry {index} ({type_of(was)})",
            index, caught=[{"index": mark.index, "type": mark.type} for mark in seen.marks],
        )  # fmt: skip
        path = lots.download(house, LOT, "from-forged-database")
        lots.expect_caught(story, house.instance, path, index, type_of(was), "bundle-from-forged-database")


def _in_the_file(story: Story, house: House, index: int) -> None:
    path = lots.download(house, LOT, "to-be-forged")
    good = bundle.read(path.read_bytes())
    at = good.indices.index(index)
    was = good.entries[at]
    forged = replace(good, entries=(*good.entries[:at], with_one_digit_changed(was), *good.entries[at + 1 :]))
    path.write_bytes(
        bundle.pack(forged.lot, forged.checkpoint, zip(forged.indices, forged.entries, strict=True), forged.proof)
    )
    lots.expect_caught(story, house.instance, path, index, type_of(was), "forged-bundle")


def with_one_digit_changed(entry: bytes) -> bytes:
    """The entry with the last digit of its volume changed: as long as before, and still canonical."""
    found = re.search(rb'"volume_dm3":\d*(\d)', entry)
    assert found is not None, "the entry states no volume"
    digit = b"%d" % ((int(found[1]) + 1) % 10)
    return entry[: found.start(1)] + digit + entry[found.end(1) :]


def _volume(entry: bytes) -> str:
    found = re.search(rb'"volume_dm3":(\d+)', entry)
    return f"{int(found[1])} dm³" if found else "?"


@contextmanager
def _forged(instance: Instance, index: int) -> Iterator[tuple[bytes, bytes]]:
    """The database with one digit of one entry changed, behind its triggers; put back at the end whatever happens."""
    was = asyncio.run(_body(instance, index))
    now = with_one_digit_changed(was)
    undo = _undo_file(instance, index)
    undo.write_bytes(was)
    try:
        asyncio.run(_overwrite(instance, index, now))
        yield was, now
    finally:
        asyncio.run(_overwrite(instance, index, was))
        undo.unlink()


def _heal(instance: Instance) -> None:
    """Put back what a demo that was killed in the middle left changed."""
    for undo in lots.folder(instance).glob("original-entry-*"):
        asyncio.run(_overwrite(instance, int(undo.name.rpartition("-")[2]), undo.read_bytes()))
        undo.unlink()


def _undo_file(instance: Instance, index: int) -> Path:
    return lots.folder(instance) / f"original-entry-{index}"


async def _body(instance: Instance, index: int) -> bytes:
    connection = await asyncpg.connect(instance.admin_dsn("custody"))
    try:
        return bytes(await connection.fetchval("SELECT body FROM entry WHERE idx = $1", index))
    finally:
        await connection.close()


async def _overwrite(instance: Instance, index: int, body: bytes) -> None:
    """As the operator, with the triggers out of the way."""
    connection = await asyncpg.connect(instance.admin_dsn("custody"))
    try:
        async with connection.transaction():
            await connection.execute("ALTER TABLE entry DISABLE TRIGGER USER")
            await connection.execute("UPDATE entry SET body = $2 WHERE idx = $1", index, body)
            await connection.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    finally:
        await connection.close()
