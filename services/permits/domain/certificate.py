"""Group certificates: codes that are what they say, who is covered on a day, and which act fits which state."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, ClassVar

from services.permits.domain.day import peru_day_of
from services.permits.domain.party import WrongState
from services.permits.domain.standing import Reason
from shared.refusal import Malformed, Refusal
from shared.timber.steps.certificates import MOST_MEMBERS


@dataclass(eq=False)
class CodeInvalid(Malformed):
    """The code is not written as its scheme writes codes."""

    slug: ClassVar[str] = "certificate-code-invalid"
    es: ClassVar[str] = "El código no está escrito como los de su esquema ({where}): {reason}."
    en: ClassVar[str] = "The code is not written as its scheme writes them ({where}): {reason}."


@dataclass(eq=False)
class PrefixOfAnother(Refusal):
    """The letters before the code name another certification body, whose certificates stand under them."""

    slug: ClassVar[str] = "certificate-prefix-of-another"
    es: ClassVar[str] = "Las letras {prefix} son de {certifier}: un certificado lleva las de quien lo emite."
    en: ClassVar[str] = "The letters {prefix} are those of {certifier}: a certificate bears those of its issuer."
    prefix: str
    certifier: str


@dataclass(eq=False)
class TooManyMembers(Refusal):
    """The log keeps no larger group."""

    slug: ClassVar[str] = "too-many-members"
    es: ClassVar[str] = "El grupo tendría {members} miembros; el máximo es {limit}."
    en: ClassVar[str] = "The group would have {members} members; the most is {limit}."
    members: int
    limit: int


@dataclass(frozen=True, slots=True)
class Code:
    """A certificate code taken apart. ``number`` is how it stands in addresses and in the log: ``-`` for ``/``."""

    number: str
    prefix: str
    scope: str


@dataclass(frozen=True, slots=True)
class Member:
    """An organisation in the group, from a day on and perhaps up to one."""

    org: str
    first_day: date
    last_day: date | None
    state: str = "in_force"

    def statement(self) -> dict[str, Any]:
        """As the log says it."""
        days = {"org": self.org, "from": self.first_day.isoformat()}
        return days if self.last_day is None else days | {"to": self.last_day.isoformat()}


@dataclass(frozen=True, slots=True)
class Act:
    """What was done to the certificate, or to one member of it. ``at`` is an instant of the format."""

    kind: str
    member: str | None
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certification body says of an organisation and its group."""

    number: str
    code: str
    prefix: str
    scheme: str
    scope: str
    licence: str | None
    certifier: str
    holder: str
    valid_from: date
    valid_to: date
    area_m2: int | None
    state: str
    members: tuple[Member, ...]

    @property
    def content(self) -> tuple[Any, ...]:
        """What the same registration sent twice has in common, whatever became of it."""
        return (
            self.code, self.scheme, self.licence, self.certifier, self.holder, self.valid_from, self.valid_to, self.area_m2,
        )  # fmt: skip

    def statement(self, by: str) -> dict[str, Any]:
        """The body of ``certificate.registered``."""
        body: dict[str, Any] = {
            "number": self.number, "code": self.code, "scheme": self.scheme, "scope": self.scope, "holder": self.holder,
            "valid_from": self.valid_from.isoformat(), "valid_to": self.valid_to.isoformat(),
            "members": [member.statement() for member in self.members], "by": by,
        }  # fmt: skip
        if self.licence is not None:
            body["licence"] = self.licence
        return body if self.area_m2 is None else body | {"area_m2": self.area_m2}

    def check_state(self, *needed: str) -> None:
        """Refuse an act that does not fit the state."""
        if self.state not in needed:
            raise WrongState("certificate", self.number, self.state, ", ".join(needed))

    def member(self, org: str) -> Member | None:
        """The member of this name."""
        return next((member for member in self.members if member.org == org), None)

    def check_change(self, kind: str, member: Member | None) -> None:
        """Refuse to suspend what is suspended or to reinstate what is not; a suspended member does not end the group."""
        needed = {"suspended": ("in_force",), "reinstated": ("suspended",), "ended": ("in_force", "suspended")}[kind]
        if member is None:
            self.check_state(*needed)
            return
        self.check_state("in_force", "suspended")
        if member.state not in needed:
            raise WrongState("member", f"{self.number} {member.org}", member.state, ", ".join(needed))

    def check_members(self, added: Iterable[Member]) -> None:
        """Refuse a group that the log does not keep."""
        self.check_state("in_force", "suspended")
        size = len({member.org for member in (*self.members, *added)})
        if size > MOST_MEMBERS:
            raise TooManyMembers(size, MOST_MEMBERS)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a certificate, or a member of it, counts on a day, and why not."""

    status: str
    valid: bool
    reasons: tuple[Reason, ...]


_AFTER = {"reinstated": "in_force", "suspended": "suspended", "ended": "ended"}
_STATES = {
    "suspended": Reason("suspended", "Está suspendido.", "It is suspended."),
    "ended": Reason("ended", "Terminó.", "It has ended."),
}  # fmt: skip


def standing_on(certificate: Certificate, acts: Iterable[Act], day: date) -> Standing:
    """By its own days, also those before it was registered here, and by the acts up to the end of the day in Peru."""
    return _standing((act for act in acts if act.member is None), certificate.valid_from, certificate.valid_to, day)


def member_standing_on(member: Member, whole: Standing, acts: Iterable[Act], day: date) -> Standing:
    """By the acts on this member, its days in the group, and the group itself: where that does not count, nobody does."""
    own = _standing((act for act in acts if act.member == member.org), member.first_day, member.last_day, day)
    if whole.valid:
        return own
    group = Reason(
        "group-does-not-count", "El certificado del grupo no vale ese día.", "The group's certificate does not count."
    )
    return Standing(own.status, False, (*own.reasons, group))


def _standing(acts: Iterable[Act], first: date, last: date | None, day: date) -> Standing:
    status = "in_force"
    for act in acts:
        if peru_day_of(act.at) <= day.isoformat():
            status = _AFTER.get(act.kind, status)
    reasons = [_STATES[status]] if status in _STATES else []
    if day < first:
        reasons.append(Reason("not-yet", f"Empieza el {first}.", f"It begins on {first}."))
    if last is not None and day > last:
        reasons.append(Reason("expired", f"Venció el {last}.", f"It expired on {last}."))
    return Standing(status, not reasons, tuple(reasons))


# ---- codes


def code_of(text: str, scheme: str, schemes: Sequence[Mapping[str, Any]]) -> Code:
    """A certificate code as its scheme writes it, or ``CodeInvalid``."""
    rules = _scheme(scheme, schemes)
    found = re.fullmatch(rules["code"], text)
    if found is None:
        raise CodeInvalid("code", f"{text[:40]!r} (AAA-FM/COC-000000)")
    return Code(text.replace("/", "-"), found["prefix"], rules["scopes"][found["kind"]])


def check_licence(text: str, scheme: str, schemes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a licence code that is not written as the scheme writes them."""
    if re.fullmatch(_scheme(scheme, schemes)["licence"], text) is None:
        raise CodeInvalid("licence", f"{text[:40]!r} (FSC-C000000)")


def _scheme(scheme: str, schemes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next(one for one in schemes if one["scheme"] == scheme)


@cache
def shipped_schemes() -> tuple[Mapping[str, Any], ...]:
    """How each scheme writes its codes: ``norms/certificates.json``, with its sources."""
    text = (resources.files("services.permits") / "norms" / "certificates.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)["schemes"])
