"""A census as a table again: the columns of the official form, which the import reads back to the same trees."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from services.permits.domain.census import Tree
from services.permits.domain.columns import harmless
from services.permits.domain.sheet import Sheet
from shared.timber.measure import census_dm3

Value = str | int | float | None
# The last column is not read back: it is what P06 compares the declared volume with.
HEADER = (
    "bloque", "faja", "codigo", "especie", "nombre_comun", "dap_cm", "ac_m", "volumen_m3", "zona", "este", "norte",
    "condicion", "pca", "dmc_cm", "fecha", "volumen_calculado_m3",
)  # fmt: skip
CONDITION_WORDS = {
    "harvestable": "Aprovechable", "seed": "Semillero", "future": "Futuro", "protected": "Protegido",
}  # fmt: skip
PROBLEMS = "PROBLEMAS"
ERRORS_HEADER = ("hoja", "fila", "columna", "título", "valor", "regla", "qué hacer", "what to do")
MAX_CELL = 32_000


class Placed(NamedTuple):
    """A tree as its table shows it; the place is ``None`` where it was erased."""

    tree: Tree
    has_place: bool


def rows_of(trees: Iterable[Placed], form_factor_milli: int) -> list[list[Value]]:
    """The header and a row for each tree. Numbers are exact in the units of records."""
    return [list(HEADER), *(_row(tree, has_place, form_factor_milli) for tree, has_place in trees)]


def _row(tree: Tree, has_place: bool, form_factor_milli: int) -> list[Value]:
    computed = census_dm3(tree.dbh_mm, tree.height_mm, form_factor_milli)
    place: list[Value] = [None, None, None]
    if has_place:
        place = [tree.zone, _shown(tree.easting_dm, 1), _shown(tree.northing_dm, 1)]
    return [
        harmless(tree.block), harmless(tree.line), tree.code, tree.species, harmless(tree.trade_name),
        _shown(tree.dbh_mm, 1), _shown(tree.height_mm, 3), _shown(tree.volume_dm3, 3), *place,
        CONDITION_WORDS[tree.condition], tree.parcel, None if tree.dmc_mm is None else _shown(tree.dmc_mm, 1),
        None if tree.surveyed_on is None else tree.surveyed_on.isoformat(), _shown(computed, 3),
    ]  # fmt: skip


def _shown(units: int, places: int) -> float:
    # Fewer than 16 digits, so the shortest form of the float is this number again.
    return float(Decimal(units).scaleb(-places))


def csv_of(rows: Iterable[Sequence[Value]]) -> bytes:
    """The rows as CSV, in UTF-8 with the mark by which spreadsheets know it."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode("utf-8-sig")


def annotated(
    sheets: Sequence[Sheet], errors: Sequence[dict[str, object]], total: int
) -> list[tuple[str, list[list[Value]]]]:
    """The sheets as they came, each row with its problems in one more column, and a sheet that lists all of them."""
    by_row: dict[tuple[object, object], list[str]] = {}
    for error in errors:
        where = f"{error['column'] or ''}{error['row'] or ''}"
        by_row.setdefault((error["sheet"], error["row"]), []).append(f"{where}: {error['es']}")
    book = [(sheet.name, _with_problems(sheet, by_row)) for sheet in sheets]
    listed: list[list[Value]] = [list(ERRORS_HEADER)]
    for error in errors:
        listed.append(
            [_cell(error[name]) for name in ("sheet", "row", "column", "header", "value", "rule", "es", "en")]
        )
    if total > len(errors):
        listed.append([f"… {total - len(errors)} más / more"])
    return [*book, (_free_name("Errores", [name for name, _ in book]), listed)]


def _with_problems(sheet: Sheet, by_row: dict[tuple[object, object], list[str]]) -> list[list[Value]]:
    width = max((len(cells) for _, cells in sheet.rows), default=0)
    rows: list[list[Value]] = []
    for number, cells in sheet.rows:
        row = [_cell(cell) for cell in cells]
        problems = by_row.get((sheet.name, number))
        if problems:
            row += [None] * (width - len(row))
            row.append(_cell(" | ".join(problems)))
        elif number == 1:
            row += [*[None] * (width - len(row)), PROBLEMS]
        rows.append(row)
    return rows


def _cell(value: object) -> Value:
    if value is None or isinstance(value, int | float):
        return value
    return harmless(str(value))[:MAX_CELL]


def _free_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
