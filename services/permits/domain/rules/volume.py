"""Volumes: what permits authorise against what the census holds (P05), and what the census declares (P06)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from services.permits.domain.census import Tree, seat
from services.permits.domain.finding import Finding
from services.permits.domain.permit import Line
from services.permits.domain.plan_facts import PlanFacts
from services.permits.domain.rules.catalogue import PlanRule, Row
from shared.timber.fields import FOREST_PRODUCTS
from shared.timber.measure import census_dm3

# (parcel, species) -> harvestable trees and their dm3.
Held = Mapping[tuple[str, str], tuple[int, int]]


def authorised(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P05 over all permits of a plan and of those it superseded."""
    held: dict[tuple[str, str], tuple[int, int]] = {}
    for tree in facts.harvestable:
        trees, dm3 = held.get((tree.parcel, tree.species), (0, 0))
        held[tree.parcel, tree.species] = trees + 1, dm3 + tree.volume_dm3
    return weighed(facts.subject, facts.authorised or (), facts.plan.census_basis, held, rule)


def weighed(subject: str, lines: Iterable[Line], basis: str, held: Held, rule: PlanRule) -> Finding:
    """P05 for roundwood, by parcel and species, lines of several permits summed. Needs a whole census and a line. Boards are
    weighed against no tree: where some are authorised it does not pass."""
    asked: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    listed = list(lines)
    boards = sum(one.product not in FOREST_PRODUCTS for one in listed)
    for line in (one for one in listed if one.product == "roundwood"):
        asked[line.parcel, line.species][0] += line.volume_dm3
        asked[line.parcel, line.species][1] += line.trees or 0
    if basis != "listed":
        return rule.missing(subject, "el censo no está entero", "the census is not whole", {"lines": len(asked)})
    if not asked and not boards:
        return rule.missing(subject, "nada está autorizado todavía", "nothing is authorised yet", {"lines": 0})
    over = []
    for (parcel, species), (volume_dm3, count) in sorted(asked.items()):
        trees, dm3 = held.get((parcel, species), (0, 0))
        allowed = dm3 * (1000 + rule.parameters["volume_tolerance_permille"])
        if volume_dm3 * 1000 > allowed or count > trees:
            over.append(
                {
                    "parcel": parcel, "species": species, "authorised_dm3": volume_dm3, "authorised_trees": count,
                    "census_dm3": dm3, "census_trees": trees,
                }
            )  # fmt: skip
    if boards and not over:
        return rule.missing(
            subject, "hay volúmenes autorizados que no son de madera en rollo", "volumes are authorised that are not of roundwood",
            {"lines": len(asked), "other_lines": boards},
        )  # fmt: skip
    total = sum(volume_dm3 for volume_dm3, _ in asked.values())
    return rule.judged(
        rule.severity if over else "", subject,
        f"{len(over)} de {len(asked)} especies por parcela autorizadas por encima de su censo aprovechable.",
        f"{len(over)} of {len(asked)} species by parcel authorised above their harvestable census.",
        {"lines": len(asked), "over": len(over), "authorised_dm3": total}, over,
    )  # fmt: skip


def declared(subject: str, trees: Sequence[Tree], form_factor_milli: int, rule: PlanRule) -> Finding:
    """P06: the volume of each tree recomputed with the plan's form factor, and the factor itself within bounds."""
    tolerance_dm3, tolerance_permille = rule.parameters["tolerance_dm3"], rule.parameters["tolerance_permille"]
    least, most = rule.parameters["form_factor_milli"]
    failed: list[Row] = []
    total = recomputed = 0
    for tree in trees:
        computed = census_dm3(tree.dbh_mm, tree.height_mm, form_factor_milli)
        total, recomputed = total + tree.volume_dm3, recomputed + computed
        if abs(tree.volume_dm3 - computed) * 1000 > max(tolerance_dm3 * 1000, computed * tolerance_permille):
            failed.append({**seat(tree), "declared_dm3": tree.volume_dm3, "computed_dm3": computed})
    if not trees:
        return rule.missing(subject, "no hay árboles", "there are no trees")
    plausible = least <= form_factor_milli <= most
    factor = Decimal(form_factor_milli).scaleb(-3)
    bounds = f"{Decimal(least).scaleb(-3)}–{Decimal(most).scaleb(-3)}"
    return rule.judged(
        "" if plausible and not failed else rule.severity, subject,
        f"{len(failed)} de {len(trees)} volúmenes difieren de π/4 × DAP² × altura × {factor} (factor usual: {bounds}).",
        f"{len(failed)} of {len(trees)} volumes differ from π/4 × DBH² × height × {factor} (usual factor: {bounds}).",
        {
            "failed": len(failed), "trees": len(trees), "declared_dm3": total, "recomputed_dm3": recomputed,
            "form_factor_milli": form_factor_milli,
        },
        failed,
    )  # fmt: skip
