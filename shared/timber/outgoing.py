"""What became of a statement that a service has queued for the log."""

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["pending", "in_log", "refused"]


@dataclass(frozen=True, slots=True)
class Announced:
    """``pending``, ``in_log`` with its index, or ``refused`` with the log's problem."""

    sid: str
    state: State
    origin: str | None
    index: int | None
    problem: dict[str, Any] | None
