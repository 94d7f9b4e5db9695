"""Every page has a place where it is looked at."""

from services.portal.access import ACCESS
from tests.portal.screens import PLACES, WITHOUT_PAGE


def test_every_page_is_photographed() -> None:
    assert set(PLACES) | WITHOUT_PAGE == set(ACCESS)
    assert not set(PLACES) & WITHOUT_PAGE
