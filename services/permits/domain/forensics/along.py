"""What came up along with the edge of the harvestable trees: a raise moves every edge of a list, a company's own cut only that one.

An own cut is honest and common, and may lie anywhere; but the thinnest trees of its list still begin where a census is begun,
at a round diameter. A factor or a constant carries that edge up as well, by as much, to where nobody would begin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.comb import tape_of
from services.permits.domain.forensics.stand import Floats, Ints

LEAST_OF_SPECIES = 15
FACTORS = np.round(np.arange(1.05, 1.505, 0.01), 2)
CONSTANTS_MM = np.arange(20.0, 251.0, 10.0)
# Harvestable trees may begin so much below where a raise puts them (digits), and above (there need be no tree at the edge).
UNDER_MM, OVER_MM = 3.0, 15.0
# Where a census is begun: every 5 cm, or a centimetre above (the minima of Peru: 41, 46, 51 cm); with a tape, 10 cm of girth.
BEGUN_MM = np.concatenate([np.arange(200.0, 701.0, 50.0), np.arange(210.0, 701.0, 50.0)])
GIRTHS_MM = np.arange(700.0, 2201.0, 100.0) / np.pi
# A raised edge so little below a round one tells nothing (40 cm times 1.4), nor one so little above: crews pass by the thinnest.
BELOW_MM, PASSED_BY_MM = 6.0, 18.0
# One round diameter for all species, or one for each: what is said of lists and of raised lists alike.
ONE_FOR_ALL, EACH_SPECIES = 0.1, 1 / 16
# So many trees are written below an edge by a slip of the pen, anywhere within 20 cm.
SLIPS, SLIP_MM = 0.02, 200.0


@dataclass(frozen=True, slots=True)
class Along:
    """The raise, a factor or else millimetres, that explains best where the list begins, and the natural logarithm of its odds
    against a list begun at round diameters; 1, 0 and 0 where no raise does better."""

    factor: float
    constant_mm: float
    gain: float


def measure_along(dbh_mm: Ints, species: Ints, own_mm: Floats, rise_mm: float, limit_mm: float) -> Along:
    """``dbh_mm`` and ``species`` of the whole list, whose harvestable trees begin ``rise_mm`` above ``limit_mm``; ``own_mm``:
    minimum diameters of the plan, where its list may begin as well."""
    above = rise_mm - np.concatenate([(FACTORS - 1) * limit_mm, CONSTANTS_MM])
    every = [*((by, 0.0) for by in FACTORS.tolist()), *((1.0, more) for more in CONSTANTS_MM.tolist())]
    raises = [one for one, over in zip(every, above.tolist(), strict=True) if -UNDER_MM <= over <= OVER_MM]
    if not raises:
        return Along(1.0, 0.0, 0.0)
    groups, tape = _groups(dbh_mm, species), tape_of(dbh_mm)
    step = tape or next((step for step in (10.0, 5.0) if np.mean(dbh_mm % step == 0) > 1 - SLIPS), 1.0)
    begun = np.unique(np.concatenate([BEGUN_MM, own_mm, GIRTHS_MM if tape else GIRTHS_MM[:0]]))
    honest = _written(begun, step)
    price = float(np.log(len(raises))) + _begun(groups, honest)
    gains = [_begun(groups, _apart(_written(by * begun + more, step), honest)) - price for by, more in raises]
    best = int(np.argmax(gains))
    return Along(*raises[best], gains[best]) if gains[best] > 0 else Along(1.0, 0.0, 0.0)


def edge_likelihood(dbh_mm: Ints | Floats, edges_mm: Floats) -> Floats:
    """ln likelihood of each edge: above it an exponential tail, its scale at its best, below it slips of the pen."""
    dbh = np.sort(dbh_mm.astype(np.float64))
    below = np.searchsorted(dbh, edges_mm, side="left")
    above, sums = len(dbh) - below, np.concatenate([[0.0], np.cumsum(dbh)])
    scale = np.maximum((sums[-1] - sums[below]) / np.maximum(above, 1) - edges_mm, 1.0)
    tail = above * (np.log(1 - SLIPS) - np.log(scale) - 1)
    return np.asarray(tail + below * np.log(SLIPS / SLIP_MM))


def _written(edges_mm: Floats, step_mm: float) -> Floats:
    """As the list would write them: on its lattice, or that of its tape, and then in whole millimetres."""
    return np.asarray(np.floor(np.floor(edges_mm / step_mm + 0.5) * step_mm))


def _apart(raised_mm: Floats, honest_mm: Floats) -> Floats:
    """Raised edges but for those that are round again."""
    over = raised_mm[:, None] - honest_mm
    return np.asarray(raised_mm[~((over > -BELOW_MM) & (over < PASSED_BY_MM)).any(1)])


def _groups(dbh_mm: Ints, species: Ints) -> list[Ints]:
    """Trees by species; those of rare ones together."""
    counts = np.bincount(species)
    common = np.flatnonzero(counts >= LEAST_OF_SPECIES)
    rest = dbh_mm[counts[species] < LEAST_OF_SPECIES]
    return [*(dbh_mm[species == one] for one in common.tolist()), *([rest] if len(rest) else [])]


def _begun(groups: Sequence[Ints], edges_mm: Floats) -> float:
    """ln likelihood that the list begins at these edges: one of them for all species, or one for each."""
    if not len(edges_mm):
        return -np.inf
    each = np.array([edge_likelihood(dbh, edges_mm) for dbh in groups])
    return float(max(each.sum(0).max() + np.log(ONE_FOR_ALL), (each.max(1) + np.log(EACH_SPECIES)).sum()))
