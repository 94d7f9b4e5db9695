"""Who signs and who moves the wood: the regent's plans (P12) and the company's communities (K10)."""

from services.permits.domain.finding import Finding
from services.permits.domain.rules.catalogue import SEVERITIES, PlanRule
from services.permits.domain.track_record import TrackRecord


def regent(record: TrackRecord | None, subject: str, rule: PlanRule) -> Finding:
    """P12: plans with confirmed false data, and more plans in a year than anybody can walk."""
    if record is None:
        return rule.missing(subject, "el plan no nombra regente", "the plan names no regent")
    confirmed, pace = len(record.confirmed_plans), len(record.signed_in_a_year)
    levels = (rule.over("confirmed_plans", confirmed), rule.over("plans_per_year", pace))
    return rule.judged(
        next((level for level in SEVERITIES if level in levels), ""), f"organisation:{record.org}",
        f"{record.org}: {confirmed} planes con datos falsos confirmados; {pace} planes en un año.",
        f"{record.org}: {confirmed} plans with confirmed false data; {pace} plans in a year.",
        {"confirmed_plans": confirmed, "plans_in_a_year": pace, "plans": len(record.plans)},
        [{"plan": one.plan, "organisation": one.org} for one in record.confirmed_plans],
    )  # fmt: skip


def company(record: TrackRecord, rule: PlanRule) -> Finding:
    """K10: one company, and several communities in whose plans false data was confirmed."""
    held = sorted({one.org for one in record.plans if one.part == "holder"})
    confirmed = record.confirmed_communities
    return rule.judged(
        rule.over("communities", len(confirmed)), f"organisation:{record.org}",
        f"{record.org}: datos falsos confirmados en {len(confirmed)} de {len(held)} comunidades.",
        f"{record.org}: confirmed false data in {len(confirmed)} of {len(held)} communities.",
        {"communities": len(held), "confirmed_communities": len(confirmed)},
        [{"organisation": org} for org in confirmed],
    )  # fmt: skip
