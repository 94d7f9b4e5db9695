"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import (
    alerts,
    appraisals,
    books,
    comparisons,
    contracts,
    ledgers,
    ocds,
    parties,
    rules,
    series,
    settlements,
    versions,
)

routers = [
    contracts.router,
    versions.router,
    ocds.router,
    settlements.router,
    ledgers.router,
    appraisals.router,
    comparisons.router,
    books.router,
    series.router,
    parties.router,
    alerts.router,
    rules.router,
]
