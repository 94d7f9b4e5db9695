"""The price board: which prices are asked for, and each answer as a row in words. Pure; every figure is the service's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.portal.naming import Say, region_name
from services.portal.offer_answer import money
from shared.web.language import Language

Json = Mapping[str, Any]
MOST_SPECIES = 12
# How sure a grade is, as a shape: never by colour alone, its letter and word stand beside it.
GRADES = {"A": "yes", "B": "yes", "C": "look", "D": "part"}


def species_of(
    books: Iterable[Json], permits: Iterable[Json], region: str, chosen: str, known: Sequence[str]
) -> list[str]:
    """Whose prices are asked for: the chosen species, those of the caller's permits, those that the region's books name,
    then those of the other books; each once, no more than a page holds."""
    found = [chosen] if chosen in known else []
    found += [line["species"] for permit in permits for line in permit["lines"] if line["product"] == "roundwood"]
    named = sorted(books, key=lambda book: book["region"] != region)
    found += [entry["species"] for book in named for entry in book["entries"] if entry["species"] != "any"]
    return list(dict.fromkeys(found))[:MOST_SPECIES]


@dataclass(frozen=True)
class Price:
    """One row of the board. ``answer`` is None while the service is still reckoning or silent."""

    species: str
    answer: Json | None
    language: Language
    say: Say

    @property
    def known(self) -> bool:
        """Whether there is a figure."""
        return self.answer is not None and self.answer["mid"] is not None

    def amount(self, name: str) -> str:
        """``low``, ``mid`` or ``high`` with its currency."""
        return "–" if self.answer is None else money(self.answer[name])

    def figure(self, name: str) -> Decimal:
        """The same as a number, of a price that is known."""
        assert self.answer is not None
        return Decimal(self.answer[name]["amount"])

    @property
    def mark(self) -> str:
        """The shape of its grade."""
        return GRADES.get(str(self.answer["grade"]), "part") if self.answer is not None else "part"

    @property
    def wider(self) -> str:
        """Of what wider set the figure is, when it is not of this species in this region."""
        if self.answer is None or self.answer["state"] != "pooled":
            return ""
        species, region = self.answer["of_species"], self.answer["of_region"]
        return self.say(
            "prices.wider",
            species=species or self.say("prices.all_species"),
            region=region_name(region) if region else self.say("prices.all_regions"),
        )

    @property
    def name(self) -> str:
        """What the figure is of, for a drawing: the species, or the wider set."""
        if self.answer is None or not self.wider:
            return self.species
        return str(self.answer["of_species"] or self.say("prices.all_species"))

    @property
    def missing(self) -> list[str]:
        """What there would have to be, in words; that nobody answered, when nobody did."""
        if self.answer is None:
            return [self.say("prices.silent")]
        return [self.say("prices.missing", what=gap[self.language]) for gap in self.answer["missing"]]

    @property
    def evidence(self) -> str:
        """What kinds of paper or word it rests on."""
        tiers = [] if self.answer is None else self.answer["evidence"]
        return ", ".join(self.say(f"prices.tier_{tier}") for tier in tiers)


def together(rows: Iterable[Price]) -> list[Price]:
    """The species with a figure. Those that share the figure of one wider set are one row: it says nothing of each."""
    own: list[Price] = []
    shared: dict[tuple[str, str], Price] = {}
    for row in rows:
        if not row.known or row.answer is None:
            continue
        if not row.wider:
            own.append(row)
            continue
        key = row.wider, row.amount("mid")
        names = f"{shared[key].species}, {row.species}" if key in shared else row.species
        shared[key] = Price(names, row.answer, row.language, row.say)
    return own + list(shared.values())


def without(rows: Iterable[Price]) -> list[tuple[str, list[str]]]:
    """The species without a figure, together where the same is missing: what, and whose."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if not row.known:
            found.setdefault(" ".join(row.missing), []).append(row.species)
    return list(found.items())
