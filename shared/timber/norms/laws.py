"""Acts, infraction numerals and causes of caducity as data, by day of force (``pe_laws.json``). No legal opinion: each
entry says where it comes from and who still has to confirm it."""

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson

Entries = list[dict[str, Any]]


@lru_cache(maxsize=4)
def load_laws(country: str = "pe") -> dict[str, Any]:
    """What this version ships for a country: ``version``, ``acts``, ``sanctions``, ``caducity``."""
    document: dict[str, Any] = orjson.loads(files(__package__).joinpath(f"{country}_laws.json").read_bytes())
    return document


def in_force(entries: Iterable[dict[str, Any]], day: str) -> Entries:
    """The entries that count on a day."""
    return [one for one in entries if one["valid_from"] <= day and (one.get("valid_to") or day) >= day]
