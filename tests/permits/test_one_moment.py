"""What holds when two acts meet in one moment: what an act decides by is what stands when it writes."""

import asyncio

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.moments import stopped
from tests.permits import test_certificates as certificates
from tests.permits import test_field_supervision as supervised
from tests.permits import test_plans_above_and_before as lines
from tests.permits.conftest import (
    CERTIFIER,
    MANAGER,
    OFFICER,
    OPERATOR,
    PERMIT,
    PLAN,
    REGENT,
    SECOND,
    SUPERVISOR,
    Permits,
    Person,
    a_census,
    a_key,
    a_line,
    a_permit,
    a_plan,
    a_title,
)
from tests.permits.field_days import (
    NUMBER,
    PATH,
    VERIFICATIONS,
    VERIFIER,
    a_forest,
    another_record,
    opened,
    report,
    sample,
    seen,
    unseen,
)

DECISION = {"resolution": "RGR-0000-2025"}
WHY = {"reason": "Queja del vecino"}
PERMIT_PATH = f"/v1/permits/{PERMIT}"


async def submitted(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await permits.post("/v1/plans", MANAGER, a_plan())
    await permits.upload(a_forest(), REGENT)
    await permits.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    await permits.published()


async def looked_at(permits: Permits) -> None:
    """A submitted plan whose whole sample was found by its verifier; an officer has it reviewed."""
    await submitted(permits)
    await opened(permits)
    await another_record(permits)
    await permits.post(f"{PATH}/draw", OFFICER)
    await report(permits, [seen(tree) for tree in await sample(permits)])
    await permits.answered()


async def test_a_verification_that_is_closed_while_its_plan_is_approved_reaches_the_log(permits: Permits) -> None:
    await looked_at(permits)

    async with stopped(permits.database, "LOCK TABLE verification_trees IN ACCESS EXCLUSIVE MODE") as waiting:
        closing = asyncio.create_task(permits.post(f"{PATH}/close", VERIFIER))
        await waiting(1)
        approving = asyncio.create_task(permits.call("POST", f"/v1/plans/{PLAN}/approve", OFFICER, json=DECISION))
        await asyncio.wait([approving], timeout=3)
    _, answer = await asyncio.gather(closing, approving)

    assert answer.json()["slug"] == "review-needed"  # of what was found meanwhile
    await permits.answered()
    await permits.post(f"/v1/plans/{PLAN}/approve", OFFICER, DECISION)
    await permits.published()
    assert [body["number"] for body in permits.custody.bodies("inspection.reported")] == [NUMBER]


async def test_nobody_approves_a_plan_in_the_moment_of_looking_at_its_trees(permits: Permits) -> None:
    await looked_at(permits)
    officer, verifier = (
        Person(role, org, "u-both", "madre-de-dios")
        for role, org in (("authority", "gerfor-md"), ("supervisor", "osinfor-md"))
    )
    gone = unseen((await sample(permits))[0]) | {"reason": "Se buscó otra vez"}

    async with stopped(permits.database, "LOCK TABLE verification_trees IN ACCESS EXCLUSIVE MODE") as waiting:
        recording = asyncio.create_task(permits.call("POST", f"{PATH}/trees", verifier, json={"trees": [gone]}))
        await waiting(1)
        approving = asyncio.create_task(permits.call("POST", f"/v1/plans/{PLAN}/approve", officer, json=DECISION))
        await asyncio.wait([approving], timeout=3)
    answers = await asyncio.gather(recording, approving)

    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_the_census_does_not_change_while_a_verification_of_it_is_opened(permits: Permits) -> None:
    await submitted(permits)
    body = {"number": NUMBER, "verifier": "osinfor-md"}

    async def corrected() -> int:
        await permits.post(f"/v1/plans/{PLAN}/observe", OFFICER, {"reason": "Falta un árbol", "documents": []})
        answer = await permits.call(
            "POST", f"/v1/plans/{PLAN}/census", REGENT, content=a_forest(80), headers={"content-type": "text/csv"}
        )
        return answer.status_code

    async with stopped(permits.database, "LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE") as waiting:
        opening = asyncio.create_task(permits.call("POST", VERIFICATIONS, OFFICER, json=body))
        await waiting(1)
        correcting = asyncio.create_task(corrected())
        await asyncio.wait([correcting], timeout=3)
    answer, status = (await opening).status_code, await correcting

    assert (answer, status) in ((201, 409), (409, 200))


async def test_nothing_found_changes_once_the_holder_is_told(permits: Permits) -> None:
    await supervised.opened(permits)
    path = supervised.PATH
    await permits.post(f"{path}/trees", SUPERVISOR, {"trees": [unseen(supervised.TREE_1170)]})
    await permits.post(f"{path}/documents", SUPERVISOR, supervised.all_documents())
    found = {"trees": [supervised.moved(supervised.TREE_501)]}

    held = f"SELECT FROM field_visits WHERE number = '{supervised.NUMBER}' FOR UPDATE"
    async with stopped(permits.database, held) as waiting:
        telling = asyncio.create_task(permits.call("POST", f"{path}/notify", SUPERVISOR))
        await waiting(1)
        recording = asyncio.create_task(permits.call("POST", f"{path}/trees", SUPERVISOR, json=found))
        again = asyncio.create_task(permits.call("POST", f"{path}/notify", SUPERVISOR))
        await waiting(3)

    answers = await asyncio.gather(telling, recording, again)
    assert [answer.status_code for answer in answers] == [200, 409, 409]
    assert (await permits.get(path, SUPERVISOR))["trees_reported"] == 1


async def test_what_an_appeal_rests_on_is_shown_with_it_or_not_at_all(permits: Permits) -> None:
    await supervised.answered(permits, supervised.a_volume())
    await supervised.closed(permits)
    admin = await asyncpg.connect(permits.database.admin_dsn)
    appeal = (
        "WITH v AS (SELECT * FROM supervision_volumes), a AS (INSERT INTO supervision_volume_acts SELECT v.supervision, v.parcel,"
        " v.species, v.numeral, 1, 'appeal', 'appealed', '', now(), 'u-manager', 'comunidad-a' FROM v)"
        " INSERT INTO supervision_volume_words (supervision, parcel, species, numeral, seq, said, documents, by_org)"
        " SELECT v.supervision, v.parcel, v.species, v.numeral, 1, 'No es así', ARRAY[repeat('a', 64)], 'comunidad-a' FROM v"
    )

    async with stopped(permits.database, "LOCK TABLE supervision_answers IN ACCESS EXCLUSIVE MODE") as waiting:
        reading = asyncio.create_task(permits.get(supervised.PATH, SUPERVISOR))
        await waiting(1)
        await admin.execute(appeal)
    before, after = await reading, await permits.get(supervised.PATH, SUPERVISOR)
    await admin.close()

    acts = [[(act["act"], act["documents"]) for act in told["volumes"][0]["acts"]] for told in (before, after)]
    assert acts == [[("explain", []), ("uphold", [])], [("explain", []), ("uphold", []), ("appeal", ["a" * 64])]]


async def test_a_plan_is_not_approved_under_a_general_plan_that_is_superseded_in_that_moment(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    await lines.approved(permits, "PGMF-1", **lines.GENERAL)
    shorter = lines.GENERAL | {"harvest_to": "2027-07-20", "supersedes": "PGMF-1"}
    for name, changes in (("PGMF-S", shorter), ("PO-LATE", {"parent": "PGMF-1"}), ("PO-FITS", {"parent": "PGMF-1"})):
        days = {"harvest_to": "2027-07-20"} if name == "PO-FITS" else {}
        await permits.post("/v1/plans", MANAGER, a_plan(id=name, **changes | days))
        await permits.agreed(name)
        if name != "PGMF-S":
            await permits.upload(a_census(), REGENT, name)
        await permits.post(f"/v1/plans/{name}/submit", MANAGER)
        await permits.answered(name)

    await permits.published()  # so that only acts wait
    async with stopped(permits.database, "LOCK TABLE outbox IN SHARE MODE") as waiting:
        approving = []
        for many, name in enumerate(("PGMF-S", "PO-LATE", "PO-FITS"), 1):
            call = permits.call("POST", f"/v1/plans/{name}/approve", OFFICER, json=DECISION)
            approving.append(asyncio.create_task(call))
            await waiting(many)
    general, late, fits = [answer.json() for answer in await asyncio.gather(*approving)]

    assert [general["state"], late.get("slug"), fits.get("state")] == ["approved", "not-under-plan", "approved"]


async def test_no_appeal_stays_open_against_a_measure_that_was_lifted_meanwhile(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)

    held = f"SELECT FROM permits WHERE number = '{PERMIT}' FOR UPDATE"
    async with stopped(permits.database, held) as waiting:
        lifting = asyncio.create_task(permits.call("POST", f"{PERMIT_PATH}/reinstate", OFFICER, json=WHY))
        await waiting(1)
        appeal = {"id": "A1", "ground": "No corresponde"}
        appealing = asyncio.create_task(permits.call("POST", f"{PERMIT_PATH}/appeals", MANAGER, json=appeal))
        await waiting(2)

    assert [answer.status_code for answer in await asyncio.gather(lifting, appealing)] == [200, 409]
    course = await permits.get(f"{PERMIT_PATH}/course", MANAGER)
    assert (course["state"], course["appeals"]) == ("in_force", [])


async def test_an_appeal_names_the_measure_that_stands_when_it_is_filed(permits: Permits) -> None:
    await permits.issued_permit()
    await permits.post(f"{PERMIT_PATH}/suspend", OFFICER, WHY)

    held = f"SELECT FROM permits WHERE number = '{PERMIT}' FOR UPDATE"
    async with stopped(permits.database, held) as waiting:
        stopping = asyncio.create_task(
            permits.call("POST", f"{PERMIT_PATH}/precautionary-measure", SUPERVISOR, json=WHY)
        )
        await waiting(1)
        appeal = {"id": "A1", "ground": "No corresponde"}
        appealing = asyncio.create_task(permits.call("POST", f"{PERMIT_PATH}/appeals", MANAGER, json=appeal))
        await waiting(2)

    assert [answer.status_code for answer in await asyncio.gather(stopping, appealing)] == [200, 409]
    assert (await permits.get(f"{PERMIT_PATH}/course", MANAGER))["appeals"] == []


async def test_permits_suspended_in_one_moment_are_all_in_the_last_list(permits: Permits) -> None:
    await permits.approved_plan()
    numbers = [f"RGR-{n:04}-2025" for n in range(6)]
    for number in numbers:
        await permits.post("/v1/permits", OFFICER, a_permit(number=number, lines=[a_line(volume_dm3=900, trees=0)]))
        await permits.post(f"/v1/permits/{number}/approve", SECOND)

    await permits.published()  # so that only acts wait
    async with stopped(permits.database, "LOCK TABLE outbox IN SHARE MODE") as waiting:
        suspending = [
            asyncio.create_task(permits.post(f"/v1/permits/{number}/suspend", OFFICER, WHY)) for number in numbers
        ]
        await waiting(len(numbers))
    await asyncio.gather(*suspending)

    await permits.published()
    assert sorted(permits.custody.bodies("status.listed")[-1]["suspended"]) == numbers


async def test_letters_of_a_certificate_are_those_of_one_body(permits: Permits) -> None:
    other = certificates.OTHER
    await permits.post("/v1/organisations", OPERATOR, {"id": other.org, "name": "Otra", "kind": "certifier"})

    async with stopped(permits.database, "LOCK TABLE certificates IN SHARE ROW EXCLUSIVE MODE") as waiting:
        registering = [
            asyncio.create_task(
                permits.call("POST", "/v1/certificates", who, json=certificates.a_certificate(code=code))
            )
            for who, code in ((CERTIFIER, "CB-COC-000001"), (other, "CB-COC-000002"))
        ]
        await waiting(2)
    answers = await asyncio.gather(*registering)

    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_one_person_asks_for_no_key_of_both_sides_in_one_moment(permits: Permits) -> None:
    mine, mill = a_key(), a_key(Ed25519PrivateKey.generate(), org="aserradero-1")
    asking = ((MANAGER, mine), (Person("company", "aserradero-1", MANAGER.sub), mill))

    async with stopped(permits.database, "LOCK TABLE keys IN SHARE ROW EXCLUSIVE MODE") as waiting:
        asked = [asyncio.create_task(permits.call("POST", "/v1/keys", who, json=key)) for who, key in asking]
        await waiting(2)

    assert sorted(answer.status_code for answer in await asyncio.gather(*asked)) == [201, 403]


async def test_an_inspection_does_not_take_the_number_of_a_visit_that_is_opened(permits: Permits) -> None:
    await permits.approved_plan()
    await permits.published()
    inspection = {
        "number": NUMBER, "plan": PLAN, "parcel": "PC 01", "trees_sampled": 1, "trees_absent": 0, "trees_mismatched": 0,
        "volume_dm3": 5_881, "trees": ["501"],
    }  # fmt: skip

    tables = "LOCK TABLE inspections, field_visits IN SHARE ROW EXCLUSIVE MODE"
    async with stopped(permits.database, tables) as waiting:
        acts = [
            asyncio.create_task(permits.call("POST", "/v1/inspections", SUPERVISOR, json=inspection)),
            asyncio.create_task(
                permits.call("POST", VERIFICATIONS, OFFICER, json={"number": NUMBER, "verifier": "osinfor-md"})
            ),
        ]
        await waiting(2)

    assert sorted(answer.status_code for answer in await asyncio.gather(*acts)) == [201, 409]


async def test_a_licence_revoked_by_an_act_that_began_before_the_review_asks_for_another(permits: Permits) -> None:
    await submitted(permits)
    licences = "/v1/organisations/regencia-1/licences"
    await permits.post(licences, OFFICER, {"number": "L-1", "valid_from": "2020-01-01", "valid_to": "2030-12-31"})
    revoked = {"number": "L-1", "act": "revoked", "no_more_from": "2025-01-01", "reason": "Sanción"}

    async with stopped(permits.database, "LOCK TABLE licences IN SHARE ROW EXCLUSIVE MODE") as waiting:
        revoking = asyncio.create_task(permits.post(f"{licences}/changes", SECOND, revoked))
        await waiting(1)
        await asyncio.sleep(1)  # instants are whole seconds
        await permits.answered()
    await revoking

    await permits.refused("review-needed", f"/v1/plans/{PLAN}/approve", OFFICER, DECISION)
