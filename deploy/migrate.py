"""`python -m deploy.migrate`: the one-time step of docker compose: roles, databases, then every service's migrations.

It holds the administrator's address, which no service does. May be repeated; services start only after it has ended.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from deploy import databases
from deploy.databases import SERVICES, Address, Database, Tenant
from deploy.topology import BY_NAME, SECRETS


async def prepare(folder: Path, origin: str) -> None:
    """Roles and databases of all services, on the server that `postgres_url` names, as the services' addresses name them.

    The roles carry the log's origin, so that two sites on one server never touch each other's.
    """
    address = Address.parse((folder / "postgres_url").read_text().strip())
    for service in SERVICES:
        owner, app = (
            Address.parse((folder / f"{service}_{kind}_url").read_text().strip()) for kind in ("owner", "app")
        )
        tenant = Tenant(owner.admin.removesuffix(f"{service}_owner"), f"trozalog {origin}")
        database = Database(owner.admin_database, service, address, owner.password, app.password, tenant.prefix)
        if (database.owner_role, database.app_role) != (owner.admin, app.admin):
            raise SystemExit(
                f"migrate: roles must be called …{service}_owner and …{service}_app, with the same beginning"
            )
        await databases.create(database, tenant)


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
    try:
        asyncio.run(prepare(SECRETS, os.environ["TROZALOG_ORIGIN"]))
    except databases.NotOurs as error:
        raise SystemExit(f"migrate: {error}") from None
    for service in SERVICES:
        migrate(SECRETS, service)


if __name__ == "__main__":
    main()
