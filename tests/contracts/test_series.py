"""Indices and exchange rates are read by date, from published versions, and pinned where they are used."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.series import DatedValue, IndexClause, IndexSeries, RateSeries, rate_of, read_clause
from services.contracts.shipped import world_bank_indices
from shared.timber.measure import half_up
from tests.contracts.builders import a_cost_book, a_price_book, an_offer, pen, per_volume, signed, t10
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import STEWARD

D = Decimal
MALAYSIA = "world-bank-sawnwood-malaysia"


def lines(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"on": on, "value": value, "source": "Fuente de prueba"} for on, value in pairs]


def rates(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    series = {
        "id": "dolar-prueba", "title": "Dólar, venta", "as_of": "2026-11-20", "source": "Fuente de prueba",
        "licence": "CC0-1.0", "valid_days": 7, "lines": lines(*(pairs or (("2026-11-20", "3.82"),))),
    }  # fmt: skip
    return series | more


def an_index(*pairs: tuple[str, str], **more: Any) -> dict[str, Any]:
    return rates(*pairs, id="ipm-prueba", unit="2013 = 100") | more


W14 = {
    "fixed_milli": 200,
    "parts": [
        {"index": MALAYSIA, "weight_milli": 500, "base_on": "2025-04-30"},
        {"index": "pen-per-usd", "weight_milli": 300, "base_on": "2025-04-30"},
    ],
}


def test_w14_through_the_clause_and_the_series_that_comes_with_the_house() -> None:
    dollar = RateSeries.model_validate(
        rates(("2025-04-30", "3.75"), ("2026-05-31", "3.82"), as_of="2026-05-31", valid_days=31)
    )

    found = read_clause(
        IndexClause.model_validate(W14), {**world_bank_indices(), "pen-per-usd": dollar}, date(2026, 6, 10)
    )

    assert found is not None
    assert half_up(330 * found.factor, D("0.01")) == D("336.10")
    assert [(str(part.base.value), str(part.now.value)) for part in found.parts] == [
        ("716.78", "735.26"), ("3.75", "3.82"),
    ]  # fmt: skip


def test_a_figure_holds_from_its_day_for_so_many_days_and_no_longer() -> None:
    series = RateSeries.model_validate(rates(("2026-11-01", "3.80"), ("2026-11-10", "3.81")))

    def value(day: int) -> str | None:
        line = series.read(date(2026, 11, day))
        return None if line is None else str(line.value)

    assert series.read(date(2026, 10, 31)) is None
    assert [value(day) for day in (1, 8, 9, 10, 17, 18)] == ["3.80", "3.80", None, "3.81", "3.81", None]


@given(st.dictionaries(st.dates(date(2020, 1, 1), date(2026, 11, 20)), st.integers(1, 99), min_size=1), st.data())
def test_reading_by_date_is_the_newest_line_that_is_not_too_old(figures: dict[date, int], data: st.DataObject) -> None:
    listed = [DatedValue(on=day, value=D(figures[day]), source="x") for day in sorted(figures)]
    series = IndexSeries.model_validate(an_index(as_of="2026-11-20") | {"lines": [one.model_dump() for one in listed]})
    day = data.draw(st.dates(date(2019, 12, 1), date(2026, 12, 31)))

    naive = [line for line in listed if line.on <= day and (day - line.on).days <= 7]

    assert series.read(day) == (naive[-1] if naive else None)


@pytest.mark.parametrize(
    ("bad", "slug", "where"),
    [
        (rates(("2026-11-02", "3.80"), ("2026-11-01", "3.81")), "dates-out-of-order", "lines"),
        (rates(("2026-11-01", "3.80"), ("2026-11-01", "3.81")), "dates-out-of-order", "lines"),
        (rates(("2026-11-21", "3.80")), "dates-out-of-order", "lines"),
        (rates(("2026-11-01", "380")), "malformed", "lines.value"),
    ],
)
async def test_rates_out_of_order_or_of_nothing_are_refused_and_the_twin_is_not(
    contracts: Contracts, bad: Any, slug: str, where: str
) -> None:
    refused = await contracts.post("/v1/fx-rates", bad, 422, **STEWARD)

    assert refused["slug"] == slug
    assert where in refused["detail_es"]
    await contracts.post("/v1/fx-rates", rates(("2026-11-01", "3.80"), ("2026-11-02", "3.81")), 201, **STEWARD)


async def test_a_series_is_published_in_versions_by_a_national_steward(contracts: Contracts) -> None:
    officer = {"role": "authority", "org": "gerfor-md", "region": "madre-de-dios"}
    first = await contracts.post("/v1/indices", an_index(), **STEWARD)
    again = await contracts.post("/v1/indices", an_index(), 200, **STEWARD)
    second = await contracts.post("/v1/indices", an_index(("2026-11-20", "118.20")), **STEWARD)

    regional = await contracts.post("/v1/indices", an_index(id="otro"), 403, **officer)
    other = await contracts.post(
        "/v1/indices", an_index(("2026-11-20", "1")), 403, role="authority", org="mef", region="*"
    )
    back = await contracts.post("/v1/indices", an_index(("2026-11-18", "1"), as_of="2026-11-19"), 409, **STEWARD)
    taken = [
        await contracts.post("/v1/indices", an_index(id=name), 409, **STEWARD) for name in (MALAYSIA, "pen-per-usd")
    ]

    assert again == first
    assert (first["version"], second["version"]) == (1, 2)
    assert (regional["slug"], other["slug"], back["slug"]) == ("other-region", "book-of-another", "book-goes-back")
    assert {one["slug"] for one in taken} == {"book-name-reserved"}
    assert await contracts.get("/v1/indices/ipm-prueba?version=1", role=None) == first
    assert await contracts.get("/v1/indices/ipm-prueba", role=None) == second
    await contracts.get("/v1/indices/no-hay", 404)


async def test_lists_page_and_begin_with_what_comes_with_the_house(contracts: Contracts) -> None:
    for name in ("a-serie", "b-serie", "c-serie"):
        await contracts.post("/v1/indices", an_index(id=name), **STEWARD)
        await contracts.post("/v1/fx-rates", rates(id=name), **STEWARD)

    first = await contracts.get("/v1/indices?limit=2", role=None)
    second = await contracts.get(f"/v1/indices?limit=2&cursor={first['next']}", role=None)

    assert [one["id"] for one in first["items"]][-3:] == [
        MALAYSIA.replace("sawnwood-malaysia", "plywood"),
        "a-serie",
        "b-serie",
    ]
    assert [one["id"] for one in second["items"]] == ["c-serie"]
    assert second["next"] is None
    assert [one["id"] for one in (await contracts.get("/v1/fx-rates", role=None))["items"]] == [
        "a-serie", "b-serie", "c-serie",
    ]  # fmt: skip
    shipped = await contracts.get(f"/v1/indices/{MALAYSIA}", role=None)
    assert (shipped["version"], shipped["series"]["lines"][-1]["value"]) == (0, "735.26")


DOLLARS = an_offer(per_volume("100", "m3", "mean_of_ends", price={"amount": "100", "currency": "USD"}))


async def quick(contracts: Contracts, offer: Any, **basis: Any) -> Any:
    body = {
        "offer": offer,
        "basis": {"on": "2026-11-22", "prices": a_price_book(), "costs": signed(a_cost_book())} | basis,
    }
    return await contracts.post("/v1/appraisals/quick", body, 200)


async def test_dollars_are_read_at_the_rate_of_the_day_and_the_version_is_pinned(contracts: Contracts) -> None:
    without = await quick(contracts, DOLLARS)
    published = await contracts.post("/v1/fx-rates", rates(("2026-11-15", "3.70"), ("2026-11-20", "3.82")), **STEWARD)

    today, earlier, stale = [
        await quick(contracts, DOLLARS, on=day) for day in ("2026-11-22", "2026-11-19", "2026-11-28")
    ]
    given_rate = {"pen_per_usd": "4.00", "on": "2026-11-22", "source": "la del banco"}
    by_hand = await quick(contracts, DOLLARS, fx=given_rate)
    in_soles = await quick(contracts, an_offer())

    assert [gap["what"] for gap in without["missing"]] == [gap["what"] for gap in stale["missing"]] == ["fx"]
    assert today["total"]["net_m3"] == pen("382.00")
    assert earlier["total"]["net_m3"] == pen("370.00")
    assert today["pins"]["fx_series"] == {"id": "dolar-prueba", "version": 1, "sha256": published["sha256"]}
    assert today["pins"]["fx"]["on"] == "2026-11-20"
    assert by_hand["total"]["net_m3"] == pen("400.00")
    assert by_hand["pins"]["fx_series"] is in_soles["pins"]["fx_series"] is in_soles["pins"]["fx"] is None


def test_of_two_sources_the_newer_figure_counts_and_of_one_day_the_first_by_name() -> None:
    one, two = (
        RateSeries.model_validate(rates(("2026-11-20", "3.80"), id="b-fuente")),
        RateSeries.model_validate(rates(("2026-11-19", "3.70"), id="a-fuente")),
    )
    same_day = RateSeries.model_validate(rates(("2026-11-20", "3.90"), id="a-fuente"))

    def chosen(*series: RateSeries) -> str | None:
        found = rate_of(series, date(2026, 11, 22))
        return None if found is None else str(found[1].pen_per_usd)

    assert chosen(one, two) == chosen(two, one) == "3.80"
    assert chosen(one, same_day) == chosen(same_day, one) == "3.90"
    assert chosen() is None


async def test_an_index_clause_is_read_by_date_and_moves_every_price_of_the_offer(contracts: Contracts) -> None:
    clause = {"fixed_milli": 500, "parts": [{"index": "ipm-prueba", "weight_milli": 500, "base_on": "2026-11-01"}]}
    offer = an_offer(per_volume("1.20", "pt", "doyle"), lot={"basis": "logs", "logs": t10()}, index=clause)
    plain = an_offer(per_volume("1.20", "pt", "doyle"), lot={"basis": "logs", "logs": t10()})

    unread = await quick(contracts, offer)
    await contracts.post(
        "/v1/indices", an_index(("2026-11-01", "100"), ("2026-11-20", "120"), valid_days=30), **STEWARD
    )
    found, same = await quick(contracts, offer), await quick(contracts, plain)

    assert [gap["what"] for gap in unread["missing"]] == ["index"]
    assert unread["index"] is None
    assert found["index"]["factor"] == "1.100000"
    assert found["index"]["parts"] == [
        {"index": "ipm-prueba", "weight_milli": 500, "base_on": "2026-11-01", "base": "100.00", "now_on": "2026-11-20",
         "now": "120.00"}
    ]  # fmt: skip
    assert [pin["id"] for pin in found["pins"]["indices"]] == ["ipm-prueba"]
    assert (
        "Por la cláusula de índice, hoy cada precio vale 10 % más de lo que está escrito."
        in found["text"]["es"]["sentences"]
    )
    net, before = (D(one["total"]["net_m3"]["amount"]) for one in (found, same))
    assert abs(net - before * D("1.1")) <= D("0.01")
    # The counter-offer is the price that is written, before the clause: a tenth less than without it.
    floor, plainly = (D(one["lines"][0]["counter_offer"]["price"]["amount"]) for one in (found, same))
    assert abs(floor * D("1.1") - plainly) <= D("0.02")
    # What is drawn is the same judgement.
    assert abs(D(found["sensitivity"]["net_m3"]["p50"]["amount"]) - net) <= D("0.01")
    flags = {flag["code"]: flag["state"] for flag in found["flags"]}
    assert (flags["P08"], flags["P09"]) == ("clear", "clear")


@pytest.mark.parametrize(
    ("bad", "slug", "where"),
    [
        ({"index": W14 | {"fixed_milli": 300}}, "schedule-does-not-sum", "index"),
        ({"index": W14, "terms": {"index_clause": False}}, "malformed", "terms.index_clause"),
    ],
)
async def test_a_clause_that_does_not_weigh_one_or_is_denied_is_refused_and_the_twin_is_not(
    contracts: Contracts, bad: Any, slug: str, where: str
) -> None:
    refused = await contracts.post("/v1/appraisals/quick", {"offer": an_offer(**bad)}, 422)

    assert (refused["slug"], where in refused["detail_es"]) == (slug, True)
    await contracts.post("/v1/appraisals/quick", {"offer": an_offer(index=W14, terms={"index_clause": True})}, 200)
