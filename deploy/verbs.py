"""The verbs that speak to an instance: down, status, logs, reset, token, verify, demo, bench, seed, psql."""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.child import http_fetch, http_status
from deploy.instance import MARK, Instance, NoInstance, find, find_running
from deploy.process import alive, command_line, memory_kb
from deploy.topology import PARTS

STOP_DEADLINE_S = 45


def down(options: argparse.Namespace) -> int:
    """Stop the launcher in order, and whatever a killed launcher left behind."""
    instance = find(options.data, options.port)
    if not instance.running:
        left = _stop_leftovers(instance)
        print(f"not running ({instance.data})" + (f"; stopped {left} left-over processes" if left else ""))
        return 0
    launcher = instance.status.get("pid")
    if launcher is None:
        raise NoInstance("it is only just starting; try again in a moment")
    os.kill(launcher, signal.SIGTERM)
    end = time.monotonic() + STOP_DEADLINE_S
    while instance.running:
        if time.monotonic() > end:
            raise NoInstance(f"the launcher (process {launcher}) does not stop; see {instance.logs}")
        time.sleep(0.05)
    print(f"stopped ({instance.data})")
    return 0


def _stop_leftovers(instance: Instance) -> int:
    """Processes of a dead launcher: only those whose command line or socket folder names this instance."""
    stopped = 0
    for name, process in instance.status.get("processes", {}).items():
        pid = process.get("pid")
        words = command_line(pid) if pid and alive(pid) else ""
        if any(mark in words for mark in (str(instance.data), f"services.{name}.main", f"deploy.{name}")):
            os.kill(pid, signal.SIGINT if name == "postgres" else signal.SIGTERM)
            stopped += 1
    return stopped


def status(options: argparse.Namespace) -> int:
    """Show processes, health and memory; exit status 1 when something is not well, 3 when it does not run."""
    instance = find(options.data, options.port)
    found = asyncio.run(describe(instance))
    if options.json:
        print(json.dumps(found, indent=1))
    elif not found["running"]:
        print(f"not running ({instance.data})")
    else:
        print(f"{found['url']}/   {found['state']}   data {found['data']}   log size {found['log_size']}")
        for row in found["processes"]:
            health = "healthy" if row["healthy"] else row["state"]
            print(
                f"  {row['name']:<10} {health:<9} {row['pid'] or '-':>8} {row['memory_kb'] / 1024:7.0f} MB  restarts {row['restarts']}"
            )
        print(f"  {'total':<10} {'':<9} {'':>8} {found['memory_kb'] / 1024:7.0f} MB")
    if not found["running"]:
        return 3
    return 0 if found["state"] == "running" and all(row["healthy"] for row in found["processes"]) else 1


async def describe(instance: Instance) -> dict[str, Any]:
    """What `status --json` answers."""
    known = instance.status
    answer: dict[str, Any] = {
        "running": instance.running,
        "state": known.get("state", "starting") if instance.running else "stopped",
        "url": instance.base_url,
        "port": instance.port,
        "data": str(instance.data),
        "policy": str(instance.policy),
        "processes": [],
    }
    if not answer["running"]:
        return answer
    rows: list[dict[str, Any]] = [
        {"name": "launcher", "pid": known.get("pid"), "state": known.get("state"), "restarts": 0, "healthy": True}
    ]
    rows.append(
        {**rows[0], "name": "nursery", "pid": known.get("nursery"), "healthy": known.get("nursery") is not None}
    )
    for name, process in known.get("processes", {}).items():
        rows.append({"name": name, **process, "healthy": await _healthy(instance, name, process)})
    for row in rows:
        row["memory_kb"] = memory_kb(row["pid"], alone=row["name"] in ("launcher", "nursery")) if row["pid"] else 0
    answer["processes"] = rows
    answer["memory_kb"] = sum(row["memory_kb"] for row in rows)
    answer["seconds_to_start"] = known.get("seconds") if known.get("state") == "running" else None
    code, note = await http_fetch(Path(known["run"]) / "custody.sock", "/log/checkpoint")
    lines = note.decode(errors="replace").splitlines()
    answer["log_size"] = int(lines[1]) if code == 200 and len(lines) > 1 and lines[1].isdecimal() else None
    return answer


async def _healthy(instance: Instance, name: str, process: dict[str, Any]) -> bool:
    if not process["pid"] or not alive(process["pid"]):
        return False
    run = Path(instance.status["run"])
    if name in {part.name for part in PARTS}:
        return await http_status(run / f"{name}.sock", "/healthz") == 200
    if name == "gateway":
        return await http_status(run / "gateway-admin.sock", "/ready") == 200
    return True


def logs(options: argparse.Namespace) -> int:
    """The last lines of each log, or of one; with -f what comes after too."""
    instance = find(options.data, options.port)
    names = [options.name] if options.name else sorted(path.stem for path in instance.logs.glob("*.log"))
    files = {name: instance.logs / f"{name}.log" for name in names}
    missing = [name for name, path in files.items() if not path.exists()]
    if missing:
        there = ", ".join(sorted(path.stem for path in instance.logs.glob("*.log"))) or "none yet"
        raise NoInstance(f"no log of {missing[0]} in {instance.logs}; there are: {there}")
    many = len(files) > 1
    for name, path in files.items():
        for line in path.read_text(errors="replace").splitlines()[-20 if many else -200 :]:
            print(f"{name:<10} {line}" if many else line)
    if options.follow:
        for name, line in _follow(files):
            print(f"{name:<10} {line}" if many else line, flush=True)
    return 0


def _follow(files: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """New lines of all files as they come, until interrupted."""
    places = {name: path.stat().st_size for name, path in files.items()}
    while True:
        for name, path in files.items():
            size = path.stat().st_size if path.exists() else 0
            if size < places[name]:
                places[name] = 0  # rotated
            if size > places[name]:
                with path.open("rb") as file:
                    file.seek(places[name])
                    block = file.read()
                whole = block[: block.rfind(b"\n") + 1]
                places[name] += len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    yield name, line
        time.sleep(0.2)


def reset(options: argparse.Namespace) -> int:
    """Delete the data folder. Only one that the launcher made, only after asking, never in production."""
    instance = find(options.data, options.port)
    if os.environ.get("TROZALOG_ENV") == "production":
        raise NoInstance("reset is refused where TROZALOG_ENV=production")
    if not instance.data.exists():
        print(f"nothing to delete ({instance.data})")
        return 0
    if not (instance.data / MARK).exists():
        raise NoInstance(f"{instance.data} was not made by timber; it stays")
    if not options.yes:
        print(f"This deletes all records, keys and logins in {instance.data}.")
        if input("Type yes to go on: ").strip().lower() not in ("yes", "si", "sí"):
            print("nothing was deleted")
            return 1
    if instance.running:
        down(options)
    database = instance.data / "pg"
    if database.is_symlink():  # moved out of root's private home by deploy.postgres
        shutil.rmtree(database.resolve(), ignore_errors=True)
    shutil.rmtree(instance.data)
    print(f"deleted {instance.data}")
    return 0


def token(options: argparse.Namespace) -> int:
    """Print an access token of a user, machine or role, for curl and tests."""
    instance = find_running(options.data, options.port)
    print(access_token(instance, options.who))
    return 0


def access_token(instance: Instance, who: str) -> str:
    """Sign in through the gateway as a login's name, or as the first login with that role. Raises NoInstance."""
    people = instance.people()
    row = next((p for p in people if p[0] == who), None) or next((p for p in people if p[2] == who), None)
    if row is None:
        names = ", ".join(f"{name} ({role})" for name, _, role, _ in people)
        raise NoInstance(f"no user or role {who}; there are: {names}")
    name, secret, role, _ = row
    asked = {"grant_type": "password", "username": name, "password": secret}
    if role in ("machine", "service"):
        asked = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    request = urllib.request.Request(  # noqa: S310  (our own gateway)
        f"{instance.base_url}/v1/tokens", json.dumps(asked).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return str(json.load(answer)["access_token"])
    except urllib.error.HTTPError as error:
        raise NoInstance(f"the issuer refused {name}: {error.read().decode(errors='replace')}") from None
    except OSError as error:
        raise NoInstance(f"the gateway does not answer: {error}") from None


def verify(options: argparse.Namespace) -> int:
    """Verify a bundle offline, with the policy given or this instance's. Needs no server."""
    from shared.lot.__main__ import main

    policy = Path(options.policy) if options.policy else find(options.data, options.port).policy
    arguments = [options.file, "--policy", str(policy), "--lang", options.lang]
    return main(arguments + (["--json"] if options.json else []))


def demo(options: argparse.Namespace) -> int:
    """Run the story against a running instance."""
    from deploy.demo import main

    return main(find_running(options.data, options.port), json=options.json, lang=options.lang)


def bench(options: argparse.Namespace) -> int:
    """Measure on a fresh instance that is deleted afterwards; none has to run."""
    from deploy.bench import main

    return main(json=options.json, quick=options.quick)


def seed(options: argparse.Namespace) -> int:
    """Load the sample data into a running instance; the last line says what."""
    from deploy.seed import load

    print(load(find_running(options.data, options.port)))
    return 0


def psql(options: argparse.Namespace) -> int:
    """Become psql, as the administrator of one service's database."""
    if os.environ.get("TROZALOG_ENV") == "production":
        raise NoInstance("psql as administrator is refused where TROZALOG_ENV=production")
    from deploy.postgres import find_binaries

    instance = find_running(options.data, options.port)
    database = instance.database(options.database or "custody")
    program = shutil.which("psql")
    with suppress(Exception):
        bundled = find_binaries().tool("psql")
        program = bundled if Path(bundled).exists() else program
    if program is None:
        raise NoInstance("psql was not found; install PostgreSQL's client programs")
    address = database.address
    environment = os.environ | {
        "PGHOST": address.host, "PGPORT": str(address.port), "PGUSER": address.admin, "PGPASSWORD": address.password,
        "PGDATABASE": database.name,
    }  # fmt: skip
    sys.stdout.flush()
    os.execve(program, [program], environment)  # noqa: S606  (nothing to quote: no shell)
