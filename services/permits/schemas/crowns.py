"""Crowns that were looked for from above."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.permits.schemas.words import Day, In, Out, ParcelCode, Sha256, TreeCode, Writing


class CrownIn(In):
    """One tree of the census, and whether its crown is where the census says it stands."""

    parcel: ParcelCode
    code: TreeCode
    crown: bool


class CrownLookIn(In):
    """An image that is in the vault as ``crown_image``, and what was seen in it."""

    image: Sha256
    taken_on: Day
    device: Literal["drone", "aircraft", "satellite"]
    trees: Annotated[list[CrownIn], Field(min_length=1, max_length=500)]
    note: Writing | None = None

    @model_validator(mode="after")
    def _once(self) -> "CrownLookIn":
        if len({(one.parcel, one.code) for one in self.trees}) != len(self.trees):
            raise ValueError("trees repite un árbol / trees repeats a tree")
        return self


class CrownOut(Out):
    """One tree as it was looked for."""

    parcel: str
    code: str
    crown: bool


class CrownLookOut(Out):
    """What one organisation saw in one image. ``independent``: it did not make the plan."""

    image: str
    org: str
    independent: bool
    taken_on: date
    device: str
    trees: list[CrownOut]
    note: str | None
    told_at: str


class CrownLooksOut(Out):
    """All that was seen from above of a plan."""

    plan: str
    items: list[CrownLookOut]
