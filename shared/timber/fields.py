"""Kinds of values a statement may carry, with their physical and calendar bounds.

Every check answers ``None`` when the value is right and a ``Fault`` (where, why) when it is not. They are plain
closures over compiled patterns because each accepted record passes through some thirty of them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """What is wrong, and where inside the value (a path such as ``[0].volume_dm3``), in English and in Spanish."""

    path: str
    reason: str
    reason_es: str

    def under(self, path: str) -> "Fault":
        """The same fault, seen from one level up."""
        return Fault(path + self.path, self.reason, self.reason_es)


Check = Callable[[Any], Fault | None]

FIRST_DAY, LAST_DAY = "1990-01-01", "2100-01-01"
MAX_TEXT = 400
MAX_ITEMS = 500

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_CLOCK = re.compile(r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z").fullmatch


def whole(low: int, high: int) -> Check:
    """An integer within bounds; a boolean is not one."""
    fault = Fault("", f"must be a whole number from {low} to {high}", f"debe ser un número entero de {low} a {high}")

    def check(value: Any) -> Fault | None:
        return None if type(value) is int and low <= value <= high else fault

    return check


def matching(pattern: str, reason: str, reason_es: str) -> Check:
    """A string the whole of which matches the pattern."""
    match = re.compile(pattern).fullmatch
    fault = Fault("", f"must be {reason}", f"debe ser {reason_es}")

    def check(value: Any) -> Fault | None:
        return None if type(value) is str and match(value) is not None else fault

    return check


def one_of(*words: str) -> Check:
    """One of a closed list of words."""
    allowed = frozenset(words)
    fault = Fault("", f"must be one of {', '.join(words)}", f"debe ser una de estas palabras: {', '.join(words)}")

    def check(value: Any) -> Fault | None:
        return None if type(value) is str and value in allowed else fault

    return check


def text(high: int = MAX_TEXT) -> Check:
    """Free text: not blank, no blanks at the ends. That it is NFC without controls is the canonical form's promise."""
    fault = Fault(
        "",
        f"must be text of 1 to {high} characters without blanks at its ends",
        f"debe ser un texto de 1 a {high} caracteres sin blancos en los extremos",
    )

    def check(value: Any) -> Fault | None:
        return None if type(value) is str and 0 < len(value) <= high and value == value.strip() else fault

    return check


@lru_cache(maxsize=4096)
def is_day(value: str) -> bool:
    """Whether it is a real calendar day within the years this format serves."""
    if _DAY(value) is None or not FIRST_DAY <= value < LAST_DAY:
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


_NOT_A_DAY = Fault(
    "",
    f"must be a real day YYYY-MM-DD from {FIRST_DAY} and before {LAST_DAY}",
    f"debe ser un día real AAAA-MM-DD desde {FIRST_DAY} y antes de {LAST_DAY}",
)
_NOT_A_TIME = Fault(
    "",
    f"must be an instant YYYY-MM-DDTHH:MM:SSZ from {FIRST_DAY} and before {LAST_DAY}",
    f"debe ser un instante AAAA-MM-DDTHH:MM:SSZ desde {FIRST_DAY} y antes de {LAST_DAY}",
)
_NOT_A_FLAG = Fault("", "must be true or false", "debe ser true o false")
_NOT_AN_OBJECT = Fault("", "must be an object", "debe ser un objeto")
_REPEATED = Fault("", "must not repeat an element", "no debe repetir un elemento")
_UNSORTED = Fault("", "must be sorted", "debe estar ordenado")


def day(value: Any) -> Fault | None:
    """A calendar day."""
    return None if type(value) is str and is_day(value) else _NOT_A_DAY


def instant(value: Any) -> Fault | None:
    """An instant in UTC to the second; a leap second or an offset is refused."""
    right = type(value) is str and len(value) == 20 and is_day(value[:10]) and _CLOCK(value[10:]) is not None
    return None if right else _NOT_A_TIME


def day_in_peru(at: str) -> str:
    """The day that papers bore at an instant: Peru keeps UTC-05:00 all year."""
    day = at[:10]
    return day if at[11:13] >= "05" else (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def anything(_: Any) -> Fault | None:
    """Any value of the canonical form; another check looks at it."""
    return None


def flag(value: Any) -> Fault | None:
    """A boolean."""
    return None if value is True or value is False else _NOT_A_FLAG


def listing(
    each: Check, low: int, high: int, *, ordered: bool = False, key: Callable[[Any], Any] | None = None
) -> Check:
    """A list of ``low`` to ``high`` values without repeats (by ``key``); ``ordered`` asks for rising order as well."""
    wrong_size = Fault("", f"must be a list of {low} to {high}", f"debe ser una lista de {low} a {high}")

    def check(values: Any) -> Fault | None:
        if type(values) is not list or not low <= len(values) <= high:
            return wrong_size
        for index, value in enumerate(values):
            fault = each(value)
            if fault is not None:
                return fault.under(f"[{index}]")
        if len(values) < 2:
            return None  # most lists: one signature, one section, nothing before it
        keys = values if key is None else [key(value) for value in values]
        if len(set(keys)) != len(keys):
            return _REPEATED
        if ordered and keys != sorted(keys):
            return _UNSORTED
        return None

    return check


def fields(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, whole_body: Check | None = None
) -> Check:
    """An object with exactly these fields. ``whole_body`` then looks at them together."""
    needed = frozenset(required)
    known = {**required, **(optional or {})}
    find = known.get

    def check(value: Any) -> Fault | None:
        if type(value) is not dict:
            return _NOT_AN_OBJECT
        for name, item in value.items():
            kind = find(name)
            if kind is None:
                return Fault(f".{name}"[:80], "is not a field of this record", "no es un campo de este registro")
            fault = kind(item)
            if fault is not None:
                return fault.under(f".{name}")
        if not needed <= value.keys():
            missing = ", ".join(sorted(needed - value.keys()))
            return Fault("", f"lacks {missing}", f"le falta {missing}")
        return None if whole_body is None else whole_body(value)

    return check


# Identifiers (docs/format.md). All are ASCII, so no look-alike of another script can enter.
UUID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TREE_PATTERN = r"[A-Z0-9][A-Z0-9-]{0,19}"
LOG_PATTERN = rf"{TREE_PATTERN}/[A-Z]{{1,4}}"

item_id = matching(UUID_PATTERN, "an item id (a UUID in lower case)", "un id de pieza (UUID en minúsculas)")
org_id = matching(
    r"[a-z0-9][a-z0-9-]{1,39}",
    "an organisation id (2 to 40 of a-z, 0-9 and -)",
    "un id de organización (de 2 a 40 entre a-z, 0-9 y -)",
)
number = matching(
    r"[A-Z0-9][A-Z0-9.-]{1,39}",
    "a number (2 to 40 of A-Z, 0-9, . and -)",
    "un número (de 2 a 40 entre A-Z, 0-9, . y -)",
)
plan_id = matching(
    r"[A-Z0-9][A-Z0-9.-]{1,39}|[a-z0-9][a-z0-9-]{1,63}",
    "a plan id (a number, or a-z, 0-9 and -)",
    "un id de plan (un número, o a-z, 0-9 y -)",
)
rule_id = matching(r"[A-Z][0-9]{2}", "a rule, as in C08", "una regla, como C08")
FINDING_SUBJECT = (
    rf"item:{UUID_PATTERN}|guide:(?:own|official):[A-Z0-9][A-Z0-9.-]{{1,39}}|permit:[A-Z0-9][A-Z0-9.-]{{1,39}}"
    r"|plan:(?:[A-Z0-9][A-Z0-9.-]{1,39}|[a-z0-9][a-z0-9-]{1,63})"
)
finding_subject = matching(
    FINDING_SUBJECT,
    "what a finding is about: item:, guide:own:, guide:official:, permit: or plan: and its id",
    "de qué trata una observación: item:, guide:own:, guide:official:, permit: o plan: y su id",
)
user_id = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a pseudonymous user id", "un id seudónimo de usuario")
origin = matching(
    r"[a-z0-9][a-z0-9.-]{0,79}(?:/[a-z0-9][a-z0-9._-]{0,39}){1,3}",
    "the origin of a log (host/region/year)",
    "el origen de una bitácora (host/región/año)",
)
log_key = matching(
    r"[a-z0-9][a-z0-9.-]{0,79}(?:/[a-z0-9][a-z0-9._-]{0,39}){1,3}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}",
    "the key of a log (a vkey of C2SP signed-note)",
    "la clave de una bitácora (vkey de C2SP signed-note)",
)
digest = matching(r"[0-9a-f]{64}", "a SHA-256 in lower-case hexadecimal", "un SHA-256 en hexadecimal minúsculo")
tree_code = matching(
    TREE_PATTERN, "a tree code (up to 20 of A-Z, 0-9 and -)", "un código de árbol (hasta 20 entre A-Z, 0-9 y -)"
)
log_code = matching(
    LOG_PATTERN,
    "a log code: the tree's code, a slash and letters, as in 501/A",
    "un código de troza: el código del árbol, una barra y letras, como 501/A",
)
parcel = matching(
    r"[A-Z]{2,5} (?:[0-9]{2}|[1-9][0-9]{2})",
    "a normalised parcel code, as in PC 01",
    "un código de parcela normalizado, como PC 01",
)
species = matching(
    r"[A-Z][a-z]{1,39} (?:[a-z]{1,39}(?:-[a-z]{1,39}){0,2}|spp?\.)",
    "a scientific name of two words, without author",
    "un nombre científico de dos palabras, sin autor",
)
nonce = matching(
    r"[A-Za-z0-9_-]{21}[AQgw]", "128 bits in base64url (22 characters)", "128 bits en base64url (22 caracteres)"
)
kid = matching(
    r"[A-Za-z0-9_-]{21}[AQgw]", "a key id (22 characters of base64url)", "un id de clave (22 caracteres de base64url)"
)
bytes32 = matching(
    r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]",
    "32 bytes in base64url (43 characters)",
    "32 bytes en base64url (43 caracteres)",
)
bytes64 = matching(
    r"[A-Za-z0-9_-]{85}[AQgw]", "64 bytes in base64url (86 characters)", "64 bytes en base64url (86 caracteres)"
)

# Physical bounds: the largest Amazonian stems stay far inside them, a slip of units does not.
diameter_mm = whole(1, 5_000)
length_mm = whole(1, 60_000)
height_mm = whole(1, 80_000)
log_dm3 = whole(1, 200_000)
line_dm3 = whole(1, 1_000_000_000)
total_dm3 = whole(0, 1_000_000_000)
area_m2 = whole(1, 100_000_000_000)
count = whole(0, 1_000_000_000)

FOREST_PRODUCTS = ("roundwood", "branch_firewood")
PRODUCTS = (*FOREST_PRODUCTS, "sawn", "flooring_blank", "other")
product = one_of(*PRODUCTS)
