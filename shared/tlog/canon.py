"""Canonical documents: a strict profile of I-JSON in which a value has exactly one spelling.

Within the profile the bytes equal RFC 8785. Bytes are accepted only when they are already canonical, and whoever
signs or hashes uses the bytes received. The accepted path is short because every record passes it; the reason for
a refusal is worked out afterwards, by `_explain`.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import orjson

from shared.tlog.refusals import BadBytes
from shared.tlog.unicode12 import character_class

MAX_INTEGER = 2**53 - 1
MAX_BYTES = 16_384
MAX_DEPTH = 8

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
# C0, DEL and C1; the twelve characters of Unicode's Bidi_Control; the noncharacters that I-JSON forbids; what readers
# with different versions of Unicode might not agree on.
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NONCHARACTER = "\ufdd0-\ufdef" + "".join(f"{chr(p + 0xFFFE)}{chr(p + 0xFFFF)}" for p in range(0, 0x110000, 0x10000))
_LATER = character_class()
# Below U+10000 a class is one look-up a character; above, it is a walk through its ranges, which few texts need.
_REFUSED = re.compile(f"[{_CONTROL}{_BIDI}\ufdd0-\ufdef\ufffe\uffff{character_class(last=0xFFFF)}]")
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_REFUSED_BEYOND = re.compile(f"[{_NONCHARACTER}{_LATER}]")
_PRINTABLE = bytes(range(0x20, 0x7F))

# Key names found good before, so that a record of a known shape costs one subset test. Bounded: a memo, not a list
# of what is allowed.
_good_keys: set[str] = set()
_GOOD_KEYS_MAX = 2_048


@dataclass(eq=False)
class NotCanonical(BadBytes):
    """The document is outside the profile, or is not written in its canonical form."""

    slug: ClassVar[str] = "not-canonical"
    es: ClassVar[str] = "El documento no es canónico: {where}: {reason}."
    en: ClassVar[str] = "The document is not canonical: {where}: {reason}."


def encode(value: dict[str, Any], *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> bytes:
    """The canonical bytes of a value made of dict, list, str, int and bool. NotCanonical when it has none."""
    if type(value) is not dict or not _plain(value, max_depth):
        _explain_value(value, max_depth)
    try:
        data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        _explain_value(value, max_depth)
    if len(data) > max_bytes:
        raise NotCanonical("document", "too long")
    if not _clean(data):
        _explain_value(value, max_depth)
    return data


def decode(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The value of a canonical document. NotCanonical when `data` is anything but its own canonical form."""
    value = read(data, max_bytes=max_bytes, max_depth=max_depth)
    if not _plain(value, max_depth):
        _explain(data, max_depth)
    return value


def read(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> dict[str, Any]:
    """As `decode`, for a caller whose own check admits no value, key or depth outside the profile: it is spared a second
    walk through every value, and asks `decode` for the reason when its check says no."""
    if len(data) > max_bytes:
        raise NotCanonical("document", "too long")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        _explain(data, max_depth)
    if type(value) is not dict or orjson.dumps(value, option=orjson.OPT_SORT_KEYS) != data or not _clean(data):
        _explain(data, max_depth)
    return value


def _plain(root: object, max_depth: int) -> bool:
    """Whether the value holds only what the profile knows. Strings are left to `_clean`."""
    level: list[Any] = [root]
    depth = 0
    while level:
        depth += 1
        if depth > max_depth:
            return False
        deeper: list[Any] = []
        for node in level:
            if type(node) is dict:
                if not node.keys() <= _good_keys and not _learn(node):
                    return False
                values = node.values()
            else:
                values = node
            for value in values:
                kind = type(value)
                if kind is str or kind is bool:
                    continue
                if kind is int:
                    if not -MAX_INTEGER <= value <= MAX_INTEGER:
                        return False
                elif kind is dict or kind is list:
                    deeper.append(value)
                else:
                    return False
        level = deeper
    return True


def _learn(node: dict[Any, Any]) -> bool:
    """Whether every key is a good name; good names are remembered."""
    for key in node:
        if type(key) is not str or not _KEY.fullmatch(key):
            return False
        if len(_good_keys) < _GOOD_KEYS_MAX:
            _good_keys.add(key)
    return True


def _clean(data: bytes) -> bool:
    """Whether every string in canonical bytes is NFC and free of refused characters."""
    if b"\\" in data:  # an escape: look at each string by itself
        return all(map(_clean_string, _strings(orjson.loads(data))))
    if data.isascii():
        return b"\x7f" not in data
    # Every string stands between two quotation marks, with which nothing composes, so the whole text is NFC when each
    # string is. For the refused characters only the few bytes outside printable ASCII need a look.
    rare = data.translate(None, _PRINTABLE).decode("utf-8")
    return _allowed(rare) and unicodedata.is_normalized("NFC", data.decode("utf-8"))


def _clean_string(text: str) -> bool:
    return _allowed(text) and unicodedata.is_normalized("NFC", text)


def _allowed(text: str) -> bool:
    if _REFUSED.search(text) is not None:
        return False
    return _BEYOND.search(text) is None or _REFUSED_BEYOND.search(text) is None


def _strings(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


# ---- why not: slower, and only reached once the answer is no


def _explain(data: bytes, max_depth: int) -> NoReturn:
    """Raise NotCanonical with the first reason found in bytes that were refused."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise NotCanonical("document", "byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotCanonical("document", "not UTF-8") from None
    _explain_depth(text, max_depth)
    decoder = json.JSONDecoder(
        object_pairs_hook=_pairs, parse_int=_integer, parse_float=_float, parse_constant=_constant, strict=False
    )
    body = text.lstrip(" \t\r\n")
    try:
        value, end = decoder.raw_decode(body)
    except (ValueError, RecursionError):
        raise NotCanonical("document", "not JSON") from None
    if body[end:].strip(" \t\r\n"):
        raise NotCanonical("document", "trailing bytes")
    _explain_value(value, max_depth, fallback="not in canonical form")


def _explain_depth(text: str, max_depth: int) -> None:
    depth = 0
    # An unclosed string is taken whole: trying again from each of its quotation marks would cost n squared.
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', text, re.DOTALL):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > max_depth:
            raise NotCanonical("document", "too deep")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise NotCanonical(f"key {json.dumps(key)}", "duplicate key")
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if digits == "-0":
        raise NotCanonical("number", "negative zero")
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise NotCanonical("number", "integer beyond 2^53-1")
    return int(digits)


def _float(_: str) -> NoReturn:
    raise NotCanonical("number", "float")


def _constant(_: str) -> NoReturn:
    raise NotCanonical("number", "not a number")


def _explain_value(value: object, max_depth: int, fallback: str = "type of value") -> NoReturn:
    """Raise NotCanonical with the first reason found in a parsed value that was refused."""
    if not isinstance(value, dict):
        raise NotCanonical("document", "not an object")
    _explain_node(value, "document", max_depth)
    raise NotCanonical("document", fallback)


def _explain_node(node: object, where: str, levels: int) -> None:
    if type(node) is str:
        _explain_string(node, where)
    elif type(node) is dict or type(node) is list:
        if levels == 0:
            raise NotCanonical(where, "too deep")
        children = node.items() if type(node) is dict else enumerate(node)
        for key, value in children:
            if type(node) is dict and (type(key) is not str or not _KEY.fullmatch(key)):
                raise NotCanonical(where, "key name")
            _explain_node(value, f"{where}.{key}", levels - 1)
    elif node is None:
        raise NotCanonical(where, "null")
    elif type(node) is float:
        raise NotCanonical(where, "float")
    elif type(node) is int:
        if abs(node) > MAX_INTEGER:
            raise NotCanonical(where, "integer beyond 2^53-1")
    elif type(node) is not bool:
        raise NotCanonical(where, "type of value")


def _explain_string(text: str, where: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise NotCanonical(where, "lone surrogate")
    for pattern, reason in (
        (_CONTROL, "control character"),
        (_BIDI, "bidirectional control"),
        (_NONCHARACTER, "noncharacter"),
        (_LATER, "character after Unicode 12.0"),
    ):
        if re.search(f"[{pattern}]", text):
            raise NotCanonical(where, reason)
    if not unicodedata.is_normalized("NFC", text):
        raise NotCanonical(where, "not NFC")
