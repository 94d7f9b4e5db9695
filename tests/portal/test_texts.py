"""Both languages say everything, and nothing is said that no page uses."""

import re
from decimal import Decimal
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from services.portal import figures
from services.portal.drawing.charts import chart
from services.portal.drawing.deals import due_and_paid
from services.portal.figures import Count, cubic_metres, day, moment, percent, short, soles
from services.portal.merged import merge
from services.portal.names import Named
from services.portal.navigation import AREAS
from services.portal.rendering import FOLDER, codes, messages
from shared.timber.bodies import ORG_KINDS
from shared.timber.event import BODIES
from shared.timber.fields import PRODUCTS
from shared.web.access import ROLES
from shared.web.language import Language

SPANISH, ENGLISH = messages("es"), messages("en")
TEMPLATES = "\n".join(path.read_text() for path in sorted((FOLDER / "templates").rglob("*.html")))
MODULES = "\n".join(path.read_text() for path in sorted((FOLDER / "static").glob("*.js")))
CODE = "\n".join(path.read_text() for path in sorted(FOLDER.rglob("*.py")))
# Said by other means than a template's t("…"): areas and pages of the menu, what a form has done, a role.
LED_TO = {entry.text for entries in AREAS.values() for entry in entries} | {f"nav.area.{area}" for area in AREAS}
DONE = {f"done.{name}" for name in re.findall(r'\bdone="([a-z_]+)"', CODE)}


def test_both_languages_have_the_same_texts_with_the_same_blanks() -> None:
    blanks = re.compile(r"\{(\w+)(?::[^}]*)?\}")

    assert SPANISH.keys() == ENGLISH.keys()
    assert {k: set(blanks.findall(v)) for k, v in SPANISH.items()} == {
        k: set(blanks.findall(v)) for k, v in ENGLISH.items()
    }


def test_every_text_a_template_asks_for_exists_and_every_text_is_asked_for() -> None:
    asked = set(re.findall(r"\bt\([\"']([a-zA-Z0-9_.]+)[\"']", TEMPLATES))
    asked |= set(re.findall(r't\("[a-z0-9_.]+" if [^)]* else "([a-z0-9_.]+)"\)', TEMPLATES))
    by_start: set[str] = set(re.findall(r"\bt\([\"']([a-zA-Z_.]+[._])[\"'] [+~]", TEMPLATES))
    # Said by a drawing, a document or a sentence that is put together outside of a template; by a macro of tables.
    asked |= set(re.findall(r"\bt\(\s*[\"']([a-zA-Z0-9_.]+)[\"']", CODE))
    asked |= set(re.findall(r'\baudit\.(?:th|value)\("([a-zA-Z0-9_.]+)"', TEMPLATES))
    by_start |= set(re.findall(r"\bt\(\s*f[\"']([a-zA-Z_.]+[._])\{", CODE))
    asked |= set(re.findall(r'\b(?:say|label)\(\s*"([a-zA-Z0-9_.]+)"', CODE))
    by_start |= set(re.findall(r'\b(?:say|label)\(\s*f"([a-zA-Z0-9_.]+[._])\{', CODE))
    by_start |= set(re.findall(r"\bsay\(\s*['\"]([a-zA-Z_.]+[._])['\"] \+", CODE))
    by_start |= {f"{start}." for start in re.findall(r'pick_of\(.*?, t\([^)]*\), "([a-z.]+)"', TEMPLATES)}
    asked |= set(re.findall(r'"((?:act|todo)\.[a-z_]+)"', CODE))  # the faults of a form, what wants doing
    by_start |= {key for key in asked if key.endswith((".", "_"))}
    whole = {key for key in asked if not key.endswith((".", "_"))}
    whole |= LED_TO | DONE | {f"role.{role}" for role in ROLES}
    whole |= set(re.findall(r'\.text\(\s*[a-z_.]+,\s*"([a-z0-9_.]+)"', CODE))
    whole |= {f"recheck.{key}" for key in re.findall(r'\bsay\("([a-z_]+)"', MODULES)} | {
        "recheck.same",
        "recheck.other",
    }
    assert whole <= SPANISH.keys()
    assert [k for k in SPANISH if k not in whole and not any(k.startswith(start) for start in by_start)] == []


def test_nothing_is_left_untranslated() -> None:
    same = {"site.title", "site.api"}
    words = re.compile(r"\{[^}]*\}|[^\W\d_]+")

    assert [k for texts in (SPANISH, ENGLISH) for k, v in texts.items() if not v.strip()] == []
    assert [k for k, v in SPANISH.items() if v == ENGLISH[k] and k not in same and len(words.findall(v)) > 2] == []


def test_catalogues_are_whole() -> None:
    """Every area in both languages, in the same order, none fuzzy, no key twice."""
    for path in sorted((FOLDER / "messages" / "es").glob("*.po")):
        spanish, english = (path.read_text(), (path.parents[1] / "en" / path.name).read_text())
        keys = [re.findall(r'^msgid "(.+)"$', text, re.M) for text in (spanish, english)]
        assert keys[0] == keys[1], path.name
        assert len(set(keys[0])) == len(keys[0]), path.name
        assert "fuzzy" not in spanish + english
        assert len(re.findall(r'^(?:msgid "")|(?:msgstr "")$', spanish + english, re.M)) == 4, path.name


def test_every_kind_of_record_and_product_has_a_name() -> None:
    kinds = set(BODIES)

    assert {f"type.{kind}" for kind in kinds} <= SPANISH.keys()
    assert {f"product.{product}" for product in PRODUCTS} <= SPANISH.keys()
    assert {f"org_kind.{kind}" for kind in ORG_KINDS} == {key for key in SPANISH if key.startswith("org_kind.")}


def test_no_page_says_legal_or_illegal_of_wood() -> None:
    said = (
        " ".join([*SPANISH.values(), *ENGLISH.values()])
        .replace(SPANISH["site.footer"], "")
        .replace(ENGLISH["site.footer"], "")
    )

    assert not re.search(r"\b(i?l?legal\w*)\b", said, re.IGNORECASE)


@pytest.mark.parametrize(
    ("language", "trees", "said"),
    [
        ("en", 1, "1 tree"),
        ("en", 2, "2 trees"),
        ("en", 0, "0 trees"),
        ("es", 1, "1 árbol"),
        ("es", 7664, "7,664 árboles"),
    ],
)
def test_one_thing_is_not_many(language: Language, trees: int, said: str) -> None:
    assert messages(language)["permit.census_trees"].format(trees=Count(trees)) == said


def test_every_cell_of_a_wide_table_says_its_column_for_narrow_screens() -> None:
    wide = re.findall(r'<div class="wide">.*?</div>', TEMPLATES, re.S)
    cells = re.findall(r"<td[^>]*>", "".join(wide))

    assert cells
    assert all("data-name=" in cell for cell in cells)


@given(st.integers(0, 10**12))
def test_a_volume_is_shown_exactly(volume_dm3: int) -> None:
    assert Decimal(cubic_metres(volume_dm3).removesuffix(" m³").replace(",", "")) * 1000 == volume_dm3


@pytest.mark.parametrize(
    ("utc", "es", "en"),
    [
        ("2026-11-22T14:33:00Z", "22 nov. 2026, 09:33 (UTC−5)", "22 Nov 2026, 09:33 (UTC−5)"),
        ("2026-01-01T04:59:59Z", "31 dic. 2025, 23:59 (UTC−5)", "31 Dec 2025, 23:59 (UTC−5)"),
        ("2026-01-01T04:59:59.918273+00:00", "31 dic. 2025, 23:59 (UTC−5)", "31 Dec 2025, 23:59 (UTC−5)"),
    ],
)
def test_a_moment_is_shown_in_the_hour_of_peru(utc: str, es: str, en: str) -> None:
    assert (moment(utc, "es"), moment(utc, "en")) == (es, en)
    assert short("ab" * 32) == "abababababab…"


def test_numbers_are_written_as_in_peru() -> None:
    assert soles(-123456789) == "S/ -1,234,567.89"
    assert percent(1000) == "100.0 %"
    assert percent(5) == "0.5 %"
    assert (day("2026-09-01", "es"), day("2026-09-01", "en")) == ("1 set. 2026", "1 Sep 2026")


def test_schemas_of_one_name_and_two_meanings_are_kept_apart() -> None:
    def page(kind: str, other: str) -> dict[str, object]:
        return {
            "paths": {f"/v1/{other}": {"get": {"operationId": other, "responses": {
                "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}}}}},
            "components": {"schemas": {"Page": {"type": kind}, "Problem": {"type": "object"}}},
        }  # fmt: skip

    merged = merge({"custody": page("object", "a"), "permits": page("array", "b")}, "https://madera.test")

    assert merged["components"]["schemas"].keys() == {"Page", "PermitsPage", "Problem"}
    answers = [
        merged["paths"][p]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        for p in ("/v1/a", "/v1/b")
    ]
    assert answers == ["#/components/schemas/Page", "#/components/schemas/PermitsPage"]


def test_pages_call_the_log_what_people_are_told_it_is() -> None:
    """docs/glossary.md: *bitácora verificable* is the log of bytes; people are told of the public register."""
    assert [key for key, text in SPANISH.items() if re.search(r"\bbitácoras?\b", text, re.I)] == []


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Lote LOTE-1170", ["LOTE-1170"]), ("Plan CN-A-PO-19 <b>", ["CN-A-PO-19"]), ("Guía 017-0001426, troza 501/A", ["017-0001426"]),
        ("verify-lot x.json --policy policy.txt", ["--policy"]), ("CERTIFICADO-LARGO-000001", []), ("trozalog.localhost/madre-de-dios", []),
        ("sin códigos", []),
    ],
)  # fmt: skip
def test_codes_hold_together_where_a_telephone_has_room_for_them(text: str, whole: list[str]) -> None:
    shown = str(escape(codes(text)))

    assert re.findall(r'<span class="code">([^<]+)</span>', shown) == whole
    assert unescape(re.sub(r"</?span[^>]*>", "", shown)) == text, "nothing else changes, and markup stays text"


def test_an_organisation_that_nobody_registered_is_said_to_be_so_and_one_not_known_yet_is_not() -> None:
    named = Named({"a-1": None, "b-1": "B <1>"})

    assert named.shown("a-1", "sin inscribir") == "a-1 <small>sin inscribir</small>"
    assert named.shown("b-1", "sin inscribir") == '<data value="b-1" title="b-1">B &lt;1&gt;</data>'
    assert named.shown("c-1", "sin inscribir") == "c-1"
    assert named.missing == {"c-1"}


def test_charts_tell_days_as_pages_do() -> None:
    assert [figures.months(one)[7] for one in ("es", "en")] == ["ago.", "Aug"]
    drawn = chart(
        due_and_paid([("2026-08-15", Decimal(1), Decimal(0))], ("a", "b"), "y", "x", figures.months("es")), "t", "d"
    )

    assert "ago. 2026" in drawn
