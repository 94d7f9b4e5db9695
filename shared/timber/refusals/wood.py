"""Pieces of wood: what a tree, a log or a product cannot do, or has done already."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal


@dataclass(eq=False)
class WrongKind(Refusal):
    """This kind of piece cannot take that step."""

    slug: ClassVar[str] = "wrong-kind"
    es: ClassVar[str] = "La pieza {item} es de clase {kind} y no admite este paso."
    en: ClassVar[str] = "Piece {item} is of kind {kind} and cannot take this step."
    item: str
    kind: str


@dataclass(eq=False)
class BranchWood(Refusal):
    """What is cut from a branch is wood of the branches too."""

    slug: ClassVar[str] = "branch-wood"
    es: ClassVar[str] = "La pieza {item} es madera de rama: {code} no puede salir de ella como troza del fuste."
    en: ClassVar[str] = "Piece {item} is wood of a branch: {code} cannot come from it as a log of the stem."
    item: str
    code: str


@dataclass(eq=False)
class AlreadySpent(Refusal):
    """The piece has already left by another exit; ``first_sid`` is the record that took it."""

    slug: ClassVar[str] = "already-spent"
    es: ClassVar[str] = "La pieza {item} ya salió ({how}) con el registro {first_sid}, entrada {first_index}."
    en: ClassVar[str] = "Piece {item} already left ({how}) with record {first_sid}, entry {first_index}."
    item: str
    how: str
    first_sid: str
    first_index: int
