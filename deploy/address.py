"""The address of a PostgreSQL server, as DATABASE_URL gives it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

DEFAULT_PORT = 5432


class BadAddress(ValueError):  # noqa: N818
    """DATABASE_URL is not the address of a server."""


@dataclass(frozen=True)
class Address:
    """Where a server is and how its administrator signs in: a socket folder, or a host and port.

    `options` are the other parameters of the address (`sslmode`, `sslrootcert`, ...), for every role alike.
    """

    host: str
    port: int
    admin: str
    password: str
    admin_database: str = "postgres"
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read `postgresql://user:password@host:port/database?sslmode=require`; a socket folder stands in `?host=`."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        admin = query.pop("user", unquote(parts.username or ""))
        host = query.pop("host", "") or parts.hostname or "localhost"
        try:
            port = int(query.pop("port", "") or parts.port or DEFAULT_PORT)
        except ValueError:
            port = 0
        if not parts.scheme.startswith("postgres") or not admin or port == 0 or "," in host:
            raise BadAddress("DATABASE_URL must look like postgresql://user:password@host:5432/postgres")
        password = query.pop("password", unquote(parts.password or ""))
        database = query.pop("dbname", unquote(parts.path.lstrip("/"))) or "postgres"
        return cls(host, port, admin, password, database, tuple(sorted(query.items())))

    @property
    def admin_dsn(self) -> str:
        """For the administrator, in the database from which others are made."""
        return self.dsn(self.admin, self.password, self.admin_database)

    def dsn(self, role: str, password: str, database: str, scheme: str = "postgresql") -> str:
        """The address of one database for one role, as asyncpg and libpq read it; without a password where there is none."""
        user = quote(role, safe="") + (f":{quote(password, safe='')}" if password else "")
        socket = self.host.startswith("/")
        query = [("host", self.host), ("port", str(self.port))] if socket else []
        text = urlencode([*query, *self.options], safe="/", quote_via=quote)
        # An IPv6 address stands in brackets (RFC 3986, 3.2.2).
        where = "" if socket else f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        return f"{scheme}://{user}@{where}/{quote(database, safe='')}" + (f"?{text}" if text else "")
