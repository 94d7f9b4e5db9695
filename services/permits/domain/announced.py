"""Where a signed statement of ours stands on its way into the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Letter:
    """A signed statement to be sent; its bytes never change. ``subject`` says what it is about."""

    sid: str
    type: str
    subject: str
    entry: bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """One row of the outbox, for those who watch over it."""

    seq: int
    sid: str
    type: str
    subject: str
    state: str
    attempts: int
    created_at: datetime
    index: int | None
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many statements wait, were refused or are in the log."""

    pending: int
    refused: int
    published: int
