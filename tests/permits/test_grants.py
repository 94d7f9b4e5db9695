"""What an organisation lets another read, what row-level security keeps from everybody else, and the trail of both."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.permits.domain.day import peru_day
from tests.permits.conftest import (
    CERTIFIER,
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SUPERVISOR,
    TITLE,
    Permits,
    Person,
    a_census,
    a_permit,
    a_plan,
    a_title,
)
from tests.permits.field_days import NUMBER, a_forest, drawn, report, sample
from tests.permits.field_days import seen as seen_there
from tests.permits.test_access import as_somebody
from tests.permits.test_field_supervision import ANSWER, a_volume, notified

SUPERVISED = f"/v1/plans/{PLAN}/supervisions/SUP-01"
AUDITOR = Person("auditor", "auditores-1", "u-auditor")
BUYER = Person("company", "aserradero-1", "u-buyer")
GRANTS, AUDIT = "/v1/organisations/comunidad-a/grants", "/v1/organisations/comunidad-a/audit"
LATER = (datetime.now(UTC) + timedelta(days=30)).isoformat()
FAR_OFFICER = Person("authority", "gerfor-lo", "u-far", "loreto")


def a_grant(to_org: str = "auditores-1", *scope: str, **changes: Any) -> dict[str, Any]:
    return {
        "to_org": to_org, "scope": list(scope or ("plans", "census", "permits", "territory")),
        "purpose": "Auditoría anual", "valid_until": LATER,
    } | changes  # fmt: skip


@pytest.fixture
async def drafted(permits: Permits) -> Permits:
    """A draft with its census and a proposed permit on another, approved plan; nobody but those concerned may see them."""
    await permits.post("/v1/organisations", OPERATOR, {"id": "auditores-1", "name": "Auditores", "kind": "company"})
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit())
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-20"))
    await permits.upload(a_census(), plan="PO-20")
    return permits


async def seen(permits: Permits, who: Person) -> set[str]:
    """What of the community's somebody is shown."""
    found = set()
    if (await permits.call("GET", "/v1/plans/PO-20", who)).status_code == 200:
        found.add("plans")
    if (await permits.get(f"/v1/plans/{PLAN}/trees", who))["items"][0]["utm"] is not None:
        found.add("census")
    if (await permits.call("GET", f"/v1/permits/{PERMIT}", who)).status_code == 200:
        found.add("permits")
    if (await permits.get(f"/v1/titles/{TITLE}", who))["polygon"] is not None:
        found.add("territory")
    return found


ALL = {"plans", "census", "permits", "territory"}


async def test_a_grant_opens_what_it_names_to_whom_it_names_and_ends_at_once(drafted: Permits) -> None:
    assert await seen(drafted, AUDITOR) == set()

    made = await drafted.post(GRANTS, MANAGER, a_grant(), expect=201)
    assert await seen(drafted, AUDITOR) == ALL
    assert [one["number"] for one in (await drafted.get("/v1/permits", AUDITOR))["items"]] == [PERMIT]
    assert "PO-20" in [one["id"] for one in (await drafted.get("/v1/plans", AUDITOR))["items"]]
    assert await seen(drafted, CERTIFIER) == await seen(drafted, NEIGHBOUR) == set()

    ended = (await drafted.call("DELETE", f"{GRANTS}/{made['id']}", MANAGER, 200)).json()
    assert ended["revoked_by"] == MANAGER.sub
    assert await seen(drafted, AUDITOR) == set()
    again = (await drafted.call("DELETE", f"{GRANTS}/{made['id']}", MANAGER, 200)).json()
    assert again["revoked_at"] == ended["revoked_at"]


@pytest.mark.parametrize("scope", sorted(ALL))
async def test_a_grant_opens_nothing_else(drafted: Permits, scope: str) -> None:
    await drafted.post(GRANTS, MANAGER, a_grant("certifica-1", scope))

    assert await seen(drafted, CERTIFIER) == {scope}


@pytest.mark.parametrize("who", [CERTIFIER, AUDITOR, BUYER, NEIGHBOUR])
async def test_an_auditor_a_certifier_a_buyer_and_a_federation_read_by_grant(drafted: Permits, who: Person) -> None:
    await drafted.post(GRANTS, MANAGER, a_grant(who.org))

    assert await seen(drafted, who) == ALL


async def test_who_is_let_to_read_a_census_takes_it_as_a_file_and_the_community_sees_that(drafted: Permits) -> None:
    path = f"/v1/plans/{PLAN}/census.csv"
    for who in (AUDITOR, CERTIFIER, BUYER):
        assert (await drafted.call("GET", path, who, 403)).json()["slug"] == "other-organisation"
        await drafted.post(GRANTS, MANAGER, a_grant(who.org, "plans", "permits"))
        await drafted.call("GET", path, who, 403)

        await drafted.post(GRANTS, MANAGER, a_grant(who.org, "census"))

        assert b"5062990" in (await drafted.call("GET", path, who, 200)).content.replace(b".", b"")
    told = (await drafted.get(AUDIT, MANAGER))["items"]
    read = [(one["actor_org"], one["ground"]) for one in told if (one["act"], one["what"]) == ("read", "census")]
    assert read == [(who.org, "grant") for who in (AUDITOR, CERTIFIER, BUYER)]


async def test_a_company_exports_the_census_of_the_plan_it_was_delegated_and_no_longer_than_that(
    permits: Permits,
) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.agreed("PO-20", regent=BUYER.org)
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-20", delegate=BUYER.org))
    await permits.upload(a_census(), plan="PO-20")
    path = "/v1/plans/PO-20/census.xlsx"
    await permits.call("GET", path, BUYER, 200)

    await permits.post("/v1/organisations/comunidad-a/delegations/D-PO-20/revoke", MANAGER, {"reason": "Fin"})

    await permits.call("GET", path, BUYER, 404)
    await permits.call("GET", path, MANAGER, 200)


async def test_a_supervision_is_read_in_full_by_grant_and_its_words_by_nobody_else(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": "auditores-1", "name": "Auditores", "kind": "company"})
    await notified(permits, a_volume())
    await permits.get(SUPERVISED, AUDITOR, expect=404)
    await permits.post(GRANTS, MANAGER, a_grant("auditores-1", "plans", "census"))
    await permits.get(SUPERVISED, AUDITOR, expect=404)

    made = await permits.post(GRANTS, MANAGER, a_grant("auditores-1", "inspections"))

    open_one = await permits.get(SUPERVISED, AUDITOR)
    assert (open_one["state"], open_one["volumes"][0]["reason"]) == ("notified", a_volume()["reason"])
    await permits.post(f"{SUPERVISED}/answers", MANAGER, ANSWER, expect=201)
    await permits.post(f"{SUPERVISED}/close", SUPERVISOR, {"conclusion": "Se ratifica"})
    whole = await permits.get(SUPERVISED, AUDITOR)
    assert (whole["conclusion"], len(whole["answers"])) == ("Se ratifica", 1)
    trees = (await permits.get(f"{SUPERVISED}/trees", AUDITOR))["items"]
    assert [tree["found"]["observation"] is not None for tree in trees] == [True, False]
    for who in (None, CERTIFIER, NEIGHBOUR):
        public = await permits.get(SUPERVISED, who)
        assert (public["conclusion"], public["answers"], public["volumes"][0]["reason"]) == (None, [], None)
        assert (public["indicators"]["v1_permille"], public["volumes"][0]["volume_dm3"]) == (500, 4_000)
        trees = (await permits.get(f"{SUPERVISED}/trees", who))["items"]
        assert [tree["found"]["observation"] for tree in trees] == [None, None]
    read = {
        (one["actor_org"], one["ground"]) for one in (await permits.get(AUDIT, MANAGER))["items"]
        if (one["act"], one["what"]) == ("read", "inspection")
    }  # fmt: skip
    assert read == {("auditores-1", "grant")}
    await permits.call("DELETE", f"{GRANTS}/{made['id']}", MANAGER, 200)
    assert (await permits.get(SUPERVISED, AUDITOR))["conclusion"] is None


async def test_the_database_too_keeps_an_open_supervision_from_who_has_no_grant(permits: Permits) -> None:
    await notified(permits, a_volume())
    asked = "SELECT (SELECT count(*) FROM supervisions), (SELECT count(*) FROM field_places)"

    async def shown() -> tuple[int, int]:
        connection = await as_somebody(permits, CERTIFIER.org, "certifier", "")
        row = await connection.fetchrow(asked)
        await connection.close()
        return tuple(row)

    assert await shown() == (0, 0)
    await permits.post(GRANTS, MANAGER, a_grant(CERTIFIER.org, "inspections"))
    assert await shown() == (1, 2)


async def test_a_grant_counts_in_its_time_only(drafted: Permits) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    await drafted.post(GRANTS, MANAGER, a_grant(valid_from=tomorrow))
    assert await seen(drafted, AUDITOR) == set()

    await drafted.post(GRANTS, MANAGER, a_grant())
    admin = await asyncpg.connect(drafted.database.admin_dsn)
    await admin.execute(
        "UPDATE read_grants SET valid_from = now() - interval '2 days', valid_until = now() - interval '1 s'"
    )
    await admin.close()
    assert await seen(drafted, AUDITOR) == set()


async def test_nobody_gives_what_is_not_theirs(drafted: Permits) -> None:
    await drafted.post(GRANTS, NEIGHBOUR, a_grant(), expect=404)
    for who in (MEMBER, REGENT, OFFICER, AUDITOR):
        await drafted.refused("role-not-allowed", GRANTS, who, a_grant(), status=403)
    await drafted.refused("grant-to-oneself", GRANTS, MANAGER, a_grant("comunidad-a"))
    await drafted.refused("reference-unknown", GRANTS, MANAGER, a_grant("nadie"))
    await drafted.refused(
        "grant-ends-too-soon", GRANTS, MANAGER, a_grant(valid_until="2025-01-01T00:00:00Z"), status=422
    )
    await drafted.post(GRANTS, MANAGER, a_grant("auditores-1", "everything"), expect=422)
    for edge in ({"valid_from": "0001-01-01T00:00:00+14:00"}, {"valid_until": "9999-12-31T23:59:59-14:00"}):
        await drafted.post(GRANTS, MANAGER, a_grant(**edge), expect=422)  # no instants of the calendar in UTC
    made = await drafted.post(GRANTS, MANAGER, a_grant())
    await drafted.call("DELETE", f"/v1/organisations/comunidad-b/grants/{made['id']}", NEIGHBOUR, 404)
    assert await seen(drafted, AUDITOR) == ALL


async def test_both_sides_see_a_grant_and_nobody_else(drafted: Permits) -> None:
    made = await drafted.post(GRANTS, MANAGER, a_grant())

    for who in (MANAGER, MEMBER, AUDITOR):
        [one] = (await drafted.get(f"/v1/organisations/{who.org}/grants", who))["items"]
        assert one["id"] == made["id"]
    assert (await drafted.get("/v1/organisations/certifica-1/grants", CERTIFIER))["items"] == []
    await drafted.get(GRANTS, CERTIFIER, expect=404)


# Who may what at permits, by role and organisation, without any grant: whether all that is not public is shown (the house
# itself sees none of it: row-level security), and which acts the door opens to.
R, S, C, G, T = "read in full", "suspend a permit", "certify", "give a grant", "read the trail"
MATRIX: list[tuple[Person, set[str]]] = [
    (MANAGER, {R, G, T}), (MEMBER, {R, T}), (REGENT, {R, T}), (Person("machine", "comunidad-a", "u-machine"), {R}),
    (OFFICER, {R, S, T}), (SUPERVISOR, {R, S, T}), (Person("service", "trozalog", "u-service"), set()),
    (Person("authority", "gerfor-md", "u-nowhere"), {T}), (FAR_OFFICER, {T}), (CERTIFIER, {C, T}), (AUDITOR, {T}),
    (BUYER, {T}), (NEIGHBOUR, {T}), (OPERATOR, {T}),
]  # fmt: skip


@pytest.mark.parametrize(("who", "may"), MATRIX, ids=[f"{who.role} of {who.org} {who.region}" for who, _ in MATRIX])
async def test_who_may_what_without_a_grant(drafted: Permits, who: Person, may: set[str]) -> None:
    shown = await seen(drafted, who)
    opened = {
        S: await drafted.call("POST", f"/v1/permits/{PERMIT}/suspend", who, json={"reason": "x"}),
        C: await drafted.call("POST", "/v1/certificates", who, json={"no": 1}),
        G: await drafted.call("POST", GRANTS, who, json=a_grant()),
        T: await drafted.call("GET", AUDIT, who),
    }

    assert shown == (ALL if R in may else set())
    for act, answer in opened.items():
        refused = answer.status_code in (403, 404)
        assert refused is (act not in may), (act, answer.status_code, answer.text[:200])


# ---- the trail


async def trail(permits: Permits, who: Person = MANAGER, expect: int = 200) -> list[tuple[str, str, str, str, str]]:
    lines = (await permits.get(AUDIT, who, expect))["items"]
    return [(one["actor"], one["act"], one["what"], one["thing"], one["ground"]) for one in lines]


async def test_the_community_sees_who_read_what_and_on_what_ground(drafted: Permits) -> None:
    made = await drafted.post(GRANTS, MANAGER, a_grant())
    before = len(await trail(drafted))
    for who in (AUDITOR, SUPERVISOR, REGENT, MANAGER, NEIGHBOUR):
        await seen(drafted, who)

    lines = [line for line in (await trail(drafted))[before:] if line[1] == "read"]

    things = [("plan", "PO-20"), ("census", PLAN), ("permit", PERMIT), ("territory", TITLE)]
    for who, ground in ((AUDITOR, "grant"), (SUPERVISOR, "office")):
        assert [line for line in lines if line[0] == who.sub] == [(who.sub, "read", *thing, ground) for thing in things]
    assert {line[4] for line in lines if line[0] == REGENT.sub} == {"party"}
    assert {line[0] for line in lines} == {
        AUDITOR.sub,
        SUPERVISOR.sub,
        REGENT.sub,
    }  # one's own, and nothing, are not noted
    by_grant = [one for one in (await drafted.get(AUDIT, MANAGER))["items"] if one["ground"] == "grant"]
    assert {one["grant_id"] for one in by_grant} == {made["id"]}


async def test_the_trail_has_every_change_with_its_state(permits: Permits) -> None:
    await permits.issued_permit()

    lines = (await permits.get(AUDIT, MANAGER))["items"]

    changed = [(one["actor"], one["what"], one["detail"], one["ground"]) for one in lines if one["act"] != "read"]
    findings = [one for one in changed if one[1] == "finding"]
    assert set(findings) == {
        (MANAGER.sub, "finding", "explain", "own"),
        (SUPERVISOR.sub, "finding", "accept", "office"),
    }
    assert [one for one in changed if one not in findings] == [
        (OFFICER.sub, "title", "", "office"), (MANAGER.sub, "plan", "draft", "own"), (REGENT.sub, "plan", "draft", "party"),
        (MANAGER.sub, "plan", "draft > submitted", "own"), (OFFICER.sub, "plan", "submitted > approved", "office"),
        (OFFICER.sub, "permit", "proposed", "office"), ("u-second", "permit", "proposed > in_force", "office"),
    ]  # fmt: skip


async def test_the_community_sees_who_was_shown_the_places_of_sampled_trees(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": "auditores-1", "name": "Auditores", "kind": "company"})
    await drawn(permits)
    await report(permits, [seen_there(tree) for tree in (await sample(permits))[:2]])

    async def shown(who: Person | None) -> tuple[int, int, list[tuple[str, str, str]]]:
        """Places of the census and of the field that are answered, and what that left in the trail."""
        before = len(await trail(permits))
        trees = await sample(permits, who)
        lines = [(*line[2:4], line[4]) for line in (await trail(permits))[before:] if line[1] == "read"]
        planned = sum(tree["planned"] is not None and tree["planned"]["utm"] is not None for tree in trees)
        return planned, sum(tree["found"] is not None and tree["found"]["utm"] is not None for tree in trees), lines

    for who in (None, AUDITOR, MANAGER):
        assert (await shown(who))[2] == []
    assert (await shown(AUDITOR))[:2] == (0, 0)

    await permits.post(GRANTS, MANAGER, a_grant("auditores-1", "census"))
    planned, found, lines = await shown(AUDITOR)
    assert (planned > 2, found, lines) == (True, 0, [("census", PLAN, "grant")])
    await permits.post(GRANTS, MANAGER, a_grant("auditores-1", "inspections"))
    assert (await shown(AUDITOR))[1:] == (2, [("census", PLAN, "grant"), ("inspection", NUMBER, "grant")])
    assert (await shown(SUPERVISOR))[1:] == (2, [("census", PLAN, "office"), ("inspection", NUMBER, "party")])


async def test_the_trail_has_what_is_done_to_papers_findings_and_approved_plans(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": "regencia-9", "name": "Otra", "kind": "regent_firm"})
    licence, quota = {"number": "LR-1", "valid_from": "2020-01-01", "valid_to": "2098-12-31"}, "DENP 01-2026"
    await permits.approved_plan(a_forest())
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-20"))
    before = len(await trail(permits))
    papers, licences = f"/v1/plans/{PLAN}/cites-papers", f"/v1/organisations/{REGENT.org}/licences"
    await permits.post(
        papers, OFFICER, {"species": "Dipteryx ferrea", "kind": "non_detriment_finding", "number": quota}, 201
    )
    gone = {
        "species": "Dipteryx ferrea",
        "number": quota,
        "act": "revoked",
        "reason": "Falso",
        "no_more_from": peru_day(datetime.now(UTC)).isoformat(),
    }
    await permits.post(f"{papers}/changes", OFFICER, gone, 201)
    await permits.post(licences, OFFICER, licence, 201)
    ended = {
        "number": "LR-1",
        "act": "ended",
        "reason": "Renuncia",
        "no_more_from": peru_day(datetime.now(UTC)).isoformat(),
    }
    await permits.post(f"{licences}/changes", OFFICER, ended, 201)
    await permits.post("/v1/organisations/regencia-9/licences", OFFICER, licence, 201)  # of nobody's plan
    await permits.post(f"/v1/plans/{PLAN}/suspend", SUPERVISOR, {"reason": "Se revisa"})
    await permits.post(f"/v1/plans/{PLAN}/reinstate", SUPERVISOR, {"reason": "Se revisó"})

    lines = (await permits.get(AUDIT, MANAGER, limit=200))["items"][before:]

    paper = f"{PLAN} Dipteryx ferrea {quota}"
    assert [(one["actor"], one["act"], one["what"], one["thing"], one["detail"], one["ground"]) for one in lines if one["act"] != "read"] == [
        (OFFICER.sub, "added", "cites_paper", paper, "registered", "office"),
        (OFFICER.sub, "changed", "cites_paper", paper, "revoked", "office"),
        (OFFICER.sub, "added", "licence", f"{REGENT.org} LR-1", "registered", "office"),
        (OFFICER.sub, "changed", "licence", f"{REGENT.org} LR-1", "ended", "office"),
        (SUPERVISOR.sub, "changed", "plan", PLAN, "suspend", "office"),
        (SUPERVISOR.sub, "changed", "plan", PLAN, "reinstate", "office"),
    ]  # fmt: skip
    regents = (await permits.get(f"/v1/organisations/{REGENT.org}/audit", OFFICER, limit=200))["items"]
    assert [one["what"] for one in regents if one["actor"] == OFFICER.sub and one["act"] != "read"] == ["licence"] * 2


async def test_everybody_else_sees_their_own_acts_and_an_operator_no_content(drafted: Permits) -> None:
    await seen(drafted, SUPERVISOR)
    await seen(drafted, REGENT)
    whole = await trail(drafted)

    assert {line[0] for line in await trail(drafted, REGENT)} == {REGENT.sub}
    assert await trail(drafted, MEMBER) == await trail(drafted, NEIGHBOUR) == []
    assert await trail(drafted, SUPERVISOR) == await trail(drafted, OFFICER) == whole
    assert await trail(drafted, FAR_OFFICER) == []
    assert {line[3] for line in await trail(drafted, OPERATOR)} == {None}
    await drafted.post(GRANTS, MANAGER, a_grant("auditores-1", "audit"))
    assert await trail(drafted, AUDITOR) == whole
    await drafted.get("/v1/organisations/nadie/audit", SUPERVISOR, expect=404)


async def test_a_long_trail_comes_in_pages(permits: Permits) -> None:
    await permits.issued_permit()
    whole = (await permits.get(AUDIT, MANAGER))["items"]

    first = await permits.get(AUDIT, MANAGER, limit=3)
    rest = await permits.get(AUDIT, MANAGER, limit=100, cursor=first["next"])

    assert [*first["items"], *rest["items"]] == whole
    assert rest["next"] is None


# ---- behind the routes

# Every table that holds what is not public, with the ground on which rows of it are shown. The rest is public: it is, or
# will be, in the log, or it is nobody's (the lease).
PRIVATE = {
    "assembly_acts", "audit", "census_jobs", "census_keys", "census_prints", "cites_papers", "census_lines", "census_trees", "commands", "crown_looks", "delegations", "document_contents",
    "document_grants", "documents", "draw_bases", "field_places", "field_results", "field_visits", "finding_acts",
    "finding_papers", "findings", "parcel_shapes", "permit_amendments", "permit_appeals", "permit_extensions", "permits",
    "plan_acts", "plan_reviews", "plans", "read_grants", "supervision_answers", "supervision_documents",
    "supervision_volume_acts", "supervision_volume_words", "supervision_volumes", "supervisions", "title_polygons", "title_zones", "verifications",
}  # fmt: skip
WRITTEN_BY_ONE = {"certificates", "certificate_members", "certificate_acts", "licences"}
PUBLIC = {
    "organisations", "keys", "key_revocations", "titles", "permit_acts", "inspections", "outbox", "publisher_lease",
    "alembic_version", "memberships", "verification_trees", "turn",
}  # fmt: skip


async def test_every_table_is_known_to_be_public_or_has_row_level_security(permits: Permits) -> None:
    admin = await asyncpg.connect(permits.database.admin_dsn)
    rows = await admin.fetch(
        "SELECT relname, relrowsecurity FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    await admin.close()

    assert {row["relname"] for row in rows if row["relrowsecurity"]} == PRIVATE | WRITTEN_BY_ONE
    assert {row["relname"] for row in rows if not row["relrowsecurity"]} == PUBLIC


def open_to_the_house(permits: Permits) -> None:
    """The policy layer is switched off: every operation is open to `service`, a role without borders."""
    guard = permits.app.state.guard
    guard.table = {operation: {"service": "any"} for operation in guard.table}


READS = {
    "plan": "/v1/plans/PO-20", "trees of a draft": "/v1/plans/PO-20/trees", "tree of a draft": "/v1/plans/PO-20/trees/501",
    "proposal": f"/v1/permits/{PERMIT}",
}  # fmt: skip


async def test_without_the_access_table_row_level_security_still_keeps_what_is_not_public(drafted: Permits) -> None:
    """What is left is the database, which knows whose transaction it is."""
    open_to_the_house(drafted)
    stranger, insider = Person("service", "comunidad-b", "u-x", "*"), Person("service", "comunidad-a", "u-y", "*")

    for path in READS.values():
        await drafted.get(path, stranger, expect=404)
        await drafted.get(path, insider)
    assert (await drafted.get(f"/v1/titles/{TITLE}", stranger))["polygon"] is None
    assert (await drafted.get(f"/v1/titles/{TITLE}", insider))["polygon"] is not None
    trees = (await drafted.get(f"/v1/plans/{PLAN}/trees", stranger))["items"]
    assert trees
    assert all(tree["utm"] is None and tree["block"] is None for tree in trees)
    assert (await drafted.get("/v1/permits", stranger))["items"] == []
    assert [one["id"] for one in (await drafted.get("/v1/plans", stranger))["items"]] == [PLAN]
    assert (await drafted.get(AUDIT, stranger))["items"] == []
    assert (await drafted.get(AUDIT, insider))["items"] != []
    assert (await drafted.get("/v1/organisations/comunidad-a/grants", stranger))["items"] == []


async def test_without_the_access_table_nobody_changes_what_is_another_organisations(drafted: Permits) -> None:
    open_to_the_house(drafted)
    stranger = Person("service", "comunidad-b", "u-x", "*")

    for path, body in (
        (f"/v1/plans/{PLAN}/submit", None), ("/v1/plans/PO-20/submit", None),
        ("/v1/plans/PO-20/approve", {"resolution": "R"}), (f"/v1/permits/{PERMIT}/approve", None),
        (f"/v1/permits/{PERMIT}/suspend", {"reason": "x"}),
    ):  # fmt: skip
        answer = await drafted.call("POST", path, stranger, json=body)
        assert answer.status_code in (403, 404, 409), (path, answer.text)
    for path, body in (("/v1/titles", a_title(number="CN-X")), (GRANTS, a_grant())):
        answer = await drafted.call("POST", path, stranger, json=body)
        assert answer.status_code == 500, (path, answer.text)  # row-level security said no where nothing else did
    admin = await asyncpg.connect(drafted.database.admin_dsn)
    assert await admin.fetchval("SELECT count(*) FROM read_grants") == 0
    assert await admin.fetchval("SELECT count(*) FROM title_polygons") == 1
    assert dict(await admin.fetch("SELECT id, state FROM plans")) == {PLAN: "approved", "PO-20": "draft"}
    assert await admin.fetchval("SELECT state FROM permits") == "proposed"
    await admin.close()


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM audit", "UPDATE audit SET actor = 'x'", "DELETE FROM read_grants", "UPDATE read_grants SET scope = '{audit}'",
     "UPDATE read_grants SET valid_until = valid_until + interval '1 day'", "DELETE FROM certificates"],
)  # fmt: skip
async def test_the_service_cannot_unsay_a_grant_or_a_line_of_the_trail(permits: Permits, change: str) -> None:
    connection = await asyncpg.connect(permits.database.app_dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(change)
    await connection.close()
