"""How keys begin to count, follow one another and stop; and whatever people do, what a simple account of it says."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from shared.refusal import Refusal
from shared.timber import chain
from shared.timber.bodies import possession
from shared.timber.event import MalformedRecord, Record, parse_entry, sign
from shared.timber.facts import Facts, Key, NotLoaded, dump, load
from shared.timber.refusals import (
    DistrustLater,
    IdTaken,
    KeyReplaced,
    KeyRevoked,
    KeyRole,
    OnePerson,
    PossessionNotShown,
    UnknownKey,
    UnknownOrganisation,
    Unrelated,
    WrongSigner,
)
from shared.tlog.encoding import to_base64url
from tests.build import (
    BUYER,
    COMMUNITY,
    HOST,
    MILL,
    OTHER,
    REGISTRY,
    TODAY,
    Log,
    a_key,
    a_key_added,
    a_line,
    a_record,
    an_act,
    failures,
    founded,
    kid_of,
    refused,
    the,
)


def a_revocation(name: str, *, by: str = REGISTRY, of: str = COMMUNITY, **body: object) -> Record:
    """The key of this name is revoked, by the registrar unless another key is named."""
    actor = REGISTRY if by == REGISTRY else of
    return an_act("key.revoked", {"kid": kid_of(a_key(name)), "reason": "Perdida"} | body, by=a_key(by), actor=actor)


def a_paper(signed_by: str, actor: str = COMMUNITY, number: str = "P-1") -> Record:
    """A paper guide of sawn wood: anybody may record one."""
    body = {
        "guide": number, "form": "official", "addressee": BUYER, "issued_on": "2025-09-13", "expires_on": "2025-09-28",
        "origin_guides": ["O-1"], "lines": [a_line(product="sawn", parcel="")],
    }  # fmt: skip
    return a_record("guide.issued", body, actor=actor, by=a_key(signed_by))


def with_root() -> Log:
    """A log in which the community has a root key, of the name ``root``."""
    log = founded()
    log.admit(a_key_added("root", COMMUNITY, "root"))
    return log


# ---- possession


def proof_of(name: str, **said: str) -> str:
    """The proof that a key makes when it says so much of itself."""
    key = a_key(name)
    whole = {"org": COMMUNITY, "role": "device", "public_key": to_base64url(key.public_key().public_bytes_raw())} | said
    return to_base64url(key.sign(possession(whole)))


@pytest.mark.parametrize(
    "proof",
    [
        proof_of("thief"),
        proof_of("phone", org=OTHER),
        proof_of("phone", role="root"),
        proof_of("phone", replaces=kid_of(a_key(COMMUNITY))),
        to_base64url(a_key("phone").sign(b"something else")),
    ],
    ids=["by another key", "for another organisation", "for another role", "in place of another", "of other words"],
)
def test_whoever_brings_a_key_shows_that_they_hold_it(proof: str) -> None:
    log = founded()

    assert isinstance(refused(log, a_key_added("phone", COMMUNITY, proof=proof)), PossessionNotShown)
    log.admit(a_key_added("phone", COMMUNITY, proof=proof_of("phone")))


def test_the_anchor_shows_it_too() -> None:
    log = Log()

    assert isinstance(
        refused(log, a_key_added(REGISTRY, role="registrar", proof=proof_of(REGISTRY))), PossessionNotShown
    )
    log.admit(a_key_added(REGISTRY, role="registrar"))


def test_a_proof_is_the_same_whoever_hands_it_in() -> None:
    """A phone makes it once, offline: the registrar or the root key takes it as it is."""
    proof = proof_of("phone")

    for record in (
        a_key_added("phone", COMMUNITY, proof=proof),
        a_key_added("phone", COMMUNITY, actor=COMMUNITY, by=a_key("root"), proof=proof),
    ):
        with_root().admit(record)


# ---- two persons


def test_the_registrar_adds_a_members_key_by_two_persons() -> None:
    log = founded()

    assert isinstance(refused(log, a_key_added("phone", COMMUNITY, persons=None)), OnePerson)
    for persons in (("a1", "a1"), ("a1", "")):
        with pytest.raises(MalformedRecord):
            a_key_added("phone", COMMUNITY, persons=persons)
    log.admit(a_key_added("phone", COMMUNITY, persons=("a1", "b2")))


def test_one_person_of_the_two_is_not_enough_to_be_named() -> None:
    body = a_key_added("phone", COMMUNITY).body
    with pytest.raises(MalformedRecord, match=r"approved_by"):
        an_act("key.added", {name: value for name, value in body.items() if name != "proposed_by"})


def test_a_root_adds_a_phone_of_its_own_without_the_registrar() -> None:
    log = with_root()

    log.admit(a_key_added("phone", COMMUNITY, actor=COMMUNITY, by=a_key("root")))

    log.admit(a_paper("phone"))


def test_a_key_is_added_for_an_organisation_that_is_registered() -> None:
    assert isinstance(refused(founded(), a_key_added("phone", "nadie")), UnknownOrganisation)


def test_the_registrar_has_further_keys_of_its_own_only() -> None:
    log = founded()

    assert isinstance(refused(log, a_key_added("x", COMMUNITY, "registrar", by=a_key(REGISTRY))), KeyRole)
    log.admit(a_key_added("in the safe", REGISTRY, "registrar"))
    log.admit(an_act("key.added", a_key_added("phone", COMMUNITY).body, by=a_key("in the safe")))


# ---- one after the other


@pytest.mark.parametrize(
    ("name", "org", "role"),
    [
        (COMMUNITY, COMMUNITY, "device"),
        ("root", COMMUNITY, "root"),
        (REGISTRY, REGISTRY, "registrar"),
    ],
)
def test_a_key_names_its_successor_and_counts_no_more(name: str, org: str, role: str) -> None:
    log = with_root()

    log.admit(a_key_added("next", org, role, replaces=name))

    old, new = log.facts.get(f"key:{kid_of(a_key(name))}"), log.facts.get(f"key:{kid_of(a_key('next'))}")
    assert (old.revoked_index, old.replaced_by) == (len(log.records) - 1, new.kid)
    assert (new.role, new.org, new.revoked_index) == (role, org, None)
    refusal = refused(log, a_key_added("third", org, role, replaces=name))
    assert isinstance(refusal, KeyReplaced)
    assert (refusal.replaced_by, refusal.index) == (new.kid, old.revoked_index)
    log.admit(a_key_added("third", org, role, replaces="next"))


def test_the_registrar_s_successor_acts_and_entry_0_stays_the_anchor() -> None:
    log = founded()
    log.admit(a_key_added("registrar 2", REGISTRY, "registrar", replaces=REGISTRY))
    phone = a_key_added("phone", COMMUNITY).body

    assert isinstance(refused(log, an_act("key.added", phone)), KeyReplaced)
    log.admit(an_act("key.added", phone, by=a_key("registrar 2")))

    assert log.records[0].body["kid"] == kid_of(a_key(REGISTRY))


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (a_key_added("new", COMMUNITY, replaces=COMMUNITY, by=a_key(OTHER)), WrongSigner),
        (a_key_added("new", COMMUNITY, replaces=COMMUNITY, by=a_key("root")), KeyRole),
        (a_key_added("new", COMMUNITY, replaces=COMMUNITY, by=a_key(REGISTRY), actor=REGISTRY), KeyRole),
        (a_key_added("new", COMMUNITY, replaces=COMMUNITY, by=a_key("new")), UnknownKey),
        (a_key_added("new", OTHER, replaces=COMMUNITY, actor=COMMUNITY), KeyRole),
        (a_key_added("new", COMMUNITY, "root", replaces=COMMUNITY), KeyRole),
        (a_key_added("new", HOST, "host", replaces=HOST), KeyRole),
        (a_key_added(MILL, COMMUNITY, replaces=COMMUNITY), IdTaken),
        (a_key_added("new", COMMUNITY, replaces="nobody"), UnknownKey),
    ],
    ids=[
        "other organisation",
        "root",
        "registrar",
        "itself",
        "to another",
        "to another role",
        "host",
        "known key",
        "no key",
    ],
)
def test_nobody_else_names_the_successor(record: Record, kind: type[Refusal]) -> None:
    log = with_root()

    assert isinstance(refused(log, record), kind)
    log.admit(a_key_added("new", COMMUNITY, replaces=COMMUNITY))


def test_both_may_sign_the_entry_of_a_succession() -> None:
    """The new key shows itself by its proof; it does not count yet, so it cannot sign the entry."""
    log = with_root()
    statement = a_key_added("new", COMMUNITY, replaces=COMMUNITY).statement

    both = parse_entry(sign(statement, a_key(COMMUNITY), a_key("new")))

    assert isinstance(refused(log, both), UnknownKey)
    log.admit(parse_entry(sign(statement, a_key(COMMUNITY), a_key("root"))))


# ---- revoked


def test_a_revocation_may_say_whose_key_it_is_and_then_must_be_right() -> None:
    log = founded()

    assert isinstance(refused(log, a_revocation(COMMUNITY, org=OTHER)), Unrelated)
    log.admit(a_revocation(COMMUNITY, org=COMMUNITY))


def test_a_doubt_is_said_with_the_revocation_and_can_only_grow() -> None:
    log = with_root()
    outcomes = log.admit(a_revocation(COMMUNITY, distrust_from=20))

    assert failures(outcomes) == [("D05", "S2")]
    assert the("D05", outcomes).computed["from_index"] == 20
    for later in ({}, {"distrust_from": 20}, {"distrust_from": 21}):
        assert isinstance(refused(log, a_revocation(COMMUNITY, **later)), KeyRevoked)
    log.admit(a_revocation(COMMUNITY, distrust_from=19))
    key = log.facts.find(Key, f"key:{kid_of(a_key(COMMUNITY))}")
    assert key is not None
    assert (key.distrust_from, key.revoked_index) == (19, len(log.records) - 2)


def test_a_doubt_does_not_begin_after_the_revocation() -> None:
    log = founded()
    here = len(log.records)

    assert isinstance(refused(log, a_revocation(COMMUNITY, distrust_from=here + 1)), DistrustLater)
    log.admit(a_revocation(COMMUNITY, distrust_from=here))


def test_a_key_that_was_replaced_is_put_in_doubt_afterwards() -> None:
    log = founded()
    log.admit(a_key_added("new", COMMUNITY, replaces=COMMUNITY))
    ended = len(log.records) - 1

    assert isinstance(refused(log, a_revocation(COMMUNITY)), KeyReplaced)
    assert isinstance(refused(log, a_revocation(COMMUNITY, distrust_from=ended + 1)), KeyReplaced)
    log.admit(a_revocation(COMMUNITY, distrust_from=ended))


def test_a_key_and_its_successor_count_side_by_side_until_the_first_is_ended() -> None:
    """The overlap of two keys: the second is added beside the first, and the first is revoked when nothing of it is awaited
    any more. Each counts by index, whatever times its records claim."""
    log = with_root()
    log.admit(a_key_added("new phone", COMMUNITY, actor=COMMUNITY, by=a_key("root")))

    log.admit(a_paper("new phone", number="P-1"), a_paper(COMMUNITY, number="P-2"), a_paper("new phone", number="P-3"))
    log.admit(a_revocation(COMMUNITY, by="root"))

    assert isinstance(refused(log, a_paper(COMMUNITY, number="P-4")), KeyRevoked)
    log.admit(a_paper("new phone", number="P-4"))


def test_the_lost_phone_where_the_root_key_is_at_hand() -> None:
    log = with_root()
    log.admit(a_paper(COMMUNITY, number="P-1"))
    lost = len(log.records)
    log.admit(a_paper(COMMUNITY, number="P-2"))  # the finder, perhaps

    log.admit(
        a_revocation(COMMUNITY, by="root", distrust_from=lost),
        a_key_added("new phone", COMMUNITY, actor=COMMUNITY, by=a_key("root")),
    )

    assert isinstance(refused(log, a_paper(COMMUNITY, number="P-3")), KeyRevoked)
    log.admit(a_paper("new phone", number="P-3"))


# ---- whatever people do

NAMES = tuple(f"k{n}" for n in range(6))
ORGS = (COMMUNITY, OTHER)
names, orgs = st.sampled_from(NAMES), st.sampled_from(ORGS)


class Account:
    """What happened to keys, as plain lines (index, what, key, ...): nothing is kept but the lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str, str, str]] = []

    def added(self, name: str) -> tuple[int, str, str] | None:
        return next(((i, org, role) for i, what, key, org, role in self.lines if (what, key) == ("added", name)), None)

    def ended(self, name: str) -> int | None:
        return next((i for i, what, key, *_ in self.lines if what == "ended" and key == name), None)

    def counts(self, name: str) -> bool:
        return self.added(name) is not None and self.ended(name) is None

    def of(self, name: str) -> tuple[str, str]:
        added = self.added(name)
        assert added is not None
        return added[1], added[2]


class Keys(RuleBasedStateMachine):
    """The registrar, roots and phones add, replace, revoke and sign, rightly and wrongly."""

    @initialize()
    def begin(self) -> None:
        self.log = founded()
        self.stored = {key: dump(doc) for key, doc in self.log.facts.items()}
        self.account = Account()

    def send(self, record: Record, expected: bool) -> bool:
        """Admit it as custody does, from named facts only; whether it got in must be as expected."""
        index = len(self.log.records)
        facts = Facts(complete=False)
        for named in (chain.keys_of, lambda one: chain.more_keys(one, facts)):
            facts.preload([(key, load(key, self.stored[key]) if key in self.stored else None) for key in named(record)])
        try:
            chain.admit(record, index, facts, self.log.norms, TODAY)
            refusal = None
        except NotLoaded as asked:
            raise AssertionError(f"{record.type} does not name {asked.key}") from asked
        except Refusal as said:
            refusal = said
        assert (refusal is None) == expected, refusal or record.type
        if refusal is not None:
            assert type(refused(self.log, record)) is type(refusal)
            return False
        self.stored |= {key: dump(facts.get(key)) for key in facts.dirty}
        self.log.admit(record)
        return True

    @rule(name=names, org=orgs, role=st.sampled_from(["device", "root"]))
    def registrar_adds(self, name: str, org: str, role: str) -> None:
        index = len(self.log.records)
        if self.send(a_key_added(name, org, role), self.account.added(name) is None):
            self.account.lines.append((index, "added", name, org, role))

    @rule(name=names, by=names, org=orgs)
    def root_adds(self, name: str, by: str, org: str) -> None:
        index = len(self.log.records)
        right = (
            self.account.added(name) is None and self.account.counts(by) and self.account.of(by) == (org, "root")
        )  # fmt: skip
        if self.send(a_key_added(name, org, actor=org, by=a_key(by)), right):
            self.account.lines.append((index, "added", name, org, "device"))

    @rule(old=names, name=names, by=st.one_of(st.none(), names))
    def replace(self, old: str, name: str, by: str | None) -> None:
        index = len(self.log.records)
        known = self.account.added(old)
        org, role = (COMMUNITY, "device") if known is None else (known[1], known[2])
        right = self.account.counts(old) and self.account.added(name) is None and by in (None, old)
        if self.send(a_key_added(name, org, role, replaces=old, by=a_key(by or old)), right):
            self.account.lines += [(index, "ended", old, "", ""), (index, "added", name, org, role)]

    @rule(name=names, by=st.one_of(st.just(REGISTRY), names), org=orgs)
    def revoke(self, name: str, by: str, org: str) -> None:
        index = len(self.log.records)
        right = self.account.counts(name)
        if by != REGISTRY:
            right = right and self.account.counts(by) and self.account.of(by) == (org, "root")
            right = right and self.account.of(name)[0] == org
        if self.send(a_revocation(name, by=by, of=org), right):
            self.account.lines.append((index, "ended", name, "", ""))

    @precondition(lambda self: len(self.log.records) < 80)
    @rule(name=names, actor=orgs)
    def sign_something(self, name: str, actor: str) -> None:
        right = self.account.counts(name) and self.account.of(name)[0] == actor
        self.send(a_paper(name, actor, f"P-{len(self.log.records)}"), right)


TestKeys = Keys.TestCase
TestKeys.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
