"""The extraction balance report: as JSON, CSV or XLSX, in our arithmetic or in the official report's."""

import asyncio
import base64
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Query, Response

from services.custody.api.custody import Custody, CustodyDep, json_answer
from services.custody.domain.extraction import Row, by_product, m3, official
from services.custody.store import SignedHead, Transaction
from shared.refusal import Malformed
from shared.timber import facts as facts_of
from shared.timber.facts import Facts, Line, Permit, Plan
from shared.web.access import Grant, GrantDep
from shared.web.app import Router
from shared.web.workbook import CSV_TYPE, XLSX_TYPE, csv_of, workbook_of

router = Router(tags=["queries"])

MOST_LINES = 20_000
Name = Annotated[str | None, Query(max_length=100)]
View = Annotated[
    Literal["product", "official"],
    Query(
        description="`product`: each product by itself. `official`: the official report's arithmetic, its repetitions marked"
    ),
]
HEADER = (
    "title", "plan", "plan_number", "season", "parcel", "species", "product", "permits", "authorised_m3", "extracted_m3",
    "balance_m3", "moved_under_product_m3", "artefact", "note_es", "note_en",
)  # fmt: skip


@router.get(
    "/v1/balances/report",
    responses={200: {"content": {CSV_TYPE.partition(";")[0]: {}, XLSX_TYPE: {}}}}, response_class=Response,
)  # fmt: skip
async def report_balances(
    custody: CustodyDep, grant: GrantDep, title: Name = None, plan: Name = None, permit: Name = None, view: View = "product",
    form: Annotated[Literal["json", "csv", "xlsx"], Query(alias="format")] = "json",
) -> Response:  # fmt: skip
    """Authorised, extracted and left for each title, plan, parcel, species and product, of one moment of the log. The
    official view repeats a species' figure under each of its products, as the official report does, and marks where."""
    asked = {"title": title, "plan": plan}
    async with custody.store.snapshot() as tx:
        size = (await tx.head()).size
        rows = await _rows(tx, grant, permit)
    found = [row for row in rows if all(value is None or getattr(row, name) == value for name, value in asked.items())]
    if view == "official":
        found = official(found)
    signed = await custody.signed(size)
    if form == "json":
        told = [_told(row) for row in found]
        head = {"as_of": size, "view": view, "rows": told, "origin": custody.origin}
        return json_answer({**head, "checkpoint": signed.note.decode()})
    return await asyncio.to_thread(_file, custody, form, view, size, signed, found)


async def _rows(tx: Transaction, grant: Grant, permit: str | None) -> list[Row]:
    """All balances that the caller may see, from one snapshot."""
    stored = await tx.facts_under(f"line:{permit}|" if permit else "line:", "", MOST_LINES + 1)
    if len(stored) > MOST_LINES:
        raise Malformed(
            "permit", f"hay más de {MOST_LINES} líneas: nombre un permiso / more lines than that: name a permit"
        )
    lines = [line for key, doc in stored if isinstance(line := facts_of.load(key, doc), Line)]
    facts = Facts()
    await tx.load_facts({f"permit:{line.permit}" for line in lines}, facts)
    permits = {doc.number: doc for _, doc in facts.items() if isinstance(doc, Permit)}
    seen = {number: one for number, one in permits.items() if grant.in_full(one.holder)}
    await tx.load_facts({f"plan:{one.plan}" for one in seen.values()}, facts)
    plans = {doc.id: doc for _, doc in facts.items() if isinstance(doc, Plan)}
    return by_product((line for line in lines if line.permit in seen), seen, plans)


def _told(row: Row) -> dict[str, Any]:
    es, en = row.note()
    return {
        "title": row.title, "plan": row.plan, "plan_number": row.plan_number, "season": row.season, "parcel": row.parcel,
        "species": row.species, "product": row.product, "permits": list(row.permits),
        "authorised_dm3": row.authorised_dm3, "extracted_dm3": row.extracted_dm3, "balance_dm3": row.balance_dm3,
        "moved_under_product_dm3": row.own_extracted_dm3, "artefact": row.artefact, "note_es": es, "note_en": en,
    }  # fmt: skip


def _file(custody: Custody, form: str, view: str, size: int, signed: SignedHead, rows: Sequence[Row]) -> Response:
    """A spreadsheet. What it rests on stands in the headers of the answer and, in a workbook, on its second sheet."""
    cells = [_cells(row) for row in rows]
    proof: list[tuple[str, str | int]] = [
        ("as_of", size), ("view", view), ("origin", custody.origin), ("checkpoint", signed.note.decode())
    ]  # fmt: skip
    headers = {
        "Content-Disposition": f'attachment; filename="balance-{view}-{size}.{form}"',
        "Cache-Control": "private, no-store", "X-As-Of": str(size), "X-Origin": custody.origin,
        "X-Checkpoint": base64.b64encode(signed.note).decode(),
    }  # fmt: skip
    if form == "csv":
        return Response(csv_of(HEADER, cells), media_type=CSV_TYPE, headers=headers)
    data = workbook_of([("Balance", HEADER, cells), ("Constancia", ("name", "value"), proof)])
    return Response(data, media_type=XLSX_TYPE, headers=headers)


def _cells(row: Row) -> list[str | int | Decimal]:
    es, en = row.note()
    volumes = (row.authorised_dm3, row.extracted_dm3, row.balance_dm3, row.own_extracted_dm3)
    return [
        row.title, row.plan, row.plan_number, row.season, row.parcel, row.species, row.product, " ".join(row.permits),
        *[Decimal(m3(volume)) for volume in volumes], "true" if row.artefact else "false", es, en,
    ]  # fmt: skip
