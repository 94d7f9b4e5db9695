"""What an assembly agreed, with whom it had to be, and what it allows others to do for the community."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from services.permits.domain.party import Organisation
from services.permits.domain.shipped import in_force, shipped
from shared.refusal import Refusal

PURPOSES = ("plan", "delegation", "membership", "contract")
DELEGABLE = ("draft_plan", "upload_census")
# Who may be acted for, and whose keys no third party holds.
COMMUNAL = frozenset({"community", "community_enterprise", "consortium", "federation"})
JOINABLE = frozenset({"community_enterprise", "consortium", "federation"})


@dataclass(eq=False)
class QuorumNotMet(Refusal):
    """Too few of those entitled were there for the agreement to bind."""

    slug: ClassVar[str] = "quorum-not-met"
    es: ClassVar[str] = "Asistieron {present} de {members}; el quórum es {quorum_permille} ‰ ({norm})."
    en: ClassVar[str] = "{present} of {members} were present; the quorum is {quorum_permille} ‰ ({norm})."
    present: int
    members: int
    quorum_permille: int
    norm: str


@dataclass(eq=False)
class AssemblyNeeded(Refusal):
    """The act rests on an agreement of the assembly for it, and there is none."""

    slug: ClassVar[str] = "assembly-act-needed"
    es: ClassVar[str] = "Falta el acta de asamblea de {org} para esto: {purpose} {subject}."
    en: ClassVar[str] = "The assembly act of {org} for this is missing: {purpose} {subject}."
    org: str
    purpose: str
    subject: str


@dataclass(eq=False)
class NotCommunal(Refusal):
    """Only what communities own has assemblies, members and delegations."""

    slug: ClassVar[str] = "not-communal"
    es: ClassVar[str] = "{org} es {kind}: esto es de comunidades y de sus uniones."
    en: ClassVar[str] = "{org} is a {kind}: this belongs to communities and their unions."
    org: str
    kind: str


@dataclass(eq=False)
class DayNotCome(Refusal):
    """A fact of a day that has not come."""

    slug: ClassVar[str] = "day-not-come"
    es: ClassVar[str] = "El {day} todavía no llega (hoy es {today})."
    en: ClassVar[str] = "{day} has not come yet (today is {today})."
    day: str
    today: str


@dataclass(frozen=True, slots=True)
class AssemblyAct:
    """An agreement as its minutes have it; ``document`` is their SHA-256."""

    org: str
    number: str
    region: str | None
    purpose: str
    plan: str | None
    held_on: date
    present: int
    members: int
    quorum_permille: int
    norm: str
    agreement: str
    third_parties: tuple[str, ...]
    document: str
    recorded_by: str

    @property
    def content(self) -> tuple[Any, ...]:
        """What the same act sent twice has in common."""
        return (
            self.purpose, self.plan, self.held_on, self.present, self.members, self.agreement, self.third_parties,
            self.document,
        )  # fmt: skip

    def check_use(self, org: str, purpose: str, subject: str, party: str | None = None) -> None:
        """Refuse to rest another thing on it than what was agreed, or a party that it does not name."""
        agreed = self.purpose == purpose and self.plan in (None, subject)
        if self.org != org or not agreed or (party is not None and party not in self.third_parties):
            raise AssemblyNeeded(org, purpose, subject if party is None else f"{subject} ({party})")


def check_come(day: date, today: date) -> None:
    """Refuse as a fact what lies in the future."""
    if day > today:
        raise DayNotCome(day.isoformat(), today.isoformat())


def check_quorum(held_on: date, present: int, members: int, today: date) -> tuple[int, str]:
    """The quorum in thousandths and its norm on the day of the assembly; ``QuorumNotMet`` when it was not reached."""
    check_come(held_on, today)
    rule = in_force(shipped("assembly")["quorum"], held_on)
    assert rule is not None, "the file begins before the first day that a body may name"
    permille, norm = int(rule["quorum_permille"]), str(rule["norm"])
    if present * 1000 < members * permille:
        raise QuorumNotMet(present, members, permille, norm)
    return permille, norm


def check_communal(org: Organisation, kinds: frozenset[str] = COMMUNAL) -> None:
    """Refuse an organisation of another kind."""
    if org.kind not in kinds:
        raise NotCommunal(org.id, org.kind)


# ---- delegations


@dataclass(eq=False)
class NoDelegation(Refusal):
    """Somebody acts for a community that did not give them this."""

    slug: ClassVar[str] = "no-delegation"
    es: ClassVar[str] = "{org} no delegó en {delegate} para el plan {plan}: {act}."
    en: ClassVar[str] = "{org} has not delegated this to {delegate} for plan {plan}: {act}."
    org: str
    delegate: str
    plan: str
    act: str


@dataclass(eq=False)
class DelegationEnded(Refusal):
    """It was given, and does not count on this day."""

    slug: ClassVar[str] = "delegation-ended"
    es: ClassVar[str] = "La delegación {number} de {org} no rige: {state_es}."
    en: ClassVar[str] = "Delegation {number} of {org} does not count: {state}."
    org: str
    number: str
    state: str
    state_es: str


@dataclass(eq=False)
class OutsideDelegation(Refusal):
    """What was done goes beyond the species that were given."""

    slug: ClassVar[str] = "outside-delegation"
    es: ClassVar[str] = "La delegación {number} de {org} no incluye: {species}."
    en: ClassVar[str] = "Delegation {number} of {org} does not include: {species}."
    org: str
    number: str
    species: str


@dataclass(eq=False)
class DelegationExceeded(Refusal):
    """More wood than the cap of the delegation."""

    slug: ClassVar[str] = "delegation-exceeded"
    es: ClassVar[str] = "La delegación {number} de {org} llega a {cap_dm3} dm³; se piden {asked_dm3} dm³."
    en: ClassVar[str] = "Delegation {number} of {org} reaches {cap_dm3} dm³; {asked_dm3} dm³ are asked for."
    org: str
    number: str
    cap_dm3: int
    asked_dm3: int


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a community lets another do for it: on one plan, perhaps for some species and up to a volume, until a day."""

    org: str
    number: str
    region: str | None
    delegate: str
    person: str | None
    plan: str
    acts: tuple[str, ...]
    species: tuple[str, ...] | None
    cap_dm3: int | None
    valid_from: date
    valid_to: date
    assembly_act: str
    given_by: str
    revoked_at: datetime | None = None
    revoked_reason: str | None = None

    @property
    def content(self) -> tuple[Any, ...]:
        """What the same delegation sent twice has in common."""
        return (
            self.delegate, self.person, self.plan, self.acts, self.species, self.cap_dm3, self.valid_from,
            self.valid_to, self.assembly_act,
        )  # fmt: skip

    def state_on(self, day: date) -> str:
        """``active``, or why it does not count."""
        if self.revoked_at is not None:
            return "revoked"
        return "not_yet" if day < self.valid_from else "expired" if day > self.valid_to else "active"

    def check(self, day: date, volumes_dm3: Mapping[str, int]) -> None:
        """Refuse when it does not count on the day, or what is done (dm3 by species) goes beyond it."""
        state = self.state_on(day)
        if state != "active":
            raise DelegationEnded(self.org, self.number, state, _STATES[state])
        beyond = sorted(volumes_dm3.keys() - set(self.species)) if self.species is not None else []
        if beyond:
            raise OutsideDelegation(self.org, self.number, ", ".join(beyond[:10]))
        total = sum(volumes_dm3.values())
        if self.cap_dm3 is not None and total > self.cap_dm3:
            raise DelegationExceeded(self.org, self.number, self.cap_dm3, total)


_STATES = {"revoked": "revocada", "not_yet": "todavía no empieza", "expired": "vencida"}


def check_delegation(
    found: Sequence[Delegation], org: str, delegate: str, person: str, plan: str, act: str, day: date,
    volumes_dm3: Iterable[tuple[str, int]] = (),
) -> None:  # fmt: skip
    """Pass when one of these delegations bears the act whole; else the refusal of the last one given."""
    volumes: dict[str, int] = {}
    for species, dm3 in volumes_dm3:
        volumes[species] = volumes.get(species, 0) + dm3
    reason: Refusal = NoDelegation(org, delegate, plan, act)
    for one in found:
        if one.delegate != delegate or one.plan != plan or act not in one.acts or one.person not in (None, person):
            continue
        try:
            one.check(day, volumes)
        except Refusal as refusal:
            reason = refusal
        else:
            return
    raise reason


@dataclass(frozen=True, slots=True)
class Membership:
    """That a community is a member of a consortium, enterprise or federation, from a day and perhaps to another."""

    org: str
    member: str
    since: date
    until: date | None
    assembly_act: str
