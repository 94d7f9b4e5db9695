"""Imports of a census as jobs: durable, taken by one worker at a time under a lease."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from services.permits.domain.imports import Job, Task
from services.permits.domain.plan import Plan
from services.permits.store.session import Tx
from shared.web.auth import Caller

_ADD = text(
    "INSERT INTO census_jobs (id, plan, org, regent, region, caller, media_type, file_sha256, file, state, created_at)"
    " VALUES (:id, :plan, :org, :regent, :region, :caller, :media_type, :file_sha256, :file, 'queued', :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
).bindparams(bindparam("caller", type_=JSONB))
_COLUMNS = (
    "id, plan, state, stage, rows_read, rows_checked, attempts, file_sha256, created_at, ended_at, answer, problem"
)
_JOB = text(f"SELECT {_COLUMNS} FROM census_jobs WHERE plan = :plan AND id = :id")  # noqa: S608
_OPEN = text("SELECT id FROM census_jobs WHERE plan = :plan AND state IN ('queued', 'running')")
_TAKE = text("SELECT id, plan, media_type, attempts, caller, file FROM take_census_job(:holder, :at, :lease_s)")
_NOTE = text(
    "UPDATE census_jobs SET stage = :stage, rows_read = :rows_read, rows_checked = :rows_checked, until = :until"
    " WHERE id = :id AND holder = :holder AND state = 'running' RETURNING 1"
)
_FINISH = text(
    "UPDATE census_jobs SET state = 'done', stage = '', file = NULL, rows_read = :rows_read,"
    " rows_checked = :rows_checked, answer = :answer, ended_at = :at"
    " WHERE id = :id AND holder = :holder AND state = 'running' RETURNING 1"
)
_FAIL = text(
    "UPDATE census_jobs SET state = 'failed', stage = '', file = NULL, problem = :problem, ended_at = :at"
    " WHERE id = :id AND holder = :holder AND state = 'running' RETURNING 1"
).bindparams(bindparam("problem", type_=JSONB))
_RELEASE = text(
    "UPDATE census_jobs SET state = 'queued', attempts = attempts - 1"
    " WHERE id = :id AND holder = :holder AND state = 'running' RETURNING 1"
)


async def add_job(
    tx: Tx, job: str, plan: Plan, caller: Caller, media_type: str, file_sha256: str, file: bytes, at: datetime
) -> bool:
    """Queue an import; ``False`` when the plan has one on its way."""
    values: dict[str, Any] = {"id": job, "plan": plan.id, "org": plan.org, "regent": plan.regent, "region": plan.region}
    values |= {"media_type": media_type, "file_sha256": file_sha256, "file": file, "at": at}
    who = asdict(caller) | {"roles": sorted(caller.roles)}
    return (await tx.execute(_ADD, values | {"caller": who})).first() is not None


async def job(tx: Tx, plan: str, job_id: str) -> Job | None:
    """A job of a plan, if the caller may see it."""
    row = (await tx.execute(_JOB, {"plan": plan, "id": job_id})).first()
    return None if row is None else Job(*row)


async def open_job(tx: Tx, plan: str) -> str | None:
    """The job of a plan that has not ended."""
    found: str | None = (await tx.execute(_OPEN, {"plan": plan})).scalar()
    return found


async def take(tx: Tx, holder: str, lease_s: int, at: datetime) -> Task | None:
    """The oldest job that nobody works on, whoever it belongs to; its lease must be renewed by ``note``."""
    row = (await tx.execute(_TAKE, {"holder": holder, "at": at, "lease_s": lease_s})).first()
    return None if row is None or row[0] is None else Task(*row)


async def note(tx: Tx, task: Task, holder: str, progress: dict[str, Any], lease_s: int, at: datetime) -> bool:
    """Say how far it is and go on holding it; ``False`` when another worker has it."""
    return await _mine(tx, _NOTE, task, holder, **progress, until=at + timedelta(seconds=lease_s))


async def finish(tx: Tx, task: Task, holder: str, progress: dict[str, Any], answer: bytes, at: datetime) -> bool:
    """All is stored, in this transaction; ``False`` when another worker has the job."""
    rows = {name: progress[name] for name in ("rows_read", "rows_checked")}
    return await _mine(tx, _FINISH, task, holder, **rows, answer=answer, at=at)


async def fail(tx: Tx, task: Task, holder: str, problem: dict[str, Any], at: datetime) -> bool:
    """Nothing is stored, and why."""
    return await _mine(tx, _FAIL, task, holder, problem=problem, at=at)


async def release(tx: Tx, task: Task, holder: str) -> bool:
    """Somebody else may begin it again at once."""
    return await _mine(tx, _RELEASE, task, holder)


async def _mine(tx: Tx, statement: Any, task: Task, holder: str, **values: Any) -> bool:
    return (await tx.execute(statement, {"id": task.id, "holder": holder} | values)).first() is not None
