"""Erasure destroys a key: nobody reads what lay under it any more, and the log proves what it proved before."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import pytest

from deploy.rotate import NothingToDo, add_wrapping_key, drop_old_wrapping_keys
from services.custody.private.disclosures import ToKeep, keep, keys_of, rewrap
from services.custody.private.vault import WrappingKeyMissing, WrappingKeys
from services.custody.rewrap import run as run_rewrap
from services.custody.store import Store
from shared.lot.verify import verify
from tests.custody.conftest import Custody, cut, felling, log_id
from tests.custody.private import (
    DRIVER,
    FELLER,
    PLATE,
    PRICE,
    ROAD,
    a_departure,
    a_felling,
    a_statement,
    as_admin,
    bring,
    dump,
    hide,
    hits,
    post,
    seen,
    spellings,
    state,
    stated,
)
from tests.custody.test_lots import policy

CHAUFFEUR = {"driver": "chofer-1"}


@pytest.fixture
async def road(ready: Custody) -> Custody:
    """Log 501/A, ready to travel."""
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    return ready


async def ask(custody: Custody, person: str | None = "chofer-1", **more: Any) -> Any:
    return await post(custody, "/v1/erasures", {"person": person, "reason": "lo pidió la persona"}, **more)


async def confirm(custody: Custody, erasure: Any, sub: str = "u-2", expect: int = 200, **more: Any) -> Any:
    return await post(custody, f"/v1/erasures/{erasure['id']}/confirm", sub=sub, expect=expect, **more)


# ---- two steps


async def test_a_second_person_confirms_and_the_value_is_gone(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))

    asked = await ask(road)
    assert (asked["state"], asked["fields"]) == ("asked", None)
    assert await seen(road, sid) == ROAD
    done = await confirm(road, asked)

    assert (done["state"], done["fields"], done["asked_by"], done["ended_by"]) == ("done", 1, "u-1", "u-2")
    assert await seen(road, sid) == {"plate": PLATE}
    answer = await road.get(f"/v1/records/{sid}/disclosures", "manager")
    assert answer["erased"] == 1
    assert await confirm(road, asked) == done
    [listed] = (await road.get("/v1/erasures", "manager"))["erasures"]
    assert listed == done


async def test_who_asked_confirms_only_after_three_days(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    asked = await ask(road)
    problem = await confirm(road, asked, "u-1", expect=403)
    assert problem["slug"] == "second-person-needed"
    assert await seen(road, sid) == ROAD

    await as_admin(road, "UPDATE erasure SET asked_at = asked_at - interval '71 hours'")
    await confirm(road, asked, "u-1", expect=403)
    await as_admin(road, "UPDATE erasure SET asked_at = asked_at - interval '1 hour'")

    assert (await confirm(road, asked, "u-1"))["state"] == "done"


async def test_an_erasure_may_be_withdrawn_until_it_is_done(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    asked = await ask(road)
    for _ in range(2):
        withdrawn = await post(road, f"/v1/erasures/{asked['id']}", method="DELETE", sub="u-2", expect=200)
    assert withdrawn["state"] == "withdrawn"
    assert (await confirm(road, asked, expect=409))["slug"] == "erasure-ended"
    assert await seen(road, sid) == ROAD

    again = await ask(road)
    assert again["id"] != asked["id"]
    assert (await ask(road, sub="u-3"))["id"] == again["id"]  # asked twice is asked once
    await confirm(road, again)
    assert (await post(road, f"/v1/erasures/{again['id']}", method="DELETE", expect=409))["slug"] == "erasure-ended"


async def test_only_the_organisation_erases_what_is_its_own(road: Custody) -> None:
    await stated(road, a_statement(persons=CHAUFFEUR))
    asked = await ask(road)

    assert (await ask(road, org="comunidad-b", expect=404))["slug"] == "not-found"
    assert (await ask(road, "chofer-2", expect=404))["slug"] == "not-found"
    await confirm(road, asked, org="comunidad-b", expect=404)
    await post(road, f"/v1/erasures/{asked['id']}", method="DELETE", org="comunidad-b", expect=404)
    assert (await confirm(road, asked))["state"] == "done"


async def test_an_erasure_waits_for_who_is_keeping_a_field_and_takes_it_along(ready: Custody) -> None:
    fields, sd = hide(feller=FELLER, note="reservado")
    [result] = await ready.send(a_felling(ready, "501", sd))
    whole = {"sid": result["sid"], "disclosures": [fields[0].text], "persons": {"feller": "p-1"}}
    await bring(ready, whole)
    asked = await ask(ready, "p-1")
    custody = ready.app.state.custody

    async with custody.store.transaction() as tx:
        late = ToKeep(result["sid"], fields[1], "p-1")
        await keep(tx, custody.wrapping, custody.origin, "comunidad-a", [late])
        erasing = asyncio.create_task(confirm(ready, asked))
        await asyncio.wait({erasing}, timeout=0.2)
        assert not erasing.done()

    assert (await erasing)["fields"] == 2
    assert await seen(ready, result["sid"]) == {}


# ---- what is left


async def test_an_erasure_forgets_the_subject_and_nothing_else(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    await confirm(road, await ask(road, None))

    assert await seen(road, sid) == {"driver": DRIVER}
    [again] = await stated(road, a_departure(persons=CHAUFFEUR))
    assert await seen(road, again) == ROAD  # under a new key of the organisation


async def test_what_was_erased_is_not_taken_in_again(ready: Custody) -> None:
    fields, sd = hide(feller=FELLER, note="reservado")
    [result] = await ready.send(a_felling(ready, "501", sd))
    whole = {"sid": result["sid"], "disclosures": [one.text for one in fields], "persons": {"feller": "p-1"}}
    await bring(ready, whole)
    await confirm(ready, await ask(ready, "p-1"))

    [all_, rest] = await bring(ready, whole, whole | {"disclosures": [fields[1].text], "persons": {}})

    assert (all_["problem"]["slug"], rest["status"]) == ("disclosure-erased", "kept")
    assert await seen(ready, result["sid"]) == {"note": "reservado"}


async def test_a_statement_sent_again_after_an_erasure_is_not_the_record_that_was(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    await confirm(road, await ask(road))

    [again] = await state(road, a_statement(persons=CHAUFFEUR))

    assert again["status"] == "refused"  # nobody can compute the old salt, so it is another record of the same guide
    assert again["sid"] != sid


async def test_after_an_erasure_the_value_is_nowhere_and_the_proof_stands(road: Custody, tmp_path: Path) -> None:
    everything: dict[str, Any] = {"driver": "p-1", "plate": "p-1", "price_cents": "p-1"}
    sold = {
        "type": "lot.sold", "time": "2026-11-06T12:00:00Z", "body": {"lot": "LOT-1", "buyer": "comprador-1"},
        "private": {"price_cents": PRICE}, "persons": {"price_cents": "p-1"},
    }  # fmt: skip
    lot = {"type": "lot.composed", "time": "2026-11-05T12:00:00Z", "body": {"lot": "LOT-1", "items": [log_id("501/A")]}}
    guide, _, sale = await stated(road, a_statement(persons={"driver": "p-1", "plate": "p-1"}), lot, sold)
    assert set(everything) == {*await seen(road, guide), *await seen(road, sale)}
    ciphertexts = [row[0] for row in await as_admin(road, "SELECT ciphertext FROM disclosure")]
    [wrapped] = [row[0] for row in await as_admin(road, "SELECT wrapped FROM data_key WHERE person = 'p-1'")]

    await confirm(road, await ask(road, "p-1"))

    text = dump(road)
    assert hits(text, spellings(DRIVER, PLATE, PRICE)) == []
    assert wrapped.hex().encode() not in text  # the key is gone; what it sealed stays and opens for nobody
    assert all(one.hex().encode() in text for one in ciphertexts)
    assert await seen(road, guide) == {}
    assert await seen(road, sale) == {}
    assert all(hits(content, spellings(DRIVER, PLATE, PRICE)) == [] for content in contents(tmp_path))
    headers = road.issuer.headers("manager")
    for query in ({}, {"disclose": "all"}):
        answer = await road.http.get("/v1/lots/LOT-1/bundle", params=query, headers=headers)
        assert hits(answer.content, spellings(DRIVER, PLATE, PRICE)) == []
        assert verify(answer.content, policy(road)).outcome == "valid"


def contents(folder: Path) -> list[bytes]:
    """Every file the service left."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


# ---- the key over the keys


def files(custody: Custody) -> Path:
    return custody.settings.keys_dir / "wrapping.key"


async def test_a_new_wrapping_key_takes_over_while_custody_runs(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    old = files(road).read_text()
    files(road).chmod(0o400)

    add_wrapping_key(road.settings.keys_dir)
    assert await seen(road, sid) == ROAD  # between the steps everything opens
    said = await run_rewrap(road.settings)
    drop_old_wrapping_keys(road.settings.keys_dir)

    assert said.startswith("2 of 2 data keys")
    assert old.strip() not in files(road).read_text()
    assert files(road).stat().st_mode & 0o777 == 0o400
    assert await seen(road, sid) == ROAD
    assert (await run_rewrap(road.settings)).startswith("0 of 2")
    with pytest.raises(NothingToDo):
        drop_old_wrapping_keys(road.settings.keys_dir)
    [later] = await stated(road, a_departure(persons={"driver": "chofer-2"}))
    assert await seen(road, later) == ROAD


async def test_an_old_copy_of_the_database_does_not_open_under_the_new_key(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    before = await as_admin(road, "SELECT key_id, owner, person, wrapped_by, wrapped FROM data_key")
    await confirm(road, await ask(road))
    add_wrapping_key(road.settings.keys_dir)
    await run_rewrap(road.settings)
    drop_old_wrapping_keys(road.settings.keys_dir)

    await as_admin(road, "TRUNCATE data_key")
    for row in before:  # yesterday's backup, in which the person was not yet forgotten
        await as_admin(
            road, "INSERT INTO data_key (log_id, key_id, owner, person, wrapped_by, wrapped) VALUES (1, $1, $2, $3, $4, $5)",
            *row,
        )  # fmt: skip

    assert await seen(road, sid, expect=503) == "wrapping-key-missing"


async def test_a_missing_old_key_changes_nothing(road: Custody) -> None:
    [sid] = await stated(road, a_statement(persons=CHAUFFEUR))
    old = files(road).read_text()
    before = await as_admin(road, "SELECT key_id, wrapped_by, wrapped FROM data_key ORDER BY key_id")
    files(road).write_text(base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=") + "\n")

    with pytest.raises(WrappingKeyMissing):
        await run_rewrap(road.settings)

    assert await seen(road, sid, expect=503) == "wrapping-key-missing"
    files(road).write_text(files(road).read_text() + old)
    assert await as_admin(road, "SELECT key_id, wrapped_by, wrapped FROM data_key ORDER BY key_id") == before
    assert await seen(road, sid) == ROAD


async def test_a_key_made_while_all_are_wrapped_anew_is_not_lost(road: Custody) -> None:
    """A process that is making a key when the others are wrapped anew either is waited for, or sees the new key."""
    store: Store = road.app.state.custody.store
    wrapping = WrappingKeys(files(road))
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow_maker() -> None:
        async with store.transaction() as tx:
            await keys_of(tx, wrapping, "comunidad-a", {"chofer-9"})
            begun.set()
            await finish.wait()

    async def wrapper() -> tuple[int, int]:
        async with store.transaction() as tx:
            return await rewrap(tx, wrapping)

    maker = asyncio.create_task(slow_maker())
    await begun.wait()
    add_wrapping_key(road.settings.keys_dir)
    wrapped = asyncio.create_task(wrapper())
    await asyncio.wait({wrapped}, timeout=0.2)
    assert not wrapped.done()
    finish.set()
    await maker

    assert await wrapped == (2, 2)
    drop_old_wrapping_keys(road.settings.keys_dir)
    async with store.transaction() as tx:
        assert set(await keys_of(tx, wrapping, "comunidad-a", {"chofer-9"})) == {"", "chofer-9"}


@pytest.mark.parametrize("content", [None, "", "not a key\n", "AAAA\n"])
async def test_custody_does_not_start_without_wrapping_keys(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "wrapping.key"
    path.write_text(base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=") + "\n")
    assert WrappingKeys(path).newest
    if content is None:
        path.unlink()
    else:
        path.write_text(content)

    with pytest.raises(Exception, match=r"wrapping|No such file|base64url"):
        WrappingKeys(path)
