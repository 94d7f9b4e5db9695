"""A supervision of a plan's harvest: trees, documents and volumes, told to the holder before it is closed.

Two volumes are never added: *no autorizado* is a known tree that was not allowed (numeral 10), *injustificado* is volume
moved with no tree behind it (numerals 21 and 26). V1 to V3 are the supervisor's own indicators, on what was sampled. The
class limits of an overall score are not public, so none is worked out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from services.permits.domain.day import peru_day
from services.permits.domain.field_norms import checklist, kinds_by_numeral
from services.permits.domain.visit import Result, Visit
from shared.refusal import Malformed, Refusal


@dataclass(eq=False)
class NumeralUnknown(Malformed):
    """The numeral is not one of those that speak of volume."""

    slug: ClassVar[str] = "numeral-unknown"
    es: ClassVar[str] = "{where}: el numeral {reason} no trata de volumen."
    en: ClassVar[str] = "{where}: numeral {reason} does not speak of volume."


@dataclass(eq=False)
class DocumentUnknown(Malformed):
    """The document is not one of the checklist."""

    slug: ClassVar[str] = "document-unknown"
    es: ClassVar[str] = "{where}: {reason} no está en la lista de documentos."
    en: ClassVar[str] = "{where}: {reason} is not in the list of documents."


@dataclass(eq=False)
class ChecklistIncomplete(Refusal):
    """Documents of the checklist were not looked for."""

    slug: ClassVar[str] = "checklist-incomplete"
    es: ClassVar[str] = "Falta decir de estos documentos si están: {documents}."
    en: ClassVar[str] = "Say of these documents whether they are there: {documents}."
    documents: str


@dataclass(eq=False)
class AlreadyNotified(Refusal):
    """The holder was told; what the supervision found does not change any more."""

    slug: ClassVar[str] = "already-notified"
    es: ClassVar[str] = "La supervisión {number} ya se notificó; lo hallado no cambia."
    en: ClassVar[str] = "Supervision {number} has been notified; what it found does not change."
    number: str


@dataclass(eq=False)
class NotNotified(Refusal):
    """The holder has not been told yet."""

    slug: ClassVar[str] = "not-notified"
    es: ClassVar[str] = "La supervisión {number} aún no se notificó al titular."
    en: ClassVar[str] = "Supervision {number} has not been notified to the holder yet."
    number: str


@dataclass(eq=False)
class AnswerAwaited(Refusal):
    """The holder has not answered, and still has days to."""

    slug: ClassVar[str] = "answer-awaited"
    es: ClassVar[str] = "El titular puede responder la supervisión {number} hasta el {until}."
    en: ClassVar[str] = "The holder may answer supervision {number} until {until}."
    number: str
    until: str


VolumeKey = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Supervision:
    """A supervision. ``moved`` is what custody said when it was closed; ``None`` before, and when custody did not answer."""

    visit: Visit
    permit: str | None
    visited_from: date
    visited_to: date
    notified_at: datetime | None
    conclusion: str | None
    moved: "Moved | None"

    @property
    def state(self) -> str:
        """``open`` in the field and at the desk, ``notified`` to the holder, ``closed``."""
        return "closed" if self.visit.closed_at is not None else "open" if self.notified_at is None else "notified"

    @property
    def answer_until(self) -> date | None:
        """The last day of the holder's answer."""
        if self.notified_at is None:
            return None
        return peru_day(self.notified_at) + timedelta(days=self.visit.tolerances.answer_days)

    def check_changeable(self) -> None:
        """Refuse new findings after the holder was told."""
        self.visit.check_open()
        if self.notified_at is not None:
            raise AlreadyNotified(self.visit.number)

    def check_answerable(self) -> None:
        """There is something to answer, and it is not closed."""
        self.visit.check_open()
        if self.notified_at is None:
            raise NotNotified(self.visit.number)

    def check_closing(self, answers: int, today: date) -> None:
        """The holder has answered, or has let the days pass."""
        self.check_answerable()
        until = self.answer_until
        assert until is not None, "check_answerable saw to it"
        if not answers and today <= until:
            raise AnswerAwaited(self.visit.number, until.isoformat())


@dataclass(frozen=True, slots=True)
class FoundVolume:
    """A volume the supervisor finds fault with, under one numeral."""

    parcel: str
    species: str
    numeral: int
    kind: str
    volume_dm3: int
    trees: int | None
    reason: str

    @property
    def key(self) -> VolumeKey:
        """What makes it one of its supervision."""
        return self.parcel, self.species, self.numeral

    @classmethod
    def under(
        cls, parcel: str, species: str, numeral: int, volume_dm3: int, trees: int | None, reason: str
    ) -> "FoundVolume":
        """The kind follows from the numeral. NumeralUnknown for one that does not speak of volume."""
        kind = kinds_by_numeral().get(numeral)
        if kind is None:
            raise NumeralUnknown("numeral", str(numeral))
        return cls(parcel, species, numeral, kind, volume_dm3, trees, reason)


@dataclass(frozen=True, slots=True)
class Moved:
    """What custody counts as drawn on the permit, by species, products apart summed in litres of each; ``as_of`` entries."""

    as_of: int
    by_species: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Indicators:
    """V1: non-existent trees of those looked for. V2: supervised species with unjustified volume. V3: unjustified over moved
    volume of the supervised species. In permille, rounded down; None where there is nothing to divide by, or where what was
    moved is unknown."""

    species: int
    trees_looked_for: int
    trees_absent: int
    unauthorised_dm3: int
    unjustified_dm3: int
    moved_dm3: int | None
    v1_permille: int | None
    v2_permille: int | None
    v3_permille: int | None


def indicators(
    results: Iterable[Result], planned_species: Mapping[tuple[str, str], str], volumes: Sequence[FoundVolume],
    moved: Moved | None, dropped: Collection[VolumeKey] = (),
) -> Indicators:  # fmt: skip
    """V1 to V3. Supervised species are those of the trees that were reached and of the volumes found fault with; volumes that were
    ``dropped`` (``supervised_volume.counts``) are held against nobody."""
    reached = [result for result in results if result.verdict != "not_reached"]
    absent = sum(result.verdict == "absent" for result in reached)
    species = {planned_species[result.parcel, result.code] for result in reached} | {one.species for one in volumes}
    standing = [one for one in volumes if one.key not in dropped]
    unjustified = [one for one in standing if one.kind == "unjustified"]
    without = {one.species for one in unjustified}
    volume = sum(one.volume_dm3 for one in unjustified)
    moved_dm3 = None if moved is None else sum(moved.by_species.get(name, 0) for name in species)
    return Indicators(
        len(species), len(reached), absent, sum(one.volume_dm3 for one in standing if one.kind == "unauthorised"), volume,
        moved_dm3, _permille(absent, len(reached)), _permille(len(without), len(species)), _permille(volume, moved_dm3),
    )  # fmt: skip


def _permille(part: int, whole: int | None) -> int | None:
    return None if not whole else part * 1000 // whole


def moved_from(answers: Iterable[Mapping[str, Any]], as_of: int) -> Moved:
    """The balances of a permit as custody answers them. Products stay apart in the balance; here only round wood counts,
    because sawn and round wood of one tree would count it twice."""
    by_species: dict[str, int] = {}
    for line in answers:
        if line["product"] == ROUNDWOOD:
            by_species[line["species"]] = by_species.get(line["species"], 0) + int(line["drawn_dm3"])
    return Moved(as_of, by_species)


ROUNDWOOD = "roundwood"


def check_documents(named: Iterable[str]) -> None:
    """Every document is one of the checklist."""
    for name in named:
        if name not in checklist():
            raise DocumentUnknown("document", name)


def check_checklist(states: Collection[str]) -> None:
    """Every document of the checklist was looked for: absent is an answer, silence is none."""
    missing = [name for name in checklist() if name not in states]
    if missing:
        raise ChecklistIncomplete(", ".join(missing))
