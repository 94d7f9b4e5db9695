"""Work on somebody's file in a process of its own: a native parser that meets a hostile file may end the process it
runs in, and that must not be the one that serves. Bytes go in by standard input and come out by standard output."""

import os
import subprocess
import sys


class TooSlow(Exception):  # noqa: N818
    """The process did not end in its time, and was ended."""


def run(module: str, data: bytes, *arguments: str, timeout_s: float) -> bytes | None:
    """What a module of this service answers to these bytes; ``None`` when it died of them. Slow: use a thread."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        child = subprocess.run(  # noqa: S603  (our own module; the file comes by standard input)
            [sys.executable, "-m", module, *arguments], input=data, capture_output=True, env=environment,
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TooSlow from error
    return child.stdout if child.returncode == 0 else None


def bound(memory_bytes: int, cpu_s: int) -> None:
    """In the process apart: as much memory and time as honest work needs; where the system cannot, its own counts must do."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
