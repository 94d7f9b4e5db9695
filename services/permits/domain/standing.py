"""Whether a permit counts on a day, and why not: what anyone may ask without a login."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.permits.domain.day import peru_day_of
from services.permits.domain.permit import Act, Permit

# Twice so many numbers of 40 characters stay below 16 KiB.
MOST_LISTED = 180
_AFTER = {"issued": "in_force", "reinstated": "in_force", "suspended": "suspended", "revoked": "revoked", "precautionary": "suspended", "caducity": "suspended"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a permit does not count for something, for machines and for people."""

    slug: str
    es: str
    en: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer for one day. ``valid`` is for felling, ``movement_valid`` for moving wood already felled."""

    status: str
    valid: bool
    movement_valid: bool
    reasons: tuple[Reason, ...]


def status_on(acts: Iterable[Act], day: date) -> str:
    """The state at the end of a day in Peru by the acts in order; ``not_issued`` before the first."""
    status = "not_issued"
    for act in acts:
        if act.kind in _AFTER and peru_day_of(act.at) <= day.isoformat():
            status = _AFTER[act.kind]
    return status


def standing_on(permit: Permit, acts: Iterable[Act], day: date) -> Standing:
    """Felling needs the permit in force within its harvest days, moving needs it in force until its last day of movement.

    Two clocks: wood felled in time may still move after the harvest days are over.
    """
    status = status_on(acts, day)
    harvest_from, harvest_to = permit.window_on(day)
    reasons = [_STATES[status]] if status in _STATES else []
    if day < permit.harvest_from:
        reasons.append(Reason("not-yet", f"Empieza el {permit.harvest_from}.", f"It begins on {permit.harvest_from}."))
    elif day > permit.move_to:
        reasons.append(Reason("expired", f"Venció el {permit.move_to}.", f"It expired on {permit.move_to}."))
    elif day > harvest_to:
        reasons.append(
            Reason(
                "harvest-ended",
                f"La tala terminó el {harvest_to}; lo ya talado se moviliza hasta el {permit.move_to}.",
                f"Felling ended on {harvest_to}; wood already felled may move until {permit.move_to}.",
            )
        )
    in_force = status == "in_force"
    return Standing(
        status,
        in_force and harvest_from <= day <= harvest_to,
        in_force and permit.harvest_from <= day <= permit.move_to,
        tuple(reasons),
    )


_STATES = {
    "not_issued": Reason("not-issued", "Ese día todavía no estaba emitido.", "On that day it had not been issued yet."),
    "suspended": Reason("suspended", "Está suspendido.", "It is suspended."),
    "revoked": Reason("revoked", "Está revocado.", "It is revoked."),
}


def status_body(day: date, in_force: int, suspended: Iterable[str], revoked: Iterable[str]) -> dict[str, Any]:
    """The body of ``status.listed``. Both lists come newest first and are cut to what a statement of 16 KiB holds.

    A cut is no gap: every suspension and revocation is a statement of its own, and that is what decides.
    """
    return {
        "as_of": day.isoformat(),
        "permits": in_force,
        "suspended": sorted(list(suspended)[:MOST_LISTED]),
        "revoked": sorted(list(revoked)[:MOST_LISTED]),
    }


def census_words(basis: str, p05: str) -> tuple[str, str]:
    """What the census of the plan allows to be said, in Spanish and English."""
    if basis == "listed" and p05 == "PASS":
        return (
            "El volumen autorizado cabe en el censo publicado árbol por árbol.",
            "The authorised volume fits the census published tree by tree.",
        )
    if basis == "listed":
        return (
            "El censo se publicó árbol por árbol; no se evaluó contra él todo el volumen autorizado (P05).",
            "The census is published tree by tree; not all of the authorised volume was weighed against it (P05).",
        )
    if basis == "partial":
        return (
            "Solo se publicó una parte del censo: no se evaluó el volumen autorizado contra los árboles (P05).",
            "Only a part of the census is published: the authorised volume was not weighed against the trees (P05).",
        )
    return (
        "El censo no está disponible: no se evaluó el volumen autorizado contra los árboles (P05).",
        "The census is not available: the authorised volume was not weighed against the trees (P05).",
    )
