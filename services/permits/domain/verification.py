"""Field verification by public lottery: opened by an officer, drawn from the log, done by somebody independent, closed whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from services.permits.domain.estimate import Seen
from services.permits.domain.party import SamePerson
from services.permits.domain.plan import Plan
from services.permits.domain.visit import Result, Visit
from shared.refusal import Refusal
from shared.timber.draw_file import Terms
from shared.timber.lottery import FRAME, Tree
from shared.timber.norms.lottery import Design
from shared.timber.outgoing import Announced

# A plan that an officer has inspected by eye was handed in and cannot change either: its draw is that of its submission.
_STAGES = {"submitted": "submitted", "inspected": "submitted", "approved": "approved"}


@dataclass(eq=False)
class CensusVerified(Refusal):
    """Field work was opened on this census, and its lottery is bound to it: another census would choose its own draw."""

    slug: ClassVar[str] = "census-verified"
    es: ClassVar[str] = (
        "Sobre el censo de {plan} ya se abrió una verificación: no se cambia. Presente otro plan que lo reformule (supersedes)."
    )
    en: ClassVar[str] = (
        "A verification was opened on the census of {plan}: it does not change. Hand in another plan that reformulates it"
        " (supersedes)."
    )
    plan: str


@dataclass(eq=False)
class VerificationExists(Refusal):
    """The organisation verifies the plan at this stage already. Another one may: it draws the same trees."""

    slug: ClassVar[str] = "verification-exists"
    es: ClassVar[str] = "{verifier} ya tiene una verificación del plan {plan} en esta etapa ({stage})."
    en: ClassVar[str] = "{verifier} already has a verification of plan {plan} at this stage ({stage})."
    plan: str
    stage: str
    verifier: str


@dataclass(eq=False)
class NothingToDraw(Refusal):
    """The census lists no harvestable tree."""

    slug: ClassVar[str] = "nothing-to-draw"
    es: ClassVar[str] = "El censo del plan {plan} no lista árboles aprovechables."
    en: ClassVar[str] = "The census of plan {plan} lists no harvestable tree."
    plan: str


@dataclass(eq=False)
class CensusNotInLog(Refusal):
    """The plan or a part of its census is not in the log yet, so nobody could recompute the draw."""

    slug: ClassVar[str] = "census-not-in-log"
    es: ClassVar[str] = "El censo del plan {plan} aún no está completo en la bitácora: faltan {missing} registros."
    en: ClassVar[str] = "The census of plan {plan} is not whole in the log yet: {missing} records are missing."
    plan: str
    missing: int


@dataclass(eq=False)
class CensusNotCommitted(Refusal):
    """The plan was handed in before submissions put their census into the log, so the log holds nothing to draw from."""

    slug: ClassVar[str] = "census-not-committed"
    es: ClassVar[str] = (
        "El plan {plan} se presentó sin que la bitácora recibiera la huella de su censo. Obsérvelo y que se presente otra vez, o"
        " verifique después de aprobarlo."
    )
    en: ClassVar[str] = (
        "Plan {plan} was handed in without the log receiving the hash of its census. Observe it and have it handed in again, or"
        " verify after the approval."
    )
    plan: str


@dataclass(eq=False)
class SeedNotYet(Refusal):
    """The log has published no checkpoint yet that came after the census (where it has witnesses: no cosigned one)."""

    slug: ClassVar[str] = "seed-not-yet"
    es: ClassVar[str] = (
        "La bitácora aún no publica una constancia posterior al censo ({after} entradas). Vuelva a pedirlo."
    )
    en: ClassVar[str] = "The log has not published a checkpoint after the census ({after} entries) yet. Ask again."
    after: int


@dataclass(eq=False)
class NotDrawn(Refusal):
    """The tree is not of the sample: nobody chooses the trees, also not more of them."""

    slug: ClassVar[str] = "tree-not-drawn"
    es: ClassVar[str] = "Estos árboles no salieron en el sorteo {number}: {trees}."
    en: ClassVar[str] = "These trees were not drawn in {number}: {trees}."
    number: str
    trees: str


@dataclass(eq=False)
class SampleIncomplete(Refusal):
    """Trees of the sample have no result. What cannot be reached is reported as such, not left out."""

    slug: ClassVar[str] = "sample-incomplete"
    es: ClassVar[str] = "Faltan resultados de {missing} de {drawn} árboles sorteados: {trees}."
    en: ClassVar[str] = "Results of {missing} of {drawn} drawn trees are missing: {trees}."
    missing: int
    drawn: int
    trees: str


@dataclass(eq=False)
class NotDrawnYet(Refusal):
    """There is no sample before the draw."""

    slug: ClassVar[str] = "not-drawn-yet"
    es: ClassVar[str] = "La verificación {number} aún no se sorteó."
    en: ClassVar[str] = "Verification {number} has not been drawn yet."
    number: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What the seed follows from: the log, the size that its checkpoint must pass, where the log lists the census, and the
    entry with which it committed to it at the submission."""

    origin: str
    after: int
    entries: tuple[int, int] | None
    committed: int | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification. ``note``, ``cosignature``, ``seed`` and ``strata`` are there once it was drawn."""

    visit: Visit
    stage: str
    census_root: str
    listing_root: str
    basis: Basis
    design: Design
    cites: tuple[str, ...]
    note: bytes | None
    cosignature: str | None
    seed: str | None
    strata: tuple[dict[str, Any], ...]
    drawn_at: datetime | None

    @property
    def state(self) -> str:
        """``waiting`` for the seed, ``drawn``, or ``closed``."""
        return "closed" if self.visit.closed_at is not None else "waiting" if self.seed is None else "drawn"

    @property
    def terms(self) -> Terms:
        """What was fixed at the opening, as the draw document states it."""
        return Terms(
            self.visit.number,
            self.visit.plan,
            self.stage,
            self.census_root,
            self.basis.after,
            self.basis.entries,
            self.design,
            self.cites,
            self.basis.committed,
        )

    def check_drawn(self) -> None:
        """Refuse work on a sample that does not exist."""
        if self.seed is None:
            raise NotDrawnYet(self.visit.number)


@dataclass(frozen=True, slots=True)
class SampleTree:
    """A tree of the sample with its place in the draw. ``planned`` is missing where the reader may not see the census."""

    parcel: str
    code: str
    stratum: str
    rank: int
    ticket: str

    @property
    def key(self) -> tuple[str, str]:
        """A code alone repeats across parcels."""
        return self.parcel, self.code


def public_census(trees: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[Tree, ...]:
    """The census as the log lists it, in the order of its root."""
    return tuple(Tree(parcel, **public) for parcel, public in trees)


def stage_of(plan: Plan) -> str:
    """At which of its two stages a plan is drawn; ``WrongState`` while it may still change."""
    plan.check_state(*_STAGES)
    return _STAGES[plan.state]


def check_frame(plan: Plan, trees: Sequence[Tree]) -> None:
    """There must be something to draw from."""
    if not any(tree.condition == FRAME for tree in trees):
        raise NothingToDraw(plan.id)


def basis_before(plan: Plan, log: Basis, commitment: Announced | None) -> Basis:
    """The basis of a submitted plan: after all that the log holds now, the commitment to its census among it.
    CensusNotCommitted without one; CensusNotInLog while the log has not published it."""
    if commitment is None:
        raise CensusNotCommitted(plan.id)
    if commitment.index is None or commitment.index >= log.after:
        raise CensusNotInLog(plan.id, 1)
    return replace(log, committed=commitment.index)


def basis_in(plan: Plan, letters: Sequence[Announced], commitment: Announced | None) -> Basis:
    """The basis of an approved plan: after the last entry that lists its census. CensusNotInLog while one is missing."""
    indexes = [letter.index for letter in letters if letter.index is not None]
    missing = 1 + plan.census.parts - len(indexes)
    if missing > 0:
        raise CensusNotInLog(plan.id, missing)
    after = max(indexes)
    # One that the log refused at first may stand behind the listing; then the listing alone binds the census.
    committed = (
        None if commitment is None or commitment.index is None or commitment.index >= after else commitment.index
    )
    return Basis(str(letters[0].origin), after, (min(indexes), after), committed)


def check_sampled(number: str, sample: Mapping[tuple[str, str], SampleTree], asked: Iterable[tuple[str, str]]) -> None:
    """Only drawn trees have results."""
    strangers = [f"{parcel} {code}" for parcel, code in asked if (parcel, code) not in sample]
    if strangers:
        raise NotDrawn(number, ", ".join(strangers[:10]))


def check_whole(sample: Iterable[SampleTree], results: Mapping[tuple[str, str], Result]) -> None:
    """Every drawn tree has a result."""
    drawn = list(sample)
    missing = [f"{tree.parcel} {tree.code}" for tree in drawn if tree.key not in results]
    if missing:
        raise SampleIncomplete(len(missing), len(drawn), ", ".join(missing[:10]))


def check_not_verifier(plan: str, officer: str, verifiers: Iterable[str]) -> None:
    """Whoever looked at the trees of a plan does not approve it."""
    if officer in set(verifiers):
        raise SamePerson(
            f"verificó en campo el plan {plan}", "aprobarlo", f"verify plan {plan} in the field", "approve it"
        )


def seen_in(
    strata: Iterable[Mapping[str, Any]], frame: Mapping[str, Sequence[Tree]], sample: Sequence[SampleTree],
    results: Mapping[tuple[str, str], Result],
) -> list[Seen]:  # fmt: skip
    """What the results so far say of each stratum; ``frame`` holds its trees. A tree without a result counts as not reached."""
    return [_seen(str(layer["name"]), frame[str(layer["name"])], sample, results) for layer in strata]


def _seen(
    name: str, frame: Sequence[Tree], sample: Sequence[SampleTree], results: Mapping[tuple[str, str], Result]
) -> Seen:
    volume = {(tree.parcel, tree.code): tree.volume_dm3 for tree in frame}
    drawn = [tree.key for tree in sample if tree.stratum == name]
    reached = {key: results[key] for key in drawn if key in results and results[key].verdict != "not_reached"}
    absent = [key for key, result in reached.items() if result.verdict == "absent"]
    measured = {key: r.facts["field_dm3"] for key, r in reached.items() if r.facts["field_dm3"] is not None}
    return Seen(
        name, len(frame), sum(volume.values()), len(drawn), len(reached), len(absent),
        sum(result.verdict == "mismatch" for result in reached.values()),
        sum(volume[key] for key in reached), sum(volume[key] for key in absent),
        sum(volume[key] for key in measured), sum(max(0, volume[key] - found) for key, found in measured.items()),
        tuple(dm3 for key, dm3 in volume.items() if key not in reached),
    )  # fmt: skip
