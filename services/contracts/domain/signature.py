"""A cost book carries a verdict once a second person has signed it: who wrote the figures does not vouch for them."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Malformed, Refusal


@dataclass(eq=False)
class SelfSigned(Malformed):
    """A published book does not sign itself; ``signed_by`` is for figures that are given with a question."""

    slug: ClassVar[str] = "self-signed"
    es: ClassVar[str] = "{where}: un libro publicado lo firma otra persona después; publíquelo sin signed_by."
    en: ClassVar[str] = "{where}: a published book is signed by somebody else afterwards; publish it without signed_by."
    reason: str = "signed_by"


@dataclass(eq=False)
class SignsOwnBook(Refusal):
    """Whoever published a version may not sign it."""

    slug: ClassVar[str] = "same-person"
    es: ClassVar[str] = "Usted publicó esta versión del libro {book}: tiene que firmarla otra persona."
    en: ClassVar[str] = "You published this version of the book {book}: somebody else has to sign it."
    book: str


@dataclass(eq=False)
class NotWhatWasRead(Refusal):
    """The hash that the signature names is not of that version."""

    slug: ClassVar[str] = "not-what-was-read"
    es: ClassVar[str] = "Esa versión del libro {book} tiene la huella {sha256}; usted leyó otra cosa. Léala otra vez."
    en: ClassVar[str] = "That version of the book {book} has the hash {sha256}; you read something else. Read it again."
    book: str
    sha256: str


def check_signature(book: str, published_sha256: str, read_sha256: str, author: str, signer: str) -> None:
    """Refuse a signature by the author, or under something else than what was read."""
    if author == signer:
        raise SignsOwnBook(book)
    if published_sha256 != read_sha256:
        raise NotWhatWasRead(book, published_sha256)
