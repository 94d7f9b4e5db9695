"""People in front of the portal: a real Chromium, driven by playwright, that sees pages as they see them.

What holds for every page is checked by ``Visitor.check``: no serious finding of axe, nothing asked of another origin, no
complaint of the browser, nothing wider than the screen.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from tests import chromium

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
NARROW, WIDE = 360, 1280
PATIENCE_S = 60.0  # for a page of a house that is busy with other things
SERIOUS = ("serious", "critical")
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
# Only what was found is handed out, as text: all that axe looked at is megabytes of a long page, and takes as long again.
FIND = "options => axe.run(options).then(found => JSON.stringify(found.violations))"


@dataclass
class Visitor:
    """One person with one window. ``page`` is playwright's."""

    base_url: str
    context: BrowserContext
    page: Page
    asked_for: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asked_for.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def go(self, path: str, status: int = 200) -> Response:
        """Open a page of the portal."""
        answer = self.page.goto(self.base_url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        if status != 200:
            self.was_answered(status)
        return answer

    def was_answered(self, status: int) -> None:
        """The browser notes such a status as an error of the page, sooner or later; that it came is what was asked for."""
        noted = f"status of {status}"
        self.wait_until(lambda: any(noted in one for one in self.complaints), f"nothing of a {noted}")
        self.complaints = [one for one in self.complaints if noted not in one]

    def wait_until(self, done: Callable[[], bool], why: str) -> None:
        """Poll until it is so; fails when it takes far too long."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, why
            self.page.wait_for_timeout(50)

    def sign_in(self, name: str, password: str) -> None:
        """From the first page by the link in its head, over the provider's page, and back."""
        self.go("/")
        self.page.locator(".account a[href^='/login']").click()
        self.page.fill("#username", name)
        self.page.fill("#password", password)
        self.page.locator("button").click()
        self.page.locator(".who").wait_for()

    def says(self, *texts: str) -> None:
        """Each of these stands on the page once it is loaded and its scripts are through, hidden parts left out."""
        self.page.wait_for_load_state()
        end = time.monotonic() + PATIENCE_S
        while missing := [text for text in texts if text.casefold() not in self.said().casefold()]:
            assert time.monotonic() < end, f"{self.page.url}: {missing} not in:\n{self.said()}"
            self.page.wait_for_timeout(50)

    def said(self) -> str:
        return " ".join(self.page.locator("body").inner_text().split())

    def check(self, axe: bool = True) -> None:
        """What holds for every page."""
        self.page.wait_for_load_state()
        own = urlsplit(self.base_url).netloc
        strangers = [url for url in self.asked_for if urlsplit(url).netloc not in ("", own)]
        assert strangers == [], f"{self.page.url} asked for {strangers}"
        assert self.complaints == [], f"{self.page.url}: {self.complaints}"
        too_wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{self.page.url} is {too_wide} px wider than the screen of {self.page.viewport_size}"
        if axe:
            self.page.evaluate(AXE_SCRIPT)
            found = json.loads(self.page.evaluate(FIND, AXE))
            serious = [describe(one) for one in found if one["impact"] in SERIOUS]
            assert serious == [], f"{self.page.url}:\n" + "\n".join(serious)


def describe(violation: dict[str, Any]) -> str:
    """One finding of axe with the first places it was found at."""
    places = "; ".join(f"{node['html'][:120]} ({node['failureSummary'][:160]})" for node in violation["nodes"][:3])
    return f"{violation['id']} ({violation['impact']}): {violation['help']}: {places}"


@dataclass
class Windows:
    """Opens windows; who has signed in once is signed in again without the provider's page."""

    browser: Browser
    base_url: str
    password_of: Callable[[str], str]
    _signed_in: dict[str, Any] = field(default_factory=dict)
    _open: list[BrowserContext] = field(default_factory=list)

    def visit(
        self,
        name: str | None = None,
        *,
        language: str = "es",
        width: int = WIDE,
        scripts: bool = True,
        dark: bool = False,
    ) -> Visitor:
        """A new window of this person (a login of the house), or of nobody in particular."""
        context = self.browser.new_context(
            locale="es-PE" if language == "es" else "en-GB", viewport={"width": width, "height": 800},
            java_script_enabled=scripts, storage_state=self._signed_in.get(name or ""),
            color_scheme="dark" if dark else "light", reduced_motion="reduce", timezone_id="America/Lima",
        )  # fmt: skip
        context.set_default_timeout(1000 * PATIENCE_S)
        self._open.append(context)
        visitor = Visitor(self.base_url, context, context.new_page())
        if name is not None and name not in self._signed_in:
            visitor.sign_in(name, self.password_of(name))
            self._signed_in[name] = context.storage_state()
        return visitor

    def close(self) -> None:
        """Close every window that is open."""
        while self._open:
            self._open.pop().close()


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Debian's Chromium. Where there is none, the test is skipped; in CI it fails."""
    path = chromium.found()
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        try:
            yield found
        finally:
            found.close()
