"""`timber witness`: runs a witness alone, without anything else of the house. Makes its key on first use.

The folder holds the key, the list of logs and what has been cosigned. It is made once; a folder that has a key and no
memory belongs to a witness that forgot, and that one must not go on.
"""

import argparse
import os
import re
import sys
from pathlib import Path

from deploy.instance import CHECKOUT
from deploy.secret_files import write_secret
from shared.refusal import Refusal
from shared.tlog.note import COSIGNATURE, Signer, Verifier
from shared.tlog.policy import Policy

KEY, LOGS = "witness.key", "logs.txt"
MEMORY = ("cosigned.db", "high-water")
ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}")


class NoWitness(Exception):  # noqa: N818
    """It cannot be started like this; the text says what to do."""


def main(options: argparse.Namespace) -> int:
    """Prepare, print the line to hand out, become the witness."""
    folder = Path(options.data).absolute()
    if not ADDRESS.fullmatch(options.listen):
        raise NoWitness(f"--listen {options.listen}: give HOST:PORT, like 127.0.0.1:8200")
    try:
        signer = prepare(folder, options.name, options.log)
    except Refusal as refusal:
        raise NoWitness(str(refusal)) from None
    host, _, port = options.listen.rpartition(":")
    print(handed_out(signer.verifier, f"http://{options.listen}"), flush=True)
    os.execve(  # noqa: S606  (nothing to quote: no shell)
        sys.executable, [sys.executable, "-P", "-m", "services.witness.main", "serve"],
        variables(folder, host.strip("[]"), port),
    )  # fmt: skip


def prepare(folder: Path, name: str | None, vkeys: list[str]) -> Signer:
    """Key and list of logs, made or completed; the key. NoWitness, or the refusal of a key that is none."""
    private = folder / KEY
    if private.exists():
        signer = Signer.parse(private.read_text().strip())
        if name not in (None, signer.name):
            raise NoWitness(f"this witness signs as {signer.name}; another name is another witness, in another folder")
        if not any((folder / file).exists() for file in MEMORY):
            raise NoWitness(
                f"{folder} has a key and no memory of what it cosigned. With this key it must not sign again: start"
                " a new witness in another folder, and tell those who trust this one (docs/operate.md, A witness)"
            )
    elif name is None:
        raise NoWitness("give the new witness a --name, like watcher.example.org/w1: it stands in every signature")
    elif any((folder / file).exists() for file in MEMORY):
        raise NoWitness(f"{folder} remembers what a witness cosigned whose key is gone; choose another folder")
    else:
        signer = Signer.generate(name, COSIGNATURE)
    watch(folder, vkeys)
    if not private.exists():
        (folder / MEMORY[1]).touch(mode=0o600)  # from here on a missing database is a lost one
        write_secret(private, signer.skey + "\n")
    return signer


def watch(folder: Path, vkeys: list[str]) -> None:
    """Add logs to the list. It is a file to be read and edited by people; what stands in it stays."""
    file = folder / LOGS
    text = (
        file.read_bytes()
        if file.exists()
        else b"# The logs that this witness watches (c2sp.org/tlog-policy).\nquorum none\n"
    )
    known = {log.verifier for log in Policy.parse(text).logs}
    fresh = [vkey for vkey in vkeys if Verifier.parse(vkey) not in known]
    if not known and not fresh:
        raise NoWitness("which log? Give its key with --log VKEY; it stands in the policy of the log (/v1/logs)")
    text += b"".join(f"log {vkey}\n".encode() for vkey in fresh)
    Policy.parse(text)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if fresh or not file.exists():
        write_secret(file, text.decode())


def handed_out(witness: Verifier, address: str) -> str:
    """What the operator of a log, and those who verify it, put into their policies."""
    short = re.sub(r"[^A-Za-z0-9.-]+", "-", witness.name).strip("-")
    return (
        f"Hand out this line of a tlog-policy. Its address must be one that the log reaches:\n\n"
        f"witness {short} {witness.vkey} {address}\n\n"
        "Never restore this folder from a backup; keep a copy of nothing but the key's public line above."
    )


def variables(folder: Path, host: str, port: str) -> dict[str, str]:
    """The environment of the process: nothing of TROZALOG_* but what stands here."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    own = {"KEYS_DIR": folder, "DATA_DIR": folder, "POLICY": folder / LOGS, "HOST": host, "PORT": port}
    return given | {f"TROZALOG_{name}": str(value) for name, value in own.items()} | {"PYTHONPATH": str(CHECKOUT)}
