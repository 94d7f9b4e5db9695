"""Places in a list: by time and id, by key, or by numbers."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query

from shared.refusal import Malformed

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)


def cursor_of(at: datetime, id_: UUID) -> str:
    """The place after this row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()} {id_}".encode()).decode()


def place_of(cursor: str | None) -> tuple[datetime, UUID]:
    """Where the list goes on; Malformed for a cursor that is not ours."""
    if cursor is None:
        return BEGINNING
    try:
        at, id_ = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode().split(" ")
        place = datetime.fromisoformat(at), UUID(id_)
    except (binascii.Error, ValueError):
        raise Malformed("cursor", "not one of ours") from None
    if place[0].utcoffset() != timedelta(0):  # elsewhere it may leave the calendar on the way to UTC
        raise Malformed("cursor", "not one of ours")
    return place


Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the page before")]


def to_cursor(text: str) -> str:
    """The place after a key."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def key_after(cursor: str | None) -> str:
    """The key after which a list goes on, empty for its beginning; Malformed for a cursor that is not ours."""
    if cursor is None:
        return ""
    try:
        text = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not text or not text.isprintable():
        raise Malformed("cursor", "not one of ours")
    return text


def numbers_after(cursor: str | None, shape: re.Pattern[str]) -> tuple[int, ...] | None:
    """The numbers after which a list goes on, as `shape` has them in groups; None for its beginning."""
    if cursor is None:
        return None
    place = shape.fullmatch(key_after(cursor))
    if place is None:
        raise Malformed("cursor", "not one of ours")
    return tuple(int(number) for number in place.groups())
