"""A running custody on real PostgreSQL, and somebody who speaks to it through its HTTP door."""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from deploy.databases import Address, Database
from services.custody.main import CustodySettings, build
from shared.timber.bodies import possession
from shared.timber.event import key_id, make_statement, sign, tree_item
from shared.timber.measure import mean_of_ends_dm3
from shared.tlog.encoding import to_base64url
from shared.tlog.merkle import EMPTY_ROOT
from shared.tlog.note import MLDSA44, Signer
from tests.tokens import Issuer

ORIGIN = "trozalog.test/madre-de-dios/2026"
PLAN, PERMIT, PARCEL = "CN-A.PO-19", "RGR-0000-2025", "PC 01"
SPECIES = "Brosimum guianense"
NDJSON = {"content-type": "application/x-ndjson"}
SIGNED_S = 60.0


@dataclass
class Keys:
    """The keys of a deployment and of one community's phone. ``log_file`` and ``host_file`` are what their files hold
    while these keys are being changed."""

    log: Signer = field(default_factory=lambda: Signer.generate(ORIGIN))
    registrar: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    host: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    device: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    mill: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    wrapping: bytes = field(default_factory=lambda: os.urandom(32))
    log_file: str | None = None
    host_file: str | None = None

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.key").write_text(self.log_file or self.log.skey)
        (folder / "host.key").write_text(self.host_file or to_base64url(self.host.private_bytes_raw()))
        (folder / "wrapping.key").write_text(to_base64url(self.wrapping) + "\n")


@dataclass
class Custody:
    """Custody as a client sees it."""

    app: FastAPI
    http: httpx.AsyncClient
    issuer: Issuer
    keys: Keys
    settings: CustodySettings
    database: Database
    lifespan: AsyncExitStack

    async def stop(self) -> None:
        """Ends it before the test does."""
        await self.lifespan.aclose()

    def entry(self, kind: str, body: dict[str, Any], by: Ed25519PrivateKey | None = None, actor: str = "comunidad-a",
              time: str = "2026-11-01T12:00:00Z", **more: Any) -> bytes:  # fmt: skip
        return sign(make_statement(kind, actor, time, body, **more), by or self.keys.device)

    def act(self, kind: str, body: dict[str, Any], **more: Any) -> bytes:
        """An act of authority, signed by the registrar."""
        return self.entry(kind, body, self.keys.registrar, "registro", **more)

    async def send(self, *entries: bytes, role: str = "manager", org: str = "comunidad-a", **query: str) -> list[Any]:
        """Uploads a batch; one result an entry."""
        headers, content = NDJSON | self.issuer.headers(role, org=org), b"\n".join(entries)
        answer = await once_signed(
            lambda: self.http.post("/v1/records", content=content, params=query, headers=headers)
        )
        assert answer.status_code == 200, answer.text
        results: list[Any] = answer.json()["results"]
        return results

    async def log(self, *entries: bytes, **more: Any) -> list[int]:
        """Uploads a batch that must be logged whole."""
        results = await self.send(*entries, **more)
        assert [r["status"] for r in results] == ["logged"] * len(entries), results
        return [r["index"] for r in results]

    async def get(
        self, path: str, role: str | None = None, expect: int = 200, org: str = "comunidad-a", **query: Any
    ) -> Any:
        headers = self.issuer.headers(role, org=org) if role else {}
        asked = partial(self.http.get, path, params=query, headers=headers)
        answer = await (once_signed(asked) if expect == 200 else asked())
        assert answer.status_code == expect, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    async def bundle(self, lot: str) -> bytes:
        """The proof file of a lot."""
        answer = await once_signed(partial(self.http.get, f"/v1/lots/{lot}/bundle"))
        assert answer.status_code == 200, answer.text
        return answer.content


async def once_signed(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Asked again, as the problem says to, while no checkpoint covers what was asked: on a machine that is busy with other
    things that takes longer than an answer waits."""
    end = time.monotonic() + SIGNED_S
    while (answer := await ask()).status_code == 503 and time.monotonic() < end:
        if "not-yet-signed" not in answer.text:
            break
    return answer


def key_added(private: Ed25519PrivateKey, org: str, role: str) -> dict[str, Any]:
    public = private.public_key().public_bytes_raw()
    body = {"kid": key_id(public), "org": org, "public_key": to_base64url(public), "alg": "ed25519", "role": role}
    body["proof"] = to_base64url(private.sign(possession(body)))
    return body | ({"proposed_by": "a1", "approved_by": "b2"} if role in ("root", "device") else {})


def genesis(custody: Custody) -> list[bytes]:
    """What permits publishes first: the registrar, custody's host key, and who takes part."""
    organisations = [
        ("registro", "authority"), ("trozalog", "operator"), ("comunidad-a", "community"), ("comunidad-b", "community"),
        ("aserradero-1", "mill"), ("comprador-1", "company"),
    ]  # fmt: skip
    return [
        custody.act("key.added", key_added(custody.keys.registrar, "registro", "registrar")),
        *(custody.act("organisation.registered", {"id": i, "name": i, "kind": k}) for i, k in organisations),
        custody.act("key.added", key_added(custody.keys.host, "trozalog", "host")),
        custody.act("key.added", key_added(custody.keys.device, "comunidad-a", "device")),
        custody.act("key.added", key_added(custody.keys.mill, "aserradero-1", "device")),
    ]


def census_tree(code: str, volume_dm3: int = 5881, species: str = SPECIES) -> dict[str, Any]:
    return {
        "code": code,
        "species": species,
        "dbh_mm": 800,
        "height_mm": 18000,
        "volume_dm3": volume_dm3,
        "condition": "harvestable",
    }


def permit_acts(custody: Custody, codes: list[str], volume_dm3: int = 1_000_000) -> list[bytes]:
    """Title, census, plan and permit over these trees."""
    window = {"harvest_from": "2025-07-22", "harvest_to": "2027-07-21"}
    census = {"trees": len(codes), "parts": -(-len(codes) // 100), "root": EMPTY_ROOT.hex()}
    line = {"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": volume_dm3}
    return [
        custody.act("title.registered", {"number": "CN-A-P-MAD-000", "org": "comunidad-a", "region": "madre-de-dios",
                                         "area_m2": 14_000_000, "polygon_sha256": "0" * 64}),
        custody.act("plan.approved", {"id": PLAN, "title": "CN-A-P-MAD-000", "number": "PO-19", "season": "2025",
                                      "resolution": "RGR-0000-2025", "parcels": [{"code": PARCEL, "area_m2": 14_000_000}],
                                      "form_factor_milli": 650, **window, "census": census,
                                      "submitted_by": "a1", "approved_by": "b2"}),
        *(custody.act("census.listed", {"plan": PLAN, "part": n // 100 + 1, "parcel": PARCEL,
                                        "trees": [census_tree(code) for code in codes[n : n + 100]]})
          for n in range(0, len(codes), 100)),
        custody.act("permit.issued", {"number": PERMIT, "title": "CN-A-P-MAD-000", "plan": PLAN, "holder": "comunidad-a",
                                      **window, "move_to": "2099-12-31", "lines": [line], "proposed_by": "a1",
                                      "approved_by": "b2"}),
    ]  # fmt: skip


def status_list(custody: Custody, time: str) -> bytes:
    return custody.act("status.listed", {"as_of": time[:10], "permits": 1, "suspended": [], "revoked": []}, time=time)


def felling(custody: Custody, code: str, **more: Any) -> bytes:
    volume = mean_of_ends_dm3(750, 720, 13300)
    body = {
        "item": tree_item(PLAN, PARCEL, code), "permit": PERMIT, "plan": PLAN, "parcel": PARCEL, "tree": code,
        "species": SPECIES, "diameter_large_mm": 750, "diameter_small_mm": 720, "length_mm": 13300, "volume_dm3": volume,
    }  # fmt: skip
    return custody.entry("tree.felled", body | more)


def log_id(code: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"test:log:{code}"))


def cut(custody: Custody, code: str, letters: str = "A", **more: Any) -> bytes:
    volume = mean_of_ends_dm3(700, 710, 13300)
    sections = [
        {"item": log_id(f"{code}/{letter}"), "code": f"{code}/{letter}", "species": SPECIES, "diameter_large_mm": 700,
         "diameter_small_mm": 710, "length_mm": 13300, "volume_dm3": volume, "branch": False}
        for letter in letters
    ]  # fmt: skip
    body = {"source": tree_item(PLAN, PARCEL, code), "permit": PERMIT, "parcel": PARCEL, "sections": sections}
    return custody.entry("log.cut", body | more, time="2026-11-02T12:00:00Z")


@pytest.fixture
async def open_custody(migrated_for: Callable[[str], Database], tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """`await open_custody()`: a custody with an empty log; closed after the test. Given one that is closed, the same
    database and keys are opened again. `policy` is the log's own, `more` are settings."""
    async with AsyncExitStack() as stack:

        async def make(
            again: Custody | None = None,
            data: str = "data",
            keys: Keys | None = None,
            policy: str | None = None,
            **more: Any,
        ) -> Custody:
            keys, database = (again.keys, again.database) if again else (keys or Keys(), migrated_for("custody"))
            issuer = again.issuer if again else Issuer()
            keys.write(tmp_path / "keys")
            if policy is not None:
                more["policy"] = tmp_path / "policy.txt"
                more["policy"].write_text(policy)
            settings = CustodySettings(
                env="test", database_url=database.app_url, keys_dir=tmp_path / "keys", data_dir=tmp_path / data,
                public_url="http://custody.test", **{"origin": ORIGIN} | more,
            )  # fmt: skip
            app = build(settings, issuer.verifier())
            lifespan = await stack.enter_async_context(AsyncExitStack())
            await lifespan.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app=app)
            http = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://custody.test")
            )
            return Custody(app, http, issuer, keys, settings, database, lifespan)

        yield make


@pytest.fixture
async def custody(open_custody: Callable[..., Any]) -> Custody:
    """Custody with an empty log."""
    made: Custody = await open_custody()
    return made


@pytest.fixture
async def ready(custody: Custody) -> Custody:
    """Custody whose log knows who takes part and one permit over trees 501 to 510."""
    codes = [str(code) for code in range(501, 511)]
    await custody.log(*genesis(custody), *permit_acts(custody, codes))
    return custody


# ---- a log that tests may spoil


SHELF_TREES = 580  # more than two full tiles


@pytest.fixture(scope="session")
def empty_shelf(postgres: Address) -> Iterator[Any]:  # noqa: ARG001  (which must outlive it)
    """For the log below, which is made once."""
    from tests.custody.set_back import Shelf

    made = Shelf()
    yield made
    made.drop()


@pytest.fixture
async def shelf(empty_shelf: Any, open_custody: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A log of some six hundred entries and several checkpoints, of which the last covers all."""
    if empty_shelf.empty:
        custody = await open_custody()
        codes = [f"{code:04}" for code in range(SHELF_TREES)]
        await custody.log(*genesis(custody), *permit_acts(custody, codes, 10_000_000))
        await custody.log(felling(custody, "0000"))
        await custody.log(cut(custody, "0000"))  # in a later round than the tree it is of
        await custody.send(felling(custody, "0001", species="Cedrelinga cateniformis"), wait="inclusion")
        for n in range(2, SHELF_TREES, 200):
            await custody.send(*(felling(custody, code) for code in codes[n : n + 200]), wait="inclusion")
        await custody.stop()
        await empty_shelf.put(custody, tmp_path_factory.mktemp("shelf"))
    return empty_shelf


@pytest.fixture(scope="session")
def empty_lined_shelf(postgres: Address) -> Iterator[Any]:  # noqa: ARG001  (which must outlive it)
    """For the log below, which is made once."""
    from tests.custody.set_back import Shelf

    made = Shelf()
    yield made
    made.drop()


@pytest.fixture
async def lined_shelf(empty_lined_shelf: Any, open_custody: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A log under whose first checkpoints stands one line, then one of an ML-DSA-44 key beside it, then of two while that
    key changed, and now of the new one."""
    if empty_lined_shelf.empty:
        custody = await open_custody()
        old, new = Signer.generate(ORIGIN, MLDSA44), Signer.generate(ORIGIN, MLDSA44)
        codes = [f"{code:04}" for code in range(40)]
        await custody.log(*genesis(custody), *permit_acts(custody, codes))
        await custody.send(felling(custody, "0000"), wait="inclusion")
        for n, lines in enumerate(([old.skey], [old.skey, new.skey], [new.skey, old.verifier.vkey]), 1):
            custody.keys.log_file = "\n".join([custody.keys.log.skey, *lines])
            await custody.stop()
            custody = await open_custody(custody)
            for code in (codes[2 * n], codes[2 * n + 1]):
                await custody.send(felling(custody, code), wait="inclusion")
        await custody.stop()
        await empty_lined_shelf.put(custody, tmp_path_factory.mktemp("lined"))
    return empty_lined_shelf


@pytest.fixture
async def lined(lined_shelf: Any, migrated_for: Callable[[str], Database], tmp_path: Path) -> Custody:
    """That log, stopped, in a database and folders of its own."""
    taken: Custody = await lined_shelf.take(migrated_for("custody"), tmp_path)
    return taken


@pytest.fixture
async def shelved(shelf: Any, migrated_for: Callable[[str], Database], tmp_path: Path) -> Custody:
    """That log, stopped, in a database and folders of its own."""
    taken: Custody = await shelf.take(migrated_for("custody"), tmp_path)
    return taken


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for the names of sockets."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
