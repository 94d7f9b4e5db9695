"""`python -m deploy.site_secrets DIR [ORIGIN]`: the files that docker-compose.yml hands to its containers.

Makes what is missing and touches nothing that exists, so it may be repeated. As root it gives each file to the user of
the container that reads it.
"""

import os
import secrets
import sys
from pathlib import Path

from deploy.databases import SERVICES, Address
from deploy.issuer import MACHINES, PEOPLE, make_logins
from deploy.keygen import DEVELOPMENT_MARK, ORIGIN, make_keys
from deploy.secret_files import write_secret
from deploy.topology import PARTS

OUR_USER = 10001
POSTGRES_USER = 999  # of the image postgres:18
HOST = "postgres"


def make(folder: Path, origin: str = ORIGIN) -> dict[str, str]:
    """Make the files; the sign-in secrets that were made now, by name. `origin` names the log, for ever."""
    make_keys(folder, folder / "policy.txt", origin)
    (folder / DEVELOPMENT_MARK).unlink()  # these keys may go to a server
    password = _kept(folder / "postgres_password", secrets.token_hex(24))
    address = Address(HOST, 5432, "postgres", password)
    _kept(folder / "postgres_url", address.dsn("postgres", password, "postgres"))
    for service in SERVICES:
        for kind in ("owner", "app"):
            role = f"{service}_{kind}"
            url = address.dsn(role, secrets.token_hex(24), service, scheme="postgresql+asyncpg")
            _kept(folder / f"{role}_url", url)
    # Before the hashes: interrupted in between, the next run finds the secrets it must hash.
    clients = {
        part.client: _kept(folder / f"{part.name}_client_secret", secrets.token_hex(24))
        for part in PARTS
        if part.client
    }
    made = make_logins(folder / "logins.json", clients)
    if made:
        roles = {name: role for name, role, _ in (*PEOPLE, *MACHINES)}
        write_secret(folder / "logins", "".join(f"{name}  {secret}  {roles[name]}\n" for name, secret in made.items()))
    return made


def _kept(path: Path, fresh: str) -> str:
    if not path.exists():
        write_secret(path, fresh)
    return path.read_text().strip()


def hand_over(folder: Path) -> None:
    """Give every file to the one user that reads it."""
    for path in folder.iterdir():
        user = POSTGRES_USER if path.name == "postgres_password" else OUR_USER
        os.chown(path, user, user)
        path.chmod(0o400)


def main() -> None:
    """Make, hand over, show the sign-in once."""
    folder = Path(sys.argv[1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = make(folder, sys.argv[2] if len(sys.argv) > 2 else ORIGIN)
    if os.geteuid() == 0:
        hand_over(folder)
    for name, role, _ in PEOPLE:
        if name in made:
            print(f"{name:<16}{made[name]:<24}{role}")
    print(f"Secrets are in {folder}. Next: docker compose --profile development up --wait")


if __name__ == "__main__":
    main()
