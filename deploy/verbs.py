"""The verbs that speak to an instance: status, logs, token, verify, demo, bench, seed, psql."""

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.child import http_fetch, http_status
from deploy.instance import Instance, NoInstance, find, find_running
from deploy.logfile import piece_of
from deploy.process import alive, memory_kb
from deploy.topology import PARTS


def status(options: argparse.Namespace) -> int:
    """Show processes, health and memory, and whether the log is frozen; exit status 1 when something is not well, 3 when it
    does not run."""
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
        if found["frozen"]:
            print(f'  FROZEN: {found["frozen"]}\n      → docs/operate.md, "At night: the log is frozen"')
        for witness in found["witnesses"]:
            print(
                f"  witness {witness['name']}: {witness['problem'] or 'cosigned ' + str(witness['size']) + ' entries'}"
            )
    if not found["running"]:
        return 3
    well = found["state"] == "running" and not found["frozen"] and all(row["healthy"] for row in found["processes"])
    return 0 if well else 1


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
    code, facts = await http_fetch(Path(known["run"]) / "custody.sock", "/healthz")
    custody = json.loads(facts) if code == 200 else {}
    answer |= {"frozen": custody.get("frozen"), "witnesses": custody.get("witnesses", [])}
    return answer


async def _healthy(instance: Instance, name: str, process: dict[str, Any]) -> bool:
    if not process["pid"] or not alive(process["pid"]):
        return False
    run = Path(instance.status["run"])
    if name in {one for part in PARTS for one in part.names}:
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
    places = {}
    for name, path in files.items():
        said = _from(path, 0)
        places[name] = said.rfind(b"\n") + 1
        whole = said[: places[name]] if options.follow else said
        for line in whole.decode(errors="replace").splitlines()[-20 if many else -200 :]:
            print(f"{name:<10} {line}" if many else line, flush=options.follow)
    if options.follow:
        for name, line in _follow(files, places):
            print(f"{name:<10} {line}" if many else line, flush=True)
    return 0


def _follow(files: dict[str, Path], places: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Lines of all files from these places on as they come, until interrupted."""
    while True:
        for name, path in files.items():
            size = path.stat().st_size if path.exists() else 0
            if size < places[name]:  # emptied; the rest of what was there is in the piece
                rest = _from(piece_of(path, 1), places[name])
                yield from ((name, line) for line in rest.decode(errors="replace").splitlines())
                places[name] = 0
            if size > places[name]:
                block = _from(path, places[name])
                whole = block[: block.rfind(b"\n") + 1]
                places[name] += len(whole)
                for line in whole.decode(errors="replace").splitlines():
                    yield name, line
        time.sleep(0.2)


def _from(path: Path, place: int) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        file.seek(place)
        return file.read()
    return b""


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
    """Verify a bundle offline, with the policy given or this instance's; or take it apart. Needs no server."""
    from shared.lot.__main__ import main

    if options.split:
        return main(["split", options.file, options.split, "--lang", options.lang])
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

    return main(json=options.json, quick=options.quick, growth=options.growth, figures=options.figures)


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
    # The password is not among the arguments, which every user of the machine may read.
    where = address.dsn(address.admin, "", database.name)
    sys.stdout.flush()
    os.execve(program, [program, where], os.environ | {"PGPASSWORD": address.password})  # noqa: S606  (no shell)
