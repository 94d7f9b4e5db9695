"""Every operation × every role × own and other organisation; every operation × missing, expired and foreign token.

Whose token is spoiled takes turns over a service's operations: what is wrong with it is said before anybody looks whose it
is. That this is so is tested where it is written, on the example service, with the ``whole`` matrix.

A service's test is one call::

    assert await check_matrix(app, ACCESS, issuer, {"read_permit": Sample("/v1/permits/A", "/v1/permits/B")}) == []

Without a sample an operation is called on something that does not exist: what is checked then is the door. With one,
``own`` belongs to ``tokens.ORG`` and ``other`` to ``tokens.OTHER_ORG``, and who sees them is checked too.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from shared.web.access import PUBLIC, ROLES, Table
from tests.tokens import ORG, OTHER_ORG, Issuer, bearer

# What the door says to a role without a row; a finer rule of the service has another slug.
DOOR = "role-not-allowed"
# A body no operation accepts: enough to see who passes the door without doing anything.
NOTHING: dict[str, Any] = {"no-operation-takes-this": True}
PATIENCE_S = 20.0  # for one answer; a cell that expects no 503 fails on it then
SPOILED = ("expired", "wrong-audience")


@dataclass(frozen=True)
class Sample:
    """A real request of an operation: a path of ours, one of another organisation, and a body if it takes one.

    ``hidden`` is what another organisation's thing answers to a caller limited to its own (404, or 403 where it is
    visible but not theirs to change).
    """

    own: str
    other: str | None = None
    body: Any = None
    hidden: int = 404


@dataclass(frozen=True)
class Cell:
    """One request and what it must be answered: ``allowed`` (the door opens), or a status."""

    operation: str
    method: str
    path: str
    body: Any
    headers: dict[str, str]
    who: str
    expected: str

    def fails(self, answer: httpx.Response) -> str | None:
        """Why this answer is wrong, or None."""
        slug = answer.json().get("slug", "") if "problem+json" in answer.headers.get("content-type", "") else ""
        match self.expected:
            case "allowed":
                good = answer.status_code not in (401,) and answer.status_code < 500 and slug != DOOR
            case "seen":
                good = answer.status_code not in (401, 404) and answer.status_code < 500 and slug != DOOR
            case "401":
                good = answer.status_code == 401 and "www-authenticate" in answer.headers
            case "door":
                good = answer.status_code == 403 and slug == DOOR
            case status:
                good = answer.status_code == int(status) and slug != DOOR
        request = f"{self.operation} ({self.method} {self.path}) as {self.who}"
        return None if good else f"{request}: expected {self.expected}, got {answer.status_code} {slug}"


def cells(
    app: FastAPI, access: Table, issuer: Issuer, samples: Mapping[str, Sample] | None = None, *, whole: bool = False
) -> Iterator[Cell]:
    """Every cell of the matrix of this application."""
    turns = itertools.cycle(ROLES)
    tokens = _Tokens(issuer)
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            sample = (samples or {}).get(name)
            takes_json = "application/json" in operation.get("requestBody", {}).get("content", {})
            place = (name, method.upper(), _anywhere(path), takes_json)
            yield from _of_operation(*place, access[name], tokens, sample, ROLES if whole else (next(turns),))


def _of_operation(
    name: str, method: str, path: str, takes_json: bool, row: Mapping[str, str], tokens: "_Tokens",
    sample: Sample | None, spoilers: Sequence[str],
) -> Iterator[Cell]:  # fmt: skip
    body = sample.body if sample is not None and sample.body is not None else NOTHING if takes_json else None
    own = sample.own if sample is not None else path

    def cell(where: str, headers: dict[str, str], who: str, expected: str) -> Cell:
        return Cell(name, method, where, body, headers, who, expected)

    yield cell(own, {}, PUBLIC, ("seen" if sample else "allowed") if PUBLIC in row else "401")
    for role, kind in itertools.product(spoilers, SPOILED):
        yield cell(own, tokens.spoiled(kind, role), f"{role}, {kind} token", "401")
    for role in ROLES:
        for org in (ORG, OTHER_ORG):
            good = tokens.good(role, org)
            for where, owner in _places(own, sample):
                yield cell(where, good, f"{role} of {org}", _expected(row, role, org, owner, sample))


def _places(own: str, sample: Sample | None) -> Iterator[tuple[str, str | None]]:
    if sample is None:
        yield own, None
        return
    yield own, ORG
    if sample.other is not None:
        yield sample.other, OTHER_ORG


def _expected(row: Mapping[str, str], role: str, org: str, owner: str | None, sample: Sample | None) -> str:
    if role not in row:
        return "door" if PUBLIC not in row else "seen" if sample else "allowed"
    if sample is None or owner is None:
        return "allowed"
    if row[role] == "any" or org == owner:
        return "seen"
    if PUBLIC in row:
        return "seen" if sample.hidden == 404 else str(sample.hidden)
    return str(sample.hidden)


class _Tokens:
    """The headers of a matrix: one good token a role and organisation, made once, and those that are spoiled."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._good: dict[tuple[str, str], dict[str, str]] = {}

    def good(self, role: str, org: str) -> dict[str, str]:
        if (role, org) not in self._good:
            self._good[role, org] = bearer(self._issuer.token(role, org=org))
        return self._good[role, org]

    def spoiled(self, kind: str, role: str) -> dict[str, str]:
        return bearer(self._issuer.expired(role) if kind == "expired" else self._issuer.wrong_audience(role))


def _anywhere(path: str) -> str:
    """A path whose parameters name nothing."""
    parts = [f"missing-{i}" if part.startswith("{") else part for i, part in enumerate(path.split("/"))]
    return "/".join(parts)


async def _answer(client: httpx.AsyncClient, cell: Cell) -> httpx.Response:
    """Who may do what is asked here, not whether the database of a busy machine answers in time: 503 is asked again."""
    more = {} if cell.body is None else {"json": cell.body}
    end = time.monotonic() + PATIENCE_S
    while True:
        answer = await client.request(cell.method, cell.path, headers=cell.headers, **more)
        if answer.status_code != 503 or time.monotonic() > end:
            return answer
        await asyncio.sleep(0.1)


async def check_matrix(
    app: FastAPI, access: Table, issuer: Issuer, samples: Mapping[str, Sample] | None = None, *, whole: bool = False
) -> list[str]:
    """Run every cell through the HTTP door; what came out wrong, empty when all is well.

    The application's lifespan must be running, and it must verify with ``issuer.verifier()``.
    """
    wrong = []
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for cell in cells(app, access, issuer, samples, whole=whole):
            problem = cell.fails(await _answer(client, cell))
            if problem is not None:
                wrong.append(problem)
    return wrong
