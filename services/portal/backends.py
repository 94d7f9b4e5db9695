"""What the pages ask the services. Nothing here decides or renders."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.portal.verdicts import LARGEST_BYTES
from shared.refusal import Missing, Refusal
from shared.tlog.policy import Policy
from shared.web.client import ServiceClient, UpstreamDown, UpstreamRefused

# A large bundle takes custody a while.
BUNDLE_S = 60.0
CHECKPOINT_BYTES = 64 * 1024
# How far a list is read for a page that wants all of it.
PAGE, MOST_PAGES = 500, 20
HISTORY = 50  # records of a history that one page shows
OF_THE_LOG = ("size", "signed_size", "witnessed_size", "frozen", "witnesses")


@dataclass(frozen=True)
class Head:
    """The newest checkpoint of the log, already checked against the policy."""

    origin: str
    size: int
    root: str
    witnesses: int
    witnessed: "Witnessed | None" = None


@dataclass(frozen=True)
class Witnessed:
    """The newest checkpoint that a witness has signed: how long the log was then, when (POSIX seconds), and how many signed it."""

    size: int
    at: int
    witnesses: int


@dataclass(frozen=True)
class Health:
    """``ok``, ``frozen`` or ``down`` by service; what custody says of its log, when it answers."""

    services: dict[str, str]
    log: dict[str, Any] | None

    @property
    def status(self) -> str:
        """The worst of them. A frozen log is read as before, but nothing new is signed."""
        states = set(self.services.values())
        return "ok" if states == {"ok"} else "frozen" if states <= {"ok", "frozen"} else "down"

    def facts(self) -> dict[str, Any]:
        """For ``/healthz``."""
        return {"services": self.services, "custody": self.log}


@dataclass(frozen=True)
class Found:
    """A thing that exists: its kind, its key, and what its service says of it."""

    kind: str
    key: str
    answer: Any


@dataclass(frozen=True)
class Backends:
    """One client for each service, and for the development issuer where it runs."""

    custody: ServiceClient
    permits: ServiceClient
    contracts: ServiceClient
    issuer: ServiceClient | None = None

    @property
    def all(self) -> tuple[ServiceClient, ...]:
        """Every service behind the portal."""
        return self.custody, self.permits, self.contracts

    @property
    def described(self) -> tuple[ServiceClient, ...]:
        """Everybody whose operations are reached through the gateway."""
        return self.all if self.issuer is None else (*self.all, self.issuer)

    async def head(self, policy: Policy) -> Head | None:
        """Size and root of the log; None while custody is silent, has signed nothing, or signs with unknown keys."""
        try:
            newest, witnessed = await asyncio.gather(self.newest_checkpoint(), or_none(self._signed("/log/witnessed")))
            if newest is None:
                return None
            checked = policy.check(newest)
        except Refusal:
            return None
        point = checked.checkpoint
        return Head(
            point.origin, point.size, point.root.hex(), len(checked.witnesses), _as_witnessed(witnessed, policy)
        )  # fmt: skip

    async def newest_checkpoint(self) -> bytes | None:
        """The signed bytes of the newest checkpoint, unchecked; None while nothing is signed."""
        try:
            return await self._signed("/log/checkpoint")
        except UpstreamRefused:
            return None

    async def _signed(self, path: str) -> bytes:
        return await self.custody.raw(path, deadline_s=1.0, at_most=CHECKPOINT_BYTES)

    async def standing(self, numbers: Iterable[str]) -> dict[str, Any]:
        """How each of these permits stands today; without those that permits does not know, or while it is silent."""
        asked = list(dict.fromkeys(numbers))
        found = await asyncio.gather(*(or_none(self.permit(number)) for number in asked))
        return {number: one for number, one in zip(asked, found, strict=True) if one is not None}

    async def permit(self, number: str) -> Any:
        """The public standing of a permit today."""
        return await self.permits.get(f"/v1/permits/{part(number)}/verify")

    async def item(self, item: str, before: int | None = None, limit: int = HISTORY) -> Any:
        """A tree, log or product with so many records of its history, the last before an index where one is given."""
        asked = {"limit": limit} | ({} if before is None else {"before": before})
        return await self.custody.get(f"/v1/items/{part(item)}", **asked)

    async def guide(self, number: str, form: str | None = None, before: int | None = None, limit: int = HISTORY) -> Any:
        """A transport guide with its history, as of a piece."""
        asked: dict[str, Any] = {"limit": limit} | ({} if before is None else {"before": before})
        return await self.custody.get(f"/v1/guides/{part(number)}", **asked | ({"form": form} if form else {}))

    async def lot(self, lot: str) -> Any:
        """A lot with its items."""
        return await self.custody.get(f"/v1/lots/{part(lot)}")

    async def record(self, sid: str) -> Any:
        """One record with its proof."""
        return await self.custody.get(f"/v1/records/{part(sid)}")

    async def bundle(self, lot: str) -> bytes:
        """The proof file of a lot, as bytes; ``AnswerTooLong`` when no page can be made of it."""
        return await self.custody.raw(f"/v1/lots/{part(lot)}/bundle", deadline_s=BUNDLE_S, at_most=LARGEST_BYTES)

    async def descriptions(self) -> dict[str, Mapping[str, Any]]:
        """The OpenAPI page of each service that answers."""
        pages = await asyncio.gather(*(or_none(c.get("/openapi.json")) for c in self.described))
        return {c.service: page for c, page in zip(self.described, pages, strict=True) if page is not None}

    async def health(self) -> Health:
        """How each service is, and what custody says of its log."""
        answers = await asyncio.gather(*(or_none(c.get("/healthz", deadline_s=2.5)) for c in self.all))
        states = {c.service: "down" if a is None else a["status"] for c, a in zip(self.all, answers, strict=True)}
        log = None if answers[0] is None else {name: answers[0][name] for name in OF_THE_LOG if name in answers[0]}
        if log is not None and log.get("frozen") is not None:
            states["custody"] = "frozen"
        return Health(states, log)

    async def find(self, kinds: Iterable[tuple[str, str]]) -> tuple[list[Found], UpstreamDown | None]:
        """Whichever of these (kind, key) exist, in their order; and who was not there to be asked."""
        asked: dict[str, Callable[[str], Awaitable[Any]]] = {
            "lot": self.lot, "guide": self.guide, "permit": self.permit, "item": self.item, "record": self.record,
            "plan": lambda key: self.permits.get(f"/v1/plans/{part(key)}"),
            "title": lambda key: self.permits.get(f"/v1/titles/{part(key)}"),
        }  # fmt: skip
        named, found, silent = list(kinds), list[Found](), None
        answers = await asyncio.gather(*(asked[kind](key) for kind, key in named), return_exceptions=True)
        for (kind, key), answer in zip(named, answers, strict=True):
            if isinstance(answer, UpstreamDown):
                silent = answer
            elif isinstance(answer, BaseException):
                if not isinstance(answer, (UpstreamRefused, Missing)):
                    raise answer
            else:
                found.append(Found(kind, key, answer))
        return found, silent

    async def painted(self, code: str, cursor: str) -> Any:
        """The pieces with this code painted on them, in every plan of the log."""
        return await self.custody.get("/v1/items", code=code, deadline_s=5.0, **({"cursor": cursor} if cursor else {}))


def _as_witnessed(note: bytes | None, policy: Policy) -> Witnessed | None:
    try:
        checked = None if note is None else policy.check(note)
    except Refusal:
        return None
    if checked is None or not checked.witnesses:
        return None
    return Witnessed(checked.checkpoint.size, max(checked.witnesses.values()), len(checked.witnesses))


async def all_of(
    client: ServiceClient, path: str, name: str = "items", most_pages: int = MOST_PAGES, /, **asked: str | int
) -> list[dict[str, Any]]:
    """Every item of a list, page after page; of a longer one than any page of ours can show, the first thousands."""
    found, query = list[dict[str, Any]](), dict[str, Any](asked)
    query.setdefault("limit", PAGE)
    for _ in range(most_pages):
        answer = await client.get(path, **query)
        found += answer[name]
        if answer["next"] is None:
            break
        query["cursor"] = answer["next"]
    return found


async def or_none(call: Any) -> Any:
    """The answer; None when the service says no, or nothing at all."""
    try:
        return await call
    except (UpstreamDown, UpstreamRefused):
        return None


def part(text: str) -> str:
    """One segment of a path, whatever was typed; dots alone would climb out of it."""
    if text in (".", ".."):
        raise Missing("code", text)
    return quote(text, safe="")
