"""Every reason and every place has its Spanish words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import shared.lot.verify
import shared.tlog.proof
from shared.tlog.refusals import PLACES, SPANISH, BadBytes, in_spanish

RAISED = {"NotCanonical", *(kind.__name__ for kind in BadBytes.__subclasses__())}


def refusals() -> Iterator[list[ast.expr]]:
    """The arguments of every refusal with a place and a reason that the code raises."""
    for package in (shared.tlog, shared.lot):
        for file in Path(str(package.__file__)).parent.glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                    yield node.args


def test_every_reason_given_in_the_code_has_a_spanish_sentence() -> None:
    given = {str(reason.value) for _, reason in refusals() if isinstance(reason, ast.Constant)}
    assert len(given) > 30
    assert given - SPANISH.keys() == set()


def test_every_place_named_in_the_code_is_a_spanish_word_or_a_field() -> None:
    named = {str(where.value) for where, _ in refusals() if isinstance(where, ast.Constant)}
    assert len(named) > 10
    assert {where.partition(".")[0] for where in named if not where.startswith("log")} - PLACES.keys() == set()


@pytest.mark.parametrize(
    ("where", "spanish"),
    [
        ("line 12", "línea 12"),
        ("document.body.species", "documento.body.species"),
        ('key "a b"', 'clave "a b"'),
        ("log.entries[3]", "log.entries[3]"),
        ("public key", "clave pública"),
        ("tile/0/000", "tile/0/000"),
        ("", ""),
    ],
)
def test_a_place_is_translated_and_a_field_is_not(where: str, spanish: str) -> None:
    assert in_spanish(where) == spanish


def test_a_refusal_is_one_sentence_in_one_language() -> None:
    refusal = BadBytes("line 3", "control character")
    assert refusal.text("es") == "El documento está mal formado: línea 3: hay un carácter de control."
    assert refusal.text("en") == "The document is malformed: line 3: control character."
