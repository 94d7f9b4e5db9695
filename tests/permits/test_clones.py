"""F13 over the plans of everybody: found among those handed in, told only as far as the reader may see, decided by people."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
import shapely

from deploy.corpus.filed import filed
from deploy.corpus.forgeries import clone_of
from deploy.corpus.listing import Listing, joined
from services.permits.domain.census import Tree
from services.permits.domain.forensics.clones import Match, match_plans
from services.permits.domain.forensics.fingerprint import (
    asked_of,
    dated,
    handed_in_now,
    packed,
    sketch_of,
    unpacked,
)
from services.permits.domain.forensics.found_plan import Order
from services.permits.domain.forensics.stand import stand_of
from services.permits.domain.land import measure
from tests.permits.conftest import MANAGER, NEIGHBOUR, OFFICER, SECOND, SUPERVISOR, Permits, Person, a_plan, a_title
from tests.permits.forensics_plans import honest, rng

DECISION = {"resolution": "RGR-0000-2026"}


@pytest.fixture
async def permits(open_permits: Any) -> Permits:
    return await (await open_permits()).introduce()


def cut(plan: Listing, trees: int = 400) -> Listing:
    """The trees of a corner of the plan, so that a test takes no longer than it must."""
    nearest = np.argsort(np.hypot(plan.x_m - plan.x_m[0], plan.y_m - plan.y_m[0]))[:trees]
    part = filed(plan.at(np.sort(nearest)), rng(), date(2026, 11, 28))
    return replace(part, land=shapely.MultiPoint(np.column_stack([part.x_m, part.y_m])).convex_hull.buffer(60))


def copied(plan: Listing, seed: int = 5) -> Listing:
    """Another community's plan: carried elsewhere, turned, shuffled, with noise in every measure."""
    return clone_of(plan, rng(seed), turned=True, noisy=True)


async def handed_in(permits: Permits, plan: str, who: Person, listing: Listing, folder: Path) -> None:
    """The community registers land round the plan and hands it in with this census."""
    await titled(permits, plan, who, listing)
    await permits.agreed(plan, who, regent=None)
    area = {"code": "PC 01", "area_m2": round(listing.land.area)}
    await permits.post("/v1/plans", who, a_plan(id=plan, title=f"T-{plan}", regent=None, parcels=[area]))
    await uploaded(permits, plan, who, listing, folder)
    await permits.post(f"/v1/plans/{plan}/submit", who)


async def titled(permits: Permits, plan: str, who: Person, listing: Listing) -> None:
    """A title of the community round these trees."""
    around = shapely.from_geojson(json.dumps(listing.geometry())).buffer(0.005).convex_hull
    polygon = json.loads(shapely.to_geojson(around))
    title = a_title(number=f"T-{plan}", org=who.org, polygon=polygon, declared_area_m2=measure.area_m2(polygon))
    await permits.post("/v1/titles", OFFICER, title)


async def uploaded(permits: Permits, plan: str, who: Person, listing: Listing, folder: Path) -> None:
    file = folder / f"{plan}.csv"
    listing.write(file)
    await permits.upload(file.read_bytes(), who, plan)


async def f13(permits: Permits, plan: str, who: Person) -> Any:
    """The one finding of the rule in the last review."""
    said = (await permits.get(f"/v1/plans/{plan}/findings", who))["findings"]
    (one,) = [one for one in said if one["rule"] == "F13"]
    return one


async def test_a_clone_of_another_communitys_plan_is_refused_and_honest_neighbours_are_not(
    permits: Permits, tmp_path: Path
) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    await handed_in(permits, "PO-B", NEIGHBOUR, copied(original), tmp_path)
    await handed_in(permits, "PO-C", MANAGER, cut(honest(2)), tmp_path)

    clone = await f13(permits, "PO-B", NEIGHBOUR)
    assert (clone["status"], clone["severity"], clone["blocks"]) == ("FAIL", "S4", "stands")
    await permits.answered("PO-B", NEIGHBOUR)
    problem = await permits.refused("findings-open", "/v1/plans/PO-B/approve", OFFICER, DECISION)
    assert "F13 (S4)" in problem["facts"]["names"]

    # The plan that was copied is told of it and has nothing to answer; the neighbour shares no tree with either.
    for plan, status, severity in (("PO-A", "FAIL", "S1"), ("PO-C", "PASS", "")):
        await permits.answered(plan, MANAGER)
        said = await f13(permits, plan, MANAGER)
        assert (said["status"], said["severity"], said["blocks"]) == (status, severity, None)
        assert (await permits.post(f"/v1/plans/{plan}/approve", OFFICER, DECISION))["state"] == "approved"
    assert (await f13(permits, "PO-C", MANAGER))["computed"] == {"plans": 2}


async def against(
    permits: Permits, other: str, plan: str, code: str, listing: Listing, folder: Path, **changes: Any
) -> list[Any]:
    """What F13 says of the other plan, of one on its title whose trees all stand in one parcel of this code."""
    area = {"code": code, "area_m2": round(listing.land.area)}
    await permits.agreed(plan, MANAGER, regent=None)
    await permits.post(
        "/v1/plans", MANAGER, a_plan(id=plan, title="T-PO-A", regent=None) | {"parcels": [area]} | changes
    )
    file = folder / f"{plan}.csv"
    listing.write(file)
    await permits.upload(file.read_bytes().replace(b"PC 01", code.encode()), MANAGER, plan)
    await permits.post(f"/v1/plans/{plan}/submit", MANAGER)
    said = (await permits.get(f"/v1/plans/{plan}/findings", MANAGER))["findings"]
    return [one for one in said if one["rule"] == "F13" and one["other_plan"] == other]


async def test_trees_of_a_replaced_plan_under_another_parcel_code_are_a_copy(permits: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    await permits.answered("PO-A", MANAGER)
    await permits.post("/v1/plans/PO-A/approve", OFFICER, DECISION)

    [renamed] = await against(permits, "PO-A", "PO-R", "PC 02", original, tmp_path, supersedes="PO-A")
    [carried] = await against(permits, "PO-A", "PO-C", "PC 03", copied(original), tmp_path, supersedes="PO-A")

    assert [(one["status"], one["severity"]) for one in (renamed, carried)] == [("FAIL", "S3"), ("FAIL", "S4")]
    assert {row["there"]["parcel"] for row in renamed["evidence"]} == {"PC 01"}
    assert not await against(permits, "PO-A", "PO-S", "PC 01", original, tmp_path, supersedes="PO-A")


async def test_trees_of_a_medium_plan_under_another_of_its_codes_are_a_copy(permits: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    first, second = original.at(np.arange(200)), original.at(np.arange(200, 400))
    await titled(permits, "PO-A", MANAGER, original)
    await permits.agreed("PMFI", MANAGER, regent=None)
    parcels = [{"code": code, "area_m2": round(original.land.area)} for code in ("PC 01", "PC 02")]
    medium = {"kind": "PMFI", "parcels": parcels, "harvest_from": "2025-01-01", "harvest_to": "2044-12-31"}
    await permits.post("/v1/plans", MANAGER, a_plan(id="PMFI", title="T-PO-A", regent=None) | medium)
    files = [tmp_path / "1.csv", tmp_path / "2.csv"]
    for listing, file in zip((first, second), files, strict=True):
        listing.write(file)
    rows = files[1].read_bytes().replace(b"PC 01", b"PC 02").splitlines(keepends=True)[1:]
    await permits.upload(files[0].read_bytes() + b"".join(rows), MANAGER, "PMFI")
    await permits.post("/v1/plans/PMFI/submit", MANAGER)
    await permits.answered("PMFI", MANAGER)
    await permits.post("/v1/plans/PMFI/approve", OFFICER, DECISION)

    [renamed] = await against(permits, "PMFI", "PO-R", "PC 02", first, tmp_path, parent="PMFI")

    assert (renamed["status"], renamed["severity"]) == ("FAIL", "S3")
    assert {row["there"]["parcel"] for row in renamed["evidence"]} == {"PC 01"}
    assert not await against(permits, "PMFI", "PO-S", "PC 01", first, tmp_path, parent="PMFI")


async def test_the_other_plan_is_named_to_who_may_see_it(permits: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    await handed_in(permits, "PO-B", NEIGHBOUR, copied(original), tmp_path)

    told, officer = await f13(permits, "PO-B", NEIGHBOUR), await f13(permits, "PO-B", OFFICER)

    assert (told["other_plan"], officer["other_plan"]) == (None, "PO-A")
    assert "PO-A" not in json.dumps(told)
    assert all(set(row) == {"here"} for row in told["evidence"])
    codes = {tree["code"] for tree in (await permits.get("/v1/plans/PO-A/trees", OFFICER, limit=500))["items"]}
    assert {row["there"]["code"] for row in officer["evidence"]} <= codes
    assert all("utm" not in row["there"] and "easting_dm" not in row["there"] for row in officer["evidence"])

    # Approved, the plan is public, and so is its name.
    await permits.answered("PO-A", MANAGER)
    await permits.post("/v1/plans/PO-A/approve", OFFICER, DECISION)
    assert (await f13(permits, "PO-B", NEIGHBOUR))["other_plan"] == "PO-A"


async def test_trees_of_a_census_that_was_replaced_since_are_not_named(permits: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    await handed_in(permits, "PO-B", NEIGHBOUR, copied(original), tmp_path)
    assert all("there" in row for row in (await f13(permits, "PO-B", OFFICER))["evidence"])
    await permits.post("/v1/plans/PO-A/observe", OFFICER, {"reason": "Falta un árbol."})
    await uploaded(permits, "PO-A", MANAGER, original.at(np.arange(1, len(original))), tmp_path)

    said = await f13(permits, "PO-B", OFFICER)

    assert said["other_plan"] == "PO-A"
    assert all(set(row) == {"here"} for row in said["evidence"])


async def test_an_s4_that_an_appeal_lifted_no_longer_keeps_the_plan_from_approval(
    permits: Permits, tmp_path: Path
) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    await handed_in(permits, "PO-B", NEIGHBOUR, copied(original), tmp_path)
    await permits.answered("PO-B", NEIGHBOUR)
    path = f"/v1/plans/PO-B/findings/{(await f13(permits, 'PO-B', NEIGHBOUR))['id']}"
    said = {"text": "El otro plan copió el nuestro; se adjunta el cuaderno de campo."}

    await permits.post(f"{path}/explanation", NEIGHBOUR, said)
    await permits.refused("findings-open", "/v1/plans/PO-B/approve", OFFICER, DECISION)
    await permits.post(f"{path}/decision", SUPERVISOR, {"decision": "upheld"} | said)
    await permits.post(f"{path}/appeal", NEIGHBOUR, said)
    await permits.refused("findings-open", "/v1/plans/PO-B/approve", OFFICER, DECISION)
    closed = await permits.post(f"{path}/closing", SECOND, {"outcome": "lifted"} | said)

    assert (closed["outcome"], closed["blocks"]) == ("lifted", None)
    # Who lifted it does not approve the plan: that would be one person's word against the rule.
    await permits.refused("same-person", "/v1/plans/PO-B/approve", SECOND, DECISION)
    assert (await permits.post("/v1/plans/PO-B/approve", OFFICER, DECISION))["state"] == "approved"


async def test_an_s4_that_was_accepted_or_upheld_after_appeal_stands(permits: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    said = {"text": "Así fue."}
    for plan, decision in (("PO-B", "accepted"), ("PO-D", "upheld")):
        await handed_in(permits, plan, NEIGHBOUR, copied(original, seed=len(decision)), tmp_path)
        await permits.answered(plan, NEIGHBOUR)
        found = (await permits.get(f"/v1/plans/{plan}/findings", NEIGHBOUR))["findings"]
        for one in (one for one in found if one["rule"] == "F13"):
            path = f"/v1/plans/{plan}/findings/{one['id']}"
            await permits.post(f"{path}/explanation", NEIGHBOUR, said)
            await permits.post(f"{path}/decision", SUPERVISOR, {"decision": decision} | said)
            if decision == "upheld":
                await permits.post(f"{path}/appeal", NEIGHBOUR, said)
            await permits.post(f"{path}/closing", SECOND, {"outcome": decision} | said)

        problem = await permits.refused("findings-open", f"/v1/plans/{plan}/approve", OFFICER, DECISION)
        assert {one["why"] for one in problem["facts"]["findings"]} == {"stands"}


async def mended(permits: Permits, plan: str, who: Person, listing: Listing, folder: Path) -> None:
    """The authority observes the plan; the community puts another census in its place and hands it in again."""
    await permits.post(f"/v1/plans/{plan}/observe", OFFICER, {"reason": "Falta un árbol."})
    await uploaded(permits, plan, who, listing, folder)
    await permits.post(f"/v1/plans/{plan}/submit", who)


async def reviewed(permits: Permits, plan: str) -> tuple[str, int]:
    """What F13 says when an officer has the plan reviewed now, and how many of the common trees were here first."""
    await permits.post(f"/v1/plans/{plan}/review", SECOND)
    one = await f13(permits, plan, OFFICER)
    return one["severity"], one["computed"]["first_here"]


@pytest.fixture
async def stopped(permits: Permits) -> Permits:
    """A day on which the clock stands still: who was first is not told by the second."""
    moment = datetime.now(UTC)
    permits.app.state.house.clock = lambda: moment
    return permits


async def test_who_is_first_is_told_within_one_second_and_a_mended_plan_stays_so(
    stopped: Permits, tmp_path: Path
) -> None:
    original = cut(honest())
    await handed_in(stopped, "PO-A", MANAGER, original, tmp_path)
    await handed_in(stopped, "PO-B", NEIGHBOUR, copied(original), tmp_path)
    assert (await reviewed(stopped, "PO-A"))[0] == "S1"
    assert await reviewed(stopped, "PO-B") == ("S4", 0)

    await mended(stopped, "PO-A", MANAGER, original.at(np.arange(1, len(original))), tmp_path)
    await mended(stopped, "PO-A", MANAGER, original.at(np.arange(1, len(original))), tmp_path)

    assert (await f13(stopped, "PO-A", MANAGER))["severity"] == "S1"
    assert await reviewed(stopped, "PO-B") == ("S4", 0)

    # Measured again, every tree of it: the digits are others, and the trees are the same, but for the one that was left out.
    again = replace(original, x_m=original.x_m + 3, y_m=original.y_m - 4, height_mm=original.height_mm + 200)
    await mended(stopped, "PO-A", MANAGER, again, tmp_path)
    assert (await f13(stopped, "PO-A", MANAGER))["severity"] == "S1"
    assert await reviewed(stopped, "PO-B") == ("S4", 1)


async def test_a_plan_that_was_mended_into_a_copy_is_the_later_one(stopped: Permits, tmp_path: Path) -> None:
    innocent, original = cut(honest(2)), cut(honest())
    await handed_in(stopped, "PO-A", MANAGER, innocent, tmp_path)
    await handed_in(stopped, "PO-B", NEIGHBOUR, original, tmp_path)

    # Half of it, beside the trees that it had.
    stolen = copied(original).at(np.arange(200))
    away = replace(stolen, x_m=stolen.x_m + 9_000, land=innocent.land)
    await mended(stopped, "PO-A", MANAGER, joined(innocent, away, rng().permutation(600)), tmp_path)

    assert (await reviewed(stopped, "PO-A"))[0] in ("S3", "S4")
    assert (await reviewed(stopped, "PO-B"))[0] == "S1"

    # Twin: with its own trees again it shares none.
    await mended(stopped, "PO-A", MANAGER, innocent, tmp_path)
    assert (await f13(stopped, "PO-A", MANAGER))["status"] == "PASS"


async def test_a_census_that_was_not_handed_in_is_before_nobody(stopped: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    await handed_in(stopped, "PO-A", MANAGER, cut(honest(2)), tmp_path)
    await handed_in(stopped, "PO-B", NEIGHBOUR, original, tmp_path)
    await stopped.post("/v1/plans/PO-A/observe", OFFICER, {"reason": "Falta un árbol."})
    await uploaded(stopped, "PO-A", MANAGER, copied(original), tmp_path)

    assert (await reviewed(stopped, "PO-A"))[0] == "S4"
    await stopped.post("/v1/plans/PO-B/review", SECOND)
    assert (await f13(stopped, "PO-B", OFFICER))["status"] == "PASS"  # nobody's plan says so yet


async def test_fingerprints_that_are_made_again_leave_the_first_first(stopped: Permits, tmp_path: Path) -> None:
    original = cut(honest())
    await handed_in(stopped, "PO-A", MANAGER, original, tmp_path)
    await handed_in(stopped, "PO-B", NEIGHBOUR, copied(original), tmp_path)
    admin = await asyncpg.connect(stopped.database.admin_dsn)
    await admin.execute("DELETE FROM census_keys")
    await admin.execute("DELETE FROM census_prints")
    await admin.close()

    await stopped.post("/v1/plans/PO-B/review", SECOND)  # the copy is found again before the original is

    assert (await reviewed(stopped, "PO-A"))[0] == "S1"
    assert await reviewed(stopped, "PO-B") == ("S4", 0)


async def test_two_reviews_at_once_of_a_census_of_an_earlier_version_leave_one_print(
    permits: Permits, tmp_path: Path
) -> None:
    await handed_in(permits, "PO-A", MANAGER, cut(honest(), 200), tmp_path)
    admin = await asyncpg.connect(permits.database.admin_dsn)
    kept = await admin.fetchval("SELECT count(*) FROM census_keys")
    await admin.execute("DELETE FROM census_keys")
    await admin.execute("DELETE FROM census_prints")

    await asyncio.gather(*(permits.post("/v1/plans/PO-A/review", who) for who in (OFFICER, SECOND, OFFICER)))

    assert await admin.fetchval("SELECT count(*) FROM census_prints") == 1
    assert await admin.fetchval("SELECT count(*) FROM census_keys") == kept
    await admin.close()


async def test_the_database_shows_no_marks_and_lets_nobody_write_for_another(permits: Permits, tmp_path: Path) -> None:
    await handed_in(permits, "PO-A", MANAGER, cut(honest(), 100), tmp_path)
    connection = await asyncpg.connect(permits.database.app_dsn)

    async def as_(org: str) -> None:
        await connection.execute(
            "SELECT set_config('app.org', $1, false), set_config('app.roles', 'manager', false)", org
        )

    await as_("comunidad-a")
    assert await connection.fetchval("SELECT count(*) FROM census_keys") > 100
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetchval("SELECT marks FROM census_prints")
    assert await connection.fetchval("SELECT count(marks) FROM census_marks('{PO-A}')") == 1
    await as_("comunidad-b")
    assert await connection.fetchval("SELECT count(no) FROM census_prints") == 0
    assert await connection.fetchval("SELECT count(*) FROM census_marks('{PO-A}')") == 0
    assert await connection.fetchval("SELECT count(*) FROM census_keys") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(
            "INSERT INTO census_prints (plan, org, region, root, trees, keys, handed_in, current, marks)"
            " VALUES ('PO-A', 'comunidad-b', 'loreto', 'x', 1, 0, 1, false, NULL)"
        )
    await connection.close()


# ---- without I/O


def rank(asked: Sequence[int], sketches: dict[str, list[int]]) -> list[str]:
    """Plans by the keys they share with the asker, most first."""
    wanted = set(asked)
    return sorted(sketches, key=lambda name: -len(wanted & set(sketches[name])) / np.sqrt(len(sketches[name])))


@pytest.mark.parametrize(("turned", "noisy"), [(False, False), (True, False), (True, True)])
def test_a_clone_shares_more_keys_with_its_original_than_any_other_plan_does(turned: bool, noisy: bool) -> None:
    plans = {f"{n}": cut(honest(n), 600) for n in range(1, 7)}
    sketches = {name: sketch_of(stand_of(plan.trees())) for name, plan in plans.items()}
    clone = clone_of(plans["3"], rng(), turned=turned, noisy=noisy)

    asked = asked_of(stand_of(clone.trees()))

    assert rank(asked, sketches)[0] == "3"
    assert asked == asked_of(stand_of(clone.at(rng(9).permutation(len(clone))).trees()))  # the order is nothing


def test_a_third_of_a_plan_from_elsewhere_is_enough_to_find_it() -> None:
    plans = {f"{n}": cut(honest(n), 600) for n in range(1, 7)}
    sketches = {name: sketch_of(stand_of(plan.trees())) for name, plan in plans.items()}
    stolen = clone_of(cut(plans["4"], 300), rng(), noisy=True)
    mixed = joined(plans["2"], stolen, rng().permutation(900))
    del sketches["2"]

    assert rank(asked_of(stand_of(mixed.trees())), sketches)[0] == "4"


def test_marks_come_back_as_they_were() -> None:
    trees = cut(honest(), 150).trees()
    trees = [trees[0]._replace(zone="19S"), *trees[1:]]
    census = handed_in_now(trees, 7)
    census.since[3], census.east_dm[3], census.north_dm[3] = 2**40, -30, 4

    back = unpacked(packed(census), handed_in=9)

    def seen(tree: Any) -> tuple[Any, ...]:
        return tree.species, tree.dbh_mm, tree.height_mm, tree.zone, tree.easting_dm, tree.northing_dm

    assert [seen(tree) for tree in back.trees] == [seen(tree) for tree in trees]
    assert [tree.code for tree in back.trees[:3]] == ["0", "1", "2"]
    assert (back.since.tolist()[2:5], back.east_dm[3], back.north_dm[3]) == ([7, 2**40, 7], -30, 4)


def moved(trees: list[Tree], east_dm: int, north_dm: int) -> list[Tree]:
    return [
        tree._replace(easting_dm=tree.easting_dm + east_dm, northing_dm=tree.northing_dm + north_dm) for tree in trees
    ]


def test_trees_that_were_mended_keep_the_number_they_came_with_and_new_ones_have_their_own() -> None:
    trees = cut(honest(), 300).trees()
    first = handed_in_now(trees[:250], 1)

    grown = dated(trees, 5, [first])
    assert grown.since.tolist() == [1] * 250 + [5] * 50
    remeasured = dated([tree._replace(height_mm=tree.height_mm + 700) for tree in trees], 6, [grown])
    assert remeasured.since.tolist() == grown.since.tolist()
    # The datum was put right: all of it lies elsewhere, by one movement.
    shifted = dated(moved(trees, 2_300, -3_600), 7, [grown])
    assert np.mean(shifted.since == grown.since) > 0.99
    # Another forest is another census, but for what chance puts near.
    assert np.mean(dated(cut(honest(2), 300).trees(), 8, [grown]).since == 8) > 0.95


def test_many_small_mendings_do_not_carry_a_census_to_somewhere_else() -> None:
    trees = cut(honest(), 300).trees()
    way = rng().uniform(0, 2 * np.pi, len(trees))  # each tree its own way, so no shift of the list explains it

    def after(step: int) -> list[Tree]:
        far = 40 * step  # four metres each time
        return [
            tree._replace(
                easting_dm=tree.easting_dm + round(far * np.cos(turn)),
                northing_dm=tree.northing_dm + round(far * np.sin(turn)),
            )
            for tree, turn in zip(trees, way, strict=True)
        ]

    census = handed_in_now(trees, 1)
    for step in range(1, 9):
        census = dated(after(step), 1 + step, [census])
        if step == 2:
            assert np.mean(census.since == 1) > 0.95  # eight metres: the error of a position

    assert np.mean(census.since == 1) < 0.1


def test_of_two_plans_that_share_trees_one_was_first() -> None:
    pairs = Match(np.arange(4), np.arange(4), 0.0, 4, 0.0, 0.0, 0.0)

    for here, there in (
        ([1] * 4, [2] * 4),
        ([1, 1, 9, 9], [2] * 4),
        ([1, 1, 1, 9], [2, 2, 2, 3]),
        ([3, 9, 9, 9], [4] * 4),
    ):
        orders = Order(np.array(here), np.array(there)), Order(np.array(there), np.array(here))
        assert [order.was_first(pairs) for order in orders].count(True) == 1
    assert Order(np.array([1, 1, 9, 9]), np.array([2] * 4)).first_here(pairs) == 2


def test_two_heaps_of_trees_far_apart_do_not_make_every_tree_a_neighbour() -> None:
    plan = honest()
    far = joined(plan, clone_of(plan, rng()), rng().permutation(2 * len(plan)))
    one = far.trees()
    away = [tree._replace(northing_dm=tree.northing_dm + 9_000_000 * (k % 2)) for k, tree in enumerate(one)]

    found = match_plans(stand_of(away), stand_of(plan.trees()))

    assert found.of == len(plan)
