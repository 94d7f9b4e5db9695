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
    """K10: one company, and several communities in whose plans false data was confirmed, or in which supervisions found much
    of what it moved without a tree (V3)."""
    held = sorted({one.org for one in record.plans if one.part == "holder"})
    high = {one.org for one in record.supervised if one.v3_over(rule.parameters["v3_permille"])}
    bad = sorted(set(record.confirmed_communities) | high)
    unknown = sorted(set(held) - set(bad) - {one.org for one in record.supervised})
    computed = {
        "communities": len(held), "confirmed_communities": len(record.confirmed_communities),
        "high_v3_communities": len(high), "unsupervised_communities": len(unknown),
    }  # fmt: skip
    subject = f"organisation:{record.org}"
    severity = rule.over("communities", len(bad))
    if not severity and rule.over("communities", len(bad) + len(unknown)):
        return rule.missing(
            subject, f"sin supervisión cerrada en {len(unknown)} de {len(held)} comunidades",
            f"no closed supervision in {len(unknown)} of {len(held)} communities", computed,
        )  # fmt: skip
    return rule.judged(
        severity, subject,
        f"{record.org}: datos falsos confirmados o volumen sin árbol en {len(bad)} de {len(held)} comunidades.",
        f"{record.org}: confirmed false data or volume without trees in {len(bad)} of {len(held)} communities.",
        computed, [{"organisation": org} for org in bad],
    )  # fmt: skip
