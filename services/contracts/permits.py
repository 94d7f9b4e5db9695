"""What the permits service says of a permit and of a regent. Silence leaves a flag unknown; it never stops an appraisal."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

from services.contracts.domain.known import PermitStanding, RegentState, volumes_m3
from shared.web.client import ServiceClient, UpstreamDown, UpstreamRefused
from shared.web.telemetry import logger

DEADLINE_S = 2.0
ROUND_WOOD = "roundwood"


async def standing_of(
    permits: ServiceClient, number: str | None, on: date
) -> PermitStanding | Literal["not_found"] | None:
    """The public standing of a permit on a day, asked with two seconds to answer."""
    if number is None:
        return None
    answer = await _asked(permits, f"/v1/permits/{quote(number, safe='')}/verify", on=on.isoformat())
    if answer is None:
        return None
    if answer == "not_found":
        return "not_found"
    try:
        return _standing(answer)
    except (KeyError, TypeError, ValueError):
        logger.warning("permits_answer_not_understood", permit=number)
        return None


async def regent_on(permits: ServiceClient, regent: str | None, on: date) -> RegentState | None:
    """What the registry says of a firm of regents on a day: by its kind, and by the days of its licences, which it tells anyone."""
    if regent is None:
        return None
    about = f"/v1/organisations/{quote(regent, safe='')}"
    answer = await _asked(permits, about)
    if answer is None:
        return None
    if answer == "not_found" or answer.get("kind") != "regent_firm":
        return "not_registered"
    listed = await _asked(permits, f"{about}/licences")
    try:
        return None if listed is None or listed == "not_found" else _licensed(listed["items"], on)
    except (KeyError, TypeError, ValueError):
        logger.warning("permits_answer_not_understood", regent=regent)
        return None


def _licensed(licences: Sequence[Mapping[str, Any]], on: date) -> RegentState:
    if not licences:
        return "registered"
    for one in licences:
        first, last = date.fromisoformat(one["valid_from"]), date.fromisoformat(one["valid_to"])
        ended = one["no_more_from"]
        if first <= on <= last and (ended is None or on < date.fromisoformat(ended)):
            return "licensed"
    return "unlicensed"


async def _asked(permits: ServiceClient, path: str, **query: str) -> Any:
    try:
        return await permits.get(path, deadline_s=DEADLINE_S, **query)
    except UpstreamRefused as refused:
        return "not_found" if refused.status == 404 else None
    except UpstreamDown:
        return None


def _standing(answer: dict[str, Any]) -> PermitStanding:
    volumes = answer["lines"]["by_product"]
    round_wood = [one["volume_dm3"] for one in volumes if one["product"] == ROUND_WOOD]
    listed = answer["lines"].get("by_species")
    of_species = None if listed is None else [one for one in listed if one["product"] == ROUND_WOOD]
    return PermitStanding(
        number=str(answer["number"]),
        on=date.fromisoformat(answer["on"]),
        valid=bool(answer["valid"]),
        movement_valid=bool(answer["movement_valid"]),
        status=str(answer["status"]),
        volume_m3=Decimal(sum(round_wood)) / 1_000 if round_wood else None,
        move_to=date.fromisoformat(answer["window"]["move_to"]),
        species_m3=volumes_m3((one["species"], one["volume_dm3"]) for one in of_species) if of_species else None,
    )
