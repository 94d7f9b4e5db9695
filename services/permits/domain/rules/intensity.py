"""How much a plan takes for its area (P09), of which genera (P10), and how much of it is of the dearest species (P11)."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date

from services.permits.domain.finding import Finding, Severity
from services.permits.domain.paper import is_listed, may_be_listed
from services.permits.domain.plan_facts import PlanFacts
from services.permits.domain.rules.catalogue import Density, PlanRule, Rules

M2_OF_1000_HA = 10_000_000


def intensity(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P09: roundwood authorised, or harvestable before anything is, for each hectare of the parcels. A percentile of the
    region is passed by its share of honest plans, so it is only noted unless it is passed by far."""
    taken = _taken(facts)
    if not taken:
        return rule.missing(
            facts.subject, "ni censo entero ni volumen autorizado", "neither a whole census nor authorised volume"
        )
    total = sum(taken.values())
    dm3_ha = total * 10_000 // facts.area_m2
    most: int = rule.parameters["volume_dm3_ha"]
    region = percentile(facts.region_dm3_ha, rule)
    limit = most if region is None else min(most, region)
    over: Severity = "" if region is None else rule.over("times_region_milli", dm3_ha, region, 1000)
    return rule.judged(
        rule.parameters["severity"] if dm3_ha > most else over, facts.subject,
        f"{dm3_ha} dm³ por hectárea; límite {limit} ({len(facts.region_dm3_ha)} planes de la región).",
        f"{dm3_ha} dm³ a hectare; limit {limit} ({len(facts.region_dm3_ha)} plans of the region).",
        {
            "volume_dm3": total, "volume_dm3_ha": dm3_ha, "limit_dm3_ha": limit,
            "region_plans": len(facts.region_dm3_ha),
        },
    )  # fmt: skip


def densities(facts: PlanFacts, rules: Rules) -> list[Finding]:
    """P10: thick trees of each genus against the reference. A finding for each that exceeds, and one for the rest.

    A tenth of honest plans exceeds a 90th percentile, and each genus is another chance to: that is a note. A question is what
    few honest plans exceed in *any* of the genera compared (Sidak 1967), three times the percentile, or more genera above it
    than chance puts there.
    """
    rule = rules["P10"]
    if not facts.whole or not facts.trees:
        return [rule.missing(facts.subject, "el censo no está entero", "the census is not whole")]
    thick = Counter(tree.species.split()[0] for tree in facts.trees if tree.dbh_mm >= rule.parameters["least_dbh_mm"])
    many = {genus: trees for genus, trees in sorted(thick.items()) if trees >= rule.parameters["least_trees"]}
    without = [genus for genus in many if genus not in rules.densities]
    compared = len(many) - len(without)
    found = [
        one
        for genus, trees in many.items()
        if genus in rules.densities and (one := _denser(facts, rule, genus, trees, rules.densities[genus], compared))
    ]
    return [*found, _genera(facts, rule, compared, len(found), without)]


def _genera(facts: PlanFacts, rule: PlanRule, compared: int, over: int, without: Sequence[str]) -> Finding:
    """All genera together: asked when more exceed their reference than chance explains, else what was not compared."""
    most = _exceeding_by_chance(compared, _asked_share(rule))
    computed = {
        "genera": compared + len(without), "over": over, "without_reference": len(without), "over_asked_from": most + 1,
    }  # fmt: skip
    if over > most:
        return rule.failed(
            "S2", facts.subject,
            f"{over} de {compared} géneros pasan la referencia (P90); por azar, hasta {most}.",
            f"{over} of {compared} genera exceed the reference (P90); by chance, up to {most}.", computed,
        )  # fmt: skip
    if without:
        names = ", ".join(without[:10])
        return rule.missing(facts.subject, f"sin referencia: {names}", f"no reference for: {names}", computed)
    under = compared - over
    return rule.passed(
        facts.subject, f"{under} de {compared} géneros bajo la referencia.",
        f"{under} of {compared} genera below the reference.", computed,
    )  # fmt: skip


def _asked_share(rule: PlanRule) -> float:
    """What either question may ask of honest plans: half of what both together may."""
    share: float = rule.parameters["honest_plans_asked_permille"] / 2000
    return share


def _exceeding_by_chance(genera: int, share: float) -> int:
    """How many of these exceed a 90th percentile in all but this share of honest plans."""
    left, most = 1.0, -1
    while left > share:
        most += 1
        left -= math.comb(genera, most) * 0.1**most * 0.9 ** (genera - most)
    return most


def _denser(
    facts: PlanFacts, rule: PlanRule, genus: str, trees: int, reference: Density, compared: int
) -> Finding | None:
    """The finding of a genus that is denser than the 90th percentile of its reference."""
    on_1000_ha = trees * M2_OF_1000_HA
    severity = rule.over("times_p90_milli", on_1000_ha, reference.p90 * facts.area_m2, 1000)
    if not severity:
        return None
    limit = reference.exceeded_by(1 - (1 - _asked_share(rule)) ** (1 / compared))
    if severity == "S1" and on_1000_ha > limit * facts.area_m2:
        severity = "S2"
    here = on_1000_ha // facts.area_m2
    return rule.failed(
        severity, f"species:{genus} spp.",
        f"{genus}: {trees} árboles gruesos, {here} en 1000 ha; referencia (P90) {reference.p90}; con {compared} géneros"
        f" comparados se pregunta desde {limit}.",
        f"{genus}: {trees} thick trees, {here} on 1,000 ha; reference (P90) {reference.p90}; with {compared} genera compared"
        f" it is asked from {limit}.",
        {
            "trees": trees, "trees_per_1000_ha": here, "reference_p90": reference.p90, "genera_compared": compared,
            "asked_from": limit,
        },
    )  # fmt: skip


def value_share(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P11: the share of CITES and most valued species against the plans approved in the region, noted unless it is far
    above. A name that may be of a listed species counts as one."""
    taken = _taken(facts)
    if not taken:
        return rule.missing(
            facts.subject, "ni censo entero ni volumen autorizado", "neither a whole census nor authorised volume"
        )
    total = sum(taken.values())
    doubtful = {tree.species for tree in facts.harvestable if may_be_listed(tree, facts.day)}
    valued = {n: dm3 for n, dm3 in taken.items() if n in doubtful or _is_valued(n, facts.day, rule)}
    share = 1000 * sum(valued.values()) // total
    computed = {"volume_dm3": total, "valued_permille": share, "region_plans": len(facts.region_valued_permille)}
    region = percentile(facts.region_valued_permille, rule)
    if region is None:
        needed = rule.parameters["region_plans"]
        return rule.missing(
            facts.subject, f"{share} ‰ de especies valiosas; la región tiene menos de {needed} planes aprobados",
            f"{share} ‰ of valued species; the region has fewer than {needed} approved plans", computed,
        )  # fmt: skip
    limit = max(region, rule.parameters["least_limit_permille"])
    return rule.judged(
        rule.over("times_region_milli", share, limit, 1000), facts.subject,
        f"{share} ‰ del volumen es de especies valiosas; límite de la región {limit} ‰.",
        f"{share} ‰ of the volume is of valued species; limit of the region {limit} ‰.", computed | {"limit_permille": limit},
        [{"species": species, "volume_dm3": dm3} for species, dm3 in sorted(valued.items(), key=lambda pair: -pair[1])],
    )  # fmt: skip


def percentile(figures: Sequence[int], rule: PlanRule) -> int | None:
    """The rule's percentile by nearest rank; ``None`` while the region has too few plans."""
    if len(figures) < rule.parameters["region_plans"]:
        return None
    rank: int = math.ceil(len(figures) * rule.parameters["region_percentile"] / 100)
    return sorted(figures)[rank - 1]


def _taken(facts: PlanFacts) -> Counter[str]:
    """Roundwood by species, in dm3: authorised, or harvestable while nothing is; empty when neither is known."""
    taken: Counter[str] = Counter()
    for line in facts.authorised or ():
        if line.product == "roundwood":
            taken[line.species] += line.volume_dm3
    if not taken and facts.whole:
        for tree in facts.harvestable:
            taken[tree.species] += tree.volume_dm3
    return taken


def _is_valued(species: str, day: date, rule: PlanRule) -> bool:
    return species in rule.parameters["most_valued"] or is_listed(species, day)
