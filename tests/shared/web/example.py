"""A service as small as one can be: logs of two organisations, and a way to make every kind of answer."""

from typing import Any

import httpx
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from shared.refusal import Malformed, Missing, NotAllowed, Refusal
from shared.web.access import GrantDep, Table
from shared.web.app import Router, make_app
from shared.web.problems import TooManyAttempts, Unavailable
from tests.tokens import ORG, OTHER_ORG, Issuer

OWNERS = {"A": ORG, "B": OTHER_ORG}
ACCESS: Table = {
    "read_log": {"public": "any", "member": "own", "auditor": "any"},
    "read_diary": {"member": "own", "manager": "own", "auditor": "any"},
    "mark_log": {"manager": "own", "member": "own", "operator": "any"},
    "add_log": {"member": "own"},
    "fail": {"public": "any"},
    "upload": {"public": "any"},
    "upload_large": {"public": "any"},
}
REFUSALS: dict[str, Refusal] = {
    "refused": Refusal(),
    "malformed": Malformed("field", "empty"),
    "missing": Missing("log", "Z"),
    "not-allowed": NotAllowed("mark", "no"),
    "unavailable": Unavailable("custody"),
    "too-many": TooManyAttempts(7),
}
router = Router(tags=["logs"])


class LogIn(BaseModel):
    """A log to add."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: str = Field(pattern="^[A-Z]+$", max_length=8)
    length_mm: int = Field(gt=0)


class LogOut(BaseModel):
    """A log as shown; ``diary`` is private."""

    code: str
    diary: str | None


def _owner(code: str) -> str:
    if code not in OWNERS:
        raise Missing("log", code)
    return OWNERS[code]


@router.get("/v1/logs/{code}")
async def read_log(code: str, grant: GrantDep, pages: int = Query(1, ge=1)) -> LogOut:
    """Public; the diary is for who may see it in full."""
    return LogOut(code=code, diary="private" * pages if grant.in_full(_owner(code)) else None)


@router.get("/v1/logs/{code}/diary")
async def read_diary(code: str, grant: GrantDep) -> LogOut:
    """Private: another organisation's does not exist."""
    grant.require(_owner(code), kind="log", key=code)
    return LogOut(code=code, diary="private")


@router.post("/v1/logs/{code}/mark")
async def mark_log(code: str, grant: GrantDep) -> LogOut:
    """A change of a private thing."""
    grant.require_full(_owner(code), kind="log", key=code, action="mark")
    return LogOut(code=code, diary=None)


@router.post("/v1/logs", status_code=201)
async def add_log(body: LogIn) -> LogOut:
    """Takes a body."""
    return LogOut(code=body.code, diary=None)


@router.get("/v1/fail/{how}")
async def fail(how: str) -> LogOut:
    """Every way to say no."""
    if how in REFUSALS:
        raise REFUSALS[how]
    raise RuntimeError(f"secret detail {how}")


@router.post("/v1/upload")
async def upload(request: Request) -> dict[str, int]:
    """Reads its own bytes."""
    return {"bytes": len(await request.body())}


@router.post("/v1/upload-large")
async def upload_large(request: Request) -> dict[str, int]:
    """Reads its own bytes, and more of them."""
    return {"bytes": len(await request.body())}


def an_app(issuer: Issuer, access: Table = ACCESS, **more: Any) -> FastAPI:
    """The example, refusing bodies above 1,000 bytes except where it says so."""
    options = {"max_body_bytes": 1000, "body_limits": {"upload_large": 5000}} | more
    return make_app(
        "Example", service="example", routers=[router], access=access, verifier=issuer.verifier(), **options
    )


def a_client(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    """Through the HTTP door."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)
