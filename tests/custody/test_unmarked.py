"""With neither anchor nor archive nothing is signed before every witness that the database remembers has been heard."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from shared.tlog.note import Signer
from tests.custody.conftest import Custody, felling
from tests.custody.set_back import until
from tests.custody.test_first_look import looks, refused, signed
from tests.custody.test_guard import anchor_of, frozen, thawed
from tests.custody.test_hand_over import NEXT, handed_over
from tests.custody.test_recovery import recovered
from tests.custody.test_witness_trouble import grown_past_a_backup, set_back
from tests.custody.watched import NOT_FOUND, Watched, health, note_of, point, rows
from tests.witness.serving import Answer


@pytest.fixture
async def watched(short: Path, open_custody: Any) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        yield Watched(short, stack, open_custody)


async def witnessed_log(watched: Watched) -> Custody:
    """A log that a real witness has cosigned, stopped, and the witness with it."""
    await watched.real("near")
    custody = await watched.custody()
    await custody.send(felling(custody, "501"), wait="inclusion")
    await (await watched.pushing(custody)).push()
    await custody.stop()
    await watched.stop("near")
    return custody


def lose(custody: Custody) -> Path:
    """Anchor and archive, moved away."""
    data = Path(custody.settings.data_dir)
    kept = data.with_name("kept")
    shutil.move(data, kept)
    return kept


async def waits(custody: Custody, names: str) -> str:
    """It is frozen, says for whom it waits and what is to be done, takes nothing and signs nothing."""
    before = await signed(custody)
    await looks(custody)
    reason = await frozen(custody)
    assert reason.startswith(
        f"nothing outside the database tells how far the log was published; not heard yet: {names}."
    )
    assert "policy.txt" in reason
    assert reason in await refused(custody, felling(custody, "509"))
    assert await signed(custody) == before
    return reason


async def goes_on(custody: Custody, code: str) -> None:
    [result] = await custody.send(felling(custody, code), wait="inclusion")
    assert result["status"] == "logged"


async def set_back_is_known(custody: Custody, published: int) -> bool:
    return f"{published} were published" in await frozen(custody)


async def test_a_whole_database_waits_for_the_witness_it_remembers_and_goes_on_when_it_answers(
    watched: Watched,
) -> None:
    custody = await witnessed_log(watched)
    lose(custody)

    again = await watched.custody(again=custody)
    await waits(again, "near")
    assert point(await note_of(again)).size == (await health(again))["size"]  # reading goes on

    await watched.real("near")
    await until(lambda: thawed(again))
    await goes_on(again, "502")


async def test_a_database_that_was_set_back_signs_no_second_history_while_the_witness_is_away(
    watched: Watched,
) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)
    await watched.stop("near")

    again = await watched.custody(again=custody)
    await waits(again, "near")
    assert (await health(again))["size"] == backup

    await watched.real("near")
    await until(lambda: set_back_is_known(again, published))
    assert str(published) in await refused(again, felling(again, "504"))


@pytest.mark.parametrize("what", ["anchor", "archive"])
async def test_what_is_put_back_opens_it_without_the_witness(watched: Watched, what: str) -> None:
    custody = await witnessed_log(watched)
    kept = lose(custody)
    again = await watched.custody(again=custody)
    await waits(again, "near")

    shutil.copytree(kept / what, Path(again.settings.data_dir) / what)

    await until(lambda: thawed(again))
    await goes_on(again, "502")


@pytest.mark.parametrize("what", ["anchor", "archive"])
async def test_what_is_put_back_of_a_longer_log_keeps_it_frozen(watched: Watched, what: str) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    kept = watched.folder / "kept"
    shutil.copytree(custody.settings.data_dir, kept)
    await set_back(custody, backup)
    await watched.stop("near")
    again = await watched.custody(again=custody)
    await waits(again, "near")

    shutil.copytree(kept / what, Path(again.settings.data_dir) / what)

    await until(lambda: set_back_is_known(again, published))


@pytest.mark.parametrize("what", ["anchor", "archive"])
async def test_one_of_both_is_enough_to_start_without_the_witness(watched: Watched, what: str) -> None:
    custody = await witnessed_log(watched)
    shutil.rmtree(Path(custody.settings.data_dir) / what)

    again = await watched.custody(again=custody)

    assert await thawed(again)
    await goes_on(again, "502")


async def test_a_witness_that_left_the_policy_is_not_waited_for(watched: Watched) -> None:
    custody = await witnessed_log(watched)
    lose(custody)
    del watched.addresses["near"]

    again = await watched.custody(again=custody)

    assert await thawed(again)
    await goes_on(again, "502")


async def test_a_witness_that_never_cosigned_is_not_waited_for(watched: Watched) -> None:
    watched.down("gone")
    custody = await watched.custody()
    await custody.send(felling(custody, "501"), wait="inclusion")
    await custody.stop()
    lose(custody)

    again = await watched.custody(again=custody)

    assert await thawed(again)
    await goes_on(again, "502")


async def test_a_witness_that_was_begun_anew_has_answered(watched: Watched) -> None:
    """It knows nothing any more, and says so: nobody is left to be asked."""
    custody = await witnessed_log(watched)
    lose(custody)

    async def forgot(*_: object) -> Answer:
        return NOT_FOUND

    await watched.script("near", forgot)
    again = await watched.custody(again=custody)

    await until(lambda: thawed(again))
    await goes_on(again, "502")


async def test_the_witness_behind_does_not_speak_for_the_one_ahead_also_after_a_restart(watched: Watched) -> None:
    for name in ("east", "west"):
        await watched.real(name)
    custody = await watched.custody()
    await custody.send(felling(custody, "501"), wait="inclusion")
    pushing = await watched.pushing(custody)
    await pushing.push()
    backup = point(await note_of(custody)).size
    await watched.stop("west")
    await custody.send(felling(custody, "502"), wait="inclusion")
    await pushing.push()
    published = point(await note_of(custody)).size
    await set_back(custody, backup)
    await watched.stop("east")
    await watched.real("west")

    again = await watched.custody(again=custody)
    for _ in range(2):
        await waits(again, "east")
        assert not anchor_of(again).exists()
        await again.stop()
        again = await watched.custody(again=again)

    await watched.real("east")
    await until(lambda: set_back_is_known(again, published))


async def test_witnesses_that_answer_one_after_the_other_have_all_been_heard(watched: Watched) -> None:
    for name in ("east", "west"):
        await watched.real(name)
    custody = await watched.custody()
    await custody.send(felling(custody, "501"), wait="inclusion")
    await (await watched.pushing(custody)).push()
    shown = point(await note_of(custody)).size
    await custody.stop()
    lose(custody)
    await watched.stop("east")
    again = await watched.custody(again=custody)
    await waits(again, "east")

    await watched.stop("west")
    await watched.real("east")

    await until(lambda: thawed(again))
    assert point(anchor_of(again).read_bytes()).size == shown
    await goes_on(again, "502")


async def test_an_anchor_that_could_not_be_read_and_is_taken_away_leaves_nothing_to_go_by(watched: Watched) -> None:
    custody, backup, published = await grown_past_a_backup(watched)
    await set_back(custody, backup)
    await watched.stop("near")
    anchor_of(custody).parent.mkdir(parents=True)
    anchor_of(custody).write_text("not a note\n")
    again = await watched.custody(again=custody)
    assert "is not a checkpoint of this log" in await frozen(again)

    anchor_of(again).unlink()

    await waits(again, "near")
    await watched.real("near")
    await until(lambda: set_back_is_known(again, published))


async def test_a_hand_over_signs_nothing_so_long(
    watched: Watched, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.custody.operating.hand_over.PAUSE_S", 0.01)
    custody = await witnessed_log(watched)
    lose(custody)
    before, key = await signed(custody), Signer.generate(NEXT)

    code, [said] = await handed_over(custody, capsys, key)
    assert (code, said["status"]) == (1, "refused")
    assert "not heard yet: near." in said["text_en"]
    assert await signed(custody) == before

    await watched.real("near")
    code, said = await handed_over(custody, capsys, key)
    assert (code, said[0]["status"]) == (0, "closed")


async def test_a_recovery_from_a_copy_may_be_had_meanwhile_and_custody_waits_on(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    """It only makes the log longer, from what is verified: who starts a house first to have the witness would begin behind."""
    custody, backup, published = await grown_past_a_backup(watched)
    copy = watched.folder / "copy"
    shutil.move(custody.settings.archive, copy)
    await set_back(custody, backup)
    await watched.stop("near")

    code, said = await recovered(custody, capsys, copy)
    assert (code, said[0]["status"], said[0]["end"]) == (0, "recovered", published - 1)
    again = await watched.custody(again=custody)
    await waits(again, "near")

    await watched.real("near")
    await until(lambda: thawed(again))
    await goes_on(again, "503")
    assert await rows(again, "SELECT FROM checkpoint GROUP BY size HAVING count(*) > 1") == []
