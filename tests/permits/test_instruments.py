"""A plan from draft to permit, to suspension, to re-entry: five people, each wrong step refused with its reason."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.permits.access import ACCESS
from services.permits.domain.lifecycle import Extension, phase_of, transition, transitions
from services.permits.domain.party import SamePerson, WrongState
from tests.permits.conftest import (
    MANAGER,
    NEIGHBOUR,
    OFFICER,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Permits,
    Person,
    a_census,
    a_permit,
    a_plan,
    a_title,
)

TRIBUNAL = Person("supervisor", "osinfor-md", "u-tribunal", "*")
WHY = {"reason": "Informe de supervisión 12-2026"}
DECISION = {"resolution": "RGR-0001-2025"}
PATH, PERMIT_PATH = f"/v1/plans/{PLAN}", f"/v1/permits/{PERMIT}"
INSPECTION = {
    "day": "2025-06-01", "opinion": "favourable", "trees_sampled": 2, "trees_absent": 0, "reason": "Acta 4-2025",
}  # fmt: skip
REENTRY = {
    "id": "R1", "kind": "reentry", "harvest_from": "2028-01-10", "harvest_to": "2028-07-21", "move_to": "2028-12-31",
    "reason": "Quedan árboles en pie por la creciente",
}  # fmt: skip
BALANCES = {"id": "S1", "kind": "balance_mobilisation", "move_to": "2028-06-30", "reason": "Trozas en el patio"}


def on_day(permits: Permits, day: str) -> None:
    """The service lives on this day."""
    moment = datetime.fromisoformat(day).replace(hour=15, tzinfo=UTC)
    permits.app.state.house.clock = lambda: moment


async def no(permits: Permits, slug: str, path: str, who: Person, body: Any = None, status: int = 409) -> None:
    """Refused, with a whole sentence in each language."""
    problem = await permits.refused(slug, path, who, body, status)
    assert problem["detail_es"] != problem["detail_en"]
    assert "{" not in problem["detail_es"] + problem["detail_en"]


async def test_five_people_take_a_plan_from_draft_to_reentry_and_no_wrong_step_passes(permits: Permits) -> None:
    on_day(permits, "2025-06-10")
    await permits.post("/v1/titles", OFFICER, a_title())

    # The community drafts, the regent signs the census, nobody else.
    await no(permits, "other-organisation", "/v1/plans", NEIGHBOUR, a_plan(), 403)
    await no(permits, "no-delegation", "/v1/plans", REGENT, a_plan())
    await permits.post("/v1/plans", MANAGER, a_plan(), expect=201)
    await no(permits, "census-missing", f"{PATH}/submit", MANAGER)
    await permits.upload(a_census(), REGENT)
    await no(permits, "wrong-state", f"{PATH}/inspect", OFFICER, INSPECTION)
    await no(permits, "role-not-allowed", f"{PATH}/submit", REGENT, status=403)
    assert (await permits.post(f"{PATH}/submit", MANAGER))["state"] == "submitted"

    # Observed and submitted again, inspected by one officer, approved by another.
    regent_as_officer = Person("authority", "gerfor-md", REGENT.sub, "madre-de-dios")
    await no(permits, "same-person", f"{PATH}/inspect", regent_as_officer, INSPECTION)
    assert (await permits.post(f"{PATH}/observe", OFFICER, {"reason": "Falta el mapa"}))["state"] == "observed"
    await no(permits, "wrong-state", f"{PATH}/approve", SECOND, DECISION)
    await permits.upload(a_census(), REGENT)
    await permits.post(f"{PATH}/submit", MANAGER)
    await no(permits, "day-not-come", f"{PATH}/inspect", OFFICER, INSPECTION | {"day": "2025-06-11"})
    assert (await permits.post(f"{PATH}/inspect", OFFICER, INSPECTION))["state"] == "inspected"
    await no(permits, "same-person", f"{PATH}/approve", OFFICER, DECISION)
    await permits.answered()
    assert (await permits.post(f"{PATH}/approve", SECOND, DECISION))["state"] == "approved"
    await no(permits, "wrong-state", f"{PATH}/reject", OFFICER, WHY)

    # The permit: proposed by one, approved by another.
    await permits.post("/v1/permits", OFFICER, a_permit())
    await no(permits, "same-person", f"{PERMIT_PATH}/approve", OFFICER)
    await permits.post(f"{PERMIT_PATH}/approve", SECOND)
    await no(permits, "wrong-state", f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "Nada que apelar"})

    # The supervisor stops it; who approved neither does that nor lifts it; the holder appeals; another decides.
    approver_as_supervisor = Person("supervisor", "osinfor-md", SECOND.sub, "*")
    await no(permits, "role-not-allowed", f"{PERMIT_PATH}/precautionary-measure", OFFICER, WHY, 403)
    await no(permits, "same-person", f"{PERMIT_PATH}/precautionary-measure", approver_as_supervisor, WHY)
    stopped = await permits.post(f"{PERMIT_PATH}/precautionary-measure", SUPERVISOR, WHY)
    assert (stopped["state"], stopped["measure"]) == ("suspended", "precautionary")
    await no(permits, "measure-of-supervisor", f"{PERMIT_PATH}/reinstate", OFFICER, WHY)
    await no(permits, "other-organisation", f"{PERMIT_PATH}/appeals", NEIGHBOUR, {"id": "A1", "ground": "x"}, 403)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "El árbol 501 está en pie"}, 201)
    await no(permits, "appeal-open", f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A2", "ground": "Otra"})
    await no(permits, "appeal-open", f"{PERMIT_PATH}/caducity", SUPERVISOR, WHY)
    upheld = {"outcome": "upheld", "resolution": "TFFS 3-2025"}
    await no(permits, "same-person", f"{PERMIT_PATH}/appeals/A1/decide", SUPERVISOR, upheld)
    decided = await permits.post(f"{PERMIT_PATH}/appeals/A1/decide", TRIBUNAL, upheld)
    assert (decided["state"], decided["measure"], decided["appeals"][0]["state"]) == ("in_force", None, "upheld")

    # Years later: the plan is over; days are asked for by the community and given by an officer.
    on_day(permits, "2027-12-15")
    assert (await permits.get(f"{PATH}/standing"))["phase"] == "expired"
    await no(permits, "other-organisation", f"{PERMIT_PATH}/extensions", NEIGHBOUR, REENTRY, 403)
    await no(permits, "window-order", f"{PERMIT_PATH}/extensions", MANAGER, REENTRY | {"harvest_from": "2027-07-21"})
    await permits.post(f"{PERMIT_PATH}/extensions", MANAGER, REENTRY, 201)
    assert (await permits.get(f"{PATH}/standing", MANAGER))["phase"] == "reentry_requested"
    assert (await permits.get(f"{PATH}/standing"))["phase"] == "expired"
    manager_as_officer = Person("authority", "gerfor-md", MANAGER.sub, "madre-de-dios")
    await no(permits, "role-not-allowed", f"{PERMIT_PATH}/extensions/R1/approve", MANAGER, DECISION, 403)
    await no(permits, "same-person", f"{PERMIT_PATH}/extensions/R1/approve", manager_as_officer, DECISION)
    paper = (await permits.paper("reentry", b"Resolucion de reingreso", OFFICER))["sha256"]
    given = await permits.post(f"{PERMIT_PATH}/extensions/R1/approve", OFFICER, DECISION | {"documents": [paper]})
    assert given["reentries"] == [["2028-01-10", "2028-07-21"]]
    assert (await permits.get(f"{PATH}/standing", on="2028-01-09"))["phase"] == "expired"
    assert (await permits.get(f"{PATH}/standing", on="2028-02-01"))["phase"] == "reentry_active"
    assert (await permits.get(f"{PATH}/standing", on="2028-08-01"))["phase"] == "balance_mobilisation"
    gap = await permits.get(f"{PERMIT_PATH}/verify", on="2028-01-05")
    again = await permits.get(f"{PERMIT_PATH}/verify", on="2028-02-01")
    assert (gap["valid"], again["valid"], again["movement_valid"]) == (False, True, True)

    await permits.published()
    amended = permits.custody.bodies("permit.amended")[-1]
    assert (amended["harvest_from"], amended["move_to"], amended["documents"]) == (
        "2028-01-10",
        "2028-12-31",
        [paper],
    )
    assert permits.custody.types().count("permit.suspended") == permits.custody.types().count("permit.reinstated") == 1


async def test_balances_are_mobilised_without_any_felling(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/extensions", MANAGER, BALANCES, 201)
    assert (await permits.post(f"{PERMIT_PATH}/extensions", MANAGER, BALANCES, 200))["extensions"][0]["id"] == "S1"
    await no(permits, "number-taken", f"{PERMIT_PATH}/extensions", MANAGER, BALANCES | {"move_to": "2028-07-01"})

    await permits.post(f"{PERMIT_PATH}/extensions/S1/approve", OFFICER, DECISION)
    await no(permits, "wrong-state", f"{PERMIT_PATH}/extensions/S1/refuse", OFFICER, DECISION)

    later = await permits.get(f"{PERMIT_PATH}/verify", on="2028-05-01")
    assert (later["valid"], later["movement_valid"]) == (False, True)
    await permits.published()
    assert "harvest_from" not in permits.custody.bodies("permit.amended")[-1]


async def test_a_refused_request_moves_no_clock(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/extensions", OFFICER, REENTRY, 201)

    await no(permits, "same-person", f"{PERMIT_PATH}/extensions/R1/refuse", OFFICER, DECISION)
    refused = await permits.post(f"{PERMIT_PATH}/extensions/R1/refuse", SECOND, DECISION)

    assert (refused["extensions"][0]["state"], refused["reentries"], refused["move_to"]) == (
        "refused",
        [],
        "2027-12-31",
    )
    await permits.published()
    assert permits.custody.bodies("permit.amended") == []


async def test_caducity_is_declared_by_one_appealed_and_confirmed_by_another(permits: Permits) -> None:
    await permits.issued_permit()
    declared = await permits.post(f"{PERMIT_PATH}/caducity", SUPERVISOR, WHY)
    assert (declared["state"], declared["measure"]) == ("suspended", "caducity")
    await no(permits, "caducity-declared", f"{PERMIT_PATH}/reinstate", SUPERVISOR, WHY)
    await no(permits, "caducity-declared", f"{PERMIT_PATH}/revoke", OFFICER, WHY)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "No se probó"}, 201)
    await no(permits, "appeal-open", f"{PERMIT_PATH}/caducity/confirm", TRIBUNAL, WHY)
    await permits.post(
        f"{PERMIT_PATH}/appeals/A1/decide", TRIBUNAL, {"outcome": "dismissed", "resolution": "TFFS 4-2026"}
    )
    await no(permits, "same-person", f"{PERMIT_PATH}/caducity/confirm", SUPERVISOR, WHY)
    await no(permits, "appealed-already", f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A2", "ground": "Otra vez"})

    final = await permits.post(f"{PERMIT_PATH}/caducity/confirm", TRIBUNAL, WHY)

    assert final["state"] == "revoked"
    await no(permits, "wrong-state", f"{PERMIT_PATH}/extensions", MANAGER, REENTRY)
    await permits.published()
    assert permits.custody.types().count("permit.revoked") == 1


async def test_a_measure_over_a_suspended_permit_takes_it_over_and_only_a_caducity_is_confirmed(
    permits: Permits,
) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)
    await no(permits, "no-caducity", f"{PERMIT_PATH}/caducity/confirm", TRIBUNAL, WHY)

    taken = await permits.post(f"{PERMIT_PATH}/precautionary-measure", SUPERVISOR, WHY)

    assert taken["measure"] == "precautionary"
    await no(permits, "measure-of-supervisor", f"{PERMIT_PATH}/reinstate", OFFICER, WHY)
    assert (await permits.post(f"{PERMIT_PATH}/reinstate", TRIBUNAL, WHY))["state"] == "in_force"
    await permits.published()
    assert permits.custody.types().count("permit.suspended") == 1


async def test_a_plan_takes_its_permits_with_it_and_brings_them_back(permits: Permits) -> None:
    await permits.issued_permit()

    assert (await permits.post(f"{PATH}/suspend", SUPERVISOR, WHY))["state"] == "suspended"
    assert (await permits.get(f"{PERMIT_PATH}/course", MANAGER))["measure"] == "plan"
    await no(permits, "wrong-state", "/v1/permits", OFFICER, a_permit(number="P-2"))
    await no(permits, "follows-plan", f"{PERMIT_PATH}/reinstate", SUPERVISOR, WHY)
    await no(permits, "measure-of-supervisor", f"{PATH}/reinstate", OFFICER, WHY)
    assert (await permits.post(f"{PATH}/reinstate", SUPERVISOR, WHY))["state"] == "approved"
    assert (await permits.get(f"{PERMIT_PATH}/course", MANAGER))["state"] == "in_force"

    await no(permits, "same-person", f"{PATH}/caducity", Person("supervisor", "osinfor-md", OFFICER.sub, "*"), WHY)
    assert (await permits.post(f"{PATH}/caducity", SUPERVISOR, WHY))["state"] == "caducated"
    assert (await permits.get(f"{PERMIT_PATH}/course", MANAGER))["measure"] == "caducity"
    acts = await permits.get(f"{PATH}/acts", MANAGER)
    assert [act["act"] for act in acts["items"]] == [
        "draft", "upload_census", "submit", "approve", "suspend", "reinstate", "declare_caducity",
    ]  # fmt: skip
    assert "u-" not in str(acts)
    await permits.get(f"{PATH}/acts", NEIGHBOUR, expect=404)


async def test_who_suspended_the_plan_does_not_decide_the_appeal_against_that(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PATH}/suspend", OFFICER, WHY)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "No corresponde"}, 201)
    dismissed = {"outcome": "dismissed", "resolution": "RGR-9"}

    await no(permits, "same-person", f"{PERMIT_PATH}/appeals/A1/decide", OFFICER, dismissed)

    await permits.post(f"{PERMIT_PATH}/appeals/A1/decide", TRIBUNAL, dismissed)


async def test_an_open_appeal_is_decided_before_anything_else_moves_the_permit(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)
    await permits.post(f"{PERMIT_PATH}/appeals", MANAGER, {"id": "A1", "ground": "No corresponde"}, 201)
    for path in (f"{PERMIT_PATH}/reinstate", f"{PERMIT_PATH}/revoke"):
        await no(permits, "appeal-open", path, SECOND, WHY)
    await no(permits, "appeal-open", f"{PATH}/caducity", SUPERVISOR, WHY)
    dismissed = {"outcome": "dismissed", "resolution": "RGR-9"}
    await no(permits, "same-person", f"{PERMIT_PATH}/appeals/A1/decide", OFFICER, dismissed)
    await permits.post(f"{PERMIT_PATH}/appeals/A1/decide", SECOND, dismissed)

    await permits.post(f"{PATH}/suspend", SECOND, WHY)
    await no(permits, "wrong-state", f"{PERMIT_PATH}/reinstate", OFFICER, WHY)
    await permits.post(f"{PATH}/reinstate", SECOND, WHY)
    assert (await permits.post(f"{PERMIT_PATH}/reinstate", OFFICER, WHY))["state"] == "in_force"


async def test_a_plan_is_closed_with_its_execution_report_and_reformulated_by_its_successor(permits: Permits) -> None:
    await permits.approved_plan()
    other = (await permits.paper("kardex", b"kardex", OFFICER))["sha256"]
    await no(permits, "document-kind", f"{PATH}/close", OFFICER, WHY | {"documents": [other]})
    await no(permits, "reference-unknown", f"{PATH}/close", OFFICER, WHY | {"documents": ["ab" * 32]})

    await permits.agreed("PO-NEW")
    await permits.post("/v1/plans", MANAGER, a_plan(id="PO-NEW", supersedes=PLAN))
    await permits.upload(a_census(), REGENT, "PO-NEW")
    await permits.post("/v1/plans/PO-NEW/submit", MANAGER)
    await permits.answered("PO-NEW")
    await permits.post("/v1/plans/PO-NEW/approve", OFFICER, DECISION)
    assert (await permits.get(PATH))["state"] == "reformulated"
    await permits.published()
    said = {one["id"]: one.get("supersedes") for one in permits.custody.bodies("plan.approved")}
    assert said == {PLAN: None, "PO-NEW": PLAN}
    await no(permits, "wrong-state", "/v1/permits", OFFICER, a_permit())

    report = (await permits.paper("execution_report", b"informe final", OFFICER))["sha256"]
    closed = await permits.post("/v1/plans/PO-NEW/close", OFFICER, WHY | {"documents": [report]})
    assert closed["state"] == "closed"
    await no(permits, "wrong-state", "/v1/plans/PO-NEW/suspend", SUPERVISOR, WHY)


async def test_nobody_goes_back_to_fell_on_a_plan_that_is_closed_and_its_balances_still_move(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/extensions", MANAGER, REENTRY, 201)
    await permits.post(f"{PERMIT_PATH}/extensions", MANAGER, BALANCES, 201)
    report = (await permits.paper("execution_report", b"informe final", OFFICER))["sha256"]
    await permits.post(f"{PATH}/close", OFFICER, WHY | {"documents": [report]})

    await no(permits, "wrong-state", f"{PERMIT_PATH}/extensions/R1/approve", OFFICER, DECISION)

    await permits.post(f"{PERMIT_PATH}/extensions/R1/refuse", OFFICER, DECISION)
    await permits.post(f"{PERMIT_PATH}/extensions/S1/approve", OFFICER, DECISION)


async def test_an_operating_plan_stands_under_an_approved_general_plan_of_its_title(permits: Permits) -> None:
    general = a_plan(
        id="PGMF-1", number="PGMF", kind="PGMF", cycle_years=20, census_basis="not_available",
        harvest_from="2025-01-01", harvest_to="2044-12-31",
        zones=[{"name": "Bosque de producción", "use": "production", "area_m2": 100_000_000}],
    )  # fmt: skip
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, general | {"cycle_years": None}, 422)
    await permits.post("/v1/plans", MANAGER, general)
    await no(permits, "wrong-state", "/v1/plans", MANAGER, a_plan(parent="PGMF-1"))
    await permits.agreed("PGMF-1")
    await permits.post("/v1/plans/PGMF-1/submit", MANAGER)
    await permits.answered("PGMF-1")
    await permits.post("/v1/plans/PGMF-1/approve", OFFICER, DECISION)
    await no(permits, "not-under-plan", "/v1/plans", MANAGER, a_plan(parent="PGMF-1", harvest_to="2045-01-01"))
    strange = a_plan(parent="PGMF-1", parcels=[{"code": "PC 09", "area_m2": 10}])
    await no(permits, "not-under-plan", "/v1/plans", MANAGER, strange)
    await no(permits, "plan-not-operational", "/v1/permits", OFFICER, a_permit(plan="PGMF-1"))

    drafted = await permits.post("/v1/plans", MANAGER, a_plan(parent="PGMF-1"), 201)

    assert (drafted["kind"], drafted["parent"]) == ("PO", "PGMF-1")
    await permits.upload(a_census(), REGENT)
    await permits.post(f"{PATH}/submit", MANAGER)
    await permits.answered()
    await permits.post(f"{PATH}/approve", OFFICER, DECISION)
    await permits.published()
    said = permits.custody.bodies("plan.approved")
    assert [(one["kind"], one.get("parent")) for one in said] == [("PGMF", None), ("PO", "PGMF-1")]
    assert all(len(one["documents"]) == 1 for one in said)


async def test_an_appeal_sent_five_times_in_one_moment_is_one(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)
    appeal = {"id": "A1", "ground": "No corresponde"}

    answers = await asyncio.gather(
        *(permits.call("POST", f"{PERMIT_PATH}/appeals", MANAGER, json=appeal) for _ in range(5))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    await no(permits, "number-taken", f"{PERMIT_PATH}/appeals", MANAGER, appeal | {"ground": "Otro"})


async def test_five_acts_on_a_plan_in_one_moment_are_one(permits: Permits) -> None:
    await permits.approved_plan()
    paper = (await permits.paper("execution_report", b"informe", OFFICER))["sha256"]

    for path, body in (("suspend", WHY), ("reinstate", WHY), ("close", WHY | {"documents": [paper]})):
        answers = await asyncio.gather(*(permits.call("POST", f"{PATH}/{path}", OFFICER, json=body) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409], path

    acts = await permits.get(f"{PATH}/acts", MANAGER)
    assert [act["act"] for act in acts["items"]][-3:] == ["suspend", "reinstate", "close"]


async def test_nothing_begins_or_counts_under_a_general_plan_that_does_not_stand(permits: Permits) -> None:
    general = a_plan(
        id="PGMF-1", number="PGMF", kind="PGMF", cycle_years=20, census_basis="not_available",
        harvest_from="2025-01-01", harvest_to="2044-12-31",
    )  # fmt: skip
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, general)
    await permits.agreed("PGMF-1")
    await permits.post("/v1/plans/PGMF-1/submit", MANAGER)
    await permits.answered("PGMF-1")
    await permits.post("/v1/plans/PGMF-1/approve", OFFICER, DECISION)
    await permits.post("/v1/plans", MANAGER, a_plan(parent="PGMF-1"))
    await permits.upload(a_census(), REGENT)
    await permits.post(f"{PATH}/submit", MANAGER)
    await permits.answered()
    await permits.post("/v1/plans/PGMF-1/suspend", SUPERVISOR, WHY)

    await no(permits, "wrong-state", "/v1/plans", MANAGER, a_plan(id="PO-NEW", parent="PGMF-1"))
    await no(permits, "wrong-state", f"{PATH}/approve", OFFICER, DECISION)

    await permits.post("/v1/plans/PGMF-1/reinstate", SUPERVISOR, WHY)
    await permits.post(f"{PATH}/approve", OFFICER, DECISION)
    await permits.post("/v1/permits", OFFICER, a_permit())
    await permits.post("/v1/plans/PGMF-1/caducity", SUPERVISOR, WHY)
    await no(permits, "wrong-state", f"{PERMIT_PATH}/approve", SECOND)


async def test_a_plan_is_exhausted_when_custody_has_drawn_what_was_authorised(permits: Permits) -> None:
    await permits.issued_permit()
    permits.custody.balances = [{"permit": PERMIT, "drawn_dm3": dm3} for dm3 in (5_000, 880)]
    almost = await permits.get(f"{PATH}/standing", MANAGER, on="2026-01-01")
    permits.custody.balances[1]["drawn_dm3"] = 881
    exhausted = await permits.get(f"{PATH}/standing", MANAGER, on="2026-01-01")
    public = await permits.get(f"{PATH}/standing", on="2026-01-01")
    permits.custody.silent = True
    unknown = await permits.get(f"{PATH}/standing", MANAGER, on="2026-01-01")

    assert (almost["phase"], almost["authorised_dm3"], almost["drawn_dm3"]) == ("active", 5_881, 5_880)
    assert (exhausted["phase"], unknown["phase"], unknown["drawn_dm3"]) == ("exhausted", "active", None)
    assert (public["phase"], public["drawn_dm3"]) == ("active", None)


# ---- the table


def test_the_table_and_the_doors_name_the_same_roles() -> None:
    """An operation of several transitions (approve and reformulate) has the roles of each."""
    for one in transitions():
        if one.act == "revoke":
            continue
        assert set(one.roles) == set(ACCESS[one.operation]), one.operation
    assert set(transition("permit", "revoke").roles) == set(ACCESS["revoke_permit"])


def test_every_act_of_the_table_is_refused_out_of_its_states_and_to_whom_it_must_be_apart_from() -> None:
    states = {state for one in transitions() for state in (*one.sources, one.target) if state}
    for one in transitions():
        for state in states - set(one.sources):
            with pytest.raises(WrongState):
                one.take("X", state, "u", {})
        for source in one.sources:
            assert one.take("X", source, "u", {}) == (one.target or source)
            for earlier in one.apart_from:
                with pytest.raises(SamePerson) as caught:
                    one.take("X", source, "u", {earlier: ["u"]})
                assert caught.value.text("es") != caught.value.text("en")
                assert one.take("X", source, "u", {earlier: ["v"]}) == (one.target or source)


async def test_the_table_is_read_in_two_languages_without_a_login(permits: Permits) -> None:
    table = await permits.get("/v1/plans/lifecycle")

    assert len(table["transitions"]) == len(transitions())
    for row in [*table["transitions"], *table["computed"]]:
        assert row["es"]
        assert row["en"]
        assert row["es"] != row["en"]
    assert "pending" in table["legal_review"]


DAY = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("kind", "state", "day", "phase"),
    [
        ("PO", "approved", date(2026, 12, 31), "approved"),
        ("PO", "approved", DAY, "active"),
        ("PMFI", "approved", date(2027, 12, 31), "in_force"),
        ("PO", "suspended", DAY, "suspended"),
        ("PO", "draft", DAY, "draft"),
        ("PO", "approved", date(2028, 1, 1), "expired"),
        ("PO", "approved", date(2028, 3, 1), "reentry_active"),
        ("PO", "approved", date(2028, 6, 30), "reentry_active"),
        ("PO", "approved", date(2028, 7, 1), "balance_mobilisation"),
        ("PO", "approved", date(2029, 1, 1), "expired"),
    ],
)
def test_the_phase_of_a_plan_is_computed_by_day(kind: str, state: str, day: date, phase: str) -> None:
    given = Extension("R1", "reentry", date(2028, 3, 1), date(2028, 6, 30), date(2028, 12, 31), "", (), "approved", "u")

    assert phase_of(kind, state, DAY, date(2027, 12, 31), [given], day) == phase
