"""`./timber prices backtest PANEL.csv --from YEAR --out ESTIMATES.csv`, `--world-bank`, `./timber prices attack`, `./timber prices fit`."""

import argparse
import csv
import hashlib
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from shared.refusal import Malformed, Refusal

if TYPE_CHECKING:
    from services.contracts.domain.estimate.parameters import Parameters

# The matrices are small: more threads of the linear algebra only wait for each other. Must be set before numpy comes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

REFUSED = 2
OUT_COLUMNS = ("year", "county", "category", "species", "estimate", "lo80", "hi80")


@dataclass(eq=False)
class BacktestIncomplete(Malformed):
    """The command names no data to look at, or no first year."""

    slug: ClassVar[str] = "backtest-incomplete"
    es: ClassVar[str] = "{where}: {reason_es}."
    en: ClassVar[str] = "{where}: {reason}."
    reason_es: str


@dataclass(eq=False)
class OutputUnwritable(Malformed):
    """The place named for the answer cannot be written."""

    slug: ClassVar[str] = "output-unwritable"
    es: ClassVar[str] = "{where}: no se puede escribir: {reason}."
    en: ClassVar[str] = "{where}: cannot be written: {reason}."


def main(options: argparse.Namespace) -> int:
    """Print the tables, 0; or 2 when a file was refused, with the slug of the problem and its words."""
    try:
        found = {"attack": _attack, "fit": _fit, "backtest": _backtest}[options.what](options)
    except Refusal as refusal:
        return _refused(refusal, options)
    if options.json:
        print(json.dumps(found, ensure_ascii=False, sort_keys=True))
    else:
        from deploy.prices.tables import told

        print(told(found, options.lang))
    return 0


def day_in_peru(at: datetime) -> date:
    """The day that it is in Peru, where parameters come into force."""
    from services.contracts.domain.border import LIMA

    return at.astimezone(LIMA).date()


def _attack(options: argparse.Namespace) -> dict[str, Any]:
    from deploy.prices import attack
    from deploy.prices.pictures import moves
    from services.contracts.shipped import estimator

    day = day_in_peru(datetime.now(UTC))
    parameters = estimator(day)
    trials = attack.Trials(parameters, day, options.trials, options.seed)
    found = {
        "kind": "attack", "seed": options.seed, "trials": options.trials, "honest": attack.HONEST,
        "parameters": {"version": parameters.version, "sha256": parameters.sha256},
        "shares": trials.shares(),
        "kinds": trials.kinds(),
        "scatters": trials.scatters(),
        "misses": trials.misses(),
    }  # fmt: skip
    _draw(options, {"prices-attack.svg": moves(found)})
    return found


def _fit(options: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from deploy.prices.panel import read_panel
    from deploy.prices.variances import fitted
    from services.contracts.shipped import estimator

    rows = read_panel(Path(options.panel), options.last)
    cells = [row.cell for row in rows if options.first <= row.cell.year <= options.last]
    parameters, fixed = estimator(day_in_peru(datetime.now(UTC))), _fixed(options.fix)
    found = fitted(cells, parameters, fixed)
    if not found.told:
        raise BacktestIncomplete("--from", "no prices in these years", "no hay precios en esos años")
    return {
        "kind": "fit", "file": Path(options.panel).name, "from": options.first, "to": options.last,
        "told": found.told, "tried": found.tried, "fixed": fixed,
        "parameters": {"version": parameters.version, "sha256": parameters.sha256},
        "spread": {name: float(f"{value:.3g}") for name, value in asdict(found.spread).items()},
        "in_force": asdict(parameters.spread),
        "log_likelihood": {"fitted": round(found.log_likelihood, 1), "in_force": round(found.in_force, 1)},
        "bands": {str(level): round(multiple, 2) for level, multiple in found.bands.items()},
    }  # fmt: skip


def _fixed(given: Sequence[str]) -> dict[str, float]:
    """The variances that are not searched for, as NAME=VALUE."""
    from deploy.prices.variances import NAMES

    fixed = {}
    for one in given:
        name, _, value = one.partition("=")
        try:
            fixed[name] = float(value)
        except ValueError:
            name = ""
        if name not in NAMES or not 0 < fixed[name] < math.inf:
            raise BacktestIncomplete("--fix", f"{one!r} is no NAME=VALUE", f"{one!r} no es NOMBRE=VALOR")
    return fixed


def _of_a_fit(parameters: "Parameters", name: str) -> "Parameters":
    """The same parameters with the variances of an answer of ``fit --json``."""
    from services.contracts.domain.estimate.parameters import Spread

    try:
        content = Path(name).read_bytes()
        spread = Spread(**{each: float(value) for each, value in json.loads(content)["spread"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BacktestIncomplete(
            "--spread", f"{name} is no answer of fit --json", f"{name} no es una respuesta de fit --json"
        ) from error
    return replace(parameters, version=Path(name).name, sha256=hashlib.sha256(content).hexdigest(), spread=spread)


def _backtest(options: argparse.Namespace) -> dict[str, Any]:
    if options.world_bank:
        from deploy.prices.indices import FIRST_YEAR, held_against

        first = options.first or FIRST_YEAR
        return {"kind": "series", "from": first, "series": held_against(first)}
    if options.panel is None:
        raise BacktestIncomplete("PANEL", "name a panel file, or --world-bank", "indique un panel, o --world-bank")
    if options.first is None:
        raise BacktestIncomplete("--from", "the first held-out year is needed", "falta el primer año por estimar")
    return _over_panel(options)


def _over_panel(options: argparse.Namespace) -> dict[str, Any]:
    from deploy.prices.panel import read_panel
    from deploy.prices.pictures import coverages, errors
    from deploy.prices.rivals import History
    from deploy.prices.scores import coverage, error_table, gains, score
    from services.contracts.domain.estimate.rolling import rolling
    from services.contracts.shipped import estimator

    rows = read_panel(Path(options.panel), options.first)
    cells = [row.cell for row in rows]
    in_force = estimator(day_in_peru(datetime.now(UTC)))
    parameters = _of_a_fit(in_force, options.spread) if options.spread else in_force
    rolled, history = rolling(cells, options.first, parameters), History(cells)
    beside = rolling(cells, options.first, in_force) if options.spread else None
    held = rolled.past_only if options.past_only else rolled.same_year
    if options.out:
        spelled = {(row.cell.year, row.cell.series): (row.county, row.category, row.species) for row in rows}
        _write(options.out, _estimates(held, spelled))
    modes = {}
    for name, said in (("past_only", rolled.past_only), ("same_year", rolled.same_year)):
        scored = score(said, history, None if beside is None else getattr(beside, name), same_year=name == "same_year")
        modes[name] = {
            "errors": error_table(scored), "gains": gains(scored, options.seed), "coverage": coverage(said),
        }  # fmt: skip
    asked = sum(cell.year >= options.first for cell in cells)
    found = {
        "kind": "panel", "file": Path(options.panel).name, "from": options.first, "cells": asked,
        "estimated": len(held), "written": "past_only" if options.past_only else "same_year",
        "parameters": {"version": parameters.version, "sha256": parameters.sha256}, "modes": modes,
    }  # fmt: skip
    _draw(options, {"prices-error.svg": errors(found), "prices-coverage.svg": coverages(found)})
    return found


def _estimates(held: Sequence[Any], spelled: dict[Any, tuple[str, str, str]]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(OUT_COLUMNS)
    for one in held:
        low, high = one.bounds(80)
        prices = (f"{price:.4f}" for price in (math.exp(one.mean), low, high))
        table.writerow((one.cell.year, *spelled[one.cell.year, one.cell.series], *prices))
    return text.getvalue()


def _write(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputUnwritable(name, error.strerror or "?") from error


def _draw(options: argparse.Namespace, pictures: dict[str, str]) -> None:
    if options.figures:
        for name, picture in pictures.items():
            _write(str(Path(options.figures) / name), picture)


def _refused(refusal: Refusal, options: argparse.Namespace) -> int:
    if options.json:
        problem = {"slug": refusal.slug, "detail_es": refusal.text("es"), "detail_en": refusal.text("en")}
        print(json.dumps(problem | {"facts": refusal.facts()}, ensure_ascii=False, sort_keys=True))
    else:
        print(f"{refusal.slug}: {refusal.text(options.lang)}", file=sys.stderr)
    return REFUSED
