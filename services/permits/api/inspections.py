"""What somebody independent found in the field."""

from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, log_state, require_organisations
from services.permits.api.territory import check_region
from services.permits.domain.party import NumberTaken, ReferenceUnknown
from services.permits.domain.plan import Inspection, TreeUnknown
from services.permits.schemas.inspections import InspectionIn, InspectionOut
from services.permits.schemas.words import Page
from services.permits.store import census, outbox, plans, visits
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.web.app import Router

router = Router(tags=["inspections"])


@router.post("/v1/inspections", status_code=201, response_model=InspectionOut)
async def report_inspection(body: InspectionIn, command: CommandDep, house: HouseDep) -> Response:
    """Report an inspection of an approved plan, by somebody who had no part in it."""
    inspector = command.caller
    found = Inspection(
        body.number, body.plan, body.parcel, inspector.org, body.trees_sampled, body.trees_absent,
        body.trees_mismatched, body.volume_dm3, None if body.trees is None else tuple(body.trees),
    )  # fmt: skip
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await plans.plan(work.tx, body.plan)
        if plan is None:
            raise ReferenceUnknown("plan", body.plan)
        check_region(inspector.region, plan.region, "report_inspection")
        plan.check_inspector(inspector.sub, inspector.org)
        if body.parcel not in {parcel.code for parcel in plan.parcels}:
            raise ReferenceUnknown("parcel", f"{plan.id} {body.parcel}")
        if plan.census_basis == "listed":
            unknown = await census.unknown_codes(work.tx, plan.id, body.parcel, found.trees or ())
            if unknown:
                raise TreeUnknown(body.parcel, ", ".join(unknown[:10]))
        await require_organisations(work.tx, [inspector.org])
        if await visits.reserved(work.tx, body.number):
            raise NumberTaken("inspection", body.number)
        letter = house.registrar.write(
            "inspection.reported", inspector.org, found.statement(), work.now, subject=f"inspection:{found.number}",
            prev=[plan.sid],
        )  # fmt: skip
        added = await plans.add_inspection(work.tx, found, letter.sid)
        stored = await plans.inspection(work.tx, found.number)
        taken = NumberTaken("inspection", found.number)
        known, announced = await work.announce_new(letter, found, added, stored, taken)
        return await work.answer(201 if added else 200, _inspection(known, announced))


@router.get("/v1/inspections")
async def list_inspections(
    house: HouseDep, paging: PagingDep, plan: Annotated[str | None, Query(max_length=40)] = None
) -> Page[InspectionOut]:
    """Inspections by number, perhaps of one plan."""
    async with house.database.transaction() as tx:
        found, following = paging.page(
            await plans.inspections(tx, plan, paging.after, paging.limit + 1), lambda known: known[0].number
        )
        announced = await outbox.announced(tx, [sid for _, sid in found])
    return Page(items=[_inspection(known, announced) for known in found], next=following)


@router.get("/v1/inspections/{number}")
async def read_inspection(number: str, house: HouseDep) -> InspectionOut:
    """One inspection."""
    async with house.database.transaction() as tx:
        known = await plans.inspection(tx, number)
        if known is None:
            raise Missing("inspection", number)
        return _inspection(known, await outbox.announced(tx, [known[1]]))


def _inspection(known: tuple[Inspection, str], announced: dict[str, Announced]) -> InspectionOut:
    found, sid = known
    return InspectionOut(
        number=found.number, plan=found.plan, parcel=found.parcel, inspector=found.inspector,
        trees_sampled=found.trees_sampled, trees_absent=found.trees_absent, trees_mismatched=found.trees_mismatched,
        volume_dm3=found.volume_dm3, trees=None if found.trees is None else list(found.trees),
        log=log_state(announced, sid),
    )  # fmt: skip
