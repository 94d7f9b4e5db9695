"""What the operating system knows of processes: alive, memory, who holds a port; and not outliving the launcher."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
CLOCK_SET_S = 2.0


def die_with_parent(on_death: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` that has the kernel send `on_death` to the child when the starting thread ends (Linux only).

    The setting is lost when a process changes its user, so it must run after that; `subprocess` does so.
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(on_death), 0, 0, 0)
        if os.getppid() != parent:  # the parent was gone before the request was made
            os._exit(1)

    return ask_the_kernel


def alive(pid: int) -> bool:
    """True while a process with this number runs; a zombie counts as gone."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def begun_at(pid: int) -> float | None:
    """When a running process began, in seconds since 1970; with its number it names one process for ever."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def is_still(pid: int | None, begun: float | None) -> bool:
    """Whether the process of this number that began then still runs; its number may be somebody else's by now.

    The kernel counts from the boot, whose time moves a little when the clock is set.
    """
    if pid is None or begun is None or not alive(pid):
        return False
    found = begun_at(pid)
    return found is not None and abs(found - begun) < CLOCK_SET_S


def command_line(pid: int) -> str:
    """The arguments of a running process joined by spaces; empty where it is gone or the system does not say."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def working_in(folder: Path) -> list[int]:
    """The numbers of the processes whose current folder this is, as far as the system lets us see."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.cwd() == str(folder.resolve()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def memory_kb(pid: int, alone: bool = False) -> int:
    """Proportional memory of a process and its descendants; resident memory where the system knows no better."""
    try:
        top = psutil.Process(pid)
        members = [top] if alone else [top, *top.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for member in members:
        try:
            info = member.memory_full_info()
        except psutil.Error:
            continue
        total += getattr(info, "pss", info.rss) // 1024
    return total


def holder_of(port: int) -> str:
    """Who listens on a TCP port, as `name (process 123)`; empty when the system does not say."""
    try:
        listeners = [
            c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port
        ]
        pid = next((c.pid for c in listeners if c.pid), None)
        return f"{psutil.Process(pid).name()} (process {pid})" if pid else ""
    except psutil.Error:
        return ""
