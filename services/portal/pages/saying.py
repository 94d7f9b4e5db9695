"""How a page says things when a drawing, a document or a sentence is put together outside of its template."""

from functools import partial
from urllib.parse import urlencode

from services.portal import figures
from services.portal.custody_graph import Words
from services.portal.pages.house import House
from services.portal.rendering import Pages
from shared.web.language import Language


def words_of(house: House) -> Words:
    """The words of this request; links keep the language that its address asks for."""
    asked = house.pages.chosen(house.request)

    def link(path: str) -> str:
        return path if not asked or path.startswith("#") else f"{path}?{urlencode(asked)}"

    return Words(house.language, partial(house.pages.text, house.language), figures.cubic_metres, link)


def words_in(pages: Pages, language: Language) -> Words:
    """The words of a document that leaves the house."""
    return Words(language, partial(pages.text, language), figures.cubic_metres, lambda path: path)
