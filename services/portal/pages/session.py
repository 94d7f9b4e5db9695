"""Signing in and out."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import RedirectResponse, Response

from services.portal.navigation import home_of
from services.portal.pages.house import House, HouseDep
from services.portal.sign_in import PATIENCE_S, NoSignIn, SignIn, own_path
from shared.web.app import Router

router = Router(tags=["session"])
Text = Annotated[str, Query(max_length=2000)]


def _sign_in(house: House) -> SignIn:
    found: SignIn | None = house.request.app.state.sign_in
    if found is None:
        raise NoSignIn()
    return found


def _memory(house: House) -> str:
    return f"{house.sessions.name}-sign-in"


@router.get("/login", response_class=Response)
async def login(house: HouseDep, to: Text = "/") -> Response:
    """To the identity provider, and back to ``to``, which must be a path of ours."""
    address, memory = _sign_in(house).begin(own_path(to), house.language)
    answer = RedirectResponse(address, 303)
    house.sessions.put(answer, _memory(house), memory, PATIENCE_S)
    return answer


@router.get("/login/done", response_class=Response)
async def login_done(
    request: Request, house: HouseDep, code: Text = "", state: Text = "", iss: Text | None = None, error: Text = ""
) -> Response:
    """Where the provider sends back to: the code becomes a session. Without one (the person gave up) to the first page."""
    memory = _memory(house)
    if error or not code:
        answer: Response = RedirectResponse("/", 303)
    else:
        token, to = await _sign_in(house).finish(request.cookies.get(memory), state, code, iss)
        answer = RedirectResponse(to, 303)
        session = house.sessions.begin(answer, token)
        if to == "/":
            answer.headers["location"] = home_of(session.roles)
    house.sessions.put(answer, memory, "", 0)
    return answer


@router.post("/logout", response_class=Response)
async def logout(house: HouseDep) -> Response:
    """Forget the session on this browser, then at the provider where it has a page for that."""
    await house.form()
    answer = RedirectResponse(_sign_in(house).provider.after_logout(), 303)
    house.sessions.end(answer)
    return answer
