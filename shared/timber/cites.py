"""Whether a name in a census is bound by CITES on a day: by itself, with its whole genus, or as a name that may be one.

A listing by genus is data of its own (``norms/cites_genera.csv``): it binds species that the catalogue does not know,
and names that say no species. Nobody leaves a listing by writing a tree's name less exactly.
"""

import csv
import io
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

from shared.timber.species import Catalogue, Listing, catalogue

Standing = Literal["listed", "maybe", "none"]
Genera = Mapping[str, Listing]


@cache
def listed_genera() -> Genera:
    """The genera that appendices of CITES list whole, as shipped; days of force and sources row by row."""
    table = (resources.files("shared.timber") / "norms" / "cites_genera.csv").read_text(encoding="utf-8")
    return {
        row["genus"]: Listing(row["appendix"], date.fromisoformat(row["in_force"]), row["annotation"])
        for row in csv.DictReader(io.StringIO(table))
    }


def standing(name: str, day: date, among: Catalogue | None = None, genera: Genera | None = None) -> Standing:
    """``listed`` when the species is, or its genus whole; ``maybe`` for a name outside the catalogue whose genus has a
    listed species; else ``none``."""
    known, whole = among or catalogue(), listed_genera() if genera is None else genera
    genus = name.partition(" ")[0]
    if genus in whole and whole[genus].in_force <= day:
        return "listed"
    if name in known:
        return "none" if known.accepted(name).cites_on(day) is None else "listed"
    return "maybe" if any(_of(one.name, genus) and one.cites_on(day) is not None for one in known) else "none"


def trade_name_may_be(trade_name: str, day: date, among: Catalogue | None = None) -> bool:
    """Whether people also call a listed species by this trade name."""
    known = among or catalogue()
    found = known.candidates(trade_name) if trade_name else ()
    return any(standing(one.name, day, known) == "listed" for one in found)


def _of(name: str, genus: str) -> bool:
    return name.partition(" ")[0] == genus
