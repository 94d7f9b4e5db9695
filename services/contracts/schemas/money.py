"""Money as it is answered. No field has a default: every one is always there."""

from typing import Literal

from services.contracts.schemas.answer import Out


class MoneyOut(Out):
    amount: str
    currency: Literal["PEN", "USD"]
