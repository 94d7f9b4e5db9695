"""Trees as a supervisor found them, by form: a row a tree, planned beside found. What does not fit, permits says. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.portal.acts import CM, Filled, M
from services.portal.field_words import field_value
from services.portal.figures import number
from services.portal.naming import Say
from services.portal.offer_form import in_parts
from shared.web.language import Language

Json = Mapping[str, Any]
Key = tuple[str, str]
ROWS = 10  # trees of one form: what is typed under a roof in one sitting, and what a bad line may lose
STATES = ("standing", "fallen", "stump", "moved", "absent", "not_reached")
METHODS = ("tape", "calliper", "estimated")
ZONES = ("17S", "18S", "19S", "20S")
MARKS = {"match": "yes", "mismatch": "look", "absent": "no", "not_reached": "part"}
# What makes that a row says something; days and zones stand there before anybody writes.
SAID_BY = (
    "state", "code_field", "species", "diameter_a", "diameter_b", "method", "height", "easting", "northing", "observation", "reason",
)  # fmt: skip
# The field of a member of the body, where it is called otherwise; the second half of a place stands in one of two.
NAMES = {
    "species_field": "species", "diameter_a_mm": "diameter_a", "diameter_b_mm": "diameter_b", "diameter_method": "method",
    "height_mm": "height", "utm.zone": "zone", "utm.easting_dm": "easting", "utm.northing_dm": "northing", "utm": "easting", "": "state",
}  # fmt: skip
BY_SLUG = {"result-recorded": "reason", "tree-unknown": "state"}
_ROW = re.compile(r"trees\.(\d+)(?:\.(.+))?")
_MEASURES = {"dbh": "dbh_mm", "height": "height_mm"}


@dataclass(frozen=True)
class Tree:
    """A tree of the census and, where it has one, the result that stands."""

    planned: Json
    found: Json | None = None

    @property
    def key(self) -> Key:
        """A code alone repeats across parcels."""
        return self.planned["parcel"], self.planned["code"]


def name_of(key: Key) -> str:
    """A tree as a hidden field names it."""
    return "|".join(key)


def keys_in(form: Filled) -> list[Key]:
    """The trees that a form speaks of, in its order."""
    named = (form.get(f"tree{n}").partition("|") for n in range(ROWS))
    return [(parcel, code) for parcel, bar, code in named if bar]


def codes_in(text: str) -> list[str]:
    """The codes that somebody wrote, each once and in the order given."""
    found = dict.fromkeys(re.split(r"[\s,;]+", text.upper()))
    return [code for code in found if code]


def begun(trees: Sequence[Tree], day: str) -> dict[str, str]:
    """What the fields hold before anybody writes: what was recorded of the tree; else a day and the zone of the census."""
    held = dict[str, str]()
    for n, tree in enumerate(trees):
        utm = tree.planned.get("utm") or {}
        row = {"seen_on": day, "zone": utm.get("zone") or ZONES[2]}
        row |= {} if tree.found is None else _recorded(tree.found)
        held |= {f"tree{n}": name_of(tree.key)} | {f"{name}{n}": value for name, value in row.items()}
    return held


def _recorded(found: Json) -> dict[str, str]:
    facts, utm = found["facts"], found["utm"]
    row = {
        "state": facts["state"], "seen_on": facts["seen_on"], "code_field": facts["code_field"], "species": facts["species_field"],
        "diameter_a": _in_units(facts["diameter_a_mm"], CM), "diameter_b": _in_units(facts["diameter_b_mm"], CM),
        "method": facts["diameter_method"], "height": _in_units(facts["height_mm"], M), "observation": found["observation"],
    }  # fmt: skip
    if utm is not None:
        row |= {"zone": utm["zone"], **{name: _in_units(utm[f"{name}_dm"], 10) for name in ("easting", "northing")}}
    return {name: value for name, value in row.items() if value}


def _in_units(value: int | None, parts: int) -> str:
    return "" if value is None else f"{(Decimal(value) / parts).normalize():f}"


def rows_sent(form: Filled) -> list[int]:
    """The rows that say something, by their number in the form."""
    return [n for n in range(ROWS) if form.get(f"tree{n}") and any(form.get(f"{name}{n}") for name in SAID_BY)]


def body_of(form: Filled) -> dict[str, Any]:
    """What is sent; what cannot be read stands in the faults of the form. A tree whose row says nothing is left out."""
    rows = rows_sent(form)
    if not rows:
        form.faults[""] = "act.no_found"
    return {"trees": [_tree(form, n) for n in rows]}


def _tree(form: Filled, n: int) -> dict[str, Any]:
    parcel, _, code = form.get(f"tree{n}").partition("|")
    tree: dict[str, Any] = {
        "parcel": parcel, "code": code, "state": form.needed(f"state{n}"), "seen_on": form.needed(f"seen_on{n}"),
        "code_field": form.get(f"code_field{n}").upper(), "species_field": form.get(f"species{n}"),
        "diameter_method": form.get(f"method{n}"), "observation": _line(form, f"observation{n}"), "reason": _line(form, f"reason{n}"),
    }  # fmt: skip
    for name, unit in (("diameter_a", CM), ("diameter_b", CM), ("height", M)):
        if form.get(f"{name}{n}"):
            tree[f"{name}_mm"] = form.mm(f"{name}{n}", unit)
    if form.get(f"easting{n}") or form.get(f"northing{n}"):
        places = {f"{name}_dm": _decimetres(form, f"{name}{n}") for name in ("easting", "northing")}
        tree["utm"] = {"zone": form.get(f"zone{n}")} | places
    return {name: value for name, value in tree.items() if value != ""}


def _line(form: Filled, name: str) -> str:
    """Without what ends a line. Blanks stay: what was recorded with two of them is no change when nobody touches it."""
    return re.sub(r"[\t-\r]+", " ", form.get(name))


def _decimetres(form: Filled, name: str) -> int:
    found = in_parts(form.needed(name), 10)
    if found is None:
        form.faults.setdefault(name, "act.not_a_place")
    return found or 0


def beside(form: Filled, problem: Json, text: str, language: str) -> dict[str, str]:
    """A refusal by the field of the tree it speaks of; above the form when it speaks of none."""
    rows, found = rows_sent(form), dict[str, str]()
    for one in problem.get("errors") or ():
        reason = str(one["reason_en"] if language == "en" else one["reason"])
        match = _ROW.match(str(one["where"]).removeprefix("body."))
        row = rows[int(match[1])] if match and int(match[1]) < len(rows) else None
        member = (match[2] or "") if match else ""
        found.setdefault("" if row is None else f"{NAMES.get(member, member)}{row}", reason)
    return found or _by_facts(form, rows, problem, text)


def _by_facts(form: Filled, rows: Iterable[int], problem: Json, text: str) -> dict[str, str]:
    facts, name = problem.get("facts", {}), BY_SLUG.get(str(problem.get("slug")))
    if problem.get("slug") == "day-not-come":
        return {f"seen_on{n}": text for n in rows if form.get(f"seen_on{n}") == facts.get("day")} or {"": text}
    key = name_of((str(facts.get("parcel")), str(facts.get("code", facts.get("trees")))))
    return {f"{name}{n}": text for n in rows if name and form.get(f"tree{n}") == key} or {"": text}


def differences(found: Json, language: Language, say: Say) -> list[str]:
    """What of a tree differs from the census, a sentence each: planned, then found."""
    return [_difference(one, language, say) for one in found["facts"]["differences"]]


def _difference(one: Json, language: Language, say: Say) -> str:
    def told(value: Any) -> str:
        name = _MEASURES.get(one["what"])
        return field_value(name, value, language, say, lambda _: False) if name else str(value)

    if one["what"] == "position":
        return say("found.far", metres=number(Decimal(one["field"]) / 10, 1))
    return say(
        "found.differs", what=say(f"found.what_{one['what']}"), planned=told(one["planned"]), found=told(one["field"])
    )
