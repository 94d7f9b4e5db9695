"""Answers about price books, cost books and series of prices. No field has a default: every one is always there."""

from datetime import datetime
from typing import Literal

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.schemas.answer import Out
from services.contracts.schemas.signatures import SignatureOut


class InLogOut(Out):
    """Where the record of a publication stands in the log; ``index`` once it is in."""

    state: Literal["pending", "in_log", "refused"]
    sid: str
    origin: str | None
    index: int | None


class PriceBookOut(Out):
    id: str
    kind: Literal["book"]
    version: int
    sha256: str
    published_by_org: str
    published_at: datetime
    log: InLogOut | None
    book: PriceBook


class CostBookOut(Out):
    id: str
    kind: Literal["book"]
    version: int
    sha256: str
    published_by_org: str
    published_at: datetime
    book: CostBook
    signatures: list[SignatureOut]


class SeriesOut(Out):
    """A monthly series of world prices. Figures are text; null where none was published."""

    id: str
    kind: Literal["series"]
    version: str
    sha256: str
    title: str
    source: str
    credit: str
    licence: str
    point_of_sale: str
    units: dict[str, str]
    months: list[dict[str, str | None]]


class ListedBookOut(Out):
    id: str
    kind: Literal["book", "series"]
    version: str
    title: str
    region: str | None
    as_of: str
    sha256: str


class BooksOut(Out):
    items: list[ListedBookOut]
    next: str | None
