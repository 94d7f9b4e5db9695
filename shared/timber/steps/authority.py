"""What registrars, authorities and supervisors put in the log: parties, plans, permits, inspections."""

from datetime import timedelta

from shared.timber.bodies import tree_item
from shared.timber.facts import (
    STATUS,
    CensusPart,
    CensusTree,
    Inspection,
    Organisation,
    Past,
    Permit,
    Plan,
    StatusList,
    Title,
    census_key,
)
from shared.timber.fields import LAST_DAY
from shared.timber.party import INDEPENDENT, REGISTRAR, known_organisation
from shared.timber.refusals import (
    CensusExceeded,
    IdTaken,
    ListFromFuture,
    NotClosed,
    NotIndependent,
    NotTheEnd,
    NotYours,
    PermitStatus,
    TooMany,
    WindowOrder,
)
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case, instant
from shared.timber.succession import CLOSED

MOST_REPORTS = 1_000  # of inspections of a plan: its document is read and written whole


def _free(case: Case, kind: str, id_: str) -> str:
    """The key of a document nobody has registered yet."""
    key = f"{kind}:{id_}"
    taken = case.facts.get(key)
    if taken is not None:
        raise IdTaken(kind, id_, taken.index)
    return key


def register_organisation(case: Case) -> Outcomes:
    """A party gets its id."""
    body = case.body
    key = _free(case, "org", body["id"])
    case.facts.put(key, Organisation(body["id"], body["name"], body["kind"], body.get("region"), case.index))
    return Outcomes()


def register_title(case: Case) -> Outcomes:
    """A community's land, as the registry has it."""
    body = case.body
    key = _free(case, "title", body["number"])
    known_organisation(case.facts, body["org"])
    case.facts.put(key, Title(body["number"], body["org"], body["region"], body["area_m2"], case.index))
    return Outcomes()


def commit_census(case: Case) -> Outcomes:  # noqa: ARG001  (no plan is approved yet, and none may ever be)
    """Which census a plan was handed in with: by its roots, before anybody can know which of its trees will be drawn."""
    return Outcomes()


def list_census(case: Case) -> Outcomes:
    """A part of an approved plan's census: each part once, each tree once, and no more of either than was approved."""
    body = case.body
    plan, part, parcel = case.known(Plan, "plan", body["plan"]), body["part"], body["parcel"]
    if not 1 <= part <= plan.census_parts:
        raise CensusExceeded(plan.id, "parts", plan.census_parts, part)
    key = census_key(plan.id, part)
    taken = case.facts.find(CensusPart, key)
    if taken is not None:
        raise IdTaken("census part", f"{plan.id} {part}", taken.index)
    listed_trees = plan.listed_trees + len(body["trees"])
    if listed_trees > plan.census_trees:
        raise CensusExceeded(plan.id, "trees", plan.census_trees, listed_trees)
    trees = []
    for listed in body["trees"]:
        item = tree_item(plan.id, parcel, listed["code"])
        _free(case, "tree", item)
        trees.append(
            CensusTree(
                plan.id, parcel, listed["code"], item, listed["species"], listed["dbh_mm"], listed["height_mm"],
                listed["volume_dm3"], listed["condition"], case.index,
            )
        )  # fmt: skip
    for tree in trees:
        case.facts.put(f"tree:{tree.item}", tree)
    case.facts.put(key, CensusPart(plan.id, part, case.index))
    plan.listed_trees = listed_trees
    case.facts.put(f"plan:{plan.id}", plan)
    return Outcomes()


def approve_plan(case: Case) -> Outcomes:
    """An operating plan and the commitment to its whole census."""
    body = case.body
    key = _free(case, "plan", body["id"])
    case.known(Title, "title", body["title"])
    plan = Plan(
        body["id"], body["title"], body["number"], body["season"], [parcel["code"] for parcel in body["parcels"]],
        body["harvest_from"], body["harvest_to"], body["census"]["root"], body["census"]["trees"],
        body["form_factor_milli"], case.index, body["census"]["parts"],
    )  # fmt: skip
    case.facts.put(key, plan)
    return Outcomes()


def issue_permit(case: Case) -> Outcomes:
    """A permit and its balances."""
    body = case.body
    _free(case, "permit", body["number"])
    plan = case.known(Plan, "plan", body["plan"])
    case.known(Title, "title", body["title"])
    if plan.title != body["title"]:
        raise NotYours(f"plan {plan.id}", plan.title, body["title"])
    known_organisation(case.facts, body["holder"])
    permit = Permit(
        body["number"], body["title"], body["plan"], body["holder"], "in_force", case.index, case.record.time,
        body["harvest_from"], body["harvest_to"], body["move_to"], case.index,
    )  # fmt: skip
    _authorise(case, permit)
    return Outcomes()


def amend_permit(case: Case) -> Outcomes:
    """New authorised volumes, a further harvest window, more days to move wood; what was drawn stays drawn."""
    permit = case.known(Permit, "permit", case.body["number"])
    if permit.status == "revoked":
        raise PermitStatus(permit.number, permit.status, permit.status_index)
    body = case.body
    move_to = body.get("move_to", permit.move_to)
    # Windows are only added: a felling between two of them stays outside.
    if move_to < permit.move_to or body.get("harvest_from", LAST_DAY) <= permit.felling_ended:
        raise WindowOrder(permit.number, permit.felling_ended, permit.move_to)
    _authorise(case, permit)
    permit.move_to = move_to
    if "harvest_from" in body:
        permit.reentries.append([body["harvest_from"], body["harvest_to"]])
    return Outcomes()


def _authorise(case: Case, permit: Permit) -> None:
    lines = case.body.get("lines", ())
    balances = [case.line(permit.number, line["parcel"], line["species"], line["product"]) for line in lines]
    case.facts.put(f"permit:{permit.number}", permit)
    for line, (key, balance) in zip(lines, balances, strict=True):
        permit.authorised_dm3 += line["volume_dm3"] - balance.authorised_dm3
        balance.authorised_dm3, balance.listed = line["volume_dm3"], True
        balance.trees = line.get("trees", balance.trees)
        case.facts.put(key, balance)


_STATUS = {
    "permit.suspended": (("in_force",), "suspended"),
    "permit.reinstated": (("suspended",), "in_force"),
    "permit.revoked": (("in_force", "suspended"), "revoked"),
}


def change_status(case: Case) -> Outcomes:
    """A permit is suspended, reinstated or revoked from this index on."""
    permit = case.known(Permit, "permit", case.body["number"])
    allowed, status = _STATUS[case.record.type]
    if permit.status not in allowed:
        raise PermitStatus(permit.number, permit.status, permit.status_index)
    permit.status, permit.status_index, permit.status_time = status, case.index, case.record.time
    case.facts.put(f"permit:{permit.number}", permit)
    return Outcomes()


def list_status(case: Case) -> Outcomes:
    """The registrar's daily list. An older list than the one known stays in the log and changes nothing; one of a day
    to come is refused, because no list before that day would count."""
    body, time = case.body, case.record.time
    known = case.facts.find(StatusList, STATUS)
    # The age counts from the claimed instant only when that lies in the day the list speaks of.
    listed_at = time if time[:10] == body["as_of"] else f"{body['as_of']}T00:00:00Z"
    if case.today is not None and instant(listed_at) > instant(case.today) + timedelta(days=case.norms.clock_days):
        raise ListFromFuture(listed_at, case.today, case.norms.clock_days)
    if known is None or known.listed_at <= listed_at:
        case.facts.put(STATUS, StatusList(body["as_of"], listed_at, body["suspended"], body["revoked"], case.index))
    return Outcomes()


def report_inspection(case: Case) -> Outcomes:
    """A field inspection of a plan by somebody independent of its title; several add up."""
    body = case.body
    plan = case.known(Plan, "plan", body["plan"])
    inspector = known_organisation(case.facts, body["inspector"])
    title = case.known(Title, "title", plan.title)
    if inspector.kind not in INDEPENDENT or inspector.id == title.org:
        raise NotIndependent(inspector.id, inspector.kind, plan.id)
    key = f"inspection:{body['plan']}"
    seen = case.facts.find(Inspection, key) or Inspection(body["plan"])
    if body["number"] in seen.reports:
        raise IdTaken("inspection", body["number"], seen.reports[body["number"]])
    if len(seen.reports) >= MOST_REPORTS:
        raise TooMany("plan", plan.id, MOST_REPORTS)
    seen.sampled += body["trees_sampled"]
    seen.absent += body["trees_absent"]
    seen.mismatched += body.get("trees_mismatched", 0)
    seen.volume_dm3 += body["volume_dm3"]
    seen.reports[body["number"]] = case.index
    case.facts.put(key, seen)
    return Outcomes()


def correct(case: Case) -> Outcomes:
    """A record names another and says what it should have said. It replaces nothing: both stay to be read."""
    past = case.known(Past, "record", case.body["amends"])
    if past.actor != case.record.actor and case.signer.role != REGISTRAR:
        raise NotYours(f"record {past.sid}", past.actor, case.record.actor)
    return Outcomes()


def note_conflict(case: Case) -> Outcomes:
    """That a record was refused because of an earlier one, for whoever looks at the earlier one."""
    case.known(Past, "record", case.body["first"])
    return Outcomes()


def note_commitment(case: Case) -> Outcomes:  # noqa: ARG001  (it says nothing about wood)
    """That a document of a sale existed by now: a signed contract or a closed settlement, by its salted hash alone."""
    return Outcomes()


def note_recovery(case: Case) -> Outcomes:  # noqa: ARG001  (it says nothing about wood)
    """That the keeper's database had been set back and was brought forward again, from a copy, under the signed root."""
    return Outcomes()


def close_log(case: Case) -> Outcomes:  # noqa: ARG001  (it says nothing about wood)
    """The last entry of a log: it goes on as another, whose key is named."""
    return Outcomes()


def continue_log(case: Case) -> Outcomes:
    """The first entry that the log before did not have: it builds on that one's last, right behind it. That all of them
    lead to the root it names, and that the names fit, is for those who have them (``shared.timber.succession``)."""
    before, prev = case.body["before"], case.record.prev
    if case.body["size"] != case.index:
        raise NotTheEnd(before, case.body["size"], case.index)
    last = case.facts.find(Past, f"record:{prev[0]}") if len(prev) == 1 else None
    if last is None or (last.type, last.index) != (CLOSED, case.index - 1):
        raise NotClosed(before, case.index)
    return Outcomes()
