"""A running custody reads its log again, slowly: what changed in storage freezes it, with the place, until it is mended."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.custody.main import open_scrub
from services.custody.soundness import scrub
from services.custody.soundness.scrub import Scrub, State
from shared.audit.fsck import first_damage
from shared.audit.source import FolderSource
from shared.tlog.note import COSIGNATURE, Signer, split_note
from tests.custody.conftest import NDJSON, Custody, felling
from tests.custody.set_back import rows, tampering, until
from tests.custody.test_guard import other_root
from tests.custody.watched import note_of, point

FLIP = "UPDATE {} = set_byte({}, 0, get_byte({}, 0) # 1) WHERE {}"


@pytest.fixture
async def running(shelved: Custody, open_custody: Any) -> Custody:
    made: Custody = await open_custody(shelved)
    return made


def of(custody: Custody) -> Scrub:
    """A scrub beside the one in the background, as another process has it."""
    running = custody.app.state.custody
    return open_scrub(running, running.signer._guard.archive)


async def state(custody: Custody) -> State:
    async with custody.app.state.custody.store.snapshot() as tx:
        return await scrub.state(tx)


async def whole_pass(custody: Custody) -> None:
    """From wherever it stands to the end of the next whole pass."""
    goal, other = (await state(custody)).passes + 2, of(custody)

    async def over() -> bool:
        await other.step(pass_s=0)
        now = await state(custody)
        return now.passes >= goal or now.damage != ""

    await until(over)


async def refused(custody: Custody) -> dict[str, Any]:
    headers = NDJSON | custody.issuer.headers("manager")
    answer = await custody.http.post("/v1/records", content=felling(custody, "0002", observations="x"), headers=headers)
    problem: dict[str, Any] = answer.json()
    assert answer.status_code == 503, problem
    return problem


async def reason(custody: Custody) -> Any:
    return (await custody.get("/healthz"))["frozen"]


async def test_an_undamaged_log_is_read_to_its_end_and_again(running: Custody) -> None:
    await whole_pass(running)

    health = await running.get("/healthz")
    assert (health["frozen"], health["scrub"]["damage"]) == (None, None)
    assert health["scrub"]["passes"] >= 2


async def test_when_a_pass_is_over_it_rests_until_the_next_is_due(running: Custody) -> None:
    async def at_the_end() -> bool:
        return not await of(running).step() and (await state(running)).entries >= 600

    await until(at_the_end)
    before = await state(running)

    assert not await of(running).step()
    assert await state(running) == before


async def test_a_restart_goes_on_where_it_was(running: Custody, open_custody: Any) -> None:
    async def begun() -> bool:  # by this one, or by the one in the background before it
        return await of(running).step() or (await state(running)).entries > 0

    await until(begun)
    before = await state(running)
    await running.stop()

    again = await open_custody(running)

    assert (await state(again)).entries >= before.entries > 0


@pytest.mark.parametrize(
    ("what", "place"),
    [
        (FLIP.format("entry SET body", "body", "body", "idx = 300"), "entry 300"),
        (FLIP.format("entry SET leaf_hash", "leaf_hash", "leaf_hash", "idx = 300"), "entry 300"),
        (FLIP.format("entry SET sid", "sid", "sid", "idx = 300"), "entry 300"),
        (FLIP.format("tile SET hashes", "hashes", "hashes", "n = 1"), "tile"),
        (FLIP.format("tile SET root", "root", "root", "n = 1"), "tile"),
        ("DELETE FROM entry WHERE idx = 300", "entry 300"),
        ("DELETE FROM tile WHERE n = 1", "tile"),
        (FLIP.format("entry SET leaf_hash", "leaf_hash", "leaf_hash", "idx = 595"), "entry 595"),
    ],
)
async def test_damage_freezes_with_its_place_and_nothing_is_recorded(running: Custody, what: str, place: str) -> None:
    async with tampering(running.database) as connection:
        assert await connection.execute(what) in ("UPDATE 1", "DELETE 1")

    await whole_pass(running)
    why = await until(lambda: reason(running))

    assert f"Damage at {place}" in why
    assert place in (await refused(running))["detail_en"]
    health = await running.get("/healthz")
    assert health["scrub"]["damage"] == why
    assert health["signed_size"] == health["size"]
    assert (await running.get("/log/checkpoint")).startswith(b"trozalog.test")  # what was signed is served on


async def test_damage_is_known_to_every_process_and_after_a_restart(running: Custody, open_custody: Any) -> None:
    other = await open_custody(running)
    async with tampering(running.database) as connection:
        await connection.execute("DELETE FROM entry WHERE idx = 300")
    await whole_pass(running)

    for one in (running, other):
        assert "entry 300" in await until(partial(reason, one))
        await one.stop()

    assert "entry 300" in await reason(await open_custody(running))


async def test_what_was_mended_is_signed_again(running: Custody) -> None:
    [(body,)] = await rows(running, "SELECT body FROM entry WHERE idx = 300")
    async with tampering(running.database) as connection:
        await connection.execute(FLIP.format("entry SET body", "body", "body", "idx = 300"))
        await whole_pass(running)
        await until(lambda: reason(running))
        await connection.execute("UPDATE entry SET body = $1 WHERE idx = 300", body)

    async def thawed() -> bool:
        await of(running).step()
        return await reason(running) is None

    await until(thawed)
    [result] = await running.send(felling(running, "0002", observations="x"), wait="inclusion")
    assert result["status"] == "logged"


async def test_the_metrics_say_how_far_it_is(running: Custody) -> None:
    async def read() -> bool:
        text = (await running.http.get("/metrics")).text
        return "trozalog_scrub_entries" in text and "trozalog_scrub_damage 0.0" in text

    assert await until(read)


# --- beside the entries: nothing of it freezes


def archived(custody: Custody, name: str) -> Path:
    """A file of the archive; `EDGE` in its name is the width of the last bundle."""
    size = point((custody.settings.archive / "checkpoint").read_bytes()).size
    return custody.settings.archive / name.replace("EDGE", str(size % 256))


def rot(file: Path) -> bytes:
    """One bit of it; what it was."""
    sound = file.read_bytes()
    file.write_bytes(sound[:300] + bytes([sound[300] ^ 1]) + sound[301:])
    return sound


async def unharmed(custody: Custody) -> dict[str, Any]:
    """It is not frozen and says of no damage to the log; what it says of the rest."""
    health = await custody.get("/healthz")
    assert (health["frozen"], health["scrub"]["damage"]) == (None, None)
    told: dict[str, Any] = health["scrub"]
    return told


FILES = ["tile/entries/001", "tile/0/001", "tile/entries/002.p/EDGE", "tile/0/002.p/EDGE", "tile/1/000.p/2"]


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("name", FILES)
async def test_a_rotten_file_of_the_archive_is_copied_again_from_sound_rows(
    running: Custody, name: str, gone: bool
) -> None:
    file = archived(running, name)
    if gone:
        sound = file.read_bytes()
        file.unlink()
    elif file.stat().st_size > 300:
        sound = rot(file)
    else:
        sound = file.read_bytes()
        file.write_bytes(bytes(len(sound)))

    await whole_pass(running)

    assert file.read_bytes() == sound
    told = await unharmed(running)
    assert (told["aside"], told["mended"]) == (None, 1)
    assert await first_damage(FolderSource(running.settings.archive), point(await note_of(running))) is None
    assert "trozalog_archive_mended" in (await running.http.get("/metrics")).text


async def test_a_sound_archive_is_left_alone(running: Custody) -> None:
    files = [archived(running, name) for name in FILES]
    before = [file.stat().st_mtime_ns for file in files]

    await whole_pass(running)

    assert [file.stat().st_mtime_ns for file in files] == before
    assert (await unharmed(running))["mended"] == 0


async def test_an_archive_of_another_history_is_not_overwritten_by_these_rows(running: Custody) -> None:
    """It may be all that is left of what was published."""
    size = point(await note_of(running)).size
    file = archived(running, "tile/entries/001")
    rot(file)
    rotten = file.read_bytes()
    (running.settings.archive / "checkpoint").write_bytes(other_root(running, size))

    await whole_pass(running)

    assert file.read_bytes() == rotten
    assert (await state(running)).mended == 0


async def test_an_archive_is_not_copied_from_damaged_rows(running: Custody) -> None:
    file = archived(running, "tile/entries/001")
    sound = file.read_bytes()
    async with tampering(running.database) as connection:
        await connection.execute(FLIP.format("entry SET body", "body", "body", "idx = 300"))

    await whole_pass(running)

    assert "entry 300" in await until(lambda: reason(running))
    assert file.read_bytes() == sound
    assert (await state(running)).mended == 0


async def test_a_file_that_cannot_be_put_in_its_place_is_told_until_it_can(running: Custody) -> None:
    file = archived(running, "tile/entries/001")
    sound = file.read_bytes()
    file.unlink()
    (file / "in the way").mkdir(parents=True)

    await whole_pass(running)
    assert str(file) in (await unharmed(running))["aside"]

    shutil.rmtree(file)
    await whole_pass(running)
    assert file.read_bytes() == sound
    assert (await unharmed(running))["aside"] is None


ADD_LINE = "INSERT INTO cosignature (log_id, key, size, at, line) VALUES (1, sha256('x'), $1, $2, $3)"


async def middle(custody: Custody) -> tuple[int, str]:
    """An older checkpoint: its size and its text."""
    [(size, note)] = await rows(custody, "SELECT size, note FROM checkpoint WHERE size > 100 ORDER BY size LIMIT 1")
    return size, split_note(note)[0]


async def test_a_spoilt_cosignature_is_told_and_freezes_nothing(running: Custody) -> None:
    size, text = await middle(running)
    witness = Signer.generate("near.example/w", COSIGNATURE)
    async with tampering(running.database) as connection:
        for at in range(300):  # more than one step looks at
            await connection.execute(ADD_LINE, size, at, witness.line(text, at))
        await whole_pass(running)
        assert (await unharmed(running))["aside"] is None

        await connection.execute("UPDATE cosignature SET line = overlay(line placing '?' from 1) WHERE at = 299")
        await whole_pass(running)
        assert f"cosignature of checkpoint {size} by " in (await unharmed(running))["aside"]

        await connection.execute("DELETE FROM cosignature WHERE at = 299")
        await whole_pass(running)
        assert (await unharmed(running))["aside"] is None


@pytest.mark.parametrize(("column", "at"), [("note", 60), ("edge", 0)])
async def test_a_spoilt_older_checkpoint_is_told_and_freezes_nothing(running: Custody, column: str, at: int) -> None:
    size, _ = await middle(running)
    async with tampering(running.database) as connection:
        await connection.execute(
            f"UPDATE checkpoint SET {column} = set_byte({column}, {at}, get_byte({column}, {at}) # 1) WHERE size = {size}"
        )

    await whole_pass(running)

    assert f"checkpoint {size}" in (await unharmed(running))["aside"]


async def test_a_checkpoint_of_ours_over_other_entries_freezes(running: Custody) -> None:
    size, _ = await middle(running)
    async with tampering(running.database) as connection:
        await connection.execute("UPDATE checkpoint SET note = $1 WHERE size = $2", other_root(running, size), size)

    await whole_pass(running)

    assert f"Damage at checkpoint {size}" in await until(lambda: reason(running))
