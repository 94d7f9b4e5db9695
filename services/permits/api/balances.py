"""What custody counts as drawn on a permit, asked over HTTP: custody alone counts."""

from dataclasses import dataclass
from typing import Any

import structlog

from shared.web.client import ServiceClient, UpstreamRefused
from shared.web.problems import HttpRefusal

logger = structlog.get_logger(__name__)

PAGES_AT_MOST = 20


@dataclass(frozen=True, slots=True)
class Drawn:
    """The balance lines of a permit as custody answers them, and the size of the log that all of them are of at least."""

    lines: list[dict[str, Any]]
    as_of: int

    @property
    def by_line(self) -> dict[tuple[str, str, str], int]:
        """What was drawn in dm3 by parcel, species and product."""
        return {
            (str(one["parcel"]), str(one["species"]), str(one["product"])): int(one["drawn_dm3"]) for one in self.lines
        }


async def drawn_on(custody: ServiceClient | None, permit: str) -> Drawn | None:
    """All lines of a permit; ``None`` when custody does not answer, or too much: unknown is not zero."""
    lines: list[dict[str, Any]] = []
    cursor: dict[str, Any] = {}
    sizes: list[int] = []
    try:
        for _ in range(PAGES_AT_MOST if custody is not None else 0):
            assert custody is not None, "no page is asked of nobody"
            answer = await custody.get("/v1/balances", permit=permit, limit=500, **cursor)
            lines += answer["balances"]
            sizes.append(int(answer["as_of"]))
            if answer["next"] is None:
                return Drawn(lines, min(sizes))
            cursor = {"cursor": str(answer["next"])}
    except (HttpRefusal, UpstreamRefused, KeyError, TypeError, ValueError) as error:
        logger.warning("balances not known", permit=permit, error=type(error).__name__)
    return None
