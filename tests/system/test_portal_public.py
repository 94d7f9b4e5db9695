"""What everybody sees, in a real browser before the whole house."""

import pytest

from tests.browser import NARROW, WIDE
from tests.portal.screens import PLACES, names_in, tell
from tests.system.conftest import Instance, Visit

pytestmark = pytest.mark.system
STRANGE = {"verifier"}  # a page of its own, tested in tests/shared/lot


@pytest.fixture(scope="module")
def names(told_house: Instance) -> dict[str, str]:
    return names_in(tell(told_house), told_house.base_url)


@pytest.mark.parametrize("width", [320, NARROW, WIDE])
def test_every_page_is_whole_on_every_screen(visit: Visit, names: dict[str, str], width: int) -> None:
    """No serious finding of axe, no request to anybody else, nothing wider than the screen."""
    places = [(who, path) for operation, found in PLACES.items() if operation not in STRANGE for who, path in found]
    for who, path in places:
        visitor = visit(who, width=width)
        visitor.go(path.format_map(names))
        visitor.check(axe=width != NARROW)
        visitor.context.close()
