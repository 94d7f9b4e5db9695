"""Programme indicators: each figure against a count made otherwise, and what is shown to whom."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from services.permits.domain.area import Rings, union_area_m2
from services.permits.domain.certificate import Act, Certificate, Member
from services.permits.domain.programme import (
    CertificateFact,
    Coverage,
    Facts,
    Indicator,
    OpenFinding,
    PlanFact,
    Supervised,
    indicators,
)
from tests.permits.conftest import (
    CERTIFIER,
    MANAGER,
    NEIGHBOUR,
    OFFICER,
    OPERATOR,
    PLAN,
    SQUARE_M2,
    SUPERVISOR,
    Permits,
    Person,
    a_census,
    a_plan,
    a_title,
)

DAY = date(2026, 1, 15)
STEP = 100_000  # 0.01 degrees
Cell = tuple[int, int]


def rectangle(west: int, south: int, width: int = 1, height: int = 1) -> Rings:
    """Cells of 0.01 degrees by 0.01 in Madre de Dios, as one land."""
    lon, lat = -700_000_000 + west * STEP, -110_000_000 + south * STEP
    right, top = lon + width * STEP, lat + height * STEP
    return [[[[lon, lat], [right, lat], [right, top], [lon, top], [lon, lat]]]]


def cell_m2(cell: Cell) -> float:
    ring = rectangle(*cell)[0][0]
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter([x / 1e7 for x, _ in ring], [y / 1e7 for _, y in ring])
    return abs(float(area))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2, *[st.integers(1, 3)] * 2), max_size=8))
def test_hectares_are_counted_once_whatever_overlaps(lands: list[tuple[int, int, int, int]]) -> None:
    """The oracle counts cells of a grid. A long edge is a parallel here and a geodesic there: they differ by less than
    a millionth over these lands."""
    covered = {(x, y) for west, south, w, h in lands for x in range(west, west + w) for y in range(south, south + h)}

    area = union_area_m2([rectangle(*land) for land in lands])

    assert area == pytest.approx(sum(cell_m2(cell) for cell in covered), rel=1e-5, abs=1)


def test_a_hole_is_not_land() -> None:
    whole, [[hole]] = rectangle(0, 0, 3, 3), rectangle(1, 1)
    with_hole = [[whole[0][0], hole]]

    assert union_area_m2([with_hole]) == pytest.approx(union_area_m2([whole]) - union_area_m2([[[hole]]]), abs=200)
    assert union_area_m2([with_hole, rectangle(1, 1)]) == pytest.approx(union_area_m2([whole]), abs=2)


# ---- the figures


def a_plan_fact(id_: str = "P-1", org: str = "a", **more: Any) -> PlanFact:
    return replace(
        PlanFact(id_, f"T-{org}", org, "community", date(2025, 1, 1), date(2026, 12, 31), (("PC 01", 1_000),), f"sid-{id_}"),
        **more,
    )  # fmt: skip


def the_facts(**more: Any) -> Facts:
    empty = Facts(plans=[], boundaries={}, titles_of={}, certificates=[], coverage=[])
    return replace(empty, **more)


def figure(facts: Facts, id_: str, day: date = DAY) -> Indicator:
    return next(one for one in indicators(facts, day) if one.id == id_)


def test_a_title_with_two_plans_and_two_titles_that_overlap_count_once() -> None:
    plans = [
        a_plan_fact(),
        a_plan_fact("P-2"),
        a_plan_fact("P-3", "b"),
        a_plan_fact("P-4", "c", harvest_to=date(2025, 6, 1)),
    ]
    boundaries = {"T-a": rectangle(0, 0, 2, 2), "T-b": rectangle(1, 1, 2, 2), "T-c": rectangle(9, 9)}

    found = figure(the_facts(plans=plans, boundaries=boundaries), "plan_area_m2")

    assert found.value == union_area_m2([boundaries["T-a"], boundaries["T-b"]])
    assert found.value < 2 * union_area_m2([boundaries["T-a"]])
    assert found.sources == ["sid-P-1", "sid-P-2", "sid-P-3"]
    assert (found.target, bool(found.target_source)) == (4_000_000_000, True)


def test_a_parcel_in_two_plans_counts_once_and_its_boundary_goes_before_its_declared_area() -> None:
    plans = [a_plan_fact(parcels=(("PC 01", 1_000), ("PC 02", 500))), a_plan_fact("P-2", parcels=(("PC 01", 1_000),))]

    declared = figure(the_facts(plans=plans), "po_active_area_m2")
    drawn = figure(the_facts(plans=plans, parcel_shapes={("T-a", "PC 01"): rectangle(0, 0)}), "po_active_area_m2")

    assert (declared.value, declared.detail) == (1_500, {"parcels": 2, "parcels_without_boundary": 2})
    assert (drawn.value, drawn.detail["parcels_without_boundary"]) == (union_area_m2([rectangle(0, 0)]) + 500, 1)


def test_communities_count_once_and_companies_do_not() -> None:
    plans = [a_plan_fact(), a_plan_fact("P-2"), a_plan_fact("P-3", "b"), a_plan_fact("P-4", "c", org_kind="company")]

    assert figure(the_facts(plans=plans), "communities_with_plan").value == 2


def a_group(number: str = "C-1", holder_kind: str = "consortium", **more: Any) -> CertificateFact:
    members = more.pop("members", (Member("a", date(2025, 1, 1), None), Member("b", date(2025, 1, 1), None)))
    acts = more.pop("acts", ())
    whole = Certificate(
        number, number, "CB", "fsc", "fm_coc", None, "c", f"h-{number}", date(2025, 1, 1), date(2029, 12, 31), None, "in_force",
        members,
    )  # fmt: skip
    return CertificateFact(replace(whole, **more), acts, holder_kind, f"sid-{number}")


def test_groups_count_while_they_cover_somebody() -> None:
    suspended = (Act("suspended", None, "2026-01-01T00:00:00Z", ""),)
    one_left = (Act("suspended", "a", "2026-01-01T00:00:00Z", ""),)
    none_left = (*one_left, Act("suspended", "b", "2026-01-01T00:00:00Z", ""))
    groups = [
        a_group("C-1", acts=one_left), a_group("C-2", acts=suspended), a_group("C-3", acts=none_left),
        a_group("C-4", holder_kind="mill"), a_group("C-5", scope="coc"), a_group("C-6", members=()),
        a_group("C-7", valid_to=date(2026, 1, 14)), a_group("C-8", holder_kind="community_enterprise"),
    ]  # fmt: skip
    lands = {"T-a": rectangle(0, 0), "T-b": rectangle(5, 5)}

    facts = the_facts(certificates=groups[:1], boundaries=lands, titles_of={"a": ["T-a"], "b": ["T-b"]})

    assert figure(the_facts(certificates=groups), "groups_certified").sources == ["sid-C-1", "sid-C-8"]
    assert figure(the_facts(certificates=groups), "groups_certified").target == 10
    assert figure(facts, "certified_area_m2").value == union_area_m2([lands["T-b"]])  # the suspended member's is not


def test_no_plan_is_verified_for_more_than_its_own_volume() -> None:
    plans = [a_plan_fact(), a_plan_fact("P-2", "b")]
    coverage = [
        Coverage("P-1", 1_000, 5_000, ("s1",)),
        Coverage("P-2", 3_000, 0, ("s2",)),
        Coverage("P-9", 9_000, 9_000, ()),
    ]

    found = figure(the_facts(plans=plans, coverage=coverage), "verification_coverage_permille")

    assert (found.value, found.detail) == (250, {"inspected_dm3": 1_000, "authorised_dm3": 4_000})


def test_what_is_not_recorded_is_not_evaluated_and_says_why() -> None:
    for id_ in ("unjustified_v3_permille", "verification_coverage_permille"):
        found = figure(the_facts(), id_)
        assert (found.status, found.value) == ("NOT_EVALUATED", None)
        assert found.reason_es != found.reason_en != ""


def test_findings_and_supervisions_are_counted_when_somebody_keeps_them() -> None:
    facts = the_facts(
        findings=[OpenFinding("S3", "f1"), OpenFinding("S4", "f2"), OpenFinding("S3", "f3")],
        supervised=[Supervised(800, 100, "s1"), Supervised(200, 20, "s2")],
    )

    assert figure(facts, "findings_open").detail == {"s1": 0, "s2": 0, "s3": 2, "s4": 1}
    assert figure(facts, "unjustified_v3_permille").value == 120
    assert figure(the_facts(findings=[], supervised=[]), "findings_open").value == 0
    assert figure(the_facts(supervised=[]), "unjustified_v3_permille").status == "NOT_EVALUATED"


# ---- the door


async def asked(permits: Permits, who: Person | None = None, **query: Any) -> dict[str, Any]:
    answer = await permits.get("/v1/indicators", who, **query)
    return {one["id"]: one for one in answer["indicators"]} | {"as_of": answer["as_of"]}


async def test_the_indicators_of_a_region_and_who_is_shown_them(permits: Permits) -> None:
    await permits.issued_permit()
    report = {
        "number": "INF-1",
        "plan": PLAN,
        "parcel": "PC 01",
        "trees_sampled": 1,
        "trees_absent": 0,
        "volume_dm3": 2_000,
    }
    await permits.post("/v1/inspections", SUPERVISOR, report)
    group = {
        "code": "CB-FM/COC-000001", "scheme": "fsc", "holder": "consorcio-1", "valid_from": "2025-01-01",
        "valid_to": "2030-12-31", "members": [{"org": "comunidad-a", "first_day": "2025-01-01"}],
    }  # fmt: skip
    consortium = {"id": "consorcio-1", "name": "Consorcio", "kind": "consortium", "region": "madre-de-dios"}
    await permits.post("/v1/organisations", OPERATOR, consortium)
    await permits.post("/v1/certificates", CERTIFIER, group)
    await permits.published()

    found = await asked(permits, OFFICER, region="madre-de-dios", on="2026-12-31")

    assert found["plan_area_m2"]["value"] == SQUARE_M2
    assert found["po_active_area_m2"]["value"] == 14_000_000
    assert found["communities_with_plan"]["value"] == 1
    assert found["groups_certified"]["value"] == 1
    assert found["certified_area_m2"]["value"] == SQUARE_M2
    assert found["verification_coverage_permille"]["value"] == 340  # 2,000 of 5,881 litres
    assert found["verification_coverage_permille"]["sources"]["count"] == 2
    assert found["as_of"] == len(permits.custody.log) - 1
    for who in (None, MANAGER, Person("authority", "gerfor-lo", "u-far", "loreto")):
        hidden = await asked(permits, who, region="madre-de-dios", on="2026-12-31")
        assert {one["status"] for name, one in hidden.items() if name != "as_of"} == {"WITHHELD"}
        assert {one["value"] for name, one in hidden.items() if name != "as_of"} == {None}
        assert all(
            one["sources"]["count"] == 0 and not one["detail"] for name, one in hidden.items() if name != "as_of"
        )
    assert (await asked(permits, OFFICER, region="madre-de-dios", on="2024-12-31"))["communities_with_plan"][
        "value"
    ] == 0


async def test_three_communities_are_enough_to_be_shown_to_anyone_and_new_acts_count_at_once(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": "comunidad-c", "name": "C", "kind": "community"})
    for org in "ab":
        await permits.post("/v1/titles", OFFICER, a_title(number=f"CN-{org.upper()}", org=f"comunidad-{org}"))
    assert (await asked(permits, on="2026-12-31"))["plan_area_m2"]["status"] == "WITHHELD"

    await permits.post("/v1/titles", OFFICER, a_title(number="CN-C", org="comunidad-c"))

    assert (await asked(permits, on="2026-12-31"))["plan_area_m2"]["value"] == 0
    for who, org in ((MANAGER, "a"), (NEIGHBOUR, "b")):
        plan = a_plan(id=f"PO-{org.upper()}", title=f"CN-{org.upper()}", census_basis="not_available", regent=None)
        await permits.agreed(plan["id"], who, regent=None)
        await permits.post("/v1/plans", who, plan)
        await permits.post(f"/v1/plans/PO-{org.upper()}/submit", who)
        await permits.answered(plan["id"], who)
        await permits.post(f"/v1/plans/PO-{org.upper()}/approve", OFFICER, {"resolution": "R"})
    found = await asked(permits, on="2026-12-31")
    assert found["plan_area_m2"]["value"] == SQUARE_M2  # three titles over the same square
    assert found["communities_with_plan"]["value"] == 2
    assert found["po_active_area_m2"]["value"] == 28_000_000


async def test_findings_are_open_until_they_are_accepted(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census())
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)

    before = (await asked(permits, OFFICER, region="madre-de-dios"))["findings_open"]
    await permits.answered()
    after = (await asked(permits, OFFICER, region="madre-de-dios"))["findings_open"]

    # P01 (S3) and P08 (S2) fail; the review that an officer asks for finds P13 (S3), and those of S3 are accepted.
    assert (before["value"], before["status"]) == (2, "COMPUTED")
    assert after["value"] == 1
