"""Crowns looked for from above: evidence that somebody attaches to F14, for the next review of the plan."""

from fastapi import Response

from services.permits.api.house import CommandDep, HouseDep, require_organisations
from services.permits.api.plans import visible_plan
from services.permits.api.reach import reach_of
from services.permits.api.territory import check_region
from services.permits.api.vault import check_cited
from services.permits.domain.assembly import check_come
from services.permits.domain.crowns import CrownLook
from services.permits.domain.document import check_kind
from services.permits.domain.party import NumberTaken
from services.permits.domain.plan import Plan, TreeUnknown
from services.permits.schemas.crowns import CrownLookIn, CrownLookOut, CrownLooksOut, CrownOut
from services.permits.store import crowns, visits
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["findings"])


@router.post("/v1/plans/{plan_id}/crowns", status_code=201, response_model=CrownLooksOut)
async def attach_crowns(plan_id: str, body: CrownLookIn, grant: GrantDep, command: CommandDep) -> Response:
    """Say of trees of the census whether their crowns are in an image. What is missing asks the maker (S2); only somebody else
    than who made the plan lets F14 pass. The same again is answered as known (200)."""
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan, org = await visible_plan(work.tx, plan_id, grant), work.caller.org
        if grant.scope == "any":
            check_region(work.caller.region, plan.region, "attach_crowns")
        elif org not in (plan.org, plan.regent):
            raise OtherOrganisation("attach_crowns")
        await require_organisations(work.tx, [org])
        check_come(body.taken_on, work.today)
        image = (await check_cited(work.tx, [body.image]))[body.image]
        check_kind(image, body.image, "crown_image")
        seen = {(tree.parcel, tree.code): tree.crown for tree in body.trees}
        known = await visits.planned(work.tx, plan.id, list(seen))
        unknown = [seat for seat in seen if seat not in known]
        if unknown:
            raise TreeUnknown(*unknown[0])
        look = CrownLook(body.image, org, org not in plan.makers, body.taken_on, body.device, seen)
        added = await crowns.add_look(work.tx, plan.id, look, body.note, work.caller.sub, work.now)
        if not added and not any(one == look for one, _, _ in await crowns.looks(work.tx, plan)):
            raise NumberTaken("crown_look", f"{plan.id} {body.image}")
        return await work.answer(201 if added else 200, await _answer(work.tx, plan))


@router.get("/v1/plans/{plan_id}/crowns")
async def list_crowns(plan_id: str, grant: GrantDep, house: HouseDep) -> CrownLooksOut:
    """What was seen from above of a plan, for those concerned."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        if not (await reach_of(tx, grant)).in_full(plan):
            raise Missing("plan", plan_id)
        return await _answer(tx, plan)


async def _answer(tx: Tx, plan: Plan) -> CrownLooksOut:
    items = [
        CrownLookOut(
            image=one.image, org=one.by_org, independent=one.by_another, taken_on=one.taken_on, device=one.device,
            trees=[CrownOut(parcel=p, code=c, crown=there) for (p, c), there in one.trees.items()], note=note,
            told_at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        for one, note, at in await crowns.looks(tx, plan)
    ]  # fmt: skip
    return CrownLooksOut(plan=plan.id, items=items)
