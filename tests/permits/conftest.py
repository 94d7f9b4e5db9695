"""Permits running on real PostgreSQL, and people who speak to it through its HTTP door."""

import asyncio
import gzip
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from deploy.databases import Database
from services.permits.main import PermitsSettings, build
from shared.timber.bodies import possession
from shared.tlog.encoding import to_base64url
from shared.web.client import ServiceClient
from tests.databases import Keeper, Rows
from tests.permits.strict_custody import StrictCustody
from tests.tokens import Issuer

MINUTES = b"Acta de asamblea comunal. Acuerdo: presentar el plan.\n"
TITLE, PLAN, PERMIT = "CN-A-P-MAD-000", "CN-A.PO-19", "RGR-0000-2025"
CSV = "text/csv"
PATIENCE_S = 120.0  # for what comes sooner or later, on a machine that is busy with other things
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# 0.1 degrees of longitude by 0.1 of latitude in Madre de Dios.
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[-70.0, -11.0], [-69.9, -11.0], [-69.9, -10.9], [-70.0, -10.9], [-70.0, -11.0]]],
}
SQUARE_M2 = 120_908_063


@dataclass(frozen=True)
class Person:
    """Somebody with a login."""

    role: str
    org: str
    sub: str
    region: str | None = None


MANAGER = Person("manager", "comunidad-a", "u-manager")
MEMBER = Person("member", "comunidad-a", "u-member")
NEIGHBOUR = Person("manager", "comunidad-b", "u-neighbour")
REGENT = Person("regent", "regencia-1", "u-regent")
OFFICER = Person("authority", "gerfor-md", "u-officer", "madre-de-dios")
SECOND = Person("authority", "gerfor-md", "u-second", "madre-de-dios")
SUPERVISOR = Person("supervisor", "osinfor-md", "u-supervisor", "*")
CERTIFIER = Person("certifier", "certifica-1", "u-certifier")
OPERATOR = Person("operator", "trozalog", "u-operator")
ORGANISATIONS = {
    "comunidad-a": "community", "comunidad-b": "community", "regencia-1": "regent_firm", "gerfor-md": "authority",
    "osinfor-md": "supervisor", "aserradero-1": "mill", "certifica-1": "certifier",
}  # fmt: skip


@dataclass
class Permits:
    """Permits as its clients see it."""

    app: FastAPI
    http: httpx.AsyncClient
    issuer: Issuer
    custody: StrictCustody
    database: Database
    lifespan: AsyncExitStack

    async def stop(self) -> None:
        """Ends it before the test does."""
        await self.lifespan.aclose()

    async def call(
        self, method: str, path: str, who: Person | None = None, expect: int | None = None, **more: Any
    ) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers |= self.issuer.headers(who.role, org=who.org, sub=who.sub, region=who.region)
        answer = await self.http.request(method, path, headers=headers, **more)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer

    async def get(self, path: str, who: Person | None = None, expect: int = 200, **query: Any) -> Any:
        return (await self.call("GET", path, who, expect, params=query)).json()

    async def post(
        self, path: str, who: Person | None, body: Any = None, expect: int | None = None, key: str | None = None
    ) -> Any:
        """The answer, which must be a success unless ``expect`` says otherwise."""
        headers = {} if key is None else {"idempotency-key": key}
        answer = await self.call("POST", path, who, expect, json=body, headers=headers)
        assert expect is not None or answer.is_success, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    async def refused(self, slug: str, path: str, who: Person, body: Any = None, status: int = 409) -> Any:
        """The problem, which must have this slug."""
        problem = await self.post(path, who, body, expect=status)
        assert problem["slug"] == slug, problem
        return problem

    async def upload(
        self,
        data: bytes,
        who: Person = MANAGER,
        plan: str = PLAN,
        media_type: str = CSV,
        expect: int = 200,
        **more: Any,
    ) -> Any:
        headers = {"content-type": media_type} | more
        return (await self.call("POST", f"/v1/plans/{plan}/census", who, expect, content=data, headers=headers)).json()

    async def add_key(self, key: dict[str, Any]) -> Any:
        """A key that one officer has proposed and another approved."""
        brought = await self.post("/v1/keys", OFFICER, key)
        return await self.post(f"/v1/keys/{brought['kid']}/approve", SECOND)

    async def introduce(self) -> "Permits":
        """Everybody is registered, and the assembly has agreed to PLAN and to what the regent does on it."""
        for org, kind in ORGANISATIONS.items():
            await self.post("/v1/organisations", OPERATOR, {"id": org, "name": org.title(), "kind": kind})
        await self.agreed(PLAN)
        return self

    async def paper(self, kind: str = "assembly_act", data: bytes = MINUTES, who: Person = MANAGER, **more: Any) -> Any:
        """A paper in the vault of somebody's organisation."""
        headers = {"content-type": more.pop("media_type", "text/plain")}
        where = f"/v1/documents?kind={kind}"
        answer = await self.call("POST", where, who, more.pop("expect", None), content=data, headers=headers)
        return answer.json()

    async def agreed(self, plan: str, who: Person = MANAGER, regent: str | None = "regencia-1") -> None:
        """The assembly agreed to submit this plan, and that the regent drafts and uploads for it."""
        paper = (await self.paper(who=who))["sha256"]
        acts = f"/v1/organisations/{who.org}/assembly-acts"
        await self.post(acts, who, an_assembly(number=f"ACTA-{plan}", plan=plan, document=paper))
        if regent is not None:
            give = an_assembly(
                number=f"DELEGA-{plan}", plan=plan, document=paper, purpose="delegation", third_parties=[regent]
            )
            await self.post(acts, who, give)
            await self.post(
                f"/v1/organisations/{who.org}/delegations", who,
                a_delegation(number=f"D-{plan}", plan=plan, delegate=regent, assembly_act=f"DELEGA-{plan}"),
            )  # fmt: skip

    async def agreed_to_holder(self, holder: str | None, plan: str = PLAN, who: Person = MANAGER) -> None:
        """A later assembly agreed to this plan with this third party; with ``None`` a still later one agreed with nobody."""
        paper, parties = (await self.paper(who=who))["sha256"], [] if holder is None else [holder]
        later = an_assembly(
            number=f"TERCEROS-{len(parties)}-{plan}", plan=plan, document=paper, third_parties=parties,
            held_on="2025-05-11" if parties else "2025-05-12",
        )  # fmt: skip
        await self.post(f"/v1/organisations/{who.org}/assembly-acts", who, later)

    async def approved_plan(self, census: bytes | None = None, **changes: Any) -> Any:
        """A title and an approved plan on it, with a census of two trees unless another is given."""
        await self.post("/v1/titles", OFFICER, a_title())
        await self.post("/v1/plans", MANAGER, a_plan(**changes))
        if changes.get("census_basis") != "not_available":
            await self.upload(census if census is not None else a_census(), REGENT)
        await self.post(f"/v1/plans/{PLAN}/submit", MANAGER)
        await self.answered()
        return await self.post(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "RGR-0000-2025"})

    async def answered(self, plan: str = PLAN, who: Person = MANAGER) -> None:
        """An officer has it reviewed; what was found is explained by the community, and accepted by the supervisor where a
        decision is needed."""
        await self.post(f"/v1/plans/{plan}/review", SECOND)
        for found in (await self.get(f"/v1/plans/{plan}/findings", who))["findings"]:
            path = f"/v1/plans/{plan}/findings/{found['id']}"
            if found["blocks"] in ("needs-explanation", "needs-decision"):
                await self.post(f"{path}/explanation", who, {"text": "Se explica en el informe adjunto."})
            if found["blocks"] == "needs-decision":
                await self.post(f"{path}/decision", SUPERVISOR, {"decision": "accepted", "text": "Conforme."})

    async def issued_permit(self, **changes: Any) -> Any:
        """A permit in force on an approved plan."""
        await self.approved_plan()
        await self.post("/v1/permits", OFFICER, a_permit(**changes))
        return await self.post(f"/v1/permits/{PERMIT}/approve", SECOND)

    async def published(self) -> None:
        """Wait until nothing is left to be said to the log."""
        async with asyncio.timeout(PATIENCE_S):
            while (await self.get("/v1/publications", OPERATOR))["pending"]:  # noqa: ASYNC110  (asked through the door)
                await asyncio.sleep(0.02)
        assert self.custody.complaints == []


def a_key(key: Ed25519PrivateKey | None = None, **changes: Any) -> dict[str, Any]:
    """A fresh phone of comunidad-a, or this key, as its holder brings it: with the proof of possession."""
    private = key or Ed25519PrivateKey.generate()
    public = to_base64url(private.public_key().public_bytes_raw())
    body = {"org": "comunidad-a", "public_key": public, "role": "device"} | changes
    return body if "proof" in body else body | {"proof": to_base64url(private.sign(possession(body)))}


def an_assembly(**changes: Any) -> dict[str, Any]:
    return {
        "number": "ACTA-1", "purpose": "plan", "plan": PLAN, "held_on": "2025-05-10", "present": 41, "members": 60,
        "agreement": "Presentar el plan", "third_parties": [], "document": "0" * 64,
    } | changes  # fmt: skip


def a_delegation(**changes: Any) -> dict[str, Any]:
    return {
        "number": "D-1", "delegate": "regencia-1", "plan": PLAN, "acts": ["upload_census"], "valid_from": "2025-05-10",
        "valid_to": "2098-12-31", "assembly_act": "ACTA-1",
    } | changes  # fmt: skip


def a_title(**changes: Any) -> dict[str, Any]:
    return {
        "number": TITLE, "org": "comunidad-a", "region": "madre-de-dios", "declared_area_m2": SQUARE_M2,
        "polygon": SQUARE,
    } | changes  # fmt: skip


def a_plan(**changes: Any) -> dict[str, Any]:
    return {
        "id": PLAN, "title": TITLE, "number": "PO 19", "season": "2025", "regent": "regencia-1",
        "parcels": [{"code": "PC 01", "area_m2": 14_000_000}], "form_factor_milli": 650,
        "harvest_from": "2025-07-22", "harvest_to": "2027-07-21", "census_basis": "listed",
    } | changes  # fmt: skip


def a_line(**changes: Any) -> dict[str, Any]:
    return {
        "parcel": "PC 01", "species": "Brosimum guianense", "product": "roundwood", "volume_dm3": 5_881
    } | changes  # fmt: skip


def a_permit(**changes: Any) -> dict[str, Any]:
    return {
        "number": PERMIT, "plan": PLAN, "holder": "comunidad-a", "harvest_from": "2025-07-22",
        "harvest_to": "2027-07-21", "move_to": "2027-12-31", "lines": [a_line()],
    } | changes  # fmt: skip


# The two real trees as the official form lists them.
FORM = "bloque,faja,codigo,especies,dap,ac,volumen,zona,coordenada_este,coordenada_norte,condicion,estado,pca,dmc"
TREE_501 = " , ,501,Brosimum guianense | Manchinga,80,18,5.881,19S,506299,8805463,Aprovechable,En Pie,PC 01,41"
TREE_1170 = " , ,1170,Myroxylon balsamum | Estoraque,95,20,9.215,19S,505629,8806566,Aprovechable,En Pie,PC 01,41"


def a_census(*rows: str, header: str = FORM) -> bytes:
    return "\n".join([header, *(rows or (TREE_501, TREE_1170)), ""]).encode()


def research_data(name: str) -> bytes:
    """A file of the research data, which is studied and never shipped; the test is skipped where it is absent."""
    folder = Path(os.environ.get("TIMBER_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
    path = folder / name
    if not path.exists():
        pytest.skip(f"research data not here: {name} (set TIMBER_RESEARCH_DATA to its folder)")
    data = path.read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


def write_keys(folder: Path) -> tuple[Ed25519PrivateKey, Ed25519PrivateKey]:
    """The registrar's key and the public half of custody's."""
    registrar, host = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registrar.key").write_text(to_base64url(registrar.private_bytes_raw()) + "\n")
    (folder / "host.pub").write_text(host_pub(host))
    return registrar, host


def host_pub(host: Ed25519PrivateKey) -> str:
    """The public half of custody's key with its proof of possession, as its file holds them."""
    public = to_base64url(host.public_key().public_bytes_raw())
    proof = host.sign(possession({"org": "trozalog", "public_key": public, "role": "host"}))
    return f"{public}\n{to_base64url(proof)}\n"


Opener = Callable[..., Any]


@pytest.fixture(scope="session")
def migrated(keeper: Keeper) -> Iterator[Database]:
    """One migrated database for this process; ``database`` empties it between tests."""
    made = keeper.migrated("permits")
    yield made
    keeper.drop(made)


@pytest.fixture
def database(migrated: Database, keeper: Keeper) -> Database:
    """The database as the migrations leave it."""
    keeper.empty(migrated, but=("publisher_lease",), then="UPDATE publisher_lease SET holder = '', until = '-infinity'")
    return migrated


@pytest.fixture
async def open_permits(database: Database, tmp_path: Path) -> AsyncIterator[Opener]:
    """``await open_permits()``: a running permits with an empty database. Given a closed one, its database goes on.

    ``client`` is another way to custody than the strict one.
    """
    async with AsyncExitStack() as stack:

        async def make(
            again: Permits | None = None, custody: StrictCustody | None = None, client: httpx.AsyncClient | None = None,
            issuer: Issuer | None = None,
        ) -> Permits:  # fmt: skip
            keys = tmp_path / "keys"
            if not (keys / "registrar.key").exists():
                write_keys(keys)
            strict = custody or (again.custody if again else StrictCustody())
            issuer = issuer or (again.issuer if again else Issuer())
            http = client or httpx.AsyncClient(transport=strict, base_url="http://custody")
            settings = PermitsSettings(env="test", database_url=database.app_url, keys_dir=keys)
            app = build(settings, issuer.verifier(), ServiceClient("custody", http))
            lifespan = await stack.enter_async_context(AsyncExitStack())
            await lifespan.enter_async_context(app.router.lifespan_context(app))
            door = httpx.ASGITransport(app=app)
            own = await stack.enter_async_context(httpx.AsyncClient(transport=door, base_url="http://permits"))
            return Permits(app, own, issuer, strict, database, lifespan)

        yield make


@pytest.fixture
async def empty(open_permits: Opener) -> Permits:
    """Permits just started for the first time."""
    made: Permits = await open_permits()
    return made


@dataclass(frozen=True)
class Introduced:
    """What permits and the log hold when everybody has been introduced, and the keys it was done with."""

    rows: Rows
    custody: StrictCustody
    keys: Path


@pytest.fixture(scope="session")
def introduced() -> list[Introduced]:
    """Said once in this process, by the first test that needs it; the others find it said."""
    return []


@pytest.fixture
async def permits(
    introduced: list[Introduced], open_permits: Opener, database: Database, keeper: Keeper, tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Permits:  # fmt: skip
    """Permits that knows everybody, and a log to which it has said so."""
    if not introduced:
        first: Permits = await open_permits()
        await (await first.introduce()).published()
        await first.stop()
        keys = tmp_path_factory.mktemp("introduced") / "keys"
        shutil.copytree(tmp_path / "keys", keys)
        introduced.append(Introduced(keeper.rows(database), first.custody, keys))
    [said] = introduced
    keeper.put(database, said.rows)
    shutil.copytree(said.keys, tmp_path / "keys", dirs_exist_ok=True)
    log = StrictCustody(log=list(said.custody.log), keys=dict(said.custody.keys), signer=said.custody.signer)
    made: Permits = await open_permits(custody=log)
    return made
