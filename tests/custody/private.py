"""Somebody with private fields: what a test needs to hide, show and look for them."""

import base64
import itertools
import os
import subprocess
import uuid
from collections.abc import Iterable
from typing import Any

import asyncpg

from deploy.postgres import find_binaries
from shared.timber import disclosure
from shared.timber.disclosure import Disclosure
from tests.custody.conftest import PARCEL, PERMIT, PLAN, SPECIES, Custody, log_id, tree_item
from tests.custody.test_guides import LOG_DM3
from tests.tokens import Issuer

REGION = "madre-de-dios"
DRIVER, PLATE, FELLER = "Persona Canario Uno", "XZQ-981", "Persona Canario Dos"
LAT, LON, PRICE = -127_318_443, -691_207_755, 9_173_505_117
ROAD = {"driver": DRIVER, "plate": PLATE}
"""What a guide says in private."""


def a_statement(number: str = "017-1", code: str = "501", **more: Any) -> dict[str, Any]:
    """A guide of the paper book with its driver and plate, to be signed with the hosted key."""
    body = {
        "guide": number, "form": "official", "permit": PERMIT, "addressee": "aserradero-1", "issued_on": "2026-11-03",
        "expires_on": "2026-11-20",
        "lines": [{"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": LOG_DM3}],
        "items": [{"item": log_id(f"{code}/A"), "volume_dm3": LOG_DM3}],
    }  # fmt: skip
    return {"type": "guide.issued", "time": "2026-11-03T12:00:00Z", "body": body, "private": ROAD} | more


def a_departure(number: str = "017-1", **more: Any) -> dict[str, Any]:
    body = {"guide": number, "form": "official", "at": "2026-11-04T12:00:00Z"}
    return {"type": "guide.departed", "time": "2026-11-04T12:00:00Z", "body": body, "private": ROAD} | more


async def state(custody: Custody, *statements: dict[str, Any], expect: int = 200, org: str = "comunidad-a",
                **query: str) -> Any:  # fmt: skip
    """Statements signed with the hosted key; the results, or the problem."""
    headers = custody.issuer.headers("manager", org=org)
    answer = await custody.http.post(
        "/v1/statements", json={"statements": statements}, headers=headers, params=query
    )  # fmt: skip
    assert answer.status_code == expect, answer.text
    return answer.json()["results"] if expect == 200 else answer.json()


async def stated(custody: Custody, *statements: dict[str, Any], org: str = "comunidad-a") -> list[str]:
    """Statements that must be logged; their sids."""
    results = await state(custody, *statements, org=org)
    assert [one["status"] for one in results] == ["logged"] * len(statements), results
    return [one["sid"] for one in results]


_salts = itertools.count(1)


def hide(**private: Any) -> tuple[list[Disclosure], list[str]]:
    """What a phone makes of private fields: the disclosures, and the digests for its statement."""
    fields = [disclosure.make(next(_salts).to_bytes(16, "big"), name, value) for name, value in private.items()]
    decoys = (disclosure.digest_of(f"decoy-{next(_salts)}") for _ in range(16))
    return fields, disclosure.padded([field.digest for field in fields], decoys)


def a_felling(custody: Custody, code: str, sd: list[str]) -> bytes:
    """A felling signed on the phone, with digests in it."""
    body = {
        "item": tree_item(PLAN, PARCEL, code), "permit": PERMIT, "plan": PLAN, "parcel": PARCEL, "tree": code,
        "species": SPECIES, "diameter_large_mm": 750, "diameter_small_mm": 720, "length_mm": 13300, "volume_dm3": 5643,
    }  # fmt: skip
    return custody.entry("tree.felled", body, sd=sd)


async def bring(custody: Custody, *records: dict[str, Any], expect: int = 200, org: str = "comunidad-a") -> Any:
    """Disclosures of a phone's records; the results, or the problem."""
    answer = await custody.http.post(
        "/v1/disclosures", json={"records": records}, headers=custody.issuer.headers("manager", org=org)
    )  # fmt: skip
    assert answer.status_code == expect, answer.text
    return answer.json()["results"] if expect == 200 else answer.json()


async def seen(custody: Custody, sid: str, *roles: str, org: str = "comunidad-a", expect: int = 200,
               purpose: str | None = None, **claims: Any) -> Any:  # fmt: skip
    """The private fields of a record by name, or the slug of the problem."""
    headers = custody.issuer.headers(*(roles or ("manager",)), org=org, **claims)
    query = {} if purpose is None else {"purpose": purpose}
    answer = await custody.http.get(f"/v1/records/{sid}/disclosures", headers=headers, params=query)
    assert answer.status_code == expect, answer.text
    if expect != 200:
        return answer.json()["slug"]
    return {field["name"]: field["value"] for field in answer.json()["fields"]}


async def post(custody: Custody, path: str, body: Any = None, *, role: str = "manager", org: str = "comunidad-a",
               sub: str = "u-1", method: str = "POST", expect: int = 201) -> Any:  # fmt: skip
    """Any other request of a manager."""
    headers = custody.issuer.headers(role, org=org, sub=sub)
    answer = await custody.http.request(method, path, json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


async def grant(custody: Custody, to_org: str = "comprador-1", *, by: str = "comunidad-a", expect: int = 201,
                scope: dict[str, Any] | None = None, **more: Any) -> Any:  # fmt: skip
    """A grant by the community; all its records unless a scope is given."""
    body = {
        "to_org": to_org, "scope": scope or {"everything": True}, "purpose": "revisión del lote",
        "valid_until": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    return await post(custody, "/v1/grants", body | more, org=by, expect=expect)


# ---- looking for it


def dump(custody: Custody) -> bytes:
    """The whole database as `pg_dump` writes it."""
    address = custody.database.address
    environment = os.environ | {
        "PGHOST": address.host, "PGPORT": str(address.port), "PGUSER": address.admin, "PGPASSWORD": address.password,
        "PGDATABASE": custody.database.name,
    }  # fmt: skip
    tool = find_binaries().tool("pg_dump")
    return subprocess.run([tool, "--inserts"], env=environment, capture_output=True, check=True).stdout


def spellings(*values: str | int) -> list[bytes]:
    """A value as it could be found in bytes: as text, in hex as PostgreSQL prints `bytea`, in base64 at any alignment."""
    found = []
    for value in values:
        plain = str(value).encode()
        found += [plain, plain.hex().encode()]
        for shift in range(3):
            text = base64.b64encode(b"\0" * shift + plain)
            found.append(text[(0, 2, 3)[shift] : -4])  # what does not depend on the neighbours
            found.append(found[-1].replace(b"+", b"-").replace(b"/", b"_"))
    return found


def hits(data: bytes, needles: Iterable[bytes]) -> list[bytes]:
    return [needle for needle in needles if needle in data]


async def as_admin(custody: Custody, statement: str, *values: Any) -> list[Any]:
    """Around the service: what an operator could do."""
    connection = await asyncpg.connect(custody.database.admin_dsn)
    try:
        rows: list[Any] = await connection.fetch(statement, *values)
        return rows
    finally:
        await connection.close()


def officer(issuer: Issuer, role: str, org: str = "gerfor-md", region: str | None = REGION) -> dict[str, str]:
    return issuer.headers(role, org=org, region=region)


def new_sid() -> str:
    return (uuid.uuid4().hex * 2)[:64]
