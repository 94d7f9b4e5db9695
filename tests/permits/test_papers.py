"""Papers that rules ask for, through the door: licences of regents, census days, CITES papers, what supervisions found."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.permits.domain.day import peru_day
from tests.permits.conftest import (
    MANAGER,
    NEIGHBOUR,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Permits,
    Person,
    a_census,
    a_plan,
    a_title,
)
from tests.permits.field_days import PATH as VERIFICATION
from tests.permits.field_days import VERIFIER, a_forest, drawn, report, sample, seen
from tests.permits.test_access import as_somebody
from tests.permits.test_field_supervision import (
    ANSWER,
    LINES,
    SUPERVISIONS,
    TREE_501,
    TREE_1170,
    TRIBUNAL,
    WORD,
    a_balance,
    a_volume,
    all_documents,
    moved,
    unseen,
)
from tests.permits.test_field_supervision import BODY as SUPERVISION
from tests.permits.test_field_supervision import PATH as SUPERVISED

LICENCES = f"/v1/organisations/{REGENT.org}/licences"
PAPERS = f"/v1/plans/{PLAN}/cites-papers"
CHANGES = f"{LICENCES}/changes"
PAPER_CHANGES = f"{PAPERS}/changes"
LICENCE = {"number": "LR-0001", "valid_from": "2020-01-01", "valid_to": "2098-12-31"}
QUOTA = {"species": "Dipteryx ferrea", "kind": "non_detriment_finding", "number": "DENP 01-2026"}
COMPANY = Person("company", "tercero-1", "u-tercero")


def today() -> date:
    return peru_day(datetime.now(UTC))


@pytest.fixture
async def permits(open_permits: Any) -> Permits:
    return await (await open_permits()).introduce()


async def rule(permits: Permits, name: str) -> tuple[str, str]:
    """What an officer's review says now."""
    await permits.post(f"/v1/plans/{PLAN}/review", SECOND)
    found = (await permits.get(f"/v1/plans/{PLAN}/findings", MANAGER))["findings"]
    (one,) = [one for one in found if one["rule"] == name]
    return one["status"], one["severity"]


async def submitted(permits: Permits, **said: Any) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, said)


async def test_the_resolution_is_judged_once_licence_and_census_day_are_known(permits: Permits) -> None:
    await submitted(permits, census_ended_on=today().isoformat())
    assert await rule(permits, "P04") == ("NOT_EVALUATED", "")
    await permits.post(LICENCES, OFFICER, LICENCE | {"number": "LR-0000", "valid_to": "2020-12-31"}, 201)
    assert await rule(permits, "P04") == ("FAIL", "S4")

    await permits.post(LICENCES, OFFICER, LICENCE, 201)

    assert await rule(permits, "P04") == ("PASS", "")
    assert [one["number"] for one in (await permits.get(LICENCES))["items"]] == ["LR-0000", "LR-0001"]


async def test_without_the_day_the_census_ended_a_licence_is_not_enough(permits: Permits) -> None:
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    await submitted(permits)

    assert await rule(permits, "P04") == ("NOT_EVALUATED", "")


async def test_a_census_does_not_end_on_a_day_that_has_not_come(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    tomorrow = (today() + timedelta(days=2)).isoformat()

    await permits.refused("day-not-come", f"/v1/plans/{PLAN}/submit", MANAGER, {"census_ended_on": tomorrow})

    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, {"census_ended_on": today().isoformat()})


async def test_a_census_that_ended_after_it_was_uploaded_is_not_one(permits: Permits) -> None:
    """A list that was uploaded before its census ended was made at a desk."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    permits.app.state.house.clock = lambda: datetime.now(UTC) + timedelta(days=3)
    later = (today() + timedelta(days=2)).isoformat()
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, {"census_ended_on": later})

    assert await rule(permits, "P04") == ("FAIL", "S4")

    await permits.post(f"/v1/plans/{PLAN}/observe", SECOND, {"reason": "El censo terminó después de subirlo."})
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, {"census_ended_on": today().isoformat()})
    assert await rule(permits, "P04") == ("PASS", "")


def dated(day: date, trees: int = 60) -> bytes:
    """A forest of which each tree says on which day it was measured."""
    rows = a_forest(common=trees).decode().splitlines()
    return "\n".join([f"{rows[0]},fecha", *(f"{row},{day.isoformat()}" for row in rows[1:]), ""]).encode()


@pytest.mark.parametrize(("days", "status"), [(0, "PASS"), (1, "FAIL")])
async def test_trees_that_are_dated_after_the_upload_were_measured_by_nobody(
    permits: Permits, days: int, status: str
) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(dated(today() + timedelta(days=days)), REGENT)
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER, {"census_ended_on": today().isoformat()})

    assert (await rule(permits, "P04"))[0] == status


async def test_the_pace_of_a_census_is_judged_where_it_dates_its_trees(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    for census, expected in (
        (a_forest(common=60), ("NOT_EVALUATED", "")), (dated(today()), ("PASS", "")), (dated(today(), 420), ("FAIL", "S2")),
    ):  # fmt: skip
        await permits.upload(census, REGENT)
        await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
        assert await rule(permits, "F10") == expected
        await permits.post(f"/v1/plans/{PLAN}/observe", SECOND, {"reason": "Otra vez."})


def a_change(**changes: Any) -> dict[str, Any]:
    return {
        "number": LICENCE["number"], "act": "revoked", "no_more_from": today().isoformat(), "reason": "Sanción firme",
    } | changes  # fmt: skip


async def test_p04_does_not_pass_on_a_licence_that_was_revoked_and_the_old_finding_stays(permits: Permits) -> None:
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    await submitted(permits, census_ended_on=today().isoformat())
    assert await rule(permits, "P04") == ("PASS", "")
    review = (await permits.get(f"/v1/plans/{PLAN}/findings", MANAGER))["review"]

    told = await permits.post(CHANGES, SECOND, a_change(), 201)

    assert (told["state"], told["no_more_from"]) == ("revoked", today().isoformat())
    assert [(one["version"], one["act"], one["by_org"]) for one in told["versions"]] == [
        (1, "registered", OFFICER.org), (2, "revoked", SECOND.org),
    ]  # fmt: skip
    assert (await permits.get(LICENCES))["items"] == [told]
    assert await rule(permits, "P04") == ("FAIL", "S4")
    earlier = (await permits.get(f"/v1/plans/{PLAN}/findings", MANAGER, review=review))["findings"]
    (p04,) = [one for one in earlier if one["rule"] == "P04"]
    assert p04["status"] == "PASS"
    assert p04["evidence"][-1] == {
        "licence": "LR-0001", "valid_from": "2020-01-01", "valid_to": "2098-12-31",
    }  # fmt: skip


async def test_a_licence_that_ended_after_the_signature_or_was_corrected_still_holds(permits: Permits) -> None:
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    await submitted(permits, census_ended_on=today().isoformat())
    tomorrow = (today() + timedelta(days=1)).isoformat()

    await permits.post(CHANGES, OFFICER, a_change(act="ended", no_more_from=tomorrow, reason="Renunció"), 201)
    assert await rule(permits, "P04") == ("PASS", "")
    narrow = {"act": "corrected", "no_more_from": None, "valid_from": "2020-01-01", "valid_to": "2020-12-31"}
    await permits.post(CHANGES, OFFICER, a_change(**narrow), 201)
    assert await rule(permits, "P04") == ("FAIL", "S4")
    told = await permits.post(CHANGES, OFFICER, a_change(**narrow | {"valid_to": "2098-12-31"}), 201)

    assert await rule(permits, "P04") == ("PASS", "")
    assert (told["state"], told["no_more_from"], len(told["versions"])) == ("registered", None, 4)


async def test_a_plan_is_not_approved_on_a_review_that_read_a_paper_which_was_taken_back(permits: Permits) -> None:
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    await submitted(permits, census_ended_on=today().isoformat())
    await permits.answered()
    permits.app.state.house.clock = lambda: datetime.now(UTC) + timedelta(minutes=1)
    await permits.post(CHANGES, OFFICER, a_change(act="ended", no_more_from="2098-01-01", reason="Renunció"), 201)
    decision = {"resolution": "RGR-0000-2025"}

    await permits.refused("review-needed", f"/v1/plans/{PLAN}/approve", OFFICER, decision)

    permits.app.state.house.clock = lambda: datetime.now(UTC) + timedelta(minutes=2)
    await permits.answered()
    await permits.post(f"/v1/plans/{PLAN}/approve", OFFICER, decision)


async def test_a_licence_is_changed_by_an_authority_and_taken_back_once(permits: Permits) -> None:
    await permits.post(CHANGES, OFFICER, a_change(), 404)
    await permits.post(LICENCES, OFFICER, LICENCE, 201)
    first = await permits.post(CHANGES, OFFICER, a_change(), 201)

    assert await permits.post(CHANGES, SECOND, a_change(), 200) == first
    await permits.refused("wrong-state", CHANGES, OFFICER, a_change(act="ended"))
    await permits.refused("role-not-allowed", CHANGES, REGENT, a_change(), 403)
    for wrong in (
        {"no_more_from": None}, {"no_more_from": "2019-12-31"}, {"valid_from": "2020-01-01"}, {"reason": ""},
        {"act": "corrected"}, {"act": "corrected", "no_more_from": None, "valid_from": "2021-01-01", "valid_to": "2020-01-01"},
    ):  # fmt: skip
        await permits.post(CHANGES, OFFICER, a_change(**wrong), 422)
    await permits.refused("number-taken", LICENCES, OFFICER, LICENCE)


async def test_p15_does_not_pass_on_a_cites_paper_that_was_taken_back(permits: Permits) -> None:
    await drawn(permits)
    await permits.post(PAPERS, OFFICER, QUOTA, 201)
    await report(permits, [seen(tree) for tree in await sample(permits)])
    await permits.post(f"{VERIFICATION}/close", VERIFIER)
    assert await rule(permits, "P15") == ("PASS", "")
    change = {"species": QUOTA["species"], "number": QUOTA["number"], "act": "revoked", "reason": "Cupo anulado"}

    told = await permits.post(PAPER_CHANGES, OFFICER, change | {"no_more_from": today().isoformat()}, 201)

    assert (told["state"], [one["act"] for one in told["versions"]]) == ("revoked", ["registered", "revoked"])
    assert await rule(permits, "P15") == ("FAIL", "S4")
    await permits.refused("role-not-allowed", PAPER_CHANGES, MANAGER, change | {"no_more_from": "2026-01-01"}, 403)
    await permits.post(PAPER_CHANGES, OFFICER, change | {"act": "corrected", "kind": "quota"}, 201)
    assert await rule(permits, "P15") == ("PASS", "")


async def test_a_licence_is_registered_by_an_authority_once(permits: Permits) -> None:
    first = await permits.post(LICENCES, OFFICER, LICENCE, 201)
    assert await permits.post(LICENCES, SECOND, LICENCE, 200) == first

    await permits.refused("number-taken", LICENCES, OFFICER, LICENCE | {"valid_to": "2030-01-01"})
    await permits.post(LICENCES, OFFICER, LICENCE | {"number": "LR-2", "valid_to": "2019-01-01"}, 422)
    await permits.refused("role-not-allowed", LICENCES, REGENT, LICENCE, 403)
    await permits.post("/v1/organisations/nadie/licences", OFFICER, LICENCE, 404)
    await permits.get("/v1/organisations/nadie/licences", expect=404)


async def test_cites_trees_need_their_paper_and_somebody_who_saw_them_all(permits: Permits) -> None:
    await drawn(permits)
    assert await rule(permits, "P15") == ("NOT_EVALUATED", "")
    await permits.post(PAPERS, OFFICER, QUOTA, 201)
    assert await rule(permits, "P15") == ("NOT_EVALUATED", "")

    await report(permits, [seen(tree) for tree in await sample(permits)])
    await permits.post(f"{VERIFICATION}/close", VERIFIER)

    assert await rule(permits, "P15") == ("PASS", "")


async def test_a_cites_tree_that_nobody_found_is_not_covered_by_a_paper(permits: Permits) -> None:
    await drawn(permits)
    await permits.post(PAPERS, OFFICER, QUOTA, 201)
    trees = await sample(permits)
    gone = next(tree for tree in trees if tree["stratum"] == "cites")
    away = {"state": "absent", "observation": "Se buscó en 50 m a la redonda"}
    absent = {"parcel": gone["parcel"], "code": gone["code"], "seen_on": "2026-11-20"} | away
    await report(permits, [seen(tree) if tree is not gone else absent for tree in trees])

    await permits.post(f"{VERIFICATION}/close", VERIFIER)

    assert await rule(permits, "P15") == ("FAIL", "S4")


async def test_a_tree_of_another_species_is_not_the_cites_tree_of_the_census(permits: Permits) -> None:
    await drawn(permits)
    await permits.post(PAPERS, OFFICER, QUOTA, 201)
    trees = await sample(permits)
    other = next(tree for tree in trees if tree["stratum"] == "cites")
    found = {"species_field": "Brosimum guianense"}
    await report(permits, [seen(tree, **(found if tree is other else {})) for tree in trees])

    await permits.post(f"{VERIFICATION}/close", VERIFIER)

    assert await rule(permits, "P15") == ("FAIL", "S4")


async def test_a_cites_paper_is_of_an_officer_of_the_region_and_for_a_listed_species(permits: Permits) -> None:
    await submitted(permits)
    first = await permits.post(PAPERS, OFFICER, QUOTA, 201)
    assert await permits.post(PAPERS, OFFICER, QUOTA, 200) == first

    await permits.refused("species-not-listed", PAPERS, OFFICER, QUOTA | {"species": "Brosimum guianense"})
    await permits.refused("number-taken", PAPERS, OFFICER, QUOTA | {"kind": "quota"})
    await permits.refused("role-not-allowed", PAPERS, MANAGER, QUOTA, 403)
    await permits.post(PAPERS, Person("authority", "gerfor-lo", "u-lo", "loreto"), QUOTA, 404)
    assert (await permits.get(PAPERS, MANAGER))["items"] == [first]
    await permits.get(PAPERS, NEIGHBOUR, expect=404)


@pytest.mark.parametrize(
    ("org", "roles", "region"),
    [("comunidad-a", "manager", ""), ("gerfor-lo", "authority", "loreto"), ("", "", "")],
)
async def test_the_database_lets_nobody_else_write_papers(permits: Permits, org: str, roles: str, region: str) -> None:
    await submitted(permits)
    connection = await as_somebody(permits, org, roles, region)
    added = [f"INSERT INTO cites_papers VALUES ('{PLAN}', 'S', 'quota', 'N', 'u', 'gerfor-md', now())"]
    if roles != "authority":
        added.append("INSERT INTO licences VALUES ('regencia-1', 'N', now(), now(), 'u', 'gerfor-md', now())")

    for statement in added:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_what_a_supervision_found_of_moved_wood_is_in_the_record_of_the_company(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": COMPANY.org, "name": "T", "kind": "third_party"})
    record = f"/v1/organisations/{COMPANY.org}/track-record"
    await permits.agreed_to_holder(COMPANY.org)
    await permits.issued_permit(lines=LINES, holder=COMPANY.org)
    assert (await permits.get(record, COMPANY))["supervised"] == []
    permits.custody.balances = [a_balance(8_000)]
    await permits.post(SUPERVISIONS, SUPERVISOR, SUPERVISION, expect=201)
    await permits.post(f"{SUPERVISED}/trees", SUPERVISOR, {"trees": [moved(TREE_501), unseen(TREE_1170)]})
    await permits.post(f"{SUPERVISED}/volumes", SUPERVISOR, {"volumes": [a_volume()]})
    await permits.post(f"{SUPERVISED}/documents", SUPERVISOR, all_documents())
    await permits.post(f"{SUPERVISED}/notify", SUPERVISOR)
    await permits.post(f"{SUPERVISED}/answers", MANAGER, ANSWER, expect=201)
    assert (await permits.get(record, COMPANY))["supervised"] == []

    await permits.post(f"{SUPERVISED}/close", SUPERVISOR, {"conclusion": "Se ratifica"})

    told = await permits.get(record, COMPANY)
    assert told["supervised"] == [
        {
            "org": "comunidad-a", "supervision": "SUP-01", "permit": PERMIT, "closed_on": today().isoformat(),
            "moved_dm3": 8_000, "unjustified_dm3": 4_000, "v3_permille": 500,
        }
    ]  # fmt: skip
    (k10,) = [one for one in told["findings"] if one["rule"] == "K10"]
    assert (k10["status"], k10["computed"]["high_v3_communities"]) == ("PASS", 1)  # one community is no pattern yet
    assert (k10["evidence"][0]["worst_supervision"], k10["evidence"][0]["newest_supervision"]) == ("SUP-01", "SUP-01")
    clean = SUPERVISION | {"number": "SUP-02"}
    await supervised_again(permits, clean)
    told = await permits.get(record, COMPANY)
    assert [one["v3_permille"] for one in told["supervised"]] == [500, 0]
    (k10,) = [one for one in told["findings"] if one["rule"] == "K10"]
    assert k10["computed"]["high_v3_communities"] == 1
    assert (k10["evidence"][0]["worst_supervision"], k10["evidence"][0]["newest_supervision"]) == ("SUP-01", "SUP-02")


async def test_a_volume_under_appeal_is_in_nobodys_record_until_it_is_decided(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": COMPANY.org, "name": "T", "kind": "third_party"})
    await permits.agreed_to_holder(COMPANY.org)
    await permits.issued_permit(lines=LINES, holder=COMPANY.org)
    permits.custody.balances = [a_balance(8_000)]
    await permits.post(SUPERVISIONS, SUPERVISOR, SUPERVISION, expect=201)
    await permits.post(f"{SUPERVISED}/trees", SUPERVISOR, {"trees": [moved(TREE_501), unseen(TREE_1170)]})
    await permits.post(f"{SUPERVISED}/volumes", SUPERVISOR, {"volumes": [a_volume()]})
    await permits.post(f"{SUPERVISED}/documents", SUPERVISOR, all_documents())
    await permits.post(f"{SUPERVISED}/notify", SUPERVISOR)
    await permits.post(f"{SUPERVISED}/answers", MANAGER, ANSWER, expect=201)
    await permits.post(f"{SUPERVISED}/close", SUPERVISOR, {"conclusion": "Se ratifica"})

    async def recorded() -> list[tuple[int, int]]:
        told = await permits.get(f"/v1/organisations/{COMPANY.org}/track-record", COMPANY)
        return [(one["unjustified_dm3"], one["v3_permille"]) for one in told["supervised"]]

    before = await recorded()
    await permits.post(f"{SUPERVISED}/volumes/appeal", MANAGER, WORD)
    meanwhile = await recorded()
    await permits.post(f"{SUPERVISED}/volumes/closing", TRIBUNAL, WORD | {"outcome": "upheld"})

    assert (before, meanwhile, await recorded()) == ([(4_000, 500)], [(0, 0)], [(4_000, 500)])


async def supervised_again(permits: Permits, body: dict[str, Any]) -> None:
    """A later supervision of the same permit, which finds nothing."""
    path = f"{SUPERVISIONS}/{body['number']}"
    permits.app.state.house.clock = lambda: datetime.now(UTC) + timedelta(days=30)
    permits.custody.balances = [a_balance(5_000, "Brosimum guianense")]
    await permits.post(SUPERVISIONS, SUPERVISOR, body, expect=201)
    await permits.post(f"{path}/trees", SUPERVISOR, {"trees": [moved(TREE_501)]})
    await permits.post(f"{path}/documents", SUPERVISOR, all_documents())
    await permits.post(f"{path}/notify", SUPERVISOR)
    await permits.post(f"{path}/answers", MANAGER, ANSWER, expect=201)
    await permits.post(f"{path}/close", SUPERVISOR, {"conclusion": "Nada"})
