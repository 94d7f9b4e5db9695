"""Price clauses over time (F10), through the door."""

from typing import Any

import pytest

from tests.contracts.builders import pen
from tests.contracts.conftest import Contracts

SAWNWOOD = {"id": "sawnwood_malaysia_usd_m3", "start": "2025-04", "now": "2026-05"}


def a_clause(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """W14: a fifth fixed, half by sawnwood, the rest by the dollar."""
    listed = list(parts) or [
        {"weight_milli": 500, "series": SAWNWOOD}, {"weight_milli": 300, "start": "3.75", "now": "3.82"},
    ]  # fmt: skip
    return {"price": pen("330"), "fixed_milli": 200, "parts": listed} | more


async def indexed(contracts: Contracts, clause: dict[str, Any], expect: int = 200, **more: Any) -> Any:
    return await contracts.post("/v1/indexed-prices", {"clause": clause} | more, expect, role=None)


async def test_w14_by_the_series_of_the_house_and_by_given_figures(contracts: Contracts) -> None:
    told = await indexed(contracts, a_clause())
    given = [{"weight_milli": 500, "start": "716.784", "now": "735.26"}, a_clause()["parts"][1]]

    assert told["price"] == pen("336.10")
    assert told["parts"][0]["now"] == "735.26"
    assert told["credit"] == "World Bank, Commodity Markets"
    by_hand = await indexed(contracts, a_clause(*given))
    assert (by_hand["price"], by_hand["credit"]) == (pen("336.10"), None)


async def test_w15_what_a_price_fixed_for_twenty_years_is_worth(contracts: Contracts) -> None:
    told = await indexed(contracts, {"price": pen("330"), "fixed_milli": 1000, "years": 20, "inflation_milli": 30})

    assert (told["real_value_last_year"], told["real_value_mean"]) == ("0.5537", "0.7439")
    assert (told["price"], told["change"]) == (pen("330.00"), "0.0000")


async def test_figures_with_a_stated_comma_are_read(contracts: Contracts) -> None:
    parts = [{"weight_milli": 800, "start": "3,75", "now": "3,82"}]

    assert (await indexed(contracts, a_clause(*parts), 422))["slug"] == "decimal-comma"
    await indexed(contracts, a_clause(*parts), decimal_mark=",")


@pytest.mark.parametrize(
    "part",
    [
        {"weight_milli": 801, "start": "1", "now": "2"},
        {"weight_milli": 800, "start": "1"},
        {"weight_milli": 800, "start": "0", "now": "2"},
        {"weight_milli": 800},
        {"weight_milli": 800, "start": "1", "now": "2", "series": SAWNWOOD},
        {"weight_milli": 800, "series": SAWNWOOD | {"now": "2036-05"}},
        {"weight_milli": 800, "series": SAWNWOOD | {"id": "month"}},
        {"weight_milli": 800, "series": SAWNWOOD | {"now": "2026-13"}},
    ],
)
async def test_a_clause_that_cannot_be_followed_is_refused(contracts: Contracts, part: dict[str, Any]) -> None:
    assert (await indexed(contracts, a_clause(part), 422))["status"] == 422
    await indexed(contracts, a_clause({"weight_milli": 800, "start": "1", "now": "2"}))
