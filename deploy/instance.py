"""One running (or stopped) house: where its files are, on which port it answers, how to find the one that is meant."""

import fcntl
import hashlib
import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy import sockets
from deploy.databases import CHECKOUT, SERVICES, SOLE, Address, Database, database_of
from deploy.given_server import FILE, tenant_in
from deploy.secret_files import kept_in
from deploy.sockets import socket_folder

__all__ = ["CHECKOUT", "Instance", "NoInstance", "default_data", "find", "find_running", "forget", "register"]

DEFAULT_PORT = 8080
MARK = "trozalog-data"


class NoInstance(Exception):  # noqa: N818
    """What was asked for does not run, or cannot be found; the text says what to do."""


@dataclass(frozen=True)
class Instance:
    """The files of one data folder. Nothing here starts anything."""

    data: Path

    @property
    def status(self) -> dict[str, Any]:
        """What the launcher last wrote of itself: port, state, processes. Empty before the first start."""
        try:
            found: dict[str, Any] = json.loads((self.data / "instance.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found

    @property
    def port(self) -> int:
        """The gateway's port, of the present or the last run."""
        return int(self.status.get("port", DEFAULT_PORT))

    @property
    def base_url(self) -> str:
        """Where people and programs reach the house."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> Path:
        """Private keys and passwords; 0700."""
        return self.data / "keys"

    @property
    def logs(self) -> Path:
        """A file for each process."""
        return self.data / "logs"

    @property
    def policy(self) -> Path:
        """The tlog-policy that a verifier of this house's log uses."""
        return self.data / "policy.txt"

    @property
    def anchor(self) -> Path:
        """The checkpoint that the log of `log.key` published last."""
        return self.last_checkpoint("anchor")

    def last_checkpoint(self, kept: str) -> Path:
        """The checkpoint that the log of `log.key` published last, as `kept` (`anchor` or `archive`) has it: of a log that
        continues another, in folders of its own, where the anchor's is there (services.custody.main.second_copies)."""
        origin = (self.keys / "log.pub").read_text().partition("+")[0]
        own = hashlib.sha256(origin.encode()).hexdigest()[:16]
        continues = (self.data / "anchor" / own).is_dir()
        return (self.data / kept / own if continues else self.data / kept) / "checkpoint"

    @property
    def logins_file(self) -> Path:
        """Users and secrets of the development issuer, a line each; 0600."""
        return self.data / "logins"

    def people(self) -> list[tuple[str, str, str, str]]:
        """Name, secret, role and organisation of each login, machines too; empty before the first start."""
        try:
            lines = self.logins_file.read_text().splitlines()
        except FileNotFoundError:
            return []
        rows = [line.split() for line in lines if line and not line.startswith("#")]
        return [(row[0], row[1], row[2], row[3]) for row in rows if len(row) == 4]

    def logins(self) -> dict[str, str]:
        """Secret by name."""
        return {name: secret for name, secret, _, _ in self.people()}

    @property
    def run(self) -> Path:
        """The folder of the services' sockets, made when missing."""
        return socket_folder(self.data / "run")

    @property
    def admin_url_file(self) -> Path:
        """The address of the database server for its administrator; 0600."""
        return self.keys / "postgres.url"

    def database(self, service: str) -> Database:
        """The database of one service, with the addresses of its owner, its app role and the administrator."""
        if service not in SERVICES:
            raise NoInstance(f"there is no database {service}; choose {', '.join(SERVICES)}")
        try:
            address = Address.parse(self.admin_url_file.read_text().strip())
        except OSError:
            raise NoInstance(f"{self.data} has no database yet; start with `{self.typed('up')}`") from None
        return database_of(address, service, kept_in(self.keys / "postgres"), tenant_in(self.data) or SOLE)

    def admin_dsn(self, service: str) -> str:
        """For asyncpg: everything may be read and changed. Only for the operator, the demo's tampering and the bench."""
        return self.database(service).admin_dsn

    @property
    def sample_mark(self) -> Path:
        """What this house was begun with, in words: there from the end of the first start, or of a restore."""
        return self.data / "sample-data"

    @property
    def key_alone(self) -> bool:
        """Whether the key of a log is here and nothing of that log: neither database nor anchor nor archive. What a first
        start made that was interrupted is not; a database that no start and no restore brought to its end is none."""
        known, begun = self.sample_mark.exists(), bool(self.status)
        if not (self.keys / "log.key").exists() or (begun and not known):
            return False
        if known and any((self.data / name).exists() for name in ("pg/data/PG_VERSION", FILE)):
            return False
        return not any(note for name in ("anchor", "archive") for note in (self.data / name).glob("**/checkpoint"))

    def typed(self, words: str) -> str:
        """What to type so that this instance is meant."""
        return f"./timber {words}" + ("" if self.data == default_data() else f" --data {shlex.quote(str(self.data))}")

    @property
    def running(self) -> bool:
        """True while a launcher holds this data folder."""
        try:
            with (self.data / "lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def make(self) -> None:
        """Make the folder and mark it as ours. Raises NoInstance when it holds something else or is not writable."""
        try:
            fresh = not self.data.exists()
            if not fresh and not self.data.is_dir():
                raise NoInstance(f"{self.data} is not a folder; choose another with --data")
            self.data.mkdir(parents=True, exist_ok=True)
            if not fresh and not (self.data / MARK).exists() and any(self.data.iterdir()):
                raise NoInstance(
                    f"{self.data} is not empty and was not made by timber; choose another folder with --data"
                )
            self.data.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's database runs as another user inside
            (self.data / MARK).write_text("This folder belongs to ./timber, which may delete it on `reset`.\n")
            for folder in (self.keys, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise NoInstance(
                f"{self.data} cannot be used: {error.strerror}. Choose another folder with --data or TIMBER_DATA"
            ) from None

    @contextmanager
    def held(self) -> Iterator[IO[bytes]]:
        """Hold the data folder; NoInstance when another launcher does. The kernel lets go when the launcher dies."""
        with (self.data / "lock").open("ab") as file:
            os.set_inheritable(file.fileno(), False)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NoInstance(f"another launcher uses {self.data}") from None
            yield file

    def write_status(self, status: dict[str, Any]) -> None:
        """Replace the status file whole."""
        draft = self.data / "instance.json.new"
        draft.write_text(json.dumps(status, indent=1) + "\n")
        draft.replace(self.data / "instance.json")


def why(error: Exception) -> str:
    """What did not work, as one sentence also where it is the system that says no."""
    if isinstance(error, FileNotFoundError):
        return f"there is no {error.filename}; is this the right folder?"
    if isinstance(error, OSError):
        return f"{error.filename} cannot be used: {error.strerror}"
    return str(error)


def default_data() -> Path:
    """`TIMBER_DATA`, else `.timber` in the checkout."""
    given = os.environ.get("TIMBER_DATA")
    return Path(given).absolute() if given else CHECKOUT / ".timber"


def find(data: str | None, port: int | None) -> Instance:
    """The instance that is meant: by folder, by port, or the one of this checkout. It may be stopped."""
    if data is not None or port is None:
        instance = Instance(Path(data).absolute() if data else default_data())
        if port is not None and instance.running and instance.port != port:
            raise NoInstance(f"the instance in {instance.data} answers on port {instance.port}, not {port}")
        return instance
    own = Instance(default_data())
    if own.status and own.port == port:
        return own
    for entry in _registry().glob("*.path"):
        with suppress(OSError):
            other = Instance(Path(entry.read_text().strip()))
            if other.running and other.port == port:
                return other
    raise NoInstance(f"nothing that ./timber started answers on port {port}")


def find_running(data: str | None, port: int | None) -> Instance:
    """As `find`, but it must run now."""
    instance = find(data, port)
    if not instance.running:
        raise NoInstance(f"not running ({instance.data}). Start it with `{instance.typed('up')}`")
    return instance


def register(instance: Instance) -> None:
    """Leave word where this instance's data is, so that `--port` alone finds it; words of folders that are gone go too."""
    for entry in _registry().glob("*.path"):
        with suppress(OSError):
            if not Path(entry.read_text().strip()).exists():
                entry.unlink()
    _word_of(instance).write_text(f"{instance.data}\n")


def forget(instance: Instance) -> None:
    """Remove what an instance left outside its data folder: the word where it is, and sockets. May be repeated."""
    _word_of(instance).unlink(missing_ok=True)
    database = instance.data / "pg"
    for folder in (instance.data / "run", database / "socket", database.resolve() / "socket"):
        sockets.forget(folder)


def _word_of(instance: Instance) -> Path:
    return _registry() / f"{hashlib.sha256(os.fsencode(instance.data)).hexdigest()[:16]}.path"


def _registry() -> Path:
    return socket_folder(Path(tempfile.gettempdir()).resolve() / f"timber-{os.geteuid()}-instances")
