"""Group certificates in the log, and sales that claim one."""

from typing import Any

import pytest

from shared.timber.bodies import BODIES
from shared.timber.event import Record
from shared.timber.facts import Certificate
from shared.timber.refusals import (
    CertificateStatus,
    IdTaken,
    KeyRole,
    NotCertifying,
    NotYours,
    TooMany,
    UnknownOrganisation,
    UnknownParent,
)
from tests.build import (
    BUYER,
    CERTIFICATE,
    CERTIFIER,
    COMMUNITY,
    MILL,
    OTHER,
    Log,
    a_certificate,
    a_certificate_act,
    a_key,
    a_key_added,
    a_lot,
    a_record,
    a_section,
    an_organisation,
    delivered,
    failures,
    passes,
    refused,
    the,
)

OTHER_CERTIFIER = "certifica-2"


@pytest.fixture
def log() -> Log:
    """Wood of COMMUNITY at MILL, which is a member of COMMUNITY's group."""
    made = delivered(a_section())
    made.admit(*(an_organisation(org, "certifier") for org in (CERTIFIER, OTHER_CERTIFIER)), a_certificate(MILL))
    return made


def standing(log: Log) -> Certificate:
    found = log.facts.find(Certificate, f"certificate:{CERTIFICATE}")
    assert found is not None
    return found


def test_only_a_certification_body_certifies_and_never_itself(log: Log) -> None:
    other = {"number": "CB-COC-000002"}
    for actor in (COMMUNITY, "gerfor-md", "osinfor-md"):
        assert isinstance(refused(log, a_certificate(actor=actor, **other)), NotCertifying)
    assert isinstance(refused(log, a_certificate(holder=CERTIFIER, **other)), NotCertifying)
    assert isinstance(refused(log, a_certificate(holder="nadie", **other)), UnknownOrganisation)
    assert isinstance(refused(log, a_certificate()), IdTaken)
    log.admit(a_certificate(**other))


def test_certificates_come_through_the_registrar_not_from_a_phone(log: Log) -> None:
    log.admit(a_key_added(CERTIFIER))
    body = a_certificate_act("ended").body

    record = a_record("certificate.ended", body, actor=CERTIFIER, by=a_key(CERTIFIER))

    assert isinstance(refused(log, record), KeyRole)
    log.admit(a_certificate_act("ended"))


def test_a_suspended_member_does_not_end_the_group(log: Log) -> None:
    log.admit(a_certificate_act("suspended", member=MILL))

    found = standing(log)
    assert (found.status, found.members[MILL][2]) == ("in_force", "suspended")
    assert isinstance(refused(log, a_certificate_act("suspended", member=MILL)), CertificateStatus)
    assert isinstance(refused(log, a_certificate_act("suspended", member=OTHER)), UnknownParent)
    log.admit(a_certificate_act("reinstated", member=MILL))
    assert standing(log).members[MILL][2] == "in_force"


def test_suspended_reinstated_and_ended_follow_each_other(log: Log) -> None:
    assert isinstance(refused(log, a_certificate_act("reinstated")), CertificateStatus)
    log.admit(a_certificate_act("suspended"))
    assert isinstance(refused(log, a_certificate_act("suspended")), CertificateStatus)
    log.admit(a_certificate_act("reinstated"), a_certificate_act("ended"))

    for act in (
        a_certificate_act("ended"), a_certificate_act("suspended"), a_certificate_act("reinstated"), a_certificate_act("suspended", member=MILL),
        a_certificate_act("amended", members=[{"org": OTHER, "from": "2025-01-01"}]),
    ):  # fmt: skip
        assert isinstance(refused(log, act), CertificateStatus)


def test_nobody_but_who_registered_it_changes_it(log: Log) -> None:
    for kind in ("suspended", "reinstated", "ended"):
        assert isinstance(refused(log, a_certificate_act(kind, actor=OTHER_CERTIFIER)), NotYours)
    assert isinstance(refused(log, a_certificate_act("ended", number="CB-COC-9")), UnknownParent)


def test_members_come_and_go_and_a_suspension_stays(log: Log) -> None:
    log.admit(a_certificate_act("suspended", member=MILL))
    left = {"org": MILL, "from": "2025-01-01", "to": "2025-06-30"}

    log.admit(a_certificate_act("amended", members=[left, {"org": OTHER, "from": "2025-07-01"}]))

    members = standing(log).members
    assert members[MILL][:3] == ["2025-01-01", "2025-06-30", "suspended"]
    assert members[OTHER][:3] == ["2025-07-01", "", "in_force"]


def test_a_group_has_five_hundred_members_at_most(log: Log) -> None:
    standing(log).members |= {f"m-{n}": ["2025-01-01", "", "in_force", 1] for n in range(498)}

    log.admit(a_certificate_act("amended", members=[{"org": OTHER, "from": "2025-01-01"}]))

    assert isinstance(
        refused(log, a_certificate_act("amended", members=[{"org": BUYER, "from": "2025-01-01"}])), TooMany
    )
    log.admit(a_certificate_act("amended", members=[{"org": OTHER, "from": "2025-02-01"}]))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"valid_to": "2024-12-31"}, ".valid_to"),
        ({"members": [{"org": MILL, "from": "2025-02-01", "to": "2025-01-31"}]}, ".members[0].to"),
        ({"members": [{"org": MILL, "from": "2025-02-01"}] * 2}, ".members"),
        ({"scheme": "otro"}, ".scheme"),
        ({"scope": "todo"}, ".scope"),
    ],
)
def test_a_certificate_with_a_wrong_field_is_refused(change: dict[str, Any], where: str) -> None:
    body = a_certificate(MILL).body
    assert BODIES["certificate.registered"](body) is None

    fault = BODIES["certificate.registered"](body | change)

    assert fault is not None
    assert fault.path.startswith(where)


# ---- a sale that claims it


def a_claimed_sale(log: Log, number: str = CERTIFICATE, seller: str = MILL, time: str = "2025-10-01T09:00:00Z") -> Any:
    """What the rules say of the sale."""
    [item] = [doc.id for _, doc in log.facts.items() if getattr(doc, "kind", "") == "log"]
    log.admit(a_lot([item], actor=seller))
    body = {"lot": "L-1", "buyer": BUYER, "claim": "FSC 100%", "certificate": number}
    return log.admit(a_record("lot.sold", body, actor=seller, time=time))


def test_a_sale_by_a_member_of_a_group_in_force_passes(log: Log) -> None:
    assert "D06" in passes(a_claimed_sale(log))


CASES: list[tuple[list[Record], dict[str, Any], str]] = [
    ([], {"number": "CB-COC-000009"}, "unknown"),
    ([], {"time": "2027-01-01T09:00:00Z"}, "window"),
    ([a_certificate_act("suspended")], {}, "status"),
    ([a_certificate_act("ended")], {}, "status"),
    ([a_certificate_act("suspended", member=MILL)], {}, "member_status"),
    (
        [a_certificate_act("amended", members=[{"org": MILL, "from": "2025-01-01", "to": "2025-06-30"}])],
        {},
        "not_member",
    ),
    ([a_certificate_act("amended", members=[{"org": MILL, "from": "2025-12-01"}])], {}, "not_member"),
]


@pytest.mark.parametrize(("acts", "sale", "case"), CASES)
def test_a_claim_that_does_not_cover_the_seller_is_recorded_and_found(
    log: Log, acts: list[Record], sale: dict[str, Any], case: str
) -> None:
    log.admit(*acts)

    outcomes = a_claimed_sale(log, **sale)

    assert ("D06", "S3") in failures(outcomes)
    found = the("D06", outcomes)
    assert found.case == case
    assert CERTIFICATE[:3] in found.text_es
    assert found.text_es != found.text_en


def test_a_group_whose_other_member_is_suspended_still_covers_the_seller(log: Log) -> None:
    log.admit(
        a_certificate_act("amended", members=[{"org": OTHER, "from": "2025-01-01"}]),
        a_certificate_act("suspended", member=OTHER),
    )

    assert "D06" in passes(a_claimed_sale(log))


def test_the_holder_needs_no_membership_and_a_stranger_has_none() -> None:
    for holder, said in ((MILL, True), (OTHER, False)):
        made = delivered(a_section())
        made.admit(an_organisation(CERTIFIER, "certifier"), a_certificate(holder=holder))
        assert ("D06" in passes(a_claimed_sale(made))) is said


def test_a_sale_that_names_no_certificate_is_not_judged(log: Log) -> None:
    [item] = [doc.id for _, doc in log.facts.items() if getattr(doc, "kind", "") == "log"]
    log.admit(a_lot([item], actor=MILL))

    outcomes = log.admit(a_record("lot.sold", {"lot": "L-1", "buyer": BUYER}, actor=MILL, time="2025-10-01T09:00:00Z"))

    assert "D06" not in [*passes(outcomes), *(rule for rule, _ in failures(outcomes))]
