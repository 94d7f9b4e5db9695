"""Every operation by every role, of the own organisation and of another, with good and with spoiled tokens."""

from services.contracts.access import ACCESS
from tests.access_matrix import Sample, check_matrix
from tests.contracts.builders import a_report, an_offer
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import basis
from tests.tokens import ORG, OTHER_ORG


async def test_the_access_table_holds_cell_by_cell(contracts: Contracts) -> None:
    ids, appraisals, reports = {}, {}, {}
    for org in (ORG, OTHER_ORG):
        stored = await contracts.post("/v1/contracts", an_offer(community=org, buyer=None), org=org)
        ids[org] = stored["id"]
        made = await contracts.post(f"/v1/contracts/{stored['id']}/appraisals", basis(), org=org)
        appraisals[org] = made["id"]
        filed = await contracts.post("/v1/price-reports", {"report": a_report()}, org=org)
        reports[org] = filed["id"]

    def both(path: str, names: dict[str, str]) -> Sample:
        return Sample(path.format(names[ORG]), path.format(names[OTHER_ORG]))

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
            "read_price_report": both("/v1/price-reports/{}", reports),
            "retract_price_report": Sample(
                f"/v1/price-reports/{reports[ORG]}/retraction",
                f"/v1/price-reports/{reports[OTHER_ORG]}/retraction",
                {"reason": "otra especie"},
            ),
            "read_price_book": Sample("/v1/price-books/world-bank-pink-sheet"),
            "list_log_rules": Sample("/v1/log-rules"),
            "list_red_flags": Sample("/v1/red-flags"),
        },
    )

    assert wrong == []
