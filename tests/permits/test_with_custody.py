"""Permits and the real custody: what one announces, the other enforces and everyone can verify."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.databases import Database
from services.custody.main import CustodySettings
from services.custody.main import build as build_custody
from shared.timber.event import make_statement, sign, tree_item
from shared.tlog.encoding import to_base64url
from shared.tlog.note import Signer
from shared.web.db import migrate
from tests.permits.conftest import (
    MANAGER,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    SUPERVISOR,
    Opener,
    Permits,
    a_line,
    write_keys,
)
from tests.permits.strict_custody import ORIGIN
from tests.tokens import Issuer


@dataclass
class Both:
    """The two services, and how to ask custody."""

    permits: Permits
    custody: httpx.AsyncClient

    async def ask(self, path: str, expect: int = 200, **query: Any) -> Any:
        headers = self.permits.issuer.headers("authority", org="gerfor-md")
        answer = await self.custody.get(path, params=query, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def record(self, *entries: bytes) -> list[Any]:
        headers = self.permits.issuer.headers("manager") | {"content-type": "application/x-ndjson"}
        answer = await self.custody.post("/v1/records", content=b"\n".join(entries), headers=headers)
        assert answer.status_code == 200, answer.text
        results: list[Any] = answer.json()["results"]
        return results


@pytest.fixture
async def both(open_permits: Opener, database_for: Callable[[str], Database], tmp_path: Path) -> AsyncIterator[Both]:
    """A real custody with an empty log, and permits that publishes into it."""
    _, host = write_keys(tmp_path / "keys")
    (tmp_path / "keys" / "host.key").write_text(to_base64url(host.private_bytes_raw()))
    (tmp_path / "keys" / "log.key").write_text(Signer.generate(ORIGIN).skey)
    database, issuer = database_for("custody"), Issuer()
    await migrate("custody", database.owner_url)
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
    key = to_base64url(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    added = await permits.post("/v1/keys", MANAGER, {"org": "comunidad-a", "public_key": key})
    await permits.post(f"/v1/keys/{added['kid']}/revoke", MANAGER, {"reason": "perdida"})

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
    public_key = to_base64url(phone.public_key().public_bytes_raw())
    await permits.post("/v1/keys", MANAGER, {"org": "comunidad-a", "public_key": public_key})
    await permits.published()

    real, invented = await both.record(_felling(phone, "501"), _felling(phone, "999"))

    assert real["status"] == invented["status"] == "logged"
    assert [finding for finding in real["findings"] if finding["status"] == "FAIL"] == []
    assert [finding["rule"] for finding in invented["findings"] if finding["status"] == "FAIL"] == ["C01"]


def _felling(phone: Ed25519PrivateKey, code: str) -> bytes:
    body = {
        "item": tree_item(PLAN, "PC 01", code), "permit": PERMIT, "plan": PLAN, "parcel": "PC 01", "tree": code,
        "species": "Brosimum guianense", "diameter_large_mm": 750, "diameter_small_mm": 720, "length_mm": 13_300,
        "volume_dm3": 5_643,
    }  # fmt: skip
    return sign(make_statement("tree.felled", "comunidad-a", "2026-11-20T12:00:00Z", body), phone)
