"""A signed-in browser without the provider's pages: the cookie of a good token, as the sign-in makes it."""

from typing import Any

import httpx
from starlette.responses import Response

from services.portal.session import Session, Sessions
from tests.tokens import Issuer


def sign_in(browser: httpx.AsyncClient, issuer: Issuer, *roles: str, **claims: Any) -> Session:
    """Sign somebody with these roles in on this browser; the session, for the tokens of its forms."""
    app: Any = browser._transport.app  # type: ignore[attr-defined]
    sessions: Sessions = app.state.sessions
    answer = Response()
    session = sessions.begin(answer, issuer.token(*roles, **claims))
    browser.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
    return session
