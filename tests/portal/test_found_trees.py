"""The trees of a supervision by form, over the real permits: chosen, found, corrected, and read by others."""

import re
from datetime import date
from html import unescape
from typing import Any

import httpx
import pytest

from services.permits.domain.field_tree import Method, State, Verdict
from services.permits.schemas.field import ResultsIn, TreeResultIn, UtmIn
from services.portal import found_trees
from services.portal.acts import Filled
from services.portal.found_trees import ROWS, Tree, begun, beside, body_of, codes_in
from services.portal.rendering import messages
from tests.permits.conftest import (
    MANAGER,
    NEIGHBOUR,
    PLAN,
    SUPERVISOR,
    Permits,
    Person,
    database,
    introduced,
    migrated,
    open_permits,
    permits,
)
from tests.permits.test_field_supervision import BODY, LINES, NUMBER, PATH, SUPERVISIONS, UTM
from tests.portal.conftest import Open
from tests.portal.test_contract_text import fields_in
from tests.portal.test_steps import Desk

__all__ = ["database", "introduced", "migrated", "open_permits", "permits"]

AT = f"/plans/{PLAN}/supervisions/{NUMBER}/trees"
OTHER = Person("supervisor", "osinfor-md", "u-another", "*")
CHOSEN = f"{AT}?parcel=PC+01&codes=501+1170"
PLANNED = {"parcel": "PC 01", "code": "501", "species": "Brosimum guianense", "utm": UTM}
STANDING = {
    "state0": "standing", "seen_on0": "2026-11-21", "species0": "Brosimum guianense", "code_field0": "501", "diameter_a0": "80,5",
    "diameter_b0": "79.5", "method0": "tape", "height0": "18", "zone0": "19S", "easting0": "506299", "northing0": "8805463.0",
}  # fmt: skip
ABSENT = {"state1": "absent", "seen_on1": "2026-11-21", "observation1": "Se buscó  en 50 m"}


@pytest.fixture
async def desk(open_portal: Open, permits: Permits) -> Desk:
    """A portal before a permits with a supervision that is open."""
    await permits.issued_permit(lines=LINES)
    await permits.post(SUPERVISIONS, SUPERVISOR, BODY, expect=201)
    return Desk(permits, await open_portal(permits=permits.app))


async def form_at(desk: Desk, path: str = CHOSEN, who: Person = SUPERVISOR) -> dict[str, str]:
    desk.as_(who)
    page = await desk.browser.get(path)
    assert page.status_code == 200, page.text[-2000:]
    [form] = re.findall(r'<form class="form whole".*?</form>', page.text, re.S)
    return {name: unescape(value) for name, value in fields_in(form).items()}


async def send(desk: Desk, form: dict[str, str], **changes: str) -> httpx.Response:
    return await desk.browser.post(AT, data=form | changes)


async def kept(desk: Desk) -> Any:
    return {one["code"]: one["found"] for one in (await desk.permits.get(f"{PATH}/trees", SUPERVISOR))["items"]}


async def test_trees_are_chosen_said_to_be_found_or_not_and_shown_beside_the_census(desk: Desk) -> None:
    form = await form_at(desk)

    answers = [await send(desk, form, **STANDING, **ABSENT) for _ in range(2)]

    assert [(one.status_code, one.headers["location"]) for one in answers] == [(303, f"{AT}?done=trees_recorded")] * 2
    found = await kept(desk)
    assert found["501"]["facts"] | {"differences": []} == found["501"]["facts"] | {
        "state": "standing", "seen_on": "2026-11-21", "code_field": "501", "species_field": "Brosimum guianense",
        "diameter_a_mm": 805, "diameter_b_mm": 795, "diameter_method": "tape", "height_mm": 18_000, "differences": [],
    }  # fmt: skip
    assert found["501"]["utm"] == UTM
    assert (found["1170"]["facts"]["verdict"], found["1170"]["observation"]) == ("absent", "Se buscó  en 50 m")
    assert [one["times_recorded"] for one in found.values()] == [1, 1], "sent twice is recorded once"
    page = await desk.page(MANAGER, AT)
    assert "no está" in page
    assert "Se buscó  en 50 m" in page
    assert 'id="form"' not in page
    assert "Árboles mirados" in await desk.page(MANAGER, f"/plans/{PLAN}/supervisions")


async def test_what_differs_is_said_with_its_measures(desk: Desk) -> None:
    form = await form_at(desk)
    changed = STANDING | {"code_field0": "502", "species0": "Hura crepitans", "diameter_a0": "20", "diameter_b0": "21", "height0": "9",
                          "northing0": "8806463"}  # fmt: skip

    assert (await send(desk, form, **changed)).status_code == 303

    page = await desk.page(SUPERVISOR, AT)
    planned = (await desk.permits.get(f"/v1/plans/{PLAN}/trees/501", SUPERVISOR))["dbh_mm"] / 10
    for said in (
        "código: 501 en el censo, 502 en el monte", "especie: Brosimum guianense en el censo, Hura crepitans en el monte",
        f"DAP: {planned:.1f} cm en el censo, 20.5 cm en el monte", "altura: ", "9.00 m en el monte", "a 1,000.0 m de su punto en el censo",
    ):  # fmt: skip
        assert said in page
    assert "DBH: " in await desk.page(SUPERVISOR, f"{AT}?lang=en")


async def test_a_result_is_corrected_with_a_reason_and_what_is_sent_untouched_changes_nothing(desk: Desk) -> None:
    await send(desk, await form_at(desk), **STANDING, **ABSENT)
    again = await form_at(desk)

    untouched = await send(desk, again)
    without = await send(desk, again, diameter_a0="60")
    why = await send(desk, again, diameter_a0="60", reason0="Se leyó mal la cinta")

    assert (untouched.status_code, without.status_code, why.status_code) == (303, 422, 303)
    assert re.search(r'name="reason0"[^>]* aria-invalid', without.text)
    assert "Para corregirlo, diga aquí por qué." in without.text
    assert 'value="60"' in without.text, "nothing typed is lost"
    found = await kept(desk)
    assert (found["501"]["facts"]["diameter_a_mm"], found["501"]["times_recorded"]) == (600, 2)
    assert found["1170"]["times_recorded"] == 1
    assert "Corregido. Se leyó mal la cinta" in await desk.page(SUPERVISOR, AT)


async def test_what_a_program_recorded_with_two_blanks_is_no_change_when_nobody_touches_it(desk: Desk) -> None:
    absent = {
        "parcel": "PC 01",
        "code": "1170",
        "state": "absent",
        "seen_on": "2026-11-21",
        "observation": "Se buscó  en 50 m",
    }
    await desk.permits.post(f"{PATH}/trees", SUPERVISOR, {"trees": [absent]})

    untouched = await send(desk, await form_at(desk))

    assert untouched.status_code == 303
    assert (await kept(desk))["1170"]["times_recorded"] == 1


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"height0": ""}, "state0", "un árbol en pie se mide entero"), ({"height0": "alto"}, "height0", "mayor que cero"),
        ({"height0": "9" * 5_000}, "height0", "mayor que cero"), ({"easting0": "1e9"}, "easting0", ""),
        ({"easting0": "506299.55"}, "easting0", "Escriba metros UTM"), ({"easting0": ""}, "easting0", "Falta este dato."),
        ({"northing0": "88"}, "northing0", ""), ({"seen_on0": "2050-01-01"}, "seen_on0", "todavía no llega"),
        ({"seen_on0": ""}, "seen_on0", "Falta este dato."), ({"state0": "burnt"}, "state0", ""), ({"state0": ""}, "state0", "Falta este dato."),
        ({"diameter_b0": ""}, "state0", "hacen falta los dos diámetros"), ({"code_field0": "¿?"}, "code_field0", ""),
        ({"tree0": "PC 01|9999"}, "state0", "9999"), ({"observation1": ""}, "state1", "diga por qué"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_stands_beside_its_field_and_nothing_is_recorded(
    desk: Desk, changes: dict[str, str], field: str, said: str
) -> None:
    form = await form_at(desk) | STANDING | ABSENT

    refused = await send(desk, form, **changes)

    assert refused.status_code == 422
    assert re.search(rf'name="{field}"[^>]* aria-invalid', refused.text), unescape(refused.text)[-4000:]
    assert said in unescape(refused.text)
    assert " / both" not in refused.text, "in one language"
    assert await kept(desk) == {}
    assert (await send(desk, form)).status_code == 303


async def test_a_form_that_says_nothing_is_given_back(desk: Desk) -> None:
    form = await form_at(desk)

    assert "No se dijo nada de ningún árbol" in (await send(desk, form)).text
    assert (await send(desk, form, **ABSENT)).status_code == 303


async def test_many_trees_open_ten_at_a_time_by_their_codes_and_in_the_order_of_the_census(desk: Desk) -> None:
    many = "501 1170 " + " ".join(f"X{n}" for n in range(ROWS + 5))
    desk.as_(SUPERVISOR)
    page = (await desk.browser.get(AT, params={"parcel": "PC 01", "codes": many})).text
    form = await form_at(desk, f"{AT}?parcel=PC+01&codes={many.replace(' ', '+')}")

    done = await send(desk, form, **ABSENT)

    assert "El censo no tiene en PC 01 estos árboles: X0, X1" in unescape(page)
    rest = "+".join(f"X{n}" for n in range(ROWS - 2, ROWS + 5))
    assert done.headers["location"] == f"{AT}?parcel=PC+01&codes={rest}&done=trees_recorded"
    census = await form_at(desk, f"{AT}?parcel=PC+01")
    trees = (await desk.permits.get(f"/v1/plans/{PLAN}/trees", SUPERVISOR, limit=ROWS))["items"]
    assert [census[f"tree{n}"] for n in range(len(trees))] == [f"{one['parcel']}|{one['code']}" for one in trees]


async def test_codes_behind_ten_that_the_census_does_not_have_are_still_there_to_be_chosen(desk: Desk) -> None:
    many = [*(f"X{n}" for n in range(ROWS)), "501", "1170"]
    desk.as_(SUPERVISOR)

    page = await desk.browser.get(AT, params={"parcel": "PC 01", "codes": " ".join(many)})
    again = fields_in(page.text[: page.text.index("<section><h2>", page.text.index('id="form"'))])

    assert "El censo no tiene en PC 01 estos árboles: X0, X1" in unescape(page.text)
    assert (again["parcel"], again["codes"]) == ("PC 01", "501 1170")
    form = await form_at(desk, f"{AT}?parcel=PC+01&codes={again['codes'].replace(' ', '+')}")
    assert [form["tree0"], form["tree1"]] == ["PC 01|501", "PC 01|1170"]


async def test_only_its_supervisor_writes_and_only_before_the_holder_was_told(desk: Desk) -> None:
    form = await form_at(desk) | STANDING
    for who in (MANAGER, NEIGHBOUR):
        form["form_token"] = desk.as_(who)
        assert (await send(desk, form)).status_code == 403
    desk.as_(NEIGHBOUR)
    assert (await desk.browser.get(AT)).status_code == 404
    form["form_token"] = desk.as_(SUPERVISOR)
    assert (await send(desk, form | {"form_token": "x"})).status_code == 403
    assert (await send(desk, form)).status_code == 303
    checked = {
        f"document_{one['document']}": "present" for one in (await desk.permits.get(PATH, SUPERVISOR))["documents"]
    }
    at = f"/plans/{PLAN}/supervisions"
    await desk.take(SUPERVISOR, "documents", at=at, of=NUMBER, **checked)
    await desk.take(SUPERVISOR, "notify", at=at, of=NUMBER, sure="yes")

    form["form_token"] = desk.as_(SUPERVISOR)
    late = await send(desk, form, diameter_a0="60", reason0="x")

    assert late.status_code == 422
    assert "no cambia" in unescape(late.text) or "notific" in unescape(late.text)
    assert 'id="form"' not in await desk.page(SUPERVISOR, CHOSEN)


# ---- what becomes of the fields


def test_the_form_knows_every_member_state_method_and_zone_that_permits_takes() -> None:
    sent = body_of(Filled({"tree0": "PC 01|501", "reason0": "x", "observation0": "y"} | STANDING))["trees"][0]

    assert set(sent) == set(TreeResultIn.model_fields)
    assert ResultsIn.model_validate({"trees": [sent]}).trees[0].seen_on == date(2026, 11, 21)
    assert (State.__args__, Method.__args__) == (found_trees.STATES, found_trees.METHODS)  # type: ignore[attr-defined]
    assert UtmIn.model_fields["zone"].annotation.__args__ == found_trees.ZONES  # type: ignore[union-attr]
    assert set(found_trees.MARKS) == set(Verdict.__args__)  # type: ignore[attr-defined]
    texts = messages("es")
    assert {f"found.state.{one}" for one in found_trees.STATES} | {
        f"found.method.{one}" for one in found_trees.METHODS
    } <= set(texts)
    assert {f"lottery.found.{one}" for one in found_trees.MARKS} <= set(texts)


def test_a_refusal_finds_the_row_it_speaks_of_however_many_before_it_say_nothing() -> None:
    form = Filled(
        {f"tree{n}": f"PC 01|{n}" for n in range(4)}
        | {"state1": "absent", "state3": "absent", "seen_on3": "2050-01-01"}
    )

    def told(where: str) -> dict[str, str]:
        errors = [{"where": where, "reason": "no", "reason_en": "no"}]
        return beside(form, {"errors": errors}, "", "es")

    assert told("body.trees.1.utm.easting_dm") == {"easting3": "no"}
    assert told("body.trees.0") == {"state1": "no"}
    assert told("body.trees.7.state") == {"": "no"}
    assert told("body.trees") == {"": "no"}
    known = {"slug": "result-recorded", "facts": {"parcel": "PC 01", "code": "3"}}
    assert beside(form, known, "why", "es") == {"reason3": "why"}
    assert beside(form, {"slug": "day-not-come", "facts": {"day": "2050-01-01"}}, "no", "es") == {"seen_on3": "no"}
    assert beside(form, {"slug": "visit-closed", "facts": {}}, "closed", "es") == {"": "closed"}


def test_codes_are_read_as_people_write_them() -> None:
    assert codes_in(" 501,502;\n501  a-3 ") == ["501", "502", "A-3"]
    assert len(codes_in(" ".join(str(n) for n in range(500)))) == 500, "none is left out without a word"


def test_a_tree_without_a_place_begins_with_a_day_and_a_zone() -> None:
    held = begun([Tree({**PLANNED, "utm": None})], "2026-11-20")

    assert held == {"tree0": "PC 01|501", "seen_on0": "2026-11-20", "zone0": "19S"}
    assert found_trees.rows_sent(Filled(held)) == []
