"""Signing keys: asked for by their organisation, proposed and approved by two persons of the registry; ended by one at once, and a
second person says whether rightly."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from services.permits.domain.assembly import COMMUNAL
from services.permits.domain.party import HOST, REGISTRY, Organisation, SamePerson, WrongState
from shared.refusal import NotAllowed, Refusal
from shared.timber.bodies import key_id, possession
from shared.timber.refusals import PossessionNotShown
from shared.tlog.ed25519 import checked_key, verify_ed25519
from shared.tlog.encoding import from_base64url

# The organisations of the house itself: only its start gives them keys.
HOUSE = frozenset({REGISTRY, HOST})
MOST_UNKNOWN = 50
# Revocations of one officer or operator on which nobody else has said a word yet.
MOST_AWAITING = 10
# Who buys, saws, carries or signs for pay: the other side of the community's table.
THIRD_PARTIES = frozenset({"company", "third_party", "mill", "carrier", "regent_firm"})


@dataclass(eq=False)
class HouseOrganisation(NotAllowed):
    """The keys of the house come with its start; nobody adds or revokes one through the registry's door."""

    slug: ClassVar[str] = "house-organisation"
    es: ClassVar[str] = "Las claves de {org} son de la casa: no se registran ni se revocan aquí."
    en: ClassVar[str] = "The keys of {org} belong to the house: they are neither registered nor revoked here."
    org: str


@dataclass(eq=False)
class KeyTaken(Refusal):
    """The public key already belongs to another organisation or has another role."""

    slug: ClassVar[str] = "key-taken"
    es: ClassVar[str] = "La clave {kid} ya está registrada de otra manera."
    en: ClassVar[str] = "Key {kid} is already registered in another way."
    kid: str


@dataclass(eq=False)
class ThirdPartyKey(NotAllowed):
    """A third party never holds a community's key: not by its role, not by a person who also asks for its own keys."""

    slug: ClassVar[str] = "third-party-key"
    es: ClassVar[str] = "Un tercero no tiene claves de una comunidad: {org} y {other} son partes distintas."
    en: ClassVar[str] = "A third party holds no key of a community: {org} and {other} are different parties."
    org: str
    other: str


@dataclass(eq=False)
class TooManyUnknown(Refusal):
    """An organisation ends only so many keys that did not come through here: each is a guess until the log knows it."""

    slug: ClassVar[str] = "too-many-unknown-keys"
    es: ClassVar[str] = "{org} ya revocó {most} claves que este registro no conoce: pida las siguientes a la autoridad."
    en: ClassVar[str] = "{org} has revoked {most} keys that this registry does not know: ask the authority for more."
    org: str
    most: int


@dataclass(eq=False)
class TooManyAwaiting(Refusal):
    """Nobody ends the keys of a region alone: after so many another person looks at those first."""

    slug: ClassVar[str] = "too-many-awaiting"
    es: ClassVar[str] = (
        "Usted revocó {most} claves que nadie más ha visto: otra persona debe confirmarlas u objetarlas antes de seguir."
    )
    en: ClassVar[str] = (
        "You have revoked {most} keys that nobody else has looked at: another person confirms or contests them first."
    )
    most: int


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the proof, made by its private half, that it is to speak for this organisation in this role."""

    kid: str
    org: str
    public_key: str
    role: str
    proof: str

    @classmethod
    def shown(cls, org: str, public_key: str, role: str, proof: str) -> "Key":
        """A key brought by whoever holds it. BadKey or ``PossessionNotShown`` otherwise."""
        public = checked_key(from_base64url(public_key, "public_key", 32))
        key = cls(key_id(public), org, public_key, role, proof)
        if not verify_ed25519(public, from_base64url(proof, "proof", 64), possession(key.statement())):
            raise PossessionNotShown(key.kid)
        return key

    def statement(self) -> dict[str, Any]:
        """The body of ``key.added``, but for the persons."""
        return {
            "kid": self.kid, "org": self.org, "public_key": self.public_key, "alg": "ed25519", "role": self.role,
            "proof": self.proof,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How far a key has come. ``asked`` by its organisation, ``proposed`` by a person of the registry, ``registered``
    once another has approved. The keys of the house have no persons."""

    key: Key
    state: str
    asked_by: str | None = None
    proposed_by: str | None = None
    sid: str | None = None

    def check_proposal(self, officer: str) -> None:
        """Refuse unless it was asked for, by somebody else."""
        if self.state != "asked":
            raise WrongState("key", self.key.kid, self.state, "asked")
        if officer == self.asked_by:
            raise SamePerson("pidió la clave", "proponerla", "ask for the key", "propose it")

    def check_approval(self, officer: str) -> None:
        """Refuse unless it was proposed, by somebody else."""
        if self.state != "proposed":
            raise WrongState("key", self.key.kid, self.state, "proposed")
        if officer in (self.asked_by, self.proposed_by):
            raise SamePerson("pidió o propuso la clave", "aprobarla", "ask for or propose the key", "approve it")

    def statement(self, proposed_by: str, approved_by: str) -> dict[str, Any]:
        """The body of ``key.added``; the two persons come as pseudonyms."""
        return self.key.statement() | {"proposed_by": proposed_by, "approved_by": approved_by}


@dataclass(frozen=True, slots=True)
class Revocation:
    """The end of a key, and perhaps the entry of the log since which it may have been in wrong hands."""

    kid: str
    org: str
    reason: str
    distrust_from: int | None

    def statement(self) -> dict[str, Any]:
        """The body of ``key.revoked``. The organisation is named, so that the log refuses it for another's key."""
        body: dict[str, Any] = {"kid": self.kid, "org": self.org, "reason": self.reason}
        return body if self.distrust_from is None else body | {"distrust_from": self.distrust_from}


@dataclass(frozen=True, slots=True)
class SecondWord:
    """What another person said of a revocation. It stands either way: a key does not come back, a new one is enrolled."""

    word: Literal["confirmed", "contested"]
    reason: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """A revocation as it stands: the statement that announced it, the person who ended the key, and the second word on it.

    Nobody is named where the house ended its own key at its start, or where it was not kept."""

    revocation: Revocation
    sid: str
    revoked_by: str | None
    second: SecondWord | None

    @property
    def awaits(self) -> bool:
        """Whether a second person has still to look at it."""
        return self.second is None and self.revocation.org not in HOUSE

    def check_second(self, person: str, word: str) -> None:
        """Refuse a second word by whoever ended the key, and one where one was said."""
        if self.second is not None:
            raise WrongState("revocation", self.revocation.kid, self.second.word, "awaiting")
        if person == self.revoked_by:
            second, second_en = _SECOND_WORDS[word]
            raise SamePerson("revocó la clave", second, "revoke the key", second_en)


_SECOND_WORDS = {
    "confirmed": ("confirmar su revocación", "confirm its revocation"),
    "contested": ("objetar su revocación", "contest its revocation"),
}


def check_third_party(org: Organisation, roles: Iterable[str], others: Iterable[Organisation]) -> None:
    """Whoever asks for a community's key acts for no company. ``others`` are the organisations this person asked for keys
    for; the same holds the other way round."""
    communal = org.kind in COMMUNAL
    if communal and "company" in roles:
        raise ThirdPartyKey("add_key", "role", org.id, "company")
    for other in others:
        if communal != (other.kind in COMMUNAL) and {org.kind, other.kind} & THIRD_PARTIES:
            raise ThirdPartyKey("add_key", "person", org.id, other.id)


def check_house(org: str, action: str) -> None:
    """Refuse what would give the house a key from outside, or take one away."""
    if org in HOUSE:
        raise HouseOrganisation(action, "house", org)
