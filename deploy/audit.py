"""The verbs against a log that somebody else operates: mirror, fsck, monitor, succession, draw. They need no instance; only `fsck` without
a source is the operator's own, on the databases of his instance.
"""

import argparse

from deploy import upkeep
from deploy.instance import find
from shared.audit.__main__ import main


def run(options: argparse.Namespace) -> int:
    """Hand the words on. Without `--policy`, that of the instance here is used, if there is one."""
    if options.verb == "fsck" and (own := _own_fsck(options.rest)) is not None:
        return upkeep.fsck(own)
    words = [options.verb, *options.rest]
    told = any(word.startswith(("--p", "-h", "--h")) for word in words)
    if not told and (policy := find(None, None).policy).exists():
        words += ["--policy", str(policy)]
    return main(words, prog="./timber")


def _own_fsck(words: list[str]) -> argparse.Namespace | None:
    """The options of `fsck` without a source; None when there is one."""
    parser = argparse.ArgumentParser(
        prog="./timber fsck", description="Hash a whole log again: this instance's own, or the one at SOURCE.",
        epilog="exit codes: 0 sound, 1 damaged (the first place is named), 2 cannot read",
    )  # fmt: skip
    parser.add_argument("source", nargs="?", help="an address or a folder of somebody's log; without it, one's own")
    parser.add_argument(
        "--data", metavar="DIR", help="one's own: the data folder (.timber in the checkout, or $TIMBER_DATA)"
    )
    parser.add_argument("--port", type=int, help="one's own: the gateway's port")
    parser.add_argument(
        "--deep", action="store_true", help="one's own: also replay the log and compare what is derived from it"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lang", choices=("es", "en"), default="es")
    parser.add_argument(
        "--policy", metavar="FILE", help="with SOURCE: whose log is trusted (the policy of this instance)"
    )
    parser.add_argument(
        "--state",
        metavar="DIR",
        help="with SOURCE: the last checkpoint verified is kept there, and a fork from it shows",
    )
    options, more = parser.parse_known_args(words)
    if options.source is not None:
        return None
    others = [*more, *(name for name in ("--policy", "--state") if vars(options)[name[2:]] is not None)]
    if others:
        parser.error(f"without SOURCE there is no {' '.join(others)}")
    return options
