"""Measures the house on an instance of its own, and a rival on the same database server. Nothing in the repository changes.

All figures come from one machine in one run, load generator included, with every rule on and every commit synced to
disk. A ratio is taken between runs of the same sitting.
"""

from pathlib import Path


def main(
    *, json: bool = False, quick: bool = False, growth: int | None = None, figures: str | None = None
) -> int:  # fmt: skip
    """Run everything and print it, or how the log behaves as it grows to so many entries, with table and plot in the folder
    `figures`. An instance that runs is not touched; stop it for quiet figures."""
    # Not at the top: the load generator is a module of this package and must not bring the rest with it.
    if growth is not None:
        from deploy.bench import growth as growing

        return growing.run(growth, json, None if figures is None else Path(figures))
    from deploy.bench import sitting

    return sitting.run(json, quick)
