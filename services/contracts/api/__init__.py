"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import (
    appraisals,
    books,
    comparisons,
    contracts,
    ledgers,
    ocds,
    rules,
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
    rules.router,
]
