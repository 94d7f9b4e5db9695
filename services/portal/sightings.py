"""Where a code is painted, as a person chooses among the answers: piece, species, parcel, plan, what became of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Row:
    """One answer. ``state`` is the key of its words; ``where`` the guide or lot those words name; ``path`` its page, for a
    tree that still stands that of its plan."""

    kind: str
    code: str
    species: str
    volume_dm3: int
    parcel: str
    plan: str
    season: str
    permit: str | None
    state: str
    where: str
    path: str


@dataclass(frozen=True)
class Seen:
    """The answers for one code, and the cursor of the plans that follow."""

    code: str
    rows: tuple[Row, ...]
    next: str | None


def seen_as(code: str, answer: Mapping[str, Any]) -> Seen:
    """The answer of custody, the newest plans first; a tree of the census that was felled is told once, as felled."""
    plans = {one["id"]: f"{one['number']}, {one['season']}" for one in answer["plans"]}
    felled = {one["id"] for one in answer["items"]}
    rows = [_piece(one, plans) for one in answer["items"]]
    rows += [_standing(one, plans) for one in answer["census"] if one["item"] not in felled]
    return Seen(code, tuple(sorted(rows, key=lambda row: (row.plan, row.parcel, row.code, row.path))), answer["next"])


def _piece(item: Mapping[str, Any], plans: Mapping[str, str]) -> Row:
    state, where = "held", item["holder"]
    if item["lot"]:
        state, where = "lot", item["lot"]
    elif item["used"]:
        state, where = f"used.{item['used']}", ""
    elif item["guide"]:
        state, where = "guide", item["guide"].rpartition(":")[2]
    plan = item["plan"] or ""
    return Row(
        item["kind"], item["code"], item["species"], item["volume_dm3"], item["parcel"], plan, plans.get(plan, ""),
        item["permit"], state, where, f"/items/{item['id']}",
    )  # fmt: skip


def _standing(tree: Mapping[str, Any], plans: Mapping[str, str]) -> Row:
    return Row(
        "standing", tree["code"], tree["species"], tree["volume_dm3"], tree["parcel"], tree["plan"],
        plans.get(tree["plan"], ""), None, f"census.{tree['condition']}", "", f"/plans/{quote(tree['plan'], safe='')}",
    )  # fmt: skip
