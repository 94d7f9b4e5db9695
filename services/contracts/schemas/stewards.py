"""Answers about indices, exchange rates, lists of sanctions and the standing of parties."""

from datetime import datetime
from typing import Any, Literal

from services.contracts.domain.border import Day
from services.contracts.domain.series import IndexSeries, RateSeries
from services.contracts.schemas.answer import Out


class IndexSeriesOut(Out):
    """One version of an index. Those that come with the house have version 0 and no publisher."""

    id: str
    version: int
    sha256: str
    published_by_org: str | None
    published_at: datetime | None
    series: IndexSeries


class RateSeriesOut(Out):
    """One version of the exchange rates of a source."""

    id: str
    version: int
    sha256: str
    published_by_org: str
    published_at: datetime
    series: RateSeries


class ListedSeriesOut(Out):
    id: str
    version: int
    title: str
    as_of: Day
    sha256: str


class SeriesListOut(Out):
    items: list[ListedSeriesOut]
    next: str | None


class SanctionListOut(Out):
    """A snapshot of a list, without its lines: whom it names is asked by RUC."""

    id: str
    version: int
    title: str
    as_of: Day
    valid_days: int
    source: str
    document_sha256: str
    entries: int
    sha256: str
    published_by_org: str
    published_at: datetime


class SanctionListsOut(Out):
    items: list[SanctionListOut]
    next: str | None


class ListReadOut(Out):
    list: str
    as_of: Day | None
    covers: bool
    sha256: str
    document_sha256: str


class StandingOut(Out):
    """A party on a day. ``unknown``: not every list of the house has a snapshot that covers the day, or there is none."""

    ruc: str
    on: Day
    state: Literal["listed", "not_listed", "unknown"]
    lists: list[ListReadOut]
    sanctions: list[dict[str, Any]]
    es: str
    en: str
