"""Every operation by every role, of the own organisation and of another, with good and with spoiled tokens."""

from typing import Any

from services.contracts.access import ACCESS
from tests.access_matrix import Sample, check_matrix
from tests.contracts.builders import a_report, an_offer
from tests.contracts.conftest import Contracts
from tests.contracts.deals import a_payment, a_signed_contract, a_statement
from tests.contracts.test_api import basis
from tests.contracts.test_ledgers import an_agreement
from tests.contracts.test_standing import RUC
from tests.contracts.test_versions import a_text
from tests.tokens import ORG, OTHER_ORG


async def test_the_access_table_holds_cell_by_cell(contracts: Contracts) -> None:
    ids, appraisals, alerts, reports, sales, settlements = {}, {}, {}, {}, {}, {}
    for org in (ORG, OTHER_ORG):
        sales[org] = await a_signed_contract(contracts, community=org)
        settlements[org] = (await contracts.post("/v1/settlements", a_statement(sales[org]), org=org))["id"]
        await contracts.post("/v1/benefit-ledgers", an_agreement(), org=org)
        stored = await contracts.post("/v1/contracts", an_offer(community=org, buyer=None), org=org)
        ids[org] = stored["id"]
        made = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis(), org=org)
        appraisals[org] = made["id"]
        alert = {"kind": "permit_expiring", "permit": "P-1"}
        alerts[org] = (await contracts.post("/v1/alerts", alert, org=org))["id"]
        filed = await contracts.post("/v1/price-reports", {"report": a_report()}, org=org)
        reports[org] = filed["id"]

    def both(path: str, names: dict[str, str], body: Any = None) -> Sample:
        return Sample(path.format(names[ORG]), path.format(names[OTHER_ORG]), body)

    wrong = await check_matrix(
        contracts.app,
        ACCESS,
        contracts.issuer,
        {
            "read_contract": both("/v1/contracts/{}", ids),
            "list_appraisals": both("/v1/contracts/{}/appraisals", ids),
            "read_appraisal": both("/v1/appraisals/{}", appraisals),
            "appraise_contract": Sample(
                f"/v1/contracts/{ids[ORG]}/appraisals", f"/v1/contracts/{ids[OTHER_ORG]}/appraisals", basis()
            ),
            "read_alert_events": both("/v1/alerts/{}/events", alerts),
            "read_standing": Sample(f"/v1/parties/{RUC}/standing"),
            "list_indices": Sample("/v1/indices"),
            "read_index": Sample("/v1/indices/world-bank-plywood"),
            "list_rates": Sample("/v1/fx-rates"),
            "list_sanction_lists": Sample("/v1/sanction-lists"),
            "read_price_report": both("/v1/price-reports/{}", reports),
            "retract_price_report": Sample(
                f"/v1/price-reports/{reports[ORG]}/retraction",
                f"/v1/price-reports/{reports[OTHER_ORG]}/retraction",
                {"reason": "otra especie"},
            ),
            "read_price_book": Sample("/v1/price-books/world-bank-pink-sheet"),
            "list_versions": both("/v1/contracts/{}/versions", sales),
            "read_version": both("/v1/contracts/{}/versions/1", sales),
            "open_version": both("/v1/contracts/{}/versions/1/commitment", sales),
            "export_contract": both("/v1/contracts/{}/ocds", sales),
            "write_version": both("/v1/contracts/{}/versions", sales, a_text()),
            "sign_version": both("/v1/contracts/{}/versions/1/signatures", sales, {"text_sha256": "ab" * 32}),
            "list_settlements": both("/v1/settlements?contract={}", sales),
            "read_settlement": both("/v1/settlements/{}", settlements),
            "reconcile_settlement": both("/v1/settlements/{}/reconciliation", settlements),
            "report_settlement": both("/v1/settlements/{}/report", settlements),
            "add_payment": both("/v1/settlements/{}/payments", settlements, a_payment("1.00", "2026-08-01")),
            "close_settlement": both("/v1/settlements/{}/closing", settlements, {}),
            "read_ledger": both("/v1/benefit-ledgers/{}", {ORG: ORG, OTHER_ORG: OTHER_ORG}),
            "list_log_rules": Sample("/v1/log-rules"),
            "list_red_flags": Sample("/v1/red-flags"),
        },
    )

    assert wrong == []
