"""Private fields on a running house: through the gateway, under a new wrapping key, and nowhere in what it leaves on disk."""

import base64
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.instance import Instance
from deploy.verbs import access_token
from tests.system.conftest import PATIENCE_S, timber

pytestmark = pytest.mark.system

DRIVER, PLATE = "Persona Canario Tres", "XQZ-713"


def statement(number: str) -> dict[str, Any]:
    body = {
        "guide": number, "form": "official", "addressee": "comunidad-x", "issued_on": "2026-11-03",
        "expires_on": "2026-11-20", "origin_guides": ["017-0000001"],
        "lines": [{"parcel": "", "species": "Cedrelinga cateniformis", "product": "sawn", "volume_dm3": 100}],
    }  # fmt: skip
    return {
        "type": "guide.issued", "time": "2026-11-03T12:00:00Z", "body": body,
        "private": {"driver": DRIVER, "plate": PLATE}, "persons": {"driver": "chofer-3"},
    }  # fmt: skip


def spelled(value: str) -> list[bytes]:
    return [value.encode(), *(base64.b64encode(b"\0" * n + value.encode())[(0, 2, 3)[n] : -4] for n in range(3))]


def left_with(folder: Path, needles: list[bytes]) -> list[str]:
    """The files of a house that hold one of these: logs, database files and their write-ahead log, archive, keys."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(needle in bytes_of(path) for needle in needles)
    ]


def bytes_of(path: Path) -> bytes:
    """Nothing where it is gone by now: the house runs."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return b""


def test_a_running_house_keeps_private_fields_to_those_who_may_read_them(house: Instance) -> None:
    manager = {"authorization": f"Bearer {access_token(house, 'comunidad')}"}
    with httpx.Client(base_url=house.base_url, trust_env=False, timeout=PATIENCE_S) as client:

        def read(sid: str, headers: dict[str, str]) -> httpx.Response:
            return client.get(f"/v1/records/{sid}/disclosures", headers=headers)

        number = f"017-{house.port}"
        answer = client.post("/v1/statements", json={"statements": [statement(number)]}, headers=manager)
        assert answer.status_code == 200, answer.text
        [result] = answer.json()["results"]
        assert result["status"] == "logged", result
        sid = result["sid"]
        assert {one["value"] for one in read(sid, manager).json()["fields"]} == {DRIVER, PLATE}
        assert read(sid, {}).status_code == 401
        auditor = {"authorization": f"Bearer {access_token(house, 'auditor')}"}
        assert read(sid, auditor).json()["slug"] == "no-ground-to-read"

        before = (house.keys / "wrapping.key").read_text()
        done = timber("rewrap", "--data", str(house.data))
        assert "the old wrapping key is gone" in done.stdout
        assert (house.keys / "wrapping.key").read_text() != before
        assert (house.keys / "wrapping.key").stat().st_mode & 0o077 == 0
        assert {one["value"] for one in read(sid, manager).json()["fields"]} == {DRIVER, PLATE}
        reads = client.get("/v1/disclosure-reads", params={"sid": sid}, headers=manager).json()["reads"]
        assert [one["names"] for one in reads] == [["driver", "plate"]] * 2
        assert client.get(f"/v1/guides/{number}").status_code == 200

    database = (house.data / "pg").resolve()  # as root it may lie elsewhere
    assert left_with(database, spelled(number))  # what is public is found
    assert left_with(database, [*spelled(DRIVER), *spelled(PLATE)]) == []
    assert left_with(house.data, [*spelled(DRIVER), *spelled(PLATE)]) == []
