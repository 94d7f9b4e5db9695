"""A second person's signature under a published cost book."""

from typing import Annotated

from pydantic import Field

from services.contracts.domain.border import Day, Form, Sha256, Text
from services.contracts.schemas.answer import Out


class SignatureIn(Form):
    """Who answers for the figures, and which version was read: its number and the hash of its content."""

    version: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    sha256: Sha256
    name: Text
    licence: Text


class SignatureOut(Out):
    name: str
    licence: str
    on: Day
    signed_by_org: str
    sha256: str
