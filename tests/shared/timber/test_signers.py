"""Who may say what: keys, their roles, the organisation they speak for."""

import pytest

from shared.refusal import Refusal
from shared.timber.event import BadSignature, Record, parse_entry, sign
from shared.timber.facts import Key
from shared.timber.refusals import (
    KeyRevoked,
    KeyRole,
    UnknownKey,
    UnknownOrganisation,
    WrongSigner,
)
from tests.build import (
    BUYER,
    COMMUNITY,
    HOST,
    LOG,
    MILL,
    OTHER,
    REGISTRY,
    Log,
    a_felling,
    a_key,
    a_key_added,
    a_record,
    a_status_list,
    an_act,
    an_organisation,
    founded,
    kid_of,
    refused,
    with_log,
)


def test_a_log_begins_with_the_registrars_own_key() -> None:
    anchor = a_key_added(REGISTRY, role="registrar")
    log = Log()

    assert isinstance(refused(log, a_key_added(COMMUNITY, by=a_key(COMMUNITY), actor=COMMUNITY)), UnknownKey)
    assert isinstance(refused(log, an_organisation()), UnknownKey)
    log.admit(anchor)

    key = log.facts.find(Key, f"key:{kid_of(a_key(REGISTRY))}")
    assert key is not None
    assert (key.role, key.added_index) == ("registrar", 0)


def test_only_the_first_entry_vouches_for_itself() -> None:
    log = founded()
    intruder = a_key_added("intruder", REGISTRY, "registrar", by=a_key("intruder"))

    assert isinstance(refused(log, intruder), UnknownKey)
    log.admit(a_key_added("second registrar", REGISTRY, "registrar"))
    log.admit(
        an_act("organisation.registered", {"id": "nueva", "name": "N", "kind": "company"}, by=a_key("second registrar"))
    )


def test_an_unknown_key_is_refused_until_the_registrar_adds_it() -> None:
    log = founded()
    phone = a_key("new phone")
    felling = parse_entry(sign(a_felling().statement, phone))

    assert refused(log, felling).facts() == {"kid": kid_of(phone)}
    log.admit(a_key_added("new phone", COMMUNITY), felling)


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_stands() -> None:
    log = with_log()
    log.admit(an_act("key.revoked", {"kid": kid_of(a_key(COMMUNITY)), "reason": "Teléfono perdido"}))

    refusal = refused(log, a_felling("502"))

    assert isinstance(refusal, KeyRevoked)
    assert refusal.revoked_index == len(log.records) - 1
    assert log.item(LOG).holder == COMMUNITY


def test_a_forged_signature_is_found_at_the_door_even_if_nobody_looked_before() -> None:
    log = founded()
    forged = parse_entry(a_felling().entry.replace(b'"volume_dm3":5643', b'"volume_dm3":5644'))

    assert isinstance(refused(log, forged), BadSignature)
    log.admit(a_felling())


def test_every_signature_of_a_record_must_be_known_and_good() -> None:
    log = founded()
    twice = parse_entry(sign(a_felling().statement, a_key(COMMUNITY), a_key("stranger")))
    cosigned = parse_entry(sign(a_felling().statement, a_key(COMMUNITY), a_key(MILL)))

    assert isinstance(refused(log, twice), UnknownKey)
    log.admit(cosigned)


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (parse_entry(sign(a_felling().statement, a_key(OTHER))), WrongSigner),
        (parse_entry(sign(a_felling().statement, a_key(REGISTRY))), KeyRole),
        (parse_entry(sign(a_felling().statement, a_key(HOST))), WrongSigner),
        (a_record("lot.sold", {"lot": "L-1", "buyer": BUYER}, actor=HOST, by=a_key(HOST)), KeyRole),
        (parse_entry(sign(an_organisation("comunidad-a").statement, a_key(COMMUNITY))), WrongSigner),
        (an_act("status.listed", a_status_list().body, actor=COMMUNITY, by=a_key(COMMUNITY)), KeyRole),
        (an_act("status.listed", a_status_list().body, actor="nadie"), UnknownOrganisation),
        (a_key_added("x", COMMUNITY, "device", actor=COMMUNITY, by=a_key(COMMUNITY)), KeyRole),
        (a_key_added("x", COMMUNITY, "device", actor=HOST, by=a_key(HOST)), KeyRole),
    ],
)
def test_who_may_not_sign(record: Record, refusal: type[Refusal]) -> None:
    assert type(refused(founded(), record)) is refusal


def test_the_registrar_speaks_for_other_registered_authorities() -> None:
    founded().admit(an_act("status.listed", a_status_list().body, actor="gerfor-md"))


def test_the_host_adds_hosted_keys_and_a_root_the_phones_of_its_own_organisation() -> None:
    log = founded()
    log.admit(
        a_key_added("hosted", COMMUNITY, "hosted", actor=HOST, by=a_key(HOST)),
        a_key_added("root", COMMUNITY, "root"),
        a_key_added("phone 2", COMMUNITY, "device", actor=COMMUNITY, by=a_key("root")),
    )

    for name, code in (("hosted", "501"), ("root", "502"), ("phone 2", "503")):
        log.admit(parse_entry(sign(a_felling(code).statement, a_key(name))))
    assert isinstance(refused(log, a_key_added("x", OTHER, "device", actor=COMMUNITY, by=a_key("root"))), KeyRole)
    assert isinstance(refused(log, a_key_added("x", COMMUNITY, "root", actor=COMMUNITY, by=a_key("root"))), KeyRole)


def test_a_root_does_not_revoke_the_keys_that_hold_up_the_log() -> None:
    log = founded()
    log.admit(a_key_added("registry root", REGISTRY, "root"), a_key_added("host root", HOST, "root"))
    log.admit(a_key_added("community root", COMMUNITY, "root"))

    def revocation(org: str, root: str) -> Record:
        body = {"kid": kid_of(a_key(org)), "reason": "Cambio"}
        return a_record("key.revoked", body, actor=org, by=a_key(root))

    for org, role in ((REGISTRY, "registrar"), (HOST, "host")):
        refusal = refused(log, revocation(org, "registry root" if org == REGISTRY else "host root"))
        assert isinstance(refusal, KeyRole)
        assert refusal.facts() == {"role": "root", "type": f"key.revoked ({role})"}
    log.admit(revocation(COMMUNITY, "community root"))
    log.admit(an_act("key.revoked", {"kid": kid_of(a_key(HOST)), "reason": "Cambio"}))  # the registrar may


def test_a_root_revokes_keys_of_its_own_organisation_only() -> None:
    log = founded()
    log.admit(a_key_added("root", COMMUNITY, "root"))

    def revocation(name: str) -> Record:
        body = {"kid": kid_of(a_key(name)), "reason": "Cambio"}
        return a_record("key.revoked", body, by=a_key("root"))

    assert isinstance(refused(log, revocation(OTHER)), WrongSigner)
    assert isinstance(refused(log, revocation("nobody")), UnknownKey)
    log.admit(revocation(COMMUNITY))
    assert isinstance(refused(log, revocation(COMMUNITY)), KeyRevoked)


@pytest.mark.parametrize("kind", ["contract.committed", "settlement.sealed"])
def test_a_commitment_is_said_by_whose_it_is_and_changes_nothing_of_wood(kind: str) -> None:
    log = with_log()
    before = dict(log.facts.items())
    body = {"commitment": "ab" * 32}

    others = refused(log, a_record(kind, body, actor=COMMUNITY, by=a_key(MILL), time="2025-09-01T12:00:00Z"))
    log.admit(a_record(kind, body, actor=COMMUNITY, by=a_key(COMMUNITY), time="2025-09-01T12:00:00Z"))

    assert isinstance(others, WrongSigner)
    assert {key for key, _ in log.facts.items()} - before.keys() == {f"record:{log.records[-1].sid}"}
    assert all(log.facts.get(key) == doc for key, doc in before.items())
