"""Life cycles as data (``norms/lifecycle.json``): from which state which act leads where, in whose hands, apart from whom.

Roles are asked for at the door (``access``); that both say the same is a test. What is judged here is the state and
that two acts which two persons must do are not done by one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from services.permits.domain.party import SamePerson, WrongState
from services.permits.domain.shipped import shipped

Done = Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Transition:
    """One act on a plan or a permit. ``target`` is empty when the state stays; ``apart_from`` are the acts whose persons
    may not do this one; ``needs`` the papers it rests on."""

    object: str
    act: str
    operation: str
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    apart_from: tuple[str, ...]
    needs: tuple[str, ...]
    done_es: str
    do_es: str
    done_en: str
    do_en: str
    es: str
    en: str

    def take(self, key: str, state: str, person: str, done: Done) -> str:
        """The state after the act. ``done`` says who did which act on this thing before."""
        if state not in self.sources:
            raise WrongState(self.object, key, state, ", ".join(self.sources))
        for earlier in self.apart_from:
            if person in done.get(earlier, ()):
                first = transition(self.object, earlier)
                raise SamePerson(first.done_es, self.do_es, first.done_en, self.do_en)
        return self.target or state


@cache
def transitions() -> tuple[Transition, ...]:
    """The whole table, in the order in which it is shown."""
    return tuple(_transition(dict(row)) for row in shipped("lifecycle")["transitions"])


def _transition(row: dict[str, Any]) -> Transition:
    lists: dict[str, Any] = {name: tuple(row.pop(name)) for name in ("roles", "apart_from", "needs")}
    return Transition(sources=tuple(row.pop("from")), target=row.pop("to"), **lists, **row)


@cache
def transition(object_: str, act: str) -> Transition:
    """The row of an act; ``KeyError`` for one that the table does not have (``propose_amendment`` is a proposal only)."""
    return {(one.object, one.act): one for one in transitions()}[object_, act]


@dataclass(frozen=True, slots=True)
class Extension:
    """Days that a resolution adds to a permit: a re-entry has a harvest window, a mobilisation of balances has none."""

    id: str
    kind: str
    harvest_from: date | None
    harvest_to: date | None
    move_to: date
    reason: str
    documents: tuple[str, ...]
    state: str
    requested_by: str
    resolution: str | None = None


def phase_of(
    kind: str, state: str, harvest_from: date, harvest_to: date, extensions: Iterable[Extension], day: date
) -> str:
    """Where an approved plan stands on a day by its own days and the extensions of its permits; else its state."""
    if state != "approved" or day < harvest_from:
        return state
    if day <= harvest_to:
        return "active" if kind == "PO" else "in_force"
    found = list(extensions)
    approved = [one for one in found if one.state == "approved"]
    if any(one.harvest_from and one.harvest_to and one.harvest_from <= day <= one.harvest_to for one in approved):
        return "reentry_active"
    if any(day <= one.move_to and (one.harvest_from is None or one.harvest_from <= day) for one in approved):
        return "balance_mobilisation"
    if any(one.kind == "reentry" and one.state == "requested" for one in found):
        return "reentry_requested"
    return "expired"
