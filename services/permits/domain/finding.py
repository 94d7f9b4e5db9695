"""What one rule says of a plan: pass, fail or not evaluated, with the figures, the trees and the norm behind it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["PASS", "FAIL", "NOT_EVALUATED"]
Severity = Literal["", "S1", "S2", "S3", "S4"]

MAX_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule over one subject (``plan:ID``, ``parcel:PC 01``, ``species:NAME``). ``severity`` is empty unless it failed.

    ``computed`` and ``threshold`` hold the figures with units in their names, ``evidence`` at most ``MAX_EXAMPLES`` rows
    that a forester can look up (sheet, row, parcel, code), ``norm`` the version in force and ``source`` where the
    threshold comes from. A missing input is ``NOT_EVALUATED``, never ``PASS``.
    """

    rule: str
    status: Status
    severity: Severity
    subject: str
    computed: dict[str, Any]
    threshold: dict[str, Any]
    norm: str
    source: str
    es: str
    en: str
    evidence: list[dict[str, Any]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """As stored and answered."""
        return {name: getattr(self, name) for name in self.__slots__}
