"""Crowns that were looked for in images; only added to."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.permits.domain.crowns import CrownLook
from services.permits.domain.plan import Plan
from services.permits.store.session import Tx

_ADD = text(
    "INSERT INTO crown_looks (plan, image, by_org, taken_on, device, trees, note, by_sub, at)"
    " VALUES (:plan, :image, :org, :taken_on, :device, CAST(:trees AS jsonb), :note, :by, :at)"
    " ON CONFLICT DO NOTHING RETURNING 1"
)
_OF_PLAN = text(
    "SELECT image, by_org, taken_on, device, trees, note, at FROM crown_looks WHERE plan = :plan ORDER BY at, image, by_org"
)

Kept = tuple[CrownLook, str | None, datetime]


async def add_look(tx: Tx, plan: str, look: CrownLook, note: str | None, by: str, at: datetime) -> bool:
    """Keep a look; ``False`` when the organisation has one at this image already."""
    trees = [[parcel, code, there] for (parcel, code), there in look.trees.items()]
    values: dict[str, Any] = {
        "plan": plan, "image": look.image, "org": look.by_org, "taken_on": look.taken_on, "device": look.device,
        "trees": json.dumps(trees), "note": note, "by": by, "at": at,
    }  # fmt: skip
    return (await tx.execute(_ADD, values)).first() is not None


async def looks(tx: Tx, plan: Plan) -> list[Kept]:
    """All looks at a plan that the caller may see, with their notes and when they were told."""
    rows = await tx.execute(_OF_PLAN, {"plan": plan.id})
    return [
        (
            CrownLook(
                image, org, org not in plan.makers, taken_on, device,
                {(parcel, code): there for parcel, code, there in trees},
            ),
            note,
            at,
        )
        for image, org, taken_on, device, trees, note, at in rows
    ]  # fmt: skip
