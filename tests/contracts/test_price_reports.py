"""Reported prices through the door: what is kept, what is refused, who sees what, and what holds a report back."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.contracts.api.house import today
from services.contracts.domain.price import PerVolume
from services.contracts.domain.price_report import pair_sha256
from services.contracts.filing import SealedSale, seal_report
from shared.web.auth import Caller
from tests.contracts.builders import LUPUNA, TORNILLO, a_report, pen, per_volume, t10
from tests.contracts.conftest import BUYER, Contracts

STEWARD = {"role": "operator", "org": "trozalog"}
PAIR = "5c" * 32
MILL = {"role": "company", "org": BUYER}


async def filed(contracts: Contracts, expect: int = 201, report: Any = None, **who: Any) -> Any:
    return await contracts.post("/v1/price-reports", {"report": report or a_report()}, expect, **who)


# --- filing -------------------------------------------------------------------------------------------------------


async def test_a_report_is_kept_as_it_was_said_with_what_it_comes_to(contracts: Contracts) -> None:
    line = per_volume("1.20", "pt", "doyle", [TORNILLO])

    made = await filed(contracts, report=a_report(line=line, logs=t10(), payment_delay_days=90))

    assert made["report"]["line"]["price"] == pen("1.20")
    assert (made["report"]["line"]["unit"], made["report"]["line"]["rule"]) == ("pt", "doyle")
    # W04: 3,459.78 PT Doyle, here of 13.770 m³ by the mean of ends.
    assert made["conversion"]["pen_m3"] == pen("301.51")
    assert made["conversion"]["cash_pen_m3"] == pen("289.45")  # 90 days at 18 % a year
    assert (made["conversion"]["factor_source"], made["conversion"]["terms"]) == ("logs", "market/1")
    assert (made["state"], made["why"], made["missing"]) == ("counted", [], [])
    assert await contracts.get(f"/v1/price-reports/{made['id']}") == made


async def test_dollars_are_converted_by_the_rate_the_report_names(contracts: Contracts) -> None:
    line = per_volume("1.60", "pt", "sawn", [TORNILLO], product="sawn", point_of_sale="mill_gate")
    line["price"] = {"amount": "1.60", "currency": "USD"}
    fx = {"pen_per_usd": "3.75", "on": "2026-09-14", "source": "SBS"}

    made = await filed(contracts, report=a_report(line=line, fx=fx))
    bare = await filed(contracts, report=a_report("sin-cambio", line=line))

    assert made["conversion"]["pen_m3"] == pen("2542.66")
    assert made["conversion"]["factor_source"] == "exact"
    assert (made["conversion"]["fx_on"], made["conversion"]["fx_source"]) == ("2026-09-14", "SBS")
    assert (bare["conversion"], bare["missing"]) == (None, ["fx"])


async def test_a_board_foot_price_without_logs_is_kept_and_says_what_it_lacks(contracts: Contracts) -> None:
    bare = await filed(contracts, report=a_report(line=per_volume("1.20", "pt", "doyle", [TORNILLO])))
    over = await filed(contracts, report=a_report("con-corteza", bark="over"))

    assert (bare["conversion"], bare["missing"]) == (None, ["diameters"])
    assert over["missing"] == ["bark"]


async def test_a_report_is_filed_once_however_often_it_is_sent(contracts: Contracts) -> None:
    first = await filed(contracts)
    again = await filed(contracts, 200)
    other = await filed(contracts, org="comunidad-b")

    assert first == again
    assert other["id"] != first["id"]
    assert other["reporter"] != first["reporter"]


async def test_an_id_says_one_thing_and_one_thing_has_one_id(contracts: Contracts) -> None:
    await filed(contracts)

    changed = await filed(contracts, 409, report=a_report(amount="121"))
    twice = await filed(contracts, 409, report=a_report("otro-nombre"))

    assert changed["slug"] == "report-id-taken"
    assert (twice["slug"], twice["facts"]["first"]) == ("duplicate-report", a_report()["id"])
    await filed(contracts, report=a_report("otro-nombre", volume_m3="81.000"))  # the twin of both


@pytest.mark.parametrize(
    ("wrong", "slug", "right"),
    [
        ({"observed_on": (today() + timedelta(days=1)).isoformat()}, "future-date", {"observed_on": today().isoformat()}),
        ({"evidence_sha256": None}, "evidence-missing", {"evidence_sha256": None, "tier": "oral"}),
        ({"tier": "sealed"}, "sealed-by-settlement", {"tier": "contract"}),
        ({"side": "buyer"}, "side-not-yours", {"side": "seller"}),
        ({"line": per_volume("100001", "m3", "smalian", [TORNILLO])}, "absurd-price", {}),
        ({"line": per_volume("1000", "pt", "doyle", [TORNILLO]), "logs": t10()}, "absurd-price", {}),
        ({"line": per_volume("0.50", "m3", "smalian", [TORNILLO])}, "absurd-price", {}),
        ({"payment_delay_days": 36_500}, "absurd-price", {"payment_delay_days": 365}),
        ({"line": per_volume("1,20", "m3", "smalian", [TORNILLO])}, "decimal-comma", {}),
        ({"line": per_volume("120", "m3", "smalian")}, "malformed", {}),
        ({"line": per_volume("120", "m3", "smalian", [TORNILLO, LUPUNA])}, "malformed", {}),
        ({"low": pen("130")}, "malformed", {"low": pen("110"), "high": pen("130")}),
        ({"low": {"amount": "1", "currency": "USD"}}, "malformed", {}),
        ({"side": "bulletin"}, "malformed", {}),
        ({"fx": {"pen_per_usd": "3.7", "on": "2026-09-16", "source": "x"}}, "malformed", {}),
        ({"diameter": {"from_mm": 500, "to_mm": 400}}, "malformed", {"diameter": {"from_mm": 400, "to_mm": 500}}),
        ({"line": per_volume("120", "m3", "smalian", [TORNILLO], product="log")}, "malformed",
         {"line": per_volume("120", "m3", "smalian", [TORNILLO], product="log", point_of_sale="mill_gate")}),
    ],
)  # fmt: skip
async def test_what_is_no_report_is_refused_and_its_twin_passes(
    contracts: Contracts, wrong: dict[str, Any], slug: str, right: dict[str, Any]
) -> None:
    refused = await filed(contracts, None, report=a_report(**wrong))  # type: ignore[arg-type]

    assert refused["slug"] == slug
    assert refused["detail_es"] != refused["detail_en"]
    await filed(contracts, report=a_report(**right))


@pytest.mark.parametrize("part", ["unit", "rule", "point_of_sale", "price", "product"])
async def test_a_price_without_unit_rule_point_or_currency_does_not_exist(contracts: Contracts, part: str) -> None:
    line = per_volume("120", "m3", "mean_of_ends", [TORNILLO])
    del line[part]

    refused = await filed(contracts, 422, report=a_report(line=line))

    assert part in refused["errors"][0]["where"]


async def test_a_decimal_comma_is_read_where_the_body_states_it(contracts: Contracts) -> None:
    body = {"decimal_mark": ",", "report": a_report(amount="1.120,50", volume_m3="80,5")}

    made = await contracts.post("/v1/price-reports", body)

    assert made["report"]["line"]["price"] == pen("1120.50")
    assert made["report"]["volume_m3"] == "80.500"


async def test_an_officer_files_a_bulletin_with_its_source(contracts: Contracts) -> None:
    bulletin = {
        "side": "bulletin",
        "tier": "bulletin",
        "source": "Boletín",
        "licence": "CC BY 4.0",
        "evidence_sha256": None,
    }

    made = await filed(contracts, report=a_report(**bulletin), **STEWARD)

    assert made["report"]["source"] == "Boletín"
    assert (await filed(contracts, 403, report=a_report(**bulletin)))["slug"] == "side-not-yours"


# --- who sees it --------------------------------------------------------------------------------------------------


async def test_a_report_is_seen_by_its_author_and_by_the_stewards_of_its_region(contracts: Contracts) -> None:
    made = await filed(contracts)
    review = f"/v1/price-reviews/{made['id']}"

    assert (await contracts.get("/v1/price-reports"))["items"] == [made]
    assert (await contracts.get("/v1/price-reports", org="comunidad-b"))["items"] == []
    await contracts.get(f"/v1/price-reports/{made['id']}", 404, org="comunidad-b")
    seen = await contracts.get(review, **STEWARD)
    assert (seen["org"], seen["filed"]) == ("comunidad-a", made)
    await contracts.get(review, role="authority", org="gerfor-md", region="madre-de-dios")
    await contracts.get(review, role="authority", org="gerfor-lo", region="*")
    await contracts.get(review, 404, role="authority", org="gerfor-lo", region="loreto")
    await contracts.get(review, 404, role="authority", org="gerfor-lo")


async def test_an_author_takes_a_report_back_and_it_stays_on_record(contracts: Contracts) -> None:
    made = await filed(contracts)
    path = f"/v1/price-reports/{made['id']}/retraction"

    back = await contracts.post(path, {"reason": "era otra especie"}, 200)
    again = await contracts.post(path, {"reason": "otra vez"}, 200)

    assert (back["state"], back["why"][0]["es"]) == ("retracted", "era otra especie")
    assert again == back
    assert back["report"] == made["report"]
    await contracts.post(path, {"reason": "no es mío"}, 404, org="comunidad-b")


async def test_pages_of_own_reports_hold_each_once(contracts: Contracts) -> None:
    for number in range(5):
        await filed(contracts, report=a_report(f"reporte-{number}", str(100 + number)))

    first = await contracts.get("/v1/price-reports?limit=3")
    second = await contracts.get(f"/v1/price-reports?limit=3&cursor={first['next']}")

    ids = [one["report"]["id"] for one in (*first["items"], *second["items"])]
    assert ids == [f"reporte-{number}" for number in (4, 3, 2, 1, 0)]
    assert second["next"] is None


# --- both sides, reviews ------------------------------------------------------------------------------------------


async def both_sides(contracts: Contracts, seller: str, buyer: str) -> tuple[Any, Any]:
    sold = await filed(contracts, report=a_report(amount=seller, counterpart_sha256=PAIR))
    bought = await filed(contracts, report=a_report("compra-001", buyer, side="buyer", counterpart_sha256=PAIR), **MILL)
    return await contracts.get(f"/v1/price-reports/{sold['id']}"), bought


async def test_two_sides_that_differ_by_more_than_five_percent_are_held_and_told_why(contracts: Contracts) -> None:
    sold, bought = await both_sides(contracts, "100", "106")

    for one in (sold, bought):
        assert (one["state"], [why["reason"] for why in one["why"]]) == ("held", ["sides_differ"])
        assert "6 %" in one["why"][0]["es"]
        assert "6 %" in one["why"][0]["en"]
    open_reviews = await contracts.get("/v1/price-reviews", **STEWARD)
    assert {one["org"] for one in open_reviews["items"]} == {"comunidad-a", BUYER}


async def test_two_sides_within_five_percent_both_stand(contracts: Contracts) -> None:
    sold, bought = await both_sides(contracts, "100", "105")

    assert (sold["state"], bought["state"]) == ("counted", "counted")
    assert (await contracts.get("/v1/price-reviews", **STEWARD))["items"] == []


@pytest.mark.parametrize(
    ("said", "bought", "named"),
    [
        # The same number, and another price.
        (per_volume("1.20", "pt", "doyle", [TORNILLO]), per_volume("1.20", "pt", "oxapampina", [TORNILLO]), "regla"),
        (per_volume("120", "m3", "mean_of_ends", [TORNILLO], product="log", point_of_sale="roadside"),
         per_volume("120", "m3", "mean_of_ends", [TORNILLO], product="log", point_of_sale="mill_gate"), "punto de venta"),
        (per_volume("120", "m3", "mean_of_ends", [TORNILLO]),
         per_volume("120", "m3", "mean_of_ends", [TORNILLO], product="log", point_of_sale="roadside"), "producto"),
    ],
)  # fmt: skip
async def test_two_sides_that_say_the_same_number_of_another_thing_are_held_and_told_of_what(
    contracts: Contracts, said: Any, bought: Any, named: str
) -> None:
    sold = await filed(contracts, report=a_report(line=said, counterpart_sha256=PAIR))
    other = a_report("compra-001", line=bought, side="buyer", counterpart_sha256=PAIR)

    answer = await filed(contracts, report=other, **MILL)

    for one in (await contracts.get(f"/v1/price-reports/{sold['id']}"), answer):
        assert (one["state"], [why["reason"] for why in one["why"]]) == ("held", ["sides_differ"])
        assert named in one["why"][0]["es"]
    again = await filed(
        contracts, report=a_report("compra-002", line=said, side="buyer", counterpart_sha256=PAIR), **MILL
    )
    assert again["state"] == "counted"  # its twin: said as the seller says it


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "60", "observed_on": "2026-07-15"},  # another delivery under the same paper
        {"line": per_volume("60", "m3", "mean_of_ends", [LUPUNA])},  # its other species
        {"line": per_volume("0.10", "pt", "doyle", [TORNILLO])},  # comes to nothing that is known
    ],
)
async def test_prices_that_are_not_of_one_thing_are_not_held_against_each_other(
    contracts: Contracts, other: dict[str, Any]
) -> None:
    sold = await filed(contracts, report=a_report(counterpart_sha256=PAIR))

    bought = await filed(
        contracts, report=a_report("compra-001", **other, side="buyer", counterpart_sha256=PAIR), **MILL
    )

    assert bought["state"] == (await contracts.get(f"/v1/price-reports/{sold['id']}"))["state"] == "counted"


async def test_dollars_on_one_side_and_soles_on_the_other_are_compared_by_what_they_come_to(
    contracts: Contracts,
) -> None:
    fx = {"pen_per_usd": "3.75", "on": "2026-09-14", "source": "SBS"}
    dollars = per_volume("0", "m3", "mean_of_ends", [TORNILLO])
    sold = await filed(contracts, report=a_report(amount="120", counterpart_sha256=PAIR))
    for number, (amount, state) in enumerate((("32", "counted"), ("30", "held"))):
        dollars["price"] = {"amount": amount, "currency": "USD"}
        report = a_report(f"compra-00{number}", line=dollars, fx=fx, side="buyer", counterpart_sha256=PAIR)
        assert (await filed(contracts, report=report, **MILL))["state"] == state
    assert (await contracts.get(f"/v1/price-reports/{sold['id']}"))["state"] == "held"


async def test_a_steward_releases_or_upholds_and_the_author_reads_it(contracts: Contracts) -> None:
    sold, bought = await both_sides(contracts, "100", "50")

    released = await contracts.decide(sold["id"], "released", "boleta vista", **STEWARD)
    upheld = await contracts.decide(bought["id"], "upheld", "no coincide", **STEWARD)

    assert (released["filed"]["state"], upheld["filed"]["state"]) == ("counted", "held")
    seen = await contracts.get(f"/v1/price-reports/{bought['id']}", **MILL)
    assert seen["why"][0]["es"] == "no coincide"
    assert (await contracts.get("/v1/price-reviews", **STEWARD))["items"] == []


async def test_what_a_steward_let_stand_is_not_held_again_by_one_more_contradiction(contracts: Contracts) -> None:
    sold, _ = await both_sides(contracts, "100", "50")
    await contracts.decide(sold["id"], "released", "boleta vista", **STEWARD)

    again = a_report("compra-002", "49", side="buyer", counterpart_sha256=PAIR)
    bought = await filed(contracts, report=again, **MILL)

    assert bought["state"] == "held"
    assert (await contracts.get(f"/v1/price-reports/{sold['id']}"))["state"] == "counted"


async def test_a_decision_needs_something_to_decide(contracts: Contracts) -> None:
    made = await filed(contracts)

    nothing = await contracts.decide(made["id"], "released", expect=409, **STEWARD)
    looked = await contracts.decide(made["id"], "looked_into", "precio raro", **STEWARD)
    await contracts.post(f"/v1/price-reports/{made['id']}/retraction", {"reason": "x"}, 200)
    gone = await contracts.decide(made["id"], "upheld", expect=409, **STEWARD)

    assert nothing["slug"] == "nothing-to-release"
    assert (looked["filed"]["state"], looked["filed"]["why"][0]["reason"]) == ("held", "by_hand")
    assert "precio raro" in looked["filed"]["why"][0]["es"]
    assert gone["slug"] == "report-retracted"


async def test_nobody_decides_about_the_own_report(contracts: Contracts) -> None:
    officer = {"role": "authority", "org": "gerfor-md", "region": "madre-de-dios"}
    made = await filed(contracts, report=a_report(side="authority"), **officer)

    assert (await contracts.decide(made["id"], "upheld", expect=403, **officer))["slug"] == "own-report"
    await contracts.decide(made["id"], "upheld", **STEWARD)


async def test_a_decision_is_of_what_was_read_and_of_nothing_that_came_after(contracts: Contracts) -> None:
    """The steward reads a report in review; meanwhile another steward decides, and what is read again may be decided."""
    sold, _ = await both_sides(contracts, "100", "50")
    read = (await contracts.get(f"/v1/price-reviews/{sold['id']}", **STEWARD))["seen_sha256"]
    await contracts.decide(sold["id"], "upheld", "falta la boleta", **STEWARD)

    late = await contracts.decide(sold["id"], "released", expect=409, seen=read, **STEWARD)
    again = await contracts.decide(sold["id"], "released", seen=late["facts"]["seen_sha256"], **STEWARD)

    assert (late["slug"], again["filed"]["state"]) == ("review-moved-on", "counted")
    kept = await contracts.as_admin_read(
        f"SELECT act, seen_sha256 FROM price_report_act WHERE report_id = '{sold['id']}' ORDER BY seq"
    )
    assert kept == [("review_opened", None), ("upheld", read), ("released", late["facts"]["seen_sha256"])]


async def test_of_two_stewards_who_decide_on_one_reading_one_is_told_to_read_again(contracts: Contracts) -> None:
    sold, _ = await both_sides(contracts, "100", "50")
    read = (await contracts.get(f"/v1/price-reviews/{sold['id']}", **STEWARD))["seen_sha256"]

    made = await asyncio.gather(
        *(contracts.decide(sold["id"], one, expect=None, seen=read, **STEWARD) for one in ("released", "upheld"))
    )

    assert sorted(one.get("slug", "decided") for one in made) == ["decided", "review-moved-on"]


async def test_related_parties_are_a_stewards_word_and_the_last_counts(contracts: Contracts) -> None:
    relation = {"org": "comunidad-b", "other": "aserradero-1", "reason": "mismo gerente"}

    made = await contracts.post("/v1/related-parties", relation, **STEWARD)
    await contracts.post("/v1/related-parties", relation | {"linked": False, "reason": "ya no"}, **STEWARD)
    listed = await contracts.get("/v1/related-parties", **STEWARD)

    assert (made["org"], made["other"], made["linked"]) == ("aserradero-1", "comunidad-b", True)
    assert [(one["linked"], one["reason"]) for one in listed["items"]] == [(False, "ya no")]
    await contracts.post("/v1/related-parties", relation | {"other": "comunidad-b"}, 422, **STEWARD)


async def test_an_officer_relates_only_who_reports_in_the_own_region_alone(contracts: Contracts) -> None:
    officer = {"role": "authority", "org": "gerfor-md", "region": "madre-de-dios"}
    for org, region in (("a1", "madre-de-dios"), ("b1", "madre-de-dios"), ("c1", "loreto"), ("d1", "madre-de-dios")):
        await filed(contracts, report=a_report(f"reporte-{org}", region=region), org=org)
    await filed(contracts, report=a_report("reporte-d2", region="loreto"), org="d1")

    async def relate(one: str, other: str, expect: int = 201, **who: Any) -> Any:
        return await contracts.post("/v1/related-parties", {"org": one, "other": other, "reason": "x"}, expect, **who)

    for other in ("c1", "d1", "nobody-1"):
        refused = await relate("a1", other, 403, **officer)
        assert refused["slug"] == "reporters-of-other-regions"
        assert "loreto" not in str(refused)
    await relate("a1", "b1", 403, **officer | {"region": "loreto"})
    await relate("a1", "b1", 403, **officer | {"region": None})
    await relate("a1", "b1", **officer)
    await relate("a1", "c1", **officer | {"region": "*"})
    await relate("d1", "c1", **STEWARD)

    async def seen(**who: Any) -> list[tuple[str, str]]:
        listed = await contracts.get("/v1/related-parties", **who)
        return [(one["org"], one["other"]) for one in listed["items"]]

    assert await seen(**officer) == [("a1", "b1"), ("a1", "c1"), ("c1", "d1")]
    assert await seen(**officer | {"region": "loreto"}) == [("a1", "c1"), ("c1", "d1")]
    assert await seen(**officer | {"region": "ucayali"}) == []


async def test_the_database_refuses_a_relation_of_another_region_too(contracts: Contracts) -> None:
    insert = (
        "INSERT INTO related_party (org, other, linked, reason, by_org, by_sub)"
        " VALUES ('a1', 'b1', true, 'x', 'gerfor-md', 'u')"
    )
    for org, region in (("a1", "madre-de-dios"), ("b1", "loreto")):
        await filed(contracts, report=a_report(f"reporte-{org}", region=region), org=org)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_app(contracts, insert, "gerfor-md", "authority", "madre-de-dios")
    await contracts.as_admin("UPDATE price_report SET region = 'madre-de-dios'")
    await as_app(contracts, insert, "gerfor-md", "authority", "madre-de-dios")


# --- sealed -------------------------------------------------------------------------------------------------------


async def test_a_closed_settlement_files_a_sealed_report_of_the_seller_once(contracts: Contracts) -> None:
    line = PerVolume.model_validate(per_volume("120", "m3", "mean_of_ends", [TORNILLO]))
    sale = SealedSale(
        "7f6d", 0, "cd" * 32, "comunidad-a", BUYER, line, "madre-de-dios", "negotiated", today(), 30,
        line.price.amount,
    )  # fmt: skip
    buyer = Caller("u-2", BUYER, frozenset({"company"}), None)
    store = contracts.app.state.store

    await filed(contracts, report=a_report("settlement.7f6d.0", "200"))  # whoever takes its name beforehand

    ids = []
    for _ in range(2):
        async with store.db.transaction(buyer) as tx:
            ids.append(await seal_report(tx, sale, today(), buyer))
    sealed, early = (await contracts.get("/v1/price-reports"))["items"]

    assert ids == [sealed["id"]] * 2
    assert early["id"] != sealed["id"]
    assert (sealed["report"]["tier"], sealed["conversion"]["pen_m3"]) == ("sealed", pen("120.00"))
    assert sealed["report"]["counterpart_sha256"] == pair_sha256("comunidad-a", BUYER, "cd" * 32)
    await contracts.get(f"/v1/price-reports/{sealed['id']}", 404, **MILL)


# --- the database says no too -------------------------------------------------------------------------------------


async def as_app(contracts: Contracts, statement: str, org: str = "", roles: str = "", region: str = "") -> Any:
    app = await asyncpg.connect(contracts.database.app_dsn)
    try:
        async with app.transaction():
            await app.execute(
                "SELECT set_config('app.org', $1, true), set_config('app.roles', $2, true),"
                " set_config('app.region', $3, true)", org, roles, region,
            )  # fmt: skip
            return await app.fetch(statement)
    finally:
        await app.close()


async def test_row_level_security_hides_reports_acts_and_relations(contracts: Contracts) -> None:
    sold, _ = await both_sides(contracts, "100", "120")
    await contracts.post("/v1/related-parties", {"org": "a1", "other": "b1", "reason": "x"}, **STEWARD)

    async def seen(org: str, roles: str = "manager") -> list[int]:
        tables = ("price_report", "price_report_act", "related_party")
        return [len(await as_app(contracts, f"SELECT 1 FROM {name}", org, roles)) for name in tables]

    assert await seen("comunidad-a") == [1, 1, 0]
    assert await seen("comunidad-b") == [0, 0, 0]
    assert await seen("", "") == [0, 0, 0]
    assert await seen("trozalog", "operator") == [2, 2, 1]
    assert sold["state"] == "held"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE price_report SET amount = 1", "DELETE FROM price_report_act", "SELECT salt FROM reporter_salt",
        "UPDATE related_party SET linked = false", "TRUNCATE price_report",
        "INSERT INTO price_report_act (report_id, act, facts, note, by_org, by_sub)"
        " SELECT id, 'upheld', '{}', 'x', 'comunidad-a', 'u' FROM price_report",
    ],
)  # fmt: skip
async def test_nobody_rewrites_a_report_or_judges_the_own_past_the_service(
    contracts: Contracts, statement: str
) -> None:
    await filed(contracts)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_app(contracts, statement, "comunidad-a", "manager,operator")


async def test_what_is_asked_across_organisations_names_none(contracts: Contracts) -> None:
    await both_sides(contracts, "100", "101")

    rows = await as_app(contracts, "SELECT * FROM price_observations('2020-01-01', '2027-01-01')")

    assert len(rows) == 2
    assert "comunidad-a" not in str(rows)
    assert BUYER not in str(rows)
