"""The review of a plan through the door: what it finds, who sees what of it, what is done about it, and what it blocks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from deploy.seed import sample
from services.permits.domain.forensics.examine import RULES
from services.permits.domain.rules.catalogue import rules_on
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    TREE_501,
    TREE_1170,
    Permits,
    Person,
    a_census,
    a_line,
    a_permit,
    a_plan,
    a_title,
)

FINDINGS, APPROVE = f"/v1/plans/{PLAN}/findings", f"/v1/plans/{PLAN}/approve"
DECISION = {"resolution": "RGR-0000-2025"}
SAID = {"text": "Véase el informe."}
ACCEPTED, UPHELD = {"decision": "accepted", "text": "Conforme."}, {"decision": "upheld", "text": "No conforme."}
INFLATED = TREE_501.replace("5.881", "8.881")
COMPANY = Person("company", "aserradero-1", "u-company")


async def submitted(permits: Permits, *rows: str, **changes: Any) -> dict[str, Any]:
    """A plan handed in, and its findings by rule."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(**changes))
    await permits.upload(a_census(*rows), REGENT)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    return await by_rule(permits)


async def by_rule(permits: Permits, who: Person | None = MANAGER, **query: Any) -> dict[str, Any]:
    review = await permits.get(FINDINGS, who, **query)
    return {found["rule"]: found for found in review["findings"]}


def at(found: dict[str, Any], act: str, plan: str = PLAN) -> str:
    return f"/v1/plans/{plan}/findings/{found['id']}/{act}"


def after(permits: Permits, days: int) -> None:
    """The clock of the house goes on."""
    permits.app.state.house.clock = lambda: datetime.now(UTC) + timedelta(days=days)


async def upheld(permits: Permits, found: dict[str, Any]) -> None:
    await permits.post(at(found, "explanation"), MANAGER, SAID)
    await permits.post(at(found, "decision"), SUPERVISOR, UPHELD)


async def reviewed(permits: Permits) -> dict[str, dict[str, Any]]:
    """What a review that an officer asks for finds, by rule."""
    await permits.post(f"/v1/plans/{PLAN}/review", SECOND)
    return await by_rule(permits)


# ---- the review


async def test_a_plan_is_reviewed_when_it_is_handed_in(permits: Permits) -> None:
    found = await submitted(permits, INFLATED, TREE_1170)

    assert set(found) == {f"P{n:02d}" for n in range(1, 16)} | {"SPECIES", *RULES}
    # Two trees tell nothing of how a list was made.
    assert {found[rule]["status"] for rule in RULES} == {"NOT_EVALUATED"}
    p06 = found["P06"]
    assert (p06["status"], p06["severity"], p06["state"], p06["blocks"]) == ("FAIL", "S2", "open", "needs-explanation")
    assert p06["evidence"] == [{"parcel": "PC 01", "code": "501", "declared_dm3": 8881, "computed_dm3": 5881}]
    assert (found["P07"]["kind"], found["P07"]["numeral"]) == ("unauthorised", "10")
    assert (found["P05"]["kind"], found["P05"]["numeral"], found["P05"]["status"]) == (
        "unjustified",
        "21",
        "NOT_EVALUATED",
    )
    assert found["P12"]["status"] == "PASS"
    for rule in ("P02", "P04", "P13", "P14"):
        assert (found[rule]["status"], found[rule]["state"], found[rule]["blocks"]) == ("NOT_EVALUATED", "", None)


async def test_the_public_sees_what_was_found_and_never_evidence_or_words(permits: Permits) -> None:
    await permits.approved_plan(a_census(INFLATED, TREE_1170))

    for stranger in (None, NEIGHBOUR, COMPANY, Person("authority", "gerfor-lo", "u-lo", "loreto")):
        found = await by_rule(permits, stranger)
        assert found["P06"]["computed"]["failed"] == 1
        assert {one["evidence"] for one in found.values()} == {None}
        assert [(act["act"], act["by"], act["text"]) for act in found["P06"]["acts"]] == [("explain", None, None)]
    for concerned in (MANAGER, MEMBER, REGENT, OFFICER, SUPERVISOR):
        found = await by_rule(permits, concerned)
        assert found["P06"]["evidence"][0]["code"] == "501"
        [act] = found["P06"]["acts"]
        assert (act["org"], act["text"]) == ("comunidad-a", "Se explica en el informe adjunto.")
        assert len(act["by"]) == 16


async def test_no_finding_shows_where_a_tree_stands(permits: Permits) -> None:
    await permits.approved_plan()

    for who in (None, MANAGER, SUPERVISOR):
        text = (await permits.call("GET", FINDINGS, who, 200)).text
        assert "506299" not in text
        assert "5062990" not in text


async def test_findings_of_a_plan_that_is_not_approved_are_for_those_concerned(permits: Permits) -> None:
    await submitted(permits)

    await permits.get(FINDINGS, MEMBER)
    for stranger in (None, NEIGHBOUR):
        await permits.get(FINDINGS, stranger, expect=404)


async def test_a_draft_has_no_review(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census())

    await permits.get(FINDINGS, MANAGER, expect=404)
    await permits.refused("wrong-state", f"/v1/plans/{PLAN}/review", OFFICER)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)

    await permits.post(f"/v1/plans/{PLAN}/review", OFFICER)


async def test_a_review_again_keeps_what_was_said_of_the_same_findings(permits: Permits) -> None:
    before = await submitted(permits, INFLATED, TREE_1170)
    first = (await permits.get(FINDINGS, MANAGER))["review"]
    await permits.post(at(before["P06"], "explanation"), MANAGER, SAID)

    await permits.refused("role-not-allowed", f"/v1/plans/{PLAN}/review", MANAGER, status=403)
    await permits.post(f"/v1/plans/{PLAN}/review", Person("authority", "gerfor-lo", "u-lo", "loreto"), expect=404)
    again = await permits.post(f"/v1/plans/{PLAN}/review", OFFICER)

    now = {found["rule"]: found for found in again["findings"]}
    assert (now["P06"]["id"], now["P06"]["state"]) == (before["P06"]["id"], "explained")
    # Asked by an officer of the region, so one part of P04 is known now: another finding, and the earlier one stays.
    assert now["P04"]["id"] != before["P04"]["id"]
    assert (await by_rule(permits, review=first))["P04"]["id"] == before["P04"]["id"]
    await permits.get(FINDINGS, MANAGER, expect=404, review=10_000)


async def test_a_later_review_weighs_what_all_permits_of_the_plan_authorise(permits: Permits) -> None:
    await permits.agreed_to_holder("aserradero-1")
    await permits.issued_permit(holder="aserradero-1")
    await permits.agreed_to_holder(None)

    await permits.post(f"/v1/plans/{PLAN}/review", OFFICER)

    found = await by_rule(permits)
    assert (found["P05"]["status"], found["P05"]["computed"]["authorised_dm3"]) == ("PASS", 5881)
    # The holder is a third party, and the last act of the assembly does not name it any more.
    assert (found["P14"]["status"], found["P14"]["computed"]["third_parties"]) == ("FAIL", 1)
    # Whoever reviews after the submission is told that nobody has looked in the field.
    assert (found["P13"]["status"], found["P13"]["severity"]) == ("FAIL", "S3")


async def test_two_permits_do_not_both_draw_the_whole_census(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post("/v1/permits", OFFICER, a_permit(number="SEGUNDO-1"))
    await permits.post(
        "/v1/permits", OFFICER, a_permit(number="TERCERO-1", lines=[a_line(species="Myroxylon balsamum")])
    )

    problem = await permits.refused("exceeds-census", "/v1/permits/SEGUNDO-1/approve", SECOND)

    assert (problem["facts"]["authorised_dm3"], problem["facts"]["census_dm3"]) == (2 * 5881, 5881)
    await permits.post("/v1/permits/TERCERO-1/approve", SECOND)
    # What a revoked permit authorised may be drawn already: it makes no room.
    await permits.post(f"/v1/permits/{PERMIT}/revoke", SECOND, {"reason": "fin"})
    await permits.refused("exceeds-census", "/v1/permits/SEGUNDO-1/approve", SECOND)


# ---- the gate


async def test_a_plan_is_approved_once_its_findings_are_answered(permits: Permits) -> None:
    # No seed trees (P08, S2), both trees outside the title of the tests (P01, S3), and nobody has looked in the field (P13, S3).
    await submitted(permits)
    await permits.refused("review-needed", APPROVE, OFFICER, DECISION)  # that of the submission is not enough
    found = await reviewed(permits)

    problem = await permits.refused("findings-open", APPROVE, OFFICER, DECISION)
    assert {one["rule"]: one["why"] for one in problem["facts"]["findings"]} == {
        "P01": "needs-decision", "P08": "needs-explanation", "P13": "needs-decision",
    }  # fmt: skip
    assert problem["facts"]["findings"][0]["id"] == found["P01"]["id"]
    await permits.post(at(found["P08"], "explanation"), MANAGER, SAID)
    await permits.post(at(found["P01"], "explanation"), REGENT, SAID)
    await permits.post(at(found["P13"], "explanation"), MANAGER, SAID)
    problem = await permits.refused("findings-open", APPROVE, OFFICER, DECISION)
    assert problem["facts"]["names"] == "P01 (S3), P13 (S3)"
    for rule in ("P01", "P13"):
        await permits.post(at(found[rule], "decision"), SUPERVISOR, ACCEPTED)

    assert (await permits.post(APPROVE, OFFICER, DECISION))["state"] == "approved"


async def test_what_was_upheld_keeps_the_plan_from_approval_until_an_appeal_lifts_it(permits: Permits) -> None:
    found = await submitted(permits)
    await permits.answered()
    await permits.post(at(found["P08"], "decision"), SUPERVISOR, UPHELD)
    problem = await permits.refused("findings-open", APPROVE, OFFICER, DECISION)
    assert (problem["facts"]["names"], problem["facts"]["findings"][0]["why"]) == ("P08 (S2)", "upheld")

    await permits.post(at(found["P08"], "appeal"), MANAGER, SAID)
    lifted = {"outcome": "lifted", "text": "Los semilleros están marcados en campo."}
    await permits.refused("same-person", at(found["P08"], "closing"), SUPERVISOR, lifted)
    closed = await permits.post(at(found["P08"], "closing"), SECOND, lifted)

    assert (closed["state"], closed["outcome"], closed["blocks"]) == ("closed", "lifted", None)
    assert [act["act"] for act in closed["acts"]] == ["explain", "uphold", "appeal", "close"]
    assert (await permits.post(APPROVE, OFFICER, DECISION))["state"] == "approved"


async def test_who_decided_a_finding_does_not_approve_the_plan(permits: Permits) -> None:
    await submitted(permits)
    found = await reviewed(permits)
    for rule in ("P01", "P08", "P13"):
        await permits.post(at(found[rule], "explanation"), MANAGER, SAID)
    for rule in ("P01", "P13"):
        await permits.post(at(found[rule], "decision"), OFFICER, ACCEPTED)

    await permits.refused("same-person", APPROVE, OFFICER, DECISION)

    assert (await permits.post(APPROVE, SECOND, DECISION))["state"] == "approved"


async def test_a_plan_is_not_approved_on_an_old_review(permits: Permits) -> None:
    await submitted(permits)
    await permits.answered()
    after(permits, 31)

    await permits.refused("review-needed", APPROVE, OFFICER, DECISION)

    await permits.post(f"/v1/plans/{PLAN}/review", SECOND)
    await permits.answered()  # that nobody has looked in the field is found now
    assert (await permits.post(APPROVE, OFFICER, DECISION))["state"] == "approved"


async def test_a_plan_of_before_the_reviews_is_reviewed_before_it_is_approved(permits: Permits) -> None:
    await submitted(permits)
    admin = await asyncpg.connect(permits.database.admin_dsn)
    await admin.execute("DELETE FROM plan_reviews")
    await admin.close()

    await permits.refused("review-needed", APPROVE, OFFICER, DECISION)

    await permits.post(f"/v1/plans/{PLAN}/review", SECOND)
    await permits.answered()
    assert (await permits.post(APPROVE, OFFICER, DECISION))["state"] == "approved"


async def test_the_sample_data_passes_the_gate_with_its_own_words(permits: Permits) -> None:
    community, plans = sample.COMMUNITY, ((sample.BALANCE_PLAN, sample.PARCELS_M2, sample.synthetic_sheet()), (
        sample.TREE_PLAN, {"PC 01": sample.PARCELS_M2["PC 01"]}, sample.census_sheet(("501", "1170"))))  # fmt: skip
    assert community == MANAGER.org
    declared = sum(sample.PARCELS_M2.values())
    await permits.post("/v1/titles", OFFICER, a_title(declared_area_m2=declared, polygon=sample.polygon()))
    explained = []
    for plan, parcels, sheet in plans:
        areas = [{"code": code, "area_m2": area} for code, area in parcels.items()]
        await permits.post("/v1/plans", MANAGER, a_plan(id=plan, parcels=areas, census_basis="partial"))
        await permits.agreed(plan)
        await permits.upload(sheet, REGENT, plan)
        await permits.post(f"/v1/plans/{plan}/submit", MANAGER)
        await permits.post(f"/v1/plans/{plan}/review", SECOND)
        for found in (await permits.get(f"/v1/plans/{plan}/findings", MANAGER))["findings"]:
            if found["blocks"]:
                explained.append((plan, found["rule"], found["blocks"]))
                await permits.post(
                    at(found, "explanation", plan), MANAGER, {"text": sample.EXPLANATIONS[found["rule"]]}
                )
        assert (await permits.post(f"/v1/plans/{plan}/approve", OFFICER, DECISION))["state"] == "approved"

    assert explained == [(sample.TREE_PLAN, "P06", "needs-explanation")]


# ---- what people do about a finding


async def test_a_finding_is_answered_by_its_makers_and_decided_by_officers_of_the_region(permits: Permits) -> None:
    found = (await submitted(permits))["P08"]
    explain, decide = at(found, "explanation"), at(found, "decision")
    await permits.refused("role-not-allowed", explain, SUPERVISOR, SAID, status=403)
    await permits.post(explain, NEIGHBOUR, SAID, expect=404)
    await permits.refused("role-not-allowed", decide, MANAGER, ACCEPTED, status=403)
    await permits.refused("wrong-state", decide, SUPERVISOR, ACCEPTED)
    assert (await permits.post(explain, MANAGER, SAID))["state"] == "explained"

    await permits.post(decide, Person("authority", "gerfor-lo", "u-lo", "loreto"), ACCEPTED, expect=404)
    await permits.refused("same-person", decide, Person("authority", "gerfor-md", MANAGER.sub, "*"), ACCEPTED)
    await permits.refused("same-organisation", decide, Person("supervisor", "comunidad-a", "u-77", "*"), ACCEPTED)

    assert (await permits.post(decide, SUPERVISOR, ACCEPTED))["state"] == "accepted"
    await permits.refused("wrong-state", decide, SUPERVISOR, UPHELD)
    await permits.refused("wrong-state", at(found, "appeal"), MANAGER, SAID)
    closing = {"outcome": "accepted", "text": "Archívese."}
    assert (await permits.post(at(found, "closing"), SECOND, closing))["state"] == "closed"


async def test_an_explanation_attaches_a_paper_of_the_vault_that_its_author_can_read(permits: Permits) -> None:
    found = (await submitted(permits))["P08"]
    foreign = (await permits.paper("operations_book", b"Libro de otra comunidad", NEIGHBOUR))["sha256"]
    for sha256 in ("ab" * 32, foreign):
        attached = SAID | {"attachment_sha256": sha256}
        await permits.refused("reference-unknown", at(found, "explanation"), MANAGER, attached)

    own = (await permits.paper("operations_book", b"Folio 12"))["sha256"]
    answered = await permits.post(at(found, "explanation"), MANAGER, SAID | {"attachment_sha256": own})

    assert (answered["state"], answered["acts"][0]["attachment_sha256"]) == ("explained", own)


async def test_a_neighbour_who_sees_a_finding_does_not_answer_it_and_an_officer_of_elsewhere_does_not_decide(
    permits: Permits,
) -> None:
    await permits.approved_plan()
    found = (await by_rule(permits))["P08"]

    await permits.refused("not-your-finding", at(found, "explanation"), NEIGHBOUR, SAID, status=403)
    loreto = Person("authority", "gerfor-lo", "u-lo", "loreto")
    await permits.refused("other-region", at(found, "decision"), loreto, ACCEPTED, status=403)
    # The approver of the plan decides none of its findings.
    await permits.refused("same-person", at(found, "decision"), OFFICER, ACCEPTED)

    await permits.post(at(found, "explanation"), MANAGER, SAID)
    await permits.post(at(found, "decision"), SECOND, ACCEPTED)


async def test_who_keeps_silent_is_upheld_when_the_term_is_over(permits: Permits) -> None:
    found = (await submitted(permits))["P08"]
    days = rules_on(datetime.now(UTC).date()).terms

    problem = await permits.refused("term-not-over", at(found, "decision"), SUPERVISOR, UPHELD)
    assert problem["detail_es"]
    after(permits, days.explanation_days + 1)
    assert (await permits.post(at(found, "decision"), SUPERVISOR, UPHELD))["state"] == "upheld"

    closing = {"outcome": "upheld", "text": "Firme."}
    await permits.refused("term-not-over", at(found, "closing"), SECOND, closing)
    after(permits, days.explanation_days + days.appeal_days + 2)
    assert (await permits.post(at(found, "closing"), SECOND, closing))["outcome"] == "upheld"


async def test_what_holds_or_does_not_exist_cannot_be_answered(permits: Permits) -> None:
    found = await submitted(permits)

    await permits.refused("nothing-to-answer", at(found["P06"], "explanation"), MANAGER, SAID)
    missing = {"id": "00000000-0000-4000-8000-000000000000"}
    await permits.post(at(missing, "explanation"), MANAGER, SAID, expect=404)
    await permits.post(at({"id": "x"}, "explanation"), MANAGER, SAID, expect=422)
    await permits.post(at(found["P08"], "explanation"), MANAGER, {"text": ""}, expect=422)
    await permits.post(at(found["P08"], "explanation"), MANAGER, {"text": "a", "attachment_sha256": "z"}, expect=422)

    await permits.post(at(found["P08"], "explanation"), MANAGER, {"text": "Sin adjunto."})


async def test_an_act_repeated_with_its_key_is_done_once(permits: Permits) -> None:
    found = (await submitted(permits))["P08"]

    first = await permits.post(at(found, "explanation"), MANAGER, SAID, key="k-1")
    again = await permits.post(at(found, "explanation"), MANAGER, SAID, key="k-1")

    assert first == again
    assert len((await by_rule(permits))["P08"]["acts"]) == 1


# ---- track records


async def test_a_regents_record_follows_the_firm_to_the_next_community(permits: Permits) -> None:
    found = (await submitted(permits, INFLATED, TREE_1170))["P06"]
    record = f"/v1/organisations/{REGENT.org}/track-record"
    clean = await permits.get(record, REGENT)
    assert (clean["plans_signed"], clean["plans_signed_in_a_year"], clean["plans_confirmed_false"]) == (1, 1, 0)
    await upheld(permits, found)

    # The plan was never approved, so the neighbours do not see it; that the firm has a record, its next plan says.
    await permits.post("/v1/titles", OFFICER, a_title(number="CN-B", org="comunidad-b"))
    await permits.agreed("PO-B", NEIGHBOUR)
    await permits.post("/v1/plans", NEIGHBOUR, a_plan(id="PO-B", title="CN-B"))
    await permits.upload(a_census(), REGENT, "PO-B")
    await permits.post("/v1/plans/PO-B/submit", NEIGHBOUR)

    told = {one["rule"]: one for one in (await permits.get("/v1/plans/PO-B/findings", NEIGHBOUR))["findings"]}["P12"]
    assert (told["status"], told["severity"], told["computed"]["confirmed_plans"]) == ("FAIL", "S3", 1)
    await permits.get(f"/v1/plans/{PLAN}", NEIGHBOUR, expect=404)
    known = await permits.get(record, Person("supervisor", "osinfor-lo", "u-lo", "loreto"))
    assert (known["plans_signed"], known["plans_confirmed_false"]) == (2, 1)
    row = next(one for one in known["plans"] if one["plan"] == PLAN)
    assert (row["part"], row["org"], row["confirmed"][0]["id"]) == ("regent", "comunidad-a", found["id"])
    assert {one["rule"]: one["status"] for one in known["findings"]} == {"P12": "FAIL", "K10": "PASS"}


async def test_an_appeal_takes_a_confirmed_finding_off_the_record_while_it_is_heard(permits: Permits) -> None:
    found = (await submitted(permits, INFLATED, TREE_1170))["P06"]
    record = f"/v1/organisations/{REGENT.org}/track-record"

    async def confirmed() -> int:
        count: int = (await permits.get(record, SUPERVISOR))["plans_confirmed_false"]
        return count

    await upheld(permits, found)
    assert await confirmed() == 1
    await permits.post(at(found, "appeal"), MANAGER, SAID)
    assert await confirmed() == 0
    await permits.post(at(found, "closing"), SECOND, {"outcome": "upheld", "text": "Infundada."})
    assert await confirmed() == 1


async def test_a_finding_that_is_no_false_data_does_not_count(permits: Permits) -> None:
    await upheld(permits, (await submitted(permits))["P08"])

    known = await permits.get(f"/v1/organisations/{REGENT.org}/track-record", SUPERVISOR)

    assert known["plans_confirmed_false"] == 0


async def test_a_company_is_found_when_false_data_was_confirmed_in_two_communities(permits: Permits) -> None:
    record = f"/v1/organisations/{COMPANY.org}/track-record"
    await permits.approved_plan(a_census(INFLATED, TREE_1170))
    await permits.agreed_to_holder(COMPANY.org)
    await permits.post("/v1/permits", OFFICER, a_permit(holder=COMPANY.org))
    assert (await permits.get(record, COMPANY))["communities_held"] == 0
    await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)
    await permits.post(at((await by_rule(permits))["P06"], "decision"), SUPERVISOR, UPHELD)
    one = await permits.get(record, COMPANY)
    await permits.post("/v1/titles", OFFICER, a_title(number="CN-B", org="comunidad-b"))
    await permits.agreed("PO-B", NEIGHBOUR, regent=None)
    await permits.post("/v1/plans", NEIGHBOUR, a_plan(id="PO-B", title="CN-B", regent=None))
    await permits.upload(a_census(INFLATED, TREE_1170), NEIGHBOUR, "PO-B")
    await permits.post("/v1/plans/PO-B/submit", NEIGHBOUR)
    await permits.answered("PO-B", NEIGHBOUR)
    await permits.post("/v1/plans/PO-B/approve", OFFICER, DECISION)
    await permits.agreed_to_holder(COMPANY.org, "PO-B", NEIGHBOUR)
    await permits.post("/v1/permits", OFFICER, a_permit(number="PB-1", plan="PO-B", holder=COMPANY.org))
    await permits.post("/v1/permits/PB-1/approve", SECOND)
    told = {one["rule"]: one for one in (await permits.get("/v1/plans/PO-B/findings", SUPERVISOR))["findings"]}
    await permits.post(at(told["P06"], "decision", "PO-B"), SUPERVISOR, UPHELD)

    two = await permits.get(record, SUPERVISOR)

    def verdict(answer: dict[str, Any]) -> tuple[str, str]:
        return next((k["status"], k["severity"]) for k in answer["findings"] if k["rule"] == "K10")

    assert (one["communities_held"], one["communities_confirmed_false"], verdict(one)) == (1, 1, ("PASS", ""))
    assert (two["communities_held"], two["communities_confirmed_false"], verdict(two)) == (2, 2, ("FAIL", "S3"))


async def test_a_track_record_is_for_officers_and_the_organisation_itself(permits: Permits) -> None:
    record = f"/v1/organisations/{REGENT.org}/track-record"

    await permits.get(record, None, expect=401)
    await permits.get(record, MANAGER, expect=404)
    await permits.get(record, OPERATOR, expect=403)
    await permits.get("/v1/organisations/nadie/track-record", OFFICER, expect=404)

    for who in (REGENT, OFFICER, SUPERVISOR):
        assert (await permits.get(record, who))["plans"] == []


# ---- the database


@pytest.mark.parametrize(("org", "roles"), [("comunidad-b", "manager"), ("gerfor-lo", "authority"), ("", "")])
async def test_the_database_keeps_evidence_and_words_from_strangers_and_lets_them_add_nothing(
    permits: Permits, org: str, roles: str
) -> None:
    await permits.approved_plan()
    found = (await by_rule(permits))["P08"]
    connection = await asyncpg.connect(permits.database.app_dsn)
    await connection.execute("SELECT set_config('app.org', $1, false), set_config('app.roles', $2, false)", org, roles)
    await connection.execute("SELECT set_config('app.region', 'loreto', false)")

    assert await connection.fetchval("SELECT count(*) FROM findings") > 0
    assert await connection.fetchval("SELECT count(*) FROM finding_papers") == 0
    for added in (
        f"INSERT INTO finding_acts VALUES ('{found['id']}', 9, 'accept', 'accepted', '', now(), 'u', '{org}')",
        f"INSERT INTO finding_papers VALUES ('{found['id']}', 9, 'comunidad-a', NULL, 'madre-de-dios', '{{}}')",
        f"INSERT INTO plan_reviews (plan, at, by_sub, by_org, norms, census_root, findings)"
        f" VALUES ('{PLAN}', now(), 'u', 'o', '1', '', '{{}}')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(added)
    await connection.close()


async def test_plans_with_something_grave_that_nobody_explained_are_listed(permits: Permits) -> None:
    found = await submitted(permits, INFLATED, TREE_1170)
    grave = next(one for one in found.values() if one["severity"] == "S3" and one["status"] == "FAIL")

    async def waiting(severity: str, who: Person = SUPERVISOR, **query: str) -> list[str]:
        return [one["id"] for one in (await permits.get("/v1/plans", who, unexplained=severity, **query))["items"]]

    assert await waiting("S3") == [PLAN]
    assert await waiting("S3", begins=PLAN[:4]) == [PLAN]
    assert await waiting("S3", begins="_") == []
    assert await waiting("S3", NEIGHBOUR) == []
    for one in found.values():
        if one["severity"] == "S3" and one["status"] == "FAIL":
            await permits.post(at(one, "explanation"), MANAGER, SAID)
    assert await waiting("S3") == []
    assert grave["blocks"] == "needs-decision"
