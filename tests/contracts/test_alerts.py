"""Alerts: told once, from facts, and unknown while who knows is silent."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.api.alerts import MOST_ALERTS
from services.contracts.api.house import today
from services.contracts.domain.alert import (
    Limits,
    PriceMoved,
    SeenPrice,
    permit_expiring,
    price_moved,
)
from services.contracts.domain.known import PermitStanding
from services.contracts.domain.money import Money
from services.contracts.domain.overdue import Due, Dues, payment_overdue
from services.contracts.shipped import alert_limits
from services.contracts.store.alerts import HOUSE, claim_alerts
from services.contracts.watcher import Watcher
from tests.contracts.builders import TORNILLO, a_price_book, an_offer, sawn
from tests.contracts.conftest import BUYER, PATIENCE_S, Contracts
from tests.contracts.deals import a_payment, a_sheet, a_signed_contract, a_statement, pay, settled
from tests.contracts.test_api import STEWARD
from tests.contracts.test_standing import OTHER, RUC, a_list, a_sanction
from tests.contracts.test_versions import AS_BUYER, a_text

D = Decimal
PRICE = {"kind": "price_moved", "region": "madre-de-dios", "species": TORNILLO, "product": "sawn"}
PERMIT = {"kind": "permit_expiring", "permit": "P-1"}
SANCTIONED = {"kind": "buyer_sanctioned", "ruc": RUC}
LIMITS = alert_limits()


@pytest.fixture
async def look(contracts: Contracts) -> Any:
    """One pass over every alert, as the background makes it; the background itself stands still meanwhile."""
    contracts.app.state.watching.cancel()
    watcher = Watcher(contracts.app.state.store, contracts.app.state.permits)
    return lambda: watcher.look(every_s=0.0)


async def events(contracts: Contracts, alert: Any, cursor: str = "0", **who: Any) -> Any:
    return await contracts.get(f"/v1/alerts/{alert['id']}/events?cursor={cursor}", **who)


async def state(contracts: Contracts) -> str:
    return str((await contracts.get("/v1/alerts"))["items"][0]["state"])


def days_from_now(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


async def test_a_price_that_moves_is_told_once_and_slow_changes_add_up(contracts: Contracts, look: Any) -> None:
    alert = await contracts.post("/v1/alerts", PRICE)
    await look()
    assert await state(contracts) == "unknown"

    told: list[int] = []
    for amount in ("3.20", "3.40", "3.53", "3.50"):  # +6 %, +10.3 % in all, then back by less than a tenth
        book = a_price_book(sawn(amount), as_of=days_from_now(-1))
        await contracts.post("/v1/price-books", book, **STEWARD)
        await look()
        await look()
        told.append(len((await events(contracts, alert))["items"]))

    assert told == [0, 0, 1, 1]
    found = (await events(contracts, alert))["items"][0]
    assert found["facts"]["change"] == "+0.1031"
    assert found["es"] == f"{TORNILLO}: el precio de referencia subió 10.3 % (S/ 3.20 a S/ 3.53)."
    assert found["facts"]["now"]["version"] == 3
    assert len(found["facts"]["now"]["sha256"]) == 64


async def test_a_permit_near_its_last_day_and_one_that_counts_no_longer(contracts: Contracts, look: Any) -> None:
    alert = await contracts.post("/v1/alerts", PERMIT)

    def answer(move_to: str, **more: Any) -> None:
        said = {
            "number": "P-1", "on": today().isoformat(), "valid": True, "movement_valid": True, "status": "in_force",
            "lines": {"by_product": []}, "window": {"move_to": move_to},
        }  # fmt: skip
        contracts.permits.answers["/v1/permits/P-1/verify"] = said | more

    states = []
    contracts.permits.down = True
    await look()
    states.append(await state(contracts))
    contracts.permits.down = False
    await look()  # permits does not know it
    states.append(await state(contracts))
    for move_to, more in (
        (days_from_now(31), {}), (days_from_now(30), {}), (days_from_now(30), {}),
        (days_from_now(30), {"valid": False, "movement_valid": False, "status": "suspended"}),
    ):  # fmt: skip
        answer(move_to, **more)
        await look()
        states.append(await state(contracts))

    assert states == ["unknown", "unknown", "clear", "raised", "raised", "raised"]
    told = (await events(contracts, alert))["items"]
    assert [one["facts"].get("days_left") for one in told] == [30, None]
    assert told[1]["facts"]["status"] == "suspended"
    assert "quedan 30 días" in told[0]["es"]


async def test_silence_after_an_answer_is_unknown_again_and_takes_nothing_back(contracts: Contracts, look: Any) -> None:
    await contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of=days_from_now(-3), valid_days=90), **STEWARD)
    listed = await contracts.post("/v1/alerts", SANCTIONED)
    clear = await contracts.post("/v1/alerts", SANCTIONED | {"ruc": OTHER})
    await look()
    before = {one["id"]: one["state"] for one in (await contracts.get("/v1/alerts"))["items"]}
    await contracts.post("/v1/sanction-lists", a_list(id="otra", as_of=days_from_now(-200)), **STEWARD)

    await look()

    after = {one["id"]: one["state"] for one in (await contracts.get("/v1/alerts"))["items"]}
    assert before == {listed["id"]: "raised", clear["id"]: "clear"}
    assert after == {listed["id"]: "raised", clear["id"]: "unknown"}
    told = (await events(contracts, listed))["items"]
    assert len(told) == 1
    assert told[0]["en"].startswith(f"The RUC {RUC} is in the list lista-prueba")
    assert (await events(contracts, clear))["items"] == []


ONE = {"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]}


async def test_a_payment_is_overdue_by_the_settlements_and_paid_by_what_the_community_says(
    contracts: Contracts, look: Any
) -> None:
    contract = await a_signed_contract(contracts, a_text(schedule=ONE))
    alert = await contracts.post("/v1/alerts", {"kind": "payment_overdue", "contract": contract})
    states = []

    async def looked() -> None:
        await look()
        states.append(await state(contracts))

    await looked()  # nothing was delivered yet, as far as anybody has said
    settlement = await contracts.post("/v1/settlements", a_statement(contract))
    await looked()
    await pay(contracts, settlement, a_payment("3000.00", "2026-09-01"))
    await looked()
    await pay(contracts, settlement, a_payment("300.00", "2026-09-02", "bb"), **AS_BUYER)
    await looked()  # the buyer says that the rest was paid; the community has not said so
    await pay(contracts, settlement, a_payment("300.00", "2026-09-02", "bb"))
    await looked()

    assert states == ["unknown", "raised", "raised", "unknown", "clear"]
    told = (await events(contracts, alert))["items"]
    assert [one["facts"]["unpaid"]["amount"] for one in told] == ["3300.00"]
    assert told[0]["es"] == "De la entrega del lote LOTE-1 faltan S/ 3,300.00, que vencieron el 2026-08-01."
    assert told[0]["facts"]["settlement"] == settlement["id"]


async def test_a_sheet_that_was_replaced_is_owed_no_longer(contracts: Contracts, look: Any) -> None:
    first = await settled(contracts, a_text(schedule=ONE))
    await contracts.post("/v1/alerts", {"kind": "payment_overdue", "contract": first["stated"]["contract"]})
    fewer = first["stated"] | {"sheet": a_sheet(["1.000"] * 9), "replaces": first["id"]}
    second = await contracts.post("/v1/settlements", fewer)
    await pay(contracts, second, a_payment("2970.00", "2026-08-01"))

    await look()

    assert await state(contracts) == "clear"


async def test_nobody_watches_the_contract_of_others(contracts: Contracts) -> None:
    stored = await contracts.post("/v1/contracts", an_offer())
    body = {"kind": "payment_overdue", "contract": stored["id"]}

    stranger = await contracts.post("/v1/alerts", body, 404, org="comunidad-b")
    buyer = await contracts.post("/v1/alerts", body, 201, role="company", org=BUYER)

    assert stranger["slug"] == "not-found"
    assert buyer["about"] == body


async def test_an_alert_is_its_owners_alone(contracts: Contracts, look: Any) -> None:
    alert = await contracts.post("/v1/alerts", SANCTIONED)
    await contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of=days_from_now(0)), **STEWARD)
    await look()

    await contracts.get(f"/v1/alerts/{alert['id']}/events", 404, org="comunidad-b")
    await contracts.get(f"/v1/alerts/{alert['id']}/events", 403, role="operator")
    gone = await contracts.http.delete(
        f"/v1/alerts/{alert['id']}", headers=contracts.issuer.headers("manager", org="comunidad-b")
    )

    assert gone.status_code == 404
    assert (await contracts.get("/v1/alerts", org="comunidad-b"))["items"] == []
    assert len((await events(contracts, alert))["items"]) == 1

    async def seen(org: str) -> int:
        app = await asyncpg.connect(contracts.database.app_dsn)
        try:
            async with app.transaction():
                await app.execute("SELECT set_config('app.org', $1, true)", org)
                return int(await app.fetchval("SELECT count(*) FROM alert_event"))
        finally:
            await app.close()

    assert (await seen("comunidad-a"), await seen("comunidad-b"), await seen("")) == (1, 0, 0)


async def test_the_same_alert_is_set_once_ended_once_and_may_be_set_again(contracts: Contracts, look: Any) -> None:
    first = await contracts.post("/v1/alerts", PERMIT)
    again = await contracts.post("/v1/alerts", PERMIT, 200)
    await look()
    headers = contracts.issuer.headers("manager", org="comunidad-a")

    ended = [await contracts.http.delete(f"/v1/alerts/{first['id']}", headers=headers) for _ in range(2)]
    await contracts.get(f"/v1/alerts/{first['id']}/events", 404)
    other = await contracts.post("/v1/alerts", PERMIT)

    assert again == first
    assert [one.status_code for one in ended] == [204, 404]
    assert other["id"] != first["id"]
    assert [one["id"] for one in (await contracts.get("/v1/alerts"))["items"]] == [other["id"]]


async def test_the_list_is_read_from_a_place_on_and_page_by_page(contracts: Contracts, look: Any) -> None:
    entries = [a_sanction(resolution=f"RD {n}-2026-PRUEBA") for n in range(5)]
    await contracts.post("/v1/sanction-lists", a_list(*entries, as_of=days_from_now(0)), **STEWARD)
    alert = await contracts.post("/v1/alerts", SANCTIONED)
    await look()
    seen, cursor = [], "0"

    for _ in range(4):
        page = await contracts.get(f"/v1/alerts/{alert['id']}/events?limit=2&cursor={cursor}")
        seen += [one["place"] for one in page["items"]]
        cursor = page["next"]

    assert seen == [1, 2, 3, 4, 5]
    assert cursor == "5"
    await contracts.get(f"/v1/alerts/{alert['id']}/events?cursor=x", 422)


async def test_two_passes_at_once_tell_everything_once(contracts: Contracts, look: Any) -> None:
    entries = [a_sanction(resolution=f"RD {n}-2026-PRUEBA") for n in range(8)]
    await contracts.post("/v1/sanction-lists", a_list(*entries, as_of=days_from_now(0)), **STEWARD)
    alert = await contracts.post("/v1/alerts", SANCTIONED)

    await asyncio.gather(*(look() for _ in range(3)))

    keys = [one["key"] for one in (await events(contracts, alert))["items"]]
    assert len(keys) == len(set(keys)) == 8


async def test_an_alert_that_cannot_be_looked_at_is_unknown_and_stands_in_nobodys_way(
    contracts: Contracts, look: Any
) -> None:
    await contracts.post("/v1/sanction-lists", a_list(as_of=days_from_now(0)), **STEWARD)
    broken = await contracts.post("/v1/alerts", SANCTIONED | {"ruc": OTHER})
    await contracts.post("/v1/alerts", SANCTIONED)
    await look()
    await contracts.as_admin(f"UPDATE alert SET about = '{{}}', looked_at = NULL WHERE id = '{broken['id']}'")
    await contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of=days_from_now(0), title="Hoy"), **STEWARD)

    await look()

    async with contracts.app.state.store.db.transaction(HOUSE) as tx:
        states = {one.id: one.state for one in await claim_alerts(tx, 0.0, 10)}
    assert (states.pop(broken["id"]), list(states.values())) == ("unknown", ["raised"])


async def test_the_background_looks_by_itself_and_not_again_before_its_turn(contracts: Contracts) -> None:
    watching = contracts.app.state.watching
    assert not watching.done()
    await contracts.post("/v1/alerts", PERMIT)
    worker = asyncio.create_task(Watcher(contracts.app.state.store, contracts.app.state.permits).run())

    async with asyncio.timeout(PATIENCE_S):
        while (await contracts.get("/v1/alerts"))["items"][0]["looked_at"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    worker.cancel()

    assert await Watcher(contracts.app.state.store, contracts.app.state.permits).look() == 0


async def test_a_list_of_alerts_pages_and_has_an_end(contracts: Contracts) -> None:
    admin = await asyncpg.connect(contracts.database.admin_dsn)
    await admin.execute(
        "INSERT INTO alert (id, org, kind, about, created_by) SELECT md5(n::text), 'comunidad-a', 'permit_expiring',"
        " convert_to('{\"kind\": \"permit_expiring\", \"permit\": \"P-' || n || '\"}', 'UTF8'), 'u' FROM generate_series(1, $1) n",
        MOST_ALERTS - 1,
    )
    await admin.close()
    await contracts.post("/v1/alerts", PERMIT)

    full = await contracts.post("/v1/alerts", PERMIT | {"permit": "P-one-more"}, 409)
    page = await contracts.get("/v1/alerts?limit=150")
    rest = await contracts.get(f"/v1/alerts?limit=150&cursor={page['next']}")

    assert full["slug"] == "too-many-alerts"
    assert len({one["id"] for one in page["items"] + rest["items"]}) == MOST_ALERTS
    assert rest["next"] is None
    await contracts.post("/v1/alerts", PERMIT, org="comunidad-b")


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "price_moved", "region": "madre-de-dios", "species": "Tornillo", "product": "sawn"},
        {"kind": "buyer_sanctioned", "ruc": "12345678901"},
        {"kind": "weather"},
        PERMIT | {"more": 1},
    ],
)
async def test_an_alert_about_nothing_is_refused_in_both_languages(contracts: Contracts, bad: Any) -> None:
    refused = await contracts.post("/v1/alerts", bad, 422)

    assert refused["detail_es"]
    assert refused["detail_es"] != refused["detail_en"]


# --- the rules, without a service -----------------------------------------------------------------------------------


def seen(amount: str, **more: Any) -> SeenPrice:
    price = {
        "book": "precios-mdd", "version": 1, "sha256": "ab" * 32, "unit": "pt", "rule": "sawn",
        "point_of_sale": "mill_gate", "mid": {"amount": amount, "currency": "PEN"},
    }  # fmt: skip
    return SeenPrice.model_validate(price | more)


ABOUT = PriceMoved.model_validate(PRICE)
cents = st.integers(50, 2_000).map(lambda n: f"{D(n) / 100:.2f}")


@given(cents, cents)
def test_a_price_is_told_exactly_when_it_is_further_than_a_tenth(before: str, now: str) -> None:
    found = price_moved(ABOUT, seen(before), seen(now), LIMITS)

    far = abs(D(now) - D(before)) > D(before) / 10
    assert (found.state == "raised") is bool(found.news) is far
    assert (found.seen is not None) is far


@pytest.mark.parametrize(
    "other",
    [{"unit": "m3"}, {"rule": "smalian"}, {"point_of_sale": "fob"}, {"mid": {"amount": "1", "currency": "USD"}}],
)
def test_prices_measured_otherwise_are_never_set_beside_each_other(other: dict[str, Any]) -> None:
    found = price_moved(ABOUT, seen("3.20"), seen("9.00", **other), LIMITS)

    assert (found.state, found.news) == ("clear", ())
    assert found.seen == seen("9.00", **other).as_bytes()
    assert price_moved(ABOUT, seen("3.20"), seen("9.00"), LIMITS).news


DAY = date(2026, 11, 22)


def a_delivery(*late: tuple[int, str], claimed: str = "0.00") -> Dues:
    due = tuple(Due("s", "L", DAY - timedelta(days=days), Money.pen(D(amount))) for days, amount in late)
    return Dues(due, Money.pen(D(claimed)))


@pytest.mark.parametrize(
    ("deliveries", "state", "news"),
    [
        ([], "unknown", 0),
        ([a_delivery()], "clear", 0),
        ([a_delivery((0, "10"))], "clear", 0),
        ([a_delivery((1, "10"))], "raised", 1),
        ([a_delivery((1, "10"), (400, "5")), a_delivery()], "raised", 2),
        ([a_delivery((1, "10"), claimed="10.00")], "unknown", 0),
        ([a_delivery((1, "10"), claimed="9.99")], "raised", 1),
        ([a_delivery((0, "10")), a_delivery((1, "10"), claimed="10.00")], "unknown", 0),
        ([a_delivery((1, "1")), a_delivery((1, "10"), claimed="10.00")], "raised", 1),
    ],
)
def test_a_payment_is_late_from_the_day_after_its_day(deliveries: list[Dues], state: str, news: int) -> None:
    found = payment_overdue("c", deliveries, DAY, LIMITS)

    assert (found.state, len(found.news)) == (state, news)


def test_a_permit_whose_felling_is_over_is_told_of_by_the_last_day_of_its_wood() -> None:
    permit = PermitStanding("P-1", DAY, False, True, "in_force", None, DAY + timedelta(days=40))

    assert permit_expiring(permit, DAY, LIMITS).state == "clear"
    [told] = permit_expiring(replace(permit, move_to=DAY + timedelta(days=3)), DAY, LIMITS).news
    assert told.facts["days_left"] == 3


def test_a_permit_that_is_suspended_again_is_told_of_again_and_one_that_stays_so_is_not() -> None:
    counts = PermitStanding("P-1", DAY, True, True, "in_force", None, DAY + timedelta(days=400))
    stopped = replace(counts, valid=False, movement_valid=False, status="suspended")
    seen, told = None, []

    for days, permit in enumerate((stopped, stopped, counts, stopped, stopped)):
        found = permit_expiring(permit, DAY + timedelta(days=days), LIMITS, seen)
        seen, told = found.seen, [*told, *(one.key for one in found.news)]

    assert told == [f"status/suspended/{DAY}"] * 2 + [f"status/suspended/{DAY + timedelta(days=3)}"] * 2


@given(st.integers(-400, 400))
def test_a_permit_is_told_of_in_its_last_month(days: int) -> None:
    permit = PermitStanding("P-1", DAY, True, True, "in_force", None, DAY + timedelta(days=days))

    found = permit_expiring(permit, DAY, Limits(D("0.1"), 30, 0))

    assert bool(found.news) is (days <= 30)
