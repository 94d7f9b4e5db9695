"""`/verify.html`: the verifier as the portal serves it runs in a browser under the header it is served with."""

from base64 import b64encode

import httpx

from tests.chromium import Chromium
from tests.portal.conftest import Open
from tests.shared.lot.page import PAGE
from tests.shared.lot.wood import a_lot, log_signer

POLICY = f"log {log_signer().verifier.vkey}\nquorum none\n".encode()


async def test_the_page_is_the_file_that_works_from_disk(open_portal: Open) -> None:
    browser: httpx.AsyncClient = await open_portal()
    answer = await browser.get("/verify.html")

    assert answer.content == PAGE.read_bytes()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.endswith("; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert "unsafe" not in policy


async def test_it_runs_under_its_header_without_asking_the_server_again(open_portal: Open) -> None:
    """Over plain HTTP, where a browser gives no WebCrypto: the signatures are verified by hand."""
    browser: httpx.AsyncClient = await open_portal()
    answer = await browser.get("/verify.html")
    address = "http://madera.test/verify.html"
    with Chromium() as tab:
        tab.send("Fetch.enable", patterns=[{"urlPattern": "*"}])
        tab.start("Page.navigate", url=address)
        paused = tab.wait_for("Fetch.requestPaused")
        headers = [{"name": name, "value": value} for name, value in answer.headers.items() if name != "content-length"]
        body = b64encode(answer.content).decode()
        tab.send(
            "Fetch.fulfillRequest", requestId=paused["requestId"], responseCode=200, responseHeaders=headers, body=body
        )
        tab.wait_for("Page.loadEventFired")
        files = ", ".join(f'strictBase64("{b64encode(data).decode()}")' for data in (a_lot().bundle("LOTE-01"), POLICY))

        assert tab.run("document.querySelector('form').hidden || isSecureContext") is False
        assert tab.run(f"verify({files}).then((found) => found.verdict.word)") == "CONSISTENT"
        assert tab.asked_for() == [address]
        assert tab.complaints() == []


async def test_the_page_of_a_lot_and_the_first_page_lead_to_it(open_portal: Open) -> None:
    browser: httpx.AsyncClient = await open_portal()
    assert 'href="/verify.html"' in (await browser.get("/")).text
    assert 'href="/verify.html?lang=en"' in (await browser.get("/?lang=en")).text
