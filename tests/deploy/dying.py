"""A command on files that dies at its n-th line of Python, again and again until it lives: no place is left out.

Runs alone in a process that has no threads, because it forks: `python -m tests.deploy.dying FOLDER EVERY`.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from deploy import next_log, secret_files
from deploy.keygen import make_keys
from deploy.rotate import add_log_key
from services.custody.keys.log_keys import LogKeys
from shared.tlog.note import ED25519, MLDSA44, Signer
from shared.tlog.policy import Policy

OLD, NEXT = "trozalog.localhost/madre-de-dios/2026", "trozalog.localhost/madre-de-dios/2027"
# Where a file can be half done: the commands, what they write with, and what that is made of.
TRACED = {next_log.__file__, secret_files.__file__, sys.modules[Path.__module__].__file__}
MODE = 0o640


def main() -> int:
    """How often each command died, and that saying it again always ended well."""
    folder, every = Path(sys.argv[1]), int(sys.argv[2])
    for name, work in (("prepare", prepare), ("take-over", take_over)):
        deaths = 0
        for n in range(1, 10_000, every):
            ready(folder, name)
            if not died(n, work, folder):
                break
            deaths += 1
            whole(folder)
            again(folder)
        sys.stdout.write(f"{name} {deaths}\n")
    return 0


def ready(folder: Path, name: str) -> None:
    """Before the command: keys of a site, which somebody else than their owner reads too."""
    shutil.rmtree(folder, ignore_errors=True)
    make_keys(folder / "keys", folder / "policy.txt")
    add_log_key(folder / "keys", folder / "policy.txt", MLDSA44)
    (folder / "keys/log.key").chmod(MODE)
    (folder / "policy.txt").chmod(MODE)
    if name == "take-over":
        prepare(folder)


def prepare(folder: Path) -> None:
    next_log.prepare(folder / "keys", NEXT)


def take_over(folder: Path) -> None:
    next_log.take_over(folder / "keys", folder / "policy.txt")


def died(n: int, work: Callable[[Path], None], folder: Path) -> bool:
    """Whether the work came to its n-th line, which it does not run."""
    child = os.fork()
    if child == 0:
        left = n

        def line(_: FrameType, event: str, __: Any) -> Any:
            nonlocal left
            left -= event == "line"
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return line

        sys.settrace(lambda frame, _, __: line if frame.f_code.co_filename in TRACED else None)
        work(folder)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def whole(folder: Path) -> None:
    """Whatever was killed: every file is one of the two it may be, and the key in force is named by policy and reader."""
    key = key_in(folder / "keys/log.key")
    names = [log.verifier.name for log in Policy.parse((folder / "policy.txt").read_bytes()).logs]
    assert names in ([OLD], [OLD, NEXT]), names
    assert key.name in names
    assert (folder / "keys/log.pub").read_text().split()[0].partition("+")[0] in (OLD, NEXT)
    readable(folder)


def again(folder: Path) -> None:
    """Both steps are said again. The key that was made is never lost: the log may be closed for it already."""
    made = folder / "keys" / next_log.NEXT_KEY
    key = key_in(made) if made.exists() else key_in(folder / "keys/log.key")
    if key.name == OLD or made.exists():
        vkey = next_log.prepare(folder / "keys", NEXT)
        assert key.name == OLD or vkey == key.verifier.vkey
        key = key_in(made)
        take_over(folder)
    assert key_in(folder / "keys/log.key").verifier.vkey == key.verifier.vkey
    assert (folder / "keys/log.pub").read_text() == key.verifier.vkey + "\n"
    logs = [log.verifier for log in Policy.parse((folder / "policy.txt").read_bytes()).logs]
    assert [log.name for log in logs] == [OLD, NEXT]
    assert logs[1].vkey == key.verifier.vkey
    assert not made.exists()
    keys = LogKeys.read(folder / "keys/log.key", NEXT)
    assert [one.kind for one in keys.signers] == [one.kind for one in keys.past] == [ED25519, MLDSA44]
    readable(folder)


def readable(folder: Path) -> None:
    """By whom it was before."""
    for path in (folder / "keys/log.key", folder / "policy.txt"):
        assert path.stat().st_mode & 0o777 == MODE, path


def key_in(path: Path) -> Signer:
    return Signer.parse(path.read_text().split()[0])


if __name__ == "__main__":
    sys.exit(main())
