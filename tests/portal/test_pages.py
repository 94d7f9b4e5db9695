"""What a browser is shown: public facts, in two languages, whole without a script, without a request to anybody else."""

import asyncio
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy import issuer
from deploy.issuer import make_logins
from deploy.keygen import make_keys
from services.permits.schemas import permits as words
from services.portal.backends import HISTORY
from services.portal.main import PortalSettings, development_issuer
from shared.timber.event import make_statement, sign, tree_item
from shared.web.settings import ServiceSettings
from tests.custody.conftest import PARCEL, PERMIT, PLAN, SPECIES, Custody, cut, felling, log_id
from tests.portal.conftest import HEALTHY, SILENT, Open, Written
from tests.tokens import Issuer

ENGLISH = {"accept-language": "en"}
# The issuer's name alone would do; production counts first.
PRODUCTION = {
    "env": "production", "public_url": "https://madera.example.org", "issuer": "https://id.example.org",
    "jwks_url": "https://id.example.org/certs",
}  # fmt: skip


class Page(HTMLParser):
    """A page as its elements: what it links to, what it loads, what it says from its first heading on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.inline: list[str] = []
        self.modules = 0
        self.said = ""
        self.within = ""  # the class of a span: a code held together is part of its sentence
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.within = str(given.get("class")) if tag == "span" else ""
        if tag == "main":
            self.said = ""
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        self.modules += tag == "script" and given.get("type") == "module" and "src" in given
        self.loads += [str(value) for name, value in attrs if name == "src" or (tag == "link" and name == "href")]
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        self.said += data if self.within == "code" else " " + data
        self.within = ""


def read(answer: httpx.Response, most_bytes: int = 60_000) -> Page:
    """The page, after checking what holds for every page."""
    page = Page(answer.text)
    assert "text/html" in answer.headers["content-type"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert page.tags.count("script") == page.modules  # our own, from a file; nothing is written into a page
    assert page.inline == []
    assert all(link.startswith("/static/") for link in page.loads)
    assert all(link.startswith(("/", "#", "?")) for link in page.links)
    assert page.tags.count("h1") == 1
    assert len(answer.content) < most_bytes
    return page


async def a_lot(custody: Custody, lot: str = "LOTE-01") -> str:
    """One tree, felled, cut in two, sold."""
    pieces = [log_id("501/A"), log_id("501/B")]
    section = {"code": "501/A", "species": SPECIES, "diameter_large_mm": 700, "diameter_small_mm": 710,
               "length_mm": 6000, "volume_dm3": 2343, "branch": False}  # fmt: skip
    sections = [section | {"item": pieces[0]}, section | {"item": pieces[1], "code": "501/B"}]
    await custody.log(
        felling(custody, "501"),
        cut(custody, "501", sections=sections),
        custody.entry("lot.composed", {"lot": lot, "items": pieces}, time="2026-11-03T12:00:00Z"),
        custody.entry("lot.sold", {"lot": lot, "buyer": "comprador-1"}, time="2026-11-03T13:00:00Z"),
    )
    return pieces[0]


async def test_the_first_page_says_what_this_is_and_how_long_the_log_is(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    size = 0
    while size == 0:  # the first checkpoint is signed a moment after the first entries; the test's own limit ends this
        await asyncio.sleep(0.05)
        health = await ready.get("/healthz")
        size = health["size"] if health["signed_size"] == health["size"] else 0
    answer = await browser.get("/")
    page = read(answer)

    assert answer.headers["content-language"] == "es"
    assert "Madera comunitaria" in page.said
    assert {"Comunidad", "Auditor, autoridad o comprador", "Certificadora"} <= set(
        re.findall(r"<h2>([^<]+)</h2>", answer.text)
    )
    assert f"<dd>{size}</dd>" in answer.text
    assert ready.settings.origin in page.said
    assert "form" in page.tags


async def test_the_first_page_opens_when_every_service_is_silent(open_portal: Open) -> None:
    browser = await open_portal(custody=Written({"/log/checkpoint": SILENT}))

    answer = await browser.get("/")

    assert answer.status_code == 200
    assert "no responde" in read(answer).said


async def test_a_log_signed_by_a_stranger_is_not_shown_as_ours(open_portal: Open, ready: Custody) -> None:
    stranger = await open_portal(custody=ready.app)

    assert "la que conoce este servidor" in read(await stranger.get("/")).said


@pytest.mark.parametrize(
    ("header", "query", "language"),
    [("es", "", "es"), ("en", "", "en"), ("en", "?lang=es", "es"), ("es", "?lang=en", "en"), ("fr", "?lang=fr", "es")],
)
async def test_the_language_is_the_browsers_unless_one_was_chosen(
    open_portal: Open, header: str, query: str, language: str
) -> None:
    browser = await open_portal()

    answer = await browser.get(f"/{query}", headers={"accept-language": header})
    page = read(answer)

    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text
    assert f"?lang={'es' if language == 'en' else 'en'}" in page.links
    assert ("/docs?lang=" + language in page.links) is (query in ("?lang=es", "?lang=en"))


async def test_a_lot_shows_its_verdict_first_and_what_nobody_checked(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    log = await a_lot(ready)

    spanish = read(await browser.get("/v/LOTE-01"))
    english = read(await browser.get("/v/LOTE-01", headers=ENGLISH))

    word = re.search(r"(CONSISTENTE|POR REVISAR|INCOMPLETO)", spanish.said)
    assert word
    assert spanish.said.index(word[0]) < spanish.said.index("Qué se comprobó")
    for said in (
        "Lote LOTE-01",
        "0.0 %",
        "Nadie independiente verificó",
        "Qué no se comprobó",
        "comprador-1",
        "4.686 m³",
    ):
        assert said in spanish.said
    for said in ("Lot LOTE-01", "What was not checked", "Check it yourself", "verify-lot lot-LOTE-01.json"):
        assert said in english.said
    assert {"/v1/lots/LOTE-01/bundle", f"/items/{log}"} <= set(spanish.links)
    assert not re.search(r"\b(legal|ilegal)\b", spanish.said.replace("dice si la madera es legal", ""))


async def test_the_page_says_what_the_offline_command_says(
    browser: httpx.AsyncClient, ready: Custody, tmp_path: Any
) -> None:
    from shared.lot.verify import verify
    from shared.tlog.policy import Policy

    await a_lot(ready)
    data = await ready.bundle("LOTE-01")
    report = verify(data, Policy.parse((tmp_path / "policy.txt").read_bytes()))
    page = read(await browser.get("/v/LOTE-01", headers=ENGLISH))

    assert report.verdict is not None
    word, told = report.verdict.text_en.split(": ", 1)
    assert page.said.index(word) < page.said.index(told)
    for finding in report.verdict.findings:
        assert finding.text_en in page.said
    for entry in report.not_checked:
        assert entry["en"] in page.said


async def test_an_item_shows_where_it_comes_from_and_what_became_of_it(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    log = await a_lot(ready)

    page = read(await browser.get(f"/items/{log}"))

    for said in (
        "Troza 501/A",
        SPECIES,
        PARCEL,
        "Diámetros y largo",
        "está en el lote LOTE-01",
        "Trozado",
        "2 nov. 2026, 07:00 (UTC−5)",
    ):
        assert said in page.said
    assert f"/permits/{PERMIT}" in page.links
    assert "/v/LOTE-01" in page.links
    assert any(link.startswith("/items/") for link in page.links)
    tree = next(link for link in page.links if link.startswith("/items/"))
    assert f"/items/{log}" in read(await browser.get(tree)).links


async def test_a_board_has_a_width_and_a_thickness_and_no_code(open_portal: Open) -> None:
    board = {
        "id": "b1", "kind": "product", "code": "", "species": SPECIES, "product": "sawn", "volume_dm3": 2700,
        "length_mm": 2250, "diameter_large_mm": 200, "diameter_small_mm": 50, "holder": "aserradero-1",
        "permit": PERMIT, "parcel": PARCEL, "lot": None, "spent_how": None, "guide": None, "made_by": "s1",
    }  # fmt: skip
    output = {"item": log_id("b1"), "product": "sawn", "species": SPECIES, "volume_dm3": 2700}
    milled = {"inputs": [log_id("501/A")], "outputs": [output]}
    entry = sign(
        make_statement("mill.processed", "aserradero-1", "2026-11-06T12:00:00Z", milled), Ed25519PrivateKey.generate()
    )
    record = {"index": 1, "origin": "o", "proof": [], "checkpoint": "", "entry": orjson.Fragment(entry)}
    answer = {
        "item": board,
        "parents": [],
        "children": [board],
        "findings": [],
        "history": [],
        "complete": True,
        "next": None,
        "index": 1,
        "origin": "o",
    }
    browser = await open_portal(custody=Written({"/v1/items/b1": answer, "/v1/records/s1": record}))

    page = read(await browser.get("/items/b1", headers=ENGLISH))

    assert "Width, thickness and length" in page.said
    assert "Sawn wood" in page.said
    assert "20.0 cm, 5.0 cm and 225.0 cm" in page.said
    assert "still whole" in page.said


async def test_a_history_that_is_not_whole_says_so_and_leads_on(browser: httpx.AsyncClient, ready: Custody) -> None:
    await ready.log(felling(ready, "501", species="Hymenaea oblongifolia"), cut(ready, "501"))
    tree = f"/items/{tree_item(PLAN, PARCEL, '501')}"
    whole = read(await browser.get(tree, headers=ENGLISH))
    await ready.log(*(felling(ready, "501", length_mm=5_000 + n) for n in range(HISTORY)))

    newest = read(await browser.get(tree, headers=ENGLISH))
    [leads] = [link for link in newest.links if "before=" in link]
    older = read(await browser.get(leads, headers=ENGLISH))
    spanish = read(await browser.get(leads))

    assert "older" not in whole.said
    assert f"{HISTORY} records are shown here, and there are older ones." in newest.said
    assert "there are more records" in newest.said
    assert {"501/A", "C05"} <= {word.strip(".,:") for page in (newest, older) for word in page.said.split()}
    for page in (whole, newest, older):
        assert f"/items/{log_id('501/A')}" in page.links
        assert "The record that made it" in page.said
    assert "Records before entry" in older.said
    assert tree in older.links
    assert not [link for link in older.links if link.startswith(f"{tree}?before=")]
    assert "Registros anteriores a la entrada" in spanish.said


@pytest.mark.parametrize("before", ["-1", "x"])
async def test_a_place_in_a_history_that_can_be_none_is_refused(
    browser: httpx.AsyncClient, ready: Custody, before: str
) -> None:
    await ready.log(felling(ready, "501"))
    tree = f"/items/{tree_item(PLAN, PARCEL, '501')}"

    assert (await browser.get(f"{tree}?before={before}")).status_code == 422
    assert (await browser.get(f"{tree}?before=1")).status_code == 200


async def test_a_guide_shows_what_it_covers(browser: httpx.AsyncClient, ready: Custody) -> None:
    body = {
        "guide": "001-0000017", "form": "official", "permit": PERMIT, "addressee": "aserradero-1",
        "issued_on": "2026-11-02", "expires_on": "2026-11-10",
        "lines": [{"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": 5192}],
    }  # fmt: skip
    await ready.log(ready.entry("guide.issued", body, time="2026-11-02T15:00:00Z"))

    page = read(await browser.get("/guides/001-0000017"))
    other_book = await browser.get("/guides/001-0000017?form=own")

    for said in (
        "EMITIDA",
        "Guía de transporte forestal (GTF) 001-0000017",
        "5.192 m³",
        "aserradero-1",
        "madera rolliza",
        "formato oficial",
    ):
        assert said in page.said
    assert other_book.status_code == 404


def a_standing(**changes: Any) -> dict[str, Any]:
    """The public answer about a permit, in the words of its service."""
    standing = words.VerifyOut(
        number=PERMIT, on=date(2026, 11, 22), valid=True, movement_valid=True, status="in_force", reasons=[],
        window=words.Window(
            harvest_from=date(2025, 7, 22), harvest_to=date(2027, 7, 21), move_to=date(2027, 12, 31)
        ),
        holder=words.Holder(id="comunidad-a", name="Comunidad <Nativa> A"),
        title=words.TitleRef(number="CN-A-P-MAD-000", official_number="17-MAD/C-OPB", region="madre-de-dios"),
        plan=words.PlanRef(id=PLAN, number="PO-19", season="2025", resolution=None),
        census=words.CensusWords.model_construct(
            basis="measured", trees=7664, harvestable_dm3=1, p05=None, es="Censo medido.", en="Measured census."
        ),
        inspected=words.Inspected(inspections=2, trees_sampled=40, trees_absent=3),
        lines=words.LinesSummary(
            count=12, parcels=[PARCEL], species=9,
            by_product=[words.ProductVolume(product="roundwood", volume_dm3=1_234_567)],
            by_species=[words.SpeciesVolume(species="Dipteryx micrantha", product="roundwood", volume_dm3=1_234_567)],
        ),
        log=None,
    )  # fmt: skip
    return standing.model_dump(mode="json") | changes


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "VIGENTE HOY PARA TALAR"),
        ({"valid": False}, "VIGENTE HOY SOLO PARA MOVILIZAR"),
        ({"valid": False, "movement_valid": False, "reasons": [{"slug": "s", "es": "Suspendido.", "en": "Suspended."}]},
         "NO VIGENTE HOY"),
    ],
)  # fmt: skip
async def test_a_permit_says_whether_it_counts_today(open_portal: Open, changes: dict[str, Any], word: str) -> None:
    browser = await open_portal(permits=Written({f"/v1/permits/{PERMIT}/verify": a_standing(**changes)}))

    answer = await browser.get(f"/permits/{PERMIT}")
    page = read(answer)

    assert page.said.find(word) < page.said.find(f"Permiso {PERMIT}")
    for said in (word, "1,234.567 m³", "7,664 árboles", "Censo medido.", "40 árboles muestreados, 3 no encontrados"):
        assert said in page.said
    assert "Comunidad <Nativa> A" in page.said
    assert "12 líneas: 9 especies; parcelas: " in page.said
    assert "<Nativa>" not in answer.text


async def test_one_tree_is_one_tree_and_no_inspection_is_said_in_words(open_portal: Open) -> None:
    census = a_standing()["census"] | {"trees": 1}
    one = {"inspections": 1, "trees_sampled": 1, "trees_absent": 1}
    none = dict.fromkeys(one, 0)
    for inspected, said in (
        (one, "1 inspection, 1 tree sampled, 1 not found"),
        (none, "nobody has verified the trees in the field"),
    ):
        permits = Written({f"/v1/permits/{PERMIT}/verify": a_standing(census=census, inspected=inspected)})
        browser = await open_portal(permits=permits)

        page = read(await browser.get(f"/permits/{PERMIT}", headers=ENGLISH))

        assert "1 tree. Measured census." in page.said
        assert said in page.said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/v/NO-HAY", "No se puede mostrar"), ("/items/no-hay", "No se puede mostrar"), ("/nowhere", "No lo encontramos"),
        ("/guides/NO-HAY", "No se puede mostrar"), ("/permits/NO-HAY", "No se puede mostrar"),
    ],
)  # fmt: skip
async def test_what_does_not_exist_is_a_page_for_people_and_a_problem_for_programs(
    open_portal: Open, path: str, said: str
) -> None:
    browser = await open_portal()

    page = await browser.get(path)
    problem = await browser.get(path, headers={"accept": "application/json"})

    assert (page.status_code, problem.status_code) == (404, 404)
    assert said in read(page).said
    assert problem.headers["content-type"] == "application/problem+json"


async def test_a_wrong_way_and_a_fault_are_pages_for_people_and_problems_for_programs(open_portal: Open) -> None:
    browser = await open_portal(permits=Written({**HEALTHY, f"/v1/permits/{PERMIT}/verify": {"not": "a standing"}}))
    program = {"accept": "application/json"}

    wrong = await browser.get("/logout")
    fault = await browser.get(f"/permits/{PERMIT}")

    assert (wrong.status_code, fault.status_code) == (405, 500)
    assert "envíelo desde ahí" in read(wrong).said
    assert wrong.headers["allow"] == "POST"
    assert "Algo falló de nuestro lado" in read(fault).said
    assert (await browser.get("/logout", headers=program)).json()["slug"] == "wrong-method"
    assert (await browser.get(f"/permits/{PERMIT}", headers=program)).json()["slug"] == "internal"


@pytest.mark.parametrize(
    ("path", "spanish", "english"),
    [
        ("/search?q=zzz", "No encontramos el código zzz.", "We did not find the code zzz."),
        ("/v/NO-HAY", "No encontramos el lote NO-HAY.", "We did not find lot NO-HAY."),
        ("/nowhere", "No encontramos la página /nowhere.", "We did not find the page /nowhere."),
    ],
)
async def test_what_does_not_exist_is_named_in_the_words_of_the_page(
    open_portal: Open, ready: Custody, path: str, spanish: str, english: str
) -> None:
    browser = await open_portal(custody=ready.app)

    assert spanish in read(await browser.get(path)).said
    assert english in read(await browser.get(path, headers=ENGLISH)).said


async def test_an_address_that_means_nothing_is_a_page_for_people_and_a_problem_for_programs(
    open_portal: Open,
) -> None:
    browser = await open_portal()

    page = await browser.get("/guides/001-0000017?form=other")
    problem = await browser.get("/guides/001-0000017?form=other", headers={"accept": "application/json"})

    assert (page.status_code, problem.status_code) == (422, 422)
    assert "no entiende" in read(page).said
    assert problem.json()["errors"][0]["where"] == "query.form"


async def test_a_silent_service_is_said_to_be_silent(open_portal: Open) -> None:
    browser = await open_portal(custody=Written({"/v1/lots/LOTE-01/bundle": SILENT}))

    answer = await browser.get("/v/LOTE-01")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert "custody no responde" in read(answer).said


@pytest.mark.parametrize(
    "code", ["%2e%2e", "%2e", "%2e%2e%2f%2e%2e", "a%2Fb", "%3Cscript%3E", "x?y=1", "é", "%00", "a" * 300]
)
async def test_a_strange_code_asks_for_nothing_else(open_portal: Open, code: str) -> None:
    custody = Written()
    browser = await open_portal(custody=custody)

    answer = await browser.get(f"/v/{code}")

    assert answer.status_code in (404, 422)
    assert "<script" not in answer.text
    assert all(
        path.startswith("/v1/lots/") and path.endswith("/bundle") and path.count("/") == 4
        for path in custody.asked
        if path != "/log/checkpoint"
    )


async def test_addresses_that_people_guess_lead_somewhere(open_portal: Open) -> None:
    browser = await open_portal()

    assert (await browser.get("/v")).headers["location"] == "/"
    assert (await browser.get("/lots/LOTE-01")).headers["location"] == "/v/LOTE-01"


async def test_the_style_is_kept_for_good_and_other_files_are_not_served(open_portal: Open) -> None:
    browser = await open_portal()

    style = await browser.get("/static/style.css")
    others = [await browser.get(f"/static/{name}") for name in ("..%2Fmain.py", "main.py", "%2e%2e")]

    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    assert "http" not in style.text
    assert [other.status_code for other in others] == [404, 404, 404]


async def test_health_names_each_service(open_portal: Open) -> None:
    well = await open_portal()
    ill = await open_portal(permits=Written({"/healthz": SILENT}))

    good, bad = await well.get("/healthz"), await ill.get("/healthz")

    assert (good.status_code, good.json()["services"]) == (
        200,
        dict.fromkeys(("custody", "permits", "contracts"), "ok"),
    )
    assert (bad.status_code, bad.json()["services"]["permits"]) == (503, "down")
    assert bad.json()["services"]["custody"] == "ok"


async def test_health_tells_how_the_log_is(open_portal: Open) -> None:
    facts = {"size": 980, "signed_size": -1, "frozen": "the database holds 980 entries, 1000 were published"}
    well = Written({"/healthz": {"status": "ok", "size": 7, "signed_size": 7, "frozen": None}})
    good = await (await open_portal(custody=well)).get("/healthz")
    frozen = await (await open_portal(custody=Written({"/healthz": {"status": "ok"} | facts}))).get("/healthz")
    silent = await (await open_portal(custody=Written({"/healthz": SILENT}))).get("/healthz")

    assert (good.status_code, good.json()["status"]) == (200, "ok")
    assert good.json()["custody"] == {"size": 7, "signed_size": 7, "frozen": None}
    assert (frozen.status_code, frozen.json()["status"]) == (200, "frozen")
    assert frozen.json()["custody"] == facts
    assert frozen.json()["services"] == {"custody": "frozen", "permits": "ok", "contracts": "ok"}
    assert (silent.status_code, silent.json()["status"], silent.json()["custody"]) == (503, "down", None)


async def test_a_frozen_log_does_not_hide_a_silent_service(open_portal: Open) -> None:
    custody = Written({"/healthz": {"status": "ok", "size": 1, "signed_size": 0, "frozen": "why"}})
    browser = await open_portal(custody=custody, permits=Written({"/healthz": SILENT}))

    answer = await browser.get("/healthz")

    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert answer.json()["custody"]["frozen"] == "why"


async def test_the_api_page_lists_every_operation_and_who_may_call_it(open_portal: Open, ready: Custody) -> None:
    from tests.shared.web.example import an_app

    browser = await open_portal(custody=ready.app, permits=an_app(Issuer()))

    merged = (await browser.get("/openapi.json")).json()
    answer = await browser.get("/docs", headers=ENGLISH)
    page = Page(answer.text)

    assert merged["openapi"] == "3.1.0"
    assert merged["servers"] == [{"url": "https://madera.test"}]
    assert {"/v1/records", "/v1/logs/{code}"} <= merged["paths"].keys()
    assert page.tags.count("script") == page.modules
    assert page.inline == []
    for said in ("/v1/statements", "/v1/logs/{code}/diary", "only what is of the own organisation", "Problem"):
        assert said in page.said
    assert set(re.findall(r'href="#schema-([^"]+)"', answer.text)) <= set(
        re.findall(r'id="schema-([^"]+)"', answer.text)
    )


async def test_the_api_page_says_how_to_sign_in_where_the_development_issuer_runs(
    open_portal: Open, tmp_path: Path
) -> None:
    make_keys(tmp_path, tmp_path / "policy.txt")
    make_logins(tmp_path / "logins.json")
    development = await open_portal(issuer=issuer.build(ServiceSettings(env="test", keys_dir=tmp_path)))
    own_provider = await open_portal()

    merged = (await development.get("/openapi.json")).json()
    assert merged["paths"]["/v1/tokens"]["post"]["x-service"] == "issuer"
    assert "POST /v1/tokens" in Page((await development.get("/docs")).text).said
    assert "/v1/tokens" not in (await own_provider.get("/openapi.json")).json()["paths"]
    assert "/v1/tokens" not in Page((await own_provider.get("/docs")).text).said


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({"jwks_url": "http://issuer:8000/.well-known/jwks.json"}, "http://issuer:8000"),
        ({"issuer": "https://id.example.org", "jwks_url": "https://id.example.org/certs"}, None),
        (PRODUCTION, None),
    ],
)
async def test_only_the_development_issuer_is_asked_for_its_operations(
    given: dict[str, Any], reached: str | None, tmp_path: Path
) -> None:
    client = development_issuer(PortalSettings(data_dir=tmp_path, keys_dir=tmp_path, **given))

    assert (None if client is None else str(client.http.base_url)) == reached
    if client is not None:
        await client.http.aclose()


async def test_the_api_page_opens_while_services_are_silent_and_is_whole_later(open_portal: Open) -> None:
    custody = Written(dict(HEALTHY))
    browser = await open_portal(custody=custody)

    empty = await browser.get("/docs")
    page = {"paths": {"/v1/x": {"get": {"operationId": "x", "responses": {}}}}}
    custody.answers["/openapi.json"] = page

    assert "Ningún servicio responde" in Page(empty.text).said
    assert "/v1/x" in (await browser.get("/docs")).text
