"""Custody and its witnesses, when all is as it should be; and what leaves where only witnessed checkpoints may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.custody.outside.published import Published
from shared.lot.bundle import read as read_bundle
from shared.lot.verify import verify
from shared.tlog.note import Signer
from shared.tlog.policy import Policy
from tests.custody.conftest import ORIGIN, felling, genesis
from tests.custody.set_back import until
from tests.custody.test_log import flip
from tests.custody.test_lots import sold
from tests.custody.watched import (
    DOWN,
    LOG_PATHS,
    NOT_FOUND,
    Watched,
    health,
    note_of,
    point,
    problems,
    rows,
    witnessed,
)
from tests.witness.serving import Answer


@pytest.fixture
async def watched(tmp_path: Path, open_custody: Any) -> AsyncIterator[Watched]:
    async with AsyncExitStack() as stack:
        yield Watched(tmp_path, stack, open_custody)


async def test_a_checkpoint_is_served_with_the_cosignatures_of_its_witnesses(watched: Watched) -> None:
    await watched.real("near")
    await watched.real("far")
    custody = await watched.custody()

    async def both() -> bool:
        nobody_fails = await problems(custody) == {"near": None, "far": None}
        return nobody_fails and watched.cosigners(await note_of(custody)) == {"near", "far"}

    await until(both)
    asks_for_both = Policy.parse(watched.policy("group g all near far\nquorum g").encode())
    assert set(asks_for_both.check(await note_of(custody)).witnesses) == {"near", "far"}


async def test_what_grew_is_pushed_again_and_the_witnessed_checkpoint_follows(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    pushing, sizes = await watched.pushing(custody), []

    for code in (501, 502, 503):
        await custody.send(felling(custody, str(code)), wait="inclusion")
        await pushing.push()
        note = await note_of(custody, "/log/witnessed")
        sizes.append(point(note).size)
        assert watched.cosigners(note) == {"near"}

    assert sizes == sorted(set(sizes))
    assert sizes[-1] == (await health(custody))["witnessed_size"] == (await health(custody))["signed_size"]


async def test_between_two_pushes_both_the_newest_and_the_newest_witnessed_are_there(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))
    await watched.stop("near")

    await custody.send(felling(custody, "501"), wait="inclusion")

    assert point(await note_of(custody)).size > point(await note_of(custody, "/log/witnessed")).size


async def test_a_log_at_rest_is_cosigned_again_for_freshness_only(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))  # its own push is over, and the next one far
    await (await watched.pushing(custody)).push()
    before = await rows(custody, "SELECT size, at FROM cosignature ORDER BY size, at")
    await asyncio.sleep(1.1)  # a cosignature tells whole seconds

    await custody.app.state.custody.witnesses.push()
    assert await rows(custody, "SELECT size, at FROM cosignature ORDER BY size, at") == before
    await (await watched.pushing(custody)).push()

    *earlier, (size, at) = await rows(custody, "SELECT size, at FROM cosignature ORDER BY size, at")
    assert earlier == before
    assert size == before[-1][0]
    assert at > before[-1][1]


async def test_two_processes_that_both_push_do_no_harm(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    other = await watched.custody(again=custody)
    both = [await watched.pushing(one) for one in (custody, other)]

    for code in (501, 502, 503):
        await (custody if code % 2 else other).send(felling(custody, str(code)), wait="inclusion")
        await asyncio.gather(*(each.push() for each in both))
        sizes = [point(await note_of(one, path)).size for one in (custody, other) for path in LOG_PATHS]
        assert len(set(sizes)) == 1

    for each in (custody, other):
        assert watched.cosigners(await note_of(each)) == {"near"}
        assert await problems(each) == {"near": None}
    assert [one["problem"] for each in both for one in each.facts()] == [None, None]


@pytest.mark.parametrize("forgotten", ["nothing", "what it cosigned"])
async def test_a_process_that_lags_behind_another_troubles_nobody(watched: Watched, forgotten: str) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))  # its own push is over, and the next one far
    lagging = Published()
    await lagging.announce(custody.app.state.custody.published.head)
    await custody.send(felling(custody, "501"), wait="inclusion")
    await (await watched.pushing(custody)).push()
    before = await note_of(custody, "/log/witnessed")
    if forgotten == "what it cosigned":  # so that only the witness can tell
        await flip(custody, "DELETE FROM cosignature")

    behind = await watched.pushing(custody, lagging)
    await behind.push()

    assert [one["problem"] for one in behind.facts()] == [None]
    assert await note_of(custody, "/log/witnessed") == before


async def test_after_a_restart_the_cosignatures_are_still_there(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))
    note = await note_of(custody, "/log/witnessed")
    await custody.stop()
    await watched.stop("near")

    again = await watched.custody(again=custody)

    assert await note_of(again, "/log/witnessed") == note


async def test_a_witness_that_is_further_than_we_remember_is_asked_from_there(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))
    await flip(custody, "DELETE FROM cosignature")

    await custody.send(felling(custody, "501"), wait="inclusion")
    await (await watched.pushing(custody)).push()

    assert watched.cosigners(await note_of(custody)) == {"near"}


async def test_the_policy_of_the_log_is_what_strangers_are_told(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody("quorum near")

    [log] = (await custody.get("/v1/logs"))["logs"]

    assert log["policy"] == watched.policy("quorum near")


async def test_a_witness_without_address_is_the_houses_own(watched: Watched) -> None:
    await watched.real("house")
    url = watched.addresses["house"]
    policy = watched.policy().replace(f" {url}", "")
    custody = await watched.open_custody(keys=watched.keys, policy=policy, witness_url=url)
    await custody.log(*genesis(custody))

    await until(lambda: witnessed(custody))

    assert watched.cosigners(await note_of(custody, "/log/witnessed")) == {"house"}


# --- fail-closed


async def test_where_only_witnessed_checkpoints_leave_none_leaves_before_the_quorum(watched: Watched) -> None:
    async def only_shows(path: str, _: bytes) -> Answer:
        return (503, "text/plain", b"no") if path == "/add-checkpoint" else NOT_FOUND

    await watched.real("near")
    await watched.script("far", only_shows)
    custody = await watched.custody("group g all near far\nquorum g", only_witnessed=True)
    [result] = await custody.send(felling(custody, "501"))

    async def cosigned_by_one() -> bool:
        return len(await rows(custody, "SELECT 1 FROM cosignature")) > 0

    await until(cosigned_by_one)
    for path in LOG_PATHS:
        await custody.get(path, expect=404)
    assert result["status"] == "logged"
    assert await custody.app.state.custody.within(result["index"] + 1, 0.1) is None
    assert (await health(custody))["signed_size"] > 0


async def test_where_only_witnessed_checkpoints_leave_each_bears_the_quorum(watched: Watched) -> None:
    await watched.real("near")
    watched.down("gone")
    custody = await watched.custody("group g any near gone\nquorum g", only_witnessed=True)
    policy = Policy.parse(watched.policy("group g any near gone\nquorum g").encode())

    for code in (501, 502):
        [result] = await custody.send(felling(custody, str(code)), wait="inclusion")
        record = await custody.get(f"/v1/records/{result['sid']}")
        for note in (record["checkpoint"].encode(), await note_of(custody)):
            assert policy.check(note).checkpoint.size > result["index"]


# --- proofs


async def test_a_lot_stands_under_a_witnessed_checkpoint_that_covers_it(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await sold(custody)
    await (await watched.pushing(custody)).push()
    await watched.stop("near")
    await custody.send(felling(custody, "502"), wait="inclusion")  # nothing of the lot's

    data = await custody.bundle("LOT-1")
    report = verify(data, Policy.parse(watched.policy("quorum near").encode()))

    assert report.exit_code == 0, report.text("en")
    assert (set(report.witnesses), report.known_witnesses) == ({"near"}, 1)
    assert point(read_bundle(data).checkpoint).size == point(await note_of(custody, "/log/witnessed")).size
    assert point(await note_of(custody)).size > point(read_bundle(data).checkpoint).size


async def test_a_lot_that_no_witness_has_seen_stands_under_the_newest_checkpoint(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))
    await watched.stop("near")

    bundle = await sold(custody)

    assert verify(bundle, Policy.parse(watched.policy("quorum near").encode())).outcome == "untrusted"
    assert verify(bundle, Policy.parse(watched.policy().encode())).exit_code == 0


async def test_a_record_is_proven_under_a_witnessed_checkpoint_where_there_is_one(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    [result] = await custody.send(felling(custody, "501"), wait="inclusion")
    await (await watched.pushing(custody)).push()
    await custody.send(felling(custody, "502"), wait="inclusion")

    record = await custody.get(f"/v1/records/{result['sid']}")

    assert watched.cosigners(record["checkpoint"].encode()) == {"near"}


# --- settings


@pytest.mark.parametrize(
    ("policy", "more", "why"),
    [
        ("log {other}\nquorum none\n", {}, "does not name the key of this log"),
        ("log {log}\nquorum none\n", {"only_witnessed": True}, "needs a policy with a quorum"),
        ("log {log}\nwitness a {a}\nquorum none\n", {}, "says no address of a"),
        ("log {log}\nwitness a {a}\nwitness b {b}\nquorum none\n", {"witness_url": DOWN}, "says no address of b"),
    ],
)
async def test_a_policy_that_cannot_be_kept_stops_the_start(
    watched: Watched, policy: str, more: dict[str, Any], why: str
) -> None:
    names = {"a": watched.key("a"), "b": watched.key("b"), "log": watched.keys.log, "other": Signer.generate(ORIGIN)}
    text = policy.format(**{name: signer.verifier.vkey for name, signer in names.items()})

    with pytest.raises(RuntimeError, match=why):
        await watched.open_custody(keys=watched.keys, policy=text, **more)


async def test_cosignatures_stay_as_they_were_kept(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))

    for statement in ("UPDATE cosignature SET at = at + 1", "DELETE FROM cosignature", "TRUNCATE cosignature"):
        for url in (custody.database.app_dsn, custody.database.owner_dsn, custody.database.admin_dsn):
            connection = await asyncpg.connect(url)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
            await connection.close()


async def test_the_first_cosigned_checkpoint_after_a_size_keeps_its_first_line(watched: Watched) -> None:
    await watched.real("near")
    custody = await watched.custody()
    await until(lambda: witnessed(custody))  # its own push is over, and the next one far
    await (await watched.pushing(custody)).push()
    [(size, line)] = await rows(custody, "SELECT size, line FROM cosignature ORDER BY size, kept_at LIMIT 1")
    path = f"/v1/logs/{ORIGIN}/first-checkpoint"
    await asyncio.sleep(1.1)  # a cosignature tells whole seconds

    await (await watched.pushing(custody)).push()

    first = await custody.get(path, after=0)
    assert (first["size"], first["cosignature"]) == (size, line.rstrip("\n"))
    assert point(first["checkpoint"].encode()).size == size
    await custody.get(path, expect=404, after=size)
