"""A scale sheet beside custody's list of the same lot, row by row (``kept.match``)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.contracts.domain.kept import KeptLog, Stray, match, named
from services.contracts.domain.lot import CustodyState
from services.contracts.domain.owed import converted
from services.contracts.domain.settlement import ScaledLog, ScaleSheet
from shared.timber.measure import SCALES, LogRule, Unit, half_up

THOUSAND = Decimal(1_000)
Dated = Literal["sold", "left", "received"]


@dataclass(frozen=True, slots=True)
class KeptLot:
    """Custody's list of a lot, who composed the lot and who bought it; or why there is none. ``boards`` is what was sawn
    of it, where it was sold so; ``logs`` the round wood that it is or comes from. ``days`` are those of Peru on which it was
    sold, and on which guides of the seller to the buyer left and were received, each day once; none where custody does not tell them all."""

    state: CustodyState
    logs: tuple[KeptLog, ...]
    seller: str | None = None
    buyer: str | None = None
    boards: tuple[KeptLog, ...] = ()
    days: tuple[tuple[Dated, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One log beside itself: as the sheet has it and as custody has it. ``expected`` is what custody's measures give by
    the sheet's rule and in its unit; ``stray`` says why a row of the sheet has no log beside it."""

    scaled: ScaledLog | None
    kept: KeptLog | None
    expected: Decimal | None = None
    stray: Stray | None = None

    @property
    def code(self) -> str:
        """As custody has it where it has one, else as the sheet says."""
        return (self.kept.code if self.kept else "") or (self.scaled.code if self.scaled else "") or self.item or ""

    @property
    def parcel(self) -> str | None:
        """The parcel it was felled in."""
        return self.kept.parcel if self.kept else self.scaled.parcel if self.scaled else None

    @property
    def item(self) -> str | None:
        """Custody's id of it."""
        return self.kept.item if self.kept else self.scaled.item if self.scaled else None

    @property
    def name(self) -> str:
        """As people are told of it."""
        return named(self.code, self.parcel)

    @property
    def measured(self) -> Decimal | None:
        """What the sheet says of it."""
        return None if self.scaled is None else self.scaled.volume


def rows_of(sheet: ScaleSheet, lot: KeptLot) -> tuple[Row, ...]:
    """Every row of the sheet and every piece of custody once, side by side where they are the same."""
    pieces = lot.boards if sheet.rule.log_rule is None and lot.boards else lot.logs
    matched, strays = match(sheet.logs, pieces)
    rows = [
        Row(matched.get(piece.item), piece, _expected(piece, sheet, boards=pieces is lot.boards)) for piece in pieces
    ]
    rows += [Row(log, None, None, stray) for log, stray in strays]
    return tuple(sorted(rows, key=lambda row: (row.code, row.parcel or "", row.item or "")))


def _expected(piece: KeptLog, sheet: ScaleSheet, *, boards: bool) -> Decimal | None:
    """``None`` where custody records nothing by that rule: of a log what its boards come to, of a board its round wood."""
    rule = sheet.rule.log_rule
    if rule is None:
        volume = (Decimal(piece.litres) / THOUSAND, Unit.M3) if boards else None
    elif rule is LogRule.MEAN_OF_ENDS:
        volume = Decimal(piece.litres) / THOUSAND, Unit.M3
    else:
        scale = SCALES[rule]
        volume = None if piece.size is None else (scale.of(piece.size).amount, scale.unit)
    return None if volume is None else half_up(converted(*volume, sheet.unit), Decimal("0.001"))
