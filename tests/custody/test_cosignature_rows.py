"""A cosignature that changed in storage is handed on to nobody: under it, whoever knows the witness refuses the checkpoint."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from services.custody.operate import check
from services.custody.soundness.damage import Damage
from services.custody.witnesses.cosignatures import stands
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, Signer, sign
from shared.tlog.policy import Policy
from tests.custody.conftest import Custody, felling
from tests.custody.set_back import tampering, until
from tests.custody.watched import Watched, health, note_of, point, rows, witnessed

# Another last character of the signature: still a signature line, and still base64.
SPOIL = """
UPDATE cosignature SET line = overlay(line placing CASE substr(line, length(line) - 8, 1) WHEN 'A' THEN 'B' ELSE 'A' END
from length(line) - 8 for 1) WHERE {}"""


@pytest.fixture
async def watched(tmp_path: Path, open_custody: Any) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        yield Watched(tmp_path, stack, open_custody)


async def cosigned(watched: Watched, *names: str, **more: Any) -> Custody:
    """A log whose newest checkpoint these have cosigned, and an older one too."""
    for name in names:
        await watched.real(name)
    custody = await watched.custody(**more)
    await custody.send(felling(custody, "501"), wait="inclusion")
    await served_under(watched, custody, set(names))
    await custody.send(felling(custody, "502"), wait="inclusion")
    await served_under(watched, custody, set(names))
    return custody


async def served_under(watched: Watched, custody: Custody, names: set[str]) -> None:
    pushing = await watched.pushing(custody, custody.app.state.custody.published)

    async def done() -> bool:
        await pushing.push()
        return watched.cosigners(await note_of(custody)) == names

    await until(done)


async def spoil(custody: Custody, where: str) -> None:
    async with tampering(custody.database) as connection:
        assert await connection.execute(SPOIL.format(where)) not in ("UPDATE 0",)


def of(watched: Watched, name: str) -> str:
    return f"key = sha256('{watched.key(name).verifier.vkey}'::bytea)"


async def newest(custody: Custody) -> int:
    [(size,)] = await rows(custody, "SELECT max(size) FROM cosignature")
    return int(size)


def policy_of(watched: Watched) -> Policy:
    return Policy.parse(watched.policy().encode())


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_spoilt_line_is_left_out_and_the_others_are_served(watched: Watched, restarted: bool) -> None:
    custody = await cosigned(watched, "near", "far")
    assert set(policy_of(watched).check(await note_of(custody)).witnesses) == {"near", "far"}
    for name in ("near", "far"):
        await watched.stop(name)  # or it would cosign anew, which mends it

    await spoil(custody, of(watched, "near"))
    if restarted:
        await custody.stop()
        custody = await watched.custody(again=custody)
    await custody.app.state.custody.witnesses.catch_up()

    note = await note_of(custody)
    assert set(policy_of(watched).check(note).witnesses) == {"far"}
    assert (await health(custody))["frozen"] is None


async def test_a_witness_that_signs_again_mends_its_line(watched: Watched) -> None:
    custody = await cosigned(watched, "near")
    await spoil(custody, "true")
    await custody.app.state.custody.witnesses.catch_up()
    assert watched.cosigners(await note_of(custody)) == set()

    await served_under(watched, custody, {"near"})  # asked when it is due


async def test_the_newest_witnessed_checkpoint_is_one_whose_lines_stand(watched: Watched) -> None:
    custody = await cosigned(watched, "near")
    size = await newest(custody)
    assert point(await note_of(custody, "/log/witnessed")).size == size
    await custody.stop()
    await watched.stop("near")
    await spoil(custody, f"size = {size}")

    again = await watched.custody(again=custody)
    await again.app.state.custody.witnesses.catch_up()
    await until(lambda: witnessed(again))

    note = await note_of(again, "/log/witnessed")
    assert point(note).size < size
    assert set(policy_of(watched).check(note).witnesses) == {"near"}


async def test_a_draw_takes_its_seed_from_no_spoilt_line_and_from_no_other_one_either(watched: Watched) -> None:
    custody = await cosigned(watched, "near", "far")
    asked = f"/v1/logs/{custody.settings.origin}/first-checkpoint"
    before = await custody.get(asked, after=1)
    assert before["cosignature"]

    await spoil(custody, f"size = {before['size']}")

    answer = await custody.http.get(asked, params={"after": 1})
    assert (answer.status_code, answer.json()["slug"]) == (503, "log-incomplete")
    assert f"cosignature of checkpoint {before['size']}" in answer.json()["detail"]


async def test_fsck_names_the_spoilt_row_and_finds_the_others_right(watched: Watched) -> None:
    custody = await cosigned(watched, "near")
    size = await newest(custody)
    await custody.stop()
    await check(custody.settings)

    await spoil(custody, f"size = {size}")

    with pytest.raises(Damage) as found:
        await check(custody.settings)
    assert found.value.place.startswith(f"cosignature of checkpoint {size} by ")


def test_what_stands_under_a_checkpoint_is_the_very_line_of_that_witness() -> None:
    log, near = Signer.generate("log.example/l"), Signer.generate("near.example/w", COSIGNATURE)
    text = Checkpoint("log.example/l", 3, bytes(32)).text()
    note, line = sign(text, [log]), near.line(text, 1000)
    other = near.line(Checkpoint("log.example/l", 4, bytes(32)).text(), 1000)

    assert stands(note, line, near.verifier)
    assert stands(note, line, near.verifier, 1000)
    assert stands(note, line, None)  # of a witness that the policy knows no more
    assert not stands(note, line, near.verifier, 1001)
    assert not stands(note, other, near.verifier)
    assert not stands(note, line + line, near.verifier)
    assert not stands(note, line + line, None)
    assert not stands(note, line.replace("\u2014", "-"), None)
    assert not stands(note, "", None)
