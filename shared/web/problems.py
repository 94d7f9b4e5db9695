"""The one place where a "no" becomes HTTP: RFC 9457 problems with a stable slug, in Spanish and English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from shared.refusal import Malformed, Missing, NotAllowed, Refusal
from shared.web.language import preferred
from shared.web.reasons import reason_en, reason_es

MEDIA_TYPE = "application/problem+json"
TITLES: dict[int, tuple[str, str]] = {
    400: ("Petición incorrecta", "Bad request"),
    401: ("Falta identificarse", "Authentication needed"),
    403: ("No permitido", "Not allowed"),
    404: ("No existe", "Not found"),
    405: ("Método no admitido", "Method not allowed"),
    409: ("Rechazado por una regla", "Refused by a rule"),
    413: ("Demasiado grande", "Too large"),
    415: ("Formato no admitido", "Unsupported format"),
    422: ("Mal formado", "Malformed"),
    429: ("Demasiadas peticiones", "Too many requests"),
    500: ("Error interno", "Internal error"),
    502: ("Respuesta inesperada de otro servicio", "Unexpected answer of another service"),
    503: ("No disponible por ahora", "Unavailable for now"),
}


@dataclass(eq=False)
class HttpRefusal(Refusal):
    """A "no" that exists only at the HTTP door and knows its own status."""

    status: ClassVar[int] = 400

    def headers(self) -> dict[str, str]:
        """Headers the status asks for."""
        return {}


@dataclass(eq=False)
class Unauthenticated(HttpRefusal):
    """No token that counts (401, RFC 6750)."""

    status: ClassVar[int] = 401
    slug: ClassVar[str] = "token-missing"
    es: ClassVar[str] = "Esta operación necesita identificarse con un token."
    en: ClassVar[str] = "This operation needs a token."

    def headers(self) -> dict[str, str]:
        error = "" if self.slug == "token-missing" else f', error="invalid_token", error_description="{self.slug}"'
        return {"www-authenticate": f'Bearer realm="trozalog"{error}'}


@dataclass(eq=False)
class TokenInvalid(Unauthenticated):
    """The token is not one of ours, or not for us."""

    slug: ClassVar[str] = "token-invalid"
    es: ClassVar[str] = "El token no es válido: {reason}."
    en: ClassVar[str] = "The token is not valid: {reason}."
    reason: str


@dataclass(eq=False)
class TokenExpired(Unauthenticated):
    """The token was good once; ask for a new one."""

    slug: ClassVar[str] = "token-expired"
    es: ClassVar[str] = "El token venció; pida uno nuevo."
    en: ClassVar[str] = "The token has expired; ask for a new one."


@dataclass(eq=False)
class BodyTooLarge(HttpRefusal):
    """The body is longer than this operation reads."""

    status: ClassVar[int] = 413
    slug: ClassVar[str] = "body-too-large"
    es: ClassVar[str] = "El envío pasa de {limit_bytes} bytes; divídalo."
    en: ClassVar[str] = "The body is longer than {limit_bytes} bytes; split it."
    limit_bytes: int


@dataclass(eq=False)
class BodyEncoded(HttpRefusal):
    """A compressed request body: refused, because a few bytes may unfold into gigabytes."""

    status: ClassVar[int] = 415
    slug: ClassVar[str] = "body-encoded"
    es: ClassVar[str] = "Envíe el cuerpo sin comprimir (Content-Encoding: {encoding})."
    en: ClassVar[str] = "Send the body uncompressed (Content-Encoding: {encoding})."
    encoding: str


@dataclass(eq=False)
class TooManyAttempts(HttpRefusal):
    """Come back after ``retry_after_s``."""

    status: ClassVar[int] = 429
    slug: ClassVar[str] = "too-many-attempts"
    es: ClassVar[str] = "Demasiados intentos; espere {retry_after_s} segundos."
    en: ClassVar[str] = "Too many attempts; wait {retry_after_s} seconds."
    retry_after_s: int

    def headers(self) -> dict[str, str]:
        return {"retry-after": str(self.retry_after_s)}


@dataclass(eq=False)
class Unavailable(HttpRefusal):
    """A part this answer needs does not respond; the same request may be repeated."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "unavailable"
    es: ClassVar[str] = "El servicio {service} no responde por ahora; repita la petición."
    en: ClassVar[str] = "The service {service} does not respond now; repeat the request."
    service: str

    def headers(self) -> dict[str, str]:
        return {"retry-after": "2"}


def status_of(refusal: Refusal) -> int:
    """The HTTP status of a refusal."""
    match refusal:
        case HttpRefusal():
            return refusal.status
        case Malformed():
            return 422
        case Missing():
            return 404
        case NotAllowed():
            return 403
        case _:
            return 409


def describe(refusal: Refusal) -> dict[str, Any]:
    """A refusal as problem members without a request: what a batch answers for one of its records."""
    return _members(refusal.slug, status_of(refusal), refusal.text("es"), refusal.text("en"), refusal.facts())


def answer(scope: Scope, refusal: Refusal, **more: Any) -> Response:
    """The problem response of a refusal, in the language the client prefers."""
    headers = refusal.headers() if isinstance(refusal, HttpRefusal) else {}
    return respond(scope, describe(refusal) | more, headers)


def respond(scope: Scope, members: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """A problem response from finished members; adds language and request id."""
    accept = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"accept-language"), None)
    language = preferred(accept)
    status = members["status"]
    spanish, english = TITLES.get(status, TITLES[500 if status >= 500 else 400])
    body = members | {
        "title": english if language == "en" else spanish,
        "detail": members[f"detail_{language}"],
        "request_id": scope.get("trozalog.request_id", ""),
    }
    return Response(
        orjson.dumps(body, default=str),
        status,
        headers={"content-language": language, "vary": "accept-language", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def _members(slug: str, status: int, es: str, en: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": f"urn:trozalog:problem:{slug}",
        "slug": slug,
        "title": TITLES.get(status, TITLES[400])[0],
        "status": status,
        "detail": es,
        "detail_es": es,
        "detail_en": en,
        "facts": facts,
    }


def internal(scope: Scope) -> Response:
    """An unexpected error: no details outside, all of them in the log under the request id."""
    es = "Error interno; el detalle quedó registrado con este identificador de petición."
    en = "Internal error; the details are in the log under this request id."
    return respond(scope, _members("internal", 500, es, en, {}))


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer(request.scope, error)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return respond(request.scope, describe_form(error.errors()))


def describe_form(found: Sequence[Any]) -> dict[str, Any]:
    """What pydantic found wrong, as problem members without a request."""
    errors = _locations(found)
    first = errors[0]
    members = describe(Malformed(first["where"], first["reason_en"]))
    members["detail_es"] = Malformed(first["where"], first["reason"]).text("es")
    return members | {"errors": errors}


def _locations(errors: Sequence[Any]) -> list[dict[str, str]]:
    return [
        {"where": ".".join(str(part) for part in e["loc"]), "reason": reason_es(e), "reason_en": reason_en(e)}
        for e in errors[:50]
    ]


async def on_http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: no such address, not this method."""
    assert isinstance(error, HTTPException)
    facts = {"path": request.scope["path"], "method": request.method}
    match error.status_code:
        case 404:
            slug, es, en = "no-route", "No hay nada en esta dirección.", "There is nothing at this address."
        case 405:
            slug, es, en = (
                "wrong-method",
                "Esta dirección no admite ese método.",
                "This address does not take that method.",
            )
        case status:
            slug, es, en = f"http-{status}", "La petición no se pudo leer.", "The request could not be read."
    return respond(request.scope, _members(slug, error.status_code, es, en, facts), error.headers)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem; unexpected ones are caught by the edge."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, on_http)
