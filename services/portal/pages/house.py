"""What a page needs: the services with the caller's own token, the templates, the session, the posted form."""

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends
from services.portal.casefile import Cases
from services.portal.names import Names
from services.portal.rendering import Pages
from services.portal.session import FormNotOurs, Session, Sessions
from services.portal.verdicts import Verdicts
from shared.tlog.policy import Policy
from shared.web.access import RoleNotIncluded
from shared.web.client import ServiceClient
from shared.web.language import Language
from shared.web.problems import Unauthenticated

FORM_TOKEN = "form_token"  # noqa: S105  (the name of a field)
MOST_FIELDS = 4000


class House:
    """One request's way to everything."""

    def __init__(self, request: Request) -> None:
        state = request.app.state
        self.request = request
        self.backends: Backends = state.backends
        self.pages: Pages = state.pages
        self.policy: Policy = state.policy
        self.policy_text: str = state.policy_text
        self.verdicts: Verdicts = state.verdicts
        self.cases: Cases = state.cases
        self.names: Names = state.names
        self.public_url: str = state.public_url
        self.sessions: Sessions = state.sessions
        self.session: Session | None = self.sessions.of(request)
        self.language: Language = self.pages.language_of(request)
        self._command_key = ""

    @property
    def custody(self) -> ServiceClient:
        """Custody, asked with the caller's own token where somebody is signed in."""
        return self._asked_as_caller(self.backends.custody)

    @property
    def permits(self) -> ServiceClient:
        """Permits, likewise."""
        return self._asked_as_caller(self.backends.permits)

    @property
    def contracts(self) -> ServiceClient:
        """Contracts, likewise."""
        return self._asked_as_caller(self.backends.contracts)

    @property
    def address(self) -> str:
        """Where the request came from: what the gateway wrote last into ``X-Forwarded-For``, which nobody before it can."""
        written = self.request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return written or (self.request.client.host if self.request.client else "")

    def program_token(self) -> str:
        """The bearer token that a program sent; empty without one. Whoever uses it has it verified by a service."""
        kind, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else ""

    def permits_of_program(self) -> ServiceClient:
        """Permits, asked with the token of a program."""
        token = self.program_token()
        return self.backends.permits.bearing(token) if token else self.backends.permits

    def _asked_as_caller(self, client: ServiceClient) -> ServiceClient:
        return client if self.session is None else client.bearing(self.session.token, self._command_key)

    def need(self, *roles: str) -> Session:
        """Who is signed in. Nobody: to the sign-in page; none of ``roles`` (when any are given): refused with 403."""
        if self.session is None:
            raise Unauthenticated()
        if roles and not self.session.roles & set(roles):
            raise RoleNotIncluded(self.request.url.path)
        return self.session

    async def form(self) -> FormData:
        """The posted form, with its files; refused unless it was made for this session."""
        session = self.need()
        form = await self.request.form(max_fields=MOST_FIELDS)
        if not session.wrote(form.get(FORM_TOKEN)):
            raise FormNotOurs()
        self._command_key = _command_key(form)
        return form

    async def page(self, template: str, status: int = 200, *, scripts: bool = False, **values: Any) -> Response:
        """The rendered page. With ``scripts`` it may run our own modules and ask our own addresses; else it runs nothing.
        Names of organisations that it turns out to lack are asked for, all at once."""
        named = self.names.seen()
        page = self.pages.render(self.request, template, status, scripts=scripts, named=named, **values)
        if not named.missing:
            return page
        await self.names.learn(named.missing)
        return self.pages.render(self.request, template, status, scripts=scripts, named=self.names.seen(), **values)

    async def called(self, *orgs: str) -> Callable[[str], str]:
        """What these organisations are called, for a sentence or a drawing that is made before its page."""
        named = self.names.seen()
        for org in orgs:
            named.name(org)
        await self.names.learn(named.missing)
        return self.names.seen().name

    def texts(self, *starts: str) -> str:
        """The texts of keys that begin so, in the language of the page, as JSON for one of our modules."""
        return self.pages.texts(self.language, starts)

    def go(self, path: str, done: str | None = None, **query: str) -> Response:
        """To another page after a form was done; ``done`` names the text ``done.NAME`` that is shown there."""
        asked = query | ({"done": done} if done else {}) | self.pages.chosen(self.request)
        return RedirectResponse(path + (f"?{urlencode(asked)}" if asked else ""), 303)


def _command_key(form: FormData) -> str:
    """The name of what a form asks for: one form, clicked twice, is one command; another content is another. Each form
    that is shown has a token of its own. Without one where a file is sent: a name is not what is in it."""
    fields = list(form.multi_items())
    if any(not isinstance(value, str) for _, value in fields):
        return ""
    return hashlib.sha256(urlencode([(name, str(value)) for name, value in fields]).encode()).hexdigest()[:40]


async def _house(request: Request) -> AsyncIterator[House]:
    try:
        yield House(request)
    finally:
        await request.close()  # the files of a form


HouseDep = Annotated[House, Depends(_house)]
