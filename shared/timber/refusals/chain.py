"""What the record builds on is missing, taken, or somebody else's."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal


@dataclass(eq=False)
class NotYours(Refusal):
    """The thing is in the hands of another organisation."""

    slug: ClassVar[str] = "not-yours"
    es: ClassVar[str] = "{thing} corresponde a {holder}; el registro es de {actor}."
    en: ClassVar[str] = "{thing} belongs to {holder}; the record is by {actor}."
    thing: str
    holder: str
    actor: str


@dataclass(eq=False)
class UnknownOrganisation(Refusal):
    """No entry registers this organisation."""

    slug: ClassVar[str] = "unknown-organisation"
    es: ClassVar[str] = "La organización {organisation} no está registrada."
    en: ClassVar[str] = "Organisation {organisation} is not registered."
    organisation: str


@dataclass(eq=False)
class UnknownParent(Refusal):
    """The record builds on something the log does not have (yet): send that first."""

    slug: ClassVar[str] = "unknown-parent"
    es: ClassVar[str] = "El registro se apoya en {kind} {id}, que no está en el registro público."
    en: ClassVar[str] = "The record builds on {kind} {id}, which is not in the log."
    kind: str
    id: str


@dataclass(eq=False)
class Unrelated(Refusal):
    """Two things the record joins do not belong together."""

    slug: ClassVar[str] = "unrelated"
    es: ClassVar[str] = "{thing} es de {expected}; el registro dice {said}."
    en: ClassVar[str] = "{thing} is of {expected}; the record says {said}."
    thing: str
    expected: str
    said: str


@dataclass(eq=False)
class TooMany(Refusal):
    """One thing gathers only so much: what is kept of it is read and written whole."""

    slug: ClassVar[str] = "too-many"
    es: ClassVar[str] = "{kind} {id} llega al límite de {limit}: este registro lo pasa."
    en: ClassVar[str] = "{kind} {id} has a limit of {limit}: this record passes it."
    kind: str
    id: str
    limit: int


@dataclass(eq=False)
class IdTaken(Refusal):
    """Another record already uses this identifier."""

    slug: ClassVar[str] = "id-taken"
    es: ClassVar[str] = "El identificador {kind} {id} ya se usó en la entrada {first_index}."
    en: ClassVar[str] = "Identifier {kind} {id} was already used at entry {first_index}."
    kind: str
    id: str
    first_index: int


@dataclass(eq=False)
class AlreadyDone(Refusal):
    """This can happen once and has happened; ``first_sid`` is the record of it."""

    slug: ClassVar[str] = "already-done"
    es: ClassVar[str] = "{type} de {id} ya está en el registro {first_sid}, entrada {first_index}."
    en: ClassVar[str] = "{type} of {id} is already in record {first_sid}, entry {first_index}."
    type: str
    id: str
    first_sid: str
    first_index: int
