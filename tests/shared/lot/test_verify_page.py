"""`verify.html` as a person meets it: from disk, with a keyboard, on a small screen, in two languages, on paper."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chromium import DEADLINE_S, Chromium
from tests.shared.lot.page import PAGE
from tests.shared.lot.wood import Wood, a_lot, log_signer, witness

LOT = "LOTE-01"
POLICY = f"log {log_signer().verifier.vkey}\nwitness w1 {witness().verifier.vkey}\nquorum none\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """One browser for the module; each test opens the page anew."""
    with Chromium() as tab:
        yield tab


@pytest.fixture
def page(browser: Chromium) -> Chromium:
    """The page, just opened from disk on a telephone."""
    browser.events.clear()
    browser.send("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=True)
    browser.open(PAGE.as_uri())
    return browser


@pytest.fixture
def lot(tmp_path: Path) -> Path:
    file = tmp_path / "LOTE-01.trozalog.json"
    file.write_bytes(a_lot().bundle(LOT, witnesses=[witness()]))
    return file


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.txt"
    file.write_text(POLICY)
    return file


def until(found: Callable[[], object], why: str) -> None:
    """Wait for something the page does on its own."""
    end = time.monotonic() + DEADLINE_S
    while not found():
        assert time.monotonic() < end, why
        time.sleep(0.02)


def text(page: Chromium, selector: str) -> str:
    return str(page.run(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText || ''"))


def verified(page: Chromium, lot: Path, policy: Path) -> str:
    """Choose both files and press the button with the keyboard; the word the page answers with."""
    page.choose("#file", lot)
    page.choose("#policy", policy)
    until(lambda: page.run("document.getElementById('policy_text').value && file_name.textContent"), "files not read")
    page.run("document.getElementById('verify').focus()")
    page.press("Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    until(lambda: text(page, "#word"), f"no verdict: {text(page, '#status')} {page.complaints()}")
    return text(page, "#word")


def test_a_lot_is_verified_with_the_keyboard_alone_and_the_word_comes_first(
    page: Chromium, lot: Path, policy: Path
) -> None:
    assert verified(page, lot, policy) == "CONSISTENTE"

    assert page.run("document.activeElement.id") == "word"
    assert text(page, "#result").startswith("CONSISTENTE\n\nCONSISTENTE: 0 observaciones abiertas; 0.0 % del volumen")
    said = text(page, "#result")
    for words in (
        "Nadie independiente verificó",
        "w1, 2027-01-15T08:00:00Z",
        "Qué no se comprobó",
        "C01 Árbol censado",
    ):
        assert words in said
    assert text(page, "#status") == "Terminado."


def test_every_control_is_reached_by_tab_and_says_what_it_is(page: Chromium) -> None:
    names = []
    page.run("document.activeElement.blur()")
    for _ in range(5):
        page.press("Tab", code="Tab", windowsVirtualKeyCode=9)
        names.append(page.run("document.activeElement.id"))
    assert names == ["language", "file", "policy", "policy_text", "verify"]
    unnamed = "[...document.querySelectorAll('input,textarea')].filter((one) => !one.labels.length).length"
    assert page.run(unnamed) == 0
    assert page.run("document.getElementById('status').getAttribute('role')") == "status"


def test_it_says_what_is_missing(page: Chromium, lot: Path) -> None:
    page.run("document.getElementById('verify').click()")
    assert text(page, "#status") == "Falta el archivo de prueba del lote."
    page.choose("#file", lot)
    until(lambda: text(page, "#file_name"), "file not read")
    page.run("document.getElementById('verify').click()")
    assert text(page, "#status") == "Falta su política de confianza."


def test_the_language_changes_without_losing_the_verdict(page: Chromium, lot: Path, policy: Path) -> None:
    verified(page, lot, policy)
    page.run("document.getElementById('language').click()")

    assert page.run("document.documentElement.lang") == "en"
    assert text(page, "#result").startswith("CONSISTENT\n\nCONSISTENT: 0 open findings")
    assert "What was not checked" in text(page, "#result")
    page.run("document.getElementById('language').click()")
    assert text(page, "#result").startswith("CONSISTENTE")


def test_a_policy_may_be_pasted(page: Chromium, lot: Path) -> None:
    page.choose("#file", lot)
    until(lambda: text(page, "#file_name"), "file not read")
    page.run("document.getElementById('policy_text').focus()")
    page.send("Input.insertText", text=POLICY)
    page.run("document.getElementById('verify').click()")
    until(lambda: text(page, "#word"), "no verdict")
    assert text(page, "#word") == "CONSISTENTE"


def test_both_files_may_be_dropped_anywhere_in_any_order(page: Chromium, lot: Path, policy: Path) -> None:
    files = [["policy.txt", policy.read_text()], ["lot.json", lot.read_text()]]
    page.run(f"""
        const load = new DataTransfer();
        for (const [name, text] of {json.dumps(files)}) load.items.add(new File([text], name));
        document.body.dispatchEvent(new DragEvent("drop", {{ dataTransfer: load, bubbles: true, cancelable: true }}));
    """)
    until(lambda: text(page, "#file_name"), "file not read")
    page.run("document.getElementById('verify').click()")
    until(lambda: text(page, "#word"), "no verdict")
    assert text(page, "#word") == "CONSISTENTE"


def test_a_tampered_lot_is_not_valid_and_the_entry_is_named(page: Chromium, lot: Path, policy: Path) -> None:
    data = bytearray(lot.read_bytes())
    at = data.index(b'"entries":["') + 6_000
    data[at] = 0x41 if data[at] != 0x41 else 0x42
    lot.write_bytes(bytes(data))
    assert verified(page, lot, policy) == "NO VÁLIDO"
    assert "La entrada" in text(page, "#result")


def test_an_unknown_signer_is_said_first_and_the_contents_are_shown(page: Chromium, lot: Path, policy: Path) -> None:
    policy.write_text("quorum none\n")
    assert verified(page, lot, policy) == "NO CONFIABLE"
    assert "su política no acepta la firma del registro" in text(page, "#result")
    assert "CONSISTENTE: 0 observaciones" in text(page, "#result")


def test_a_file_of_another_kind_cannot_be_read(page: Chromium, lot: Path, policy: Path) -> None:
    lot.write_bytes(b"PK\x03\x04")
    assert verified(page, lot, policy) == "NO SE PUEDE LEER"


def test_what_a_record_says_is_text_and_never_markup(page: Chromium, tmp_path: Path, policy: Path) -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.add("lot.composed", "aserradero-1", {"lot": LOT, "items": logs})
    claim = "<img src=x onerror=alert(1)><b>FSC</b>"
    wood.add("lot.sold", "aserradero-1", {"lot": LOT, "buyer": "otra-1", "claim": claim})
    file = tmp_path / "<i>lot.json"
    file.write_bytes(wood.bundle(LOT))
    verified(page, file, policy)
    assert claim in text(page, "#result")
    assert page.run("document.querySelectorAll('#result img, #result b, i').length") == 0


def test_nothing_is_wider_than_a_small_telephone(page: Chromium, lot: Path, policy: Path) -> None:
    assert page.run("document.documentElement.scrollWidth") <= 320
    verified(page, lot, policy)
    page.run("document.querySelector('details').open = true")
    assert page.run("document.documentElement.scrollWidth") <= 320
    targets = "[...document.querySelectorAll('button, summary')]"
    small = f"{targets}.filter((one) => one.getBoundingClientRect().height < 44).length"
    assert page.run(small) == 0


def test_on_paper_only_the_verdict_is_left(page: Chromium, lot: Path, policy: Path) -> None:
    verified(page, lot, policy)
    page.send("Emulation.setEmulatedMedia", media="print")
    try:
        assert page.run("getComputedStyle(document.querySelector('form')).display") == "none"
        assert page.run("getComputedStyle(document.getElementById('word')).display") == "block"
    finally:
        page.send("Emulation.setEmulatedMedia", media="")


def test_the_report_is_saved_as_programs_read_it(page: Chromium, lot: Path, policy: Path, tmp_path: Path) -> None:
    verified(page, lot, policy)
    folder = tmp_path / "downloads"
    page.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    page.run("document.querySelector('.actions button').click()")
    saved = folder / "LOTE-01.trozalog.report.json"
    until(saved.exists, f"nothing saved: {page.complaints()}")
    report = json.loads(saved.read_text())
    assert (report["outcome"], report["exit_code"], report["verdict"]["word"]) == ("valid", 0, "CONSISTENT")


def test_no_request_leaves_the_page_and_none_could(page: Chromium, lot: Path, policy: Path) -> None:
    verified(page, lot, policy)
    assert page.asked_for() == [PAGE.as_uri()]
    assert page.complaints() == []
    assert page.run("fetch('https://example.org/').then(() => 'sent', () => 'refused')") == "refused"
    page.run("new Image().src = 'https://example.org/x.png'; document.body.append(document.createElement('script'))")
    breach = "violates the following Content Security Policy"
    until(lambda: page.run("true") and breach in " ".join(page.complaints()), "nothing was said of it")
