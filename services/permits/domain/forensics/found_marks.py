"""F04 (heights), F05 and F06 (shape of diameters), F07 (preferred digits), F08 (form factor), F15 (multiplied diameters),
F18 (where harvestable diameters begin)."""

from dataclasses import dataclass

import numpy as np

from services.permits.domain.finding import MAX_EXAMPLES, Finding, Severity
from services.permits.domain.forensics.comb import COARSEST_MM, Comb, measure_comb
from services.permits.domain.forensics.diameters import Diameters, measure_diameters
from services.permits.domain.forensics.edges import Edges, measure_edges
from services.permits.domain.forensics.heights import Heights, measure_heights
from services.permits.domain.forensics.stand import Stand
from services.permits.domain.forensics.thresholds import Thresholds, grade


@dataclass(frozen=True, slots=True)
class Marks:
    """What species, diameters and heights show, for the score."""

    scatter: float
    skew: float
    comb: float
    edge: float


def find_marks(stand: Stand, norms: Thresholds) -> tuple[list[Finding], Marks]:
    """F04 to F08, F15 and F18."""
    heights, diameters, comb = measure_heights(stand), measure_diameters(stand), measure_comb(stand)
    edges = measure_edges(stand, norms["f18_general_limit_mm"])
    findings = [
        _heights(stand, heights, norms), _shape(diameters, norms), _classes(diameters, norms), _digits(diameters, norms),
        _form(stand, norms), _comb(comb, norms), _edges(stand, edges, norms),
    ]  # fmt: skip
    return findings, Marks(heights.scatter, skew_bound(diameters), comb.gain, edge_evidence(edges, norms))


def _heights(stand: Stand, heights: Heights, norms: Thresholds) -> Finding:
    if heights.trees < norms["least_trees"]:
        return norms.unknown(
            "F04", "Muy pocos árboles por especie para comparar alturas y diámetros.",
            "Too few trees of each species to compare heights with diameters.", trees=heights.trees,
        )  # fmt: skip
    severity: Severity = grade(-heights.scatter, -norms["f04_scatter_s2"], -norms["f04_scatter_s3"])
    if heights.correlation > norms["f04_correlation_s3"]:
        severity = "S3"
    if not severity and heights.correlation + 2 / np.sqrt(heights.trees) < norms["f04_correlation_s2"]:
        severity = "S2"
    return norms.finding(
        "F04", severity, ("f04_scatter_s2", "f04_scatter_s3", "f04_correlation_s3", "f04_correlation_s2"),
        {"trees": heights.trees, "scatter_ln": round(heights.scatter, 4), "correlation": round(heights.correlation, 3)},
        f"Las alturas se apartan {heights.scatter * 100:.1f} % de una curva lisa del DAP; las brigadas se apartan 14 a 28 %, una fórmula menos de 5 %.",
        f"Heights scatter {heights.scatter * 100:.1f} % round a smooth curve of DBH; crews scatter 14 to 28 %, a formula under 5 %.",
        _formula_rows(stand) if severity == "S3" else [],
    )  # fmt: skip


def _formula_rows(stand: Stand) -> list[dict[str, object]]:
    """Trees of the commonest species spread over its diameters: their heights climb a line."""
    here = np.flatnonzero(stand.species == np.argmax(np.bincount(stand.species)))
    order = here[np.argsort(stand.dbh_mm[here], kind="stable")]
    return [
        stand.shown(int(order[k])) for k in np.linspace(0, len(order) - 1, min(MAX_EXAMPLES, len(order))).astype(int)
    ]


def skew_bound(diameters: Diameters) -> float:
    """The larger of both skewnesses plus a standard error (0.5 / sqrt n): what it may still be."""
    overall = diameters.skew + 0.5 / np.sqrt(diameters.trees)
    if diameters.trees_within < 100:
        return float(overall)
    return float(max(overall, diameters.skew_within + 0.5 / np.sqrt(diameters.trees_within)))


def _shape(diameters: Diameters, norms: Thresholds) -> Finding:
    bound = skew_bound(diameters)
    severity = grade(-bound, -norms["f05_skew_s2"], -norms["f05_skew_s3"])
    return norms.finding(
        "F05", severity, ("f05_skew_s2", "f05_skew_s3"),
        {"l_skewness": round(diameters.skew, 3), "l_skewness_within_species": _rounded(diameters.skew_within),
         "at_most": round(bound, 3), "share_of_70cm_among_50cm": _rounded(diameters.share_large)},
        f"Forma de los diámetros sobre el corte: asimetría {diameters.skew:.2f} (bosque 0.17 a 0.53, campana 0).",
        f"Shape of the diameters above the cut: skewness {diameters.skew:.2f} (forest 0.17 to 0.53, bell 0).",
    )  # fmt: skip


def _rounded(value: float) -> float | None:
    return round(value, 3) if value == value else None


def _classes(diameters: Diameters, norms: Thresholds) -> Finding:
    return norms.finding(
        "F06", "S2" if diameters.rise > norms["f06_rise_s2"] else "", ("f06_rise_s2",),
        {"fullest_class_over_first": round(diameters.rise, 2)},
        "Árboles de la clase de 10 cm más llena sobre los de la primera clase encima del árbol más delgado.",
        "Trees of the fullest 10 cm class over those of the first class above the thinnest tree.",
    )  # fmt: skip


def _digits(diameters: Diameters, norms: Thresholds) -> Finding:
    return norms.finding(
        "F07", "S1" if diameters.heaped > norms["f07_heaped"] else "", ("f07_heaped",),
        {"whipple": round(diameters.heaped, 2)},
        "Preferencia por diámetros que terminan en 0 o 5 cm (1 = ninguna). Es un dato sobre cómo se midió, no un indicio.",
        "Preference for diameters ending in 0 or 5 cm (1 = none). It tells how trees were measured, nothing more.",
    )  # fmt: skip


def _form(stand: Stand, norms: Thresholds) -> Finding:
    volume = np.array([tree.volume_dm3 for tree in stand.rows], np.float64)
    factor = volume / (np.pi / 4 * (stand.dbh_mm / 100) ** 2 * stand.height_mm / 100)
    middle = float(np.median(factor))
    off = np.flatnonzero(np.abs(factor - middle) > norms["f08_off"] * middle)
    share = len(off) / len(stand)
    failed = share > norms["f08_share_s2"]
    return norms.finding(
        "F08", "S2" if failed else "", ("f08_off", "f08_share_s2"),
        {"form_factor": round(middle, 4), "trees_off": len(off), "share": round(share, 4)},
        f"Factor de forma que da el volumen declarado: {middle:.3f}; {len(off)} árboles se apartan de él.",
        f"Form factor behind the declared volume: {middle:.3f}; {len(off)} trees depart from it.",
        [stand.shown(int(place)) for place in off[:MAX_EXAMPLES]] if failed else [],
    )  # fmt: skip


def _comb(comb: Comb, norms: Thresholds) -> Finding:
    if comb.step_mm > COARSEST_MM:
        return norms.unknown(
            "F15", f"Los DAP están escritos en clases de {comb.step_mm} mm: no quedan cifras que mirar.",
            f"DBH is written in classes of {comb.step_mm} mm: no digits are left to look at.",
        )  # fmt: skip
    severity = grade(comb.gain, norms["f15_gain_s2"], norms["f15_gain_s3"])
    per_cent = round((comb.factor - 1) * 100)
    return norms.finding(
        "F15", severity, ("f15_gain_s2", "f15_gain_s3"),
        {"factor": comb.factor, "share_of_trees": comb.share, "gain_ln": round(comb.gain, 1), "written_on_mm": comb.step_mm,
         "in_gaps": round(comb.gap_share, 4), "in_gaps_expected": round(comb.gap_expected, 4)},
        f"Las cifras de los DAP parecen de otra lista multiplicada por {comb.factor} y redondeada: faltan los valores que esa "
        f"multiplicación no alcanza ({comb.gap_share:.1%}; se esperan {comb.gap_expected:.1%})." if severity else
        "Las cifras de los DAP no muestran una multiplicación.",
        f"The digits of the DBH look like another list multiplied by {comb.factor} ({per_cent:+d} %) and rounded: values that the "
        f"multiplication cannot reach are missing ({comb.gap_share:.1%}; {comb.gap_expected:.1%} expected)." if severity else
        "The digits of the DBH show no multiplication.",
    )  # fmt: skip


def edge_evidence(edges: Edges, norms: Thresholds) -> float:
    """The stronger of both looks at the edges, in units of its threshold at S3; a rise too small to tell counts nothing, and one
    that an own cut explains as well no more than a question."""
    risen = edges.gain if edges.rise_mm >= norms["f18_rise_mm"] else 0.0
    if edges.along.gain < norms["f18_along_gain_s3"]:
        risen = min(risen, norms["f18_gain_s2"])
    return float(max(risen / norms["f18_gain_s3"], edges.factor_gain / norms["f18_factor_gain_s3"], 0.0))


def _edges(stand: Stand, edges: Edges, norms: Thresholds) -> Finding:
    risen = (
        grade(edges.gain, norms["f18_gain_s2"], norms["f18_gain_s3"]) if edges.rise_mm >= norms["f18_rise_mm"] else ""
    )
    along = edges.along.gain >= norms["f18_along_gain_s3"]
    # A company's own cut is honest and asks for an explanation; a supervisor looks where the whole list came up with it.
    by_rise: Severity = "S3" if risen == "S3" and along else "S2" if risen else ""
    by_factor = grade(edges.factor_gain, norms["f18_factor_gain_s2"], norms["f18_factor_gain_s3"])
    es, en = _edges_said(edges, by_rise, by_factor)
    return norms.finding(
        "F18", max(by_rise, by_factor),
        ("f18_general_limit_mm", "f18_rise_mm", "f18_gain_s2", "f18_gain_s3", "f18_along_gain_s3", "f18_factor_gain_s2",
         "f18_factor_gain_s3"),
        {"rise_mm": round(edges.rise_mm), "left_between": len(edges.between), "harvestable_between": edges.harvestable_between,
         "share_harvestable_above": round(edges.share_above, 3), "gain_ln": round(edges.gain, 1),
         "along_factor": edges.along.factor, "along_mm": round(edges.along.constant_mm), "along_gain_ln": round(edges.along.gain, 1),
         "minimum_diameters": edges.groups, "factor": edges.factor, "factor_gain_ln": round(edges.factor_gain, 1)},
        es, en, [stand.shown(int(place)) for place in edges.between[:MAX_EXAMPLES]] if by_rise else [],
    )  # fmt: skip


def _edges_said(edges: Edges, by_rise: Severity, by_factor: Severity) -> tuple[str, str]:
    """What is seen, and what both an honest company and a raise of all diameters would have written."""
    if by_factor and by_factor >= by_rise:
        return (
            f"Los árboles de cada especie empiezan en {edges.factor} veces su diámetro mínimo, como si se hubieran multiplicado.",
            f"The trees of each species begin at {edges.factor} times its minimum diameter, as if they had been multiplied.",
        )  # fmt: skip
    if not by_rise:
        return (
            "Los diámetros aprovechables empiezan donde un mínimo puede estar.",
            "Harvestable diameters begin where a minimum may lie.",
        )
    rise_cm, between = edges.rise_mm / 10, len(edges.between)
    es = (
        f"Los árboles aprovechables empiezan {rise_cm:.0f} cm por encima del diámetro mínimo, y {between} árboles de esas medidas "
        "figuran como futuros o remanentes: "
    )
    en = (
        f"Harvestable trees begin {rise_cm:.0f} cm above the minimum diameter, and {between} trees of such sizes are listed as left "
        "for later: "
    )
    if by_rise == "S2":
        return (
            es + "el plan tiene un corte propio (dígalo en la columna dmc) o los diámetros se aumentaron.",
            en + "the plan has a cut of its own (say so in the column dmc), or diameters were raised.",
        )
    along = edges.along
    by = f"{along.factor} ×" if along.factor > 1 else f"+{along.constant_mm / 10:.0f} cm"
    return (
        es + f"además, toda la lista empieza donde quedaría un diámetro redondo aumentado otro tanto (p. ej. {by}), y no en uno redondo: no lo "
        "explica un corte propio, sino un aumento de todos los diámetros.",
        en + f"besides, the whole list begins where a round diameter raised by as much (such as {by}) would lie, and at no round one: not a cut of "
        "its own explains this, but a raise of all diameters.",
    )  # fmt: skip
