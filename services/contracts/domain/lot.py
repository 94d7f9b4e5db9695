"""The wood an offer is about, and how many units of a log rule it yields for each cubic metre (F1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.contracts.domain.border import Contradiction, DiameterMm, Form, LengthMm, Milli, Positive, VolumeM3
from services.contracts.domain.gap import RECOVERY, RULE_FACTOR, Lacking
from services.contracts.domain.price import PaidRule, SpeciesName
from shared.timber.measure import PT_PER_M3, SCALES, LogRule, LogSize, Unit, in_unit, rule_factor

# A lot's number as custody has it (docs/format.md, section 4); offers of the first release named lots by a UUID.
CustodyLotId = Annotated[str, StringConstraints(pattern=r"^(?:[A-Z0-9][A-Z0-9.-]{1,39}|[0-9a-f-]{36})$")]
FactorSource = Literal["custody", "logs", "distribution", "same_rule", "taken_equal", "recovery", "volume"]
LotSource = Literal["custody", "logs", "distribution", "none"]
CustodyState = Literal["read", "unavailable", "not_found", "not_asked"]
MOST_LOGS = 20_000
CUBIC = frozenset({LogRule.MEAN_OF_ENDS, LogRule.SMALIAN, LogRule.HUBER, LogRule.NEWTON})


class SpeciesVolume(Form):
    """What the census or the parties say of one species; low and high bound the volume when somebody knows them."""

    species: SpeciesName
    volume_m3: VolumeM3
    trees: Positive | None = None
    volume_low_m3: VolumeM3 | None = None
    volume_high_m3: VolumeM3 | None = None

    @model_validator(mode="after")
    def _bounds_hold_the_volume(self) -> Self:
        low, high = self.volume_low_m3 or self.volume_m3, self.volume_high_m3 or self.volume_m3
        if not low <= self.volume_m3 <= high:
            raise Contradiction(
                "lot.species",
                "the volume lies outside its own bounds",
                "el volumen queda fuera de sus propios límites",
            )
        return self


class MeasuredLog(Form):
    """One size of log of a log list, and how many there are."""

    species: SpeciesName
    large_mm: DiameterMm
    small_mm: DiameterMm
    length_mm: LengthMm
    mid_mm: DiameterMm | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 1

    @property
    def size(self) -> LogSize:
        return LogSize(self.large_mm, self.small_mm, self.length_mm, self.mid_mm)


class DiameterClass(Form):
    """A part of a stated diameter distribution: so many of a thousand logs are of this size."""

    large_mm: DiameterMm
    small_mm: DiameterMm
    length_mm: LengthMm
    share_milli: Milli

    @property
    def size(self) -> LogSize:
        return LogSize(self.large_mm, self.small_mm, self.length_mm)


class LotEstimate(Form):
    """What is known of the wood before it is cut or sold. Base volumes are official unless the basis says otherwise."""

    basis: Literal["census", "logs", "declared"]
    custody_lot: CustodyLotId | None = None
    species: tuple[SpeciesVolume, ...] = Field(default=(), max_length=100)
    logs: tuple[MeasuredLog, ...] = Field(default=(), max_length=2_000)
    diameters: tuple[DiameterClass, ...] = Field(default=(), max_length=40)
    median_diameter_mm: DiameterMm | None = None

    @property
    def most_m3(self) -> Decimal | None:
        """The most wood that the parties state, in base cubic metres; ``None`` where only custody knows how much there is."""
        named = {one.species for one in self.species}
        stated = sum((one.volume_high_m3 or one.volume_m3 for one in self.species), Decimal(0))
        scale = SCALES[LogRule.MEAN_OF_ENDS]
        listed = (scale.of(one.size).amount * one.count for one in self.logs if one.species not in named)
        return sum(listed, stated) or None

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        names = [one.species for one in self.species]
        if len(set(names)) != len(names):
            raise Contradiction("lot.species", "a species is listed twice", "una especie está dos veces")
        if self.diameters and sum(one.share_milli for one in self.diameters) != 1_000:
            raise Contradiction("lot.diameters", "the shares do not add up to 1000", "las partes no suman 1000")
        if sum(one.count for one in self.logs) > MOST_LOGS:
            raise Contradiction("lot.logs", f"more than {MOST_LOGS} logs", f"más de {MOST_LOGS} trozas")
        if not (self.species or self.logs or self.custody_lot):
            raise Contradiction(
                "lot", "names neither species, logs nor a custody lot", "no nombra especies, trozas ni lote de custodia"
            )
        return self


@dataclass(frozen=True, slots=True)
class SpeciesWood:
    """The wood of one species as the appraisal counts it."""

    volume_m3: Decimal
    low_m3: Decimal
    high_m3: Decimal
    trees: int | None
    logs: tuple[LogSize, ...]


@dataclass(frozen=True, slots=True)
class Wood:
    """The lot as the appraisal counts it, and where the sizes came from."""

    species: Mapping[str, SpeciesWood]
    source: LotSource
    custody: CustodyState
    base: LogRule
    diameters: tuple[DiameterClass, ...] = ()

    @property
    def volume_m3(self) -> Decimal:
        return sum((one.volume_m3 for one in self.species.values()), Decimal(0))

    @property
    def trees(self) -> int | None:
        """All trees, when the number is known of every species."""
        counts = [one.trees for one in self.species.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    @property
    def logs(self) -> int:
        return sum(len(one.logs) for one in self.species.values())

    def factor(
        self, species: str, rule: PaidRule, unit: Unit, recovery_milli: int | None
    ) -> tuple[Decimal, FactorSource]:
        """Units of a payment rule for each base cubic metre of a species, and from what it was computed.

        The lot's own logs come first, then a stated distribution. Cubic rules differ by a few per cent and are taken
        as equal without either; a board-foot rule without logs or diameters is ``Lacking``: no single factor is right.
        """
        log_rule = rule.log_rule
        if log_rule is None:
            if recovery_milli is None:
                raise Lacking(RECOVERY)
            return _per_m3(unit) * recovery_milli / 1_000, "recovery"
        if log_rule is self.base:
            return _per_m3(unit), "same_rule"
        logs = self.species[species].logs
        if SCALES[self.base].sum(logs).amount:
            return rule_factor(log_rule, unit, logs, self.base), "custody" if self.source == "custody" else "logs"
        if self.diameters:
            return self._stated_factor(log_rule, unit), "distribution"
        if log_rule in CUBIC:
            return _per_m3(unit), "taken_equal"
        raise Lacking(RULE_FACTOR)

    def _stated_factor(self, rule: LogRule, unit: Unit) -> Decimal:
        paid = sum((in_unit(SCALES[rule].of(one.size), unit) * one.share_milli for one in self.diameters), Decimal(0))
        base = sum((SCALES[self.base].of(one.size).amount * one.share_milli for one in self.diameters), Decimal(0))
        if base == 0:
            raise Lacking(RULE_FACTOR)
        return paid / base


def _per_m3(unit: Unit) -> Decimal:
    return PT_PER_M3 if unit is Unit.PT else Decimal(1)


def count_wood(
    estimate: LotEstimate,
    custody_logs: Iterable[tuple[str, LogSize]] | None,
    custody: CustodyState,
    base: LogRule,
) -> Wood:
    """The wood of an offer: a stated volume wins over the sum of the logs, which are then a sample of it."""
    if custody_logs is not None:
        listed, source = list(custody_logs), "custody"
    else:
        listed = [(one.species, one.size) for one in estimate.logs for _ in range(one.count)]
        source = "logs"
    sizes: dict[str, list[LogSize]] = {}
    for species, size in listed:
        sizes.setdefault(species, []).append(size)
    counted = {
        one.species: SpeciesWood(
            one.volume_m3,
            one.volume_low_m3 or one.volume_m3,
            one.volume_high_m3 or one.volume_m3,
            one.trees,
            tuple(sizes.get(one.species, ())),
        )
        for one in estimate.species
    }
    for species, logs in sizes.items():
        if species not in counted:
            volume = SCALES[base].sum(logs).amount
            if volume:  # twigs that round to nothing are no wood to set a price against
                counted[species] = SpeciesWood(volume, volume, volume, None, tuple(logs))
    found: LotSource = "none"
    if sizes:
        found = "custody" if source == "custody" else "logs"
    elif estimate.diameters:
        found = "distribution"
    return Wood(counted, found, custody, base, estimate.diameters)
