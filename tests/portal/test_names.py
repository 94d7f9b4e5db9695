"""Names of organisations: one question a page, kept for a while, done without while permits is silent."""

from typing import Any
from urllib.parse import parse_qs

import orjson

from services.portal.names import AT_ONCE, KEPT_S, SILENT_S, Names
from tests.permits.conftest import OPERATOR, Permits, database, introduced, migrated, open_permits, permits
from tests.portal.conftest import SILENT, Open, Written, a_client_of
from tests.shared.lot.wood import Wood, a_lot

__all__ = ["database", "introduced", "migrated", "open_permits", "permits"]


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Register:
    """A register that keeps what it is asked."""

    def __init__(self, **known: str) -> None:
        self.known, self.asked, self.silent = known, list[list[str]](), False

    async def __call__(self, scope: Any, _: Any, send: Any) -> None:
        if self.silent:
            raise SILENT
        if scope["path"] != "/v1/organisations":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"{}"})
            return
        ids = parse_qs(scope["query_string"].decode()).get("id", [])
        self.asked.append(ids)
        body = {"items": [{"id": one, "name": self.known[one]} for one in ids if one in self.known], "next": None}
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": orjson.dumps(body)})


async def test_a_page_asks_once_for_all_it_lacks_and_the_next_one_for_nothing() -> None:
    register = Register(**{"comunidad-a": "Comunidad <A>"})
    known = Names(a_client_of("permits", register))
    page = known.seen()
    assert [page.shown(org) for org in ("comunidad-a", "nadie-1", "No es un id", "", None)] == [
        "comunidad-a", "nadie-1", "No es un id", "", "",
    ]  # fmt: skip
    await known.learn(page.missing)

    again = known.seen()

    assert register.asked == [["comunidad-a", "nadie-1"]]
    assert again.shown("comunidad-a") == ('<data value="comunidad-a" title="comunidad-a">Comunidad &lt;A&gt;</data>')
    assert (again.name("comunidad-a"), again.shown("nadie-1"), again.missing) == ("Comunidad <A>", "nadie-1", set())


async def test_many_are_asked_for_in_parts_and_forgotten_after_a_while() -> None:
    register, clock = Register(), Clock()
    known = Names(a_client_of("permits", register), clock)
    await known.learn({f"org-{n}" for n in range(AT_ONCE + 1)})
    assert [len(asked) for asked in register.asked] == [AT_ONCE, 1]

    assert len(known.seen().known) == AT_ONCE + 1
    clock.now += KEPT_S

    assert known.seen().known == {}


async def test_a_register_that_is_silent_is_left_alone_for_a_moment_and_ids_are_shown() -> None:
    clock, register = Clock(), Register(**{"comunidad-a": "Comunidad A"})
    register.silent = True
    known = Names(a_client_of("permits", register), clock)
    await known.learn({"comunidad-a"})
    register.silent = False
    await known.learn({"comunidad-a"})
    assert (register.asked, known.seen().name("comunidad-a")) == ([], "comunidad-a")

    clock.now += SILENT_S
    await known.learn({"comunidad-a"})

    assert known.seen().name("comunidad-a") == "Comunidad A"


async def test_the_register_answers_for_the_ids_that_it_is_asked_for(permits: Permits) -> None:
    answer = await permits.get("/v1/organisations", id=["gerfor-md", "comunidad-a", "nadie-1"])
    wrong = await permits.get("/v1/organisations", expect=422, id="No es")

    assert [one["id"] for one in answer["items"]] == ["comunidad-a", "gerfor-md"]
    assert wrong["slug"] == "malformed"
    assert len((await permits.get("/v1/organisations", OPERATOR))["items"]) > 2


async def test_a_page_shows_names_and_keeps_the_ids(open_portal: Open) -> None:
    custody = Written({"/v1/lots/LOTE-01/bundle": a_lot().bundle("LOTE-01")})
    browser = await open_portal(custody=custody, permits=Register(**{"comunidad-a": "Comunidad A"}))

    page = (await browser.get("/v/LOTE-01")).text

    assert 'title="comunidad-a">Comunidad A<' in page
    assert "aserradero-1" in page


async def test_sentences_and_drawings_name_the_organisations_too(open_portal: Open) -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-0000017", logs)
    boards = [wood.saw(logs, permille=450)]
    wood.sell("LOTE-01", boards, seller="aserradero-1", buyer="otra-1")
    custody = Written({"/log/checkpoint": wood.checkpoint(), "/v1/lots/LOTE-01/bundle": wood.bundle("LOTE-01")})
    browser = await open_portal(custody=custody, permits=Register(**{"aserradero-1": "Aserradero Uno"}))

    page = (await browser.get("/lots/LOTE-01/balance")).text

    assert 'title="aserradero-1">Aserradero Uno<' in page
    drawing = page[page.index("<svg") :]
    assert "Aserradero" in drawing
    assert "aserradero-1," not in drawing
