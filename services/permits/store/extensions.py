"""Extensions of permits and appeals against measures, as far as the caller may see them."""

from collections.abc import Sequence

from sqlalchemy import text, update
from sqlmodel import col, select

from services.permits.domain.lifecycle import Extension
from services.permits.domain.measure import Appeal
from services.permits.store.instrument_rows import AppealRow, ExtensionRow
from services.permits.store.session import Tx, added

_EXTENSION = [name for name in Extension.__slots__ if name != "documents"]
_APPEAL = [name for name in Appeal.__slots__ if name != "documents"]
_OF_PLANS = text(
    "SELECT p.plan, e.kind, e.harvest_from, e.harvest_to, e.move_to, e.state FROM permit_extensions e"
    " JOIN permits p ON p.number = e.permit WHERE p.plan = ANY(CAST(:plans AS text[]))"
)


async def add_extension(tx: Tx, permit: str, extension: Extension) -> bool:
    """Keep a request; ``False`` when its id is taken."""
    values = {name: getattr(extension, name) for name in _EXTENSION}
    return await added(tx, ExtensionRow, values | {"permit": permit, "documents": list(extension.documents)})


async def extensions(tx: Tx, permits: Sequence[str]) -> dict[str, list[Extension]]:
    """Requests and decisions by permit, in the order of their ids."""
    asked = select(ExtensionRow).where(col(ExtensionRow.permit).in_(permits)).order_by(col(ExtensionRow.id))
    found: dict[str, list[Extension]] = {permit: [] for permit in permits}
    for row in await tx.exec(asked.execution_options(populate_existing=True)):
        values = {name: getattr(row, name) for name in _EXTENSION}
        found[row.permit].append(Extension(**values, documents=tuple(row.documents)))
    return found


async def extensions_of_plans(tx: Tx, plans: Sequence[str]) -> dict[str, list[Extension]]:
    """The days that were asked for or given to the permits of each plan."""
    found: dict[str, list[Extension]] = {plan: [] for plan in plans}
    for plan, kind, first, last, move_to, state in await tx.execute(_OF_PLANS, {"plans": list(plans)}):
        found[plan].append(Extension("", kind, first, last, move_to, "", (), state, ""))
    return found


async def decide_extension(tx: Tx, permit: str, id_: str, state: str, decided_by: str, resolution: str) -> None:
    """The request was approved or refused."""
    where = (col(ExtensionRow.permit) == permit, col(ExtensionRow.id) == id_)
    changes = {"state": state, "decided_by": decided_by, "resolution": resolution}
    (await tx.execute(update(ExtensionRow).where(*where).values(**changes).returning(col(ExtensionRow.id)))).one()


async def add_appeal(tx: Tx, permit: str, appeal: Appeal) -> bool:
    """Keep an appeal; ``False`` when its id is taken or another is open."""
    values = {name: getattr(appeal, name) for name in _APPEAL}
    return await added(tx, AppealRow, values | {"permit": permit, "documents": list(appeal.documents)})


async def appeals(tx: Tx, permits: Sequence[str]) -> dict[str, list[Appeal]]:
    """Appeals by permit, in the order of their ids."""
    asked = select(AppealRow).where(col(AppealRow.permit).in_(permits)).order_by(col(AppealRow.id))
    found: dict[str, list[Appeal]] = {permit: [] for permit in permits}
    for row in await tx.exec(asked.execution_options(populate_existing=True)):
        values = {name: getattr(row, name) for name in _APPEAL}
        found[row.permit].append(Appeal(**values, documents=tuple(row.documents)))
    return found


async def open_appeal(tx: Tx, permit: str) -> Appeal | None:
    """The appeal that waits for a decision."""
    return next((one for one in (await appeals(tx, [permit]))[permit] if one.state == "open"), None)


async def decide_appeal(tx: Tx, permit: str, id_: str, state: str, decided_by: str, resolution: str) -> None:
    """The appeal was upheld or dismissed, or is moot."""
    where = (col(AppealRow.permit) == permit, col(AppealRow.id) == id_)
    changes = {"state": state, "decided_by": decided_by, "resolution": resolution}
    (await tx.execute(update(AppealRow).where(*where).values(**changes).returning(col(AppealRow.id)))).one()
