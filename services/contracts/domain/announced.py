"""Statements of the house on their way into the log: what is said, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.timber.event import make_statement, sid_of

# The organisation of the house, in whose name custody signs what this service says.
HOUSE = "trozalog"


@dataclass(frozen=True, slots=True)
class Letter:
    """A statement to be said; its bytes never change. ``subject`` says what it is about and stays here."""

    sid: str
    type: str
    subject: str
    statement: bytes


def write(kind: str, subject: str, body: dict[str, Any], at: datetime, prev: Sequence[str] = ()) -> Letter:
    """The statement of an act. The same content is the same statement; refuses a body that the format refuses."""
    statement = make_statement(kind, HOUSE, at.strftime("%Y-%m-%dT%H:%M:%SZ"), body, prev)
    return Letter(sid_of(statement), kind, subject, statement)
