"""Census files in, trees out."""

import asyncio
import hashlib
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from services.permits.api.house import CommandDep, HouseDep, PagingDep, place_number, to_cursor
from services.permits.api.plans import plan_to_change, visible_plan
from services.permits.census_file import CSV_TYPE, XLSX_TYPE, FileUnreadable, read_sheets
from services.permits.domain.census import Census, Terms, listed_parts, private_line, root_of_lines
from services.permits.domain.finding import Finding
from services.permits.domain.norms import Limits, limits_on
from services.permits.domain.plan import Plan, Summary
from services.permits.domain.rules.catalogue import Rules, rules_on
from services.permits.domain.rules.review import of_census
from services.permits.domain.sheet import read_census
from services.permits.registrar import new_salt
from services.permits.schemas.findings import RuleOutcomeWithEvidence
from services.permits.schemas.plans import CensusAnswer, ParcelTotals, TreeOut, Utm
from services.permits.schemas.words import Page
from services.permits.store import census, plans
from services.permits.store.census import StandingTree
from services.permits.store.session import Tx
from shared.refusal import Malformed, Missing
from shared.tlog import canon
from shared.web.access import Grant, GrantDep
from shared.web.app import Router

router = Router(tags=["census"])
MULTIPART = "multipart/form-data"
FORMATS = {
    "requestBody": {
        "required": True,
        "content": {
            CSV_TYPE: {"schema": {"type": "string"}},
            XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@router.post("/v1/plans/{plan_id}/census", response_model=CensusAnswer, openapi_extra=FORMATS)
async def upload_census(
    plan_id: str, request: Request, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """The whole census of a draft, accepted whole or not at all. Another upload takes the place of the first.

    The file is read before the transaction that keeps it: no connection and no lock waits for a slow workbook.
    """
    data, media_type = await _file(request)
    async with command.glance() as look:
        if look.first:
            return look.first
        terms, day = _terms(await _draft(look.tx, plan_id, grant)), look.now.date()
    reading = await asyncio.get_running_loop().run_in_executor(
        house.reader, _read, data, media_type, terms, limits_on(day), rules_on(day)
    )
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await _draft(work.tx, plan_id, grant)
        assert _terms(plan) == terms, "a draft's parcels and form factor do not change"
        await census.replace_census(work.tx, plan, reading.census.trees, reading.lines)
        await plans.note_census(work.tx, plan.id, work.caller.sub, reading.summary)
        return await work.answer(200, reading.answer(plan.id))


async def _draft(tx: Tx, plan_id: str, grant: Grant) -> Plan:
    plan = await plan_to_change(tx, plan_id, grant)
    plan.check_state("draft")
    return plan


def _terms(plan: Plan) -> Terms:
    return Terms(plan.id, tuple(parcel.code for parcel in plan.parcels), plan.form_factor_milli)


class _Reading:
    """A census read and weighed, with the salted lines made for it."""

    def __init__(
        self, found: Census, findings: list[RuleOutcomeWithEvidence], lines: list[bytes], parts: int, digest: str
    ) -> None:
        self.census, self.lines, self.totals, self.findings = found, lines, found.totals(), findings
        self.summary = Summary(
            trees=len(found.trees), harvestable=sum(t["harvestable"] for t in self.totals),
            harvestable_dm3=sum(t["harvestable_dm3"] for t in self.totals), parts=parts, root=root_of_lines(lines),
            file_sha256=digest,
        )  # fmt: skip

    def answer(self, plan: str) -> CensusAnswer:
        """What the uploader is told."""
        found, summary = self.census, self.summary
        return CensusAnswer(
            plan=plan, trees=summary.trees, harvestable=summary.harvestable, harvestable_dm3=summary.harvestable_dm3,
            by_parcel=[ParcelTotals(**total) for total in self.totals], root=summary.root,
            file_sha256=summary.file_sha256 or "", sheets=list(found.sheets),
            ignored_sheets=list(found.ignored_sheets), columns=found.columns,
            ignored_columns=list(found.ignored_columns), blank_rows=found.blank_rows,
            findings=self.findings,
        )  # fmt: skip


def _read(data: bytes, media_type: str, terms: Terms, limits: Limits, rules: Rules) -> _Reading:
    """All the slow work, for a thread."""
    found = read_census(read_sheets(data, media_type), terms, limits)
    lines = [private_line(tree, new_salt()) for tree in found.trees]
    parts = listed_parts(terms.plan, [(tree.parcel, tree.public) for tree in found.trees])
    told = of_census(f"plan:{terms.plan}", found.trees, terms.form_factor_milli, rules)
    findings = [_outcome(finding, rules) for finding in told]
    return _Reading(found, findings, lines, len(parts), hashlib.sha256(data).hexdigest())


def _outcome(finding: Finding, rules: Rules) -> RuleOutcomeWithEvidence:
    about = rules.about(finding.rule)
    return RuleOutcomeWithEvidence(**finding.facts(), kind=about.kind, numeral=about.numeral)


async def _file(request: Request) -> tuple[bytes, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in (CSV_TYPE, XLSX_TYPE):
        return await request.body(), kind
    if kind != MULTIPART:
        raise FileUnreadable("content-type", f"send {CSV_TYPE}, {XLSX_TYPE} or {MULTIPART}", "envíe CSV o XLSX")
    await request.body()
    try:
        async with request.form(max_files=1, max_fields=4) as form:
            parts = [part for part in form.values() if isinstance(part, UploadFile)]
            if len(parts) != 1:
                raise FileUnreadable(
                    "file", "send one file in the part named file", "envíe un archivo en la parte file"
                )
            data = await parts[0].read()
    except HTTPException as error:
        raise FileUnreadable("multipart", str(error.detail)[:200], "el formulario no se pudo leer") from error
    # What a browser says of a file's type depends on the programs installed beside it; the first bytes do not.
    return data, XLSX_TYPE if data.startswith(b"PK") else CSV_TYPE


@router.get("/v1/plans/{plan_id}/trees")
async def list_trees(
    plan_id: str,
    grant: GrantDep,
    house: HouseDep,
    paging: PagingDep,
    parcel: Annotated[str | None, Query(max_length=12)] = None,
    species: Annotated[str | None, Query(max_length=80)] = None,
) -> Page[TreeOut]:
    """The census by parcel and code; where a tree stands only for those concerned."""
    after = place_number(paging, -1)
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        found = await census.trees(tx, plan.id, parcel, species, after, paging.limit + 1)
    items, more = found[: paging.limit], len(found) > paging.limit
    following = to_cursor(str(items[-1].position)) if more else None
    return Page(items=[_tree(tree) for tree in items], next=following)


@router.get("/v1/plans/{plan_id}/trees/{code}")
async def read_tree(
    plan_id: str,
    code: str,
    grant: GrantDep,
    house: HouseDep,
    parcel: Annotated[str | None, Query(max_length=12)] = None,
) -> TreeOut:
    """One tree. A code that repeats in several parcels needs the parcel."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        found = await census.trees_with_code(tx, plan.id, code, parcel)
    if not found:
        raise Missing("tree", code)
    if len(found) > 1:
        raise Malformed("parcel", f"{code} se repite en {found[0].parcel} y {found[1].parcel} / repeats in both")
    return _tree(found[0])


def _tree(tree: StandingTree) -> TreeOut:
    utm = None if tree.document is None else Utm(**canon.decode(tree.document)["utm"])
    return TreeOut(
        item=tree.item, parcel=tree.parcel, code=tree.code, species=tree.species, trade_name=tree.trade_name,
        block=tree.block, line=tree.line, dbh_mm=tree.dbh_mm, height_mm=tree.height_mm, volume_dm3=tree.volume_dm3,
        condition=tree.condition, utm=utm,
    )  # fmt: skip
