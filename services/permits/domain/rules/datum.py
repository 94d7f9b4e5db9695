"""P03: whether a plan that lies outside its title would lie inside if its coordinates were of the older datum PSAD56."""

from services.permits.domain.finding import Finding
from services.permits.domain.plan_facts import Area, PlanFacts
from services.permits.domain.rules.area import place
from services.permits.domain.rules.catalogue import PlanRule, Row


def shifted(facts: PlanFacts, rule: PlanRule) -> Finding:
    """An honest error of datum explains what lies outside, and is said before anybody is suspected of it."""
    trees = [tree for tree in facts.harvestable if tree.zone]
    if facts.title is None:
        return rule.missing(facts.subject, "falta el polígono del título", "the polygon of the title is missing")
    if not trees and not facts.parcels:
        return rule.missing(
            facts.subject, "no hay parcelas ni árboles con coordenadas", "neither parcels nor trees have places"
        )
    computed: Row = {}
    errs = []
    if facts.parcels:
        computed["parcels"] = rates = _rates(*_of_parcels(facts, facts.title, rule))
        errs.append(_is_error(rates, rule))
    if trees:
        computed["trees"] = rates = _rates(*_of_trees(facts, facts.title, rule))
        errs.append(_is_error(rates, rule))
    figures = ", ".join(f"{rates['before_permille']} -> {rates['after_permille']} ‰" for rates in computed.values())
    return rule.judged(
        rule.severity if any(errs) else "", facts.subject,
        f"Fuera del título antes y después del cambio de PSAD56 a WGS 84: {figures}.",
        f"Outside the title before and after the shift from PSAD56 to WGS 84: {figures}.", computed,
    )  # fmt: skip


def _of_trees(facts: PlanFacts, title: Area, rule: PlanRule) -> tuple[int, int, int]:
    from services.permits.domain.land import ground

    places = [place(tree) for tree in facts.harvestable if tree.zone]
    tolerance_m, shift = rule.parameters["position_tolerance_m"], rule.parameters["psad56_to_wgs84_m"]
    before = ground.places_outside(places, title, tolerance_m)
    after = ground.places_outside(ground.from_psad56(places, shift), title, tolerance_m)
    return len(before), len(after), len(places)


def _of_parcels(facts: PlanFacts, title: Area, rule: PlanRule) -> tuple[int, int, int]:
    from services.permits.domain.land import ground, measure

    areas, shift = list((facts.parcels or {}).values()), rule.parameters["psad56_to_wgs84_m"]
    before = sum(ground.outside_m2(area, title) for area in areas)
    after = sum(ground.outside_m2(ground.area_from_psad56(area, shift), title) for area in areas)
    return before, after, sum(measure.area_m2(area) for area in areas)


def _rates(before: int, after: int, of: int) -> dict[str, int]:
    return {"before_permille": 1000 * before // of, "after_permille": 1000 * after // of}


def _is_error(rates: dict[str, int], rule: PlanRule) -> bool:
    before, after = rule.parameters["outside_permille_before"], rule.parameters["outside_permille_after"]
    return bool(rates["before_permille"] > before and rates["after_permille"] < after)
