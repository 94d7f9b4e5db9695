"""The public answer: does this permit count on that day, and how do I check it myself?"""

from typing import Annotated

from fastapi import Query

from services.permits.api.house import HouseDep, log_state
from services.permits.domain.permit import Line, Permit
from services.permits.domain.plan import Plan
from services.permits.domain.standing import census_words, standing_on
from services.permits.schemas.permits import (
    CensusWords,
    Holder,
    Inspected,
    LinesSummary,
    PlanRef,
    ProductVolume,
    ReasonOut,
    SpeciesVolume,
    TitleRef,
    VerifyOut,
    Window,
)  # fmt: skip
from services.permits.schemas.words import Day
from services.permits.store import outbox, parties, permits, plans, titles
from shared.refusal import Missing
from shared.web.app import Router

router = Router(tags=["permits"])


@router.get("/v1/permits/{number}/verify")
async def verify_permit(number: str, house: HouseDep, on: Annotated[Day | None, Query()] = None) -> VerifyOut:
    """Public. A proposal that nobody approved does not exist here. Without ``on`` it answers for today (the day in Peru)."""
    day = on or house.today
    async with house.database.transaction() as tx:
        permit = await permits.permit(tx, number)
        plan = await plans.plan(tx, permit.plan) if permit is not None else None
        if permit is None or permit.state == "proposed" or plan is None:
            raise Missing("permit", number)
        standing = standing_on(permit, (await permits.acts(tx, [number]))[number], day)
        holder, title = await parties.organisation(tx, permit.holder), await titles.title(tx, permit.title)
        assert holder is not None, "a foreign key holds it"
        assert title is not None, "a foreign key holds it"
        inspections, sampled, absent = await plans.inspected(tx, plan.id)
        announced = await outbox.announced(tx, [permit.sid])
    return VerifyOut(
        number=permit.number, on=day, valid=standing.valid, movement_valid=standing.movement_valid,
        status=standing.status, reasons=[ReasonOut(slug=r.slug, es=r.es, en=r.en) for r in standing.reasons],
        window=Window(**dict(zip(("harvest_from", "harvest_to"), permit.window_on(day), strict=True)), move_to=permit.move_to),
        holder=Holder(id=holder[0].id, name=holder[0].name),
        title=TitleRef(
            number=title[0].number, official_number=title[0].official_number, region=title[0].region
        ),
        plan=PlanRef(id=plan.id, number=plan.number, season=plan.season, resolution=plan.resolution),
        census=_census(permit, plan),
        inspected=Inspected(inspections=inspections, trees_sampled=sampled, trees_absent=absent),
        lines=_summary(permit.lines), log=log_state(announced, permit.sid),
    )  # fmt: skip


def _census(permit: Permit, plan: Plan) -> CensusWords:
    es, en = census_words(plan.census_basis, permit.p05)
    return CensusWords(
        basis=plan.census_basis, trees=plan.census.trees, harvestable_dm3=plan.census.harvestable_dm3, p05=permit.p05,
        es=es, en=en,
    )  # fmt: skip


def _summary(lines: tuple[Line, ...]) -> LinesSummary:
    products = sorted({line.product for line in lines})
    volumes = [
        ProductVolume(product=product, volume_dm3=sum(line.volume_dm3 for line in lines if line.product == product))
        for product in products
    ]
    of_species: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.species, line.product)
        of_species[key] = of_species.get(key, 0) + line.volume_dm3
    return LinesSummary(
        count=len(lines), parcels=sorted({line.parcel for line in lines}), species=len({line.species for line in lines}),
        by_product=volumes,
        by_species=[
            SpeciesVolume(species=species, product=product, volume_dm3=volume_dm3)
            for (species, product), volume_dm3 in sorted(of_species.items())
        ],
    )  # fmt: skip
