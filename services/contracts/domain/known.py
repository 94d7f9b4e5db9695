"""What other services of the house know about an offer. ``None`` is not known: nobody was asked, or nobody answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from services.contracts.domain.border import spelled
from services.contracts.domain.kept import KeptLog, named
from services.contracts.domain.standing import Standing


@dataclass(frozen=True, slots=True)
class PermitStanding:
    """A permit on a day, as the permits service answers anyone: ``valid`` for felling, ``movement_valid`` for moving what was
    felled in time. ``volume_m3`` is its authorised round wood, ``species_m3`` the same by species."""

    number: str
    on: date
    valid: bool
    movement_valid: bool
    status: str
    volume_m3: Decimal | None
    move_to: date | None
    species_m3: Mapping[str, Decimal] | None = None


# ``unlicensed``: the registry holds licences of the regent and none that counts on the day, be it over, ended or revoked.
# ``registered``: a regent of whom no licence was registered, so nobody can say whether it was suspended.
RegentState = Literal["licensed", "unlicensed", "registered", "not_registered"]


@dataclass(frozen=True, slots=True)
class Known:
    """Answers of permits and custody, already asked, and the buyer's standing by the lists of sanctions.

    ``custody_logs`` are the logs of the offer's lot. ``left_m3`` is the round wood of each species that was not drawn from the
    permit yet, for those who may read its balance.
    """

    permit: PermitStanding | Literal["not_found"] | None = None
    regent: RegentState | None = None
    custody_logs: tuple[KeptLog, ...] | None = None
    buyer: Standing | None = None
    left_m3: Mapping[str, Decimal] | None = None

    def as_json(self) -> dict[str, Any]:
        """The same facts as JSON: the part of an appraisal's pins that is not the offer's and not a book's."""
        permit: Any = self.permit
        if isinstance(permit, PermitStanding):
            permit = asdict(permit) | {
                "on": permit.on.isoformat(),
                "volume_m3": None if permit.volume_m3 is None else spelled(permit.volume_m3, 3),
                "move_to": None if permit.move_to is None else permit.move_to.isoformat(),
                "species_m3": _spelled(permit.species_m3),
            }
        logs = None if self.custody_logs is None else _litres(self.custody_logs)
        buyer = None if self.buyer is None else self.buyer.as_json()
        left = {} if self.left_m3 is None else {"left_m3": _spelled(self.left_m3)}
        return {"permit": permit, "regent": self.regent, "custody_logs": logs, "buyer": buyer, **left}


def _spelled(volumes: Mapping[str, Decimal] | None) -> dict[str, str] | None:
    return None if volumes is None else {name: spelled(volume, 3) for name, volume in sorted(volumes.items())}


def _litres(logs: Sequence[KeptLog]) -> dict[str, int]:
    """Litres by code; where two logs bear one, by code and parcel, and by custody's id too where that is one as well."""
    for names in ([log.code for log in logs], [named(log.code, log.parcel) for log in logs]):
        if len(set(names)) == len(names):
            break
    else:
        names = [f"{named(log.code, log.parcel)} {log.item}" for log in logs]
    return dict(sorted(zip(names, (log.litres for log in logs), strict=True)))


def volumes_m3(rows: Iterable[tuple[str, int]]) -> dict[str, Decimal]:
    """Cubic metres by species, from rows of litres: a species has a row in each parcel."""
    found: dict[str, Decimal] = {}
    for species, litres in rows:
        found[species] = found.get(species, Decimal(0)) + Decimal(litres) / 1_000
    return found


NOTHING_KNOWN = Known()
