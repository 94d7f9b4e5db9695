"""A log as custody keeps it, and which row of a list names which log: by custody's own id, else by code and parcel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from shared.timber.measure import LogSize

Stray = Literal["extra", "ambiguous", "twice"]


def named(code: str, parcel: str | None) -> str:
    """A log for people: its code, and its parcel where that is known."""
    return code if parcel is None else f"{code} ({parcel})"


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


class Called(Protocol):
    """What a row calls its log. ``item`` is custody's own id of it."""

    @property
    def code(self) -> str: ...
    @property
    def parcel(self) -> str | None: ...
    @property
    def item(self) -> str | None: ...


Row = TypeVar("Row", bound=Called)


def match(rows: Sequence[Row], pieces: Sequence[KeptLog]) -> tuple[dict[str, Row], list[tuple[Row, Stray]]]:
    """The row of each log, by custody's id; and the rows that name none, or may name several. Never by a guess."""
    found: dict[str, Row] = {}
    strays: list[tuple[Row, Stray]] = []
    # The surest names first; within one pass no two rows bear the same name.
    passes = (
        [row for row in rows if row.item is not None],
        [row for row in rows if row.item is None and row.parcel is not None],
        [row for row in rows if row.item is None and row.parcel is None],
    )
    for some in passes:
        taken = frozenset(found)
        for row in some:
            named_so = _called(row, pieces)
            free = [piece for piece in named_so if piece.item not in taken]
            if len(free) == 1:
                found[free[0].item] = row
            else:
                strays.append((row, "ambiguous" if free else "twice" if named_so else "extra"))
    return found, strays


def _called(row: Called, pieces: Sequence[KeptLog]) -> list[KeptLog]:
    if row.item is not None:
        return [piece for piece in pieces if piece.item == row.item]
    return [piece for piece in pieces if piece.code == row.code and row.parcel in (None, piece.parcel)]
