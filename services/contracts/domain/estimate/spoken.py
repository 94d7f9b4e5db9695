"""What the votes of a market say, cell by cell and half-life by half-life, with all of them or without one party."""

import math
from collections import defaultdict
from collections.abc import Sequence

from services.contracts.domain.estimate.observation import YEAR_DAYS, Cell, Vote
from services.contracts.domain.estimate.parameters import Parameters
from services.contracts.domain.estimate.pooled import Place, Point
from services.contracts.domain.estimate.robust import robust_mean, weighted_median


class Spoken:
    """The points of a market. A cell in which a party said nothing stays as it was without that party."""

    def __init__(self, counted: Sequence[Vote], parameters: Parameters) -> None:
        cells: dict[tuple[Cell, int], list[Vote]] = defaultdict(list)
        for vote in counted:
            cells[vote.cell, vote.window].append(vote)
        self._parameters = parameters
        self._cells = [own for _, own in sorted(cells.items())]
        self._points = [point(own, parameters) for own in self._cells]

    def points(self, without: str | None = None) -> list[Point]:
        """One point a cell and half-life that anybody spoke of."""
        found = []
        for own, whole in zip(self._cells, self._points, strict=True):
            left = [vote for vote in own if vote.party != without]
            if len(left) == len(own):
                found.append(whole)
            elif left:
                found.append(point(left, self._parameters))
        return found


def point(own: Sequence[Vote], parameters: Parameters) -> Point:
    """The robust mean of the votes of one cell and half-life, with the noise that so many leave."""
    weights = [vote.weight for vote in own]
    middle = robust_mean([vote.log_price for vote in own], weights, parameters)
    heard = [weight * share for weight, share in zip(weights, middle.kept, strict=True)]
    evidence = max(sum(heard), min(weights))
    scatter = _scatter(middle.scale, len(own), parameters)
    lean = math.sqrt(parameters.party_share * scatter) / evidence
    age = weighted_median([vote.age_days for vote in own], weights)
    return Point(
        Place(own[0].cell.species, own[0].cell.region, -age / YEAR_DAYS), middle.mean,
        parameters.spread.cell + scatter / evidence,
        {vote.party: lean * part for vote, part in zip(own, heard, strict=True)},
    )  # fmt: skip


def _scatter(scale: float, voters: int, parameters: Parameters) -> float:
    """The variance of one full vote: that of the cell's own votes, drawn towards that of reports in general."""
    usual, prior = parameters.spread.report, parameters.report_prior
    return (prior * usual + voters * scale**2) / (prior + voters) if voters > 1 else usual
