"""Places in lists that run from the newest to the oldest."""

from datetime import datetime
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import col

Place = tuple[datetime, str]


def older(row: Any, after: Place | None) -> Any:
    """Rows after a place in a list that runs from the newest to the oldest."""
    if after is None:
        return True
    return tuple_(col(row.created_at), col(row.id)) < tuple_(*after)
