"""The auditor's pages over a real custody, and over permits whose answers are written down."""

import asyncio
import html
import re
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import Receive, Scope, Send

from services.portal.records import fields
from shared.timber.draw_file import Terms, draw_document, draw_of
from shared.timber.event import parse_entry, tree_item
from shared.timber.lottery import Source, Tree
from shared.timber.norms.lottery import design_on
from shared.tlog.checkpoint import parse
from shared.tlog.note import split_note
from tests.custody.conftest import Custody, cut, felling, log_id
from tests.portal.conftest import HEALTHY, Open, Written
from tests.portal.test_pages import read
from tests.shared.lot.wood import PARCEL, SPECIES, Wood, a_lot
from tests.shared.lot.wood import PLAN as PLAN_ID

ENGLISH = {"accept-language": "en"}
PLAN: dict[str, Any] = {
    "id": "PO-17", "title": "TIT-17", "org": "comunidad-a", "number": "PO-17", "season": "2026", "regent": None,
    "parcels": [{"code": "PC 01", "area_m2": 1_000_000}], "harvest_from": "2026-05-01", "harvest_to": "2026-12-31",
    "state": "approved", "resolution": "R-1",
    "census": {"trees": 120, "harvestable": 120, "harvestable_dm3": 600_000, "root": "ab" * 32},
}  # fmt: skip


def over(wood: Wood, lot: str = "LOTE-01", **more: Any) -> Written:
    """Custody with the file of a lot."""
    return Written(
        {**HEALTHY, "/log/checkpoint": wood.checkpoint(), f"/v1/lots/{lot}/bundle": wood.bundle(lot), **more}
    )


async def test_the_balance_of_a_lot_is_told_in_stages_with_a_chart_and_its_table(open_portal: Open) -> None:
    wood = a_lot()
    client: httpx.AsyncClient = await open_portal(custody=over(wood))

    answer = await client.get("/lots/LOTE-01/balance")

    page = read(answer)
    assert answer.text.count('role="img"') == 2, "one for a page, one for a telephone"
    for said in ("Talado", "Trozado", "Movilizado", "En el lote", "11.470 m³", "Ningún aserrío", SPECIES):
        assert said in page.said
    assert "inicie sesión" in page.said, "whole permits are not for everybody"
    assert "style=" not in answer.text


async def test_the_yield_of_a_sawing_stands_beside_its_ceiling_and_surplus_credit(open_portal: Open) -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-0000017", logs)
    wood.sell("LOTE-01", [wood.saw(logs, permille=450)], seller="aserradero-1", buyer="otra-1")
    client: httpx.AsyncClient = await open_portal(custody=over(wood))

    page = read(await client.get("/lots/LOTE-01/balance", headers=ENGLISH))

    used = sum(map(wood.volume, logs))
    assert f"{used * 450 // 1000 * 1000 // used / 10} %" in page.said
    assert "56.0 %" in page.said
    assert f"{(used * 560 // 1000 - used * 450 // 1000) / 1000:.3f} m³" in page.said


async def test_the_timeline_says_what_was_recorded_after_later_things(open_portal: Open) -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-0000017", logs)
    wood.sell("LOTE-01", logs, seller="aserradero-1", buyer="otra-1")
    client: httpx.AsyncClient = await open_portal(custody=over(wood))
    assert "registrado después" not in read(await client.get("/lots/LOTE-01/timeline")).said

    late = Wood()
    logs = late.cut(late.fell("501"), "501")
    late.add("log.moved", "comunidad-a", {"items": logs, "place": "Patio 1"}, day="2026-06-01")
    late.guide("001-0000017", logs)
    late.sell("LOTE-01", logs, seller="aserradero-1", buyer="otra-1")
    client = await open_portal(custody=over(late))

    assert "registrado después de otros más recientes" in read(await client.get("/lots/LOTE-01/timeline")).said


async def test_a_file_that_does_not_hold_leads_to_its_verdict(open_portal: Open) -> None:
    wood = a_lot()
    forged = wood.bundle("LOTE-01").replace(b"LOTE-01", b"LOTE-02")
    custody = Written({"/log/checkpoint": wood.checkpoint(), "/v1/lots/LOTE-02/bundle": forged})
    client: httpx.AsyncClient = await open_portal(custody=custody)

    for name in ("balance", "timeline"):
        answer = await client.get(f"/lots/LOTE-02/{name}")
        assert 'href="/v/LOTE-02"' in answer.text
        assert "no se sostiene" in read(answer).said


async def test_a_record_shows_its_bytes_its_signer_its_neighbours_and_its_checked_proof(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    entry = felling(ready, "501")
    await ready.log(entry, cut(ready, "501"))
    record = parse_entry(entry)

    answer = await browser.get(f"/records/{record.sid}")

    page = read(answer)
    assert entry.decode() in html.unescape(answer.text), "the exact bytes"
    assert record.leaf_hash.hex() in page.said
    assert record.signatures[0][0] in page.said
    assert "de esta hoja a la raíz firmada" in page.said
    assert "declara que taló el árbol 501" in page.said
    after = next(link for link in page.links if link.startswith("/records/") and record.sid not in link)
    assert read(await browser.get(after)).said


async def test_what_a_record_builds_on_and_the_history_of_a_piece_are_said_in_words(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    first, alone = parse_entry(felling(ready, "501")), parse_entry(cut(ready, "501"))
    second = parse_entry(ready.entry("log.cut", alone.body, time=alone.time, prev=[first.sid]))
    await ready.log(first.entry, second.entry)

    built = (await browser.get(f"/records/{second.sid}")).text
    story = (await browser.get(f"/items/{log_id('501/A')}")).text

    assert f'href="/records/{first.sid}" title="{first.sid}">Tala</a> · comunidad-a' in built
    assert f'title="{second.sid}">Trozado</a>' in story


async def test_a_piece_shows_the_record_that_made_it_and_its_siblings(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))

    page = read(await browser.get(f"/items/{log_id('501/A')}"))

    assert "El registro que la hizo" in page.said
    assert f"/items/{log_id('501/B')}" in page.links
    assert f"/items/{log_id('501/A')}/custody" in page.links


async def test_custody_at_a_moment_is_asked_by_the_hour_of_lima(browser: httpx.AsyncClient, ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))  # claimed at 12:00 UTC, that is 07:00 in Lima

    before = read(await browser.get(f"/items/{log_id('501/A')}/custody?at=2026-10-31T06:59"))
    now = read(await browser.get(f"/items/{log_id('501/A')}/custody"))
    wrong = await browser.get(f"/items/{log_id('501/A')}/custody?at=ayer")
    never = await browser.get(f"/items/{log_id('501/A')}/custody?at=9999-12-31T23:59")

    assert "de nadie todavía" in before.said
    assert "comunidad-a" in now.said
    assert wrong.status_code == 422
    assert never.status_code == 422


async def test_custody_as_known_at_a_moment_says_how_much_the_log_had_signed_by_then(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    await ready.send(felling(ready, "501"), cut(ready, "501"), wait="inclusion")
    size = (await ready.get(f"/v1/items/{log_id('501/A')}"))["as_of"]
    page = f"/items/{log_id('501/A')}/custody"

    known = read(await browser.get(f"{page}?known_at=2099-01-01T00:00"))
    english = read(await browser.get(f"{page}?known_at=2099-01-01T00:00&lang=en"))
    before = await browser.get(f"{page}?known_at=2020-01-01T00:00")
    both = await browser.get(f"{page}?known_at=2099-01-01T00:00&known=99")
    wrong = await browser.get(f"{page}?known_at=ayer")

    assert f"había firmado una constancia de {size} entradas" in known.said
    assert "comunidad-a" in known.said
    assert f"the log had signed a checkpoint of {size} entries" in english.said
    assert (before.status_code, both.status_code, wrong.status_code) == (409, 422, 422)
    assert "no había firmado ninguna constancia" in before.text


async def test_two_checkpoints_are_compared_by_this_server(browser: httpx.AsyncClient, ready: Custody) -> None:
    await ready.log(felling(ready, "501"), wait="inclusion")

    page = read(await browser.get("/auditor/checkpoints?from=1"))
    beyond = await browser.get("/auditor/checkpoints?from=999999")

    assert "continúa a la de" in page.said
    assert "Este servidor calculó las dos raíces" in page.said
    assert beyond.status_code == 404


async def test_the_history_of_the_log_leads_from_each_checkpoint_to_its_comparison(
    browser: httpx.AsyncClient, ready: Custody
) -> None:
    await ready.log(felling(ready, "501"), wait="inclusion")
    await ready.log(cut(ready, "501"), wait="inclusion")

    page = read(await browser.get("/auditor/checkpoints"))
    compared = read(await browser.get(next(one for one in page.links if "?from=" in one)))

    assert "Historia de constancias" in page.said
    assert "la más nueva" in page.said
    assert "continúa a la de" in compared.said


async def test_a_proof_that_does_not_lead_to_the_signed_root_is_told_loudly(open_portal: Open) -> None:
    wood = a_lot()
    record = wood.records[5]
    answer = {
        "sid": record.sid, "origin": "o", "index": 5, "entry": orjson.loads(record.entry), "proof": [],
        "checkpoint": wood.checkpoint().decode(),
    }  # fmt: skip
    feed = {"indices": [], "entries": []}
    custody = Written({f"/v1/records/{record.sid}": answer, "/v1/records": feed})
    client: httpx.AsyncClient = await open_portal(custody=custody)

    page = read(await client.get(f"/records/{record.sid}"))

    assert "La prueba NO lleva a la raíz firmada" in page.said


def trees(count: int, places: bool) -> list[dict[str, Any]]:
    return [
        {"item": f"i{n}", "parcel": "PC 01", "code": str(n), "species": SPECIES, "trade_name": "", "block": None, "line": None,
         "dbh_mm": 500 + 7 * n % 400, "height_mm": 15_000 + n % 9 * 700, "volume_dm3": 5000, "condition": "harvestable",
         "utm": {"zone": "19S", "easting_dm": 3_600_000 + n * 313 % 9000, "northing_dm": 87_000_000 + n * 717 % 9000}
         if places else None}
        for n in range(count)
    ]  # fmt: skip


def permits(count: int, places: bool) -> Written:
    finding = {
        "rule": "F05", "status": "FAIL", "severity": "S3", "kind": "forensics", "numeral": "", "subject": "PO-17",
        "computed": {"skew": 12}, "threshold": {"least": 80}, "norm": "N", "source": "S", "source_es": "F", "es": "Una campana", "en": "A bell",
        "evidence": None, "id": "f1", "state": "open", "outcome": "", "blocks": None, "acts": [],
    }  # fmt: skip
    review = {"plan": "PO-17", "review": 2, "at": "2026-06-01T10:00:00+00:00", "norms": "1", "findings": [finding]}
    return Written({
        **HEALTHY, "/v1/plans/PO-17": PLAN, "/v1/plans/PO-17/findings": review,
        "/v1/plans/PO-17/trees": {"items": trees(count, places), "next": None},
    })  # fmt: skip


async def test_a_plan_tells_its_findings_with_their_state_and_hides_what_the_api_hides(open_portal: Open) -> None:
    client: httpx.AsyncClient = await open_portal(permits=permits(120, places=False))

    page = read(await client.get("/plans/PO-17"))

    for said in (
        "Una campana",
        "abierta",
        "F05",
        "120 árboles",
        "100.00 ha",
        "Las filas del censo que la sustentan las ven",
    ):
        assert said in page.said
    assert "Los linderos los ven" in page.said


async def test_forensics_draw_places_only_for_who_may_see_them(open_portal: Open) -> None:
    hidden: httpx.AsyncClient = await open_portal(permits=permits(120, places=False))
    shown: httpx.AsyncClient = await open_portal(permits=permits(120, places=True))

    without, whole = (await hidden.get("/plans/PO-17/forensics")), (await shown.get("/plans/PO-17/forensics"))

    assert "sin eso no hay mapa de árboles" in read(without, 200_000).said
    assert "census.csv" not in without.text
    assert not re.search(r"<svg[^>]*map-", without.text)
    assert re.search(r"<svg[^>]*map-", whole.text)
    assert (without.text.count("<svg"), whole.text.count("<svg")) == (6, 10)
    assert re.search(r"[0-9],[0-9]{3} E</text>", whole.text)
    assert not re.search(r"[0-9],[0-9]{3} E</text>", without.text)


async def test_stumps_are_exact_only_for_who_may_see_them_and_else_told_by_parcel(open_portal: Open) -> None:
    wood = a_lot()

    def census(places: bool) -> Written:
        felled = [{**tree, "item": tree_item(PLAN_ID, PARCEL, code), "code": code}
                  for tree, code in zip(trees(2, places), ("501", "502"), strict=True)]  # fmt: skip
        return Written({
            **HEALTHY, f"/v1/plans/{PLAN_ID}": PLAN,
            **{f"/v1/plans/{PLAN_ID}/trees/{tree['code']}": tree for tree in felled},
        })  # fmt: skip

    hidden: httpx.AsyncClient = await open_portal(custody=over(wood), permits=census(False))
    shown: httpx.AsyncClient = await open_portal(custody=over(wood), permits=census(True))

    without, exact = await hidden.get("/lots/LOTE-01/map"), await shown.get("/lots/LOTE-01/map")

    assert "Los linderos los ven" in read(without).said
    assert "<svg" not in without.text
    for answer in (without, exact):
        assert f"{PARCEL} 2 11.486 m³" in " ".join(read(answer).said.split())
    assert exact.text.count("Árbol 501,") == 2, "on the map for a page and on that for a telephone"
    assert "Tocón, árbol talado (2)" in read(exact).said


async def test_the_stumps_of_a_large_lot_are_asked_for_a_few_at_a_time(open_portal: Open) -> None:
    wood = Wood(trees={str(tree): 800 for tree in range(501, 531)})
    logs = [log for tree in range(501, 531) for log in wood.cut(wood.fell(str(tree)), str(tree))]
    wood.sell("LOTE-01", logs, seller="comunidad-a", buyer="otra-1")

    class Slow(Written):
        now = most = 0

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.01)
            await super().__call__(scope, receive, send)
            self.now -= 1

    permits = Slow(dict(HEALTHY))
    browser: httpx.AsyncClient = await open_portal(custody=over(wood), permits=permits)

    answer = await browser.get("/lots/LOTE-01/map")

    assert answer.status_code == 200
    assert 1 < permits.most <= 20


def a_drawn_plan(wood: Wood) -> tuple[dict[str, Any], bytes]:
    census = [Tree("PC 01", str(n), SPECIES, 600, 18_000, 5000 + n, "harvestable") for n in range(400)]
    note = wood.checkpoint()
    design = design_on("2026-07-01")
    terms = Terms("VC-1", "PO-17", "approved", "cd" * 32, 5, (3, 5), design, ())
    source = Source("trozalog.example/madre-de-dios/2026", len(wood.records), _root(note), None)
    drawn = draw_of(terms, census, source)
    one = {
        "number": "VC-1", "plan": "PO-17", "stage": "approved", "state": "drawn", "verifier": "osinfor-md",
        "opened_at": "2026-07-01T10:00:00Z", "drawn_at": "2026-07-01T11:00:00Z", "closed_at": None, "estimates": None,
        "strata": [{"name": s.name, "trees": s.of, "volume_dm3": s.volume_dm3, "sample": s.sample} for s in drawn.strata],
    }  # fmt: skip
    return one, draw_document(terms, census, source, note, drawn)


@pytest.mark.parametrize("more", [False, True])
async def test_lotteries_of_other_plans_of_the_title_say_whether_there_are_more(open_portal: Open, more: bool) -> None:
    listed = {
        "items": [], "next": None, "more_of_title": more,
        "same_title": [{"plan": "PO-16", "number": "VC-9", "stage": "approved", "drawn": True}],
    }  # fmt: skip
    browser: httpx.AsyncClient = await open_portal(permits=Written({"/v1/plans/PO-17/verifications": listed}))

    said = read(await browser.get("/plans/PO-17/lotteries")).said

    assert "VC-9" in said
    assert ("Hay más, anteriores a estos" in said) is more


async def test_a_lottery_is_worked_out_again_and_a_changed_one_is_found_out(open_portal: Open) -> None:
    one, document = a_drawn_plan(a_lot())
    base = "/v1/plans/PO-17/verifications/VC-1"
    told = {base: one, f"{base}/trees": {"items": [], "next": None}}
    honest: httpx.AsyncClient = await open_portal(permits=Written({**told, f"{base}/draw": document}))
    swapped = orjson.loads(document)
    swapped["sample"][0], swapped["sample"][1] = swapped["sample"][1], swapped["sample"][0]
    forged = orjson.dumps(swapped, option=orjson.OPT_SORT_KEYS)
    other: httpx.AsyncClient = await open_portal(permits=Written({**told, f"{base}/draw": forged}))
    hidden: httpx.AsyncClient = await open_portal(permits=Written(told))

    good, bad, closed = [read(await c.get("/plans/PO-17/lotteries/VC-1")).said for c in (honest, other, hidden)]

    assert "Sale igual" in good
    assert "firmada por el registro público que este servidor conoce" in good
    assert "El diseño es el de la norma" in good
    assert "NO sale igual" in bad
    assert "Sale igual" not in bad
    assert "aquí no se puede recalcular" in closed


def test_every_value_of_a_body_is_told_under_its_path() -> None:
    body = {"b": [{"x": 1}, {"x": True}], "a": "z"}
    assert list(fields(body)) == [("a", "z"), ("b[0].x", "1"), ("b[1].x", "true")]


def _root(note: bytes) -> str:
    return parse(split_note(note)[0]).root.hex()
