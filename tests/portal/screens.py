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
from tests.contracts.builders import a_cost_book, a_price_book, an_offer, pen, per_volume, sawn, wood

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
    "price_board": [(None, "/community/prices"), ("comunidad", "/community/prices?point=stump")],
    "contracts_page": [("comunidad", "/community/contracts"), ("comprador", "/community/contracts")],
    "contract_page": [
        ("comunidad", "/community/contracts/{contract}"),
        ("comprador", "/community/contracts/{contract}"),
    ],
    "settlement_page": [("comunidad", "/community/contracts/{contract}/settlements/{settlement}")],
    "version_page": [
        ("comunidad", "/community/contracts/{contract}/versions/1"),
        ("comprador", "/community/contracts/{contract}/versions/1"),
    ],
    "ledger_page": [("comunidad", "/community/ledger")],
    "desk_page": [("autoridad", "/desk"), ("supervisor", "/desk"), ("regente", "/desk")],
    "inspections_page": [("supervisor", "/desk/inspections")],
    "papers_page": [("comunidad", "/community/papers")],
    "paper_page": [("comunidad", "/community/papers/{paper}")],
    "text_page": [("comunidad", "/community/contracts/{contract}/text")],
    "supervisions_page": [
        (None, "/plans/{plan}/supervisions"),
        ("comunidad", "/plans/{plan}/supervisions"),
        ("supervisor", "/plans/{plan}/supervisions"),
    ],
    "found_trees_page": [
        ("comunidad", "/plans/{plan}/supervisions/SUP-0002-2026/trees"),
        ("supervisor", "/plans/{plan}/supervisions/SUP-0002-2026/trees?parcel={parcel}"),
    ],
    "crowns_page": [("comunidad", "/plans/{plan}/crowns"), ("supervisor", "/plans/{plan}/crowns")],
    "plan_steps_page": [("autoridad", "/plans/{plan}/steps"), ("comunidad", "/plans/{plan}/steps")],
    "permit_steps_page": [("autoridad", "/permits/{permit}/steps"), ("supervisor", "/permits/{permit}/steps")],
    "certificate_form": [("certificadora", "/certifier/new")],
    "change_form": [("certificadora", "/certifier/{certificate}/change")],
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
    "record_felling", "record_cut", "keep_offer", "issue_guide", "record_departure", "record_reception", "record_sale", "draft_plan",
    "look_at_census", "look_at_boundary", "import_page", "check_offer", "change_offer", "assembly_report", "compare_offers",
    "change_offers", "guide_paper",
    "report_checkpoint_page", "prepare_package", "ask_package", "read_package", "download_package",
    # After something that the demo does not tell of: tests/system/test_portal_auditor.py looks at them.
    "package_page", "lottery_page",
    "register_party", "bring_key", "take_key_up", "admit_key", "end_key", "end_unknown_key", "confirm_end", "contest_end", "subscribe", "tell_again", "unsubscribe",
    "census_file", "export_table", "suspend_member", "reinstate_member", "register_certificate", "amend_members",
    "end_certificate", "record_inspection", "take_plan_step", "take_permit_step", "sign_contract",
    "store_paper", "share_paper", "paper_file", "write_text", "take_supervision_step", "record_found_trees", "attach_crowns",
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


def deal(instance: Instance) -> dict[str, str]:
    """A contract of the demo's community with its buyer, signed, appraised, delivered, half paid, and a price book to hold
    it against; which the demo does not tell of. May be repeated."""
    with httpx.Client(base_url=instance.base_url, trust_env=False, timeout=30) as http:

        def post(who: str, path: str, body: Any) -> Any:
            login = {"grant_type": "password", "username": who, "password": instance.logins()[who]}
            bearer = {"authorization": f"Bearer {http.post('/v1/tokens', json=login).json()['access_token']}"}
            answer = http.post(path, json=body, headers=bearer)
            assert answer.status_code in (200, 201), (path, answer.text)
            return answer.json()

        logs = http.get("/v1/lots/LOTE-501").json()["logs"]
        species = sorted({one["species"] for one in logs})
        line = per_volume("140.00", "m3", "mean_of_ends", species)
        book = a_price_book(
            sawn("3.20", species[0], low=pen("2.80"), high=pen("3.60")), sawn("2.10"), id="muestra-mdd",
            title="Precios de la muestra", source="muestra para las pantallas",
        )  # fmt: skip
        post("autoridad", "/v1/price-books", book)
        offer = an_offer(line, title="Madera de la PC 01", buyer="aserradero-1", lot=wood("60.000", species[0], 12))
        contract = post("comunidad", "/v1/contracts", offer)["id"]
        text = {
            "title": "Compraventa de la PC 01", "dated": "2026-07-01", "starts_on": "2026-07-01", "ends_on": "2027-06-30",
            "lines": [line], "schedule": {"instalments": [
                {"due_on": "2026-08-01", "share_milli": 500}, {"due_on": "2026-10-01", "share_milli": 500},
            ]},
            "obligations": [{"of": "buyer", "what": "Mantener el camino de la parcela", "due_on": "2026-09-30"}],
        }  # fmt: skip
        version = post("comunidad", f"/v1/contracts/{contract}/versions", text)
        for who in ("comunidad", "comprador"):
            path = f"/v1/contracts/{contract}/versions/{version['number']}/signatures"
            post(who, path, {"text_sha256": version["text_sha256"]})
        post(
            "comunidad",
            f"/v1/contracts/{contract}/appraisals",
            {"on": "2026-11-20", "price_book": "muestra-mdd", "costs": a_cost_book()},
        )
        sheet = [
            {"code": one["code"], "species": one["species"], "volume": f"{one['volume_dm3'] / 1000:.3f}"}
            for one in logs
        ]
        sheet[0]["volume"] = f"{logs[0]['volume_dm3'] * 0.7 / 1000:.3f}"  # a log the buyer measures short
        stated = {
            "contract": contract, "version": 1, "lot": "LOTE-501", "delivered_on": "2026-07-20",
            "sheet": {"rule": "mean_of_ends", "unit": "m3", "logs": sheet},
        }  # fmt: skip
        settlement = post("comunidad", "/v1/settlements", stated)["id"]
        for who, amount, on, paper in (
            ("comunidad", "300.00", "2026-08-15", "aa"),
            ("comprador", "150.00", "2026-09-02", "bb"),
        ):
            receipt = {"sha256": paper * 32, "name": "Recibo", "media_type": "image/jpeg"}
            payment = {"paid_on": on, "amount": pen(amount), "receipt": receipt}
            post(who, f"/v1/settlements/{settlement}/payments", payment)
        agreement = {
            "members": [{"org": "comunidad-b", "share": "2/3"}, {"org": "comunidad-c", "share": "1/3"}],
            "valid_from": "2026-07-01",
            "act": {"on": "2026-06-15", "minutes_sha256": "cc" * 32, "entitled": 60, "attended": 41, "quorum_milli": 500},
        }  # fmt: skip
        post("comunidad", "/v1/benefit-ledgers", agreement)
        shared_out = {"settlement": settlement, "amount": pen("240.00"), "on": "2026-09-10"}
        post("comunidad", "/v1/benefit-ledgers/comunidad-a/distributions", shared_out)
    return {"contract": contract, "settlement": settlement}


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63d8bf7f3f0004fe02fe32c9d37f00"
    "00000049454e44ae426082"
)


def look(instance: Instance, plan: str) -> dict[str, str]:
    """An image in the vault with the crowns seen in it, a supervision that is told to its holder, one that is written.
    May be repeated."""
    with httpx.Client(base_url=instance.base_url, trust_env=False, timeout=30) as http:

        def bearer(who: str) -> dict[str, str]:
            login = {"grant_type": "password", "username": who, "password": instance.logins()[who]}
            return {"authorization": f"Bearer {http.post('/v1/tokens', json=login).json()['access_token']}"}

        mine, supervisor = bearer("comunidad"), bearer("supervisor")
        headers = mine | {"content-type": "image/png"}
        image = http.post("/v1/documents?kind=crown_image", content=PNG, headers=headers).json()["sha256"]
        tree = http.get(f"/v1/plans/{plan}/trees?limit=1", headers=mine).json()["items"][0]
        seen = {"parcel": tree["parcel"], "code": tree["code"], "crown": True}
        crowns = {"image": image, "taken_on": "2025-06-01", "device": "drone", "trees": [seen]}
        http.post(f"/v1/plans/{plan}/crowns", json=crowns, headers=mine).raise_for_status()
        base, opened = f"/v1/plans/{plan}/supervisions", {"number": "SUP-0001-2026"}
        days = {"visited_from": "2026-05-04", "visited_to": "2026-05-08"}
        if http.post(base, json=opened | days, headers=supervisor).status_code == 201:
            found = {
                "parcel": tree["parcel"], "species": tree["species"], "numeral": 21, "volume_dm3": 2_400,
                "reason": "Dos tocones del censo no se hallaron",
            }  # fmt: skip
            one = http.post(f"{base}/SUP-0001-2026/volumes", json={"volumes": [found]}, headers=supervisor).json()
            checked = [{"document": paper["document"], "state": "present"} for paper in one["documents"]]
            http.post(f"{base}/SUP-0001-2026/documents", json={"documents": checked}, headers=supervisor)
            http.post(f"{base}/SUP-0001-2026/notify", headers=supervisor).raise_for_status()
            http.post(base, json={"number": "SUP-0002-2026"} | days, headers=supervisor).raise_for_status()
            absent = {"state": "absent", "seen_on": "2026-05-04", "observation": "Se buscó en 50 m a la redonda"}
            results = {"trees": [{"parcel": tree["parcel"], "code": tree["code"]} | absent]}
            http.post(f"{base}/SUP-0002-2026/trees", json=results, headers=supervisor).raise_for_status()
    return {"paper": image, "parcel": tree["parcel"]}


def places_of(instance: Instance) -> dict[str, str]:
    """All names, after the demo was told and a deal made on this instance, whose sample data hold a certificate."""
    names = names_in(tell(instance), instance.base_url) | {"certificate": certified.CERTIFICATE}
    return names | deal(instance) | look(instance, names["plan"])


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(prog="tests.portal.screens")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default="", help="operations whose name contains one of these, between commas")
    parser.add_argument("--language", choices=("es", "en"), default="es")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    instance = Instance(options.data.resolve())
    names = places_of(instance)
    with a_browser() as browser:
        windows = Windows(browser, instance.base_url, instance.logins().__getitem__)
        for operation, places in PLACES.items():
            if any(one in operation for one in options.only.split(",")):
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
