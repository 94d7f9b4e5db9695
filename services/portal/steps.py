"""What may be done next with a plan or a permit, as forms. Which acts there are, from which state and in whose hands is the table
of permits (``/v1/plans/lifecycle``); here stands what each asks for and where it is sent. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from services.portal.acts import Filled
from shared.timber.fields import FOREST_PRODUCTS

Json = Mapping[str, Any]
# How the name of a field begins that holds the volume of one line: parcel, species and product follow.
VOLUME = "volume"
ROUNDWOOD = FOREST_PRODUCTS[0]


@dataclass(frozen=True)
class Asked:
    """A field of a form, named as in the body that is sent. ``kind``: line, text, day, count, choice, papers or volumes."""

    name: str
    kind: str = "line"
    needed: bool = True
    options: tuple[str, ...] = ()


REASON, RESOLUTION, PAPERS = Asked("reason", "text"), Asked("resolution"), Asked("documents", "papers", needed=False)
ON_PAPERS, DECIDED, VOLUMES = (REASON, PAPERS), (RESOLUTION, PAPERS), Asked("lines", "volumes")
WORD = (Asked("text", "text"), Asked("attachment_sha256", needed=False))


@dataclass(frozen=True)
class Step:
    """An act: its address beneath that of its plan or permit, and what it asks for. ``of`` is the list whose open things it is
    done to, one at a time; ``final`` is what nobody takes back, so it is asked twice."""

    object: str
    act: str
    path: str
    asks: tuple[Asked, ...] = ()
    of: str = ""
    final: bool = False


STEPS = (
    Step("plan", "submit", "submit", (Asked("assembly_act", needed=False), Asked("census_ended_on", "day", needed=False))),
    Step("plan", "inspect", "inspect", (
        Asked("day", "day"), Asked("opinion", "choice", options=("favourable", "unfavourable")),
        Asked("trees_sampled", "count"), Asked("trees_absent", "count"), *ON_PAPERS,
    )),
    Step("plan", "approve", "approve", DECIDED),
    Step("plan", "observe", "observe", ON_PAPERS),
    Step("plan", "reject", "reject", ON_PAPERS, final=True),
    Step("plan", "suspend", "suspend", ON_PAPERS),
    Step("plan", "reinstate", "reinstate", ON_PAPERS),
    Step("plan", "declare_caducity", "caducity", ON_PAPERS, final=True),
    Step("plan", "close", "close", ON_PAPERS, final=True),
    Step("permit", "approve", "approve", final=True),
    Step("permit", "suspend", "suspend", (REASON,)),
    Step("permit", "reinstate", "reinstate", (REASON,)),
    Step("permit", "order_precautionary", "precautionary-measure", ON_PAPERS),
    Step("permit", "declare_caducity", "caducity", ON_PAPERS),
    Step("permit", "confirm_caducity", "caducity/confirm", ON_PAPERS, final=True),
    Step("permit", "revoke", "revoke", (REASON,), final=True),
    Step("permit", "appeal", "appeals", (Asked("id"), Asked("ground", "text"), PAPERS)),
    Step("permit", "decide_appeal", "appeals/{of}/decide",
         (Asked("outcome", "choice", options=("upheld", "dismissed")), *DECIDED), of="appeals"),
    Step("permit", "request_extension", "extensions", (
        Asked("id"), Asked("kind", "choice", options=("reentry", "balance_mobilisation")),
        Asked("harvest_from", "day", needed=False), Asked("harvest_to", "day", needed=False), Asked("move_to", "day"), *ON_PAPERS,
    )),
    Step("permit", "approve_extension", "extensions/{of}/approve", DECIDED, of="extensions"),
    Step("permit", "refuse_extension", "extensions/{of}/refuse", DECIDED, of="extensions"),
    Step("permit", "propose_amendment", "amendments", (Asked("id"), REASON, VOLUMES)),
    Step("permit", "amend", "amendments/{of}/approve", of="amendments", final=True),
)  # fmt: skip
# Beside the table of permits: a permit is proposed on the page of its plan, a review is asked for, findings are answered.
PROPOSAL = Step("plan", "propose", "", (
    Asked("number"), Asked("official_number", needed=False), Asked("holder"), Asked("harvest_from", "day"),
    Asked("harvest_to", "day"), Asked("move_to", "day"), VOLUMES,
))  # fmt: skip
REVIEW = Step("plan", "review", "review")
EXPLAIN = Step("plan", "explain", "findings/{of}/explanation", WORD, of="findings")
DECIDE = Step(
    "plan",
    "decide",
    "findings/{of}/decision",
    (Asked("decision", "choice", options=("accepted", "upheld")), *WORD),
    of="findings",
)
APPEAL = Step("plan", "appeal", "findings/{of}/appeal", WORD, of="findings")
ENDS = Asked("outcome", "choice", options=("accepted", "upheld", "lifted"))
CLOSE = Step("plan", "close_finding", "findings/{of}/closing", (ENDS, *WORD), of="findings")
BESIDE = (PROPOSAL, REVIEW, EXPLAIN, DECIDE, APPEAL, CLOSE)
# From which state of a finding, for those who made the plan and for officers; with what a decision or an end may say then.
BY_MAKERS: dict[str, tuple[tuple[Step, tuple[str, ...]], ...]] = {
    "open": ((EXPLAIN, ()),), "explained": ((EXPLAIN, ()),), "upheld": ((APPEAL, ()),), "appealed": ((APPEAL, ()),),
}  # fmt: skip
BY_OFFICERS: dict[str, tuple[tuple[Step, tuple[str, ...]], ...]] = {
    "open": ((DECIDE, ("upheld",)),), "explained": ((DECIDE, ("accepted", "upheld")),),
    "accepted": ((CLOSE, ("accepted",)),), "upheld": ((CLOSE, ("upheld",)),), "appealed": ((CLOSE, ("upheld", "lifted")),),
}  # fmt: skip
OFFICERS, MAKERS = frozenset({"authority", "supervisor"}), frozenset({"manager", "regent"})
# Until when one of a list is still to be decided.
STILL_OPEN = {"appeals": "open", "extensions": "requested", "amendments": "proposed"}
STRATEGIC = "PGMF"  # no permit is asked for on a general plan
# Beside which field a refusal without one stands.
BY_SLUG = {
    "number-taken": ("number", "id"), "outside-plan-window": ("harvest_from",), "exceeds-census": ("lines",),
    "assembly-act-needed": ("assembly_act",), "day-not-come": ("day",), "document-kind": ("documents",),
}  # fmt: skip
# What may be done about a refusal.
REMEDIES = {
    "review-needed": "act.do_review", "findings-open": "act.do_answer_findings", "same-person": "act.do_other_person",
    "same-organisation": "act.do_other_office", "wrong-state": "act.do_look_again", "follows-plan": "act.do_on_plan",
    "number-taken": "act.do_other_number", "document-kind": "act.do_right_paper",
}  # fmt: skip


def key_of(act: str, of: str) -> str:
    """What the form of an act over one of a list is called on its page."""
    return f"{act}-{re.sub(r'[^A-Za-z0-9.-]+', '_', of)}" if of else act


@dataclass(frozen=True)
class Offered:
    """A step that somebody may take now. ``of`` is the thing of a list that it is done to; ``told`` says in both languages what it
    does; ``given`` is what its fields hold at first."""

    step: Step
    told: Json
    of: str = ""
    about: Json | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[Json] = ()

    @property
    def key(self) -> str:
        """Its name on the page."""
        return key_of(self.step.act, self.of)


def offered(
    kind: str, state: str, roles: Collection[str], table: Json, things: Mapping[str, Sequence[Json]] | None = None
) -> list[Offered]:
    """The steps from this state that one of these roles may take by the table of permits, in its order."""
    found = list[Offered]()
    for row in table["transitions"]:
        step = next((one for one in STEPS if (one.object, one.act) == (row["object"], row["act"])), None)
        if row["object"] != kind or step is None or state not in row["from"] or not set(roles) & set(row["roles"]):
            continue
        if not step.of:
            found.append(Offered(step, row))
        for one in (things or {}).get(step.of, ()):
            if one["state"] == STILL_OPEN[step.of]:
                found.append(Offered(step, row, one["id"], one))
    return found


def others_turn(kind: str, state: str, roles: Collection[str], table: Json) -> list[Json]:
    """What others may do from here: the rows that lead to another state and are in nobody's hands of these roles."""
    return [
        row
        for row in table["transitions"]
        if row["object"] == kind and state in row["from"] and row["to"] and not set(roles) & set(row["roles"])
    ]


def answers_to(finding: Json, roles: Collection[str]) -> list[Offered]:
    """What one of these roles may say of a finding where it stands. Who exactly may, permits decides."""
    found = list[Offered]()
    for who, steps in ((MAKERS, BY_MAKERS), (OFFICERS, BY_OFFICERS)):
        for step, options in steps.get(finding["state"], ()) if who & set(roles) else ():
            asks = tuple(replace(one, options=options) if one.kind == "choice" else one for one in step.asks)
            found.append(Offered(replace(step, asks=asks), {}, finding["id"], finding))
    return found


def may_propose(plan: Json, roles: Collection[str], table: Json) -> bool:
    """Whether one of these roles may propose a permit on this plan as it stands."""
    row = _proposing(table)
    return plan["state"] == "approved" and plan["kind"] != STRATEGIC and bool(set(roles) & set(row["roles"]))


def _proposing(table: Json) -> Json:
    found: Json = next(one for one in table["transitions"] if (one["object"], one["act"]) == ("permit", "propose"))
    return found


def of_plan(plan: Json, roles: Collection[str], table: Json, trees: Iterable[Json] | None) -> list[Offered]:
    """The steps over a plan: those of the table, a review again, and, given its trees, a permit proposed for what its census
    holds."""
    found = offered("plan", plan["state"], roles, table)
    if OFFICERS & set(roles) and plan["state"] != "draft":
        found.insert(0, Offered(REVIEW, {}))
    if trees is not None and may_propose(plan, roles, table):
        days = {"harvest_from": plan["harvest_from"], "harvest_to": plan["harvest_to"], "holder": plan["org"]}
        found.append(Offered(PROPOSAL, _proposing(table), given=days, lines=harvestable(trees)))
    return found


def of_permit(permit: Json, course: Json, roles: Collection[str], table: Json) -> list[Offered]:
    """The steps over a permit, without those that its measure and its appeals leave no room for."""
    things = {"appeals": course["appeals"], "extensions": course["extensions"], "amendments": permit["amendments"]}
    contested = any(one["state"] == STILL_OPEN["appeals"] for one in course["appeals"])
    without = {"confirm_caducity"} if course["measure"] != "caducity" else {"declare_caducity", "revoke"}
    without |= {"appeal", "confirm_caducity", "reinstate", "revoke"} if contested else set()
    numbered = {"appeal": f"AP-{len(course['appeals']) + 1}", "request_extension": f"AM-{len(course['extensions']) + 1}",
                "propose_amendment": f"MOD-{len(permit['amendments']) + 1}"}  # fmt: skip
    found = list[Offered]()
    for one in offered("permit", permit["state"], roles, table, things):
        act = one.step.act
        if act not in without:
            lines = permit["lines"] if act == "propose_amendment" else ()
            found.append(replace(one, given={"id": numbered[act]} if act in numbered else {}, lines=lines))
    return found


def harvestable(trees: Iterable[Json]) -> list[Json]:
    """What the census holds of harvestable wood, by parcel and species: the most that permits on the plan may authorise."""
    sums: dict[tuple[str, str], int] = {}
    for tree in trees:
        if tree["condition"] == "harvestable":
            place = tree["parcel"], tree["species"]
            sums[place] = sums.get(place, 0) + tree["volume_dm3"]
    return [
        {"parcel": parcel, "species": species, "product": ROUNDWOOD, "volume_dm3": volume}
        for (parcel, species), volume in sorted(sums.items())
    ]


def volume_field(line: Json) -> str:
    """The name of the field with the volume of a line."""
    return "|".join((VOLUME, line["parcel"], line["species"], line["product"]))


def begun(one: Offered, day: date) -> dict[str, str]:
    """What the fields of a step hold before anybody writes."""
    volumes = {
        volume_field(line): f"{line['volume_dm3'] // 1000}.{line['volume_dm3'] % 1000:03d}" for line in one.lines
    }
    days = {asked.name: day.isoformat() for asked in one.step.asks if asked.name == "day"}
    return {**days, **volumes, **one.given}


def body_of(step: Step, form: Filled) -> dict[str, Any]:
    """What is sent; what the form lacks or cannot be read stands in its faults. A field that may stay empty is left out."""
    if step.final and form.get("sure") != "yes":
        form.faults["sure"] = "act.sure"
    return {asked.name: read for asked in step.asks if (read := _read(asked, form)) not in ("", None)}


def _read(asked: Asked, form: Filled) -> Any:
    if asked.kind == "papers":
        return form.get(asked.name).split()
    if asked.kind == "volumes":
        return _lines(form)
    value = " ".join((form.needed(asked.name) if asked.needed else form.get(asked.name)).split())
    if asked.kind == "count" and value:
        return form.count(asked.name)
    if asked.kind == "choice" and value not in asked.options:
        form.faults.setdefault(asked.name, "act.needed")
    return value


def _lines(form: Filled) -> list[Json]:
    named = [name for name in form.fields if name.startswith(f"{VOLUME}|") and name.count("|") == 3 and form.get(name)]
    lines = list[Json]()
    for name in named:
        _, parcel, species, product = name.split("|")
        volume = form.thousandths(name, "act.not_a_volume")
        if volume:
            lines.append({"parcel": parcel, "species": species, "product": product, "volume_dm3": volume})
    if not lines:
        form.faults.setdefault("lines", "act.needed")
    return lines


def beside(step: Step, problem: Json, text: str, language: str) -> dict[str, str]:
    """A refusal by the field it speaks of; above the form when it speaks of the whole."""
    names = {asked.name for asked in step.asks}
    found = dict[str, str]()
    for one in problem.get("errors") or ():
        name = str(one["where"]).removeprefix("body.").partition(".")[0].partition("[")[0]
        found[name if name in names else ""] = str(one["reason_en"] if language == "en" else one["reason"])
    if not found:
        by_slug = BY_SLUG.get(str(problem.get("slug")), ())
        found[next((name for name in by_slug if name in names), "")] = text
    return found
