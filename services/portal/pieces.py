"""What is painted on pieces whose ids a record names, so that a page can say "Troza 501/A" and not an id."""

from collections.abc import Iterable
from typing import Any

from services.portal.backends import or_none, part
from shared.web.client import ServiceClient

AT_ONCE = 200
MOST = 1_000


async def painted(custody: ServiceClient, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The pieces by id, as custody tells of them; unknown ones are left out, and so are those beyond the first thousand."""
    wanted = list(dict.fromkeys(ids))[:MOST]
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(wanted), AT_ONCE):
        first, *also = wanted[at : at + AT_ONCE]
        more = "".join(f"&also={part(one)}" for one in also)
        answer = await or_none(custody.get(f"/v1/items/{part(first)}/ancestors?depth=1&limit=5000{more}"))
        found |= {one["id"]: one for one in (answer or {"items": ()})["items"]}
    return found
