"""Where an officer's rights end: at the border of the region in the token. ``*`` is the country, no claim is nowhere."""

import pytest

from tests.permits.conftest import (
    MANAGER,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SQUARE,
    SUPERVISOR,
    TITLE,
    Permits,
    Person,
    a_census,
    a_key,
    a_line,
    a_permit,
    a_plan,
    a_title,
)

LORETO = Person("authority", "gerfor-md", "u-loreto", "loreto")
NOWHERE = Person("authority", "gerfor-md", "u-nowhere")
NATIONAL = Person("authority", "gerfor-md", "u-national", "*")
OUTSIDERS = [LORETO, NOWHERE]
INSIDERS = [SECOND, NATIONAL]
DECISION = {"resolution": "RGR-0000-2025"}


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_an_officer_registers_no_title_outside_the_region(permits: Permits, who: Person) -> None:
    await permits.refused("other-region", "/v1/titles", who, a_title(), status=403)

    await permits.post("/v1/titles", NATIONAL, a_title(), expect=201)


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_drafts_and_proposals_of_another_region_do_not_exist(permits: Permits, who: Person) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    for path in (f"/v1/plans/{PLAN}", f"/v1/plans/{PLAN}/trees", f"/v1/plans/{PLAN}/trees/501"):
        await permits.get(path, who, expect=404)
        for insider in INSIDERS:
            await permits.get(path, insider)
    assert (await permits.get("/v1/plans", who))["items"] == []
    assert len((await permits.get("/v1/plans", NATIONAL))["items"]) == 1
    await permits.post(f"/v1/plans/{PLAN}/approve", who, DECISION, expect=404)
    await permits.answered()
    await permits.post(f"/v1/plans/{PLAN}/approve", OFFICER, DECISION)

    await permits.post("/v1/permits", MANAGER, a_permit())
    await permits.get(f"/v1/permits/{PERMIT}", who, expect=404)
    assert (await permits.get("/v1/permits", who))["items"] == []
    await permits.post(f"/v1/permits/{PERMIT}/approve", who, expect=404)

    for insider in INSIDERS:
        assert (await permits.get(f"/v1/permits/{PERMIT}", insider))["state"] == "proposed"
        assert len((await permits.get("/v1/permits", insider))["items"]) == 1
    assert (await permits.post(f"/v1/permits/{PERMIT}/approve", NATIONAL))["state"] == "in_force"


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_what_is_public_stays_public_without_its_private_fields(permits: Permits, who: Person) -> None:
    await permits.issued_permit()

    assert (await permits.get(f"/v1/titles/{TITLE}", who))["polygon"] is None
    assert (await permits.get(f"/v1/plans/{PLAN}/trees/501", who))["utm"] is None
    assert (await permits.get(f"/v1/permits/{PERMIT}/verify", who))["valid"] in (True, False)
    await permits.get(f"/v1/permits/{PERMIT}", who, expect=404)
    assert (await permits.get("/v1/permits", who))["items"] == []

    for insider in (*INSIDERS, SUPERVISOR):
        assert (await permits.get(f"/v1/titles/{TITLE}", insider))["polygon"] == SQUARE
        assert (await permits.get(f"/v1/plans/{PLAN}/trees/501", insider))["utm"] is not None


@pytest.mark.parametrize("role", ["authority", "supervisor"])
@pytest.mark.parametrize("region", ["loreto", None])
async def test_an_officer_withholds_and_amends_no_permit_outside_the_region(
    permits: Permits, role: str, region: str | None
) -> None:
    await permits.issued_permit()
    outsider, insider = (Person(role, "osinfor-md", "u-9", reach) for reach in (region, "madre-de-dios"))

    for act in ("suspend", "revoke"):
        await permits.refused("other-region", f"/v1/permits/{PERMIT}/{act}", outsider, {"reason": "x"}, status=403)
    if role == "authority":
        more = a_line(species="Myroxylon balsamum", volume_dm3=5_000)
        body = {"id": "A1", "reason": "x", "lines": [more]}
        await permits.refused("other-region", f"/v1/permits/{PERMIT}/amendments", outsider, body, status=403)
        await permits.post(f"/v1/permits/{PERMIT}/amendments", insider, body, expect=201)
        approve = f"/v1/permits/{PERMIT}/amendments/A1/approve"
        await permits.refused("other-region", approve, outsider, status=403)
        await permits.post(approve, OFFICER)

    assert (await permits.post(f"/v1/permits/{PERMIT}/suspend", insider, {"reason": "x"}))["state"] == "suspended"


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_an_officer_proposes_no_permit_outside_the_region(permits: Permits, who: Person) -> None:
    await permits.approved_plan()

    await permits.refused("other-region", "/v1/permits", who, a_permit(), status=403)

    await permits.post("/v1/permits", OFFICER, a_permit(), expect=201)


@pytest.mark.parametrize("region", ["loreto", None])
async def test_nobody_inspects_outside_the_region(permits: Permits, region: str | None) -> None:
    await permits.approved_plan()
    body = {
        "number": "INF-1", "plan": PLAN, "parcel": "PC 01", "trees_sampled": 1, "trees_absent": 0, "volume_dm3": 0,
    }  # fmt: skip

    outsider = Person("supervisor", "osinfor-md", "u-9", region)
    await permits.refused("other-region", "/v1/inspections", outsider, body, status=403)

    await permits.post("/v1/inspections", Person("supervisor", "osinfor-md", "u-9", "madre-de-dios"), body, expect=201)


async def test_an_officer_registers_parties_of_the_own_region(permits: Permits) -> None:
    here = {"id": "org-here", "name": "Aquí", "kind": "company", "region": "madre-de-dios"}
    anywhere = {"id": "org-any", "name": "Donde sea", "kind": "company"}

    for who in OUTSIDERS:
        await permits.refused("other-region", "/v1/organisations", who, here, status=403)
    await permits.refused("other-region", "/v1/organisations", NOWHERE, anywhere, status=403)

    await permits.post("/v1/organisations", OFFICER, here, expect=201)
    await permits.post("/v1/organisations", LORETO, anywhere, expect=201)
    await permits.post("/v1/organisations", OPERATOR, here, expect=200)


async def test_an_officer_adds_and_revokes_keys_of_the_own_region(permits: Permits) -> None:
    org = {"id": "org-here", "name": "Aquí", "kind": "company", "region": "madre-de-dios"}
    await permits.post("/v1/organisations", OPERATOR, org)
    key = a_key(org="org-here", role="root")

    for who in OUTSIDERS:
        await permits.refused("other-region", "/v1/keys", who, key, status=403)
    added = await permits.post("/v1/keys", OFFICER, key, expect=201)
    for who in OUTSIDERS:
        await permits.refused("other-region", f"/v1/keys/{added['kid']}/approve", who, status=403)
    await permits.post(f"/v1/keys/{added['kid']}/approve", SECOND)
    path = f"/v1/keys/{added['kid']}/revoke"
    for who in OUTSIDERS:
        await permits.refused("other-region", path, who, {"reason": "x"}, status=403)

    assert (await permits.post(path, NATIONAL, {"reason": "x"}))["reason"] == "x"
