"""F14: crowns that somebody looked for from above, attached to a plan, and what the next review says of them."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.permits.domain.crowns import CrownLook
from services.permits.domain.forensics import examine
from tests.permits.conftest import (
    MANAGER,
    NEIGHBOUR,
    OFFICER,
    PLAN,
    REGENT,
    SUPERVISOR,
    Permits,
    Person,
    a_plan,
    a_title,
)
from tests.permits.field_days import a_forest
from tests.permits.forensics_plans import honest
from tests.permits.test_forensics import NORMS

CROWNS = f"/v1/plans/{PLAN}/crowns"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540000000" "0049454e44ae426082"
)  # fmt: skip


# ---- the rule

TREES = honest().trees()[:100]
SEATS = [(tree.parcel, tree.code) for tree in TREES]
FELLING = date(2027, 1, 1)


def a_look(**changes: Any) -> CrownLook:
    """A drone of somebody else saw the crowns of three trees before any felling."""
    look = CrownLook("a" * 64, "osinfor-md", True, date(2026, 11, 1), "drone", dict.fromkeys(SEATS[:3], True))
    return replace(look, **changes)


def said(*looks: CrownLook) -> tuple[str, str]:
    found = examine(TREES, NORMS, crowns=looks, felling_from=FELLING).findings
    (f14,) = [one for one in found if one.rule == "F14"]
    return f14.status, f14.severity


def test_crowns_that_somebody_else_saw_pass_and_a_missing_one_asks() -> None:
    missing = {SEATS[0]: False}

    assert said(a_look()) == ("PASS", "")
    assert said(a_look(trees=missing)) == ("FAIL", "S2")
    assert said() == ("NOT_EVALUATED", "")


def test_the_word_of_who_made_the_plan_does_not_pass_and_their_admission_counts() -> None:
    assert said(a_look(by_another=False)) == ("NOT_EVALUATED", "")
    assert said(a_look(by_another=False, trees={SEATS[0]: False})) == ("FAIL", "S2")


def test_others_are_believed_before_the_makers_and_the_later_image_before_the_earlier() -> None:
    makers = a_look(by_another=False, taken_on=date(2026, 11, 20))
    earlier = a_look(trees={SEATS[0]: False})
    later = a_look(taken_on=date(2026, 11, 10), trees={SEATS[0]: True})

    assert said(makers, earlier) == ("FAIL", "S2")
    assert said(earlier, later) == ("PASS", "")


def test_a_crown_that_is_gone_once_felling_has_begun_says_nothing() -> None:
    gone = {SEATS[0]: False}

    assert said(a_look(taken_on=FELLING, trees=gone)) == ("NOT_EVALUATED", "")
    assert said(a_look(trees=gone)) == ("FAIL", "S2")


def test_a_plan_too_small_for_statistics_still_has_its_crowns_looked_at() -> None:
    few = TREES[:10]

    found = examine(few, NORMS, crowns=[a_look(trees={SEATS[0]: False})], felling_from=FELLING).findings

    assert {one.rule: one.severity for one in found if one.status == "FAIL"} == {"F14": "S2"}


# ---- the evidence


async def handed_in(permits: Permits) -> str:
    """A plan under review, and the digest of an image that its officer keeps."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_forest(), REGENT)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    return str((await permits.paper("crown_image", PNG, SUPERVISOR, media_type="image/png"))["sha256"])


async def an_image_look(permits: Permits, image: str, crown: bool, code: str | None = None) -> dict[str, Any]:
    first = (await permits.get(f"/v1/plans/{PLAN}/trees", MANAGER))["items"][0]
    tree = {"parcel": first["parcel"], "code": code or first["code"], "crown": crown}
    return {"image": image, "taken_on": "2026-01-10", "device": "drone", "trees": [tree]}


async def f14(permits: Permits) -> tuple[str, str]:
    told = await permits.post(f"/v1/plans/{PLAN}/review", OFFICER)
    (one,) = [one for one in told["findings"] if one["rule"] == "F14"]
    return one["status"], one["severity"]


@pytest.mark.parametrize(("crown", "expected"), [(True, ("PASS", "")), (False, ("FAIL", "S2"))])
async def test_an_attached_image_is_read_by_the_next_review(
    permits: Permits, crown: bool, expected: tuple[str, str]
) -> None:
    image = await handed_in(permits)
    assert await f14(permits) == ("NOT_EVALUATED", "")

    body = await an_image_look(permits, image, crown)
    told = await permits.post(CROWNS, SUPERVISOR, body, expect=201)
    await permits.post(CROWNS, SUPERVISOR, body, expect=200)

    assert [(one["org"], one["independent"]) for one in told["items"]] == [("osinfor-md", True)]
    assert await f14(permits) == expected
    await permits.refused("number-taken", CROWNS, SUPERVISOR, await an_image_look(permits, image, not crown))


async def test_the_community_attaches_its_own_image_and_that_alone_does_not_pass(permits: Permits) -> None:
    await handed_in(permits)
    own = (await permits.paper("crown_image", PNG, media_type="image/png"))["sha256"]

    told = await permits.post(CROWNS, MANAGER, await an_image_look(permits, own, True), expect=201)

    assert told["items"][0]["independent"] is False
    assert await f14(permits) == ("NOT_EVALUATED", "")


async def test_a_look_needs_an_image_that_is_kept_trees_of_the_census_and_somebody_concerned(permits: Permits) -> None:
    image = await handed_in(permits)
    good = await an_image_look(permits, image, True)
    far = Person("supervisor", "osinfor-lo", "u-far", "loreto")

    await permits.refused("reference-unknown", CROWNS, SUPERVISOR, good | {"image": "c" * 64})
    report = (await permits.paper("supervision_report", b"Informe", SUPERVISOR))["sha256"]
    await permits.refused("document-kind", CROWNS, SUPERVISOR, good | {"image": report})
    await permits.refused("tree-unknown", CROWNS, SUPERVISOR, await an_image_look(permits, image, True, "99999"))
    await permits.refused("day-not-come", CROWNS, SUPERVISOR, good | {"taken_on": "2099-01-01"})
    for stranger in (NEIGHBOUR, far):
        await permits.post(CROWNS, stranger, good, expect=404)
        await permits.get(CROWNS, stranger, expect=404)
    await permits.post(CROWNS, SUPERVISOR, good, expect=201)
    assert len((await permits.get(CROWNS, MANAGER))["items"]) == 1
