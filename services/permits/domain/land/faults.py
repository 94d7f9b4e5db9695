"""What may be wrong with a boundary: where, in both languages, and the repair that its owner may consent to."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from shared.refusal import Malformed

Fix = Literal["close-ring", "drop-duplicates", "swap-axes", "repair-crossing", "shift-psad56"]
FIXES: tuple[Fix, ...] = get_args(Fix)


@dataclass(eq=False)
class LandFault(Malformed):
    """A boundary that cannot be used as it is. ``fix`` names the repair that would do, ``None`` when there is none.

    ``offer`` is filled where the fault refuses a boundary: what to send as ``accept`` and the boundary that comes of it.
    """

    fix: ClassVar[Fix | None] = None
    offer: dict[str, Any] = field(default_factory=dict, kw_only=True)

    def facts(self) -> dict[str, Any]:
        """With the repair beside the fields."""
        return super().facts() | {"fix": self.fix}


@dataclass(eq=False)
class PolygonInvalid(LandFault):
    """It is not a polygon: too few points, coordinates that are no numbers, another kind of geometry."""

    slug: ClassVar[str] = "polygon-invalid"
    es: ClassVar[str] = "El polígono no sirve: {where}: {reason_es}."
    en: ClassVar[str] = "The polygon cannot be used: {where}: {reason}."
    reason_es: str


@dataclass(eq=False)
class FileUnreadable(LandFault):
    """The bytes are not a file of boundaries that this service opens."""

    slug: ClassVar[str] = "land-file-unreadable"
    es: ClassVar[str] = "El archivo de linderos no se pudo leer: {reason_es}."
    en: ClassVar[str] = "The file of boundaries could not be read: {reason}."
    reason_es: str


def unreadable(reason: str, reason_es: str) -> FileUnreadable:
    """``FileUnreadable`` for the whole file."""
    return FileUnreadable("file", reason, reason_es)


@dataclass(eq=False)
class FrameMissing(LandFault):
    """Metres without UTM zone and datum. For each zone the facts say where the land would lie: choose, nothing is guessed."""

    slug: ClassVar[str] = "frame-missing"
    es: ClassVar[str] = "Las coordenadas están en metros: indique datum (WGS84 o PSAD56) y zona UTM."
    en: ClassVar[str] = "The coordinates are metres: say the datum (WGS84 or PSAD56) and the UTM zone."
    zones: list[dict[str, str]]


@dataclass(eq=False)
class FrameContradicts(LandFault):
    """What was said of datum or zone does not fit the numbers, or what the file says of itself."""

    slug: ClassVar[str] = "frame-contradicts"
    es: ClassVar[str] = "El datum o la zona indicados no corresponden: {reason_es}."
    en: ClassVar[str] = "The datum or zone that was said does not fit: {reason}."
    reason_es: str


@dataclass(eq=False)
class RingOpen(LandFault):
    """Rings do not end where they began; the first of them is named."""

    slug: ClassVar[str] = "ring-open"
    es: ClassVar[str] = "El lindero no cierra ({count}); primero en {where}: termina en {x}, {y} y no donde empezó."
    en: ClassVar[str] = (
        "The boundary is not closed ({count}); first at {where}: it ends at {x}, {y}, not where it began."
    )
    fix: ClassVar[Fix | None] = "close-ring"
    count: int
    x: str
    y: str


@dataclass(eq=False)
class PointsRepeated(LandFault):
    """Points stand twice in a row."""

    slug: ClassVar[str] = "points-repeated"
    es: ClassVar[str] = "Hay {count} puntos repetidos seguidos; el primero en {where}: {x}, {y}."
    en: ClassVar[str] = "{count} points stand twice in a row; the first at {where}: {x}, {y}."
    fix: ClassVar[Fix | None] = "drop-duplicates"
    count: int
    x: str
    y: str


@dataclass(eq=False)
class AxesSwapped(LandFault):
    """The points are outside Peru as they are written, and inside with their two numbers exchanged."""

    slug: ClassVar[str] = "axes-swapped"
    es: ClassVar[str] = (
        "Los ejes están intercambiados: primero va la longitud (o el Este) y después la latitud (o el Norte)."
    )
    en: ClassVar[str] = "The axes are swapped: the longitude (or Easting) comes first, then the latitude (or Northing)."
    fix: ClassVar[Fix | None] = "swap-axes"


@dataclass(eq=False)
class OutsidePeru(LandFault):
    """A point lies outside the country."""

    slug: ClassVar[str] = "outside-peru"
    es: ClassVar[str] = "El punto longitud {lon}, latitud {lat} está fuera del Perú."
    en: ClassVar[str] = "The point longitude {lon}, latitude {lat} lies outside Peru."
    lon: str
    lat: str


@dataclass(eq=False)
class CrossesItself(LandFault):
    """The boundary crosses itself; the place is named so that it can be found on a map."""

    slug: ClassVar[str] = "polygon-crosses-itself"
    es: ClassVar[str] = "El lindero se cruza consigo mismo en longitud {lon}, latitud {lat} ({reason})."
    en: ClassVar[str] = "The boundary crosses itself at longitude {lon}, latitude {lat} ({reason})."
    fix: ClassVar[Fix | None] = "repair-crossing"
    lon: str
    lat: str


@dataclass(eq=False)
class DatumSuspected(LandFault):
    """Much of it lies outside its title, and next to nothing once its numbers are read as PSAD56 (rule P03)."""

    slug: ClassVar[str] = "datum-suspected"
    es: ClassVar[str] = (
        "{outside_permille} ‰ queda fuera del título y solo {shifted_permille} ‰ si las coordenadas son PSAD56:"
        " el desplazamiento es de {shift_m} m."
    )
    en: ClassVar[str] = (
        "{outside_permille} ‰ lies outside the title, and only {shifted_permille} ‰ if the coordinates are PSAD56:"
        " the shift is {shift_m} m."
    )
    fix: ClassVar[Fix | None] = "shift-psad56"
    outside_permille: int
    shifted_permille: int
    shift_m: int


@dataclass(eq=False)
class AreaDiffers(Malformed):
    """The polygon measures another area than the title declares."""

    slug: ClassVar[str] = "area-differs"
    es: ClassVar[str] = (
        "El polígono mide {measured_ha} ha y el título declara {declared_ha} ha (tolerancia {tolerance_permille} ‰)."
    )
    en: ClassVar[str] = (
        "The polygon measures {measured_ha} ha, the title declares {declared_ha} ha (tolerance {tolerance_permille} ‰)."
    )
    measured_m2: int
    declared_m2: int
    tolerance_permille: int
    measured_ha: str
    declared_ha: str
