"""A plan put before the rules: its facts gathered, what is found kept."""

import asyncio

from services.permits.api.house import Work
from services.permits.domain.finding import Finding
from services.permits.domain.land import geojson_of
from services.permits.domain.plan import Plan
from services.permits.domain.plan_facts import PlanFacts
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.rules.review import review
from services.permits.store import census, findings, permits, titles, track_records


async def facts_of(work: Work, plan: Plan) -> PlanFacts:
    """What the service knows of a plan for the rules; what nobody tells it yet stays ``None`` (``plan_facts``)."""
    tx, day = work.tx, work.now.date()
    polygon = await titles.polygon_seen(tx, plan.title)
    drawn = await permits.authorised_on(tx, plan.id)
    handing_in = work.caller.org == plan.org
    record = await track_records.track_record(tx, plan.regent, day) if plan.regent else None
    holders = {holder for holder, _ in drawn.values()} - {plan.org}
    return PlanFacts(
        plan, day, await census.standing_trees(tx, plan.id),
        title=None if polygon is None else geojson_of(polygon),
        signed_on=day if handing_in else await findings.handed_in_on(tx, plan),
        # An officer has been let in by region; at the submission nobody has decided yet.
        competent=None if handing_in else True,
        authorised=tuple(line for _, lines in drawn.values() for line in lines) or None,
        region_dm3_ha=await findings.figures_of_region(tx, plan.region, plan.id, "P09", "volume_dm3_ha"),
        region_valued_permille=await findings.figures_of_region(tx, plan.region, plan.id, "P11", "valued_permille"),
        regent_record=None if record is None else record.without(plan.id),
        # Whoever holds a permit is one; that nobody does says nothing of contracts.
        third_parties=tuple(sorted(holders)) or None,
    )  # fmt: skip


async def keep_review(work: Work, plan: Plan) -> None:
    """Evaluate the rules over a plan and keep what they found, in this transaction."""
    facts, rules = await facts_of(work, plan), rules_on(work.now.date())
    found: list[Finding] = await asyncio.to_thread(review, facts, rules)
    told = [(finding, rules.about(finding.rule)) for finding in found]
    await findings.add_review(work.tx, plan, told, work.now, work.caller.sub, work.caller.org, rules.version)
