"""Group certificates through the door: who registers and changes them, and what anyone may verify."""

from datetime import date
from typing import Any

import asyncpg
import pytest

from services.permits.domain.certificate import (
    Act,
    Certificate,
    CodeInvalid,
    Member,
    code_of,
    member_standing_on,
    shipped_schemes,
    standing_on,
)
from tests.permits.conftest import CERTIFIER, MANAGER, OFFICER, OPERATOR, Permits, Person

OTHER = Person("certifier", "certifica-2", "u-other")
NUMBER = "CB-FM-COC-000001"
PATH = f"/v1/certificates/{NUMBER}"
WHY = {"reason": "Auditoría de seguimiento"}


def a_certificate(*members: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": "CB-FM/COC-000001", "scheme": "fsc", "licence": "FSC-C000001", "holder": "comunidad-a",
        "valid_from": "2026-01-01", "valid_to": "2030-12-31", "area_m2": 120_000_000,
        "members": [{"org": org, "first_day": "2026-01-01"} for org in members],
    } | changes  # fmt: skip


async def said(permits: Permits) -> list[Any]:
    """The certificate statements that went to the log, in order."""
    await permits.published()
    return [record for record in permits.custody.log if record.type.startswith("certificate.")]


async def test_a_certification_body_registers_a_group_and_the_log_hears_of_it(permits: Permits) -> None:
    made = await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"), expect=201)

    assert (made["number"], made["scope"], made["certifier"]) == (NUMBER, "fm_coc", "certifica-1")
    [record] = await said(permits)
    assert (record.type, record.actor) == ("certificate.registered", "certifica-1")
    assert record.body["members"] == [{"org": "comunidad-b", "from": "2026-01-01"}]
    assert record.body["by"] != CERTIFIER.sub
    again = await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"), expect=200)
    assert again["number"] == NUMBER
    await permits.refused("number-taken", "/v1/certificates", CERTIFIER, a_certificate(holder="comunidad-b"))
    assert len(await said(permits)) == 1


async def test_anyone_verifies_a_certificate_on_a_day(permits: Permits) -> None:
    await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"))

    for day, valid, slugs in (
        ("2026-01-01", True, []),
        ("2025-12-31", False, ["not-yet"]),
        ("2031-01-01", False, ["expired"]),
    ):
        answer = await permits.get(PATH, on=day)
        assert (answer["on"], answer["valid"], [reason["slug"] for reason in answer["reasons"]]) == (day, valid, slugs)
        assert answer["members"][0]["valid"] is valid
    assert [one["number"] for one in (await permits.get("/v1/certificates", member="comunidad-b"))["items"]] == [NUMBER]
    assert [one["number"] for one in (await permits.get("/v1/certificates", code="CB-FM/COC-000001"))["items"]] == [
        NUMBER
    ]
    assert (await permits.get("/v1/certificates", holder="comunidad-b"))["items"] == []
    await permits.get("/v1/certificates/CB-COC-999999", expect=404)


async def test_a_suspended_member_does_not_end_the_group(permits: Permits) -> None:
    await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b", "aserradero-1"))

    suspended = await permits.post(f"{PATH}/suspend", CERTIFIER, WHY | {"member": "comunidad-b"})

    assert suspended["valid"]
    assert {member["org"]: member["valid"] for member in suspended["members"]} == {
        "comunidad-b": False,
        "aserradero-1": True,
    }
    await permits.refused("wrong-state", f"{PATH}/suspend", CERTIFIER, WHY | {"member": "comunidad-b"})
    await permits.post(f"{PATH}/suspend", CERTIFIER, WHY | {"member": "comunidad-a"}, expect=404)
    back = await permits.post(f"{PATH}/reinstate", CERTIFIER, WHY | {"member": "comunidad-b"})
    assert all(member["valid"] for member in back["members"])
    assert [record.type for record in await said(permits)] == [
        "certificate.registered", "certificate.suspended", "certificate.reinstated"
    ]  # fmt: skip
    assert (await said(permits))[1].body["member"] == "comunidad-b"


async def test_a_suspended_or_ended_certificate_covers_nobody(permits: Permits) -> None:
    await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"))

    suspended = await permits.post(f"{PATH}/suspend", CERTIFIER, WHY)
    assert (suspended["valid"], suspended["status"], suspended["members"][0]["valid"]) == (False, "suspended", False)
    await permits.post(f"{PATH}/reinstate", CERTIFIER, WHY)
    ended = await permits.post(f"{PATH}/end", CERTIFIER, WHY)

    assert (ended["valid"], ended["status"]) == (False, "ended")
    for act, body in (("suspend", WHY), ("reinstate", WHY), ("end", WHY), ("suspend", WHY | {"member": "comunidad-b"})):
        await permits.refused("wrong-state", f"{PATH}/{act}", CERTIFIER, body)
    joining = WHY | {"members": [{"org": "aserradero-1", "first_day": "2026-06-01"}]}
    await permits.refused("wrong-state", f"{PATH}/members", CERTIFIER, joining)
    yesterday = await permits.get(PATH, on="2026-01-02")
    assert yesterday["valid"]


async def test_members_join_and_leave_on_their_days(permits: Permits) -> None:
    await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"))
    days = [
        {"org": "comunidad-b", "first_day": "2026-01-01", "last_day": "2026-05-31"},
        {"org": "aserradero-1", "first_day": "2026-06-01"},
    ]

    await permits.post(f"{PATH}/members", CERTIFIER, WHY | {"members": days})

    for day, covered in (("2026-05-31", {"comunidad-b"}), ("2026-06-01", {"aserradero-1"})):
        answer = await permits.get(PATH, on=day)
        assert {member["org"] for member in answer["members"] if member["valid"]} == covered
    unknown = WHY | {"members": [{"org": "nadie", "first_day": "2026-06-01"}]}
    await permits.refused("reference-unknown", f"{PATH}/members", CERTIFIER, unknown)


async def test_only_the_body_that_issued_it_changes_a_certificate(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": OTHER.org, "name": "Otra", "kind": "certifier"})
    await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"))

    for act in ("suspend", "reinstate", "end"):
        await permits.refused("other-organisation", f"{PATH}/{act}", OTHER, WHY, status=403)
    await permits.refused(
        "certificate-prefix-of-another", "/v1/certificates", OTHER, a_certificate(code="CB-COC-000002")
    )
    await permits.post("/v1/certificates", OTHER, a_certificate(code="XC-COC-000002"), expect=201)
    for who in (MANAGER, OFFICER):
        await permits.refused("role-not-allowed", "/v1/certificates", who, a_certificate(), status=403)


async def test_nobody_certifies_who_is_no_certification_body_or_is_the_holder(permits: Permits) -> None:
    pretender = Person("certifier", "comunidad-b", "u-x")
    await permits.refused("not-certifying", "/v1/certificates", pretender, a_certificate())
    await permits.refused("not-certifying", "/v1/certificates", CERTIFIER, a_certificate(holder="certifica-1"))
    await permits.refused("reference-unknown", "/v1/certificates", CERTIFIER, a_certificate(holder="nadie"))
    await permits.post("/v1/certificates", CERTIFIER, a_certificate(), expect=201)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "FM/COC-000001"}, {"code": "CB-FM-COC-000001"}, {"code": "CB-XX-000001"}, {"code": "CB-COC-1"},
        {"code": "cb-coc-000001"}, {"licence": "C000001"}, {"licence": "FSC-C1"}, {"valid_to": "2025-12-31"}, {"scheme": "otro"},
        {"members": [{"org": "comunidad-b", "first_day": "2026-02-01", "last_day": "2026-01-31"}]},
        {"members": [{"org": "comunidad-b", "first_day": "2026-02-01"}] * 2},
    ],
)  # fmt: skip
async def test_a_certificate_that_is_not_written_as_its_scheme_writes_them_is_refused(
    permits: Permits, changes: dict[str, Any]
) -> None:
    await permits.post("/v1/certificates", CERTIFIER, a_certificate(**changes), expect=422)
    await permits.post("/v1/certificates", CERTIFIER, a_certificate(), expect=201)


async def test_the_database_lets_no_other_certification_body_change_it(permits: Permits) -> None:
    await permits.post("/v1/certificates", CERTIFIER, a_certificate("comunidad-b"))

    for org, roles in (("certifica-2", "certifier"), ("comunidad-a", "manager"), ("gerfor-md", "authority"), ("", "")):
        connection = await asyncpg.connect(permits.database.app_dsn)
        for name, value in (("app.org", org), ("app.roles", roles), ("app.region", "*")):
            await connection.execute("SELECT set_config($1, $2, false)", name, value)
        for change in ("UPDATE certificates SET state = 'ended'", "UPDATE certificate_members SET state = 'suspended'"):
            assert await connection.execute(change) == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM certificates")
        await connection.close()


# ---- rules without I/O


@pytest.mark.parametrize(
    ("text", "number", "scope"),
    [
        ("CB-FM/COC-123456", "CB-FM-COC-123456", "fm_coc"), ("CBXY-COC-000001A", "CBXY-COC-000001A", "coc"),
        ("CB-FM-000001", "CB-FM-000001", "fm"),
    ],
)  # fmt: skip
def test_a_code_says_its_body_and_its_scope(text: str, number: str, scope: str) -> None:
    code = code_of(text, "fsc", shipped_schemes())

    assert (code.number, code.scope, code.prefix) == (number, scope, text.partition("-")[0])
    with pytest.raises(CodeInvalid):
        code_of(text + "-", "fsc", shipped_schemes())


def test_standing_follows_the_acts_of_the_day_and_a_member_stands_with_its_group() -> None:
    member = Member("m", date(2026, 1, 1), None)
    whole = Certificate(
        NUMBER, "CB-FM/COC-000001", "CB", "fsc", "fm", None, "c", "h", date(2026, 1, 1), date(2026, 12, 31), None, "in_force",
        (member,),
    )  # fmt: skip
    acts = [
        Act("registered", None, "2026-03-01T00:00:00Z", ""), Act("suspended", "m", "2026-04-01T00:00:00Z", ""),
        Act("suspended", None, "2026-05-01T00:00:00Z", ""), Act("reinstated", None, "2026-06-01T00:00:00Z", ""),
        Act("reinstated", "m", "2026-07-01T00:00:00Z", ""), Act("ended", None, "2026-08-01T00:00:00Z", ""),
    ]  # fmt: skip

    told = []
    for month in range(2, 9):
        group = standing_on(whole, acts, date(2026, month, 1))
        told.append((group.valid, member_standing_on(member, group, acts, date(2026, month, 1)).valid))

    assert told == [
        (True, True), (True, True), (True, False), (False, False), (True, False), (True, True), (False, False),
    ]  # fmt: skip
