"""Organisations, and what is said of any two parties."""

from dataclasses import dataclass
from typing import Any, ClassVar

from shared.refusal import Refusal, kind_es

REGISTRY = "registro"
HOST = "trozalog"
# States as people call them in Spanish.
STATES_ES = {
    "accepted": "aceptado", "active": "activo", "appealed": "apelado", "approved": "aprobado", "asked": "pedido",
    "caducated": "caducado", "changing": "en cambio", "closed": "cerrado", "corrected": "corregido", "draft": "borrador",
    "ended": "terminado", "explained": "explicado", "in_force": "vigente", "inspected": "inspeccionado",
    "observed": "observado", "open": "abierto", "proposed": "propuesto", "reformulated": "reformulado",
    "refused": "denegado", "registered": "registrado", "rejected": "rechazado", "requested": "solicitado",
    "revoked": "revocado", "submitted": "presentado", "suspended": "suspendido", "upheld": "confirmado",
}  # fmt: skip


class _OfAKind(Refusal):
    """A refusal about a ``kind`` of thing: the facts keep the word of programs, the Spanish sentence says that of people."""

    def text(self, language: str) -> str:
        if language == "en":
            return super().text(language)
        facts = self.facts()
        said = {name: _states_es(facts[name]) for name in ("state", "needed") if name in facts}
        return self.es.format(**facts | said | {"kind": kind_es(facts["kind"])})


def _states_es(states: str) -> str:
    return ", ".join(STATES_ES.get(one, one) for one in states.split(", "))


@dataclass(eq=False)
class NumberTaken(_OfAKind):
    """The number already names something else; the same content again would have been answered as known."""

    slug: ClassVar[str] = "number-taken"
    es: ClassVar[str] = "{key} ya existe con otro contenido ({kind})."
    en: ClassVar[str] = "{key} already exists with another content ({kind})."
    kind: str
    key: str


@dataclass(eq=False)
class ReferenceUnknown(_OfAKind):
    """What the document builds on is not registered."""

    slug: ClassVar[str] = "reference-unknown"
    es: ClassVar[str] = "El documento nombra algo que no está registrado: {kind} {key}."
    en: ClassVar[str] = "The document names something that is not registered: {kind} {key}."
    kind: str
    key: str


@dataclass(eq=False)
class WrongState(_OfAKind):
    """The act does not fit the state the thing is in."""

    slug: ClassVar[str] = "wrong-state"
    es: ClassVar[str] = "El estado de {kind} {key} es «{state}»; este acto necesita: {needed}."
    en: ClassVar[str] = "{kind} {key} is {state}; this act needs: {needed}."
    kind: str
    key: str
    state: str
    needed: str


@dataclass(eq=False)
class SamePerson(Refusal):
    """Two acts that two persons must do were asked of one."""

    slug: ClassVar[str] = "same-person"
    es: ClassVar[str] = "Quien {first} no puede también {second}: hace falta otra persona."
    en: ClassVar[str] = "Whoever did '{first_en}' may not also do '{second_en}': another person is needed."
    first: str
    second: str
    first_en: str
    second_en: str


@dataclass(eq=False)
class SameOrganisation(Refusal):
    """Who inspects or judges belongs to an organisation with a stake in the plan."""

    slug: ClassVar[str] = "same-organisation"
    es: ClassVar[str] = "{org} tiene parte en el plan {plan} y no puede inspeccionarlo ni decidir sobre él."
    en: ClassVar[str] = "{org} has a part in plan {plan} and may not inspect or judge it."
    org: str
    plan: str


@dataclass(frozen=True, slots=True)
class Organisation:
    """A party of the forest trade. Its public name and kind; nothing about persons."""

    id: str
    name: str
    kind: str
    region: str | None

    def statement(self) -> dict[str, Any]:
        """The body of ``organisation.registered``."""
        body = {"id": self.id, "name": self.name, "kind": self.kind}
        return body if self.region is None else body | {"region": self.region}
