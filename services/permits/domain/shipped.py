"""The data files that come with this version: ``norms/*.json`` of this service."""

import json
from datetime import date
from functools import cache
from importlib import resources
from typing import Any


@cache
def shipped(name: str) -> Any:
    """The file ``norms/NAME.json``, read once."""
    return json.loads((resources.files("services.permits") / "norms" / f"{name}.json").read_text(encoding="utf-8"))


def in_force(versions: list[dict[str, Any]], day: date) -> dict[str, Any] | None:
    """The newest of these versions that had begun on the day and had not ended; ``None`` when there is none."""
    on = day.isoformat()
    begun = [one for one in versions if one["valid_from"] <= on and (one.get("valid_to") or on) >= on]
    return max(begun, key=lambda one: str(one["valid_from"]), default=None)
