"""An import of a census as a job: its states, and why one may fail or not be begun."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from shared.refusal import Refusal

# A file that ended three processes is not given a fourth.
MAX_ATTEMPTS = 3


@dataclass(eq=False)
class ImportInterrupted(Refusal):
    """The process that imported ended before the import did, every time; nothing was stored."""

    slug: ClassVar[str] = "import-interrupted"
    es: ClassVar[str] = "La importación se interrumpió {attempts} veces y no guardó nada; vuelva a enviar el archivo."
    en: ClassVar[str] = "The import was interrupted {attempts} times and stored nothing; send the file again."
    attempts: int


@dataclass(eq=False)
class ImportRunning(Refusal):
    """A plan takes one import at a time."""

    slug: ClassVar[str] = "import-running"
    es: ClassVar[str] = "El plan {plan} ya tiene una importación en marcha: {job}."
    en: ClassVar[str] = "Plan {plan} already has an import on its way: {job}."
    plan: str
    job: str


@dataclass(frozen=True, slots=True)
class Job:
    """An import as it stands. ``answer`` is what an upload would have answered, ``problem`` what it would have refused."""

    id: str
    plan: str
    state: str
    stage: str
    rows_read: int
    rows_checked: int
    attempts: int
    file_sha256: str
    created_at: datetime
    ended_at: datetime | None
    answer: bytes | None
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Task:
    """A job that a worker has taken, with its file and whom it acts for."""

    id: str
    plan: str
    media_type: str
    attempts: int
    caller: dict[str, Any]
    file: bytes
