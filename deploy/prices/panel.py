"""A panel file: one row a year, county, category and species, with the average price and how many reported it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from services.contracts.domain.estimate.rolling import PanelCell
from shared.refusal import Malformed

MAX_BYTES = 64 * 1024 * 1024
# Each further cell makes every step of a pool dearer: some seconds a year at so many.
MOST_CELLS = 1_000
# What a panel must have; lowest and highest price may stand beside it and are not read.
COLUMNS = ("Year", "County", "Category", "PerUnit", "Species", "AvgPrice", "NumReports")
_PRICE = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9}")


@dataclass(eq=False)
class PanelUnreadable(Malformed):
    """The file is no table of text with the columns of a panel."""

    slug: ClassVar[str] = "panel-unreadable"
    es: ClassVar[str] = "{where}: no se puede leer como panel de precios: {reason_es}."
    en: ClassVar[str] = "{where}: cannot be read as a panel of prices: {reason}."
    reason_es: str


@dataclass(eq=False)
class PanelCellInvalid(Malformed):
    """One cell of the table does not say what its column must say; ``where`` is the file."""

    slug: ClassVar[str] = "panel-cell-invalid"
    es: ClassVar[str] = "{where}: fila {row}, columna {column}: {reason_es}."
    en: ClassVar[str] = "{where}: row {row}, column {column}: {reason}."
    reason_es: str
    row: int
    column: str


@dataclass(eq=False)
class PanelRowRepeated(Malformed):
    """Two rows are of the same year, county, category, unit and species: nobody knows which one is meant."""

    slug: ClassVar[str] = "panel-row-repeated"
    es: ClassVar[str] = "{where}: fila {row}, columna {column}: la misma celda que la fila {first}."
    en: ClassVar[str] = "{where}: row {row}, column {column}: the same cell as row {first}."
    row: int
    column: str
    first: int


@dataclass(frozen=True, slots=True)
class Row:
    """A cell of the panel with its county, category and species as the file spells them."""

    cell: PanelCell
    county: str
    category: str
    species: str


def read_panel(path: Path, first: int) -> list[Row]:
    """All rows of a file; a ``Refusal`` naming row and column of the first thing that is wrong.

    From the year ``first`` on a price may be blank: the row asks for an estimate. Names are compared without regard to
    case, and prices are pooled only within one category and unit.
    """
    rows: list[Row] = []
    seen: dict[tuple[int, tuple[str, str, str]], int] = {}
    for number, values in _table(path):
        row = _Cells(path.name, number, values).row(first)
        key = (row.cell.year, row.cell.series)
        if key in seen:
            raise PanelRowRepeated(path.name, "repeated", number, "Species", seen[key])
        seen[key] = number
        rows.append(row)
    most = max(Counter((row.cell.market, row.cell.year) for row in rows).values(), default=0)
    if most > MOST_CELLS:
        raise PanelUnreadable(
            path.name, f"{most} cells of one category, unit and year; at most {MOST_CELLS} are pooled",
            f"{most} celdas de una categoría, unidad y año; se estiman juntas {MOST_CELLS} como máximo",
        )  # fmt: skip
    if not any(row.cell.year >= first for row in rows):
        raise PanelUnreadable(path.name, f"it has no row from {first} on", f"no tiene filas desde {first}")
    if not any(row.cell.year < first for row in rows):
        raise PanelUnreadable(path.name, f"it has no row before {first}", f"no tiene filas antes de {first}")
    return rows


def _table(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PanelUnreadable(str(path), str(error.strerror), "no se puede abrir el archivo") from error
    if len(data) > MAX_BYTES:
        raise PanelUnreadable(path.name, f"it has over {MAX_BYTES} bytes", f"pasa de {MAX_BYTES} bytes")
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise PanelUnreadable(path.name, "it is no CSV in UTF-8", "no es un CSV en UTF-8") from error
    if not lines:
        raise PanelUnreadable(path.name, "it is empty", "está vacío")
    places = _places(path.name, lines[0])
    found: list[tuple[int, Mapping[str, str]]] = []
    for number, line in enumerate(lines[1:], start=2):
        if any(text.strip() for text in line):
            found.append((number, {name: line[at] if at < len(line) else "" for name, at in places.items()}))
    return found


def _places(file: str, heads: Sequence[str]) -> dict[str, int]:
    folded = [re.sub(r"[\s_]", "", head).lower() for head in heads]
    for name in COLUMNS:
        if folded.count(name.lower()) != 1:
            many = name.lower() in folded
            raise PanelCellInvalid(
                file, "the column stands twice" if many else "the column is missing",
                "la columna está dos veces" if many else "falta la columna", 1, name,
            )  # fmt: skip
    return {name: folded.index(name.lower()) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class _Cells:
    file: str
    number: int
    values: Mapping[str, str]

    def row(self, first: int) -> Row:
        year = self._whole("Year", 1800, 2200)
        asked = year >= first and not self.values["AvgPrice"].strip()
        county, category, unit, species = (self._name(n) for n in ("County", "Category", "PerUnit", "Species"))
        reports = 1 if asked and not self.values["NumReports"].strip() else self._whole("NumReports", 1, 10**9)
        cell = PanelCell(
            year, f"{category.lower()}/{unit.lower()}", species.lower(), county.lower(),
            None if asked else self._price(), reports,
        )  # fmt: skip
        return Row(cell, *(self.values[name] for name in ("County", "Category", "Species")))

    def _name(self, column: str) -> str:
        text = " ".join(self.values[column].split())
        if not text:
            raise self._wrong(column, "it is blank", "está en blanco")
        return text

    def _whole(self, column: str, least: int, most: int) -> int:
        text = self.values[column].strip()
        number = int(text.replace(",", "")) if _WHOLE.fullmatch(text) else -1
        if not least <= number <= most:
            raise self._wrong(
                column, f"{text!r} is no whole number from {least} to {most}",
                f"{text!r} no es un número entero de {least} a {most}",
            )  # fmt: skip
        return number

    def _price(self) -> float:
        text = self.values["AvgPrice"].strip()
        price = float(text.replace(",", "")) if _PRICE.fullmatch(text) else 0.0
        if not 0 < price < 1e9:
            raise self._wrong(
                "AvgPrice", f"{text!r} is no price above 0 (a comma only between thousands, a point before decimals)",
                f"{text!r} no es un precio mayor que 0 (coma solo entre miles, punto antes de decimales)",
            )  # fmt: skip
        return price

    def _wrong(self, column: str, reason: str, reason_es: str) -> PanelCellInvalid:
        return PanelCellInvalid(self.file, reason, reason_es, self.number, column)
