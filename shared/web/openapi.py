"""The OpenAPI 3.1 page of a service: what FastAPI knows, plus problems, tokens and who may call."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.web.access import PUBLIC, Table
from shared.web.problems import MEDIA_TYPE

TEXT = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `slug` is stable; `facts` are the facts of the refusal, for machines.",
    "required": ["type", "slug", "title", "status", "detail", "detail_es", "detail_en", "facts", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:trozalog:problem:balance-exceeded"]},
        "slug": {"type": "string", "examples": ["balance-exceeded"]},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": TEXT,
        "detail_es": TEXT,
        "detail_en": TEXT,
        "facts": {"type": "object", "additionalProperties": True},
        "request_id": TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "reason", "reason_en"],
                "properties": {"where": TEXT, "reason": TEXT, "reason_en": TEXT},
            },
        },
    },
}
RESPONSE: dict[str, Any] = {
    "description": "A problem, in the language of Accept-Language (es by default, en).",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "ES256 access token, typ at+jwt."}
UNUSED = ("HTTPValidationError", "ValidationError")


def describe_api(app: FastAPI, access: Table) -> dict[str, Any]:
    """The document, built once and kept."""
    if app.openapi_schema is None:
        app.openapi_schema = _build(app, access)
    return app.openapi_schema


def _build(app: FastAPI, access: Table) -> dict[str, Any]:
    page = get_openapi(title=app.title, version=app.version, routes=app.routes)
    parts = page.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for name in UNUSED:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    parts["responses"] = {"Problem": RESPONSE}
    parts["securitySchemes"] = {"token": BEARER}
    for path in page.get("paths", {}).values():
        for operation in path.values():
            _complete(operation, access[operation["operationId"]])
    return page


def _complete(operation: dict[str, Any], row: Any) -> None:
    """Every "no" is a Problem; the row of the access table is part of the contract."""
    operation["responses"].pop("422", None)
    for status in ("401", "403") if PUBLIC not in row else ("401",):
        operation["responses"][status] = {"$ref": "#/components/responses/Problem"}
    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    operation["security"] = [{"token": []}] if PUBLIC not in row else [{}, {"token": []}]
    operation["x-access"] = dict(row)
