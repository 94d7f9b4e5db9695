"""Permits: lines of authorised volume on an approved plan, proposed by one person and approved by another."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from services.permits.domain.finding import Finding
from services.permits.domain.lifecycle import Extension, transition
from services.permits.domain.party import ReferenceUnknown, WrongState
from services.permits.domain.plan import Plan, cited
from shared.refusal import Refusal
from shared.timber.refusals import WindowOrder
from shared.tlog import canon

# A statement has 16,384 bytes and its list 200 lines; what surrounds the lines needs less than 1,400 bytes.
PART_LINES = 200
PART_BYTES = 14_800
CONTINUED = "continued"

LineKey = tuple[str, str, str]


@dataclass(eq=False)
class ExceedsCensus(Refusal):
    """With all permits of the plan and of those it superseded, more is authorised than the harvestable trees of the census hold
    (rule P05)."""

    slug: ClassVar[str] = "exceeds-census"
    es: ClassVar[str] = (
        "{species} en {parcel}: con todos los permisos del plan y de los que reemplaza se autorizan"
        " {authorised_dm3} dm³ y {authorised_trees} árboles; el censo aprovechable tiene"
        " {census_dm3} dm³ y {census_trees} árboles (tolerancia {tolerance_permille} ‰)."
    )
    en: ClassVar[str] = (
        "{species} in {parcel}: with all permits of the plan and of those it superseded {authorised_dm3} dm³ and"
        " {authorised_trees} trees are authorised;"
        " the harvestable census holds {census_dm3} dm³ and {census_trees} trees (tolerance {tolerance_permille} ‰)."
    )
    permit: str
    parcel: str
    species: str
    authorised_dm3: int
    authorised_trees: int
    census_dm3: int
    census_trees: int
    tolerance_permille: int


@dataclass(eq=False)
class CensusNotWhole(Refusal):
    """Other plans over the same trees have authorised volume, and without the whole census nobody can say what is left of it."""

    slug: ClassVar[str] = "census-not-whole"
    es: ClassVar[str] = (
        "Los permisos {others} autorizan volumen de los mismos árboles, y {plan} no lista el censo entero: no se puede pesar lo que"
        " queda. Presente un plan con su censo completo."
    )
    en: ClassVar[str] = (
        "Permits {others} authorise volume of the same trees, and {plan} does not list its whole census: what is left of it cannot be"
        " weighed. Submit a plan with its whole census."
    )
    plan: str
    others: str


@dataclass(eq=False)
class NotStopped(Refusal):
    """A volume is lowered while the permit is suspended and the log says so: before, a guide may draw it in the same moment."""

    slug: ClassVar[str] = "permit-not-stopped"
    es: ClassVar[str] = (
        "El volumen de {permit} se reduce mientras está suspendido y la bitácora ya lo dice: antes, una guía puede gastarlo en"
        " el mismo momento. Suspéndalo, reduzca y levante la suspensión."
    )
    en: ClassVar[str] = (
        "The volume of {permit} is lowered while it is suspended and the log says so: before, a guide may draw it in the same"
        " moment. Suspend it, lower it and reinstate it."
    )
    permit: str


@dataclass(eq=False)
class BelowDrawn(Refusal):
    """More has been drawn on the line than it would authorise."""

    slug: ClassVar[str] = "below-drawn"
    es: ClassVar[str] = (
        "{permit}, {species} ({product}) en {parcel}: ya se gastaron {drawn_dm3} dm³; no se reduce a {asked_dm3} dm³."
    )
    en: ClassVar[str] = (
        "{permit}, {species} ({product}) in {parcel}: {drawn_dm3} dm³ have been drawn; it is not lowered to {asked_dm3} dm³."
    )
    permit: str
    parcel: str
    species: str
    product: str
    drawn_dm3: int
    asked_dm3: int


@dataclass(eq=False)
class HolderNotAgreed(Refusal):
    """Somebody else than the community holds the permit, and the assembly act for its plan does not name them (rule P14)."""

    slug: ClassVar[str] = "holder-not-agreed"
    es: ClassVar[str] = "El acta de asamblea que acordó {plan} no nombra a {holder} como tercero."
    en: ClassVar[str] = "The assembly act that agreed to {plan} does not name {holder} as a third party."
    plan: str
    holder: str


@dataclass(eq=False)
class OutsidePlan(Refusal):
    """The permit's harvest days lie outside those of its plan."""

    slug: ClassVar[str] = "outside-plan-window"
    es: ClassVar[str] = "El permiso va de {harvest_from} a {harvest_to}; el plan, de {plan_from} a {plan_to}."
    en: ClassVar[str] = "The permit runs from {harvest_from} to {harvest_to}; the plan from {plan_from} to {plan_to}."
    harvest_from: str
    harvest_to: str
    plan_from: str
    plan_to: str


@dataclass(frozen=True, slots=True)
class Line:
    """One authorised volume."""

    parcel: str
    species: str
    product: str
    volume_dm3: int
    trees: int | None = None

    @property
    def key(self) -> LineKey:
        """What makes a line one line of its permit."""
        return self.parcel, self.species, self.product

    def statement(self) -> dict[str, Any]:
        """As it stands in a statement."""
        body: dict[str, Any] = {
            "parcel": self.parcel, "species": self.species, "product": self.product, "volume_dm3": self.volume_dm3,
        }  # fmt: skip
        return body if self.trees is None else body | {"trees": self.trees}


@dataclass(frozen=True, slots=True)
class Act:
    """Something an authority did to a permit. ``at`` is UTC, to the second."""

    kind: str
    at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """A proposed or approved change of lines; each of its lines sets the authorised volume anew."""

    id: str
    reason: str
    lines: tuple[Line, ...]
    state: str
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit with its present lines. ``org`` is the title's organisation; ``measure`` is why it is suspended, and
    ``measure_by`` who ordered that; ``reentries`` are the harvest windows after the first."""

    number: str
    official_number: str | None
    title: str
    plan: str
    org: str
    regent: str | None
    region: str
    holder: str
    harvest_from: date
    harvest_to: date
    move_to: date
    state: str
    lines: tuple[Line, ...]
    p05: str
    proposed_by: str
    sid: str | None
    last_sid: str | None
    approved_by: str | None = None
    measure: str | None = None
    measure_by: str | None = None
    reentries: tuple[tuple[date, date], ...] = ()

    @property
    def content(self) -> tuple[Any, ...]:
        """What the same proposal sent twice has in common."""
        return (
            self.official_number, self.plan, self.holder, self.harvest_from, self.harvest_to, self.move_to, self.lines,
        )  # fmt: skip

    def window_on(self, day: date) -> tuple[date, date]:
        """The harvest window that had begun last on a day; before the first, the first."""
        begun = [window for window in self.reentries if window[0] <= day]
        return begun[-1] if begun else (self.harvest_from, self.harvest_to)

    @property
    def felling_ended(self) -> date:
        """The last day of the last harvest window."""
        return self.reentries[-1][1] if self.reentries else self.harvest_to

    def check_extension(self, extension: Extension) -> None:
        """A further harvest window begins after the last, and the days to move wood are never made fewer."""
        later = extension.harvest_from is None or extension.harvest_from > self.felling_ended
        if not later or extension.move_to < self.move_to:
            raise WindowOrder(self.number, self.felling_ended.isoformat(), self.move_to.isoformat())

    def check_state(self, *needed: str) -> None:
        """Refuse an act that does not fit the state."""
        if self.state not in needed:
            raise WrongState("permit", self.number, self.state, ", ".join(needed))

    def check_against(self, plan: Plan) -> None:
        """An approved plan that is not a strategic one, its parcels, its days."""
        plan.check_state("approved")
        plan.check_operational()
        parcels = {parcel.code for parcel in plan.parcels}
        for line in self.lines:
            if line.parcel not in parcels:
                raise ReferenceUnknown("parcel", f"{plan.id} {line.parcel}")
        if not (plan.harvest_from <= self.harvest_from and self.harvest_to <= plan.harvest_to):
            raise OutsidePlan(
                self.harvest_from.isoformat(), self.harvest_to.isoformat(), plan.harvest_from.isoformat(),
                plan.harvest_to.isoformat(),
            )  # fmt: skip

    def check_approval(self, approver: str) -> None:
        """Still a proposal, and another person than who proposed it."""
        transition("permit", "approve").take(self.number, self.state, approver, {"propose": [self.proposed_by]})

    def check_holder(self, agreed: Collection[str]) -> None:
        """The community itself, or one of the third parties that its assembly agreed to."""
        if self.holder != self.org and self.holder not in agreed:
            raise HolderNotAgreed(self.plan, self.holder)

    def statements(self, proposed_by: str, approved_by: str, documents: Sequence[str] = ()) -> list[dict[str, Any]]:
        """The body of ``permit.issued``, then of ``permit.amended`` for the lines that did not fit; persons as pseudonyms."""
        first, *rest = _parts(self.lines)
        issued: dict[str, Any] = {
            "number": self.number, "title": self.title, "plan": self.plan, "holder": self.holder,
            "harvest_from": self.harvest_from.isoformat(), "harvest_to": self.harvest_to.isoformat(),
            "move_to": self.move_to.isoformat(), "lines": first, "proposed_by": proposed_by, "approved_by": approved_by,
        }  # fmt: skip
        issued |= cited(documents)
        if self.official_number is not None:
            issued["official_number"] = self.official_number
        more = [
            {"number": self.number, "lines": lines, "reason": CONTINUED, "approved_by": approved_by, "part": part}
            for part, lines in enumerate(rest, 2)
        ]
        return [issued, *more]

    def lowered(self, amendment: Amendment) -> tuple[Line, ...]:
        """The lines of an amendment that authorise less volume than now."""
        now = {line.key: line.volume_dm3 for line in self.lines}
        return tuple(line for line in amendment.lines if line.volume_dm3 < now.get(line.key, 0))

    def raised(self, amendment: Amendment) -> bool:
        """Whether a line of an amendment is new, or authorises more volume or trees than now."""
        now = {line.key: line for line in self.lines}
        return any(
            (known := now.get(line.key)) is None
            or line.volume_dm3 > known.volume_dm3
            or (line.trees or 0) > (known.trees or 0)
            for line in amendment.lines
        )

    def check_drawn(self, amendment: Amendment, drawn_dm3: Mapping[LineKey, int]) -> None:
        """No line is lowered under what was drawn on it."""
        for line in self.lowered(amendment):
            drawn = drawn_dm3.get(line.key, 0)
            if line.volume_dm3 < drawn:
                raise BelowDrawn(self.number, line.parcel, line.species, line.product, drawn, line.volume_dm3)

    def amended(self, amendment: Amendment) -> tuple[Line, ...]:
        """The lines after an amendment."""
        lines = {line.key: line for line in self.lines} | {line.key: line for line in amendment.lines}
        return tuple(lines[key] for key in sorted(lines))


def check_amendment(permit: Permit, amendment: Amendment, approver: str) -> None:
    """A permit that counts, a proposal still open, and another person than who proposed it."""
    if amendment.state != "proposed":
        raise WrongState("amendment", f"{permit.number} {amendment.id}", amendment.state, "proposed")
    done = {"propose_amendment": [amendment.proposed_by]}
    transition("permit", "amend").take(permit.number, permit.state, approver, done)


def amendment_statements(number: str, amendment: Amendment, approved_by: str) -> list[dict[str, Any]]:
    """The bodies of ``permit.amended``: one, or numbered parts when the lines need more."""
    parts = _parts(amendment.lines)
    bodies: list[dict[str, Any]] = [
        {"number": number, "lines": lines, "reason": amendment.reason, "approved_by": approved_by} for lines in parts
    ]
    return bodies if len(bodies) == 1 else [body | {"part": part} for part, body in enumerate(bodies, 1)]


def extension_statement(number: str, extension: Extension, resolution: str, approved_by: str) -> dict[str, Any]:
    """The body of ``permit.amended`` that moves a permit's clocks."""
    body: dict[str, Any] = {
        "number": number, "reason": resolution, "approved_by": approved_by, "move_to": extension.move_to.isoformat(),
    }  # fmt: skip
    if extension.harvest_from is not None and extension.harvest_to is not None:
        body |= {"harvest_from": extension.harvest_from.isoformat(), "harvest_to": extension.harvest_to.isoformat()}
    return body | cited(extension.documents)


def check_weighed(plan: Plan, others: Iterable[Permit]) -> None:
    """Refuse to authorise beside the permits of other plans over the same trees what P05 cannot weigh with them."""
    elsewhere = [one.number for one in others if one.plan != plan.id and one.lines]
    if plan.census_basis != "listed" and elsewhere:
        raise CensusNotWhole(plan.id, ", ".join(elsewhere))


def check_held(number: str, finding: Finding) -> None:
    """Refuse what rule P05 found above the census; what it could not evaluate passes, and the permit says so."""
    for row in finding.evidence if finding.status == "FAIL" else ():
        raise ExceedsCensus(number, **row, tolerance_permille=finding.threshold["volume_tolerance_permille"])


def _parts(lines: Iterable[Line]) -> list[list[dict[str, Any]]]:
    parts: list[list[dict[str, Any]]] = [[]]
    size = 0
    for line in lines:
        body = line.statement()
        needed = len(canon.encode(body)) + 1
        if parts[-1] and (len(parts[-1]) == PART_LINES or size + needed > PART_BYTES):
            parts.append([])
            size = 0
        parts[-1].append(body)
        size += needed
    return parts
