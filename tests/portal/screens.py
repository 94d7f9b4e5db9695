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
from deploy.seed import certified
from tests.browser import NARROW, WIDE, Windows, a_browser

# Pages by operation: who looks (a login, or nobody), and where.
PLACES: dict[str, list[tuple[str | None, str]]] = {
    "home": [(None, "/")],
    "search": [(None, "/search?q=501"), (None, "/search?q=M-3/A")],
    "verdict_page": [(None, "/v/LOTE-501"), (None, "/v/LOTE-1170")],
    "permit_page": [(None, "/permits/{permit}")],
    "guide_page": [(None, "/guides/{guide}")],
    "item_page": [(None, "/items/{item}")],
    "api_page": [(None, "/docs")],
    "certificates_page": [("certificadora", "/certifier")],
    "certificate_page": [
        ("certificadora", "/certifier/{certificate}"),
        ("auditor", "/certifier/{certificate}?from=2030-01-01&to=2030-12-31"),
    ],
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
    "graph_page": [(None, "/lots/LOTE-501/graph"), (None, "/lots/LOTE-1170/graph")],
    "balance_page": [(None, "/lots/LOTE-501/balance"), ("auditor", "/lots/LOTE-1170/balance")],
    "timeline_page": [(None, "/lots/LOTE-501/timeline")],
    "stumps_page": [(None, "/lots/LOTE-501/map"), ("comunidad", "/lots/LOTE-501/map")],
    "record_page": [(None, "/records/{record}")],
    "hands_page": [(None, "/items/{item}/custody?at=2025-10-20T12:00")],
    "checkpoints_page": [(None, "/auditor/checkpoints?from=12"), ("auditor", "/auditor/checkpoints")],
    "plan_page": [(None, "/plans/{plan}"), ("comunidad", "/plans/{plan}")],
    "title_page": [(None, "/titles/{title}"), ("comunidad", "/titles/{title}")],
    "forensics_page": [(None, "/plans/{plan}/forensics"), ("comunidad", "/plans/{plan}/forensics")],
    "lotteries_page": [(None, "/plans/{plan}/lotteries")],
    "package_door": [(None, "/lots/LOTE-501/package")],
    "audit_page": [("auditor", "/auditor")],
    "lots_page": [("auditor", "/auditor/lots"), ("auditor", "/auditor/lots?code=NADA")],
    "permits_page": [("auditor", "/auditor/permits")],
    "plans_page": [("auditor", "/auditor/plans")],
    "communities_page": [("auditor", "/auditor/communities")],
    "findings_page": [("auditor", "/auditor/findings")],
}
# Operations without a page of their own: they lead on, answer files, take forms, or are for programs.
WITHOUT_PAGE = {
    "verify_door", "lot_page", "merged_openapi", "static_file", "login", "login_done", "logout",
    "record_felling", "record_cut", "issue_guide", "record_departure", "record_reception", "record_sale", "draft_plan",
    "look_at_census", "look_at_boundary", "import_page", "check_offer", "change_offer", "assembly_report", "compare_offers",
    "change_offers", "guide_paper",
    "report_checkpoint_page", "prepare_package", "ask_package", "read_package", "download_package",
    # After something that the demo does not tell of: tests/system/test_portal_auditor.py looks at them.
    "package_page", "lottery_page",
    "register_party", "bring_key", "take_key_up", "admit_key", "end_key", "subscribe", "tell_again", "unsubscribe",
    "census_file", "export_table", "suspend_member", "reinstate_member",
}  # fmt: skip


def names_in(story: dict[str, Any], base_url: str) -> dict[str, str]:
    """What the braces in ``PLACES`` stand for, after the story of the demo."""
    log = next(item["item"] for item in story["items"] if item["kind"] == "log")
    item = httpx.get(f"{base_url}/v1/items/{log}", trust_env=False).json()["item"]
    permit = httpx.get(f"{base_url}/v1/permits/{item['permit']}/verify", trust_env=False).json()
    key = httpx.get(f"{base_url}/v1/keys", trust_env=False).json()["items"][-1]["kid"]
    [tree] = item["parents"]
    felled = httpx.get(f"{base_url}/v1/items/{tree}", trust_env=False).json()["history"][0]["sid"]
    return {
        "key": key, "item": log, "guide": story["guides"][0]["guide"], "permit": item["permit"], "record": item["made_by"],
        "felled": felled, "plan": permit["plan"]["id"], "title": permit["title"]["number"],
    }  # fmt: skip


def tell(instance: Instance) -> dict[str, Any]:
    """The story of the demo, told on this instance."""
    command = [sys.executable, "-m", "deploy", "demo", "--json", "--data", str(instance.data)]
    story: dict[str, Any] = json.loads(subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout)
    return story


def places_of(instance: Instance) -> dict[str, str]:
    """All names, after the demo was told on this instance, whose sample data hold a certificate."""
    return names_in(tell(instance), instance.base_url) | {"certificate": certified.CERTIFICATE}


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
    names = places_of(instance)
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
