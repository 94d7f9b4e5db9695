"""Places in a list that is ordered by time and id."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

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
    if place[0].tzinfo is None:
        raise Malformed("cursor", "not one of ours")
    return place
