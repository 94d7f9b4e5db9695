"""`python -m deploy.migrate`: the one-time step of docker compose: roles, databases, then every service's migrations.

It holds the administrator's address, which no service does. May be repeated; services start only after it has ended.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy import databases
from deploy.databases import SERVICES, Address
from deploy.topology import BY_NAME, SECRETS


def passwords(folder: Path) -> Callable[[str], str]:
    """The password of a role, from the file of its address."""

    def password(role: str) -> str:
        return unquote(urlsplit((folder / f"{role}_url").read_text().strip()).password or "")

    return password


async def prepare(folder: Path) -> None:
    """Roles and databases of all services, on the server that `postgres_url` names."""
    address = Address.parse((folder / "postgres_url").read_text().strip())
    for service in SERVICES:
        await databases.create(address, service, passwords(folder))


def migrate(folder: Path, service: str) -> None:
    """Bring one schema up to date, as its owner, in a process that knows nothing else."""
    own = {"TROZALOG_DATABASE_URL_FILE": str(folder / f"{service}_owner_url")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TROZALOG_")}
    command = [sys.executable, "-m", BY_NAME[service].module, "migrate"]
    if subprocess.run(command, env=kept | own, check=False).returncode != 0:
        raise SystemExit(f"migrate: the migrations of {service} failed")
    print(f"{service}: the schema is up to date", flush=True)


def main() -> None:
    """Prepare, then migrate one after the other."""
    asyncio.run(prepare(SECRETS))
    for service in SERVICES:
        migrate(SECRETS, service)


if __name__ == "__main__":
    main()
