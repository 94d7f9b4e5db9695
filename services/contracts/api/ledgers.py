"""Benefit sharing of an enterprise of several communities: shares by act, distributions, receipts by the members."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import Path, Response

from services.contracts.api.house import StoreDep, today
from services.contracts.api.versions import now
from services.contracts.domain.border import spelled
from services.contracts.domain.contract import TurnTaken, check_room
from services.contracts.domain.ledger import (
    MOST_ENTRIES,
    Agreement,
    Book,
    Distribution,
    Receipted,
    ReceiptEntry,
    check_agreement,
    check_distribution,
    check_receipt,
    read_book,
)
from services.contracts.domain.money import Currency, Money
from services.contracts.domain.pinned import sha256_of
from services.contracts.domain.settlement import STATES_ES, SettlementEnded, counted
from services.contracts.schemas.ledgers import AccountOut, AgreementOut, DistributionOut, LedgerOut, PartOut
from services.contracts.schemas.money import MoneyOut
from services.contracts.store import contracts as contracts_store
from services.contracts.store import ledgers, settlements
from services.contracts.store.versions import Tx
from shared.refusal import Missing
from shared.web.access import GrantDep, OtherOrganisation
from shared.web.app import Router
from shared.web.auth import Caller

router = Router(tags=["benefit ledgers"])
Enterprise = Annotated[str, Path(max_length=60)]
Number = Annotated[int, Path(ge=1, le=MOST_ENTRIES)]


@router.post("/v1/benefit-ledgers", status_code=201, responses={200: {"model": LedgerOut}})
async def agree_on_shares(body: Agreement, grant: GrantDep, store: StoreDep, response: Response) -> LedgerOut:
    """Write into the caller's own book who shares and how, by the act of the assembly. The first one opens the book. The
    same agreement again answers 200."""
    caller, day = grant.known, today()
    async with store.db.transaction(caller) as tx:
        book = await _book(tx, caller.org)
        new = (caller.org, sha256_of(body)) not in book.said
        if new:
            check_agreement(book, body, day)
            book = await _add(tx, book, body, caller, now())
    response.status_code = 201 if new else 200
    return shown(book)


@router.get("/v1/benefit-ledgers/{enterprise}")
async def read_ledger(enterprise: Enterprise, grant: GrantDep, store: StoreDep) -> LedgerOut:
    """The whole book, for the enterprise and its members. To a buyer it does not exist."""
    async with store.db.transaction(grant.known) as tx:
        return shown(await _seen(tx, enterprise, grant.known))


@router.post(
    "/v1/benefit-ledgers/{enterprise}/distributions", status_code=201, responses={200: {"model": DistributionOut}}
)
async def distribute(
    enterprise: Enterprise, body: Distribution, grant: GrantDep, store: StoreDep, response: Response
) -> DistributionOut:
    """Share out what was received for a settlement, by the agreement that holds on the day. The parts sum to the amount
    exactly. The same again answers 200; two equal ones on one day differ in their note."""
    caller, day = grant.known, today()
    async with store.db.transaction(caller) as tx:
        book = await _seen(tx, enterprise, caller)
        if caller.org != enterprise:
            raise OtherOrganisation("distribute")
        new = (caller.org, sha256_of(body)) not in book.said
        if new:
            community, received, of_lot = await _received_for(tx, body)
            check_distribution(book, body, community, received, of_lot, day)
            book = await _add(tx, book, body, caller, now())
    response.status_code = 201 if new else 200
    return _distribution(book, next(one.number for one in reversed(book.shared) if one.distribution == body))


@router.post(
    "/v1/benefit-ledgers/{enterprise}/distributions/{number}/receipts",
    status_code=201,
    responses={200: {"model": DistributionOut}},
)
async def acknowledge_receipt(
    enterprise: Enterprise, number: Number, body: Receipted, grant: GrantDep, store: StoreDep, response: Response
) -> DistributionOut:
    """A member says what it received of its part, by its own caller. Receipts of one part add up to it at most. The same
    again answers 200."""
    caller, day = grant.known, today()
    async with store.db.transaction(caller) as tx:
        book = await _seen(tx, enterprise, caller)
        receipt = ReceiptEntry(distribution=number, receipted=body)
        new = (caller.org, sha256_of(receipt)) not in book.said
        if new:
            check_receipt(book, number, body, caller.org, day)
            book = await _add(tx, book, receipt, caller, now())
    response.status_code = 201 if new else 200
    return _distribution(book, number)


async def _book(tx: Tx, enterprise: str) -> Book:
    return read_book(enterprise, await ledgers.entries(tx, enterprise))


async def _seen(tx: Tx, enterprise: str, caller: Caller) -> Book:
    """The book, for the enterprise and whoever has or had a share in it."""
    book = await _book(tx, enterprise)
    members = {member.org for _, agreement, _ in book.agreements for member in agreement.members}
    if caller.org not in {enterprise, *members} or not book.entries:
        raise Missing("benefit-ledger", enterprise)
    return book


async def _add(tx: Tx, book: Book, content: ledgers.Content, caller: Caller, at: datetime) -> Book:
    """The book with one more entry."""
    check_room("entries", book.entries, MOST_ENTRIES)
    if not await ledgers.add_entry(tx, book.enterprise, book.entries + 1, content, caller, at):
        raise TurnTaken("benefit-ledger")
    return await _book(tx, book.enterprise)


async def _received_for(tx: Tx, body: Distribution) -> tuple[str, Money, frozenset[str]]:
    """Whose sale a settlement is, what the community has stated that it received for it, and every settlement of the lot."""
    found = await settlements.settlement(tx, body.settlement)
    contract = None if found is None else await contracts_store.contract(tx, found.stated.contract)
    if found is None or contract is None:
        raise Missing("settlement", body.settlement)
    if found.state == "replaced":
        raise SettlementEnded(found.id, found.state, STATES_ES[found.state])
    community = contract.offer.community
    own, _ = counted(found.payments, community)
    paid = [one.payment.amount for one in own]
    currency = paid[0].currency if paid else body.amount.currency
    of_lot = await settlements.ids_of_lot(tx, found.stated.contract, found.stated.lot)
    return community, Money(amount=sum((one.amount for one in paid), Decimal(0)), currency=currency), of_lot


def shown(book: Book) -> LedgerOut:
    """A book as it is answered."""
    return LedgerOut(
        enterprise=book.enterprise,
        entries=book.entries,
        agreements=[AgreementOut(number=number, agreement=one, at=at) for number, one, at in book.agreements],
        distributions=[_distribution(book, one.number) for one in book.shared],
        accounts=_accounts(book),
    )


def _distribution(book: Book, number: int) -> DistributionOut:
    one = book.distribution(number)
    return DistributionOut(
        number=number,
        agreement=one.agreement,
        distribution=one.distribution,
        parts=[
            PartOut(
                org=part.org, share=part.share, amount=_money(part.amount, one.currency),
                received=_money(part.received, one.currency),
            )
            for part in one.parts
        ],
        at=one.at,
    )  # fmt: skip


def _accounts(book: Book) -> list[AccountOut]:
    sums: dict[tuple[str, Currency], tuple[Decimal, Decimal]] = {}
    for one in book.shared:
        for part in one.parts:
            amount, received = sums.get((part.org, one.currency), (Decimal(0), Decimal(0)))
            sums[part.org, one.currency] = amount + part.amount, received + part.received
    return [
        AccountOut(org=org, amount=_money(amount, currency), received=_money(received, currency))
        for (org, currency), (amount, received) in sorted(sums.items())
    ]


def _money(amount: Decimal, currency: Currency) -> MoneyOut:
    return MoneyOut(amount=spelled(amount), currency=currency)
