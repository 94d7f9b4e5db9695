"""All parts as one number: the chance that a list like this one is forged, by a logistic model over the corpus.

Every part adds its own term, which is said in words; the score never blocks anything: at most it asks for a person.
"""

from dataclasses import dataclass
from math import exp
from typing import Any

from services.permits.domain.finding import Finding
from services.permits.domain.forensics.found_marks import Marks
from services.permits.domain.forensics.found_pattern import Places
from services.permits.domain.forensics.thresholds import Thresholds, grade

# The parts in the order of the coefficients, with the words for people.
PARTS: dict[str, tuple[str, str]] = {
    "copies": ("filas o árboles repetidos", "repeated rows or trees"),
    "regular": ("posiciones regulares", "regular positions"),
    "uniform": ("posiciones y especies al azar", "places and species at random"),
    "walkless": ("la lista no sigue ningún recorrido", "the list follows no walk"),
    "lines": ("fajas que no están juntas", "lines that do not lie together"),
    "astray": ("filas fuera del recorrido", "rows astray from the walk"),
    "scatter": ("alturas sin dispersión", "heights without scatter"),
    "bell": ("diámetros en campana", "diameters in a bell"),
    "comb": ("diámetros multiplicados", "multiplied diameters"),
    "edge": ("diámetros que empiezan sobre el mínimo", "diameters that begin above the minimum"),
}


@dataclass(frozen=True, slots=True)
class Score:
    """``chance`` between 0 and 1 at the base rate of the norm; ``terms`` are what each part added, in log-odds."""

    chance: float
    base: float
    terms: dict[str, float]

    def parts(self) -> list[dict[str, Any]]:
        """The terms that moved it, largest first, in both languages."""
        moved = sorted(self.terms.items(), key=lambda item: -abs(item[1]))
        return [
            {"part": name, "log_odds": round(term, 2), "es": PARTS[name][0], "en": PARTS[name][1]}
            for name, term in moved
            if abs(term) >= 0.05
        ]


def evidence(copies: float, places: Places, marks: Marks) -> dict[str, float]:
    """Each part as a bounded number, 0 where it shows nothing; only ``uniform`` also speaks for a list."""

    def within(value: float, low: float, high: float) -> float:
        return float(min(max(value, low), high)) if value == value else 0.0

    return {
        "copies": within(copies, 0, 3),
        "regular": within(places.regular_z / 6, 0, 3),
        "uniform": within(places.uniform, -4, 6),
        "walkless": float(places.walkless),
        "lines": places.lines,
        "astray": within(places.astray / 0.1, 0, 3),
        "scatter": within((0.14 - marks.scatter) / 0.07, 0, 2),
        "bell": within((0.20 - marks.skew) / 0.1, 0, 2),
        "comb": within(marks.comb / 12, 0, 3),
        "edge": within(marks.edge, 0, 2),
    }


def score(parts: dict[str, float], norms: Thresholds) -> Score:
    """The chance under the coefficients of the norm."""
    weights: dict[str, float] = norms["f00_coefficients"]
    terms = {name: weights[name] * value for name, value in parts.items()}
    total = weights["base"] + sum(terms.values())
    return Score(1 / (1 + exp(-max(min(total, 40.0), -40.0))), weights["base"], terms)


def find_score(result: Score, norms: Thresholds) -> Finding:
    """F00: S3 at the most, whatever the score says."""
    severity = grade(result.chance, norms["f00_chance_s2"], norms["f00_chance_s3"])
    parts = result.parts()
    es = ", ".join(part["es"] for part in parts if part["log_odds"] > 0) or "ninguna"
    en = ", ".join(part["en"] for part in parts if part["log_odds"] > 0) or "none"
    return norms.finding(
        "F00", severity, ("f00_chance_s2", "f00_chance_s3"), {"chance": round(result.chance, 4), "parts": parts},
        f"Puntaje conjunto de las pruebas: {result.chance:.2f} de 1. Pesan en contra: {es}. Nunca bloquea por sí solo.",
        f"Joint score of the tests: {result.chance:.2f} of 1. Against it weigh: {en}. It never blocks by itself.",
    )  # fmt: skip
