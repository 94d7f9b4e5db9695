"""What may be done over a supervision and the volumes it finds fault with, as forms: by whom it is held against and by the
supervisor. Who exactly may, and when, permits decides. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.portal import steps
from services.portal.acts import Filled
from services.portal.steps import PAPERS, Asked, Offered, Step

Json = Mapping[str, Any]
ROWS = 6  # volumes of one form
MOST_DIGITS = 3  # of a numeral
NUMERALS = ("21", "26", "10")
THERE = ("present", "absent", "not_applicable")
SAID = (Asked("text", "text"), PAPERS)
OPEN = Step("supervision", "open", "", (
    Asked("number"), Asked("permit", "permit", needed=False), Asked("visited_from", "day"), Asked("visited_to", "day"),
))  # fmt: skip
VOLUMES = Step("supervision", "volumes", "/{of}/volumes", (Asked("volumes", "found"),), of="supervisions")
CHECKLIST = Step("supervision", "documents", "/{of}/documents", (Asked("documents", "checklist"),), of="supervisions")
NOTIFY = Step("supervision", "notify", "/{of}/notify", of="supervisions", final=True)
ANSWER = Step(
    "supervision", "answer", "/{of}/answers", (Asked("answer", "text"), replace(PAPERS, name="attachments")), of="supervisions"
)  # fmt: skip
CONCLUDE = Step("supervision", "conclude", "/{of}/close", (Asked("conclusion", "text"),), of="supervisions", final=True)
DECIDE = Step(
    "supervision", "decide_volume", "/{of}/volumes/decision",
    (Asked("decision", "choice", options=("accepted", "upheld")), *SAID), of="volumes",
)  # fmt: skip
APPEAL = Step("supervision", "appeal_volume", "/{of}/volumes/appeal", SAID, of="volumes")
CLOSE = Step(
    "supervision", "close_volume", "/{of}/volumes/closing",
    (Asked("outcome", "choice", options=("accepted", "upheld", "lifted")), *SAID), of="volumes",
)  # fmt: skip
STEPS = (OPEN, VOLUMES, CHECKLIST, NOTIFY, ANSWER, CONCLUDE, DECIDE, APPEAL, CLOSE)
# How a closing may end a volume, by where it stands.
ENDS = {"accepted": ("accepted",), "upheld": ("upheld",), "appealed": ("upheld", "lifted")}
MARKS = {"open": "look", "explained": "look", "accepted": "yes", "upheld": "no", "appealed": "look", "closed": "part"}
STATE_MARKS = {"open": "part", "notified": "look", "closed": "yes"}


def step_named(act: str) -> Step | None:
    """The step of this name."""
    return next((one for one in STEPS if one.act == act), None)


def of_plan(plan: Json, roles: Collection[str], day: str) -> list[Offered]:
    """A supervision to be opened of a plan that was approved."""
    if "supervisor" not in roles or plan["state"] != "approved":
        return []
    return [Offered(OPEN, {}, given={"visited_from": day, "visited_to": day})]


def of_supervision(one: Json, plan: Json, roles: Collection[str], org: str) -> list[Offered]:
    """What this person may do with a supervision as it stands."""
    found = list[Step]()
    if "supervisor" in roles and one["supervisor"] == org:
        found += {"open": (VOLUMES, CHECKLIST, NOTIFY), "notified": (CONCLUDE,)}.get(one["state"], ())
    if "manager" in roles and plan["org"] == org and one["state"] == "notified":
        found.append(ANSWER)
    given = {VOLUMES.act: _rows(one["volumes"]), CHECKLIST.act: _states(one["documents"])}
    return [Offered(step, {}, one["number"], one, given=given.get(step.act, {})) for step in found]


def of_volume(
    one: Json, volume: Json, against: Mapping[str, Collection[str]], roles: Collection[str], org: str
) -> list[Offered]:
    """What this person may say of a volume that was found fault with; by role, the organisations that it is held ``against``."""
    of, state, supervises = volume_of(one, volume), volume["state"], "supervisor" in roles
    if supervises and one["supervisor"] == org and one["state"] == "notified" and state in ("open", "explained"):
        options = ("upheld",) if state == "open" else ("accepted", "upheld")
        return [Offered(_ending(DECIDE, options), {}, of, volume)]
    if one["state"] != "closed":
        return []
    if state in ("upheld", "appealed") and any(org in against.get(role, ()) for role in roles):
        return [Offered(APPEAL, {}, of, volume)]  # an open appeal takes the words of the others
    if supervises and state in ENDS:
        return [Offered(_ending(CLOSE, ENDS[state]), {}, of, volume)]
    return []


def held_against(one: Json, plan: Json, permits: Iterable[Json]) -> dict[str, set[str]]:
    """Whom its volumes are held against, by the role that speaks for them: the community, its regent firm, who held the permit."""
    holders = {permit["holder"] for permit in permits if permit["number"] == one["permit"]}
    return {"manager": {plan["org"]} | holders, "regent": {plan["regent"]} - {None}, "company": holders}


def _ending(step: Step, options: tuple[str, ...]) -> Step:
    return replace(step, asks=tuple(replace(a, options=options) if a.kind == "choice" else a for a in step.asks))


def volume_of(one: Json, volume: Json) -> str:
    """The name of a volume in a form: its supervision, parcel, species and numeral."""
    return "|".join((one["number"], volume["parcel"], volume["species"], str(volume["numeral"])))


def _rows(volumes: Sequence[Json]) -> dict[str, str]:
    held = dict[str, str]()
    for n, one in enumerate(volumes[:ROWS]):
        litres, trees = one["volume_dm3"], one["trees"]
        held |= {
            f"found{n}_parcel": one["parcel"], f"found{n}_species": one["species"], f"found{n}_numeral": str(one["numeral"]),
            f"found{n}_volume": f"{litres // 1000}.{litres % 1000:03d}", f"found{n}_trees": "" if trees is None else str(trees),
            f"found{n}_reason": one["reason"] or "",
        }  # fmt: skip
    return held


def _states(documents: Iterable[Json]) -> dict[str, str]:
    return {f"document_{one['document']}": one["state"] or "" for one in documents}


def body_of(step: Step, form: Filled, papers: Iterable[Json]) -> tuple[str, dict[str, Any]]:
    """What is sent, and to whose address beneath the supervisions of the plan; faults stand in the form."""
    number, *volume = form.get("of").split("|")
    body = steps.body_of(replace(step, asks=tuple(one for one in step.asks if one.kind not in OWN)), form)
    if step is VOLUMES:
        body["volumes"] = _found(form)
    if step is CHECKLIST:
        body["documents"] = _checked(form)
    if step is ANSWER:
        names = {one["sha256"]: one["name"] for one in papers}
        ticked = form.get("attachments").split()
        body["attachments"] = [{"name": names.get(sha256, sha256[:12]), "sha256": sha256} for sha256 in ticked]
    if step.of == "volumes":
        parcel, species, numeral = volume if len(volume) == 3 else ("", "", "0")
        known = numeral.isdecimal() and len(numeral) <= MOST_DIGITS
        body |= {"parcel": parcel, "species": species, "numeral": int(numeral) if known else 0}
    return number, body


OWN = ("found", "checklist")


def _found(form: Filled) -> list[dict[str, Any]]:
    rows = list[dict[str, Any]]()
    for n in range(ROWS):
        if not any(form.get(f"found{n}_{name}") for name in ("species", "volume", "reason")):
            continue
        row: dict[str, Any] = {
            "parcel": form.needed(f"found{n}_parcel"), "species": form.needed(f"found{n}_species"),
            "numeral": form.count(f"found{n}_numeral"), "volume_dm3": form.thousandths(f"found{n}_volume", "act.not_a_volume"),
            "reason": " ".join(form.needed(f"found{n}_reason").split()),
        }  # fmt: skip
        if form.get(f"found{n}_trees"):
            row["trees"] = form.count(f"found{n}_trees")
        rows.append(row)
    return rows


def _checked(form: Filled) -> list[dict[str, str]]:
    found = [
        {"document": name.removeprefix("document_"), "state": form.get(name)}
        for name in form.fields
        if name.startswith("document_") and form.get(name) in THERE
    ]
    if not found:
        form.faults["documents"] = "act.needed"
    return found
