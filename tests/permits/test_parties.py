"""Organisations and keys."""

import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.timber.event import key_id
from shared.tlog.encoding import to_base64url
from tests.permits.conftest import MANAGER, NEIGHBOUR, OFFICER, OPERATOR, SUPERVISOR, Permits, Person

MACHINE = Person("machine", "comunidad-a", "m-1")
SUPREME = Person("authority", "gerfor-md", "u-national", "*")


def a_key(**changes: Any) -> dict[str, Any]:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return {"org": "comunidad-a", "public_key": to_base64url(public), "role": "device"} | changes


async def test_an_organisation_is_registered_once_and_announced(empty: Permits) -> None:
    body = {"id": "comunidad-a", "name": "Comunidad Nativa A", "kind": "community", "region": "madre-de-dios"}

    registered = await empty.post("/v1/organisations", OPERATOR, body, expect=201)
    again = await empty.post("/v1/organisations", OPERATOR, body, expect=200)
    await empty.published()

    assert (registered["log"]["state"], again["id"]) == ("pending", "comunidad-a")
    assert (await empty.get("/v1/organisations/comunidad-a"))["log"]["state"] == "in_log"
    assert empty.custody.bodies("organisation.registered")[-1] == body
    await empty.refused("number-taken", "/v1/organisations", OPERATOR, body | {"name": "Otra"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "Comunidad"), ("id", "c"), ("id", "соmunidad"), ("kind", "ghost"), ("name", " "), ("name", "x" * 161),
        ("name", "A\u202eB"), ("name", "A\u0007B"), ("region", "Madre de Dios"),
    ],
)  # fmt: skip
async def test_a_malformed_organisation_is_refused(empty: Permits, field: str, value: str) -> None:
    body = {"id": "comunidad-a", "name": "Comunidad A", "kind": "community", field: value}

    problem = await empty.refused("malformed", "/v1/organisations", OPERATOR, body, status=422)

    assert field in problem["errors"][0]["where"]


async def test_a_name_in_another_unicode_form_is_the_same_name(empty: Permits) -> None:
    body = {"id": "comunidad-a", "name": "Asha\u0301ninka", "kind": "community"}

    registered = await empty.post("/v1/organisations", OPERATOR, body, expect=201)

    assert registered["name"] == "Asháninka"
    await empty.post("/v1/organisations", OPERATOR, body | {"name": "Asháninka"}, expect=200)


async def test_organisations_are_listed_for_everyone(permits: Permits) -> None:
    page = await permits.get("/v1/organisations", kind="community")

    assert [item["id"] for item in page["items"]] == ["comunidad-a", "comunidad-b"]
    await permits.get("/v1/organisations/nadie", expect=404)


async def test_a_manager_adds_a_device_key_of_the_own_organisation(permits: Permits) -> None:
    body = a_key()

    added = await permits.post("/v1/keys", MANAGER, body, expect=201)
    await permits.published()

    assert (await permits.get(f"/v1/keys/{added['kid']}"))["log"]["state"] == "in_log"
    assert permits.custody.bodies("key.added")[-1]["kid"] == added["kid"]
    await permits.post("/v1/keys", MANAGER, body, expect=200)
    await permits.refused("other-organisation", "/v1/keys", NEIGHBOUR, a_key(), status=403)


async def test_a_key_belongs_to_one_organisation(permits: Permits) -> None:
    body = a_key()
    await permits.post("/v1/keys", MANAGER, body, expect=201)

    problem = await permits.refused("key-taken", "/v1/keys", NEIGHBOUR, body | {"org": "comunidad-b"})

    assert len(problem["facts"]["kid"]) == 22
    await permits.post("/v1/keys", NEIGHBOUR, a_key(org="comunidad-b"), expect=201)


async def test_a_root_key_is_registered_by_an_officer(permits: Permits) -> None:
    body = a_key(role="root")

    await permits.refused("not-allowed", "/v1/keys", MANAGER, body, status=403)

    await permits.post("/v1/keys", OFFICER, body, expect=201)


@pytest.mark.parametrize("role", ["registrar", "host", "hosted"])
async def test_keys_of_the_house_do_not_come_through_the_door(permits: Permits, role: str) -> None:
    await permits.refused("malformed", "/v1/keys", OFFICER, a_key(role=role), status=422)

    await permits.post("/v1/keys", OFFICER, a_key(), expect=201)


@pytest.mark.parametrize("org", ["registro", "trozalog"])
@pytest.mark.parametrize("role", ["device", "root"])
async def test_nobody_gives_the_house_a_key(permits: Permits, org: str, role: str) -> None:
    before = (await permits.get("/v1/keys", org=org))["items"]
    own = Person("manager", org, "u-inside")

    await permits.refused("house-organisation", "/v1/keys", SUPREME, a_key(org=org, role=role), status=403)
    await permits.post("/v1/keys", own, a_key(org=org, role=role), expect=403)

    assert (await permits.get("/v1/keys", org=org))["items"] == before
    await permits.post("/v1/keys", SUPREME, a_key(role=role), expect=201)


@pytest.mark.parametrize("who", [MACHINE, OPERATOR])
async def test_machines_and_operators_add_no_keys(permits: Permits, who: Person) -> None:
    await permits.refused("role-not-allowed", "/v1/keys", who, a_key(org=who.org), status=403)

    await permits.post("/v1/keys", MANAGER, a_key(), expect=201)


async def test_a_machine_revokes_no_key_and_an_operator_does(permits: Permits) -> None:
    path = f"/v1/keys/{(await permits.post('/v1/keys', MANAGER, a_key()))['kid']}/revoke"

    await permits.refused("role-not-allowed", path, MACHINE, {"reason": "x"}, status=403)

    assert (await permits.post(path, OPERATOR, {"reason": "x"}))["revoked"]


@pytest.mark.parametrize("public_key", ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "short", "/" * 43])
async def test_a_key_nobody_can_sign_with_is_refused(permits: Permits, public_key: str) -> None:
    problem = await permits.post("/v1/keys", MANAGER, a_key(public_key=public_key), expect=422)

    assert problem["slug"] in ("bad-key", "malformed")


async def test_a_revoked_key_stays_revoked(permits: Permits) -> None:
    added = await permits.post("/v1/keys", MANAGER, a_key())
    path = f"/v1/keys/{added['kid']}/revoke"

    revoked = await permits.post(path, MANAGER, {"reason": "teléfono perdido"})
    again = await permits.post(path, MANAGER, {"reason": "teléfono perdido"})
    await permits.published()

    assert (revoked["revoked"], again["reason"]) == (True, "teléfono perdido")
    assert len(permits.custody.bodies("key.revoked")) == 1
    await permits.refused("wrong-state", path, SUPERVISOR, {"reason": "otro motivo"})


async def test_the_keys_of_the_house_are_not_revoked_here(permits: Permits) -> None:
    registrar = (await permits.get("/v1/keys", org="registro"))["items"][0]

    for who in (OPERATOR, SUPREME):
        path = f"/v1/keys/{registrar['kid']}/revoke"
        await permits.refused("house-organisation", path, who, {"reason": "x"}, status=403)

    assert not (await permits.get(f"/v1/keys/{registrar['kid']}"))["revoked"]


async def test_nobody_revokes_anothers_key(permits: Permits) -> None:
    added = await permits.post("/v1/keys", MANAGER, a_key())

    await permits.post(f"/v1/keys/{added['kid']}/revoke", NEIGHBOUR, {"reason": "x"}, expect=404)
    await permits.post(f"/v1/keys/{key_id(secrets.token_bytes(32))}/revoke", MANAGER, {"reason": "x"}, expect=404)

    assert (await permits.post(f"/v1/keys/{added['kid']}/revoke", MANAGER, {"reason": "x"}))["revoked"]
