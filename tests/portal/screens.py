"""``python -m tests.portal.screens FOLDER --data DIR [--only TEXT]``: every page as people see it, at 360 and 1280 px.

Over the running instance of DIR, on which the story of ``./timber demo`` is told first (again, which changes nothing).
A page without an entry in ``PLACES`` fails tests/portal/test_screens.py.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from deploy.instance import CHECKOUT, Instance
from tests.browser import NARROW, WIDE, Windows, a_browser

# Pages by operation: who looks (a login, or nobody), and where.
PLACES: dict[str, list[tuple[str | None, str]]] = {
    "home": [(None, "/")],
    "verdict_page": [(None, "/v/LOTE-501"), (None, "/v/LOTE-1170")],
    "permit_page": [(None, "/permits/{permit}")],
    "guide_page": [(None, "/guides/{guide}")],
    "item_page": [(None, "/items/{item}")],
    "api_page": [(None, "/docs")],
    "house_page": [("operador", "/operator")],
    "organisations_page": [("operador", "/operator/organisations")],
    "keys_page": [("autoridad", "/operator/keys")],
    "key_page": [("operador", "/operator/keys/{key}")],
    "outbox_page": [("operador", "/operator/outbox")],
    "webhooks_page": [("comunidad", "/operator/webhooks")],
    "verifier": [(None, "/verify.html")],
    "community_home": [("comunidad", "/community"), ("comprador", "/community")],
    "felling_form": [("comunidad", "/community/felling?permit={permit}&code=501")],
    "cut_form": [("comunidad", "/community/cut?permit={permit}&code=501")],
    "guide_form": [("comunidad", "/community/guide?permit={permit}&codes=501/A")],
    "reception_form": [("comprador", "/community/reception?number={guide}")],
    "sale_form": [("comunidad", "/community/sale?permit={permit}&codes=501/A")],
    "recorded": [("comunidad", "/community/recorded/{felled}")],
    "census_page": [("comunidad", "/community/census")],
    "offer_form_page": [(None, "/community/offers")],
    "compare_form_page": [(None, "/community/offers/compare")],
    "price_board": [(None, "/community/prices")],
}
# Operations without a page of their own: they lead on, answer files, take forms, or are for programs.
WITHOUT_PAGE = {
    "search", "verify_door", "lot_page", "merged_openapi", "static_file", "login", "login_done", "logout",
    "record_felling", "record_cut", "issue_guide", "record_departure", "record_reception", "record_sale", "draft_plan",
    "look_at_census", "look_at_boundary", "import_page", "check_offer", "change_offer", "assembly_report", "compare_offers",
    "change_offers", "guide_paper",
    "register_party", "bring_key", "take_key_up", "admit_key", "end_key", "subscribe", "tell_again", "unsubscribe",
}  # fmt: skip


def names_in(story: dict[str, Any], base_url: str) -> dict[str, str]:
    """What the braces in ``PLACES`` stand for, after the story of the demo."""
    log = next(item["item"] for item in story["items"] if item["kind"] == "log")
    item = httpx.get(f"{base_url}/v1/items/{log}", trust_env=False).json()["item"]
    key = httpx.get(f"{base_url}/v1/keys", trust_env=False).json()["items"][-1]["kid"]
    [tree] = item["parents"]
    felled = httpx.get(f"{base_url}/v1/items/{tree}", trust_env=False).json()["history"][0]["sid"]
    return {"key": key, "item": log, "guide": story["guides"][0]["guide"], "permit": item["permit"], "felled": felled}


def tell(instance: Instance) -> dict[str, Any]:
    """The story of the demo, told on this instance."""
    command = [sys.executable, "-m", "deploy", "demo", "--json", "--data", str(instance.data)]
    story: dict[str, Any] = json.loads(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout)
    return story


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(prog="tests.portal.screens")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default="", help="operations whose name contains this")
    parser.add_argument("--language", choices=("es", "en"), default="es")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    instance = Instance(options.data.resolve())
    names = names_in(tell(instance), instance.base_url)
    with a_browser() as browser:
        windows = Windows(browser, instance.base_url, instance.logins().__getitem__)
        for operation, places in PLACES.items():
            if options.only in operation:
                for number, (who, path) in enumerate(places, 1):
                    for width in (NARROW, WIDE):
                        visitor = windows.visit(who, language=options.language, width=width, dark=options.dark)
                        visitor.go(path.format_map(names))
                        name = f"{operation}-{number}-{width}.png" if len(places) > 1 else f"{operation}-{width}.png"
                        visitor.page.screenshot(path=options.folder / name, full_page=True)
                        windows.close()
                        sys.stdout.write(f"{options.folder / name}\n")


if __name__ == "__main__":
    main()
