"""A command may be repeated: with an Idempotency-Key the first answer comes back, to the byte."""

import asyncio

import pytest

from tests.permits.conftest import MANAGER, NEIGHBOUR, OFFICER, OPERATOR, PLAN, Permits, a_census, a_plan, a_title

ORG = {"id": "comunidad-c", "name": "Comunidad C", "kind": "community"}


async def test_the_same_command_is_answered_as_the_first_time(permits: Permits) -> None:
    first = await permits.call("POST", "/v1/organisations", OPERATOR, 201, json=ORG, headers={"idempotency-key": "k-1"})
    await permits.published()

    again = await permits.call("POST", "/v1/organisations", OPERATOR, 201, json=ORG, headers={"idempotency-key": "k-1"})

    assert first.content == again.content
    assert (await permits.get("/v1/organisations/comunidad-c"))["log"]["state"] == "in_log"


async def test_the_same_key_for_another_command_is_refused(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, ORG, key="k-1")
    revocation = f"/v1/keys/{(await permits.get('/v1/keys'))['items'][0]['kid']}/revoke"

    for path, body in (
        ("/v1/organisations", ORG | {"name": "Otra"}),
        ("/v1/organisations", ORG | {"id": "x-1"}),
        (revocation, {"reason": "x"}),
    ):
        problem = await permits.post(path, OPERATOR, body, expect=422, key="k-1")
        assert problem["slug"] == "idempotency-mismatch"

    await permits.post("/v1/organisations", OPERATOR, ORG | {"id": "x-1"}, expect=201, key="k-2")


async def test_a_refused_command_leaves_its_key_free(permits: Permits) -> None:
    await permits.post("/v1/plans", MANAGER, a_plan(), expect=409, key="k-1")
    await permits.post("/v1/titles", OFFICER, a_title())

    assert (await permits.post("/v1/plans", MANAGER, a_plan(), expect=201, key="k-1"))["state"] == "draft"


async def test_keys_of_two_organisations_do_not_meet(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/titles", OFFICER, a_title(number="CN-B", org="comunidad-b"))

    await permits.post("/v1/plans", MANAGER, a_plan(), expect=201, key="k-1")

    await permits.post("/v1/plans", NEIGHBOUR, a_plan(id="PO-B", title="CN-B"), expect=201, key="k-1")


async def test_an_act_repeated_with_its_key_happens_once(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    headers = {"content-type": "text/csv", "idempotency-key": "c-1"}
    path = f"/v1/plans/{PLAN}/census"
    first = await permits.call("POST", path, MANAGER, 200, content=a_census(), headers=headers)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, key="s-1")

    again = await permits.call("POST", path, MANAGER, 200, content=a_census(), headers=headers)

    assert first.content == again.content
    assert (await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, key="s-1"))["state"] == "submitted"
    assert (await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, expect=409, key="s-2"))["slug"] == "wrong-state"


async def test_an_upload_repeated_with_another_file_is_refused_before_it_is_read(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), **{"idempotency-key": "c-1"})

    problem = await permits.upload(b"no census at all", expect=422, **{"idempotency-key": "c-1"})

    assert problem["slug"] == "idempotency-mismatch"
    assert (await permits.upload(a_census(), **{"idempotency-key": "c-1"}))["trees"] == 2


async def test_ten_at_once_are_one_act(permits: Permits) -> None:
    calls = [
        permits.call("POST", "/v1/organisations", OPERATOR, json=ORG, headers={"idempotency-key": "k-1"})
        for _ in range(10)
    ]

    answers = await asyncio.gather(*calls)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    await permits.published()
    assert len([b for b in permits.custody.bodies("organisation.registered") if b["id"] == "comunidad-c"]) == 1


async def test_ten_at_once_without_a_key_are_one_act_too(permits: Permits) -> None:
    answers = await asyncio.gather(*[permits.call("POST", "/v1/organisations", OPERATOR, json=ORG) for _ in range(10)])

    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]


@pytest.mark.parametrize("key", ["", " ", "k" * 81, "ñ", "a b"])
async def test_a_key_has_a_form(permits: Permits, key: str) -> None:
    headers = {"idempotency-key": key.encode()}

    answer = await permits.call("POST", "/v1/organisations", OPERATOR, 422, json=ORG, headers=headers)

    assert answer.json()["slug"] == "malformed"
