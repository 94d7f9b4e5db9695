"""Assemblies agree with a quorum; what they delegate is bounded and taken back; a third party holds no community key."""

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.permits.domain.assembly import QuorumNotMet, check_quorum
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    TREE_501,
    TREE_1170,
    Permits,
    Person,
    a_census,
    a_delegation,
    a_key,
    a_line,
    a_permit,
    a_plan,
    a_title,
    an_assembly,
)
from tests.permits.test_access import as_somebody

ACTS, GIVEN = "/v1/organisations/comunidad-a/assembly-acts", "/v1/organisations/comunidad-a/delegations"
COMPANY = Person("company", "tercero-1", "u-tercero")


async def with_company(permits: Permits) -> None:
    """A third party, a title, and an assembly that agreed to let it draft and upload one plan."""
    for org, kind in (("tercero-1", "third_party"), ("union-1", "consortium"), ("fed-1", "federation")):
        await permits.post("/v1/organisations", OPERATOR, {"id": org, "name": org, "kind": kind})
    await permits.post("/v1/titles", OFFICER, a_title())
    paper = (await permits.paper())["sha256"]
    given = an_assembly(number="A-9", purpose="delegation", plan="PO-9", third_parties=["tercero-1"], document=paper)
    await permits.post(ACTS, MANAGER, given)


def to_company(**changes: Any) -> dict[str, Any]:
    return a_delegation(
        number="D-9", delegate="tercero-1", plan="PO-9", acts=["draft_plan", "upload_census"], assembly_act="A-9",
        **changes,
    )  # fmt: skip


@pytest.mark.parametrize(("present", "good"), [(29, False), (30, True), (60, True)])
def test_an_assembly_binds_with_its_quorum(present: int, good: bool) -> None:
    today = date(2026, 1, 1)
    if good:
        assert check_quorum(date(2025, 5, 10), present, 60, today) == (500, "PE-DS021-2015")
    else:
        with pytest.raises(QuorumNotMet) as caught:
            check_quorum(date(2025, 5, 10), present, 60, today)
        assert "29 de 60" in caught.value.text("es")


async def test_an_act_needs_its_minutes_and_is_the_community_s_own(permits: Permits) -> None:
    paper, other = (await permits.paper())["sha256"], (await permits.paper("map", b"un mapa"))["sha256"]
    act = an_assembly(document=paper)
    await permits.refused("reference-unknown", ACTS, MANAGER, an_assembly())
    await permits.refused("document-kind", ACTS, MANAGER, act | {"document": other})
    await permits.refused("quorum-not-met", ACTS, MANAGER, act | {"present": 12})
    await permits.refused("day-not-come", ACTS, MANAGER, act | {"held_on": "2099-01-01"})
    await permits.refused("other-organisation", ACTS, NEIGHBOUR, act, 403)
    await permits.refused("role-not-allowed", ACTS, MEMBER, act, 403)
    mill = Person("manager", "aserradero-1", "u-mill")
    await permits.refused("not-communal", "/v1/organisations/aserradero-1/assembly-acts", mill, act)

    recorded = await permits.post(ACTS, MANAGER, act, 201)

    assert (recorded["quorum_permille"], recorded["norm"]) == (500, "PE-DS021-2015")
    assert await permits.post(ACTS, MANAGER, act, 200) == recorded
    await permits.refused("number-taken", ACTS, MANAGER, act | {"present": 50})
    for reader in (MEMBER, OFFICER, SUPERVISOR):
        assert "ACTA-1" in [one["number"] for one in (await permits.get(ACTS, reader))["items"]]
    assert (await permits.get(ACTS, NEIGHBOUR))["items"] == []


async def test_a_plan_is_submitted_with_the_agreement_to_it_and_no_other(permits: Permits) -> None:
    await with_company(permits)
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-8", census_basis="not_available"))
    paper = (await permits.paper())["sha256"]
    await permits.refused("assembly-act-needed", "/v1/plans/PO-8/submit", MANAGER)
    for number in ("NADA", "A-9", f"ACTA-{PLAN}"):
        await permits.refused("assembly-act-needed", "/v1/plans/PO-8/submit", MANAGER, {"assembly_act": number})

    await permits.post(ACTS, MANAGER, an_assembly(number="A-8", plan="PO-8", document=paper))
    assert (await permits.post("/v1/plans/PO-8/submit", MANAGER, {"assembly_act": "A-8"}))["state"] == "submitted"


async def test_a_third_party_drafts_what_was_delegated_and_no_more(permits: Permits) -> None:
    await with_company(permits)
    plan = a_plan(id="PO-9", regent=None)
    await permits.refused("no-delegation", "/v1/plans", COMPANY, plan)
    await permits.refused("assembly-act-needed", GIVEN, MANAGER, to_company() | {"assembly_act": f"ACTA-{PLAN}"})
    await permits.refused("assembly-act-needed", GIVEN, MANAGER, to_company() | {"delegate": "regencia-1"})
    await permits.refused("other-organisation", GIVEN, NEIGHBOUR, to_company(), 403)
    await permits.post(GIVEN, MANAGER, to_company(), 201)
    await permits.refused("no-delegation", "/v1/plans", COMPANY, a_plan(id="PO-10", regent=None))

    drafted = await permits.post("/v1/plans", COMPANY, plan, 201)

    assert (drafted["org"], drafted["delegate"]) == ("comunidad-a", "tercero-1")
    assert (await permits.upload(a_census(), COMPANY, "PO-9"))["trees"] == 2
    await permits.refused("role-not-allowed", "/v1/plans/PO-9/submit", COMPANY, None, 403)
    assert (await permits.get(GIVEN, COMPANY))["items"][0]["state"] == "active"
    assert "D-9" not in str(await permits.get(GIVEN, REGENT))
    await permits.agreed("PO-9", regent=None)
    assert (await permits.post("/v1/plans/PO-9/submit", MANAGER))["state"] == "submitted"


@pytest.mark.parametrize(
    ("scope", "census", "slug"),
    [
        ({"cap_dm3": 15_095}, (TREE_501, TREE_1170), "delegation-exceeded"),
        ({"cap_dm3": 15_096}, (TREE_501, TREE_1170), None),
        ({"cap_dm3": 5_881}, (TREE_501, TREE_1170.replace("Aprovechable", "Semillero")), None),
        ({"species": ["Brosimum guianense"]}, (TREE_501, TREE_1170), "outside-delegation"),
        ({"species": ["Brosimum guianense"]}, (TREE_501,), None),
        ({"person": "u-otro"}, (TREE_501,), "no-delegation"),
        ({"person": "u-tercero"}, (TREE_501,), None),
        ({"valid_from": "2024-01-01", "valid_to": "2024-12-31"}, (TREE_501,), "delegation-ended"),
        ({"valid_from": "2098-01-01", "valid_to": "2099-01-01"}, (TREE_501,), "delegation-ended"),
    ],
)
async def test_a_delegation_ends_with_its_volume_its_species_its_person_and_its_days(
    permits: Permits, scope: dict[str, Any], census: tuple[str, ...], slug: str | None
) -> None:
    await with_company(permits)
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-9", regent=None, delegate="tercero-1"))
    await permits.post(GIVEN, MANAGER, to_company() | scope, 201)

    answer = await permits.upload(a_census(*census), COMPANY, "PO-9", expect=200 if slug is None else 409)

    assert answer.get("slug") == slug
    if slug:
        assert answer["detail_es"] != answer["detail_en"]


async def test_a_revoked_delegation_is_worth_nothing_from_then_on(permits: Permits) -> None:
    await with_company(permits)
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-9", regent=None, delegate="tercero-1"))
    await permits.post(GIVEN, MANAGER, to_company())
    await permits.upload(a_census(), COMPANY, "PO-9")
    why = {"reason": "Incumplió el contrato"}
    await permits.refused("role-not-allowed", f"{GIVEN}/D-9/revoke", COMPANY, why, 403)
    await permits.post(f"{GIVEN}/D-9/revoke", NEIGHBOUR, why, 404)

    revoked = await permits.post(f"{GIVEN}/D-9/revoke", MANAGER, why)

    assert (revoked["state"], revoked["revoked_reason"]) == ("revoked", "Incumplió el contrato")
    assert (await permits.upload(a_census(), COMPANY, "PO-9", expect=409))["slug"] == "delegation-ended"
    assert (await permits.post(f"{GIVEN}/D-9/revoke", MANAGER, {"reason": "otra"}))["revoked_reason"] == why["reason"]


async def test_the_regent_proposes_permits_by_delegation_and_within_its_volume(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.refused("no-delegation", "/v1/permits", REGENT, a_permit())
    stranger = Person("regent", "tercero-1", "u-tercero")
    await permits.refused("other-organisation", "/v1/permits", stranger, a_permit(), 403)
    give = a_delegation(
        number="D-P", delegate="regencia-1", acts=["propose_permit"], assembly_act=f"DELEGA-{PLAN}", cap_dm3=7_000,
        species=["Brosimum guianense"],
    )  # fmt: skip
    await permits.post(GIVEN, MANAGER, give, 201)
    others = a_permit(number="P-2", lines=[a_line(species="Myroxylon balsamum", volume_dm3=1)])
    await permits.refused("outside-delegation", "/v1/permits", REGENT, others)

    proposed = await permits.post("/v1/permits", REGENT, a_permit(), 201)

    assert proposed["state"] == "proposed"
    await permits.post("/v1/permits", REGENT, a_permit(), 200)
    more = a_permit(number="P-2", lines=[a_line(volume_dm3=1_120)])
    await permits.refused("delegation-exceeded", "/v1/permits", REGENT, more)
    await permits.post("/v1/permits", REGENT, more | {"lines": [a_line(volume_dm3=1_119)]}, 201)
    same = Person("authority", "gerfor-md", REGENT.sub, "madre-de-dios")
    await permits.refused("same-person", f"/v1/permits/{PERMIT}/approve", same)
    assert (await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND))["state"] == "in_force"


@pytest.mark.parametrize("ending", ["revoked", "expired"])
async def test_who_drafted_a_plan_reads_it_until_the_delegation_ends_and_the_community_and_the_regent_go_on(
    permits: Permits, ending: str
) -> None:
    await with_company(permits)
    await permits.post(GIVEN, MANAGER, to_company())
    await permits.post("/v1/plans", COMPANY, a_plan(id="PO-9"))
    await permits.upload(a_census(), COMPANY, "PO-9")
    await permits.agreed("PO-9", regent=None)
    await permits.post("/v1/plans/PO-9/submit", MANAGER)
    evidence = "/v1/plans/PO-9/findings"
    private = ("/v1/plans/PO-9", evidence, "/v1/plans/PO-9/acts", "/v1/plans/PO-9/trees")
    for path in private:
        await permits.call("GET", path, COMPANY, 200)
    assert await shown_to(permits, COMPANY) == (1, 2, True)

    await ended(permits, ending)

    for path in private:
        await permits.call("GET", path, COMPANY, 404)
        for who in (MANAGER, REGENT, OFFICER):
            await permits.call("GET", path, who, 200)
    # The database alone says the same, for who asks it without any route in between.
    assert await shown_to(permits, COMPANY) == (0, 0, False)
    assert await shown_to(permits, REGENT) == await shown_to(permits, MANAGER) == (1, 2, True)

    # Approved, the plan is everybody's to read, and where its trees stand is not.
    await permits.answered("PO-9")
    await permits.post("/v1/plans/PO-9/approve", OFFICER, {"resolution": "RGR-0000-2026"})
    trees = (await permits.get("/v1/plans/PO-9/trees", COMPANY))["items"]
    assert [tree["utm"] for tree in trees] == [None, None]
    told = (await permits.get(evidence, COMPANY))["findings"]
    assert {one["evidence"] is None for one in told} == {True}
    assert await shown_to(permits, COMPANY) == (1, 0, False)


async def ended(permits: Permits, how: str) -> None:
    if how == "revoked":
        await permits.post(f"{GIVEN}/D-9/revoke", MANAGER, {"reason": "Incumplió el contrato"})
        return
    admin = await asyncpg.connect(permits.database.admin_dsn)  # the term is the database's day, which no test moves
    await admin.execute("UPDATE delegations SET valid_to = peru_day(now()) - 1 WHERE number = 'D-9'")
    await admin.close()


async def shown_to(permits: Permits, who: Person) -> tuple[int, int, bool]:
    """How many plans, private lines and papers of findings of PO-9 row-level security shows."""
    connection = await asyncpg.connect(permits.database.app_dsn)
    await connection.execute(
        "SELECT set_config('app.org', $1, false), set_config('app.roles', $2, false), set_config('app.sub', $3, false)",
        who.org, who.role, who.sub,
    )  # fmt: skip
    plans = await connection.fetchval("SELECT count(*) FROM plans WHERE id = 'PO-9'")
    lines = await connection.fetchval("SELECT count(*) FROM census_lines WHERE plan = 'PO-9'")
    papers = await connection.fetchval("SELECT count(*) FROM finding_papers")
    await connection.close()
    return plans, lines, papers > 0


async def test_a_delegation_ends_by_the_clock(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    permits.app.state.house.clock = lambda: datetime(2099, 1, 1, 4, 59, 59, tzinfo=UTC)
    await permits.upload(a_census(), REGENT)  # in Peru it is still the last day

    permits.app.state.house.clock = lambda: datetime(2099, 1, 1, 5, tzinfo=UTC)

    assert (await permits.upload(a_census(), REGENT, expect=409))["slug"] == "delegation-ended"


async def test_a_union_does_not_join_itself(permits: Permits) -> None:
    await with_company(permits)
    union = Person("manager", "union-1", "u-9")
    paper = (await permits.paper(who=union))["sha256"]
    agreed = an_assembly(number="M-1", purpose="membership", plan=None, third_parties=["union-1"], document=paper)
    await permits.post("/v1/organisations/union-1/assembly-acts", union, agreed)

    joining = {"member": "union-1", "since": "2025-01-01", "assembly_act": "M-1"}

    await permits.refused("number-taken", "/v1/organisations/union-1/members", union, joining)


async def test_a_community_joins_a_union_by_its_own_agreement_and_leaves(permits: Permits) -> None:
    await with_company(permits)
    members = "/v1/organisations/union-1/members"
    paper = (await permits.paper())["sha256"]
    agreed = an_assembly(number="M-1", purpose="membership", plan=None, third_parties=["union-1"], document=paper)
    joining = {"member": "comunidad-a", "since": "2025-01-01", "assembly_act": "M-1"}
    await permits.refused("assembly-act-needed", members, MANAGER, joining)
    await permits.post(ACTS, MANAGER, agreed)
    await permits.refused("other-organisation", members, NEIGHBOUR, joining, 403)
    await permits.refused("not-communal", "/v1/organisations/tercero-1/members", MANAGER, joining)
    await permits.refused("assembly-act-needed", "/v1/organisations/fed-1/members", MANAGER, joining)

    await permits.post(members, MANAGER, joining, 201)
    await permits.post(members, MANAGER, joining, 200)
    await permits.post(f"{members}/comunidad-a/leave", Person("manager", "union-1", "u-9"), {"until": "2025-12-31"})

    assert [one["member"] for one in (await permits.get(members, on="2025-06-01"))["items"]] == ["comunidad-a"]
    assert (await permits.get(members, on="2026-01-01"))["items"] == []
    await permits.refused("number-taken", f"{members}/comunidad-a/leave", MANAGER, {"until": "2026-12-31"})
    await permits.post(members, MANAGER, joining | {"since": "2026-02-01"}, 201)


async def test_a_third_party_never_holds_a_community_key(permits: Permits) -> None:
    await with_company(permits)
    disguised = Person("company", "comunidad-a", "u-disguised")
    await permits.refused("third-party-key", "/v1/keys", disguised, a_key(), 403)
    shared = Ed25519PrivateKey.generate()
    await permits.post("/v1/keys", COMPANY, a_key(shared, org="tercero-1"), 201)
    await permits.refused("key-taken", "/v1/keys", MANAGER, a_key(shared))
    same_person = Person("manager", "comunidad-a", COMPANY.sub)
    await permits.refused("third-party-key", "/v1/keys", same_person, a_key(), 403)
    await permits.post("/v1/keys", MANAGER, a_key(), 201)
    await permits.refused(
        "third-party-key", "/v1/keys", Person("company", "tercero-1", MANAGER.sub), a_key(org="tercero-1"), 403
    )

    assert (await permits.post("/v1/keys", MANAGER, a_key(), 201))["state"] == "asked"
    assert (await permits.post("/v1/keys", SECOND, a_key(org="tercero-1"), 201))["state"] == "proposed"


@pytest.mark.parametrize(
    ("org", "roles", "region", "seen"),
    [
        (None, None, None, (0, 0, 0)),
        ("comunidad-b", "manager", None, (0, 0, 0)),
        ("gerfor-md", "authority", None, (0, 0, 0)),
        ("regencia-1", "regent", None, (0, 1, 0)),
        ("comunidad-a", "member", None, (2, 1, 1)),
        ("gerfor-md", "authority", "madre-de-dios", (2, 1, 1)),
    ],
)
async def test_the_database_too_shows_papers_and_agreements_to_those_concerned_only(
    permits: Permits, org: str | None, roles: str | None, region: str | None, seen: tuple[int, int, int]
) -> None:
    connection = await as_somebody(permits, org, roles, region)

    found = [
        await connection.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("assembly_acts", "delegations", "document_contents")
    ]
    await connection.close()

    assert tuple(found) == seen
