"""Imports of a large census: handed in, answered at once, looked after until they have ended."""

import hashlib

import orjson
from fastapi import Request, Response

from services.permits.api.census import FORMATS, census_in, draft
from services.permits.api.house import CommandDep, HouseDep
from services.permits.api.plans import visible_plan
from services.permits.domain.imports import ImportRunning, Job
from services.permits.registrar import new_salt
from services.permits.schemas.plans import CensusAnswer, CensusJob
from services.permits.store import jobs
from shared.refusal import Missing
from shared.web.access import GrantDep
from shared.web.app import Router

router = Router(tags=["census"])


@router.post("/v1/plans/{plan_id}/census/jobs", status_code=202, response_model=CensusJob, openapi_extra=FORMATS)
async def import_census(
    plan_id: str, request: Request, grant: GrantDep, command: CommandDep, house: HouseDep
) -> Response:
    """As the upload, answered before it is read: ask for the job until it is ``done`` or ``failed``."""
    data, media_type = await census_in(request)
    async with command.transaction() as work:
        if work.first:
            return work.first
        plan = await draft(work.tx, plan_id, grant)
        number, digest = new_salt(), hashlib.sha256(data).hexdigest()
        if not await jobs.add_job(work.tx, number, plan, work.caller, media_type, digest, data, work.now):
            raise ImportRunning(plan.id, await jobs.open_job(work.tx, plan.id) or "")
        job = await jobs.job(work.tx, plan.id, number)
        assert job is not None, "it was added in this transaction, for a plan of the caller's"
        answer = await work.answer(202, _job(job))
    house.imports.set()
    answer.headers["location"] = f"/v1/plans/{plan.id}/census/jobs/{number}"
    return answer


@router.get("/v1/plans/{plan_id}/census/jobs/{job_id}")
async def read_import(plan_id: str, job_id: str, grant: GrantDep, house: HouseDep) -> CensusJob:
    """How far an import is, for those concerned with the plan."""
    async with house.database.transaction(grant.caller) as tx:
        plan = await visible_plan(tx, plan_id, grant)
        job = await jobs.job(tx, plan.id, job_id)
    if job is None:
        raise Missing("job", job_id)
    return _job(job)


def _job(job: Job) -> CensusJob:
    answer = None if job.answer is None else CensusAnswer.model_validate(orjson.loads(job.answer))
    facts = (job.problem or {}).get("facts", {})
    return CensusJob.model_validate(
        {
            "id": job.id, "plan": job.plan, "state": job.state, "stage": job.stage, "rows_read": job.rows_read,
            "rows_checked": job.rows_checked, "trees_stored": 0 if answer is None else answer.trees,
            "errors_total": facts.get("total", 0), "attempts": job.attempts, "file_sha256": job.file_sha256,
            "created_at": job.created_at, "ended_at": job.ended_at, "answer": answer, "problem": job.problem,
        }
    )  # fmt: skip
