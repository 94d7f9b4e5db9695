"""F13 over the plans of everybody: found among those handed in, told only as far as the reader may see, decided by people."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
import shapely

from deploy.corpus.filed import filed
from deploy.corpus.forgeries import clone_of
from deploy.corpus.listing import Listing, joined
from services.permits.domain.forensics.clones import match_plans
from services.permits.domain.forensics.fingerprint import asked_of, mostly_the_same, packed, sketch_of, unpacked
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
    """The community registers land round the plan and hands it in with this census, a second after whoever was before."""
    house = permits.app.state.house
    house.clock = lambda before=house.clock: before() + timedelta(seconds=1)
    around = shapely.from_geojson(json.dumps(listing.geometry())).buffer(0.005).convex_hull
    polygon = json.loads(shapely.to_geojson(around))
    title = a_title(number=f"T-{plan}", org=who.org, polygon=polygon, declared_area_m2=measure.area_m2(polygon))
    await permits.post("/v1/titles", OFFICER, title)
    await permits.agreed(plan, who, regent=None)
    area = {"code": "PC 01", "area_m2": round(listing.land.area)}
    await permits.post("/v1/plans", who, a_plan(id=plan, title=f"T-{plan}", regent=None, parcels=[area]))
    await uploaded(permits, plan, who, listing, folder)
    await permits.post(f"/v1/plans/{plan}/submit", who)


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


async def test_a_plan_that_was_mended_stays_before_the_one_that_copied_it_meanwhile(
    permits: Permits, tmp_path: Path
) -> None:
    original = cut(honest())
    await handed_in(permits, "PO-A", MANAGER, original, tmp_path)
    await permits.post("/v1/plans/PO-A/observe", OFFICER, {"reason": "Falta un árbol."})
    await handed_in(permits, "PO-B", NEIGHBOUR, copied(original), tmp_path)
    await uploaded(permits, "PO-A", MANAGER, original.at(np.arange(1, len(original))), tmp_path)
    await permits.post("/v1/plans/PO-A/submit", MANAGER)
    assert (await f13(permits, "PO-A", MANAGER))["severity"] == "S1"

    # Twin: a census that was replaced by a copy is a census handed in now.
    await permits.post("/v1/plans/PO-A/observe", OFFICER, {"reason": "Otra vez."})
    stolen = cut(honest(2))
    await handed_in(permits, "PO-D", NEIGHBOUR, stolen, tmp_path)
    await uploaded(permits, "PO-A", MANAGER, copied(stolen), tmp_path)
    await permits.post("/v1/plans/PO-A/submit", MANAGER)
    assert (await f13(permits, "PO-A", MANAGER))["severity"] == "S4"


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
    await as_("comunidad-b")
    assert await connection.fetchval("SELECT count(no) FROM census_prints") == 0
    assert await connection.fetchval("SELECT count(*) FROM census_keys") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(
            "INSERT INTO census_prints (plan, org, region, root, trees, keys, handed_in_at, current, marks)"
            " VALUES ('PO-A', 'comunidad-b', 'loreto', 'x', 1, 0, now(), false, NULL)"
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
    far = trees[0]._replace(zone="19S")

    back = unpacked(packed([far, *trees[1:]]))

    def seen(tree: Any) -> tuple[Any, ...]:
        return tree.species, tree.dbh_mm, tree.height_mm, tree.zone, tree.easting_dm, tree.northing_dm

    assert [seen(tree) for tree in back] == [seen(tree) for tree in [far, *trees[1:]]]
    assert [tree.code for tree in back[:3]] == ["0", "1", "2"]


def test_a_census_is_the_same_while_half_its_keys_stay() -> None:
    first = sketch_of(stand_of(cut(honest(), 400).trees()))

    assert mostly_the_same(first, first[10:])
    assert not mostly_the_same(first, sketch_of(stand_of(cut(honest(2), 400).trees())))


def test_two_heaps_of_trees_far_apart_do_not_make_every_tree_a_neighbour() -> None:
    plan = honest()
    far = joined(plan, clone_of(plan, rng()), rng().permutation(2 * len(plan)))
    one = far.trees()
    away = [tree._replace(northing_dm=tree.northing_dm + 9_000_000 * (k % 2)) for k, tree in enumerate(one)]

    found = match_plans(stand_of(away), stand_of(plan.trees()))

    assert found.of == len(plan)
