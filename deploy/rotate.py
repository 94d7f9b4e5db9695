"""New keys in place of old ones: `./timber rotate-key WHAT`, or `python -m deploy.rotate FOLDER WHAT` where the keys are.

A key file holds one key a line. `log.key`: every private line signs; a retired key stays as a public line. `registrar.key`
and `host.key`: the newest first, after it those it follows; so too `wrapping.key`. Each step writes one file whole or not at all; nothing of it is
noticed before the services start again. What to do between the steps stands in docs/operate.md.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.instance import NoInstance, find, why
from deploy.keygen import PORTAL_KEY, WRAPPING_KEY, new_sealing_key, public_text
from deploy.secret_files import rewrite
from shared.refusal import Refusal
from shared.tlog.encoding import from_base64url, to_base64url
from shared.tlog.note import ED25519, MLDSA44, Signer, open_note

_PRIVATE = "PRIVATE+KEY+"
STOLEN = "with log or log-ml-dsa --retire: at once, though no published checkpoint bears both keys"
LAST = "with log-ml-dsa --retire: the only key of its kind too; checkpoints bear that line no more"
_LOG_KINDS = {"log": ED25519, "log-ml-dsa": MLDSA44}
_NOT_BOTH = (
    "the newest published checkpoint ({where}) does not bear both keys: start custody again with both, and wait until the log "
    "has grown and signed one that does. A first key that was stolen is retired at once with --stolen"
)


_ONE_KEY = {
    ED25519: "log.key holds one key: add the next one first, and let both sign for a while",
    MLDSA44: "log.key holds one key of type 0x06: add the next one first, and let both sign for a while; or say --last, and "
    "checkpoints bear that line no more",
}


class NothingToDo(Exception):  # noqa: N818
    """The files are not in the state that this step is for; nothing was changed."""


def add_log_key(folder: Path, policy: Path, kind: int = ED25519) -> str:
    """A second key of its kind signs beside the first from the next start on; of type 0x06 also the first. Its vkey, which
    goes into the policy file too: one of type 0x06 only where that names the key before it."""
    path = folder / "log.key"
    lines = path.read_text().split()
    keys = [Signer.parse(line) for line in lines if line.startswith(_PRIVATE)]
    before = [key.verifier.vkey for key in keys if key.kind == kind]
    if len(before) > 1:
        raise NothingToDo("log.key holds a second key already: retire the first one")
    fresh = Signer.generate(keys[0].name, kind)
    if kind == ED25519 or (before and _names(policy, before[0])):
        # First: custody does not start with a key that its policy does not name.
        _name_in(policy, before[0], fresh.verifier.vkey)
    _replace(path, [*lines[: len(keys)], fresh.skey, *lines[len(keys) :]])
    return fresh.verifier.vkey


def retire_log_key(folder: Path, checkpoint: Path | None, kind: int = ED25519, *, last: bool = False) -> str:
    """The first key of its kind signs no more from the next start on; its public half stays, so that what it signed is
    recognised. Its vkey. A policy still names it, for files of its time: take the line out if the key was stolen.

    `checkpoint` is the newest that was published, and has to bear every key of the kind; None where the first was stolen.
    With `last` it is the only key of type 0x06, which no other follows: checkpoints bear that line no more."""
    path = folder / "log.key"
    lines = path.read_text().split()
    keys = [Signer.parse(line) for line in lines if line.startswith(_PRIVATE)]
    ours = [key for key in keys if key.kind == kind]
    if not ours:
        raise NothingToDo("log.key holds no key of type 0x06")
    if last and (kind == ED25519 or len(ours) > 1):
        raise NothingToDo("--last is for the only key of type 0x06")
    if len(ours) < 2 and not last:
        raise NothingToDo(_ONE_KEY[kind])
    if checkpoint is not None and not last and not _bears(checkpoint, ours):
        raise NothingToDo(_NOT_BOTH.format(where=checkpoint))
    vkey = ours[0].verifier.vkey
    rest = sorted((key for key in keys if key is not ours[0]), key=lambda key: key.kind)  # an Ed25519 key comes first
    _replace(path, [*(key.skey for key in rest), *lines[len(keys) :], vkey])
    rewrite(folder / "log.pub", rest[0].verifier.vkey + "\n")
    return vkey


def _bears(checkpoint: Path, keys: list[Signer]) -> bool:
    """Whether each of these keys signed what was published last; not so where nothing was."""
    wanted = {key.verifier for key in keys}
    try:
        note = open_note(checkpoint.read_bytes(), list(wanted))
    except (FileNotFoundError, Refusal):
        return False
    return wanted == {one.verifier for one in note.known}


def renew(folder: Path, name: str) -> str:
    """A new key of the registrar or of custody before the one in force. Its public half."""
    path = folder / f"{name}.key"
    lines = path.read_text().split()
    if len(lines) > 1:
        raise NothingToDo(f"{path.name} still holds the key before the last: drop it first (--retire)")
    key = Ed25519PrivateKey.generate()
    _replace(path, [to_base64url(key.private_bytes_raw()), *lines])
    rewrite(folder / f"{name}.pub", public_text(name, key))
    return to_base64url(key.public_key().public_bytes_raw())


def drop_old(folder: Path, name: str) -> str:
    """Only the newest key stays. The public half of it."""
    path = folder / f"{name}.key"
    newest, *old = path.read_text().split()
    if not old:
        raise NothingToDo(f"{path.name} holds one key only")
    _replace(path, [newest])
    key = Ed25519PrivateKey.from_private_bytes(from_base64url(newest, path.name, 32))
    return to_base64url(key.public_key().public_bytes_raw())


def add_wrapping_key(folder: Path) -> str:
    """A new key that wraps the data keys of private fields, before those in force; the old ones still open. Custody sees
    it without a restart where it reads this very file."""
    path = folder / WRAPPING_KEY
    _replace(path, [new_sealing_key(), *path.read_text().split()])
    return "the first line"


def drop_old_wrapping_keys(folder: Path) -> str:
    """Only the newest wrapping key stays: after every data key was wrapped by it, and not before."""
    return _drop_old_lines(folder / WRAPPING_KEY)


def add_portal_key(folder: Path) -> str:
    """A new key that seals sessions, before those in force; the old ones still open what they sealed."""
    path = folder / PORTAL_KEY
    _replace(path, [new_sealing_key(), *path.read_text().split()])
    return "the first line; who is signed in stays so"


def drop_old_portal_keys(folder: Path) -> str:
    """Only the newest key of sessions stays: whoever signed in before the change signs in again."""
    return _drop_old_lines(folder / PORTAL_KEY)


def _drop_old_lines(path: Path) -> str:
    newest, *old = path.read_text().split()
    if not old:
        raise NothingToDo(f"{path.name} holds one key only")
    _replace(path, [newest])
    return "the first line"


def _names(policy: Path, vkey: str) -> bool:
    return any(line.split()[:2] == ["log", vkey] for line in policy.read_text().splitlines())


def _name_in(policy: Path, known: str, fresh: str) -> None:
    """A line for the new key after that of the known one, with its address."""
    lines = policy.read_text().splitlines()
    at = next((n for n, line in enumerate(lines) if line.split()[:2] == ["log", known]), None)
    if at is None:
        raise NothingToDo(f"{policy} does not name the key in force")
    lines.insert(at + 1, lines[at].replace(known, fresh))
    rewrite(policy, "\n".join(lines) + "\n")


def _replace(path: Path, lines: list[str]) -> None:
    rewrite(path, "".join(f"{line}\n" for line in lines))


STEPS: dict[tuple[str, bool], Callable[[Path, Path], str]] = {
    ("log", False): add_log_key,
    ("log-ml-dsa", False): lambda folder, policy: add_log_key(folder, policy, MLDSA44),
    ("registrar", False): lambda folder, _: renew(folder, "registrar"),
    ("registrar", True): lambda folder, _: drop_old(folder, "registrar"),
    ("host", False): lambda folder, _: renew(folder, "host"),
    ("host", True): lambda folder, _: drop_old(folder, "host"),
    ("wrapping", False): lambda folder, _: add_wrapping_key(folder),
    ("wrapping", True): lambda folder, _: drop_old_wrapping_keys(folder),
    ("portal", False): lambda folder, _: add_portal_key(folder),
    ("portal", True): lambda folder, _: drop_old_portal_keys(folder),
}
WHAT = sorted({what for what, _ in STEPS})


def step(
    folder: Path, policy: Path, what: str, *, retire: bool, checkpoint: Path | None, rewrap: str, last: bool = False
) -> str:
    """One step; what to tell the operator. `checkpoint` and `last` as for `retire_log_key`; `rewrap` is what wraps by a new
    wrapping key here. NothingToDo when it does not fit."""
    if retire and what in _LOG_KINDS:
        key = retire_log_key(folder, checkpoint, _LOG_KINDS[what], last=last)
    elif (what, retire) in STEPS:
        key = STEPS[what, retire](folder, policy)
    else:
        raise NothingToDo(f"{what} is not retired by itself")
    if (what, retire) == ("wrapping", False):
        return f"wrapping: a new key: {key}\nNow wrap every data key by it: {rewrap}"
    word = "a new key" if not retire else "signs no more" if what in _LOG_KINDS else "older keys dropped; in force"
    return f"{what}: {word}: {key}\nStart the services again; docs/operate.md says what comes next."


def main(options: argparse.Namespace) -> int:
    """`timber rotate-key`: of this instance."""
    instance = find(options.data, options.port)
    try:
        checkpoint, rewrap = None if options.stolen else instance.anchor, instance.typed("rewrap")
        print(
            step(
                instance.keys,
                instance.policy,
                options.what,
                retire=options.retire,
                checkpoint=checkpoint,
                rewrap=rewrap,
                last=options.last,
            )
        )
    except (NothingToDo, OSError) as error:
        raise NoInstance(why(error)) from None
    return 0


def _command() -> int:
    parser = argparse.ArgumentParser("python -m deploy.rotate", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--retire", action="store_true")
    parser.add_argument("--policy", type=Path, help="FOLDER/policy.txt")
    parser.add_argument(
        "--checkpoint", type=Path, help="for log --retire, log-ml-dsa --retire: what /log/checkpoint answers now"
    )
    parser.add_argument("--stolen", action="store_true", help=STOLEN)
    parser.add_argument("--last", action="store_true", help=LAST)
    options = parser.parse_args()
    ends = options.last and options.what == "log-ml-dsa"
    if options.retire and options.what in _LOG_KINDS and not ends and (options.checkpoint is None) != options.stolen:
        parser.error(
            f"{options.what} --retire: --checkpoint FILE, which is what /log/checkpoint answers now, or --stolen"
        )
    try:
        policy = options.policy or options.folder / "policy.txt"
        found, rewrap = options.checkpoint, "python -m services.custody.rewrap, where custody runs"
        print(
            step(
                options.folder, policy, options.what, retire=options.retire, checkpoint=found, rewrap=rewrap, last=options.last,
            )
        )  # fmt: skip
    except (NothingToDo, OSError) as error:
        print(why(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_command())
