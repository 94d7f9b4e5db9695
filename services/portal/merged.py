"""One OpenAPI page out of those of the services, and the same as a person reads it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
PARTS = ("schemas", "responses", "securitySchemes")


def merge(pages: Mapping[str, Mapping[str, Any]], public_url: str) -> dict[str, Any]:
    """The merged page. A schema that two services define differently gets the service's name in front."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Trozalog",
            "version": "1",
            "description": "Community timber, provable from stump to sale. Errors are RFC 9457 problems.",
        },
        "servers": [{"url": public_url}],
        "paths": {},
        "components": {part: {} for part in PARTS},
    }
    for service, page in pages.items():
        _add(merged, service, page)
    return merged


def for_programs(page: Mapping[str, Any]) -> dict[str, Any]:
    """Of the portal's own operations those that are no pages."""
    return {**page, "paths": {path: told for path, told in page["paths"].items() if path.startswith("/v1/")}}


def _add(merged: dict[str, Any], service: str, page: Mapping[str, Any]) -> None:
    given = page.get("components", {})
    renamed: dict[str, str] = {}
    for part in PARTS:
        for name, value in given.get(part, {}).items():
            if merged["components"][part].get(name, value) != value:
                renamed[f"#/components/{part}/{name}"] = f"{service.capitalize()}{name}"
    for part in PARTS:
        for name, value in given.get(part, {}).items():
            own = renamed.get(f"#/components/{part}/{name}", name)
            merged["components"][part][own] = _redirected(value, renamed)
    for path, operations in page.get("paths", {}).items():
        there = merged["paths"].setdefault(path, {})
        there |= {
            name: _redirected(operation, renamed) | {"x-service": service} for name, operation in operations.items()
        }


def _redirected(value: Any, renamed: Mapping[str, str]) -> Any:
    """The value with every ``$ref`` to a renamed part following it."""
    if isinstance(value, dict):
        moved = {key: _redirected(inner, renamed) for key, inner in value.items()}
        target = value.get("$ref")
        if isinstance(target, str) and target in renamed:
            moved["$ref"] = target.rpartition("/")[0] + "/" + renamed[target]
        return moved
    return [_redirected(inner, renamed) for inner in value] if isinstance(value, list) else value


def groups(merged: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations by tag, each as the page shows it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in merged["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                tag = (operation.get("tags") or [operation["x-service"]])[0]
                found.setdefault(tag, []).append(_shown(path, method, operation))
    return dict(sorted(found.items()))


def _shown(path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "about": operation.get("description", operation.get("summary", "")),
        "access": dict(operation.get("x-access", {})),
        "parameters": [_parameter(p) for p in operation.get("parameters", ())],
        "bodies": list(_contents(operation.get("requestBody", {}))),
        "answers": [
            {"status": status, "about": answer.get("description", "Problem"), "contents": list(_contents(answer))}
            for status, answer in operation.get("responses", {}).items()
        ],
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    schema = parameter.get("schema", {})
    kinds = [schema, *schema.get("anyOf", ())]
    return {
        "name": parameter["name"],
        "where": parameter["in"],
        "required": parameter.get("required", False),
        "kind": " | ".join(str(k["type"]) for k in kinds if k.get("type") not in (None, "null")),
        "about": parameter.get("description", schema.get("description", "")),
    }


def _contents(holder: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for media_type, content in holder.get("content", {}).items():
        names = list(_names(content.get("schema", {})))
        yield {"media_type": media_type, "schema": names[0] if names else ""}


def _names(schema: Any) -> Iterator[str]:
    """Schemas it refers to, nearest first."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for inner in schema.values():
            yield from _names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _names(inner)


def schemas(merged: Mapping[str, Any]) -> dict[str, str]:
    """Every schema as indented JSON."""
    return {
        name: json.dumps(value, indent=2, ensure_ascii=False)
        for name, value in sorted(merged["components"]["schemas"].items())
    }
