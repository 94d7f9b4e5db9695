"""`python -m deploy.corpus VERB`: make plans, refit the score, run the study that docs/forensics.md shows.

    make DIR [--kind KIND] [--base BASE] [--count N] [--seed N]    census files with their polygons
    study [--honest N] [--forged N] [--seed N] [--write]           tables; with --write into docs/
    fit [--honest N] [--forged N]                                  coefficients into norms/forensics.json
    facts                                                          the facts of a real census, as in forest.json
    house --data DIR --out FILE [--count N] [--seed N] [--write]   honest plans through a running, empty house

A real census is optional for the first two: --census FILE --polygons FILE.
"""

import argparse
import json
import sys
from pathlib import Path

from deploy.corpus import facts, fit, house, study
from deploy.corpus.forgeries import FORGERIES
from deploy.corpus.plans import HONEST, plan, sources


def parser() -> argparse.ArgumentParser:
    """All verbs."""
    top = argparse.ArgumentParser(
        prog="python -m deploy.corpus", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = top.add_subparsers(dest="verb", required=True)
    real = argparse.ArgumentParser(add_help=False)
    real.add_argument("--census", type=Path)
    real.add_argument("--polygons", type=Path)
    make = verbs.add_parser("make", parents=[real])
    make.add_argument("folder", type=Path)
    make.add_argument("--kind", choices=(HONEST, *FORGERIES), default=HONEST)
    make.add_argument("--base", choices=("synthetic", "other", "west", "east", "whole"), default="synthetic")
    make.add_argument("--count", type=int, default=10)
    make.add_argument("--seed", type=int, default=study.SEED)
    look = verbs.add_parser("study", parents=[real])
    look.add_argument("--honest", type=int, default=120)
    look.add_argument("--forged", type=int, default=12)
    look.add_argument("--seed", type=int, default=study.SEED)
    look.add_argument("--write", action="store_true")
    again = verbs.add_parser("fit", parents=[real])
    again.add_argument("--honest", type=int, default=120)
    again.add_argument("--forged", type=int, default=6)
    verbs.add_parser("facts", parents=[real])
    through = verbs.add_parser("house")
    through.add_argument("--data", type=Path, required=True)
    through.add_argument("--out", type=Path, required=True)
    through.add_argument("--count", type=int, default=500)
    through.add_argument("--seed", type=int, default=study.SEED)
    through.add_argument("--again", action="store_true", help="review the plans of FILE by the rules as they are now")
    through.add_argument("--lanes", type=int, default=1, help="plans on their way at a time")
    through.add_argument("--write", action="store_true")
    return top


def main(words: list[str] | None = None) -> int:
    """Run one verb."""
    options = parser().parse_args(words)
    if options.verb == "facts":
        if options.census is None or options.polygons is None:
            print("facts needs --census and --polygons", file=sys.stderr)
            return 2
        facts.print_facts(options.census, options.polygons)
        return 0
    if options.verb == "house":
        wanted = {name: getattr(options, name) for name in ("lanes", "again", "write")}
        house.run(options.data, options.count, options.seed, options.out, **wanted)
        return 0
    of = sources(options.census, options.polygons)
    if options.verb == "make":
        options.folder.mkdir(parents=True, exist_ok=True)
        for number in range(options.count):
            name = f"{options.kind}-{options.base}-{number:04}".replace(" ", "_").replace("%", "pc").replace(",", "")
            plan(of, options.kind, options.base, options.seed, number).write(options.folder / f"{name}.csv")
    elif options.verb == "fit":
        print(json.dumps(fit.refit(of, options.census, options.polygons, options.honest, options.forged), indent=1))
    else:
        study.run(of, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
