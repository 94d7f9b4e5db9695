"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import appraisals, books, comparisons, contracts, indexed, market, price_reports, rules

routers = [
    contracts.router, appraisals.router, comparisons.router, indexed.router, market.router, books.router, price_reports.router, rules.router,
]  # fmt: skip
