"""The list of permits that are withheld, which custody needs to be fresh before it lets a guide out."""

from datetime import datetime

from services.permits.domain.announced import Letter
from services.permits.domain.party import REGISTRY
from services.permits.domain.standing import status_body
from services.permits.registrar import Registrar
from services.permits.store import outbox, permits
from services.permits.store.session import Tx, one_at_a_time


async def announce_status(tx: Tx, registrar: Registrar, now: datetime) -> None:
    """Queue the list as it is in this transaction, after an act that changed it."""
    await outbox.announce(tx, [await _letter(tx, registrar, now, "status")], now)


async def announce_status_of_day(tx: Tx, registrar: Registrar, now: datetime) -> bool:
    """Queue the list of this day unless that was done; whether it was new."""
    return await outbox.announce_once(
        tx, await _letter(tx, registrar, now, f"once:status:{now.date().isoformat()}"), now
    )


async def _letter(tx: Tx, registrar: Registrar, now: datetime, subject: str) -> Letter:
    # Of two acts in one moment the second list holds what both withheld, and it is the second in the log.
    await one_at_a_time(tx, "status list")
    body = status_body(now.date(), *await permits.withheld(tx, now.date()))
    return registrar.write("status.listed", REGISTRY, body, now, subject=subject)
