"""The review of a plan: every rule over its facts, in the order of the catalogue."""

from collections.abc import Sequence

from services.permits.domain.census import Tree
from services.permits.domain.finding import Finding
from services.permits.domain.plan_facts import PlanFacts
from services.permits.domain.rules import area, datum, intensity, names, papers, people, size, volume
from services.permits.domain.rules.catalogue import Rules


def review(facts: PlanFacts, rules: Rules) -> list[Finding]:
    """What P01 to P15 and F00 to F18 say of a plan, and the spelling of its species. Slow for a large census: use a thread."""
    shift = datum.shifted(facts, rules["P03"])
    return [
        *area.within_title(facts, rules["P01"], datum_error=shift.status == "FAIL"),
        *area.on_nobody_elses(facts, rules["P02"]),
        shift,
        papers.resolution(facts, rules["P04"]),
        volume.authorised(facts, rules["P05"]),
        *of_census(facts.subject, facts.trees, facts.plan.form_factor_milli, rules),
        size.seed_trees(facts, rules["P08"]),
        intensity.intensity(facts, rules["P09"]),
        *intensity.densities(facts, rules),
        intensity.value_share(facts, rules["P11"]),
        people.regent(facts.regent_record, facts.subject, rules["P12"]),
        papers.inspected(facts, rules["P13"]),
        papers.third_party(facts, rules["P14"]),
        papers.cites(facts, rules["P15"]),
        *forensics(facts),
    ]


def forensics(facts: PlanFacts) -> list[Finding]:
    """F00 to F18 over the census; none where its places are not at hand. The score is F00, which is S3 at most."""
    from services.permits.domain.forensics import examine  # numpy, which only a plan handed in needs
    from services.permits.domain.forensics.thresholds import thresholds_on

    if not facts.trees or any(not tree.zone for tree in facts.trees):
        return []
    norms = thresholds_on(facts.day)
    # Nobody may fell before the approval, whatever days the plan names.
    return examine(
        facts.trees, norms, subject=facts.subject, polygons=facts.parcels, others=facts.compared, crowns=facts.crowns,
        felling_from=facts.plan.harvest_from if facts.plan.state == "approved" else None,
    ).findings  # fmt: skip


def of_census(subject: str, trees: Sequence[Tree], form_factor_milli: int, rules: Rules) -> list[Finding]:
    """The rules that look at each tree by itself: what an uploader is told at once."""
    return [
        volume.declared(subject, trees, form_factor_milli, rules["P06"]),
        size.diameters(subject, trees, rules["P07"]),
        names.known(subject, trees, rules["SPECIES"]),
    ]
