"""The table of processes: what runs, what each needs, calls, reads and may use. The launcher, docker-compose.yml and
the gateway's clusters are held against it by a test.
"""

from dataclasses import dataclass
from pathlib import Path

TCP_PORT = 8000  # where a service listens when it has a network of its own
JWKS_PATH = "/.well-known/jwks.json"
TOKENS_PATH = "/v1/tokens"
AUTHORIZE_PATH = "/v1/authorize"
PORTAL_CLIENT = "portal"
DEVELOPMENT_ISSUER = "https://issuer.trozalog.localhost"
SECRETS = Path("/run/secrets")


@dataclass(frozen=True)
class Part:
    """One process of our own. `needs` must be ready before it starts; `calls` may be absent for a while; one that
    `signs_in` sends people to the provider's page; one that stands `apart` shares neither keys nor data with the others."""

    name: str
    module: str
    memory_mb: int
    needs: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    database: bool = False
    client: str | None = None
    signs_in: bool = False
    development: bool = False
    apart: bool = False
    replicas: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """The processes of this part on one machine: any of them serves any request."""
        return (self.name, *(f"{self.name}-{number}" for number in range(2, self.replicas + 1)))

    @property
    def migrates(self) -> str:
        """The name of its one-time step."""
        return f"{self.name}-migrate"


PARTS = (
    Part("issuer", "deploy.issuer", 128, needs=("logins",), keys=("token.key", "logins.json"), development=True),
    Part(
        "custody",
        "services.custody.main",
        512,
        needs=("postgres",),
        calls=("witness",),
        keys=("log.key", "host.key", "wrapping.key", "registrar.pub", "policy.txt"),
        database=True,
        replicas=2,
    ),
    Part(
        "permits",
        "services.permits.main",
        384,
        needs=("postgres", "logins"),
        calls=("custody",),
        keys=("registrar.key", "host.pub"),
        database=True,
        client="permits-service",
    ),
    Part(
        "contracts",
        "services.contracts.main",
        384,
        needs=("postgres", "logins"),
        calls=("custody", "permits"),
        database=True,
        client="contracts-service",
    ),
    Part(
        "portal",
        "services.portal.main",
        256,
        needs=("custody-migrate", "permits-migrate", "contracts-migrate"),  # it answers when they do
        calls=("custody", "permits", "contracts"),
        keys=("policy.txt", "portal.key"),
        signs_in=True,
    ),
    Part("witness", "services.witness.main", 128, keys=("witness.key", "policy.txt"), apart=True),
)
BY_NAME = {part.name: part for part in PARTS}
CLUSTERS = tuple(part.name for part in PARTS)  # what the gateway sends requests to


@dataclass(frozen=True)
class Laptop:
    """Everything on one machine: services listen on Unix sockets in a private folder."""

    run: Path
    data: Path
    keys: Path
    public_url: str

    def socket(self, name: str) -> Path:
        """Where a service listens."""
        return self.run / f"{name}.sock"

    def listens(self, name: str) -> dict[str, str]:
        """Variables that say where a process listens."""
        return {"UDS": str(self.socket(name))}

    def reaches(self, name: str) -> dict[str, str]:
        """Variables that say how to reach another service."""
        return {f"{name.upper()}_UDS": str(self.socket(name))}

    def tokens(self) -> dict[str, str]:
        """Variables that say whose tokens count and where keys and tokens come from."""
        return {"ISSUER": DEVELOPMENT_ISSUER, "JWKS_UDS": str(self.socket("issuer"))}

    def sign_in(self) -> dict[str, str]:
        """Variables that say where people sign in with a browser, and as whom they are sent there."""
        return {"AUTHORIZE_URL": f"{self.public_url}{AUTHORIZE_PATH}", "CLIENT_ID": PORTAL_CLIENT}

    def places(self) -> dict[str, str]:
        """Variables for folders and the address that people use."""
        return {"KEYS_DIR": str(self.keys), "DATA_DIR": str(self.data), "PUBLIC_URL": self.public_url}

    def folder(self, part: Part) -> Path:
        """Keys and data of a part that stands apart."""
        return self.data / part.name

    def apart(self, part: Part) -> dict[str, str]:
        """Variables for those folders."""
        return {"KEYS_DIR": str(self.folder(part)), "DATA_DIR": str(self.folder(part))}

    def policy(self) -> dict[str, str]:
        """Variables that say whose log is believed and watched, and by whom."""
        return {"POLICY": str(self.data / "policy.txt")}

    def log(self) -> dict[str, str]:
        """Variables that name the log: as its key does, from the first one on."""
        key = self.keys / "log.pub"
        return {"ORIGIN": key.read_text().partition("+")[0]} if key.exists() else {}


@dataclass(frozen=True)
class Compose:
    """Containers that know each other by name; secrets are files. What a site decides is a `${VARIABLE}` of compose."""

    def listens(self, name: str) -> dict[str, str]:  # noqa: ARG002  (the twin of Laptop.listens)
        """Variables that say where a process listens."""
        return {"HOST": "0.0.0.0", "PORT": str(TCP_PORT)}  # noqa: S104  (inside the container's network)

    def reaches(self, name: str) -> dict[str, str]:
        """Variables that say how to reach another service."""
        return {f"{name.upper()}_URL": f"http://{name}:{TCP_PORT}"}

    def tokens(self) -> dict[str, str]:
        """Variables that say whose tokens count and where keys and tokens come from."""
        return {
            "ISSUER": f"${{TROZALOG_ISSUER:-{DEVELOPMENT_ISSUER}}}",
            "JWKS_URL": f"${{TROZALOG_JWKS_URL:-http://issuer:{TCP_PORT}{JWKS_PATH}}}",
            "TOKEN_URL": f"${{TROZALOG_TOKEN_URL:-http://issuer:{TCP_PORT}{TOKENS_PATH}}}",
        }

    def sign_in(self) -> dict[str, str]:
        """Variables that say where people sign in with a browser, and as whom they are sent there."""
        return {
            "AUTHORIZE_URL": f"${{TROZALOG_AUTHORIZE_URL-http://127.0.0.1:8080{AUTHORIZE_PATH}}}",
            "LOGOUT_URL": "${TROZALOG_LOGOUT_URL:-}",
            "CLIENT_ID": f"${{TROZALOG_PORTAL_CLIENT_ID:-{PORTAL_CLIENT}}}",
            "CLIENT_SECRET": "${TROZALOG_PORTAL_CLIENT_SECRET:-}",
        }

    def places(self) -> dict[str, str]:
        """Variables for folders and the address that people use."""
        return {
            "ENV": "${TROZALOG_ENV:-development}",
            "KEYS_DIR": str(SECRETS),
            "DATA_DIR": "/data",
            "PUBLIC_URL": "${TROZALOG_PUBLIC_URL:-http://127.0.0.1:8080}",
        }

    def apart(self, part: Part) -> dict[str, str]:  # noqa: ARG002  (the twin of Laptop.apart)
        """Every container has secrets and a volume of its own."""
        return {}

    def policy(self) -> dict[str, str]:
        """Variables that say whose log is believed and watched, and by whom."""
        return {"POLICY": str(SECRETS / "policy.txt")}

    def log(self) -> dict[str, str]:
        """Variables that name the log."""
        return {"ORIGIN": "${TROZALOG_ORIGIN:-trozalog.localhost/madre-de-dios/2026}"}


def environment(part: Part, place: Laptop | Compose, name: str | None = None) -> dict[str, str]:
    """The `TROZALOG_` variables of one process (`name`, of those of the part), without its secrets."""
    found = place.places() | place.listens(name or part.name) | place.tokens()
    for name in part.calls:
        found |= place.reaches(name)
    if "policy.txt" in part.keys:
        found |= place.policy()
    if "log.key" in part.keys:
        found |= place.log()
    if part.apart:
        found |= place.apart(part)
    if part.signs_in:
        found |= place.sign_in()
    if part.client:
        found["CLIENT_ID"] = part.client
    return {f"TROZALOG_{name}": value for name, value in found.items()}
