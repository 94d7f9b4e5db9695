"""The track record of those who sign plans and of those who move their wood."""

from services.permits.api.house import HouseDep
from services.permits.domain.finding import Finding
from services.permits.domain.rules import people
from services.permits.domain.rules.catalogue import Rules, rules_on
from services.permits.domain.track_record import PartIn, Supervised, TrackRecord
from services.permits.schemas.findings import (
    ConfirmedOut,
    PartOut,
    RuleOutcomeWithEvidence,
    SupervisedOut,
    TrackRecordOut,
)
from services.permits.store import parties, track_records
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["organisations"])


@router.get("/v1/organisations/{org_id}/track-record")
async def read_track_record(org_id: str, grant: GrantDep, house: HouseDep) -> TrackRecordOut:
    """Plans signed as regent, communities whose permits it holds, and where false data was confirmed; over the country."""
    grant.require(org_id, kind="organisation", key=org_id)
    day = house.today
    async with house.database.transaction(grant.caller) as tx:
        if await parties.organisation(tx, org_id) is None:
            raise Missing("organisation", org_id)
        record = await track_records.track_record(tx, org_id, day)
    return _record(record, rules_on(day))


def _record(record: TrackRecord, rules: Rules) -> TrackRecordOut:
    subject = f"organisation:{record.org}"
    signed, held = (rules[name].parameters["look_back_days"] for name in ("P12", "K10"))
    said = [people.regent(record, subject, rules["P12"]), people.company(record, rules["K10"])]
    return TrackRecordOut(
        org=record.org, as_of=record.day, plans_signed=sum(one.part == "regent" for one in record.plans),
        plans_signed_in_a_year=len(record.signed_in_a_year), plans_confirmed_false=len(record.confirmed_plans(signed)),
        communities_held=len({one.org for one in record.plans if one.part == "holder"}),
        communities_confirmed_false=len(record.confirmed_communities(held)),
        supervised=[_supervised(one) for one in record.supervised],
        findings=[_outcome(finding, rules) for finding in said], plans=[_part(one) for one in record.plans],
    )  # fmt: skip


def _outcome(finding: Finding, rules: Rules) -> RuleOutcomeWithEvidence:
    about = rules.about(finding.rule)
    return RuleOutcomeWithEvidence(**finding.facts(), kind=about.kind, numeral=about.numeral)


def _supervised(one: Supervised) -> SupervisedOut:
    return SupervisedOut(
        org=one.org, supervision=one.number, permit=one.permit, closed_on=one.closed_on, moved_dm3=one.moved_dm3,
        unjustified_dm3=one.unjustified_dm3, v3_permille=one.v3_permille,
    )  # fmt: skip


def _part(one: PartIn) -> PartOut:
    return PartOut(
        plan=one.plan, part=one.part, org=one.org, signed_on=one.signed_on,
        confirmed=[ConfirmedOut(id=c.id, rule=c.rule, subject=c.subject, upheld_on=c.upheld_on) for c in one.confirmed],
    )  # fmt: skip
