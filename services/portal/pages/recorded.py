"""What was recorded, and where to go from here."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from services.portal.backends import part
from services.portal.pages.house import HouseDep
from services.portal.pages.recording import begun
from shared.web.app import Router

router = Router(tags=["recording"])
Json = dict[str, Any]


@router.get("/community/recorded/{sid}", response_class=Response)
async def recorded(sid: str, house: HouseDep) -> Response:
    """What was recorded, where it stands in the log, what the rules found on it, and where to go from here. A record that no form of
    the community makes has its own page."""
    house.need()
    record = await house.custody.get(f"/v1/records/{part(sid)}")
    statement = record["entry"]["stmt"]
    body, kind = statement["body"], statement["type"]
    subject = _subject(kind, body)
    if subject is None:
        return house.go(f"/records/{part(sid)}")
    what, key = subject
    answer = await house.custody.get(f"/v1/{what}s/{part(key)}")
    return await house.page(
        "community/recorded.html", record=record, statement=statement, what=what, key=key, answer=answer, fields=begun(), faults={},
        findings=[one for one in answer.get("findings", ()) if one["status"] == "FAIL"],
    )  # fmt: skip


def _subject(kind: str, body: Mapping[str, Any]) -> tuple[str, str] | None:
    """What a record of a form speaks of: an item, a guide or a lot, and its key."""
    if kind.startswith("guide."):
        return "guide", body["guide"]
    if kind.startswith("lot."):
        return "lot", body["lot"]
    named = {"tree.felled": "item", "log.cut": "source"}.get(kind)
    return None if named is None else ("item", body[named])
