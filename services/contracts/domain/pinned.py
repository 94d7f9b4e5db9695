"""What an answer rests on, by hash: the canonical bytes of a form, and the books as they were used."""

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Pin:
    """A book as it was used: its name, its version where it is stored, and the hash of its content."""

    id: str
    version: int | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Pins:
    """What an appraisal rests on. The same pins give the same bytes."""

    offer_sha256: str
    price_book: Pin | None
    cost_book: Pin | None
    lot_sha256: str | None
    cost_signature_sha256: str | None = None
    fx_series: Pin | None = None
    indices: tuple[Pin, ...] = ()


def canonical(value: Any) -> bytes:
    """Sorted JSON of a form: the bytes its hash is taken of. Numbers with decimals are text in it."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def sha256_of(value: Any) -> str:
    """The hash that pins a form."""
    return hashlib.sha256(canonical(value)).hexdigest()
