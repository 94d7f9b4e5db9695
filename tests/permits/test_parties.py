"""Organisations."""

import pytest

from tests.permits.conftest import OPERATOR, Permits


async def test_an_organisation_is_registered_once_and_announced(empty: Permits) -> None:
    body = {"id": "comunidad-a", "name": "Comunidad Nativa A", "kind": "community", "region": "madre-de-dios"}

    registered = await empty.post("/v1/organisations", OPERATOR, body, expect=201)
    again = await empty.post("/v1/organisations", OPERATOR, body, expect=200)
    await empty.published()

    assert (registered["log"]["state"], again["id"]) == ("pending", "comunidad-a")
    assert (await empty.get("/v1/organisations/comunidad-a"))["log"]["state"] == "in_log"
    assert empty.custody.bodies("organisation.registered")[-1] == body
    await empty.refused("number-taken", "/v1/organisations", OPERATOR, body | {"name": "Otra"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "Comunidad"), ("id", "c"), ("id", "соmunidad"), ("kind", "ghost"), ("name", " "), ("name", "x" * 161),
        ("name", "A\u202eB"), ("name", "A\u0007B"), ("region", "Madre de Dios"),
    ],
)  # fmt: skip
async def test_a_malformed_organisation_is_refused(empty: Permits, field: str, value: str) -> None:
    body = {"id": "comunidad-a", "name": "Comunidad A", "kind": "community", field: value}

    problem = await empty.refused("malformed", "/v1/organisations", OPERATOR, body, status=422)

    assert field in problem["errors"][0]["where"]


async def test_a_name_in_another_unicode_form_is_the_same_name(empty: Permits) -> None:
    body = {"id": "comunidad-a", "name": "Asha\u0301ninka", "kind": "community"}

    registered = await empty.post("/v1/organisations", OPERATOR, body, expect=201)

    assert registered["name"] == "Asháninka"
    await empty.post("/v1/organisations", OPERATOR, body | {"name": "Asháninka"}, expect=200)


async def test_organisations_are_listed_for_everyone(permits: Permits) -> None:
    page = await permits.get("/v1/organisations", kind="community")

    assert [item["id"] for item in page["items"]] == ["comunidad-a", "comunidad-b"]
    await permits.get("/v1/organisations/nadie", expect=404)


async def test_organisations_are_found_by_letters_of_their_id_or_name(permits: Permits) -> None:
    async def found(letters: str) -> list[str]:
        return [item["id"] for item in (await permits.get("/v1/organisations", named=letters))["items"]]

    assert await found("NIDAD-A") == ["comunidad-a"]
    assert await found("comunidad%") == []
    assert "aserradero-1" in await found("Aserradero")
