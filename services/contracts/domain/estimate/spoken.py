"""What the votes of a market say, cell by cell and half-life by half-life, with all of them or without one party."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from services.contracts.domain.estimate.observation import YEAR_DAYS, Cell, Vote
from services.contracts.domain.estimate.parameters import Parameters
from services.contracts.domain.estimate.pooled import Place, Point
from services.contracts.domain.estimate.robust import Floats, robust_means, weighted_medians


class Spoken:
    """The points of a market. A cell in which a party said nothing stays as it was without that party."""

    def __init__(self, counted: Sequence[Vote], parameters: Parameters) -> None:
        cells: dict[tuple[Cell, int], list[Vote]] = defaultdict(list)
        for vote in counted:
            cells[vote.cell, vote.window].append(vote)
        self._parameters = parameters
        self._cells = [own for _, own in sorted(cells.items())]
        self._spoke: dict[str, list[int]] = defaultdict(list)
        for number, own in enumerate(self._cells):
            for vote in own:
                self._spoke[vote.party].append(number)
        self.points = points(self._cells, parameters)

    def without(self, party: str, here: Cell | None = None) -> Mapping[int, Point | None]:
        """The points in which a party speaks as they are without it, ``here`` alone where that is asked: in one cell and
        the last half-life. ``None`` where nobody else spoke."""
        spoke = [n for n in self._spoke[party] if here is None or _is(self._cells[n][0], here)]
        left = {n: [vote for vote in self._cells[n] if vote.party != party] for n in spoke}
        told = [n for n, votes in left.items() if votes]
        return dict.fromkeys(left) | dict(zip(told, points([left[n] for n in told], self._parameters), strict=True))


def _is(vote: Vote, here: Cell) -> bool:
    return vote.cell == here and vote.window == 0


def points(cells: Sequence[Sequence[Vote]], parameters: Parameters) -> list[Point]:
    """For each cell and half-life the robust mean of its votes, with the noise that so many leave."""
    if not cells:
        return []
    weights = _rows([[vote.weight for vote in own] for own in cells])
    middles = robust_means(_rows([[vote.log_price for vote in own] for own in cells]), weights, parameters)
    ages = weighted_medians(_rows([[vote.age_days for vote in own] for own in cells]), weights)
    heard = weights * middles.kept
    evidence = np.maximum(heard.sum(axis=1), np.where(weights > 0, weights, np.inf).min(axis=1))
    scatter = _scatter(middles.scale, (weights > 0).sum(axis=1), parameters)
    leans = heard * (np.sqrt(parameters.party_share * scatter) / evidence)[:, None]
    noises = parameters.spread.cell + scatter / evidence
    return [
        Point(
            Place(own[0].cell.species, own[0].cell.region, -float(ages[n]) / YEAR_DAYS),
            float(middles.mean[n]), float(noises[n]),
            {vote.party: lean for vote, lean in zip(own, leans[n].tolist(), strict=False)},
        )
        for n, own in enumerate(cells)
    ]  # fmt: skip


def _rows(values: Sequence[Sequence[float]]) -> Floats:
    """One row a cell, filled up with noughts."""
    found = np.zeros((len(values), max(len(row) for row in values)))
    for n, row in enumerate(values):
        found[n, : len(row)] = row
    return found


def _scatter(scale: Floats, voters: "np.ndarray[tuple[int], np.dtype[np.int_]]", parameters: Parameters) -> Floats:
    """The variance of one full vote: that of the cell's own votes, drawn towards that of reports in general."""
    usual, prior = parameters.spread.report, parameters.report_prior
    drawn = (prior * usual + voters * scale**2) / (prior + voters)
    return np.asarray(np.where(voters > 1, drawn, usual), np.float64)
