"""The four honest outcomes of a proof file, each with its own first word."""

import asyncio
from dataclasses import dataclass

import orjson
import pytest

from services.portal.verdicts import KEPT, LARGEST_BYTES, MARKS, Verdicts, word_of
from shared.tlog.note import Signer
from shared.web.client import UpstreamDown
from tests.portal.conftest import Open, Written
from tests.portal.test_pages import read
from tests.shared.lot.wood import ORIGIN, Wood, a_lot, a_policy, witness

BUNDLE = "/v1/lots/LOTE-01/bundle"
CHECKPOINT = b"a checkpoint"
STRANGER = f"log {Signer.generate(ORIGIN).verifier.vkey}\nquorum none\n"


@dataclass
class Desk:
    """Where a proof file is fetched: counts the visits, and how many are inside at once."""

    content: bytes
    asked: int = 0
    inside: int = 0
    most: int = 0
    trouble: Exception | None = None

    async def fetch(self) -> bytes:
        self.asked += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(0.01)
        self.inside -= 1
        if self.trouble is not None:
            raise self.trouble
        return self.content


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
    assert "1 de 1 testigo conocido" in page.said
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
    good = await Verdicts(a_policy()).of("LOTE-01", CHECKPOINT, Desk(a_lot().bundle("LOTE-01")).fetch)
    bad = await Verdicts(a_policy()).of("LOTE-01", CHECKPOINT, Desk(b"{}").fetch)

    assert good is not None
    assert bad is not None
    assert (MARKS[word_of(good.report)], MARKS[word_of(bad.report)], MARKS[word_of(None)]) == ("yes", "part", "part")


async def test_a_much_scanned_code_is_fetched_once_while_the_log_stands_still() -> None:
    verdicts, desk = Verdicts(a_policy()), Desk(a_lot().bundle("LOTE-01"))

    reports = await asyncio.gather(*(verdicts.of("LOTE-01", CHECKPOINT, desk.fetch) for _ in range(20)))
    assert (len({id(report) for report in reports}), desk.asked) == (1, 1)

    await verdicts.of("LOTE-01", b"a longer log", desk.fetch)
    await verdicts.of("LOTE-02", CHECKPOINT, desk.fetch)
    assert desk.asked == 3


async def test_nothing_is_remembered_of_a_log_without_checkpoint() -> None:
    verdicts, desk = Verdicts(a_policy()), Desk(b"{}")

    for _ in range(3):
        await verdicts.of("LOTE-01", None, desk.fetch)

    assert desk.asked == 3


async def test_no_more_than_two_files_are_in_memory_at_once() -> None:
    verdicts, desk = Verdicts(a_policy()), Desk(b"{}")

    await asyncio.gather(*(verdicts.of(f"LOTE-{i}", CHECKPOINT, desk.fetch) for i in range(10)))

    assert (desk.asked, desk.most) == (10, 2)


async def test_a_fetch_that_failed_is_tried_again() -> None:
    verdicts, desk = Verdicts(a_policy()), Desk(b"{}")
    desk.trouble = UpstreamDown("custody")
    with pytest.raises(UpstreamDown):
        await verdicts.of("LOTE-01", CHECKPOINT, desk.fetch)

    desk.trouble = None

    assert await verdicts.of("LOTE-01", CHECKPOINT, desk.fetch)


async def test_a_lot_too_long_for_a_page_is_fetched_once_and_sends_to_the_file(open_portal: Open) -> None:
    custody = Written({BUNDLE: b" " * (LARGEST_BYTES + 1), "/log/checkpoint": CHECKPOINT})
    browser = await open_portal(custody=custody)

    spanish = read(await browser.get("/v/LOTE-01"))
    english = await browser.get("/v/LOTE-01", headers={"accept-language": "en"})

    assert english.status_code == 200
    assert "NO SE COMPRUEBA AQUÍ" in spanish.said
    for said in ("NOT CHECKED HERE", "longer than 4 MiB", "Check it yourself", "verify-lot lot-LOTE-01.json"):
        assert said in read(english).said
    assert "CONSISTENT" not in english.text
    assert "/v1/lots/LOTE-01/bundle" in spanish.links
    assert custody.asked.count(BUNDLE) == 1


async def test_only_so_many_reports_are_kept() -> None:
    verdicts, desk = Verdicts(a_policy()), Desk(b"{}")
    for i in range(KEPT + 10):
        await verdicts.of(f"LOTE-{i}", CHECKPOINT, desk.fetch)

    assert len(verdicts._kept) == KEPT
    assert ("LOTE-0", CHECKPOINT) not in verdicts._kept
