"""`timber test`: everything that CI runs, one stage after the other, and one line for each at the end."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.instance import CHECKOUT

WORKERS = "3"  # tests wait for PostgreSQL, browsers and each other: two leave a third of two cores idle


def stages(arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Name and command of each stage. `arguments` go to pytest."""
    tools = Path(sys.executable).parent
    own = [] if any(word.startswith(("-n", "--numprocesses")) for word in arguments) else ["-n", WORKERS]
    return [
        ("format", [str(tools / "ruff"), "format", "--check", "--output-format", "concise", ".", "timber"]),
        ("lint", [str(tools / "ruff"), "check", "--output-format", "concise", ".", "timber"]),
        ("types", [str(tools / "mypy"), "--no-error-summary"]),
        ("imports", [str(tools / "lint-imports"), "--no-logo"]),
        ("tests", [sys.executable, "-m", "pytest", *own, "--dist", "loadscope", "--no-loadscope-reorder", *arguments]),
    ]


def main(options: argparse.Namespace) -> int:
    """Run all stages, also after one has failed; 0 when all passed."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    results: list[tuple[str, int, float]] = []
    for name, command in stages(options.rest):
        print(f"── {name}", flush=True)
        begun = time.monotonic()
        status = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode
        results.append((name, status, time.monotonic() - begun))
    print("── summary")
    for name, status, seconds in results:
        print(f"  {'✓' if status == 0 else '✗'} {name:<10}{seconds:7.1f} s" + (f"   status {status}" if status else ""))
    return 0 if all(status == 0 for _, status, _ in results) else 1
