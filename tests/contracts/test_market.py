"""The market through the door: estimates nobody can carry alone, price books made of them, and their way into the log."""

import asyncio
import gzip
import hashlib
import math
import re
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from services.contracts.api.house import today
from services.contracts.domain.market import Reported, counted
from services.contracts.estimates import Estimates
from shared.timber.species import catalogue
from shared.web.problems import TooManyAttempts, Unavailable
from tests.contracts.builders import LUPUNA, TORNILLO, a_price_book, a_report, an_offer, pen, per_volume, sawn, wood
from tests.contracts.conftest import BUYER, PATIENCE_S, Contracts
from tests.contracts.strict_log import ORIGIN

STEWARD = {"role": "operator", "org": "trozalog"}
SEEN = (today() - timedelta(days=75)).isoformat()
ASK = "/v1/price-estimates?species=Cedrelinga+cateniformis&region=madre-de-dios&point=stump"
# Twelve entities round S/ 120: what an honest market says, with the scatter of one.
HONEST = [100, 105, 110, 112, 116, 119, 121, 124, 127, 131, 137, 144]
PAIR = "5c" * 32


def a_paper(number: int) -> dict[str, str]:
    """The receipt of one sale and of no other."""
    return {"evidence_sha256": f"{number:064x}"}


async def reported(contracts: Contracts, amounts: Iterable[int | str], first: int = 0, **more: Any) -> list[Any]:
    """One report each by as many organisations, in turn."""
    bodies = [
        {"report": a_report(f"reporte-{number}", str(amount), **{**a_paper(number), "observed_on": SEEN, **more})}
        for number, amount in enumerate(amounts, first)
    ]
    made = [
        await contracts.post("/v1/price-reports", body, org=f"comunidad-{number}")
        for number, body in enumerate(bodies, first)
    ]
    await arrived_in_time(contracts)
    return made


async def arrived_in_time(contracts: Contracts) -> None:
    """As if every report had been sent on the day of its price: what arrives late waits as long as what is new."""
    await contracts.as_admin("UPDATE price_report SET received_on = observed_on")


async def estimate(contracts: Contracts, path: str = ASK, expect: int = 200) -> Any:
    """What is told of the reports as they stand: asked again while the last answer is told and the next worked out."""
    async with asyncio.timeout(PATIENCE_S):
        while not (told := await contracts.get(path, expect, role=None)).get("current", True):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return told


async def snapshot(contracts: Contracts, expect: int | None = 201, **body: Any) -> Any:
    return await contracts.post("/v1/price-books/snapshots", {"region": "madre-de-dios"} | body, expect, **STEWARD)


# --- estimates ----------------------------------------------------------------------------------------------------


async def test_an_estimate_says_range_grade_age_and_on_whose_kind_of_word(contracts: Contracts) -> None:
    await reported(contracts, HONEST)

    told = await estimate(contracts)

    geometric = math.exp(sum(math.log(one) for one in HONEST) / len(HONEST))
    assert abs(float(told["mid"]["amount"]) / geometric - 1) < 0.03
    assert Decimal(told["low"]["amount"]) < Decimal(told["mid"]["amount"]) < Decimal(told["high"]["amount"])
    assert (told["state"], told["grade"], told["reporters"]) == ("published", "B", 12)
    assert (told["of_species"], told["of_region"]) == (TORNILLO, "madre-de-dios")
    months = 12 * (today().year - int(SEEN[:4])) + today().month - int(SEEN[5:7])
    assert (told["evidence"], told["age_months"], told["missing"]) == (["receipt"], months, [])
    assert SEEN not in str(told)
    assert 0 < Decimal(told["max_influence"]) < Decimal("0.1")
    assert "comunidad" not in str(told)
    assert "80.000" not in str(told)


async def test_one_entity_with_two_hundred_half_price_reports_moves_twelve_by_three_percent_at_most(
    contracts: Contracts,
) -> None:
    await reported(contracts, HONEST)
    before = Decimal((await estimate(contracts))["mid"]["amount"])

    for number in range(200):
        flood = a_report(f"ataque-{number:03}", "60", volume_m3=f"{800 + number}.000", observed_on=SEEN)
        await contracts.post("/v1/price-reports", {"report": flood}, org="atacante-1")
    await arrived_in_time(contracts)
    told = await estimate(contracts)

    moved = Decimal(told["mid"]["amount"]) / before - 1
    assert abs(moved) <= Decimal("0.03"), moved
    assert told["reporters"] == 13


async def test_two_reporters_are_not_quoted_and_the_answer_says_what_is_missing(contracts: Contracts) -> None:
    await reported(contracts, [118, 122])

    told = await estimate(contracts)

    assert (told["state"], told["mid"], told["grade"], told["reporters"]) == ("missing", None, None, None)
    assert [gap["what"] for gap in told["missing"]] == ["reporters"]
    assert not re.search(r"\b(118|122)\b", str(told))  # a hash or an instant may hold the digits
    await reported(contracts, [120], first=2)
    assert (await estimate(contracts))["state"] == "published"


async def test_a_thin_cell_is_answered_by_its_parent_with_a_note(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120], region="loreto")
    await reported(contracts, [119], first=3)

    told = await estimate(contracts)

    assert (told["state"], told["of_species"], told["of_region"], told["reporters"]) == ("pooled", TORNILLO, None, 4)
    assert [gap["what"] for gap in told["missing"]] == ["own_reporters"]


async def test_what_is_younger_than_the_delay_or_of_an_open_month_is_not_looked_at(contracts: Contracts) -> None:
    told = await estimate(contracts)
    first_kept_out = told["observed_before"]
    assert first_kept_out <= (today() - timedelta(days=30)).isoformat()
    assert first_kept_out.endswith("-01")

    await reported(contracts, [118, 122, 120], observed_on=first_kept_out)
    assert (await estimate(contracts))["state"] == "missing"

    last_day = (today() - timedelta(days=30)).replace(day=1) - timedelta(days=1)
    await reported(contracts, [118, 122, 120], first=3, observed_on=last_day.isoformat())
    assert (await estimate(contracts))["reporters"] == 3


async def test_related_parties_count_as_one(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])
    relation = {"org": "comunidad-0", "other": "comunidad-1", "reason": "mismo gerente"}

    await contracts.post("/v1/related-parties", relation, **STEWARD)
    assert (await estimate(contracts))["state"] == "missing"

    await contracts.post("/v1/related-parties", relation | {"linked": False, "reason": "ya no"}, **STEWARD)
    assert (await estimate(contracts))["state"] == "published"


async def test_both_sides_of_one_sale_count_once(contracts: Contracts) -> None:
    await reported(contracts, [118, 122])
    await reported(contracts, [120], first=2, counterpart_sha256=PAIR)
    bought = a_report("compra-001", "121", side="buyer", counterpart_sha256=PAIR, observed_on=SEEN)

    await contracts.post("/v1/price-reports", {"report": bought}, role="company", org=BUYER)
    await arrived_in_time(contracts)

    assert (await estimate(contracts))["reporters"] == 3


def a_row(
    id_: str, side: str = "seller", species: str = TORNILLO, *, tier: str = "receipt", entity: str | None = None,
    pair: str | None = None, paper: str | None = None, days_ago: int = 0,
) -> Reported:  # fmt: skip
    day, place = today() - timedelta(days=days_ago), ("standing", "stump", "loreto")
    return Reported(id_, entity or f"e-{id_}", side, tier, species, *place, Decimal(120), today(), day, pair, paper)


def those_counted(*rows: Reported) -> list[tuple[str, str | None]]:
    told = [(each.id, each.cell.species) for each in counted(rows)]
    assert told == [(each.id, each.cell.species) for each in counted(reversed(rows))]
    return told


def test_a_sale_of_two_species_has_two_prices_and_each_counts_once() -> None:
    assert those_counted(
        a_row("1", "buyer", tier="sealed", pair=PAIR), a_row("2", pair=PAIR),
        a_row("3", "buyer", LUPUNA, pair=PAIR), a_row("4", "seller", LUPUNA, pair=PAIR),
    ) == [("2", TORNILLO), ("4", LUPUNA)]  # fmt: skip


def test_who_shows_one_paper_reports_one_sale_whether_or_not_both_name_the_pair() -> None:
    paper = "ab" * 32
    assert those_counted(a_row("1", "buyer", paper=paper), a_row("2", paper=paper)) == [("2", TORNILLO)]
    assert those_counted(a_row("1", paper=paper, days_ago=1), a_row("0", paper=paper)) == [("1", TORNILLO)]
    # A buyer who shows one paper for all its purchases joins none of them.
    sold, bought = [
        [a_row(f"{side}{n}", side, pair=f"{n}", paper=paper if side == "buyer" else None) for n in "12"]
        for side in ("seller", "buyer")
    ]
    assert len(those_counted(*sold, *bought)) == 2
    # Twins: papers of their own, another species, no paper at all; and one entity may read two prices off one paper.
    assert len(those_counted(a_row("1", paper=paper), a_row("2", paper="cd" * 32))) == 2
    assert len(those_counted(a_row("1", paper=paper), a_row("2", "seller", LUPUNA, paper=paper))) == 2
    assert len(those_counted(a_row("1", tier="oral"), a_row("2", tier="oral"))) == 2
    assert len(those_counted(a_row("1", entity="e", paper=paper), a_row("2", entity="e", paper=paper))) == 2


async def test_one_receipt_shown_by_three_is_one_reporter(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120], evidence_sha256="ab" * 32)
    assert (await estimate(contracts))["state"] == "missing"

    await reported(contracts, [118, 122], first=3)
    assert (await estimate(contracts))["reporters"] == 3


async def test_a_buyer_who_confirms_every_sale_silences_none_of_the_sellers(contracts: Contracts) -> None:
    pairs = [f"{number:02x}" * 32 for number in range(len(HONEST))]
    for number, amount in enumerate(HONEST):
        await reported(contracts, [amount], number, tier="contract", counterpart_sha256=pairs[number])
    before = await estimate(contracts)

    for number, amount in enumerate(HONEST):
        bought = a_report(
            f"compra-{number:03}", str(amount), side="buyer", counterpart_sha256=pairs[number], observed_on=SEEN
        )
        await contracts.post("/v1/price-reports", {"report": bought}, role="company", org=BUYER)
    await arrived_in_time(contracts)

    told = await estimate(contracts)
    assert (told["state"], told["reporters"], told["mid"]) == ("published", 12, before["mid"])


async def test_what_is_held_or_taken_back_does_not_count_and_what_is_released_does(contracts: Contracts) -> None:
    *_, last = await reported(contracts, [118, 122, 120])

    async def state_after(decision: str) -> str:
        await contracts.decide(last["id"], decision, **STEWARD)
        return str((await estimate(contracts))["state"])

    assert await state_after("looked_into") == "missing"
    assert await state_after("released") == "published"
    assert await state_after("upheld") == "missing"
    assert await state_after("released") == "published"
    await contracts.post(f"/v1/price-reports/{last['id']}/retraction", {"reason": "x"}, 200, org="comunidad-2")
    assert (await estimate(contracts))["state"] == "missing"


async def test_a_sale_between_related_parties_and_an_unconverted_price_are_no_market_evidence(
    contracts: Contracts,
) -> None:
    await reported(contracts, [118, 122])
    await reported(contracts, [120], first=2, sale_kind="related_party")
    await reported(contracts, [1], first=3, line=per_volume("1", "pt", "doyle", [TORNILLO]))

    assert (await estimate(contracts))["state"] == "missing"


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        (ASK.replace("Cedrelinga", "Madera"), 422, None),
        (ASK.replace("stump", "aqui"), 422, None),
        (f"{ASK}&on={(today() + timedelta(days=1)).isoformat()}", 422, "future-date"),
        (f"{ASK}&on={today().isoformat()}", 200, None),
        (f"{ASK}&on=1990-01-01", 200, None),
    ],
)
async def test_a_question_about_nothing_is_refused(
    contracts: Contracts, query: str, status: int, slug: str | None
) -> None:
    answer = await estimate(contracts, query, status)

    assert slug in (None, answer.get("slug"))


async def test_another_rule_needs_diameters_and_the_base_is_answered(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])

    told = await estimate(contracts, f"{ASK}&rule=doyle")

    assert (told["rule"], [gap["what"] for gap in told["missing"]]) == ("mean_of_ends", ["diameters"])


async def test_a_market_is_worked_out_once_for_each_state_of_its_closed_months(contracts: Contracts) -> None:
    estimates, name = Estimates(contracts.app.state.store, PATIENCE_S, PATIENCE_S), "standing/stump"
    await reported(contracts, [118, 122, 120])

    first, second = await asyncio.gather(*(estimates.told(today(), name) for _ in range(2)))
    await reported(contracts, [300], first=3, observed_on=today().isoformat())
    third = await estimates.told(today(), name)
    await reported(contracts, [121], first=4)
    fourth = await estimates.told(today(), name)
    estimates.close()

    assert first.finished is second.finished is third.finished
    assert first.finished.version != fourth.finished.version
    assert len(fourth.finished.told.market.observations) == 4


async def test_who_asks_first_and_is_in_a_hurry_is_told_to_come_back_and_finds_the_answer(contracts: Contracts) -> None:
    estimates, name = Estimates(contracts.app.state.store, patience_s=0), "standing/stump"
    await reported(contracts, [118, 122, 120])

    with pytest.raises(Unavailable):
        await estimates.told(today(), name)
    patient = Estimates(contracts.app.state.store, PATIENCE_S)
    expected = await patient.told(today(), name)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(Unavailable):
                found = await estimates.told(today(), name)
                break
            await asyncio.sleep(0.01)
    estimates.close(), patient.close()

    assert found.finished.told.cells == expected.finished.told.cells


async def test_while_a_market_is_worked_out_again_the_last_answer_is_told_with_its_state_and_one_task_works(
    contracts: Contracts,
) -> None:
    estimates, name = Estimates(contracts.app.state.store, PATIENCE_S, grace_s=0), "standing/stump"
    go_on = threading.Event()
    await reported(contracts, [118, 122, 120])
    first = await estimates.told(today(), name)
    estimates._worker.submit(go_on.wait)  # somebody else's large market

    during, tasks = [], set()
    for number in range(3, 8):  # a busy market: each report makes another state of it
        await reported(contracts, [120], first=number)
        during.append(await estimates.told(today(), name, today()))
        tasks.add(*estimates._tasks.values())
    go_on.set()
    await asyncio.wait(tasks)
    last = await estimates.fresh(today(), name)
    estimates.close()

    assert first.current
    assert [(one.finished is first.finished, one.current) for one in during] == [(True, False)] * 5
    assert len(tasks) == 1
    assert len(last.told.market.observations) == 8
    assert last.at > first.finished.at


async def test_a_book_waits_for_the_reports_as_they_stand(contracts: Contracts) -> None:
    estimates, name = Estimates(contracts.app.state.store, PATIENCE_S, grace_s=0), "standing/stump"
    go_on = threading.Event()
    await reported(contracts, [118, 122, 120])
    await estimates.told(today(), name)
    estimates._worker.submit(go_on.wait)
    await reported(contracts, [121], first=3)
    await estimates.told(today(), name)  # begins to work out four reports
    await reported(contracts, [121], first=4)

    book = asyncio.create_task(estimates.fresh(today(), name))
    await asyncio.sleep(0.05)
    go_on.set()
    told = await book
    estimates.close()

    assert len(told.told.market.observations) == 5


async def test_an_answer_says_of_which_state_it_is_and_when_that_was_read(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])

    told, again = await estimate(contracts), await estimate(contracts)
    await reported(contracts, [121], first=3)
    later = await estimate(contracts)

    assert (told["current"], later["current"]) == (True, True)
    assert (told["market_version"], told["worked_out_at"]) == (again["market_version"], again["worked_out_at"])
    assert told["market_version"] != later["market_version"]
    assert told["worked_out_at"] < later["worked_out_at"]


async def test_the_version_of_a_market_is_of_all_it_rests_on(contracts: Contracts) -> None:
    """Each of these leaves the number of reports and the highest number of an act as they were."""
    first, _, _, other = await reported(contracts, [118, 122, 120, 119])
    for one in (first, other):
        await contracts.decide(one["id"], "looked_into", **STEWARD)

    async def version() -> str:
        return str((await estimate(contracts))["market_version"])

    versions = [await version(), await version()]
    assert versions[0] == versions[1]
    for change in (
        "UPDATE price_report_act SET act = 'upheld', reason = NULL, note = 'x' WHERE seq = 1",
        "DELETE FROM price_report_act WHERE seq = 1",
        f"UPDATE price_report SET cash_pen_m3 = 125 WHERE id = '{other['id']}'",
        f"UPDATE price_report SET sale_kind = 'related_party' WHERE id = '{other['id']}'",
    ):
        await contracts.as_admin(change)
        versions.append(await version())
    assert len(set(versions)) == 5


async def test_an_old_sale_that_is_reported_today_waits_like_a_new_one(contracts: Contracts) -> None:
    """Else who asks before and after sees by how much it moves the price, and whose it is."""
    await reported(contracts, [118, 122, 120])
    before = await estimate(contracts)

    late = a_report("tarde-001", "60", observed_on=SEEN)
    await contracts.post("/v1/price-reports", {"report": late}, org="comunidad-9")
    after = await estimate(contracts)
    assert after == before

    before_closed = (today() - timedelta(days=30)).replace(day=1) - timedelta(days=1)
    await contracts.as_admin(
        f"UPDATE price_report SET received_on = '{before_closed}' WHERE observed_on < '{before_closed}'"
    )
    assert (await estimate(contracts))["reporters"] == 4


async def test_questions_about_long_closed_months_leave_room_for_those_about_today(contracts: Contracts) -> None:
    estimates, name = Estimates(contracts.app.state.store, patience_s=0), "standing/stump"
    opened, months = threading.Event(), [today() - timedelta(days=400 + 40 * number) for number in range(4)]
    estimates._worker.submit(opened.wait)  # somebody else's large market

    for month in months[:2]:
        with pytest.raises(Unavailable):
            await estimates.told(month, name, today())
    for month in months[2:]:
        with pytest.raises(TooManyAttempts):
            await estimates.told(month, name, today())
    with pytest.raises(Unavailable):
        await estimates.told(today(), name, today())
    opened.set()
    estimates.close()


# --- books --------------------------------------------------------------------------------------------------------


async def test_a_steward_makes_a_book_of_the_reports_and_the_same_again_is_the_same(contracts: Contracts) -> None:
    contracts.log.silent = True
    await reported(contracts, HONEST)
    await reported(contracts, [200, 210], first=20, line=per_volume("200", "m3", "mean_of_ends", [LUPUNA]))

    made = await snapshot(contracts)
    again = await snapshot(contracts, 200)

    assert again == made
    [entry] = made["book"]["entries"]
    told = await estimate(contracts)
    assert (entry["species"], entry["grade"], entry["reporters"]) == (TORNILLO, "B", 12)
    assert (entry["low"], entry["mid"], entry["high"]) == (told["low"], told["mid"], told["high"])
    assert (made["id"], made["version"], made["book"]["as_of"]) == (
        "reports-madre-de-dios", 1, today().isoformat(),
    )  # fmt: skip
    assert entry["observed_on"] == f"{SEEN[:7]}-01"  # the month, and the day of nobody's sale
    by_day = f"/v1/price-books/{today().isoformat()}?region=madre-de-dios"
    assert await contracts.get(by_day, role=None) == made
    await contracts.get("/v1/price-books/2001-01-01?region=madre-de-dios", 404, role=None)
    await contracts.get(f"/v1/price-books/{today().isoformat()}", 422, role=None)


async def test_the_name_of_a_book_of_reports_is_taken_by_no_book_written_by_hand(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])
    by_hand = a_price_book(id="reports-madre-de-dios", region="ucayali")
    officer = {"role": "authority", "org": "gerfor-uc", "region": "ucayali"}

    refused = await contracts.post("/v1/price-books", by_hand, 409, **officer)
    await contracts.post("/v1/price-books", by_hand | {"id": "reportes-uc"}, 201, **officer)

    assert refused["slug"] == "book-name-reserved"
    await snapshot(contracts)


async def test_no_book_is_made_of_too_few_and_none_for_another_region(contracts: Contracts) -> None:
    await reported(contracts, [118, 122])
    officer = {"role": "authority", "org": "gerfor-lo", "region": "loreto"}

    assert (await snapshot(contracts, 409))["slug"] == "nothing-to-publish"
    assert (await snapshot(contracts, 409, as_of="2010-01-01"))["slug"] == "nothing-to-publish"
    await reported(contracts, [120], first=2)
    other = await contracts.post("/v1/price-books/snapshots", {"region": "madre-de-dios"}, 403, **officer)
    assert other["slug"] == "other-region"
    await snapshot(contracts)


async def test_an_estimate_of_grade_c_is_market_evidence_for_a_verdict_without_a_cost_book(
    contracts: Contracts,
) -> None:
    offer = an_offer(per_volume("60", "m3", "mean_of_ends"), lot=wood())
    body = {"offer": offer, "basis": {"on": today().isoformat()}}
    before = await contracts.post("/v1/appraisals/quick", body, 200)
    await reported(contracts, [118, 122, 120])
    made = await snapshot(contracts)

    after = await contracts.post("/v1/appraisals/quick", body, 200)

    assert before["verdict"] == "no_answer"
    [entry] = made["book"]["entries"]
    assert entry["grade"] == "C"
    assert after["total"]["fair_mid_m3"] == entry["mid"]
    assert after["verdict"] == "far_below"
    assert after["pins"]["price_book"]["sha256"] == made["sha256"]


async def test_whoever_would_carry_a_book_too_far_is_put_before_the_stewards_once(contracts: Contracts) -> None:
    await reported(contracts, [100, 102])
    [odd] = await reported(contracts, [190], first=2)
    made = await snapshot(contracts)

    listed = await contracts.get("/v1/price-reviews", **STEWARD)
    odd_seen = await contracts.get(f"/v1/price-reports/{odd['id']}", org="comunidad-2")
    await contracts.decide(odd["id"], "released", "boleta vista", **STEWARD)
    await reported(contracts, [101], first=3)
    await snapshot(contracts)

    assert made["book"]["entries"][0]["reporters"] == 3
    assert odd["id"] in {one["filed"]["id"] for one in listed["items"]}
    assert (odd_seen["state"], odd_seen["why"][0]["reason"]) == ("in_review", "influence")
    assert (await contracts.get(f"/v1/price-reports/{odd['id']}", org="comunidad-2"))["state"] == "counted"


# --- the log ------------------------------------------------------------------------------------------------------


async def test_a_published_book_is_said_to_the_log_once_however_long_custody_is_down(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])
    contracts.log.silent = True
    made = await snapshot(contracts)
    assert (made["log"]["state"], made["log"]["index"]) == ("pending", None)
    assert (await contracts.get("/healthz", role=None))["statements_pending"] == 1

    contracts.log.silent, contracts.log.loses_answers = False, 1
    await contracts.published()

    shown = await contracts.get("/v1/price-books/reports-madre-de-dios", role=None)
    assert shown["log"] == {"state": "in_log", "sid": contracts.log.sids[0], "origin": ORIGIN, "index": 0}
    assert shown["log"]["sid"] == made["log"]["sid"]
    [said] = contracts.log.log
    assert (said["type"], said["body"]["sha256"]) == ("price_book.published", made["sha256"])


async def test_what_the_log_refuses_waits_and_is_shown(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])
    contracts.log.refuses = lambda _: True
    await snapshot(contracts)
    await contracts.published()
    assert (await contracts.get("/v1/price-books/reports-madre-de-dios", role=None))["log"]["state"] == "refused"
    assert (await contracts.get("/healthz", role=None))["statements_refused"] == 1

    contracts.log.refuses = lambda _: False
    await contracts.as_admin("UPDATE outbox SET next_attempt_at = '-infinity'")
    async with asyncio.timeout(PATIENCE_S):
        while not contracts.log.log:
            contracts.app.state.publisher.wake.set()
            await asyncio.sleep(0.02)


async def test_the_pack_carries_what_was_hashed_and_where_the_log_says_so(contracts: Contracts) -> None:
    await reported(contracts, [118, 122, 120])
    made = await snapshot(contracts)
    await contracts.published()

    answer = await contracts.http.get("/v1/price-books/reports-madre-de-dios/pack")
    again = await contracts.http.get("/v1/price-books/reports-madre-de-dios/pack?version=1")
    pack = orjson.loads(gzip.decompress(answer.content))

    assert answer.headers["content-type"] == "application/gzip"
    assert answer.content == again.content
    assert hashlib.sha256(pack["content"].encode()).hexdigest() == pack["sha256"] == made["sha256"]
    assert orjson.loads(pack["content"]) == made["book"]
    assert (pack["format"], pack["log"]["index"]) == ("trozalog/price-pack/1", 0)


async def test_a_pack_of_all_the_cells_a_book_may_hold_fits_a_bad_network(contracts: Contracts) -> None:
    names = sorted(one.name for one in catalogue())[:100]
    places = [
        ("standing", "stump"),
        ("log", "roadside"),
        ("log", "river_port"),
        ("log", "mill_gate"),
        ("sawn", "mill_gate"),
        ("sawn", "wholesale_lima"),
    ]
    entries = [
        sawn(
            f"{100 + row}.{column}3", species, product=product, point_of_sale=point, unit="m3",
            rule="sawn" if product == "sawn" else "mean_of_ends", low=pen(f"{90 + row}.17"), high=pen(f"{200 + row}.29"),
            reporters=row + 3, source="reports: sealed, receipt, contract, bulletin, witnessed, oral",
        )
        for row, species in enumerate(names)
        for column, (product, point) in enumerate(places)
    ][:500]  # fmt: skip
    book = {
        "id": "los-de-la-ribera", "title": "Precios reportados", "region": "madre-de-dios", "licence": "CC BY 4.0",
        "as_of": "2026-11-01", "source": "reports", "entries": entries,
    }  # fmt: skip
    await contracts.post("/v1/price-books", book, **STEWARD)

    answer = await contracts.http.get("/v1/price-books/los-de-la-ribera/pack")

    assert len(entries) == 500
    assert len(answer.content) <= 200_000
