"""Reading a log from outside: what is asked for, how often, and how much of an answer is taken."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from shared.audit.refusals import CannotRead, Damaged, NotServed
from shared.audit.source import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    TRIES,
    FolderSource,
    HttpSource,
    opened,
    pause_s,
)
from shared.audit.stored import fetched
from shared.tlog.tile import Tile, encode_entries
from tests.shared.audit.logs import PlainLog, Shelf, some_entries

TILE = Tile("tile", 0, 1234, 3)
BYTES = b"h" * 96


class Server:
    """Answers each request with the next thing of its script; the last one again and again."""

    def __init__(self, *script: httpx.Response | Exception) -> None:
        self.script = list(script)
        self.asked: list[str] = []
        self.pauses: list[float] = []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def read(self) -> bytes:
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as http:
            return await HttpSource("http://log.test/log", http, self.pause).tile(TILE)


async def test_a_file_is_asked_for_under_its_one_path() -> None:
    server = Server(httpx.Response(200, content=BYTES))

    assert await server.read() == BYTES
    assert server.asked == ["http://log.test/log/tile/0/x001/234.p/3"]
    assert server.pauses == []


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(503), httpx.Response(500), httpx.Response(429), httpx.Response(408), httpx.ConnectError("refused"),
     httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut off")],
    ids=str,
)  # fmt: skip
async def test_trouble_that_passes_is_waited_for(trouble: httpx.Response | Exception) -> None:
    server = Server(trouble, trouble, httpx.Response(200, content=BYTES))

    assert await server.read() == BYTES
    assert len(server.pauses) == 2


async def test_trouble_that_stays_ends_in_a_refusal_that_names_it() -> None:
    server = Server(httpx.Response(502))

    with pytest.raises(CannotRead) as caught:
        await server.read()

    assert not isinstance(caught.value, NotServed)
    assert "HTTP 502" in caught.value.text("es")
    assert len(server.asked) == TRIES
    assert len(server.pauses) == TRIES - 1


@pytest.mark.parametrize(
    ("trouble", "spanish"),
    [
        (httpx.ConnectError("All connection attempts failed"), "nadie responde en esa dirección"),
        (
            httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"),
            "su certificado no se acepta, o no habla TLS",
        ),
        (httpx.ReadTimeout("slow"), "no respondió a tiempo"),
        (httpx.RemoteProtocolError("cut off"), "la respuesta se cortó o no se entiende"),
        (httpx.TooManyRedirects("again"), "lleva de una dirección a otra sin fin"),
        (httpx.UnsupportedProtocol("gopher"), "no es una dirección"),
    ],
    ids=lambda one: type(one).__name__,
)
async def test_why_nothing_came_is_said_in_the_readers_language(trouble: Exception, spanish: str) -> None:
    with pytest.raises(CannotRead) as caught:
        await Server(trouble).read()

    assert caught.value.text("es").endswith(f": {spanish}.")
    assert "Error" not in caught.value.text("en")
    assert spanish not in caught.value.text("en")


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_asked_for_once(status: int) -> None:
    server = Server(httpx.Response(status))

    with pytest.raises(NotServed):
        await server.read()

    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [301, 401, 403])
async def test_what_is_refused_is_not_asked_for_again(status: int) -> None:
    server = Server(httpx.Response(status))

    with pytest.raises(CannotRead):
        await server.read()

    assert len(server.asked) == 1


async def test_what_comes_compressed_unasked_is_not_unfolded() -> None:
    folded = gzip.compress(bytes(10_000_000))
    answer = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(folded))
    )

    async with httpx.AsyncClient(transport=answer) as http:
        with pytest.raises(CannotRead, match="compressed"):
            await HttpSource("http://log.test/log", http).tile(TILE)


async def test_no_more_is_read_than_the_longest_file_of_its_kind() -> None:
    assert len(await Server(httpx.Response(200, content=b"x" * 10_000_000)).read()) == 97


def test_pauses_grow_and_are_never_shorter_than_the_server_asks_for() -> None:
    for tried in range(20):
        own = FIRST_PAUSE_S * 2**tried
        assert min(own / 2, LONGEST_PAUSE_S) <= pause_s(tried, None) <= min(own, LONGEST_PAUSE_S)
    assert pause_s(0, "7") == 7
    assert pause_s(0, "86400") == LONGEST_PAUSE_S
    assert pause_s(0, "Wed, 21 Oct 2026 07:28:00 GMT") <= FIRST_PAUSE_S


# ---- folders


async def test_a_folder_is_read_as_it_lies(tmp_path: Path) -> None:
    log = PlainLog(some_entries(300))
    async with opened(str(log.write(tmp_path))) as source:
        assert await source.checkpoint() == log.note()
        assert await source.tile(Tile("entries", 0, 0)) == encode_entries(log.entries[:256])


def _nothing(path: Path) -> None:
    assert not path.exists()


def _a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(("make", "refusal"), [(_nothing, NotServed), (os.mkfifo, CannotRead), (_a_folder, CannotRead)])
async def test_what_is_no_ordinary_file_is_not_read(
    tmp_path: Path, make: Callable[[Path], None], refusal: type[CannotRead]
) -> None:
    make(tmp_path / "checkpoint")

    with pytest.raises(refusal) as caught:
        await FolderSource(tmp_path).checkpoint()

    assert type(caught.value) is refusal
    assert caught.value.text("es") != caught.value.text("en")


async def test_an_address_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotRead, match="neither an http address nor a folder"):
        async with opened(str(tmp_path / "none")):
            pass


# ---- partial tiles that are gone


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(PlainLog(some_entries(256)).files())


@pytest.mark.parametrize("kind", ["tile", "entries"])
async def test_a_partial_tile_that_is_gone_is_cut_from_the_full_one(shelf: Shelf, kind: str) -> None:
    earlier = PlainLog(some_entries(70)).files()
    tile = Tile("tile" if kind == "tile" else "entries", 0, 0, 70)

    assert await fetched(shelf, tile) == earlier[tile.path]


async def test_a_partial_tile_that_is_not_there_in_any_width_is_missing() -> None:
    with pytest.raises(Damaged) as caught:
        await fetched(Shelf({}), Tile("entries", 0, 0, 70))

    assert (caught.value.place, caught.value.reason) == ("tile/entries/000.p/70", "missing")
