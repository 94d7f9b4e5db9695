"""`./timber rewrap`: a new key over the data keys of private fields, all of them wrapped by it, the old one destroyed.

The three steps of docs/operate.md in one, on a running instance, while it goes on. An interruption at any moment leaves every
data key readable, and the verb may be run again.
"""

import argparse
import os
import subprocess
import sys

from deploy.instance import CHECKOUT, Instance, NoInstance, find_running
from deploy.rotate import add_wrapping_key, drop_old_wrapping_keys


def rewrap(options: argparse.Namespace) -> int:
    """The new key stands first before anything is wrapped by it, and the old ones go once nothing is wrapped by them."""
    instance = find_running(options.data, options.port)
    add_wrapping_key(instance.keys)
    _run(instance)
    drop_old_wrapping_keys(instance.keys)
    print(f"the old wrapping key is gone from {instance.keys}; destroy its copies too")
    return 0


def _run(instance: Instance) -> None:
    url, keys = instance.database("custody").app_url, str(instance.keys)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    variables = kept | {"TROZALOG_DATABASE_URL": url, "TROZALOG_KEYS_DIR": keys}
    command = [sys.executable, "-m", "services.custody.rewrap"]
    if subprocess.run(command, env=variables, cwd=CHECKOUT, check=False).returncode != 0:
        raise NoInstance("the old wrapping key stays, because not every data key was wrapped anew")
