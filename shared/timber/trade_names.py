"""Which species a trade name means: one, several, none; and where that use was seen. Several are asked back, never chosen."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from shared.refusal import Refusal
from shared.timber.species import Catalogue, Species, catalogue, folded

Uses = Mapping[tuple[str, str], frozenset[str]]


@dataclass(eq=False)
class AmbiguousName(Refusal):
    """A trade name of several species: which one a tree is, only a person in the forest can say."""

    slug: ClassVar[str] = "ambiguous-name"
    es: ClassVar[str] = "«{name}» nombra a varias especies; diga cuál: {list}."
    en: ClassVar[str] = "'{name}' names several species; say which: {list}."
    name: str
    region: str | None
    candidates: list[dict[str, Any]]

    def text(self, language: str) -> str:
        """The sentence with all candidates."""
        names = ", ".join(str(one["name"]) for one in self.candidates)
        return (self.en if language == "en" else self.es).format(name=self.name, list=names)


@cache
def uses() -> Uses:
    """Which species a trade name was seen to mean, by region and folded name (``norms/trade_names.csv``)."""
    table = (resources.files("shared.timber") / "norms" / "trade_names.csv").read_text(encoding="utf-8")
    found: dict[tuple[str, str], set[str]] = {}
    for row in csv.DictReader(io.StringIO(table)):
        found.setdefault((row["region"], folded(row["trade_name"])), set()).add(row["scientific_name"])
    return {key: frozenset(names) for key, names in found.items()}


def regions_of(name: str, species: str, known: Uses | None = None) -> list[str]:
    """The regions where this trade name was seen to mean this species."""
    key = folded(name)
    return sorted(region for (region, used), names in (known or uses()).items() if used == key and species in names)


def meant(
    name: str, region: str | None = None, *, among: Catalogue | None = None, known: Uses | None = None
) -> tuple[Species, ...]:
    """The species of a trade name, in its region those that were seen under it there, if any was; empty for an unknown
    name. ``AmbiguousName`` when more than one is left."""
    table = catalogue() if among is None else among
    found = table.candidates(name)
    seen = (uses() if known is None else known).get((region or "", folded(name)), frozenset())
    found = tuple(one for one in found if one.name in seen) or found
    if len(found) > 1:
        raise AmbiguousName(
            name, region,
            [
                {"name": one.name, "trade_name": one.trade_name, "regions": regions_of(name, one.name, known)}
                for one in found
            ],
        )  # fmt: skip
    return found
