"""How wood is measured: official volumes in litres, and the named log rules of prices and conversions.

Official volumes are integers at the border (millimetres in, cubic decimetres out). Every other volume is a
``Volume``, which cannot be written without the rule that made it. Each log is rounded, then the logs are summed.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from typing import Final

# Forty decimals. tests/shared/timber/test_measure.py proves by the continued fraction of pi that no volume within
# the bounds below can be rounded otherwise by more decimals.
_PI_E40: Final = 31415926535897932384626433832795028841972
PI: Final = Decimal(_PI_E40).scaleb(-40)

# Bounds within which the integer volumes are proved exact; far beyond any tree.
MAX_DIAMETER_MM: Final = 10_000
MAX_LENGTH_MM: Final = 100_000
MAX_FORM_FACTOR_MILLI: Final = 1_000

FORM_FACTOR_MILLI: Final = 650  # Peruvian default of a census, when the plan states none

# One board foot is 144 cubic inches of 25.4 mm: exact, not the customary 424 to the cubic metre.
INCH_MM: Final = Decimal("25.4")
FOOT_MM: Final = Decimal("304.8")
PT_M3: Final = Decimal("0.002359737216")
PT_PER_M3: Final = 1 / PT_M3
FT3_PER_M3: Final = 1000**3 / FOOT_MM**3
CUSTOMARY_PT_PER_M3: Final = Decimal(424)

_HALF_CM_MM = 5
_WIDE = Context(prec=100)  # rounding never fails for want of digits
_ENDS_HALF: Final = 80_000 * 10**40
_ENDS_WHOLE: Final = 160_000 * 10**40
_CENSUS_HALF: Final = 2 * 10**9 * 10**40
_CENSUS_WHOLE: Final = 4 * 10**9 * 10**40


def mean_of_ends_dm3(large_mm: int, small_mm: int, length_mm: int) -> int:
    """Official volume of a felled stem or log: pi/4 x ((D+d)/2)^2 x L, half-up to the litre.

    D and d are taken in metres to two decimals (millimetres are rounded half-up to the centimetre), L as given.
    The small end may measure more than the large end. Exact within the bounds of this module.
    """
    ends_cm = (large_mm + _HALF_CM_MM) // 10 + (small_mm + _HALF_CM_MM) // 10
    return (_PI_E40 * ends_cm * ends_cm * length_mm + _ENDS_HALF) // _ENDS_WHOLE


def census_dm3(dbh_mm: int, height_mm: int, form_factor_milli: int = FORM_FACTOR_MILLI) -> int:
    """Volume of a standing tree in the census: pi/4 x DBH^2 x Hc x form factor, half-up to the litre."""
    return (_PI_E40 * dbh_mm * dbh_mm * height_mm * form_factor_milli + _CENSUS_HALF) // _CENSUS_WHOLE


class Unit(StrEnum):
    """What a volume is counted in. A board foot (pie tablar) is exactly ``PT_M3``."""

    M3 = "m3"
    PT = "pt"


class LogRule(StrEnum):
    """The named ways of saying how much wood a round log holds."""

    MEAN_OF_ENDS = "mean_of_ends"
    SMALIAN = "smalian"
    HUBER = "huber"
    NEWTON = "newton"
    DOYLE = "doyle"
    OXAPAMPINA = "oxapampina"
    INTERNATIONAL_QUARTER = "international_quarter"
    SCRIBNER = "scribner"


@dataclass(frozen=True, slots=True)
class LogSize:
    """One log under bark. ``mid_mm`` is the diameter at half length, where somebody measured it."""

    large_mm: int
    small_mm: int
    length_mm: int
    mid_mm: int | None = None

    @property
    def thin_end_mm(self) -> int:
        """The lesser of the two ends: board-foot rules ask for it, and a real record may have them swapped."""
        return min(self.large_mm, self.small_mm)

    @property
    def middle_mm(self) -> Decimal:
        """Diameter at half length; the mean of both ends when nobody measured it there."""
        if self.mid_mm is not None:
            return Decimal(self.mid_mm)
        return Decimal(self.large_mm + self.small_mm) / 2


@dataclass(frozen=True, slots=True)
class Volume:
    """An amount of wood that says how it was measured. Volumes of different rules or units do not add."""

    amount: Decimal
    unit: Unit
    rule: LogRule

    def __add__(self, other: "Volume") -> "Volume":
        if (self.unit, self.rule) != (other.unit, other.rule):
            raise ValueError(f"{self.rule} {self.unit} and {other.rule} {other.unit} do not add")
        return Volume(self.amount + other.amount, self.unit, self.rule)


def half_up(amount: Decimal, quantum: Decimal) -> Decimal:
    """Round as invoices and scale sheets do: half away from zero."""
    return amount.quantize(quantum, ROUND_HALF_UP, _WIDE)


def smalian_m3(large_m: Decimal, small_m: Decimal, length_m: Decimal) -> Decimal:
    """Pi/8 x (D^2 + d^2) x L: mean of the two end areas."""
    return PI / 8 * (large_m * large_m + small_m * small_m) * length_m


def huber_m3(middle_m: Decimal, length_m: Decimal) -> Decimal:
    """Pi/4 x dm^2 x L: the area at half length."""
    return PI / 4 * middle_m * middle_m * length_m


def newton_m3(large_m: Decimal, middle_m: Decimal, small_m: Decimal, length_m: Decimal) -> Decimal:
    """Pi/24 x (D^2 + 4 dm^2 + d^2) x L: exact for a cone and for a paraboloid."""
    return PI / 24 * (large_m * large_m + 4 * middle_m * middle_m + small_m * small_m) * length_m


def doyle_pt(small_in: Decimal, length_ft: Decimal) -> Decimal:
    """(d - 4)^2 x L / 16, nothing at 4 inches or less."""
    kept = max(small_in - 4, Decimal(0))
    return kept * kept * length_ft / 16


def oxapampina_pt(middle_in: Decimal, length_ft: Decimal) -> Decimal:
    """Dm^2 x L / 24.5: 62.36 % of the cylinder, whatever the diameter."""
    return middle_in * middle_in * length_ft / Decimal("24.5")


def scribner_pt(small_in: Decimal, length_ft: Decimal) -> Decimal:
    """(0.79 d^2 - 2 d - 4) x L / 16, formula form; never below nothing."""
    return max((Decimal("0.79") * small_in * small_in - 2 * small_in - 4) * length_ft / 16, Decimal(0))


def international_quarter_pt(small_in: Decimal, length_ft: Decimal) -> Decimal:
    """0.905 x (0.22 D^2 - 0.71 D) for each 4-foot section from the small end, half an inch of taper a section.

    A remainder counts by its share of a section, at its own diameter. Formula form, not the rounded table.
    """
    whole, rest = divmod(length_ft, Decimal(4))
    total = sum((_international_section_pt(small_in, Decimal(n)) for n in range(int(whole))), Decimal(0))
    return total + _international_section_pt(small_in, whole) * rest / 4


def _international_section_pt(small_in: Decimal, sections_below: Decimal) -> Decimal:
    diameter_in = small_in + sections_below / 2
    return max(Decimal("0.905") * (Decimal("0.22") * diameter_in - Decimal("0.71")) * diameter_in, Decimal(0))


def sawn_pt(thickness_mm: int, width_mm: int, length_mm: int, pieces: int = 1) -> Decimal:
    """Board feet of sawn wood, t" x w" x L'/12 a piece to 0.01, then times the pieces."""
    inches = Decimal(thickness_mm) / INCH_MM * (Decimal(width_mm) / INCH_MM)
    return half_up(inches * (Decimal(length_mm) / FOOT_MM) / 12, Decimal("0.01")) * pieces


def _m(length_mm: int | Decimal) -> Decimal:
    return Decimal(length_mm) / 1000


def _in(length_mm: int | Decimal) -> Decimal:
    return length_mm / INCH_MM


def _ft(length_mm: int) -> Decimal:
    return length_mm / FOOT_MM


@dataclass(frozen=True, slots=True)
class Scale:
    """A log rule as a thing: its native unit, its rounding, its formula in words, and the computation."""

    rule: LogRule
    unit: Unit
    quantum: Decimal
    formula: str
    note_es: str
    note_en: str
    source: str
    measure: Callable[[LogSize], Decimal]

    def of(self, log: LogSize) -> Volume:
        """Volume of one log in the rule's own unit, rounded half-up to its quantum."""
        return Volume(half_up(self.measure(log), self.quantum), self.unit, self.rule)

    def sum(self, logs: Iterable[LogSize]) -> Volume:
        """Volume of several logs: each one rounded, then summed, as a transport guide lists them."""
        counted = Counter(logs)  # the same size is measured once
        total = sum((self.of(log).amount * n for log, n in counted.items()), Decimal(0)).quantize(self.quantum)
        return Volume(total, self.unit, self.rule)


_LITRE = Decimal("0.001")
_TENTH_LITRE = Decimal("0.0001")
_HUNDREDTH_PT = Decimal("0.01")

_SCALES: tuple[Scale, ...] = (
    Scale(
        LogRule.MEAN_OF_ENDS,
        Unit.M3,
        _LITRE,
        "pi/4 * ((D+d)/2)^2 * L; D, d, L in m, D and d to 0.01",
        "Volumen oficial de fuste y troza.",
        "Official volume of a stem or a log.",
        "Official extraction and supervision records, Peru",
        lambda log: Decimal(mean_of_ends_dm3(log.large_mm, log.small_mm, log.length_mm)).scaleb(-3),
    ),
    Scale(
        LogRule.SMALIAN,
        Unit.M3,
        _TENTH_LITRE,
        "pi/8 * (D^2 + d^2) * L; m",
        "Promedio de las áreas de ambos extremos.",
        "Mean of the areas of both ends.",
        "Standard mensuration",
        lambda log: smalian_m3(_m(log.large_mm), _m(log.small_mm), _m(log.length_mm)),
    ),
    Scale(
        LogRule.HUBER,
        Unit.M3,
        _TENTH_LITRE,
        "pi/4 * dm^2 * L; m; dm at half length",
        "Área a la mitad del largo.",
        "Area at half length.",
        "Standard mensuration",
        lambda log: huber_m3(_m(log.middle_mm), _m(log.length_mm)),
    ),
    Scale(
        LogRule.NEWTON,
        Unit.M3,
        _TENTH_LITRE,
        "pi/24 * (D^2 + 4 dm^2 + d^2) * L; m",
        "Referencia exacta para cono y paraboloide.",
        "Reference, exact for a cone and a paraboloid.",
        "Standard mensuration",
        lambda log: newton_m3(_m(log.large_mm), _m(log.middle_mm), _m(log.small_mm), _m(log.length_mm)),
    ),
    Scale(
        LogRule.DOYLE,
        Unit.PT,
        _HUNDREDTH_PT,
        "max(d-4, 0)^2 * L / 16; d in inches at the small end, L in feet",
        "Comercio en el Perú; castiga las trozas delgadas.",
        "Trade in Peru; underpays thin logs.",
        "Doyle rule, formula form",
        lambda log: doyle_pt(_in(log.thin_end_mm), _ft(log.length_mm)),
    ),
    Scale(
        LogRule.OXAPAMPINA,
        Unit.PT,
        _HUNDREDTH_PT,
        "Dm^2 * L / 24.5; Dm in inches at half length or the mean of both ends, L in feet",
        "Comercio en el Perú; reconoce 62.36 % del cilindro.",
        "Trade in Peru; credits 62.36 % of the cylinder.",
        "Peruvian timber-yard practice",
        lambda log: oxapampina_pt(_in(log.middle_mm), _ft(log.length_mm)),
    ),
    Scale(
        LogRule.INTERNATIONAL_QUARTER,
        Unit.PT,
        _HUNDREDTH_PT,
        "sum over 4-ft sections of 0.905 * (0.22 D^2 - 0.71 D); D in inches, +0.5 a section",
        "Regla internacional de 1/4 de pulgada, en fórmula.",
        "International 1/4-inch rule, formula form.",
        "International 1/4-inch rule, formula form",
        lambda log: international_quarter_pt(_in(log.thin_end_mm), _ft(log.length_mm)),
    ),
    Scale(
        LogRule.SCRIBNER,
        Unit.PT,
        _HUNDREDTH_PT,
        "(0.79 d^2 - 2 d - 4) * L / 16; d in inches at the small end, L in feet",
        "Regla Scribner, en fórmula.",
        "Scribner rule, formula form.",
        "Scribner rule, formula form",
        lambda log: scribner_pt(_in(log.thin_end_mm), _ft(log.length_mm)),
    ),
)

SCALES: Final = {scale.rule: scale for scale in _SCALES}


def in_unit(volume: Volume, unit: Unit) -> Decimal:
    """The same wood in the other unit, by the exact board foot and unrounded; the rule stays what it was."""
    if volume.unit is unit:
        return volume.amount
    return volume.amount * PT_PER_M3 if unit is Unit.PT else volume.amount * PT_M3


def rule_factor(rule: LogRule, unit: Unit, logs: Iterable[LogSize], base: LogRule = LogRule.MEAN_OF_ENDS) -> Decimal:
    """F1: how many units of a rule the given logs yield for each cubic metre of the base rule.

    The logs must hold wood: a lot of nothing has no factor (``ValueError``).
    """
    sizes = tuple(logs)
    wood_m3 = in_unit(SCALES[base].sum(sizes), Unit.M3)
    if wood_m3 == 0:
        raise ValueError("the logs hold no wood: a rule factor needs at least one")
    return in_unit(SCALES[rule].sum(sizes), unit) / wood_m3
