"""Supervision of a harvest, through the door of permits."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.permits.domain.field_norms import checklist
from services.permits.domain.finding_life import MOST_APPEALS
from tests.permits.conftest import (
    MANAGER,
    NEIGHBOUR,
    OFFICER,
    PERMIT,
    PLAN,
    SECOND,
    SUPERVISOR,
    Permits,
    Person,
    a_line,
    a_permit,
)
from tests.permits.field_days import unseen

SUPERVISIONS = f"/v1/plans/{PLAN}/supervisions"
NUMBER = "SUP-01"
PATH = f"{SUPERVISIONS}/{NUMBER}"
LINES = [a_line(), a_line(species="Myroxylon balsamum", volume_dm3=9_000)]
BODY = {"number": NUMBER, "permit": PERMIT, "visited_from": "2026-11-20", "visited_to": "2026-11-24"}
UTM = {"zone": "19S", "easting_dm": 5_062_990, "northing_dm": 88_054_630}
TREE_501 = {"parcel": "PC 01", "code": "501", "planned": {"species": "Brosimum guianense", "utm": UTM}}
TREE_1170 = {"parcel": "PC 01", "code": "1170"}


def moved(tree: Any, **changes: Any) -> dict[str, Any]:
    """Only its stump is there."""
    return {
        "parcel": tree["parcel"], "code": tree["code"], "state": "moved", "seen_on": "2026-11-21",
        "code_field": tree["code"], "species_field": tree["planned"]["species"], "utm": tree["planned"]["utm"],
    } | changes  # fmt: skip


def a_volume(**changes: Any) -> dict[str, Any]:
    return {
        "parcel": "PC 01", "species": "Myroxylon balsamum", "numeral": 21, "volume_dm3": 4_000,
        "reason": "Se movilizó y el árbol no existe",
    } | changes  # fmt: skip


def a_balance(drawn_dm3: int, species: str = "Myroxylon balsamum", product: str = "roundwood") -> dict[str, Any]:
    return {"permit": PERMIT, "parcel": "PC 01", "species": species, "product": product, "drawn_dm3": drawn_dm3}


def all_documents(absent: Iterable[str] = ()) -> dict[str, Any]:
    return {
        "documents": [{"document": name, "state": "absent" if name in absent else "present"} for name in checklist()]
    }


async def opened(permits: Permits, **changes: Any) -> Any:
    await permits.issued_permit(lines=LINES)
    return await permits.post(SUPERVISIONS, SUPERVISOR, BODY | changes, expect=201)


async def notified(permits: Permits, *volumes: dict[str, Any]) -> Any:
    """One tree stands for its volume, the other does not exist."""
    await opened(permits)
    await permits.post(f"{PATH}/trees", SUPERVISOR, {"trees": [moved(TREE_501), unseen(TREE_1170)]})
    await permits.post(f"{PATH}/volumes", SUPERVISOR, {"volumes": list(volumes)})
    await permits.post(f"{PATH}/documents", SUPERVISOR, all_documents())
    return await permits.post(f"{PATH}/notify", SUPERVISOR)


ANSWER = {"answer": "El árbol 1170 se codificó mal", "attachments": []}


async def test_v1_v2_and_v3_come_from_trees_volumes_and_what_custody_counts_as_moved(permits: Permits) -> None:
    permits.custody.balances = [
        a_balance(5_000), a_balance(3_000, "Brosimum guianense"), a_balance(700, product="firewood"),
        a_balance(9_999, "Hura crepitans"),
    ]  # fmt: skip
    await notified(permits, a_volume())

    found = (await permits.get(PATH, SUPERVISOR))["indicators"]

    assert (found["trees_looked_for"], found["trees_absent"], found["v1_permille"]) == (2, 1, 500)
    assert (found["species"], found["v2_permille"]) == (2, 500)
    assert (found["moved"], found["moved_dm3"], found["v3_permille"]) == ("known", 8_000, 500)


async def test_unauthorised_and_unjustified_volumes_are_never_added(permits: Permits) -> None:
    volumes = [a_volume(), a_volume(numeral=26, volume_dm3=500), a_volume(numeral=10, volume_dm3=2_000, trees=1)]
    told = await notified(permits, *volumes)

    assert (told["indicators"]["unjustified_dm3"], told["indicators"]["unauthorised_dm3"]) == (4_500, 2_000)
    assert {(one["numeral"], one["kind"]) for one in told["volumes"]} == {
        (10, "unauthorised"), (21, "unjustified"), (26, "unjustified"),
    }  # fmt: skip
    assert told["indicators"]["v2_permille"] == 500


async def test_a_numeral_that_does_not_speak_of_volume_is_refused(permits: Permits) -> None:
    await opened(permits)

    await permits.refused(
        "numeral-unknown", f"{PATH}/volumes", SUPERVISOR, {"volumes": [a_volume(numeral=29)]}, status=422
    )

    await permits.post(f"{PATH}/volumes", SUPERVISOR, {"volumes": [a_volume()]})


async def test_when_custody_is_silent_v3_is_unknown_and_the_rest_stands(permits: Permits) -> None:
    await notified(permits, a_volume())
    await permits.published()
    permits.custody.silent = True

    found = (await permits.get(PATH, SUPERVISOR))["indicators"]
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)
    closed = await permits.post(f"{PATH}/close", SUPERVISOR, {"conclusion": "Se ratifica"})

    assert (found["moved"], found["v3_permille"], found["v1_permille"]) == ("unknown", None, 500)
    assert (closed["state"], closed["indicators"]["moved"]) == ("closed", "unknown")


async def test_a_closed_supervision_keeps_what_custody_said_then(permits: Permits) -> None:
    permits.custody.balances = [a_balance(8_000)]
    await notified(permits, a_volume())
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)
    await permits.post(f"{PATH}/close", SUPERVISOR, {"conclusion": "Se ratifica"})
    permits.custody.balances = [a_balance(80_000)]

    found = (await permits.get(PATH))["indicators"]

    assert (found["moved"], found["v3_permille"]) == ("known", 500)


async def test_what_was_supervised_counts_in_the_coverage(permits: Permits) -> None:
    await notified(permits, a_volume())
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)

    closed = await permits.post(f"{PATH}/close", SUPERVISOR, {"conclusion": "Se ratifica"})
    await permits.published()

    [body] = permits.custody.bodies("inspection.reported")
    assert (body["number"], body["trees_sampled"], body["trees_absent"]) == (NUMBER, 2, 1)
    assert body["volume_dm3"] == 5_881 + 9_215
    assert [one["number"] for one in closed["inspections"]] == [NUMBER]


async def test_every_document_is_looked_for_before_the_holder_is_told(permits: Permits) -> None:
    await opened(permits)
    some = all_documents(absent=["kardex"])
    left = some["documents"].pop()
    await permits.post(f"{PATH}/documents", SUPERVISOR, some)

    problem = await permits.refused("checklist-incomplete", f"{PATH}/notify", SUPERVISOR)
    assert problem["facts"]["documents"] == left["document"]
    told = await permits.post(f"{PATH}/documents", SUPERVISOR, all_documents(absent=["kardex"]))

    assert {one["document"]: one["state"] for one in told["documents"]}["kardex"] == "absent"
    await permits.post(f"{PATH}/notify", SUPERVISOR)


async def test_the_holder_is_told_once_the_visit_has_ended(permits: Permits) -> None:
    await opened(permits, visited_to="2027-02-01")
    await permits.post(f"{PATH}/documents", SUPERVISOR, all_documents())
    house = permits.app.state.house
    house.clock = lambda: datetime(2027, 1, 31, 15, tzinfo=UTC)

    await permits.refused("day-not-come", f"{PATH}/notify", SUPERVISOR)

    house.clock = lambda: datetime(2027, 2, 1, 15, tzinfo=UTC)
    await permits.post(f"{PATH}/notify", SUPERVISOR)


@pytest.mark.parametrize("change", [{"document": "diary"}, {"state": "lost"}, {"state": "absent", "sha256": "a" * 64}])
async def test_a_document_is_one_of_the_list_and_in_one_of_its_states(permits: Permits, change: dict[str, Any]) -> None:
    await opened(permits)
    document = {"document": "permit", "state": "present", "sha256": "a" * 64}

    await permits.post(f"{PATH}/documents", SUPERVISOR, {"documents": [document | change]}, expect=422)

    await permits.post(f"{PATH}/documents", SUPERVISOR, {"documents": [document]})


async def test_nothing_found_changes_once_the_holder_was_told(permits: Permits) -> None:
    await notified(permits, a_volume())

    for path, body in (
        ("trees", {"trees": [unseen(TREE_1170)]}),
        ("volumes", {"volumes": []}),
        ("documents", all_documents()),
    ):
        await permits.refused("already-notified", f"{PATH}/{path}", SUPERVISOR, body)
    await permits.refused("already-notified", f"{PATH}/notify", SUPERVISOR)


async def test_it_closes_after_the_answer_or_after_its_days(permits: Permits) -> None:
    end = {"conclusion": "Sin respuesta"}
    await opened(permits)
    await permits.refused("not-notified", f"{PATH}/answers", MANAGER, ANSWER)
    await permits.refused("not-notified", f"{PATH}/close", SUPERVISOR, end)
    await permits.post(f"{PATH}/documents", SUPERVISOR, all_documents())
    told = await permits.post(f"{PATH}/notify", SUPERVISOR)

    await permits.refused("answer-awaited", f"{PATH}/close", SUPERVISOR, end)
    house = permits.app.state.house
    house.clock = lambda: datetime.now(UTC) + timedelta(days=16)
    closed = await permits.post(f"{PATH}/close", SUPERVISOR, end)

    assert (closed["state"], closed["answers"]) == ("closed", [])
    assert told["answer_until"] < closed["closed_at"][:10]
    await permits.refused("visit-closed", f"{PATH}/answers", MANAGER, ANSWER)


async def test_only_the_holder_answers_and_may_answer_again(permits: Permits) -> None:
    await notified(permits)

    await permits.refused("not-found", f"{PATH}/answers", NEIGHBOUR, ANSWER, status=404)
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)
    told = await permits.post(f"{PATH}/answers", MANAGER, {"answer": "Adjuntamos el mapa"}, expect=201)

    assert len(told["answers"]) == 2


async def test_what_an_answer_attaches_is_a_paper_of_the_vault_that_the_holder_can_read(permits: Permits) -> None:
    await notified(permits)
    foreign = (await permits.paper("operations_book", b"Libro de otra comunidad", NEIGHBOUR))["sha256"]
    for sha256 in ("a" * 64, foreign):
        attached = ANSWER | {"attachments": [{"name": "Libro", "sha256": sha256}]}
        await permits.refused("reference-unknown", f"{PATH}/answers", MANAGER, attached)

    own = (await permits.paper("operations_book", b"Folio 12"))["sha256"]
    attached = ANSWER | {"attachments": [{"name": "Libro", "sha256": own}]}
    told = await permits.post(f"{PATH}/answers", MANAGER, attached, expect=201)

    assert [one["attachments"] for one in told["answers"]] == [attached["attachments"]]


async def test_the_supervisions_of_a_plan_come_in_pages(permits: Permits) -> None:
    await opened(permits)
    for number in ("SUP-02", "SUP-03"):
        await permits.post(SUPERVISIONS, SUPERVISOR, BODY | {"number": number}, expect=201)

    first = await permits.get(SUPERVISIONS, SUPERVISOR, limit=2)
    rest = await permits.get(SUPERVISIONS, SUPERVISOR, limit=2, cursor=first["next"])

    assert [one["number"] for one in first["items"] + rest["items"]] == [NUMBER, "SUP-02", "SUP-03"]
    assert rest["next"] is None
    await permits.get(SUPERVISIONS, SUPERVISOR, limit=21, expect=422)


async def test_until_it_is_closed_only_those_concerned_see_it_and_the_answers_always_only_they(
    permits: Permits,
) -> None:
    await notified(permits, a_volume())
    far = Person("supervisor", "osinfor-lo", "u-far", "loreto")
    for who in (None, NEIGHBOUR, far):
        await permits.get(PATH, who, expect=404)
        assert (await permits.get(SUPERVISIONS, who))["items"] == []
    for who in (MANAGER, OFFICER, SUPERVISOR):
        assert (await permits.get(PATH, who))["state"] == "notified"
        assert len((await permits.get(SUPERVISIONS, who))["items"]) == 1
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)
    await permits.post(f"{PATH}/close", SUPERVISOR, {"conclusion": "Se ratifica"})

    public, concerned = await permits.get(PATH), await permits.get(PATH, MANAGER)

    assert (public["state"], public["answers"], len(concerned["answers"])) == ("closed", [], 1)
    for who, sees in ((None, False), (NEIGHBOUR, False), (MANAGER, True), (SUPERVISOR, True)):
        trees = (await permits.get(f"{PATH}/trees", who))["items"]
        assert [tree["code"] for tree in trees] == ["1170", "501"]
        assert [tree["found"]["observation"] is not None for tree in trees] == [sees, False]
        assert [tree["planned"]["utm"] is not None for tree in trees] == [sees, sees]


@pytest.mark.parametrize("sub", ["u-manager", "u-regent", "u-officer", "u-second"])
async def test_who_made_or_approved_plan_or_permit_does_not_supervise(permits: Permits, sub: str) -> None:
    await permits.approved_plan()
    await permits.post("/v1/permits", OFFICER, a_permit())
    await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)
    hat = Person("supervisor", "osinfor-md", sub, "*")

    await permits.refused("same-person", SUPERVISIONS, hat, BODY)

    await permits.post(SUPERVISIONS, SUPERVISOR, BODY, expect=201)


async def test_a_supervision_belongs_to_its_supervisor_and_region(permits: Permits) -> None:
    await opened(permits)
    other = Person("supervisor", "gerfor-md", "u-other", "*")
    far = Person("supervisor", "osinfor-md", "u-far", "loreto")
    trees = {"trees": [moved(TREE_501)]}

    await permits.refused("not-assigned", f"{PATH}/trees", other, trees, status=403)
    await permits.refused("other-region", f"{PATH}/trees", far, trees, status=403)
    await permits.refused("other-region", SUPERVISIONS, far, BODY | {"number": "SUP-02"}, status=403)

    await permits.post(f"{PATH}/trees", SUPERVISOR, trees)


async def test_a_tree_the_census_does_not_list_is_no_tree_of_the_sample(permits: Permits) -> None:
    await opened(permits)

    await permits.refused(
        "tree-unknown", f"{PATH}/trees", SUPERVISOR, {"trees": [unseen({"parcel": "PC 01", "code": "999"})]}
    )
    await permits.refused("reference-unknown", f"{PATH}/volumes", SUPERVISOR, {"volumes": [a_volume(parcel="PC 09")]})

    await permits.post(f"{PATH}/trees", SUPERVISOR, {"trees": [unseen(TREE_1170)]})


async def test_a_number_names_one_visit_and_a_permit_of_this_plan(permits: Permits) -> None:
    await opened(permits)

    await permits.refused("number-taken", SUPERVISIONS, SUPERVISOR, BODY)
    await permits.refused("reference-unknown", SUPERVISIONS, SUPERVISOR, BODY | {"number": "SUP-02", "permit": "NO-1"})

    await permits.post(SUPERVISIONS, SUPERVISOR, BODY | {"number": "SUP-02", "permit": None}, expect=201)


# ---- what becomes of a volume found fault with

KEY = {"parcel": "PC 01", "species": "Myroxylon balsamum", "numeral": 21}
WORD = KEY | {"text": "El libro de operaciones, folio 12"}
VOLUMES = f"{PATH}/volumes"
TRIBUNAL = Person("supervisor", "osinfor-md", "u-tribunal", "*")


async def answered(permits: Permits, *volumes: dict[str, Any]) -> None:
    """The holder was told of these volumes and has answered."""
    permits.custody.balances = [a_balance(8_000)]
    await notified(permits, *volumes)
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)


async def closed(permits: Permits) -> Any:
    return await permits.post(f"{PATH}/close", SUPERVISOR, {"conclusion": "Se concluye"})


def how(told: Any, numeral: int = 21) -> tuple[str, str, bool]:
    (one,) = [one for one in told["volumes"] if one["numeral"] == numeral]
    return one["state"], one["outcome"], one["counts"]


async def test_what_the_supervisor_accepts_of_the_answer_is_held_against_nobody(permits: Permits) -> None:
    await answered(permits, a_volume(), a_volume(numeral=26, volume_dm3=800))

    await permits.post(f"{VOLUMES}/decision", SUPERVISOR, WORD | {"decision": "accepted"})
    told = await closed(permits)

    assert (how(told), how(told, 26)) == (("accepted", "", False), ("upheld", "", True))
    assert (told["indicators"]["unjustified_dm3"], told["indicators"]["v3_permille"]) == (800, 100)


async def test_an_upheld_volume_is_appealed_and_lifted_by_somebody_who_did_not_decide_it(permits: Permits) -> None:
    await answered(permits, a_volume())
    told = await closed(permits)
    assert (how(told), told["indicators"]["v3_permille"]) == (("upheld", "", True), 500)

    told = await permits.post(f"{VOLUMES}/appeal", MANAGER, WORD)
    assert (how(told), told["indicators"]["v3_permille"]) == (("appealed", "", False), 0)
    await permits.refused("same-person", f"{VOLUMES}/closing", SUPERVISOR, WORD | {"outcome": "upheld"})
    told = await permits.post(f"{VOLUMES}/closing", TRIBUNAL, WORD | {"outcome": "lifted"})

    assert (how(told), told["indicators"]["unjustified_dm3"]) == (("closed", "lifted", False), 0)
    assert [act["act"] for act in told["volumes"][0]["acts"]] == ["explain", "uphold", "appeal", "close"]


async def test_an_appeal_that_is_dismissed_leaves_the_volume_as_it_was_found(permits: Permits) -> None:
    await answered(permits, a_volume())
    await closed(permits)
    await permits.post(f"{VOLUMES}/appeal", MANAGER, WORD)

    told = await permits.post(f"{VOLUMES}/closing", TRIBUNAL, WORD | {"outcome": "upheld"})

    assert (how(told), told["indicators"]["v3_permille"]) == (("closed", "upheld", True), 500)
    await permits.refused("wrong-state", f"{VOLUMES}/appeal", MANAGER, WORD)


async def test_a_volume_is_decided_between_notice_and_closing_and_appealed_after_it(permits: Permits) -> None:
    decision = WORD | {"decision": "upheld"}
    await opened(permits)
    await permits.post(VOLUMES, SUPERVISOR, {"volumes": [a_volume()]})
    await permits.post(f"{PATH}/documents", SUPERVISOR, all_documents())
    await permits.refused("not-notified", f"{VOLUMES}/decision", SUPERVISOR, decision)
    await permits.post(f"{PATH}/notify", SUPERVISOR)
    await permits.refused("term-not-over", f"{VOLUMES}/decision", SUPERVISOR, decision)
    await permits.refused("wrong-state", f"{VOLUMES}/appeal", MANAGER, WORD)
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)

    await permits.post(f"{VOLUMES}/decision", SUPERVISOR, decision)
    await permits.refused("wrong-state", f"{VOLUMES}/decision", SUPERVISOR, decision)
    await closed(permits)

    await permits.refused("visit-closed", f"{VOLUMES}/decision", SUPERVISOR, decision)
    await permits.refused("term-not-over", f"{VOLUMES}/closing", TRIBUNAL, WORD | {"outcome": "upheld"})
    await permits.post(f"{VOLUMES}/appeal", MANAGER, WORD)


COMPANY, FIRM = Person("company", "aserradero-1", "u-company"), Person("regent", "regencia-1", "u-regent")


async def upheld_against_a_company(permits: Permits) -> None:
    """A volume found under a permit of a third party, upheld by the closing of the supervision."""
    permits.custody.balances = [a_balance(8_000)]
    await permits.approved_plan()
    await permits.agreed_to_holder("aserradero-1")
    await permits.post("/v1/permits", OFFICER, a_permit(holder="aserradero-1", lines=LINES))
    await permits.post(f"/v1/permits/{PERMIT}/approve", SECOND)
    await permits.post(SUPERVISIONS, SUPERVISOR, BODY, expect=201)
    await permits.post(f"{PATH}/volumes", SUPERVISOR, {"volumes": [a_volume()]})
    await permits.post(f"{PATH}/documents", SUPERVISOR, all_documents())
    await permits.post(f"{PATH}/notify", SUPERVISOR)
    await permits.post(f"{PATH}/answers", MANAGER, ANSWER, expect=201)
    await closed(permits)


async def test_the_holder_of_the_permit_and_the_regent_appeal_what_is_held_against_them(permits: Permits) -> None:
    await upheld_against_a_company(permits)
    other = Person("company", "certifica-1", "u-other")
    await permits.refused("other-organisation", f"{VOLUMES}/appeal", other, WORD, status=403)

    told = await permits.post(f"{VOLUMES}/appeal", COMPANY, WORD)
    again = await permits.post(f"{VOLUMES}/appeal", FIRM, WORD)

    assert how(told) == how(again) == ("appealed", "", False)
    assert [act["org"] for act in again["volumes"][0]["acts"] if act["act"] == "appeal"] == [COMPANY.org, FIRM.org]
    for _ in range(MOST_APPEALS - 1):
        await permits.post(f"{VOLUMES}/appeal", COMPANY, WORD)
    await permits.refused("too-many-appeals", f"{VOLUMES}/appeal", COMPANY, WORD)
    await permits.post(f"{VOLUMES}/appeal", FIRM, WORD)


async def test_an_appeal_of_the_company_is_not_decided_over_the_head_of_the_community(permits: Permits) -> None:
    await upheld_against_a_company(permits)
    await permits.post(f"{VOLUMES}/appeal", COMPANY, WORD)
    decision = WORD | {"outcome": "upheld"}
    await permits.refused("term-not-over", f"{VOLUMES}/closing", TRIBUNAL, decision)

    paper = (await permits.paper("operations_book", b"Folio 12"))["sha256"]
    told = await permits.post(f"{VOLUMES}/appeal", MANAGER, WORD | {"documents": [paper]})
    assert [act["documents"] for act in told["volumes"][0]["acts"]][-2:] == [[], [paper]]

    assert how(await permits.post(f"{VOLUMES}/closing", TRIBUNAL, decision)) == ("closed", "upheld", True)


async def test_the_silence_of_the_community_does_not_keep_an_appeal_open(permits: Permits) -> None:
    await upheld_against_a_company(permits)
    await permits.post(f"{VOLUMES}/appeal", FIRM, WORD)
    permits.app.state.house.clock = lambda: datetime.now(UTC) + timedelta(days=22)

    told = await permits.post(f"{VOLUMES}/closing", TRIBUNAL, WORD | {"outcome": "lifted"})

    assert how(told) == ("closed", "lifted", False)


async def test_only_those_it_is_held_against_appeal_and_only_who_had_no_part_decides(permits: Permits) -> None:
    await answered(permits, a_volume())
    approver = Person("supervisor", "osinfor-md", "u-officer", "*")
    await permits.refused("same-person", f"{VOLUMES}/decision", approver, WORD | {"decision": "accepted"})
    elsewhere = Person("supervisor", "osinfor-lo", "u-far", "*")
    await permits.post("/v1/organisations", OFFICER, {"id": "osinfor-lo", "name": "Otra sede", "kind": "authority"})
    await permits.refused("not-assigned", f"{VOLUMES}/decision", elsewhere, WORD | {"decision": "accepted"}, status=403)
    await closed(permits)
    await permits.refused("other-organisation", f"{VOLUMES}/appeal", NEIGHBOUR, WORD, status=403)
    await permits.refused("not-found", f"{VOLUMES}/appeal", MANAGER, WORD | {"numeral": 26}, status=404)
    await permits.refused("reference-unknown", f"{VOLUMES}/appeal", MANAGER, WORD | {"documents": ["c" * 64]})

    paper = (await permits.paper("operations_book", b"Folio 12"))["sha256"]
    told = await permits.post(f"{VOLUMES}/appeal", MANAGER, WORD | {"documents": [paper]})

    assert told["volumes"][0]["acts"][-1]["documents"] == [paper]


async def test_everybody_sees_how_a_volume_stands_and_only_those_concerned_why(permits: Permits) -> None:
    await answered(permits, a_volume())
    await closed(permits)
    await permits.post(f"{VOLUMES}/appeal", MANAGER, WORD)

    public, concerned = await permits.get(PATH), await permits.get(PATH, OFFICER)

    assert how(public) == how(concerned) == ("appealed", "", False)
    assert [(act["act"], act["text"], act["by"]) for act in public["volumes"][0]["acts"]][-1] == ("appeal", None, None)
    assert concerned["volumes"][0]["acts"][-1]["text"] == WORD["text"]
    assert public["indicators"] == concerned["indicators"]
