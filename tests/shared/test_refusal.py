"""Refusals speak each language whole."""

import re
from pathlib import Path

from services.permits.domain.party import NumberTaken, WrongState
from shared.refusal import KINDS_ES, Missing, kind_es

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r'(?:Missing|NumberTaken|ReferenceUnknown|WrongState)\("([a-z _-]+)"')


def test_every_kind_of_thing_has_a_spanish_word() -> None:
    named = {
        kind
        for folder in ("services", "shared")
        for file in (ROOT / folder).rglob("*.py")
        for kind in _NAMED.findall(file.read_text(encoding="utf-8"))
    }

    assert len(named) > 50
    assert {kind for kind in named if kind.replace(" ", "_").replace("-", "_") not in KINDS_ES} == set()


def test_a_sentence_names_kinds_and_states_in_its_own_language_and_the_facts_stay() -> None:
    refused = WrongState("permit", "P-1", "suspended", "in_force, revoked")

    assert refused.text("es") == "El estado de permiso P-1 es «suspendido»; este acto necesita: vigente, revocado."
    assert refused.text("en") == "permit P-1 is suspended; this act needs: in_force, revoked."
    assert refused.facts()["state"] == "suspended"
    assert NumberTaken("assembly act", "x A-1").text("es") == "x A-1 ya existe con otro contenido (acta de asamblea)."
    assert Missing("cites paper", "A").text("es").startswith("No existe documento CITES A")
    assert kind_es("anything else") == "anything else"
