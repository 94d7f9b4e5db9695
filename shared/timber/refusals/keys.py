"""Keys: whose signature does not carry the record."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal


@dataclass(eq=False)
class UnknownKey(Refusal):
    """The log has no such key; a key counts from the entry that adds it."""

    slug: ClassVar[str] = "unknown-key"
    es: ClassVar[str] = "La clave {kid} no está registrada."
    en: ClassVar[str] = "Key {kid} is not registered."
    kid: str


@dataclass(eq=False)
class KeyRevoked(Refusal):
    """The key was revoked before this record entered the log."""

    slug: ClassVar[str] = "key-revoked"
    es: ClassVar[str] = "La clave {kid} fue revocada en la entrada {revoked_index}."
    en: ClassVar[str] = "Key {kid} was revoked at entry {revoked_index}."
    kid: str
    revoked_index: int


@dataclass(eq=False)
class WrongSigner(Refusal):
    """The record speaks for one organisation and another one signed it."""

    slug: ClassVar[str] = "wrong-signer"
    es: ClassVar[str] = "El registro habla por {actor} y lo firma {signer}."
    en: ClassVar[str] = "The record speaks for {actor} and is signed by {signer}."
    actor: str
    signer: str


@dataclass(eq=False)
class KeyRole(Refusal):
    """A key of this role does not sign this type of record."""

    slug: ClassVar[str] = "key-role"
    es: ClassVar[str] = "Una clave de función {role} no firma registros {type}."
    en: ClassVar[str] = "A key of role {role} does not sign {type} records."
    role: str
    type: str


@dataclass(eq=False)
class KeyReplaced(Refusal):
    """The key named a successor before this record entered the log: that one counts."""

    slug: ClassVar[str] = "key-replaced"
    es: ClassVar[str] = "La clave {kid} fue sustituida por {replaced_by} en la entrada {index}."
    en: ClassVar[str] = "Key {kid} was replaced by {replaced_by} at entry {index}."
    kid: str
    replaced_by: str
    index: int


@dataclass(eq=False)
class PossessionNotShown(Refusal):
    """Whoever brings a key shows that they hold it: the proof is not that key's signature over what is said of it."""

    slug: ClassVar[str] = "possession-not-shown"
    es: ClassVar[str] = "La prueba de posesión no es una firma de la clave {kid} para esta organización y función."
    en: ClassVar[str] = "The proof of possession is not a signature by key {kid} for this organisation and role."
    kid: str


@dataclass(eq=False)
class OnePerson(Refusal):
    """The registrar adds a member's key by two persons: one proposes, another approves."""

    slug: ClassVar[str] = "one-person"
    es: ClassVar[str] = "El registro de la clave {kid} no dice quién la propuso y quién la aprobó."
    en: ClassVar[str] = "The record of key {kid} does not say who proposed and who approved it."
    kid: str


@dataclass(eq=False)
class DistrustLater(Refusal):
    """A key is not in doubt from an entry that comes after its revocation."""

    slug: ClassVar[str] = "distrust-later"
    es: ClassVar[str] = "La clave {kid} no puede estar en duda desde la entrada {distrust_from}: esta es la {index}."
    en: ClassVar[str] = "Key {kid} cannot be in doubt from entry {distrust_from} on: this is entry {index}."
    kid: str
    distrust_from: int
    index: int
