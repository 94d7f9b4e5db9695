"""Field verification by public lottery, through the door of permits."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from shared.timber.draw_file import recompute
from shared.timber.lottery import census_commitment
from shared.tlog.note import COSIGNATURE, Signer
from tests.permits.conftest import (
    MANAGER,
    OFFICER,
    PATIENCE_S,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Permits,
    Person,
    a_census,
    a_plan,
    a_title,
)
from tests.permits.field_days import (
    NUMBER,
    PATH,
    VERIFICATIONS,
    VERIFIER,
    a_forest,
    a_row,
    another_record,
    drawn,
    opened,
    report,
    sample,
    seen,
    unseen,
)

DECISION = {"resolution": "RGR-0000-2025"}


async def _submitted(permits: Permits, plan: str = PLAN) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan(id=plan))
    await permits.upload(a_forest(), REGENT, plan)
    await permits.post(f"/v1/plans/{plan}/submit", MANAGER)
    await permits.published()


# ---- the draw


async def test_the_sample_takes_cites_whole_and_of_the_rest_as_many_as_the_design_asks(permits: Permits) -> None:
    made = await drawn(permits)

    by_name = {layer["name"]: layer for layer in made["strata"]}
    assert (by_name["cites"]["trees"], by_name["cites"]["sample"]) == (5, 5)
    assert by_name["high_value"]["trees"] + by_name["other"]["trees"] == 90
    assert 0 < by_name["other"]["sample"] < by_name["other"]["trees"]
    assert len(await sample(permits)) == made["trees_drawn"] == sum(layer["sample"] for layer in made["strata"])
    five_percent = next(row for row in made["power"] if row["share_permille"] == 50)
    assert five_percent["large_stratum"] == 59
    assert all(layer["detection_permille"] >= 950 for layer in five_percent["strata"])


async def test_a_stranger_recomputes_the_draw_from_public_bytes_alone(permits: Permits) -> None:
    made = await drawn(permits)

    document = (await permits.call("GET", f"{PATH}/draw", expect=200)).content
    again = recompute(document)

    assert again.of_norms is True
    assert again.draw.seed == made["source"]["seed"]
    assert [(d.tree.parcel, d.tree.code) for d in again.draw.sample if d.stratum == "cites"] == [
        (tree["parcel"], tree["code"]) for tree in await sample(permits, None) if tree["stratum"] == "cites"
    ]
    parts = [(body["parcel"], tree) for body in permits.custody.bodies("census.listed") for tree in body["trees"]]
    assert [t._asdict() for t in again.trees] == [{"parcel": parcel, **tree} for parcel, tree in parts]
    last = max(n for n, record in enumerate(permits.custody.log) if record.type == "census.listed")
    assert (again.terms.after, again.checkpoint) == (last, permits.custody.checkpoint(last + 1))
    assert document == (await permits.call("GET", f"{PATH}/draw", expect=200)).content


async def test_whoever_asks_and_whenever_the_draw_is_the_same(permits: Permits) -> None:
    made = await drawn(permits)
    await another_record(permits, "aserradero-3")

    again = [await permits.post(f"{PATH}/draw", who) for who in (SECOND, SUPERVISOR)]

    assert [one["source"] for one in again] == [made["source"]] * 2


@pytest.mark.parametrize(
    ("named", "whole"),
    [("Cedrela spp.", True), ("Tabebuia serratifolia | Tahuarí", True), ("Brosimum alicastrum | Caoba", True),
     ("Brosimum alicastrum | Manchinga", False)],
)  # fmt: skip
async def test_a_cites_tree_is_drawn_whole_under_whatever_name(permits: Permits, named: str, whole: bool) -> None:
    rows = [a_row(n, named if n > 90 else "Brosimum guianense | Manchinga", dbh=60) for n in range(1, 95)]

    made = await drawn(permits, a_census(*rows))

    by_name = {layer["name"]: layer for layer in made["strata"]}
    assert by_name["cites"]["trees"] == by_name["cites"]["sample"] == (4 if whole else 0)
    assert recompute((await permits.call("GET", f"{PATH}/draw", expect=200)).content).of_norms is True


async def test_the_seed_takes_in_the_witness_that_cosigned(permits: Permits) -> None:
    permits.custody.witness = Signer.generate("near", COSIGNATURE)
    made = await drawn(permits)

    again = recompute((await permits.call("GET", f"{PATH}/draw", expect=200)).content)

    assert made["source"]["cosigned"] is True
    assert again.cosignature is not None
    assert permits.custody.witness.line(again.checkpoint.text(), 1_800_000_000) == again.cosignature + "\n"


async def test_a_submitted_plan_waits_for_a_checkpoint_that_did_not_exist_when_it_was_opened(permits: Permits) -> None:
    await _submitted(permits)
    waiting = await opened(permits)
    size = len(permits.custody.log)

    await permits.refused("seed-not-yet", f"{PATH}/draw", OFFICER)
    await another_record(permits)
    made = await permits.post(f"{PATH}/draw", OFFICER)

    assert (waiting["stage"], waiting["state"], waiting["source"]["after"]) == ("submitted", "waiting", size)
    assert (made["state"], made["source"]["size"]) == ("drawn", size + 1)


async def test_what_a_plan_is_handed_in_with_is_in_the_log_before_any_seed(permits: Permits) -> None:
    await _submitted(permits)
    await opened(permits)
    await another_record(permits)
    made = await permits.post(f"{PATH}/draw", OFFICER)

    document = (await permits.call("GET", f"{PATH}/draw", OFFICER, expect=200)).content
    again = recompute(document)

    [said] = permits.custody.bodies("census.committed")
    assert said == census_commitment(PLAN, made["census_root"], again.trees)
    index = permits.custody.types().index("census.committed")
    assert index == again.terms.committed == made["source"]["committed"]
    assert index < made["source"]["after"] < again.checkpoint.size
    assert (said["trees"], said["listing_root"]) == (len(again.trees), made["listing_root"])


async def test_a_submitted_plan_is_not_opened_before_the_log_has_its_census(permits: Permits) -> None:
    permits.custody.refuses = lambda record: record.type == "census.committed"
    await _submitted(permits)
    body = {"number": NUMBER, "verifier": "osinfor-md"}

    await permits.refused("census-not-in-log", VERIFICATIONS, OFFICER, body)
    permits.custody.refuses = lambda _: False
    async with asyncio.timeout(PATIENCE_S):
        while (answer := await permits.call("POST", VERIFICATIONS, OFFICER, json=body)).status_code == 409:  # noqa: ASYNC110
            await asyncio.sleep(0.2)  # a refused statement is tried again

    assert answer.status_code == 201, answer.text


async def test_a_corrected_census_is_committed_to_anew_and_an_unchanged_one_is_not(permits: Permits) -> None:
    await _submitted(permits)
    for census in (None, a_forest(common=80)):
        await permits.post(f"/v1/plans/{PLAN}/observe", SECOND, {"reason": "Falta un documento."})
        if census is not None:
            await permits.upload(census, REGENT)
        await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
        await permits.published()
        assert len(permits.custody.bodies("census.committed")) == (1 if census is None else 2)

    first, second = (record for record in permits.custody.log if record.type == "census.committed")
    assert second.prev == (first.sid,)
    assert (await opened(permits))["source"]["committed"] == permits.custody.log.index(second)


async def test_an_inspected_plan_is_drawn_as_it_was_handed_in(permits: Permits) -> None:
    await _submitted(permits)
    ocular = {
        "reason": "Se recorrió la parcela",
        "day": "2026-06-01",
        "opinion": "favourable",
        "trees_sampled": 20,
        "trees_absent": 0,
    }
    await permits.post(f"/v1/plans/{PLAN}/inspect", SECOND, ocular)

    made = await opened(permits)

    assert (made["stage"], made["source"]["committed"]) == (
        "submitted",
        permits.custody.types().index("census.committed"),
    )


async def test_nothing_is_drawn_from_a_census_that_was_exchanged_behind_the_log(permits: Permits) -> None:
    """Somebody with the database puts another census in the place of the one that was handed in."""
    await _submitted(permits)
    admin = await asyncpg.connect(permits.database.admin_dsn)
    await admin.execute("UPDATE plans SET census = jsonb_set(census, '{root}', to_jsonb(repeat('0', 64)))")
    body = {"number": NUMBER, "verifier": "osinfor-md"}

    # Nobody who uses the service can bring this about or put it right: it is told to the operator.
    problem = await permits.post(VERIFICATIONS, OFFICER, body, expect=500)

    assert problem["slug"] == "internal"
    root = permits.custody.bodies("census.committed")[0]["root"]
    await admin.execute("UPDATE plans SET census = jsonb_set(census, '{root}', to_jsonb($1::text))", root)
    await admin.close()
    await opened(permits)


async def test_a_drawn_census_is_not_corrected_under_its_draw(permits: Permits) -> None:
    await _submitted(permits)
    await opened(permits)
    await permits.post(f"/v1/plans/{PLAN}/observe", SECOND, {"reason": "Falta un documento."})

    problem = await permits.upload(a_forest(common=80), REGENT, expect=409)

    assert problem["slug"] == "census-verified"
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    assert len(permits.custody.bodies("census.committed")) == 1


async def test_an_approved_plan_is_drawn_only_once_its_census_is_in_the_log(permits: Permits) -> None:
    permits.custody.silent = True
    await permits.approved_plan(a_forest())
    body = {"number": NUMBER, "verifier": "osinfor-md"}

    await permits.refused("census-not-in-log", VERIFICATIONS, OFFICER, body)
    permits.custody.silent = False
    await permits.published()

    assert (await opened(permits))["source"]["entries"] is not None


@pytest.mark.parametrize("stage", ["submitted", "approved"])
async def test_a_second_verifier_draws_the_same_trees_and_nobody_draws_twice(permits: Permits, stage: str) -> None:
    if stage == "submitted":
        await _submitted(permits)
        await opened(permits)
        await another_record(permits)
        first = await permits.post(f"{PATH}/draw", OFFICER)
    else:
        first = await drawn(permits)
    await another_record(permits, "aserradero-3")

    body = {"number": "VER-02", "verifier": "osinfor-md"}
    await permits.refused("verification-exists", VERIFICATIONS, OFFICER, body)
    await permits.post(VERIFICATIONS, SUPERVISOR, body | {"verifier": "gerfor-md"}, expect=201)
    second = await permits.post(f"{VERIFICATIONS}/VER-02/draw", OFFICER)

    assert second["source"] == first["source"]
    tickets = [
        [(tree["code"], tree["ticket"]) for tree in await sample(permits, path=f"{VERIFICATIONS}/{number}")]
        for number in (NUMBER, "VER-02")
    ]
    assert tickets[0] == tickets[1]


async def test_a_plan_presented_again_shows_the_draws_that_came_before(permits: Permits) -> None:
    await _submitted(permits)
    await opened(permits)
    await permits.agreed("CN-A.PO-20")
    await permits.post("/v1/plans", MANAGER, a_plan(id="CN-A.PO-20"))
    await permits.upload(a_forest(common=80), REGENT, "CN-A.PO-20")
    await permits.post("/v1/plans/CN-A.PO-20/submit", MANAGER)
    await permits.published()
    await permits.post(
        "/v1/plans/CN-A.PO-20/verifications", OFFICER, {"number": "VER-02", "verifier": "osinfor-md"}, expect=201
    )

    listed = await permits.get("/v1/plans/CN-A.PO-20/verifications")

    assert listed["same_title"] == [{"plan": PLAN, "number": NUMBER, "stage": "submitted", "drawn": False}]
    assert not listed["more_of_title"]


async def test_the_verifications_of_a_plan_come_in_pages(permits: Permits) -> None:
    await permits.post("/v1/organisations", OFFICER, {"id": "osinfor-lo", "name": "Otra", "kind": "supervisor"})
    await _submitted(permits)
    await opened(permits)
    await permits.post(VERIFICATIONS, OFFICER, {"number": "VER-02", "verifier": "osinfor-lo"}, expect=201)

    first = await permits.get(VERIFICATIONS, limit=1)
    rest = await permits.get(VERIFICATIONS, limit=1, cursor=first["next"])

    assert [one["number"] for one in first["items"] + rest["items"]] == [NUMBER, "VER-02"]
    assert rest["next"] is None
    await permits.get(VERIFICATIONS, limit=21, expect=422)
    await permits.get("/v1/plans/NO-PLAN/verifications", expect=404)


async def test_the_design_may_ask_for_more_trees_and_never_for_fewer(permits: Permits) -> None:
    more = await drawn(permits, share_permille=10)
    assert more["design"]["share_permille"] == 10

    await permits.agreed("CN-A.PO-20")
    await permits.post("/v1/plans", MANAGER, a_plan(id="CN-A.PO-20"))
    await permits.upload(a_forest(), REGENT, "CN-A.PO-20")
    await permits.post("/v1/plans/CN-A.PO-20/submit", MANAGER)
    await permits.published()
    fewer = await permits.post(
        "/v1/plans/CN-A.PO-20/verifications", OFFICER,
        {"number": "VER-02", "verifier": "osinfor-md", "share_permille": 500}, expect=201,
    )  # fmt: skip

    assert fewer["design"]["share_permille"] == 50


async def test_a_census_without_harvestable_trees_cannot_be_drawn(permits: Permits) -> None:
    await permits.approved_plan(census_basis="not_available")
    await permits.published()

    await permits.refused("nothing-to-draw", VERIFICATIONS, OFFICER, {"number": NUMBER, "verifier": "osinfor-md"})


@pytest.mark.parametrize(
    ("verifier", "slug"),
    [("comunidad-a", "same-organisation"), ("regencia-1", "same-organisation"), ("aserradero-1", "not-independent"),
     ("nadie", "reference-unknown")],
)  # fmt: skip
async def test_who_has_a_stake_is_not_assigned(permits: Permits, verifier: str, slug: str) -> None:
    await permits.approved_plan(a_forest())
    await permits.published()

    await permits.refused(slug, VERIFICATIONS, OFFICER, {"number": NUMBER, "verifier": verifier})

    await opened(permits)


async def test_an_officer_of_another_region_neither_opens_nor_draws(permits: Permits) -> None:
    await permits.approved_plan(a_forest())
    await permits.published()
    far = Person("authority", "gerfor-md", "u-far", "loreto")
    body = {"number": NUMBER, "verifier": "osinfor-md"}

    await permits.refused("other-region", VERIFICATIONS, far, body, status=403)
    await opened(permits)
    await another_record(permits)
    await permits.refused("other-region", f"{PATH}/draw", far, status=403)
    await permits.post(f"{PATH}/draw", OFFICER)


async def test_when_custody_is_silent_nothing_is_drawn_and_it_can_be_asked_again(permits: Permits) -> None:
    await permits.approved_plan(a_forest())
    await permits.published()
    await opened(permits)
    permits.custody.silent = True

    problem = await permits.post(f"{PATH}/draw", OFFICER, expect=503)

    assert problem["slug"] == "upstream-down"
    permits.custody.silent = False
    assert (await permits.post(f"{PATH}/draw", OFFICER))["state"] == "drawn"


# ---- what was found


async def test_a_sample_found_as_listed_reaches_the_coverage_through_the_log(permits: Permits) -> None:
    await drawn(permits)
    trees = await sample(permits)
    volume = sum(tree["planned"]["volume_dm3"] for tree in trees)

    told = await report(permits, [seen(tree) for tree in trees])
    closed = await permits.post(f"{PATH}/close", VERIFIER)
    await permits.published()

    assert {one["verdict"] for one in told["trees"]} == {"match"}
    [body] = permits.custody.bodies("inspection.reported")
    assert (body["number"], body["trees_sampled"], body["trees_absent"], body["volume_dm3"]) == (
        NUMBER,
        len(trees),
        0,
        volume,
    )
    assert set(body["trees"]) == {tree["code"] for tree in trees}
    assert (closed["state"], [one["number"] for one in closed["inspections"]]) == ("closed", [NUMBER])
    [listed] = (await permits.get("/v1/inspections", plan=PLAN))["items"]
    assert listed["volume_dm3"] == volume
    whole = closed["estimates"]["strata"][-1]
    assert (whole["name"], whole["phantoms_at_least"], whole["share"]["estimate_ppm"]) == ("all", 0, 0)
    assert whole["phantoms_at_most"] > 0


async def test_phantoms_are_estimated_with_bounds_that_hold_the_truth(permits: Permits) -> None:
    await drawn(permits)
    trees = await sample(permits)
    phantoms = {tree["code"] for tree in trees if int(tree["code"]) % 4 == 0}
    found = [unseen(tree) if tree["code"] in phantoms else seen(tree) for tree in trees]

    await report(permits, found)
    closed = await permits.post(f"{PATH}/close", VERIFIER)

    truth = 22 + 2  # every fourth of 1..90, and of 500..504 two
    whole = closed["estimates"]["strata"][-1]
    assert whole["absent"] == len(phantoms)
    assert whole["phantoms_at_least"] <= truth <= whole["phantoms_at_most"]
    [cites] = [one for one in closed["estimates"]["strata"] if one["name"] == "cites"]
    assert (cites["phantoms_at_least"], cites["phantoms_at_most"]) == (2, 2)  # seen whole: nothing is left to chance
    await permits.published()
    [body] = permits.custody.bodies("inspection.reported")
    assert body["trees_absent"] == len(phantoms)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"diameter_a_mm": 600, "diameter_b_mm": 600}, "dbh"),
        ({"height_mm": 14_000}, "height"),
        ({"species_field": "Hura crepitans"}, "species"),
        ({"code_field": "9999"}, "code"),
    ],
)
async def test_a_pair_out_of_tolerance_is_a_mismatch_with_its_figures(
    permits: Permits, change: dict[str, Any], what: str
) -> None:
    await drawn(permits)
    tree = next(tree for tree in await sample(permits) if tree["planned"]["dbh_mm"] == 800)

    told = await report(permits, [seen(tree, **change)])

    [one] = told["trees"]
    assert (one["verdict"], [difference["what"] for difference in one["differences"]]) == ("mismatch", [what])


async def test_twenty_five_metres_are_the_same_place_and_thirty_are_not(permits: Permits) -> None:
    await drawn(permits)
    near, far = (await sample(permits))[:2]
    places = [tree["planned"]["utm"] | {"easting_dm": tree["planned"]["utm"]["easting_dm"] + by} for tree, by in ((near, 250), (far, 300))]  # fmt: skip

    told = await report(permits, [seen(near, utm=places[0]), seen(far, utm=places[1])])

    assert [(one["verdict"], one["distance_dm"]) for one in told["trees"]] == [("match", 250), ("mismatch", 300)]


async def test_where_trees_stand_is_for_those_concerned_and_the_tickets_are_for_everybody(permits: Permits) -> None:
    await drawn(permits)
    trees = await sample(permits)
    await report(permits, [seen(trees[0], observation="Junto a la quebrada")])

    def shown(tree: Any) -> tuple[bool, bool, bool]:
        found = tree["found"]
        return tree["planned"]["utm"] is not None, found["utm"] is not None, found["observation"] is not None

    neighbour = Person("manager", "comunidad-b", "u-neighbour")
    far = Person("authority", "gerfor-lo", "u-far", "loreto")
    for who in (None, neighbour, far):
        public = (await sample(permits, who))[0]
        assert (public["ticket"], shown(public)) == (trees[0]["ticket"], (False, False, False))
    for who in (VERIFIER, OFFICER, MANAGER):
        assert shown((await sample(permits, who))[0]) == (True, True, True)


async def test_only_drawn_trees_are_reported_and_none_is_left_out(permits: Permits) -> None:
    await drawn(permits)
    trees = await sample(permits)
    stranger = next(str(n) for n in range(1, 91) if str(n) not in {tree["code"] for tree in trees})

    await permits.refused(
        "tree-not-drawn", f"{PATH}/trees", VERIFIER, {"trees": [unseen({"parcel": "PC 01", "code": stranger})]}
    )
    await report(permits, [seen(tree) for tree in trees[1:]])
    problem = await permits.refused("sample-incomplete", f"{PATH}/close", VERIFIER)
    assert problem["facts"]["missing"] == 1

    await report(permits, [unseen(trees[0], "not_reached")])
    closed = await permits.post(f"{PATH}/close", VERIFIER)
    await permits.published()
    [body] = permits.custody.bodies("inspection.reported")
    assert body["trees_sampled"] == len(trees) - 1
    reached = {one["name"]: one["drawn"] - one["reached"] for one in closed["estimates"]["strata"]}
    assert reached["all"] == 1


async def test_a_result_stands_and_another_one_needs_a_reason(permits: Permits) -> None:
    await drawn(permits)
    tree = (await sample(permits))[0]
    await report(permits, [unseen(tree)])

    assert (await report(permits, [unseen(tree)]))["known"] == 1
    await permits.refused("result-recorded", f"{PATH}/trees", VERIFIER, {"trees": [seen(tree)]})
    await report(permits, [seen(tree, reason="Se volvió con el GPS del censo")])

    found = (await sample(permits))[0]["found"]
    assert (found["facts"]["verdict"], found["times_recorded"], found["reason"]) == (
        "match", 2, "Se volvió con el GPS del censo",
    )  # fmt: skip
    public = (await sample(permits, None))[0]["found"]
    assert (public["times_recorded"], public["reason"]) == (2, None)


async def test_a_correction_of_nothing_but_the_observation_is_kept(permits: Permits) -> None:
    await drawn(permits)
    tree = (await sample(permits))[0]
    await report(permits, [unseen(tree)])
    mended = unseen(tree) | {"observation": "Se buscó en 100 m a la redonda"}

    await permits.refused("result-recorded", f"{PATH}/trees", VERIFIER, {"trees": [mended]})
    told = await report(permits, [mended | {"reason": "Se anotó mal"}])

    assert (told["recorded"], told["known"]) == (1, 0)
    assert (await sample(permits))[0]["found"]["observation"] == "Se buscó en 100 m a la redonda"
    assert (await report(permits, [mended]))["known"] == 1


async def test_nobody_has_seen_a_tree_on_a_day_that_has_not_come(permits: Permits) -> None:
    await drawn(permits)
    first, second, *_ = await sample(permits)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()

    both = {"trees": [seen(first), seen(second, seen_on=tomorrow)]}
    problem = await permits.refused("day-not-come", f"{PATH}/trees", VERIFIER, both)

    assert problem["facts"]["day"] == tomorrow
    assert (await report(permits, [seen(first), seen(second)]))["recorded"] == 2


@pytest.mark.parametrize(
    "change",
    [{"utm": None}, {"height_mm": None}, {"diameter_b_mm": None}, {"state": "absent"}, {"state": "lost"}, {"species_field": None}],
)  # fmt: skip
async def test_what_was_not_measured_is_not_called_standing(permits: Permits, change: dict[str, Any]) -> None:
    await drawn(permits)
    tree = (await sample(permits))[0]

    await permits.post(f"{PATH}/trees", VERIFIER, {"trees": [seen(tree, **change)]}, expect=422)

    await report(permits, [seen(tree)])


async def test_nobody_but_the_assigned_verifier_reports_or_closes(permits: Permits) -> None:
    await drawn(permits)
    tree = (await sample(permits))[0]

    await permits.refused("not-assigned", f"{PATH}/trees", OFFICER, {"trees": [seen(tree)]}, status=403)
    await permits.refused("not-assigned", f"{PATH}/close", OFFICER, status=403)

    await report(permits, [seen(tree)])


@pytest.mark.parametrize("sub", ["u-manager", "u-regent", "u-officer"])
async def test_who_made_or_approved_the_plan_does_not_verify_it(permits: Permits, sub: str) -> None:
    await drawn(permits)
    tree = (await sample(permits))[0]
    hat = Person("supervisor", "osinfor-md", sub, "*")

    await permits.refused("same-person", f"{PATH}/trees", hat, {"trees": [seen(tree)]})

    await report(permits, [seen(tree)])


async def test_a_closed_verification_does_not_change(permits: Permits) -> None:
    await drawn(permits, a_census())
    trees = await sample(permits)
    await report(permits, [seen(tree) for tree in trees])
    await permits.post(f"{PATH}/close", VERIFIER)

    again = [seen(trees[0], height_mm=9_000, reason="otra vez")]
    await permits.refused("visit-closed", f"{PATH}/trees", VERIFIER, {"trees": again})
    await permits.refused("visit-closed", f"{PATH}/close", VERIFIER)


async def test_what_was_verified_before_the_approval_reaches_the_log_with_it(permits: Permits) -> None:
    await _submitted(permits)
    await opened(permits, verifier="gerfor-md")
    await another_record(permits)
    await permits.post(f"{PATH}/draw", OFFICER)
    trees = await sample(permits, OFFICER)
    await report(permits, [seen(tree) for tree in trees], SECOND)
    closed = await permits.post(f"{PATH}/close", SECOND)
    await permits.published()
    assert (permits.custody.bodies("inspection.reported"), closed["inspections"]) == ([], [])

    await permits.refused("same-person", f"/v1/plans/{PLAN}/approve", SECOND, DECISION)
    await permits.answered()
    await permits.post(f"/v1/plans/{PLAN}/approve", OFFICER, DECISION)
    await permits.published()

    [body] = permits.custody.bodies("inspection.reported")
    assert (body["number"], body["trees_sampled"]) == (NUMBER, len(trees))


async def test_before_the_approval_the_commitment_is_public_and_the_census_is_not(permits: Permits) -> None:
    await _submitted(permits)
    await opened(permits)
    await another_record(permits)
    await permits.post(f"{PATH}/draw", OFFICER)

    public = await permits.get(PATH)
    trees = await sample(permits, None)

    assert public["listing_root"]
    assert public["source"]["seed"]
    assert all(tree["planned"] is None and tree["ticket"] for tree in trees)
    await permits.get(f"{PATH}/draw", expect=404)
    assert (await permits.get(f"{PATH}/draw", MANAGER))["number"] == NUMBER


async def test_a_report_by_hand_does_not_take_the_number_of_a_verification(permits: Permits) -> None:
    await drawn(permits)
    by_hand = {"plan": PLAN, "parcel": "PC 01", "trees_sampled": 1, "trees_absent": 0, "volume_dm3": 0}

    for number in (NUMBER, f"{NUMBER}-2"):
        await permits.refused("number-taken", "/v1/inspections", SUPERVISOR, by_hand | {"number": number})
    await permits.post("/v1/inspections", SUPERVISOR, by_hand | {"number": "INF-1"})


async def test_a_tree_that_is_looked_at_twice_covers_its_volume_once(permits: Permits) -> None:
    await drawn(permits, a_census())
    trees = await sample(permits)
    by_hand = {"plan": PLAN, "parcel": "PC 01", "trees_sampled": 1, "trees_absent": 0, "volume_dm3": 5_881}
    await permits.post("/v1/inspections", SUPERVISOR, by_hand | {"number": "INF-1", "trees": ["501"]})

    await report(permits, [seen(tree) for tree in trees])
    await permits.post(f"{PATH}/close", VERIFIER)
    await permits.published()

    assert [body["volume_dm3"] for body in permits.custody.bodies("inspection.reported")] == [5_881, 9_215]
