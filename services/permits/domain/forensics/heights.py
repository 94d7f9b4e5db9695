"""How the commercial height follows the diameter: crews judge it by eye, a formula does not scatter."""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.forensics.stand import Floats, Ints, Stand

MIN_OF_SPECIES = 8


@dataclass(frozen=True, slots=True)
class Heights:
    """Within species: scatter of ln(height) around any smooth curve over diameter, and the correlation of logarithms."""

    trees: int
    scatter: float
    correlation: float
    spread: float


def measure_heights(stand: Stand) -> Heights:
    """Scatter by successive differences over trees ordered by diameter (von Neumann; Rice 1984): no curve is assumed."""
    log_h, log_d = np.log(stand.height_mm / 1000), np.log(stand.dbh_mm / 10)
    place, group = _in_large_species(stand.species)
    if len(place) < MIN_OF_SPECIES:
        return Heights(len(place), float("nan"), float("nan"), float("nan"))
    order = np.lexsort((log_d[place], group))
    h, d, g = log_h[place][order], log_d[place][order], group[order]
    step = np.diff(h)[np.diff(g) == 0]
    scatter = float(np.sqrt(np.mean(step**2) / 2))
    h, d = _centred(h, g), _centred(d, g)
    spread = float(np.sqrt((h**2).mean()))
    both = float(np.sqrt((h**2).sum() * (d**2).sum()))
    return Heights(len(place), scatter, float((h * d).sum()) / both if both > 0 else 0.0, spread)


def _in_large_species(species: Ints) -> tuple[Ints, Ints]:
    trees = np.bincount(species)
    place = np.flatnonzero(trees[species] >= MIN_OF_SPECIES)
    return place, species[place]


def _centred(values: Floats, group: Ints) -> Floats:
    trees = np.bincount(group)
    mean = np.bincount(group, values) / np.maximum(trees, 1)
    return np.asarray(values - mean[group], np.float64)
