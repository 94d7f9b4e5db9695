"""From a template and values to an answer: languages, the policy of what a page may load, a "no" in a person's words."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from services.portal import figures
from services.portal.faults import Fault
from services.portal.field_words import field_name, field_value
from services.portal.names import Named
from services.portal.naming import region_name
from services.portal.navigation import may, menu
from services.portal.session import Session
from shared.refusal import Refusal
from shared.timber.norms.spoken import spoken
from shared.web import problems
from shared.web.language import Language, preferred
from shared.web.settings import BadSettings

FOLDER = Path(__file__).parent
# A page loads our style and nothing else; it runs no script and is framed by nobody.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# What a page that works something out in the browser may do besides: our own modules, our own addresses.
WITH_SCRIPTS = "; script-src 'self'; worker-src 'self'; connect-src 'self'"
# The verifier that works without a server. It is whole in itself, and brings its own policy for its own script.
VERIFIER = resources.files("shared.lot") / "verify.html"
_ITS_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8",
}  # fmt: skip
ANSWERING = """\
onmessage = async ({ data: { file, policy } }) => {
  const progress = async (done, all) => postMessage({ done, all });
  try {
    postMessage({ report: JSON.parse(trozalog.reportText(await trozalog.verify(file, policy, progress))) });
  } catch (error) {
    postMessage({ fault: String(error) });
  }
};
"""
LANGUAGE_COOKIE = "trozalog-language"
A_YEAR_S = 365 * 86400


def as_worker(page: str) -> bytes:
    """The script of the offline verifier as a worker of a page: told a proof file and a policy, it answers its report."""
    blocks = dict(re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', page, re.S))
    [script] = re.findall(r"<script>(.*?)</script>", page, re.S)
    given = json.dumps(blocks, ensure_ascii=False)
    return f'"use strict";\nglobalThis.blocks = {given};\n{script}\n{ANSWERING}'.encode()


def messages(language: Language) -> dict[str, str]:
    """All texts of the pages in one language, from the catalogues of every area. No key may stand in two of them."""
    found: dict[str, str] = {}
    for path in sorted((FOLDER / "messages" / language).glob("*.po")):
        with path.open("rb") as file:
            texts = {str(m.id): str(m.string) for m in read_po(file, locale=language) if m.id}
        if twice := found.keys() & texts.keys():
            raise BadSettings(f"{path}: {', '.join(sorted(twice))} is in another catalogue too")
        found |= texts
    return found


# A code with hyphens, or an option of a command, which a browser would break at any of them. A longer one may be broken: a telephone is narrow.
_CODE = re.compile(r"(?<![\w/.-])[A-Z0-9][A-Za-z0-9./]*(?:-[A-Za-z0-9./]*[A-Za-z0-9])+(?![\w/-])|(?<!\S)--[a-z]+")
LONGEST_WHOLE = 16


def codes(text: Any) -> Any:
    """The text with its codes held together; what is no text, or is markup already, stays as it is."""
    if not isinstance(text, str) or isinstance(text, Markup):
        return text
    parts, at = list[str](), 0
    for found in _CODE.finditer(text):
        if len(found[0]) <= LONGEST_WHOLE:
            parts += [escape(text[at : found.start()]), Markup('<span class="code">{}</span>').format(found[0])]
            at = found.end()
    return Markup().join([*parts, escape(text[at:])]) if parts else text


def _filters() -> dict[str, Callable[..., str]]:
    """Those that need the language of the page take it from there."""

    @pass_context
    def moment(context: Context, utc: str) -> str:
        return figures.moment(utc, context["language"])

    @pass_context
    def stamp(context: Context, posix_s: int) -> str:
        return figures.moment(datetime.fromtimestamp(posix_s, UTC).isoformat(), context["language"])

    @pass_context
    def day(context: Context, written: str) -> str:
        return figures.day(written, context["language"])

    @pass_context
    def party(context: Context, org: str) -> str:
        named: Named = context["named"]
        say: Callable[[str], str] = context["t"]
        return named.shown(org, say("name.unregistered"))

    @pass_context
    def party_name(context: Context, org: str) -> str:
        named: Named = context["named"]
        return named.name(org)

    @pass_context
    def said(context: Context, text: str) -> str:
        return spoken(text, context["language"])

    return {
        "said": said, "party": party, "party_name": party_name,
        "m3": figures.cubic_metres, "cubic": figures.cubic_number, "soles": figures.soles, "percent": figures.percent, "number": figures.number,
        "codes": codes, "short": figures.short, "moment": moment, "day": day, "stamp": stamp, "region": region_name,
    }  # fmt: skip


class Pages:
    """The templates, read once."""

    def __init__(self, sign_in_is_set_up: bool = False, logout_url: str = "", *, secure: bool = False) -> None:
        self._texts: dict[Language, dict[str, str]] = {"es": messages("es"), "en": messages("en")}
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters |= _filters()
        self.files = {p.name: (p.read_bytes(), MEDIA_TYPES[p.suffix]) for p in (FOLDER / "static").iterdir()}
        self.files["verifier.js"] = as_worker(VERIFIER.read_text("utf-8")), MEDIA_TYPES[".js"]
        self._versions = {name: hashlib.sha256(data).hexdigest()[:12] for name, (data, _) in self.files.items()}
        self._verifier = VERIFIER.read_text("utf-8")
        [self._verifier_policy] = _ITS_POLICY.findall(self._verifier)
        self._signs_in, self._secure = sign_in_is_set_up, secure
        # A browser holds where a form's answer leads to against the same rule.
        parts = urlsplit(logout_url)
        self._forms_lead_to = f" {parts.scheme}://{parts.netloc}" if logout_url else ""

    def chosen(self, request: Request) -> dict[str, str]:
        """The language that the address asks for, as it goes on in the address of the next page."""
        asked = request.query_params.get("lang")
        return {"lang": asked} if asked in ("es", "en") else {}

    def language_of(self, request: Request) -> Language:
        """What ``?lang=`` asks for, else what was asked for on this browser before, else what the browser prefers."""
        asked = self.chosen(request).get("lang") or request.cookies.get(LANGUAGE_COOKIE)
        if asked in ("es", "en"):
            return "en" if asked == "en" else "es"
        return preferred(request.headers.get("accept-language"))

    def text(self, language: Language, key: str, **facts: Any) -> str:
        """One text with its blanks filled in."""
        counted = {n: figures.Count(v) if isinstance(v, int) else v for n, v in facts.items()}
        return self._texts[language][key].format(**counted)

    def texts(self, language: Language, starts: tuple[str, ...]) -> str:
        """As JSON, the texts of keys that begin so."""
        return json.dumps({k: v for k, v in self._texts[language].items() if k.startswith(starts)}, ensure_ascii=False)

    def _role(self, language: Language, role: str) -> str:
        return self._texts[language].get(f"role.{role}", role)

    def render(
        self,
        request: Request,
        template: str,
        status: int = 200,
        *,
        scripts: bool = False,
        place: str = "",
        named: Named | None = None,
        **values: Any,
    ) -> Response:
        """The page in the language of the request, for whoever is signed in. ``place`` is where the page stands when the
        address is only where its form is sent to; ``named`` is what organisations are called."""
        language, chosen = self.language_of(request), self.chosen(request)
        session: Session | None = request.app.state.sessions.of(request)

        def link(path: str) -> str:
            joint = "&" if "?" in path else "?"
            return f"{path}{joint}{urlencode(chosen)}" if chosen else path

        def say(key: str, **facts: Any) -> str:
            return self.text(language, key, **facts)

        known = self._texts[language].__contains__
        other = "es" if language == "en" else "en"
        page = self._templates.get_template(template).render(
            t=say,
            known=known,
            field_name=lambda path: field_name(path, say, known),
            field_value=lambda path, value: field_value(path, value, language, say, known),
            link=link,
            asset=lambda name: f"/static/{name}?{self._versions[name]}",
            language=language,
            chosen=bool(chosen),
            named=named or Named(),
            other_language=f"{place}?{urlencode({**request.query_params, 'lang': other})}",
            session=session,
            roles=", ".join(sorted(self._role(language, role) for role in session.roles)) if session else "",
            signs_in=self._signs_in,
            here=place or request.url.path,
            may=lambda operation: may(() if session is None else session.roles, operation),
            menu=menu(() if session is None else session.roles, place or request.url.path),
            done=request.query_params.get("done", ""),
            **values,
        )
        policy = CONTENT_POLICY.replace("form-action 'self'", f"form-action 'self'{self._forms_lead_to}")
        headers = {
            "content-security-policy": policy + (WITH_SCRIPTS if scripts else ""),
            "content-language": language,
            "vary": "accept-language, cookie",
        }
        answer = HTMLResponse(page, status, headers=headers)
        if chosen:
            answer.set_cookie(
                LANGUAGE_COOKIE, language, max_age=A_YEAR_S, secure=self._secure, httponly=True, samesite="lax"
            )
        return answer

    def verifier(self) -> Response:
        """The offline verifier as it stands on disk; its script and its style are named by their hashes."""
        policy = f"{self._verifier_policy}; frame-ancestors 'none'"
        return HTMLResponse(self._verifier, headers={"content-security-policy": policy, "content-language": "es"})

    def _names(self, facts: Mapping[str, Any]) -> bool:
        return "key" in facts and f"refused.kind.{facts.get('kind')}" in self._texts["es"]

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """A "no" as a page for a browser, as a problem for a program. Who has to sign in is led there; what they were
        sending stays in their browser, one step back."""
        if "text/html" not in request.headers.get("accept", ""):
            return problems.answer(request.scope, refusal)
        members = problems.describe(refusal)
        if members["status"] == 401 and self._signs_in and request.method == "GET":
            return RedirectResponse(f"/login?{urlencode({'to': _address(request)} | self.chosen(request))}", 303)
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

    def fault(self, scope: Scope) -> Response:
        """An unexpected error as a page for a browser, as a problem for a program or where the page itself fails."""
        try:
            return self.refuse(Request(scope), Fault())
        except Exception:  # whatever failed may fail again
            return problems.internal(scope)


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
