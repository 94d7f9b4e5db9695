"""Many reports in one CSV, through the door."""

from typing import Any

import pytest

from services.contracts.domain.report_table import NEEDED
from tests.contracts.builders import TORNILLO, a_report, pen
from tests.contracts.conftest import Contracts

ROW = {
    "id": "reporte-1", "side": "seller", "region": "madre-de-dios", "observed_on": "2026-09-15", "tier": "oral",
    "sale_kind": "negotiated", "species": TORNILLO, "price": "120.50", "currency": "PEN", "unit": "m3",
    "rule": "mean_of_ends", "product": "standing", "point_of_sale": "stump",
}  # fmt: skip


def a_table(*rows: dict[str, str], delimiter: str = ",") -> bytes:
    head = list(dict.fromkeys(name for row in rows for name in row))
    lines = [delimiter.join(head), *(delimiter.join(row.get(name, "") for name in head) for row in rows)]
    return "\r\n".join(lines).encode()


async def sent(contracts: Contracts, table: bytes, expect: int = 200, mark: str = ".") -> Any:
    answer = await contracts.http.post(
        f"/v1/price-reports/table?decimal_mark={mark}", content=table,
        headers=contracts.issuer.headers("manager", org="comunidad-a") | {"content-type": "text/csv"},
    )  # fmt: skip
    assert answer.status_code == expect, answer.text
    return answer.json()


async def test_each_row_stands_for_itself_and_the_file_may_be_sent_again(contracts: Contracts) -> None:
    table = a_table(
        ROW, ROW | {"id": "reporte-2", "price": "-1"}, ROW | {"id": "reporte-3", "observed_on": "2036-01-01"},
        ROW | {"id": "reporte-4", "volume_m3": "80", "payment_delay_days": "90", "price": "130"},
    )  # fmt: skip

    first = (await sent(contracts, table))["rows"]
    again = (await sent(contracts, table))["rows"]

    assert [(row["row"], row["status"]) for row in first] == [
        (2, "filed"),
        (3, "refused"),
        (4, "refused"),
        (5, "filed"),
    ]
    assert [row["problem"] and row["problem"]["slug"] for row in first] == [None, "malformed", "future-date", None]
    assert first[1]["problem"]["detail_es"] != first[1]["problem"]["detail_en"]
    assert first[3]["report"]["report"]["payment_delay_days"] == 90
    assert [row["status"] for row in again] == ["known", "refused", "refused", "known"]
    assert len((await contracts.get("/v1/price-reports"))["items"]) == 2


async def test_a_decimal_comma_is_read_only_where_it_is_stated(contracts: Contracts) -> None:
    comma = a_table(ROW | {"price": "1.120,50"}, delimiter=";")

    [row] = (await sent(contracts, comma, mark=","))["rows"]
    [wrong] = (await sent(contracts, a_table(ROW | {"id": "otro-id-1", "price": '"120,50"'})))["rows"]

    assert row["report"]["report"]["line"]["price"] == pen("1120.50")
    assert wrong["problem"]["slug"] == "decimal-comma"
    assert (await sent(contracts, comma, 422))["slug"] == "report-table-unreadable"


@pytest.mark.parametrize("column", sorted(NEEDED))
async def test_a_table_without_a_column_that_makes_a_price_is_refused(contracts: Contracts, column: str) -> None:
    table = a_table({name: cell for name, cell in ROW.items() if name != column})

    refused = await sent(contracts, table, 422)

    assert (refused["slug"], column in refused["detail_es"]) == ("report-table-unreadable", True)


@pytest.mark.parametrize(
    "table",
    [b"", b"\xff\xfe", b'id,"side', a_table(ROW | {"prize": "1"}), a_table(ROW) + b",,,", a_table(*[ROW] * 501)],
)
async def test_what_is_no_table_is_refused_whole(contracts: Contracts, table: bytes) -> None:
    assert (await sent(contracts, table, 422))["slug"] == "report-table-unreadable"
    assert (await contracts.get("/v1/price-reports"))["items"] == []
    await sent(contracts, a_table(ROW))


async def test_a_row_is_the_same_report_as_its_json(contracts: Contracts) -> None:
    row = ROW | {"tier": "receipt", "volume_m3": "80", "evidence_sha256": "ab" * 32, "price": "120"}

    [filed] = (await sent(contracts, a_table(row)))["rows"]
    same = await contracts.post("/v1/price-reports", {"report": a_report("reporte-1", "120")}, 200)

    assert same == filed["report"]
