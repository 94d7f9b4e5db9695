"""Text that has exactly one spelling: strict base64, strict base64url and strict decimals.

Python's own parsers take spaces, missing padding, stray bits and digits of other scripts; a proof may not.
"""

import binascii
from dataclasses import dataclass
from typing import ClassVar

from shared.tlog.refusals import BadBytes

MAX_SIZE = 2**63 - 1


@dataclass(eq=False)
class BadText(BadBytes):
    """A number or a byte string is not written in its only accepted form."""

    slug: ClassVar[str] = "bad-text"


def to_base64(data: bytes) -> str:
    """RFC 4648 section 4, with padding."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str, where: str, length: int | None = None) -> bytes:
    """The bytes of strict, padded base64; BadText on any other spelling or another length."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise BadText(where, "not base64") from None
    if to_base64(data) != text:  # bits left over in the last character
        raise BadText(where, "not base64")
    return _of_length(data, where, length)


def to_base64url(data: bytes) -> str:
    """RFC 4648 section 5, without padding."""
    return to_base64(data).rstrip("=").replace("+", "-").replace("/", "_")


def from_base64url(text: str, where: str, length: int | None = None) -> bytes:
    """The bytes of strict, unpadded base64url; BadText on any other spelling or another length."""
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        data = binascii.a2b_base64(padded.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise BadText(where, "not base64url") from None
    if to_base64url(data) != text:
        raise BadText(where, "not base64url")
    return _of_length(data, where, length)


def from_decimal(text: str, where: str, most: int = MAX_SIZE) -> int:
    """A number in ASCII decimal without sign, space or leading zeros, at most `most`."""
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0"):
        raise BadText(where, "not a decimal")
    if len(text) > 20 or int(text) > most:
        raise BadText(where, "number too large")
    return int(text)


def _of_length(data: bytes, where: str, length: int | None) -> bytes:
    if length is not None and len(data) != length:
        raise BadText(where, "wrong length")
    return data
