"""Who reads private fields: their owner, whom it lets, officers of the region; and that the owner learns of each reading."""

import base64
from typing import Any

import asyncpg
import pytest

from services.custody.access import ACCESS
from services.custody.api import grants as api
from tests.access_matrix import Sample, check_matrix
from tests.custody.conftest import PERMIT, SPECIES, Custody, cut, felling, log_id
from tests.custody.private import (
    DRIVER,
    LAT,
    PRICE,
    REGION,
    ROAD,
    a_departure,
    a_felling,
    a_statement,
    as_admin,
    bring,
    dump,
    grant,
    hide,
    new_sid,
    post,
    seen,
    spellings,
    stated,
)
from tests.custody.test_guides import LOG_DM3

AUDITOR = {"org": "comprador-1", "sub": "u-9"}


@pytest.fixture
async def sale(ready: Custody) -> Custody:
    """A guide of log 501/A with its driver, and its sale with its price, both in private. See `sids`."""
    await ready.log(felling(ready, "501"), cut(ready, "501"), felling(ready, "502"), cut(ready, "502"))
    return ready


async def sids(custody: Custody) -> tuple[str, str]:
    """The records of the guide and of the sale."""
    lot = {"type": "lot.composed", "time": "2026-11-05T12:00:00Z", "body": {"lot": "LOT-1", "items": [log_id("501/A")]}}
    sold = {
        "type": "lot.sold", "time": "2026-11-06T12:00:00Z", "body": {"lot": "LOT-1", "buyer": "comprador-1"},
        "private": {"price_cents": PRICE, "currency": "PEN", "note": "al contado"},
    }  # fmt: skip
    guide, _, sale = await stated(custody, a_statement(), lot, sold)
    return guide, sale


# ---- without a grant


async def test_without_a_grant_nobody_else_reads_and_nobody_learns_whether_there_is_anything(sale: Custody) -> None:
    guide, _ = await sids(sale)
    [plain] = await sale.send(felling(sale, "503"))

    assert (await sale.http.get(f"/v1/records/{guide}/disclosures")).status_code == 401
    for role in ("manager", "company", "auditor", "certifier", "regent"):
        answers = [await seen(sale, sid, role, org="comunidad-b", expect=403) for sid in (guide, plain["sid"])]
        assert answers == ["no-ground-to-read"] * 2
    assert await seen(sale, new_sid(), expect=404) == "not-found"
    assert await seen(sale, guide) == ROAD


async def test_a_member_reads_people_and_not_prices(sale: Custody) -> None:
    guide, sold = await sids(sale)

    assert await seen(sale, guide, "member") == ROAD
    assert await seen(sale, sold, "member") == {"note": "al contado"}
    assert await seen(sale, sold, "manager") == {"currency": "PEN", "note": "al contado", "price_cents": PRICE}
    assert await seen(sale, sold, "member", "manager") == await seen(sale, sold)


@pytest.mark.parametrize("role", ["operator", "service"])
async def test_who_runs_the_house_reads_nothing(sale: Custody, role: str) -> None:
    guide, _ = await sids(sale)

    assert await seen(sale, guide, role, expect=403) == "role-not-allowed"


# ---- by office


async def test_an_officer_reads_in_the_region_says_what_for_and_sees_no_prices(sale: Custody) -> None:
    guide, sold = await sids(sale)
    here: dict[str, Any] = {"org": "gerfor-md", "region": REGION}

    for role in ("authority", "supervisor"):
        assert await seen(sale, guide, role, **here, purpose="control en ruta") == ROAD
        assert await seen(sale, sold, role, **here, purpose="control") == {"note": "al contado"}
        assert await seen(sale, guide, role, **here, expect=422) == "purpose-needed"
        assert await seen(sale, guide, role, org="osinfor", region="*", purpose="supervisión") == ROAD
        for elsewhere in ("ucayali", None):
            assert await seen(sale, guide, role, org="gerfor-uc", region=elsewhere, purpose="x" * 3, expect=403)


async def test_a_refused_reading_is_not_written_down(sale: Custody) -> None:
    guide, _ = await sids(sale)
    await seen(sale, guide, "authority", org="gerfor-md", region=REGION, expect=422)
    await seen(sale, guide, "auditor", org="comprador-1", expect=403)

    assert (await sale.get("/v1/disclosure-reads", "manager"))["reads"] == []


# ---- by a grant


async def test_a_grant_opens_at_once_and_its_end_closes_at_once(sale: Custody) -> None:
    guide, sold = await sids(sale)
    made = await grant(sale)

    assert await seen(sale, guide, "auditor", **AUDITOR) == ROAD
    assert (await seen(sale, sold, "company", **AUDITOR))["price_cents"] == PRICE
    assert await seen(sale, guide, "auditor", org="comunidad-b", expect=403)

    for _ in range(2):
        ended = await post(sale, f"/v1/grants/{made['id']}", method="DELETE", expect=200)
    assert (ended["revoked_by"], ended["revoked_at"] is None) == ("u-1", False)
    assert await seen(sale, guide, "auditor", **AUDITOR, expect=403) == "no-ground-to-read"


SCOPES: list[tuple[dict[str, Any], bool, bool]] = [
    ({"everything": True}, True, True), ({"items": [log_id("501/A")]}, True, True),
    ({"items": [log_id("502/A")]}, False, False), ({"permits": [PERMIT]}, True, True),
    ({"permits": ["RGR-9999-2025"]}, False, False), ({"lots": ["LOT-1"]}, True, True),
    ({"lots": ["LOT-2"]}, False, False), ({"everything": True, "types": ["guide.issued"]}, True, False),
    ({"lots": ["LOT-1"], "types": ["lot.sold"]}, False, True),
    ({"items": [log_id("502/A")], "lots": ["LOT-1"]}, True, True),
]  # fmt: skip


async def test_a_grant_opens_what_its_scope_names(sale: Custody) -> None:
    """The scope, and whether it opens the guide and the sale."""
    records = await sids(sale)
    for scope, *opens in SCOPES:
        made = await grant(sale, scope=scope)
        for sid, open_ in zip(records, opens, strict=True):
            found = await seen(sale, sid, "auditor", **AUDITOR, expect=200 if open_ else 403)
            assert found != {}, scope
        await post(sale, f"/v1/grants/{made['id']}", method="DELETE", expect=200)


async def test_a_grant_of_fields_opens_these_only(sale: Custody) -> None:
    guide, sold = await sids(sale)
    await grant(sale, scope={"everything": True, "fields": ["plate", "currency"]})

    assert await seen(sale, guide, "auditor", **AUDITOR) == {"plate": ROAD["plate"]}
    assert await seen(sale, sold, "auditor", **AUDITOR) == {"currency": "PEN"}
    assert await seen(sale, guide) == ROAD


async def test_a_lot_opens_the_records_of_the_trees_behind_it(sale: Custody) -> None:
    fields, sd = hide(feller=DRIVER, lat_e7=LAT)
    [felled] = await sale.send(a_felling(sale, "504", sd))
    [other] = await sale.send(a_felling(sale, "505", sd))
    for one in (felled, other):
        await bring(sale, {"sid": one["sid"], "disclosures": [field.text for field in fields]})
    await sale.log(cut(sale, "504"))
    await stated(sale, {"type": "lot.composed", "time": "2026-11-05T12:00:00Z",
                        "body": {"lot": "LOT-4", "items": [log_id("504/A")]}})  # fmt: skip
    await grant(sale, scope={"lots": ["LOT-4"]})

    assert await seen(sale, felled["sid"], "auditor", **AUDITOR) == {"feller": DRIVER, "lat_e7": LAT}
    assert await seen(sale, other["sid"], "auditor", **AUDITOR, expect=403)


async def test_a_departure_belongs_to_the_wood_of_its_guide(sale: Custody) -> None:
    _, departed = await stated(sale, a_statement(), a_departure())
    await grant(sale, scope={"items": [log_id("501/A")]})

    assert await seen(sale, departed, "auditor", **AUDITOR) == ROAD


async def test_a_grant_to_one_person_is_for_that_person(sale: Custody) -> None:
    guide, _ = await sids(sale)
    await grant(sale, to_person="u-9")

    assert await seen(sale, guide, "auditor", **AUDITOR) == ROAD
    assert await seen(sale, guide, "auditor", org="comprador-1", sub="u-8", expect=403)


async def test_a_grant_counts_in_its_time(sale: Custody) -> None:
    guide, _ = await sids(sale)
    await grant(sale, valid_from="2098-01-01T00:00:00Z")
    assert await seen(sale, guide, "auditor", **AUDITOR, expect=403)

    await grant(sale, valid_from="2020-01-01T00:00:00Z", valid_until="2020-02-01T00:00:00Z")
    assert await seen(sale, guide, "auditor", **AUDITOR, expect=403)

    await grant(sale, valid_from="2020-01-01T00:00:00Z")
    assert await seen(sale, guide, "auditor", **AUDITOR) == ROAD


async def test_a_grant_opens_only_what_is_its_makers(sale: Custody) -> None:
    guide, _ = await sids(sale)
    await grant(sale, by="comunidad-b")

    assert await seen(sale, guide, "auditor", **AUDITOR, expect=403)
    await grant(sale)
    assert await seen(sale, guide, "auditor", **AUDITOR) == ROAD


async def test_the_lots_that_one_organisation_opens_to_another_at_a_time_are_bounded(
    sale: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, sold = await sids(sale)
    monkeypatch.setattr(api, "MOST_LOTS", 3)
    first = await grant(sale, scope={"lots": ["LOT-8", "LOT-9"]})

    refused = await grant(sale, scope={"lots": ["LOT-1", "LOT-7"]}, expect=409)

    assert (refused["slug"], refused["facts"]["named"], refused["facts"]["most"]) == ("too-many-lots-granted", 2, 3)
    await grant(sale, "aserradero-1", scope={"lots": ["LOT-1", "LOT-7"]})
    await grant(sale, scope={"permits": [PERMIT], "types": ["log.cut"]})
    await post(sale, f"/v1/grants/{first['id']}", method="DELETE", expect=200)
    await grant(sale, scope={"lots": ["LOT-7", "LOT-1", "LOT-6"]})
    assert await seen(sale, sold, "auditor", **AUDITOR)


UNCLEAR: list[tuple[dict[str, Any], int, str]] = [
    ({"scope": {}}, 422, "scope-unclear"), ({"scope": {"everything": True, "lots": ["LOT-1"]}}, 422, "scope-unclear"),
    ({"scope": {"types": ["guide.issued"]}}, 422, "scope-unclear"),
    ({"scope": {"everything": True, "types": ["guide.lost"]}}, 422, "scope-unknown"),
    ({"scope": {"everything": True, "fields": ["dni"]}}, 422, "scope-unknown"),
    ({"to_org": "nobody"}, 404, "not-found"), ({"purpose": ""}, 422, "malformed"),
    ({"valid_until": "2020-01-01T00:00:00Z"}, 422, "grant-ends-too-soon"),
    ({"valid_from": "2099-01-01T00:00:00Z"}, 422, "grant-ends-too-soon"),
    ({"valid_until": "2099-01-01T00:00:00"}, 422, "malformed"), ({"to": "x"}, 422, "malformed"),
    ({"valid_until": "9999-12-31T23:59:59-14:00"}, 422, "malformed"),
    ({"valid_from": "0001-01-01T00:00:00+14:00"}, 422, "malformed"),
]  # fmt: skip


async def test_a_grant_says_clearly_to_whom_what_and_until_when(ready: Custody) -> None:
    body = {
        "to_org": "comprador-1", "scope": {"everything": True}, "purpose": "revisión", "valid_until": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    assert (await post(ready, "/v1/grants", body))["owner"] == "comunidad-a"

    for change, status, slug in UNCLEAR:
        problem = await post(ready, "/v1/grants", body | change, expect=status)
        assert problem["slug"] == slug, change
        assert problem["detail_es"] != problem["detail_en"]


async def test_both_sides_see_a_grant_and_nobody_else(ready: Custody) -> None:
    made = [await grant(ready), await grant(ready, "aserradero-1"), await grant(ready, by="comunidad-b")]

    async def listed(org: str) -> list[str]:
        return [one["id"] for one in (await ready.get("/v1/grants", "manager", org=org))["grants"]]

    assert await listed("comunidad-a") == [made[0]["id"], made[1]["id"]]
    assert await listed("comprador-1") == [made[0]["id"], made[2]["id"]]
    assert await listed("aserradero-2") == []
    await post(ready, f"/v1/grants/{made[0]['id']}", org="comprador-1", method="DELETE", expect=404)
    page = await ready.get("/v1/grants", "manager", limit=1)
    rest = await ready.get("/v1/grants", "manager", cursor=page["next"])
    assert [one["id"] for one in (*page["grants"], *rest["grants"])] == [made[0]["id"], made[1]["id"]]
    assert rest["next"] is None
    edge = base64.urlsafe_b64encode(f"0001-01-01T00:00:00+14:00 {made[0]['id']}".encode()).decode()
    for cursor in ("x", "eA==", page["next"][:-4], edge):
        await ready.get("/v1/grants", "manager", cursor=cursor, expect=422)


# ---- the audit


async def test_the_owner_learns_of_every_reading(sale: Custody) -> None:
    guide, sold = await sids(sale)
    made = await grant(sale, scope={"everything": True, "fields": ["plate", "price_cents"]})
    await seen(sale, guide)
    await seen(sale, guide, "auditor", **AUDITOR, purpose="lote 1")
    await seen(sale, sold, "supervisor", org="osinfor", sub="u-7", region="*", purpose="denuncia 12")

    reads = (await sale.get("/v1/disclosure-reads", "manager"))["reads"]

    told = [
        (one["sid"], one["names"], one["reader"], one["reader_org"], one["ground"], one["purpose"]) for one in reads
    ]
    assert told == [
        (guide, ["driver", "plate"], "u-1", "comunidad-a", "own", None),
        (guide, ["plate"], "u-9", "comprador-1", "grant", "lote 1"),
        (sold, ["note"], "u-7", "osinfor", "office", "denuncia 12"),
    ]
    assert [one["grant"] for one in reads] == [None, made["id"], None]
    assert {one["way"] for one in reads} == {"record"}
    page = await sale.get("/v1/disclosure-reads", "manager", limit=2)
    rest = await sale.get("/v1/disclosure-reads", "manager", cursor=page["next"])
    assert [*page["reads"], *rest["reads"]] == reads
    assert len((await sale.get("/v1/disclosure-reads", "manager", sid=sold))["reads"]) == 1
    assert (await sale.get("/v1/disclosure-reads", "manager", org="comprador-1"))["reads"] == []


async def test_a_reading_of_nothing_is_no_reading(sale: Custody) -> None:
    guide, _ = await sids(sale)
    await grant(sale, scope={"everything": True, "fields": ["price_cents"]})

    assert await seen(sale, guide, "auditor", **AUDITOR) == {}
    assert (await sale.get("/v1/disclosure-reads", "manager"))["reads"] == []


async def test_the_service_sees_only_the_rows_of_whom_it_acts_for(sale: Custody) -> None:
    guide, _ = await sids(sale)
    await grant(sale)
    await seen(sale, guide)
    connection = await asyncpg.connect(sale.database.app_dsn)
    try:
        for org, grants, reads in ((None, 0, 0), ("comunidad-a", 1, 1), ("comprador-1", 1, 0), ("comunidad-b", 0, 0)):
            async with connection.transaction():
                if org is not None:
                    await connection.execute("SELECT set_config('app.org', $1, true)", org)
                assert await connection.fetchval("SELECT count(*) FROM access_grant") == grants
                assert await connection.fetchval("SELECT count(*) FROM disclosure_read") == reads
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM disclosure_read")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM access_grant")
    finally:
        await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_admin(sale, "UPDATE disclosure_read SET names = '{x}'")


async def test_an_audit_names_fields_and_no_values(sale: Custody) -> None:
    guide, sold = await sids(sale)
    await seen(sale, guide)
    await seen(sale, sold)

    text = dump(sale)

    assert b"price_cents" in text
    assert not any(needle in text for needle in spellings(DRIVER, PRICE))


# ---- the door


async def test_every_role_gets_what_the_table_gives_it(sale: Custody) -> None:
    own, _ = await sids(sale)
    line = {"parcel": "", "species": SPECIES, "product": "sawn", "volume_dm3": LOG_DM3}
    body = {
        "guide": "017-B", "form": "official", "addressee": "aserradero-1", "issued_on": "2026-11-03",
        "expires_on": "2026-11-20", "lines": [line], "origin_guides": ["017-A"],
    }  # fmt: skip
    [other] = await stated(sale, a_statement(body=body), org="comunidad-b")
    made, theirs = await grant(sale), await grant(sale, by="comunidad-b")
    asked = await post(sale, "/v1/erasures", {"reason": "prueba"})

    wrong = await check_matrix(sale.app, ACCESS, sale.issuer, {
        "read_disclosures": Sample(f"/v1/records/{own}/disclosures", f"/v1/records/{other}/disclosures", hidden=403),
        "revoke_grant": Sample(f"/v1/grants/{made['id']}", f"/v1/grants/{theirs['id']}"),
        "withdraw_erasure": Sample(f"/v1/erasures/{asked['id']}"),
    })  # fmt: skip

    assert wrong == []
