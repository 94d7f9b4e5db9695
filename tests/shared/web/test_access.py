"""The table decides who passes the door; the application does not start when it and the routes disagree."""

import httpx
import pytest
from fastapi import APIRouter

from shared.refusal import Missing
from shared.web.access import Grant, OtherOrganisation, TableRefused
from shared.web.app import make_app
from shared.web.auth import Caller
from tests.access_matrix import Sample, cells, check_matrix
from tests.shared.web.example import ACCESS, an_app
from tests.tokens import ORG, OTHER_ORG, Issuer

SAMPLES = {
    "read_log": Sample("/v1/logs/A", "/v1/logs/B"),
    "read_diary": Sample("/v1/logs/A/diary", "/v1/logs/B/diary"),
    "mark_log": Sample("/v1/logs/A/mark", "/v1/logs/B/mark"),
}


async def test_every_cell_of_the_matrix_is_answered_as_the_table_says(issuer: Issuer) -> None:
    app = an_app(issuer)
    samples = SAMPLES | {"fail": Sample("/v1/fail/refused")}

    assert len(list(cells(app, ACCESS, issuer, samples, whole=True))) > 350
    assert await check_matrix(app, ACCESS, issuer, samples, whole=True) == []


async def test_the_matrix_notices_a_door_that_is_open_too_far(issuer: Issuer) -> None:
    open_door = an_app(issuer, ACCESS | {"read_diary": {"public": "any", "member": "any"}})

    wrong = await check_matrix(open_door, ACCESS, issuer, SAMPLES)

    assert any("read_diary" in line and "as public: expected 401, got 200" in line for line in wrong)
    assert any("read_diary" in line and f"as member of {ORG}: expected 404, got 200" in line for line in wrong)
    assert any("read_diary" in line and f"as company of {ORG}: expected door, got 200" in line for line in wrong)


async def test_the_matrix_notices_a_door_that_is_shut_too_far(issuer: Issuer) -> None:
    shut_door = an_app(issuer, ACCESS | {"read_diary": {"auditor": "any"}})

    wrong = await check_matrix(shut_door, ACCESS, issuer, SAMPLES)

    assert any("read_diary" in line and f"as member of {ORG}: expected seen, got 403" in line for line in wrong)


def test_a_route_without_a_row_stops_the_start(issuer: Issuer) -> None:
    with pytest.raises(TableRefused, match="route without row: add_log"):
        an_app(issuer, {name: row for name, row in ACCESS.items() if name != "add_log"})


def test_a_row_without_a_route_stops_the_start(issuer: Issuer) -> None:
    with pytest.raises(TableRefused, match="row without route: fell_tree"):
        an_app(issuer, ACCESS | {"fell_tree": {"member": "own"}})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"king": "any"}, "unknown role king"),
        ({"member": "all"}, "unknown scope all"),
        ({"public": "own"}, "public has no own organisation"),
        ({}, "nobody may call it"),
    ],
)
def test_a_row_that_means_nothing_stops_the_start(issuer: Issuer, row: dict[str, str], reason: str) -> None:
    with pytest.raises(TableRefused, match=reason):
        an_app(issuer, ACCESS | {"add_log": row})  # type: ignore[dict-item]


def test_two_routes_of_one_name_stop_the_start(issuer: Issuer) -> None:
    from tests.shared.web.example import router

    with pytest.raises(TableRefused, match="two routes named read_log"):
        make_app("Twice", service="x", routers=[router, router], access=ACCESS, verifier=issuer.verifier())


def test_a_route_that_nobody_guards_stops_the_start(issuer: Issuer) -> None:
    plain = APIRouter()
    plain.add_api_route("/v1/open", lambda: None)

    with pytest.raises(TypeError, match="declare routes on"):
        make_app("Open", service="x", routers=[plain], access={}, verifier=issuer.verifier())


async def test_who_is_not_admitted_is_told_so_before_the_body_is_read(api: httpx.AsyncClient, issuer: Issuer) -> None:
    async def endless() -> object:
        raise AssertionError("the body was read")
        yield b""

    refused = await api.post("/v1/logs", content=endless(), headers=issuer.headers("company"))  # type: ignore[arg-type]
    admitted = await api.post("/v1/logs", json={"code": "A", "length_mm": 1}, headers=issuer.headers("member"))

    assert refused.status_code == 403
    assert refused.json()["slug"] == "role-not-allowed"
    assert admitted.status_code == 201


async def test_several_roles_give_the_widest_scope(api: httpx.AsyncClient, issuer: Issuer) -> None:
    narrow = await api.get("/v1/logs/B/diary", headers=issuer.headers("member", "company"))
    wide = await api.get("/v1/logs/B/diary", headers=issuer.headers("member", "auditor"))

    assert (narrow.status_code, wide.status_code) == (404, 200)


async def test_a_public_answer_leaves_out_what_is_private(api: httpx.AsyncClient, issuer: Issuer) -> None:
    public = await api.get("/v1/logs/A")
    own = await api.get("/v1/logs/A", headers=issuer.headers("member"))
    of_another = await api.get("/v1/logs/A", headers=issuer.headers("member", org=OTHER_ORG))

    assert [a.json()["diary"] for a in (public, own, of_another)] == [None, "private", None]


def test_a_grant_hides_what_is_not_visible_and_forbids_what_is() -> None:
    caller = Caller("u-1", ORG, frozenset({"member"}))
    private, visible = Grant(caller, "own", public=False), Grant(caller, "own", public=True)

    private.require_full(ORG, kind="log", key="A", action="mark")
    with pytest.raises(Missing):
        private.require_full(OTHER_ORG, kind="log", key="A", action="mark")
    with pytest.raises(OtherOrganisation):
        visible.require_full(OTHER_ORG, kind="log", key="A", action="mark")
