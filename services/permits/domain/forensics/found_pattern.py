"""F02 (a pattern as regular as drawn), F03 (one that ignores the forest), F16 and F17 (trees foreign to the walk or line)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.permits.domain.finding import MAX_EXAMPLES, Finding, Severity
from services.permits.domain.forensics.lines import Lines, measure_lines
from services.permits.domain.forensics.pattern import Pattern, measure_pattern
from services.permits.domain.forensics.stand import Floats, Ints, Stand
from services.permits.domain.forensics.thresholds import Thresholds, grade
from services.permits.domain.forensics.walk import Walk, measure_walk

# What the order of the list adds to F03, in words.
ORDER = {
    "lines_together": (", cuyas fajas están juntas en el terreno,", ", whose lines lie together on the ground,"),
    "lines_loose": (", cuyas fajas no están juntas en el terreno,", ", whose lines do not lie together on the ground,"),
    "walk_kept": (", que sigue un recorrido,", ", which follows a walk,"),
    "walk_lost": (", que no sigue ningún recorrido,", ", which follows no walk,"),
    "not_told": ("", ""),
}


@dataclass(frozen=True, slots=True)
class Places:
    """What the places of the trees show, each in the units of its threshold, for the score."""

    regular_z: float
    uniform: float
    walkless: bool
    astray: float
    lines: float


def band_evidence(
    excess: Sequence[float], weight: Sequence[float], area_m2: float, norms: Thresholds,
    honest: Sequence[Sequence[float]],
) -> float:  # fmt: skip
    """Natural logarithm of how much better uniform places explain the four bands than the honest plans do.

    Each honest plan is a vector of relative excesses and its hectares. An excess is told against the mean of its own land,
    so it is the smaller the less land there is (the integral constraint: Peebles 1980, par. 32): plans of an area alike
    weigh most. What one would give on a plan of this size has the sampling error of this plan, the spread of the norm, and
    that of a patch of forest of this size: 100 ha may well show no clumping. So a small plan can neither pass nor fail.
    """
    patch = norms["f03_patch_100ha"] * np.sqrt(1e6 / area_m2)
    seen, known = np.asarray(weight), np.asarray(honest)
    error = np.sqrt(norms["f03_uniform_error"] ** 2 + (norms["f03_edge_error"] * seen) ** 2)
    z, mean = np.asarray(excess) * seen, known[:, :4] * seen
    wide = np.sqrt(1.1 + (norms["f03_spread"] * mean) ** 2 + (patch * seen) ** 2)
    alike = -0.5 * (np.log(area_m2 / 1e4 / known[:, 4]) / norms["f03_area_alike"]) ** 2
    alike -= _ln_sum(alike)
    honestly = _ln_sum(alike + (-0.5 * ((z - mean) / wide) ** 2 - np.log(wide)).sum(1))
    return float((-0.5 * (z / error) ** 2 - np.log(error)).sum()) - honestly


def _ln_sum(logs: Floats) -> float:
    top = float(logs.max())
    return top + float(np.log(np.exp(logs - top).sum()))


def uniform_against_forest(pattern: Pattern, norms: Thresholds) -> float:
    """``band_evidence`` of a pattern under the norm. Where no polygon says what the land is, pairs of all trees say
    nothing (trees invented at random on two parcels apart are clumps in their common hull), and only species count."""
    bands = pattern.bands
    weight = [band.weight if pattern.surveyed or n >= 2 else 0.0 for n, band in enumerate(bands)]
    return band_evidence(
        [band.effect for band in bands], weight, pattern.area_m2, norms, norms["f03_honest_excess"]
    )  # fmt: skip


def order_evidence(walk: Walk, lines: Lines | None, norms: Thresholds) -> tuple[str, float]:
    """What the list itself says of its places: who invents them at random has no survey lines that lie together and no walk.

    The word and its natural logarithm. Lines come first, since no sorting loses them; a walk beside loose lines tells
    that the column holds something else than lines.
    """
    order: dict[str, float] = norms["f03_order_ln"]
    told = lines is not None and lines.together.weight >= norms["f17_weight"]
    if told and not _loose(lines, norms):
        word = "lines_together"
    elif told and not walk.readable:
        word = "lines_loose"
    elif walk.readable:
        word = "walk_kept"
    elif walk.lost:
        word = "walk_lost"
    else:
        word = "not_told"
    return word, order[word]


def find_places(stand: Stand, norms: Thresholds) -> tuple[list[Finding], Places]:
    """F02, F03, F16 and F17 with the trees that stand out."""
    pattern, walk, lines = measure_pattern(stand), measure_walk(stand), measure_lines(stand)
    uniform = uniform_against_forest(pattern, norms)
    # Rows that thin lines explain are no evidence, here as in F16, up to where a supervisor looks all the same.
    explained = walk.astray_share <= walk.alone_by_gaps and walk.astray_share < norms["f16_astray_s3"]
    astray = walk.astray_share if walk.readable and not explained else 0.0
    findings = [
        _regular(pattern, norms),
        _uniform(pattern, uniform, order_evidence(walk, lines, norms), norms),
        _walk(stand, walk, norms),
        _lines(stand, lines, norms),
    ]
    return findings, Places(
        pattern.clark_evans_z if pattern.clark_evans > 1 else 0.0, uniform, walk.lost, astray,
        _loose(lines, norms),
    )  # fmt: skip


def _regular(pattern: Pattern, norms: Thresholds) -> Finding:
    ratio, z = pattern.clark_evans, pattern.clark_evans_z
    severity = grade(ratio, norms["f02_ratio_s2"], norms["f02_ratio_s3"], norms["f02_ratio_s4"])
    if z < norms["f02_errors"]:
        severity = ""
    return norms.finding(
        "F02", severity, ("f02_ratio_s2", "f02_ratio_s3", "f02_ratio_s4", "f02_errors"),
        {"clark_evans": round(ratio, 3), "errors": round(z, 1), "near_pairs": pattern.regular.observed,
         "near_pairs_expected": round(pattern.regular.expected, 1)},
        f"Distancia media al vecino más cercano: {ratio:.2f} veces la del azar (1.0); un bosque da 0.80 a 1.02, una cuadrícula más de 1.2.",
        f"Mean distance to the nearest tree: {ratio:.2f} times that of chance (1.0); a forest gives 0.80 to 1.02, a grid over 1.2.",
    )  # fmt: skip


def _uniform(pattern: Pattern, bands: float, order: tuple[str, float], norms: Thresholds) -> Finding:
    uniform = bands + order[1]
    severity = grade(uniform, norms["f03_evidence_s2"], norms["f03_evidence_s3"])
    names = ("all_pairs_to_60m", "all_pairs_60_to_180m", "same_species_to_150m", "same_species_150_to_400m")
    excess = {name: round(band.effect, 3) for name, band in zip(names, pattern.bands, strict=True)}
    errors = {name: round(band.z, 1) for name, band in zip(names, pattern.bands, strict=True)}
    return norms.finding(
        "F03", severity, ("f03_evidence_s2", "f03_evidence_s3", "f03_order_ln"),
        {"evidence_ln": round(uniform, 2), "of_the_places_ln": round(bands, 2), "order": order[0], "excess": excess,
         "errors": errors},
        "Agrupamiento de los árboles y de las especies: en el bosque hay más pares cercanos y más vecinos de la misma especie "
        f"que por azar. Posiciones inventadas al azar explican esta lista{ORDER[order[0]][0]} {_times(uniform)} que los planes "
        "de referencia.",
        "Clumping of trees and species: a forest has more near pairs and more neighbours of one species than chance. "
        f"Invented random places explain this list{ORDER[order[0]][1]} {_times_en(uniform)} than the reference plans do.",
    )  # fmt: skip


def _times(uniform: float) -> str:
    return (
        f"{np.exp(min(uniform, 20.0)):.3g} veces mejor"
        if uniform > 0
        else f"{np.exp(min(-uniform, 20.0)):.3g} veces peor"
    )


def _times_en(uniform: float) -> str:
    return (
        f"{np.exp(min(uniform, 20.0)):.3g} times better"
        if uniform > 0
        else f"{np.exp(min(-uniform, 20.0)):.3g} times worse"
    )


def _walk(stand: Stand, walk: Walk, norms: Thresholds) -> Finding:
    if not walk.readable:
        return norms.unknown(
            "F16", "La lista no sigue un recorrido (está ordenada de otro modo): no se puede ver qué filas no encajan.",
            "The list does not follow a walk (it is sorted otherwise): rows that do not fit cannot be told.",
            walked=round(walk.walked, 3) if walk.walked == walk.walked else None,
        )  # fmt: skip
    severity = grade(walk.astray_share, norms["f16_astray_s2"], norms["f16_astray_s3"])
    if severity == "S2" and walk.astray_share <= walk.alone_by_gaps:
        severity = ""  # thin lines explain it; from S3 on a supervisor looks all the same
    return norms.finding(
        "F16", severity, ("f16_astray_s2", "f16_astray_s3"),
        {"short_steps": round(walk.walked, 3), "near_m": round(walk.near_m), "astray": len(walk.astray),
         "astray_share": round(walk.astray_share, 4), "alone_by_gaps": round(walk.alone_by_gaps, 4)},
        f"La lista sigue el recorrido de la brigada, pero {len(walk.astray)} filas están a más de {walk.near_m:.0f} m "
        "de las tres anteriores y las tres siguientes.",
        f"The list follows the crew's walk, but {len(walk.astray)} rows lie over {walk.near_m:.0f} m from the three "
        "before and the three after.",
        [stand.shown(int(place)) for place in _spread(walk.astray)] if severity else [],
    )  # fmt: skip


def _spread(places: Ints) -> Ints:
    """Examples from all over the list, not its first ones."""
    if len(places) <= MAX_EXAMPLES:
        return places
    return places[np.linspace(0, len(places) - 1, MAX_EXAMPLES).astype(np.int64)]


def _loose(lines: Lines | None, norms: Thresholds) -> float:
    """1 when lines that should show do not lie together at all, 0 when they do or cannot show."""
    if lines is None or lines.together.weight < norms["f17_weight"]:
        return 0.0
    return float(lines.together.z < norms["f17_errors"])


def _lines(stand: Stand, lines: Lines | None, norms: Thresholds) -> Finding:
    if lines is None or lines.together.weight < norms["f17_weight"]:
        return norms.unknown(
            "F17", "No hay fajas, o muy pocos árboles por faja.", "There are no lines, or too few trees in each.",
        )  # fmt: skip
    loose = _loose(lines, norms) > 0
    if not loose and (2 * lines.told < lines.trees or lines.far_by_chance < norms["f17_far_by_chance"]):
        return norms.unknown(
            "F17", "Los números de faja no dicen dónde está cada faja (se repiten), o casi todo el terreno está cerca de cualquiera.",
            "The numbers do not tell where each line is (they occur again), or nearly all of the land is near any line.",
            lines=lines.lines, trees=lines.trees,
        )  # fmt: skip
    misplaced = 0.0 if loose else lines.misplaced
    severity: Severity = "S2" if loose else grade(misplaced, norms["f17_misplaced_s2"], norms["f17_misplaced_s3"])
    if lines.together.z < norms["f17_errors_s3"] and severity:
        severity = "S2"  # what stands in the column may be no line at all: never more than a question
    return norms.finding(
        "F17", severity,
        ("f17_errors", "f17_errors_s3", "f17_far_by_chance", "f17_misplaced_s2", "f17_misplaced_s3"),
        {"lines": lines.lines, "listed": lines.listed, "trees": lines.trees, "told": lines.told,
         "errors": round(lines.together.z, 1), "strangers": len(lines.strangers), "misplaced": round(misplaced, 4),
         "far_by_chance": round(lines.far_by_chance, 3)},
        "Los árboles de una misma faja no están juntos en el terreno." if loose else
        f"De {lines.told} árboles cuya faja dice dónde está, {len(lines.strangers)} están lejos de todos los demás de ella; en "
        f"lugares al azar lo estaría {lines.far_by_chance:.0%}. Al menos {misplaced:.0%} de toda la lista no tiene que ver con su faja.",
        "The trees of one line do not lie together on the ground." if loose else
        f"Of {lines.told} trees whose line tells where it is, {len(lines.strangers)} lie far from all others of it; at places at "
        f"random {lines.far_by_chance:.0%} would. At least {misplaced:.0%} of the whole list has nothing to do with its line.",
        [stand.shown(int(place)) for place in _spread(lines.strangers)] if severity else [],
    )  # fmt: skip
