"""Whatever is changed behind the log's back is found, with its place, and is never signed."""

import asyncio
import os
import random
import subprocess
import sys
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.custody.keys import our_notes
from services.custody.keys.log_keys import LogKeys
from services.custody.main import CustodySettings, _open
from services.custody.operate import check
from services.custody.operating.fsck import Fsck
from services.custody.outside.guard import Mark
from services.custody.soundness.damage import Damage
from services.custody.store import Transaction
from shared.refusal import Refusal
from shared.timber import norms
from shared.timber.event import Record, parse_entry
from shared.tlog import merkle
from shared.tlog.checkpoint import parse
from shared.tlog.encoding import to_base64
from shared.tlog.note import Signer, open_note, split_note
from tests.custody.conftest import SHELF_TREES, Custody, felling
from tests.custody.set_back import Shelf, rows, tampering

FLIPS, FLIPS_FULL = 60, 1_000
SIGNED = 20


async def place(settings: CustodySettings) -> str:
    """Where the first damage is."""
    with pytest.raises(Damage) as found:
        await check(settings)
    return said(found.value)


async def place_in(shelf: Shelf, *statements: str, deep: bool = False) -> str:
    """Where the first damage is after these changes, which are taken back."""
    async with shelf.spoilt(*statements) as (connection, custody):
        with pytest.raises(Damage) as found:
            await looked_over(connection, custody, deep=deep)
        return said(found.value)


async def looked_over(connection: Any, custody: Custody, *, deep: bool = False) -> None:
    logs = LogKeys.read(custody.settings.keys_dir / "log.key", custody.settings.origin).verifiers
    anchor = parse(open_note((custody.settings.data_dir / "anchor" / "checkpoint").read_bytes(), logs).text)
    fsck = Fsck(Transaction(connection, 1), custody.settings.origin, logs, [Mark("the anchor", anchor)])
    sound = await fsck.rows()
    if deep:
        await fsck.derived(sound.size, norms.load())


def said(damage: Damage) -> str:
    assert damage.text("es") != damage.text("en")
    return f"{damage.place}: {damage.reason}"


async def size_of(shelf: Shelf) -> tuple[int, int]:
    """How many entries there are, and the size of a checkpoint in the middle."""
    async with shelf.spoilt() as (connection, _):
        size = await connection.fetchval("SELECT size FROM tlog")
        return size, await connection.fetchval("SELECT min(size) FROM checkpoint WHERE size > 100")


async def test_an_undamaged_log_is_sound_to_the_last_row(shelved: Custody) -> None:
    sound, outside = await check(shelved.settings)

    [(size, checkpoints)] = await rows(shelved, "SELECT size, (SELECT count(*) FROM checkpoint) FROM tlog")
    assert (sound.size, sound.checkpoints, sound.signed_size) == (size, checkpoints, size)
    assert sound.root == merkle.root_of(
        leaf for (leaf,) in await rows(shelved, "SELECT leaf_hash FROM entry ORDER BY idx")
    )
    assert [one.where for one in outside.published] == ["the anchor", "the archive"]


async def test_an_empty_log_is_sound(custody: Custody) -> None:
    await custody.stop()
    assert (await check(custody.settings))[0].size == 0


async def test_what_is_derived_follows_from_the_entries(shelf: Shelf) -> None:
    async with shelf.spoilt() as (connection, custody):
        await looked_over(connection, custody, deep=True)


FLIP = "UPDATE {table} SET {column} = set_byte({column}, {at}, get_byte({column}, {at}) # 1) WHERE {where}"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (FLIP.format(table="entry", column="body", at=200, where="idx = 300"), "entry 300: entry"),
        (FLIP.format(table="entry", column="leaf_hash", at=0, where="idx = 300"), "entry 300: leaf_hash"),
        (FLIP.format(table="entry", column="leaf_hash", at=0, where="idx = 590"), "entry 590: "),
        (FLIP.format(table="entry", column="sid", at=31, where="idx = 300"), "entry 300: sid"),
        (FLIP.format(table="tile", column="hashes", at=8191, where="n = 1"), "tile 0/1: hashes"),
        (FLIP.format(table="tile", column="root", at=0, where="n = 1"), "tile 0/1: root"),
        (FLIP.format(table="tlog", column="edge", at=0, where="true"), "head: head"),
        ("DELETE FROM entry WHERE idx = 300", "entry 300: missing"),
        ("DELETE FROM entry WHERE idx > 590", "entry 591: missing"),
        ("UPDATE entry SET idx = 5000 WHERE idx = 300", "entry 300: missing"),
        ("INSERT INTO entry SELECT log_id, 5000, '\\x01', leaf_hash, body FROM entry WHERE idx = 1", "entry 5000: beyond"),
        ("DELETE FROM tile WHERE n = 1", "tile 0/1: missing"),
        ("INSERT INTO tile SELECT log_id, 0, 7, hashes, root FROM tile WHERE n = 1", "tile 0/7: beyond"),
        ("INSERT INTO tile SELECT log_id, 1, 0, hashes, root FROM tile WHERE n = 1", "tile 1/0: beyond"),
        ("UPDATE tlog SET origin = 'another.test/log'", "head: origin"),
        ("DELETE FROM tlog", "head: missing"),
        ("UPDATE tlog SET edge = substr(edge, 33)", "head: head"),
        ("UPDATE tlog SET size = 100000", "head: head"),
        ("UPDATE tlog SET size = size - 1", "entry {less} (the anchor: {size}): behind"),
    ],
)  # fmt: skip
async def test_damage_has_a_place(shelf: Shelf, statement: str, expected: str) -> None:
    size, _ = await size_of(shelf)

    found = await place_in(shelf, "ALTER TABLE entry DROP CONSTRAINT entry_sid_check", statement)

    assert found.startswith(expected.format(size=size, less=size - 1))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (FLIP.format(table="checkpoint", column="edge", at=0, where="size = {of}"), "checkpoint {of}: edge"),
        (FLIP.format(table="checkpoint", column="note", at=60, where="size = {of}"), "checkpoint {of}: note"),
        ("UPDATE checkpoint SET size = size - 1 WHERE size = {of}", "checkpoint {less}: note"),
        ("UPDATE checkpoint SET size = 99999 WHERE size = {of}", "entry {size} (checkpoint 99999): behind"),
    ],
)
async def test_damage_in_a_checkpoint_has_a_place(shelf: Shelf, statement: str, expected: str) -> None:
    size, middle = await size_of(shelf)

    found = await place_in(shelf, statement.format(of=middle))

    assert found == expected.format(of=middle, less=middle - 1, size=size)


async def test_an_entry_changed_together_with_its_columns_and_tile_is_named_by_the_signed_root(
    shelved: Custody,
) -> None:
    """A forger with every password makes the rows fit each other. The archive still knows better."""
    other = felling(shelved, "0100", observations="otra cosa")
    async with tampering(shelved.database) as connection:
        [(body, old)] = await connection.fetch("SELECT body, leaf_hash FROM entry WHERE idx = 300")
        assert body != other
        new = merkle.leaf_hash(other)
        await connection.execute(
            "UPDATE entry SET body = $1, leaf_hash = $2, sid = $3 WHERE idx = 300", other, new, sid_of(other)
        )
        place_only_by_entry = await place(shelved.settings)
        hashes = await connection.fetchval("SELECT hashes FROM tile WHERE level = 0 AND n = 1")
        changed = hashes.replace(old, new)
        leaves = [changed[at : at + 32] for at in range(0, len(changed), 32)]
        await connection.execute(
            "UPDATE tile SET hashes = $1, root = $2 WHERE level = 0 AND n = 1", changed, merkle.root_of(leaves)
        )

    assert place_only_by_entry == "entry 300: entry"
    found = await place(shelved.settings)
    assert found.startswith("checkpoint ")
    assert found.endswith(": other root")


def sid_of(entry: bytes) -> bytes:
    return bytes.fromhex(parse_entry(entry).sid)


async def test_a_checkpoint_by_another_key_is_not_one_of_this_log(shelved: Custody) -> None:
    shelved.keys.log = type(shelved.keys.log)(shelved.keys.log.name, Ed25519PrivateKey.generate())
    shelved.keys.write(shelved.settings.keys_dir)

    assert await place(shelved.settings) == "anchor: note"


async def test_without_the_key_the_rows_are_still_held_against_each_other(shelved: Custody) -> None:
    """The migration step holds the database's address and no key."""
    (shelved.settings.keys_dir / "log.key").unlink()
    assert (await check(shelved.settings))[1].published == []
    async with tampering(shelved.database) as connection:
        await connection.execute("DELETE FROM entry WHERE idx = 300")

    assert await place(shelved.settings) == "entry 300: missing"


async def test_damage_in_the_archive_has_a_place(shelved: Custody) -> None:
    file = shelved.settings.archive / "tile" / "entries" / "001"
    data = bytearray(file.read_bytes())
    data[300] ^= 1
    file.write_bytes(data)

    found = await place(shelved.settings)

    assert found.startswith(f"{shelved.settings.archive}/entry 256: ")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE fact SET doc = overlay(doc placing '9'::bytea from 3) WHERE key = 'permit:RGR-0000-2025'", "fact permit:RGR-0000-2025"),
        ("DELETE FROM mention WHERE idx = (SELECT max(idx) FROM mention)", "mention "),
        ("UPDATE fact SET entries = array_remove(entries, 300) WHERE 300 = ANY(entries)", "mention 300 "),
        ("UPDATE finding SET severity = 'S1' WHERE idx = (SELECT min(idx) FROM finding)", "finding "),
        ("DELETE FROM posting WHERE name = 'type:tree.felled'", "posting "),
        ("UPDATE movement SET volume_dm3 = volume_dm3 + 1 WHERE idx = (SELECT min(idx) FROM movement)", "movement "),
        ("INSERT INTO spent VALUES (1, '00000000-0000-0000-0000-000000000001', 7)", "spent 7 "),
    ],
)  # fmt: skip
async def test_a_deep_look_finds_what_does_not_follow_from_the_entries(
    shelf: Shelf, statement: str, expected: str
) -> None:
    async with shelf.spoilt(statement) as (connection, custody):
        await looked_over(connection, custody)  # the log itself is sound

    found = await place_in(shelf, statement, deep=True)

    assert found.startswith(expected)
    assert found.endswith(": derived")


# ---- bits that flip


BYTES = (("entry", "body"), ("entry", "leaf_hash"), ("entry", "sid"), ("tile", "hashes"), ("tile", "root"),
         ("tlog", "edge"), ("checkpoint", "edge"), ("checkpoint", "note"))  # fmt: skip
NUMBERS = (("entry", "idx", 20), ("tile", "n", 20), ("tlog", "size", 20), ("checkpoint", "size", 20))


async def flip(
    connection: Any, chance: random.Random, columns: tuple[tuple[str, str], ...] = BYTES, numbers: float = 0.2
) -> str | None:
    """One bit of one row, anywhere in what makes up the log: which. None where the database itself says no, and where
    there is no bit (the edge of the empty log)."""
    row = f"(SELECT ctid FROM {{table}} OFFSET {chance.randrange(10**6)} % (SELECT count(*) FROM {{table}}) LIMIT 1)"
    if chance.random() < numbers:
        table, column, bits = chance.choice(NUMBERS)
        change = f"UPDATE {table} SET {column} = {column} # {1 << chance.randrange(bits)}"
    else:
        table, column = chance.choice(columns)
        bit = f"{chance.randrange(10**9)} % (8 * octet_length({column}))"
        change = f"UPDATE {table} SET {column} = set_bit({column}, {bit}, 1 - get_bit({column}, {bit}))"
    try:
        assert await connection.execute(f"{change} WHERE ctid = {row.format(table=table)}") == "UPDATE 1"
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DivisionByZeroError):
        return None
    return change


async def test_any_bit_that_flips_is_found(shelf: Shelf, request: pytest.FixtureRequest) -> None:
    count = FLIPS_FULL if request.config.getoption("--full") else FLIPS
    chance = random.Random(2026)
    found: list[str] = []
    while len(found) < count:
        async with shelf.spoilt() as (connection, custody):
            change = await flip(connection, chance)
            if change is not None:
                with pytest.raises(Damage):
                    await looked_over(connection, custody)
                found.append(change)
    assert len({change.split()[1] for change in found}) == 4  # every table had its share


NOTES = (("checkpoint", "note"),)


async def test_lines_by_keys_of_two_kinds_are_sound_from_before_the_second_key_until_after_its_change(
    lined: Custody,
) -> None:
    notes = [note for (note,) in await rows(lined, "SELECT note FROM checkpoint WHERE size > 0 ORDER BY size")]

    sound, outside = await check(lined.settings)

    assert {len(split_note(note)[1]) for note in notes} == {1, 2, 3}
    assert (len(split_note(notes[0])[1]), len(split_note(notes[-1])[1])) == (1, 2)
    assert sound.checkpoints >= len(notes)
    assert [one.where for one in outside.published] == ["the anchor", "the archive"]


async def test_any_bit_that_flips_in_a_checkpoint_with_lines_of_two_kinds_is_found(
    lined_shelf: Shelf, request: pytest.FixtureRequest
) -> None:
    count = FLIPS_FULL if request.config.getoption("--full") else FLIPS
    chance = random.Random(44)
    for _ in range(count):
        async with lined_shelf.spoilt() as (connection, custody):
            change = await flip(connection, chance, NOTES, numbers=0)
            with pytest.raises(Damage):
                await looked_over(connection, custody)
            assert change is not None


@pytest.mark.parametrize("place", ["anchor", "archive"])
async def test_a_spoilt_line_of_the_second_key_outside_the_database_has_a_place(lined: Custody, place: str) -> None:
    file = lined.settings.data_dir / place / "checkpoint"
    right = file.read_bytes()
    _, lattice = split_note(right)[1]

    for at in (len(right) - 100, right.rindex(to_base64(lattice.key_id)[:5].encode())):
        file.write_bytes(right[:at] + bytes([right[at] ^ 2]) + right[at + 1 :])
        with pytest.raises(Damage) as found:
            await check(lined.settings)
        assert found.value.place.endswith("anchor" if place == "anchor" else "archive/checkpoint")
    file.write_bytes(right)
    await check(lined.settings)


async def test_a_key_that_was_taken_out_by_hand_is_missed_and_its_public_line_is_enough(lined: Custody) -> None:
    file = lined.settings.keys_dir / "log.key"
    first, second, retired = file.read_text().split()

    file.write_text(f"{first}\n{second}\n")
    found = await place(lined.settings)
    file.write_text(f"{first}\n{second}\n{retired}\n")

    assert (found.startswith("checkpoint "), found.endswith(": strange")) == (True, True)
    await check(lined.settings)
    file.write_text("\n".join([first, Signer.parse(second).verifier.vkey, retired]))  # switched off
    await check(lined.settings)


async def test_a_bit_that_flipped_under_the_last_checkpoint_freezes_and_what_is_served_is_right_for_every_key(
    lined: Custody, lined_shelf: Shelf, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(6)
    [(right,)] = await rows(lined, "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1")
    start = right.index(split_note(right)[1][1].line.encode())
    for n in range(200 if request.config.getoption("--full") else 6):
        spoilt = await lined_shelf.take(lined.database, tmp_path)
        bit = 8 * chance.randrange(start, len(right)) + chance.randrange(8) if n else 8 * (start + 4)  # the name first
        async with tampering(spoilt.database) as connection:
            await connection.execute(
                "UPDATE checkpoint SET note = set_bit(note, $1, 1 - get_bit(note, $1)) WHERE size = (SELECT max(size) FROM checkpoint)",
                bit,
            )
        async with AsyncExitStack() as stack:
            custody, guard = await _open(spoilt.settings, stack)
            await guard.look_back()
            await custody.signer.check()
            await custody.signer.look()

            assert custody.published.frozen is not None, bit
            assert custody.published.head is not None
            assert custody.published.head.note != right
            assert our_notes.opened(custody.published.head.note, custody.keys.verifiers).strange == ()


async def test_a_bit_that_flipped_is_never_signed(
    shelved: Custody, shelf: Shelf, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every checkpoint signed after the flip is over the entries as they were sent, or there is none."""
    true = [merkle.leaf_hash(body) for (body,) in await rows(shelved, "SELECT body FROM entry ORDER BY idx")]
    right = {size: merkle.root_of(true[:size]) for (size,) in await rows(shelved, "SELECT size FROM checkpoint")}
    count = FLIPS_FULL if request.config.getoption("--full") else SIGNED
    chance = random.Random(7)
    changed: list[str] = []
    frozen = 0
    while len(changed) < count:
        spoilt = await shelf.take(shelved.database, tmp_path)
        async with tampering(spoilt.database) as connection:
            change = await flip(connection, chance)
        if change is None:
            continue
        n = len(changed)
        changed.append(change)
        more = parse_entry(felling(spoilt, f"{n % SHELF_TREES:04}", observations=f"otra vez {n}"))
        frozen += await goes_on_with(spoilt.settings, more) is not None

        right[len(true) + 1] = merkle.root_of([*true, more.leaf_hash])
        for (note,) in await rows(spoilt, "SELECT note FROM checkpoint"):
            with suppress(Refusal):  # the flipped one itself
                signed = parse(open_note(note, [spoilt.keys.log.verifier]).text)
                assert signed.root == right[signed.size], change
    assert 0 < frozen < count
    assert len({change.split()[1] for change in changed}) == 4 or count < FLIPS_FULL  # every table had its share


async def goes_on_with(settings: CustodySettings, record: Record) -> str | None:
    """Custody starts as it does, signs, is given a record, and signs again. Why the log is frozen, if it is."""
    async with AsyncExitStack() as stack:
        custody, guard = await _open(settings, stack)
        await guard.look_back()
        await custody.signer.check()
        await custody.signer.look()
        committing = asyncio.create_task(custody.committer.run())
        with suppress(Exception):  # a damaged database may answer anything; what is signed is what is asked here
            await asyncio.wait_for(custody.committer.append([record]), 60)
        await custody.signer.look()
        committing.cancel()
        with suppress(asyncio.CancelledError):
            await committing
        return custody.published.frozen


# ---- the command


def command(custody: Custody, *words: str) -> "subprocess.CompletedProcess[str]":
    given = {
        "TROZALOG_ENV": "test", "TROZALOG_DATABASE_URL": custody.database.app_url, "TROZALOG_ORIGIN": custody.settings.origin,
        "TROZALOG_KEYS_DIR": str(custody.settings.keys_dir), "TROZALOG_DATA_DIR": str(custody.settings.data_dir),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "services.custody.operate", *words], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], **given},
    )  # fmt: skip


async def test_the_command_says_sound_damaged_or_that_it_cannot_read(shelved: Custody) -> None:
    sound = command(shelved, "fsck", "--json")
    async with tampering(shelved.database) as connection:
        await connection.execute(FLIP.format(table="entry", column="body", at=200, where="idx = 300"))
    damaged = command(shelved, "fsck")
    (shelved.settings.keys_dir / "log.key").write_text("nonsense")
    unreadable = command(shelved, "fsck", "--json")

    assert (sound.returncode, '"status":"sound"' in sound.stdout) == (0, True), sound.stderr
    assert (damaged.returncode, "Daño en entrada 300" in damaged.stderr) == (1, True)
    assert (unreadable.returncode, '"status":"unreadable"' in unreadable.stdout) == (2, True), unreadable.stdout
