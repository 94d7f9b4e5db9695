"""What a caller may read beyond what is public, asked once a request, and written down where it concerns somebody else."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.permits.api.territory import sees_in_full
from services.permits.domain.permit import Permit
from services.permits.domain.plan import Plan
from services.permits.domain.reach import Given, Ground, Read, Scope, ground_of, worth_noting
from services.permits.store import assemblies, grants
from services.permits.store.session import Tx
from shared.web.access import Grant

_OFFICERS = frozenset({"authority", "supervisor"})
_DELEGATES = frozenset({"regent", "company"})


@dataclass(frozen=True)
class Reach:
    """The caller's rights to read, with the grants that others gave to its organisation and the plans (community, plan) that
    were delegated to it."""

    grant: Grant
    given: Given
    held: frozenset[tuple[str, str]] = frozenset()

    def ground(self, scope: Scope, territory: str, owner: str, *parties: str | None) -> Ground | None:
        """Why the caller may read a thing of this owner and territory in full; ``None`` when it may not."""
        caller = self.grant.caller
        if caller is None or self.grant.scope is None:
            return None
        office = None
        if self.grant.scope == "any" and sees_in_full(self.grant, territory):
            office = "service" if _OFFICERS.isdisjoint(caller.roles) else "office"
        return ground_of(caller.org, office, self.given, scope, owner, *parties)  # type: ignore[arg-type]

    def of_plan(self, plan: Plan) -> Ground | None:
        """Why the caller may read a plan that is not approved."""
        return self.ground("plans", plan.region, plan.org, plan.regent, self._delegate(plan))

    def of_census(self, plan: Plan) -> Ground | None:
        """Why the caller may be told where the trees of a plan stand."""
        return self.ground("census", plan.region, plan.org, plan.regent, self._delegate(plan))

    def in_full(self, plan: Plan) -> bool:
        """Whether what is private of a plan is the caller's to see: those who made it, and officers of the region. A delegate
        is one of the first for as long as its delegation counts."""
        return sees_in_full(self.grant, plan.region, plan.org, plan.regent, self._delegate(plan))

    def _delegate(self, plan: Plan) -> str | None:
        return plan.delegate if (plan.org, plan.id) in self.held else None

    def of_permit(self, permit: Permit) -> Ground | None:
        """Why the caller may read a permit in full."""
        return self.ground("permits", permit.region, permit.org, permit.holder, permit.regent)

    def owners(self, scope: Scope) -> list[str]:
        """The organisations that let the caller read this of theirs."""
        return sorted(owner for owner, given in self.given if given == scope)

    async def note(self, tx: Tx, reads: Iterable[tuple[str, str, str, str, Ground | None]]) -> None:
        """Write down readings (owner, region, what, thing, ground) that concern somebody else than the reader."""
        noted = [Read(*read) for read in reads if worth_noting(read[-1])]  # type: ignore[arg-type]
        if noted and self.grant.caller is not None:
            await grants.note_reads(tx, self.grant.caller, noted)


async def reach_of(tx: Tx, grant: Grant) -> Reach:
    """What the caller of this transaction may read."""
    caller = grant.caller
    if caller is None or grant.scope is None:
        return Reach(grant, {})
    held = set() if _DELEGATES.isdisjoint(caller.roles) else await assemblies.plans_held(tx)
    return Reach(grant, await grants.given_to(tx, caller.org), frozenset(held))
