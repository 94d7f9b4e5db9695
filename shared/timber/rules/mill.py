"""What a mill makes of wood: M01 M04 M06."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from shared.timber.cites import standing
from shared.timber.facts import Item
from shared.timber.norms import Rule
from shared.timber.rules.outcome import Outcome
from shared.timber.species import Catalogue

SAWN = frozenset({"sawn", "flooring_blank"})
"""Products with a ceiling of their own. Anything else a mill makes is on its way there, and is judged as round wood."""


def unsawn_dm3(item: Item) -> int | None:
    """The round wood a piece stands for, or ``None`` once it is sawn."""
    return item.volume_dm3 if item.kind == "log" else item.round_dm3


def free_of_ceiling(inputs: Sequence[Item], study: str | None, catalogue: Catalogue, day: str) -> frozenset[str]:
    """The species without national ceiling in this run: a study is quoted, or the coefficient leaves the species out."""
    species = {item.species for item in inputs}
    return frozenset(name for name in species if study is not None or _listed(catalogue, name, day))


def m01(
    rule: Rule, subject: str, inputs: Sequence[Item], outputs: Sequence[dict[str, Any]], free: Collection[str]
) -> list[Outcome]:
    """Yield by species and product against its ceiling; whatever the study, no more wood comes out than went in.

    The ceiling is set against the round wood behind the inputs, in however many runs it was sawn.
    """
    consumed: dict[str, int] = {}
    for item in inputs:
        consumed[item.species] = consumed.get(item.species, 0) + item.volume_dm3
    behind = _behind(inputs)
    made = _made(outputs)
    shared = sorted(consumed.keys() & made.keys())
    if not shared:
        return [rule.not_evaluated(subject, "no_shared", {"consumed": sorted(consumed), "made": sorted(made)})]
    outcomes = []
    for name in shared:
        over = _over_whole(rule, subject, name, consumed[name], made[name])
        outcomes.append(
            over or _m01_of(rule, subject, name, behind.get(name), consumed[name], made[name], name in free)
        )
    return outcomes


def round_left(
    rule: Rule, inputs: Sequence[Item], outputs: Sequence[dict[str, Any]], free: Collection[str]
) -> list[int | None]:
    """For each output, the round wood it still stands for: what the sawn outputs did not use up, by share of volume."""
    ceilings, behind = rule.parameters["ceilings_permille"], _behind(inputs)
    left, unsawn = dict(behind), dict.fromkeys(behind, 0)
    for output in outputs:
        name, product, volume = output["species"], output["product"], output["volume_dm3"]
        if name not in behind:
            continue
        if product in SAWN:
            ceiling = rule.parameters["whole_permille"] if name in free else ceilings.get(product, 1000)
            left[name] -= -(-volume * 1000 // ceiling)
        else:
            unsawn[name] += volume
    return [
        None if output["product"] in SAWN or output["species"] not in behind
        else max(left[output["species"]], 0) * output["volume_dm3"] // unsawn[output["species"]]
        for output in outputs
    ]  # fmt: skip


def _behind(inputs: Sequence[Item]) -> dict[str, int]:
    """By species that is not all sawn yet, the round wood behind the inputs; sawn inputs count as they are."""
    found: dict[str, int] = {}
    unsawn: set[str] = set()
    for item in inputs:
        round_dm3 = unsawn_dm3(item)
        if round_dm3 is not None:
            unsawn.add(item.species)
        found[item.species] = found.get(item.species, 0) + (item.volume_dm3 if round_dm3 is None else round_dm3)
    return {name: volume for name, volume in found.items() if name in unsawn}


def _made(outputs: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for output in outputs:
        products = made.setdefault(output["species"], {})
        products[output["product"]] = products.get(output["product"], 0) + output["volume_dm3"]
    return made


def _computed(species: str, product: str, inputs: int, outputs: int) -> dict[str, Any]:
    whole = max(inputs, 1)  # nothing may be left of the round wood
    return {
        "species": species, "product": product, "inputs_dm3": inputs, "outputs_dm3": outputs,
        "yield_permille": (outputs * 2000 + whole) // (2 * whole),
    }  # fmt: skip


def _over_whole(rule: Rule, subject: str, species: str, inputs: int, made: dict[str, int]) -> Outcome | None:
    total, whole = sum(made.values()), rule.parameters["whole_permille"]
    if total * 1000 <= inputs * whole:
        return None
    figures = _computed(species, " + ".join(sorted(made)), inputs, total) | {"ceiling_permille": whole}
    return rule.failed(rule.parameters["severity"], subject, "over", figures)


def _m01_of(
    rule: Rule, subject: str, species: str, behind: int | None, inputs: int, made: dict[str, int], free: bool
) -> Outcome:
    """``behind`` is the round wood behind the inputs, ``None`` where all was sawn before."""
    unknown: dict[str, Any] | None = None
    for product, outputs in sorted(made.items()):
        if behind is None or product not in SAWN:
            continue  # only what is sawn from round wood has a ceiling of its own
        ceiling = rule.parameters["ceilings_permille"].get(product)
        figures = _computed(species, product, behind, outputs)
        if free or ceiling is None:
            unknown = unknown or figures
        elif outputs * 1000 > behind * ceiling:
            return rule.failed(rule.parameters["severity"], subject, "over", figures | {"ceiling_permille": ceiling})
    if unknown is not None:
        return rule.not_evaluated(subject, "no_ceiling", unknown)
    return rule.passed(subject, _computed(species, " + ".join(sorted(made)), inputs, sum(made.values())))


def _listed(catalogue: Catalogue, species: str, day: str) -> bool:
    """Whether CITES lists the species on the day, or its genus whole: the national coefficient leaves those out. A name that only
    may be one, for its genus has a listed species, keeps the limit."""
    return standing(species, date.fromisoformat(day), catalogue) == "listed"


def m04(rule: Rule, subject: str, stock: Sequence[dict[str, Any]] | None) -> Outcome:
    """Opening plus entries less consumption is what is left."""
    if stock is None:
        return rule.not_evaluated(subject, "no_stock", {})
    for line in stock:
        expected = line["opening_dm3"] + line["in_dm3"] - line["consumed_dm3"]
        handled = line["opening_dm3"] + line["in_dm3"]
        if abs(line["closing_dm3"] - expected) * 1000 > handled * rule.parameters["permille"]:
            computed = {
                "species": line["species"], "opening_dm3": line["opening_dm3"], "entered_dm3": line["in_dm3"],
                "consumed_dm3": line["consumed_dm3"], "closing_dm3": line["closing_dm3"], "expected_dm3": expected,
            }  # fmt: skip
            return rule.failed(rule.parameters["severity"], subject, "differs", computed)
    return rule.passed(subject, {"lines": len(stock)})


def m06(rule: Rule, subject: str, inputs: Sequence[Item], outputs: Sequence[dict[str, Any]]) -> Outcome:
    """Every species that comes out went in."""
    consumed = sorted({item.species for item in inputs})
    for output in outputs:
        if output["species"] not in consumed:
            computed = {"species": output["species"], "consumed": consumed}
            return rule.failed(rule.parameters["severity"], subject, "other_species", computed)
    return rule.passed(subject, {"species": sorted({output["species"] for output in outputs}), "consumed": consumed})
