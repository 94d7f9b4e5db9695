"""What gets into the log, and what a repeated, mixed or disordered upload is answered."""

import asyncio
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.custody.committer import Receipt, Vanished, _Told, _Upload
from shared.timber.event import check_signature, parse_entry, sign_all, tree_item
from tests.custody.conftest import (
    NDJSON,
    PARCEL,
    PLAN,
    Custody,
    cut,
    felling,
    genesis,
    key_added,
    log_id,
    permit_acts,
)
from tests.custody.private import as_admin
from tests.custody.test_log import Reader


async def test_records_get_the_next_indices_in_the_order_they_came(custody: Custody) -> None:
    acts = [*genesis(custody), *permit_acts(custody, ["501"])]

    assert await custody.log(*acts) == list(range(len(acts)))


async def test_a_batch_sent_five_times_at_once_has_one_effect_and_equal_answers(ready: Custody) -> None:
    batch = [entry for code in ("501", "502", "503") for entry in (felling(ready, code), cut(ready, code))]
    batch.append(felling(ready, "504", species="Hymenaea oblongifolia"))

    answers = await asyncio.gather(*(ready.send(*batch) for _ in range(5)))

    assert all(answer == answers[0] for answer in answers)
    assert len({result["index"] for result in answers[0]}) == len(batch)
    assert (await ready.get("/healthz"))["size"] == max(r["index"] for r in answers[0]) + 1
    last = answers[0][-1]
    async with ready.app.state.custody.store.snapshot() as tx:
        told = await tx.findings_at([last["index"]] * 3)
    assert len(told[last["index"]]) == len(last["findings"]) > 0


async def test_nothing_is_promised_unless_every_record_stands_where_it_was_put(ready: Custody) -> None:
    """A database that went down between commit and flush lost the newest rounds. By the time this process looks again, others
    may have filled their places, and the newest of all may be the same record: sent again, through another process."""
    entries = [felling(ready, "501"), felling(ready, "502"), felling(ready, "503")]
    indices = await ready.log(*entries)
    committer = ready.app.state.custody.committer
    other = Receipt(parse_entry(felling(ready, "504")).sid, indices[0], True, [], None)
    receipts = [Receipt(parse_entry(e).sid, i, True, [], None) for e, i in zip(entries, indices, strict=True)]

    def told(*receipts: Receipt) -> _Told:
        return _Told([], {one.sid: one for one in receipts})

    nowhere = Receipt(other.sid, indices[-1] + 9, True, [], None)
    assert await committer._flush([told(*receipts), told()]) == [True, True]  # of the second nothing was let in
    assert await committer._flush([told(other, *receipts[1:]), told(nowhere), told(receipts[2])]) == [
        False,
        False,
        True,
    ]


async def test_one_bad_record_among_five_hundred_leaves_the_others_logged(custody: Custody) -> None:
    codes = [f"{n:04}" for n in range(500)]
    await custody.log(*genesis(custody), *permit_acts(custody, codes))
    batch = [felling(custody, code) for code in codes]
    batch[250] = batch[250].replace(b'"length_mm":13300', b'"length_mm":13301')

    results = await custody.send(*batch)

    assert [n for n, r in enumerate(results) if r["status"] == "refused"] == [250]
    assert results[250]["problem"]["slug"] == "bad-signature"
    assert sum(r["status"] == "logged" for r in results) == 499


async def test_an_upload_that_cannot_be_written_fails_alone_and_not_those_it_waited_with(ready: Custody) -> None:
    bad, good = felling(ready, "501"), felling(ready, "502")
    item = parse_entry(bad).body["item"]
    await as_admin(ready, f"ALTER TABLE fact ADD CHECK (key <> 'item:{item}')")
    head = await asyncpg.connect(ready.database.admin_dsn)
    try:
        async with head.transaction():
            await head.fetch("SELECT FROM tlog FOR UPDATE")
            headers = NDJSON | ready.issuer.headers("manager")
            sent = [
                asyncio.create_task(ready.http.post("/v1/records", content=one, headers=headers)) for one in (bad, good)
            ]
            await asyncio.sleep(0.3)  # both wait for the row, so they are of one round
    finally:
        await head.close()
    failed, logged = await asyncio.gather(*sent)

    assert (failed.status_code, logged.status_code) == (500, 200)
    assert logged.json()["results"][0]["status"] == "logged"
    assert await ready.log(good) == [logged.json()["results"][0]["index"]]


async def test_a_round_that_the_database_lost_is_not_promised_by_a_later_one_that_stands(ready: Custody) -> None:
    committer = ready.app.state.custody.committer
    [index] = await ready.log(felling(ready, "501"))

    def round_of(code: str, index: int) -> _Told:
        record = parse_entry(felling(ready, code))
        receipt = Receipt(record.sid, index, True, [], None)
        return _Told([_Upload([record], asyncio.get_running_loop().create_future())], {record.sid: receipt})

    lost, stands = round_of("502", index - 1), round_of("501", index)
    for one in (lost, stands):
        committer._committed_rounds.put_nowait(one)

    with pytest.raises(Vanished):
        await lost.uploads[0].answer
    assert [receipt.index for receipt in await stands.uploads[0].answer] == [index]


def signed_once(custody: Custody, *entries: bytes, by: Ed25519PrivateKey | None = None) -> list[bytes]:
    """The lines of an upload of these statements under one signature."""
    return sign_all([parse_entry(entry).statement for entry in entries], by or custody.keys.device).split(b"\n")


async def test_an_upload_signed_once_is_logged_as_entries_that_each_carry_the_signature(ready: Custody) -> None:
    records = [entry for code in ("501", "502", "503") for entry in (felling(ready, code), cut(ready, code))]

    results = await ready.send(*signed_once(ready, *records))

    assert [r["status"] for r in results] == ["logged"] * 6
    await ready.send(*records, wait="inclusion")
    reader = Reader(ready)
    entries = [
        parse_entry(entry) for entry in (await reader.entries((await reader.head()).size))[results[0]["index"] :]
    ]
    assert [entry.sid for entry in entries] == [r["sid"] for r in results] == [parse_entry(r).sid for r in records]
    for entry in entries:
        check_signature(entry, entry.signatures[0][0], ready.keys.device.public_key().public_bytes_raw())


async def test_sending_it_again_signed_otherwise_is_answered_with_the_first_indices(ready: Custody) -> None:
    records = [felling(ready, "501"), cut(ready, "501"), felling(ready, "502")]

    first = await ready.send(*signed_once(ready, *records))
    again = await ready.send(*signed_once(ready, *records[:2]))
    alone = await ready.send(*records)

    assert first == alone
    assert again == first[:2]


async def test_one_bad_statement_of_an_upload_signed_once_leaves_the_others_logged(ready: Custody) -> None:
    good, other = felling(ready, "501"), felling(ready, "502")
    bad = parse_entry(felling(ready, "503")).statement.replace(b'"length_mm":13300', b'"length_mm":0')
    statements = [parse_entry(good).statement, bad, parse_entry(other).statement]

    results = await ready.send(*sign_all(statements, ready.keys.device).split(b"\n"))

    assert [r["status"] for r in results] == ["logged", "refused", "logged"]
    assert results[1]["problem"]["slug"] == "malformed-record"


async def test_a_statement_changed_under_way_spoils_the_one_signature_of_its_upload(ready: Custody) -> None:
    lines = signed_once(ready, felling(ready, "501"), felling(ready, "502"))
    changed = [*lines[:2], lines[2].replace(b'"length_mm":13300', b'"length_mm":13301')]

    refused = await ready.send(*changed)
    logged = await ready.send(*lines)

    assert [r["problem"]["slug"] for r in refused] == ["bad-signature"] * 2
    assert [r["status"] for r in logged] == ["logged"] * 2


async def test_an_upload_signed_once_by_an_unknown_key_is_refused_for_that(ready: Custody) -> None:
    stranger = Ed25519PrivateKey.generate()
    records = felling(ready, "501"), felling(ready, "502")

    refused = await ready.send(*signed_once(ready, *records, by=stranger))

    assert [r["problem"]["slug"] for r in refused] == ["unknown-key"] * 2
    assert [r["status"] for r in await ready.send(*signed_once(ready, *records))] == ["logged"] * 2


async def test_a_header_that_counts_other_lines_is_refused_whole(ready: Custody) -> None:
    lines = signed_once(ready, felling(ready, "501"), felling(ready, "502"), felling(ready, "503"))

    answer = await ready.http.post(
        "/v1/records",
        content=b"\n".join(lines[:-1]),
        headers=NDJSON | ready.issuer.headers("manager", org="comunidad-a"),
    )

    assert (answer.status_code, answer.json()["slug"]) == (422, "malformed")
    assert "size" in answer.json()["detail"]
    assert [r["status"] for r in await ready.send(*lines)] == ["logged"] * 3


async def test_what_descends_from_a_refused_record_is_refused_with_it_and_nothing_else(ready: Custody) -> None:
    bad = felling(ready, "501").replace(b'"length_mm":13300', b'"length_mm":13301')

    results = await ready.send(bad, cut(ready, "501"), felling(ready, "502"), cut(ready, "502"))

    assert [r["status"] for r in results] == ["refused", "refused", "logged", "logged"]
    assert results[1]["problem"]["slug"] == "unknown-parent"


async def test_a_child_may_come_before_its_parent_in_one_upload(ready: Custody) -> None:
    results = await ready.send(cut(ready, "501"), felling(ready, "501"))

    assert [r["status"] for r in results] == ["logged", "logged"]
    assert results[0]["index"] > results[1]["index"]


async def test_a_log_is_used_up_once_and_the_second_try_is_noted_and_answered_with_the_first(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    lots = ["LOT-1", "LOT-2"]
    first, second = (ready.entry("lot.composed", {"lot": lot, "items": [log_id("501/A")]}) for lot in lots)
    [index] = await ready.log(first, wait="inclusion")  # a proof of it is told only where there is one soon

    [refused] = await ready.send(second)
    [again] = await ready.send(second)

    problem = refused["problem"]
    assert problem["slug"] == "already-spent"
    assert problem["first"]["index"] == index
    assert len(problem["first"]["proof"]) > 0
    assert problem["facts"]["first_sid"] == parse_entry(first).sid
    assert again["problem"]["facts"]["first_index"] == index
    history = (await ready.get(f"/v1/items/{log_id('501/A')}"))["history"]
    noted = [record for record in history if record["type"] == "conflict.noted"]
    assert [note["body"]["refused"] for note in noted] == [parse_entry(second).sid]


async def test_a_single_record_is_answered_201_then_200_and_a_refused_one_with_its_problem(ready: Custody) -> None:
    async def post(entry: bytes) -> Any:
        headers = ready.issuer.headers("manager") | {"content-type": "application/json"}
        return await ready.http.post("/v1/records", content=entry, headers=headers)

    first, again = await post(felling(ready, "501")), await post(felling(ready, "501"))
    refused = await post(cut(ready, "502"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert refused.status_code == 409
    assert refused.json()["slug"] == "unknown-parent"
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_record_may_be_awaited_until_it_is_under_a_signed_checkpoint(ready: Custody) -> None:
    [result] = await ready.send(felling(ready, "501"), wait="inclusion")

    assert len(result["proof"]) > 0


async def test_an_unknown_key_is_refused_and_counts_from_the_moment_it_is_added(ready: Custody) -> None:
    stranger = Ed25519PrivateKey.generate()
    body = parse_entry(felling(ready, "501")).body
    entry = ready.entry("tree.felled", body, stranger)

    [before] = await ready.send(entry)
    await ready.log(ready.act("key.added", key_added(stranger, "comunidad-a", "device")))
    [after] = await ready.send(entry)

    assert before["problem"]["slug"] == "unknown-key"
    assert after["status"] == "logged"


async def test_a_revoked_key_signs_nothing_more(ready: Custody) -> None:
    kid = key_added(ready.keys.device, "comunidad-a", "device")["kid"]
    await ready.log(felling(ready, "501"))
    await ready.log(ready.act("key.revoked", {"kid": kid, "reason": "lost phone"}))

    [result] = await ready.send(felling(ready, "502"))

    assert result["problem"]["slug"] == "key-revoked"


async def test_nobody_but_the_registrar_speaks_for_the_authority(ready: Custody) -> None:
    body = {"id": "intruder", "name": "Intruder", "kind": "authority"}

    [result] = await ready.send(ready.entry("organisation.registered", body))

    assert result["status"] == "refused"
    [result] = await ready.send(ready.act("organisation.registered", body))
    assert result["status"] == "logged"


async def test_a_statement_is_signed_with_the_hosted_key_and_repeating_it_is_the_same_record(ready: Custody) -> None:
    body = parse_entry(felling(ready, "501")).body
    upload = {"statements": [{"type": "tree.felled", "time": "2026-11-01T12:00:00Z", "body": body}]}
    headers = ready.issuer.headers("manager")

    answers = [(await ready.http.post("/v1/statements", json=upload, headers=headers)).json() for _ in range(2)]

    assert answers[0] == answers[1]
    [result] = answers[0]["results"]
    assert result["status"] == "logged", result
    record = await ready.get(f"/v1/records/{result['sid']}")
    assert record["entry"]["stmt"]["actor"] == "comunidad-a"
    kid = record["entry"]["sig"][0]["kid"]
    assert kid not in {key_added(key, "x", "device")["kid"] for key in (ready.keys.device, ready.keys.host)}


async def test_hosted_keys_of_an_organisation_the_log_does_not_know_are_not_made(ready: Custody) -> None:
    upload = {"statements": [{"type": "tree.felled", "time": "2026-11-01T12:00:00Z", "body": {}}]}

    answer = await ready.http.post("/v1/statements", json=upload, headers=ready.issuer.headers("manager", org="nobody"))

    assert answer.status_code == 404


async def test_an_empty_upload_and_one_of_501_records_are_refused_whole(ready: Custody) -> None:
    headers = NDJSON | ready.issuer.headers("manager")
    empty = await ready.http.post("/v1/records", content=b"", headers=headers)
    too_many = await ready.http.post("/v1/records", content=b"{}\n" * 501, headers=headers)

    assert (empty.status_code, too_many.status_code) == (422, 422)
    assert empty.json()["slug"] == too_many.json()["slug"] == "malformed"


async def test_two_processes_append_to_one_log_without_gap_or_fork(ready: Custody, open_custody: Any) -> None:
    other = await open_custody(ready)
    codes = [f"{n}" for n in range(501, 511)]

    results = await asyncio.gather(*(house.send(felling(ready, code)) for code in codes for house in (ready, other)))

    indices = {result["index"] for [result] in results}
    assert len(indices) == len(codes)
    assert max(indices) - min(indices) == len(codes) - 1
    tree = await other.get(f"/v1/items/{tree_item(PLAN, PARCEL, '501')}")
    assert tree["item"]["fellings"] == 1


async def test_a_record_may_be_corrected_in_the_upload_that_brings_it(ready: Custody) -> None:
    first = felling(ready, "501")
    body = {
        "amends": parse_entry(first).sid,
        "field": "observations",
        "was": "none",
        "now": "hollow",
        "reason": "forgotten",
    }

    await ready.log(first, ready.entry("record.corrected", body))


async def test_two_lots_of_one_log_in_one_upload_leave_the_note_of_the_conflict(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    lots = [ready.entry("lot.composed", {"lot": lot, "items": [log_id("501/A")]}) for lot in ("LOT-1", "LOT-2")]

    results = await ready.send(*lots)

    assert [result["status"] for result in results] == ["logged", "refused"]
    history = (await ready.get(f"/v1/items/{log_id('501/A')}"))["history"]
    assert history[-1]["type"] == "conflict.noted"


async def test_a_long_chain_sent_backwards_is_logged_whole(ready: Custody) -> None:
    chain = [
        ready.act("organisation.registered", {"id": f"org-{n}", "name": f"{n}", "kind": "mill"}) for n in range(300)
    ]
    linked = [chain[0]]
    for n in range(1, 300):
        body = {"id": f"org-{n}", "name": f"{n}", "kind": "mill"}
        linked.append(ready.act("organisation.registered", body, prev=[parse_entry(linked[-1]).sid]))

    await ready.log(*reversed(linked))
