"""The papers behind a plan: resolution and licence (P04), field inspection (P13), assembly (P14), CITES (P15)."""

import math
from datetime import date

from services.permits.domain.census import Tree, seat
from services.permits.domain.finding import Finding
from services.permits.domain.paper import Licence, is_listed, may_be_listed
from services.permits.domain.plan_facts import Assembly, PlanFacts
from services.permits.domain.rules.catalogue import PlanRule

_PARTS = {
    "census_before_upload": ("el fin del censo", "the end of the census"),
    "licence_on_signature": ("la licencia del regente", "the regent's licence"),
    "competent_authority": ("la autoridad que decide", "the authority that decides"),
}


def resolution(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P04: the census ended before it was uploaded, so before anybody decides; licence valid at the signature; authority of
    the region. One false part is enough."""
    parts = {
        "census_before_upload": _ended(facts),
        "licence_on_signature": _licensed(facts.licences, facts.signed_on),
        "competent_authority": facts.competent,
    }
    wrong, unknown = [n for n, ok in parts.items() if ok is False], [n for n, ok in parts.items() if ok is None]
    computed = {name: "unknown" if ok is None else "yes" if ok else "no" for name, ok in parts.items()}
    if wrong:
        es, en = _named(wrong)
        evidence = _looked_at(facts)
        return rule.failed(
            rule.severity, facts.subject, f"No se sostiene: {es}.", f"Does not hold: {en}.", computed, evidence
        )
    if unknown:
        es, en = _named(unknown)
        return rule.missing(facts.subject, f"falta {es}", f"unknown: {en}", computed)
    return rule.judged(
        "", facts.subject, "Censo, licencia y autoridad se sostienen.", "Census, licence and authority hold.", computed,
        _looked_at(facts),
    )  # fmt: skip


def _ended(facts: PlanFacts) -> bool | None:
    """A list that was uploaded before its census ended was not made from it. It ended as the community says, and not before
    the last tree that it dates."""
    told = [day for day in (facts.census_ended_on, facts.last_surveyed_on) if day is not None]
    return None if not told or facts.census_uploaded_on is None else max(told) <= facts.census_uploaded_on


def _looked_at(facts: PlanFacts) -> list[dict[str, str]]:
    """The days that were compared, as they stood: papers may be taken back later, the finding keeps what it rested on."""
    days = {
        "census_ended_on": facts.census_ended_on,
        "last_surveyed_on": facts.last_surveyed_on,
        "census_uploaded_on": facts.census_uploaded_on,
        "signed_on": facts.signed_on,
    }
    told = [{"day": name, "on": day.isoformat()} for name, day in days.items() if day is not None]
    return [*told, *(_licence_row(licence) for licence in facts.licences or ())]


def _licence_row(licence: Licence) -> dict[str, str]:
    row = {
        "licence": licence.number, "valid_from": licence.valid_from.isoformat(), "valid_to": licence.valid_to.isoformat(),
    }  # fmt: skip
    return row if licence.no_more_from is None else row | {"no_more_from": licence.no_more_from.isoformat()}


def _named(parts: list[str]) -> tuple[str, str]:
    return ", ".join(_PARTS[part][0] for part in parts), ", ".join(_PARTS[part][1] for part in parts)


def _licensed(licences: tuple[Licence, ...] | None, on: date | None) -> bool | None:
    if licences is None or on is None:
        return None
    return any(licence.counts_on(on) for licence in licences)


def inspected(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P13: before the approval somebody else than the makers looked at enough trees to meet a phantom among them, and met no
    greater share of phantoms than the sample is made to find."""
    if facts.looks is None or not facts.whole:
        what = ("no se sabe qué se inspeccionó", "inspections before the approval are not known")
        return rule.missing(facts.subject, *(what if facts.looks is None else _PART))
    needed = min(sample_of(rule), len(facts.harvestable))
    good = [look for look in facts.looks if look.by_another and look.before_approval]
    seen, absent = sum(look.trees_sampled for look in good), sum(look.trees_absent for look in good)
    phantoms = absent * 1000 > seen * rule.parameters["phantom_permille"]
    return rule.judged(
        "" if good and seen >= needed and not phantoms else rule.severity, facts.subject,
        f"{len(good)} inspecciones de terceros antes de aprobar, {seen} árboles buscados de {needed} que hacen falta; {absent}"
        " no existen.",
        f"{len(good)} independent inspections before approval, {seen} trees looked for of {needed} needed; {absent} do not exist.",
        {"inspections": len(good), "trees_sampled": seen, "trees_needed": needed, "trees_absent": absent},
        [
            {"inspection": one.number, "trees_sampled": one.trees_sampled, "trees_absent": one.trees_absent}
            for one in facts.looks
        ],
    )  # fmt: skip


def sample_of(rule: PlanRule) -> int:
    """Trees that find one phantom with the rule's confidence when its share of them are phantoms: ln(1-c) / ln(1-p)."""
    miss, phantom = 1 - rule.parameters["confidence_permille"] / 1000, rule.parameters["phantom_permille"] / 1000
    return math.ceil(math.log(miss) / math.log(1 - phantom))


def third_party(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P14: every third party stands in an act of the assembly, with quorum and a signed digest."""
    parties = facts.third_parties
    if parties is None:
        return rule.missing(facts.subject, "no se sabe si hay terceros", "third parties are not known")
    if not parties:
        return rule.passed(facts.subject, "No hay terceros.", "There is no third party.", {"third_parties": 0})
    if facts.assemblies is None:
        return rule.missing(
            facts.subject, "faltan las actas de asamblea", "the acts of the assembly are missing",
            {"third_parties": len(parties)},
        )  # fmt: skip
    without = [party for party in parties if not _named_in(facts.assemblies, party)]
    return rule.judged(
        rule.severity if without else "", facts.subject,
        f"{len(without)} de {len(parties)} terceros no están en un acta con cuórum y firmada.",
        f"{len(without)} of {len(parties)} third parties stand in no signed act with quorum.",
        {"third_parties": len(parties), "without_act": len(without)}, [{"organisation": party} for party in without],
    )  # fmt: skip


def _named_in(assemblies: tuple[Assembly, ...], party: str) -> bool:
    return any(act.quorum and act.signed and party in act.parties for act in assemblies)


def cites(facts: PlanFacts, rule: PlanRule) -> Finding:
    """P15: every harvestable tree of a listed species was seen in the field, and a quota or finding is quoted for each
    species. One false part is enough; a part that nobody has told is not a pass."""
    trees = [tree for tree in facts.harvestable if is_listed(tree.species, facts.day)]
    computed = {"cites_trees": len(trees)}
    if not trees and not (facts.whole and facts.harvestable):
        return rule.missing(facts.subject, *_PART)
    doubtful = ", ".join(sorted({_called(tree) for tree in facts.harvestable if may_be_listed(tree, facts.day)}))
    unnamed = f"no se sabe si están en CITES: {doubtful}", f"whether CITES lists them is not known: {doubtful}"
    if not trees and doubtful:
        return rule.missing(facts.subject, *unnamed, computed)
    if not trees:
        return rule.passed(facts.subject, "Ninguna especie CITES.", "No CITES species.", computed)
    if facts.cites is None:
        return rule.missing(
            facts.subject, f"no se sabe si se verificaron los {len(trees)} árboles CITES ni qué cupo se cita",
            f"field verification and quota of the {len(trees)} CITES trees are not known", computed,
        )  # fmt: skip
    verified, references = facts.cites.verified, facts.cites.references
    unseen = [tree for tree in trees if (tree.parcel, tree.code) not in (verified or ())]
    species = {tree.species for tree in trees}
    quoted = sorted(f"{name}: {paper}" for name, paper in (references or {}).items() if name in species)
    short = (len(trees) - len(unseen)) * 1000 < len(trees) * rule.parameters["verified_permille"]
    computed |= {"verified": len(trees) - len(unseen), "species": len(species), "species_quoted": len(quoted)}
    es, en = (
        f"{computed['verified']} de {len(trees)} árboles CITES verificados en campo; referencias de {len(quoted)} de"
        f" {len(species)} especies: {'; '.join(quoted) or 'ninguna'}",
        f"{computed['verified']} of {len(trees)} CITES trees verified in the field; references of {len(quoted)} of"
        f" {len(species)} species: {'; '.join(quoted) or 'none'}",
    )
    wrong = (verified is not None and short) or (references is not None and len(quoted) < len(species))
    if not wrong and (verified is None or references is None):
        return rule.missing(facts.subject, es, en, computed)
    if not wrong and doubtful:
        return rule.missing(facts.subject, *unnamed, computed)
    evidence = [seat(tree) for tree in unseen]
    return rule.judged(rule.severity if wrong else "", facts.subject, f"{es}.", f"{en}.", computed, evidence)


def _called(tree: Tree) -> str:
    return f"{tree.species} ({tree.trade_name})" if tree.trade_name else tree.species


_PART = ("el censo no está entero", "the census is not whole")
