"""What a version of a contract says, field by field, in the words of its form. Pure."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from services.portal import figures
from services.portal.field_words import field_name, field_value
from services.portal.naming import Say, region_name
from services.portal.offer_answer import money
from shared.web.language import Language

# Words of our own, by the part in which they stand; of any other part, those of its clause.
_SAID = {
    "kind": ("clause.kind.", "deduction.", "per."), "unit": ("per.",), "rule": ("rule.",), "product": ("offered.",),
    "point_of_sale": ("point.",), "changes": ("clause.",),
}  # fmt: skip


def part_name(name: str, say: Say) -> str:
    """What a part of a contract is called."""
    found = _first(say, (f"clause.{name}",))
    return field_name(name, say, lambda key: bool(_first(say, (key,)))) if found is None else _begun_small(found)


def part_told(name: str, value: Any, language: Language, say: Say) -> str:
    """What a part says, to be read before it is signed."""
    if isinstance(value, (list, tuple)):
        if not value:
            return _first(say, (f"clause.{name}.none",)) or say("text.said_none")
        return "; ".join(part_told(name, one, language, say) for one in value)
    if name == "where":  # its keys are names of facts, and what they hold is a place in words, not the fact
        return ", ".join(f"{part_name(key, say)}: {place}" for key, place in value.items())
    if isinstance(value, Mapping):
        if value.keys() == {"amount", "currency"}:
            return money(value)
        return ", ".join(f"{part_name(key, say)}: {part_told(key, one, language, say)}" for key, one in value.items())
    if name == "uit_milli":
        return figures.number(Decimal(value) / 1000, 3)
    if name.endswith("_milli"):
        return figures.percent(value)
    if name == "forum_region":
        return region_name(value)
    if name == "species" and value == "any":
        return say("offer.any_species")
    words = (
        None
        if isinstance(value, bool)
        else _first(say, (f"{start}{value}" for start in _SAID.get(name, (f"clause.{name}.",))))
    )
    if words is None:
        return field_value(name, value, language, say, lambda _: False)
    return _begun_small(words) if name == "changes" else words


def _first(say: Say, keys: Iterable[str]) -> str | None:
    for key in keys:
        with suppress(KeyError):
            return say(key)
    return None


def _begun_small(words: str) -> str:
    """A label of a form inside a sentence: without its capital, unless it is one of many."""
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]
