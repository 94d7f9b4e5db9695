"""Species of the Peruvian Amazon: names, minimum cutting diameters, CITES by date, yield ceilings.

The facts are data with their source in every row (``norms/species.csv``); this module only looks them up. A trade
name that several species share answers with all of them: which one a tree is, only a person in the forest can say.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from shared.refusal import Malformed


@dataclass(eq=False)
class UnknownSpecies(Malformed):
    """The name is not one of the accepted scientific names."""

    slug: ClassVar[str] = "unknown-species"
    es: ClassVar[str] = "{where}: {reason} no es un nombre científico de la lista aceptada."
    en: ClassVar[str] = "{where}: {reason} is not a scientific name of the accepted list."


@dataclass(frozen=True, slots=True)
class Listing:
    """An entry of a species in an appendix of CITES, and the day from which it binds."""

    appendix: str
    in_force: date
    annotation: str


@dataclass(frozen=True, slots=True)
class Minimum:
    """The least diameter at which a tree may be cut, and why."""

    diameter_mm: int
    basis: str


@dataclass(frozen=True, slots=True)
class Species:
    """One species as the norms list it; ``source`` says where each fact comes from and what is unconfirmed."""

    name: str
    family: str
    trade_name: str
    alternates: tuple[str, ...]
    synonyms: tuple[str, ...]
    dmc_mm: int | None
    dmc_basis: str
    felling_prohibited: bool
    listing: Listing | None
    wood_density_kg_m3: int | None
    wood_density_level: str
    sawn_yield_milli: int | None
    flooring_blank_yield_milli: int | None
    form_factor_milli: int
    genus_trees_per_1000_ha_dbh50: int | None
    source: str

    def cites_on(self, day: date) -> Listing | None:
        """The CITES listing that binds on a day; ``None`` before its day of force, or when there is none."""
        return self.listing if self.listing is not None and self.listing.in_force <= day else None

    def yield_ceiling_milli(self, product: str) -> int | None:
        """Largest yield of a product without a study, in thousandths; ``None`` where the norm sets none."""
        ceilings = {"sawn": self.sawn_yield_milli, "flooring_blank": self.flooring_blank_yield_milli}
        return ceilings.get(product)

    @property
    def trade_names(self) -> tuple[str, ...]:
        """The Peruvian trade name, then the others people use."""
        return (self.trade_name, *self.alternates)


class Catalogue:
    """The accepted species of one version of the norms."""

    def __init__(self, species: Iterable[Species], *, version: str, general_dmc: Minimum) -> None:
        self.version = version
        self.general_dmc = general_dmc
        self._by_name = {one.name: one for one in species}
        self._by_trade_name: dict[str, list[Species]] = {}
        for one in self._by_name.values():
            for key in {folded(name) for name in one.trade_names}:
                self._by_trade_name.setdefault(key, []).append(one)
        self._by_synonym = {folded(old): one for one in self._by_name.values() for old in one.synonyms}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Species]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def accepted(self, name: str, where: str = "species") -> Species:
        """The species of an accepted scientific name, written exactly; ``UnknownSpecies`` otherwise."""
        found = self._by_name.get(name)
        if found is None:
            raise UnknownSpecies(where, name)
        return found

    def candidates(self, text: str) -> tuple[Species, ...]:
        """Every species a scientific, former or trade name may mean; case and accents do not matter.

        Several answers are several answers: nothing here chooses between them. No answer is an empty tuple.
        """
        plain = folded(text)
        for one in self._by_name.values():
            if folded(one.name) == plain:
                return (one,)
        if plain in self._by_synonym:
            return (self._by_synonym[plain],)
        return tuple(self._by_trade_name.get(plain, ()))

    def minimum_diameter(self, name: str, *, plan_mm: int | None = None) -> Minimum | None:
        """Minimum cutting diameter: the plan's own, else the listed one, else the general one.

        ``None`` only for a species whose felling is prohibited: no diameter makes it cuttable.
        """
        species = self._by_name.get(name)
        if species is not None and species.felling_prohibited:
            return None
        if plan_mm is not None:
            return Minimum(plan_mm, "plan")
        if species is None or species.dmc_mm is None:
            return self.general_dmc
        return Minimum(species.dmc_mm, species.dmc_basis)


def folded(text: str) -> str:
    """Lower case, without accents, single spaces: one form for a name that different hands write differently."""
    plain = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).casefold().split())


def parse(table: str, about: str) -> Catalogue:
    """Read a catalogue from the text of ``species.csv`` and ``species.json``; a bad row stops the reading."""
    facts = json.loads(about)
    general = facts["general_dmc"]
    return Catalogue(
        (_species(row) for row in csv.DictReader(io.StringIO(table))),
        version=facts["version"],
        general_dmc=Minimum(int(general["dmc_mm"]), str(general["basis"])),
    )


def _species(row: dict[str, str]) -> Species:
    appendix = row["cites_appendix"]
    listing = (
        Listing(appendix, date.fromisoformat(row["cites_in_force"]), row["cites_annotation"]) if appendix else None
    )
    return Species(
        name=row["scientific_name"],
        family=row["family"],
        trade_name=row["trade_name"],
        alternates=_names(row["alternates"]),
        synonyms=_names(row["synonyms"]),
        dmc_mm=_number(row["dmc_mm"]),
        dmc_basis=row["dmc_basis"],
        felling_prohibited=row["felling_prohibited"] == "yes",
        listing=listing,
        wood_density_kg_m3=_number(row["wood_density_kg_m3"]),
        wood_density_level=row["wood_density_level"],
        sawn_yield_milli=_number(row["sawn_yield_milli"]),
        flooring_blank_yield_milli=_number(row["flooring_blank_yield_milli"]),
        form_factor_milli=int(row["form_factor_milli"]),
        genus_trees_per_1000_ha_dbh50=_number(row["genus_trees_per_1000_ha_dbh50"]),
        source=row["source"],
    )


def _names(cell: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in cell.split(";") if name.strip())


def _number(cell: str) -> int | None:
    return int(cell) if cell else None


@cache
def catalogue() -> Catalogue:
    """The catalogue shipped with this version, read once."""
    norms = resources.files("shared.timber") / "norms"
    return parse(
        (norms / "species.csv").read_text(encoding="utf-8"), (norms / "species.json").read_text(encoding="utf-8")
    )


def about() -> dict[str, Any]:
    """Version, sources and state of legal review of the shipped catalogue."""
    norms = resources.files("shared.timber") / "norms"
    facts: dict[str, Any] = json.loads((norms / "species.json").read_text(encoding="utf-8"))
    return facts
