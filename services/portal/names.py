"""The names of organisations, from the public register: asked for once a page, kept for some minutes, and done without when
nobody answers."""

import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from markupsafe import Markup

from shared.web.client import ServiceClient, UpstreamDown, UpstreamRefused

KEPT_S, SILENT_S, DEADLINE_S = 300.0, 10.0, 1.0
AT_ONCE, MOST_KEPT = 100, 20_000
_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")


@dataclass
class Named:
    """The names that one page knows; it notes of whom it did not."""

    known: dict[str, str | None] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def name(self, org: str | None) -> str:
        """What an organisation is called; its id while that is not known."""
        if org is None:
            return ""
        if org not in self.known and _ID.fullmatch(org):
            self.missing.add(org)
        return self.known.get(org) or org

    def shown(self, org: str | None, unregistered: str = "") -> Markup | str:
        """The name as a page shows it, with the id for whoever looks; the id of one that the register does not have, and that
        it does not have it."""
        name = self.name(org)
        if name == (org or ""):
            unknown = unregistered and org in self.known and self.known[org] is None
            return Markup("{} <small>{}</small>").format(org, unregistered) if unknown else name
        return Markup('<data value="{0}" title="{0}">{1}</data>').format(org, name)


class Names:
    """What was learnt, for all requests of this process."""

    def __init__(self, permits: ServiceClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._permits, self._clock = permits, clock
        self._known: dict[str, tuple[str | None, float]] = {}
        self._silent_until = -math.inf

    def seen(self) -> Named:
        """The names that are still fresh."""
        now = self._clock()
        return Named({org: name for org, (name, until) in self._known.items() if until > now})

    async def learn(self, orgs: Iterable[str]) -> None:
        """Ask for these names; nothing is learnt while permits is silent, and it is not asked again at once."""
        if self._clock() < self._silent_until:
            return
        asked = sorted(orgs)
        for start in range(0, len(asked), AT_ONCE):
            some = asked[start : start + AT_ONCE]
            query = urlencode([("id", org) for org in some] + [("limit", str(AT_ONCE))])
            try:
                items = (await self._permits.get(f"/v1/organisations?{query}", deadline_s=DEADLINE_S))["items"]
            except (UpstreamDown, UpstreamRefused):
                self._silent_until = self._clock() + SILENT_S
                return
            self._keep(some, {one["id"]: one["name"] for one in items})

    def _keep(self, asked: Iterable[str], names: dict[str, str]) -> None:
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        until = self._clock() + KEPT_S
        self._known |= {org: (names.get(org), until) for org in asked}
