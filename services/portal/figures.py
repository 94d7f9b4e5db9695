"""Numbers, money, dates and hours as Peru writes them: point for decimals, comma for thousands, the hour of Lima."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from shared.web.language import Language

LIMA = timezone(timedelta(hours=-5))  # Peru has had no other hour since 1994
LOCALES: dict[Language, str] = {"es": "es_PE", "en": "en"}


class Count(int):
    """A number that a text may name: ``{trees:tree|trees}`` is "1 tree", "7,664 trees"; both languages have two forms."""

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if not bar:
            return f"{int(self):,}" if not spec else super().__format__(spec)
        return f"{int(self):,} {one if self == 1 else many}"


def number(value: Decimal | int | str, decimals: int = 0) -> str:
    """A number with its thousands marked, rounded half-up to so many decimals."""
    return format_decimal(
        Decimal(value), format=f"#,##0.{'0' * decimals}" if decimals else "#,##0", locale=LOCALES["es"]
    )


def cubic_number(volume_dm3: int) -> str:
    """Litres as cubic metres with three decimals, exactly: for a column whose head names the unit."""
    return number(Decimal(volume_dm3) / 1000, 3)


def cubic_metres(volume_dm3: int) -> str:
    """The same with its unit."""
    return f"{cubic_number(volume_dm3)} m³"


def soles(cents: int) -> str:
    """Céntimos as soles, exactly."""
    return f"S/ {number(Decimal(cents) / 100, 2)}"


def percent(permille: int) -> str:
    """Thousandths as a percentage with one decimal."""
    return f"{number(Decimal(permille) / 10, 1)} %"


def day(written: str, language: Language) -> str:
    """A date of a record (``2026-11-22``): 22 nov. 2026. Of a series by months (``2026-05``): may. 2026."""
    if len(written) == len("2026-05"):
        return format_date(date.fromisoformat(f"{written}-01"), "MMM y", locale=LOCALES[language])
    return format_date(date.fromisoformat(written), "d MMM y", locale=LOCALES[language])


def months(language: Language) -> list[str]:
    """The months from January on, as short as days are told with them."""
    return [format_date(date(2026, month, 1), "MMM", locale=LOCALES[language]) for month in range(1, 13)]


def in_lima(utc: str) -> datetime:
    """A moment of a record, in the hour of Peru."""
    at = datetime.fromisoformat(utc.replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(LIMA)


def moment(utc: str, language: Language) -> str:
    """A moment of a record in words, in the hour of Peru; a fraction of a second is left out."""
    return f"{format_datetime(in_lima(utc), 'd MMM y, HH:mm', locale=LOCALES[language])} (UTC−5)"


def short(text: str) -> str:
    """The beginning of a long hash."""
    return f"{text[:12]}…"
