"""Trees become logs: felling, cross-cutting, moving."""

from typing import Any

from shared.timber.facts import CensusTree, Item, Line
from shared.timber.refusals import BranchWood, IdTaken, TooMany, Unrelated, WrongKind
from shared.timber.rules import custody
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case, remembered, unspent

MOST_SECTIONS = 200  # of a tree, in all its records; a log is cut in one record, which holds 40


def fell(case: Case) -> Outcomes:
    """A tree comes down. A tree out of the census, of the season or felled twice is recorded, with its findings."""
    body, record, rules = case.body, case.record, case.rules
    permit = case.permit_of_actor(body["permit"])
    if permit.plan != body["plan"]:
        raise Unrelated(f"permit {permit.number}", permit.plan, body["plan"])
    subject, code, species, volume = body["item"], body["tree"], body["species"], body["volume_dm3"]
    item = case.facts.find(Item, f"item:{subject}")
    if item is not None and item.kind != "tree":
        raise IdTaken("item", subject, item.made_index)
    tree = case.facts.find(CensusTree, f"tree:{subject}")
    key, line = case.line(permit.number, body["parcel"], species, "roundwood")

    outcomes = Outcomes()
    outcomes.note(custody.c01(rules["C01"], subject, code, body["parcel"], tree))
    outcomes.note(custody.c02(rules["C02"], subject, code, item))
    outcomes.note(custody.c03(rules["C03"], subject, permit, record.time))
    outcomes.note(custody.c05(rules["C05"], subject, None if tree is None else tree.species, species, line))
    outcomes.note(custody.c07(rules["C07"], subject, volume, tree))

    if item is None:
        item = Item(
            subject, "tree", code, species, "roundwood", volume, body["length_mm"], body["diameter_large_mm"],
            body["diameter_small_mm"], False, permit.number, permit.plan, body["parcel"], None, [], record.sid,
            case.index, record.time, record.actor,
        )  # fmt: skip
        line.felled_dm3 += volume
        case.facts.put(key, line)
    item.fellings += 1
    case.facts.put(f"item:{subject}", item)
    case.mark((item,), outcomes)
    return outcomes


def cut(case: Case) -> Outcomes:
    """A felled tree, in one or several records, or a log, once, becomes sections."""
    body = case.body
    source = case.known(Item, "item", body["source"])
    if source.kind == "product":
        raise WrongKind(source.id, source.kind)
    case.held(source)
    if (source.permit, source.parcel) != (body["permit"], body["parcel"]):
        raise Unrelated(f"item {source.id}", f"{source.permit} {source.parcel}", f"{body['permit']} {body['parcel']}")
    unspent(source)
    sections = body["sections"]
    if len(source.sections) + len(sections) > MOST_SECTIONS:
        raise TooMany("item", source.id, MOST_SECTIONS)
    for section in sections:
        if source.branch and not section["branch"]:
            raise BranchWood(source.id, section["code"])
        case.free(section["item"])
    lines = _lines(case, body, sections)
    outcomes = _judge_cut(case, source, sections, lines)
    _apply_cut(case, source, sections, lines, outcomes)
    return outcomes


def _product(section: dict[str, Any]) -> str:
    return "branch_firewood" if section["branch"] else "roundwood"


def _lines(case: Case, body: dict[str, Any], sections: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, Line]]:
    """The balances of the sections, by species and product."""
    found: dict[tuple[str, str], tuple[str, Line]] = {}
    for section in sections:
        group = section["species"], _product(section)
        if group not in found:
            found[group] = case.line(body["permit"], body["parcel"], *group)
    return found


def _judge_cut(
    case: Case, source: Item, sections: list[dict[str, Any]], lines: dict[tuple[str, str], tuple[str, Line]]
) -> Outcomes:
    rules, outcomes = case.rules, Outcomes()
    other = next((section for section in sections if section["species"] != source.species), sections[0])
    line = lines[other["species"], _product(other)][1]
    branches = [section for section in sections if section["branch"]]
    counted = custody.counted(source, sections) if branches else sections
    cut_dm3 = source.cut_dm3 + sum([section["volume_dm3"] for section in counted])
    made = (source.id, source.made_time)
    outcomes.note(custody.c05(rules["C05"], other["item"], source.species, other["species"], line))
    outcomes.note(custody.c08(rules["C08"], source, cut_dm3, counted))
    if branches:
        branch_dm3 = source.branch_dm3 + sum([section["volume_dm3"] for section in branches])
        codes = [section["code"] for section in branches]
        outcomes.note(custody.c09(rules["C09"], source, branch_dm3, codes))
    outcomes.note(custody.c10(rules["C10"], source, [section["code"] for section in sections]))
    outcomes.note(custody.c13(rules["C13"], source.id, "felling", "cross-cutting", case.record.time, (made,)))
    return outcomes


def _apply_cut(
    case: Case, source: Item, sections: list[dict[str, Any]], lines: dict[tuple[str, str], tuple[str, Line]],
    outcomes: Outcomes,
) -> None:  # fmt: skip
    record, index = case.record, case.index
    worst = max(source.worst, outcomes.worst)
    grave = remembered(f"{source.grave} {case.grave(outcomes)}") if outcomes else source.grave
    tree = source.id if source.kind == "tree" else source.tree
    parents = [source.id]
    for section in sections:
        branch, volume = section["branch"], section["volume_dm3"]
        log = Item(
            section["item"], "log", section["code"], section["species"], _product(section), volume,
            section["length_mm"], section["diameter_large_mm"], section["diameter_small_mm"], branch, source.permit,
            source.plan, source.parcel, tree, parents, record.sid, index, record.time, source.holder,
        )  # fmt: skip
        log.drawn_by, log.worst, log.grave = source.drawn_by, worst, grave
        case.facts.put(f"item:{log.id}", log)
        source.sections.append(section["code"])
        if branch and source.kind == "tree":
            source.branch_dm3 += volume
        else:
            source.cut_dm3 += volume
        if source.kind == "tree":  # a log that is cut again was counted when it was first cut
            lines[section["species"], log.product][1].cut_dm3 += volume
    if source.kind == "tree":
        for key, line in lines.values():
            case.facts.put(key, line)
    else:
        source.spent_by, source.spent_index, source.spent_how = record.sid, index, "cut"
    case.facts.put(f"item:{source.id}", source)
    case.mark((source,), outcomes)


def move(case: Case) -> Outcomes:
    """Pieces are somewhere else, still in the same hands."""
    for item in case.items(case.body["items"]):
        case.held(item)
        unspent(item, "lot")
    return Outcomes()
