"""What happens to permits when the plan above theirs falls, or another takes the place of their own."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from services.permits.api.balances import Drawn, drawn_on
from services.permits.domain.rules.catalogue import rules_on
from shared.web.client import ServiceClient
from tests.permits.conftest import (
    MANAGER,
    OFFICER,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SQUARE,
    SUPERVISOR,
    TITLE,
    TREE_501,
    TREE_1170,
    Permits,
    Person,
    a_census,
    a_line,
    a_permit,
    a_plan,
    a_title,
)

TRIBUNAL = Person("supervisor", "osinfor-md", "u-tribunal", "*")
WHY = {"reason": "Informe de supervisión 12-2026"}
DECISION = {"resolution": "RGR-0001-2025"}
PATH, PERMIT_PATH = f"/v1/plans/{PLAN}", f"/v1/permits/{PERMIT}"
OTHER_SPECIES = a_line(species="Myroxylon balsamum", volume_dm3=9_215)


async def draw(permits: Permits, plan: str, code: str = "PC 01", land: Any = SQUARE) -> None:
    """The boundary of its parcel, as large as the title unless another is given."""
    drawn = {"content": orjson.dumps(land), "headers": {"content-type": "application/geo+json"}}
    await permits.call("POST", f"/v1/plans/{plan}/parcels/{code}/shape", MANAGER, 200, **drawn)


async def approved(
    permits: Permits, plan: str, census: bytes | None = None, *, drawn: bool = False, **changes: Any
) -> None:
    """A plan of comunidad-a from draft to approval."""
    await permits.post("/v1/plans", MANAGER, a_plan(id=plan, **changes))
    if drawn:
        await draw(permits, plan)
    if plan != PLAN:
        await permits.agreed(plan)
    if census is not None:
        await permits.upload(census, REGENT, plan)
    await permits.post(f"/v1/plans/{plan}/submit", MANAGER)
    await permits.answered(plan)
    await permits.post(f"/v1/plans/{plan}/approve", OFFICER, DECISION)


async def issued(permits: Permits, number: str, **changes: Any) -> None:
    await permits.post("/v1/permits", OFFICER, a_permit(number=number, **changes))
    await permits.post(f"/v1/permits/{number}/approve", SECOND)


# ---- a plan that takes the place of another


async def test_what_the_superseded_plan_authorised_is_not_authorised_again(permits: Permits) -> None:
    await permits.issued_permit()
    await approved(permits, "PO-NEW", a_census(), supersedes=PLAN)
    await permits.post("/v1/permits", OFFICER, a_permit(number="P-AGAIN", plan="PO-NEW"))

    problem = await permits.refused("exceeds-census", "/v1/permits/P-AGAIN/approve", SECOND)

    assert f"{2 * 5_881} dm³ and" in problem["detail_en"]
    await issued(permits, "P-REST", plan="PO-NEW", lines=[OTHER_SPECIES])


async def test_what_a_revoked_permit_two_plans_back_authorised_is_weighed_too(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/revoke", OFFICER, WHY)
    await approved(permits, "PO-2", a_census(), supersedes=PLAN)
    await approved(permits, "PO-3", a_census(), supersedes="PO-2")
    await permits.post("/v1/permits", OFFICER, a_permit(number="P-AGAIN", plan="PO-3"))

    await permits.refused("exceeds-census", "/v1/permits/P-AGAIN/approve", SECOND)

    await issued(permits, "P-REST", plan="PO-3", lines=[OTHER_SPECIES])


async def test_a_census_smaller_than_what_was_authorised_before_it_is_found_in_the_review(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.agreed("PO-NEW")
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-NEW", supersedes=PLAN))
    smaller = a_census().replace(b",5.881,", b",5.000,").replace(b"Manchinga,80,18,", b"Manchinga,80,15.3,")
    await permits.upload(smaller, REGENT, "PO-NEW")

    await permits.post("/v1/plans/PO-NEW/submit", MANAGER)

    found = {one["rule"]: one for one in (await permits.get("/v1/plans/PO-NEW/findings", MANAGER))["findings"]}
    assert (found["P05"]["status"], found["P05"]["severity"]) == ("FAIL", "S4")


async def test_without_a_whole_census_nothing_is_authorised_beside_what_the_superseded_plan_authorised(
    permits: Permits,
) -> None:
    await permits.issued_permit()
    await approved(permits, "PO-NEW", a_census(), supersedes=PLAN, census_basis="partial")
    await permits.post("/v1/permits", OFFICER, a_permit(number="P-AGAIN", plan="PO-NEW", lines=[OTHER_SPECIES]))

    problem = await permits.refused("census-not-whole", "/v1/permits/P-AGAIN/approve", SECOND)

    assert PERMIT in problem["detail_es"]
    await approved(permits, "PO-WHOLE", a_census(), supersedes="PO-NEW")
    await issued(permits, "P-REST", plan="PO-WHOLE", lines=[OTHER_SPECIES])


async def test_a_permit_of_a_superseded_plan_that_was_suspended_counts_again_when_that_is_lifted(
    permits: Permits,
) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)
    await approved(permits, "PO-NEW", a_census(), supersedes=PLAN)

    assert (await permits.post(f"{PERMIT_PATH}/reinstate", OFFICER, WHY))["state"] == "in_force"

    await permits.post("/v1/plans/PO-NEW/suspend", SUPERVISOR, WHY)
    assert await counts(permits) == (False, "suspended")
    await permits.refused("follows-plan", f"{PERMIT_PATH}/reinstate", SUPERVISOR, WHY)


async def test_the_land_of_plans_before_it_is_no_overlap_and_that_of_others_is(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await approved(permits, PLAN, a_census(), drawn=True)
    await approved(permits, "PO-2", a_census(), drawn=True, supersedes=PLAN)
    for name, before in (("PO-3", "PO-2"), ("PO-ELSE", None)):
        await permits.post("/v1/plans", MANAGER, a_plan(id=name, supersedes=before))
        await draw(permits, name)

    own, other = [await permits.get(f"/v1/plans/{name}/land-check", MANAGER) for name in ("PO-3", "PO-ELSE")]

    assert {one["plan"] for one in own["overlaps"]} == {"PO-ELSE"}
    assert {one["plan"] for one in other["overlaps"]} == {PLAN, "PO-2", "PO-3"}


SECOND_PARCEL = {"code": "PC 02", "area_m2": 14_000_000}


async def found_in(permits: Permits, plan: str, code: str, **changes: Any) -> dict[str, Any]:
    """Rule P02 on a plan that is handed in with one parcel of this code, drawn over the whole title."""
    await permits.post("/v1/plans", MANAGER, a_plan(id=plan, **changes))
    await draw(permits, plan, code)
    await permits.agreed(plan)
    await permits.upload(a_census().replace(b"PC 01", code.encode()), REGENT, plan)
    await permits.post(f"/v1/plans/{plan}/submit", MANAGER)
    return next(
        one for one in (await permits.get(f"/v1/plans/{plan}/findings", MANAGER))["findings"] if one["rule"] == "P02"
    )


async def test_land_of_an_operating_plan_under_another_code_is_an_overlap_for_what_replaces_the_general_plan(
    permits: Permits,
) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await approved(permits, "PGMF-1", **GENERAL)
    await approved(permits, PLAN, a_census(), drawn=True, parent="PGMF-1")
    medium = GENERAL | {"kind": "PMFI", "census_basis": "listed", "cycle_years": None, "supersedes": "PGMF-1"}

    renamed = await found_in(permits, "PMFI-R", "PC 02", **medium | {"parcels": [SECOND_PARCEL]})
    same = await found_in(permits, "PMFI-S", "PC 01", **medium)

    assert (renamed["status"], renamed["severity"]) == ("FAIL", "S3")
    assert renamed["evidence"][0] | {"overlap_m2": 0} == {
        "parcel": "PC 02", "kind": "used_parcel", "name": f"{TITLE} PC 01", "overlap_m2": 0,
    }  # fmt: skip
    assert same["status"] == "PASS"
    land = await permits.get("/v1/plans/PMFI-R/land-check", MANAGER)
    assert {(one["plan"], one["code"]) for one in land["overlaps"]} == {(PLAN, "PC 01"), ("PMFI-S", "PC 01")}


async def test_land_of_a_medium_plan_under_another_code_is_an_overlap_for_a_plan_on_it(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    both = [{"code": "PC 01", "area_m2": 14_000_000}, SECOND_PARCEL]
    medium = GENERAL | {"kind": "PMFI", "census_basis": "listed", "cycle_years": None, "parcels": both}
    census = a_census(TREE_501, TREE_1170.replace("PC 01", "PC 02"))
    await approved(permits, "PMFI-1", census, drawn=True, **medium)
    await issued(permits, "P-PMFI", plan="PMFI-1")

    renamed = await found_in(permits, "PO-R", "PC 02", parent="PMFI-1", parcels=[SECOND_PARCEL])
    same = await found_in(permits, "PO-S", "PC 01", parent="PMFI-1")

    assert [renamed["status"], same["status"]] == ["FAIL", "PASS"]
    assert renamed["evidence"][0]["name"] == f"{TITLE} PC 01"


def between(west: float, east: float) -> dict[str, Any]:
    """A strip of the title."""
    around = [[west, -11.0], [east, -11.0], [east, -10.9], [west, -10.9], [west, -11.0]]
    return {"type": "Polygon", "coordinates": [around]}


EAST, WEST = between(-69.95, -69.9), between(-70.0, -69.95)
TREE_IN_THE_EAST = TREE_501.replace("506299,8805463", "399500,8789300")


@pytest.mark.parametrize(
    ("dropped", "kept", "tree", "status"),
    [
        (EAST, WEST, TREE_501, "PASS"),
        (EAST, between(-70.0, -69.94), TREE_501, "FAIL"),
        (EAST, None, TREE_501, "FAIL"),
        (None, WEST, TREE_501, "FAIL"),
        (EAST, WEST, TREE_IN_THE_EAST, "FAIL"),
    ],
    ids=["apart", "overlapping", "successor not drawn", "dropped not drawn", "its trees under the other code"],
)
async def test_a_parcel_with_a_permit_is_left_out_of_the_successor_only_where_it_lies_apart(
    permits: Permits, dropped: Any, kept: Any, tree: str, status: str
) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    both = [{"code": "PC 01", "area_m2": 14_000_000}, SECOND_PARCEL]
    await permits.post("/v1/plans", MANAGER, a_plan(parcels=both))
    if dropped is not None:
        await draw(permits, PLAN, "PC 02", dropped)
    await permits.upload(a_census(TREE_501, TREE_1170.replace("PC 01", "PC 02")), REGENT, PLAN)
    await permits.post(f"{PATH}/submit", MANAGER)
    await permits.answered()
    await permits.post(f"{PATH}/approve", OFFICER, DECISION)
    line = a_line(species="Myroxylon balsamum", volume_dm3=9_215)
    await issued(permits, PERMIT, lines=[line | {"parcel": "PC 02"}, a_line(volume_dm3=1_000)])

    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-NEW", supersedes=PLAN))
    await permits.agreed("PO-NEW")
    if kept is not None:
        await draw(permits, "PO-NEW", "PC 01", kept)
    await permits.upload(a_census(tree), REGENT, "PO-NEW")
    await permits.post("/v1/plans/PO-NEW/submit", MANAGER)

    found = (await permits.get("/v1/plans/PO-NEW/findings", MANAGER))["findings"]
    assert next(one["status"] for one in found if one["rule"] == "P05") == status
    await permits.answered("PO-NEW")
    if status == "FAIL":
        await permits.refused("findings-open", "/v1/plans/PO-NEW/approve", OFFICER, DECISION)
        return
    await permits.post("/v1/plans/PO-NEW/approve", OFFICER, DECISION)
    assert await counts(permits) == (True, "in_force")
    more = a_permit(number="P-MORE", plan="PO-NEW", lines=[a_line(volume_dm3=5_000)])
    await permits.post("/v1/permits", OFFICER, more)
    await permits.refused("exceeds-census", "/v1/permits/P-MORE/approve", SECOND)
    await issued(permits, "P-REST", plan="PO-NEW", lines=[a_line(volume_dm3=4_881)])


# ---- what a permit gives up


def amendment(id_: str, volume_dm3: int) -> dict[str, Any]:
    return {"id": id_, "reason": "Saldo al plan nuevo", "lines": [a_line(volume_dm3=volume_dm3)]}


async def lowered(permits: Permits, id_: str, volume_dm3: int) -> Any:
    """What is answered when another officer approves less for the permit."""
    await permits.post(f"{PERMIT_PATH}/amendments", OFFICER, amendment(id_, volume_dm3), expect=201)
    return await permits.post(f"{PERMIT_PATH}/amendments/{id_}/approve", SECOND)


async def refused_lowering(permits: Permits, slug: str, id_: str, volume_dm3: int) -> Any:
    await permits.post(f"{PERMIT_PATH}/amendments", OFFICER, amendment(id_, volume_dm3), expect=201)
    return await permits.refused(slug, f"{PERMIT_PATH}/amendments/{id_}/approve", SECOND)


async def test_what_was_drawn_is_not_freed_by_lowering_the_permit(permits: Permits) -> None:
    await permits.issued_permit()
    permits.custody.balances = [{**a_line(), "permit": PERMIT, "drawn_dm3": 4_000}]
    await refused_lowering(permits, "permit-not-stopped", "A1", 4_000)
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)
    await permits.published()

    problem = await refused_lowering(permits, "below-drawn", "A2", 3_999)

    assert "4000 dm³" in problem["detail_en"]
    permits.custody.silent = True
    await permits.post(f"{PERMIT_PATH}/amendments/A1/approve", SECOND, expect=503)
    permits.custody.silent = False
    amended = await permits.post(f"{PERMIT_PATH}/amendments/A1/approve", SECOND)
    assert [line["volume_dm3"] for line in amended["lines"]] == [4_000]


async def test_a_count_in_several_pages_is_as_old_as_the_oldest_of_them() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        size, following = {None: (40, "b"), "b": (38, "c"), "c": (41, None)}[request.url.params.get("cursor")]
        return httpx.Response(200, json={"as_of": size, "balances": [{}], "next": following})

    async with httpx.AsyncClient(transport=httpx.MockTransport(page), base_url="http://custody") as http:
        drawn = await drawn_on(ServiceClient("custody", http), PERMIT)

    assert drawn == Drawn([{}, {}, {}], 38)


async def test_a_permit_is_lowered_once_the_log_has_its_suspension(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.published()
    permits.custody.silent = True
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)

    await refused_lowering(permits, "permit-not-stopped", "A1", 1)

    permits.custody.silent = False
    await permits.published()
    await permits.post(f"{PERMIT_PATH}/amendments/A1/approve", SECOND)


async def test_the_unfelled_rest_of_a_superseded_plan_is_handed_on_by_lowering_its_permit(permits: Permits) -> None:
    await permits.issued_permit()
    permits.custody.balances = [{**a_line(), "permit": PERMIT, "drawn_dm3": 4_000}]
    await approved(permits, "PO-NEW", a_census(), supersedes=PLAN)
    rest = a_line(volume_dm3=1_881)
    await permits.post("/v1/permits", OFFICER, a_permit(number="P-REST", plan="PO-NEW", lines=[rest]))
    await permits.refused("exceeds-census", "/v1/permits/P-REST/approve", SECOND)

    more = {"id": "MORE", "reason": "x", "lines": [OTHER_SPECIES]}
    await permits.refused("wrong-state", f"{PERMIT_PATH}/amendments", OFFICER, more)
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)
    await permits.published()
    await lowered(permits, "A1", 4_000)
    await permits.post(f"{PERMIT_PATH}/reinstate", OFFICER, WHY)

    assert (await permits.post("/v1/permits/P-REST/approve", SECOND))["state"] == "in_force"
    await permits.post("/v1/permits", OFFICER, a_permit(number="P-2", plan="PO-NEW", lines=[a_line(volume_dm3=100)]))
    await permits.refused("exceeds-census", "/v1/permits/P-2/approve", SECOND)


# ---- a general plan above


GENERAL: dict[str, Any] = {
    "number": "PGMF", "kind": "PGMF", "cycle_years": 20, "census_basis": "not_available", "harvest_from": "2025-01-01",
    "harvest_to": "2044-12-31",
}  # fmt: skip


async def under_general_plan(permits: Permits) -> None:
    """A permit in force on an operating plan under a general plan."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await approved(permits, "PGMF-1", **GENERAL)
    await approved(permits, PLAN, a_census(), parent="PGMF-1")
    await issued(permits, PERMIT)


async def counts(permits: Permits) -> tuple[bool, str]:
    """What anyone is told of the permit: whether wood may move under it, and its state."""
    told = await permits.get(f"{PERMIT_PATH}/verify", on="2027-01-15")
    return told["movement_valid"], told["status"]


async def test_a_permit_falls_with_the_general_plan_above_its_own_and_comes_back_with_it(permits: Permits) -> None:
    await under_general_plan(permits)

    await permits.post("/v1/plans/PGMF-1/suspend", SUPERVISOR, WHY)

    assert await counts(permits) == (False, "suspended")
    problem = await permits.refused("follows-plan", f"{PERMIT_PATH}/reinstate", SUPERVISOR, WHY)
    assert "PGMF-1" in problem["detail_en"]
    await permits.post("/v1/plans/PGMF-1/reinstate", SUPERVISOR, WHY)
    assert await counts(permits) == (True, "in_force")
    await permits.published()
    said = [kind for kind in permits.custody.types() if kind in ("permit.suspended", "permit.reinstated")]
    assert said == ["permit.suspended", "permit.reinstated"]
    assert permits.custody.bodies("status.listed")[-1]["suspended"] == []


async def test_of_two_plans_that_fell_the_last_to_be_reinstated_brings_the_permit_back(permits: Permits) -> None:
    await under_general_plan(permits)
    await permits.post(f"{PATH}/suspend", OFFICER, WHY)
    await permits.post("/v1/plans/PGMF-1/suspend", SUPERVISOR, WHY)

    await permits.post(f"{PATH}/reinstate", OFFICER, WHY)
    assert await counts(permits) == (False, "suspended")
    await permits.post(f"{PATH}/suspend", OFFICER, WHY)
    await permits.post("/v1/plans/PGMF-1/reinstate", SUPERVISOR, WHY)
    assert await counts(permits) == (False, "suspended")
    await permits.post(f"{PATH}/reinstate", OFFICER, WHY)

    assert await counts(permits) == (True, "in_force")


async def test_the_caducity_of_the_general_plan_is_that_of_the_permits_under_it(permits: Permits) -> None:
    await under_general_plan(permits)

    await permits.post("/v1/plans/PGMF-1/caducity", SUPERVISOR, WHY)

    assert await counts(permits) == (False, "suspended")
    assert (await permits.get(f"{PERMIT_PATH}/course", MANAGER))["measure"] == "caducity"
    await permits.refused("caducity-declared", f"{PERMIT_PATH}/reinstate", SUPERVISOR, WHY)
    await permits.published()
    assert permits.custody.types().count("permit.suspended") == 1


async def test_a_plan_stands_under_the_general_plan_that_took_the_place_of_its_own(permits: Permits) -> None:
    await under_general_plan(permits)
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-NEXT", parent="PGMF-1"))
    await approved(permits, "PGMF-2", supersedes="PGMF-1", **GENERAL)

    await permits.post("/v1/plans/PGMF-2/suspend", SUPERVISOR, WHY)

    assert await counts(permits) == (False, "suspended")
    problem = await permits.refused("follows-plan", f"{PERMIT_PATH}/reinstate", SUPERVISOR, WHY)
    assert "PGMF-2" in problem["detail_es"]
    await permits.refused("wrong-state", "/v1/permits", OFFICER, a_permit(number="P-2", lines=[OTHER_SPECIES]))
    await permits.post("/v1/plans/PGMF-2/reinstate", SUPERVISOR, WHY)
    assert await counts(permits) == (True, "in_force")
    await issued(permits, "P-2", lines=[OTHER_SPECIES])
    await approved(permits, "PO-NEXT", a_census(), parent="PGMF-1")


async def test_a_general_plan_takes_the_place_of_another_when_it_holds_what_stands_under_that(permits: Permits) -> None:
    await under_general_plan(permits)
    shorter = GENERAL | {"harvest_to": "2027-07-20"}
    elsewhere = GENERAL | {"parcels": [{"code": "PC 02", "area_m2": 14_000_000}]}
    for name, changes in (("PGMF-S", shorter), ("PGMF-E", elsewhere)):
        await permits.post("/v1/plans", MANAGER, a_plan(id=name, supersedes="PGMF-1", **changes))
        await permits.agreed(name)
        await permits.post(f"/v1/plans/{name}/submit", MANAGER)
        await permits.answered(name)

        problem = await permits.refused("not-under-plan", f"/v1/plans/{name}/approve", OFFICER, DECISION)
        assert PLAN in problem["detail_es"]

    await approved(permits, "PGMF-2", supersedes="PGMF-1", **GENERAL)
    assert (await permits.get(PATH))["state"] == "approved"


async def test_trees_of_a_medium_plan_are_not_authorised_again_under_a_plan_on_it(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await approved(
        permits, "PMFI-1", a_census(), **GENERAL | {"kind": "PMFI", "census_basis": "listed", "cycle_years": None}
    )
    await issued(permits, "P-PMFI", plan="PMFI-1")
    await approved(permits, PLAN, a_census(), parent="PMFI-1")
    await permits.post("/v1/permits", OFFICER, a_permit())

    await permits.refused("exceeds-census", f"{PERMIT_PATH}/approve", SECOND)

    await issued(permits, "P-REST", lines=[OTHER_SPECIES])


# ---- appeals against what came over the plan


async def test_an_appeal_is_upheld_while_the_plan_is_down_and_the_permit_comes_back_with_it(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PATH}/suspend", OFFICER, WHY)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "No corresponde"}, 201)

    upheld = {"outcome": "upheld", "resolution": "RGR-9"}
    decided = await permits.post(f"{PERMIT_PATH}/appeals/A1/decide", TRIBUNAL, upheld)

    assert (decided["appeals"][0]["state"], decided["measure"]) == ("upheld", "plan")
    assert await counts(permits) == (False, "suspended")
    await permits.post(f"{PATH}/reinstate", OFFICER, WHY)
    assert await counts(permits) == (True, "in_force")


async def test_an_open_appeal_does_not_keep_a_plan_down_and_is_moot_when_it_is_reinstated(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PATH}/suspend", OFFICER, WHY)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "No corresponde"}, 201)

    await permits.post(f"{PATH}/reinstate", OFFICER, WHY)

    assert await counts(permits) == (True, "in_force")
    assert (await permits.get(f"{PERMIT_PATH}/course", MANAGER))["appeals"][0]["state"] == "moot"
    await permits.post(f"{PERMIT_PATH}/suspend", SECOND, WHY)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A2", "ground": "Otra medida"}, 201)


async def test_a_caducity_becomes_final_when_nobody_appealed_in_the_term(permits: Permits) -> None:
    permits.app.state.house.clock = lambda: datetime(2026, 3, 2, 15, tzinfo=UTC)
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/caducity", SUPERVISOR, WHY)
    days = rules_on(date(2026, 3, 2)).terms.appeal_days

    permits.app.state.house.clock = lambda: datetime(2026, 3, 2, 15, tzinfo=UTC) + timedelta(days)
    await permits.refused("appeal-term-runs", f"{PERMIT_PATH}/caducity/confirm", TRIBUNAL, WHY)

    permits.app.state.house.clock = lambda: datetime(2026, 3, 2, 15, tzinfo=UTC) + timedelta(days + 1)
    assert (await permits.post(f"{PERMIT_PATH}/caducity/confirm", TRIBUNAL, WHY))["state"] == "revoked"


# ---- what was seen before the approval


async def test_a_plan_is_not_approved_over_an_unfavourable_inspection_until_a_favourable_one(permits: Permits) -> None:
    seen = {"day": "2025-06-01", "opinion": "unfavourable", "trees_sampled": 2, "trees_absent": 0, "reason": "Acta 4"}
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    await permits.post(f"{PATH}/submit", MANAGER)
    await permits.post(f"{PATH}/inspect", SECOND, seen)
    await permits.post(f"{PATH}/observe", OFFICER, WHY)
    await permits.post(f"{PATH}/submit", MANAGER)
    await permits.answered()
    await permits.refused("inspected-unfavourably", f"{PATH}/approve", OFFICER, DECISION)

    await permits.post(f"{PATH}/inspect", SECOND, seen)
    await permits.post(f"{PATH}/inspect", SECOND, seen | {"opinion": "favourable", "reason": "Acta 5"})
    await permits.answered()

    assert (await permits.post(f"{PATH}/approve", OFFICER, DECISION))["state"] == "approved"


async def test_a_permit_of_a_third_party_is_approved_when_the_assembly_act_names_it(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit(holder="aserradero-1"))
    await permits.refused("holder-not-agreed", f"{PERMIT_PATH}/approve", SECOND)

    await permits.agreed_to_holder("aserradero-1")

    assert (await permits.post(f"{PERMIT_PATH}/approve", SECOND))["state"] == "in_force"
