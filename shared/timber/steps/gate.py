"""The gate of our own guides: what we certify must be borne by the facts at this point of the log."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from shared.timber.facts import STATUS, Finding, Guide, Item, Permit, StatusList
from shared.timber.party import known_organisation
from shared.timber.refusals import (
    BalanceExceeded,
    GuideDates,
    GuideFromFuture,
    GuideTooLong,
    GuideWithoutItems,
    LineNotAuthorised,
    LinesDiffer,
    MovementEnded,
    NeverDrawn,
    NotCrossCut,
    NotOfPermit,
    NotYours,
    OnOpenGuide,
    OpenFinding,
    OutsideMovementWindow,
    PermitNotInForce,
    StatusStale,
)
from shared.timber.rules import transport
from shared.timber.steps.case import GRAVEST, Case, instant


def check_own_guide(
    case: Case, guide: Guide, permit: Permit | None, items: Sequence[Item] | None,
    amounts: transport.Amounts, draws: Mapping[str, int],
) -> None:  # fmt: skip
    """Refuse a guide of ours with the first reason found; answer nothing when there is none."""
    if permit is not None:
        _check_permit(case, guide, permit)
    _check_dates(case, guide)
    known_organisation(case.facts, guide.addressee)
    for item in items or ():
        _check_item(case, guide, item)
    for key, asked in draws.items():
        _check_balance(case, key, asked)
    if items is None:
        raise GuideWithoutItems(guide.key)
    rule = case.rules["T03"]
    for outcome in (transport.t03_lines(rule, guide, amounts), transport.t03_items(rule, guide, items)):
        if outcome.status == "FAIL":
            raise LinesDiffer(outcome.text_es, outcome.text_en)


def _check_permit(case: Case, guide: Guide, permit: Permit) -> None:
    if permit.status != "in_force":
        raise PermitNotInForce(permit.number, permit.status, permit.status_index)
    if not permit.harvest_from <= guide.issued_on <= permit.move_to:
        raise OutsideMovementWindow(permit.number, guide.issued_on, permit.harvest_from, permit.move_to)
    today = _today(case)
    # The day's grace is for the guide of the last day: a phone that was out of reach, and the hours west of UTC.
    if date.fromisoformat(permit.move_to) + timedelta(days=case.norms.clock_days) < today:
        raise MovementEnded(permit.number, today.isoformat(), permit.move_to)
    status = case.facts.find(StatusList, STATUS)
    limit = case.norms.status_list_hours
    if status is None or not _fresh(status.listed_at, case.today or "", limit):
        raise StatusStale("-" if status is None else status.as_of, limit)
    for listed, word in ((status.suspended, "suspended"), (status.revoked, "revoked")):
        if permit.number in listed:
            raise PermitNotInForce(permit.number, word, status.index)


def _check_dates(case: Case, guide: Guide) -> None:
    if guide.expires_on < guide.issued_on:
        raise GuideDates(guide.issued_on, guide.expires_on)
    issued_on, today, norms = date.fromisoformat(guide.issued_on), _today(case), case.norms
    if issued_on > today + timedelta(days=norms.clock_days):
        raise GuideFromFuture(guide.issued_on, today.isoformat())
    if date.fromisoformat(guide.expires_on) - issued_on > timedelta(days=norms.guide_days):
        raise GuideTooLong(guide.issued_on, guide.expires_on, norms.guide_days)


def _today(case: Case) -> date:
    return instant(case.today or "").date()


def _fresh(listed_at: str, today: str, hours: int) -> bool:
    """Within the limit, and not from a future in which it would never age."""
    age = instant(today) - instant(listed_at)
    return timedelta(hours=-24) <= age <= timedelta(hours=hours)


def _check_item(case: Case, guide: Guide, item: Item) -> None:
    if item.kind == "tree":
        raise NotCrossCut(item.id)
    if guide.permit is not None and item.permit != guide.permit:
        raise NotOfPermit(item.id, guide.permit)
    if item.guide is not None:
        raise OnOpenGuide(item.id, item.guide)
    if item.drawn_by is not None and item.holder != guide.issuer:
        raise NotYours(f"item {item.id}", item.holder, guide.issuer)
    if guide.permit is None and item.drawn_by is None:
        raise NeverDrawn(item.id)
    tree = None if item.tree is None else case.facts.find(Item, f"item:{item.tree}")
    for name in (*item.grave.split(), *("" if tree is None else tree.grave).split()):
        if not _resolved(case, name):
            raise OpenFinding(item.id, GRAVEST)


def _resolved(case: Case, name: str) -> bool:
    index, _, rule = name.partition(":")
    finding = case.facts.find(Finding, f"finding:{index}")
    return finding is not None and rule in finding.resolved


def _check_balance(case: Case, key: str, asked: int) -> None:
    line = case.line_at(key)
    if not line.listed:
        raise LineNotAuthorised(line.permit, line.parcel, line.species, line.product)
    if line.drawn_dm3 + asked > line.authorised_dm3:
        raise BalanceExceeded(
            line.permit, line.parcel, line.species, line.product, line.authorised_dm3, line.drawn_dm3, asked
        )
