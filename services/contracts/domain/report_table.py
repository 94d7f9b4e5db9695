"""Many reports as one table: a row is a report, a column a field of it by a short name. The decimal mark is stated."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from services.contracts.domain.decimal_mark import Mark
from shared.refusal import Malformed

MOST_ROWS = 500
# A comma as the decimal mark leaves the semicolon between the columns, as the programs of that locale write it.
DELIMITERS: dict[Mark, str] = {".": ",", ",": ";"}
_PLAIN = (
    "id", "side", "region", "observed_on", "tier", "sale_kind", "basin", "quality", "bark", "moisture", "volume_m3",
    "evidence_sha256", "counterpart_sha256", "source", "licence",
)  # fmt: skip
_LINE = ("unit", "rule", "product", "point_of_sale")
_MONEY = ("low", "high")
_FX = {"pen_per_usd": "pen_per_usd", "fx_on": "on", "fx_source": "source"}
NEEDED = frozenset({"id", "side", "region", "observed_on", "tier", "sale_kind", "species", "price", "currency", *_LINE})
COLUMNS = frozenset({*_PLAIN, *_LINE, *_MONEY, *_FX, "species", "price", "currency", "payment_delay_days"})


@dataclass(eq=False)
class TableUnreadable(Malformed):
    """The bytes are no table of reports (422)."""

    slug: ClassVar[str] = "report-table-unreadable"
    es: ClassVar[str] = "La tabla no se pudo leer: {reason_es}."
    en: ClassVar[str] = "The table could not be read: {reason}."
    reason_es: str


def _unreadable(reason: str, reason_es: str) -> TableUnreadable:
    return TableUnreadable("body", reason, reason_es)


def read_table(data: bytes, mark: Mark) -> list[tuple[int, dict[str, Any]]]:
    """Each row with its number in the file, as the body of a report. ``TableUnreadable`` for the whole."""
    try:
        text = data.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[mark], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable("it is not a CSV in UTF-8", "no es un CSV en UTF-8") from error
    if not rows or len(rows) > MOST_ROWS + 1:
        raise _unreadable(f"it has no rows, or more than {MOST_ROWS}", f"no tiene filas, o pasa de {MOST_ROWS}")
    head = [name.strip() for name in rows[0]]
    if len(set(head)) != len(head) or set(head) - COLUMNS or NEEDED - set(head):
        wrong = ", ".join(sorted((set(head) - COLUMNS) | (NEEDED - set(head)))) or ", ".join(head)
        raise _unreadable(
            f"columns unknown, missing or twice: {wrong}", f"columnas desconocidas, ausentes o dobles: {wrong}"
        )
    found = []
    for number, cells in enumerate(rows[1:], 2):
        if len(cells) > len(head):
            raise _unreadable(f"row {number} has more cells than columns", f"la fila {number} tiene celdas de más")
        filled = {name: cell.strip() for name, cell in zip(head, cells, strict=False) if cell.strip()}
        if filled:
            found.append((number, _report(filled)))
    return found


def _report(cells: Mapping[str, str]) -> dict[str, Any]:
    """The body of one report; what is no number where one belongs is left for the form to refuse."""

    def money(name: str) -> dict[str, Any]:
        return {key: cells[column] for key, column in (("amount", name), ("currency", "currency")) if column in cells}

    line = {name: cells[name] for name in _LINE if name in cells} | {"kind": "per_volume", "price": money("price")}
    if "species" in cells:
        line["species"] = [cells["species"]]
    body: dict[str, Any] = {name: cells[name] for name in _PLAIN if name in cells} | {"line": line}
    body |= {name: money(name) for name in _MONEY if name in cells}
    if fx := {field: cells[column] for column, field in _FX.items() if column in cells}:
        body["fx"] = fx
    if "payment_delay_days" in cells:
        days = cells["payment_delay_days"]
        body["payment_delay_days"] = int(days) if days.isascii() and days.isdigit() and len(days) < 6 else days
    return body
