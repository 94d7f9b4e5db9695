"""`timber up`: choose port and folder, hold them, run the house in the foreground or in the background."""

import argparse
import asyncio
import os
import resource
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from deploy.child import LAST_LINES, StageFailed
from deploy.instance import CHECKOUT, Instance, NoInstance, find, register
from deploy.process import holder_of, is_still

TRIES = 50
_KEY_ALONE = (
    "{key} is here and no database, anchor or archive of its log: to sign with it would begin a second history. Bring the log "
    "back first ({restore}; or put its anchor/ and archive/ here, start, and {recover}), or move log.key and policy.txt away, "
    "which begins another log"
)
PORTS = range(20_000, 32_000)
DETACHED_DEADLINE_S = 3_900  # longer than any step of a launcher, the longest being a migration of a large log


def up(options: argparse.Namespace) -> int:
    """Start, or show what already runs. In the background it returns when the instance is ready, whoever started it."""
    instance = find(options.data, None)
    if instance.running and not options.child:
        if instance.status.get("state") == "stopping":
            raise NoInstance(f"the instance in {instance.data} is just stopping; try again in a moment")
        shown = _show_running(instance, options.port)
        return _follow(instance, None) if options.detach and not _is_up(instance) else shown
    if instance.key_alone:
        raise NoInstance(
            _KEY_ALONE.format(
                key=instance.keys / "log.key", restore=instance.typed("restore FILE"), recover=instance.typed("recover")
            )
        )
    say = _quiet if options.child else _say
    port = choose_port(options.port, instance, say)
    instance.make()
    if options.detach:
        return _detached(instance, port, options.empty)
    from deploy.supervisor import House, run

    with instance.held():
        _raise_file_limit()
        register(instance)
        begun = time.monotonic()
        if not options.child:
            print(_head())
        house = House(instance, port, not options.empty)

        async def announce() -> None:
            if not options.child:
                print(banner(instance, time.monotonic() - begun), flush=True)

        status = asyncio.run(run(house, say, announce))
    if status and not options.child:
        _explain(instance, os.getpid())
    return status


def _is_up(instance: Instance) -> bool:
    return bool(instance.status.get("state") == "running")


def choose_port(asked: int | None, instance: Instance, say: Callable[[str], None]) -> int:
    """The port asked for, or the last one used, or the first free one from 8080 on.

    A taken port that was asked for is refused, with who holds it and which port is free.
    """
    first = asked if asked is not None else instance.port
    if first == 0:
        return any_free_port()
    if is_free(first):
        return first
    after = free_after(first)
    holder = holder_of(first) or "another process"
    if asked is not None:
        raise NoInstance(
            f"port {first} is taken by {holder}. Port {after} is free: {instance.typed(f'up --port {after}')}"
        )
    say(f"  port {first} is taken by {holder}; using {after}")
    return after


def free_after(port: int) -> int:
    """The first free port behind this one, or any."""
    return next((p for p in range(port + 1, min(port + TRIES, 65536)) if is_free(p)), None) or any_free_port()


def is_free(port: int) -> bool:
    """Whether the gateway could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the gateway does: waiting ends do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port to listen on later. Below those that systems give to outgoing connections: one of these could take it until
    then."""
    while not is_free(port := PORTS.start + secrets.randbelow(len(PORTS))):
        continue
    return port


def banner(instance: Instance, seconds: float) -> str:
    """What people need once it runs. Passwords are shown on the first start only; later they are in the file."""
    url = instance.base_url
    lines = [
        f"  ready in {seconds:.1f} s",
        "",
        f"  Portal     {url}/      find and verify a lot, a permit, a guide or a log",
        f"  API docs   {url}/docs      Health  {url}/healthz",
        *_sign_in(instance),
        f"  Policy     {instance.policy}   (for `verify`, and for auditors)",
        f"  Try        {instance.typed('demo')}      follow two trees to a sold lot, then tamper with it",
        f"  Logs       {instance.logs}      Stop  {_stop_word(instance)}      Wipe  {instance.typed('reset')}",
    ]
    return "\n".join(lines)


def _sign_in(instance: Instance) -> list[str]:
    if not instance.status.get("fresh"):
        return [f"  Sign in    passwords in {instance.logins_file}"]
    people = [row for row in instance.people() if row[2] not in ("machine", "service")]
    lines = [f"    {name:<16}{secret:<24}{role} of {organisation}" for name, secret, role, organisation in people]
    return [f"  Sign in    (shown once; also in {instance.logins_file})", *lines]


def _stop_word(instance: Instance) -> str:
    return "Ctrl-C" if instance.status.get("pid") == os.getpid() else instance.typed("down")


def _show_running(instance: Instance, port: int | None) -> int:
    status = instance.status
    print(
        f"timber runs already: {instance.base_url}/  ({status.get('state', 'starting')}, process {status.get('pid')})"
    )
    if port not in (None, instance.port):
        print(f"For a second one beside it: ./timber up --port {port} --data DIR")
    print(f"{instance.typed('status')} shows more, {instance.typed('down')} stops it.")
    return 0


def _detached(instance: Instance, port: int, empty: bool) -> int:
    """Start the launcher in a session of its own and follow it."""
    command = [sys.executable, "-P", "-m", "deploy", "up", "--child", "--data", str(instance.data), "--port", str(port)]
    if empty:
        command.append("--empty")
    print(_head())
    with (instance.logs / "launcher.log").open("ab") as sink:
        launcher = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        )  # fmt: skip
    return _follow(instance, launcher)


def _follow(instance: Instance, launcher: "subprocess.Popen[bytes] | None") -> int:
    """Tell the stages of a start until it is ready or has failed: of this launcher, or of one that was faster."""
    begun, shown, whose = time.monotonic(), 0, launcher.pid if launcher else None
    while time.monotonic() - begun < DETACHED_DEADLINE_S:
        ended, status, running = launcher is not None and launcher.poll() is not None, instance.status, instance.running
        if running and (launcher is None or ended) and is_still(status.get("pid"), status.get("begun")):
            whose, shown = status["pid"], shown if whose == status["pid"] else 0
        if status.get("pid") == whose:
            for stage in status["stages"][shown:]:
                print(f"  ✓ {stage['text']:<64}{stage['seconds']:5.1f} s")
                shown += 1
            if running and status["state"] == "running":
                print(banner(instance, time.monotonic() - begun))
                return 0
        if not running and (launcher is None or ended):
            _explain(instance, whose)
            return 1
        time.sleep(0.05)
    raise StageFailed("up", f"was not ready after {DETACHED_DEADLINE_S} s; see {instance.logs}", [])


def _explain(instance: Instance, launcher: int | None) -> None:
    """The stage that failed, its cause, and the last words of the process."""
    status = instance.status
    error = status.get("error") if status.get("pid") == launcher else None
    if not error:
        log = instance.logs / "launcher.log"
        said = log.read_text(errors="replace").splitlines()[-LAST_LINES:] if log.exists() else []
        error = {"stage": "launcher", "cause": "ended before it could start anything", "lines": said}
    print(f"\n  ✗ {error['stage']}: {error['cause']}", file=sys.stderr)
    for line in error["lines"]:
        print(f"    | {line}", file=sys.stderr)
    print(f"  Logs: {instance.logs}   {instance.typed('doctor')} looks for the usual causes", file=sys.stderr)


def _head() -> str:
    from deploy.__main__ import VERSION

    return f"timber {VERSION} · development mode · not for production"


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _say(line: str) -> None:
    print(line, flush=True)


def _quiet(line: str) -> None:
    if not line.startswith("  ✓"):
        print(line, flush=True)
