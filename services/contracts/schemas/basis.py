"""What an offer is compared with."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.contracts.domain.book import CostBook, PriceBook
from services.contracts.domain.border import Contradiction, Day, Form, Slug
from services.contracts.domain.money import ExchangeRate


class BasisIn(Form):
    """What an offer is compared with: stored books by id, or figures given with the question."""

    on: Day | None = None
    rate_milli: Annotated[int, Field(strict=True, ge=0, le=400)] = 180
    base_rule: Literal["mean_of_ends", "smalian"] = "mean_of_ends"
    price_book: Slug | None = None
    cost_book: Slug | None = None
    prices: PriceBook | None = None
    costs: CostBook | None = None
    fx: ExchangeRate | None = None
    seed: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)] = 1
    draws: Annotated[int, Field(strict=True, ge=100, le=2_000)] = 2_000

    @model_validator(mode="after")
    def _of_their_days(self) -> Self:
        for book in (self.prices, self.costs):
            if book is not None:
                book.check_days()
        return self

    @model_validator(mode="after")
    def _one_source_each(self) -> Self:
        for name, given in (("price_book", self.prices), ("cost_book", self.costs)):
            if given is not None and getattr(self, name) is not None:
                raise Contradiction(
                    name, "a stored book and given figures at once", "un libro guardado y cifras dadas a la vez"
                )
        return self
