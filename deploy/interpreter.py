"""How an interpreter was built, and whether it makes environments: asked by the launcher, told by the doctor.

The launcher runs this file with whatever Python 3.11 or newer it finds, so it needs the standard library alone.
"""

import sys
import sysconfig
from importlib.util import find_spec


def built_plainly(configured: str | None, prefix: str) -> bool:
    """Whether an interpreter was configured without `--enable-optimizations`, which costs a fifth of the rate
    (docs/figures.md). Of the system's own nothing is said: Debian optimises its build without that flag."""
    return configured is not None and "--enable-optimizations" not in configured and prefix != "/usr"


def plain() -> bool:
    """Whether this interpreter was."""
    return built_plainly(sysconfig.get_config_var("CONFIG_ARGS"), sys.base_prefix)


if __name__ == "__main__":
    makes = all(find_spec(module) for module in ("venv", "ensurepip"))
    print("plain" if plain() else "optimised", "makes" if makes else "cannot")
