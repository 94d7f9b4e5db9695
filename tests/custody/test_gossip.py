"""What others saw of the log is compared with what custody publishes; proofs between any two of its sizes."""

import asyncio
import base64
from typing import Any

import asyncpg
import pytest

from services.custody.witnesses import cosignatures
from shared.tlog import merkle
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.note import Signer, open_note, sign
from tests.custody.conftest import ORIGIN, Custody, felling
from tests.custody.set_back import tampering
from tests.custody.test_log import Reader

NEAR, FAR = b"n" * 32, b"f" * 32  # under what the lines of two witnesses are kept
CONSISTENCY = f"/v1/logs/{ORIGIN}/consistency"


async def heads(custody: Custody, *codes: str) -> list[Checkpoint]:
    """The checkpoint after each of these fellings."""
    found = []
    for code in codes:
        await custody.send(felling(custody, code), wait="inclusion")
        found.append(await Reader(custody).head())
    return found


def note_of(custody: Custody, size: int, root: bytes, signer: Signer | None = None) -> bytes:
    return sign(Checkpoint(ORIGIN, size, root).text(), [signer or custody.keys.log])


async def show(custody: Custody, note: bytes, expect: int = 200) -> Any:
    answer = await custody.http.post("/v1/checkpoints", content=note, headers={"content-type": "text/plain"})
    assert answer.status_code == expect, answer.text
    return answer.json()


async def kept(custody: Custody) -> list[Any]:
    connection = await asyncpg.connect(custody.database.owner_dsn)
    try:
        return await connection.fetch("SELECT outcome, size, theirs, ours FROM fork_evidence ORDER BY size")
    finally:
        await connection.close()


def check(custody: Custody, answer: dict[str, Any], old: Checkpoint) -> Checkpoint:
    """The proof of an answer leads from a checkpoint to the one it comes with."""
    new = parse(open_note(answer["checkpoint"].encode(), [custody.keys.log.verifier]).text)
    assert (answer["from"], answer["to"]) == (old.size, new.size)
    merkle.verify_consistency(
        old.size, new.size, old.root, new.root, [base64.b64decode(part) for part in answer["proof"]]
    )
    return new


# ---- proofs


async def test_a_proof_leads_from_any_size_to_the_newest_checkpoint(ready: Custody) -> None:
    old, new = await heads(ready, "501", "502")

    answer = await ready.get(CONSISTENCY, **{"from": old.size})

    assert answer["origin"] == ORIGIN
    assert check(ready, answer, old) == new
    assert check(ready, await ready.get(CONSISTENCY, **{"from": new.size}), new) == new


async def test_a_proof_to_an_earlier_checkpoint_comes_with_that_checkpoint(ready: Custody) -> None:
    first, second, _ = await heads(ready, "501", "502", "503")

    assert check(ready, await ready.get(CONSISTENCY, **{"from": first.size, "to": second.size}), first) == second


async def test_what_was_never_signed_is_not_proven(ready: Custody) -> None:
    [head] = await heads(ready, "501")

    for query, status in (
        ({"from": 0, "to": head.size + 1}, 404), ({"from": head.size + 1}, 422), ({"from": -1}, 422), ({}, 422),
        ({"from": 2**60}, 422),
    ):  # fmt: skip
        await ready.get(CONSISTENCY, expect=status, **query)
    await ready.get("/v1/logs/other.test/x/2026/consistency", expect=404, **{"from": 0})
    await ready.get(CONSISTENCY, **{"from": 0, "to": head.size})


# ---- what others saw


async def test_a_checkpoint_of_ours_is_answered_with_the_proof_that_leads_on_from_it(ready: Custody) -> None:
    old, new = await heads(ready, "501", "502")

    for theirs in (old, new):
        answer = await show(ready, note_of(ready, theirs.size, theirs.root))
        assert answer["outcome"] == "consistent"
        assert check(ready, answer, theirs) == new
    assert await kept(ready) == []


async def test_another_root_at_a_size_of_ours_is_a_fork_and_both_notes_are_kept_once(ready: Custody) -> None:
    old, new = await heads(ready, "501", "502")
    forks = [note_of(ready, head.size, merkle.leaf_hash(b"another past")) for head in (old, new)]

    for note in (*forks, *forks):
        answer = await show(ready, note)
        assert (answer["outcome"], answer["proof"]) == ("fork", [])

    ours = (await ready.http.get("/log/checkpoint")).content
    assert [tuple(row) for row in await kept(ready)] == [
        ("fork", old.size, forks[0], ours),
        ("fork", new.size, forks[1], ours),
    ]


async def test_a_checkpoint_beyond_what_was_published_is_kept(ready: Custody) -> None:
    [head] = await heads(ready, "501")
    note = note_of(ready, head.size + 7, merkle.leaf_hash(b"lost"))

    assert (await show(ready, note))["outcome"] == "ahead"

    assert [tuple(row)[:3] for row in await kept(ready)] == [("ahead", head.size + 7, note)]


async def test_evidence_cannot_be_changed(ready: Custody) -> None:
    [head] = await heads(ready, "501")
    await show(ready, note_of(ready, head.size, merkle.leaf_hash(b"another past")))
    connection = await asyncpg.connect(ready.database.owner_dsn)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM fork_evidence")
    finally:
        await connection.close()


async def test_what_the_log_did_not_sign_is_refused_and_not_kept(ready: Custody) -> None:
    [head] = await heads(ready, "501")
    good = note_of(ready, head.size, head.root)

    for note, status, slug in (
        (note_of(ready, head.size, bytes(32), Signer.generate(ORIGIN)), 409, "not-signed-by-the-log"),
        (good.replace(f"\n{head.size}\n".encode(), b"\n99\n"), 409, "not-signed-by-the-log"),
        (sign(Checkpoint("other.test/x/2026", 1, bytes(32)).text(), [Signer.generate("other.test/x/2026")]), 409,
         "not-signed-by-the-log"),
        (b"", 422, "bad-note"), (b"{}", 422, "bad-note"), (b"\xff" * 300, 422, "bad-note"),
    ):  # fmt: skip
        assert (await show(ready, note, expect=status))["slug"] == slug
    assert await kept(ready) == []
    assert (await show(ready, good))["outcome"] == "consistent"


async def test_the_first_checkpoint_after_a_size_never_changes_once_it_is_there(ready: Custody) -> None:
    [head] = await heads(ready, "501")
    before = head.size
    path = f"/v1/logs/{ORIGIN}/first-checkpoint"
    await ready.get(path, expect=404, after=before)

    await ready.send(felling(ready, "502"), wait="inclusion")
    first = await ready.get(path, after=before)
    await ready.send(felling(ready, "503"), wait="inclusion")

    assert await ready.get(path, after=before) == first
    assert (first["size"], first["cosignature"]) == (before + 1, None)
    opened = open_note(first["checkpoint"].encode(), [ready.keys.log.verifier])
    assert parse(opened.text).size == first["size"]
    assert (await ready.get(path, after=before + 1))["size"] == before + 2
    await ready.get("/v1/logs/other.test/x/2026/first-checkpoint", expect=404, after=0)


async def test_of_two_signers_the_slower_one_stores_nothing_behind_the_other(ready: Custody) -> None:
    """Else the first checkpoint after a size would be another one afterwards, and with it the seed of a draw."""
    store = ready.app.state.custody.store
    [head] = await heads(ready, "501")
    ahead, behind = head.size + 9, head.size + 4
    async with store.transaction() as slower:
        async with store.transaction() as faster:
            stored = await faster.add_checkpoint(ahead, b"", b"ahead")
            waiting = asyncio.create_task(slower.add_checkpoint(behind, b"", b"behind"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
        assert (stored.size, await waiting) == (ahead, None)

    async with store.transaction() as again:
        assert (await again.add_checkpoint(ahead, b"", b"of somebody else")).note == b"ahead"
        assert (await again.add_checkpoint(ahead + 1, b"", b"further")).note == b"further"


async def test_a_witness_that_answers_late_does_not_change_what_was_cosigned_first(ready: Custody) -> None:
    """Neither with a smaller checkpoint than one that is cosigned already, nor with a clock that is behind: a seed stays."""
    store, near, far = ready.app.state.custody.store, NEAR, FAR
    earlier, first = await heads(ready, "501", "502")
    async with store.transaction() as tx:
        await cosignatures.add(tx, near, first.size, 200, "near\n")

    async with store.transaction() as tx:
        await cosignatures.add(tx, far, earlier.size, 100, "far of the smaller one\n")
        await cosignatures.add(tx, far, first.size, 100, "far\n")

    async with store.snapshot() as tx:
        found = await cosignatures.first_after(tx, [near, far], 0, first.size)
        assert found is not None
        assert (found[0].size, found[1]) == (first.size, "near\n")
        assert await cosignatures.under(tx, earlier.size) == {}
        assert await cosignatures.under(tx, first.size) == {near: "near\n", far: "far\n"}


async def test_of_two_processes_the_slower_one_keeps_no_cosignature_behind_the_other(ready: Custody) -> None:
    store, near, far = ready.app.state.custody.store, NEAR, FAR
    behind, ahead = await heads(ready, "501", "502")
    async with store.transaction() as slower:
        async with store.transaction() as faster:
            await cosignatures.add(faster, near, ahead.size, 100, "near\n")
            waiting = asyncio.create_task(cosignatures.add(slower, far, behind.size, 100, "far\n"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
        await waiting

    async with store.snapshot() as tx:
        assert await cosignatures.under(tx, behind.size) == {}


async def test_a_clock_that_is_set_back_does_not_put_a_later_cosignature_first(ready: Custody) -> None:
    store, near, far = ready.app.state.custody.store, NEAR, FAR
    [head] = await heads(ready, "501")
    async with store.transaction() as tx:
        await cosignatures.add(tx, near, head.size, 100, "near\n")
    connection = await asyncpg.connect(ready.database.admin_dsn)
    try:  # as if the clock had been a day ahead then
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE cosignature SET kept_at = kept_at + interval '1 day'")
    finally:
        await connection.close()

    async with store.transaction() as tx:
        await cosignatures.add(tx, far, head.size, 100, "far\n")

    async with store.snapshot() as tx:
        found = await cosignatures.first_after(tx, [near, far], 0, head.size)
        assert found is not None
        assert found[1] == "near\n"


async def test_the_end_of_a_closed_log_is_cosigned_also_when_the_next_one_is_already(ready: Custody) -> None:
    store, near, far = ready.app.state.custody.store, NEAR, FAR
    end, later = await heads(ready, "501", "502")
    async with store.transaction() as tx:
        await cosignatures.add(tx, near, later.size, 100, "near\n", begins=end.size)
        await cosignatures.add(tx, far, end.size, 100, "far\n", begins=end.size)

    async with store.snapshot() as tx:
        assert await cosignatures.under(tx, end.size) == {far: "far\n"}
        tx.begins = end.size
        found = await cosignatures.first_after(tx, [near, far], 0, later.size)
        assert found is not None
        assert (found[0].size, found[1]) == (later.size, "near\n")


async def test_damaged_rows_do_not_make_the_log_say_that_it_forked(ready: Custody) -> None:
    old, _ = await heads(ready, "501", "502")
    flipped = "UPDATE entry SET leaf_hash = set_byte(leaf_hash, 7, get_byte(leaf_hash, 7) # 1) WHERE idx = 0"

    async with tampering(ready.database) as connection:
        await connection.execute(flipped)
        refused = await show(ready, note_of(ready, old.size, old.root), expect=503)
        await connection.execute(flipped)
    told = await show(ready, note_of(ready, old.size, old.root))

    assert (refused["slug"], told["outcome"]) == ("log-incomplete", "consistent")
    assert await kept(ready) == []
