"""JSON bodies read without surprises: what two parsers could understand differently is refused.

Documents that are signed or hashed have their own, stricter form (``shared.tlog.canon``); this is for ordinary bodies.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import orjson

from shared.refusal import Malformed

MAX_DEPTH = 32
SPANISH = {
    "not JSON": "no es JSON",
    "nested too deeply": "está demasiado anidado",
    "duplicate key": "repite una clave",
    "number out of range": "tiene un número fuera de rango",
    "U+0000 character": "contiene el carácter U+0000",
}


@dataclass(eq=False)
class NotStrictJson(Malformed):
    """The body is not JSON, or is JSON that two parsers may read differently."""

    detail: str = ""

    def text(self, language: str) -> str:
        reason = self.reason if language == "en" else SPANISH[self.reason]
        start = "The body" if language == "en" else "El cuerpo"
        return f"{start}: {reason}{': ' if self.detail else ''}{self.detail}."


def parse(body: bytes) -> Any:
    """The value of these bytes. Refuses duplicate keys, NaN, infinities, NUL, lone surrogates, BOM, deep nesting."""
    try:
        orjson.loads(body)  # UTF-8, surrogates, NaN, BOM: stricter than the standard library, and bounded in depth
        value = json.loads(body, object_pairs_hook=_unique, parse_float=_finite)
    except RecursionError as error:
        raise NotStrictJson("body", "nested too deeply") from error
    except ValueError as error:  # int() past 4,300 digits is one too
        raise NotStrictJson("body", "not JSON", str(error)) from error
    _check(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotStrictJson("body", "duplicate key", twice[:40])
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("body", "number out of range", text[:40])
    return number


def _check(value: Any) -> None:
    """Depth and NUL, without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, list):
                below += item
            elif isinstance(item, dict):
                below += item.values()
                for key in item:
                    _check_text(key)
        if not below:
            return
        level = below
    raise NotStrictJson("body", "nested too deeply")


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise NotStrictJson("body", "U+0000 character")
