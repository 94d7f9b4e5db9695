"""A new year: the log is closed and goes on under the next origin: `./timber hand-over ORIGIN`.

Where the keys are and where the database is are two places on a server, so each step is its own command:
`python -m deploy.next_log FOLDER prepare ORIGIN` makes the key of the next log and prints it; custody closes the log
(`services.custody.operate hand-over VKEY`); `python -m deploy.next_log FOLDER take-over` puts the new key in the place of
the old one, which is destroyed. Each may be repeated.
"""

import argparse
import sys
from pathlib import Path

from deploy.instance import NoInstance, find, why
from deploy.secret_files import put, readable_as, rewrite, write_secret
from deploy.upkeep import database_at_hand, operate
from shared.timber import fields
from shared.tlog.note import Signer

NEXT_KEY = "next-log.key"


class NotNext(Exception):  # noqa: N818
    """The files are not in the state that this step is for; nothing was changed."""


def prepare(folder: Path, origin: str) -> str:
    """The key of the next log, made once; its vkey."""
    fault = fields.origin(origin)
    if fault is not None:
        raise NotNext(f"{origin} {fault.reason}")
    if origin == _key(folder / "log.key").name:
        raise NotNext(f"{origin} is this log")
    path = folder / NEXT_KEY
    if not path.exists():
        write_secret(path, Signer.generate(origin).skey + "\n", like=folder / "log.key")
    key = _key(path)
    if key.name != origin:
        raise NotNext(f"{path} is the key of {key.name}: go on with that, or delete it if nothing was closed for it")
    return key.verifier.vkey


def take_over(folder: Path, policy: Path) -> str:
    """The next log's key signs from the next start on, and the policy names it beside the old one, which stays there for
    what it signed. The origin."""
    path = folder / NEXT_KEY
    if not path.exists():
        raise NotNext(f"{path} does not exist: prepare, and close the log")
    key, old = _key(path), _key(folder / "log.key")
    lines = policy.read_text().splitlines()
    if not any(line.split()[:2] == ["log", key.verifier.vkey] for line in lines):
        at = next((n for n, line in enumerate(lines) if line.split()[:2] == ["log", old.verifier.vkey]), None)
        if at is None:
            raise NotNext(f"{policy} does not name the key in force")
        lines.insert(at + 1, lines[at].replace(old.verifier.vkey, key.verifier.vkey))
        rewrite(policy, "\n".join(lines) + "\n")
    rewrite(folder / "log.pub", key.verifier.vkey + "\n")
    readable_as(folder / "log.key", path)  # before: a key that its service cannot read signs nothing
    put(path, folder / "log.key")
    return key.name


def _key(path: Path) -> Signer:
    return Signer.parse(path.read_text().split()[0])


def main(options: argparse.Namespace) -> int:
    """`timber hand-over`: of this instance. Best while it runs, so that the house's own witness sees the end."""
    instance = find(options.data, options.port)
    words = ["--lang", options.lang, *(["--unwitnessed"] if options.unwitnessed else [])]
    try:
        vkey = prepare(instance.keys, options.origin)
        with database_at_hand(instance):
            code = operate(instance, ["hand-over", vkey, *words], instance.database("custody").app_url).returncode
        if code:
            return code
        take_over(instance.keys, instance.policy)
    except (NotNext, OSError) as error:
        raise NoInstance(why(error)) from None
    print(f"Start the services again: they keep {options.origin}. Hand out {instance.policy}: it names both logs.")
    return 0


def _command() -> int:
    parser = argparse.ArgumentParser("python -m deploy.next_log", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--policy", type=Path, help="FOLDER/policy.txt")
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("prepare").add_argument("origin")
    steps.add_parser("take-over")
    options = parser.parse_args()
    try:
        if options.step == "prepare":
            print(prepare(options.folder, options.origin))
        else:
            print(take_over(options.folder, options.policy or options.folder / "policy.txt"))
    except (NotNext, OSError) as error:
        print(why(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_command())
