"""A new year: the log is closed and goes on under the next origin: `./timber hand-over ORIGIN`.

Where the keys are and where the database is are two places on a server, so each step is its own command:
`python -m deploy.next_log FOLDER prepare ORIGIN` makes the keys of the next log, one of each kind that signs now, and
prints the first; custody closes the log (`services.custody.operate hand-over VKEY`); `python -m deploy.next_log FOLDER
take-over` puts the new keys in the place of the old ones, of which the private halves are destroyed. Each may be repeated.
"""

import argparse
import sys
from pathlib import Path

from deploy.instance import NoInstance, find, why
from deploy.secret_files import put, rewrite, write_secret
from deploy.upkeep import database_at_hand, operate
from shared.timber import fields
from shared.tlog.note import ED25519, MLDSA44, Signer, Verifier

NEXT_KEY = "next-log.key"
_PRIVATE = "PRIVATE+KEY+"


class NotNext(Exception):  # noqa: N818
    """The files are not in the state that this step is for; nothing was changed."""


def prepare(folder: Path, origin: str) -> str:
    """The keys of the next log, made once: one of each kind that this log signs with. The vkey of the Ed25519 key."""
    fault = fields.origin(origin)
    if fault is not None:
        raise NotNext(f"{origin} {fault.reason}")
    now = _signers(folder / "log.key")
    if origin == now[0].name:
        raise NotNext(f"{origin} is this log")
    path = folder / NEXT_KEY
    made = _signers(path) if path.exists() else []
    if made and made[0].name != origin:
        raise NotNext(
            f"{path} is the key of {made[0].name}: go on with that, or delete it if nothing was closed for it"
        )
    missing = sorted({key.kind for key in now} - {key.kind for key in made})  # an Ed25519 key comes first
    if missing:
        made += [Signer.generate(origin, kind) for kind in missing]
        write_secret(path, "".join(f"{key.skey}\n" for key in made), like=folder / "log.key")
    return made[0].verifier.vkey


def take_over(folder: Path, policy: Path) -> tuple[Verifier, ...]:
    """The next log's keys sign from the next start on, and the policy names them beside the old ones, which stay there for
    what they signed; of the old keys the public halves stay in `log.key` too. The new keys."""
    path = folder / NEXT_KEY
    if not path.exists():
        raise NotNext(f"{path} does not exist: prepare, and close the log")
    keys, now = _signers(path), _signers(folder / "log.key")
    if not {key.kind for key in now} <= {key.kind for key in keys}:
        raise NotNext(f"{path} has no key of a kind that log.key signs with: prepare again")
    for key in keys:
        _name_in(policy, key.verifier, [one.verifier.vkey for one in now if one.kind == key.kind])
    rewrite(folder / "log.pub", keys[0].verifier.vkey + "\n")
    lines = [*(key.skey for key in keys), *_public_lines(folder / "log.key")]
    # Readable as the old one before it is there: a key that its service cannot read signs nothing.
    write_secret(path, "".join(f"{line}\n" for line in lines), like=folder / "log.key")
    put(path, folder / "log.key")
    return tuple(key.verifier for key in keys)


def _name_in(policy: Path, key: Verifier, in_force: list[str]) -> None:
    """A line for the key behind that of one of its kind in force, with its address; of type 0x06 only where that has one."""
    lines = policy.read_text().splitlines()
    named = [line.split()[1] if line.split()[:1] == ["log"] else "" for line in lines]
    if key.vkey in named:
        return
    before = [vkey for vkey in in_force if vkey in named]
    if before:
        at = named.index(before[0])
        lines.insert(at + 1, lines[at].replace(before[0], key.vkey))
        rewrite(policy, "\n".join(lines) + "\n")
    elif key.kind == ED25519:
        raise NotNext(f"{policy} does not name the key in force")


def _signers(path: Path) -> list[Signer]:
    return [Signer.parse(line) for line in path.read_text().split() if line.startswith(_PRIVATE)]


def _public_lines(path: Path) -> list[str]:
    """Of each key, whether it signs or signed."""
    lines = path.read_text().split()
    return [Signer.parse(line).verifier.vkey if line.startswith(_PRIVATE) else line for line in lines]


def told(keys: tuple[Verifier, ...]) -> str:
    """What to hand out besides the policy, which seldom names it."""
    beside = [key.vkey for key in keys if key.kind == MLDSA44]
    return "".join(f"\nTell verifiers who know type 0x06 the new key of the second line: {vkey}" for vkey in beside)


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
        keys = take_over(instance.keys, instance.policy)
    except (NotNext, OSError) as error:
        raise NoInstance(why(error)) from None
    print(
        f"Start the services again: they keep {options.origin}. Hand out {instance.policy}: it names both logs.{told(keys)}"
    )
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
            keys = take_over(options.folder, options.policy or options.folder / "policy.txt")
            print(f"{keys[0].name}{told(keys)}")
    except (NotNext, OSError) as error:
        print(why(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_command())
