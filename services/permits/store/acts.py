"""What was done to plans, in order: only added to, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from services.permits.store.session import Tx

_ADD = text(
    "INSERT INTO plan_acts (plan, act, person, org, at, reason, state, documents, facts) VALUES (:plan, :act, :person,"
    " :org, :at, :reason, :state, CAST(:documents AS jsonb), CAST(:facts AS jsonb))"
)
_OF = text(
    "SELECT act, person, org, at, reason, state, documents, facts FROM plan_acts WHERE plan = :plan ORDER BY seq"
)
_STATES = text(
    "SELECT DISTINCT ON (plan) plan, state FROM plan_acts WHERE plan = ANY(CAST(:plans AS text[]))"
    " ORDER BY plan, seq DESC"
)


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
