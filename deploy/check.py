"""`timber test`: everything that CI runs, and one line for each stage at the end."""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from deploy.instance import CHECKOUT

WORKERS = "3"  # tests wait for PostgreSQL, browsers and each other: two leave a third of two cores idle
# These run while the tests do, which wait a good part of their time, and are heard after them.
BESIDE = ("types", "imports")


@dataclass(frozen=True)
class Result:
    """How one stage ended, and what it said if that was kept."""

    name: str
    status: int
    seconds: float
    said: str = ""


def stages(arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Name and command of each stage. `arguments` go to pytest."""
    tools = Path(sys.executable).parent
    own = [] if any(word.startswith(("-n", "--numprocesses")) for word in arguments) else ["-n", WORKERS]
    return [
        ("format", [str(tools / "ruff"), "format", "--check", "--output-format", "concise", ".", "timber"]),
        ("lint", [str(tools / "ruff"), "check", "--output-format", "concise", ".", "timber"]),
        ("tests", [sys.executable, "-m", "pytest", *own, "--dist", "loadscope", "--no-loadscope-reorder", *arguments]),
        ("types", [str(tools / "mypy"), "--no-error-summary"]),
        ("imports", [str(tools / "lint-imports"), "--no-logo"]),
    ]


def main(options: argparse.Namespace) -> int:
    """Run all stages, also after one has failed; 0 when all passed."""
    return run_all(stages(options.rest))


def run_all(planned: list[tuple[str, list[str]]]) -> int:
    """Run these stages in their order, those `BESIDE` the others meanwhile; then say of each how it ended."""
    with ThreadPoolExecutor(1) as pool:
        kept = {name: pool.submit(run, name, command, quiet=True) for name, command in planned if name in BESIDE}
        results = []
        for name, command in planned:
            print(f"── {name}", flush=True)
            results.append(kept[name].result() if name in kept else run(name, command))
            print(results[-1].said, end="", flush=True)
    print("── summary")
    for done in results:
        status = f"   status {done.status}" if done.status else ""
        print(f"  {'✓' if done.status == 0 else '✗'} {done.name:<10}{done.seconds:7.1f} s{status}")
    return 0 if all(done.status == 0 for done in results) else 1


def run(name: str, command: list[str], *, quiet: bool = False) -> Result:
    """One stage to its end; `quiet` keeps what it says until somebody asks."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of the processes that tests start compiles us anew
    begun = time.monotonic()
    pipe = subprocess.PIPE if quiet else None
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment,
        check=False,
        text=True,
        stdout=pipe,
        stderr=subprocess.STDOUT if quiet else None,
    )
    return Result(name, done.returncode, time.monotonic() - begun, done.stdout or "")
