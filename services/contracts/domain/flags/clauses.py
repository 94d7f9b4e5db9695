"""Flags about consent, power, liability and the way out of a contract: L01 to L04 and L09 to L18."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from services.contracts.domain.credit import expected_fine
from services.contracts.domain.flags.answer import (
    UNKNOWN,
    Check,
    FlagSpec,
    Outcome,
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
from services.contracts.domain.terms import Assembly
from services.contracts.domain.words import Both


def _no_assembly(case: Case, spec: FlagSpec) -> Outcome:
    assembly = case.offer.terms.assembly
    if assembly is None:
        return UNKNOWN
    faults: list[Both] = []
    if not assembly.held:
        faults.append(Both("no hubo asamblea", "no assembly was held"))
    else:
        parts = {
            Both("la fecha", "the date"): assembly.on,
            Both("el quórum", "the quorum"): assembly.quorum,
            Both("la asistencia", "the attendance"): assembly.attendance,
            Both("la votación", "the vote"): assembly.votes_for,
        }
        faults += [Both(f"falta {part.es}", f"{part.en} is missing") for part, value in parts.items() if value is None]
        if assembly.quorum is False:
            faults.append(Both("no hubo quórum", "there was no quorum"))
        if assembly.on is not None and assembly.on < case.offer.offered_on:
            faults.append(Both("el acta es anterior a la oferta", "the minutes are older than the offer"))
        faults += _faults_of_the_vote(assembly, spec)
        signed = case.offer.terms.signed_on
        if assembly.on is not None and signed is not None and assembly.on > signed:
            faults.append(Both("la asamblea fue después de la firma", "the assembly was held after the signature"))
    evidence = {"assembly": assembly.model_dump(mode="json"), "faults": [fault.en for fault in faults]}
    why = Both("; ".join(f.es for f in faults), "; ".join(f.en for f in faults))
    return Outcome("raised" if faults else "clear", evidence, {"why": why, **where(case, "assembly")})


def _faults_of_the_vote(assembly: Assembly, spec: FlagSpec) -> list[Both]:
    """A vote that was lost, or that counts more hands than there were, decides nothing."""
    present, hands = assembly.attendance, assembly.votes_for
    if present is None or hands is None:
        return []
    if hands > present:
        return [Both(f"hay {hands} votos y {present} asistentes", f"there are {hands} votes and {present} people")]
    if hands <= present * spec.limit("votes"):
        return [Both(f"votaron a favor {hands} de {present}", f"{hands} of {present} voted for it")]
    return []


def _fines_on_community(case: Case, spec: FlagSpec) -> Outcome:
    terms = case.offer.terms
    evidence = {
        "operator": terms.operator,
        "fines_on": terms.fines_on,
        "solidarity_waived": terms.solidarity_waived,
    }
    if terms.operator == "community":
        return Outcome("clear", evidence)
    cited = where(case, "operator", "fines_on", "solidarity_waived")
    outside = terms.operator is not None
    if outside and terms.fines_on in ("community", "shared"):
        why = Both("la comunidad carga con las multas", "the community carries the fines")
        return Outcome("raised", evidence, {"why": why, **cited}, loss=_expected_fine(case, spec))
    if outside and terms.solidarity_waived:
        why = Both("se le libera de la responsabilidad solidaria", "it is freed from joint liability")
        return Outcome("raised", evidence, {"why": why, **cited}, loss=_expected_fine(case, spec))
    if terms.operator is None or terms.fines_on is None or terms.solidarity_waived is None:
        return Outcome("unknown", evidence)
    return Outcome("clear", evidence)


def _expected_fine(case: Case, spec: FlagSpec) -> Decimal | None:
    """F18, where somebody said how likely which infraction is."""
    risks = case.offer.terms.fine_risks
    if not risks:
        return None
    listed = ((Decimal(one.probability_milli) / 1_000, Decimal(one.uit_milli) / 1_000) for one in risks)
    return expected_fine(listed, spec.limit("uit_pen"))


def _fpic_gap(case: Case, spec: FlagSpec) -> Outcome:
    terms = case.offer.terms
    days = None if terms.signed_on is None else (terms.signed_on - case.offer.offered_on).days
    hasty = None if days is None else days < spec.limit("days")
    names = ("translated", "adviser_named", "signed_on")
    raised = any_of(is_not(terms.translated), hasty, is_not(terms.adviser_named))
    return found(raised, {"days": days, **stated(case, *names)}, where(case, *names))


def _power_over_permit(case: Case, _: FlagSpec) -> Outcome:
    handed = case.offer.terms.power_over
    evidence = stated(case, "power_over")
    listed = [POWERS[one] for one in handed or ()]
    what = Both(", ".join(one.es for one in listed), ", ".join(one.en for one in listed))
    return found(None if handed is None else bool(handed), evidence, {"what": what, **where(case, "power_over")})


POWERS = {
    "permit": Both("el permiso", "the permit"),
    "gtf_book": Both("el talonario de guías", "the book of guides"),
    "sunat_key": Both("la clave SUNAT", "the SUNAT key"),
    "bank_account": Both("la cuenta del banco", "the bank account"),
}


def _scope_open(case: Case, _: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("all_species", "area_is_polygon", "volume_limited")
    raised = any_of(terms.all_species, is_not(terms.area_is_polygon), is_not(terms.volume_limited))
    return found(raised, stated(case, *names), where(case, *names))


def _plan_end(case: Case) -> date | None:
    permit = case.known.permit
    read = permit.move_to if isinstance(permit, PermitStanding) else None
    return case.offer.terms.plan_valid_to or read


def _term_long(case: Case, spec: FlagSpec) -> Outcome:
    terms, end = case.offer.terms, _plan_end(case)
    beyond: bool | None = None
    if terms.term_months is not None and end is not None:
        start = terms.signed_on or case.offer.offered_on
        beyond = terms.term_months * 30 > (end - start).days
    over = more_than(terms.term_months, spec.limit("months"))
    names = ("term_months", "plan_valid_to", "automatic_renewal")
    raised = any_of(beyond, over, terms.automatic_renewal)
    evidence = {**stated(case, *names), "plan_end": None if end is None else end.isoformat()}
    return found(raised, evidence, where(case, *names), "H" if beyond else "M")


def _exclusivity(case: Case, spec: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("exclusive_months", "first_refusal_at_buyer_price")
    raised = any_of(more_than(terms.exclusive_months, spec.limit("months")), terms.first_refusal_at_buyer_price)
    return found(raised, stated(case, *names), where(case, *names))


def _no_exit(case: Case, spec: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("may_terminate", "unpaid_exit", "unpaid_exit_days")
    only_buyer = None if terms.may_terminate is None else terms.may_terminate in ("buyer", "nobody")
    late = all_of(terms.unpaid_exit, more_than(terms.unpaid_exit_days, spec.limit("days")))
    return found(any_of(only_buyer, is_not(terms.unpaid_exit), late), stated(case, *names), where(case, *names))


def _assignment_free(case: Case, _: FlagSpec) -> Outcome:
    names = ("assignment_needs_consent",)
    return found(is_not(case.offer.terms.assignment_needs_consent), stated(case, *names), where(case, *names))


def _forum_far(case: Case, _: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("forum_region", "forum_costs_on_community")
    away = None if terms.forum_region is None else terms.forum_region != case.offer.region
    return found(any_of(away, terms.forum_costs_on_community), stated(case, *names), where(case, *names))


def _annex_missing(case: Case, _: FlagSpec) -> Outcome:
    missing = case.offer.terms.annexes_missing
    words = {"what": ", ".join(missing or ()), **where(case, "annexes_missing")}
    return found(None if missing is None else bool(missing), stated(case, "annexes_missing"), words)


def _confidentiality(case: Case, _: FlagSpec) -> Outcome:
    silenced = case.offer.terms.silenced_to
    raised = None if silenced is None else bool(silenced)
    return found(raised, stated(case, "silenced_to"), where(case, "silenced_to"))


def _no_copy(case: Case, _: FlagSpec) -> Outcome:
    held = True if case.offer.document_sha256 else case.offer.terms.community_has_copy
    evidence = {"document_sha256": case.offer.document_sha256, **stated(case, "community_has_copy")}
    # Somebody's word that there is a copy is not a copy: without its hash nobody knows which one.
    raised = None if held and case.offer.document_sha256 is None else is_not(held)
    return found(raised, evidence, where(case, "community_has_copy"))


def _labour_missing(case: Case, _: FlagSpec) -> Outcome:
    terms, names = case.offer.terms, ("wages_stated", "insurance_stated", "minors_rule")
    raised = any_of(is_not(terms.wages_stated), is_not(terms.insurance_stated), is_not(terms.minors_rule))
    return found(raised, stated(case, *names), where(case, *names))


CHECKS: Mapping[str, Check] = {
    "L01": _no_assembly,
    "L02": _fpic_gap,
    "L03": _power_over_permit,
    "L04": _fines_on_community,
    "L09": _scope_open,
    "L10": _term_long,
    "L11": _exclusivity,
    "L12": _no_exit,
    "L13": _assignment_free,
    "L14": _forum_far,
    "L15": _annex_missing,
    "L16": _confidentiality,
    "L17": _no_copy,
    "L18": _labour_missing,
}
