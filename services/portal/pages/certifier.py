"""A certification body: its certificates, the volumes of their members, the sales under them, and who is suspended."""

import asyncio
from base64 import b64decode
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import Path, Query
from starlette.responses import Response

from services.portal import reconciliation
from services.portal.access import ACCESS
from services.portal.figures import LIMA
from services.portal.pages.house import House, HouseDep
from services.portal.reconciliation import Sale, Traded
from shared.refusal import Malformed
from shared.timber.event import parse_entry
from shared.web.app import Router
from shared.web.client import UpstreamRefused
from shared.web.workbook import XLSX_TYPE, Sheet, workbook_of

router = Router(tags=["certifier"])
Day = Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
# A period with more sales than this is asked for in parts; a page says when it shows only the first of them.
MOST_SALES, MOST_ANSWERS, AT_A_TIME = 200, 40, 8

HEADS = {
    "reconciliation": (
        "member", "species", "product", "opening", "in", "made", "processed", "out", "closing", "claimed", "case",
    ),
    "claims": ("member", "claim", "species", "product", "opening", "bought", "sold", "closing"),
    "transactions": (
        "day", "certificate", "seller", "buyer", "lot", "claim", "species", "product", "pieces", "volume", "index", "sid",
    ),
}  # fmt: skip


def _path(number: str, verb: str = "") -> str:
    return f"/v1/certificates/{quote(number, safe='')}{verb}"


def _period(first: str, last: str) -> tuple[str, str]:
    """What was asked for; without it last year and this one so far."""
    now = datetime.now(LIMA).date()
    first, last = first or f"{now.year - 1}-01-01", last or now.isoformat()
    try:
        if date.fromisoformat(first) > date.fromisoformat(last):
            raise Malformed("from", "after the last day")
    except ValueError:
        raise Malformed("from", "not a day") from None
    return first, last


@router.get("/certifier", response_class=Response)
async def certificates_page(house: HouseDep, cursor: Annotated[str | None, Query(max_length=200)] = None) -> Response:
    """The certificates of the caller's certification body."""
    more = f"&cursor={quote(cursor, safe='')}" if cursor else ""
    found = await house.permits.get(f"/v1/certificates?certifier={quote(house.need().org, safe='')}{more}")
    return await house.page("certifier/certificates.html", found=found)


@router.get("/certifier/{number}", response_class=Response)
async def certificate_page(
    number: str, house: HouseDep, first: Annotated[Day, Query(alias="from")] = "", last: Annotated[Day, Query(alias="to")] = ""
) -> Response:  # fmt: skip
    """One certificate: its members, their volumes and its sales in a period."""
    return await _certificate(house, number, first, last)


async def _certificate(
    house: House, number: str, first: str = "", last: str = "", refused: UpstreamRefused | None = None
) -> Response:
    first, last = _period(first, last)
    certificate = await house.permits.get(_path(number))
    members = reconciliation.members_of(certificate)
    answers, (sales, whole) = await asyncio.gather(
        _balances(house, members, first, last), _sales(house, certificate, first, last)
    )
    lines, accounts = reconciliation.lines_of(answers), reconciliation.accounts_of(answers)
    mine = certificate["certifier"] == house.need().org and bool(house.need().roles & ACCESS["suspend_member"].keys())
    return await house.page(
        "certifier/certificate.html", 200 if refused is None else refused.status, certificate=certificate, lines=lines, accounts=accounts,
        sales=sales, whole=whole, first=first, last=last, refused=refused, mine=mine,
    )  # fmt: skip


async def _balances(house: House, members: Sequence[str], first: str, last: str) -> list[dict[str, Any]]:
    """The volumes of every member, as custody answers; an answer that covers a part of the log is asked for the rest."""
    answers: list[dict[str, Any]] = []
    for member in members:
        since, complete = 0, False
        while not complete:
            asked = urlencode({"org": member, "since": since, "from": first, "to": last})
            answer = await house.custody.get(f"/v1/mass-balances?{asked}")
            answers.append(answer)
            since, complete = answer["next"], answer["complete"]
            if len(answers) > MOST_ANSWERS:
                raise Malformed("period", "too long to be reckoned at once; ask for a shorter one")
    return answers


async def _sales(house: House, certificate: dict[str, Any], first: str, last: str) -> tuple[list[Sale], bool]:
    """The sales under it, oldest first, and whether these are all."""
    found, whole = list[Sale](), True
    for member in reconciliation.members_of(certificate):
        sales, read = await _sold_by(house, member, certificate["number"], first, last)
        found, whole = found + sales, whole and read
    return sorted(found, key=lambda one: one.index)[:MOST_SALES], whole and len(found) <= MOST_SALES


async def _sold_by(house: House, member: str, number: str, first: str, last: str) -> tuple[list[Sale], bool]:
    """The first sales of one member, and whether these are all: its whole feed is read, for what was logged late may be old."""
    found, since = list[Sale](), 0
    for _ in range(MOST_ANSWERS):
        page = await house.custody.get("/v1/records", org=member, type="lot.sold", since=since, limit=1000)
        entries = zip(page["indices"], page["entries"], strict=True)
        records = ((index, parse_entry(b64decode(entry))) for index, entry in entries)
        found += reconciliation.sales_of(records, number, [member], first, last)
        if len(found) > MOST_SALES:
            return found, False
        if page["next"] >= page["as_of"]:
            return found, True
        since = page["next"]
    return found, False


async def _traded(house: House, sales: Sequence[Sale]) -> list[Traded]:
    few = asyncio.Semaphore(AT_A_TIME)

    async def of(sale: Sale) -> list[Traded]:
        async with few:
            lot = await house.custody.get(f"/v1/lots/{quote(sale.lot, safe='')}")
        return reconciliation.traded(sale, lot["items"])

    return [line for lines in await asyncio.gather(*(of(sale) for sale in sales)) for line in lines]


@router.get("/certifier/{number}/{table}.{form}", response_class=Response)
async def export_table(
    number: str, house: HouseDep, table: Annotated[str, Path(pattern="^(reconciliation|transactions)$")],
    form: Annotated[str, Path(pattern="^(xlsx|json)$")], first: Annotated[Day, Query(alias="from")] = "",
    last: Annotated[Day, Query(alias="to")] = "",
) -> Response:  # fmt: skip
    """The volumes of the members, or the sales for the verification of transactions (without prices), as a file."""
    first, last = _period(first, last)
    certificate = await house.permits.get(_path(number))
    more, sheets = dict[str, Any](), list[Sheet]()
    if table == "reconciliation":
        answers = await _balances(house, reconciliation.members_of(certificate), first, last)
        lines, accounts = reconciliation.lines_of(answers), reconciliation.accounts_of(answers)
        rows, cells = (
            [reconciliation.line_json(one) for one in lines],
            [reconciliation.line_cells(one) for one in lines],
        )
        whole = True
        more = {"claims": [reconciliation.account_json(one) for one in accounts]}
        sheets.append(("claims", _header(house, "claims"), [reconciliation.account_cells(one) for one in accounts]))
    else:
        sales, whole = await _sales(house, certificate, first, last)
        lots = await _traded(house, sales)
        rows, cells = (
            [reconciliation.traded_json(one) for one in lots],
            [reconciliation.traded_cells(one) for one in lots],
        )
    name = f"{table}-{certificate['number']}-{first}-{last}"
    if form == "json":
        told = {"certificate": certificate["number"], "from": first, "to": last, "complete": whole, "rows": rows} | more
        return _file(orjson.dumps(told), f"{name}.json", "application/json")
    return _file(workbook_of([(table, _header(house, table), cells), *sheets]), f"{name}.xlsx", XLSX_TYPE)


def _header(house: House, table: str) -> list[str]:
    return [house.pages.text(house.language, f"certifier.col.{one}") for one in HEADS[table]]


def _file(data: bytes, name: str, media_type: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}
    return Response(data, media_type=media_type, headers=headers)


@router.post("/certifier/{number}/suspend", response_class=Response)
async def suspend_member(number: str, house: HouseDep) -> Response:
    """Suspend the certificate, or one member of it; sales under it carry a finding from then on."""
    return await _change(house, number, "/suspend", "suspended")


@router.post("/certifier/{number}/reinstate", response_class=Response)
async def reinstate_member(number: str, house: HouseDep) -> Response:
    """Let the certificate, or one member, count again."""
    return await _change(house, number, "/reinstate", "reinstated")


async def _change(house: House, number: str, verb: str, done: str) -> Response:
    form = await house.form()
    body = {name: str(form.get(name, "")).strip() for name in ("reason", "member")}
    try:
        await house.permits.post(_path(number, verb), {name: value for name, value in body.items() if value})
    except UpstreamRefused as refused:
        return await _certificate(house, number, refused=refused)
    return house.go(f"/certifier/{quote(number, safe='')}", done=done)
