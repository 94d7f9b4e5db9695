"""What supervisors say about findings: they raise one by hand, and they close one with a reason."""

from shared.timber.facts import Finding, Item, Past
from shared.timber.party import SUPERVISING, known_organisation
from shared.timber.refusals import AlreadyDone, NotSupervising, OwnFinding, UnknownParent
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case

BY_HAND = "H01"


def raise_finding(case: Case) -> Outcomes:
    """A supervisor saw what no rule sees. The finding counts like any other, and the organisation it concerns is named."""
    body, subject = case.body, case.body["subject"]
    _supervising(case)
    known_organisation(case.facts, body["org"])
    doc = case.facts.get(subject)
    if doc is None:
        raise UnknownParent(*subject.split(":", 1))
    outcomes = Outcomes()
    computed = {"by": case.record.actor, "text": body["text"]}
    outcomes.note(case.rules[BY_HAND].failed(body["severity"], subject, "raised", computed))
    case.facts.put(f"finding:{case.index}", Finding(case.index, body["org"]))
    if isinstance(doc, Item):
        case.mark((doc,), outcomes)
    return outcomes


def resolve_finding(case: Case) -> Outcomes:
    """What a rule found on a record is answered for, by a supervisor who is not the one concerned. Only failures are
    resolved: what could not be evaluated stays so. That the rule failed there is for the reader of the verdict to see."""
    body, actor = case.body, case.record.actor
    past = case.known(Past, "record", body["record"])
    _supervising(case)
    key = f"finding:{past.index}"
    finding = case.facts.find(Finding, key) or Finding(past.index, past.actor)
    if finding.concerned == actor:
        raise OwnFinding(past.sid, actor)
    before = finding.resolved.get(body["rule"])
    if before is not None:
        raise AlreadyDone("finding.resolved", f"{body['rule']} {past.sid}", before["sid"], before["index"])
    finding.resolved[body["rule"]] = {
        "by": actor, "reason": body["reason"], "evidence_sha256": body["evidence_sha256"], "sid": case.record.sid,
        "index": case.index,
    }  # fmt: skip
    case.facts.put(key, finding)
    return Outcomes()


def _supervising(case: Case) -> None:
    actor = known_organisation(case.facts, case.record.actor)
    if actor.kind not in SUPERVISING:
        raise NotSupervising(actor.id, actor.kind, case.record.type)
