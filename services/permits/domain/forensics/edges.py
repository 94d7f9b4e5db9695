"""Where the diameters of harvestable trees begin: at the minimum cutting diameter, or as far above it as an inflation puts them.

Two looks. In a list that also holds trees left for a later harvest, the least diameter of those that may fall is where the
limit of the plan lies; a limit well above any that the norms know, with trees "too thin to fall" all the way between, is
either the plan's own (then its column of minimum diameters may say so) or the norm's, carried up with every diameter: which of
both, the thinnest trees of the list tell (``along``). And where species have different minimum diameters, a factor carries all their edges up in proportion, which no one threshold
of a company, no margin in centimetres and no choice species by species does as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.along import Along, measure_along
from services.permits.domain.forensics.stand import Floats, Ints, Stand
from shared.timber.species import catalogue

LEAST_HARVESTABLE, LEAST_OF_GROUP, LEAST_GROUPS = 30, 15, 3
# Of the harvestable trees so many may be thinner than where they begin: slips of the pen.
SLIPS = 0.02
# A diameter at the edge may be written so much lower than it was multiplied to.
WRITTEN_MM = 5.0
# A multiplication leaves an edge: this close below it stand at most so many for each tree as close above it.
CLOSE_MM, SHARP = 20.0, 0.25
FACTORS = np.round(np.arange(1.05, 1.505, 0.01), 2)
# What a company may choose by itself, and how often: one threshold for all species, centimetres on top, each species its own.
ROUND_MM = tuple(range(400, 1001, 50))
MARGINS_MM = (50, 100, 150, 200)
COMMON, MARGIN, EACH_SPECIES = 0.1, 0.05 / len(MARGINS_MM), 1 / 8


@dataclass(frozen=True, slots=True)
class Edges:
    """``rise_mm``: how far above the limit harvestable trees begin; ``between``: trees left for later from the limit up to
    there, and the share of such trees that may fall farther up; ``gain``: natural logarithm of the odds against none of
    them being harvestable if the limit held; ``along``: whether the list begins above a round diameter by as much.
    ``factor`` and ``factor_gain``: the multiplication that explains the edges of species with differing minimum diameters best, against what a company may choose; 1 and 0 where nothing can be told.
    """

    rise_mm: float
    between: Ints
    harvestable_between: int
    share_above: float
    gain: float
    along: Along
    factor: float
    factor_gain: float
    groups: int


def measure_edges(stand: Stand, general_limit_mm: int) -> Edges:
    """Both looks. ``general_limit_mm``: the highest minimum diameter that a norm sets for species it does not list."""
    harvestable = stand.harvestable
    future = np.array([tree.condition == "future" for tree in stand.rows], np.bool_)
    plan = np.array([tree.dmc_mm or 0 for tree in stand.rows], np.int64)
    listed = np.array([_listed_mm(name) for name in stand.species_names], np.int64)[stand.species]
    over = stand.dbh_mm - np.where(plan > 0, plan, general_limit_mm)
    # Species that nobody fells say nothing of a limit, nor do those whose own listed one is higher than the general.
    felled = np.bincount(stand.species[harvestable], minlength=len(stand.species_names))[stand.species] > 0
    told = felled & ((plan > 0) | (listed <= general_limit_mm))
    rise = max(_lowest(over[told & harvestable]), 0.0) if (told & harvestable).sum() >= LEAST_HARVESTABLE else 0.0
    inside, above = told & (over >= 0) & (over < rise), told & (over >= rise) & (over < 2 * max(rise, 100.0))
    between = np.flatnonzero(inside & future)
    fell = int((inside & harvestable).sum())
    both = int((above & (harvestable | future)).sum())
    share = float((above & harvestable).sum()) / both if both else 0.0
    groups = _groups(stand, np.where(plan > 0, plan, listed), harvestable)
    factor, gain = _multiplied(groups)
    limit_mm = float(np.median((stand.dbh_mm - over)[told])) if told.any() else float(general_limit_mm)
    return Edges(
        rise, between, fell, share, _odds(len(between), fell, share),
        measure_along(stand.dbh_mm, stand.species, np.unique(plan[plan > 0]).astype(np.float64), rise, limit_mm),
        factor, gain, len(groups),
    )  # fmt: skip


def _listed_mm(species: str) -> int:
    minimum = catalogue().minimum_diameter(species)
    return minimum.diameter_mm if minimum else 0


def _lowest(values: Ints | Floats) -> float:
    """The least value but for slips."""
    return float(np.sort(values)[int(SLIPS * len(values))])


def _odds(future: int, fell: int, share: float) -> float:
    """ln of the binomial likelihood ratio of the share seen between the limits against the share above them."""
    n = future + fell
    if n == 0 or fell / n >= share:
        return 0.0
    seen = fell / n
    gain = future * np.log((1 - seen) / (1 - min(share, 0.999)))
    return float(gain + (fell * np.log(seen / share) if fell else 0.0))


# ---- edges of species with differing minimum diameters


@dataclass(frozen=True, slots=True)
class _Group:
    """The harvestable trees of one minimum diameter: where they begin, their mean, and all of them."""

    minimum_mm: int
    low_mm: float
    mean_mm: float
    dbh_mm: Floats

    def likelihood(self, edge_mm: float) -> float:
        """ln likelihood of an exponential tail above this edge, its scale at its best; none when trees stand below it."""
        return -len(self.dbh_mm) * float(np.log(self.mean_mm - edge_mm)) if edge_mm <= self.low_mm else -np.inf

    def close(self, edge_mm: float) -> Ints:
        """How many trees stand close below this edge, and close above it."""
        away = self.dbh_mm - edge_mm
        return np.array([((away < 0) & (away >= -CLOSE_MM)).sum(), ((away >= 0) & (away < CLOSE_MM)).sum()])


def _groups(stand: Stand, minimum_mm: Ints, harvestable: np.ndarray) -> list[_Group]:
    found = []
    for minimum in np.unique(minimum_mm[harvestable & (minimum_mm > 0)]).tolist():
        dbh = stand.dbh_mm[harvestable & (minimum_mm == minimum)].astype(np.float64)
        low = _lowest(dbh) if len(dbh) >= LEAST_OF_GROUP else 0.0
        if low >= minimum and np.ptp(dbh) > 0:
            found.append(_Group(int(minimum), low, float(dbh.mean()), dbh))
    return found


def _multiplied(groups: Sequence[_Group]) -> tuple[float, float]:
    """The factor whose multiples of the minimum diameters explain the edges best, and by how much over an honest choice."""
    if len(groups) < LEAST_GROUPS:
        return 1.0, 0.0

    minimum = np.array([group.minimum_mm for group in groups], np.float64)

    def together(edges_mm: Floats, chance: float) -> float:
        pairs = zip(groups, edges_mm.tolist(), strict=True)
        return sum(group.likelihood(edge) for group, edge in pairs) + float(np.log(chance))

    honest = [
        together(minimum, 1.0),
        *(together(np.full(len(groups), float(at)), COMMON) for at in ROUND_MM),
        *(together(minimum + more, MARGIN) for more in MARGINS_MM),
        sum(_own_choice(group) for group in groups),
    ]

    def sharp(edges_mm: Floats) -> bool:
        below, above = np.sum(
            [group.close(edge) for group, edge in zip(groups, edges_mm.tolist(), strict=True)], axis=0
        )
        return bool(below <= SHARP * above)

    multiplied = [by * minimum - WRITTEN_MM for by in FACTORS.tolist()]
    gains = [together(edges, 1 / len(FACTORS)) if sharp(edges) else -np.inf for edges in multiplied]
    best = int(np.argmax(gains))
    gain = gains[best] - max(honest)
    return (float(FACTORS[best]), float(gain)) if gain > 0 else (1.0, 0.0)


def _own_choice(group: _Group) -> float:
    """A round threshold, or the minimum itself, chosen for these species alone."""
    edges = [float(group.minimum_mm), *(float(at) for at in ROUND_MM if at >= group.minimum_mm)]
    return max(group.likelihood(edge) for edge in edges) + float(np.log(EACH_SPECIES))
