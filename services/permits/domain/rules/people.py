"""Who signs and who moves the wood: the regent's plans (P12) and the company's communities (K10)."""

from services.permits.domain.finding import Finding
from services.permits.domain.rules.catalogue import SEVERITIES, PlanRule, Row
from services.permits.domain.track_record import Supervised, TrackRecord, newest_and_worst


def regent(record: TrackRecord | None, subject: str, rule: PlanRule) -> Finding:
    """P12: plans with data confirmed false in the years that the rule looks back, and more plans in a year than anybody can
    walk. A clean plan wipes no other out."""
    if record is None:
        return rule.missing(subject, "el plan no nombra regente", "the plan names no regent")
    found, pace = record.confirmed_plans(rule.parameters["look_back_days"]), len(record.signed_in_a_year)
    confirmed = len(found)
    levels = (rule.over("confirmed_plans", confirmed), rule.over("plans_per_year", pace))
    rows = [
        {"plan": one.plan, "organisation": one.org, "upheld_on": max(c.upheld_on for c in one.confirmed).isoformat()}
        for one in found
    ]
    return rule.judged(
        next((level for level in SEVERITIES if level in levels), ""), f"organisation:{record.org}",
        f"{record.org}: {confirmed} planes con datos falsos confirmados; {pace} planes en un año.",
        f"{record.org}: {confirmed} plans with confirmed false data; {pace} plans in a year.",
        {"confirmed_plans": confirmed, "plans_in_a_year": pace, "plans": len(record.plans)},
        sorted(rows, key=lambda row: row["upheld_on"], reverse=True),
    )  # fmt: skip


def company(record: TrackRecord, rule: PlanRule) -> Finding:
    """K10: one company, and several communities in whose plans false data was confirmed, or in which a supervision found much
    of what it moved without a tree (V3), in the years that the rule looks back. A clean supervision wipes no other out."""
    days, permille = rule.parameters["look_back_days"], rule.parameters["v3_permille"]
    held = sorted({one.org for one in record.plans if one.part == "holder"})
    seen: dict[str, list[Supervised]] = {}
    for one in record.supervised_in(days):
        seen.setdefault(one.org, []).append(one)
    confirmed = record.confirmed_communities(days)
    high = {org for org, found in seen.items() if any(one.v3_over(permille) for one in found)}
    bad = sorted(set(confirmed) | high)
    unknown = sorted(set(held) - set(bad) - seen.keys())
    computed = {
        "communities": len(held), "confirmed_communities": len(confirmed), "high_v3_communities": len(high),
        "unsupervised_communities": len(unknown), "supervisions": sum(len(found) for found in seen.values()),
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
        computed, [_community(org, seen.get(org, []), confirmed=org in confirmed) for org in bad],
    )  # fmt: skip


def _community(org: str, found: list[Supervised], *, confirmed: bool) -> Row:
    """What is known of a community: the newest supervision and the worst stand beside each other."""
    row: Row = {"organisation": org, "confirmed_false_data": "yes" if confirmed else "no"}
    for name, one in zip(("newest", "worst"), newest_and_worst(found) if found else (), strict=False):
        row |= {
            f"{name}_supervision": one.number, f"{name}_closed_on": one.closed_on.isoformat(),
            f"{name}_unjustified_dm3": one.unjustified_dm3, f"{name}_moved_dm3": one.moved_dm3,
        }  # fmt: skip
    return row
