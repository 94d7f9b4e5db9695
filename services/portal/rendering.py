"""From a template and values to an answer: languages, numbers, the policy of what a page may load."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from shared.refusal import Refusal
from shared.web import problems
from shared.web.language import Language, preferred

FOLDER = Path(__file__).parent
# A page loads our style and nothing else; it runs no script and is framed by nobody.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The verifier that works without a server. It is whole in itself, and brings its own policy for its own script.
VERIFIER = resources.files("shared.lot") / "verify.html"
_ITS_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')
LIMA = timezone(timedelta(hours=-5))  # Peru has had no other hour since 1994
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def messages(language: Language) -> dict[str, str]:
    """All texts of the pages in one language."""
    found: dict[str, str] = json.loads((FOLDER / "messages" / f"{language}.json").read_text("utf-8"))
    return found


class Pages:
    """The templates, read once."""

    def __init__(self) -> None:
        self._texts: dict[Language, dict[str, str]] = {"es": messages("es"), "en": messages("en")}
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= {"m3": cubic_metres, "moment": moment, "short": short}
        self.files = {p.name: (p.read_bytes(), MEDIA_TYPES[p.suffix]) for p in (FOLDER / "static").iterdir()}
        self._verifier = VERIFIER.read_text("utf-8")
        [self._verifier_policy] = _ITS_POLICY.findall(self._verifier)
        self.style = hashlib.sha256(self.files["style.css"][0]).hexdigest()[:12]

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """The page in the language of ``?lang=`` or of the browser."""
        chosen = request.query_params.get("lang")
        language: Language = (
            ("en" if chosen == "en" else "es")
            if chosen in ("es", "en")
            else preferred(request.headers.get("accept-language"))
        )
        texts = self._texts[language]

        def text(key: str, **facts: Any) -> str:
            return texts[key].format(**{n: Count(v) if isinstance(v, int) else v for n, v in facts.items()})

        def link(path: str) -> str:
            return f"{path}?lang={language}" if chosen in ("es", "en") else path

        other = "es" if language == "en" else "en"
        page = self._templates.get_template(template).render(
            t=text,
            known=texts.__contains__,
            link=link,
            language=language,
            chosen=chosen in ("es", "en"),
            other_language=f"?{urlencode({**request.query_params, 'lang': other})}",
            style=self.style,
            **values,
        )
        headers = {
            "content-security-policy": CONTENT_POLICY,
            "content-language": language,
            "vary": "accept-language",
        }
        return HTMLResponse(page, status, headers=headers)

    def verifier(self) -> Response:
        """The offline verifier as it stands on disk; its script and its style are named by their hashes."""
        policy = f"{self._verifier_policy}; frame-ancestors 'none'"
        return HTMLResponse(self._verifier, headers={"content-security-policy": policy, "content-language": "es"})

    def _names(self, facts: Mapping[str, Any]) -> bool:
        return "key" in facts and f"refused.kind.{facts.get('kind')}" in self._texts["es"]

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """A "no" as a page for a browser, as a problem for a program."""
        if "text/html" not in request.headers.get("accept", ""):
            return problems.answer(request.scope, refusal)
        members = problems.describe(refusal)
        headers = refusal.headers() if isinstance(refusal, problems.HttpRefusal) else {}
        page = self.render(
            request,
            "refused.html",
            members["status"],
            refusal=members,
            # The words of a service name the thing by its code name.
            missing=members["slug"] == "not-found" and self._names(members["facts"]),
            request_id=request.scope["trozalog.request_id"],
        )
        page.headers.update(headers)
        return page


class Count(int):
    """A number that a text may name: ``{trees:tree|trees}`` is "1 tree", "2 trees"; both languages have two forms."""

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if not bar:
            return super().__format__(spec)
        return f"{int(self)} {one if self == 1 else many}"


def cubic_metres(volume_dm3: int) -> str:
    """Litres as cubic metres with three decimals, exactly."""
    return f"{Decimal(volume_dm3) / 1000:,.3f} m³"


def moment(utc: str) -> str:
    """A moment of a record, in the hour of Peru."""
    at = datetime.strptime(utc, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).astimezone(LIMA)
    return f"{at:%Y-%m-%d %H:%M} (UTC−05:00)"


def short(text: str) -> str:
    """The beginning of a long hash."""
    return f"{text[:12]}…"
