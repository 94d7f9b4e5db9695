"""What was done to plans, in order: only added to, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from services.permits.domain.plan import Plan
from services.permits.store.session import Tx

_ADD = text(
    "INSERT INTO plan_acts (plan, act, person, org, at, reason, state, documents, facts) VALUES (:plan, :act, :person,"
    " :org, :at, :reason, :state, CAST(:documents AS jsonb), CAST(:facts AS jsonb))"
)
_OF = text(
    "SELECT act, person, org, at, reason, state, documents, facts FROM plan_acts WHERE plan = :plan ORDER BY seq"
)
_HANDED_IN = text(
    "SELECT seq, facts->>'census_root' AS root FROM plan_acts WHERE plan = :plan AND act = 'submit' ORDER BY seq"
)
_STATES = text(
    "SELECT DISTINCT ON (plan) plan, state FROM plan_acts WHERE plan = ANY(CAST(:plans AS text[]))"
    " ORDER BY plan, seq DESC"
)

# After every number that a submission ever has.
NOT_YET = 2**62


@dataclass(frozen=True, slots=True)
class PlanAct:
    """One act. ``state`` is that of the plan after it, ``documents`` the papers it rests on."""

    act: str
    person: str
    org: str
    at: datetime
    reason: str
    state: str
    documents: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


async def add_act(tx: Tx, plan: str, act: PlanAct) -> None:
    """Keep an act on a plan."""
    values = {name: getattr(act, name) for name in ("act", "person", "org", "at", "reason", "state")}
    values |= {"documents": orjson.dumps(act.documents).decode(), "facts": orjson.dumps(act.facts).decode()}
    await tx.execute(_ADD, values | {"plan": plan})


async def acts_on(tx: Tx, plan: str) -> list[PlanAct]:
    """What was done to a plan that the caller may see, in order."""
    return [PlanAct(*row) for row in await tx.execute(_OF, {"plan": plan})]


async def handed_in(tx: Tx, plan: Plan) -> int | None:
    """The number of the submission that brought the plan's census first: acts are numbered through over all plans as they are
    kept, so no two have the same. ``None`` for a census that was not handed in; 0 for one of before there were acts."""
    submitted = [(row.seq, row.root) for row in await tx.execute(_HANDED_IN, {"plan": plan.id})]
    number = next((seq for seq, root in submitted if root == plan.census.root), None)
    if number is not None or plan.state in ("draft", "observed"):
        return number
    return submitted[-1][0] if submitted else 0  # before submissions were told to the log they named no root


async def states_after(tx: Tx, plans: Sequence[str]) -> Mapping[str, str]:
    """The state each of these plans was left in by its last act; a plan without acts is not among them."""
    rows = await tx.execute(_STATES, {"plans": list(plans)})
    return {row.plan: row.state for row in rows}


@dataclass(frozen=True, slots=True)
class Committed:
    """The census a plan was handed in with: its root, and the statement that told the log."""

    root: str
    sid: str


def committed_in(acts: Sequence[PlanAct]) -> Committed | None:
    """Of the last submission among these acts; ``None`` when it had no census, or was made before there were commitments."""
    facts = next((act.facts for act in reversed(acts) if act.act == "submit"), {})
    return Committed(facts["census_root"], facts["census_committed"]) if "census_committed" in facts else None


def persons_of(acts: Sequence[PlanAct]) -> dict[str, set[str]]:
    """Who did which act."""
    found: dict[str, set[str]] = {}
    for one in acts:
        found.setdefault(one.act, set()).add(one.person)
    return found
