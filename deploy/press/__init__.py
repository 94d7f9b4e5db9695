"""Contracts that the press reported, without names, as questions that anyone may ask of `POST /v1/appraisals/quick`.

What the press gives and what is assumed are data with their source (`cases.json`); here they become bodies.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

Json = dict[str, Any]


@cache
def facts() -> Mapping[str, Any]:
    """The file as it is."""
    found: Mapping[str, Any] = json.loads((resources.files("deploy.press") / "cases.json").read_text(encoding="utf-8"))
    return found


def assumed(name: str) -> Any:
    """The value of an assumption."""
    return facts()["assumed"][name]["value"]


def body(case: str) -> Json:
    """The question of a case: the offer as the press tells it, with the assumptions as its basis."""
    match case:
        case "four-species":
            return _of_contract(assumed("volumes_m3"))
        case "fifteen-per-cent":
            return _of_contract(assumed("volumes_m3"), Decimal(_press("contract")["community_share_milli"]) / 1_000)
        case "mahogany":
            return _of_contract({"Swietenia macrophylla": assumed("mahogany_m3")})
        case _:
            return _of_trees()


def market() -> Json:
    """The prices of sawn wood in a city that the press printed beside a contract, as a price book: a sample that says so."""
    told = _press("contract")
    entries = [
        _sawn(one["species"], one["market_low"], (Decimal(one["market_low"]) + Decimal(one["market_high"])) / 2, one["market_high"], told["source"])
        | {"grade": "D"}  # shown to people, never judged with
        for one in told["prices_pt"]
    ]  # fmt: skip
    return {
        "id": "muestra-tablas-prensa-2021", "title": "Muestra: tablas en el mercado, según la prensa de 2021", "region": told["region"],
        "as_of": assumed("day"), "source": told["source"], "licence": "hechos citados con su fuente / facts quoted with their source",
        "entries": entries,
    }  # fmt: skip


def _press(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = facts()["press"][name]
    return found


def _of_contract(volumes: Mapping[str, str], part: Decimal = Decimal(1)) -> Json:
    """The contract by the board foot; ``part`` of each price reaches the community."""
    told = _press("contract")
    priced = [one for one in told["prices_pt"] if one["species"] in volumes]
    lines = [
        {
            "kind": "per_volume", "species": [one["species"]], "price": _soles(_spelled(Decimal(one["contract"]) * part)),
            "unit": "pt", "rule": assumed("rule"), "product": "standing", "point_of_sale": "stump",
        }
        for one in priced
    ]  # fmt: skip
    entries = [
        _sawn(one["species"], one["market_low"], (Decimal(one["market_low"]) + Decimal(one["market_high"])) / 2, one["market_high"], told["source"])
        for one in priced
    ]  # fmt: skip
    lot = {"basis": "declared", "species": [{"species": name, "volume_m3": volume} for name, volume in volumes.items()]}
    terms = {"term_months": told["term_months"], "index_clause": told["index_clause"]}
    offer = _offer(told, lines, lot, terms)
    return {
        "offer": offer,
        "basis": _basis(told["region"], entries, {"overhead": assumed("costs_m3")}, assumed("margin_milli")),
    }


def _of_trees() -> Json:
    told, species = _press("trees"), assumed("tree_species")
    line = {
        "kind": "per_tree", "species": "any", "price": _soles(told["price_tree"]), "product": "standing",
        "point_of_sale": "stump",
    }  # fmt: skip
    lot = {"basis": "declared", "species": [{"species": species, "volume_m3": assumed("tree_m3"), "trees": 100}]}
    terms = {"operator": told["operator"], "power_over": told["power_over"], "fines_on": told["fines_on"]}
    price = assumed("tree_price_pt")
    entries = [_sawn(species, price, Decimal(price), price, facts()["assumed"]["tree_price_pt"]["source"])]
    costs = _basis(told["region"], entries, assumed("tree_costs_m3"), assumed("tree_margin_milli"))
    return {"offer": _offer(told, [line], lot, terms), "basis": costs}


def _offer(told: Mapping[str, Any], lines: list[Json], lot: Json, terms: Json) -> Json:
    return {
        "title": "Caso de la prensa, sin nombres", "community": "comunidad-x", "buyer": None,
        "buyer_name": "Empresa X", "region": told["region"], "offered_on": told.get("offered_on", assumed("day")),
        "lines": lines, "lot": lot, "terms": terms,
    }  # fmt: skip


def _basis(region: str, entries: list[Json], costs: Mapping[str, str], margin_milli: int) -> Json:
    day, signed = assumed("day"), assumed("signed")
    book = {"region": region, "as_of": day, "source": "deploy/press/cases.json"}
    lines = [
        {"step": step, "mid": _soles(amount), "source": "deploy/press/cases.json", "on": signed["on"]}
        for step, amount in costs.items()
    ]
    return {
        "on": day,
        "prices": book | {"id": "prensa", "title": "Precios de la prensa", "licence": "facts quoted with their source", "entries": entries},
        "costs": book | {
            "id": "supuestos", "title": "Costos supuestos", "recovery_milli": {"mid": assumed("recovery_milli")},
            "margin_milli": {"mid": margin_milli}, "lines": lines, "signed_by": signed,
        },
    }  # fmt: skip


def _sawn(species: str, low: str, mid: Decimal, high: str, source: str) -> Json:
    return {
        "species": species, "product": "sawn", "unit": "pt", "rule": "sawn", "point_of_sale": "mill_gate",
        "low": _soles(low), "mid": _soles(_spelled(mid)), "high": _soles(high), "grade": "given",
        "observed_on": assumed("day"), "source": source[:200],
    }  # fmt: skip


def _soles(amount: str) -> Json:
    return {"amount": amount, "currency": "PEN"}


def _spelled(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
