"""A listing as an honest community files it: thin trees are for later, and of every species harvested some stay as seed trees."""

from dataclasses import replace
from datetime import date

import numpy as np

from deploy.corpus.listing import Listing
from services.permits.domain.rules.catalogue import rules_on
from shared.timber.species import catalogue


def filed(plan: Listing, rng: np.random.Generator, day: date) -> Listing:
    """The same trees; which of them may fall follows the minimum diameters and the share of seed trees of a day."""
    norms, asked = catalogue(), rules_on(day)["P08"].parameters
    destination = np.full(len(plan), "PAB", dtype="<U3")
    for name in np.unique(plan.species):
        here = np.flatnonzero(plan.species == name)
        minimum = norms.minimum_diameter(str(name))
        grown = here if minimum is None else here[plan.dbh_mm[here] >= minimum.diameter_mm]
        destination[here] = "CF"
        seeds = max(asked["at_least"], -(-len(grown) * asked["seed_permille"] // 1000))
        chosen = rng.permutation(grown)
        destination[chosen[:seeds]] = "PS"
        if minimum is not None:  # else felling the species is prohibited, and none is harvested
            destination[chosen[seeds:]] = "PAB"
    return replace(plan, destination=destination)
