"""Our own guides, when they would certify what the facts do not bear. The wood may still be recorded."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal
from shared.timber.rules.texts import readable, volume


@dataclass(eq=False)
class GuideRefused(Refusal):
    """Base of the reasons for which we do not issue our own guide. The wood may still be recorded."""

    slug: ClassVar[str] = "guide-refused"


@dataclass(eq=False)
class PermitNotInForce(GuideRefused):
    """The permit is suspended or revoked at this point of the log, or the status list says so."""

    slug: ClassVar[str] = "permit-not-in-force"
    es: ClassVar[str] = "No se emite la guía: el permiso {permit} no está en vigor ({status})."
    en: ClassVar[str] = "The guide is not issued: permit {permit} is not in force ({status})."
    permit: str
    status: str
    status_index: int


@dataclass(eq=False)
class OutsideMovementWindow(GuideRefused):
    """The day of issue is outside the days in which this permit's wood may move."""

    slug: ClassVar[str] = "outside-movement-window"
    es: ClassVar[str] = (
        "No se emite la guía: el {issued_on} queda fuera del plazo de movilización, del {move_from} al {move_to}."
    )
    en: ClassVar[str] = (
        "The guide is not issued: {issued_on} is outside the movement window from {move_from} to {move_to}."
    )
    permit: str
    issued_on: str
    move_from: str
    move_to: str


@dataclass(eq=False)
class MovementEnded(GuideRefused):
    """Today the wood of this permit may no longer move, whatever day the guide claims."""

    slug: ClassVar[str] = "movement-ended"
    es: ClassVar[str] = "No se emite la guía: hoy es {today} y el permiso {permit} movilizaba hasta el {move_to}."
    en: ClassVar[str] = "The guide is not issued: today is {today} and permit {permit} moved wood until {move_to}."
    permit: str
    today: str
    move_to: str


@dataclass(eq=False)
class GuideFromFuture(GuideRefused):
    """The guide claims a day that has not come."""

    slug: ClassVar[str] = "guide-from-future"
    es: ClassVar[str] = "No se emite la guía: se declara del {issued_on} y hoy es {today}."
    en: ClassVar[str] = "The guide is not issued: it is claimed for {issued_on} and today is {today}."
    issued_on: str
    today: str


@dataclass(eq=False)
class GuideTooLong(GuideRefused):
    """The guide would be valid for longer than a trip takes."""

    slug: ClassVar[str] = "guide-too-long"
    es: ClassVar[str] = "No se emite la guía: rige del {issued_on} al {expires_on}, más de {limit_days} días."
    en: ClassVar[str] = (
        "The guide is not issued: it is valid from {issued_on} to {expires_on}, more than {limit_days} days."
    )
    issued_on: str
    expires_on: str
    limit_days: int


@dataclass(eq=False)
class GuideDates(GuideRefused):
    """The guide would expire before it is issued."""

    slug: ClassVar[str] = "guide-dates"
    es: ClassVar[str] = "No se emite la guía: vence el {expires_on}, antes de emitirse el {issued_on}."
    en: ClassVar[str] = "The guide is not issued: it expires on {expires_on}, before its issue on {issued_on}."
    issued_on: str
    expires_on: str


@dataclass(eq=False)
class StatusStale(GuideRefused):
    """The registrar's status list is missing or too old to trust."""

    slug: ClassVar[str] = "status-stale"
    es: ClassVar[str] = (
        "No se emite la guía: la lista de estado de permisos es de {as_of} y solo vale {limit_hours} horas."
    )
    en: ClassVar[str] = (
        "The guide is not issued: the status list of permits is of {as_of} and is good for {limit_hours} hours only."
    )
    as_of: str
    limit_hours: int


@dataclass(eq=False)
class OpenFinding(GuideRefused):
    """A piece, or the tree it came from, carries an S4 finding that no supervisor has resolved."""

    slug: ClassVar[str] = "open-finding"
    es: ClassVar[str] = "No se emite la guía: la pieza {item} tiene una observación {severity} abierta."
    en: ClassVar[str] = "The guide is not issued: piece {item} has an open {severity} finding."
    item: str
    severity: str


@dataclass(eq=False)
class OnOpenGuide(GuideRefused):
    """The piece is on another guide that has not been received, or already left with one."""

    slug: ClassVar[str] = "on-open-guide"
    es: ClassVar[str] = "No se emite la guía: la pieza {item} ya va en la guía {guide}."
    en: ClassVar[str] = "The guide is not issued: piece {item} already goes on guide {guide}."
    item: str
    guide: str


@dataclass(eq=False)
class NotOfPermit(GuideRefused):
    """The piece was not cut under the guide's permit."""

    slug: ClassVar[str] = "not-of-permit"
    es: ClassVar[str] = "No se emite la guía: la pieza {item} no es del permiso {permit}."
    en: ClassVar[str] = "The guide is not issued: piece {item} is not of permit {permit}."
    item: str
    permit: str


@dataclass(eq=False)
class NotCrossCut(GuideRefused):
    """A tree does not travel: its logs do."""

    slug: ClassVar[str] = "not-cross-cut"
    es: ClassVar[str] = "No se emite la guía: {item} no tiene registro de trozado."
    en: ClassVar[str] = "The guide is not issued: {item} has no cross-cutting record."
    item: str


@dataclass(eq=False)
class NeverDrawn(GuideRefused):
    """Without a permit a guide only carries on what another guide has already taken from a balance."""

    slug: ClassVar[str] = "never-drawn"
    es: ClassVar[str] = "No se emite la guía sin permiso: la pieza {item} todavía no se descontó de ningún saldo."
    en: ClassVar[str] = "The guide is not issued without a permit: piece {item} was never drawn from a balance."
    item: str


@dataclass(eq=False)
class GuideWithoutItems(GuideRefused):
    """Our guides say which pieces they carry."""

    slug: ClassVar[str] = "guide-without-items"
    es: ClassVar[str] = "No se emite la guía {guide}: no dice qué piezas lleva."
    en: ClassVar[str] = "Guide {guide} is not issued: it does not say which pieces it carries."
    guide: str


@dataclass(eq=False)
class LinesDiffer(GuideRefused):
    """Lines and list of the guide do not agree, or a piece does not go with its recorded volume."""

    slug: ClassVar[str] = "guide-lines-differ"
    es: ClassVar[str] = "No se emite la guía. {finding_es}"
    en: ClassVar[str] = "The guide is not issued. {finding_en}"
    finding_es: str
    finding_en: str


@dataclass(eq=False)
class LineNotAuthorised(GuideRefused):
    """The permit has no such line."""

    slug: ClassVar[str] = "line-not-authorised"
    es: ClassVar[str] = "No se emite la guía: el permiso {permit} no autoriza {product} de {species} en {parcel}."
    en: ClassVar[str] = "The guide is not issued: permit {permit} authorises no {product} of {species} in {parcel}."
    permit: str
    parcel: str
    species: str
    product: str


@dataclass(eq=False)
class BalanceExceeded(GuideRefused):
    """The guide asks for more than is left of its line."""

    slug: ClassVar[str] = "balance-exceeded"
    es: ClassVar[str] = (
        "No se emite la guía: de {species} ({product}) en {parcel} hay {authorised_m3} m³ autorizados y "
        "{drawn_m3} m³ ya movidos; se piden {asked_m3} m³."
    )
    en: ClassVar[str] = (
        "The guide is not issued: of {species} ({product}) in {parcel} {authorised_m3} m³ are authorised and "
        "{drawn_m3} m³ already moved; {asked_m3} m³ are asked for."
    )
    permit: str
    parcel: str
    species: str
    product: str
    authorised_dm3: int
    drawn_dm3: int
    asked_dm3: int

    def text(self, language: str) -> str:
        """The sentence, with its volumes in cubic metres and the product in words."""
        in_m3 = {f"{name[:-4]}_m3": volume(value) for name, value in self.facts().items() if name.endswith("_dm3")}
        words = self.facts() | in_m3 | {"product": readable(language, self.product)}
        return (self.en if language == "en" else self.es).format(**words)
