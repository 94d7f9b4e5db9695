"""What is claimed of wood that is sold: D06."""

from typing import Any

from shared.timber.facts import Certificate
from shared.timber.norms import Rule
from shared.timber.rules.outcome import Outcome


def d06(rule: Rule, lot: str, number: str, certificate: Certificate | None, seller: str, day: str) -> Outcome:
    """The certificate that a sale names carried the seller: known, of that day, in force at that index of the log.
    A holder who is listed as a member stands or falls as one."""
    subject, severity = f"lot:{lot}", rule.parameters["severity"]
    computed: dict[str, Any] = {"certificate": number, "seller": seller, "day": day}
    if certificate is None:
        return rule.failed(severity, subject, "unknown", computed)
    computed |= {"valid_from": certificate.valid_from, "valid_to": certificate.valid_to}
    if not certificate.valid_from <= day <= certificate.valid_to:
        return rule.failed(severity, subject, "window", computed)
    if certificate.status != "in_force":
        computed |= {"status": certificate.status, "status_index": str(certificate.status_index)}
        return rule.failed(severity, subject, "status", computed)
    member = certificate.member(seller)
    if member is None and seller == certificate.holder:
        return rule.passed(subject, computed)
    if member is None or not member.first_day <= day <= (member.last_day or day):
        return rule.failed(severity, subject, "not_member", computed)
    if member.status != "in_force":
        computed |= {"status": member.status, "status_index": str(member.status_index)}
        return rule.failed(severity, subject, "member_status", computed)
    return rule.passed(subject, computed)
