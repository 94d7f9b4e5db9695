"""What censuses are recognised by. Marks are written here, and read through a function of the database alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from services.permits.domain.plan import Plan
from services.permits.store import plans
from services.permits.store.session import Tx

# Candidates of the plan's own region, and as many of all others.
MOST_EACH = 3
_RETIRED = text("UPDATE census_prints SET current = false, marks = NULL WHERE plan = :plan AND current RETURNING no")
_FORGET_KEYS = text("DELETE FROM census_keys WHERE no = ANY(CAST(:nos AS bigint[]))")
_ADD = text(
    "INSERT INTO census_prints (plan, org, region, root, trees, keys, handed_in, current, marks)"
    " VALUES (:plan, :org, :region, :root, :trees, :keys, :handed_in, true, :marks)"
    " ON CONFLICT (plan, root) DO UPDATE SET current = true, marks = :marks RETURNING no"
)
# Two reviews at once may both find the census without a print; the second then adds what is there.
_ADD_KEYS = text("INSERT INTO census_keys (key, no) SELECT unnest(CAST(:keys AS int[])), :no ON CONFLICT DO NOTHING")
_ALIKE = text(
    "SELECT no, plan, handed_in, marks FROM censuses_alike(CAST(:asked AS int[]), CAST(:but AS text[]), :region, :most)"
)
_MARKS = text("SELECT plan, root, handed_in, marks FROM census_marks(CAST(:plans AS text[]))")
_COUNT = text("SELECT censuses_known(CAST(:but AS text[]))")
_OF = text("SELECT plan, no FROM census_prints WHERE plan = ANY(CAST(:plans AS text[])) AND current ORDER BY plan")
_PLANS = text(
    "SELECT c.no, c.plan, p.census->>'root' = c.root AS stands FROM census_prints c JOIN plans p ON p.id = c.plan"
    " WHERE c.no = ANY(CAST(:nos AS bigint[]))"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """The census that a plan was last handed in with, as it is kept for comparison: ``handed_in`` is the number of the
    submission that brought this root first, ``marks`` say the same of each tree."""

    plan: str
    root: str
    handed_in: int
    marks: bytes


@dataclass(frozen=True, slots=True)
class Alike:
    """A census that shares more keys than chance gives; ``marks`` holds places that are for the comparison alone."""

    no: int
    plan: str
    handed_in: int
    marks: bytes


async def kept_of(tx: Tx, plans: Sequence[str]) -> list[Kept]:
    """Those of these plans whose trees the caller may see, the first handed in first."""
    return [Kept(*row) for row in await tx.execute(_MARKS, {"plans": list(plans)})]


async def keep_print(tx: Tx, plan: Plan, keys: Sequence[int], marks: bytes, handed_in: int) -> None:
    """The census can be found by others from now on, in place of the plan's earlier one."""
    retired = list((await tx.execute(_RETIRED, {"plan": plan.id})).scalars())
    await tx.execute(_FORGET_KEYS, {"nos": retired})
    values = {
        "plan": plan.id, "org": plan.org, "region": plan.region, "root": plan.census.root, "trees": plan.census.trees,
        "keys": len(keys), "handed_in": handed_in, "marks": marks,
    }  # fmt: skip
    no = (await tx.execute(_ADD, values)).scalar_one()
    await tx.execute(_ADD_KEYS, {"keys": list(keys), "no": no})


async def alike(tx: Tx, plan: Plan, asked: Sequence[int]) -> tuple[list[Alike], int]:
    """The censuses most alike, of other plans than this one and its kin (``kin``: those it replaces, stands under or holds); and how
    many were searched."""
    but = [plan.id, *await plans.kin(tx, plan.id)]
    values = {"asked": list(asked), "but": but, "region": plan.region, "most": MOST_EACH}
    found = [Alike(*row) for row in await tx.execute(_ALIKE, values)]
    return found, int((await tx.execute(_COUNT, {"but": but})).scalar_one())


async def kin(tx: Tx, plan: Plan) -> dict[str, int]:
    """The censuses of the plans that this one replaces, stands under or holds, by plan; those that the caller may see."""
    return {row.plan: row.no for row in await tx.execute(_OF, {"plans": sorted(await plans.kin(tx, plan.id))})}


async def plans_named(tx: Tx, nos: Sequence[int]) -> dict[int, tuple[str, bool]]:
    """The plans of these censuses, as far as the caller may see them, and whether each still has that census: places in
    the list of an earlier one are other trees today."""
    return {row.no: (row.plan, row.stands) for row in await tx.execute(_PLANS, {"nos": list(nos)})} if nos else {}
