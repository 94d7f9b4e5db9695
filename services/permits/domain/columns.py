"""How people write census sheets: names of columns, numbers with commas or points, zones, conditions, species.

Every reader answers the value or raises ``BadCell`` with the rule that was broken and what to do about it, in Spanish
and English; where the cell stands is added by who walks the sheet.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from shared.refusal import Malformed
from shared.timber import fields
from shared.timber.place import parcel_code
from shared.timber.species import catalogue

Cell = str | int | float | None

NAMES: dict[str, tuple[str, ...]] = {
    "code": ("tree", "code", "codigo", "cod", "codigo_arbol", "codigo_del_arbol", "tree_code", "cod_arbol"),
    "species": ("species", "especie", "especies", "nombre_cientifico", "scientific_name"),
    "trade_name": ("trade_name", "nombre_comun", "nombre_comercial"),
    "block": ("block", "bloque"),
    "line": ("line", "faja"),
    "dbh_cm": ("dbh_cm", "dbh", "dap_cm", "dap"),
    "height_m": (
        "commercial_height_m",
        "height_m",
        "ac_m",
        "ac",
        "hc_m",
        "hc",
        "altura_comercial",
        "altura_comercial_m",
    ),
    "volume_m3": ("volume_m3", "volumen_m3", "volumen", "vol_m3", "vol", "volume"),
    "zone": ("zone", "zona", "zona_utm", "utm_zone"),
    "easting": ("easting", "easting_m", "coordenada_este", "este", "este_m", "utm_este", "x_utm"),
    "northing": ("northing", "northing_m", "coordenada_norte", "norte", "norte_m", "utm_norte", "y_utm"),
    "condition": ("condition", "condicion", "destination", "destino"),
    "state": ("state", "estado"),
    "parcel": ("parcel", "parcela", "parcela_corta", "parcela_de_corta", "pca", "pc"),
    "dmc_cm": ("dmc_cm", "dmc"),
    "surveyed_on": ("date", "fecha", "day", "dia", "fecha_censo", "fecha_del_censo", "surveyed_on"),
}
FIELDS = {name: field for field, names in NAMES.items() for name in names}
REQUIRED = ("code", "species", "dbh_cm", "height_m", "volume_m3", "easting", "northing")
# A coordinate column may carry datum and zone in its name, as in easting_wgs84_20s.
_WITH_ZONE = re.compile(r"(?P<name>[a-z_]+?)(?:_wgs84)?_(?P<zone>1[789]|20)s")

CONDITIONS = {
    "harvestable": "harvestable", "aprovechable": "harvestable", "pab": "harvestable",
    "seed": "seed", "semillero": "seed", "porta semilla": "seed", "ps": "seed",
    "future": "future", "futuro": "future", "futura cosecha": "future", "futuro aprovechamiento": "future",
    "remanente": "future", "remanescente": "future", "cf": "future", "rem": "future",
    "protected": "protected", "protegido": "protected", "proteccion": "protected", "protegida por ley": "protected",
    "app": "protected", "rar": "protected", "cpl": "protected",
}  # fmt: skip
STANDING = frozenset({"", "en pie", "pie", "standing"})
# A cell that begins so is computed by the program that opens it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
BLANKS = frozenset({"", "[null]", "null", "n/a", "-"})

_POINT = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d{1,12},\d{1,9}", re.ASCII)
# 1,234 may be a thousand or one and a bit; 0,635 and 63,5 can only be decimals.
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_ZONE = re.compile(r"(?P<number>[0-9]{2}) ?[SKLM]?")
_DAY = re.compile(
    r"(?:(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)|(?P<day_>\d{1,2})/(?P<month_>\d{1,2})/(?P<year_>\d{4}))(?:$| )",
    re.ASCII,
)
_BINOMIAL = re.compile(r"([A-Z][a-z]{1,39}) ([a-z]{1,39}(?:-[a-z]{1,39}){0,2}|spp?\.)(?= |$)")


class BadCell(Exception):  # noqa: N818
    """One cell cannot be used. ``rule`` is stable; the texts say what to do."""

    def __init__(self, rule: str, es: str, en: str) -> None:
        super().__init__(rule)
        self.rule, self.es, self.en = rule, es, en


@dataclass(frozen=True, slots=True)
class Header:
    """Where each field stands: its column number from 0, the words above it, and a zone named there."""

    row: int
    columns: dict[str, int]
    words: dict[str, str]
    zone: str | None
    ignored: tuple[str, ...]
    repeated: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Required fields without a column; the zone may stand in the name of a coordinate column."""
        needed = REQUIRED if self.zone else (*REQUIRED, "zone")
        return tuple(field for field in needed if field not in self.columns)


def folded(text: str) -> str:
    """Lower case, no accents, single spaces."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def text_of(cell: Cell) -> str:
    """The words of a cell; blanks and the word NULL are nothing. Whole numbers lose Excel's ``.0``."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        cell = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    text = " ".join(unicodedata.normalize("NFC", str(cell)).split())
    if text.startswith("'") and text[1:2] in _FORMULA:
        text = text[1:]
    return "" if text.casefold() in BLANKS else text


def words(cell: Cell, longest: int) -> str:
    """Free text of a cell, cut."""
    return text_of(cell)[:longest].strip()


def harmless(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula: with the apostrophe that ``text_of`` takes away again."""
    return f"'{text}" if text[:1] in _FORMULA and text else text


def find_header(rows: Iterable[tuple[int, list[Cell]]]) -> Header | None:
    """The first of the rows that names at least four fields of a census, or ``None``: it is another kind of sheet."""
    for number, cells in rows:
        header = _read_header(number, cells)
        if len(header.columns) >= 4:
            return header
    return None


def _read_header(row: int, cells: list[Cell]) -> Header:
    columns: dict[str, int] = {}
    words: dict[str, str] = {}
    ignored, repeated, zones = [], [], set()
    for number, cell in enumerate(cells):
        text = text_of(cell)[:60]
        name = re.sub(r"[^a-z0-9]+", "_", folded(text)).strip("_")
        with_zone = _WITH_ZONE.fullmatch(name)
        field = FIELDS.get(name) or (FIELDS.get(with_zone["name"]) if with_zone else None)
        if field is None:
            ignored += [text] if text else []
        elif field in columns:
            repeated.append(text)
        else:
            columns[field], words[field] = number, text
            zones |= {f"{with_zone['zone']}S"} if with_zone and field in ("easting", "northing") else set()
    zone = zones.pop() if len(zones) == 1 else None
    return Header(row, columns, words, zone, tuple(ignored), tuple(repeated))


def letter(column: int) -> str:
    """The column as a spreadsheet names it: 0 is A, 26 is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def commas_are_decimal(texts: Iterable[str]) -> bool:
    """Whether a sheet writes decimals with a comma: some number shows it and none is written with a point."""
    shown = False
    for text in texts:
        if _COMMA.fullmatch(text) and not _AMBIGUOUS.fullmatch(text):
            shown = True
        elif "." in text and _POINT.fullmatch(text):
            return False
    return shown


def number(cell: Cell, *, decimal_comma: bool) -> Decimal:
    """The number of a cell. A comma that may as well part thousands is refused, never guessed."""
    if isinstance(cell, bool) or cell is None:
        raise _not_a_number()
    if isinstance(cell, int | float):
        value = Decimal(repr(cell))
        if not value.is_finite():
            raise _not_a_number()
        return value
    text = cell.strip().removeprefix("'")
    if _POINT.fullmatch(text):
        return Decimal(text)
    if not _COMMA.fullmatch(text):
        raise _not_a_number()
    if not decimal_comma and _AMBIGUOUS.fullmatch(text):
        raise BadCell(
            "ambiguous-comma",
            "La coma puede ser decimal o de miles: escriba el número con punto decimal y sin separador de miles.",
            "The comma may be decimal or part thousands: write the number with a decimal point and no thousands mark.",
        )
    return Decimal(text.replace(",", "."))


def _not_a_number() -> BadCell:
    return BadCell("not-a-number", "Escriba un número, por ejemplo 63.5.", "Write a number, for example 63.5.")


def whole_units(value: Decimal, scale: int, low: int, high: int) -> int:
    """The number in units of 1/scale, half-up, within bounds."""
    units = int((value * scale).quantize(Decimal(1), rounding=ROUND_HALF_UP)) if abs(value) < 10**10 else high + 1
    if not low <= units <= high:
        bounds = f"{Decimal(low) / scale:f} - {Decimal(high) / scale:f}"
        raise BadCell(
            "out-of-range",
            f"Debe estar entre {bounds}; revise la unidad de la columna.",
            f"Must lie within {bounds}; look at the unit of the column.",
        )
    return units


def tree_code(cell: Cell) -> str:
    """A tree code as records write it."""
    code = text_of(cell).upper()
    if fields.tree_code(code) is not None:
        raise BadCell(
            "code",
            "Use de 1 a 20 letras sin tilde, cifras o guiones, como 501 o A-12.",
            "Use 1 to 20 letters, digits or hyphens, as in 501 or A-12.",
        )
    return code


def parcel(cell: Cell) -> str:
    """A parcel code as records write it: PC1, PC 1 and PC01 are PC 01."""
    try:
        return parcel_code(text_of(cell))
    except Malformed:
        raise BadCell("parcel", "Escriba la parcela como PC 01.", "Write the parcel as PC 01.") from None


def zone(cell: Cell, allowed: tuple[str, ...]) -> str:
    """A UTM zone; 19, 19S and the receivers' 19L mean the same in the south."""
    found = _ZONE.fullmatch(text_of(cell).upper())
    name = f"{found['number']}S" if found else ""
    if name not in allowed:
        listed = ", ".join(allowed)
        raise BadCell("zone", f"Escriba la zona UTM: una de {listed}.", f"Write the UTM zone: one of {listed}.")
    return name


def condition(cell: Cell) -> str:
    """What the plan intends with a tree. A blank says harvestable, as the official form does without the column."""
    text = folded(text_of(cell))
    if not text:
        return "harvestable"
    if text not in CONDITIONS:
        raise BadCell(
            "condition",
            "Escriba Aprovechable, Semillero, Futuro o Protegido.",
            "Write harvestable, seed, future or protected.",
        )
    return CONDITIONS[text]


def species(cell: Cell) -> tuple[str, str]:
    """Scientific and trade name of ``Brosimum guianense (Aubl.) Huber | Manchinga``; the author is left out."""
    scientific, _, trade = text_of(cell).partition("|")
    found = _BINOMIAL.match(scientific.strip())
    if found is None:
        hint = " / ".join(one.name for one in catalogue().candidates(scientific)[:4])
        raise BadCell(
            "species",
            f"Escriba el nombre científico{f': {hint}' if hint else ', como Brosimum guianense'}.",
            f"Write the scientific name{f': {hint}' if hint else ', as in Brosimum guianense'}.",
        )
    return f"{found[1]} {found[2]}", words(trade, 60)


def day(cell: Cell) -> date | None:
    """The day of ``2025-05-03``, ``2025-05-03 00:00:00`` or, as Peru writes it, ``3/5/2025``; ``None`` for anything else, since
    nobody need date a census."""
    found = _DAY.match(text_of(cell))
    if found is None:
        return None
    year, month, of_month = (int(found[name] or found[f"{name}_"]) for name in ("year", "month", "day"))
    try:
        return date(year, month, of_month)
    except ValueError:
        return None


def reader(read: Callable[[Cell], str]) -> Callable[[Cell], str]:
    """The same reader remembering its answers: a census repeats a few dozen spellings thousands of times."""
    known: dict[Cell, str] = {}

    def remembered(cell: Cell) -> str:
        value = known.get(cell)
        if value is None:
            value = known.setdefault(cell, read(cell))
        return value

    return remembered
