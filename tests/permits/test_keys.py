"""Keys: asked for, proposed and approved by two persons, revoked; and the keys of the house."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.permits.domain.key import MOST_AWAITING, MOST_UNKNOWN
from services.permits.publisher import RegistrarChanged
from services.permits.registrar import BadKeyFile
from shared.timber.event import key_id
from shared.tlog.encoding import to_base64url
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    OPERATOR,
    PATIENCE_S,
    SECOND,
    SUPERVISOR,
    Opener,
    Permits,
    Person,
    a_key,
    a_title,
    host_pub,
    write_keys,
)

MACHINE = Person("machine", "comunidad-a", "m-1")
SUPREME = Person("authority", "gerfor-md", "u-national", "*")
BOTH = Person("authority", "comunidad-a", "u-manager", "madre-de-dios")  # the manager again, with an officer's token


def path(key: Any, act: str) -> str:
    return f"/v1/keys/{key['kid']}/{act}"


# ---- in


async def test_an_organisation_asks_one_officer_proposes_and_another_approves(permits: Permits) -> None:
    body = a_key()

    asked = await permits.post("/v1/keys", MANAGER, body, expect=201)
    proposed = await permits.post(path(asked, "propose"), OFFICER)
    await permits.published()
    before = permits.custody.bodies("key.added")
    registered = await permits.post(path(asked, "approve"), SECOND)
    await permits.published()

    assert (asked["state"], proposed["state"], registered["state"]) == ("asked", "proposed", "registered")
    assert (asked["log"], proposed["log"]) == (None, None)
    assert len(before) == 2  # the registrar's and the host's
    added = permits.custody.bodies("key.added")[-1]
    assert {name: added[name] for name in ("org", "public_key", "role", "proof")} == body
    assert {added["proposed_by"], added["approved_by"]}.isdisjoint({OFFICER.sub, SECOND.sub, MANAGER.sub})
    assert added["proposed_by"] != added["approved_by"]
    assert (await permits.get(f"/v1/keys/{asked['kid']}"))["log"]["state"] == "in_log"
    await permits.post("/v1/keys", MANAGER, body, expect=200)


async def test_an_officer_proposes_a_key_that_nobody_asked_for(permits: Permits) -> None:
    proposed = await permits.post("/v1/keys", OFFICER, a_key(role="root"), expect=201)

    assert proposed["state"] == "proposed"
    assert (await permits.post(path(proposed, "approve"), SECOND))["state"] == "registered"


@pytest.mark.parametrize("role", ["device", "root"])
async def test_nobody_does_two_of_the_three(permits: Permits, role: str) -> None:
    asked = await permits.post("/v1/keys", MANAGER, a_key(role=role))

    await permits.refused("wrong-state", path(asked, "approve"), SECOND)
    await permits.refused("same-person", path(asked, "propose"), BOTH)
    await permits.post(path(asked, "propose"), OFFICER)
    await permits.refused("wrong-state", path(asked, "propose"), SECOND)
    for who in (OFFICER, BOTH):
        await permits.refused("same-person", path(asked, "approve"), who)

    assert (await permits.post(path(asked, "approve"), SECOND))["state"] == "registered"
    await permits.refused("wrong-state", path(asked, "approve"), SECOND)


async def test_two_officers_at_once_approve_it_once(permits: Permits) -> None:
    proposed = await permits.post("/v1/keys", OFFICER, a_key())
    third = Person("authority", "gerfor-md", "u-third", "madre-de-dios")

    answers = await asyncio.gather(
        *(permits.call("POST", path(proposed, "approve"), who) for who in (SECOND, third, SECOND, third))
    )
    await permits.published()

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(permits.custody.bodies("key.added")) == 3


@pytest.mark.parametrize("act", ["propose", "approve"])
@pytest.mark.parametrize("who", [MANAGER, MEMBER, MACHINE, SUPERVISOR, OPERATOR])
async def test_only_officers_of_the_registry_take_a_key_further(permits: Permits, act: str, who: Person) -> None:
    asked = await permits.post("/v1/keys", MANAGER, a_key())

    await permits.refused("role-not-allowed", path(asked, act), who, status=403)
    await permits.post(f"/v1/keys/{'A' * 22}/{act}", OFFICER, expect=404)

    await permits.post(path(asked, "propose"), OFFICER)


async def test_whoever_brings_a_key_holds_it(permits: Permits) -> None:
    key = Ed25519PrivateKey.generate()
    body = a_key(key)
    stolen = a_key(Ed25519PrivateKey.generate(), public_key=body["public_key"])

    await permits.refused("possession-not-shown", "/v1/keys", MANAGER, stolen)
    await permits.refused("possession-not-shown", "/v1/keys", NEIGHBOUR, body | {"org": "comunidad-b"})
    await permits.refused("possession-not-shown", "/v1/keys", MANAGER, body | {"role": "root"})

    await permits.post("/v1/keys", MANAGER, body, expect=201)


async def test_a_key_belongs_to_one_organisation(permits: Permits) -> None:
    key = Ed25519PrivateKey.generate()
    await permits.post("/v1/keys", MANAGER, a_key(key), expect=201)

    problem = await permits.refused("key-taken", "/v1/keys", NEIGHBOUR, a_key(key, org="comunidad-b"))

    assert len(problem["facts"]["kid"]) == 22
    await permits.post("/v1/keys", NEIGHBOUR, a_key(org="comunidad-b"), expect=201)
    await permits.refused("other-organisation", "/v1/keys", NEIGHBOUR, a_key(), status=403)


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


@pytest.mark.parametrize("public_key", ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "short", "/" * 43])
async def test_a_key_nobody_can_sign_with_is_refused(permits: Permits, public_key: str) -> None:
    problem = await permits.post("/v1/keys", MANAGER, a_key(public_key=public_key), expect=422)

    assert problem["slug"] in ("bad-key", "malformed")


# ---- out


async def test_a_manager_ends_a_lost_phone_at_once_and_alone(permits: Permits) -> None:
    added = await permits.add_key(a_key())
    reason = {"reason": "teléfono perdido"}

    revoked = await permits.post(path(added, "revoke"), MANAGER, reason)
    again = await permits.post(path(added, "revoke"), MANAGER, reason)
    await permits.published()

    assert (revoked["reason"], again["log"]["sid"]) == ("teléfono perdido", revoked["log"]["sid"])
    assert permits.custody.bodies("key.revoked") == [{"kid": added["kid"], "org": "comunidad-a", **reason}]
    shown = await permits.get(f"/v1/keys/{added['kid']}")
    assert (shown["revocation"]["log"]["state"], shown["log"]["state"]) == ("in_log", "in_log")
    [listed] = (await permits.get("/v1/keys", org="comunidad-a"))["items"]
    assert listed == shown
    await permits.refused("wrong-state", path(added, "revoke"), SUPERVISOR, {"reason": "otro motivo"})


async def test_a_doubt_may_grow_and_never_shrink(permits: Permits) -> None:
    added = await permits.add_key(a_key())
    reason = {"reason": "robado"}
    await permits.post(path(added, "revoke"), MANAGER, reason)

    grown = await permits.post(path(added, "revoke"), MANAGER, reason | {"distrust_from": 7})
    await permits.post(path(added, "revoke"), MANAGER, reason | {"distrust_from": 7}, expect=200)
    await permits.refused("wrong-state", path(added, "revoke"), MANAGER, reason | {"distrust_from": 8})
    await permits.published()

    assert grown["distrust_from"] == 7
    assert [body.get("distrust_from") for body in permits.custody.bodies("key.revoked")] == [None, 7]


async def test_a_second_person_confirms_what_one_has_ended(permits: Permits) -> None:
    added = await permits.add_key(a_key())
    ended = await permits.post(path(added, "revoke"), MANAGER, {"reason": "teléfono perdido"})
    [awaiting] = (await permits.get("/v1/keys/revocations", awaiting="true"))["items"]

    confirmed = await permits.post(path(added, "revoke/confirm"), SUPERVISOR, {})
    again = await permits.post(path(added, "revoke/confirm"), SUPERVISOR, {})
    await permits.published()

    assert (ended["awaits_second"], ended["second"]) == (True, None)
    assert (awaiting["kid"], awaiting["revoked_by"]) == (added["kid"], ended["revoked_by"])
    assert (confirmed["awaits_second"], confirmed["second"]["word"]) == (False, "confirmed")
    assert {confirmed["second"]["by"], confirmed["revoked_by"]}.isdisjoint({MANAGER.sub, SUPERVISOR.sub})
    assert confirmed["second"]["by"] != confirmed["revoked_by"]
    assert again["second"] == confirmed["second"]
    assert (await permits.get("/v1/keys/revocations", awaiting="true"))["items"] == []
    assert (await permits.get(f"/v1/keys/{added['kid']}"))["revocation"]["second"] == confirmed["second"]
    assert len(permits.custody.bodies("key.revoked")) == 1, "in the log it ended at once, and once"


async def test_a_second_person_contests_what_one_has_ended_and_the_key_stays_ended(permits: Permits) -> None:
    added = await permits.add_key(a_key())
    await permits.post(path(added, "revoke"), OPERATOR, {"reason": "equipo perdido"})

    await permits.post(path(added, "revoke/contest"), MANAGER, {}, expect=422)
    said = await permits.post(path(added, "revoke/contest"), MANAGER, {"reason": "el teléfono está en la oficina"})

    assert (said["second"]["word"], said["second"]["reason"]) == ("contested", "el teléfono está en la oficina")
    await permits.refused("wrong-state", path(added, "revoke/confirm"), SUPERVISOR, {})
    [listed] = (await permits.get("/v1/keys/revocations", org="comunidad-a", awaiting="false"))["items"]
    assert listed["second"] == said["second"]


@pytest.mark.parametrize("act", ["confirm", "contest"])
async def test_nobody_says_the_second_word_on_what_they_ended_themselves(permits: Permits, act: str) -> None:
    added = await permits.add_key(a_key())
    body = {"reason": "x"} if act == "contest" else {}
    await permits.post(path(added, f"revoke/{act}"), SUPERVISOR, body, expect=404)  # nothing was ended
    await permits.post(path(added, "revoke"), MANAGER, {"reason": "perdido"})

    for who in (MANAGER, BOTH):
        await permits.refused("same-person", path(added, f"revoke/{act}"), who, body)
    await permits.post(path(added, f"revoke/{act}"), NEIGHBOUR, body, expect=404)
    await permits.refused("role-not-allowed", path(added, f"revoke/{act}"), MACHINE, body, status=403)

    assert (await permits.post(path(added, f"revoke/{act}"), SECOND, body))["second"] is not None


async def test_a_greater_doubt_needs_a_second_word_of_its_own(permits: Permits) -> None:
    added = await permits.add_key(a_key())
    await permits.post(path(added, "revoke"), MANAGER, {"reason": "perdido"})
    await permits.post(path(added, "revoke/confirm"), SUPERVISOR, {})

    grown = await permits.post(path(added, "revoke"), SUPERVISOR, {"reason": "robado", "distrust_from": 7})

    assert (grown["second"], grown["awaits_second"]) == (None, True)
    await permits.refused("same-person", path(added, "revoke/confirm"), SUPERVISOR, {})
    assert (await permits.post(path(added, "revoke/confirm"), MANAGER, {}))["second"]["word"] == "confirmed"


async def test_one_officer_ends_only_so_many_keys_before_another_looks(permits: Permits) -> None:
    def a_guess() -> str:
        return path({"kid": key_id(secrets.token_bytes(32))}, "revoke")

    body = {"reason": "x", "org": "comunidad-a"}
    ended = [await permits.post(a_guess(), OPERATOR, body) for _ in range(MOST_AWAITING)]

    await permits.refused("too-many-awaiting", a_guess(), OPERATOR, body)
    repeated = await permits.post(path(ended[0], "revoke"), OPERATOR, body, expect=200)
    assert {**repeated, "log": None} == {**ended[0], "log": None}
    more = body | {"distrust_from": 3}
    await permits.refused("too-many-awaiting", path(ended[0], "revoke"), OPERATOR, more)

    await permits.post(a_guess(), SUPERVISOR, body)
    await permits.post(path(ended[0], "revoke/confirm"), SUPERVISOR, {"org": "comunidad-a"})
    await permits.post(a_guess(), OPERATOR, body)
    first, rest = [
        await permits.get("/v1/keys/revocations", awaiting="true", limit="6", **more)
        for more in ({}, {"cursor": (await permits.get("/v1/keys/revocations", awaiting="true", limit="6"))["next"]})
    ]
    assert len({one["kid"] for page in (first, rest) for one in page["items"]}) == MOST_AWAITING + 1


async def test_the_house_ends_its_own_keys_without_a_second_word(
    permits: Permits, open_permits: Opener, tmp_path: Path
) -> None:
    await permits.published()
    (tmp_path / "keys" / "host.pub").write_text(host_pub(Ed25519PrivateKey.generate()))

    again: Permits = await open_permits(again=permits)
    await again.published()

    [ended] = (await again.get("/v1/keys/revocations"))["items"]
    assert (ended["revoked_by"], ended["awaits_second"]) == (None, False)
    await again.refused("house-organisation", path(ended, "revoke/confirm"), SUPREME, {}, status=403)


async def test_a_key_that_is_not_registered_yet_is_not_revoked(permits: Permits) -> None:
    asked = await permits.post("/v1/keys", MANAGER, a_key())

    await permits.refused("wrong-state", path(asked, "revoke"), MANAGER, {"reason": "x"})


async def test_a_key_that_did_not_come_through_here_is_ended_by_naming_its_organisation(permits: Permits) -> None:
    """A root added it, or a phone named it: permits cannot know whose it is, and the log does."""
    unknown = {"kid": key_id(secrets.token_bytes(32))}

    for who in (OFFICER, MANAGER):
        await permits.post(path(unknown, "revoke"), who, {"reason": "x"}, expect=404)
    await permits.post(path(unknown, "revoke"), MANAGER, {"reason": "x", "org": "comunidad-b"}, expect=404)
    await permits.refused("reference-unknown", path(unknown, "revoke"), OFFICER, {"reason": "x", "org": "nadie"})
    for org, who in (("comunidad-b", NEIGHBOUR), ("comunidad-a", MANAGER)):  # a wrong claim is in nobody's way
        ended = await permits.post(path(unknown, "revoke"), who, {"reason": "x", "org": org})
        assert ended["org"] == org


async def test_an_organisation_guesses_only_so_many_keys(permits: Permits) -> None:
    def a_guess() -> str:
        return path({"kid": key_id(secrets.token_bytes(32))}, "revoke")

    body = {"reason": "x", "org": "comunidad-a"}
    guessed = [a_guess() for _ in range(MOST_UNKNOWN)]
    for guess in guessed:
        await permits.post(guess, MANAGER, body)

    await permits.refused("too-many-unknown-keys", a_guess(), MANAGER, body)
    await permits.post(guessed[0], MANAGER, body, expect=200)

    await permits.post(a_guess(), OFFICER, body)
    await permits.post(path(await permits.add_key(a_key()), "revoke"), MANAGER, {"reason": "x"})
    await permits.post(a_guess(), NEIGHBOUR, {"reason": "x", "org": "comunidad-b"})


async def test_a_machine_revokes_no_key_and_an_operator_does(permits: Permits) -> None:
    added = await permits.add_key(a_key())

    await permits.refused("role-not-allowed", path(added, "revoke"), MACHINE, {"reason": "x"}, status=403)

    assert (await permits.post(path(added, "revoke"), OPERATOR, {"reason": "x"}))["kid"] == added["kid"]


async def test_the_keys_of_the_house_are_not_revoked_here(permits: Permits) -> None:
    registrar = (await permits.get("/v1/keys", org="registro"))["items"][0]

    for who in (OPERATOR, SUPREME):
        await permits.refused("house-organisation", path(registrar, "revoke"), who, {"reason": "x"}, status=403)

    assert (await permits.get(f"/v1/keys/{registrar['kid']}"))["revocation"] is None


async def test_nobody_revokes_anothers_key(permits: Permits) -> None:
    added = await permits.add_key(a_key())

    await permits.post(path(added, "revoke"), NEIGHBOUR, {"reason": "x"}, expect=404)
    await permits.post(path(added, "revoke"), OFFICER, {"reason": "x", "org": "comunidad-b"}, expect=404)
    await permits.post(f"/v1/keys/{key_id(secrets.token_bytes(32))}/revoke", MANAGER, {"reason": "x"}, expect=404)

    assert (await permits.post(path(added, "revoke"), MANAGER, {"reason": "x"}))["org"] == "comunidad-a"


# ---- the keys of the house


def change_registrar(keys: Path) -> Ed25519PrivateKey:
    """What `timber rotate-key registrar` does: a new key, the old ones after it."""
    new = Ed25519PrivateKey.generate()
    path = keys / "registrar.key"
    path.write_text(f"{to_base64url(new.private_bytes_raw())}\n{path.read_text()}")
    return new


def kid_of(key: Ed25519PrivateKey) -> str:
    return key_id(key.public_key().public_bytes_raw())


async def test_the_registrar_goes_on_under_a_new_key_signed_by_the_old(
    permits: Permits, open_permits: Opener, tmp_path: Path
) -> None:
    await permits.published()
    anchor = permits.custody.log[0].body["kid"]
    new = change_registrar(tmp_path / "keys")

    again: Permits = await open_permits(again=permits)
    await again.post("/v1/titles", OFFICER, a_title())
    await again.published()

    succession, title = again.custody.log[-2:]
    assert (succession.body["role"], succession.body["replaces"]) == ("registrar", anchor)
    assert [kid for kid, _ in succession.signatures] == [anchor]
    assert [kid for kid, _ in title.signatures] == [kid_of(new)]
    third: Permits = await open_permits(again=again)  # the old key still there: said once
    await third.published()
    assert third.custody.types().count("key.added") == 3


async def test_a_chain_of_registrars_goes_on(permits: Permits, open_permits: Opener, tmp_path: Path) -> None:
    await permits.published()
    for _ in range(2):
        change_registrar(tmp_path / "keys")
        permits = await open_permits(again=permits)
        await permits.published()

    first, second = [body for body in permits.custody.bodies("key.added") if "replaces" in body]
    assert second["replaces"] == first["kid"]


async def test_a_key_that_does_not_follow_the_last_one_does_not_start(
    permits: Permits, open_permits: Opener, tmp_path: Path
) -> None:
    await permits.published()
    keys = tmp_path / "keys"
    first = (keys / "registrar.key").read_text()
    change_registrar(keys)
    permits = await open_permits(again=permits)
    await permits.published()

    change_registrar(keys)
    [new, *_] = (keys / "registrar.key").read_text().split()
    for text in (f"{new}\n{first}", new):  # the one before the last counts no more
        (keys / "registrar.key").write_text(text)
        with pytest.raises(RegistrarChanged):
            await open_permits(again=permits)


async def test_what_the_log_refused_is_sent_again_under_the_new_key(
    permits: Permits, open_permits: Opener, tmp_path: Path
) -> None:
    permits.custody.refuses = lambda record: record.type == "title.registered"
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.published()
    new = change_registrar(tmp_path / "keys")
    await permits.stop()
    permits = await open_permits(again=permits)
    await permits.published()

    permits.custody.refuses = lambda _: False
    admin = await asyncpg.connect(permits.database.admin_dsn)
    await admin.execute("UPDATE outbox SET next_attempt_at = now() WHERE state = 'refused'")
    await admin.close()
    async with asyncio.timeout(PATIENCE_S):
        while (await permits.get("/v1/publications", OPERATOR))["refused"]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    [title] = [record for record in permits.custody.log if record.type == "title.registered"]
    assert [kid for kid, _ in title.signatures] == [kid_of(new)]
    assert any("replaces" in body for body in permits.custody.bodies("key.added"))


async def test_a_new_host_key_is_introduced_and_the_one_before_ended(
    permits: Permits, open_permits: Opener, tmp_path: Path
) -> None:
    await permits.published()
    old = permits.custody.bodies("key.added")[1]["kid"]
    new = Ed25519PrivateKey.generate()
    (tmp_path / "keys" / "host.pub").write_text(host_pub(new))

    again: Permits = await open_permits(again=permits)
    await again.published()
    third: Permits = await open_permits(again=again)
    await third.published()

    added, revoked = third.custody.log[-2:]
    assert (added.body["kid"], added.body["role"]) == (kid_of(new), "host")
    assert (revoked.type, revoked.body["kid"]) == ("key.revoked", old)


@pytest.mark.parametrize("spoil", ["", "short", "{public}", "{public}\n{wrong}"])
async def test_a_host_key_without_its_proof_does_not_start(open_permits: Opener, tmp_path: Path, spoil: str) -> None:
    _, host = write_keys(tmp_path / "keys")
    public, wrong = host_pub(host).split()[0], host_pub(Ed25519PrivateKey.generate()).split()[1]
    (tmp_path / "keys" / "host.pub").write_text(spoil.format(public=public, wrong=wrong))

    with pytest.raises(BadKeyFile):
        await open_permits()
