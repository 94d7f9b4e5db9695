"""Tables of the back-test and of the attacks for people, as Markdown, in Spanish and English."""

from collections.abc import Mapping, Sequence
from typing import Any

WORDS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "past_only": "Solo con lo informado antes del año", "same_year": "También con las otras celdas del año",
        "reports": "informantes", "cells": "celdas", "estimate": "estimación", "last": "último precio",
        "median": "mediana 5 años", "reference": "referencia", "over": "mejora sobre", "points": "puntos (95 %)",
        "of": "de", "errors": "Error mediano en %, y RMSE del logaritmo", "gains": "Puntos de error ganados",
        "coverage": "% de precios dentro de cada banda", "series": "serie", "months_ahead": "meses adelante",
        "months": "meses", "median_12": "mediana 12", "median_24": "mediana 24", "written": "El archivo se escribió así",
        "attackers": "atacantes", "share_pct": "% de reportes", "mean": "promedio", "capped_huber": "Huber limitado",
        "attack": "ataque", "moved": "Cuánto se mueve en %: promedio / percentil 95 / lo más", "all": "todas", "over 20": "más de 20",
        "cells_estimated": "celdas estimadas", "from": "desde", "fitted": "ajustado", "in_force": "en vigor",
        "log_likelihood": "logaritmo de la verosimilitud", "fixed": "dado", "told": "precios estimados",
        "bands": "desviaciones por banda", "scatter": "dispersión honrada",
        "missed": "Cuánto yerran los honrados solos, en % (RMSE del logaritmo)",
    },
    "en": {
        "past_only": "Only from what was reported before the year", "same_year": "Also with the other cells of the year",
        "reports": "reports", "cells": "cells", "estimate": "estimate", "last": "last price",
        "median": "5-year median", "reference": "reference", "over": "gain over", "points": "points (95 %)",
        "of": "of", "errors": "Median error in %, and RMSE of the logarithm", "gains": "Points of error saved",
        "coverage": "% of prices within each band", "series": "series", "months_ahead": "months ahead",
        "months": "months", "median_12": "median of 12", "median_24": "median of 24", "written": "The file was written so",
        "attackers": "attackers", "share_pct": "% of reports", "mean": "mean", "capped_huber": "capped Huber",
        "attack": "attack", "moved": "How far it moves in %: mean / 95th percentile / most", "all": "all", "over 20": "over 20",
        "cells_estimated": "cells estimated", "from": "from", "fitted": "fitted", "in_force": "in force",
        "log_likelihood": "log-likelihood", "fixed": "given", "told": "prices told",
        "bands": "deviations by band", "scatter": "honest scatter",
        "missed": "By how much the honest alone miss, in % (RMSE of the logarithm)",
    },
}  # fmt: skip
WAYS = ("estimate", "in_force", "reference", "last", "median")
ATTACKED = ("mean", "capped_huber", "estimate")
ATTACK_TABLES = (
    ("shares", ("attackers", "share_pct")), ("kinds", ("attack", "attackers")), ("scatters", ("scatter", "attack")),
)  # fmt: skip


def told(found: Mapping[str, Any], language: str) -> str:
    """All tables of one answer."""
    words = WORDS[language]
    match found["kind"]:
        case "series":
            columns = ("series", "months_ahead", "months", "last", "median_12", "median_24")
            return _table([words[c] for c in columns], [[row.get(c, "-") for c in columns] for row in found["series"]])
        case "attack":
            return _attacks(found, words)
        case "fit":
            return _fit(found, words)
        case _:
            return _panel(found, words)


def _fit(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    rows = [
        [name, f"{value} ({words['fixed']})" if name in found["fixed"] else value, found["in_force"][name]]
        for name, value in found["spread"].items()
    ]
    rows.append([words["log_likelihood"], *(found["log_likelihood"][column] for column in ("fitted", "in_force"))])
    head = f"{found['file']}, {found['from']}-{found['to']}: {found['told']} {words['told']}."
    fits = _table(["", words["fitted"], words["in_force"]], rows)
    bands = _table([words["bands"], *found["bands"]], [["", *found["bands"].values()]])
    return "\n\n".join((head, fits, bands))


def _panel(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    parts = [
        f"{found['file']}, {words['from']} {found['from']}: {found['estimated']} / {found['cells']} "
        f"{words['cells_estimated']}. {words['written']}: {words[found['written']].lower()}."
    ]
    for name, mode in found["modes"].items():
        parts.append(f"**{words[name]}**")
        parts.append(words["errors"] + "\n\n" + _errors(mode["errors"], words))
        parts.append(words["gains"] + "\n\n" + _gains(mode["gains"], words))
        levels = ("50", "80", "90", "95")
        rows = [[row["of"], row["cells"], *(row[level] for level in levels)] for row in mode["coverage"]]
        parts.append(words["coverage"] + "\n\n" + _table([words["of"], words["cells"], *levels], rows))
    return "\n\n".join(parts)


def _errors(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    ways = [way for way in WAYS if way != "in_force" or any(way in row for row in rows)]
    lines = [
        [words.get(row["reports"], row["reports"]), row["cells"]]
        + [f"{row[way]['median_error_pct']:.2f} / {row[way]['rmse_ln']:.3f}" if way in row else "-" for way in ways]
        for row in rows
    ]
    return _table([words["reports"], words["cells"], *(words[way] for way in ways)], lines)


def _gains(rows: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    lines = [
        [words.get(row["reports"], row["reports"]), words[row["over"]], f"{row['points']:.2f} ({row['low']:.2f} - {row['high']:.2f})"]
        for row in rows
    ]  # fmt: skip
    return _table([words["reports"], words["over"], words["points"]], lines)


def _attacks(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    parts = [words["moved"]]
    for name, first in ATTACK_TABLES:
        rows = [[*(row[c] for c in first), *(_moved(row[way]) for way in ATTACKED)] for row in found[name]]
        parts.append(_table([words[c] for c in (*first, *ATTACKED)], rows))
    missed = [[row["scatter"], *(f"{row[way]:.2f}" for way in ATTACKED)] for row in found["misses"]]
    parts += [words["missed"], _table([words[c] for c in ("scatter", *ATTACKED)], missed)]
    return "\n\n".join(parts)


def _moved(row: Mapping[str, float]) -> str:
    return " / ".join(f"{row[name]:.2f}" for name in ("mean", "p95", "most"))


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
