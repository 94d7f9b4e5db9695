"""Workbooks of an appraisal and of a settlement: the figures of their JSON, none more, and no formula in them."""

import io
from decimal import Decimal
from typing import Any

import httpx
from openpyxl import load_workbook

from shared.web.workbook import XLSX_TYPE
from tests.contracts.builders import TORNILLO, Json, an_offer
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.deals import a_payment, item_id, pay, reconciled, settled
from tests.contracts.test_api import basis
from tests.contracts.test_settled_lines import ONE, lump
from tests.contracts.test_versions import a_text


async def book_of(
    contracts: Contracts, path: str, expect: int = 200, role: str = "manager", org: str = "comunidad-a"
) -> httpx.Response:
    headers = contracts.issuer.headers(role, org=org)
    answer = await contracts.http.get(path, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer


def rows(answer: httpx.Response) -> dict[str, list[tuple[Any, ...]]]:
    """Every sheet by its name, with its header."""
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in load_workbook(io.BytesIO(answer.content))}


async def test_the_workbook_of_an_appraisal_has_its_figures_and_its_sentences(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer(title='=HYPERLINK("http://x","y")'))
    made = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis())
    path = f"/v1/appraisals/{made['id']}/report?form=xlsx"

    answer = await book_of(contracts, path)

    found = rows(answer)
    assert answer.headers["content-type"] == XLSX_TYPE
    assert list(found) == ["Resumen", "Texto", "Líneas", "Causas", "Alertas", "Datos usados"]
    summary = {row[0]: row[1:] for row in found["Resumen"]}
    assert summary["Deja a la comunidad, por m³"] == (float(made["total"]["net_m3"]["amount"]), "PEN")
    assert sum(Decimal(str(row[1])) for row in found["Causas"][1:]) == sum(
        Decimal(one["amount"]["amount"]) for one in made["total"]["waterfall"]
    )
    assert [row[0] for row in found["Texto"][1:]] == [made["text"]["es"]["headline"], *made["text"]["es"]["sentences"]]
    assert [row[0] for row in found["Alertas"][1:]] == [flag["code"] for flag in made["flags"]]
    assert found["Datos usados"][1][1] == made["id"]
    assert (await book_of(contracts, path)).content == answer.content
    assert "Summary" in rows(await book_of(contracts, path + "&lang=en"))
    await book_of(contracts, path, 403, role="company", org=BUYER)


async def test_the_workbook_of_a_settlement_is_its_reconciliation_log_by_log(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE))
    await pay(contracts, settlement, a_payment("3000.00", "2026-08-01"))
    stands = await reconciled(contracts, settlement, "2026-08-01")
    path = f"/v1/settlements/{settlement['id']}/report?on=2026-08-01"

    found = rows(await book_of(contracts, path))

    summary = {row[0]: row[1] for row in found["Resumen"]}
    assert (summary["Se debe"], summary["Pagado"], summary["Saldo"]) == (3300, 3000, float(stands["balance"]))
    assert found["Trozas"][1] == ("500/A", "PC 01", item_id(0), TORNILLO, TORNILLO, 1, 1, 1, None)
    assert len(found["Trozas"]) == 1 + len(stands["logs"])
    assert found["Pagos"][1][:3] == ("2026-08-01", 3000, "PEN")
    assert [row[0] for row in found["Diferencias"][1:]] == [one["what"] for one in stands["differences"]] == ["unpaid"]
    english = rows(await book_of(contracts, path + "&lang=en", role="company", org=BUYER))
    assert english["Logs"][1] == found["Trozas"][1]
    await book_of(contracts, path, 404, org="comunidad-b")


async def test_with_custody_silent_the_workbook_says_so_and_has_the_rest(contracts: Contracts) -> None:
    settlement = await settled(contracts, a_text(schedule=ONE, lines=[lump(species=[TORNILLO])]))
    contracts.custody.down = True

    found = rows(await book_of(contracts, f"/v1/settlements/{settlement['id']}/report"))

    assert ("Custodia", "unavailable", None) in found["Resumen"]
    assert {row[2] for row in found["Alertas"][1:]} == {"no se sabe"}
    line: Json = dict(zip(found["Líneas"][0], found["Líneas"][1], strict=True))
    assert (line["Se debe"], line["Precio"]) == (None, 5000)
    assert line["Por qué no se sabe"].startswith("nadie dijo")
