"""A plan put before the rules: its facts gathered, what is found kept."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from services.permits.api.house import Work
from services.permits.domain.census import Tree
from services.permits.domain.compared import Compared, Renamed, renamed
from services.permits.domain.day import peru_day
from services.permits.domain.finding import Finding
from services.permits.domain.land.around import around
from services.permits.domain.land.limits import land_limits_on
from services.permits.domain.paper import Licence
from services.permits.domain.plan import Plan
from services.permits.domain.plan_facts import Assembly, CitesPapers, FieldLook, PlanFacts
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.rules.review import review
from services.permits.domain.visit import Result
from services.permits.store import (
    acts,
    assemblies,
    census,
    crowns,
    findings,
    land,
    papers,
    permits,
    prints,
    track_records,
    verifications,
    visits,
)
from services.permits.store.session import Tx

if TYPE_CHECKING:
    from services.permits.domain.forensics.fingerprint import Dated


async def facts_of(work: Work, plan: Plan) -> PlanFacts:
    """What the service knows of a plan for the rules; what nobody tells it yet stays ``None`` (``plan_facts``)."""
    tx, day = work.tx, work.today
    ground = await asyncio.to_thread(around, await land.land_of(tx, plan), land_limits_on(day))
    drawn = await permits.authorised_on(tx, plan)
    handing_in = work.caller.org == plan.org
    record = await track_records.track_record(tx, plan.regent, day) if plan.regent else None
    holders = {permit.holder for permit in drawn if permit.plan == plan.id} - {plan.org}
    trees = await census.standing_trees(tx, plan.id)
    return PlanFacts(
        plan, day, trees,
        title=ground.title, parcels=ground.parcels, zone=ground.zone, others=ground.others,
        census_ended_on=await _census_ended_on(tx, plan), census_uploaded_on=await _uploaded_on(tx, plan),
        licences=await _licences(tx, plan),
        cites=None if handing_in else await _cites(tx, plan, day),
        signed_on=day if handing_in else await findings.handed_in_on(tx, plan),
        # An officer has been let in by region; at the submission nobody has decided yet, and nobody has looked.
        competent=None if handing_in else True,
        looks=None if handing_in else await _looks(tx, plan),
        authorised=tuple(line for permit in drawn for line in permit.lines) or None,
        region_dm3_ha=await findings.figures_of_region(tx, plan.region, plan.id, "P09", "volume_dm3_ha"),
        region_valued_permille=await findings.figures_of_region(tx, plan.region, plan.id, "P11", "valued_permille"),
        regent_record=None if record is None else record.without(plan.id),
        # Whoever holds a permit is one; that nobody does says nothing of contracts.
        third_parties=tuple(sorted(holders)) or None,
        assemblies=await _assemblies(tx, plan), compared=await _compared(work, plan, trees),
        crowns=tuple(look for look, _, _ in await crowns.looks(tx, plan)) or None,
    )  # fmt: skip


async def _compared(work: Work, plan: Plan, trees: Sequence[Tree]) -> Compared | None:
    """The plans whose trees may be the same, named by a number that says nothing of them. From here on others find this one."""
    if not trees or any(not tree.zone for tree in trees):
        return None
    from services.permits.domain.forensics.fingerprint import fingerprint, unpacked  # numpy, which only this needs

    census_now = await asyncio.to_thread(fingerprint, trees)
    own = await _own_trees(work, plan, trees, census_now.kept)
    found, searched = await prints.alike(work.tx, plan, census_now.asked)
    others = {f"#{one.no}": await asyncio.to_thread(unpacked, one.marks, one.handed_in) for one in found}
    return Compared(
        {name: one.trees for name, one in others.items()}, searched,
        {name: one.since.tolist() for name, one in others.items()},
        {(tree.parcel, tree.code): since for tree, since in zip(own.trees, own.since.tolist(), strict=True)},
        await _renamed(work.tx, plan, trees),
    )  # fmt: skip


async def _renamed(tx: Tx, plan: Plan, trees: Sequence[Tree]) -> list[Renamed]:
    """Censuses of the plans that this one replaces, stands under or holds. The code of each of their trees is its place in its list,
    as it is of others."""
    found: list[Renamed] = []
    for other, no in (await prints.kin(tx, plan)).items():
        theirs = [tree._replace(code=str(place)) for place, tree in enumerate(await census.standing_trees(tx, other))]
        if all(tree.zone for tree in theirs):
            found += renamed(f"#{no}", trees, theirs)
    return found


async def _own_trees(work: Work, plan: Plan, trees: Sequence[Tree], keys: Sequence[int]) -> "Dated":
    """With which submission each tree of the census came. One that was only mended keeps the numbers of the trees it had, and
    trees that were put in later have later ones: nobody gets before a plan by copying it while it is under observation, nor
    by mending an earlier plan into its copy. A census that was not handed in is not kept, and after all others."""
    from services.permits.domain.forensics.fingerprint import dated, packed, unpacked

    mine = [one for one in (plan.id, plan.supersedes, plan.parent) if one]
    kept = await prints.kept_of(work.tx, mine)
    for one in kept:
        if (one.plan, one.root) == (plan.id, plan.census.root):
            return replace(await asyncio.to_thread(unpacked, one.marks, one.handed_in), trees=trees)
    number = await acts.handed_in(work.tx, plan)
    earlier = [await asyncio.to_thread(unpacked, one.marks, one.handed_in) for one in kept]
    own = await asyncio.to_thread(dated, trees, acts.NOT_YET if number is None else number, earlier)
    if number is not None:
        await prints.keep_print(work.tx, plan, keys, await asyncio.to_thread(packed, own), number)
    return own


async def _census_ended_on(tx: Tx, plan: Plan) -> date | None:
    """As the community said when it last handed the plan in."""
    said = [act.facts.get("census_ended_on") for act in await acts.acts_on(tx, plan.id) if act.act == "submit"]
    return date.fromisoformat(said[-1]) if said and said[-1] else None


async def _uploaded_on(tx: Tx, plan: Plan) -> date | None:
    """The day on which the census that the plan has was uploaded; ``None`` for one of before there were acts."""
    uploads = [
        act.at
        for act in await acts.acts_on(tx, plan.id)
        if act.act == "upload_census" and act.reason == plan.census.root
    ]
    return peru_day(uploads[-1]) if uploads else None


async def _licences(tx: Tx, plan: Plan) -> tuple[Licence, ...] | None:
    """Of the regent; ``None`` when the register holds none of it, which says nothing of whether there is one."""
    return tuple(licence for licence, _ in await papers.licences(tx, plan.regent)) or None if plan.regent else None


async def _cites(tx: Tx, plan: Plan, day: date) -> CitesPapers | None:
    """Trees that closed verifications found, and the papers that count on the day, none when all were taken back; ``None`` while
    there is neither."""
    seen: set[tuple[str, str]] = set()
    closed = [one for one in await verifications.verifications(tx, plan.id) if one.visit.closed_at is not None]
    for one in closed:
        results = await visits.results(tx, one.visit.number)
        seen |= {
            place
            for place, found in results.items()
            if found.verdict not in ("absent", "not_reached") and not _other_species(found)
        }
    known = [paper for paper, _ in await papers.cites(tx, plan.id)]
    quoted = {paper.species: f"{paper.kind} {paper.number}" for paper in known if paper.counts_on(day)}
    return CitesPapers(frozenset(seen) if closed else None, quoted if known else None) if closed or known else None


def _other_species(found: Result) -> bool:
    """A tree of another species stands there: the one that was authorised was not seen."""
    return any(one["what"] == "species" for one in found.facts.get("differences", ()))


async def _looks(tx: Tx, plan: Plan) -> tuple[FieldLook, ...]:
    """Ocular inspections, and closed verifications by lottery with the trees they reached and found absent: those of one stage
    draw the same trees, which count once. That whoever looked had no part in the plan was asked when it was recorded."""
    found: list[FieldLook] = []
    for act in await acts.acts_on(tx, plan.id):
        if act.act == "submit":
            found = []  # what was inspected before the plan was handed in again was another plan
        elif act.act == "inspect":
            counted = (int(act.facts.get(name) or 0) for name in ("trees_sampled", "trees_absent"))
            found.append(FieldLook(peru_day(act.at).isoformat(), True, True, *counted))
    looked: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    gone: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in await verifications.verifications(tx, plan.id):
        if one.visit.closed_at is not None:
            results = await visits.results(tx, one.visit.number)
            reached = {tree for tree, result in results.items() if result.verdict != "not_reached"} - looked[one.stage]
            missing = {tree for tree, result in results.items() if result.verdict == "absent"} - gone[one.stage]
            looked[one.stage] |= reached
            gone[one.stage] |= missing
            found.append(FieldLook(one.visit.number, True, one.stage == "submitted", len(reached), len(missing)))
    return tuple(found)


async def _assemblies(tx: Tx, plan: Plan) -> tuple[Assembly, ...] | None:
    """The agreement to this plan: one below its quorum is refused, and the digest of its minutes is kept with it."""
    act = await assemblies.act_for_plan(tx, plan.org, plan.id)
    return None if act is None else (Assembly(act.number, frozenset(act.third_parties), quorum=True, signed=True),)


async def keep_review(work: Work, plan: Plan) -> None:
    """Evaluate the rules over a plan and keep what they found, in this transaction."""
    changes = await findings.changes_around(work.tx, plan)  # first: a change while we read makes this review outdated
    facts, rules = await facts_of(work, plan), rules_on(work.today)
    found: list[Finding] = await asyncio.to_thread(review, facts, rules)
    told = [(_of_own(finding), rules.about(finding.rule)) for finding in found]
    await findings.add_review(work.tx, plan, told, work.now, work.caller.sub, work.caller.org, rules.version, changes)


def _of_own(finding: Finding) -> Finding:
    """Without what is another plan's: of its trees only the places in its list, which the answer names to who may know."""
    if finding.rule != "F13":
        return finding
    rows = [{"here": row["here"], "there": int(row["there"]["code"])} for row in finding.evidence]
    return replace(finding, evidence=rows)
