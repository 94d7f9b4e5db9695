"""Plans: drafted and submitted by the community, approved by an officer who did neither; inspected by the independent."""

from typing import Any

import pytest

from shared.timber.event import tree_item
from shared.tlog.merkle import EMPTY_ROOT
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    TITLE,
    TREE_501,
    Permits,
    Person,
    a_census,
    a_plan,
    a_title,
)

APPROVE, SUBMIT = f"/v1/plans/{PLAN}/approve", f"/v1/plans/{PLAN}/submit"
DECISION = {"resolution": "RGR-0000-2025"}
# One login with two functions: the community's manager who is also an officer.
BOTH = Person("authority", "gerfor-md", MANAGER.sub, "madre-de-dios")


async def test_a_plan_goes_from_draft_to_approved_and_into_the_log(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    draft = await permits.post("/v1/plans", MANAGER, a_plan(), expect=201)
    await permits.upload(a_census(), REGENT)
    submitted = await permits.post(SUBMIT, MANAGER)
    await permits.answered()
    approved = await permits.post(APPROVE, OFFICER, DECISION)
    await permits.published()

    assert (draft["state"], submitted["state"], approved["state"]) == ("draft", "submitted", "approved")
    assert permits.custody.types()[-2:] == ["plan.approved", "census.listed"]
    announced = permits.custody.bodies("plan.approved")[0]
    assert announced["census"] == {"trees": 2, "parts": 1, "root": approved["census"]["root"]}
    assert announced["submitted_by"] != announced["approved_by"]
    listed = permits.custody.bodies("census.listed")[0]
    assert [tree["code"] for tree in listed["trees"]] == ["1170", "501"]
    assert "8805463" not in str(listed)


async def test_who_made_the_plan_does_not_approve_it(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    await permits.post(SUBMIT, MANAGER)
    await permits.answered()

    await permits.refused("same-person", APPROVE, BOTH, DECISION)
    await permits.refused(
        "same-person", APPROVE, Person("authority", "gerfor-md", REGENT.sub, "madre-de-dios"), DECISION
    )

    assert (await permits.post(APPROVE, OFFICER, DECISION))["state"] == "approved"


async def test_a_draft_is_seen_by_those_concerned_only(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)

    for person in (MANAGER, MEMBER, REGENT, OFFICER, SUPERVISOR):
        assert (await permits.get(f"/v1/plans/{PLAN}", person))["state"] == "draft"
        assert len((await permits.get(f"/v1/plans/{PLAN}/trees", person))["items"]) == 2
    for stranger in (None, NEIGHBOUR, Person("regent", "otra-firma", "u-7")):
        await permits.get(f"/v1/plans/{PLAN}", stranger, expect=404)
        await permits.get(f"/v1/plans/{PLAN}/trees", stranger, expect=404)
        assert (await permits.get("/v1/plans", stranger))["items"] == []


async def test_an_approved_plan_is_public_without_coordinates(permits: Permits) -> None:
    await permits.approved_plan()

    public = await permits.get(f"/v1/plans/{PLAN}/trees/501")
    own = await permits.get(f"/v1/plans/{PLAN}/trees/501", MEMBER)

    assert public["item"] == own["item"] == tree_item(PLAN, "PC 01", "501")
    assert (public["species"], public["trade_name"], public["volume_dm3"]) == ("Brosimum guianense", "Manchinga", 5881)
    assert (public["utm"], own["utm"]) == (None, {"zone": "19S", "easting_dm": 5062990, "northing_dm": 88054630})
    for person in (REGENT, OFFICER, SUPERVISOR):
        assert (await permits.get(f"/v1/plans/{PLAN}/trees", person))["items"][0]["utm"] is not None
    for stranger in (NEIGHBOUR, Person("service", "trozalog", "s-1"), Person("company", "comprador-1", "u-9")):
        assert (await permits.get(f"/v1/plans/{PLAN}/trees", stranger))["items"][0]["utm"] is None
    assert (await permits.get("/v1/plans", title=TITLE))["items"][0]["id"] == PLAN
    await permits.get(f"/v1/plans/{PLAN}/trees/999", expect=404)


async def test_block_and_line_are_shown_where_the_coordinates_are(permits: Permits) -> None:
    await permits.approved_plan(a_census(TREE_501.replace(" , ,", "B7,F3,", 1)))

    for person in (MEMBER, REGENT, OFFICER, SUPERVISOR):
        tree = await permits.get(f"/v1/plans/{PLAN}/trees/501", person)
        assert (tree["block"], tree["line"]) == ("B7", "F3")
    for stranger in (None, NEIGHBOUR, Person("authority", "gerfor-lo", "u-lo", "loreto")):
        for path in (f"/v1/plans/{PLAN}/trees/501", f"/v1/plans/{PLAN}/trees"):
            answer = (await permits.call("GET", path, stranger, 200)).text
            assert "B7" not in answer
            assert "F3" not in answer


async def test_only_the_community_drafts_and_submits(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())

    await permits.refused("other-organisation", "/v1/plans", NEIGHBOUR, a_plan(), status=403)
    await permits.refused("no-delegation", "/v1/plans", REGENT, a_plan())
    await permits.refused("role-not-allowed", "/v1/plans", MEMBER, a_plan(), status=403)
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    await permits.refused("role-not-allowed", SUBMIT, REGENT, status=403)
    await permits.post(SUBMIT, NEIGHBOUR, expect=404)
    await permits.refused("other-organisation", SUBMIT, Person("manager", "regencia-1", "u-5"), status=403)

    assert (await permits.post(SUBMIT, MANAGER))["state"] == "submitted"


async def test_a_firm_that_the_community_did_not_name_uploads_nothing(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(regent=None))

    assert (await permits.upload(a_census(), REGENT, expect=404))["slug"] == "not-found"

    assert (await permits.upload(a_census(), MANAGER))["trees"] == 2


async def test_a_listed_census_has_trees_in_every_parcel(permits: Permits) -> None:
    parcels = [{"code": "PC 01", "area_m2": 1_000_000}, {"code": "PC 02", "area_m2": 1_000_000}]
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(parcels=parcels))
    await permits.upload(a_census())

    problem = await permits.refused("census-missing", SUBMIT, MANAGER)

    assert problem["facts"]["parcels"] == "PC 02"
    await permits.upload(a_census(TREE_501, TREE_501.replace("PC 01", "PC 02")))
    assert (await permits.post(SUBMIT, MANAGER))["state"] == "submitted"
    both = await permits.call("GET", f"/v1/plans/{PLAN}/trees/501", MANAGER)
    assert both.status_code == 422
    assert (await permits.get(f"/v1/plans/{PLAN}/trees/501", MANAGER, parcel="PC 02"))["parcel"] == "PC 02"


async def test_a_partial_census_needs_a_tree_and_none_needs_none(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(census_basis="partial"))
    await permits.refused("census-missing", SUBMIT, MANAGER)
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-20", census_basis="not_available"))
    await permits.agreed("PO-20")

    await permits.post("/v1/plans/PO-20/submit", MANAGER)
    await permits.answered("PO-20")
    approved = await permits.post("/v1/plans/PO-20/approve", OFFICER, DECISION)

    assert approved["census"]["root"] == EMPTY_ROOT.hex()
    assert (approved["census"]["trees"], approved["census"]["parts"]) == (0, 0)


async def test_a_tree_below_the_minimum_diameter_keeps_a_plan_from_approval(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    thin = TREE_501.replace(",80,18,5.881,", ",40,18,1.470,")
    answer = await permits.upload(a_census(thin))
    await permits.post(SUBMIT, MANAGER)
    await permits.answered()

    problem = await permits.refused("findings-open", APPROVE, OFFICER, DECISION)

    [blocking] = problem["facts"]["findings"]
    assert (blocking["rule"], blocking["severity"], blocking["why"]) == ("P07", "S4", "stands")
    told = {found["rule"]: found for found in answer["findings"]}["P07"]
    tree = {
        "parcel": "PC 01",
        "code": "501",
        "species": "Brosimum guianense",
        "dbh_mm": 400,
        "minimum_mm": 410,
        "basis": "plan",
    }
    assert told["evidence"] == [{"sheet": "CSV", "row": 2} | tree]
    # The plan's own minimum is kept with the tree, so the review says the same as the upload.
    kept = await permits.get(f"/v1/plans/{PLAN}/findings", MANAGER)
    assert {found["rule"]: found for found in kept["findings"]}["P07"]["evidence"] == [tree]


async def test_a_submitted_plan_does_not_change(permits: Permits) -> None:
    await permits.approved_plan()

    assert (await permits.upload(a_census(), MANAGER, expect=409))["slug"] == "wrong-state"
    await permits.refused("wrong-state", SUBMIT, MANAGER)
    await permits.refused("wrong-state", APPROVE, SECOND, DECISION)


async def test_the_same_draft_again_is_known_and_another_is_refused(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(), expect=201)

    await permits.post("/v1/plans", MANAGER, a_plan(), expect=200)

    await permits.refused("number-taken", "/v1/plans", MANAGER, a_plan(season="2026"))
    await permits.refused("reference-unknown", "/v1/plans", MANAGER, a_plan(id="X1", title="NADA"))
    await permits.refused("reference-unknown", "/v1/plans", MANAGER, a_plan(id="X1", regent="nadie"))


@pytest.mark.parametrize(
    "change",
    [
        {"harvest_to": "2020-01-01"}, {"parcels": []}, {"form_factor_milli": 1200}, {"census_basis": "guessed"},
        {"parcels": [{"code": "PC 01", "area_m2": 1}, {"code": "pc1", "area_m2": 1}]}, {"harvest_from": "2025-02-30"},
        {"parcels": [{"code": "%", "area_m2": 1}]}, {"id": "po 19"}, {"harvest_from": "0001-01-01"},
    ],
)  # fmt: skip
async def test_a_malformed_draft_is_refused(permits: Permits, change: dict[str, Any]) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())

    await permits.refused("malformed", "/v1/plans", MANAGER, a_plan(**change), status=422)

    await permits.post("/v1/plans", MANAGER, a_plan(), expect=201)


# ---- inspections


def an_inspection(**changes: Any) -> dict[str, Any]:
    return {
        "number": "INF-0000-2026", "plan": PLAN, "parcel": "PC 01", "trees_sampled": 2, "trees_absent": 1,
        "volume_dm3": 9215, "trees": ["501", "1170"],
    } | changes  # fmt: skip


async def test_an_inspection_is_public_and_shows_in_the_verification(permits: Permits) -> None:
    await permits.issued_permit()

    reported = await permits.post("/v1/inspections", SUPERVISOR, an_inspection(), expect=201)
    await permits.post("/v1/inspections", SUPERVISOR, an_inspection(), expect=200)
    await permits.published()

    assert reported["inspector"] == "osinfor-md"
    assert (await permits.get("/v1/inspections", plan=PLAN))["items"][0]["log"]["state"] == "in_log"
    assert (await permits.get("/v1/inspections/INF-0000-2026"))["trees_absent"] == 1
    verified = await permits.get("/v1/permits/RGR-0000-2025/verify")
    assert verified["inspected"] == {"inspections": 1, "trees_sampled": 2, "trees_absent": 1}
    assert permits.custody.bodies("inspection.reported")[0]["trees"] == ["501", "1170"]
    await permits.refused("number-taken", "/v1/inspections", SUPERVISOR, an_inspection(trees_absent=2))


async def test_whoever_had_a_part_in_a_plan_does_not_inspect_it(permits: Permits) -> None:
    await permits.approved_plan()

    for sub in (MANAGER.sub, REGENT.sub, OFFICER.sub):
        await permits.refused(
            "same-person", "/v1/inspections", Person("supervisor", "osinfor-md", sub, "*"), an_inspection()
        )
    for org in ("regencia-1", "comunidad-a"):
        await permits.refused(
            "same-organisation", "/v1/inspections", Person("supervisor", org, "u-else", "*"), an_inspection()
        )

    await permits.post("/v1/inspections", SECOND, an_inspection(), expect=201)


async def test_an_inspection_names_real_plans_parcels_and_trees(permits: Permits) -> None:
    await permits.refused("reference-unknown", "/v1/inspections", SUPERVISOR, an_inspection())
    await permits.approved_plan()

    await permits.refused("reference-unknown", "/v1/inspections", SUPERVISOR, an_inspection(parcel="PC 02"))
    problem = await permits.refused("tree-unknown", "/v1/inspections", SUPERVISOR, an_inspection(trees=["501", "999"]))
    await permits.refused("malformed", "/v1/inspections", SUPERVISOR, an_inspection(trees_absent=3), status=422)
    await permits.refused("malformed", "/v1/inspections", SUPERVISOR, an_inspection(trees=["501"] * 2), status=422)

    assert problem["facts"]["trees"] == "999"
    await permits.post("/v1/inspections", SUPERVISOR, an_inspection(trees=None), expect=201)
