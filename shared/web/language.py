"""Spanish or English, and the few words that every answer shares."""

from typing import Literal

Language = Literal["es", "en"]


def preferred(accept_language: str | None) -> Language:
    """The language of an ``Accept-Language`` header (RFC 9110, 12.5.4); Spanish when it does not decide."""
    weights = {"es": 0.0, "en": 0.0}
    for part in (accept_language or "").lower().split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        name = tag.split("-")[0]
        if name in weights:
            weights[name] = max(weights[name], _weight(parameters))
    return "en" if weights["en"] > weights["es"] else "es"


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
