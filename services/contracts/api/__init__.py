"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import (
    appraisals,
    books,
    comparisons,
    contracts,
    indexed,
    ledgers,
    market,
    ocds,
    price_reports,
    rules,
    settlements,
    versions,
)

routers = [
    contracts.router, versions.router, ocds.router, settlements.router, ledgers.router, appraisals.router,
    comparisons.router, indexed.router, market.router, books.router, price_reports.router, rules.router,
]  # fmt: skip
