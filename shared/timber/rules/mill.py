"""What a mill makes of wood: M01 M04 M06."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from shared.timber.facts import Item
from shared.timber.norms import Rule
from shared.timber.rules.outcome import Outcome
from shared.timber.species import Catalogue


def m01(
    rule: Rule, subject: str, inputs: Sequence[Item], outputs: Sequence[dict[str, Any]], study: str | None,
    catalogue: Catalogue, day: str,
) -> list[Outcome]:  # fmt: skip
    """Yield by species and product against its ceiling; whatever the study, no more wood comes out than went in."""
    consumed: dict[str, int] = {}
    unsawn: set[str] = set()
    for item in inputs:
        consumed[item.species] = consumed.get(item.species, 0) + item.volume_dm3
        if item.kind == "log":
            unsawn.add(item.species)
    made: dict[str, dict[str, int]] = {}
    for output in outputs:
        products = made.setdefault(output["species"], {})
        products[output["product"]] = products.get(output["product"], 0) + output["volume_dm3"]
    if not consumed.keys() & made.keys():
        return [rule.not_evaluated(subject, "no_shared", {"consumed": sorted(consumed), "made": sorted(made)})]
    outcomes = []
    for name in sorted(consumed.keys() & made.keys()):
        ceilings = rule.parameters["ceilings_permille"] if name in unsawn else None
        free = study is not None or _listed(catalogue, name, day)
        outcomes.append(_m01_of(rule, subject, name, consumed[name], made[name], ceilings, free))
    return outcomes


def _m01_of(
    rule: Rule,
    subject: str,
    species: str,
    inputs: int,
    made: dict[str, int],
    ceilings: dict[str, int] | None,
    free: bool,
) -> Outcome:
    """``free`` of the national ceiling: a study is quoted, or the coefficient leaves the species out."""

    def computed(product: str, outputs: int) -> dict[str, Any]:
        return {
            "species": species, "product": product, "inputs_dm3": inputs, "outputs_dm3": outputs,
            "yield_permille": (outputs * 2000 + inputs) // (2 * inputs),
        }  # fmt: skip

    total = sum(made.values())
    whole = rule.parameters["whole_permille"]
    if total * 1000 > inputs * whole:
        figures = computed(" + ".join(sorted(made)), total) | {"ceiling_permille": whole}
        return rule.failed(rule.parameters["severity"], subject, "over", figures)
    unknown: dict[str, Any] | None = None
    for product, outputs in sorted(made.items()):
        ceiling = None if ceilings is None else ceilings.get(product)
        if ceilings is None or product in ("roundwood", "branch_firewood", "other"):
            continue  # only what is sawn from round wood has a ceiling of its own
        if free or ceiling is None:
            unknown = unknown or computed(product, outputs)
        elif outputs * 1000 > inputs * ceiling:
            figures = computed(product, outputs) | {"ceiling_permille": ceiling}
            return rule.failed(rule.parameters["severity"], subject, "over", figures)
    if unknown is not None:
        return rule.not_evaluated(subject, "no_ceiling", unknown)
    return rule.passed(subject, computed(" + ".join(sorted(made)), total))


def _listed(catalogue: Catalogue, species: str, day: str) -> bool:
    """Whether CITES lists the species on the day: the national coefficient leaves those out."""
    return species in catalogue and catalogue.accepted(species).cites_on(date.fromisoformat(day)) is not None


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
