"""Movements added up as a mass balance: for each organisation and kind of wood, what there was, came, changed and left.

``opening + in + made - processed - out = closing``, to the litre, in every row: the same movements are added up on both
sides. Across products the rows do not balance: what a mill lost is the difference of its rows, and rule M01 judges it.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from services.custody.domain.movements import SIGN


@dataclass(slots=True, frozen=True)
class Sum:
    """Movements of one kind and wood added up: claimed before the period, and within it."""

    org: str
    kind: str
    species: str
    product: str
    permit: str
    claim: str
    before_dm3: int
    within_dm3: int
    measured_dm3: int


@dataclass(slots=True)
class Balance:
    """One organisation and kind of wood. ``listed`` volumes are told beside the balance: a paper guide without a list of
    pieces never becomes stock. ``received_measured_dm3`` is what the receiver measured of ``received_dm3``."""

    org: str
    species: str
    product: str
    permit: str
    opening_dm3: int = 0
    in_dm3: int = 0
    made_dm3: int = 0
    processed_dm3: int = 0
    out_dm3: int = 0
    closing_dm3: int = 0
    received_dm3: int = 0
    received_measured_dm3: int = 0
    bought_dm3: int = 0
    sent_dm3: int = 0
    sold_dm3: int = 0
    listed_in_dm3: int = 0
    listed_out_dm3: int = 0


@dataclass(slots=True)
class ClaimBalance:
    """The account of one claim: ``opening + bought - sold = closing``, to the litre; an empty claim is none. It is of
    what sales said, not of what stands in a yard: no mill turns a claim on logs into one on boards, and wood of one's own
    forest is under none until it is sold. So a closing may be above the stock, and below zero where more was sold under
    a claim than was ever bought under it."""

    org: str
    claim: str
    species: str
    product: str
    permit: str
    opening_dm3: int = 0
    bought_dm3: int = 0
    sold_dm3: int = 0
    closing_dm3: int = 0


_SIDE = {
    "cut": "made_dm3", "recut": "made_dm3", "sawn": "made_dm3", "cut_up": "processed_dm3", "milled": "processed_dm3",
    "received": "in_dm3", "bought": "in_dm3", "sent": "out_dm3", "sold": "out_dm3",
}  # fmt: skip
SALES = ("bought", "sold")  # the movements that carry a claim
_TOLD = ("received", "bought", "sent", "sold", "listed_in", "listed_out")


def balances_of(sums: Iterable[Sum]) -> list[Balance]:
    """One row for each organisation, species, product and permit; the permit is empty for wood of several or of none."""
    found: dict[tuple[str, str, str, str], Balance] = {}
    for one in sums:
        key = (one.org, one.species, one.product, one.permit)
        row = found.setdefault(key, Balance(*key))
        row.opening_dm3 += SIGN[one.kind] * one.before_dm3
        row.closing_dm3 += SIGN[one.kind] * (one.before_dm3 + one.within_dm3)
        if one.kind in _SIDE:
            _count(row, _SIDE[one.kind], one.within_dm3)
        if one.kind in _TOLD:
            _count(row, f"{one.kind}_dm3", one.within_dm3)
        if one.kind == "received":
            row.received_measured_dm3 += one.measured_dm3
    return [found[key] for key in sorted(found) if _any(found[key])]


def claims_of(sums: Iterable[Sum]) -> list[ClaimBalance]:
    """What changed owner by sale, for each claim that was made: one account for each organisation, claim, species,
    product and permit."""
    found: dict[tuple[str, str, str, str, str], ClaimBalance] = {}
    for one in sums:
        if one.kind in SALES:
            key = (one.org, one.claim, one.species, one.product, one.permit)
            row = found.setdefault(key, ClaimBalance(*key))
            row.opening_dm3 += SIGN[one.kind] * one.before_dm3
            row.closing_dm3 += SIGN[one.kind] * (one.before_dm3 + one.within_dm3)
            _count(row, f"{one.kind}_dm3", one.within_dm3)
    return [found[key] for key in sorted(found) if _any(found[key])]


def _any(row: Balance | ClaimBalance) -> bool:
    """Whether anything was there or moved; a row may be of what came after the period."""
    return any(isinstance(value, int) and value for value in astuple(row))


def _count(row: Balance | ClaimBalance, name: str, volume_dm3: int) -> None:
    setattr(row, name, getattr(row, name) + volume_dm3)
