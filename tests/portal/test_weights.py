"""How much a verdict weighs on its first load, also of a lot of 500 logs."""

import gzip
import sys

import httpx

from tests.portal.conftest import HEALTHY, Open, Written
from tests.portal.test_pace import LOGS, a_large_lot
from tests.portal.weights import OF_A_VERDICT, named_by


async def test_the_verdict_on_a_lot_of_500_logs_is_light(open_portal: Open) -> None:
    wood = a_large_lot()
    custody = Written(
        {**HEALTHY, "/log/checkpoint": wood.checkpoint(), "/v1/lots/LOTE-500/bundle": wood.bundle("LOTE-500")}
    )
    client: httpx.AsyncClient = await open_portal(custody=custody)

    page = await client.get("/v/LOTE-500")
    files = [await client.get(address) for address in named_by(page.text)]

    assert f"Troza {1000 + LOGS // 2 - 1}/B" in page.text
    weight = sum(len(gzip.compress(one.content)) for one in (page, *files))
    sys.stdout.write(f"the verdict on {LOGS} logs weighs {weight / 1000:.1f} KB\n")
    assert weight <= OF_A_VERDICT
    assert {address.split("?")[0] for address in named_by(page.text)} == {
        "/static/style.css", "/static/auditor.css", "/static/mark.svg", "/static/recheck.js",
    }  # fmt: skip
