"""The log list of a lot, as custody has it. Silence degrades an appraisal; it never stops one."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.contracts.domain.border import LIMA
from services.contracts.domain.kept import KeptLog
from services.contracts.domain.known import volumes_m3
from services.contracts.domain.lot import CustodyState
from services.contracts.domain.matched import Dated, KeptLot
from shared.timber.measure import LogSize
from shared.timber.rules.mill import SAWN
from shared.web.client import ServiceClient, UpstreamDown, UpstreamRefused
from shared.web.telemetry import logger

DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class CustodyLot:
    """The logs of a lot with their species, or why there are none. ``kept`` are the same with code, parcel and volume, unless
    custody leaves one of these out."""

    state: CustodyState
    logs: tuple[tuple[str, LogSize], ...] | None
    kept: tuple[KeptLog, ...] | None = None


NOT_ASKED = CustodyLot("not_asked", None)
UNAVAILABLE = CustodyLot("unavailable", None)


async def logs_of_lot(custody: ServiceClient, lot: str | None) -> CustodyLot:
    """The logs that the wood of a lot came from, asked of custody with two seconds to answer."""
    if lot is None:
        return NOT_ASKED
    try:
        answer = await custody.get(f"/v1/lots/{lot}", deadline_s=DEADLINE_S)
    except UpstreamRefused as refused:
        return CustodyLot("not_found", None) if refused.status == 404 else UNAVAILABLE
    except UpstreamDown:
        return UNAVAILABLE
    try:
        measured = _measured(answer)
        return CustodyLot("read", tuple(_log(item) for item in measured), _all_kept(measured))
    except (KeyError, TypeError, ValueError):
        logger.warning("custody_answer_not_understood", lot=lot)
        return UNAVAILABLE


async def list_of_lot(custody: ServiceClient, lot: str) -> KeptLot:
    """The logs of a lot, its boards where it was sold sawn, who composed it and who bought it, asked with two seconds to
    answer."""
    try:
        answer = await custody.get(f"/v1/lots/{lot}", deadline_s=DEADLINE_S, travelled="true")
    except UpstreamRefused as refused:
        return KeptLot("not_found" if refused.status == 404 else "unavailable", ())
    except UpstreamDown:
        return KeptLot("unavailable", ())
    try:
        logs = [_kept(item) for item in _measured(answer)]
        boards = [_kept(item) for item in answer["items"] if item.get("product") in SAWN]
        if len({log.item for log in logs}) != len(logs):
            raise ValueError("one log is there twice")
        seller = next((said["actor"] for said in answer["history"] if said["type"] == "lot.composed"), None)
        buyer = answer["lot"]["buyer"]
        # Of a lot with more records than custody tells at once the first or the last day may be among those left out.
        days = _days(answer, seller, buyer) if answer["complete"] and answer["guides_complete"] else ()
        return KeptLot("read", tuple(logs), seller, buyer, tuple(boards), days)
    except (KeyError, TypeError, ValueError):
        logger.warning("custody_answer_not_understood", lot=lot)
        return KeptLot("unavailable", ())


async def left_under(custody: ServiceClient | None, permit: str | None) -> dict[str, Decimal] | None:
    """The round wood of each species that was not drawn from a permit yet, asked as the caller, within two seconds; ``None``
    for who may not read it, and where custody does not know the permit or does not answer."""
    if custody is None or permit is None:
        return None
    rows: list[tuple[str, int]] = []
    query: dict[str, str | int] = {"permit": permit, "product": "roundwood"}
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                answer = await custody.get("/v1/balances", deadline_s=DEADLINE_S, **query)
                rows += [(str(one["species"]), int(one["balance_dm3"])) for one in answer["balances"]]
                if answer["next"] is None:
                    return volumes_m3(rows) if rows else None
                query["cursor"] = str(answer["next"])
    except (UpstreamRefused, UpstreamDown, TimeoutError):
        return None
    except (KeyError, TypeError, ValueError):
        logger.warning("custody_answer_not_understood", permit=permit)
        return None


def _kept(item: dict[str, Any]) -> KeptLog:
    round_wood = bool(item.get("length_mm"))
    return KeptLog(
        str(item["id"]), str(item["code"]), str(item["species"]), int(item["volume_dm3"]), item.get("parcel") or None,
        item.get("tree") or None, _log(item)[1] if round_wood else None,
    )  # fmt: skip


def _measured(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The logs, or the items themselves where the lot is of logs; boards have no ends to measure."""
    listed = answer["logs"] or answer["items"]
    return [item for item in listed if item.get("length_mm") and item.get("diameter_large_mm")]


def _all_kept(measured: list[dict[str, Any]]) -> tuple[KeptLog, ...] | None:
    try:
        return tuple(_kept(item) for item in measured)
    except (KeyError, TypeError, ValueError):
        return None


def _days(answer: dict[str, Any], seller: str | None, buyer: str | None) -> tuple[tuple[Dated, date], ...]:
    """The days of Peru on which the lot was sold, and on which guides from its seller to its buyer left and arrived."""
    found: set[tuple[Dated, date]] = {
        ("sold", _day(said["time"])) for said in answer["history"] if said["type"] == "lot.sold" and said.get("time")
    }
    named: tuple[tuple[Dated, str], ...] = (("left", "departed_at"), ("received", "received_at"))
    for guide in answer["guides"]:
        if (guide["issuer"], guide["addressee"], guide["state"] != "voided") == (seller, buyer, True):
            found |= {(what, _day(guide[moment])) for what, moment in named if guide[moment]}
    return tuple(sorted(found, key=lambda one: (one[1], one[0])))


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(LIMA).date()


def _log(item: dict[str, Any]) -> tuple[str, LogSize]:
    size = LogSize(int(item["diameter_large_mm"]), int(item["diameter_small_mm"]), int(item["length_mm"]))
    return str(item["species"]), size
