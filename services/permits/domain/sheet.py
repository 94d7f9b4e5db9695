"""A census sheet read row by row: accepted whole, or refused with every breach named where a person can find it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any, ClassVar, TypeVar

from services.permits.domain import columns
from services.permits.domain.census import Census, Terms, Tree
from services.permits.domain.columns import BadCell, Cell, Header
from services.permits.domain.norms import Limits
from shared.refusal import Malformed

MAX_ERRORS = 100
MAX_TREES = 60_000
HEADER_ROWS = 20
ROWS_BETWEEN = 500

T = TypeVar("T")


@dataclass(eq=False)
class CensusInvalid(Malformed):
    """The sheet breaks rules: each breach with sheet, row as the spreadsheet shows it, column, value, rule and remedy."""

    slug: ClassVar[str] = "census-invalid"
    es: ClassVar[str] = "El censo no se guardó: {total} errores. El primero: {where}: {reason}."
    en: ClassVar[str] = "The census was not stored: {total} errors. The first: {where}: {reason}."
    total: int
    errors: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as read: rows with the number a spreadsheet shows, cells from column A."""

    name: str
    rows: list[tuple[int, list[Cell]]]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was understood of some sheets, and what is wrong with them: all errors counted, the first of them kept."""

    census: Census
    total: int
    errors: list[dict[str, Any]]

    def accepted(self) -> Census:
        """The census, whole; ``CensusInvalid`` when anything is wrong."""
        if self.total:
            first = self.errors[0]
            where = f"{first['sheet'] or ''}!{first['column'] or ''}{first['row'] or ''}"
            raise CensusInvalid(where, first["es"].rstrip("."), self.total, self.errors[:MAX_ERRORS])
        return self.census


def read_census(sheets: Iterable[Sheet], terms: Terms, limits: Limits) -> Census:
    """The census in these sheets, or ``CensusInvalid`` with what is wrong. Sheets without a census header are ignored."""
    return examine(sheets, terms, limits).accepted()


def examine(
    sheets: Iterable[Sheet],
    terms: Terms,
    limits: Limits,
    keep: int = MAX_ERRORS,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Examined:
    """As ``read_census``, with what is right and what is wrong side by side. ``keep`` bounds the errors that are kept;
    ``on_rows`` hears how many rows have been checked, now and then."""
    reader = _Reader(terms, limits, keep, on_rows)
    ignored = []
    for sheet in sheets:
        header = columns.find_header(sheet.rows[:HEADER_ROWS])
        if header is None:
            ignored.append(sheet.name)
        else:
            reader.read(sheet, header)
    reader.finish()
    trees = sorted(reader.trees, key=lambda tree: (tree.parcel, tree.code))
    repeated = tuple(dict.fromkeys(reader.ignored))
    found = Census(trees, tuple(reader.sheets), tuple(ignored), reader.words, repeated, reader.blank_rows)
    return Examined(found, reader.total, reader.errors)


class _Reader:
    """Walks sheets and collects trees and errors; the first errors are kept, all are counted."""

    def __init__(self, terms: Terms, limits: Limits, keep: int, on_rows: Callable[[int], None]) -> None:
        self.terms, self.limits, self.keep, self.on_rows = terms, limits, keep, on_rows
        self.rows = 0
        self.trees: list[Tree] = []
        self.errors: list[dict[str, Any]] = []
        self.total = self.blank_rows = 0
        self.sheets: list[str] = []
        self.words: dict[str, str] = {}
        self.ignored: list[str] = []
        self._seen: dict[tuple[str, str], str] = {}
        self._parcel = columns.reader(columns.parcel)
        self._zone = columns.reader(partial(columns.zone, allowed=limits.utm_zones))
        self._condition = columns.reader(columns.condition)
        self._species: dict[Cell, tuple[str, str]] = {}

    def read(self, sheet: Sheet, header: Header) -> None:
        """Every row under the header."""
        self.sheets.append(sheet.name)
        self.words |= header.words
        self.ignored += header.ignored
        body = [(number, cells) for number, cells in sheet.rows if number > header.row]
        if self._header_faults(sheet, header):
            return
        decimal_comma = columns.commas_are_decimal(_written_numbers(body, header))
        for number, cells in body:
            self.rows += 1
            if self.rows % ROWS_BETWEEN == 0:
                self.on_rows(self.rows)
            if not any(columns.text_of(cell) for cell in cells):
                self.blank_rows += 1
            elif len(self.trees) >= MAX_TREES:
                self._fault(sheet, number, None, "", _too_many())
                return
            else:
                self._row(_Row(self, sheet, header, number, cells, decimal_comma))

    def finish(self) -> None:
        """Note what is missing altogether."""
        self.on_rows(self.rows)
        if not self.sheets:
            self._fault(None, None, None, "", _no_header())
        elif not self.trees and not self.total:
            self._fault(None, None, None, "", _no_trees())

    def fault(self, row: "_Row", field: str, error: BadCell) -> None:
        """Note what is wrong with one cell."""
        column = row.header.columns.get(field)
        value = row.cells[column] if column is not None and column < len(row.cells) else None
        self._fault(row.sheet, row.number, column, row.header.words.get(field, field), error, columns.text_of(value))

    def _fault(
        self, sheet: Sheet | None, row: int | None, column: int | None, header: str, error: BadCell, value: str = ""
    ) -> None:
        self.total += 1
        if len(self.errors) < self.keep:
            self.errors.append(
                {
                    "sheet": sheet.name if sheet else None,
                    "row": row,
                    "column": None if column is None else columns.letter(column),
                    "header": header or None,
                    "value": value[:60],
                    "rule": error.rule,
                    "es": error.es,
                    "en": error.en,
                }
            )

    def _header_faults(self, sheet: Sheet, header: Header) -> bool:
        for field in header.missing:
            self._fault(sheet, header.row, None, field, _missing_column(field))
        for word in header.repeated:
            self._fault(sheet, header.row, None, word, _repeated_column())
        return bool(header.missing or header.repeated)

    def _row(self, row: "_Row") -> None:
        before = self.total
        tree = row.tree()
        if self.total > before or tree is None:
            return
        first = self._seen.setdefault((tree.parcel, tree.code), f"{row.sheet.name}!{row.number}")
        if first != f"{row.sheet.name}!{row.number}":
            self.fault(row, "code", _duplicate(tree, first))
            return
        self.trees.append(tree)

    def species_of(self, cell: Cell) -> tuple[str, str]:
        """As ``columns.species``, remembered."""
        found = self._species.get(cell)
        if found is None:
            found = self._species.setdefault(cell, columns.species(cell))
        return found


class _Row:
    """One row on its way to a tree."""

    def __init__(
        self, reader: _Reader, sheet: Sheet, header: Header, number: int, cells: list[Cell], decimal_comma: bool
    ) -> None:
        self.reader, self.sheet, self.header = reader, sheet, header
        self.number, self.cells, self.decimal_comma = number, cells, decimal_comma

    def cell(self, field: str) -> Cell:
        """The cell of a field; a short row or an absent column is blank."""
        column = self.header.columns.get(field)
        return self.cells[column] if column is not None and column < len(self.cells) else None

    def tree(self) -> Tree | None:
        """The tree, or ``None`` after noting every fault of the row."""
        reader, before = self.reader, self.reader.total
        code = self._read("code", columns.tree_code)
        names = self._read("species", reader.species_of)
        dbh_mm = self._units("dbh_cm", 10, 50, 5_000)
        height_mm = self._units("height_m", 1_000, 500, 80_000)
        volume_dm3 = self._units("volume_m3", 1_000, 1, 200_000)
        zone = self.header.zone if "zone" not in self.header.columns else self._read("zone", reader._zone)
        east, north = self._coordinates()
        condition = self._read("condition", reader._condition, blank=True)
        parcel = self._parcel()
        dmc_mm = self._units("dmc_cm", 10, 50, 5_000, blank=True)
        self._check_state(condition)
        if reader.total > before or not (code and names and dbh_mm and height_mm and volume_dm3 and zone and parcel):
            return None
        trade_name = names[1] or columns.words(self.cell("trade_name"), 60)
        return Tree(
            parcel, code, names[0], trade_name, columns.words(self.cell("block"), 20),
            columns.words(self.cell("line"), 20), dbh_mm, height_mm, volume_dm3, condition, zone, east, north,
            dmc_mm, self.sheet.name, self.number, columns.day(self.cell("surveyed_on")),
        )  # fmt: skip

    def _read(self, field: str, read: Any, *, blank: bool = False) -> Any:
        cell = self.cell(field)
        try:
            if not blank and columns.text_of(cell) == "":
                raise BadCell(
                    "required",
                    "Llene esta celda: un dato vacío nunca vale cero.",
                    "Fill this cell: a blank is never zero.",
                )
            return read(cell)
        except BadCell as error:
            self.reader.fault(self, field, error)
            return None

    def _number(self, cell: Cell) -> Decimal:
        return columns.number(cell, decimal_comma=self.decimal_comma)

    def _units(self, field: str, scale: int, low: int, high: int, *, blank: bool = False) -> int | None:
        if blank and columns.text_of(self.cell(field)) == "":
            return None
        units: int | None = self._read(field, lambda cell: columns.whole_units(self._number(cell), scale, low, high))
        return units

    def _coordinates(self) -> tuple[int, int]:
        east, north = self._read("easting", self._number), self._read("northing", self._number)
        if east is None or north is None:
            return 0, 0
        limits = self.reader.limits
        (low_e, high_e), (low_n, high_n) = limits.easting_m, limits.northing_m
        if low_n <= east <= high_n and low_e <= north <= high_e:
            self.reader.fault(self, "easting", _swapped())
            return 0, 0
        for field, value, low, high in (("easting", east, low_e, high_e), ("northing", north, low_n, high_n)):
            if not low <= value <= high:
                self.reader.fault(self, field, _far_away(field, low, high))
        return _decimetres(east), _decimetres(north)

    def _parcel(self) -> str | None:
        parcels = self.reader.terms.parcels
        if columns.text_of(self.cell("parcel")) == "" and len(parcels) == 1:
            return parcels[0]
        parcel: str | None = self._read("parcel", self.reader._parcel)
        if parcel is not None and parcel not in parcels:
            self.reader.fault(self, "parcel", _not_in_plan(parcels))
        return parcel

    def _check_state(self, condition: str | None) -> None:
        if condition == "harvestable" and columns.folded(columns.text_of(self.cell("state"))) not in columns.STANDING:
            self.reader.fault(self, "state", _not_standing())


def _decimetres(metres: Decimal) -> int:
    return int((metres * 10).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if abs(metres) < 10**9 else 0


def _written_numbers(rows: Iterable[tuple[int, list[Cell]]], header: Header) -> Iterator[str]:
    places = [
        header.columns[f] for f in ("dbh_cm", "height_m", "volume_m3", "easting", "northing") if f in header.columns
    ]
    for _, cells in rows:
        for place in places:
            if place < len(cells) and isinstance(cells[place], str):
                yield str(cells[place]).strip()


# ---- the words of each rule


def _no_header() -> BadCell:
    return BadCell(
        "no-header",
        "No hay fila de títulos: hacen falta al menos código, especie, DAP, altura comercial, volumen y coordenadas.",
        "There is no header row: at least code, species, DBH, commercial height, volume and coordinates are needed.",
    )


def _no_trees() -> BadCell:
    return BadCell("no-trees", "No hay ningún árbol debajo de los títulos.", "There is no tree under the header.")


def _too_many() -> BadCell:
    return BadCell(
        "too-many-trees", f"Un censo tiene hasta {MAX_TREES} árboles.", f"A census has up to {MAX_TREES} trees."
    )


def _missing_column(field: str) -> BadCell:
    names = ", ".join(columns.NAMES[field][:4])
    return BadCell(
        "missing-column", f"Falta la columna {field} ({names}).", f"The column {field} is missing ({names})."
    )


def _repeated_column() -> BadCell:
    return BadCell(
        "repeated-column", "Esta columna aparece dos veces: deje una.", "This column appears twice: leave one."
    )


def _duplicate(tree: Tree, first: str) -> BadCell:
    return BadCell(
        "duplicate",
        f"El árbol {tree.code} de {tree.parcel} ya está en {first}: cada código se usa una vez por parcela.",
        f"Tree {tree.code} of {tree.parcel} already stands at {first}: a code is used once in a parcel.",
    )


def _swapped() -> BadCell:
    return BadCell(
        "swapped",
        "Este y norte están intercambiados: el norte pasa de 8 millones de metros.",
        "Easting and northing are swapped: the northing is above 8 million metres.",
    )


def _far_away(field: str, low: int, high: int) -> BadCell:
    return BadCell(
        field,
        f"Debe estar entre {low} y {high} metros (UTM, WGS84).",
        f"Must lie between {low} and {high} metres (UTM, WGS84).",
    )


def _not_in_plan(parcels: tuple[str, ...]) -> BadCell:
    listed = ", ".join(parcels[:10])
    return BadCell("parcel", f"El plan tiene estas parcelas: {listed}.", f"The plan has these parcels: {listed}.")


def _not_standing() -> BadCell:
    return BadCell(
        "state",
        "Un árbol aprovechable está En Pie: corrija el estado o la condición.",
        "A harvestable tree is standing (En Pie): correct its state or its condition.",
    )
