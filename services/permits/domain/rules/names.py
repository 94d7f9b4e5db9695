"""Names of species that the norm does not list."""

from collections import Counter
from collections.abc import Sequence

from services.permits.domain.census import Tree
from services.permits.domain.finding import Finding
from services.permits.domain.rules.catalogue import PlanRule
from shared.timber.species import catalogue


def known(subject: str, trees: Sequence[Tree], rule: PlanRule) -> Finding:
    """SPECIES: every species of the census stands in the list of the norm."""
    if not trees:
        return rule.missing(subject, "no hay árboles", "there are no trees")
    norms = catalogue()
    counts = Counter(tree.species for tree in trees)
    unknown = [{"species": name, "trees": count} for name, count in counts.most_common() if name not in norms]
    return rule.judged(
        rule.severity if unknown else "", subject,
        f"{len(unknown)} de {len(counts)} especies no están en la lista de la norma.",
        f"{len(unknown)} of {len(counts)} species are not in the list of the norm.",
        {"unknown": len(unknown), "species": len(counts)}, unknown,
    )  # fmt: skip
