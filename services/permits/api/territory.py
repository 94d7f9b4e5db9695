"""Where the access table's ``any`` ends: an officer's rights reach as far as the region in the officer's token.

Row-level security holds the same border behind the routes.
"""

from shared.web.access import NATIONAL, Grant, OtherRegion
from shared.web.auth import Caller

# Roles of the house, whose ``any`` no region bounds.
_UNBOUND = frozenset({"operator", "service"})


def acts_in(region: str | None, territory: str | None) -> bool:
    """Whether an officer's region takes in a territory. ``*`` is the country; no region takes in nothing.

    What belongs to no territory (``None``) is open to an officer of any region.
    """
    return region is not None and (territory is None or region in (NATIONAL, territory))


def check_region(region: str | None, territory: str | None, action: str) -> None:
    """An officer acts in its own region, a national one everywhere, one without a region nowhere."""
    if not acts_in(region, territory):
        raise OtherRegion(action, "region", region or "–", territory or "–")


def sees_in_full(grant: Grant, territory: str, *orgs: str | None) -> bool:
    """Whether private fields are the caller's to see: one of the parties, or an officer of the territory."""
    caller = grant.caller
    if caller is None or grant.scope is None:
        return False
    return caller.org in orgs or (grant.scope == "any" and (_unbound(caller) or acts_in(caller.region, territory)))


def bounds(grant: Grant) -> tuple[str | None, str | None]:
    """Organisation and region outside of which a list shows nothing; both ``None`` when it shows everything."""
    caller = grant.known
    if grant.scope != "any":
        return caller.org, None
    return (None, None) if _unbound(caller) or caller.region == NATIONAL else (caller.org, caller.region)


def check_registrar(grant: Grant, territory: str | None, action: str) -> None:
    """For acts on parties and keys, which may belong to no territory: an officer needs the region of the party."""
    if grant.scope == "any" and not _unbound(grant.known):
        check_region(grant.known.region, territory, action)


def _unbound(caller: Caller) -> bool:
    return not _UNBOUND.isdisjoint(caller.roles)
