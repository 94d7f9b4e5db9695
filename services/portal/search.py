"""What a person typed, scanned or pasted into the search box."""

import re
from urllib.parse import unquote, urlsplit

NUMBER = re.compile(r"[A-Z0-9][A-Z0-9.-]{1,39}")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SID = re.compile(r"[0-9a-f]{64}")
# The page of each kind; a scanned code is the address of one.
PAGES = {
    "home": "/",
    "lot": "/v/",
    "permit": "/permits/",
    "item": "/items/",
    "guide": "/guides/",
    "record": "/records/",
    "plan": "/plans/",
    "title": "/titles/",
}
KINDS = {
    "v": "lot", "lots": "lot", "permits": "permit", "items": "item", "guides": "guide", "records": "record",
    "plans": "plan", "titles": "title",
}  # fmt: skip
NUMBERED = ("lot", "permit", "guide", "plan", "title")
# What is painted on a tree or a log (docs/format.md, section 4), as people say it: with its noun, a blank or a hyphen for
# the slash, in small letters.
NOUN = re.compile(r"^(?:TROZA|ÁRBOL|ARBOL|LOG|TREE)\s+")
TREE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")
LOG = re.compile(r"([A-Z0-9][A-Z0-9-]{0,19}?)\s*[/ -]?\s*([A-Z]{1,4})")
SLASHED = re.compile(r"([A-Z0-9][A-Z0-9-]{0,19})\s*/\s*([A-Z]{1,4})")
LONGEST = 300


def candidates(typed: str) -> tuple[tuple[str, str], ...]:
    """What it may be, likeliest first, as (kind, key); empty when it looks like nothing we know."""
    text = typed.strip()[:LONGEST]
    if "/" in text:
        kind, text = _from_address(text)
        return tuple(found for found in _by_shape(text) if kind in (None, found[0]))
    return _by_shape(text)


def painted(typed: str) -> tuple[str, ...]:
    """The codes of trees and logs that it may be, likeliest first: ``501a`` is the log 501/A, or a tree called 501A."""
    text = NOUN.sub("", typed.strip()[:LONGEST].upper())
    if (slashed := SLASHED.fullmatch(text)) is not None:
        return (f"{slashed[1]}/{slashed[2]}",)
    found = [f"{log[1]}/{log[2]}"] if (log := LOG.fullmatch(text)) is not None and log[1][-1].isdigit() else []
    return (*found, text) if TREE.fullmatch(text) else tuple(found)


def _by_shape(text: str) -> tuple[tuple[str, str], ...]:
    lower, upper = text.lower(), text.upper().replace(" ", "-")
    if SID.fullmatch(lower):
        return (("record", lower),)
    if UUID.fullmatch(lower):
        return (("item", lower),)
    if NUMBER.fullmatch(upper):
        return tuple((kind, upper) for kind in NUMBERED)
    return ()


def _from_address(text: str) -> tuple[str | None, str]:
    try:
        parts = [part for part in urlsplit(text).path.split("/") if part]
    except ValueError:  # a bracket where a host would be
        return None, ""
    if not parts:
        return None, ""
    kind = KINDS.get(parts[-2]) if len(parts) > 1 else None
    return kind, unquote(parts[-1])
