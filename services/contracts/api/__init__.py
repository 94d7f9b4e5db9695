"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import alerts, appraisals, books, comparisons, contracts, parties, rules, series

routers = [
    contracts.router, appraisals.router, comparisons.router, books.router, series.router, parties.router, alerts.router,
    rules.router,
]  # fmt: skip
