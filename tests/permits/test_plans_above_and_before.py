"""What happens to permits when the plan above theirs falls, or another takes the place of their own."""

from typing import Any

from tests.permits.conftest import (
    MANAGER,
    OFFICER,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
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


async def approved(permits: Permits, plan: str, census: bytes | None = None, **changes: Any) -> None:
    """A plan of comunidad-a from draft to approval."""
    await permits.post("/v1/plans", MANAGER, a_plan(id=plan, **changes))
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
