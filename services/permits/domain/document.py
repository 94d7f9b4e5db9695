"""Papers of the vault: what they are, whose they are, and why one is not taken in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import ClassVar

from services.permits.domain.shipped import shipped
from shared.refusal import Malformed, Refusal

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024


@dataclass(eq=False)
class DocumentRefused(Malformed):
    """The bytes are not a paper of the vault: another type than declared, a type that is not kept, or a bomb."""

    slug: ClassVar[str] = "document-refused"
    es: ClassVar[str] = "El documento no se admite: {reason_es}."
    en: ClassVar[str] = "The document is not taken in: {reason}."
    reason_es: str


@dataclass(eq=False)
class DocumentKind(Refusal):
    """An act rests on a paper of another kind."""

    slug: ClassVar[str] = "document-kind"
    es: ClassVar[str] = "El documento {sha256} es «{kind}»; este acto necesita: {needed}."
    en: ClassVar[str] = "Document {sha256} is '{kind}'; this act needs: {needed}."
    sha256: str
    kind: str
    needed: str


@dataclass(frozen=True, slots=True)
class Document:
    """A stored paper, named by the SHA-256 of its bytes. ``region`` is that of its organisation."""

    sha256: str
    org: str
    region: str | None
    kind: str
    media_type: str
    size_bytes: int
    stored_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """That an organisation may read a paper of another until a day."""

    org: str
    sha256: str
    reader: str
    until: date
    granted_by: str


@cache
def kinds() -> frozenset[str]:
    """The papers of a supervision file, from ``norms/documents.json``."""
    return frozenset(str(one["kind"]) for one in shipped("documents")["kinds"])


def check_kind(found: Sequence[Document], sha256: str, *needed: str) -> None:
    """Refuse a paper that is kept under none of these kinds; the same bytes may be several things."""
    if not any(one.kind in needed for one in found):
        raise DocumentKind(sha256, ", ".join(sorted({one.kind for one in found})), ", ".join(needed))
