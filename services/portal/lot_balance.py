"""The wood of a lot, stage by stage: authorised, felled, cut, moved, milled, made, sold; and what the mills made of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from services.portal.casefile import CaseFile
from shared.timber import norms
from shared.timber.event import Record
from shared.timber.facts import Item
from shared.timber.rules.mill import free_of_ceiling
from shared.timber.species import catalogue

STAGES = ("authorised", "felled", "cut", "moved", "milled", "made", "sold")


@dataclass(frozen=True)
class Stages:
    """One species, in litres by stage; a stage that this wood never went through is left out."""

    species: str
    volume_dm3: dict[str, int]

    def steps(self) -> list[tuple[str, int, int]]:
        """Each stage with its volume and its difference from the stage before; of the first, 0. Made wood is compared with
        the logs that were sawn, and what was sold with everything that was moved or made and not sawn."""
        told, before = [], dict[str, int]()
        for stage, volume in self.volume_dm3.items():
            told.append((stage, volume, volume - self._before(stage, before, volume)))
            before[stage] = volume
        return told

    def _before(self, stage: str, before: dict[str, int], volume: int) -> int:
        if stage == "sold" and "made" in before:
            return before.get("moved", before.get("cut", 0)) - before["milled"] + before["made"]
        return list(before.values())[-1] if before else volume


@dataclass(frozen=True)
class Sawing:
    """What a mill made of logs of one species. ``ceiling_permille`` is the yield that the norm of that day allows for
    the product (None: it has none for it, for this species or under a study, or several products were made); ``credit_dm3`` what could still be declared under it
    with no log behind it."""

    index: int
    mill: str
    time: str
    species: str
    product: str
    in_dm3: int
    out_dm3: int
    ceiling_permille: int | None
    norm: str

    @property
    def yield_permille(self) -> int:
        """Thousandths of the wood that went in."""
        return self.out_dm3 * 1000 // self.in_dm3 if self.in_dm3 else 0

    @property
    def credit_dm3(self) -> int | None:
        """Surplus credit: (ceiling - yield) x input, rounded down; negative when more was made than the ceiling allows."""
        return None if self.ceiling_permille is None else self.in_dm3 * self.ceiling_permille // 1000 - self.out_dm3


def stages_of(case: CaseFile) -> list[Stages]:
    """Each species of the lot's wood, the largest first."""
    counted: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    pieces = {item.id: item for item in case.pieces}
    for line in case.lines():
        counted["authorised"][line.species] += line.authorised_dm3
    for item in case.pieces:
        parents = [pieces[parent] for parent in item.parents if parent in pieces]
        if item.kind == "tree":
            counted["felled"][item.species] += item.volume_dm3
        elif item.kind == "product":
            counted["made"][item.species] += item.volume_dm3
        elif any(parent.kind == "tree" for parent in parents):
            counted["cut"][item.species] += item.volume_dm3
        if item.id in case.lot.items:
            counted["sold"][item.species] += item.volume_dm3
    sawn = {parent for item in case.pieces if item.kind == "product" for parent in item.parents if parent in pieces}
    for id_ in sawn:
        counted["milled"][pieces[id_].species] += pieces[id_].volume_dm3
    for id_, volume in _first_moved(case).items():
        counted["moved"][pieces[id_].species] += volume
    species = {item.species for item in case.pieces}
    found = [Stages(one, {s: counted[s][one] for s in STAGES if counted[s][one]}) for one in species]
    return sorted(found, key=lambda one: (-one.volume_dm3.get("sold", 0), one.species))


def _first_moved(case: CaseFile) -> dict[str, int]:
    """Of each piece that left the forest on a guide of its permit, the volume the first such guide lists it with."""
    moved: dict[str, int] = {}
    for guide in sorted(case.guides(), key=lambda guide: guide.index):
        if guide.permit is not None and guide.voided_index is None:
            for id_, volume in guide.items.items():
                if id_ in case.lineage:
                    moved.setdefault(id_, volume)
    return moved


def sawings_of(case: CaseFile) -> list[Sawing]:
    """Every sawing behind the lot, one for each species and product, in log order."""
    found: list[Sawing] = []
    for index, record in case.own:
        if record.type == "mill.processed":
            found += _sawings(index, record, case)
    return found


def _sawings(index: int, record: Record, case: CaseFile) -> Sequence[Sawing]:
    inputs = [item for id_ in record.body["inputs"] if (item := case.facts.find(Item, f"item:{id_}")) is not None]
    consumed, made = Counter[str](), Counter[tuple[str, str]]()
    for item in inputs:
        consumed[item.species] += item.volume_dm3
    for out in record.body["outputs"]:
        made[out["species"], out["product"]] += out["volume_dm3"]
    day, alone = record.time[:10], Counter(species for species, _ in made)
    rule, free = norms.load().on(day)["M01"], free_of_ceiling(inputs, record.body.get("study"), catalogue(), day)
    return [
        Sawing(
            index, record.actor, record.time, species, product, consumed[species], volume,
            None if species in free or alone[species] > 1 else rule.parameters["ceilings_permille"].get(product), rule.norm,
        )
        for (species, product), volume in sorted(made.items())
        if consumed[species]
    ]  # fmt: skip
