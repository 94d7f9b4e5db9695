"""`python -m services.custody.rewrap`: wraps every data key of private fields by the newest wrapping key.

The file of wrapping keys has to hold the new key first and the old ones after it (docs/operate.md). All data keys change in
one transaction or none does; custody may go on running. Afterwards the old lines may be destroyed, and with them whatever
copies of the database made until now could still open: that is how an erasure reaches the backups.
"""

import asyncio
import sys

import asyncpg

from services.custody.main import LOG_ID, CustodySettings
from services.custody.private.disclosures import rewrap
from services.custody.private.vault import WrappingKeys
from services.custody.store import Store
from shared.refusal import Refusal
from shared.web.db import asyncpg_dsn
from shared.web.runtime import command_settings


async def run(settings: CustodySettings) -> str:
    """Rewraps, and says how many keys there are under which wrapping key. May be repeated."""
    assert settings.database_url is not None, "TROZALOG_DATABASE_URL is needed"
    wrapping = WrappingKeys(settings.keys_dir / "wrapping.key")
    dsn = asyncpg_dsn(settings.database_url.get_secret_value())
    pool = asyncpg.create_pool(dsn, min_size=1, max_size=1, command_timeout=600)
    async with pool, Store(pool, LOG_ID).transaction() as tx:
        changed, total = await rewrap(tx, wrapping)
    return f"{changed} of {total} data keys wrapped anew; all are under wrapping key {wrapping.newest}"


def main() -> None:
    """The command line: one line, or the reason why nothing was changed."""
    settings = command_settings("custody", CustodySettings)
    try:
        sys.stdout.write(asyncio.run(run(settings)) + "\n")
    except (OSError, Refusal, RuntimeError) as error:
        raise SystemExit(f"rewrap: nothing was changed: {error}") from None


if __name__ == "__main__":
    main()
