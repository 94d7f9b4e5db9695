"""Flags about who stands behind the offer, its permit and its wood: L05 to L08, E01 to E03, S01."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.contracts.domain.flags.answer import (
    Check,
    FlagSpec,
    Outcome,
    Words,
    all_of,
    any_of,
    found,
    is_not,
    more_than,
    stated,
    where,
)
from services.contracts.domain.judged import Case
from services.contracts.domain.known import PermitStanding
from services.contracts.domain.price import Product
from services.contracts.domain.words import Both
from shared.timber.cites import standing
from shared.timber.species import catalogue

ZERO = Decimal(0)


def _hidden_third_party(case: Case, _: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("operator", "regent_paid_by", "regent_disclosed")
    third = None if terms.operator is None else terms.operator == "third_party"
    paid = None if terms.regent_paid_by is None else terms.regent_paid_by == "buyer"
    return found(any_of(third, all_of(paid, is_not(terms.regent_disclosed))), stated(case, *names), where(case, *names))


def _buyer_sanctioned(case: Case, _: FlagSpec) -> Outcome:
    """By the snapshots of the house. What the parties say of a list they read may raise it, and never clears it."""
    said, known = case.offer.terms.sanctions, case.known.buyer
    by_house = None if known is None or known.state == "unknown" else known.state == "listed"
    by_parties = said is not None and said.listed
    evidence = {"buyer_ruc": case.offer.buyer_ruc, "standing": None if known is None else known.as_json()}
    return found(any_of(by_house, by_parties), stated(case, "sanctions") | evidence, where(case, "sanctions"))


def _regent_unlicensed(case: Case, _: FlagSpec) -> Outcome:
    """By the registry on the day of the signature. A regent of whom no licence was registered may be suspended or not."""
    known = case.known.regent
    raised = None if known in (None, "registered") else known != "licensed"
    why = Both(
        "no tiene licencia que rija ese día: venció, terminó o fue revocada",
        "has no licence that counts on that day: it is over, was ended or revoked",
    )
    if known == "not_registered":
        why = Both("no está en el registro", "is not in the registry")
    return found(raised, {"regent": case.offer.regent, "registry": known}, {"who": case.offer.regent or "", "why": why})


def _counts(case: Case, permit: PermitStanding) -> bool | None:
    """By the clock of what is sold: standing trees are still to be felled, logs that custody holds only to be moved. Whether other
    logs were felled in time nobody has shown: unknown once they may be moved and no longer felled."""
    if any(line.product is Product.STANDING for line in case.offer.lines):
        return permit.valid
    if case.known.custody_logs:
        return permit.movement_valid
    return any_of(permit.valid, None if permit.movement_valid else False)


def _permit_invalid(case: Case, _: FlagSpec) -> Outcome:
    permit = case.known.permit
    if permit is None:
        return found(None, {"permit": case.offer.permit})
    if not isinstance(permit, PermitStanding):
        why = Both("el registro no conoce ese permiso", "the registry does not know that permit")
        return found(True, {"permit": case.offer.permit, "status": permit}, {"why": why})
    volume = case.total.volume_m3
    beyond = None if permit.volume_m3 is None or volume is None else volume > permit.volume_m3
    short = _short_of(case, permit)
    evidence = {
        "permit": permit.number, "on": permit.on.isoformat(), "status": permit.status, "valid": permit.valid,
        "movement_valid": permit.movement_valid,
        "authorised_m3": None if permit.volume_m3 is None else str(permit.volume_m3),
        "offered_m3": None if volume is None else str(volume), "species": [name for name, _ in short],
    }  # fmt: skip
    counts = _counts(case, permit)
    why = Both(f"el permiso {permit.number} no rige ese día", f"the permit {permit.number} does not count on that day")
    if counts is not False and beyond:
        why = Both(
            f"la oferta pasa de los {permit.volume_m3} m³ autorizados",
            f"the offer passes the {permit.volume_m3} m³ authorised",
        )
    elif counts is not False and short:
        why = Both("; ".join(said.es for _, said in short), "; ".join(said.en for _, said in short))
    return found(any_of(is_not(counts), beyond, bool(short)), evidence, {"why": why})


def _short_of(case: Case, permit: PermitStanding) -> list[tuple[str, Both]]:
    """Round wood of the offer that the permit does not authorise, or no longer, species by species. Logs that custody holds may
    have been drawn from it already."""
    number, short = permit.number, []
    left = None if case.known.custody_logs else case.known.left_m3
    for line in case.lines:
        for name in () if line.line.product is Product.SAWN else line.species:
            offered, called = (
                case.wood.species[name].volume_m3,
                f"{catalogue().accepted(name).trade_name.lower()} ({name})",
            )
            authorised = None if permit.species_m3 is None else permit.species_m3.get(name, ZERO)
            remains = None if left is None else max(left.get(name, ZERO), ZERO)
            if authorised == 0:
                said = Both(
                    f"el permiso {number} no autoriza {called}", f"the permit {number} does not authorise {called}"
                )
            elif authorised is not None and offered > authorised:
                said = Both(
                    f"de {called} se ofrecen {offered:f} m³ y el permiso {number} autoriza {authorised:f}",
                    f"{offered:f} m³ of {called} are offered and the permit {number} authorises {authorised:f}",
                )
            elif remains is not None and offered > remains:
                said = Both(
                    f"de {called} se ofrecen {offered:f} m³ y del permiso {number} quedan {remains:f}",
                    f"{offered:f} m³ of {called} are offered and {remains:f} are left of the permit {number}",
                )
            else:
                continue
            short.append((name, said))
    return short


def _fsc_conflict(case: Case, _: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("buyer_certificate", "sold_as_certified", "chain_of_custody_code")
    bad = None if terms.buyer_certificate is None else terms.buyer_certificate in ("suspended", "disassociated")
    uncoded = all_of(terms.sold_as_certified, is_not(terms.chain_of_custody_code))
    return found(any_of(bad, uncoded), stated(case, *names), where(case, *names))


def _protected_species(case: Case, _: FlagSpec) -> Outcome:
    """By species or whole genus, as the census and the lottery read CITES; an offer names only species of the catalogue."""
    terms, names = case.offer.terms, ("cites_evidence", "seed_trees_included")
    species = sorted(case.wood.species)
    listed = [name for name in species if standing(name, case.basis.on) == "listed"]
    raised = any_of(all_of(bool(listed), is_not(terms.cites_evidence)), terms.seed_trees_included)
    words: Words = {"what": ", ".join(listed), **where(case, *names)}
    if not species:
        raised = any_of(raised, None)
    return found(raised, {"cites": listed, **stated(case, *names)}, words)


def _laundering_risk(case: Case, spec: FlagSpec) -> Outcome:
    """Whole and species by species against the census, and the whole by hectare: one species is washed within the sum of all."""
    terms, names, volume = case.offer.terms, ("census_m3", "census_species_m3", "area_ha"), case.total.volume_m3
    over_whole = None if terms.census_m3 is None or volume is None else volume > terms.census_m3
    beyond = _more_than_stood(case)
    if beyond is None and over_whole is False and len(case.wood.species) > 1:
        over_whole = None  # one of them may still be more than was counted of it
    over_census = over_whole if beyond is None else bool(beyond) or bool(over_whole)
    by_ha = None if terms.area_ha is None or volume is None else volume / terms.area_ha
    evidence: dict[str, object] = {"offered_m3": None if volume is None else str(volume), **stated(case, *names)}
    words: Words = {"what": _what_passes(volume, beyond or ()), **where(case, *names)}
    return found(any_of(over_census, more_than(by_ha, spec.limit("m3_per_ha"))), evidence, words)


def _more_than_stood(case: Case) -> list[tuple[str, Decimal, Decimal]] | None:
    """Species of which more is offered than the census counted, which may be none: name, offered and counted. ``None``
    where nobody has said what it counted of each, or of which species the wood is."""
    if case.offer.terms.census_species_m3 is None or not case.wood.species:
        return None
    stood = {one.species: one.volume_m3 for one in case.offer.terms.census_species_m3}
    return [
        (name, wood.volume_m3, stood.get(name, ZERO))
        for name, wood in sorted(case.wood.species.items())
        if wood.volume_m3 > stood.get(name, ZERO)
    ]


def _what_passes(volume: Decimal | None, beyond: Sequence[tuple[str, Decimal, Decimal]]) -> Both:
    if beyond:
        rows = [(catalogue().accepted(name).trade_name.lower(), offered, stood) for name, offered, stood in beyond]
        return Both(
            "; ".join(f"de {called} {offered:f} m³ y el censo cuenta {stood:f}" for called, offered, stood in rows),
            "; ".join(f"{offered:f} m³ of {called} and the census counts {stood:f}" for called, offered, stood in rows),
        )
    said = "" if volume is None else f"{volume.normalize():f} m³"
    return Both(
        f"{said}: más que el censo, o más de lo que da esa área",
        f"{said}: more than the census, or more than the area yields",
    )


def _pressure(case: Case, spec: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("bidders", "first_contact_on", "signed_on")
    single = None if terms.bidders is None else terms.bidders <= 1
    hasty: bool | None = None
    if terms.first_contact_on is not None and terms.signed_on is not None:
        hasty = Decimal((terms.signed_on - terms.first_contact_on).days * 24) < spec.limit("hours")
    return found(any_of(single, hasty), stated(case, *names), where(case, *names))


CHECKS: Mapping[str, Check] = {
    "L05": _hidden_third_party,
    "L06": _buyer_sanctioned,
    "L07": _regent_unlicensed,
    "L08": _permit_invalid,
    "E01": _fsc_conflict,
    "E02": _protected_species,
    "E03": _laundering_risk,
    "S01": _pressure,
}
