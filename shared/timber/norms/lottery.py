"""The design of the public lottery of trees as data: how sure it wants to be, and which species weigh more."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Design:
    """How a sample is sized on one day: with ``confidence_permille`` it catches a phantom where ``share_permille`` of a
    stratum are phantoms. ``high_value_permille`` of the value makes up the upper stratum."""

    version: str
    day: str
    share_permille: int
    confidence_permille: int
    high_value_permille: int
    general_weight: int
    genus_weights: dict[str, int]

    def weight_of(self, species: str) -> int:
        """How much a litre of this species weighs in the strata of value: a rank, not a price."""
        return self.genus_weights.get(species.partition(" ")[0], self.general_weight)


def design_from(document: dict[str, Any], day: str) -> Design:
    """The design in force on a day (``YYYY-MM-DD``); ``ValueError`` before the first one."""
    drawn, weights = _in_force(document["designs"], day), _in_force(document["weights"], day)
    return Design(
        document["version"], day, drawn["share_permille"], drawn["confidence_permille"], drawn["high_value_permille"],
        weights["general"], dict(weights["genera"]),
    )  # fmt: skip


def _in_force(rows: list[dict[str, Any]], day: str) -> dict[str, Any]:
    begun = [row for row in rows if row["valid_from"] <= day]
    if not begun:
        raise ValueError(f"no design of the lottery in force on {day}")
    return max(begun, key=lambda row: str(row["valid_from"]))


@lru_cache(maxsize=4)
def lottery_norms(country: str = "pe") -> dict[str, Any]:
    """The document with its sources, as shipped with this version."""
    document: dict[str, Any] = orjson.loads(files(__package__).joinpath(f"{country}_lottery.json").read_bytes())
    return document


def design_on(day: str) -> Design:
    """The design of this version of the norms on a day."""
    return design_from(lottery_norms(), day)
