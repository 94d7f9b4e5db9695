"""What verifications and supervisions have in common: recording trees, and reporting to the log what was looked at."""

from collections.abc import Iterable, Mapping, Sequence

from services.permits.api.house import House, Work, require_organisations
from services.permits.api.reach import Reach, reach_of
from services.permits.api.territory import check_region
from services.permits.domain.assembly import check_come
from services.permits.domain.field_tree import FieldTree, Place, Planned, judge
from services.permits.domain.party import NumberTaken, Organisation, ReferenceUnknown
from services.permits.domain.plan import Plan
from services.permits.domain.reach import Ground
from services.permits.domain.visit import Result, Visit, check_repeated, inspections_of
from services.permits.schemas.field import FoundOut, PlannedOut, RecordedOut, ResultsIn, TreeResultIn
from services.permits.schemas.plans import Utm
from services.permits.store import outbox, parties, plans, verifications, visits
from services.permits.store.session import Tx
from shared.web.access import Grant


async def visitor_of(tx: Tx, org: str) -> Organisation:
    """The organisation that goes into the field; it must be registered, since the log will name it."""
    known = await parties.organisation(tx, org)
    if known is None:
        raise ReferenceUnknown("organisation", org)
    return known[0]


async def work_on(work: Work, visit: Visit, action: str) -> None:
    """The caller's organisation works on an open visit in its region, and holds it."""
    visit.check_visitor(work.caller.org, action)
    check_region(work.caller.region, visit.region, action)
    visit.check_open()
    await visits.hold(work.tx, visit.number)


async def record(
    work: Work, visit: Visit, plan: Plan, body: ResultsIn, planned: Mapping[tuple[str, str], Planned]
) -> RecordedOut:
    """Judge each tree against the census and keep what is new; all or none. Nobody has seen a tree tomorrow."""
    before, told, recorded = await visits.results(work.tx, visit.number), [], 0
    apart = await visits.private_of(work.tx, [result.seq for result in before.values()])
    for one in body.trees:
        check_come(one.seen_on, work.today)
        found = _found(one)
        known = before.get(found.key)
        aside = known and apart.get(known.seq, (None, None))[:2] == (found.place, found.observation)
        judged = judge(planned[found.key], found, visit.tolerances, plan.form_factor_milli)
        facts = found.public | judged.facts()
        if check_repeated(known, facts, one.reason, aside=bool(aside)):
            await visits.add_result(work.tx, visit, found, facts, work.caller.sub, work.now, one.reason)
            recorded += 1
        told.append({"parcel": found.parcel, "code": found.code} | judged.facts())
    return RecordedOut(recorded=recorded, known=len(body.trees) - recorded, trees=told)


def _found(one: TreeResultIn) -> FieldTree:
    return FieldTree(
        one.parcel, one.code, one.state, one.seen_on, one.code_field, one.species_field, one.diameter_a_mm,
        one.diameter_b_mm, one.diameter_method, one.height_mm,
        None if one.utm is None else Place(one.utm.zone, one.utm.easting_dm, one.utm.northing_dm), one.observation,
    )  # fmt: skip


async def report_to_log(
    work: Work, house: House, visit: Visit, plan: Plan, results: Sequence[tuple[Result, int]]
) -> None:
    """Publish what was looked at as ``inspection.reported``: so it counts in the coverage of every verdict on this plan."""
    await require_organisations(work.tx, [visit.visitor])
    letters = []
    for found in inspections_of(visit, results, await plans.trees_reported(work.tx, plan.id)):
        letter = house.registrar.write(
            "inspection.reported", visit.visitor, found.statement(), work.now, subject=f"inspection:{found.number}",
            prev=[plan.sid],
        )  # fmt: skip
        if not await plans.add_inspection(work.tx, found, letter.sid):
            raise NumberTaken("inspection", found.number)
        letters.append(letter)
    await outbox.announce(work.tx, letters, work.now)


async def report_closed(work: Work, house: House, plan: Plan) -> None:
    """A plan that was just approved: what was verified and closed before it reaches the log with it."""
    for one in await verifications.verifications(work.tx, plan.id):
        if one.visit.closed_at is not None:
            results = await visits.results(work.tx, one.visit.number)
            planned = await visits.planned(work.tx, plan.id, list(results))
            await report_to_log(work, house, one.visit, plan, volumes_of(results, planned))


async def found_out(tx: Tx, results: Sequence[Result]) -> dict[tuple[str, str], FoundOut]:
    """Results as they are answered, with place and observation where the caller may see them."""
    private = await visits.private_of(tx, [result.seq for result in results])
    return {
        (result.parcel, result.code): _found_out(result, *private.get(result.seq, (None, None, None)))
        for result in results
    }


def _found_out(result: Result, place: Place | None, observation: str | None, reason: str | None) -> FoundOut:
    return FoundOut(
        facts=dict(result.facts), utm=utm_out(place), observation=observation, recorded_at=result.recorded_at,
        reason=reason, times_recorded=result.times,
    )  # fmt: skip


def ground_of_visit(reach: Reach, visit: Visit) -> Ground | None:
    """Why the caller reads what a visit found beyond what is public: as a party, as an officer, or as whom the community
    lets; ``None`` when it does not."""
    return reach.ground("inspections", visit.region, visit.org, visit.regent, visit.visitor)


async def note_trees(
    tx: Tx, grant: Grant, visit: Visit, planned: Iterable[Planned], found: Iterable[FoundOut] = ()
) -> None:  # fmt: skip
    """The community sees who was shown where trees of its census stand, and what a visit says of them in private."""
    reach, read = await reach_of(tx, grant), []
    if any(tree.place is not None for tree in planned):
        plan = await plans.plan(tx, visit.plan)
        assert plan is not None, "who sees its trees sees it"
        read.append((visit.org, visit.region, "census", visit.plan, reach.of_census(plan)))
    if any(one.utm is not None or one.observation is not None or one.reason is not None for one in found):
        read.append((visit.org, visit.region, "inspection", visit.number, ground_of_visit(reach, visit)))
    await reach.note(tx, read)


def planned_out(tree: Planned | None) -> PlannedOut | None:
    """A census tree as it is answered; nothing where the caller may not see the census."""
    if tree is None:
        return None
    return PlannedOut(
        species=tree.species, dbh_mm=tree.dbh_mm, height_mm=tree.height_mm, volume_dm3=tree.volume_dm3,
        utm=utm_out(tree.place),
    )  # fmt: skip


def utm_out(place: Place | None) -> Utm | None:
    """A place as it is answered."""
    return None if place is None else Utm(zone=place.zone, easting_dm=place.easting_dm, northing_dm=place.northing_dm)


def volumes_of(
    results: Mapping[tuple[str, str], Result], planned: Mapping[tuple[str, str], Planned]
) -> list[tuple[Result, int]]:
    """Each result with the volume that the census gives its tree."""
    return [(result, planned[key].volume_dm3) for key, result in results.items()]
