"""What a certification body works out of the answers of the API: volumes of each member, and sales under a certificate. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from shared.timber.event import Record

MOVES = ("opening_dm3", "in_dm3", "made_dm3", "processed_dm3", "out_dm3", "closing_dm3")


@dataclass(frozen=True)
class Line:
    """Wood of one member, species and product in the period, in litres; ``claimed_dm3`` was sold under a claim."""

    member: str
    species: str
    product: str
    opening_dm3: int = 0
    in_dm3: int = 0
    made_dm3: int = 0
    processed_dm3: int = 0
    out_dm3: int = 0
    closing_dm3: int = 0
    claimed_dm3: int = 0

    @property
    def available_dm3(self) -> int:
        """What could be sold or processed: what was there, came in and was made."""
        return self.opening_dm3 + self.in_dm3 + self.made_dm3

    @property
    def case(self) -> str:
        """What does not add up: more went out than was there, more was claimed than was there, or nothing."""
        if self.closing_dm3 < 0:
            return "overdrawn"
        return "overclaimed" if self.claimed_dm3 > self.available_dm3 else "fits"


def lines_of(answers: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Answers of ``/v1/mass-balances`` added up by member, species and product; permits are summed."""
    found: dict[tuple[str, str, str], Line] = {}
    for answer in answers:
        for row in answer["balances"]:
            line = _line(found, row)
            found[line.member, line.species, line.product] = replace(
                line, **{name: getattr(line, name) + row[name] for name in MOVES}
            )
        for row in answer["claims"]:
            if not row["claim"] or not row["sold_dm3"]:  # sold, and nothing said of it; or not sold in the period
                continue
            line = _line(found, row)
            found[line.member, line.species, line.product] = replace(
                line, claimed_dm3=line.claimed_dm3 + row["sold_dm3"]
            )
    return [found[key] for key in sorted(found)]


def _line(found: Mapping[tuple[str, str, str], Line], row: Mapping[str, Any]) -> Line:
    key = row["org"], row["species"], row["product"]
    return found.get(key) or Line(*key)


@dataclass(frozen=True)
class Account:
    """What a member bought and sold under one claim, in litres: ``opening + bought - sold = closing``. It is no stock: custody
    tells in its API what it is and is not."""

    member: str
    claim: str
    species: str
    product: str
    opening_dm3: int = 0
    bought_dm3: int = 0
    sold_dm3: int = 0
    closing_dm3: int = 0


ACCOUNT = ("opening_dm3", "bought_dm3", "sold_dm3", "closing_dm3")


def accounts_of(answers: Iterable[Mapping[str, Any]]) -> list[Account]:
    """The accounts of claims in the same answers, added up in the same way; sales without a claim are in none."""
    found: dict[tuple[str, str, str, str], Account] = {}
    for row in (row for answer in answers for row in answer["claims"] if row["claim"]):
        key = row["org"], row["claim"], row["species"], row["product"]
        one = found.get(key) or Account(*key)
        found[key] = replace(one, **{name: getattr(one, name) + row[name] for name in ACCOUNT})
    return [found[key] for key in sorted(found)]


@dataclass(frozen=True)
class Sale:
    """A lot that was sold under a certificate: its record, between whom, what was claimed."""

    index: int
    sid: str
    time: str
    seller: str
    buyer: str
    lot: str
    claim: str
    certificate: str


def sales_of(
    records: Iterable[tuple[int, Record]], certificate: str, sellers: Iterable[str], first: str, last: str
) -> list[Sale]:
    """Of these records, each with its index, the sales of these members under this certificate, from the first day to the
    last (UTC, of claimed time), each once and in the order of the log."""
    found: dict[str, Sale] = {}
    whose = set(sellers)
    for index, one in records:
        if one.type != "lot.sold" or one.actor not in whose or one.body.get("certificate") != certificate:
            continue
        if first <= one.time[:10] <= last:
            found[one.sid] = Sale(
                index, one.sid, one.time, one.actor, one.body["buyer"], one.body["lot"], one.body.get("claim", ""),
                certificate,
            )  # fmt: skip
    return sorted(found.values(), key=lambda one: one.index)


@dataclass(frozen=True)
class Traded:
    """A line for the verification of transactions: one sale, species and product. There is no price in it, because there is
    none in what the log tells everybody."""

    sale: Sale
    species: str
    product: str
    pieces: int
    volume_dm3: int


def traded(sale: Sale, items: Iterable[Mapping[str, Any]]) -> list[Traded]:
    """The lines of one sale, out of the pieces of its lot."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for item in items:
        key = item["species"], item["product"]
        pieces, volume = sums.get(key, (0, 0))
        sums[key] = pieces + 1, volume + item["volume_dm3"]
    return [Traded(sale, *key, *sums[key]) for key in sorted(sums)]


Cell = str | int | Decimal | None


def as_m3(volume_dm3: int) -> Decimal:
    """Litres as cubic metres, exactly."""
    return Decimal(volume_dm3) / 1000


def line_cells(line: Line) -> list[Cell]:
    """A row of the workbook, volumes in cubic metres."""
    named = [line.member, line.species, line.product]
    moved = [as_m3(getattr(line, name)) for name in (*MOVES, "claimed_dm3")]
    return [*named, *moved, line.case]


def account_cells(one: Account) -> list[Cell]:
    """A row of the workbook, volumes in cubic metres."""
    return [one.member, one.claim, one.species, one.product, *[as_m3(getattr(one, name)) for name in ACCOUNT]]


def account_json(one: Account) -> dict[str, Any]:
    """An account for a program; volumes in litres."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def traded_cells(one: Traded) -> list[Cell]:
    """A row of the workbook; the volume in cubic metres."""
    sale = one.sale
    return [
        sale.time[:10], sale.certificate, sale.seller, sale.buyer, sale.lot, sale.claim, one.species, one.product, one.pieces,
        as_m3(one.volume_dm3), sale.index, sale.sid,
    ]  # fmt: skip


def line_json(line: Line) -> dict[str, Any]:
    """A line for a program; volumes in litres, as everywhere in the API."""
    return {field.name: getattr(line, field.name) for field in fields(line)} | {"case": line.case}


def traded_json(one: Traded) -> dict[str, Any]:
    """A line for a program; the volume in litres."""
    sale = {field.name: getattr(one.sale, field.name) for field in fields(one.sale)}
    return sale | {
        "species": one.species, "product": one.product, "pieces": one.pieces, "volume_dm3": one.volume_dm3,
    }  # fmt: skip


def members_of(certificate: Mapping[str, Any]) -> Sequence[str]:
    """Whose wood a certificate covers: its members, or its holder alone."""
    return [member["org"] for member in certificate["members"]] or [certificate["holder"]]
