"""Permits: proposed, approved by somebody else, suspended, amended, verified by anyone."""

import asyncio
from typing import Any

import pytest

from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Permits,
    a_line,
    a_permit,
    a_title,
)

VERIFY = f"/v1/permits/{PERMIT}/verify"


async def test_a_permit_counts_once_another_officer_has_approved_it(permits: Permits) -> None:
    await permits.approved_plan()
    proposed = await permits.post("/v1/permits", OFFICER, a_permit(), expect=201)
    assert proposed["state"] == "proposed"

    issued = await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)

    assert (issued["state"], issued["census"]["p05"]) == ("in_force", "PASS")
    verified = await permits.get(VERIFY, on="2026-12-01")
    assert (verified["valid"], verified["reasons"], verified["holder"]["id"]) == (True, [], "comunidad-a")
    assert verified["lines"]["by_product"] == [{"product": "roundwood", "volume_dm3": 5881}]
    assert [(one["product"], one["volume_dm3"]) for one in verified["lines"]["by_species"]] == [("roundwood", 5881)]
    await permits.published()
    assert (await permits.get(VERIFY))["log"]["state"] == "in_log"


async def test_who_proposes_a_permit_does_not_approve_it(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit())

    await permits.refused("same-person", f"/v1/permits/{PERMIT}/approve", OFFICER)

    assert (await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND))["state"] == "in_force"


@pytest.mark.parametrize(("volume_dm3", "trees"), [(5_911, 1), (5_881, 2)])
async def test_more_than_the_census_holds_is_not_issued(permits: Permits, volume_dm3: int, trees: int) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit(lines=[a_line(volume_dm3=volume_dm3, trees=trees)]))

    problem = await permits.refused("exceeds-census", f"/v1/permits/{PERMIT}/approve", SECOND)

    assert (problem["facts"]["census_dm3"], problem["facts"]["census_trees"]) == (5881, 1)


async def test_of_two_permits_approved_in_one_moment_the_second_is_weighed_with_the_first(permits: Permits) -> None:
    await permits.approved_plan()
    numbers = [PERMIT, "RGR-0001-2025", "RGR-0002-2025"]
    for number in numbers:
        await permits.post("/v1/permits", OFFICER, a_permit(number=number))  # each for all that the census holds

    answers = await asyncio.gather(
        *(permits.call("POST", f"/v1/permits/{number}/approve", SECOND) for number in numbers)
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert {answer.json()["slug"] for answer in answers if answer.status_code == 409} == {"exceeds-census"}


async def test_boards_are_weighed_against_no_tree_and_the_public_answer_says_so(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit(lines=[a_line(), a_line(product="sawn", volume_dm3=999_999)]))

    issued = await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)

    assert issued["census"]["p05"] == "NOT_EVALUATED"
    assert "no se evaluó contra él todo el volumen" in (await permits.get(VERIFY))["census"]["es"]


async def test_half_a_percent_above_the_census_is_still_issued(permits: Permits) -> None:
    issued = await permits.issued_permit(lines=[a_line(volume_dm3=5_910, trees=1)])

    assert issued["census"]["p05"] == "PASS"


async def test_a_species_without_a_census_tree_is_not_issued(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit(lines=[a_line(species="Swietenia macrophylla")]))

    problem = await permits.refused("exceeds-census", f"/v1/permits/{PERMIT}/approve", SECOND)

    assert problem["facts"]["census_dm3"] == 0


@pytest.mark.parametrize("basis", ["partial", "not_available"])
async def test_without_a_whole_census_the_volume_is_not_weighed_and_that_is_said(permits: Permits, basis: str) -> None:
    await permits.approved_plan(census_basis=basis)
    await permits.post("/v1/permits", OFFICER, a_permit(lines=[a_line(volume_dm3=900_000_000)]))

    issued = await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)

    verified = await permits.get(VERIFY)
    assert (issued["census"]["p05"], verified["census"]["p05"]) == ("NOT_EVALUATED", "NOT_EVALUATED")
    assert "P05" in verified["census"]["es"]
    assert "P05" in verified["census"]["en"]


async def test_a_permit_stays_within_the_days_and_parcels_of_its_plan(permits: Permits) -> None:
    await permits.approved_plan()

    await permits.refused("outside-plan-window", "/v1/permits", OFFICER, a_permit(harvest_from="2025-07-21"))
    await permits.refused("reference-unknown", "/v1/permits", OFFICER, a_permit(lines=[a_line(parcel="PC 02")]))
    await permits.refused("reference-unknown", "/v1/permits", OFFICER, a_permit(holder="nadie"))

    assert (await permits.post("/v1/permits", OFFICER, a_permit(lines=[a_line(parcel="pc1")]), expect=201))["lines"][0][
        "parcel"
    ] == "PC 01"


async def test_a_permit_needs_an_approved_plan(permits: Permits) -> None:
    await permits.refused("reference-unknown", "/v1/permits", OFFICER, a_permit())

    await permits.approved_plan()

    await permits.post("/v1/permits", OFFICER, a_permit(), expect=201)


async def test_the_same_proposal_again_is_known_and_another_is_refused(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit(), expect=201)

    again = await permits.post("/v1/permits", OFFICER, a_permit(), expect=200)

    assert again["state"] == "proposed"
    await permits.refused("number-taken", "/v1/permits", OFFICER, a_permit(move_to="2028-01-01"))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [a_line(), a_line()]}, "lines"),
        ({"lines": [a_line(volume_dm3=0)]}, "volume_dm3"),
        ({"lines": [a_line(volume_dm3=-5)]}, "volume_dm3"),
        ({"lines": [a_line(volume_dm3=5.5)]}, "volume_dm3"),
        ({"lines": [a_line(species="Brosimum guianense (Aubl.) Huber")]}, "species"),
        ({"lines": [a_line(product="carbon")]}, "product"),
        ({"move_to": "2026-01-01"}, "body"),
        ({"harvest_from": 1753142400}, "harvest_from"),
        ({"number": "RGR 1/2025"}, "number"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_malformed_proposal_is_refused_with_its_place(
    permits: Permits, change: dict[str, Any], where: str
) -> None:
    await permits.approved_plan()

    problem = await permits.refused("malformed", "/v1/permits", OFFICER, a_permit(**change), status=422)

    assert where in problem["errors"][0]["where"]


async def test_a_suspended_permit_counts_again_after_it_is_reinstated(permits: Permits) -> None:
    await permits.issued_permit()

    await permits.post(f"/v1/permits/{PERMIT}/suspend", SUPERVISOR, {"reason": "árboles inexistentes"})
    suspended = await permits.get(VERIFY)
    await permits.refused("wrong-state", f"/v1/permits/{PERMIT}/suspend", SUPERVISOR, {"reason": "otra vez"})
    await permits.post(f"/v1/permits/{PERMIT}/reinstate", SUPERVISOR, {"reason": "aclarado"})
    reinstated = await permits.get(VERIFY)

    assert (suspended["valid"], suspended["status"], suspended["reasons"][0]["slug"]) == (
        False,
        "suspended",
        "suspended",
    )
    assert (reinstated["valid"], reinstated["status"]) == (True, "in_force")


async def test_a_revoked_permit_never_comes_back(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"/v1/permits/{PERMIT}/revoke", SUPERVISOR, {"reason": "información falsa"})

    await permits.refused("wrong-state", f"/v1/permits/{PERMIT}/reinstate", OFFICER, {"reason": "error"})

    assert (await permits.get(VERIFY))["status"] == "revoked"


async def test_every_change_of_state_is_followed_by_a_new_status_list(permits: Permits) -> None:
    async def newest() -> dict[str, Any]:  # at midnight the list of the day comes between
        await permits.published()
        return permits.custody.bodies("status.listed")[-1]

    await permits.issued_permit()
    first = await newest()

    await permits.post(f"/v1/permits/{PERMIT}/suspend", SUPERVISOR, {"reason": "revisión"})
    second = await newest()
    await permits.post(f"/v1/permits/{PERMIT}/revoke", SUPERVISOR, {"reason": "revisión"})
    third = await newest()

    assert (first["suspended"], first["revoked"]) == ([], [])
    assert (second["permits"], second["suspended"], second["revoked"]) == (0, [PERMIT], [])
    assert (third["suspended"], third["revoked"]) == ([], [PERMIT])


async def test_an_amendment_sets_volumes_once_another_officer_approves_it(permits: Permits) -> None:
    await permits.issued_permit()
    more = a_line(species="Myroxylon balsamum", volume_dm3=9_000)
    await permits.post(
        f"/v1/permits/{PERMIT}/amendments", OFFICER,
        {"id": "A1", "reason": "reformulación", "lines": [a_line(volume_dm3=5_900), more]}, expect=201,
    )  # fmt: skip
    assert len((await permits.get(f"/v1/permits/{PERMIT}", OFFICER))["lines"]) == 1

    await permits.refused("same-person", f"/v1/permits/{PERMIT}/amendments/A1/approve", OFFICER)
    amended = await permits.post(f"/v1/permits/{PERMIT}/amendments/A1/approve", SECOND)

    assert [line["volume_dm3"] for line in amended["lines"]] == [5_900, 9_000]
    assert amended["amendments"][0]["state"] == "approved"
    await permits.published()
    assert permits.custody.bodies("permit.amended")[0]["reason"] == "reformulación"
    await permits.refused("wrong-state", f"/v1/permits/{PERMIT}/amendments/A1/approve", SECOND)


async def test_an_amendment_above_the_census_is_refused(permits: Permits) -> None:
    await permits.issued_permit()
    body = {"id": "A1", "reason": "más", "lines": [a_line(volume_dm3=50_000)]}
    await permits.post(f"/v1/permits/{PERMIT}/amendments", OFFICER, body)

    await permits.refused("exceeds-census", f"/v1/permits/{PERMIT}/amendments/A1/approve", SECOND)

    assert (await permits.get(f"/v1/permits/{PERMIT}", OFFICER))["lines"][0]["volume_dm3"] == 5_881


async def test_a_long_permit_is_announced_in_parts_that_fit(permits: Permits) -> None:
    await permits.approved_plan(census_basis="not_available")
    epithets = [a + b for a in "abcdefghijklmnop" for b in "abcdefghijklmnopqrst"]
    lines = [a_line(species=f"Ficus {name}longissimoepitheto", volume_dm3=123_456_789) for name in epithets]

    await permits.post("/v1/permits", OFFICER, a_permit(lines=lines))
    issued = await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)

    await permits.published()
    records = [r for r in permits.custody.log if r.type in ("permit.issued", "permit.amended")]
    assert len(issued["lines"]) == 320
    assert sum(len(record.body["lines"]) for record in records) == 320
    assert [record.body.get("part") for record in records] == [None, 2, 3]
    assert all(len(record.statement) <= 16_384 for record in records)


async def test_a_proposal_is_no_permit_for_the_public(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit())

    await permits.get(VERIFY, expect=404)
    await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)

    assert (await permits.get(VERIFY))["number"] == PERMIT


async def test_a_permit_in_full_is_for_its_parties_and_officers(permits: Permits) -> None:
    await permits.issued_permit()

    for person in (MEMBER, MANAGER, REGENT, OFFICER, SUPERVISOR):
        assert (await permits.get(f"/v1/permits/{PERMIT}", person))["number"] == PERMIT
        assert len((await permits.get("/v1/permits", person))["items"]) == 1
    await permits.get(f"/v1/permits/{PERMIT}", NEIGHBOUR, expect=404)

    assert (await permits.get("/v1/permits", NEIGHBOUR))["items"] == []


async def test_a_manager_proposes_for_the_own_community_only(permits: Permits) -> None:
    await permits.approved_plan()

    await permits.refused("other-organisation", "/v1/permits", NEIGHBOUR, a_permit(), status=403)

    await permits.post("/v1/permits", MANAGER, a_permit(), expect=201)


async def test_statements_name_persons_only_by_pseudonym(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.published()

    body = permits.custody.bodies("permit.issued")[0]

    assert body["proposed_by"] != body["approved_by"]
    assert len(body["approved_by"]) == 16
    everything = b"".join(record.entry for record in permits.custody.log)
    assert b"u-officer" not in everything
    assert b"u-second" not in everything


async def test_an_officer_whose_office_is_not_registered_cannot_act(empty: Permits) -> None:
    for org, kind in (("comunidad-a", "community"), ("registro-2", "authority")):
        await empty.post("/v1/organisations", OFFICER, {"id": org, "name": org, "kind": kind})

    problem = await empty.refused("reference-unknown", "/v1/titles", OFFICER, a_title())

    assert problem["facts"]["key"] == "gerfor-md"
    await empty.post("/v1/organisations", OFFICER, {"id": "gerfor-md", "name": "GERFOR", "kind": "authority"})
    await empty.post("/v1/titles", OFFICER, a_title(), expect=201)


async def test_a_list_of_permits_is_paged_by_cursor(permits: Permits) -> None:
    await permits.approved_plan()
    for n in range(5):
        await permits.post("/v1/permits", OFFICER, a_permit(number=f"P-{n}"))

    first = await permits.get("/v1/permits", OFFICER, limit=2, plan=PLAN)
    second = await permits.get("/v1/permits", OFFICER, limit=2, plan=PLAN, cursor=first["next"])
    third = await permits.get("/v1/permits", OFFICER, limit=2, plan=PLAN, cursor=second["next"])

    seen = [item["number"] for page in (first, second, third) for item in page["items"]]
    assert (seen, third["next"]) == ([f"P-{n}" for n in range(5)], None)
    await permits.get("/v1/permits", OFFICER, expect=422, cursor="!!")
