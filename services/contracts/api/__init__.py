"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import (
    alert_webhooks,
    alerts,
    appraisals,
    books,
    closing,
    comparisons,
    contracts,
    indexed,
    ledgers,
    market,
    ocds,
    parties,
    price_reports,
    rules,
    series,
    settlements,
    versions,
)

routers = [
    contracts.router, versions.router, ocds.router, settlements.router, closing.router, ledgers.router, appraisals.router,
    comparisons.router, indexed.router, market.router, books.router, series.router, price_reports.router,
    parties.router, alerts.router, alert_webhooks.router, rules.router,
]  # fmt: skip
