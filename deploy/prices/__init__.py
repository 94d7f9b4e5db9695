"""`./timber prices`: hold the price estimator against what happened, and against people who lie to it."""
