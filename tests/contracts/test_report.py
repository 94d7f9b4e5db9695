"""One text model, several forms: nothing is lost on the way to a page or to a voice, and nothing is added."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given

from services.contracts.domain.fair import Basis
from services.contracts.domain.flags import FlagSpec
from services.contracts.domain.report import aloud, message, page, spoken
from services.contracts.shipped import flag_pack
from tests.contracts.builders import Json, an_offer
from tests.contracts.test_text import ADVICE, appraisal, bases, offers


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"src", "href"} & {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        ("Eso es S/ 7.82 por m³.", "es", "Eso es 7 soles con 82 céntimos por metro cúbico."),
        ("Eso es S/ 1.00 por árbol.", "es", "Eso es 1 sol por árbol."),
        ("Por cada 100 m³ se pierde cerca de S/ 28,781.", "es", "Por cada cien metros cúbicos se pierde cerca de 28781 soles."),
        ("en los 639 m³, S/ -1.01", "es", "en los 639 metros cúbicos, menos 1 sol con 1 céntimo"),
        ("US$ 12.50 por m³, 40 %", "es", "12 dólares con 50 céntimos por metro cúbico, 40 por ciento"),
        ("That is S/ 1,234.05 per m³.", "en", "That is 1234 soles and 5 cents per cubic metre."),
        ("US$ 1.00 per tree", "en", "1 dollar per tree"),
        ("Le ofrecen S/ 0.70 por pie tablar.", "es", "Le ofrecen 70 céntimos por pie tablar."),
        ("Pida S/ 1.3165 por pie tablar.", "es", "Pida 1.3165 soles por pie tablar."),
        ("2,376 pies tablares no se pagan, y 1,234.5 m³.", "es", "2376 pies tablares no se pagan, y 1234.5 metros cúbicos."),
    ],
)  # fmt: skip
def test_money_and_units_are_said_as_words(written: str, language: str, said: str) -> None:
    assert spoken(written, language) == said  # type: ignore[arg-type]


@given(offers, bases)
def test_every_form_says_what_the_text_says(offer: Json, basis: Basis) -> None:
    found = appraisal(offer, basis)
    for language in ("es", "en"):
        text = found["text"][language]
        read = Words()
        read.feed(page(found, language))  # type: ignore[arg-type]
        plain = re.sub(r"\s+", " ", read.text)
        assert "script" not in read.tags
        for sentence in (text["headline"], *text["sentences"]):
            assert re.sub(r"\s+", " ", sentence) in plain
        voice = aloud(found, language)  # type: ignore[arg-type]
        assert len(voice.splitlines()) == 1 + len(text["sentences"])
        assert not re.search(r"S/|US\$|m³|%", voice)
        assert len(message(found, language)) <= 480  # type: ignore[arg-type]


@pytest.mark.parametrize("flag", flag_pack().flags, ids=lambda flag: flag.code)
def test_no_flag_says_what_to_do(flag: FlagSpec) -> None:
    """The texts of all fifty, not only of those that the other examples raise."""
    for text in (*flag.es.values(), *flag.en.values()):
        assert not ADVICE.search(text)


def test_markup_in_an_offer_stays_text() -> None:
    flagged = an_offer(terms={"annexes_missing": ["<script>x</script>"]})

    assert "<script>" not in page(appraisal(flagged), "es")
    assert "&lt;script&gt;" in page(appraisal(flagged), "es")
