"""Group certificates: registered and changed by the certification body that issued them, verified by anyone."""

from datetime import date
from typing import Annotated

from fastapi import Query, Response

from services.permits.api.house import CommandDep, HouseDep, PagingDep, Work, log_state, require_organisations
from services.permits.domain.certificate import (
    Act,
    Certificate,
    Member,
    PrefixOfAnother,
    Standing,
    check_licence,
    code_of,
    member_standing_on,
    shipped_schemes,
    standing_on,
)
from services.permits.domain.party import NumberTaken
from services.permits.schemas.certificates import (
    CertificateIn,
    CertificateOut,
    MemberIn,
    MemberOut,
    MembersIn,
    StandingIn,
)
from services.permits.schemas.parties import ReasonIn
from services.permits.schemas.permits import ReasonOut
from services.permits.schemas.words import Day, Page
from services.permits.store import certificates, outbox, parties
from services.permits.store.certificates import Known
from services.permits.store.session import Tx
from shared.refusal import Missing
from shared.timber.outgoing import Announced
from shared.timber.party import CERTIFYING
from shared.timber.refusals import NotCertifying
from shared.web.access import OtherOrganisation
from shared.web.app import Router

router = Router(tags=["certificates"])
_STATES = {"suspended": "suspended", "reinstated": "in_force", "ended": "ended"}
OrgFilter = Annotated[str | None, Query(max_length=40)]
OnDay = Annotated[Day | None, Query(description="Today in Peru when it is left out")]


@router.post("/v1/certificates", status_code=201, response_model=CertificateOut)
async def register_certificate(body: CertificateIn, command: CommandDep, house: HouseDep) -> Response:
    """Register a certificate of the caller's certification body. The same content again is answered as known (200)."""
    officer, registrar = command.caller, house.registrar
    certificate = _certificate(body, officer.org)
    async with command.transaction() as work:
        if work.first:
            return work.first
        await _check_certifier(work, certificate)
        letter = registrar.write(
            "certificate.registered", officer.org, certificate.statement(registrar.pseudonym(officer.sub)), work.now,
            subject=f"certificate:{certificate.number}",
        )  # fmt: skip
        added = await certificates.add_certificate(work.tx, certificate, letter.sid, work.now)
        if added:
            await outbox.announce(work.tx, [letter], work.now)
        stored = await certificates.certificate(work.tx, certificate.number)
        if stored is None or stored[0].content != certificate.content:
            raise NumberTaken("certificate", certificate.code)
        return await work.answer(201 if added else 200, await _answer(work.tx, stored, work.today))


def _certificate(body: CertificateIn, certifier: str) -> Certificate:
    code = code_of(body.code, body.scheme, shipped_schemes())
    if body.licence is not None:
        check_licence(body.licence, body.scheme, shipped_schemes())
    return Certificate(
        code.number, body.code, code.prefix, body.scheme, code.scope, body.licence, certifier, body.holder, body.valid_from,
        body.valid_to, body.area_m2, "in_force", _members(body.members),
    )  # fmt: skip


def _members(said: list[MemberIn]) -> tuple[Member, ...]:
    return tuple(Member(member.org, member.first_day, member.last_day) for member in said)


async def _check_certifier(work: Work, certificate: Certificate) -> None:
    """A registered certification body, under its own letters, certifies somebody else who is registered."""
    named = [certificate.certifier, certificate.holder, *(member.org for member in certificate.members)]
    await require_organisations(work.tx, named)
    known = await parties.organisation(work.tx, certificate.certifier)
    assert known is not None, "it was required"
    if known[0].kind != CERTIFYING or certificate.holder == certificate.certifier:
        raise NotCertifying(certificate.certifier, known[0].kind, certificate.holder)
    other = await certificates.prefix_taken(work.tx, certificate.prefix, certificate.certifier)
    if other is not None:
        raise PrefixOfAnother(certificate.prefix, other)


@router.post("/v1/certificates/{number}/members", response_model=CertificateOut)
async def amend_certificate(number: str, body: MembersIn, command: CommandDep, house: HouseDep) -> Response:
    """Members join the group, or leave it on a day. Whoever is suspended stays so."""
    officer, registrar, members = command.caller, house.registrar, _members(body.members)
    async with command.transaction() as work:
        if work.first:
            return work.first
        certificate, _, last_sid = await _to_change(work, number, "amend_certificate")
        certificate.check_members(members)
        await require_organisations(work.tx, [member.org for member in members])
        said = {"number": number, "members": [m.statement() for m in members], "reason": body.reason}
        letter = registrar.write(
            "certificate.amended", officer.org, said | {"by": registrar.pseudonym(officer.sub)}, work.now,
            subject=f"certificate:{number}", prev=[last_sid],
        )  # fmt: skip
        await certificates.note_members(work.tx, number, members, body.reason, letter.sid, work.now)
        await outbox.announce(work.tx, [letter], work.now)
        return await work.answer(200, await _again(work, number))


@router.post("/v1/certificates/{number}/suspend", response_model=CertificateOut)
async def suspend_certificate(number: str, body: StandingIn, command: CommandDep, house: HouseDep) -> Response:
    """Suspend the certificate, or one member: that does not end the group."""
    return await _change(number, body.reason, body.member, command, house, "suspended")


@router.post("/v1/certificates/{number}/reinstate", response_model=CertificateOut)
async def reinstate_certificate(number: str, body: StandingIn, command: CommandDep, house: HouseDep) -> Response:
    """End the suspension of the certificate, or of one member."""
    return await _change(number, body.reason, body.member, command, house, "reinstated")


@router.post("/v1/certificates/{number}/end", response_model=CertificateOut)
async def end_certificate(number: str, body: ReasonIn, command: CommandDep, house: HouseDep) -> Response:
    """End the certificate for good."""
    return await _change(number, body.reason, None, command, house, "ended")


async def _change(
    number: str, reason: str, org: str | None, command: CommandDep, house: HouseDep, kind: str
) -> Response:
    officer, registrar = command.caller, house.registrar
    async with command.transaction() as work:
        if work.first:
            return work.first
        certificate, _, last_sid = await _to_change(work, number, f"{kind}_certificate")
        member = None if org is None else certificate.member(org)
        if org is not None and member is None:
            raise Missing("member", f"{number} {org}")
        certificate.check_change(kind, member)
        said = {"number": number, "reason": reason, "by": registrar.pseudonym(officer.sub)}
        letter = registrar.write(
            f"certificate.{kind}", officer.org, said | ({} if org is None else {"member": org}), work.now,
            subject=f"certificate:{number}", prev=[last_sid],
        )  # fmt: skip
        await certificates.note_standing(work.tx, number, org, kind, _STATES[kind], reason, letter.sid, work.now)
        await outbox.announce(work.tx, [letter], work.now)
        return await work.answer(200, await _again(work, number))


async def _to_change(work: Work, number: str, action: str) -> Known:
    """The certificate, locked for the certification body that issued it."""
    known = await certificates.certificate(work.tx, number, lock=True) or await certificates.certificate(
        work.tx, number
    )
    if known is None:
        raise Missing("certificate", number)
    if known[0].certifier != work.caller.org:
        raise OtherOrganisation(action)
    return known


async def _again(work: Work, number: str) -> CertificateOut:
    known = await certificates.certificate(work.tx, number)
    assert known is not None, "it was changed in this transaction"
    return await _answer(work.tx, known, work.today)


@router.get("/v1/certificates")
async def list_certificates(
    house: HouseDep, paging: PagingDep, holder: OrgFilter = None, member: OrgFilter = None, certifier: OrgFilter = None,
    code: Annotated[str | None, Query(max_length=80)] = None, on: OnDay = None,
) -> Page[CertificateOut]:  # fmt: skip
    """Certificates by number; perhaps those of a holder, of a member of a group, of a certification body, or of a code."""
    day = on or house.today
    async with house.database.transaction() as tx:
        asked = {"holder": holder, "member": member, "code": code, "certifier": certifier}
        found, following = paging.page(
            await certificates.certificates(tx, paging.after, paging.limit + 1, **asked), lambda known: known[0].number
        )
        acts = await certificates.acts(tx, [known[0].number for known in found])
        announced = await outbox.announced(tx, [sid for known in found for sid in known[1:]])
    items = [_told(known, acts[known[0].number], day, announced) for known in found]
    return Page(items=items, next=following)


@router.get("/v1/certificates/{number}")
async def read_certificate(number: str, house: HouseDep, on: OnDay = None) -> CertificateOut:
    """Public: does this certificate count on that day, and whom does it cover? ``number`` is the code with ``-`` for
    ``/``. Without ``on`` it answers for today in Peru."""
    async with house.database.transaction() as tx:
        known = await certificates.certificate(tx, number)
        if known is None:
            raise Missing("certificate", number)
        return await _answer(tx, known, on or house.today)


async def _answer(tx: Tx, known: Known, day: date) -> CertificateOut:
    number = known[0].number
    acts = (await certificates.acts(tx, [number]))[number]
    return _told(known, acts, day, await outbox.announced(tx, known[1:]))


def _told(known: Known, acts: list[Act], day: date, announced: dict[str, Announced]) -> CertificateOut:
    certificate, sid, last_sid = known
    whole = standing_on(certificate, acts, day)
    return CertificateOut(
        number=certificate.number, code=certificate.code, scheme=certificate.scheme, scope=certificate.scope,
        licence=certificate.licence, certifier=certificate.certifier, holder=certificate.holder,
        valid_from=certificate.valid_from, valid_to=certificate.valid_to, area_m2=certificate.area_m2, on=day,
        status=whole.status, valid=whole.valid, reasons=_reasons(whole),
        members=[_member(member, whole, acts, day) for member in certificate.members],
        log=log_state(announced, sid), last_act=log_state(announced, last_sid),
    )  # fmt: skip


def _member(member: Member, whole: Standing, acts: list[Act], day: date) -> MemberOut:
    own = member_standing_on(member, whole, acts, day)
    return MemberOut(
        org=member.org, first_day=member.first_day, last_day=member.last_day, status=own.status, valid=own.valid,
        reasons=_reasons(own),
    )  # fmt: skip


def _reasons(standing: Standing) -> list[ReasonOut]:
    return [ReasonOut(slug=reason.slug, es=reason.es, en=reason.en) for reason in standing.reasons]
