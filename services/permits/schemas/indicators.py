"""Programme indicators as they are answered."""

from datetime import date
from typing import Literal

from services.permits.schemas.words import Out


class SourcesOut(Out):
    """The statements behind a figure: how many, and the first of them by their sid."""

    count: int
    first: list[str]


class IndicatorOut(Out):
    """One figure. ``value``, a whole number of ``unit``, is there when it was ``COMPUTED``; else the reason is."""

    id: str
    name_es: str
    name_en: str
    definition_es: str
    definition_en: str
    unit: str
    status: Literal["COMPUTED", "NOT_EVALUATED", "WITHHELD"]
    value: int | None
    detail: dict[str, int]
    reason_es: str
    reason_en: str
    target: int | None
    target_source: str
    sources: SourcesOut


class IndicatorsOut(Out):
    """All indicators of a region on a day. They cover all that the log of ``origin`` has of permits up to the entry
    ``as_of``, and perhaps what was announced since."""

    on: date
    region: str | None
    as_of: int | None
    origin: str | None
    indicators: list[IndicatorOut]
