"""Private fields from the member's and the phone's side: kept under keys, never in the log, the same when sent twice."""

import asyncio
import base64
import json
from typing import Any

import asyncpg
import orjson
import pytest

from shared.timber import disclosure
from shared.timber.event import parse_entry
from tests.custody.conftest import Custody, cut, felling, log_id
from tests.custody.private import (
    DRIVER,
    LAT,
    LON,
    PLATE,
    ROAD,
    a_departure,
    a_felling,
    a_statement,
    as_admin,
    bring,
    dump,
    hide,
    hits,
    new_sid,
    seen,
    spellings,
    state,
    stated,
)


@pytest.fixture
async def cut_log(ready: Custody) -> Custody:
    """Log 501/A, cut by the community's phone."""
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    return ready


async def entry_of(custody: Custody, sid: str) -> bytes:
    answer = await custody.get(f"/v1/records/{sid}")
    return orjson.dumps(answer["entry"], option=orjson.OPT_SORT_KEYS)


# ---- custody signs


async def test_the_log_holds_digests_and_the_owner_reads_the_values(cut_log: Custody) -> None:
    [sid] = await stated(cut_log, a_statement())

    entry = await entry_of(cut_log, sid)
    sd = disclosure.committed(parse_entry(entry))
    assert len(sd) == 4
    assert hits(entry, spellings(DRIVER, PLATE)) == []
    assert await seen(cut_log, sid) == ROAD
    answer = await cut_log.get(f"/v1/records/{sid}/disclosures", "manager")
    assert {disclosure.digest_of(field["disclosure"]) for field in answer["fields"]} < set(sd)
    assert {field["ground"] for field in answer["fields"]} == {"own"}
    assert answer["fields"][0]["title_es"] == "Conductor"


async def test_a_statement_sent_twice_is_one_record_and_another_value_is_another(cut_log: Custody) -> None:
    first = await state(cut_log, a_departure())
    assert first[0]["status"] == "refused"  # no such guide yet

    [sid] = await stated(cut_log, a_statement())
    [again] = await stated(cut_log, a_statement())
    [other] = await state(cut_log, a_statement(private=ROAD | {"plate": "ABC-123"}))

    assert again == sid
    assert other["status"] == "refused"  # the guide is issued already, and this is not the same record
    assert other["sid"] != sid
    assert await seen(cut_log, sid) == ROAD


async def test_five_equal_uploads_at_once_are_one_record_with_one_set_of_fields(cut_log: Custody) -> None:
    answers = await asyncio.gather(*(stated(cut_log, a_statement(persons={"driver": "chofer-1"})) for _ in range(5)))

    assert len({sid for [sid] in answers}) == 1
    assert await seen(cut_log, answers[0][0]) == ROAD
    assert len(await as_admin(cut_log, "SELECT * FROM disclosure")) == 2
    assert len(await as_admin(cut_log, "SELECT * FROM data_key")) == 2


async def test_two_records_that_say_the_same_in_private_do_not_look_alike(cut_log: Custody) -> None:
    _, one, two = await stated(cut_log, a_statement(), a_departure(), a_departure(time="2026-11-04T12:00:01Z", type="guide.checked", body={
        "guide": "017-1", "form": "official", "control_post": "Puesto 1", "at": "2026-11-04T12:00:00Z",
    }))  # fmt: skip

    digests = [set(disclosure.committed(parse_entry(await entry_of(cut_log, sid)))) for sid in (one, two)]

    assert digests[0].isdisjoint(digests[1])


async def test_the_decoys_of_a_corrected_statement_do_not_tell_what_changed(cut_log: Custody) -> None:
    results = [
        (await state(cut_log, a_departure(private=private)))[0]["sid"]
        for private in (ROAD, ROAD | {"plate": "ABC-123"})
    ]
    await stated(cut_log, a_statement())
    one, two = [
        (await stated(cut_log, a_departure(private=private, nonce=nonce, body={
            "guide": "017-1", "form": "official", "control_post": "Puesto 1", "at": "2026-11-05T12:00:00Z",
        }, type="guide.checked")))[0]
        for private, nonce in ((ROAD, None), (ROAD | {"plate": "ABC-123"}, None))
    ]  # fmt: skip

    digests = [set(disclosure.committed(parse_entry(await entry_of(cut_log, sid)))) for sid in (one, two)]

    assert results[0] != results[1]
    assert digests[0].isdisjoint(digests[1])


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"private": {"price_cents": 100}}, "private-field-unknown"), ({"private": {DRIVER: 1}}, "private-field-unknown"),
        ({"private": {"driver": ""}}, "bad-private-value"), ({"private": {"driver": 1.5}}, "bad-private-value"),
        ({"private": {"driver": None}}, "bad-private-value"), ({"private": {"plate": f"{DRIVER}"}}, "bad-private-value"),
        ({"private": {"driver": "e\u0301"}}, "not-canonical"), ({"persons": {"feller": "p-1"}}, "bad-person"),
        ({"persons": {"driver": DRIVER}}, "bad-person"),
    ],
)  # fmt: skip
async def test_a_private_field_of_no_use_refuses_its_statement_only(
    cut_log: Custody, change: dict[str, Any], slug: str
) -> None:
    refused, logged = await state(cut_log, a_statement("017-2") | change, a_statement())

    assert (refused["status"], refused["problem"]["slug"]) == ("refused", slug)
    assert DRIVER not in str(refused)
    assert logged["status"] == "logged"


async def test_a_refused_statement_leaves_no_values_behind(cut_log: Custody) -> None:
    [result] = await state(cut_log, a_departure("017-none"))

    assert result["status"] == "refused"
    assert await as_admin(cut_log, "SELECT * FROM disclosure") == []


async def test_a_value_put_in_the_place_of_another_does_not_open(cut_log: Custody) -> None:
    [sid] = await stated(cut_log, a_statement())
    rows = await as_admin(cut_log, "SELECT sid, digest, ciphertext FROM disclosure ORDER BY digest")
    assert len(rows) == 2

    assert await seen(cut_log, sid) == ROAD
    await as_admin(cut_log, "ALTER TABLE disclosure DISABLE TRIGGER ALL")
    await as_admin(
        cut_log, "UPDATE disclosure SET ciphertext = $1 WHERE digest = $2", rows[0]["ciphertext"], rows[1]["digest"]
    )

    assert await seen(cut_log, sid, expect=500) == "internal"


async def test_the_service_cannot_change_what_it_kept(cut_log: Custody) -> None:
    await stated(cut_log, a_statement())
    connection = await asyncpg.connect(cut_log.database.app_dsn)
    try:
        for statement in (
            "UPDATE disclosure SET ciphertext = ''",
            "DELETE FROM disclosure",
            "DELETE FROM disclosure_read",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


# ---- the phone signs


async def test_a_phones_fields_may_come_late_in_parts_and_again(ready: Custody) -> None:
    fields, sd = hide(feller=DRIVER, lat_e7=LAT, lon_e7=LON)
    [result] = await ready.send(a_felling(ready, "501", sd))
    sid = result["sid"]
    texts = [field.text for field in fields]
    assert await seen(ready, sid) == {}

    for some in (texts[:1], texts[1:], texts, texts[::-1]):
        [kept] = await bring(ready, {"sid": sid, "disclosures": some})
        assert kept == {"sid": sid, "status": "kept", "problem": None}

    assert await seen(ready, sid) == {"feller": DRIVER, "lat_e7": LAT, "lon_e7": LON}
    assert len(await as_admin(ready, "SELECT * FROM disclosure")) == 3


async def test_a_field_that_the_record_does_not_commit_to_is_refused(ready: Custody) -> None:
    fields, sd = hide(feller=DRIVER)
    other, _ = hide(feller=DRIVER)
    [result] = await ready.send(a_felling(ready, "501", sd))
    [without] = await ready.send(felling(ready, "502"))

    strange, misplaced, right = await bring(
        ready, {"sid": result["sid"], "disclosures": [other[0].text]},
        {"sid": without["sid"], "disclosures": [fields[0].text]},
        {"sid": result["sid"], "disclosures": [fields[0].text]},
    )  # fmt: skip

    assert [one["status"] for one in (strange, misplaced, right)] == ["refused", "refused", "kept"]
    assert {one["problem"]["slug"] for one in (strange, misplaced)} == {"disclosure-does-not-fit"}
    assert DRIVER not in str(strange)


async def test_one_bad_field_keeps_all_of_its_record_out_and_no_other(ready: Custody) -> None:
    fields, sd = hide(feller=DRIVER, driver=DRIVER)
    _, twice_sd = hide()
    both = [disclosure.make(bytes([n] * 16), "feller", f"Persona {n}") for n in (1, 2)]
    twice_sd = disclosure.padded([one.digest for one in both], iter(twice_sd))
    good, good_sd = hide(feller=DRIVER)
    results = await ready.send(
        a_felling(ready, "501", sd), a_felling(ready, "502", twice_sd), a_felling(ready, "503", good_sd)
    )  # fmt: skip
    sids = [one["sid"] for one in results]

    answers = await bring(
        ready, {"sid": sids[0], "disclosures": [one.text for one in fields]},
        {"sid": sids[1], "disclosures": [one.text for one in both]},
        {"sid": sids[1], "disclosures": [both[0].text]}, {"sid": sids[1], "disclosures": [both[1].text]},
        {"sid": sids[2], "disclosures": [good[0].text]}, {"sid": sids[2], "disclosures": ["x"]},
        {"sid": new_sid(), "disclosures": [good[0].text]},
    )  # fmt: skip

    slugs = [(one["problem"] or {"slug": "kept"})["slug"] for one in answers]
    assert slugs == [
        "private-field-unknown", "disclosure-said-twice", "kept", "disclosure-said-twice", "kept", "bad-text", "not-found",
    ]  # fmt: skip
    assert await seen(ready, sids[0]) == {}
    assert await seen(ready, sids[1]) == {"feller": "Persona 1"}


async def test_only_the_organisation_that_signed_brings_its_fields(ready: Custody) -> None:
    fields, sd = hide(feller=DRIVER)
    [result] = await ready.send(a_felling(ready, "501", sd))
    whole = {"sid": result["sid"], "disclosures": [fields[0].text]}

    [refused] = await bring(ready, whole, org="comunidad-b")
    [kept] = await bring(ready, whole)

    assert (refused["problem"]["slug"], kept["status"]) == ("other-organisation", "kept")


@pytest.mark.parametrize("count", [0, 17])
async def test_a_record_has_one_to_sixteen_fields(ready: Custody, count: int) -> None:
    problem = await bring(ready, {"sid": new_sid(), "disclosures": ["x"] * count}, expect=422)

    assert problem["slug"] == "malformed"


# ---- what lies in the database


async def test_a_copy_of_the_database_reads_nothing(cut_log: Custody) -> None:
    [sid] = await stated(cut_log, a_statement(persons={"driver": "chofer-1", "plate": "chofer-1"}))
    await seen(cut_log, sid)

    text = dump(cut_log)

    assert b"chofer-1" in text  # a pseudonym, so that it can be erased
    assert hits(text, spellings(DRIVER, PLATE)) == []
    answer = await cut_log.get(f"/v1/records/{sid}/disclosures", "manager")
    for field in answer["fields"]:
        salt = json.loads(base64.urlsafe_b64decode(field["disclosure"] + "=="))[0]
        assert salt.encode() not in text


async def test_a_database_moved_to_another_log_does_not_open(cut_log: Custody) -> None:
    [sid] = await stated(cut_log, a_statement())
    assert await seen(cut_log, sid) == ROAD
    cut_log.app.state.custody.origin = "another.example/madre-de-dios/2026"

    assert await seen(cut_log, sid, expect=500) == "internal"


async def test_a_batch_mixes_statements_with_and_without_private_fields(cut_log: Custody) -> None:
    plain = {
        "type": "log.moved", "time": "2026-11-03T11:00:00Z", "body": {"items": [log_id("501/A")], "place": "Patio 1"},
    }  # fmt: skip
    moved, issued = await stated(cut_log, plain, a_statement())

    assert disclosure.committed(parse_entry(await entry_of(cut_log, moved))) == []
    assert await seen(cut_log, moved) == {}
    assert await seen(cut_log, issued) == ROAD
