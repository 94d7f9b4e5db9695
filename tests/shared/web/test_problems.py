"""Every "no" is one kind of answer: a problem with a stable slug, in Spanish or English."""

import httpx
import pytest

from shared.refusal import Malformed
from shared.web.language import preferred
from shared.web.problems import describe
from shared.web.reasons import reason_en, reason_es
from tests.shared.web.example import LogIn
from tests.tokens import Issuer

MEMBERS = {"type", "slug", "title", "status", "detail", "detail_es", "detail_en", "facts", "request_id"}


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("refused", 409),
        ("malformed", 422),
        ("missing", 404),
        ("not-allowed", 403),
        ("unavailable", 503),
        ("too-many", 429),
    ],
)
async def test_a_refusal_has_the_status_of_its_kind(api: httpx.AsyncClient, how: str, status: int) -> None:
    answer = await api.get(f"/v1/fail/{how}")

    assert answer.status_code == status == answer.json()["status"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().keys() == MEMBERS
    assert answer.json()["type"] == f"urn:trozalog:problem:{answer.json()['slug']}"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_come_back_later_says_when(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/fail/too-many")).headers["retry-after"] == "7"
    assert (await api.get("/v1/fail/unavailable")).headers["retry-after"]


async def test_a_problem_speaks_spanish_and_english_when_asked(api: httpx.AsyncClient) -> None:
    spanish = await api.get("/v1/fail/missing")
    english = await api.get("/v1/fail/missing", headers={"accept-language": "en-GB,en;q=0.9,es;q=0.1"})

    assert spanish.json()["detail"] == spanish.json()["detail_es"] == english.json()["detail_es"]
    assert english.json()["detail"] == english.json()["detail_en"] == "There is no log Z, or you may not see it."
    assert (spanish.headers["content-language"], english.headers["content-language"]) == ("es", "en")
    assert (spanish.json()["title"], english.json()["title"]) == ("No existe", "Not found")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "es"), ("", "es"), ("en", "en"), ("es-PE", "es"), ("fr,de", "es"), ("en;q=0.4,es;q=0.5", "es"),
        ("en;q=0.5,es;q=0.4", "en"), ("EN-us", "en"), ("en;q=x", "es"), ("en;q=0", "es"), (",;;,", "es"),
        ("fr," * 500 + "en", "es"),
    ],
)  # fmt: skip
def test_the_language_is_the_heavier_one_and_spanish_in_doubt(header: str | None, language: str) -> None:
    assert preferred(header) == language


async def test_an_unexpected_error_tells_nothing_but_its_request_id(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/fail/password")

    assert answer.status_code == 500
    assert answer.json()["slug"] == "internal"
    assert "secret detail" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_does_not_fit_lists_every_field_in_both_languages(
    api: httpx.AsyncClient, issuer: Issuer
) -> None:
    answer = await api.post("/v1/logs", json={"code": "a1", "extra": 1}, headers=issuer.headers("member"))

    assert (answer.status_code, answer.json()["slug"]) == (422, "malformed")
    assert answer.json()["errors"] == [
        {
            "where": "body.code",
            "reason": "no tiene la forma esperada (^[A-Z]+$)",
            "reason_en": "String should match pattern '^[A-Z]+$'",
        },
        {"where": "body.length_mm", "reason": "falta este campo", "reason_en": "Field required"},
        {"where": "body.extra", "reason": "este campo no existe aquí", "reason_en": "Extra inputs are not permitted"},
    ]


async def test_a_query_that_does_not_fit_is_malformed_too(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/logs/A?pages=0")

    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "query.pages")
    assert answer.json()["errors"][0]["reason"] == "debe ser mayor o igual que 1"


async def test_what_the_caller_sent_is_not_repeated_to_the_log_or_back(api: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await api.post(
        "/v1/logs", json={"code": "secreto", "length_mm": "secreto"}, headers=issuer.headers("member")
    )

    assert "secreto" not in answer.text


async def test_unknown_addresses_and_methods_are_problems(api: httpx.AsyncClient) -> None:
    nowhere, wrong = await api.get("/v1/nothing"), await api.delete("/v1/logs/A")

    assert (nowhere.status_code, nowhere.json()["slug"]) == (404, "no-route")
    assert (wrong.status_code, wrong.json()["slug"], wrong.headers["allow"]) == (405, "wrong-method", "GET")


async def test_a_slash_too_many_is_no_redirection(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/logs/A/")).status_code == 404


def test_a_refusal_inside_a_batch_is_described_without_a_request() -> None:
    members = describe(Malformed("stmt", "no nonce"))

    assert (members["slug"], members["status"]) == ("malformed", 422)
    assert members["facts"] == {"where": "stmt", "reason": "no nonce"}


async def test_the_contract_documents_tokens_problems_and_who_may_call(api: httpx.AsyncClient) -> None:
    page = (await api.get("/openapi.json")).json()

    assert page["openapi"].startswith("3.1")
    add = page["paths"]["/v1/logs"]["post"]
    assert add["operationId"] == "add_log"
    assert add["security"] == [{"token": []}]
    assert add["x-access"] == {"member": "own"}
    assert add["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    assert page["paths"]["/v1/logs/{code}"]["get"]["security"] == [{}, {"token": []}]
    assert page["components"]["schemas"]["Problem"]["required"]
    assert "HTTPValidationError" not in page["components"]["schemas"]
    assert page["components"]["schemas"]["LogIn"]["required"] == list(LogIn.model_fields)


async def test_no_page_of_foreign_scripts_is_served(api: httpx.AsyncClient) -> None:
    assert [(await api.get(path)).status_code for path in ("/docs", "/redoc")] == [404, 404]


@pytest.mark.parametrize(
    ("raised", "spanish", "english"),
    [
        ("hacen falta dos / both are needed", "hacen falta dos", "both are needed"),
        ("not a place of ours",) * 3,
        ("a / ", "a / ", "a / "),
    ],
)
def test_a_rule_of_our_own_is_said_in_one_language_at_a_time(raised: str, spanish: str, english: str) -> None:
    error = {"type": "value_error", "msg": f"Value error, {raised}"}

    assert (reason_es(error), reason_en(error)) == (spanish, english)
