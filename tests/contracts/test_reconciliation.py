"""Reconciliation and the sealed price as pure functions: facts in, the same answer whatever their order."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.contract import ContractText
from services.contracts.domain.kept import KeptLog
from services.contracts.domain.matched import KeptLot
from services.contracts.domain.owed import owed
from services.contracts.domain.reconciliation import Reconciliation, reconcile
from services.contracts.domain.sealed_price import disputed, payment_delay_days, sealed_prices
from services.contracts.domain.settlement import Closing, Payment, SettlementText, Stated
from services.contracts.shipped import flag_pack, legal_rates, settling_limits
from shared.timber.measure import LogSize
from tests.contracts.builders import TORNILLO
from tests.contracts.conftest import BUYER
from tests.contracts.deals import COMMUNITY, a_payment, a_sheet, a_statement, item_id
from tests.contracts.test_versions import a_text

ONE = a_text(schedule={"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]})
CONTRACT = ContractText.model_validate(ONE)
ON = date(2026, 8, 1)
litres = st.lists(st.integers(100, 5_000), min_size=1, max_size=30)


def stated(volumes: list[int]) -> SettlementText:
    sheet = a_sheet([f"{one // 1000}.{one % 1000:03}" for one in volumes])
    return SettlementText.model_validate(a_statement("ab" * 16, sheet=sheet))


def kept(volumes: list[int], **more: Any) -> KeptLot:
    logs = tuple(
        KeptLog(item_id(n), f"{500 + n // 2}/{'AB'[n % 2]}", TORNILLO, one, "PC 01", None, LogSize(460, 420, 6_577))
        for n, one in enumerate(volumes)
    )
    return KeptLot(**({"state": "read", "logs": logs, "seller": COMMUNITY, "buyer": BUYER} | more))


def paid(amount: Decimal, on: date = ON, org: str = COMMUNITY, receipt: str = "aa") -> Stated:
    return Stated(
        1, Payment.model_validate(a_payment(f"{amount:.2f}", on.isoformat(), receipt)), org, datetime.now(UTC)
    )


def reconciled(text: SettlementText, lot: KeptLot, *payments: Stated, on: date = ON) -> Reconciliation:
    comes_to = owed(CONTRACT, text)
    return reconcile(
        CONTRACT, text, (COMMUNITY, BUYER), comes_to, payments, lot, legal_rates(comes_to.currency), flag_pack(),
        settling_limits(), on,
    )  # fmt: skip


def what_is_disputed(found: Reconciliation) -> tuple[str, ...] | None:
    return disputed(found, own_sheet=True, limits=settling_limits())


@given(litres)
def test_a_sheet_that_says_what_custody_says_and_was_paid_seals_its_price(volumes: list[int]) -> None:
    text, lot = stated(volumes), kept(volumes)
    payment = paid(owed(CONTRACT, text).net)

    found = reconciled(text, lot, payment)
    prices = sealed_prices(CONTRACT, text, found, [payment], COMMUNITY, Closing(), ())

    assert (found.reconciled, found.balance, what_is_disputed(found)) == (True, 0, ())
    [price] = prices
    assert price.volume_m3 == Decimal(sum(volumes)) / 1_000
    assert (price.line.price, price.payment_delay_days) == (CONTRACT.lines[0].price, 12)  # type: ignore[union-attr]


@given(litres, st.randoms())
def test_the_order_of_logs_and_payments_changes_nothing(volumes: list[int], random: Any) -> None:
    text, lot = stated(volumes), kept([one + 7 for one in volumes])
    payments = [paid(Decimal(n + 1), date(2026, 8, n + 1), receipt=f"{n:02x}") for n in range(5)]
    shuffled = list(text.sheet.logs)
    random.shuffle(shuffled)
    other = text.model_copy(update={"sheet": text.sheet.model_copy(update={"logs": tuple(shuffled)})})

    here, there = (
        reconciled(one, lot, *some, on=date(2027, 1, 1)) for one, some in ((text, payments), (other, payments[::-1]))
    )

    assert (here.rows, here.interest, here.balance, here.differences) == (
        there.rows, there.interest, there.balance, there.differences,
    )  # fmt: skip


@given(litres)
def test_what_is_not_reconciled_shows_no_price_unless_only_the_buyers_word_differs(volumes: list[int]) -> None:
    text, lot = stated(volumes), kept(volumes)
    net = owed(CONTRACT, text).net

    for found in (
        reconciled(text, lot),
        reconciled(text, kept(volumes, buyer="otro-1"), paid(net)),
        reconciled(text, kept(volumes, state="unavailable", logs=()), paid(net)),
        reconciled(text, kept([*volumes, 100]), paid(net)),
        reconciled(text, kept([*volumes, 100]), paid(net, org=BUYER)),
    ):
        assert not found.reconciled
        assert what_is_disputed(found) is None
    assert what_is_disputed(reconciled(text, lot, paid(net, org=BUYER))) == ("claimed_only", "unpaid")
    assert what_is_disputed(reconciled(text, lot, paid(net), paid(net, org=BUYER, receipt="bb"))) == ("claimed_only",)


@given(st.lists(st.tuples(st.integers(-30, 400), st.integers(1, 10**6)), min_size=1, max_size=6))
def test_the_delay_is_a_mean_weighted_by_money_and_money_in_advance_is_no_delay(parts: list[tuple[int, int]]) -> None:
    delivered = date(2026, 9, 1)
    payments = [paid(Decimal(cents) / 100, date.fromordinal(delivered.toordinal() + days)) for days, cents in parts]

    by_hand = sum(max(days, 0) * cents for days, cents in parts) / sum(cents for _, cents in parts)

    assert abs(payment_delay_days(delivered, payments) - by_hand) <= 0.5 + 1e-9
