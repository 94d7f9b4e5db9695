"""Which fields of a record are private, as data: their names, what they may hold and who may read them by their office."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, ClassVar

import orjson

from shared.refusal import Malformed
from shared.timber import fields as f
from shared.timber.fields import Check


@dataclass(eq=False)
class PrivateFieldUnknown(Malformed):
    """Records of this type have no private field of this name."""

    slug: ClassVar[str] = "private-field-unknown"
    es: ClassVar[str] = "Los registros {reason} no tienen un campo privado {where}."
    en: ClassVar[str] = "Records {reason} have no private field {where}."


@dataclass(eq=False)
class BadPrivateValue(Malformed):
    """The value is not what the field holds. It is not repeated: it may be somebody's name."""

    slug: ClassVar[str] = "bad-private-value"
    es: ClassVar[str] = "El campo privado {where} {reason_es}."
    en: ClassVar[str] = "The private field {where} {reason}."
    reason_es: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What private fields are about. ``members``: those without a function in the organisation may read them too;
    ``by_office``: authorities and supervisors may, in their region."""

    kind: str
    title_es: str
    title_en: str
    members: bool
    by_office: bool


@dataclass(frozen=True, slots=True)
class PrivateField:
    """One version of one field."""

    name: str
    kind: str
    title_es: str
    title_en: str
    value: dict[str, Any]
    types: list[str]
    source: str
    legal_review: str
    valid_from: str

    @property
    def check(self) -> Check:
        """What its value must pass."""
        return _check_of(orjson.dumps(self.value))


@dataclass(frozen=True, slots=True)
class PrivateFields:
    """All versions of all private fields of one country, the oldest first."""

    country: str
    version: str
    kinds: dict[str, Kind]
    fields: tuple[PrivateField, ...]

    def on(self, type_: str, day: str) -> dict[str, PrivateField]:
        """The private fields of a type on a day, by name; one that had not begun yet counts from its first version."""
        found: dict[str, PrivateField] = {}
        for field in self.fields:
            if field.name not in found or field.valid_from <= day:
                found[field.name] = field
        return {name: field for name, field in found.items() if type_ in field.types}

    def check(self, type_: str, day: str, name: str, value: Any) -> PrivateField:
        """The field of this name. PrivateFieldUnknown, or BadPrivateValue when it does not hold such a value."""
        field = self.on(type_, day).get(name)
        if field is None:
            raise PrivateFieldUnknown(name if _is_name(name) is None else "?", type_)
        fault = field.check(value)
        if fault is not None:
            raise BadPrivateValue(name, fault.reason, fault.reason_es)
        return field

    def kind_of(self, name: str) -> Kind | None:
        """What a field of this name is about, in the newest version; ``None`` for a name this version does not know."""
        known = next((field for field in reversed(self.fields) if field.name == name), None)
        return None if known is None else self.kinds[known.kind]

    def title_of(self, name: str) -> tuple[str, str] | None:
        """What people call it, in Spanish and English."""
        known = next((field for field in reversed(self.fields) if field.name == name), None)
        return None if known is None else (known.title_es, known.title_en)


_is_name = f.matching(r"[a-z][a-z0-9_]{0,39}", "a name", "un nombre")


@lru_cache(maxsize=64)
def _check_of(value: bytes) -> Check:
    rule: dict[str, Any] = orjson.loads(value)
    if "text" in rule:
        return f.text(rule["text"])
    if "whole" in rule:
        return f.whole(*rule["whole"])
    if "words" in rule:
        return f.one_of(*rule["words"])
    return f.matching(rule["pattern"], rule["reason_en"], rule["reason_es"])


@lru_cache(maxsize=4)
def load_private(country: str = "pe") -> PrivateFields:
    """The private fields this version knows for a country."""
    document = orjson.loads(files(__package__).joinpath(f"{country}_private.json").read_bytes())
    found = sorted((PrivateField(**entry) for entry in document["fields"]), key=lambda one: (one.valid_from, one.name))
    kinds = {entry["kind"]: Kind(**entry) for entry in document["kinds"]}
    return PrivateFields(document["country"], document["version"], kinds, tuple(found))
