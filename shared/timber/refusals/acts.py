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
class WindowOrder(Refusal):
    """A further harvest window begins after the last one, and the days to move wood are never made fewer."""

    slug: ClassVar[str] = "window-order"
    es: ClassVar[str] = (
        "El permiso {permit} tala hasta el {harvest_to} y moviliza hasta el {move_to}: una nueva ventana de tala empieza"
        " después, y la movilización no se acorta."
    )
    en: ClassVar[str] = (
        "Permit {permit} fells until {harvest_to} and moves wood until {move_to}: a further harvest window begins later,"
        " and movement is not shortened."
    )
    permit: str
    harvest_to: str
    move_to: str


@dataclass(eq=False)
class NotCertifying(Refusal):
    """Certificates are registered by certification bodies, and nobody certifies itself."""

    slug: ClassVar[str] = "not-certifying"
    es: ClassVar[str] = "{actor} ({kind}) no certifica a {holder}: no firma este certificado."
    en: ClassVar[str] = "{actor} ({kind}) does not certify {holder}: it signs no such certificate."
    actor: str
    kind: str
    holder: str


@dataclass(eq=False)
class CertificateStatus(Refusal):
    """The status of the certificate, or of its member, does not allow this change."""

    slug: ClassVar[str] = "certificate-status"
    es: ClassVar[str] = "El certificado {certificate} está {status} desde la entrada {status_index}."
    en: ClassVar[str] = "Certificate {certificate} is {status} since entry {status_index}."
    certificate: str
    status: str
    status_index: int


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
class LogEnded(Refusal):
    """A log said that it ended and goes on by another name, and what is shown is neither its end nor the log it named."""

    slug: ClassVar[str] = "log-ended"
    es: ClassVar[str] = (
        "La entrada {closed_at} dice que la bitácora termina ahí y sigue como {next}; lo que sigue no es eso."
    )
    en: ClassVar[str] = (
        "Entry {closed_at} says that the log ends there and goes on as {next}; what follows is not that."
    )
    closed_at: int
    next: str


@dataclass(eq=False)
class NotClosed(Refusal):
    """A log is continued right behind the record that closed it, and builds on it."""

    slug: ClassVar[str] = "not-closed"
    es: ClassVar[str] = "La entrada {index} dice que continúa {before} y no se apoya en el cierre de la anterior."
    en: ClassVar[str] = "Entry {index} says that it continues {before} and does not build on a closing right before it."
    before: str
    index: int


@dataclass(eq=False)
class NotTheEnd(Refusal):
    """A log is continued right behind its last entry, or it is not continued."""

    slug: ClassVar[str] = "not-the-end"
    es: ClassVar[str] = "La bitácora {before} tuvo {size} entradas: no continúa en la entrada {index}."
    en: ClassVar[str] = "The log {before} had {size} entries: it does not go on at entry {index}."
    before: str
    size: int
    index: int
