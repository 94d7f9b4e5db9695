"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import appraisals, books, comparisons, contracts, rules

routers = [contracts.router, appraisals.router, comparisons.router, books.router, rules.router]
