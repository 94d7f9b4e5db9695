"""The page on which a person of the development issuer types name and password. No script, nothing loaded."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from html import escape

from shared.web.language import Language

STYLE = """\
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f7f5f0, #161a16);
  color: light-dark(#1d211c, #ecebe5); font: 1rem/1.55 system-ui, sans-serif; }
main { width: min(24rem, 100vw); padding: 2rem 1.5rem; box-sizing: border-box; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; }
p { margin: 0 0 1.25rem; color: light-dark(#565c52, #b4b9ae); }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { width: 100%; box-sizing: border-box; min-height: 44px; padding: .5rem .75rem; font: inherit; color: inherit;
  background: light-dark(#fff, #1f241f); border: 1px solid light-dark(#7d8377, #8b9389); border-radius: .4rem; }
button { width: 100%; min-height: 44px; margin-top: 1.5rem; font: inherit; font-weight: 600; color: light-dark(#fff, #10231a);
  background: light-dark(#1e5a3d, #8fd0a9); border: 0; border-radius: .4rem; cursor: pointer; }
:focus-visible { outline: 3px solid light-dark(#1e5a3d, #8fd0a9); outline-offset: 2px; }
.no { padding: .75rem 1rem; color: light-dark(#a11d17, #ff9a92); background: light-dark(#fce7e5, #3d1e1c); border-radius: .4rem; }
"""
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# The form leads back to the portal, which stands at the same address; nothing else is loaded.
PAGE_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
WORDS: dict[Language, dict[str, str]] = {
    "es": {
        "title": "Ingresar",
        "about": "Emisor de identidad de esta máquina, solo para pruebas. Los usuarios están en el archivo «logins» de la carpeta de datos.",
        "name": "Usuario",
        "password": "Contraseña",
        "button": "Ingresar",
    },
    "en": {
        "title": "Sign in",
        "about": "Identity provider of this machine, for trying out only. The users are in the file “logins” of the data folder.",
        "name": "User",
        "password": "Password",
        "button": "Sign in",
    },
}


def page(asked: Mapping[str, str], language: Language, username: str = "", refused: str = "") -> str:
    """The form; what was asked for travels in hidden fields and is checked again when it comes back."""
    words = WORDS[language]
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in asked.items()
    )
    said = f'<p class="no" role="alert">✕ {escape(refused)}</p>' if refused else ""
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{words["title"]} · Trozalog</title><style>{STYLE}</style></head>
<body><main><h1>{words["title"]}</h1><p>{words["about"]}</p>{said}
<form method="post" action="/v1/authorize">{hidden}
<label for="username">{words["name"]}</label>
<input id="username" name="username" value="{escape(username)}" required autofocus autocomplete="username" autocapitalize="none" maxlength="80">
<label for="password">{words["password"]}</label>
<input id="password" name="password" type="password" required autocomplete="current-password" maxlength="200">
<button>{words["button"]}</button></form></main></body></html>
"""
