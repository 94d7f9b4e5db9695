"""Permits and the real custody: what one announces, the other enforces and everyone can verify."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.databases import Database
from services.custody.main import CustodySettings
from services.custody.main import build as build_custody
from shared.audit.draw import hold_against, signed_by
from shared.audit.source import HttpSource
from shared.timber.bodies import possession
from shared.timber.draw_file import DrawDiffers, recompute
from shared.timber.event import key_id, make_statement, sign, tree_item
from shared.tlog.encoding import to_base64url
from shared.tlog.note import Signer
from shared.tlog.policy import Policy
from tests.custody.conftest import once_signed
from tests.permits.conftest import (
    CERTIFIER,
    MANAGER,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Opener,
    Permits,
    Person,
    a_census,
    a_key,
    a_line,
    a_permit,
    a_plan,
    write_keys,
)
from tests.permits.field_days import PATH, drawn, report, sample, seen, unseen
from tests.permits.strict_custody import ORIGIN
from tests.tokens import Issuer

SECOND_SUPERVISOR = Person("supervisor", "osinfor-md", "u-supervisor-2", "*")


@dataclass
class Both:
    """The two services, and how to ask custody."""

    permits: Permits
    custody: httpx.AsyncClient

    async def ask(self, path: str, expect: int = 200, **query: Any) -> Any:
        headers = self.permits.issuer.headers("authority", org="gerfor-md")
        asked = partial(self.custody.get, path, params=query, headers=headers)
        answer = await (once_signed(asked) if expect == 200 else asked())
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def record(self, *entries: bytes) -> list[Any]:
        headers = self.permits.issuer.headers("manager") | {"content-type": "application/x-ndjson"}
        answer = await self.custody.post("/v1/records", content=b"\n".join(entries), headers=headers)
        assert answer.status_code == 200, answer.text
        results: list[Any] = answer.json()["results"]
        return results


@pytest.fixture
async def both(open_permits: Opener, migrated_for: Callable[[str], Database], tmp_path: Path) -> AsyncIterator[Both]:
    """A real custody with an empty log, and permits that publishes into it."""
    _, host = write_keys(tmp_path / "keys")
    (tmp_path / "keys" / "host.key").write_text(to_base64url(host.private_bytes_raw()))
    (tmp_path / "keys" / "wrapping.key").write_text(to_base64url(bytes(range(32))))
    (tmp_path / "keys" / "log.key").write_text(Signer.generate(ORIGIN).skey)
    database, issuer = migrated_for("custody"), Issuer()
    settings = CustodySettings(
        env="test", database_url=database.app_url, origin=ORIGIN, keys_dir=tmp_path / "keys",
        data_dir=tmp_path / "data", public_url="http://custody.test",
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        app = build_custody(settings, issuer.verifier())
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app=app)
        service = issuer.headers("service", org="registro")
        publisher = httpx.AsyncClient(transport=transport, base_url="http://custody", headers=service)
        permits: Permits = await open_permits(client=publisher, issuer=issuer)
        reader = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://custody"))
        yield Both(permits, reader)


async def test_what_a_permit_gives_up_is_handed_on_as_custody_counts_it(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    less = {"id": "A1", "reason": "Saldo al plan nuevo", "lines": [a_line(volume_dm3=5_000)]}
    await permits.post(f"/v1/permits/{PERMIT}/amendments", OFFICER, less)
    await permits.refused("permit-not-stopped", f"/v1/permits/{PERMIT}/amendments/A1/approve", SECOND)
    await permits.post(f"/v1/permits/{PERMIT}/suspend", OFFICER, {"reason": "Se reduce"})
    await permits.published()
    await permits.post(f"/v1/permits/{PERMIT}/amendments/A1/approve", SECOND)
    await permits.post(f"/v1/permits/{PERMIT}/reinstate", OFFICER, {"reason": "Reducido"})

    await permits.agreed("PO-NEW")
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-NEW", supersedes=PLAN))
    await permits.upload(a_census(), REGENT, "PO-NEW")
    await permits.post("/v1/plans/PO-NEW/submit", MANAGER)
    await permits.answered("PO-NEW")
    await permits.post("/v1/plans/PO-NEW/approve", OFFICER, {"resolution": "RGR-0001-2025"})
    rest = a_permit(number="P-REST", plan="PO-NEW", lines=[a_line(volume_dm3=881)])
    await permits.post("/v1/permits", OFFICER, rest)
    await permits.post("/v1/permits/P-REST/approve", SECOND)
    await permits.published()

    outbox = await permits.get("/v1/publications", OPERATOR)
    assert (outbox["refused"], outbox["pending"]) == (0, 0), outbox["items"]


async def test_everything_permits_says_is_accepted_by_custody(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit(lines=[a_line(), a_line(species="Myroxylon balsamum", volume_dm3=9_000)])
    amendment = {"id": "A1", "reason": "menos", "lines": [a_line(volume_dm3=5_000)]}
    await permits.post(f"/v1/permits/{PERMIT}/amendments", OFFICER, amendment)
    await permits.post(f"/v1/permits/{PERMIT}/amendments/A1/approve", SUPERVISOR, expect=403)
    await permits.post(
        "/v1/inspections", SUPERVISOR,
        {"number": "INF-1", "plan": PLAN, "parcel": "PC 01", "trees_sampled": 2, "trees_absent": 0, "volume_dm3": 0},
    )  # fmt: skip
    for act in ("suspend", "reinstate", "revoke"):
        await permits.post(f"/v1/permits/{PERMIT}/{act}", SUPERVISOR, {"reason": "prueba"})
    added = await permits.add_key(a_key())
    await permits.post(f"/v1/keys/{added['kid']}/revoke", MANAGER, {"reason": "perdida", "distrust_from": 4})

    await permits.published()

    outbox = await permits.get("/v1/publications", OPERATOR)
    assert (outbox["refused"], outbox["pending"]) == (0, 0), outbox["items"]
    assert [item["index"] for item in outbox["items"]] == list(range(outbox["published"]))
    log = (await permits.get(f"/v1/permits/{PERMIT}/verify"))["log"]
    assert (await both.ask(f"/v1/records/{log['sid']}"))["index"] == log["index"]


async def test_a_tree_of_the_announced_census_may_be_felled_and_an_invented_one_is_found(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    phone = Ed25519PrivateKey.generate()
    await permits.add_key(a_key(phone))
    await permits.published()

    real, invented = await both.record(_felling(phone, "501"), _felling(phone, "999"))

    assert real["status"] == invented["status"] == "logged"
    assert [finding for finding in real["findings"] if finding["status"] == "FAIL"] == []
    assert [finding["rule"] for finding in invented["findings"] if finding["status"] == "FAIL"] == ["C01"]


# ---- a lost phone, from end to end


def _key_added(new: Ed25519PrivateKey, by: Ed25519PrivateKey, replaces: Ed25519PrivateKey | None = None) -> bytes:
    """A phone of comunidad-a, added by its root or named by the phone before it: nothing of this needs a server."""
    public = new.public_key().public_bytes_raw()
    body = {"org": "comunidad-a", "public_key": to_base64url(public), "role": "device", "kid": key_id(public)}
    if replaces is not None:
        body["replaces"] = key_id(replaces.public_key().public_bytes_raw())
    body |= {"alg": "ed25519", "proof": to_base64url(new.sign(possession(body)))}
    return sign(make_statement("key.added", "comunidad-a", "2026-11-21T12:00:00Z", body), by)


def _revoked(lost: Ed25519PrivateKey, by: Ed25519PrivateKey, distrust_from: int) -> bytes:
    kid = key_id(lost.public_key().public_bytes_raw())
    body = {"kid": kid, "reason": "Teléfono perdido en el río", "distrust_from": distrust_from}
    return sign(make_statement("key.revoked", "comunidad-a", "2026-11-21T12:00:00Z", body), by)


def _slugs(results: list[Any]) -> list[str]:
    return [result.get("problem", {}).get("slug", result["status"]) for result in results]


async def test_a_lost_phone_where_the_root_key_is_at_hand(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    root, lost, found = (Ed25519PrivateKey.generate() for _ in range(3))
    await permits.add_key(a_key(root, role="root"))
    await permits.published()
    added, felled = await both.record(_key_added(lost, root), _felling(lost, "501"))

    results = await both.record(
        _revoked(lost, root, felled["index"]), _key_added(found, root), _felling(lost, "1170"), _felling(found, "1170")
    )

    assert _slugs(results) == ["logged", "logged", "key-revoked", "logged"]
    [doubt] = results[0]["findings"]
    assert (doubt["rule"], doubt["severity"], doubt["computed"]["from_index"]) == ("D05", "S2", felled["index"])
    assert added["index"] < felled["index"]


async def test_a_lost_phone_where_no_root_key_is_at_hand(both: Both) -> None:
    """The manager ends the phone at once and asks for another; two persons of the registry act."""
    permits = await both.permits.introduce()
    await permits.issued_permit()
    lost, found = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    key = await permits.add_key(a_key(lost))
    await permits.published()

    await permits.post(f"/v1/keys/{key['kid']}/revoke", MANAGER, {"reason": "perdido", "distrust_from": 3})
    asked = await permits.post("/v1/keys", MANAGER, a_key(found))
    await permits.published()
    before = await both.record(_felling(lost, "501"), _felling(found, "501"))
    await permits.post(f"/v1/keys/{asked['kid']}/propose", OFFICER)
    await permits.post(f"/v1/keys/{asked['kid']}/approve", SECOND)
    await permits.published()
    after = await both.record(_felling(found, "501"))

    assert _slugs(before) == ["key-revoked", "unknown-key"]
    assert _slugs(after) == ["logged"]


async def test_a_phone_that_a_lost_root_had_added_is_ended_by_its_manager(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    root, lost = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    await permits.add_key(a_key(root, role="root"))
    await permits.published()
    await both.record(_key_added(lost, root))
    path = f"/v1/keys/{key_id(lost.public_key().public_bytes_raw())}/revoke"

    await permits.post(path, OFFICER, {"reason": "perdido", "org": "comunidad-b"})  # a slip: the log knows better
    await permits.published()
    assert _slugs(await both.record(_felling(lost, "501"))) == ["logged"]
    await permits.post(path, MANAGER, {"reason": "perdido", "org": "comunidad-a"})
    await permits.published()

    assert _slugs(await both.record(_felling(lost, "1170"))) == ["key-revoked"]
    [refused] = (await permits.get("/v1/publications", OPERATOR, state="refused"))["items"]
    assert refused["problem"]["slug"] == "unrelated"


async def test_a_thief_who_names_a_successor_gains_until_it_is_ended_and_no_longer(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    lost, thief = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    key = await permits.add_key(a_key(lost))
    await permits.published()
    [named] = await both.record(_key_added(thief, lost, replaces=lost))
    reason = {"reason": "robado", "distrust_from": named["index"]}

    await permits.post(f"/v1/keys/{key['kid']}/revoke", MANAGER, reason)  # in doubt: it had ended already
    successor = key_id(thief.public_key().public_bytes_raw())
    await permits.post(f"/v1/keys/{successor}/revoke", MANAGER, reason | {"org": "comunidad-a"})
    await permits.published()

    assert _slugs(await both.record(_felling(thief, "501"))) == ["key-revoked"]
    outbox = await permits.get("/v1/publications", OPERATOR)
    assert (outbox["refused"], [item["type"] for item in outbox["items"][-2:]]) == (0, ["key.revoked"] * 2)


async def test_a_new_phone_takes_the_place_of_the_old_one_without_anybody(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    await permits.add_key(a_key(old))
    await permits.published()

    results = await both.record(_key_added(new, old, replaces=old), _felling(old, "501"), _felling(new, "501"))

    assert _slugs(results) == ["logged", "key-replaced", "logged"]


async def test_a_supervisor_answers_for_a_finding_and_our_guides_go_out_again(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    phone = Ed25519PrivateKey.generate()
    await permits.add_key(a_key(phone))
    await permits.published()
    [felled] = await both.record(_felling(phone, "999"))
    body = {"record": felled["sid"], "rule": "C01", "reason": "Visto en campo", "evidence_sha256": "e" * 64}

    await permits.post("/v1/supervision/resolutions", SUPERVISOR, body)
    await permits.published()

    outbox = await permits.get("/v1/publications", OPERATOR)
    assert (outbox["refused"], outbox["items"][-1]["type"]) == (0, "finding.resolved")


async def test_a_draw_holds_against_the_log_it_took_its_seed_from_and_what_was_found_reaches_it(both: Both) -> None:
    permits = await both.permits.introduce()
    made = await drawn(permits)
    trees = await sample(permits)
    document = (await permits.call("GET", f"{PATH}/draw", expect=200)).content
    again, policy = recompute(document), Policy.parse((await both.ask("/v1/logs"))["logs"][0]["policy"].encode())
    log = HttpSource("http://custody/log/", both.custody)

    assert signed_by(again, policy) == {}
    held = await hold_against(again, log, policy, {})
    assert (held.census_in_log, held.commitment_in_log) == (True, True)
    with pytest.raises(DrawDiffers, match="trees"):
        await hold_against(replace(again, trees=again.trees[1:]), log, policy, {})
    with pytest.raises(DrawDiffers, match="census_root"):
        await hold_against(replace(again, terms=replace(again.terms, census_root="0" * 64)), log, policy, {})

    await report(permits, [unseen(trees[0]), *(seen(tree) for tree in trees[1:])])
    await permits.post(f"{PATH}/close", SUPERVISOR)
    await permits.published()
    closed = await permits.get(PATH)
    assert (await permits.get("/v1/publications", OPERATOR))["refused"] == 0
    assert [one["log"]["state"] for one in closed["inspections"]] == ["in_log"]
    assert closed["source"]["seed"] == made["source"]["seed"]


def _felling(phone: Ed25519PrivateKey, code: str, time: str = "2026-11-20T12:00:00Z") -> bytes:
    """By this phone: what is observed names it, so that two phones say two things."""
    body = {
        "item": tree_item(PLAN, "PC 01", code), "permit": PERMIT, "plan": PLAN, "parcel": "PC 01", "tree": code,
        "species": "Brosimum guianense", "diameter_large_mm": 750, "diameter_small_mm": 720, "length_mm": 13_300,
        "volume_dm3": 5_643, "observations": key_id(phone.public_key().public_bytes_raw()),
    }  # fmt: skip
    return sign(make_statement("tree.felled", "comunidad-a", time, body), phone)


# ---- the clocks of a permit, from end to end


async def test_a_reentry_and_measures_reach_the_wood(both: Both) -> None:
    """Custody lets fell only in the days that were given, and never under a measure."""
    permits = await both.permits.introduce()
    await permits.issued_permit(harvest_to="2026-01-31", move_to="2026-03-31")
    phone, path = Ed25519PrivateKey.generate(), f"/v1/permits/{PERMIT}"
    await permits.add_key(a_key(phone))
    days = {"harvest_from": "2026-06-01", "harvest_to": "2026-12-31", "move_to": "2027-06-30"}
    await permits.post(f"{path}/extensions", MANAGER, days | {"id": "R1", "kind": "reentry", "reason": "reingreso"})
    await permits.published()
    before = await both.record(_felling(phone, "501", "2026-07-01T12:00:00Z"))

    await permits.post(f"{path}/extensions/R1/approve", OFFICER, {"resolution": "RGR-9-2026"})
    await permits.published()
    given, gap = await both.record(
        _felling(phone, "1170", "2026-07-01T12:00:00Z"), _felling(phone, "1170", "2026-05-01T12:00:00Z")
    )
    await permits.post(f"{path}/precautionary-measure", SUPERVISOR, {"reason": "Informe 3-2026"})
    await permits.published()
    stopped = await both.record(_felling(phone, "501", "2026-11-01T12:00:00Z"))
    await permits.post(f"{path}/caducity", SUPERVISOR, {"reason": "Informe 4-2026"})
    await permits.post(f"{path}/appeals", MANAGER, {"id": "A1", "ground": "No se probó"})
    lost = {"outcome": "dismissed", "resolution": "TFFS 5-2026"}
    await permits.post(f"{path}/appeals/A1/decide", SECOND_SUPERVISOR, lost)
    await permits.post(f"{path}/caducity/confirm", SECOND_SUPERVISOR, {"reason": "Resolución 5-2026"})
    await permits.published()

    found = [{one["rule"] for one in result["findings"] if one["status"] == "FAIL"} for result in (*before, given, gap)]
    assert ["C03" in rules for rules in found] == [True, False, True]
    assert "C03" in {one["rule"] for one in stopped[0]["findings"] if one["status"] == "FAIL"}
    assert (await permits.get("/v1/publications", OPERATOR))["refused"] == 0


async def test_a_sale_that_claims_a_certificate_is_held_against_what_its_body_says(both: Both) -> None:
    permits = await both.permits.introduce()
    await permits.issued_permit()
    phone = Ed25519PrivateKey.generate()
    await permits.add_key(a_key(phone))
    number = "CB-FM-COC-000001"
    await permits.post("/v1/certificates", CERTIFIER, {
        "code": "CB-FM/COC-000001", "scheme": "fsc", "holder": "comunidad-b", "valid_from": "2025-01-01",
        "valid_to": "2030-12-31", "members": [{"org": "comunidad-a", "first_day": "2025-01-01"}],
    })  # fmt: skip
    await permits.published()
    logs = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(2)]
    sections = [
        {"item": log, "code": f"501/{letter}", "species": "Brosimum guianense", "diameter_large_mm": 600,
         "diameter_small_mm": 580, "length_mm": 5_000, "volume_dm3": 1_367, "branch": False}
        for log, letter in zip(logs, "AB", strict=True)
    ]  # fmt: skip
    cut = {"source": tree_item(PLAN, "PC 01", "501"), "permit": PERMIT, "parcel": "PC 01", "sections": sections}

    async def sold(lot: str, log: str) -> dict[str, str]:
        """What the rules say of the sale of one log."""
        body = {"lot": lot, "buyer": "aserradero-1", "claim": "FSC 100%", "certificate": number}
        said = [("lot.composed", {"lot": lot, "items": [log]}), ("lot.sold", body)]
        results = await both.record(*(_said(phone, kind, about) for kind, about in said))
        assert _slugs(results) == ["logged", "logged"]
        return {finding["rule"]: finding["case"] for finding in results[1]["findings"]}

    assert _slugs(await both.record(_felling(phone, "501"), _said(phone, "log.cut", cut))) == ["logged"] * 2
    assert "D06" not in await sold("L-1", logs[0])
    await permits.post(
        f"/v1/certificates/{number}/suspend", CERTIFIER, {"reason": "Auditoría", "member": "comunidad-a"}
    )
    await permits.published()
    assert (await sold("L-2", logs[1]))["D06"] == "member_status"


def _said(key: Ed25519PrivateKey, kind: str, body: dict[str, Any]) -> bytes:
    return sign(make_statement(kind, "comunidad-a", "2026-11-01T12:00:00Z", body), key)
