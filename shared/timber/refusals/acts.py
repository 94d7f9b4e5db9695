"""Acts of authority that do not fit what stands in the log."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal


@dataclass(eq=False)
class NotIndependent(Refusal):
    """A field inspection counts as coverage: only a supervisor, an authority or a certifier without the title reports one."""

    slug: ClassVar[str] = "not-independent"
    es: ClassVar[str] = "{inspector} ({kind}) no es independiente del plan {plan}: su inspección no cuenta."
    en: ClassVar[str] = "{inspector} ({kind}) is not independent of plan {plan}: its inspection does not count."
    inspector: str
    kind: str
    plan: str


@dataclass(eq=False)
class CensusExceeded(Refusal):
    """The plan was approved with fewer parts or trees in its census than this record would bring it to."""

    slug: ClassVar[str] = "census-exceeded"
    es: ClassVar[str] = "El plan {plan} se aprobó con un censo de {approved} ({what}): este registro llega a {reached}."
    en: ClassVar[str] = "Plan {plan} was approved with a census of {approved} ({what}): this record reaches {reached}."
    plan: str
    what: str
    approved: int
    reached: int

    def text(self, language: str) -> str:
        """The sentence, with what is counted in the reader's word."""
        words = {"parts": "partes", "trees": "árboles"} if language == "es" else {}
        facts = self.facts() | {"what": words.get(self.what, self.what)}
        return (self.en if language == "en" else self.es).format(**facts)


@dataclass(eq=False)
class ListFromFuture(Refusal):
    """A status list of a day to come would hide every list until then."""

    slug: ClassVar[str] = "list-from-future"
    es: ClassVar[str] = "La lista de estado es de {listed_at}, más de {limit_days} día(s) después de hoy, {today}."
    en: ClassVar[str] = "The status list is of {listed_at}, more than {limit_days} day(s) after today, {today}."
    listed_at: str
    today: str
    limit_days: int


@dataclass(eq=False)
class PermitStatus(Refusal):
    """The permit's status does not allow this change."""

    slug: ClassVar[str] = "permit-status"
    es: ClassVar[str] = "El permiso {permit} está {status} desde la entrada {status_index}."
    en: ClassVar[str] = "Permit {permit} is {status} since entry {status_index}."
    permit: str
    status: str
    status_index: int


@dataclass(eq=False)
class NotTheEnd(Refusal):
    """A log is continued right behind its last entry, or it is not continued."""

    slug: ClassVar[str] = "not-the-end"
    es: ClassVar[str] = "La bitácora {before} tuvo {size} entradas: no continúa en la entrada {index}."
    en: ClassVar[str] = "The log {before} had {size} entries: it does not go on at entry {index}."
    before: str
    size: int
    index: int
