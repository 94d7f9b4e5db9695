"""Marks of a place in a list."""

import base64
import binascii
import re
from datetime import datetime, timedelta

from shared.refusal import Malformed

ID = re.compile("[0-9a-f]{32}")


def write_cursor(place: tuple[datetime, str]) -> str:
    """An opaque mark of a place in a list by time and id."""
    at, key = place
    return base64.urlsafe_b64encode(f"{at.isoformat()} {key}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """The place of a mark; a mark that is not ours is malformed."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        at, key = text.split(" ")
        moment = datetime.fromisoformat(at)
        # The database takes neither U+0000 in an id nor a moment that is outside the calendar once it is in UTC.
        if moment.utcoffset() != timedelta(0) or ID.fullmatch(key) is None:
            raise ValueError("not a place of ours")
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise Malformed("query.cursor", "not a cursor of this list") from error
    return moment, key
