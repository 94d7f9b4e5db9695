"""Group certificates: what a certification body says of an organisation and of the members of its group.

A member that is suspended does not end the group, and a group that is suspended carries no member.
"""

from typing import Any

from shared.timber.facts import Certificate
from shared.timber.party import CERTIFYING, known_organisation
from shared.timber.refusals import CertificateStatus, IdTaken, NotCertifying, NotYours, TooMany, UnknownParent
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case

MOST_MEMBERS = 500  # of one group: its document is read and written whole
_FROM = {"certificate.suspended": "in_force", "certificate.reinstated": "suspended"}
_TO = {"certificate.suspended": "suspended", "certificate.reinstated": "in_force"}


def register_certificate(case: Case) -> Outcomes:
    """A certification body certifies an organisation, alone or with the members of its group."""
    body, actor = case.body, known_organisation(case.facts, case.record.actor)
    if actor.kind != CERTIFYING or body["holder"] == actor.id:
        raise NotCertifying(actor.id, actor.kind, body["holder"])
    key = f"certificate:{body['number']}"
    taken = case.facts.get(key)
    if taken is not None:
        raise IdTaken("certificate", body["number"], taken.index)
    known_organisation(case.facts, body["holder"])
    certificate = Certificate(
        body["number"], actor.id, body["holder"], body["scope"], "in_force", case.index, body["valid_from"],
        body["valid_to"], case.index,
    )  # fmt: skip
    _set_members(case, certificate, body["members"])
    return Outcomes()


def amend_members(case: Case) -> Outcomes:
    """Members join, or leave on a day. What was suspended stays so."""
    certificate = _own(case)
    if certificate.status == "ended":
        raise CertificateStatus(certificate.number, certificate.status, certificate.status_index)
    named = {member["org"] for member in case.body["members"]}
    if len(named | certificate.members.keys()) > MOST_MEMBERS:
        raise TooMany("certificate", certificate.number, MOST_MEMBERS)
    _set_members(case, certificate, case.body["members"])
    return Outcomes()


def _set_members(case: Case, certificate: Certificate, members: list[dict[str, Any]]) -> None:
    for member in members:
        known = certificate.members.get(member["org"])
        standing = ["in_force", case.index] if known is None else known[2:]
        certificate.members[member["org"]] = [member["from"], member.get("to", ""), *standing]
    case.facts.put(f"certificate:{certificate.number}", certificate)


def change_standing(case: Case) -> Outcomes:
    """The certificate, or one member of it, is suspended or reinstated from this index on."""
    certificate, kind = _own(case), case.record.type
    name = case.body.get("member")
    if name is None:
        _allow(certificate.number, certificate.status, certificate.status_index, kind)
        certificate.status, certificate.status_index = _TO[kind], case.index
    else:
        if certificate.status == "ended":
            raise CertificateStatus(certificate.number, certificate.status, certificate.status_index)
        member = certificate.member(name)
        if member is None:
            raise UnknownParent("member", f"{certificate.number} {name}")
        _allow(f"{certificate.number} {name}", member.status, member.status_index, kind)
        certificate.members[name][2:] = [_TO[kind], case.index]
    case.facts.put(f"certificate:{certificate.number}", certificate)
    return Outcomes()


def _allow(what: str, status: str, since: int, kind: str) -> None:
    if status != _FROM[kind]:
        raise CertificateStatus(what, status, since)


def end_certificate(case: Case) -> Outcomes:
    """The certificate ends for good, and with it what it said of its members."""
    certificate = _own(case)
    if certificate.status == "ended":
        raise CertificateStatus(certificate.number, certificate.status, certificate.status_index)
    certificate.status, certificate.status_index = "ended", case.index
    case.facts.put(f"certificate:{certificate.number}", certificate)
    return Outcomes()


def _own(case: Case) -> Certificate:
    certificate = case.known(Certificate, "certificate", case.body["number"])
    if certificate.certifier != case.record.actor:
        raise NotYours(f"certificate {certificate.number}", certificate.certifier, case.record.actor)
    return certificate
