"""A PostgreSQL server that somebody gives (DATABASE_URL): which databases on it are one instance's.

Kept in the data folder from the first start on: the prefix of their names, and the mark that their roles carry. Two
instances on one server have two of both, so neither touches what the other, or anybody else, has there.
"""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from deploy.databases import Address, BadAddress, NotOurs, Tenant, Unusable, check_free
from deploy.secret_files import write_secret

URL_VARIABLE, PREFIX_VARIABLE = "DATABASE_URL", "TIMBER_DATABASE_PREFIX"
FILE = "given-server.json"
PREFIX = re.compile(r"[a-z][a-z0-9_]{0,39}")  # with the longest name behind it well under PostgreSQL's 63 bytes


class BadServer(Exception):  # noqa: N818
    """The given server cannot be this instance's; the text says why and what to do."""


def tenant_in(data: Path) -> Tenant | None:
    """What this instance has on a given server; None when its server is its own, or there is none yet."""
    try:
        return Tenant(**json.loads((data / FILE).read_bytes()))
    except FileNotFoundError:
        return None


REFUSALS = (BadServer, BadAddress, NotOurs, Unusable)


async def settle(data: Path, url_file: Path, environ: Mapping[str, str] = os.environ) -> tuple[Address, Tenant] | None:
    """The server to use and what is ours on it; None when the instance has a server of its own.

    The address is that of DATABASE_URL, or the one of the last start. Nothing is made on the server, and nothing kept
    before the names were found free. Raises BadServer, BadAddress, NotOurs, Unusable.
    """
    found = chosen(data, url_file, environ)
    if found is not None:
        address, tenant = found
        await check_free(address, tenant)
        write_secret(data / FILE, json.dumps(asdict(tenant)) + "\n")
    return found


def chosen(data: Path, url_file: Path, environ: Mapping[str, str] = os.environ) -> tuple[Address, Tenant] | None:
    """As `settle`, without asking the server and without keeping anything."""
    url, prefix, known = environ.get(URL_VARIABLE), environ.get(PREFIX_VARIABLE), tenant_in(data)
    if url is None and known is None:
        return None
    if (data / "pg" / "data" / "PG_VERSION").exists():
        raise BadServer(
            f"{URL_VARIABLE} is set, but the records of {data} are in its own server. Unset it, or choose another --data"
        )
    if known is not None and prefix not in (None, known.prefix):
        raise BadServer(f"{data} has its databases under the prefix {known.prefix}; {PREFIX_VARIABLE} says {prefix}")
    return Address.parse(url if url is not None else url_file.read_text().strip()), known or _new(prefix)


def _new(prefix: str | None) -> Tenant:
    identity = secrets.token_hex(8)
    if prefix is not None and not PREFIX.fullmatch(prefix):
        raise BadServer(
            f"{PREFIX_VARIABLE} must be 1 to 40 of a-z, 0-9 and _, and begin with a letter; it is {prefix!r}"
        )
    return Tenant(prefix or f"timber_{identity[:8]}_", f"trozalog instance {identity}")
