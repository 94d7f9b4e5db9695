"""Where nothing leaves unwitnessed, nothing is signed or recorded either before the quorum has said what it saw."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Signer, sign
from shared.tlog.witness import monitoring_path
from tests.custody.conftest import NDJSON, ORIGIN, Custody, felling, genesis
from tests.custody.set_back import until
from tests.custody.test_guard import frozen, thawed
from tests.custody.test_hand_over import NEXT, handed_over
from tests.custody.test_recovery import recovered
from tests.custody.test_witness_trouble import grown_past_a_backup, set_back
from tests.custody.watched import NOT_FOUND, Watched, health, note_of, point, rows, witnessed
from tests.witness.serving import Answer

LOOK = f"/{monitoring_path(ORIGIN)}"


@pytest.fixture
async def watched(short: Path, open_custody: Any) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        yield Watched(short, stack, open_custody)


async def started(watched: Watched, rest: str = "quorum near", again: Custody | None = None, **more: Any) -> Custody:
    """Custody that lets nothing leave unwitnessed, as it is right after its start."""
    opened: Custody = await watched.open_custody(
        again, keys=watched.keys, policy=watched.policy(rest), **{"only_witnessed": True} | more
    )
    return opened


async def refused(custody: Custody, *entries: bytes) -> str:
    """The problem that an upload is answered with."""
    headers = NDJSON | custody.issuer.headers("manager")
    answer = await custody.http.post("/v1/records", content=b"\n".join(entries), headers=headers)
    assert (answer.status_code, answer.json()["slug"]) == (503, "log-frozen"), answer.text
    detail: str = answer.json()["detail_en"]
    return detail


async def signed(custody: Custody) -> list[int]:
    return [row[0] for row in await rows(custody, "SELECT size FROM checkpoint ORDER BY size")]


async def looks(custody: Custody) -> None:
    """Several rounds of the signer."""
    for _ in range(3):
        await custody.app.state.custody.signer.look()


async def test_a_silent_quorum_keeps_a_process_from_signing_and_recording_until_it_answers(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody("quorum near", only_witnessed=True)
    await custody.send(felling(custody, "501"), wait="inclusion")
    shown = await note_of(custody)
    await custody.stop()
    await watched.stop("near")

    again = await started(watched, again=custody)
    before = await signed(again)
    await looks(again)

    reason = await frozen(again)
    assert "no answer yet from near." in reason
    assert "can be reached from here" in reason
    assert reason in await refused(again, felling(again, "502"))
    assert await signed(again) == before
    assert await note_of(again) == shown  # reading goes on
    assert (await again.get("/v1/logs"))["logs"][0]["size"] == point(shown).size

    await watched.real("near")
    await until(lambda: thawed(again))
    [result] = await again.send(felling(again, "502"), wait="inclusion")
    assert result["status"] == "logged"
    assert watched.cosigners(await note_of(again)) == {"near"}


async def test_without_the_setting_a_silent_quorum_keeps_nobody_waiting(watched: Watched) -> None:
    watched.down("near")

    custody = await started(watched, only_witnessed=False)
    await custody.send(*genesis(custody), wait="inclusion")

    assert await thawed(custody)
    assert point(await note_of(custody)).size == (await health(custody))["size"]


async def test_an_empty_log_begins_when_its_quorum_has_said_that_it_knows_nothing_of_it(watched: Watched) -> None:
    watched.down("near")
    custody = await started(watched)
    assert "no answer yet from near." in await frozen(custody)
    await refused(custody, *genesis(custody))
    assert await signed(custody) == []

    await custody.stop()
    del watched.addresses["near"]
    await watched.real("near")
    again = await started(watched, again=custody)
    await until(lambda: thawed(again))
    await again.send(*genesis(again), wait="inclusion")

    assert watched.cosigners(await note_of(again)) == {"near"}


async def test_with_everything_lost_but_the_witness_no_second_history_is_signed_while_it_is_away(
    watched: Watched,
) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)
    await watched.stop("near")

    again = await started(watched, again=custody)
    await looks(again)
    await refused(again, felling(again, "504"))
    assert await signed(again) == [size for size in await signed(again) if size <= backup]
    assert (await health(again))["size"] == backup

    await watched.real("near")

    async def set_back_is_known() -> bool:
        return f"{published} were published" in await frozen(again)

    await until(set_back_is_known)
    assert str(published) in await refused(again, felling(again, "504"))


async def test_what_the_anchor_tells_is_said_before_who_is_silent(watched: Watched) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    anchor = Path(custody.settings.data_dir) / "anchor" / "checkpoint"
    kept = anchor.read_bytes()
    await set_back(custody, backup)
    anchor.parent.mkdir(parents=True)
    anchor.write_bytes(kept)
    await watched.stop("near")

    again = await started(watched, again=custody)

    assert f"{published} were published (the anchor)" in await frozen(again)


async def test_a_quorum_that_was_heard_may_fall_silent(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody("quorum near", only_witnessed=True)
    await watched.stop("near")

    await custody.app.state.custody.signer._guard.look_back()
    await looks(custody)
    [result] = await custody.send(felling(custody, "501"))

    assert await thawed(custody)
    assert result["status"] == "logged"


# --- what an answer is


def a_stranger(_: Watched) -> Answer:
    return 200, "text/plain", sign(Checkpoint(ORIGIN, 0, bytes(32)).text(), [Signer.generate(ORIGIN)])


SILENCES: dict[str, Callable[[Watched], Answer]] = {
    "a note that another key signed": a_stranger,
    "no note": lambda _: (200, "text/plain", b"up\n"),
    "a page": lambda _: (200, "text/html", b"<html>" * 20_000),
    "an error": lambda _: (500, "text/plain", b"no"),
    "out of order": lambda _: (503, "text/plain", b"lost"),
    "not allowed": lambda _: (403, "text/plain", b"no"),
    "gone": lambda _: (410, "text/plain", b"no"),
    "a redirect": lambda _: (302, "text/plain", b""),
    "nothing": lambda _: (204, "text/plain", b""),
}


@pytest.mark.parametrize("said", SILENCES)
async def test_what_is_no_answer_keeps_the_log_frozen_and_a_404_opens_it(watched: Watched, said: str) -> None:
    answers = [SILENCES[said](watched)]

    async def answer(path: str, _: bytes) -> Answer:
        return answers[-1] if path == LOOK else (503, "text/plain", b"no")

    await watched.script("near", answer)
    custody = await started(watched)
    assert "no answer yet from near." in await frozen(custody)

    answers.append(NOT_FOUND)

    await until(lambda: thawed(custody))
    await custody.log(*genesis(custody))


async def test_an_answer_that_does_not_come_in_time_is_none(watched: Watched) -> None:
    late = asyncio.Event()

    async def answer(path: str, _: bytes) -> Answer:
        if path == LOOK:
            await late.wait()
        return NOT_FOUND

    await watched.script("near", answer)
    custody = await started(watched)
    assert "no answer yet from near." in await frozen(custody)

    late.set()

    await until(lambda: thawed(custody))
    await custody.log(*genesis(custody))


async def test_a_checkpoint_of_ours_is_an_answer(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))
    await custody.stop()

    again = await started(watched, again=custody)
    await until(lambda: thawed(again))

    [result] = await again.send(felling(again, "501"), wait="inclusion")
    assert result["status"] == "logged"


@pytest.mark.parametrize(
    ("rest", "waits_for"),
    [
        ("group g 2 near far gone\nquorum g", None),
        ("group g any gone near\nquorum g", None),
        ("group two all near far\ngroup g any two gone\nquorum g", None),
        ("group g all near far gone\nquorum g", "gone"),
        ("group g 2 near gone lost\nquorum g", "gone, lost"),
        ("quorum near", None),
        ("quorum gone", "gone"),
        ("group two all near gone\ngroup g any two lost\nquorum g", "gone, lost"),
    ],
)
async def test_who_must_have_answered_is_what_the_policy_says(
    watched: Watched, rest: str, waits_for: str | None
) -> None:
    async def nothing_known(*_: object) -> Answer:
        return NOT_FOUND

    for name in ("near", "far"):
        await watched.script(name, nothing_known)
    for name in ("gone", "lost"):
        watched.down(name)
    custody = await started(watched, rest)

    if waits_for is None:
        await until(lambda: thawed(custody))
        await custody.log(*genesis(custody))
        return

    async def said() -> bool:
        return f"no answer yet from {waits_for}." in await frozen(custody)

    await until(said)  # on a busy machine those that answer may be late, too
    await refused(custody, *genesis(custody))


async def test_answers_of_different_moments_add_up(watched: Watched) -> None:
    up = {"near": True, "far": False}

    async def near(*_: object) -> Answer:
        return NOT_FOUND if up["near"] else (503, "text/plain", b"no")

    async def far(*_: object) -> Answer:
        return NOT_FOUND if up["far"] else (503, "text/plain", b"no")

    await watched.script("near", near)
    await watched.script("far", far)
    custody = await started(watched, "group g all near far\nquorum g")

    async def only_far() -> bool:
        return "no answer yet from far." in await frozen(custody)

    await until(only_far)
    up["near"], up["far"] = False, True

    await until(lambda: thawed(custody))


async def test_what_the_anchor_could_not_keep_was_not_heard(watched: Watched) -> None:
    """Else the witness's word would be gone with the anchor's trouble, and nobody would ask again before signing."""
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)
    anchor = Path(custody.settings.data_dir) / "anchor" / "checkpoint"
    anchor.parent.mkdir(parents=True)
    anchor.write_text("not a note\n")
    again = await started(watched, again=custody)
    assert "is not a checkpoint of this log" in await frozen(again)
    await watched.stop("near")
    await again.app.state.custody.signer._guard.look_back()

    anchor.unlink()
    await looks(again)

    assert "not heard yet: near." in await frozen(again)  # nor is there an anchor any more
    await watched.real("near")

    async def set_back_is_known() -> bool:
        return f"{published} were published" in await frozen(again)

    await until(set_back_is_known)


# --- the operator's commands


async def test_a_hand_over_signs_nothing_before_the_quorum_has_answered(
    watched: Watched, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.custody.operating.hand_over.PAUSE_S", 0.01)
    await watched.real("near")
    custody = await watched.custody("quorum near", only_witnessed=True)
    await custody.stop()
    await watched.stop("near")
    before, key = await signed(custody), Signer.generate(NEXT)

    code, [said] = await handed_over(custody, capsys, key)
    assert (code, said["status"]) == (1, "refused")
    assert "no answer yet from near." in said["text_en"]
    assert await signed(custody) == before

    await watched.real("near")
    code, said = await handed_over(custody, capsys, key)
    assert (code, said[0]["status"]) == (0, "closed")

    await watched.stop("near")  # closed as it is, nothing more is signed: it may be repeated without the witness
    code, said = await handed_over(custody, capsys, key, unwitnessed=True)
    assert (code, said[0]["status"]) == (0, "closed")


async def test_a_recovery_records_nothing_behind_a_copy_that_the_quorum_was_not_held_against(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    copy = watched.folder / "copy"
    shutil.move(custody.settings.archive, copy)
    await set_back(custody, backup)
    assert custody.settings.policy is not None
    custody.settings.policy.write_text(watched.policy("quorum near"))
    custody.settings = custody.settings.model_copy(update={"only_witnessed": True})
    await watched.stop("near")

    code, [said] = await recovered(custody, capsys, copy)
    assert (code, said["status"]) == (1, "refused")
    assert "no answer yet from near." in said["text_en"]
    assert await rows(custody, "SELECT size FROM tlog") == [(backup,)]

    await watched.real("near")
    code, said = await recovered(custody, capsys, copy)
    assert (code, said[0]["status"], said[0]["end"]) == (0, "recovered", published - 1)
