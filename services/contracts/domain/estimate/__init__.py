"""What wood sells for: from reports of unequal trust, few and old, to a price with a band that one hand cannot carry.

``observation`` says what one vote is, ``robust`` and ``spoken`` what a cell says, ``pooled`` what its neighbours know
of it, ``estimate`` puts them together, ``rolling`` holds them against what happened. Floating point stays inside and leaves it rounded to the cent.
"""

from services.contracts.domain.estimate.band import Band
from services.contracts.domain.estimate.estimate import (
    Estimate,
    Influence,
    NothingReported,
    estimate,
    published,
)
from services.contracts.domain.estimate.observation import Cell, Observation, clusters
from services.contracts.domain.estimate.parameters import Parameters, Tier, parameters_on

__all__ = [
    "Band", "Cell", "Estimate", "Influence", "NothingReported", "Observation", "Parameters", "Tier",
    "clusters", "estimate", "parameters_on", "published",
]  # fmt: skip
