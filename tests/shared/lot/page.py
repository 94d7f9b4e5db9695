"""`shared/lot/verify.html` taken apart: its script, its data blocks and the hashes of its policy.

The page is written by hand and has no build step, but the data it carries are those of Python. After a change of the
norms, of a sentence, of the style or of the script, `python -m tests.shared.lot.page` writes data and hashes anew; a
test fails until that was done.
"""

import hashlib
import importlib
import json
import pkgutil
import re
from base64 import b64encode
from pathlib import Path
from types import ModuleType
from typing import Any

import shared.lot
import shared.timber
import shared.tlog
from shared.lot import report
from shared.refusal import Refusal
from shared.timber import verdict
from shared.timber.norms.private import load_private
from shared.timber.refusals import CensusExceeded
from shared.timber.rules import texts
from shared.timber.species import catalogue
from shared.tlog import refusals
from shared.tlog.unicode12 import UNASSIGNED

PAGE = Path(shared.lot.__file__).parent / "verify.html"
NORMS = Path(shared.timber.__file__).parent / "norms" / "pe.json"
NORMS_RULES = {entry["rule"] for entry in json.loads(NORMS.read_text("utf-8"))["rules"]}
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_BLOCK = re.compile(r'(<script type="application/json" id="(\w+)">)(.*?)(</script>)', re.DOTALL)
_POLICY = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")([^"]*)(">)')


def script(html: str) -> str:
    """The one script that runs."""
    [found] = _SCRIPT.findall(html)
    return str(found)


def blocks(html: str) -> dict[str, str]:
    """The data blocks by id, as text."""
    return {id_: text for _, id_, text, _ in _BLOCK.findall(html)}


def policy(html: str) -> str:
    """The content security policy that the page gives itself."""
    [(_, content, _)] = _POLICY.findall(html)
    return str(content)


def expected_policy(html: str) -> str:
    """What it has to be: this script and this style by their hashes, and nothing from anywhere."""
    [style] = _STYLE.findall(html)
    return (
        f"default-src 'none'; script-src '{_source(script(html))}'; style-src '{_source(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def expected_blocks(html: str) -> dict[str, str]:
    """The data that Python works with, as the page carries it."""
    listed = {one.name: one.listing.in_force.isoformat() for one in catalogue() if one.listing is not None}
    return {
        "norms": NORMS.read_text("utf-8"),
        "cites": _json(listed),
        "unassigned": json.dumps(" ".join(UNASSIGNED.split())),
        "words": _json(_words(script(html))),
    }


def _json(value: Any) -> str:
    return "\n" + json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _words(code: str) -> dict[str, Any]:
    """Every text of Python that the page says too."""
    return {
        "refusals": _refusals(set(re.findall(r'"((?:tlog|timber|lot)\.[A-Z]\w+)"', code))),
        "reasons": refusals.SPANISH,
        "places": refusals.PLACES,
        "rules": {" ".join(name): _pair(pair) for name, pair in texts.TEXTS.items() if name[0] in NORMS_RULES},
        "spanish": texts._SPANISH,
        "words_es": verdict._WORDS_ES,
        "headings": {name: _pair(pair) for name, pair in report._HEADINGS.items()},
        "always_unchecked": [_pair(pair) for pair in report.ALWAYS_UNCHECKED],
        "no_witness": _pair(report._NO_WITNESS),
        "only_said": _pair(report._ONLY_SAID),
        "who_sees": {name: text.replace("{}", "{orgs}") for name, text in _pair(report._WHO_SEES).items()},
        "private": {one.name: _pair((one.title_es, one.title_en)) for one in load_private().fields},
    }


def _pair(texts: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("es", "en"), texts, strict=True))


def _refusals(named: set[str]) -> dict[str, Any]:
    known = {name: kind for room in (shared.tlog, shared.timber, shared.lot) for name, kind in _kinds(room)}
    told = {Refusal.text, refusals.BadBytes.text, CensusExceeded.text}
    assert all(known[name].text in told for name in named), (
        "a refusal whose sentence the page does not know how to make"
    )
    return {
        name: {
            "slug": known[name].slug,
            "es": known[name].es,
            "en": known[name].en,
            "bytes": issubclass(known[name], refusals.BadBytes),
        }
        for name in named
    }


def _kinds(room: ModuleType) -> list[tuple[str, type[Refusal]]]:
    """The refusals of a room, each under room and name of its class."""
    short = room.__name__.removeprefix("shared.")
    found = []
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Refusal) and kind.__module__ == module.name:
                found.append((f"{short}.{kind.__name__}", kind))
    return found


def refreshed(html: str) -> str:
    """The page with the data and the hashes it has to have."""
    wanted = expected_blocks(html)
    html = _BLOCK.sub(lambda found: found[1] + wanted[found[2]] + found[4], html)
    return _POLICY.sub(lambda found: found[1] + expected_policy(html) + found[3], html)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text("utf-8")), "utf-8")
