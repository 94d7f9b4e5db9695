"""Which trees may fall: not the thin ones (P07), and not all of a species (P08)."""

from collections import Counter
from collections.abc import Sequence

from services.permits.domain.census import Tree, seat
from services.permits.domain.finding import Finding
from services.permits.domain.plan_facts import PlanFacts
from services.permits.domain.rules.catalogue import PlanRule
from shared.timber.species import Minimum, catalogue


def diameters(subject: str, trees: Sequence[Tree], rule: PlanRule) -> Finding:
    """P07: every harvestable tree is as thick as the plan, else the list, else the general norm asks."""
    minimum, harvestable = _Minimums(), [tree for tree in trees if tree.condition == "harvestable"]
    if not harvestable:
        return rule.missing(subject, "no hay árboles aprovechables", "there are no harvestable trees")
    failed = []
    for tree in harvestable:
        least = minimum.of(tree)
        if least is None or tree.dbh_mm < least.diameter_mm:
            what = {"minimum_mm": least.diameter_mm, "basis": least.basis} if least else {"basis": "felling prohibited"}
            failed.append({**seat(tree), "species": tree.species, "dbh_mm": tree.dbh_mm, **what})
    return rule.judged(
        rule.severity if failed else "", subject,
        f"{len(failed)} de {len(harvestable)} árboles aprovechables bajo el diámetro mínimo de corta.",
        f"{len(failed)} of {len(harvestable)} harvestable trees below the minimum cutting diameter.",
        {"failed": len(failed), "trees": len(harvestable)}, failed,
    )  # fmt: skip


def seed_trees(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P08: of each species harvested, a share of the trees from the minimum diameter on stay as seed trees, and at least one."""
    if not facts.whole:
        return rule.missing(facts.subject, "el censo no está entero", "the census is not whole")
    minimum, harvested = _Minimums(), {tree.species for tree in facts.harvestable}
    if not harvested:
        return rule.missing(facts.subject, "no hay árboles aprovechables", "there are no harvestable trees")
    grown: Counter[str] = Counter()
    seed: Counter[str] = Counter()
    for tree in (one for one in facts.trees if one.species in harvested):
        least = minimum.of(tree)
        grown[tree.species] += least is None or tree.dbh_mm >= least.diameter_mm
        seed[tree.species] += tree.condition == "seed"
    share, at_least = rule.parameters["seed_permille"], rule.parameters["at_least"]
    rows = []
    for species in sorted(harvested):
        needed = max(at_least, -(-grown[species] * share // 1000))
        if seed[species] < needed:
            rows.append({"species": species, "seed_trees": seed[species], "needed": needed, "grown": grown[species]})
    lacking = sum(row["needed"] - row["seed_trees"] for row in rows)
    return rule.judged(
        rule.severity if rows else "", facts.subject,
        f"A {len(rows)} de {len(harvested)} especies aprovechadas les faltan {lacking} árboles semilleros.",
        f"{len(rows)} of {len(harvested)} species harvested lack {lacking} seed trees.",
        {"species": len(harvested), "short": len(rows), "seed_trees_lacking": lacking}, rows,
    )  # fmt: skip


class _Minimums:
    """Minimum diameters, looked up once for each species and plan value."""

    def __init__(self) -> None:
        self._norms = catalogue()
        self._known: dict[tuple[str, int | None], Minimum | None] = {}

    def of(self, tree: Tree) -> Minimum | None:
        """``None`` for a species that may not be felled."""
        key = (tree.species, tree.dmc_mm)
        if key not in self._known:
            self._known[key] = self._norms.minimum_diameter(tree.species, plan_mm=tree.dmc_mm)
        return self._known[key]
