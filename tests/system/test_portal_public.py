"""What everybody sees, in a real browser before the whole house."""

from collections import defaultdict

import httpx
import pytest

from tests.browser import WIDE
from tests.portal.screens import PLACES, places_of
from tests.portal.weights import OF_A_VERDICT
from tests.system.conftest import PATIENCE_S, Instance, Visit

pytestmark = pytest.mark.system
STRANGE = {"verifier"}  # a page of its own, tested in tests/shared/lot


@pytest.fixture(scope="module")
def names(told_house: Instance) -> dict[str, str]:
    return places_of(told_house)


@pytest.mark.parametrize(
    ("width", "language", "dark"),
    [
        (320, "es", False),
        (WIDE, "en", True),
        pytest.param(320, "en", True, marks=pytest.mark.full),
        pytest.param(WIDE, "es", True, marks=pytest.mark.full),
        pytest.param(WIDE, "en", False, marks=pytest.mark.full),
    ],
)
def test_every_page_is_whole_on_every_screen(
    visit: Visit, names: dict[str, str], width: int, language: str, dark: bool
) -> None:
    """No serious finding of axe, no request to anybody else, nothing wider than the screen."""
    paths: defaultdict[str | None, list[str]] = defaultdict(list)
    for operation, found in PLACES.items():
        for who, path in found:
            if operation not in STRANGE:
                paths[who].append(path)
    for who, their in paths.items():
        visitor = visit(who, width=width, language=language, dark=dark)
        for path in their:
            visitor.go(path.format_map(names))
            visitor.check()
        visitor.context.close()


@pytest.mark.parametrize(("language", "said"), [("es", "Coincide"), ("en", "It agrees")])
def test_the_browser_comes_to_the_word_of_the_server(visit: Visit, language: str, said: str) -> None:
    """From the search box to the verdict, checked again by the second verifier, with the policy on the page."""
    visitor = visit(language=language)
    visitor.go("/")
    visitor.page.fill("#q", "lote-1170")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/v/LOTE-1170*")
    before = list(visitor.asked_for)
    visitor.page.click("#recheck-button")
    visitor.page.wait_for_selector("#recheck[data-found]")

    assert visitor.page.get_attribute("#recheck", "data-found") == "TO_REVIEW"
    visitor.says(said, "LOTE-1170")
    assert not any("verifier.js" in url or "bundle" in url for url in before)  # fetched when asked for, not before
    visitor.check()


def test_a_page_that_lies_is_found_out_by_the_browser(visit: Visit) -> None:
    """The word on the page is changed on its way: the browser says that it does not agree."""
    visitor = visit()

    def lying(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        body = answer.text().replace('data-word="TO_REVIEW"', 'data-word="CONSISTENT"')
        route.fulfill(response=answer, body=body)  # type: ignore[attr-defined]

    visitor.page.route("**/v/LOTE-1170", lying)
    visitor.go("/v/LOTE-1170")
    visitor.page.click("#recheck-button")
    visitor.page.wait_for_selector("#recheck[data-found]")

    visitor.says("No coincide con lo que dice el servidor")


def test_the_verdict_reads_without_a_script(visit: Visit) -> None:
    visitor = visit(scripts=False)
    visitor.go("/v/LOTE-501")

    visitor.says("CONSISTENTE", "Qué se comprobó", "Qué no se comprobó", "Permiso de origen", "Quién firmó")
    visitor.says("Su navegador no ejecuta scripts")
    assert not visitor.page.locator("#recheck-button").is_visible()


def test_the_first_load_of_a_verdict_is_light(visit: Visit, told_house: Instance) -> None:
    visitor = visit()
    visitor.go("/v/LOTE-501")
    sizes = {}
    with httpx.Client(trust_env=False, timeout=PATIENCE_S, headers={"accept-encoding": "gzip"}) as http:
        for url in set(visitor.asked_for):
            with http.stream("GET", url) as answer:
                sizes[url.removeprefix(told_house.base_url)] = len(b"".join(answer.iter_raw()))

    assert sum(sizes.values()) <= OF_A_VERDICT, sizes


def test_what_is_printed_is_the_verdict_and_not_the_navigation(visit: Visit) -> None:
    visitor = visit()
    visitor.go("/v/LOTE-501")
    visitor.page.emulate_media(media="print")

    visitor.says("CONSISTENTE", "Lote LOTE-501", "Qué no se comprobó")
    for hidden in (".site-head", "#recheck-button", ".site-foot nav"):
        assert not visitor.page.locator(hidden).first.is_visible()
    assert visitor.page.locator("figure.qr svg").is_visible()
