"""The HTTP door of contracts: parse, load, decide, save, answer."""

from services.contracts.api import appraisals, books, contracts, rules

routers = [contracts.router, appraisals.router, books.router, rules.router]
