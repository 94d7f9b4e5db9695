"""What contracts refuses, in the words of its own field."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Malformed, NotAllowed, Refusal


@dataclass(eq=False)
class NotAParty(NotAllowed):
    """Only a party of the offer stores it."""

    slug: ClassVar[str] = "not-a-party"
    es: ClassVar[str] = "Su organización no es parte de esta oferta: solo la comunidad o el comprador la registran."
    en: ClassVar[str] = "Your organisation is no party of this offer: only the community or the buyer stores it."
    reason: str = "party"


@dataclass(eq=False)
class BuyerMayNotAppraise(NotAllowed):
    """What the wood is worth to the community is the community's to know."""

    slug: ClassVar[str] = "buyer-may-not-appraise"
    es: ClassVar[str] = "Solo la comunidad pide la valoración de esta oferta."
    en: ClassVar[str] = "Only the community asks for the appraisal of this offer."
    reason: str = "buyer"


@dataclass(eq=False)
class BookOfAnother(NotAllowed):
    """The name of a book belongs to who published it first."""

    slug: ClassVar[str] = "book-of-another"
    es: ClassVar[str] = "El libro {book} es de {org}; publique el suyo con otro nombre."
    en: ClassVar[str] = "The book {book} is of {org}; publish yours under another name."
    book: str
    org: str


@dataclass(eq=False)
class BookGoesBack(Refusal):
    """A new version is of the same day or later."""

    slug: ClassVar[str] = "book-goes-back"
    es: ClassVar[str] = "El libro {book} ya tiene una versión del {last}; no se publica otra con fecha anterior."
    en: ClassVar[str] = "The book {book} already has a version of {last}; none of an earlier day is published."
    book: str
    last: str


@dataclass(eq=False)
class BookNameReserved(Refusal):
    """The name is of a series that comes with the house, or of a book made from reports."""

    slug: ClassVar[str] = "book-name-reserved"
    es: ClassVar[str] = "El nombre {book} está reservado."
    en: ClassVar[str] = "The name {book} is reserved."
    book: str


@dataclass(eq=False)
class BookContested(Refusal):
    """Two publications of one book crossed; the same request may be repeated."""

    slug: ClassVar[str] = "book-contested"
    es: ClassVar[str] = "Otra publicación del libro {book} se adelantó; repita la petición."
    en: ClassVar[str] = "Another publication of the book {book} came first; repeat the request."
    book: str


@dataclass(eq=False)
class PrivateGrade(Malformed):
    """``given`` marks figures of whoever asks; a published book states how well it is supported."""

    slug: ClassVar[str] = "private-grade"
    es: ClassVar[str] = "{where}: un libro publicado lleva grado A, B, C o D, no given."
    en: ClassVar[str] = "{where}: a published book carries grade A, B, C or D, not given."
    reason: str = "given"


@dataclass(eq=False)
class TooManyAlerts(Refusal):
    """An organisation sets so many alerts and no more."""

    slug: ClassVar[str] = "too-many-alerts"
    es: ClassVar[str] = "Su organización ya tiene {most} avisos; quite uno antes de poner otro."
    en: ClassVar[str] = "Your organisation has {most} alerts already; end one before setting another."
    most: int


@dataclass(eq=False)
class TooManyAlertWebhooks(Refusal):
    """An organisation has alerts posted to so many addresses and no more."""

    slug: ClassVar[str] = "too-many-alert-webhooks"
    es: ClassVar[str] = "Los avisos de su organización ya van a {most} direcciones; quite una antes de poner otra."
    en: ClassVar[str] = "Your organisation's alerts go to {most} addresses already; remove one before adding another."
    most: int


@dataclass(eq=False)
class NothingToPublish(Refusal):
    """No cell of the region has enough reporters on that day."""

    slug: ClassVar[str] = "nothing-to-publish"
    es: ClassVar[str] = (
        "En {region} ningún precio observado antes del {closed} tiene {reporters} reportantes sin que uno pese demasiado."
    )
    en: ClassVar[str] = (
        "In {region} no price observed before {closed} has {reporters} reporters of whom none weighs too much."
    )
    region: str
    closed: str
    reporters: int


@dataclass(eq=False)
class ReportIdTaken(Refusal):
    """The reporter gave this id to another report before."""

    slug: ClassVar[str] = "report-id-taken"
    es: ClassVar[str] = "Ya hay un reporte suyo con el id {id} que dice otra cosa; dé otro id a este."
    en: ClassVar[str] = "A report of yours with the id {id} says something else; give this one another id."
    id: str
    first: str


@dataclass(eq=False)
class DuplicateReport(Refusal):
    """The same organisation said exactly this before, under another id."""

    slug: ClassVar[str] = "duplicate-report"
    es: ClassVar[str] = (
        "Su organización ya reportó exactamente esto ({first}). Si fue otra venta, diga su documento o su volumen."
    )
    en: ClassVar[str] = (
        "Your organisation has reported exactly this before ({first}). If it was another sale, name its document or volume."
    )
    first: str


@dataclass(eq=False)
class ReportRetracted(Refusal):
    """Its author took the report back; there is nothing to decide about it."""

    slug: ClassVar[str] = "report-retracted"
    es: ClassVar[str] = "Su autor retiró el reporte {report}."
    en: ClassVar[str] = "The author took the report {report} back."
    report: str


@dataclass(eq=False)
class NothingToRelease(Refusal):
    """The report counts already."""

    slug: ClassVar[str] = "nothing-to-release"
    es: ClassVar[str] = "El reporte {report} no está en revisión ni retenido."
    en: ClassVar[str] = "The report {report} is neither in review nor held."
    report: str


@dataclass(eq=False)
class ReviewMovedOn(Refusal):
    """The decision names something else than what stands now: something was said of the report meanwhile."""

    slug: ClassVar[str] = "review-moved-on"
    es: ClassVar[str] = (
        "El reporte {report} ya no está como usted lo leyó; su huella es {seen_sha256}. Léalo otra vez y decida."
    )
    en: ClassVar[str] = (
        "The report {report} no longer stands as you read it; its hash is {seen_sha256}. Read it again and decide."
    )
    report: str
    seen_sha256: str


@dataclass(eq=False)
class OwnReport(NotAllowed):
    """Nobody judges the own report."""

    slug: ClassVar[str] = "own-report"
    es: ClassVar[str] = "El reporte es de su propia organización: lo decide otra."
    en: ClassVar[str] = "The report is of your own organisation: another decides about it."
    reason: str = "own"


@dataclass(eq=False)
class ReportersOfOtherRegions(NotAllowed):
    """A relation counts in every market of both, so an officer relates only those who report in the own region alone."""

    slug: ClassVar[str] = "reporters-of-other-regions"
    es: ClassVar[str] = (
        "Las dos organizaciones deben reportar precios en {region}, y en ninguna otra región, para que las relacione quien"
        " cuida el mercado de esa región."
    )
    en: ClassVar[str] = (
        "Both organisations must report prices in {region}, and in no other region, to be related by the steward of that"
        " region."
    )
    region: str
