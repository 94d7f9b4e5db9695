"""What a cell costs, how sure that is, on whose word, and how far one of them carries it."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import ClassVar, Literal

from services.contracts.domain.estimate.band import Band, bands, price
from services.contracts.domain.estimate.left_out import Whole
from services.contracts.domain.estimate.observation import Cell, Observation, Vote, votes
from services.contracts.domain.estimate.parameters import Parameters
from services.contracts.domain.estimate.pooled import Floats, Place
from services.contracts.domain.estimate.robust import weighted_median
from services.contracts.domain.estimate.spoken import Spoken
from shared.refusal import Missing

Grade = Literal["A", "B", "C", "D"]


@dataclass(eq=False)
class NothingReported(Missing):
    """There is no report of this market by that day: nothing to estimate from (404)."""

    slug: ClassVar[str] = "nothing-reported"
    es: ClassVar[str] = "Nadie informó precios de este mercado hasta el día pedido: {key}."
    en: ClassVar[str] = "Nobody has reported prices of this market by the day asked for: {key}."


@dataclass(frozen=True, slots=True)
class Influence:
    """By what share of itself one party moves the estimate, and would have moved one that believes everybody.

    ``None`` when nothing is left without it.
    """

    party: str
    moves: Decimal | None
    would_move: Decimal | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The price of one cell on one day.

    ``reporters`` and ``age_days`` (the weighted median age) are of the cell's own votes within one half-life, and so are
    ``largest_share`` (of the heaviest party) and ``own_reports``; ``pooled_parties`` counts all parties of the market
    that it was pooled with. ``influence`` lists every party, the one that would move it most first; ``alarm`` when that
    passes the limit. What the strongest party moves beyond ``Parameters.most_moved`` was taken back from ``mid``, unless its
    vote in the cell itself, which others there answer, moves it as far.
    """

    cell: Cell
    on: date
    mid: Decimal
    bands: tuple[Band, ...]
    grade: Grade
    reporters: int
    age_days: int | None
    largest_share: Decimal | None
    publishable: bool
    own_reports: tuple[str, ...]
    pooled_parties: int
    influence: tuple[Influence, ...]
    alarm: bool
    parameters_version: str
    parameters_sha256: str

    def band(self, level: int) -> Band:
        """The band of one of the levels 50, 80, 90 and 95."""
        return next(band for band in self.bands if band.level == level)


def estimate(
    observations: Iterable[Observation],
    cells: Sequence[Cell],
    on: date,
    parameters: Parameters,
    parties: Mapping[str, str] | None = None,
) -> tuple[Estimate, ...]:
    """An estimate of each cell from all reports of its market, in the order of the cells.

    ``parties`` names the party of entities that count as one (``clusters``). The order of the observations changes
    nothing, and the same ones give the same bytes. ``NothingReported`` when a market has no report by that day.
    """  # fmt: skip
    known = dict(parties or {})
    by_market: dict[str, list[Observation]] = defaultdict(list)
    for one in sorted(observations, key=lambda one: one.id):
        if one.observed_on <= on:
            by_market[one.cell.market].append(one)
    found: dict[Cell, Estimate] = {}
    for market in dict.fromkeys(cell.market for cell in cells):
        asked = list(dict.fromkeys(cell for cell in cells if cell.market == market))
        found |= _Market(by_market[market], on, parameters, known).estimates(asked)
    return tuple(found[cell] for cell in cells)


def published(
    observations: Iterable[Observation],
    cell: Cell,
    on: date,
    parameters: Parameters,
    parties: Mapping[str, str] | None = None,
) -> Estimate:
    """The estimate of the cell, or of its nearest wider cell that may be published; the widest one if none may."""  # fmt: skip
    found = estimate(observations, (cell, *cell.parents()), on, parameters, parties)
    return next((one for one in found if one.publishable), found[-1])


class _Market:
    """The votes of one market on one day."""

    def __init__(
        self, observations: Sequence[Observation], on: date, parameters: Parameters, parties: Mapping[str, str]
    ) -> None:
        self.on, self.parameters = on, parameters
        self.votes = votes(observations, on, parameters, parties)
        self._fresh: dict[Cell, list[Vote]] = defaultdict(list)
        self._own: dict[Cell, list[str]] = defaultdict(list)
        for vote in self.votes:
            for cell in vote.cell.within() if vote.window == 0 else ():
                self._fresh[cell].append(vote)
        for one in observations:
            for cell in one.cell.within() if (on - one.observed_on).days < parameters.half_life_days else ():
                self._own[cell].append(one.id)

    def estimates(self, cells: Sequence[Cell]) -> dict[Cell, Estimate]:
        if not self.votes:
            raise NothingReported("price", cells[0].market)
        defended, naive = (_Told(self.votes, p, cells) for p in (self.parameters, self.parameters.trusting()))
        moved: list[list[_Moved]] = [[] for _ in cells]
        parties = sorted({vote.party for vote in self.votes})
        for party in parties:
            robust, plain = (told.moves(party) if len(parties) > 1 else None for told in (defended, naive))
            for n, rows in enumerate(moved):
                if robust is None or plain is None:
                    rows.append(_Moved(party, None, None))
                else:
                    rows.append(_Moved(party, float(robust[n]), float(max(robust[n], plain[n], key=abs))))
        return {
            cell: self._told(cell, float(defended.means[n]), float(defended.joint[n, n]), moved[n], partial(defended.moves_here, n))
            for n, cell in enumerate(cells)
        }  # fmt: skip

    def _told(
        self, cell: Cell, mean: float, variance: float, moved: Sequence["_Moved"], here: Callable[[str], float]
    ) -> Estimate:
        p = self.parameters
        fresh = self._fresh.get(cell, [])
        weights: dict[str, float] = defaultdict(float)
        for vote in fresh:
            weights[vote.party] = max(weights[vote.party], vote.weight)
        strongest = max(moved, key=lambda one: (abs(one.robust or 0.0), one.party))
        counted = _bounded(strongest, len(weights.keys() - {strongest.party}), here, p)
        mean += counted - (strongest.robust or 0.0)
        again = p.spread.cell + p.spread.report / max(math.fsum(vote.weight for vote in fresh), p.grade_reporters["C"])
        age = round(weighted_median([v.age_days for v in fresh], [v.weight for v in fresh])) if fresh else None
        largest = max(weights.values()) / math.fsum(weights.values()) if weights else None
        return Estimate(
            cell=cell, on=self.on, mid=price(mean), bands=bands(mean, math.sqrt(variance + again), p.bands),
            grade=grade(len(weights), age, p), reporters=len(weights), age_days=age,
            largest_share=None if largest is None else _tenth_milli(largest),
            publishable=len(weights) >= p.publish_reporters and largest is not None and largest <= p.publish_share,
            own_reports=tuple(sorted(self._own.get(cell, []))),
            pooled_parties=len(moved), influence=_listed(moved, strongest.party, counted),
            alarm=any(one.would is None or abs(math.expm1(one.would)) > p.alarm for one in moved),
            parameters_version=p.version, parameters_sha256=p.sha256,
        )  # fmt: skip


class _Told:
    """What the votes of a market say of some cells, and what they say without one party."""

    def __init__(self, counted: Sequence[Vote], parameters: Parameters, cells: Sequence[Cell]) -> None:
        places = [Place(cell.species, cell.region, 0.0) for cell in cells]
        self._spoken = Spoken(counted, parameters)
        self._whole, self._cells = Whole(self._spoken.points, parameters, places), cells
        self.means, self.joint = self._whole.means, self._whole.joint

    def moves(self, party: str) -> Floats:
        """By how much of a log the party moves each place."""
        return self.means - self._whole.means_without(self._spoken.without(party))

    def moves_here(self, number: int, party: str) -> float:
        """By how much of a log its vote in that very cell moves it: what others there answer, and bound."""
        changed = self._spoken.without(party, self._cells[number])
        return float(self.means[number] - self._whole.means_without(changed)[number]) if changed else 0.0


@dataclass(frozen=True, slots=True)
class _Moved:
    """By how much of a log one party moves an estimate, and would at most; ``None`` where it speaks alone."""

    party: str
    robust: float | None
    would: float | None


def _bounded(moved: _Moved, others: int, here: Callable[[str], float], parameters: Parameters) -> float:
    """What of a party's move counts. What goes beyond its bound is taken back, but for what its vote in the cell itself
    moves, which the votes of the others there bound already."""
    if moved.robust is None:
        return 0.0
    most = parameters.most_moved(others)
    if most is None or abs(moved.robust) <= most:
        return moved.robust
    own = here(moved.party)
    return min(max(moved.robust, min(-most, own)), max(most, own))


def _listed(moved: Sequence[_Moved], strongest: str, counted: float) -> tuple[Influence, ...]:
    def share(log_change: float | None) -> Decimal | None:
        return None if log_change is None else _tenth_milli(math.expm1(log_change))

    ordered = sorted(moved, key=lambda one: (-abs(math.inf if one.would is None else one.would), one.party))
    return tuple(
        Influence(
            one.party, share(counted if one.party == strongest and one.robust is not None else one.robust),
            share(one.would),
        )
        for one in ordered
    )  # fmt: skip


def grade(reporters: int, age_days: int | None, parameters: Parameters) -> Grade:
    """A: 30 reporters and at most three months old; B: 10; C: 3; D: fewer, shown and never judged with."""
    least = parameters.grade_reporters
    if age_days is not None and reporters >= least["A"] and age_days <= parameters.grade_a_days:
        return "A"
    return "B" if reporters >= least["B"] else "C" if reporters >= least["C"] else "D"


def _tenth_milli(value: float) -> Decimal:
    """To four decimals, half to even: what ``Decimal(value).quantize`` gives, in a quarter of the time."""
    return Decimal(f"{value:.4f}") + 0
