"""Both languages say everything, and nothing is said that no page uses."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.merged import merge
from services.portal.rendering import FOLDER, Count, cubic_metres, messages, moment, short
from shared.timber.event import BODIES
from shared.timber.fields import PRODUCTS
from shared.web.language import Language

SPANISH, ENGLISH = messages("es"), messages("en")
TEMPLATES = "\n".join(path.read_text() for path in (FOLDER / "templates").iterdir())


def test_both_languages_have_the_same_texts_with_the_same_blanks() -> None:
    blanks = re.compile(r"\{(\w+)(?::[^}]*)?\}")

    assert SPANISH.keys() == ENGLISH.keys()
    assert {k: set(blanks.findall(v)) for k, v in SPANISH.items()} == {
        k: set(blanks.findall(v)) for k, v in ENGLISH.items()
    }


def test_every_text_a_template_asks_for_exists_and_every_text_is_asked_for() -> None:
    asked = set(re.findall(r't\("([a-zA-Z0-9_.]+)"', TEMPLATES))
    asked |= set(re.findall(r't\("[a-z_.]+" if [^)]* else "([a-z_.]+)"\)', TEMPLATES))
    by_start = set(re.findall(r't\("([a-zA-Z_.]+[._])" [+~]', TEMPLATES))
    whole = {key for key in asked if not key.endswith((".", "_"))}

    assert whole <= SPANISH.keys()
    assert [k for k in SPANISH if k not in whole and not any(k.startswith(start) for start in by_start)] == []


def test_every_kind_of_record_and_product_has_a_name() -> None:
    kinds = set(BODIES)

    assert {f"type.{kind}" for kind in kinds} <= SPANISH.keys()
    assert {f"product.{product}" for product in PRODUCTS} <= SPANISH.keys()


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
        ("es", 7664, "7664 árboles"),
    ],
)
def test_one_thing_is_not_many(language: Language, trees: int, said: str) -> None:
    assert messages(language)["permit.census_trees"].format(trees=Count(trees)) == said


def test_a_mark_before_a_hanging_line_stays_on_the_page() -> None:
    style = (FOLDER / "static" / "style.css").read_text()

    assert "text-indent: -1.6em" in style
    assert ".checks li::before { text-indent: 0; }" in style


def test_every_cell_of_a_wide_table_says_its_column_for_narrow_screens() -> None:
    cells = re.findall(r"<td[^>]*>", TEMPLATES.replace("<td>{% if href %}", ""))

    assert cells
    assert all("data-name=" in cell for cell in cells)


@given(st.integers(0, 10**12))
def test_a_volume_is_shown_exactly(volume_dm3: int) -> None:
    assert Decimal(cubic_metres(volume_dm3).removesuffix(" m³").replace(",", "")) * 1000 == volume_dm3


@pytest.mark.parametrize(
    ("utc", "shown"),
    [
        ("2026-11-22T14:33:00Z", "2026-11-22 09:33 (UTC−05:00)"),
        ("2026-01-01T04:59:59Z", "2025-12-31 23:59 (UTC−05:00)"),
    ],
)
def test_a_moment_is_shown_in_the_hour_of_peru(utc: str, shown: str) -> None:
    assert moment(utc) == shown
    assert short("ab" * 32) == "abababababab…"


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
