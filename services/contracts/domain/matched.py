"""Which row of a scale sheet is which log of custody: by custody's own id, else by code and parcel, never by a guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.contracts.domain.lot import CustodyState
from services.contracts.domain.owed import converted
from services.contracts.domain.settlement import ScaledLog, ScaleSheet, named
from shared.timber.measure import SCALES, LogRule, LogSize, Unit, half_up

THOUSAND = Decimal(1_000)
Stray = Literal["extra", "ambiguous", "twice"]


@dataclass(frozen=True, slots=True)
class KeptLog:
    """A log as custody records it, or a package of boards, which has neither ends nor one tree."""

    item: str
    code: str
    species: str
    litres: int
    parcel: str | None = None
    tree: str | None = None
    size: LogSize | None = None


@dataclass(frozen=True, slots=True)
class KeptLot:
    """Custody's list of a lot, who composed the lot and who bought it; or why there is none. ``boards`` is what was sawn
    of it, where it was sold so; ``logs`` the round wood that it is or comes from."""

    state: CustodyState
    logs: tuple[KeptLog, ...]
    seller: str | None = None
    buyer: str | None = None
    boards: tuple[KeptLog, ...] = ()


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
    matched: dict[str, ScaledLog] = {}
    strays: list[Row] = []
    # The surest names first; within one pass no two rows bear the same name.
    passes = (
        [log for log in sheet.logs if log.item is not None],
        [log for log in sheet.logs if log.item is None and log.parcel is not None],
        [log for log in sheet.logs if log.item is None and log.parcel is None],
    )
    for some in passes:
        taken = frozenset(matched)
        for log in some:
            named_so = _called(log, pieces)
            free = [piece for piece in named_so if piece.item not in taken]
            if len(free) == 1:
                matched[free[0].item] = log
            else:
                strays.append(Row(log, None, None, "ambiguous" if free else "twice" if named_so else "extra"))
    rows = [
        Row(matched.get(piece.item), piece, _expected(piece, sheet, boards=pieces is lot.boards)) for piece in pieces
    ]
    return tuple(sorted((*rows, *strays), key=lambda row: (row.code, row.parcel or "", row.item or "")))


def _called(log: ScaledLog, pieces: Sequence[KeptLog]) -> list[KeptLog]:
    if log.item is not None:
        return [piece for piece in pieces if piece.item == log.item]
    return [piece for piece in pieces if piece.code == log.code and log.parcel in (None, piece.parcel)]


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
