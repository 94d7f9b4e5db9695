"""Numbers as people of a region write them: read by the mark that the upload states, never guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BeforeValidator

from shared.refusal import Malformed

Mark = Literal[".", ","]
DEEPEST = 12
DECIMALS = frozenset(
    {
        "amount", "volume_m3", "volume_low_m3", "volume_high_m3", "pen_per_usd", "census_m3", "area_ha",
        "alternative_m3", "reservation_m3", "start", "now", "value",
    }
)  # fmt: skip
_WITH_COMMA = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]+))?")


@dataclass(eq=False)
class DecimalComma(Malformed):
    """A number with a comma where nobody stated that the comma is the decimal mark (422)."""

    slug: ClassVar[str] = "decimal-comma"
    es: ClassVar[str] = (
        '{where}: el número "{reason}" lleva coma. Escríbalo con punto decimal, o declare "decimal_mark": ",".'
    )
    en: ClassVar[str] = (
        '{where}: the number "{reason}" has a comma. Write it with a decimal point, or state "decimal_mark": ",".'
    )


@dataclass(eq=False)
class NotByThatMark(Malformed):
    """A number that does not read by the decimal comma that was stated (422)."""

    slug: ClassVar[str] = "number-not-by-its-mark"
    es: ClassVar[str] = '{where}: "{reason}" no se lee con coma decimal (como "1.234,50").'
    en: ClassVar[str] = '{where}: "{reason}" does not read with a decimal comma (as "1.234,50" does).'


def with_points(body: Any, mark: Mark, where: str = "", depth: int = 0) -> Any:
    """The same body with every decimal number written with a point; other texts are left alone.

    No form is deeper than ``DEEPEST``: what lies below is left as it is, for the form to refuse.
    """
    if depth > DEEPEST:
        return body
    if isinstance(body, Mapping):
        return {
            key: _read(key, value, mark, f"{where}.{key}" if where else str(key), depth) for key, value in body.items()
        }
    if isinstance(body, list | tuple):
        return [with_points(value, mark, f"{where}.{number}", depth + 1) for number, value in enumerate(body)]
    return body


def _read(key: Any, value: Any, mark: Mark, where: str, depth: int) -> Any:
    if key not in DECIMALS or not isinstance(value, str):
        return with_points(value, mark, where, depth + 1)
    if mark == ".":
        if "," in value:
            raise DecimalComma(where, value)
        return value
    found = _WITH_COMMA.fullmatch(value)
    if found is None:
        raise NotByThatMark(where, value)
    whole, part = found.groups()
    return whole.replace(".", "") + (f".{part}" if part else "")


def by_its_mark(body: Any) -> Any:
    """A form with its numbers read by the ``decimal_mark`` that stands beside its own fields, which is no part of it.

    Without one the mark is the point, and a comma is refused.
    """
    mark = body.get("decimal_mark", ".") if isinstance(body, Mapping) else None
    if mark not in (".", ","):
        return body
    return with_points({key: value for key, value in body.items() if key != "decimal_mark"}, mark)


ByItsMark = BeforeValidator(by_its_mark)
