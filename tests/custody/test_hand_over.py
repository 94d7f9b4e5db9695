"""A log ends and goes on under another origin: nothing counts twice, nothing comes back, and anybody can check the seam."""

import asyncio
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from services.custody import operate
from services.custody.main import CustodySettings, own_folders
from services.custody.operating.report import Report
from services.custody.succession import ClosedForAnother, NameBorne, OtherOrigin
from shared.audit.refusals import CannotWrite
from shared.lot.verify import verify
from shared.timber.event import parse_entry
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.note import MLDSA44, Signer, open_note, split_note
from shared.tlog.policy import Policy
from shared.tlog.tile import decode_entries
from shared.tlog.witness import origin_id
from tests.custody.conftest import ORIGIN, PERMIT, SPECIES, Custody, cut, felling, log_id, status_list
from tests.custody.private import stated
from tests.custody.set_back import Backup, rows, tampering, until
from tests.custody.test_guard import spoilt
from tests.custody.test_guides import LOG_DM3, guide, now
from tests.custody.test_lots import LATER, SAWN
from tests.custody.watched import Watched

NEXT = "trozalog.test/madre-de-dios/2027"
AFTER = "trozalog.test/madre-de-dios/2028"
Open = Callable[..., Any]


async def handed_over(
    custody: Custody, capsys: pytest.CaptureFixture[str], key: Signer, settings: CustodySettings | None = None,
    unwitnessed: bool = False,
) -> tuple[int, list[Any]]:  # fmt: skip
    """What the command answers, and its exit code."""
    capsys.readouterr()
    options = Namespace(vkey=key.verifier.vkey, unwitnessed=unwitnessed, json=True, lang="es")
    code = await operate.hand_over(settings or custody.settings, options, Report(options))
    said = capsys.readouterr().out.splitlines()  # what custody logs is not among it
    return code, [orjson.loads(line) for line in said]


async def into_2027(custody: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open) -> Custody:
    """Closed, and opened under the next origin with a key of its own."""
    await custody.stop()
    key = Signer.generate(NEXT)
    code, said = await handed_over(custody, capsys, key)
    assert code == 0, said
    custody.keys.log = key
    reopened: Custody = await open_custody(custody, origin=NEXT)
    return reopened


def half_a_story(custody: Custody) -> list[bytes]:
    """A tree felled and cut, its log on the road: what one year knows of it."""
    return [
        felling(custody, "501"), cut(custody, "501"), status_list(custody, now()), guide(custody, "G-501", ["501/A"]),
        custody.entry("guide.departed", {"guide": "G-501", "form": "own", "at": "2026-11-04T12:00:00Z"},
                      time="2026-11-04T12:00:00Z"),
    ]  # fmt: skip


def the_other_half(custody: Custody) -> list[bytes]:
    """It arrives, is sawn and sold: what the next year knows."""
    mill = {"by": custody.keys.mill, "actor": "aserradero-1", "time": LATER}
    received = {"guide": "G-501", "form": "own", "at": LATER, "volume_dm3": LOG_DM3}
    milled = {
        "inputs": [log_id("501/A")],
        "outputs": [{"item": SAWN, "product": "sawn", "species": SPECIES, "volume_dm3": 2700}],
        "stock": [{"species": SPECIES, "opening_dm3": 0, "in_dm3": LOG_DM3, "consumed_dm3": LOG_DM3, "closing_dm3": 0}],
    }
    return [
        custody.entry("guide.received", received, **mill), custody.entry("mill.processed", milled, **mill),
        custody.entry("lot.composed", {"lot": "LOT-1", "items": [SAWN]}, **mill),
        custody.entry("lot.sold", {"lot": "LOT-1", "buyer": "comprador-1"}, **mill),
    ]  # fmt: skip


def policy_of(*logs: Signer) -> Policy:
    return Policy.parse("".join([*(f"log {log.verifier.vkey}\n" for log in logs), "quorum none\n"]).encode())


async def checkpoint_of(custody: Custody, path: str = "/log/checkpoint") -> Checkpoint:
    return parse(split_note(await custody.get(path))[0])


async def covered(custody: Custody) -> Checkpoint:
    """The newest checkpoint, once it covers all."""

    async def done() -> bool:
        health = await custody.get("/healthz")
        return bool(health["size"] == health["signed_size"])

    await until(done)
    return await checkpoint_of(custody)


# ---- nothing is lost, nothing comes back


async def test_a_lot_whose_story_spans_two_years_verifies_under_the_new_log_alone(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    old = ready.keys.log
    await ready.log(*half_a_story(ready))

    new = await into_2027(ready, capsys, open_custody)
    await new.log(*the_other_half(new))
    bundle = await new.bundle("LOT-1")

    report = verify(bundle, policy_of(new.keys.log))
    assert (report.outcome, report.verdict and report.verdict.word) == ("valid", "CONSISTENT")
    assert report.checkpoint is not None
    assert report.checkpoint.origin == NEXT
    assert verify(bundle, policy_of(old)).outcome == "untrusted"


async def test_what_was_used_in_one_year_is_used_in_the_next(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    story = [*half_a_story(ready), *the_other_half(ready)[:2]]
    first = await ready.log(*story)

    new = await into_2027(ready, capsys, open_custody)
    await covered(new)  # a proof of the first use is told only where there is one soon

    assert await new.log(*story) == first  # sent again from a phone that never heard the answer
    mill, other = {"by": new.keys.mill, "actor": "aserradero-1"}, {"time": LATER, "nonce": "A" * 22}
    [sawn_again] = await new.send(new.entry("mill.processed", parse_entry(story[-1]).body, **mill, **other))
    [guide_again] = await new.send(new.entry("guide.issued", parse_entry(story[3]).body, **other))
    [cut_again] = await new.send(new.entry("log.cut", parse_entry(story[1]).body, **other))
    refused = [one["problem"] for one in (sawn_again, guide_again, cut_again)]
    assert [one["slug"] for one in refused] == ["already-spent", "already-done", "id-taken"]
    assert refused[0]["first"]["index"] == first[-1]


async def test_what_was_drawn_in_one_year_is_drawn_in_the_next(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    await ready.log(*half_a_story(ready))
    before = await ready.get("/v1/balances", "authority", permit=PERMIT, org="arffs")

    new = await into_2027(ready, capsys, open_custody)
    after = await new.get("/v1/balances", "authority", permit=PERMIT, org="arffs")

    assert before["balances"] == after["balances"]
    assert [line["drawn_dm3"] for line in after["balances"]] == [LOG_DM3]


async def test_private_fields_of_the_old_log_can_be_read_in_the_new_one(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    body = parse_entry(felling(ready, "502")).body
    statement = {
        "type": "tree.felled",
        "time": "2026-11-01T12:00:00Z",
        "body": body,
        "private": {"feller": "Persona Uno"},
    }
    [sid] = await stated(ready, statement)

    new = await into_2027(ready, capsys, open_custody)
    shown = await new.get(f"/v1/records/{sid}/disclosures", "manager")

    assert "Persona Uno" in str(shown)


# ---- the seam


async def test_the_old_log_ends_with_its_successors_name_and_the_new_one_begins_behind_it(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    old = ready.keys.log
    await ready.log(felling(ready, "501"))

    new = await into_2027(ready, capsys, open_custody)
    newest = await covered(new)

    entries = [body for (body,) in await rows(new, "SELECT body FROM entry ORDER BY idx")]
    seam = next(n for n, body in enumerate(entries) if parse_entry(body).type == "log.closed") + 1
    closed, opened = parse_entry(entries[seam - 1]), parse_entry(entries[seam])
    final = await new.get(f"/log/closed/{origin_id(ORIGIN)}/checkpoint")
    last = parse(open_note(final, [old.verifier]).text)
    assert closed.body == {"next": NEXT, "vkey": new.keys.log.verifier.vkey}
    assert (last.origin, last.size) == (ORIGIN, seam)
    assert last.root == root_of([leaf_hash(body) for body in entries[:seam]])
    assert opened.body | {"before": ORIGIN, "size": seam, "root": last.root.hex()} == opened.body
    assert opened.prev == (closed.sid,)
    assert (newest.origin, newest.size > seam) == (NEXT, True)
    bundle = await new.get(f"/log/closed/{origin_id(ORIGIN)}/tile/entries/000.p/{seam}")
    assert decode_entries(bundle) == entries[:seam]
    await new.get(f"/log/closed/{origin_id(ORIGIN)}/tile/entries/000.p/{seam + 1}", expect=404)
    await new.get(f"/log/closed/{origin_id(NEXT)}/checkpoint", expect=404)
    [log] = (await new.get("/v1/logs"))["logs"]
    [before] = log["before"]
    assert (log["origin"], before["origin"], before["size"]) == (NEXT, ORIGIN, seam)


async def test_a_process_that_was_not_told_takes_no_record_and_signs_nothing(
    ready: Custody, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = await handed_over(ready, capsys, Signer.generate(NEXT))
    assert code == 0

    answer = await ready.http.post(
        "/v1/records", content=felling(ready, "501"), headers=ready.issuer.headers("manager", org="comunidad-a")
    )

    async def frozen() -> Any:
        return (await ready.get("/healthz"))["frozen"]

    assert (answer.status_code, answer.json()["slug"] in ("log-closed", "log-frozen")) == (503, True)
    assert await until(frozen) == f"closed: it goes on as {NEXT}"
    assert await rows(ready, f"SELECT count(*) FROM checkpoint WHERE convert_from(note, 'UTF8') LIKE '{NEXT}%'") == [
        (0,)
    ]
    [(size,)] = await rows(ready, "SELECT size FROM tlog")
    assert (await checkpoint_of(ready)).size < size


async def test_under_the_old_origin_custody_starts_no_more(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    await ready.stop()
    await handed_over(ready, capsys, Signer.generate(NEXT))

    with pytest.raises(RuntimeError, match=f"holds the log '{NEXT}'"):
        await open_custody(ready)


async def test_a_hand_over_may_be_repeated_and_changes_nothing(
    ready: Custody, capsys: pytest.CaptureFixture[str]
) -> None:
    await ready.stop()
    key = Signer.generate(NEXT)
    first = await handed_over(ready, capsys, key)
    before = await rows(ready, "SELECT idx, body FROM entry ORDER BY idx")

    assert await handed_over(ready, capsys, key) == first
    assert await rows(ready, "SELECT idx, body FROM entry ORDER BY idx") == before


async def test_of_two_hand_overs_at_once_one_closes_the_log(ready: Custody) -> None:
    await ready.stop()
    options = Namespace(vkey=Signer.generate(NEXT).verifier.vkey, unwitnessed=False, json=True, lang="es")

    codes = await asyncio.gather(*(operate.hand_over(ready.settings, options, Report(options)) for _ in range(3)))

    entries = [parse_entry(body).type for (body,) in await rows(ready, "SELECT body FROM entry ORDER BY idx")]
    assert codes == [0, 0, 0]
    assert (entries.count("log.closed"), entries[-2:]) == (1, ["log.closed", "log.continued"])


async def test_a_hand_over_that_stopped_half_way_goes_on_where_it_was(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    await ready.send(felling(ready, "501"), wait="inclusion")
    await ready.stop()
    key, entries = Signer.generate(NEXT), ready.settings.archive / "tile" / "entries"
    entries.rename(entries.with_name("away"))
    entries.write_text("in the way")
    with pytest.raises(CannotWrite):
        await handed_over(ready, capsys, key)
    [(origin, size)] = await rows(ready, "SELECT origin, size FROM tlog")
    entries.unlink()
    entries.with_name("away").rename(entries)

    code, [said] = await handed_over(ready, capsys, key)

    assert (origin, code, said["size"]) == (NEXT, 0, size - 1)
    last = ready.settings.data_dir / "anchor" / "checkpoint"
    assert parse(split_note(last.read_bytes())[0]).size == size - 1
    ready.keys.log = key
    assert (await covered(await open_custody(ready, origin=NEXT))).size == size


async def test_a_log_is_handed_over_to_one_other_log_only(ready: Custody, capsys: pytest.CaptureFixture[str]) -> None:
    await ready.stop()
    await handed_over(ready, capsys, Signer.generate(NEXT))

    with pytest.raises(OtherOrigin):
        await handed_over(ready, capsys, Signer.generate(AFTER))
    with pytest.raises(ClosedForAnother):
        await handed_over(ready, capsys, Signer.generate(NEXT))  # the first key was thrown away


async def test_a_log_that_knows_no_host_key_is_not_closed(custody: Custody, capsys: pytest.CaptureFixture[str]) -> None:
    await custody.stop()

    code, [said] = await handed_over(custody, capsys, Signer.generate(NEXT))

    assert (code, said["status"]) == (1, "refused")
    assert await rows(custody, "SELECT origin, size FROM tlog") == [(ORIGIN, 0)]


async def test_a_log_that_was_set_back_is_not_closed(ready: Custody, capsys: pytest.CaptureFixture[str]) -> None:
    backup = Backup(ready.database)
    await ready.stop()
    await backup.take()
    try:
        settings = ready.settings
        key = Signer.generate(NEXT)
        await handed_over(ready, capsys, key)
        await backup.restore()

        code, [said] = await handed_over(ready, capsys, key, settings)

        assert (code, said["status"]) == (1, "refused")
        assert "were published" in said["text_en"]
    finally:
        await backup.drop()


async def test_the_second_year_is_followed_by_a_third(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    await ready.log(felling(ready, "501"))
    second = await into_2027(ready, capsys, open_custody)
    await second.log(felling(second, "502"))
    await second.stop()
    key = Signer.generate(AFTER)
    code, _ = await handed_over(second, capsys, key)
    second.keys.log = key
    third = await open_custody(second, origin=AFTER)
    await third.log(felling(third, "503"))

    sizes = [(one["origin"], one["size"]) for one in (await third.get("/v1/logs"))["logs"][0]["before"]]
    assert code == 0
    assert [origin for origin, _ in sizes] == [ORIGIN, NEXT]
    assert (await covered(third)).size > sizes[1][1] > sizes[0][1]
    for origin, size in sizes:
        assert (await checkpoint_of(third, f"/log/closed/{origin_id(origin)}/checkpoint")).size == size


async def test_a_log_takes_no_name_that_it_had_before(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    second = await into_2027(ready, capsys, open_custody)
    await second.stop()

    with pytest.raises(NameBorne):
        await handed_over(second, capsys, Signer.generate(ORIGIN))

    assert await rows(second, "SELECT origin FROM tlog") == [(NEXT,)]


# ---- what watches it


async def test_fsck_knows_every_log_that_this_one_continues(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    new = await into_2027(ready, capsys, open_custody)
    await new.log(felling(new, "501"))
    newest = await covered(new)
    await new.stop()
    owner = CustodySettings(database_url=new.database.owner_url).database_url

    sound, _ = await operate.check(new.settings.model_copy(update={"database_url": owner}), deep=True)
    assert (sound.size, sound.signed_size) == (newest.size, newest.size)

    async with tampering(new.database) as connection:
        [(size,)] = await rows(new, "SELECT max(size) FROM checkpoint WHERE convert_from(note, 'UTF8') LIKE '%/2026%'")
        await connection.execute("UPDATE checkpoint SET note = note || '\n'::bytea WHERE size = $1", size)
    with pytest.raises(Exception, match=f"checkpoint {size}"):
        await operate.check(new.settings)


async def test_the_second_line_goes_on_in_the_next_log_and_that_of_the_old_one_is_still_checked(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    old, lattice = ready.keys.log, Signer.generate(ORIGIN, MLDSA44)
    ready.keys.log_file = f"{old.skey}\n{lattice.skey}\n"
    await ready.stop()
    lined = await open_custody(ready)
    await lined.send(felling(lined, "501"), wait="inclusion")
    [(size, right)] = await rows(lined, "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1")
    await lined.stop()
    key, next_lattice = Signer.generate(NEXT), Signer.generate(NEXT, MLDSA44)
    assert (await handed_over(lined, capsys, key))[0] == 0
    lined.keys.log = key
    lined.keys.log_file = "\n".join([key.skey, next_lattice.skey, old.verifier.vkey, lattice.verifier.vkey])

    new = await open_custody(lined, origin=NEXT)
    await new.log(felling(new, "502"))
    await covered(new)
    note = await new.get("/log/checkpoint")
    closed = (new.settings.archive / "checkpoint").read_bytes()
    await new.stop()

    assert [line.key_id for line in split_note(note)[1]] == [key.verifier.key_id, next_lattice.verifier.key_id]
    assert len(open_note(closed, [old.verifier, lattice.verifier]).known) == 2
    await operate.check(new.settings)
    for where in ("key", "signature"):
        async with tampering(new.database) as connection:
            change = "UPDATE checkpoint SET note = $1 WHERE size = $2"
            await connection.execute(change, spoilt(right, where), size)
            with pytest.raises(Exception, match=f"checkpoint {size}"):
                await operate.check(new.settings)
            await connection.execute(change, right, size)
    # After a take-over that left no public lines, only what the policy names is known of the old log.
    (new.settings.keys_dir / "log.key").write_text(f"{key.skey}\n{next_lattice.skey}\n")
    await operate.check(new.settings)


async def test_the_new_archive_holds_the_whole_log_and_shares_the_old_files(
    shelved: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    new = await into_2027(shelved, capsys, open_custody)
    newest = await covered(new)

    anchor, archive = own_folders(new.settings, NEXT)
    kept = parse(open_note((archive / "checkpoint").read_bytes(), [new.keys.log.verifier]).text)
    old = parse(split_note((new.settings.archive / "checkpoint").read_bytes())[0])
    assert (kept, old.origin) == (newest, ORIGIN)
    assert (anchor / "checkpoint").exists()
    full = new.settings.archive / "tile" / "entries" / "000"
    assert full.samefile(archive / "tile" / "entries" / "000")


async def test_a_database_set_back_behind_the_hand_over_comes_forward_across_it(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    await ready.log(felling(ready, "501"))
    backup = Backup(ready.database)
    await ready.stop()
    await backup.take()
    try:
        new = await into_2027(ready, capsys, open_custody)
        await new.log(felling(new, "502"))
        newest = await covered(new)
        await new.stop()
        entries = await rows(new, "SELECT idx, body FROM entry ORDER BY idx")
        await backup.restore()
        with pytest.raises(RuntimeError, match="holds the log"):
            await open_custody(new, origin=NEXT)

        options = Namespace(source=None, reason="Disco averiado", json=True, lang="es")
        code = await operate.recover(new.settings, options, Report(options))

        assert code == 0, capsys.readouterr().out
        again = await open_custody(new, origin=NEXT)
        assert (await rows(again, "SELECT idx, body FROM entry ORDER BY idx"))[: len(entries)] == entries
        assert (await covered(again)).size == newest.size + 1  # and the record that says so
    finally:
        await backup.drop()


@pytest.fixture
async def watched(open_custody: Open, short: Any) -> Any:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        yield Watched(short, stack, open_custody)


async def test_witnesses_cosign_the_end_and_begin_anew_with_the_new_log(
    watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    await watched.real("w1")
    old = await watched.custody("quorum w1")
    await old.stop()
    key = Signer.generate(NEXT)

    code, said = await handed_over(old, capsys, key)

    assert (code, said[0]["witnesses"], said[0]["asked"]) == (0, 1, 1)
    await watched.stop("w1")
    watched.keys.log = key
    await watched.real("w1")  # its operator has added the key of the new log
    new = await watched.custody("quorum w1", again=old, origin=NEXT)

    async def witnessed() -> bool:
        return (await new.http.get("/log/witnessed")).status_code == 200

    await until(witnessed)
    assert (await checkpoint_of(new, "/log/witnessed")).origin == NEXT
    _, [ours, theirs] = split_note(await new.get(f"/log/closed/{origin_id(ORIGIN)}/checkpoint"))
    assert (ours.name, theirs.name) == (ORIGIN, "w1.example/w")

    async with tampering(new.database) as connection:
        await connection.execute("UPDATE cosignature SET line = overlay(line placing 'AAAA' from length(line) - 12)")
    _, [ours] = split_note(await new.get(f"/log/closed/{origin_id(ORIGIN)}/checkpoint"))
    assert ours.name == ORIGIN


async def test_without_the_witnesses_that_the_policy_asks_for_the_hand_over_is_not_done(
    watched: Watched, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.custody.operating.hand_over.PAUSE_S", 0.01)
    watched.down("w1")
    old = await watched.custody("quorum w1")
    await old.stop()
    key = Signer.generate(NEXT)

    code, said = await handed_over(old, capsys, key)
    assert (code, said[-1]["status"]) == (1, "unwitnessed")
    code, said = await handed_over(old, capsys, key, unwitnessed=True)
    assert (code, said[-1]["status"]) == (0, "closed")
