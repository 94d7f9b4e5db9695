"""What a form says before anything is typed: how a tree, a piece, a guide or a permit stands, what is still possible and
what is left. Pure; the log decides, this only says beforehand what it will say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.portal.holdings import Left

Json = Mapping[str, Any]
HARVESTABLE = "harvestable"
# How a piece left, as custody names it.
GONE = {"cut": "gone_cut", "mill": "gone_mill", "lot": "gone_lot"}


@dataclass(frozen=True)
class Note:
    """One thing to know: a shape (``yes`` in order, ``look`` it is recorded with a finding, ``no`` it is refused), the
    end of the key of its text (``standing.KEY``) with its facts, and where to look or go on."""

    mark: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""


def of_permit(permit: Json | None, day: str, *, move: bool) -> list[Note]:
    """Whether a permit covers what is done on this day: cutting in its harvest window, guides until its movement ends."""
    if permit is None:
        return []
    number = permit["number"]
    link = f"/permits/{number}"
    if permit["state"] != "in_force":
        key = "permit_state_move" if move else "permit_state_harvest"
        return [Note("no" if move else "look", key, {"permit": number, "state": permit["state"]}, link)]
    if move and day > permit["move_to"]:
        return [Note("no", "move_ended", {"permit": number, "last": permit["move_to"]}, link)]
    if not move and not permit["harvest_from"] <= day <= permit["harvest_to"]:
        facts = {"permit": number, "first": permit["harvest_from"], "last": permit["harvest_to"]}
        return [Note("look", "outside_harvest", facts, link)]
    return []


def of_tree(tree: Json, items: Iterable[Json]) -> list[Note]:
    """A tree of the census: felled already, not to be felled, or free."""
    found = []
    for item in items:
        if item["kind"] == "tree" and item["code"] == tree["code"] and item["parcel"] == tree["parcel"]:
            facts = {
                "code": tree["code"],
                "index": item["index"],
                "volume_dm3": item["volume_dm3"],
                "time": item["time"],
            }
            found.append(Note("look", "felled", facts, f"/items/{item['id']}"))
    if tree["condition"] != HARVESTABLE:
        found.append(Note("look", "not_harvestable", {"code": tree["code"], "condition": tree["condition"]}))
    return found or [Note("yes", "tree_free", {"code": tree["code"]})]


def of_source(item: Json, org: str) -> list[Note]:
    """A stem or log before it is cut: gone, on the road, cut already, or whole."""
    found = _gone(item, org)
    if item["guide"] and not found:
        found.append(Note("look", "on_guide_cut", {"code": item["code"], "guide": number_of(item["guide"])}))
    made, left = len(item["sections"]), item["volume_dm3"] - item["cut_dm3"]
    if made and not found:
        key = "cut_in_part" if left > 0 else "cut_whole"
        facts = {"code": item["code"], "count": made, "left_dm3": max(left, 0)}
        found.append(Note("part" if left > 0 else "look", key, facts))
    return found or [Note("yes", "piece_whole", {"code": item["code"], "left_dm3": left})]


def of_load(pieces: Sequence[Json], org: str) -> dict[str, Note]:
    """Each piece of a load before a guide: what the log will refuse, or that it may go. By the id of the piece."""
    return {one["id"]: _to_move(one, org) for one in pieces}


def _to_move(piece: Json, org: str) -> Note:
    gone = _gone(piece, org)
    if gone and piece["used"] != "lot":  # what is sold is dispatched to its buyer
        return gone[0]
    if piece["guide"]:
        guide = number_of(piece["guide"])
        return Note("no", "on_guide", {"code": piece["code"], "guide": guide}, guide_page(piece["guide"]))
    if piece["kind"] == "tree":
        return Note("no", "not_cut", {"code": piece["code"]})
    if piece["worst"] == "S4":
        return Note("look", "grave", {"code": piece["code"]}, f"/items/{piece['id']}")
    return Note("yes", "may_go")


def of_lot(pieces: Sequence[Json], org: str) -> dict[str, Note]:
    """Each piece before it joins a lot, likewise."""
    found = {}
    for one in pieces:
        gone = _gone(one, org)
        if not gone and one["kind"] == "tree":
            gone = [Note("no", "not_cut", {"code": one["code"]})]
        found[one["id"]] = gone[0] if gone else Note("yes", "may_sell")
    return found


def of_guide(guide: Json, org: str) -> list[Note]:
    """A guide before its load is received."""
    if guide["state"] == "received":
        facts = {"number": guide["number"], "at": guide["received_at"], "volume_dm3": guide["received_dm3"]}
        return [Note("no", "guide_received", facts, guide_page(guide["key"]))]
    if guide["state"] == "voided":
        return [Note("look", "guide_voided", {"number": guide["number"]}, guide_page(guide["key"]))]
    if guide["addressee"] != org:
        return [Note("no", "guide_not_yours", {"addressee": guide["addressee"]})]
    if guide["state"] == "issued":
        return [Note("look", "guide_not_left", {"number": guide["number"]})]
    return []


def of_balance(left: Iterable[Left], species: str, volume_dm3: int = 0) -> list[Note]:
    """What guides may still draw of a species, and whether that is enough for what is felled."""
    rows = [one for one in left if one.species == species and one.product == "roundwood"]
    if not rows:
        return [Note("look", "not_authorised", {"species": species})]
    [row] = rows
    to_come = row.left_dm3 - max(row.felled_dm3 - row.drawn_dm3, 0)
    facts = {"species": species, "left_dm3": row.left_dm3, "felled_dm3": row.felled_dm3, "free_dm3": max(to_come, 0)}
    short = to_come < volume_dm3 or to_come <= 0
    return [Note("look" if short else "yes", "balance_short" if short else "balance", facts)]


def _gone(item: Json, org: str) -> list[Note]:
    code = {"code": item["code"]}
    used = item["used"] if "used" in item else item["spent_how"]
    if used:
        index = item["used_index"] if "used_index" in item else item["spent_index"]
        return [Note("no", GONE[used], {**code, "index": index, "lot": item["lot"] or ""}, f"/items/{item['id']}")]
    if item["holder"] != org:
        return [Note("no", "of_another", {**code, "holder": item["holder"]}, f"/items/{item['id']}")]
    return []


def number_of(key: str) -> str:
    """The number in the key of a guide."""
    return key.rpartition(":")[2]


def guide_page(key: str) -> str:
    """The page of a guide by its key, ``guide:FORM:NUMBER``."""
    form, _, number = key.removeprefix("guide:").partition(":")
    return f"/guides/{number}?form={form}"
