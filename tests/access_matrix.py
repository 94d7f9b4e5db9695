"""Every operation × every role × own and other organisation × good, missing, expired and foreign token.

A service's test is one call::

    assert await check_matrix(app, ACCESS, issuer, {"read_permit": Sample("/v1/permits/A", "/v1/permits/B")}) == []

Without a sample an operation is called on something that does not exist: what is checked then is the door. With one,
``own`` belongs to ``tokens.ORG`` and ``other`` to ``tokens.OTHER_ORG``, and who sees them is checked too.
"""

from collections.abc import Callable, Iterator, Mapping
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


def cells(app: FastAPI, access: Table, issuer: Issuer, samples: Mapping[str, Sample] | None = None) -> Iterator[Cell]:
    """Every cell of the matrix of this application."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            sample = (samples or {}).get(name)
            takes_json = "application/json" in operation.get("requestBody", {}).get("content", {})
            yield from _of_operation(name, method.upper(), _anywhere(path), takes_json, access[name], issuer, sample)


def _of_operation(
    name: str, method: str, path: str, takes_json: bool, row: Mapping[str, str], issuer: Issuer, sample: Sample | None
) -> Iterator[Cell]:
    body = sample.body if sample is not None and sample.body is not None else NOTHING if takes_json else None
    own = sample.own if sample is not None else path

    def cell(where: str, headers: dict[str, str], who: str, expected: str) -> Cell:
        return Cell(name, method, where, body, headers, who, expected)

    yield cell(own, {}, PUBLIC, ("seen" if sample else "allowed") if PUBLIC in row else "401")
    for role in ROLES:
        for kind, make in _spoilers(issuer):
            yield cell(own, bearer(make(role)), f"{role}, {kind} token", "401")
        for org in (ORG, OTHER_ORG):
            good = bearer(issuer.token(role, org=org))
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


def _spoilers(issuer: Issuer) -> tuple[tuple[str, Callable[[str], str]], ...]:
    return ("expired", issuer.expired), ("wrong-audience", issuer.wrong_audience)


def _anywhere(path: str) -> str:
    """A path whose parameters name nothing."""
    parts = [f"missing-{i}" if part.startswith("{") else part for i, part in enumerate(path.split("/"))]
    return "/".join(parts)


async def check_matrix(
    app: FastAPI, access: Table, issuer: Issuer, samples: Mapping[str, Sample] | None = None
) -> list[str]:
    """Run every cell through the HTTP door; what came out wrong, empty when all is well.

    The application's lifespan must be running, and it must verify with ``issuer.verifier()``.
    """
    wrong = []
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        for cell in cells(app, access, issuer, samples):
            more = {} if cell.body is None else {"json": cell.body}
            problem = cell.fails(await client.request(cell.method, cell.path, headers=cell.headers, **more))
            if problem is not None:
                wrong.append(problem)
    return wrong
