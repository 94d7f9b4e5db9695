"""Where a plan lies: within its title and zone (P01), and on nobody else's land (P02)."""

from services.permits.domain.census import Tree, seat
from services.permits.domain.finding import Finding, Severity
from services.permits.domain.plan_facts import Area, PlanFacts
from services.permits.domain.rules.catalogue import SEVERITIES, PlanRule, Row


def within_title(facts: PlanFacts, rule: PlanRule, datum_error: bool) -> list[Finding]:
    """P01: each parcel in the title and in its zone, and the harvestable trees in the title.

    With ``datum_error`` (P03) the places are off by a known shift, so what lies outside is not yet known.
    """
    if facts.title is None:
        return [rule.missing(facts.subject, "falta el polígono del título", "the polygon of the title is missing")]
    if datum_error:
        return [
            rule.missing(
                facts.subject, "las coordenadas parecen de otro datum (véase P03)",
                "the coordinates seem to be of another datum (see P03)",
            )
        ]  # fmt: skip
    return [*_parcels(facts, rule, facts.title), _trees(facts, rule, facts.title)]


def _parcels(facts: PlanFacts, rule: PlanRule, title: Area) -> list[Finding]:
    if facts.parcels is None:
        return [
            rule.missing(f"{facts.subject}", "faltan los polígonos de las parcelas", "the parcels have no polygons")
        ]
    return [_parcel(facts, rule, title, parcel.code) for parcel in facts.plan.parcels]


def _parcel(facts: PlanFacts, rule: PlanRule, title: Area, code: str) -> Finding:
    from services.permits.domain.land import ground, measure  # 30 MB of libraries that only a place needs

    subject, area = f"parcel:{code}", (facts.parcels or {}).get(code)
    if area is None:
        return rule.missing(subject, f"falta el polígono de {code}", f"{code} has no polygon")
    whole = measure.area_m2(area)
    outside = ground.outside_m2(area, title)
    computed: Row = {"area_m2": whole, "outside_title_m2": outside}
    severity = rule.over("outside_permille", outside, whole, 1000)
    es, en = (
        f"{code}: {outside} m² de {whole} m² fuera del título",
        f"{code}: {outside} m² of {whole} m² outside the title",
    )
    if facts.zone is not None:
        out = computed["outside_zone_m2"] = ground.outside_m2(area, facts.zone)
        severity = _worse(severity, rule.over("outside_permille", out, whole, 1000))
        es, en = (
            f"{es}, {out} m² fuera de su zona del plan general",
            f"{en}, {out} m² outside its zone of the general plan",
        )
    elif not severity:
        return rule.missing(
            subject, f"{es}; falta la zona del plan general", f"{en}; the zone of the general plan is missing", computed
        )
    return rule.judged(severity, subject, f"{es}.", f"{en}.", computed)


def _trees(facts: PlanFacts, rule: PlanRule, title: Area) -> Finding:
    from services.permits.domain.land import ground

    trees, subject = facts.harvestable, f"trees:{facts.plan.id}"
    if not trees or any(not tree.zone for tree in trees):
        return rule.missing(
            subject, "no hay árboles con coordenadas", "no trees with coordinates", {"trees": len(trees)}
        )
    tolerance_m: int = rule.parameters["position_tolerance_m"]
    outside = [trees[i] for i in ground.places_outside([place(tree) for tree in trees], title, tolerance_m)]
    return rule.judged(
        rule.over("trees_outside_permille", len(outside), len(trees), 1000), subject,
        f"{len(outside)} de {len(trees)} árboles aprovechables a más de {tolerance_m} m fuera del título.",
        f"{len(outside)} of {len(trees)} harvestable trees more than {tolerance_m} m outside the title.",
        {"outside": len(outside), "trees": len(trees)}, [seat(tree) for tree in outside],
    )  # fmt: skip


def on_nobody_elses(facts: PlanFacts, rule: PlanRule) -> list[Finding]:
    """P02: overlap of the parcels with other titles, protected areas and parcels; no harvest in a zone that is kept."""
    from services.permits.domain.land import ground

    if facts.others is None:
        return [rule.missing(facts.subject, "faltan las áreas vecinas", "the areas around are not known")]
    if facts.parcels is None:
        return [rule.missing(facts.subject, "faltan los polígonos de las parcelas", "the parcels have no polygons")]
    rows: list[Row] = []
    severity: Severity = ""
    for other in (one for one in facts.others if one.kind != "kept"):
        for code, area in ((code, area) for code, area in facts.parcels.items() if code != other.same_as):
            shared = ground.shared_m2(area, other.area)
            if level := rule.over("overlap_m2", shared):
                severity = _worse(severity, level)
                rows.append({"parcel": code, "kind": other.kind, "name": other.name, "overlap_m2": shared})
    felled = _kept(facts)
    severity = _worse(severity, rule.over("trees_kept_from_harvest", len(felled)))
    total = sum(row["overlap_m2"] for row in rows)
    return [
        rule.judged(
            severity, facts.subject,
            f"{len(rows)} superposiciones, {total} m² en total; {len(felled)} árboles aprovechables en zonas que la comunidad reserva.",
            f"{len(rows)} overlaps, {total} m² in all; {len(felled)} harvestable trees in zones the community keeps from harvest.",
            {"overlaps": len(rows), "overlap_m2": total, "trees_kept_from_harvest": len(felled), "areas": len(facts.others)},
            rows + felled,
        )
    ]  # fmt: skip


def _kept(facts: PlanFacts) -> list[Row]:
    from services.permits.domain.land import ground

    trees = [tree for tree in facts.harvestable if tree.zone]
    places = [place(tree) for tree in trees]
    rows = []
    for zone in (one for one in facts.others or () if one.kind == "kept"):
        out = set(ground.places_outside(places, zone.area, 0))
        rows += [{**seat(tree), "kind": "kept", "name": zone.name} for i, tree in enumerate(trees) if i not in out]
    return rows


def place(tree: Tree) -> tuple[str, float, float]:
    """Zone, easting and northing in metres."""
    return tree.zone, tree.easting_dm / 10, tree.northing_dm / 10


def _worse(one: Severity, other: Severity) -> Severity:
    return next((level for level in SEVERITIES if level in (one, other)), "")
