"""The title of a community over its forest."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Title:
    """The public facts of a title; the polygon itself is private and committed to by its digest."""

    number: str
    official_number: str | None
    org: str
    region: str
    area_m2: int
    declared_area_m2: int
    polygon_sha256: str

    def statement(self) -> dict[str, Any]:
        """The body of ``title.registered``."""
        body: dict[str, Any] = {
            "number": self.number, "org": self.org, "region": self.region, "area_m2": self.area_m2,
            "polygon_sha256": self.polygon_sha256,
        }  # fmt: skip
        return body if self.official_number is None else body | {"official_number": self.official_number}
