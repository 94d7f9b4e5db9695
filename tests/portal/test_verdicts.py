"""The four honest outcomes of a proof file, each with its own first word."""

import hashlib

import orjson
import pytest

from services.portal.verdicts import KEPT, MARKS, Verdicts, word_of
from shared.tlog.note import Signer
from tests.portal.conftest import Open, Written
from tests.portal.test_pages import read
from tests.shared.lot.wood import ORIGIN, Wood, a_lot, a_policy, witness

BUNDLE = "/v1/lots/LOTE-01/bundle"
STRANGER = f"log {Signer.generate(ORIGIN).verifier.vkey}\nquorum none\n"


def an_overdrawn_lot() -> Wood:
    """Its guide moves more than the permit authorises."""
    wood = Wood(authorised_dm3=2_000)
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-0000017", logs)
    wood.sell("LOTE-01", logs, seller="aserradero-1", buyer="otra-1")
    return wood


def altered(bundle: bytes) -> bytes:
    """One letter of one proof hash is another."""
    document = orjson.loads(bundle)
    first = document["log"]["proof"][0]
    document["log"]["proof"][0] = ("B" if first[0] == "A" else "A") + first[1:]
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


async def test_a_lot_that_fits_is_consistent_and_shows_each_rule(open_portal: Open) -> None:
    bundle = a_lot().bundle("LOTE-01", witnesses=[witness()])
    browser = await open_portal(custody=Written({BUNDLE: bundle}))

    page = read(await browser.get("/v/LOTE-01"))

    assert "CONSISTENTE" in page.said
    assert "1 de 1 testigos" in page.said
    assert "C01" in page.said
    assert "B01" in page.said


async def test_a_lot_with_grave_findings_is_to_review_with_figures_and_source(open_portal: Open) -> None:
    browser = await open_portal(custody=Written({BUNDLE: an_overdrawn_lot().bundle("LOTE-01")}))

    page = read(await browser.get("/v/LOTE-01"))

    assert "POR REVISAR" in page.said
    assert "Observaciones" in page.said
    assert "muy grave" in page.said


async def test_a_log_signed_by_a_stranger_is_not_recognised(open_portal: Open) -> None:
    browser = await open_portal(STRANGER, custody=Written({BUNDLE: a_lot().bundle("LOTE-01")}))

    answer = await browser.get("/v/LOTE-01")
    page = read(answer)

    assert answer.status_code == 200
    assert "FIRMA NO RECONOCIDA" in page.said
    assert "CONSISTENTE" not in page.said
    assert "no es de una clave que este servidor conozca" in page.said


async def test_an_altered_file_is_not_valid_and_says_where(open_portal: Open) -> None:
    browser = await open_portal(custody=Written({BUNDLE: altered(a_lot().bundle("LOTE-01"))}))

    page = read(await browser.get("/v/LOTE-01"))

    assert "NO VÁLIDO" in page.said
    assert "CONSISTENTE" not in page.said


@pytest.mark.parametrize("content", [b"", b"{}", b"PK\x03\x04", b'{"format":"trozalog-bundle/9"}'])
async def test_another_kind_of_file_cannot_be_read(open_portal: Open, content: bytes) -> None:
    browser = await open_portal(custody=Written({BUNDLE: content}))

    assert "NO SE PUEDE LEER" in read(await browser.get("/v/LOTE-01")).said


async def test_every_first_word_has_its_own_mark() -> None:
    verdicts = Verdicts(a_policy())
    good = await verdicts.of(a_lot().bundle("LOTE-01"))
    bad = await Verdicts(a_policy()).of(b"{}")

    assert MARKS[word_of(good)] == "yes"
    assert MARKS[word_of(bad)] == "part"
    assert await verdicts.of(a_lot().bundle("LOTE-01")) is good


async def test_only_so_many_reports_are_kept() -> None:
    verdicts = Verdicts(a_policy())
    for i in range(KEPT + 10):
        await verdicts.of(b"%d" % i)

    assert len(verdicts._kept) == KEPT
    assert hashlib.sha256(b"0").digest() not in verdicts._kept
