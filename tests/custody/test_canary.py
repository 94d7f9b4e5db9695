"""Known private values go in by every door; then everything that anybody else can see is searched for them."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.timber.disclosure import Disclosure
from tests.custody.conftest import Custody, cut, felling, log_id
from tests.custody.private import (
    DRIVER,
    FELLER,
    LAT,
    LON,
    PLATE,
    PRICE,
    REGION,
    ROAD,
    a_departure,
    a_felling,
    a_statement,
    bring,
    dump,
    grant,
    hide,
    hits,
    post,
    seen,
    spellings,
    state,
    stated,
)

CANARIES = (DRIVER, FELLER, PLATE, PRICE, LAT, LON)
NEEDLES = spellings(*CANARIES)


@pytest.fixture
async def seeded(ready: Custody) -> tuple[Custody, list[str], list[Disclosure]]:
    """A sold lot with names, plates, coordinates and a price in private; the sids, and what the phone made."""
    fields, sd = hide(feller=FELLER, lat_e7=LAT, lon_e7=LON)
    [felled] = await ready.send(a_felling(ready, "501", sd))
    await bring(
        ready, {"sid": felled["sid"], "disclosures": [one.text for one in fields], "persons": {"feller": "p-1"}}
    )
    await ready.log(cut(ready, "501"))
    lot = {"type": "lot.composed", "time": "2026-11-05T12:00:00Z", "body": {"lot": "LOT-1", "items": [log_id("501/A")]}}
    sale = {
        "type": "lot.sold", "time": "2026-11-06T12:00:00Z", "body": {"lot": "LOT-1", "buyer": "comprador-1"},
        "private": {"price_cents": PRICE, "currency": "PEN"},
    }  # fmt: skip
    sids = await stated(ready, a_statement(persons={"driver": "p-2", "plate": "p-2"}), a_departure(), lot, sale)
    return ready, [felled["sid"], *sids], fields


async def provoke(custody: Custody, sid: str, text: str) -> list[httpx.Response]:
    """Every refusal we know, asked for with a private value in the question."""
    answers = []
    manager, stranger = custody.issuer.headers("manager"), custody.issuer.headers("manager", org="comunidad-b")
    for headers in (manager, stranger):
        for records in (
            [{"sid": sid, "disclosures": [text[:-1]]}], [{"sid": sid, "disclosures": [text], "persons": {"feller": FELLER}}],
            [{"sid": "0" * 64, "disclosures": [text]}], [{"sid": sid, "disclosures": [text], "persons": {DRIVER: "p-1"}}],
        ):  # fmt: skip
            answers.append(await custody.http.post("/v1/disclosures", json={"records": records}, headers=headers))
    for statement in (
        a_statement(private={"driver": [DRIVER]}), a_statement(private={DRIVER: PRICE}), a_statement(persons={"plate": DRIVER}),
        a_statement("017-9", private={"price_cents": PRICE}), a_departure("none"), a_statement(private=ROAD | {"plate": DRIVER}),
    ):  # fmt: skip
        answers.append(await custody.http.post("/v1/statements", json={"statements": [statement]}, headers=manager))
    answers.append(
        await custody.http.post("/v1/statements", json={"statements": [{"private": DRIVER}]}, headers=manager)
    )
    answers.append(
        await custody.http.post("/v1/grants", json={"to_org": "x", "scope": {"fields": [1]}}, headers=manager)
    )
    return answers


async def test_nobody_without_a_grant_finds_a_private_value_anywhere(
    seeded: tuple[Custody, list[str], list[Disclosure]], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    custody, sids, fields = seeded
    await grant(custody, "aserradero-1", scope={"lots": ["LOT-1"]})
    await seen(custody, sids[0], "company", org="aserradero-1")  # one who may has read it
    await seen(custody, sids[1], "authority", org="gerfor-md", region=REGION, purpose="control")
    seen_by_others: dict[str, bytes] = {}

    async def look(path: str, *roles: str, org: str = "comprador-1", **query: str) -> None:
        headers = custody.issuer.headers(*roles, org=org) if roles else {}
        answer = await custody.http.get(path, params=query, headers=headers)
        seen_by_others[f"{path} {roles}"] = answer.content + str(answer.headers).encode()

    await custody.get(f"/v1/records/{sids[-1]}")  # so that a checkpoint covers all of them
    size = int((await custody.http.get("/log/checkpoint")).text.splitlines()[1])
    for path in (
        "/log/checkpoint", f"/log/tile/entries/000.p/{size}", f"/log/tile/0/000.p/{size}", "/openapi.json", "/metrics",
        "/healthz", "/v1/lots/LOT-1", "/v1/lots/LOT-1/bundle", "/v1/guides/017-1", f"/v1/items/{log_id('501/A')}", "/v1/records",
        *(f"/v1/records/{sid}" for sid in sids),
    ):  # fmt: skip
        await look(path)
    for role in ("manager", "auditor", "certifier", "company", "supervisor", "authority", "operator"):
        for path in (
            "/v1/findings",
            "/v1/balances",
            "/v1/grants",
            "/v1/disclosure-reads",
            "/v1/erasures",
            "/v1/webhooks",
        ):
            await look(path, role)
        await look("/v1/lots/LOT-1/bundle", role, disclose="all")
        for sid in sids:
            await look(f"/v1/records/{sid}/disclosures", role, purpose="curiosidad")
    provoked = await provoke(custody, sids[0], fields[0].text)
    own_audit = await custody.http.get("/v1/disclosure-reads", headers=custody.issuer.headers("manager"))

    assert {name: found for name, content in seen_by_others.items() if (found := hits(content, NEEDLES))} == {}
    assert sum(b'"sd"' in content for content in seen_by_others.values()) > 4  # the digests are there
    assert len(provoked) == 16
    assert [(one.request.content, found) for one in provoked if (found := hits(one.content, NEEDLES))] == []
    assert hits(own_audit.content, NEEDLES) == []
    assert hits(dump(custody), NEEDLES) == []
    assert files_with(tmp_path) == []
    out, err = capfdbinary.readouterr()
    assert hits(out + err, NEEDLES) == []


async def test_whoever_may_read_finds_every_one_of_them(
    seeded: tuple[Custody, list[str], list[Disclosure]],
) -> None:
    """The twin: the search above would find these values, and they are there."""
    custody, sids, _ = seeded
    found: dict[str, Any] = {}
    for sid in sids:
        found |= await seen(custody, sid)

    assert set(found.values()) >= set(CANARIES)
    answer = await custody.http.get(
        "/v1/lots/LOT-1/bundle", params={"disclose": "all"}, headers=custody.issuer.headers("manager")
    )
    shown = b"".join(decoded(text) for text in answer.json()["private"]["disclosures"])
    assert hits(answer.content, NEEDLES)
    assert all(hits(shown, spellings(one)) for one in CANARIES)


async def test_an_error_inside_says_nothing_of_what_it_held(
    seeded: tuple[Custody, list[str], list[Disclosure]], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    custody, sids, _ = seeded
    custody.settings.keys_dir.joinpath("wrapping.key").write_text("broken\n")

    answers = [
        await custody.http.get(f"/v1/records/{sids[1]}/disclosures", headers=custody.issuer.headers("manager")),
        await custody.http.post(
            "/v1/statements", json={"statements": [a_statement("017-8")]}, headers=custody.issuer.headers("manager")
        ),
    ]

    assert all(answer.status_code >= 400 for answer in answers)
    out, err = capfdbinary.readouterr()
    assert hits(out + err + b"".join(answer.content for answer in answers), NEEDLES) == []


async def test_after_the_erasure_the_owner_finds_nothing_either(
    seeded: tuple[Custody, list[str], list[Disclosure]],
) -> None:
    custody, sids, _ = seeded
    for person in ("p-1", "p-2", None):
        asked = await post(custody, "/v1/erasures", {"person": person, "reason": "prueba"})
        await post(custody, f"/v1/erasures/{asked['id']}/confirm", sub="u-2", expect=200)

    assert [await seen(custody, sid) for sid in sids] == [{}] * 5
    assert hits(dump(custody), NEEDLES) == []
    await state(custody, a_departure(time="2026-11-07T12:00:00Z"))


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def files_with(folder: Path) -> list[Path]:
    """Files the service wrote that hold a canary."""
    return [path for path in folder.rglob("*") if path.is_file() and hits(path.read_bytes(), NEEDLES)]


async def test_the_search_finds_what_lies_open(ready: Custody) -> None:
    """The twin of the searches: the same value in a public field is found in the tiles and in the dump."""
    [index] = await ready.log(felling(ready, "502", observations=f"con {DRIVER}"), wait="inclusion")

    size = index + 1
    tile = await ready.http.get(f"/log/tile/entries/000.p/{size}")
    assert hits(tile.content, NEEDLES)
    assert hits(dump(ready), NEEDLES)
