"""The database is gone: said as such, nothing promised, and everything goes on when it is back."""

import json

import asyncpg
import pytest
from pydantic import ValidationError

from services.custody.main import CustodySettings
from tests.custody.conftest import NDJSON, Custody, felling
from tests.custody.set_back import until


async def allow_connections(custody: Custody, allowed: bool) -> None:
    """Ends every connection of custody and lets no new one in, or lets them in again."""
    connection = await asyncpg.connect(custody.database.admin_dsn.replace(f"/{custody.database.name}", "/postgres"))
    try:
        await connection.execute(f"ALTER DATABASE {custody.database.name} ALLOW_CONNECTIONS {allowed}")
        if not allowed:
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = $1",
                custody.database.name,
            )
    finally:
        await connection.close()


async def test_without_its_database_custody_answers_unavailable_and_then_goes_on(ready: Custody) -> None:
    headers = NDJSON | ready.issuer.headers("manager")
    await allow_connections(ready, allowed=False)

    written = await ready.http.post("/v1/records", content=felling(ready, "501"), headers=headers)
    read = await ready.http.get("/v1/items/0190b1a0-0000-7000-8000-00000000ffff")

    assert (written.status_code, read.status_code) == (503, 503)
    assert written.json()["slug"] == "unavailable"
    assert "retry-after" in written.headers
    await allow_connections(ready, allowed=True)

    async def taken() -> bytes | None:
        again = await ready.http.post("/v1/records", content=felling(ready, "501"), headers=headers)
        return again.content if again.status_code == 200 else None

    assert [result["status"] for result in json.loads(await until(taken))["results"]] == ["logged"]


def test_production_refuses_the_origin_of_the_laptop() -> None:
    server = {"env": "production", "public_url": "https://timber.example.org", "issuer": "https://id.example.org",
              "jwks_url": "https://id.example.org/jwks", "token_url": "https://id.example.org/token"}  # fmt: skip

    with pytest.raises(ValidationError, match="TROZALOG_ORIGIN"):
        CustodySettings(**server)  # type: ignore[arg-type]
    assert CustodySettings(**server, origin="timber.example.org/madre-de-dios/2026").env == "production"  # type: ignore[arg-type]
