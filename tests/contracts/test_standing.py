"""Whether a party is in the lists of sanctions on a day: what no list covers is unknown, never clear."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.api.house import today
from services.contracts.domain.border import Contradiction
from services.contracts.domain.offer import Offer
from services.contracts.domain.standing import Sanction, Snapshot, ruc_check_digit, standing_on
from tests.contracts.builders import an_offer
from tests.contracts.conftest import Contracts
from tests.contracts.test_api import STEWARD, basis

# Made for the tests: eleven digits whose last one is right. Of whom they might be is unknown and does not matter.
RUC, OTHER = (f"{body}{ruc_check_digit(body)}" for body in ("2000000000", "2099999999"))
FILE = "cd" * 32
DAY = date(2026, 11, 22)


def a_sanction(ruc: str = RUC, **more: Any) -> dict[str, Any]:
    line = {"ruc": ruc, "reason": "Extracción no autorizada", "resolution": "RD 001-2026-PRUEBA", "since": "2026-06-01"}
    return line | more


def a_list(*entries: Any, **more: Any) -> dict[str, Any]:
    read = {
        "id": "lista-prueba", "title": "Sancionados", "as_of": "2026-11-20", "valid_days": 7, "source": "Fuente de prueba",
        "document_sha256": FILE, "entries": list(entries),
    }  # fmt: skip
    return read | more


async def standing(contracts: Contracts, ruc: str = RUC, on: str = "2026-11-22") -> Any:
    return await contracts.get(f"/v1/parties/{ruc}/standing?on={on}", role=None)


async def test_a_party_is_listed_not_listed_or_unknown(contracts: Contracts) -> None:
    nothing = await standing(contracts)
    await contracts.post("/v1/sanction-lists", a_list(a_sanction()), **STEWARD)

    listed, clear = await standing(contracts), await standing(contracts, OTHER)
    before, long_after = await standing(contracts, on="2026-11-19"), await standing(contracts, OTHER, "2026-11-28")

    assert [one["state"] for one in (nothing, listed, clear, before, long_after)] == [
        "unknown", "listed", "not_listed", "unknown", "unknown",
    ]  # fmt: skip
    assert listed["sanctions"] == [{"list": "lista-prueba", **a_sanction(), "until": None}]
    assert listed["lists"][0]["document_sha256"] == FILE
    assert (listed["es"], nothing["en"]) == ("Aparece en: lista-prueba.", "Unknown: nobody has loaded a list.")
    assert "lista-prueba" in long_after["es"]


async def test_each_snapshot_speaks_for_its_own_days_also_when_it_is_loaded_later(contracts: Contracts) -> None:
    await contracts.post("/v1/sanction-lists", a_list(), **STEWARD)
    await contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of="2026-11-01", valid_days=30), **STEWARD)

    assert (await standing(contracts, on="2026-11-19"))["state"] == "listed"
    assert (await standing(contracts, on="2026-11-20"))["state"] == "not_listed"


async def test_two_lists_must_both_cover_the_day_for_nobody_to_be_in_them(contracts: Contracts) -> None:
    await contracts.post("/v1/sanction-lists", a_list(a_sanction()), **STEWARD)
    await contracts.post("/v1/sanction-lists", a_list(id="otra-lista", as_of="2026-10-01"), **STEWARD)

    assert (await standing(contracts))["state"] == "listed"
    assert (await standing(contracts, OTHER))["state"] == "unknown"
    await contracts.post("/v1/sanction-lists", a_list(id="otra-lista", as_of="2026-11-21"), **STEWARD)
    assert (await standing(contracts, OTHER))["state"] == "not_listed"


async def test_a_list_is_kept_once_by_whoever_began_it(contracts: Contracts) -> None:
    first = await contracts.post("/v1/sanction-lists", a_list(a_sanction()), **STEWARD)
    again = await contracts.post("/v1/sanction-lists", a_list(a_sanction()), 200, **STEWARD)
    corrected = await contracts.post("/v1/sanction-lists", a_list(), **STEWARD)
    regional = {"role": "authority", "org": "gerfor-md", "region": "madre-de-dios"}

    refused = await contracts.post("/v1/sanction-lists", a_list(), 403, **regional)
    other = await contracts.post("/v1/sanction-lists", a_list(), 403, role="authority", org="osinfor", region="*")

    assert again == first
    assert (corrected["version"], corrected["entries"]) == (2, 0)
    assert (refused["slug"], other["slug"]) == ("other-region", "book-of-another")
    assert (await standing(contracts))["state"] == "not_listed"
    listed = await contracts.get("/v1/sanction-lists", role=None)
    assert listed["items"] == [corrected]


async def test_no_list_is_of_a_day_that_has_not_come(contracts: Contracts) -> None:
    await contracts.post("/v1/sanction-lists", a_list(as_of=today().isoformat()), **STEWARD)
    ahead = (today() + timedelta(days=1)).isoformat()

    refused = await contracts.post("/v1/sanction-lists", a_list(a_sanction(), as_of=ahead), 422, **STEWARD)

    assert (refused["slug"], refused["facts"]["where"]) == ("future-date", "body.as_of")
    assert (await standing(contracts, on=today().isoformat()))["state"] == "not_listed"


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        (a_list(a_sanction(RUC[:-1] + str((int(RUC[-1]) + 1) % 10))), "ruc"),
        (a_list(a_sanction("30" + RUC[2:])), "ruc"),
        (a_list(a_sanction(until="2026-05-31")), "until"),
        (a_list(document_sha256="abc"), "document_sha256"),
    ],
)
async def test_a_line_that_cannot_be_is_refused_in_both_languages_and_the_twin_is_not(
    contracts: Contracts, bad: Any, where: str
) -> None:
    refused = await contracts.post("/v1/sanction-lists", bad, 422, **STEWARD)

    assert refused["slug"] == ("dates-out-of-order" if where == "until" else "malformed")
    assert where in refused["detail_es"] + str(refused["facts"])
    assert refused["detail_es"] != refused["detail_en"]
    await contracts.post("/v1/sanction-lists", a_list(a_sanction(until="2026-06-01")), 201, **STEWARD)


async def test_a_number_that_is_no_ruc_has_no_standing(contracts: Contracts) -> None:
    wrong = await contracts.get("/v1/parties/12345678901/standing", 422, role=None)

    assert (wrong["slug"], "RUC" in wrong["detail_es"]) == ("malformed", True)
    await standing(contracts)


async def test_l06_reads_the_lists_on_the_day_of_the_signature(contracts: Contracts) -> None:
    async def l06(**more: Any) -> Any:
        body = {"offer": an_offer(buyer_ruc=RUC, **more), "basis": basis()}
        found = await contracts.post("/v1/appraisals/quick", body, 200)
        return next(flag for flag in found["flags"] if flag["code"] == "L06")

    unread = await l06()
    sanction = a_sanction(since="2026-11-10")
    await contracts.post("/v1/sanction-lists", a_list(sanction, as_of="2026-11-05", valid_days=30), **STEWARD)
    raised, before_it = await l06(), await l06(terms={"signed_on": "2026-11-09"})

    assert [one["state"] for one in (unread, raised, before_it)] == ["unknown", "raised", "clear"]
    assert raised["severity"] == "S"
    assert raised["evidence"]["standing"]["lists"][0]["sha256"]
    assert raised["evidence"]["standing"]["sanctions"][0]["resolution"] == "RD 001-2026-PRUEBA"


async def test_a_list_that_the_parties_read_counts_beside_ours_and_one_that_names_the_buyer_is_enough(
    contracts: Contracts,
) -> None:
    await contracts.post("/v1/sanction-lists", a_list(), **STEWARD)
    said = {"listed": True, "on": "2026-11-20", "list_sha256": "ab" * 32}

    found = await contracts.post(
        "/v1/appraisals/quick", {"offer": an_offer(buyer_ruc=RUC, terms={"sanctions": said}), "basis": basis()}, 200
    )

    l06 = next(flag for flag in found["flags"] if flag["code"] == "L06")
    assert (l06["state"], l06["evidence"]["standing"]["state"]) == ("raised", "not_listed")


async def test_what_the_parties_say_they_read_never_clears_the_buyer(contracts: Contracts) -> None:
    said = {"listed": False, "on": "2019-01-01", "list_sha256": "ab" * 32}

    async def l06() -> Any:
        body = {"offer": an_offer(buyer_ruc=RUC, terms={"sanctions": said}), "basis": basis()}
        found = await contracts.post("/v1/appraisals/quick", body, 200)
        return next(flag["state"] for flag in found["flags"] if flag["code"] == "L06")

    no_list = await l06()
    await contracts.post("/v1/sanction-lists", a_list(as_of="2026-11-01", valid_days=7), **STEWARD)
    other_day = await l06()
    await contracts.post("/v1/sanction-lists", a_list(as_of="2026-11-20"), **STEWARD)

    assert (no_list, other_day, await l06()) == ("unknown", "unknown", "clear")


def test_a_ruc_in_an_offer_is_checked_and_its_absence_changes_no_hash() -> None:
    assert Offer.model_validate(an_offer(buyer_ruc=RUC)).buyer_ruc == RUC
    assert "buyer_ruc" not in Offer.model_validate(an_offer()).model_dump(mode="json")
    with pytest.raises(Contradiction):
        Offer.model_validate(an_offer(buyer_ruc=RUC[::-1]))


@given(st.text("0123456789", min_size=10, max_size=10), st.integers(0, 9), st.integers(1, 9))
def test_the_check_digit_finds_every_single_wrong_digit_but_for_the_two_remainders_that_share_one(
    body: str, place: int, by: int
) -> None:
    """Modulo 11 finds one wrong digit; remainders 10 and 0 are written with digits 1 and 0 also have, hence ``or``."""
    changed = body[:place] + str((int(body[place]) + by) % 10) + body[place + 1 :]
    weights = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)

    def remainder(digits: str) -> int:
        return 11 - sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 11

    assert ruc_check_digit(body) == str({10: 0, 11: 1}.get(remainder(body), remainder(body)))
    shared = {remainder(body), remainder(changed)} in ({10, 11 - 11}, {11, 1})
    assert ruc_check_digit(body) != ruc_check_digit(changed) or shared


days = st.integers(-40, 40).map(lambda n: DAY + timedelta(days=n))
sanctions = st.builds(
    lambda since, length: Sanction(ruc=RUC, reason="x", resolution="r", since=since, until=since + timedelta(days=length)),
    days, st.integers(0, 60),
)  # fmt: skip
snapshots = st.lists(
    st.builds(
        lambda name, as_of, valid, held: Snapshot(name, as_of, valid, "s", "d", tuple(held)),
        st.sampled_from("abc"), st.none() | days, st.integers(1, 30), st.lists(sanctions, max_size=2),
    ),
    max_size=3, unique_by=lambda one: one.list,
)  # fmt: skip


@given(snapshots, days)
def test_silence_is_never_good_news(read: list[Snapshot], day: date) -> None:
    found = standing_on(RUC, day, read)

    covers = [one.as_of is not None and one.as_of <= day <= one.as_of + timedelta(days=one.valid_days) for one in read]
    named = any(
        covered and any(s.since <= day and (s.until is None or day <= s.until) for s in one.sanctions)
        for one, covered in zip(read, covers, strict=True)
    )
    assert (found.state == "listed") is named
    assert (found.state == "not_listed") is (not named and bool(read) and all(covers))
    assert standing_on(RUC, day, read[::-1]).state == found.state
