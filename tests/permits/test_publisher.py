"""The outbox: every act reaches the log once, in order, however custody behaves."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from deploy.databases import Database
from services.permits.publisher import RegistrarChanged
from tests.permits.conftest import (
    MANAGER,
    OFFICER,
    OPERATOR,
    ORGANISATIONS,
    PATIENCE_S,
    PERMIT,
    SECOND,
    SUPERVISOR,
    Opener,
    Permits,
    a_permit,
    a_title,
    write_keys,
)
from tests.permits.strict_custody import StrictCustody

VERIFY = f"/v1/permits/{PERMIT}/verify"


def an_organisation(n: int) -> dict[str, Any]:
    return {"id": f"org-{n}", "name": f"Organisation {n}", "kind": "company"}


async def test_the_first_words_of_a_log_are_the_registrars_key(empty: Permits) -> None:
    await empty.published()

    first, second, third, fourth, fifth = empty.custody.log
    assert (first.type, first.body["role"], first.actor) == ("key.added", "registrar", "registro")
    assert first.signatures[0][0] == first.body["kid"]
    assert (second.body["id"], third.body["id"]) == ("registro", "trozalog")
    assert (fourth.body["role"], fourth.body["org"]) == ("host", "trozalog")
    assert (fifth.type, fifth.body["permits"]) == ("status.listed", 0)


async def test_a_second_start_says_nothing_twice(empty: Permits, open_permits: Opener) -> None:
    await empty.published()

    again: Permits = await open_permits(again=empty)
    await again.published()

    assert again.custody.types() == [
        "key.added", "organisation.registered", "organisation.registered", "key.added", "status.listed",
    ]  # fmt: skip
    assert len((await again.get("/v1/keys"))["items"]) == 2


async def test_another_registrars_key_does_not_start(empty: Permits, open_permits: Opener, tmp_path: Path) -> None:
    write_keys(tmp_path / "keys")

    with pytest.raises(RegistrarChanged):
        await open_permits(again=empty)


async def test_acts_wait_while_custody_is_down_and_keep_their_order(open_permits: Opener) -> None:
    down = StrictCustody(silent=True)
    permits: Permits = await open_permits(custody=down)
    await permits.introduce()
    await permits.issued_permit()
    waiting = await permits.get("/v1/publications", OPERATOR, state="pending")
    verified = await permits.get(VERIFY)
    assert (verified["valid"], verified["log"]["state"], down.log) == (True, "pending", [])
    assert waiting["pending"] == len(waiting["items"]) == 10 + len(ORGANISATIONS)

    down.silent = False
    await permits.published()

    assert [record.sid for record in down.log] == [item["sid"] for item in waiting["items"]]
    assert (await permits.get(VERIFY))["log"]["index"] == 9 + len(ORGANISATIONS)


async def test_a_lost_answer_is_asked_for_again(open_permits: Opener) -> None:
    forgetful = StrictCustody(loses_answers=3)
    permits: Permits = await open_permits(custody=forgetful)
    await permits.introduce()

    await permits.published()

    assert len(forgetful.log) == 5 + len(ORGANISATIONS)
    indexes = [item["index"] for item in (await permits.get("/v1/publications", OPERATOR))["items"]]
    assert sorted(indexes) == list(range(5 + len(ORGANISATIONS)))


async def test_a_refused_statement_is_shown_and_does_not_hold_up_the_others(permits: Permits) -> None:
    await permits.published()
    permits.custody.refuses = lambda record: record.type == "title.registered"

    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/organisations", OPERATOR, an_organisation(1))
    await permits.published()

    title = await permits.get("/v1/titles/CN-A-P-MAD-000")
    assert (title["log"]["state"], title["log"]["problem"]["slug"]) == ("refused", "test-refusal")
    assert (await permits.get("/v1/organisations/org-1"))["log"]["state"] == "in_log"
    shown = await permits.get("/v1/publications", SUPERVISOR, state="refused")
    assert (shown["refused"], shown["items"][0]["type"], shown["items"][0]["attempts"]) == (1, "title.registered", 1)


async def test_what_builds_on_a_refused_statement_follows_it_in(permits: Permits) -> None:
    await permits.published()
    permits.custody.refuses = lambda record: record.type == "title.registered"
    await permits.issued_permit()
    await permits.published()
    refused = await permits.get("/v1/publications", OPERATOR, state="refused")
    assert [item["type"] for item in refused["items"]] == [
        "title.registered", "plan.approved", "census.listed", "permit.issued",
    ]  # fmt: skip

    permits.custody.refuses = lambda _: False
    await _try_refused_now(permits)

    assert permits.custody.types()[-4:] == ["title.registered", "plan.approved", "census.listed", "permit.issued"]
    assert (await permits.get("/v1/publications", OPERATOR))["refused"] == 0


async def _try_refused_now(permits: Permits) -> None:
    admin = await asyncpg.connect(permits.database.admin_dsn)
    async with asyncio.timeout(PATIENCE_S):
        while (await permits.get("/v1/publications", OPERATOR))["refused"]:
            await admin.execute("UPDATE outbox SET next_attempt_at = now() WHERE state = 'refused'")
            await asyncio.sleep(0.05)
    await admin.close()


@pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
async def test_an_answer_about_the_caller_condemns_no_statement(open_permits: Opener, status: int) -> None:
    custody = StrictCustody(status=status)
    permits: Permits = await open_permits(custody=custody)
    await asyncio.sleep(0.4)
    assert (await permits.get("/v1/publications", OPERATOR))["refused"] == 0

    custody.status = 200
    await permits.published()

    assert len(custody.log) == 5


async def test_a_batch_refused_as_a_whole_is_sent_one_by_one(open_permits: Opener) -> None:
    class OneAtATime(StrictCustody):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if (await request.aread()).count(b"\n"):
                return httpx.Response(413, json={"status": 413, "slug": "body-too-large"})
            return await super().handle_async_request(request)

    custody = OneAtATime()
    permits: Permits = await open_permits(custody=custody)

    await permits.published()

    assert len(custody.log) == 5


async def test_an_answer_that_leaves_one_out_is_no_answer(open_permits: Opener) -> None:
    class Forgetful(StrictCustody):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.requests:
                return await super().handle_async_request(request)
            await super().handle_async_request(request)
            return httpx.Response(200, json={"origin": "x", "results": []})

    custody = Forgetful()
    permits: Permits = await open_permits(custody=custody)

    await permits.published()

    assert len(custody.log) == 5


async def test_a_list_of_the_day_that_was_not_kept_is_tried_again(database: Database, open_permits: Opener) -> None:
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(
        "CREATE FUNCTION fail_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$"
    )
    await admin.execute(
        "CREATE CONSTRAINT TRIGGER fail_late AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (NEW.type = 'status.listed') EXECUTE FUNCTION fail_late()"
    )
    try:
        permits: Permits = await open_permits()
        for _ in range(2):
            with pytest.raises(DBAPIError, match="no room"):
                await permits.app.state.publisher.publish()
    finally:
        await admin.execute("DROP FUNCTION fail_late CASCADE")
        await admin.close()

    async with asyncio.timeout(PATIENCE_S):
        while "status.listed" not in permits.custody.types():
            await permits.published()

    assert permits.custody.types().count("status.listed") == 1


async def test_a_cursor_beyond_the_last_publication_is_an_empty_page(permits: Permits) -> None:
    far = "OTk5OTk5OTk5OQ"  # 9999999999

    page = await permits.get("/v1/publications", OPERATOR, cursor=far)

    assert (page["items"], page["next"]) == ([], None)
    await permits.get("/v1/publications", OPERATOR, expect=422, cursor="LTE")
    first = await permits.get("/v1/publications", OPERATOR, limit=1)
    assert len((await permits.get("/v1/publications", OPERATOR, cursor=first["next"]))["items"]) > 1


async def test_two_processes_publish_each_statement_once_and_in_order(open_permits: Opener) -> None:
    one: Permits = await open_permits()
    two: Permits = await open_permits(again=one)
    for n in range(30):
        await (one, two)[n % 2].post("/v1/organisations", OPERATOR, an_organisation(n))

    await one.published()

    registered = [body["id"] for body in one.custody.bodies("organisation.registered")]
    assert registered == ["registro", "trozalog", *(f"org-{n}" for n in range(30))]
    sids = [record.sid for record in one.custody.log]
    assert len(sids) == len(set(sids))


async def test_an_act_and_its_statement_are_kept_together_or_not_at_all(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.published()
    before = (await permits.get("/v1/publications", OPERATOR))["published"]

    await permits.refused("reference-unknown", "/v1/permits", OFFICER, a_permit(holder="nadie"))
    await permits.refused("number-taken", "/v1/titles", OFFICER, a_title(official_number="otro"))

    assert (await permits.get("/v1/publications", OPERATOR))["published"] == before
    await permits.post("/v1/permits", MANAGER, a_permit())
    await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)
    await permits.published()
    assert (await permits.get("/v1/publications", OPERATOR))["published"] == before + 1
