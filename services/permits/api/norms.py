"""Norms and species as they were in force on a day, for everyone."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query

from services.permits.api.house import HouseDep
from services.permits.domain.norms import plan_rules_on, rows_on
from services.permits.domain.shipped import in_force as in_force_on
from services.permits.domain.shipped import shipped
from services.permits.schemas.norms import CitesOut, NormsOut, SpeciesListOut, SpeciesOut
from services.permits.schemas.words import Day, Region
from shared.refusal import Missing
from shared.timber import norms
from shared.timber.norms.laws import in_force, load_laws
from shared.timber.species import Species, about, catalogue, folded
from shared.timber.trade_names import meant, regions_of
from shared.web.app import Router

router = Router(tags=["norms"])
Named = Annotated[str | None, Query(min_length=1, max_length=80)]


@router.get("/v1/norms")
async def list_norms(house: HouseDep, on: Annotated[Day | None, Query()] = None) -> NormsOut:
    """Acts, infraction numerals, causes of caducity, rules, thresholds, quorum and lists in force on a day."""
    day: date = on or house.today
    laws, facts = load_laws(), about()
    rules = norms.load().on(day.isoformat())
    quorum = in_force_on(shipped("assembly")["quorum"], day)
    return NormsOut(
        on=day, country=laws["country"],
        versions={
            "laws": laws["version"], "rules": norms.load().version, "species": facts["version"],
            **{name: shipped(name)["version"] for name in ("permits", "land", "plan_rules", "field", "assembly", "documents", "lifecycle")},
        },
        acts=in_force(laws["acts"], day.isoformat()), sanctions=in_force(laws["sanctions"], day.isoformat()),
        caducity=in_force(laws["caducity"], day.isoformat()),
        rules=[_rule(rules[name]) for name in sorted(rules) if rules[name].valid_from <= day.isoformat()],
        plan_rules=plan_rules_on(day), thresholds=rows_on(day), assembly=[quorum] if quorum else [], species=facts,
        documents=shipped("documents")["kinds"],
    )  # fmt: skip


def _rule(rule: norms.Rule) -> dict[str, Any]:
    names = ("rule", "title_es", "title_en", "norm", "source", "legal_review", "valid_from", "parameters")
    return {name: getattr(rule, name) for name in names}


@router.get("/v1/species")
async def list_species(
    house: HouseDep, name: Named = None, trade_name: Named = None,
    region: Annotated[Region | None, Query()] = None, on: Annotated[Day | None, Query()] = None,
) -> SpeciesListOut:  # fmt: skip
    """Species by scientific name (former ones too) or by trade name. A trade name of several species is not guessed: the
    answer is 409 with all of them; a region leaves those that were seen under the name there."""
    day: date = on or house.today
    known = catalogue()
    found: list[Species] = list(known)
    if name is not None:
        found = [one for one in known.candidates(name) if not trade_only(one, name)]
    if trade_name is not None:
        found = [one for one in meant(trade_name, region) if name is None or one in found]
    if not found:
        raise Missing("species", name or trade_name or "")
    facts = about()
    return SpeciesListOut(
        on=day, version=facts["version"], legal_review=facts["legal_review"],
        items=[_species(one, day, facts) for one in found],
    )  # fmt: skip


def trade_only(one: Species, name: str) -> bool:
    """Whether a name is a trade name of this species, and neither its scientific name nor a former one."""
    return folded(name) not in {folded(known) for known in (one.name, *one.synonyms)}


def _species(one: Species, day: date, facts: dict[str, Any]) -> SpeciesOut:
    known = catalogue()
    minimum = known.minimum_diameter(one.name)
    cites = one.cites_on(day)
    yields = day >= date.fromisoformat(facts["yield_ceilings"]["valid_from"])
    shared = {other.name for name in one.trade_names for other in known.candidates(name)} - {one.name}
    return SpeciesOut(
        name=one.name, family=one.family, trade_name=one.trade_name, alternates=list(one.alternates),
        synonyms=list(one.synonyms), shares_name_with=sorted(shared),
        seen_in_regions=regions_of(one.trade_name, one.name), dmc_mm=None if minimum is None else minimum.diameter_mm,
        dmc_basis="" if minimum is None else minimum.basis, felling_prohibited=one.felling_prohibited,
        cites=None if cites is None else CitesOut(
            appendix=cites.appendix, in_force=cites.in_force, annotation=cites.annotation
        ),
        sawn_yield_milli=one.sawn_yield_milli if yields else None,
        flooring_blank_yield_milli=one.flooring_blank_yield_milli if yields else None,
        wood_density_kg_m3=one.wood_density_kg_m3, form_factor_milli=one.form_factor_milli, source=one.source,
    )  # fmt: skip
