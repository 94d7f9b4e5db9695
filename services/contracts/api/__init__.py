"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import appraisals, books, comparisons, contracts, rules, settlements, versions

routers = [
    contracts.router,
    versions.router,
    settlements.router,
    appraisals.router,
    comparisons.router,
    books.router,
    rules.router,
]
