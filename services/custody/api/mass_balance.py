"""The mass balance: wood in, processed, out and in stock, from the records, to the litre."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Query, Response

from services.custody.api.answers import Known, KnownAt, Proof, Since, answered, size_known
from services.custody.api.custody import CustodyDep
from services.custody.derived import MOST_EXAMINED, sums_of
from services.custody.domain.mass_balance import balances_of, claims_of
from shared.refusal import Malformed
from shared.timber.fields import FIRST_DAY, LAST_DAY, is_day
from shared.web.access import Grant, GrantDep, OtherOrganisation
from shared.web.app import Router

router = Router(tags=["queries"])


Name = Annotated[str | None, Query(max_length=80)]
Day = Annotated[str, Query(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


@router.get("/v1/mass-balances")
async def read_mass_balance(
    custody: CustodyDep, grant: GrantDep, org: Name = None, permit: Name = None, species: Name = None,
    product: Name = None, claim: Name = None, first_day: Annotated[Day, Query(alias="from")] = FIRST_DAY,
    last_day: Annotated[Day, Query(alias="to")] = LAST_DAY, since: Since = 0, known: Known = None, known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=MOST_EXAMINED)] = MOST_EXAMINED, proof: Proof = False,
) -> Response:  # fmt: skip
    """Wood in, made, processed, out and in stock, for each organisation, species, product and permit: one organisation's
    (`org`, the caller's own when it is left out), or all wood of a `permit` for those who see every organisation. `from`
    and `to` are the first and the last day, UTC, of claimed time. An answer that covers only the records from `since` up
    to `next` says `complete: false`; asked again from there, its rows add up with these.

    `claims` has an account for each claim (an empty one: sold without a claim): `opening_dm3 + bought_dm3 - sold_dm3 =
    closing_dm3`, of what sales said. It is not the stock of certified wood: a mill turns no claim on logs into one on
    boards, and wood of one's own forest is under no claim until it is sold. So a closing may be above what stands in the
    yard; one below zero says that more was sold under the claim than had been bought under it. With `claim` only that
    account is told, and `balances` is null: stock has no claim."""
    of = _whose(grant, org, permit)
    start, end = _instant(first_day, "from"), _instant(last_day, "to") + timedelta(days=1)
    async with custody.question() as tx:
        size = (await tx.head()).size
        below = await size_known(tx, size, known, known_at)
        sums = await sums_of(tx, of, permit, since, below, start, end, limit, claim)
    asked = {"species": species, "product": product}
    found = [
        one for one in sums.sums if all(value is None or getattr(one, name) == value for name, value in asked.items())
    ]
    answer = {
        "org": of, "permit": permit, "from": first_day, "to": last_day, "known": below, "known_at": known_at,
        "since": since,
        "next": sums.next, "complete": sums.next == max(below, since),
        "claim": claim, "balances": balances_of(found) if claim is None else None, "claims": claims_of(found),
    }  # fmt: skip
    return await answered(custody, answer, size, sums.indices if proof else (), proof)


def _whose(grant: Grant, org: str | None, permit: str | None) -> str | None:
    """The organisation whose hands are looked at; None for everybody's, of one permit."""
    caller = grant.known
    if org is None:
        return None if grant.scope == "any" and permit is not None else caller.org
    if not grant.in_full(org):
        raise OtherOrganisation("read_mass_balance")
    return org


def _instant(day: str, name: str) -> datetime:
    if not is_day(day) and day != LAST_DAY:
        raise Malformed(name, f"a real day from {FIRST_DAY} to {LAST_DAY}")
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
