"""Sources of rules and thresholds as people read them: the data has each in English, and in Spanish beside it."""

from functools import cache

from services.permits.domain.shipped import shipped

BETWEEN = "; "  # as a forensic finding joins the sources of the thresholds that it looked at


def in_spanish(source: str) -> str:
    """The source of a finding in Spanish, also where several stand in one; one that the shipped data does not have (any more)
    as it stands."""
    told, left = list[str](), source
    while left:
        known = next((one for one in _longest_first() if left == one or left.startswith(one + BETWEEN)), None)
        if known is None:
            return source
        told.append(_spanish()[known])
        left = left[len(known) + len(BETWEEN) :]
    return BETWEEN.join(told)


@cache
def _spanish() -> dict[str, str]:
    rules, forensics = shipped("plan_rules"), shipped("forensics")
    rows = [*rules["rules"], *rules["terms"], *forensics["thresholds"]]
    return {row["source"]: row["source_es"] for row in rows}


@cache
def _longest_first() -> list[str]:
    return sorted(_spanish(), key=len, reverse=True)
