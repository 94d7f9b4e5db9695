"""A plan and a permit from census to revocation by forms alone, over the real permits: every act of the two life cycles that is an
officer's or the community's, what is offered to whom, and what a person is told when it is refused."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from services.permits.domain.finding_life import STEPS as LIFE
from services.permits.domain.lifecycle import transitions
from services.permits.schemas import findings as said_of_findings
from services.permits.schemas import instruments, parties
from services.permits.schemas import permits as about_permits
from services.portal import steps
from services.portal.acts import Filled
from tests.permits.conftest import (
    MANAGER,
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
    database,
    introduced,
    migrated,
    open_permits,
    permits,
)
from tests.portal.conftest import Open
from tests.portal.signed import sign_in

__all__ = ["database", "introduced", "migrated", "open_permits", "permits"]

Json = dict[str, Any]
AT_PLAN, AT_PERMIT = f"/plans/{PLAN}/steps", f"/permits/{PERMIT}/steps"
LINE = "volume|PC 01|Brosimum guianense|roundwood"


class Desk:
    """People before the portal, over the real permits."""

    def __init__(self, permits: Permits, browser: httpx.AsyncClient) -> None:
        self.permits, self.browser = permits, browser

    def as_(self, who: Person) -> str:
        """Somebody sits down; the token of their forms."""
        return sign_in(
            self.browser, self.permits.issuer, who.role, org=who.org, sub=who.sub, region=who.region
        ).form_token()

    async def page(self, who: Person, path: str = AT_PLAN) -> str:
        self.as_(who)
        answer = await self.browser.get(path)
        assert answer.status_code == 200, answer.text[-3000:]
        return unescape(answer.text)

    async def take(self, who: Person, act: str, expect: int = 303, at: str = AT_PLAN, **fields: Any) -> str:
        """Send the form of an act; the page that came back when it was refused."""
        form = {"form_token": self.as_(who)} | fields
        answer = await self.browser.post(f"{at}/{act}", data=form)
        assert answer.status_code == expect, re.sub(r"<[^>]+>", " ", answer.text)[-3000:]
        if expect == 303:
            assert answer.headers["location"] == f"{at}?done=step_taken"
        return unescape(answer.text)


@pytest.fixture
async def desk(open_portal: Open, permits: Permits) -> Desk:
    """A portal before a permits with a plan whose census is uploaded."""
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_census(), REGENT)
    return Desk(permits, await open_portal(permits=permits.app))


def offers(page: str) -> set[str]:
    """The acts of which a page has the form."""
    return set(re.findall(r'action="/(?:plans|permits)/[^"]+/steps/(\w+)', page))


async def test_a_plan_goes_from_the_community_to_its_approval_by_forms(desk: Desk) -> None:
    assert offers(await desk.page(MANAGER)) == {"submit"}
    await desk.take(MANAGER, "submit")
    assert {"inspect", "observe", "reject", "approve", "review"} <= offers(await desk.page(OFFICER))

    refused = await desk.take(OFFICER, "approve", 422, resolution="RD 1-2026")
    assert "Hace falta otra revisión." in refused
    assert "Revisar el plan de nuevo" in refused
    assert 'value="RD 1-2026"' in refused, "what was typed stays"
    await desk.take(SECOND, "review")
    blocked = await desk.take(OFFICER, "approve", 422, resolution="RD 1-2026")
    assert "no se aprueba por" in blocked
    for one in (await desk.permits.get(f"/v1/plans/{PLAN}/findings", MANAGER))["findings"]:
        if one["blocks"] in ("needs-explanation", "needs-decision"):
            before, found, _ = (await desk.page(MANAGER)).partition(f'id="explain-{one["id"]}"')
            assert found
            assert before.rpartition("<strong>")[2].startswith(one["rule"]), "the answer stands with its finding"
            await desk.take(MANAGER, "explain", of=one["id"], text="Se explica\nen el informe.")
        if one["blocks"] == "needs-decision":
            await desk.take(SUPERVISOR, "decide", of=one["id"], decision="accepted", text="Conforme.")
    await desk.take(OFFICER, "approve", resolution="RD 1-2026")

    plan = await desk.permits.get(f"/v1/plans/{PLAN}")
    assert (plan["state"], plan["resolution"]) == ("approved", "RD 1-2026")
    done = await desk.page(OFFICER)
    assert "aprobó el plan" in done
    assert "Gerfor-Md" in done, "organisations by their name"
    assert 'title="gerfor-md"' in done
    assert "approve" not in offers(done)
    assert "Catálogo del proyecto de reglas sobre planes" in done, "sources are said in the language of the page"
    assert "Project catalogue" not in done


async def test_a_plan_is_returned_or_rejected_with_its_reason_and_inspected_as_it_was_seen(desk: Desk) -> None:
    await desk.take(MANAGER, "submit")
    without = await desk.take(OFFICER, "observe", 422)
    assert "Falta este dato." in without
    await desk.take(OFFICER, "observe", reason="Falta el mapa de la parcela")
    assert "Falta el mapa de la parcela" in await desk.page(MANAGER)
    await desk.take(MANAGER, "submit")

    seen = {"day": "2026-01-01", "opinion": "favourable", "trees_sampled": "2", "trees_absent": "3", "reason": "Se vio"}
    more = await desk.take(OFFICER, "inspect", 422, **seen)
    assert "«Árboles que no existen» no puede pasar de «Árboles buscados»" in more
    await desk.take(OFFICER, "inspect", **(seen | {"trees_absent": "0"}))
    acts = (await desk.permits.get(f"/v1/plans/{PLAN}/acts", OFFICER))["items"]
    assert acts[-1]["facts"] == {"day": "2026-01-01", "opinion": "favourable", "trees_sampled": 2, "trees_absent": 0}
    same = await desk.take(OFFICER, "approve", 422, resolution="RD 2-2026")
    assert "hace falta otra persona" in same
    unsure = await desk.take(SECOND, "reject", 422, reason="Sin sustento")
    assert "Marque que sabe que no se puede deshacer." in unsure
    await desk.take(SECOND, "reject", reason="Sin sustento", sure="yes")

    assert (await desk.permits.get(f"/v1/plans/{PLAN}", OFFICER))["state"] == "rejected"
    assert not offers(await desk.page(OFFICER)) & {"inspect", "observe", "approve", "reject"}


async def an_approved_plan(desk: Desk) -> None:
    await desk.permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    await desk.permits.answered()
    await desk.permits.post(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "RD 1-2026"})


async def a_permit_in_force(desk: Desk) -> None:
    await an_approved_plan(desk)
    await desk.permits.post("/v1/permits", OFFICER, a_permit())
    await desk.permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)


async def test_a_permit_is_proposed_for_what_the_census_holds_and_approved_by_another(desk: Desk) -> None:
    await an_approved_plan(desk)
    page = await desk.page(MANAGER)
    assert f'name="{LINE}" value="5.881"' in page, "what the census holds is written there already"
    days = {"harvest_from": "2025-07-22", "harvest_to": "2027-07-21", "move_to": "2027-12-31", "holder": "comunidad-a"}
    too_much = {"number": PERMIT, LINE: "5.8815"}
    wrong = await desk.take(MANAGER, "propose", 422, **days, **too_much)
    assert "tres decimales" in wrong
    await desk.take(MANAGER, "propose", **days, number=PERMIT, **{LINE: "5.5"})

    own = await desk.take(OFFICER, "approve", 422, at=AT_PERMIT)
    assert "no se puede deshacer" in own
    await desk.take(OFFICER, "approve", at=AT_PERMIT, sure="yes")

    permit = await desk.permits.get(f"/v1/permits/{PERMIT}", OFFICER)
    assert permit["state"] == "in_force"
    assert [line["volume_dm3"] for line in permit["lines"]] == [5500]
    assert "propose" not in offers(await desk.page(MANAGER)), (
        "another one is asked for apart: its form reads the whole census"
    )
    another = await desk.page(MANAGER, f"{AT_PLAN}?propose=yes")
    assert f'name="{LINE}" value="5.881"' in another


async def test_measures_and_appeals_of_a_permit_are_taken_by_form(desk: Desk) -> None:
    await a_permit_in_force(desk)
    assert offers(await desk.page(OFFICER, AT_PERMIT)) >= {
        "suspend",
        "revoke",
        "propose_amendment",
        "request_extension",
    }
    assert "order_precautionary" not in offers(await desk.page(OFFICER, AT_PERMIT)), "that is the supervisor's"
    await desk.take(SUPERVISOR, "order_precautionary", at=AT_PERMIT, reason="Trozas sin árbol")
    lifted = await desk.take(OFFICER, "reinstate", 422, at=AT_PERMIT, reason="Ya está")
    assert "la levanta la supervisión" in lifted

    assert "appeal" in offers(await desk.page(MANAGER, AT_PERMIT))
    await desk.take(MANAGER, "appeal", at=AT_PERMIT, id="AP-1", ground="Las trozas son del árbol 501")
    contested = await desk.page(SUPERVISOR, AT_PERMIT)
    assert "Las trozas son del árbol 501" in contested
    assert "reinstate" not in offers(contested), "an appeal that is open is decided first"
    own = await desk.take(SUPERVISOR, "decide_appeal", 422, at=AT_PERMIT, of="AP-1", outcome="upheld", resolution="R-1")
    assert "hace falta otra persona" in own
    await desk.take(OFFICER, "decide_appeal", at=AT_PERMIT, of="AP-1", outcome="upheld", resolution="R-1")

    course = await desk.permits.get(f"/v1/permits/{PERMIT}/course", OFFICER)
    assert (course["state"], course["appeals"][0]["state"]) == ("in_force", "upheld")


async def test_days_and_volumes_are_asked_for_by_one_and_given_by_another(desk: Desk) -> None:
    await a_permit_in_force(desk)
    await desk.take(
        MANAGER, "request_extension", at=AT_PERMIT, id="AM-1", kind="reentry", harvest_from="2027-08-01",
        harvest_to="2028-07-31", move_to="2028-12-31", reason="Lluvias",
    )  # fmt: skip
    assert "Lluvias" in await desk.page(OFFICER, AT_PERMIT)
    await desk.take(OFFICER, "approve_extension", at=AT_PERMIT, of="AM-1", resolution="R-2")
    await desk.take(OFFICER, "propose_amendment", at=AT_PERMIT, id="MOD-1", reason="Menos", **{LINE: "4.000"})
    early = await desk.take(SECOND, "amend", 422, at=AT_PERMIT, of="MOD-1", sure="yes")
    assert "se reduce mientras está suspendido" in early
    await desk.take(OFFICER, "suspend", at=AT_PERMIT, reason="Se reduce")
    await desk.permits.published()
    await desk.take(SECOND, "amend", at=AT_PERMIT, of="MOD-1", sure="yes")
    await desk.take(OFFICER, "reinstate", at=AT_PERMIT, reason="Reducido")

    permit = await desk.permits.get(f"/v1/permits/{PERMIT}", OFFICER)
    assert (permit["move_to"], permit["lines"][0]["volume_dm3"]) == ("2028-12-31", 4000)
    await desk.take(OFFICER, "revoke", at=AT_PERMIT, reason="Renuncia", sure="yes")
    assert offers(await desk.page(OFFICER, AT_PERMIT)) == set()


async def test_a_form_that_is_sent_twice_is_one_act(desk: Desk) -> None:
    await desk.take(MANAGER, "submit")
    form = {"form_token": desk.as_(OFFICER), "reason": "Falta el mapa"}

    answers = [await desk.browser.post(f"{AT_PLAN}/observe", data=form) for _ in range(2)]

    assert [one.status_code for one in answers] == [303, 303]
    acts = [one["act"] for one in (await desk.permits.get(f"/v1/plans/{PLAN}/acts", OFFICER))["items"]]
    assert acts.count("observe") == 1
    again = await desk.take(OFFICER, "observe", 422, reason="Otra vez")
    assert "Está en estado «observado»; este acto necesita: presentado, inspeccionado." in again
    assert "No se registró:" in again, "its form is not offered any more, and the reason stands all the same"


async def test_nobody_acts_without_the_form_or_beyond_their_role(desk: Desk) -> None:
    await desk.take(MANAGER, "submit")
    desk.as_(OFFICER)
    bare = await desk.browser.post(f"{AT_PLAN}/observe", data={"reason": "x"})
    theirs = await desk.take(MANAGER, "approve", 422, resolution="RD 1")
    unknown = await desk.browser.post(f"{AT_PLAN}/burn", data={"form_token": desk.as_(OFFICER)})

    assert bare.status_code == 403
    assert "No se registró:" in theirs
    assert unknown.status_code == 404
    assert (await desk.permits.get(f"/v1/plans/{PLAN}", OFFICER))["state"] == "submitted"


# ---- what the forms are made of


BODIES: dict[str, Any] = {
    "submit": instruments.SubmissionIn, "inspect": instruments.OcularInspectionIn, "approve_extension": instruments.DecisionIn,
    "refuse_extension": instruments.DecisionIn, "decide_appeal": instruments.AppealDecisionIn, "appeal": instruments.AppealIn,
    "request_extension": instruments.ExtensionIn, "propose_amendment": about_permits.AmendmentIn,
}  # fmt: skip


def test_every_act_of_the_table_has_its_form_or_its_own_page() -> None:
    formed = {(one.object, one.act) for one in steps.STEPS} | {("permit", "propose")}
    elsewhere = {("plan", "draft"), ("plan", "upload_census"), ("plan", "reformulate")}

    assert {(one.object, one.act) for one in transitions()} == formed | elsewhere


@pytest.mark.parametrize("step", steps.STEPS, ids=lambda one: f"{one.object}-{one.act}")
def test_a_form_asks_for_what_its_body_needs(step: steps.Step) -> None:
    if step.path.endswith("approve") and step.object == "permit" and step.act in ("approve", "amend"):
        assert step.asks == ()
        return
    reason = parties.ReasonIn if step.act in ("suspend", "reinstate", "revoke") and step.object == "permit" else None
    body = reason or BODIES.get(step.act) or instruments.PlanActIn
    if (step.object, step.act) == ("plan", "approve"):
        from services.permits.schemas.plans import ApprovalIn

        body = ApprovalIn
    fields = body.model_fields

    assert {one.name for one in step.asks} == set(fields)
    assert {one.name for one in step.asks if one.needed} >= {name for name, one in fields.items() if one.is_required()}


def test_the_answers_to_findings_are_those_of_their_life() -> None:
    acts = {"explain": {"explain"}, "decide": {"accept", "uphold"}, "appeal": {"appeal"}, "close_finding": {"close"}}
    shown = {
        (state, act)
        for states in (steps.BY_MAKERS, steps.BY_OFFICERS)
        for state, found in states.items()
        for step, options in found
        for act in acts[step.act]
        if step.act != "decide" or {"accept": "accepted", "uphold": "upheld"}[act] in options
    }

    assert shown == {(one.before, one.act) for one in LIFE}
    ends = {
        (state, end)
        for state, [(step, options), *_] in steps.BY_OFFICERS.items()
        if step is steps.CLOSE
        for end in options
    }
    assert ends == {(one.before, one.outcome) for one in LIFE if one.act == "close"}
    assert {one.name for one in steps.DECIDE.asks} == set(said_of_findings.DecisionIn.model_fields)


@pytest.mark.parametrize(
    ("given", "fault"),
    [({"trees_sampled": "-1"}, "trees_sampled"), ({"day": ""}, "day"), ({"opinion": "maybe"}, "opinion")],
)
def test_what_cannot_be_read_is_said_by_its_field(given: Json, fault: str) -> None:
    inspect = next(one for one in steps.STEPS if one.act == "inspect")
    whole = {"day": "2026-01-01", "opinion": "favourable", "trees_sampled": "2", "trees_absent": "0", "reason": "a\n b"}

    wrong, right = Filled(whole | given), Filled(whole)

    assert steps.body_of(inspect, right)["reason"] == "a b"
    assert not right.faults
    steps.body_of(inspect, wrong)
    assert list(wrong.faults) == [fault]
