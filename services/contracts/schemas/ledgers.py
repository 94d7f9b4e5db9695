"""Answers about benefit ledgers."""

from datetime import datetime

from services.contracts.domain.ledger import Agreement, Distribution
from services.contracts.schemas.answer import Out
from services.contracts.schemas.money import MoneyOut


class AgreementOut(Out):
    number: int
    agreement: Agreement
    at: datetime


class PartOut(Out):
    org: str
    share: str
    amount: MoneyOut
    received: MoneyOut


class DistributionOut(Out):
    """A distribution with its parts, which sum to it exactly. ``agreement`` is the number of the one it goes by."""

    number: int
    agreement: int
    distribution: Distribution
    parts: list[PartOut]
    at: datetime


class AccountOut(Out):
    """What a member has been given a part of, and what it has acknowledged, in one currency."""

    org: str
    amount: MoneyOut
    received: MoneyOut


class LedgerOut(Out):
    """The book of an enterprise, as its entries make it."""

    enterprise: str
    entries: int
    agreements: list[AgreementOut]
    distributions: list[DistributionOut]
    accounts: list[AccountOut]
