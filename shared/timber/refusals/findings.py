"""Findings: who may raise and resolve them."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal


@dataclass(eq=False)
class NotSupervising(Refusal):
    """Findings are raised and resolved by supervisors and authorities."""

    slug: ClassVar[str] = "not-supervising"
    es: ClassVar[str] = "{actor} ({kind}) no supervisa: no firma registros {type}."
    en: ClassVar[str] = "{actor} ({kind}) does not supervise: it signs no {type} records."
    actor: str
    kind: str
    type: str


@dataclass(eq=False)
class NotPublishing(Refusal):
    """Price books are published by operators, authorities and federations."""

    slug: ClassVar[str] = "not-publishing"
    es: ClassVar[str] = "{actor} ({kind}) no publica libros: no firma registros {type}."
    en: ClassVar[str] = "{actor} ({kind}) does not publish books: it signs no {type} records."
    actor: str
    kind: str
    type: str


@dataclass(eq=False)
class OwnFinding(Refusal):
    """Nobody resolves a finding on what they did themselves."""

    slug: ClassVar[str] = "own-finding"
    es: ClassVar[str] = "La observación sobre el registro {record} concierne a {actor}: la resuelve otra organización."
    en: ClassVar[str] = "The finding on record {record} concerns {actor}: another organisation resolves it."
    record: str
    actor: str
