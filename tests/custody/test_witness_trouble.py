"""Custody and witnesses that are down, late, lying, forgetful or ahead; and witnesses as the log's memory."""

import asyncio
import hashlib
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.custody.witnesses.asking import TIMEOUT_S
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, MLDSA44, Signer, sign, split_note
from shared.tlog.witness import parse as parse_request
from tests.custody.conftest import NDJSON, ORIGIN, Custody, felling
from tests.custody.set_back import PATIENCE_S, tampering, until
from tests.custody.test_guard import spoilt
from tests.custody.test_log import flip
from tests.custody.watched import NOT_FOUND, Watched, health, note_of, point, problems, rows, witnessed
from tests.witness.serving import Answer


@pytest.fixture
async def watched(tmp_path: Path, open_custody: Any) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        yield Watched(tmp_path, stack, open_custody)


async def test_a_witness_that_is_down_keeps_nobody_waiting(watched: Watched) -> None:
    await watched.real("near")
    watched.down("gone")
    custody = await watched.custody()

    async def near() -> bool:
        return watched.cosigners(await note_of(custody)) == {"near"}

    async def told() -> bool:
        problem = await problems(custody)
        return problem["near"] is None and problem["gone"] is not None

    await until(near)
    await until(told)


async def test_a_witness_that_does_not_answer_is_given_two_seconds(watched: Watched) -> None:
    later, answered = asyncio.Event(), []

    async def late(path: str, _: bytes) -> Answer:
        await later.wait()
        answered.append(path)
        return NOT_FOUND

    await watched.real("near")
    script = await watched.script("late", late)
    custody = await watched.custody()
    pushing = await watched.pushing(custody, answer_s=TIMEOUT_S)

    async def only_near() -> bool:
        await pushing.push()
        return {one["name"]: bool(one["problem"]) for one in pushing.facts()} == {"near": False, "late": True}

    await until(only_near)  # the near one may be late once, too
    assert watched.cosigners(await note_of(custody)) == {"near"}
    assert [path for path, _ in script.asked] != []
    assert answered == []
    later.set()


Liar = Callable[[Watched, bytes], Answer]


def of_another_checkpoint(watched: Watched, _: bytes) -> Answer:
    text = Checkpoint(ORIGIN, 5, bytes(32)).text()
    return 200, "text/plain", watched.key("liar").line(text, int(time.time())).encode()


def of_another_key(_: Watched, body: bytes) -> Answer:
    text, _ = split_note(parse_request(body).note)
    return 200, "text/plain", Signer.generate("liar.example/w", COSIGNATURE).line(text, int(time.time())).encode()


def of_another_name(watched: Watched, body: bytes) -> Answer:
    text, _ = split_note(parse_request(body).note)
    return 200, "text/plain", Signer("near.example/w", watched.key("liar").private_key, COSIGNATURE).line(text).encode()


def of_the_year_2100(watched: Watched, body: bytes) -> Answer:
    text, _ = split_note(parse_request(body).note)
    return 200, "text/plain", watched.key("liar").line(text, 4_102_444_800).encode()


LIARS: dict[str, Liar] = {
    "of another checkpoint": of_another_checkpoint,
    "of another key": of_another_key,
    "of another name": of_another_name,
    "of the year 2100": of_the_year_2100,
    "nothing": lambda *_: (200, "text/plain", b""),
    "a page": lambda *_: (200, "text/html", b"<html>" * 20_000),
    "an error": lambda *_: (500, "text/plain", b"no"),
    "a redirect": lambda *_: (302, "text/plain", b""),
    "a size that is none": lambda *_: (409, "text/x.tlog.size", b"many\n"),
    "a size of another type": lambda *_: (409, "text/plain", b"5\n"),
    "another size each time": lambda _, body: (409, "text/x.tlog.size", b"%d\n" % (parse_request(body).old_size + 1)),
}


@pytest.mark.parametrize("lie", LIARS)
async def test_a_lie_is_not_kept_not_served_and_told_to_the_operator(watched: Watched, lie: str) -> None:
    async def answer(path: str, body: bytes) -> Answer:
        return LIARS[lie](watched, body) if path == "/add-checkpoint" else NOT_FOUND

    await watched.real("near")
    await watched.script("liar", answer)
    custody = await watched.custody()
    pushing = await watched.pushing(custody)

    await pushing.push()

    assert watched.cosigners(await note_of(custody)) == {"near"}
    keys = {row[0] for row in await rows(custody, "SELECT key FROM cosignature")}
    assert keys == {hashlib.sha256(watched.key("near").verifier.vkey.encode()).digest()}
    told = {one["name"]: one["problem"] for one in pushing.facts()}
    assert told["near"] is None
    assert told["liar"]
    assert (await health(custody))["frozen"] is None


async def test_a_witness_that_takes_its_time_cosigns_what_the_quick_one_does_while_the_log_grows(
    watched: Watched,
) -> None:
    """Else a quorum of both would wait for a pause: each was asked when it was due, and each for another checkpoint."""

    async def slow(path: str, body: bytes) -> Answer:
        if path != "/add-checkpoint":
            return NOT_FOUND
        await asyncio.sleep(0.7)
        text, _ = split_note(parse_request(body).note)
        return 200, "text/plain", watched.key("slow").line(text, int(time.time())).encode()

    await watched.real("near")
    await watched.script("slow", slow)
    custody = await watched.custody("group both all near slow\nquorum both", only_witnessed=True)

    async def grow() -> None:
        for number in count():
            firm = {"id": f"empresa-{number}", "name": f"empresa-{number}", "kind": "company"}
            await custody.send(custody.act("organisation.registered", firm))
            await asyncio.sleep(0.1)

    async def published(sizes: set[int]) -> bool:
        if (answer := await custody.http.get("/log/checkpoint")).status_code == 200:
            sizes.add(point(answer.content).size)
        return len(sizes) >= 4

    growing = asyncio.create_task(grow())
    await until(partial(published, set()))
    growing.cancel()
    await asyncio.gather(growing, return_exceptions=True)


async def test_a_size_that_nobody_can_show_freezes_nothing(watched: Watched) -> None:
    """A witness alone cannot stop a log: what it says it has seen must bear the log's own signature."""

    async def boast(path: str, _body: bytes) -> Answer:
        if path == "/add-checkpoint":
            return 409, "text/x.tlog.size", b"1000000\n"
        stranger = Signer.generate(ORIGIN)
        return 200, "text/plain", sign(Checkpoint(ORIGIN, 1_000_000, bytes(32)).text(), [stranger])

    await watched.script("boaster", boast)
    custody = await watched.custody()

    await (await watched.pushing(custody)).push()
    again = await watched.custody(again=custody)
    await again.send(felling(again, "501"), wait="inclusion")

    assert (await health(again))["frozen"] is None


# --- a witness as the log's memory


async def set_back(custody: Custody, size: int) -> None:
    """The database as it stood at a checkpoint, and nothing else: what a backup on another machine looks like."""
    await custody.stop()
    shutil.rmtree(Path(custody.settings.data_dir))
    derived = "".join(
        f"DELETE FROM {table} WHERE idx >= {size};" for table in ("mention", "movement", "finding", "spent")
    )
    await flip(custody, f"{derived} DELETE FROM posting WHERE first >= {size}; DELETE FROM entry WHERE idx >= {size};"
                        f" DELETE FROM checkpoint WHERE size > {size}; DELETE FROM cosignature WHERE size > {size};"
                        f" UPDATE tlog SET size = {size}, edge = (SELECT edge FROM checkpoint WHERE size = {size})")  # fmt: skip


async def grown_past_a_backup(watched: Watched) -> tuple[Custody, int, int]:
    """Custody, the size of its backup, and the larger size that a witness has cosigned since."""
    await watched.real("near")
    custody = await watched.custody()
    await custody.send(felling(custody, "501"), wait="inclusion")
    pushing = await watched.pushing(custody)
    await pushing.push()
    backup = point(await note_of(custody)).size
    await custody.send(felling(custody, "502"), wait="inclusion")
    await pushing.push()
    seen = await pushing.highest()
    assert seen is not None
    assert (seen.witness, seen.checkpoint.size) == ("near", point(await note_of(custody)).size)
    return custody, backup, seen.checkpoint.size


async def test_a_database_behind_what_a_witness_shows_is_frozen_before_anything_is_signed(watched: Watched) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)

    again = await watched.custody(again=custody)
    answer = await again.http.post(
        "/v1/records", content=felling(again, "503"), headers=NDJSON | again.issuer.headers("manager")
    )

    assert (await health(again))["frozen"].startswith(
        f"the database holds {backup} entries, {published} were published"
    )
    assert (answer.status_code, answer.json()["slug"]) == (503, "log-frozen")
    assert point(await note_of(again)).size == backup


@pytest.mark.parametrize(("ahead", "behind"), [("east", "west"), ("west", "east")])
async def test_whichever_witness_saw_more_freezes_a_database_that_was_set_back(
    watched: Watched, ahead: str, behind: str
) -> None:
    for name in ("east", "west"):
        await watched.real(name)
    custody = await watched.custody()
    await custody.send(felling(custody, "501"), wait="inclusion")
    pushing = await watched.pushing(custody)
    await pushing.push()
    backup = point(await note_of(custody)).size
    await watched.stop(behind)
    await custody.send(felling(custody, "502"), wait="inclusion")
    await pushing.push()
    published = point(await note_of(custody)).size
    assert watched.cosigners(await note_of(custody)) == {ahead}
    await set_back(custody, backup)
    await watched.real(behind)

    again = await watched.custody(again=custody)

    assert (await health(again))["frozen"].startswith(
        f"the database holds {backup} entries, {published} were published"
    )


async def test_a_database_set_back_while_the_witness_was_away_is_frozen_when_it_is_back(watched: Watched) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)
    await watched.stop("near")
    again = await watched.custody(again=custody)
    assert "not heard yet: near." in (await health(again))["frozen"]
    await watched.real("near")

    async def set_back_is_known() -> bool:
        return f"{published} were published" in (await health(again))["frozen"]

    await until(set_back_is_known)


def sizes_in(evidence: Path) -> list[int]:
    """Of the checkpoints kept there."""
    return sorted(point(path.read_bytes()).size for path in evidence.glob("*.checkpoint"))


async def test_a_second_history_is_frozen_when_a_witness_shows_the_first(watched: Watched) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)
    await watched.stop("near")
    waiting = await watched.custody(again=custody)
    assert "not heard yet: near." in (await health(waiting))["frozen"]
    await waiting.stop()

    # Whoever takes it out of the policy, to go on without, has only himself to ask how far the log had come.
    address = watched.addresses.pop("near")
    again = await watched.custody(again=waiting)
    await again.send(felling(again, "504"), felling(again, "505"), felling(again, "506"), wait="inclusion")
    assert point(await note_of(again)).size > published
    await again.stop()
    watched.addresses["near"] = address
    await watched.real("near")

    third = await watched.custody(again=again)

    assert f"another history of the first {published} entries" in (await health(third))["frozen"]
    answer = await third.http.post(
        "/v1/records", content=felling(third, "507"), headers=NDJSON | third.issuer.headers("manager")
    )
    assert answer.status_code == 503

    # What was seen once is known to whoever starts later, also where the witness is away again.
    shown = await note_of(third)
    await third.stop()
    await watched.stop("near")
    fourth = await watched.custody(again=third)

    why = (await health(fourth))["frozen"]
    assert "two histories were signed" in why
    assert sizes_in(Path(why.rsplit(" ", 1)[1])) == sorted([published, point(shown).size])
    answer = await fourth.http.post(
        "/v1/records", content=felling(fourth, "508"), headers=NDJSON | fourth.issuer.headers("manager")
    )
    assert (answer.status_code, answer.json()["slug"]) == (503, "log-frozen")
    assert point(await note_of(fourth)).size == point(shown).size


async def test_damaged_rows_accuse_nobody_of_a_second_history(watched: Watched) -> None:
    """Its own rows do not lead to what it signed, so they say nothing about what the witness shows."""
    await watched.real("near")
    custody = await watched.custody()
    for code in ("501", "502"):
        await custody.send(felling(custody, code), wait="inclusion")
    pushing = await watched.pushing(custody)
    await pushing.push()
    running = custody.app.state.custody

    async with tampering(custody.database) as connection:
        await connection.execute(
            "UPDATE entry SET leaf_hash = set_byte(leaf_hash, 7, get_byte(leaf_hash, 7) # 1) WHERE idx = 0"
        )
        await running.witnesses.look_back()
        assert running.published.contradicted is None
        await connection.execute(
            "UPDATE entry SET leaf_hash = set_byte(leaf_hash, 7, get_byte(leaf_hash, 7) # 1) WHERE idx = 0"
        )
        await connection.execute("CREATE TABLE aside AS SELECT * FROM entry WHERE idx = 0")
        await connection.execute("DELETE FROM entry WHERE idx = 0")
    await custody.stop()

    again = await watched.custody(again=custody)  # it starts, and says what it can

    assert again.app.state.custody.published.contradicted is None
    assert not again.settings.archive.joinpath("evidence").exists()


async def test_a_witness_that_forgot_gets_its_own_signature_back_and_stops(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    pushing = await watched.pushing(custody)
    await pushing.push()
    shutil.copytree(watched.folder / "near", watched.folder / "backup")
    await custody.send(felling(custody, "501"), wait="inclusion")
    await pushing.push()
    await watched.stop("near")
    shutil.rmtree(watched.folder / "near")
    shutil.move(watched.folder / "backup", watched.folder / "near")
    await watched.real("near")
    pushing = await watched.pushing(custody)
    await custody.send(felling(custody, "502"), wait="inclusion")

    await pushing.push()

    # Whoever asked it first after that heard so: this one, or custody itself, which asks every ten seconds.
    told = (pushing.facts()[0]["problem"], (await problems(custody))["near"])
    assert any("forgot" in str(problem) for problem in told)
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as http:
        shown = await http.get(f"{watched.addresses['near']}/healthz")
    assert (shown.status_code, shown.json()["lost"]) == (503, [ORIGIN])


async def contradicted(custody: Custody, size: int) -> bool:
    """Whether it says so. A moment before, it may say that the notes of two histories are kept."""
    return f"another history of the first {size} entries" in ((await health(custody))["frozen"] or "")


@pytest.mark.parametrize("status", [422, 409])
async def test_a_witness_that_holds_another_root_of_one_size_is_looked_at_at_once(
    watched: Watched, status: int
) -> None:
    """422 since C2SP pull request 280 of July 2026; 409 without a size in tlog-witness 1.0.0."""
    showing: list[bytes] = []

    async def other(path: str, _: bytes) -> Answer:
        if path.endswith("add-checkpoint"):
            return (status, "text/plain", b"conflict\n")
        return (200, "text/plain", showing[0]) if showing else NOT_FOUND

    await watched.script("w1", other)
    custody = await watched.custody()
    size = point(await note_of(custody)).size
    showing.append(sign(Checkpoint(ORIGIN, size, hashlib.sha256(b"another").digest()).text(), [watched.keys.log]))
    pushing = await watched.pushing(custody, custody.app.state.custody.published)

    await pushing.push()

    await until(partial(contradicted, custody, size))


async def test_a_spoilt_second_line_hides_nothing_that_a_witness_shows(watched: Watched) -> None:
    """What our Ed25519 key signed was signed, whatever became of the other line on the way."""
    lattice = Signer.generate(ORIGIN, MLDSA44)
    watched.keys.log_file = f"{watched.keys.log.skey}\n{lattice.skey}\n"
    showing: list[bytes] = []

    async def other(path: str, _: bytes) -> Answer:
        if path.endswith("add-checkpoint"):
            return (422, "text/plain", b"conflict\n")
        return (200, "text/plain", showing[0]) if showing else NOT_FOUND

    await watched.script("w1", other)
    custody = await watched.custody()
    size = point(await note_of(custody)).size
    text = Checkpoint(ORIGIN, size, hashlib.sha256(b"another").digest()).text()
    showing.append(spoilt(sign(text, [watched.keys.log, lattice]), "signature"))
    pushing = await watched.pushing(custody, custody.app.state.custody.published)

    await pushing.push()

    await until(partial(contradicted, custody, size))


async def test_a_witnessed_checkpoint_that_was_spoilt_since_is_not_served(watched: Watched) -> None:
    lattice = Signer.generate(ORIGIN, MLDSA44)
    watched.keys.log_file = f"{watched.keys.log.skey}\n{lattice.skey}\n"
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))
    await watched.stop("near")
    await custody.stop()
    [(size, right)] = await rows(
        custody, "SELECT size, note FROM checkpoint JOIN cosignature USING (log_id, size) ORDER BY size DESC LIMIT 1"
    )

    async def after(note: bytes) -> int | None:
        """The size of what is served as witnessed, when this stands in the row."""
        async with tampering(custody.database) as connection:
            await connection.execute("UPDATE checkpoint SET note = $1 WHERE size = $2", note, size)
        again = await watched.custody(again=custody)
        await again.send(felling(again, "501"), wait="inclusion")
        await again.app.state.custody.witnesses.catch_up()
        answer = await again.http.get("/log/witnessed")
        await again.stop()
        return point(answer.content).size if answer.status_code == 200 else None

    assert await after(right) == size
    assert await after(spoilt(right, "signature")) != size
