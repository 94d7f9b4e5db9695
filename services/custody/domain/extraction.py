"""The extraction balance as a report: ours, kept by product, and the official report's own arithmetic beside it.

The official report subtracts what was moved of a species from each of its products in a parcel, so that round wood appears
again under branch firewood. That view is here to be reconciled with, and says of each row where it does that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from shared.timber.facts import Line, Permit, Plan

ARTEFACT_ES = "Repite lo movido de otro producto de la misma especie: bajo este producto se movieron {own} m³."
ARTEFACT_EN = "Repeats what was moved of another product of the species: {own} m³ were moved under this product."


@dataclass(frozen=True, slots=True)
class Row:
    """One balance in litres. ``own_extracted_dm3`` is what moved under this very product; ``extracted_dm3`` is what the view
    subtracts, and ``artefact`` says that the official view subtracts wood of another product here."""

    title: str
    plan: str
    plan_number: str
    season: str
    parcel: str
    species: str
    product: str
    permits: tuple[str, ...]
    authorised_dm3: int
    extracted_dm3: int
    own_extracted_dm3: int
    artefact: bool = False

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes it one balance."""
        return self.title, self.plan, self.parcel, self.species, self.product

    @property
    def balance_dm3(self) -> int:
        """What is left; below zero when more was moved than authorised."""
        return self.authorised_dm3 - self.extracted_dm3

    def note(self) -> tuple[str, str]:
        """Why the row is not to be read as a balance, in Spanish and English; empty where nothing is the matter."""
        if not self.artefact:
            return "", ""
        own = m3(self.own_extracted_dm3)
        return ARTEFACT_ES.format(own=own), ARTEFACT_EN.format(own=own)


def m3(litres: int) -> str:
    """Litres as cubic metres with three decimals, exactly."""
    sign, whole = "-" if litres < 0 else "", abs(litres)
    return f"{sign}{whole // 1000}.{whole % 1000:03d}"


def by_product(lines: Iterable[Line], permits: Mapping[str, Permit], plans: Mapping[str, Plan]) -> list[Row]:
    """One row for each title, plan, parcel, species and product, in this order. Permits on the same plan add up; a line
    that nobody authorised stays, with nothing authorised."""
    found: dict[tuple[str, str, str, str, str], Row] = {}
    for line in lines:
        permit = permits[line.permit]
        plan = plans[permit.plan]
        row = Row(
            permit.title, plan.id, plan.number, plan.season, line.parcel, line.species, line.product, (line.permit,),
            line.authorised_dm3, line.drawn_dm3, line.drawn_dm3,
        )  # fmt: skip
        known = found.get(row.key)
        found[row.key] = row if known is None else _sum(known, row)
    return [found[key] for key in sorted(found)]


def _sum(one: Row, other: Row) -> Row:
    extracted = one.extracted_dm3 + other.extracted_dm3
    return replace(
        one, permits=tuple(sorted({*one.permits, *other.permits})),
        authorised_dm3=one.authorised_dm3 + other.authorised_dm3, extracted_dm3=extracted, own_extracted_dm3=extracted,
    )  # fmt: skip


def official(rows: Iterable[Row]) -> list[Row]:
    """The same rows with the official report's arithmetic: from every product of a species in a parcel it subtracts all that
    was moved of the species there. Marks the rows where that is not what moved under the product."""
    told: list[Row] = []
    for _, group in groupby(sorted(rows, key=lambda row: row.key), key=lambda row: row.key[:4]):
        products = list(group)
        moved = sum(row.own_extracted_dm3 for row in products)
        told += [replace(row, extracted_dm3=moved, artefact=moved != row.own_extracted_dm3) for row in products]
    return told
