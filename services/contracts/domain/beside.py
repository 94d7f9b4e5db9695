"""Two sheets of one lot beside one another, each of one party: log by log, and whatever else the two state otherwise."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.contracts.domain.differences import Difference
from services.contracts.domain.flags.answer import Flag
from services.contracts.domain.matched import KeptLot, Row, rows_of
from services.contracts.domain.owed import Owed, converted
from services.contracts.domain.settlement import ScaledLog, SettlementText
from shared.timber.measure import half_up

# What two statements of one lot may say otherwise, beside their sheets.
PARTS = {
    "version": ("la versión", "the version"), "delivered_on": ("el día de entrega", "the day of delivery"),
    "taken": ("los descuentos", "the deductions"), "parts": ("las partes del precio", "the parts of the price"),
    "accounts": ("las cuentas", "the accounts"),
}  # fmt: skip
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """What the other party states of the same lot, and what its own version of the contract makes of it."""

    settlement: str
    org: str
    stated: SettlementText
    owed: Owed


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The other party's sheet beside custody, and in ``differences`` beside this one. ``measured`` is what it says of the
    rows of this one, in this one's unit; nothing where it measures by another rule."""

    other: Other
    flags: tuple[Flag, ...]
    measured: Mapping[Row, Decimal]
    differences: tuple[Difference, ...]


def beside(
    stated: SettlementText, rows: Sequence[Row], owed: Owed, other: Other, kept: KeptLot, flags: tuple[Flag, ...]
) -> SideBySide:
    """Hold two statements of one lot against one another. ``rows`` are those of ``stated``; ``flags`` are of the other's."""
    theirs = _by_name(rows_of(other.stated.sheet, kept), stated, other)
    mine = _by_name(rows, stated, other)
    same_rule = stated.sheet.rule is other.stated.sheet.rule
    measured = {
        row: half_up(converted(theirs[key][1].volume, other.stated.sheet.unit, stated.sheet.unit), Decimal("0.001"))
        for key, (row, _) in mine.items()
        if same_rule and key in theirs
    }
    names = sorted(
        {
            row.name
            for key, (row, log) in mine.items()
            if key not in theirs or _otherwise(log, theirs[key][1], measured.get(row))
        }
        | {row.name for key, (row, _) in theirs.items() if key not in mine}
    )
    return SideBySide(other, flags, measured, (*_of_sheets(names, owed, stated, other), *_of_parts(stated, other)))


def _by_name(rows: Sequence[Row], stated: SettlementText, other: Other) -> dict[Key, tuple[Row, ScaledLog]]:
    """The rows of a sheet by what both sheets call them: custody's id, else a code that is one log on either, else the
    parcel too."""
    codes = [Counter(log.code for log in sheet.logs) for sheet in (stated.sheet, other.stated.sheet)]
    found: dict[Key, tuple[Row, ScaledLog]] = {}
    for row in rows:
        if row.scaled is None:
            continue
        once = all(some[row.scaled.code] <= 1 for some in codes)
        key: Key = (row.kept.item,) if row.kept else (row.scaled.code, "" if once else row.scaled.parcel or "")
        found[key] = row, row.scaled
    return found


def _otherwise(mine: ScaledLog, theirs: ScaledLog, measured: Decimal | None) -> bool:
    return mine.species != theirs.species or (
        measured is not None and measured != half_up(mine.volume, Decimal("0.001"))
    )


def _of_sheets(names: Sequence[str], owed: Owed, stated: SettlementText, other: Other) -> list[Difference]:
    mine, theirs = stated.sheet.rule.value, other.stated.sheet.rule.value
    if not names and mine == theirs:
        return []
    listed = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
    here, there = owed.money(owed.net), other.owed.money(other.owed.net)
    rules = (
        ("", "")
        if mine == theirs
        else (f"; mide por {theirs} y no por {mine}", f"; it measures by {theirs}, not by {mine}")
    )
    return [
        Difference(
            "sheets_differ",
            f"la hoja de {other.org} dice otra cosa de {len(names)} trozas: {listed or '-'}; por ella se debe {there}, por"
            f" esta {here}{rules[0]}",
            f"the sheet of {other.org} says otherwise of {len(names)} logs: {listed or '-'}; by it {there} is owed, by"
            f" this one {here}{rules[1]}",
        )
    ]


def _of_parts(stated: SettlementText, other: Other) -> list[Difference]:
    parts = [name for name in PARTS if getattr(stated, name) != getattr(other.stated, name)]
    if not parts:
        return []
    days = f" ({stated.delivered_on} / {other.stated.delivered_on})" if "delivered_on" in parts else ""
    said, said_en = (", ".join(PARTS[one][n] for one in parts) for n in (0, 1))
    return [
        Difference(
            "statements_differ",
            f"{other.org} declara de otra manera {said}{days}",
            f"{other.org} states otherwise: {said_en}{days}",
        )
    ]
