"""Published price books: who says so, and by which key."""

import pytest

from shared.refusal import Refusal
from shared.timber.refusals import KeyRole, NotPublishing, UnknownOrganisation, WrongSigner
from tests.build import AUTHORITY, COMMUNITY, HOST, MILL, SUPERVISOR, a_book, a_key, an_organisation, refused, with_log


@pytest.mark.parametrize("kind", ["operator", "authority", "federation"])
def test_an_operator_an_authority_or_a_federation_publishes_a_book(kind: str) -> None:
    log = with_log()
    log.admit(an_organisation("libro-1", kind))

    assert log.admit(a_book("libro-1")) == []


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (a_book(COMMUNITY), NotPublishing),
        (a_book(COMMUNITY, signed_by=a_key(COMMUNITY)), NotPublishing),
        (a_book(MILL), NotPublishing),
        (a_book(SUPERVISOR), NotPublishing),
        (a_book("nadie"), UnknownOrganisation),
        (a_book(AUTHORITY, signed_by=a_key(MILL)), WrongSigner),
        (a_book(HOST, signed_by=a_key(HOST)), KeyRole),
    ],
)
def test_nobody_else_publishes_one(record: object, kind: type[Refusal]) -> None:
    assert isinstance(refused(with_log(), record), kind)
