"""Wood in, made, processed, out and in stock: held against the pieces themselves, to the litre."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.custody.domain.mass_balance import Sum, claims_of
from services.custody.domain.movements import SIGN
from services.custody.operating.rebuild import rebuild
from services.custody.store import Transaction
from shared.refusal import Refusal
from shared.timber import chain, norms
from shared.timber.event import parse_entry
from shared.timber.facts import Facts, Item, Lot, past_of
from tests.custody.conftest import PERMIT, SPECIES, Custody, cut, felling, log_id
from tests.custody.forest import grown
from tests.custody.test_guides import LOG_DM3, guide
from tests.custody.test_lots import sold
from tests.custody.test_traces import SEEDS, entries_of, proves

Held = dict[tuple[str, str, str, str], int]
ORGS = ("comunidad-a", "aserradero-1", "comprador-1")


async def rows(custody: Custody, org: str, role: str = "manager", **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await custody.get("/v1/mass-balances", role, org=org, **query))["balances"]
    return found


def told(row: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in row.items() if isinstance(value, int) and value}


async def test_from_the_stump_to_the_buyer_every_hand_balances(ready: Custody) -> None:
    await sold(ready)

    [forest] = await rows(ready, "comunidad-a")
    logs, boards = await rows(ready, "aserradero-1")
    [bought] = await rows(ready, "comprador-1")

    assert (forest["species"], forest["product"], forest["permit"]) == (SPECIES, "roundwood", PERMIT)
    assert told(forest) == {
        "made_dm3": LOG_DM3, "out_dm3": LOG_DM3, "sent_dm3": LOG_DM3,
    }  # fmt: skip
    assert told(logs) == {
        "in_dm3": LOG_DM3, "received_dm3": LOG_DM3, "received_measured_dm3": LOG_DM3, "processed_dm3": LOG_DM3,
    }  # fmt: skip
    assert told(boards) == {"made_dm3": 2700, "out_dm3": 2700, "sold_dm3": 2700}
    assert told(bought) == {"in_dm3": 2700, "bought_dm3": 2700, "closing_dm3": 2700}


async def test_a_period_begins_with_what_there_was(ready: Custody) -> None:
    await sold(ready)

    before = await rows(ready, "comunidad-a", to="2026-11-01")
    cutting = await rows(ready, "comunidad-a", **{"from": "2026-11-02", "to": "2026-11-02"})
    sending = await rows(ready, "comunidad-a", **{"from": "2026-11-03", "to": "2026-11-30"})

    assert before == []
    assert told(cutting[0]) == {"made_dm3": LOG_DM3, "closing_dm3": LOG_DM3}
    assert told(sending[0]) == {"opening_dm3": LOG_DM3, "out_dm3": LOG_DM3, "sent_dm3": LOG_DM3}


async def test_what_was_not_known_yet_is_not_counted(ready: Custody) -> None:
    [_, index] = await ready.log(felling(ready, "501"), cut(ready, "501"))

    assert told((await rows(ready, "comunidad-a", known=index + 1))[0]) == {"made_dm3": LOG_DM3, "closing_dm3": LOG_DM3}
    assert (await rows(ready, "comunidad-a", known=index)) == []


async def test_what_the_receiver_measured_stands_beside_what_was_recorded(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"), guide(ready, "017-1", ["501/A"], form="official"))
    at = "2026-11-05T12:00:00Z"
    items = [{"item": log_id("501/A"), "volume_dm3": LOG_DM3 - 92}]
    body = {"guide": "017-1", "form": "official", "at": at, "volume_dm3": LOG_DM3 - 92, "items": items}
    await ready.log(ready.entry("guide.received", body, ready.keys.mill, "aserradero-1", time=at))

    [row] = await rows(ready, "aserradero-1")

    assert (row["received_dm3"], row["received_measured_dm3"], row["closing_dm3"]) == (LOG_DM3, LOG_DM3 - 92, LOG_DM3)


async def test_a_paper_guide_without_pieces_is_told_and_is_no_stock(ready: Custody) -> None:
    paper = guide(ready, "017-9", ["501/A"], form="official")
    body = {name: value for name, value in parse_entry(paper).body.items() if name != "items"}
    await ready.log(ready.entry("guide.issued", body, time="2026-11-03T12:00:00Z"))
    at = "2026-11-05T12:00:00Z"
    received = {"guide": "017-9", "form": "official", "at": at, "volume_dm3": 5000}
    await ready.log(ready.entry("guide.received", received, ready.keys.mill, "aserradero-1", time=at))

    [row] = await rows(ready, "aserradero-1")

    assert told(row) == {"listed_in_dm3": LOG_DM3}
    assert told((await rows(ready, "comunidad-a"))[0]) == {"listed_out_dm3": LOG_DM3}


async def test_claims_are_told_apart(custody: Custody) -> None:
    await grown(custody, 3)

    answer = await custody.get("/v1/mass-balances", "manager", org="comprador-1")
    one = await custody.get("/v1/mass-balances", "manager", org="comprador-1", claim="FSC 100%")

    assert {row["claim"] for row in answer["claims"]} >= {"FSC 100%"}
    assert one["claims"] == [row for row in answer["claims"] if row["claim"] == "FSC 100%"] != []
    assert (answer["claim"], one["claim"], one["balances"]) == (None, "FSC 100%", None)
    by_sale = sum(row["bought_dm3"] for row in answer["balances"])
    assert sum(row["bought_dm3"] for row in answer["claims"]) == by_sale > 0


ClaimAccount = dict[tuple[str, str, str, str, str], tuple[int, int, int, int]]


def accounts(answer: dict[str, Any]) -> ClaimAccount:
    """The accounts of the claims, by whose they are and of what wood."""
    return {
        (row["org"], row["claim"], row["species"], row["product"], row["permit"]): (
            row["opening_dm3"], row["bought_dm3"], row["sold_dm3"], row["closing_dm3"],
        )
        for row in answer["claims"]
    }  # fmt: skip


def traded(entries: list[bytes], first: str, last: str) -> ClaimAccount:
    """What every sale of the log moved under its claim, piece by piece, before and within a period."""
    facts, rules = Facts(), norms.load()
    found: defaultdict[tuple[str, str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for index, entry in enumerate(entries):
        record = parse_entry(entry)
        lot = facts.find(Lot, f"lot:{record.body['lot']}") if record.type == "lot.sold" else None
        pieces = [] if lot is None else [facts.find(Item, f"item:{id_}") for id_ in lot.items]
        sides = [(item.holder, item) for item in pieces if item is not None]
        if record.type == "lot.sold" and record.time[:10] <= last:
            buyer, claim, before = record.body["buyer"], record.body.get("claim", ""), record.time[:10] < first
            for seller, item in sides:
                if seller != buyer:
                    wood = claim, item.species, item.product, item.permit or ""
                    found[buyer, *wood][0 if before else 1] += item.volume_dm3
                    found[seller, *wood][0 if before else 2] += -item.volume_dm3 if before else item.volume_dm3
        chain.admit(record, index, facts, rules, None)
        facts.preload([past_of(record, index)])
    return {key: (o, b, s, o + b - s) for key, (o, b, s) in found.items() if o or b or s}


async def test_a_claim_of_logs_is_not_one_of_boards_and_what_was_sold_unbought_is_below_zero(ready: Custody) -> None:
    await sold(ready)

    mill = await ready.get("/v1/mass-balances", "manager", org="aserradero-1")
    none = await ready.get("/v1/mass-balances", "manager", org="aserradero-1", claim="FSC 100%")
    unclaimed = await ready.get("/v1/mass-balances", "manager", org="aserradero-1", claim="", proof="1")

    assert (none["claims"], none["balances"], none["indices"]) == ([], None, [])
    [account] = unclaimed["claims"]
    assert (account["product"], account["sold_dm3"], account["closing_dm3"]) == ("sawn", 2700, -2700)
    assert mill["claims"] == [account]
    assert [parse_entry(entry).type for entry in proves(ready, unclaimed)] == ["lot.sold"]


async def test_a_period_opens_with_what_was_traded_under_the_claim_before(ready: Custody) -> None:
    mill = {"by": ready.keys.mill, "actor": "aserradero-1"}
    await ready.log(felling(ready, "501"), cut(ready, "501", "AB"))
    for lot, code, seller, buyer, day in (
        ("L-1", "501/A", {}, "aserradero-1", "05"), ("L-2", "501/B", {}, "aserradero-1", "10"),
        ("L-3", "501/A", mill, "comprador-1", "15"),
    ):  # fmt: skip
        await ready.log(
            ready.entry("lot.composed", {"lot": lot, "items": [log_id(code)]}, time=f"2026-11-{day}T10:00:00Z", **seller),
            ready.entry("lot.sold", {"lot": lot, "buyer": buyer, "claim": "FSC 100%"}, time=f"2026-11-{day}T12:00:00Z", **seller),
        )  # fmt: skip

    async def account(first: str, last: str) -> tuple[int, int, int, int]:
        query = {"from": f"2026-11-{first}", "to": f"2026-11-{last}", "claim": "FSC 100%"}
        [found] = accounts(await ready.get("/v1/mass-balances", "manager", org="aserradero-1", **query)).values()
        return found

    assert await account("01", "30") == (0, 2 * LOG_DM3, LOG_DM3, LOG_DM3)
    assert await account("06", "12") == (LOG_DM3, LOG_DM3, 0, 2 * LOG_DM3)
    assert await account("11", "30") == (2 * LOG_DM3, 0, LOG_DM3, LOG_DM3)
    assert await account("20", "30") == (LOG_DM3, 0, 0, LOG_DM3)


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_account_of_a_claim_is_what_the_sales_moved_under_it_in_any_period(
    custody: Custody, seed: int
) -> None:
    await grown(custody, seed, steps=250)
    entries = await entries_of(custody)
    at = sorted(record.time for record in map(parse_entry, entries) if record.type == "lot.sold")
    assert at

    for first, last in (("2026-01-01", "2026-12-31"), ("2026-01-02", "2026-12-31"), ("2025-01-01", "2026-01-01")):
        found: ClaimAccount = {}
        for org in ORGS:
            query = {"from": first, "to": last}
            whole = await custody.get("/v1/mass-balances", "manager", org=org, **query)
            found |= accounts(whole)
            for claim in {row["claim"] for row in whole["claims"]}:
                one = await custody.get("/v1/mass-balances", "manager", org=org, claim=claim, **query)
                assert one["claims"] == [row for row in whole["claims"] if row["claim"] == claim]
                assert set(one["indices"]) <= set(whole["indices"])
        assert found == traded(entries, first, last) != {}


Sums = st.lists(
    st.builds(
        Sum, st.sampled_from("ab"), st.sampled_from(sorted(SIGN)), st.just("s"), st.sampled_from(["roundwood", "sawn"]),
        st.just("p"), st.sampled_from(["", "FSC 100%", "FSC Mix"]), st.integers(0, 9_000), st.integers(0, 9_000), st.just(0),
    )
)  # fmt: skip


@given(Sums, st.data())
def test_every_account_adds_up_and_however_the_movements_were_cut(sums: list[Sum], data: st.DataObject) -> None:
    cut_at = data.draw(st.integers(0, len(sums)))
    whole = claims_of(sums)

    for row in whole:
        assert row.opening_dm3 + row.bought_dm3 - row.sold_dm3 == row.closing_dm3
    parts: defaultdict[tuple[str, ...], int] = defaultdict(int)
    for row in claims_of(sums[:cut_at]) + claims_of(sums[cut_at:]):
        parts[row.org, row.claim, row.product] += row.closing_dm3
    assert {key: volume for key, volume in parts.items() if volume} == {
        (row.org, row.claim, row.product): row.closing_dm3 for row in whole if row.closing_dm3
    }
    assert sum(row.bought_dm3 + row.sold_dm3 for row in whole) == sum(
        one.within_dm3 for one in sums if one.kind in ("bought", "sold")
    )


@given(Sums)
def test_a_period_opens_with_what_the_one_before_closed_with(sums: list[Sum]) -> None:
    """The same movements, told of the period and of all that follows it."""
    later = [replace(one, before_dm3=one.before_dm3 + one.within_dm3, within_dm3=0) for one in sums]

    closed = {(row.org, row.claim, row.product): row.closing_dm3 for row in claims_of(sums) if row.closing_dm3}

    assert {(row.org, row.claim, row.product): row.opening_dm3 for row in claims_of(later)} == closed


async def asked(custody: Custody, role: str | None, caller: str, **query: Any) -> Any:
    headers = custody.issuer.headers(role, org=caller) if role else {}
    return await custody.http.get("/v1/mass-balances", params=query, headers=headers)


async def test_a_mass_balance_is_its_organisations_and_of_those_who_see_all(ready: Custody) -> None:
    await sold(ready)

    own = await asked(ready, "manager", "comunidad-a")
    theirs = await asked(ready, "manager", "comunidad-b", org="comunidad-a")
    certifiers = await asked(ready, "certifier", "certificadora", org="comunidad-a")

    assert (await asked(ready, None, "")).status_code == 401
    assert (theirs.status_code, theirs.json()["slug"]) == (403, "other-organisation")
    assert own.json()["balances"] == certifiers.json()["balances"] != []
    assert (await asked(ready, "manager", "comunidad-b")).json()["balances"] == []


async def test_all_hands_a_permits_wood_went_through_are_seen_by_who_may(ready: Custody) -> None:
    await sold(ready)

    supervisors = (await asked(ready, "supervisor", "osinfor-md", permit=PERMIT)).json()
    own = (await asked(ready, "manager", "comunidad-a", permit=PERMIT)).json()

    assert {row["org"] for row in supervisors["balances"]} == set(ORGS)
    assert {row["org"] for row in own["balances"]} == {"comunidad-a"}
    none = (await asked(ready, "supervisor", "osinfor-md", permit="NO-1")).json()
    assert none["balances"] == []


@pytest.mark.parametrize("query", [{"from": "2026-13-01"}, {"from": "2026-02-30"}, {"to": "now"}, {"limit": "0"}])
async def test_a_period_that_is_none_is_refused(ready: Custody, query: dict[str, str]) -> None:
    assert (await asked(ready, "manager", "comunidad-a", **query)).status_code == 422


async def test_the_records_behind_a_balance_are_proven(ready: Custody) -> None:
    await sold(ready)

    answer = (await asked(ready, "manager", "comunidad-a", proof="1")).json()

    types = [parse_entry(entry).type for entry in proves(ready, answer)]
    assert types == ["log.cut", "guide.received"]


# ---- against the pieces themselves


def held(facts: Facts) -> Held:
    """What is in whose hands, piece by piece: logs and products that are not used up."""
    volumes: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    for _, item in facts.items():
        if isinstance(item, Item) and item.kind != "tree" and item.spent_how not in ("cut", "mill"):
            volumes[item.holder, item.species, item.product, item.permit or ""] += item.volume_dm3
    return {key: volume for key, volume in volumes.items() if volume}


def closing(answer: list[dict[str, Any]]) -> Held:
    return {
        (row["org"], row["species"], row["product"], row["permit"]): row["closing_dm3"]
        for row in answer
        if row["closing_dm3"]
    }


def flows(entries: list[bytes]) -> dict[str, int]:
    """What came to and left each organisation from or to others, piece by piece and record by record."""
    facts, rules, before = Facts(), norms.load(), dict[str, str]()
    sums: defaultdict[str, int] = defaultdict(int)
    for index, entry in enumerate(entries):
        record = parse_entry(entry)
        chain.admit(record, index, facts, rules, None)
        facts.preload([past_of(record, index)])
        for _, item in facts.items():
            if isinstance(item, Item) and item.kind != "tree":
                was = before.get(item.id, item.holder)
                if was != item.holder and item.spent_how not in ("cut", "mill"):
                    sums[f"{was} out"] += item.volume_dm3
                    sums[f"{item.holder} in"] += item.volume_dm3
                before[item.id] = item.holder
    return {name: volume for name, volume in sums.items() if volume}


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_stock_of_everybody_is_what_the_pieces_add_up_to(custody: Custody, seed: int) -> None:
    await grown(custody, seed, steps=200)
    entries = await entries_of(custody)
    facts = Facts()
    for index, entry in enumerate(entries):
        record = parse_entry(entry)
        chain.admit(record, index, facts, norms.load(), None)
        facts.preload([past_of(record, index)])

    answers = [row for org in ORGS for row in await rows(custody, org)]

    assert closing(answers) == held(facts)
    assert {name: volume for org in ORGS for name, volume in {
        f"{org} in": sum(row["in_dm3"] for row in answers if row["org"] == org),
        f"{org} out": sum(row["out_dm3"] for row in answers if row["org"] == org),
    }.items() if volume} == flows(entries)  # fmt: skip
    for row in answers:
        moved = row["in_dm3"] + row["made_dm3"] - row["processed_dm3"] - row["out_dm3"]
        assert row["opening_dm3"] + moved == row["closing_dm3"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_any_cut_of_the_period_or_of_the_log_adds_up(custody: Custody, seed: int) -> None:
    await grown(custody, seed)
    size = (await custody.get("/healthz"))["size"]

    for org in ORGS:
        whole = await rows(custody, org)
        late = closing(await rows(custody, org, **{"from": "2026-01-01", "to": "2026-12-31"}))
        assert late == closing(whole)
        sliced: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        for since in range(0, size, 40):
            for key, volume in closing(await rows(custody, org, since=since, known=since + 40)).items():
                sliced[key] += volume
        assert {key: volume for key, volume in sliced.items() if volume} == closing(whole)


# ---- made again from the entries


async def derived(custody: Custody) -> tuple[set[Any], list[Any]]:
    connection = await asyncpg.connect(custody.database.owner_dsn)
    try:
        postings = await connection.fetch("SELECT name, first + unnest(offsets) FROM posting")
        movements = await connection.fetch("SELECT * FROM movement ORDER BY idx, org, n")
        return {tuple(row) for row in postings}, [tuple(row) for row in movements]
    finally:
        await connection.close()


async def rebuilt(custody: Custody) -> int:
    connection = await asyncpg.connect(custody.database.owner_dsn)
    try:
        async with connection.transaction():
            return await rebuild(Transaction(connection, 1), norms.load())
    finally:
        await connection.close()


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_derived_follows_from_the_entries_alone(custody: Custody, seed: int) -> None:
    await grown(custody, seed, steps=200)
    before = await derived(custody)
    connection = await asyncpg.connect(custody.database.owner_dsn)
    await connection.execute("UPDATE movement SET volume_dm3 = volume_dm3 + 1; DELETE FROM posting WHERE first > 20")
    await connection.close()
    assert await derived(custody) != before

    size = await rebuilt(custody)

    assert size == (await custody.get("/healthz"))["size"]
    assert await derived(custody) == before
    assert len(before[1]) > 40


async def test_a_log_that_does_not_follow_its_rules_is_not_rebuilt(ready: Custody) -> None:
    await ready.log(felling(ready, "501"), cut(ready, "501"))
    connection = await asyncpg.connect(ready.database.admin_dsn)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "UPDATE entry SET body = (SELECT body FROM entry e WHERE e.idx = entry.idx - 1) WHERE idx = 5"
    )
    await connection.close()

    with pytest.raises(Refusal):
        await rebuilt(ready)
