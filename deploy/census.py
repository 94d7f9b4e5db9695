"""`./timber census FILE...`: validation, plan rules and forensics over census files, without a server or a database."""

import argparse
import gzip
import io
import json
import sys
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from deploy.census_land import land_beside
from services.permits.census_file import MAX_FILE_BYTES, FileUnreadable, read_sheets, type_of
from services.permits.domain import columns
from services.permits.domain.census import Terms, Tree
from services.permits.domain.columns import Header
from services.permits.domain.compared import Compared
from services.permits.domain.day import peru_day
from services.permits.domain.finding import MAX_EXAMPLES, Finding
from services.permits.domain.forensics import Score, examine
from services.permits.domain.forensics.thresholds import thresholds_on
from services.permits.domain.norms import Limits, limits_on
from services.permits.domain.plan import Parcel, Plan, Summary
from services.permits.domain.plan_facts import PlanFacts
from services.permits.domain.rules import intensity, size
from services.permits.domain.rules.catalogue import rules_on
from services.permits.domain.rules.review import of_census
from services.permits.domain.sheet import HEADER_ROWS, CensusInvalid, Sheet, read_census
from shared.refusal import Refusal

ONLY_PARCEL = "PC 01"
NO_MINIMUM = (
    "El archivo no trae los diámetros mínimos del plan: se usó la lista general.",
    "The file does not carry the minimum diameters of the plan: the general list was used.",
)
NO_AREA = (
    "El área es la del polígono junto al archivo; el plan puede declarar otra.",
    "The area is that of the polygon beside the file; the plan may declare another.",
)
OTHER_LAND = (
    "La mayor parte de la lista está fuera: el polígono junto al archivo parece ser de otra parcela.",
    "Most of the list lies outside: the polygon beside the file seems to be that of another parcel.",
)
# A list with a few unreadable rows is looked at without them; with more it is not a census anybody can judge.
MAX_BAD_ROWS_SHARE = 0.05


@dataclass(frozen=True)
class Study:
    """What was read of one file."""

    trees: list[Tree]
    terms: Terms
    polygons: dict[str, dict[str, Any]] | None
    has_minimum: bool
    faults: list[Finding]


def main(options: argparse.Namespace) -> int:
    """0 nothing at S3 or above, 1 something, 2 a file cannot be read."""
    today = peru_day(datetime.now(UTC))
    limits, norms = limits_on(today), thresholds_on(today)
    others: dict[str, list[Tree]] = {}
    unreadable = worst = 0
    for name in options.against or []:
        try:
            others[name] = read(Path(name), limits, options.form_factor, today).trees
        except (Refusal, OSError) as error:
            _say_unreadable(name, error, options)
            unreadable += 1
    for name in options.files:
        try:
            study = read(Path(name), limits, options.form_factor, today)
        except (Refusal, OSError, ValueError) as error:
            _say_unreadable(name, error, options)
            unreadable += 1
            continue
        found = examine(
            study.trees, norms, subject=f"file:{Path(name).name}", polygons=study.polygons,
            others=Compared({other: t for other, t in others.items() if Path(other).resolve() != Path(name).resolve()}),
        )  # fmt: skip
        findings = [*study.faults, *plan_rules(study, today), *map(_on_its_land, found.findings)]
        worst = max(worst, severity_of(findings))
        _say(name, study, findings, found.score, options)
    return 2 if unreadable else 1 if worst >= 3 else 0


def severity_of(findings: list[Finding]) -> int:
    """The worst of them, 0 to 4."""
    return max((int(finding.severity[1]) for finding in findings if finding.severity), default=0)


# ---- the rules over a plan that need no server


def plan_rules(study: Study, today: date) -> list[Finding]:
    """P06, P07, the spelling of species, and P08 to P11 as far as a file can show them. A file tells no plan: without its own
    minimum diameters P07 is a question; P09 and P10 are questions too, since the polygon beside the file need not be the
    land of the plan, and not evaluated without one; P11 needs the plans of a region."""
    rules = rules_on(today)
    found = of_census("plan", study.trees, study.terms.form_factor_milli, rules)
    found = [_capped(one, *NO_MINIMUM) if one.rule == "P07" and not study.has_minimum else one for one in found]
    facts = PlanFacts(_plan_of(study), today, study.trees)
    if facts.area_m2:
        spread = [intensity.intensity(facts, rules["P09"]), *intensity.densities(facts, rules)]
        spread = [_capped(one, *NO_AREA) for one in spread]
    else:
        spread = [rules[name].missing("plan", "no hay polígono", "there is no polygon") for name in ("P09", "P10")]
    return [
        replace(one, subject="plan") if one.subject == facts.subject else one
        for one in [*found, size.seed_trees(facts, rules["P08"]), *spread, intensity.value_share(facts, rules["P11"])]
    ]


def _plan_of(study: Study) -> Plan:
    """What a file says of the plan behind it: the trees are all of them, and the area is that of the polygons."""
    from services.permits.domain.land import measure

    areas = {name: measure.area_m2(form) for name, form in (study.polygons or {}).items()}
    nobody, day = "file", date(2000, 1, 1)
    return Plan(
        id=nobody, title=nobody, org=nobody, region="", number="", season="", regent=None,
        parcels=tuple(Parcel(name, area) for name, area in areas.items()),
        form_factor_milli=study.terms.form_factor_milli, harvest_from=day, harvest_to=day, census_basis="listed",
        state="draft", created_by=nobody, uploaded_by=None, submitted_by=None, approved_by=None, resolution=None,
        census=Summary(), sid=None,
    )  # fmt: skip


def _on_its_land(finding: Finding) -> Finding:
    """F11 as a question where most trees lie outside: two files of two parcels were laid side by side, and trees invented
    beyond a boundary are some of a list. In the service the polygon is that of the parcel, and S3 stands."""
    wrong = finding.rule == "F11-PARCEL" and finding.computed.get("share", 0) > 0.5
    return _capped(finding, *OTHER_LAND) if wrong else finding


def _capped(finding: Finding, es: str, en: str) -> Finding:
    """A question at most, with what the file does not say."""
    severity = "S2" if finding.severity in ("S3", "S4") else finding.severity
    return replace(finding, severity=severity, es=f"{finding.es} {es}", en=f"{finding.en} {en}")


# ---- reading


def read(path: Path, limits: Limits, form_factor_milli: int, today: date) -> Study:
    """The trees of a CSV, CSV.GZ, XLSX or ODS file, its dates and the polygon beside it; a ``Refusal`` when one of the two is
    none."""
    data = _bytes(path)
    sheets = read_sheets(data, type_of(data))
    land = land_beside(path, today)
    prepared: list[Sheet] = []
    repeated: list[dict[str, Any]] = []
    parcels: set[str] = set()
    has_minimum = False
    for sheet in sheets:
        header = columns.find_header(sheet.rows[:HEADER_ROWS])
        if header is None:
            continue
        parcels |= _parcels(sheet, header)
        has_minimum |= "dmc_cm" in header.columns
        prepared.append(_with_zone(_codes_told_apart(sheet, header, repeated), header, land.zone()))
    terms = Terms("file", tuple(sorted(parcels)) or (ONLY_PARCEL,), form_factor_milli)
    trees, faults = _trees(prepared or sheets, terms, limits)
    if repeated:
        faults.append(_repeated_codes(repeated, limits))
    repaired = land.fault(limits.version)
    if repaired is not None:
        faults.append(repaired)
    return Study(trees, terms, land.by_parcel(terms.parcels), has_minimum, faults)


def _bytes(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            with gzip.open(io.BytesIO(data)) as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise FileUnreadable("file", "it is not a whole gzip file", "no es un archivo gzip completo") from error
    if len(data) > MAX_FILE_BYTES:
        raise FileUnreadable("file", f"it has over {MAX_FILE_BYTES} bytes", f"pasa de {MAX_FILE_BYTES} bytes")
    return data


def _trees(sheets: list[Sheet], terms: Terms, limits: Limits) -> tuple[list[Tree], list[Finding]]:
    try:
        return read_census(sheets, terms, limits).trees, []
    except CensusInvalid as refused:
        bad = {(e["sheet"], e["row"]) for e in refused.errors}
        rows = sum(len(sheet.rows) for sheet in sheets)
        headed = {(s.name, h.row) for s in sheets if (h := columns.find_header(s.rows[:HEADER_ROWS])) is not None}
        if refused.total > len(refused.errors) or len(bad) > MAX_BAD_ROWS_SHARE * rows or bad & headed:
            raise
        left = [Sheet(s.name, [(n, cells) for n, cells in s.rows if (s.name, n) not in bad]) for s in sheets]
        text = f"{len(bad)} filas no se pueden leer y no se miraron; el servicio no aceptaría este archivo."
        fault = Finding(
            "FILE", "FAIL", "S2", "plan", {"rows": len(bad), "errors": refused.total}, {}, limits.version, "", text,
            f"{len(bad)} rows cannot be read and were not looked at; the service would not accept this file.",
            refused.errors[:MAX_EXAMPLES],
        )  # fmt: skip
        return read_census(left, terms, limits).trees, [fault]


def _codes_told_apart(sheet: Sheet, header: Header, repeated: list[dict[str, Any]]) -> Sheet:
    """The sheet with a mark behind codes that occur again: a copied row must be looked at, not refused unseen."""
    place, parcel = header.columns.get("code"), header.columns.get("parcel")
    if place is None:
        return sheet
    seen: dict[tuple[str, str], int] = {}
    rows = []
    for number, cells in sheet.rows:
        if number > header.row and place < len(cells):
            code = columns.text_of(cells[place]).upper()
            key = (columns.text_of(cells[parcel]) if parcel is not None and parcel < len(cells) else "", code)
            seen[key] = seen.get(key, 0) + 1
            if code and seen[key] > 1:
                repeated.append({"sheet": sheet.name, "row": number, "code": code})
                cells = [*cells[:place], f"{code[:14]}-R{seen[key]}", *cells[place + 1 :]]
        rows.append((number, cells))
    return Sheet(sheet.name, rows)


def _repeated_codes(repeated: list[dict[str, Any]], limits: Limits) -> Finding:
    return Finding(
        "CODES", "FAIL", "S2", "plan", {"rows": len(repeated)}, {}, limits.version, "",
        f"{len(repeated)} filas usan un código que ya está en la lista; el servicio no aceptaría este archivo.",
        f"{len(repeated)} rows use a code that is in the list already; the service would not accept this file.",
        repeated[:MAX_EXAMPLES],
    )  # fmt: skip


def _with_zone(sheet: Sheet, header: Header, zone: str | None) -> Sheet:
    """The sheet with a column for the UTM zone of the polygon, where the file names no zone."""
    if "zone" in header.columns or header.zone or zone is None:
        return sheet
    width = max(len(cells) for _, cells in sheet.rows)
    rows = []
    for number, cells in sheet.rows:
        blank = not any(columns.text_of(cell) for cell in cells)
        last = "zone" if number == header.row else None if blank or number < header.row else zone
        rows.append((number, [*cells, *[None] * (width - len(cells)), last]))
    return Sheet(sheet.name, rows)


def _column(header: Header, sheet: Sheet, names: tuple[str, ...]) -> int | None:
    cells = dict(sheet.rows).get(header.row, [])
    return next((k for k, cell in enumerate(cells) if columns.folded(columns.text_of(cell)) in names), None)


def _parcels(sheet: Sheet, header: Header) -> set[str]:
    place = header.columns.get("parcel")
    if place is None:
        return set()
    found = set()
    for number, cells in sheet.rows:
        if number > header.row and place < len(cells) and columns.text_of(cells[place]):
            with suppress(columns.BadCell):  # the reader will name the cell
                found.add(columns.parcel(cells[place]))
    return found


# ---- telling


def _say_unreadable(name: str, error: Exception, options: argparse.Namespace) -> None:
    if options.json:
        print(
            json.dumps(
                {"file": name, "severity": None, "score": None, "findings": [], "error": _reason(error, options.lang)},
                ensure_ascii=False,
            )
        )
    print(f"{name}: {_reason(error, options.lang)}", file=sys.stderr)


def _reason(error: Exception, language: str) -> str:
    """Why a file cannot be examined, in the words of who asks."""
    match error:
        case CensusInvalid():
            first, more = error.errors[0], error.total - 1
            row = {"es": "fila {}: ", "en": "row {}: "}[language].format(first["row"]) if first["row"] else ""
            rest = {"es": " (y {} errores más)", "en": " (and {} more errors)"}[language].format(more) if more else ""
            return f"{row}{first[language].rstrip('.')}{rest}"
        case Refusal():
            return error.text(language)
        case FileNotFoundError():
            return "there is no such file" if language == "en" else "no existe ese archivo"
        case IsADirectoryError():
            return "that is a folder, not a file" if language == "en" else "es una carpeta, no un archivo"
        case _:
            return str(error)


def _say(
    name: str, study: Study, findings: list[Finding], score: Score | None, options: argparse.Namespace
) -> None:  # fmt: skip
    severity = severity_of(findings)
    chance = round(score.chance, 4) if score else None
    if options.json:
        facts = [finding.facts() for finding in findings]
        line = {"file": name, "severity": severity, "score": chance, "trees": len(study.trees), "findings": facts}
        print(json.dumps(line, ensure_ascii=False, allow_nan=False))
        return
    worst = f"S{severity}" if severity else "-"
    print(f"{name}: {len(study.trees)} trees   worst {worst}   score {'-' if chance is None else f'{chance:.3f}'}")
    for finding in sorted(findings, key=lambda f: f.severity, reverse=True):
        if finding.status == "PASS":
            continue
        text = finding.es if options.lang == "es" else finding.en
        print(f"  {finding.severity or '--':<3} {finding.rule:<11} {text}")
        for row in finding.evidence[:3] if finding.severity else []:
            print(f"        {json.dumps(row, ensure_ascii=False)}")
