"""c2sp.org/tlog-witness through the door, status by status, with requests that nobody of ours wrote."""

import asyncio
import itertools
import time
from typing import Any

import httpx
import pytest

from shared.tlog.note import COSIGNATURE, Signer
from tests.witness.conftest import Watcher
from tests.witness.foreign import ForeignLog, b64, cosigned_at, key_id

SIZE_TYPE = "text/x.tlog.size"


async def accepted(watcher: Watcher, log: ForeignLog, old: int, size: int) -> int:
    """The time of a good cosignature over the checkpoint, checked as a stranger would."""
    answer = await watcher.send(log.request(old, size))
    assert answer.status_code == 200, answer.text
    return cosigned_at(answer.text, log.text(size), watcher.vkey)


def is_size(answer: httpx.Response, size: int) -> bool:
    return (answer.status_code, answer.headers["content-type"], answer.content) == (409, SIZE_TYPE, b"%d\n" % size)


async def test_the_first_checkpoint_is_cosigned_with_the_time_of_now(watcher: Watcher, log: ForeignLog) -> None:
    before = int(time.time())

    at = await accepted(watcher, log, 0, 7)

    assert before <= at <= time.time()


@pytest.mark.parametrize("sizes", [(1, 2), (5, 5), (7, 8, 9), (1, 64, 65, 130), (0, 0, 3), (3, 300)])
async def test_what_extends_the_last_one_is_cosigned(watcher: Watcher, log: ForeignLog, sizes: tuple[int, ...]) -> None:
    for old, new in itertools.pairwise((0, *sizes)):
        await accepted(watcher, log, old, new)


async def test_every_pair_of_small_sizes_is_accepted_and_its_proof_matters(open_watcher: Any) -> None:
    pairs = [(old, new) for new in range(2, 14) for old in range(1, new)]
    logs = [ForeignLog(f"foreign.example/{old}-{new}") for old, new in pairs]
    watcher = await open_watcher(None, *(one.vkey for one in logs))

    for one, (old, new) in zip(logs, pairs, strict=True):
        await accepted(watcher, one, 0, old)
        assert (await watcher.send(one.forked(old - 1).request(old, new))).status_code == 422
        await accepted(watcher, one, old, new)


async def test_an_extension_line_is_part_of_what_is_cosigned(watcher: Watcher, log: ForeignLog) -> None:
    text = log.text(3, "an extension of the log's own")

    answer = await watcher.send(log.request(0, 3, note=log.signed(text)))

    assert answer.status_code == 200
    cosigned_at(answer.text, text, watcher.vkey)


async def test_signatures_of_strangers_are_ignored_and_not_handed_on(watcher: Watcher, log: ForeignLog) -> None:
    stranger = ForeignLog("stranger.example")
    forged = f"— stranger.example {b64(key_id('stranger.example', 1, stranger.public) + bytes(64))}\n"
    note = log.checkpoint(4) + forged.encode()

    answer = await watcher.send(log.request(0, 4, note=note))

    assert answer.status_code == 200
    shown = await watcher.newest(log)
    assert shown.content == log.checkpoint(4) + answer.content


# --- every other status


def bodies(log: ForeignLog) -> dict[str, bytes]:
    good = log.request(2, 4)
    checkpoint = log.checkpoint(4)
    proof = log.request(2, 4).split(b"\n\n")[0].split(b"\n")[1:]
    return {
        "nothing": b"",
        "only the checkpoint": checkpoint,
        "no old line": b"\n" + checkpoint,
        "another word": good.replace(b"old 2", b"new 2"),
        "two blanks": good.replace(b"old 2", b"old  2"),
        "a leading zero": good.replace(b"old 2", b"old 02"),
        "a sign": good.replace(b"old 2", b"old +2"),
        "a negative size": good.replace(b"old 2", b"old -2"),
        "digits of another script": good.replace(b"old 2", "old ٢".encode()),
        "a size beyond 63 bits": good.replace(b"old 2", b"old 9223372036854775808"),
        "a carriage return": good.replace(b"old 2\n", b"old 2\r\n"),
        "no empty line": good.replace(b"\n\n", b"\n", 1),
        "a hash cut short": good.replace(proof[0], proof[0][4:]),
        "a hash without padding": good.replace(proof[0], proof[0].rstrip(b"=")),
        "a hash in another spelling": good.replace(proof[0], proof[0].replace(b"=", b"") + b"%3D"),
        "64 hashes": log.request(2, 4, proof=[bytes(32)] * 64),
        "an old size above the checkpoint": log.request(5, 4, proof=[]),
        "no signature": log.request(2, 4, note=log.text(4).encode() + b"\n"),
        "no newline at the end": log.request(2, 4, note=checkpoint[:-1]),
        "not UTF-8": log.request(2, 4, note=checkpoint.replace(b"foreign", b"\xff\xfe")),
        "two lines of text": log.request(2, 4, note=log.signed(f"{log.name}\n4\n")),
        "a size with a leading zero": log.request(2, 4, note=log.signed(log.text(4).replace("\n4\n", "\n04\n"))),
        "a root of another length": log.request(2, 4, note=log.signed(f"{log.name}\n4\n{b64(bytes(31))}\n")),
    }


@pytest.mark.parametrize("what", bodies(ForeignLog()))
async def test_a_request_that_is_not_one_is_400(watcher: Watcher, log: ForeignLog, what: str) -> None:
    await accepted(watcher, log, 0, 2)

    answer = await watcher.send(bodies(log)[what])

    assert (answer.status_code, answer.json()["status"]) == (400, 400), answer.text
    await accepted(watcher, log, 2, 4)


async def test_more_than_a_request_may_hold_is_not_read(watcher: Watcher, log: ForeignLog) -> None:
    answer = await watcher.send(log.request(0, 4) + b"x" * 65_536)

    assert answer.status_code == 413


async def test_a_log_that_is_not_watched_is_404(watcher: Watcher) -> None:
    answer = await watcher.send(ForeignLog("elsewhere.example/log").request(0, 4))

    assert (answer.status_code, answer.json()["slug"]) == (404, "unknown-origin")


@pytest.mark.parametrize("how", ["another key", "a wrong signature", "over another text", "by the witness alone"])
async def test_what_the_log_did_not_sign_is_403(watcher: Watcher, log: ForeignLog, how: str) -> None:
    good = log.checkpoint(4)
    blob = b64(key_id(log.name, 1, log.public) + bytes(64))
    note = {
        "another key": ForeignLog(log.name).checkpoint(4),
        "a wrong signature": f"{log.text(4)}\n— {log.name} {blob}\n".encode(),
        "over another text": good.replace(b"\n4\n", b"\n5\n"),
        "by the witness alone": (log.text(4) + "\n" + watcher.signer.line(log.text(4), 1)).encode(),
    }[how]

    answer = await watcher.send(log.request(0, 4, note=note))

    assert (answer.status_code, answer.json()["slug"]) == (403, "not-signed-by-the-log")


async def test_another_old_size_is_409_with_the_size_to_build_on(watcher: Watcher, log: ForeignLog) -> None:
    assert is_size(await watcher.send(log.request(3, 9)), 0)
    await accepted(watcher, log, 0, 5)

    for old in (0, 4, 6):
        assert is_size(await watcher.send(log.request(old, 9)), 5)
    assert is_size(await watcher.send(log.request(4, 4)), 5)
    await accepted(watcher, log, 5, 9)


@pytest.mark.parametrize("how", ["none", "one too few", "one too many", "one wrong", "of another pair", "out of order"])
async def test_a_proof_that_does_not_prove_is_422(watcher: Watcher, log: ForeignLog, how: str) -> None:
    await accepted(watcher, log, 0, 6)
    true = log.request(6, 11).split(b"\n\n")[0].split(b"\n")[1:]
    broken = {
        "none": [],
        "one too few": true[:-1],
        "one too many": [*true, true[0]],
        "one wrong": [*true[:-1], b64(bytes(32)).encode()],
        "of another pair": log.request(5, 11).split(b"\n\n")[0].split(b"\n")[1:],
        "out of order": true[::-1],
    }[how]
    body = b"\n".join([b"old 6", *broken, b"", log.checkpoint(11)])

    answer = await watcher.send(body)

    assert (answer.status_code, answer.json()["slug"]) == (422, "bad-proof"), answer.text
    await accepted(watcher, log, 6, 11)


async def test_a_first_checkpoint_comes_without_a_proof_or_is_422(watcher: Watcher, log: ForeignLog) -> None:
    assert (await watcher.send(log.request(0, 3, proof=[bytes(32)]))).status_code == 422
    await accepted(watcher, log, 0, 3)


async def test_an_empty_tree_has_one_root(watcher: Watcher, log: ForeignLog) -> None:
    other = log.signed(f"{log.name}\n0\n{b64(bytes(32))}\n")

    assert (await watcher.send(log.request(0, 0, note=other))).status_code == 422
    await accepted(watcher, log, 0, 0)


async def test_two_roots_at_one_size_are_422_and_both_notes_are_kept(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 6)
    kept, fork = (await watcher.newest(log)).text, log.forked(3).checkpoint(6)

    answer = await watcher.send(log.request(6, 6, proof=[], note=fork))

    assert answer.status_code == 422
    [evidence] = await watcher.evidence(log)
    assert (evidence["kind"], evidence["size"]) == ("fork", 6)
    assert (evidence["offered"], evidence["kept"]) == (fork.decode(), kept)


async def test_a_fork_at_a_size_cosigned_long_ago_is_kept_though_it_is_409(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 6)
    kept = (await watcher.newest(log)).text
    await accepted(watcher, log, 6, 20)
    fork = log.forked(2)

    assert is_size(await watcher.send(fork.request(0, 6)), 20)
    assert is_size(await watcher.send(log.request(0, 6)), 20)  # and an honest old one is no evidence

    [evidence] = await watcher.evidence(log)
    assert (evidence["kind"], evidence["offered"], evidence["kept"]) == ("fork", fork.checkpoint(6).decode(), kept)


async def test_a_later_history_that_leaves_the_cosigned_one_is_422_and_kept(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 6)
    fork = log.forked(3)

    answer = await watcher.send(fork.request(6, 20))

    assert answer.status_code == 422
    assert [(e["kind"], e["offered"]) for e in await watcher.evidence(log)] == [
        ("unproven", fork.checkpoint(20).decode())
    ]
    await accepted(watcher, log, 6, 20)


async def test_what_is_refused_leaves_the_state_as_it_was(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 6)
    before = (await watcher.newest(log)).content

    for body in (log.request(6, 20, proof=[]), log.request(1, 9), log.forked(1).request(6, 6), b"old 6\n\n"):
        assert (await watcher.send(body)).status_code >= 400

    assert (await watcher.newest(log)).content == before


# --- the two races of the specification


async def test_of_two_requests_from_one_size_exactly_one_passes(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 10)

    for start, end in ((10, 18), (18, 26)):
        sizes = [end - 4, end]
        answers = await asyncio.gather(*(watcher.send(log.request(start, size)) for size in sizes * 4))
        passed = {size for answer, size in zip(answers, sizes * 4, strict=True) if answer.status_code == 200}
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len(passed) == 1
        assert all(is_size(answer, *passed) for answer in refused)
        if passed != {end}:
            await accepted(watcher, log, *passed, end)


async def test_the_smaller_of_two_under_way_cannot_roll_the_larger_back(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 10)
    bodies = [log.request(10, size) for size in range(11, 31)]

    answers = await asyncio.gather(*(watcher.send(body) for body in reversed(bodies)))

    [(size, _)] = [(n, a) for n, a in zip(range(30, 10, -1), answers, strict=True) if a.status_code == 200]
    assert (await watcher.newest(log)).text.startswith(log.text(size))


async def test_two_histories_at_once_are_never_both_cosigned(watcher: Watcher, log: ForeignLog) -> None:
    await accepted(watcher, log, 0, 10)
    fork = log.forked(10)

    answers = await asyncio.gather(*(watcher.send(one.request(10, 14)) for one in (log, fork) * 5))

    assert [answers[0].status_code, answers[1].status_code].count(200) == 1
    roots = {a.text for a in answers if a.status_code == 200}
    good = log if answers[0].status_code == 200 else fork
    for line in roots:
        cosigned_at(line, good.text(14), watcher.vkey)
    assert {e["kind"] for e in await watcher.evidence(log)} == {"fork"}


# --- monitoring, keys, access


async def test_the_newest_cosigned_checkpoint_is_shown_under_the_hash_of_the_origin(
    watcher: Watcher, log: ForeignLog
) -> None:
    assert (await watcher.newest(log)).status_code == 404
    line = (await watcher.send(log.request(0, 6))).text

    shown = await watcher.newest(log)

    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert "no-cache" in shown.headers["cache-control"]
    assert shown.text == log.checkpoint(6).decode() + line
    assert (await watcher.newest(ForeignLog("elsewhere.example/log"))).status_code == 404


async def test_logs_do_not_get_into_each_others_way(open_watcher: Any, log: ForeignLog) -> None:
    other = ForeignLog("other.example/log")
    watcher = await open_watcher(None, log.vkey, other.vkey)

    await accepted(watcher, log, 0, 6)
    await accepted(watcher, other, 0, 9)

    await accepted(watcher, log, 6, 7)
    await accepted(watcher, other, 9, 10)


async def test_a_log_that_changes_its_key_is_known_by_either(open_watcher: Any, log: ForeignLog) -> None:
    after = ForeignLog(log.name)
    watcher = await open_watcher(None, log.vkey, after.vkey)

    await accepted(watcher, log, 0, 6)
    await accepted(watcher, after, 6, 9)


async def test_health_tells_the_key_how_far_each_log_came_and_what_speaks_against_it(
    watcher: Watcher, log: ForeignLog
) -> None:
    await accepted(watcher, log, 0, 6)
    await watcher.send(log.forked(2).request(6, 6, proof=[]))

    told = (await watcher.http.get("/healthz")).json()

    assert (told["status"], told["vkey"]) == ("ok", watcher.vkey)
    assert (told["logs"], told["evidence"], told["lost"]) == ({log.name: 6}, {log.name: 1}, [])


async def test_who_carries_a_checkpoint_does_not_matter(watcher: Watcher, log: ForeignLog) -> None:
    answer = await watcher.http.post(
        "/add-checkpoint", content=log.request(0, 3), headers={"authorization": "Bearer of-somebody"}
    )

    assert answer.status_code == 200


async def test_the_same_checkpoint_is_cosigned_again_with_a_later_time(watcher: Watcher, log: ForeignLog) -> None:
    first = await accepted(watcher, log, 0, 6)

    again = await accepted(watcher, log, 6, 6)

    assert again >= first
    assert (await watcher.newest(log)).text.count("\n— ") == 2


def test_our_key_of_a_witness_is_what_a_stranger_computes() -> None:
    signer = Signer.generate("watcher.example/w1", COSIGNATURE)
    name, told, material = signer.verifier.vkey.split("+", 2)

    assert told == key_id(name, 4, signer.verifier.public_key).hex()
    assert material == b64(b"\x04" + signer.verifier.public_key)
