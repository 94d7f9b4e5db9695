"""`./timber VERB`: reads the command line and runs one verb. What a verb needs is loaded when it is asked for."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

VERSION = "0.1.0"
EPILOG = """\
first steps:
  ./timber up          start everything with sample data; Ctrl-C stops it
  ./timber demo        follow two trees to a sold lot, then tamper with it
  ./timber test        everything that CI runs
"""

# Verbs that read their own words: `./timber mirror --help`.
PASSED_ON = {
    "mirror": "copy a log that somebody operates into a folder, every byte verified",
    "fsck": "hash a whole log again: this instance's own, or the one at an address or in a folder",
    "monitor": "replay a log by the rules, say what does not hold, and watch it",
    "succession": "check that a closed log goes on as another",
    "draw": "recompute a public lottery of trees from its document, and hold it against the log",
}


def port_number(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; one is a number from 1 to 65535")
    return number


class Verbs:
    """The verbs in the order in which `--help` lists them."""

    def __init__(self, top: argparse.ArgumentParser) -> None:
        self._all = top.add_subparsers(dest="verb", metavar="VERB", required=True)
        self._which = argparse.ArgumentParser(add_help=False)
        self._which.add_argument(
            "--port", type=port_number, metavar="PORT", help="the gateway's port (8080, or the next free one)"
        )
        self._which.add_argument(
            "--data", metavar="DIR", help="the data folder (.timber in the checkout, or $TIMBER_DATA)"
        )

    def add(self, name: str, text: str, run: str, *, instance: bool = True) -> argparse.ArgumentParser:
        """One verb; `run` is the function that it calls, as `module:name`. Most are about an instance: `--port`, `--data`."""
        found = self._all.add_parser(name, help=text, description=text, parents=[self._which] if instance else [])
        found.set_defaults(run=run)
        return found


def parser() -> argparse.ArgumentParser:
    """All verbs and their options."""
    top = argparse.ArgumentParser(
        prog="./timber", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Trozalog: community timber, provable from stump to sale.",
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"timber {VERSION}")
    verbs = Verbs(top)
    for group in (_run_it, _show_it, _verify, _reckon, _measure_and_watch, _keep_keys, _keep_the_log, _look_inside):
        group(verbs)
    return top


def _run_it(verbs: Verbs) -> None:
    up = verbs.add("up", "start everything", "deploy.up:up")
    up.add_argument("-d", "--detach", action="store_true", help="start in the background and return when it is ready")
    up.add_argument("--empty", action="store_true", help="without sample data, at later starts too")
    up.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    verbs.add("down", "stop it", "deploy.down:down")
    status = verbs.add("status", "what runs, how it is, how much memory it takes", "deploy.verbs:status")
    status.add_argument("--json", action="store_true")
    logs = verbs.add("logs", "the logs of all processes or of one", "deploy.verbs:logs")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("name", nargs="?")


def _show_it(verbs: Verbs) -> None:
    verbs.add("test", "everything that CI runs; further arguments go to pytest", "deploy.check:main", instance=False)
    demo = verbs.add(
        "demo", "two tree chains from census to sale, verified offline, then tampered with", "deploy.verbs:demo"
    )
    demo.add_argument("--json", action="store_true")
    demo.add_argument("--lang", choices=("es", "en"), default="es")
    doctor = verbs.add("doctor", "look for what could keep it from working here", "deploy.doctor:main")
    doctor.add_argument("--json", action="store_true")
    reset = verbs.add("reset", "stop it and delete its data", "deploy.down:reset")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    verbs.add("token", "print an access token of a user or role", "deploy.verbs:token").add_argument("who")


def _verify(verbs: Verbs) -> None:
    verify = verbs.add("verify", "verify the bundle of a lot offline", "deploy.verbs:verify")
    verify.add_argument("file")
    verify.add_argument("--policy", metavar="FILE", help="whose log is trusted (the policy of this instance)")
    verify.add_argument(
        "--split", metavar="DIR", help="write each entry with its proof for other programs, verify nothing"
    )
    verify.add_argument("--json", action="store_true")
    verify.add_argument("--lang", choices=("es", "en"), default="es")


def _reckon(verbs: Verbs) -> None:
    """What needs no server: offers, censuses, prices."""
    worth = verbs.add(
        "appraise", "what an offer is worth, from a file and without a server", "deploy.appraise:main", instance=False
    )
    worth.add_argument(
        "file", help="the offer and the figures to compare it with (docs/appraisal.md); - reads them here"
    )
    worth.add_argument("--json", action="store_true", help="the whole appraisal, the same bytes for the same file")
    worth.add_argument("--form", choices=("text", "html", "sms", "speech", "counter"), default="text")
    worth.add_argument("--lang", choices=("es", "en"), default="es")
    census = verbs.add(
        "census", "examine census files: validation, plan rules, forensics; needs no server", "deploy.census:main",
        instance=False,
    )  # fmt: skip
    census.add_argument(
        "files", nargs="+", metavar="FILE", help="CSV, CSV.GZ or XLSX; NAME.geojson beside it is its land"
    )
    census.add_argument("--against", nargs="+", metavar="FILE", help="other plans to look for the same trees in (F13)")
    census.add_argument(
        "--form-factor", type=int, default=650, metavar="MILLI", help="of the plan, in thousandths (650)"
    )
    census.add_argument("--json", action="store_true", help="one line a file")
    census.add_argument("--lang", choices=("es", "en"), default="es")
    _add_prices(verbs.add("prices", "hold the price estimator against what happened, and against lies; needs no server",
                          "deploy.prices.command:main", instance=False))  # fmt: skip


def _measure_and_watch(verbs: Verbs) -> None:
    bench = verbs.add("bench", "measure, on an instance of its own", "deploy.verbs:bench", instance=False)
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--quick", action="store_true")
    bench.add_argument("--growth", type=int, metavar="ENTRIES", help="how the log behaves as it grows so large")
    bench.add_argument("--figures", metavar="DIR", help="with --growth: leave table and plot there (docs/figures)")
    witness = verbs.add(
        "witness", "watch a log and cosign its checkpoints: needs nothing else of this house", "deploy.witness:main",
        instance=False,
    )  # fmt: skip
    witness.add_argument("--data", metavar="DIR", required=True, help="key, list of logs and memory of this witness")
    witness.add_argument(
        "--log", metavar="VKEY", nargs="+", default=[], help="keys of logs to watch (kept in DIR/logs.txt)"
    )
    witness.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:8200")
    witness.add_argument("--name", help="how it signs, like watcher.example.org/w1; chosen once, with the key")
    for name, text in PASSED_ON.items():
        verbs.add(name, text, "deploy.audit:run", instance=False)


def _keep_keys(verbs: Verbs) -> None:
    verbs.add("rewrap", "a new key over the keys of private fields; the old one is destroyed", "deploy.wrapping:rewrap")
    rotate = verbs.add(
        "rotate-key", "a new key in place of an old one, step by step (docs/operate.md)", "deploy.rotate:main"
    )
    rotate.add_argument("what", choices=("host", "log", "log-ml-dsa", "portal", "registrar", "wrapping"))
    rotate.add_argument("--retire", action="store_true", help="the last step: the old key is used no more")
    rotate.add_argument(
        "--stolen",
        action="store_true",
        help="with log or log-ml-dsa --retire: at once, though no published checkpoint bears both keys",
    )
    rotate.add_argument(
        "--last",
        action="store_true",
        help="with log-ml-dsa --retire: the only key of its kind too; checkpoints bear that line no more",
    )


def _keep_the_log(verbs: Verbs) -> None:
    """The end of a year, backups, and the night when a disk dies."""
    over = verbs.add(
        "hand-over", "close the log for ever, at the end of a year; it goes on under the next origin",
        "deploy.next_log:main",
    )  # fmt: skip
    over.add_argument("origin", help="the next log's, like host/region/2027")
    over.add_argument(
        "--unwitnessed", action="store_true", help="though the quorum of the policy did not cosign the end"
    )
    over.add_argument("--lang", choices=("es", "en"), default="es")
    backup = verbs.add(
        "backup", "write the databases into a file, and check it by restoring it", "deploy.backup:backup"
    )
    backup.add_argument("file")
    restore = verbs.add("restore", "put a backup in the place of the databases", "deploy.backup:restore")
    restore.add_argument("file")
    restore.add_argument(
        "--keys", metavar="DIR", help="the keys of the instance that was lost, where this one has none"
    )
    restore.add_argument("--yes", action="store_true", help="do not ask")
    recover = verbs.add(
        "recover", "roll a database that was set back forward, from a copy of the log", "deploy.upkeep:recover"
    )
    recover.add_argument("--from", dest="source", metavar="URL|DIR", help="a mirror (the instance's own archive)")
    recover.add_argument("--reason", help="for the record in the log")
    rebuild = verbs.add("rebuild", "make again what is derived from the entries", "deploy.upkeep:rebuild")
    for one in (recover, rebuild):
        one.add_argument("--json", action="store_true")
        one.add_argument("--lang", choices=("es", "en"), default="es")


def _look_inside(verbs: Verbs) -> None:
    verbs.add("psql", "a database shell (development only)", "deploy.verbs:psql").add_argument("database", nargs="?")
    verbs.add("seed", "load the sample data", "deploy.verbs:seed")


def _add_prices(prices: argparse.ArgumentParser) -> None:
    what = prices.add_subparsers(dest="what", metavar="WHAT", required=True)
    back = what.add_parser(
        "backtest", help="estimate held-out cells of a panel by rolling origin and say how far off it was",
        description="Estimates each cell from YEAR on from all that was reported before its year and, unless --past-only, "
        "from the other cells of its year; never from the cell itself (its price, number of reports, lowest and highest).",
    )  # fmt: skip
    back.add_argument(
        "panel", nargs="?", metavar="PANEL.csv",
        help="columns Year, County, Category, PerUnit, Species, AvgPrice, NumReports; a blank AvgPrice asks for an estimate",
    )  # fmt: skip
    back.add_argument("--from", dest="first", type=int, metavar="YEAR", help="the first held-out year")
    back.add_argument("--out", metavar="ESTIMATES.csv", help="year,county,category,species,estimate,lo80,hi80")
    ways = back.add_mutually_exclusive_group()
    ways.add_argument("--same-year", action="store_true", help="write with the other cells of the year (the default)")
    ways.add_argument("--past-only", action="store_true", help="write from earlier years alone")
    back.add_argument(
        "--spread", metavar="FIT.json", help="with the variances of an answer of fit --json, beside those in force"
    )
    back.add_argument("--world-bank", action="store_true", help="instead: the World Bank's wood series (from 2003)")
    attack = what.add_parser("attack", help="how far one to four lying entities move an estimate with 12 honest ones")
    attack.add_argument("--trials", type=int, default=40, metavar="N", help="samples of honest reports (40)")
    fit = what.add_parser(
        "fit", help="fit the variances of the estimator to some years of a panel, by the likelihood of held-out cells",
        description="Says which variances make each price likeliest as the estimator would have told it, from the years before "
        "and with the other cells of its year, beside those in force; changes nothing.",
    )  # fmt: skip
    fit.add_argument("panel", metavar="PANEL.csv", help="the columns of backtest")
    fit.add_argument("--from", dest="first", type=int, metavar="YEAR", required=True, help="the first year looked at")
    fit.add_argument("--to", dest="last", type=int, metavar="YEAR", required=True, help="the last year looked at")
    fit.add_argument(
        "--fix", action="append", default=[], metavar="NAME=VALUE", help="a variance that is given, not searched for"
    )
    fit.add_argument("--json", action="store_true")
    fit.add_argument("--lang", choices=("es", "en"), default="es")
    for one in (back, attack):
        one.add_argument("--seed", type=int, default=1, help="of what is drawn: intervals, honest reports (1)")
        one.add_argument("--figures", metavar="DIR", help="leave the drawings there (docs/figures)")
        one.add_argument("--json", action="store_true")
        one.add_argument("--lang", choices=("es", "en"), default="es")


def main() -> int:
    """Run one verb; its exit status. Known failures are one line, not a traceback."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    words = sys.argv[1:]
    passed_on = words[:1] == ["test"] and not {"-h", "--help"} & set(words)
    mine = words[:1] if passed_on or (words[:1] and words[0] in PASSED_ON) else words
    options = parser().parse_args(mine)
    options.rest = words[len(mine) :]  # `test` hands everything to pytest, an auditor's verb to shared.audit
    module, _, name = options.run.partition(":")
    run: Callable[[argparse.Namespace], int] = getattr(import_module(module), name)
    try:
        return run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if type(error).__module__.startswith("deploy."):
            print(f"timber: {error}", file=sys.stderr)
            return 1
        raise


if __name__ == "__main__":
    sys.exit(main())
