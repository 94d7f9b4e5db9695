"""Shapes of parcels and zones of titles through the HTTP door: kept as accepted, shown to those concerned, measured."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.databases import Database
from services.permits.domain.land import measure
from services.permits.domain.land.drawing import Frame
from services.permits.store import land
from shared.web.db import SERVICES, migrate
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    PLAN,
    REGENT,
    SQUARE,
    SQUARE_M2,
    SUPERVISOR,
    TITLE,
    TREE_501,
    Permits,
    Person,
    a_census,
    a_plan,
    a_title,
)
from tests.permits.test_access import as_somebody
from tests.permits.test_land import CORNERS, GPKG, geojson, gpx, kml, square

GEOJSON, KML = "application/geo+json", "application/vnd.google-earth.kml+xml"
LORETO = Person("authority", "gerfor-lo", "u-loreto", "loreto")
STRANGERS = (NEIGHBOUR, LORETO)


def polygon(west: float, south: float = -11.0, side: float = 0.1) -> bytes:
    east, north = west + side, south + side
    return geojson([(west, south), (east, south), (east, north), (west, north), (west, south)])


async def send(
    permits: Permits, path: str, data: bytes, who: Person = MANAGER, media_type: str = GEOJSON, expect: int = 200,
    **query: Any,
) -> Any:  # fmt: skip
    answer = await permits.call(
        "POST", path, who, expect, content=data, headers={"content-type": media_type}, params=query
    )
    return answer.json()


def shape_of(code: str, plan: str = PLAN) -> str:
    return f"/v1/plans/{plan}/parcels/{code}/shape"


@pytest.fixture
async def draft(permits: Permits) -> Permits:
    """A title of 0.1 by 0.1 degrees, and a draft of two parcels on it."""
    await permits.post("/v1/titles", OFFICER, a_title())
    parcels = [{"code": "PC 01", "area_m2": 30_000_000}, {"code": "PC 02", "area_m2": 30_000_000}]
    await permits.post("/v1/plans", MANAGER, a_plan(parcels=parcels))
    return permits


async def test_a_parcel_has_its_shape_from_any_form_and_the_last_one_counts(draft: Permits) -> None:
    first = await send(draft, shape_of("PC 01"), gpx(CORNERS), media_type="application/gpx+xml")
    second = await send(draft, shape_of("PC1"), kml(CORNERS), REGENT, KML)
    file = {"file": ("linderos.kml", kml(CORNERS), "text/plain")}
    by_form = (await draft.call("POST", shape_of("PC 01"), MANAGER, 200, files=file)).json()

    read = await draft.get(shape_of("PC 01"), MANAGER)

    assert first["sha256"] == second["sha256"] == by_form["sha256"] == read["sha256"]
    assert (read["polygon"], read["source"]["form"], read["source"]["accepted"]) == (SQUARE, "kml", [])
    assert abs(read["area_m2"] - SQUARE_M2) < 1000
    await send(draft, shape_of("PC 09"), geojson(CORNERS), expect=404)


async def test_a_shape_is_shown_only_to_those_concerned(draft: Permits) -> None:
    await send(draft, shape_of("PC 01"), geojson(CORNERS))
    for path in (shape_of("PC 01"), f"/v1/plans/{PLAN}/land-check"):
        for person in (MANAGER, MEMBER, REGENT, OFFICER, SUPERVISOR):
            await draft.get(path, person)
        for stranger in STRANGERS:
            await draft.get(path, stranger, expect=404)
        await draft.get(path, None, expect=401)

    await draft.upload(a_census(a_census_row("PC 01"), a_census_row("PC 02")))
    await draft.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    await draft.answered()
    await draft.post(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "R-1"})

    for stranger in STRANGERS:
        await draft.get(shape_of("PC 01"), stranger, expect=404)
        await draft.get(f"/v1/plans/{PLAN}/land-check", stranger, expect=403)
    await send(draft, shape_of("PC 01"), geojson(CORNERS), expect=409)


def a_census_row(parcel: str) -> str:
    return TREE_501.replace("PC 01", parcel)


async def test_a_repair_is_offered_with_its_outcome_and_made_when_it_is_accepted(draft: Permits) -> None:
    open_ring = geojson(CORNERS[:-1])

    problem = await send(draft, shape_of("PC 01"), open_ring, expect=422)
    await draft.get(shape_of("PC 01"), MANAGER, expect=404)
    kept = await send(draft, shape_of("PC 01"), open_ring, accept=problem["facts"]["offer"]["accept"])

    assert (problem["slug"], problem["facts"]["fix"]) == ("ring-open", "close-ring")
    assert problem["facts"]["offer"]["polygon"] == kept["polygon"] == SQUARE
    assert kept["source"]["accepted"] == ["close-ring"]
    assert kept["source"]["as_written"] == [[[list(point) for point in CORNERS[:-1]]]]
    await send(draft, shape_of("PC 01"), open_ring, expect=422, accept="whatever")


async def test_a_preview_judges_and_stores_nothing(draft: Permits) -> None:
    swapped = geojson([(y, x) for x, y in CORNERS[:-1]])
    paths = [f"{shape_of('PC 01')}/preview", "/v1/titles/preview", f"/v1/titles/{TITLE}/zones/preview"]

    for path in paths:
        seen = await send(draft, path, swapped)
        assert (seen["usable"], seen["accept"], seen["polygon"]["type"]) == (
            True,
            ["close-ring", "swap-axes"],
            "Polygon",
        )
        assert [fault["slug"] for fault in seen["faults"]] == ["ring-open", "axes-swapped"]
        assert all(fault["es"] != fault["en"] for fault in seen["faults"])
        beyond = await send(draft, path, geojson([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0)]))
        assert (beyond["usable"], beyond["polygon"], beyond["faults"][0]["slug"]) == (False, None, "outside-peru")

    await draft.get(shape_of("PC 01"), MANAGER, expect=404)
    assert (await draft.get(f"/v1/titles/{TITLE}/zones", MANAGER))["items"] == []


async def test_metres_need_datum_and_zone_and_the_original_is_kept(draft: Permits) -> None:
    metres = [tuple(round(v, 1) for v in pair) for pair in measure.to_metres(CORNERS, "19S")]
    data = geojson(metres)  # type: ignore[arg-type]

    missing = await send(draft, shape_of("PC 01"), data, expect=422)
    kept = await send(draft, shape_of("PC 01"), data, datum="WGS84", zone="19S")

    assert missing["slug"] == "frame-missing"
    assert {row["zone"]: row["lon"] for row in missing["facts"]["zones"]}["19S"].startswith("-70.0")
    assert kept["source"]["transformation"]["from_epsg"] == 32719
    assert kept["source"]["as_written"][0][0][0] == list(metres[0])


async def test_a_title_in_metres_of_an_old_datum_is_registered_as_it_was_previewed(permits: Permits) -> None:
    metres = [tuple(round(v, 1) for v in pair) for pair in measure.to_metres(CORNERS, "19S")][:-1]
    shown = await send(permits, "/v1/titles/preview", geojson(metres), OFFICER, datum="PSAD56", zone="19S")  # type: ignore[arg-type]
    body = a_title(polygon=shown["as_written"], datum="PSAD56", zone="19S", declared_area_m2=shown["area_m2"])

    await permits.refused("ring-open", "/v1/titles", OFFICER, body, status=422)
    registered = await permits.post("/v1/titles", OFFICER, body | {"accept": shown["accept"]}, expect=201)

    assert registered["polygon"] == shown["polygon"]
    assert registered["source"]["transformation"]["psad56_to_wgs84_m"] == [-279, 175, -379]
    moved = measure.to_degrees([metres[0]], Frame("PSAD56", "19S"), (-279, 175, -379))[0]  # type: ignore[list-item]
    assert registered["polygon"]["coordinates"][0][0] == [round(moved[0], 7), round(moved[1], 7)]
    assert (await permits.get(f"/v1/titles/{TITLE}"))["source"] is None


async def test_zones_are_registered_once_withdrawn_and_shown_to_those_concerned(draft: Permits) -> None:
    path = f"/v1/titles/{TITLE}/zones"

    added = await send(draft, path, polygon(-70.0), expect=201, code="Z-1", kind="sacred")
    await send(draft, path, polygon(-70.0), expect=200, code="Z-1", kind="sacred")
    taken = await send(draft, path, polygon(-69.95), expect=409, code="Z-1", kind="sacred")
    unknown = await send(draft, path, polygon(-70.0), expect=422, code="Z-2", kind="parking")
    await send(draft, path, GPKG, OFFICER, "application/geopackage+sqlite3", 201, code="Z-2", kind="harvest")

    assert (added["kind"], added["harvest"], taken["slug"]) == ("sacred", False, "number-taken")
    assert "sacred" in unknown["facts"]["reason"]
    for person in (MANAGER, MEMBER, REGENT, OFFICER, SUPERVISOR):
        assert [zone["code"] for zone in (await draft.get(path, person))["items"]] == ["Z-1", "Z-2"]
    for stranger in STRANGERS:
        await draft.get(path, stranger, expect=403)
        await send(draft, path, polygon(-70.0), stranger, expect=403, code="Z-3", kind="sacred")
        await draft.post(f"{path}/Z-1/withdraw", stranger, expect=403)
    withdrawn = await draft.post(f"{path}/Z-1/withdraw", MANAGER)
    again = await draft.post(f"{path}/Z-1/withdraw", MANAGER)
    assert withdrawn["withdrawn_at"] == again["withdrawn_at"] is not None
    await draft.post(f"{path}/Z-9/withdraw", MANAGER, expect=404)


async def test_what_stands_in_the_address_is_part_of_a_repeated_command(draft: Permits) -> None:
    path, headers = f"/v1/titles/{TITLE}/zones", {"content-type": GEOJSON, "idempotency-key": "k-1"}

    async def again(expect: int, **query: str) -> Any:
        answer = await draft.call("POST", path, MANAGER, expect, content=polygon(-70.0), headers=headers, params=query)
        return answer.json()

    first = await again(201, code="Z-1", kind="sacred")
    assert await again(201, code="Z-1", kind="sacred") == first
    assert (await again(422, code="Z-2", kind="sacred"))["slug"] == "idempotency-mismatch"


async def test_the_land_check_answers_areas_and_what_was_not_measured(draft: Permits) -> None:
    await draft.post(
        "/v1/titles", OFFICER, a_title(number="CN-B", org="comunidad-b", polygon=json.loads(polygon(-69.9)))
    )
    await send(draft, shape_of("PC 01"), polygon(-69.95, side=0.1))
    zones = f"/v1/titles/{TITLE}/zones"
    await send(draft, zones, polygon(-70.0), expect=201, code="Z-1", kind="harvest")
    await send(draft, zones, polygon(-69.95, side=0.01), expect=201, code="Z-2", kind="sacred")

    for person in (MANAGER, OFFICER):
        check = await draft.get(f"/v1/plans/{PLAN}/land-check", person)
        parcel = check["parcels"][0]
        assert abs(parcel["outside_title_m2"] - SQUARE_M2 / 2) < 1000
        assert parcel["outside_title_m2"] == parcel["outside_zones_m2"]
        found = {one["kind"]: one for one in check["overlaps"]}
        assert (check["not_measured"], check["trees"]) == (["shape:PC 02", "census"], None)
        assert found["sacred"]["area_m2"] == measure.area_m2(json.loads(polygon(-69.95, side=0.01)))
        assert (check["datum"]["outside_permille"], check["datum"]["suspected"]) == (500, False)
        # The neighbour's title is not the manager's to see; what lies outside the own title is no concern of theirs.
        assert ("title" in found) == (person is OFFICER)
    assert abs(found["title"]["area_m2"] - SQUARE_M2 / 2) < 1000

    await draft.post(f"{zones}/Z-2/withdraw", MANAGER)
    check = await draft.get(f"/v1/plans/{PLAN}/land-check", MANAGER)
    assert check["overlaps"] == []


async def test_a_parcel_of_an_approved_plan_of_the_cycle_is_a_used_one(draft: Permits) -> None:
    await send(draft, shape_of("PC 01"), geojson(CORNERS))
    await draft.upload(a_census(a_census_row("PC 01"), a_census_row("PC 02")))
    later = a_plan(id="PO-20", harvest_from="2026-07-22", season="2026")
    await draft.post("/v1/plans", MANAGER, later)
    await send(draft, shape_of("PC 01", "PO-20"), geojson(CORNERS))
    path = "/v1/plans/PO-20/land-check"

    before = (await draft.get(path, MANAGER))["overlaps"]
    await draft.post(f"/v1/plans/{PLAN}/submit", MANAGER)
    await draft.answered()
    await draft.post(f"/v1/plans/{PLAN}/approve", OFFICER, {"resolution": "R-1"})
    after = (await draft.get(path, MANAGER))["overlaps"]

    assert [(one["kind"], one["plan"]) for one in before] == [("parcel", PLAN)]
    assert [(one["kind"], one["plan"], one["code"]) for one in after] == [("used_parcel", PLAN, "PC 01")]


async def test_trees_of_the_census_are_laid_on_the_land(draft: Permits) -> None:
    await draft.upload(a_census(a_census_row("PC 01"), a_census_row("PC 02")))

    check = await draft.get(f"/v1/plans/{PLAN}/land-check", MANAGER)

    assert check["trees"] == {
        "trees": 2, "outside_title": 2, "shifted_outside_title": 2, "with_shape": 0, "outside_parcel": 0,
    }  # fmt: skip
    assert check["not_measured"] == ["shape:PC 01", "shape:PC 02", "harvest-zones"]


async def test_more_neighbours_than_are_measured_are_said_to_be_more(
    draft: Permits, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(draft, shape_of("PC 01"), geojson(CORNERS))
    await send(draft, shape_of("PC 02"), geojson(CORNERS))
    whole = await draft.get(f"/v1/plans/{PLAN}/land-check", MANAGER)
    monkeypatch.setattr(land, "MAX_NEAR", 2)

    cut = await draft.get(f"/v1/plans/{PLAN}/land-check", MANAGER)

    assert "neighbours" not in whole["not_measured"]
    assert "neighbours" in cut["not_measured"]


async def test_the_database_keeps_shapes_and_zones_from_strangers(draft: Permits) -> None:
    await send(draft, shape_of("PC 01"), geojson(CORNERS))
    await send(draft, f"/v1/titles/{TITLE}/zones", polygon(-70.0), expect=201, code="Z-1", kind="sacred")
    tables = ("parcel_shapes", "title_zones", "title_polygons")

    for org, roles, region, seen in (
        (None, None, None, 0), ("comunidad-b", "manager", None, 0), ("gerfor-lo", "authority", "loreto", 0),
        ("comunidad-a", "member", None, 1), ("regencia-1", "regent", None, 1), ("x", "supervisor", "*", 1),
    ):  # fmt: skip
        connection = await as_somebody(draft, org, roles, region)
        counts = [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
        near = await connection.fetch(
            "SELECT kind, seen FROM land_near(-710000000, -120000000, -680000000, -100000000)"
        )
        await connection.close()
        assert counts == [seen] * 3, (org, counts)
        # Its areas may be asked for; a stranger does not even learn of the parcel of a draft.
        assert [row["kind"] for row in near] == ["title", "sacred", "parcel"][: 2 + seen]
        assert {row["seen"] for row in near} == {bool(seen)}


async def test_a_polygon_registered_before_boxes_were_kept_is_given_its_box(
    database_for: Callable[[str], Database], tmp_path: Path
) -> None:
    made = database_for("permits")
    before = tmp_path / "permits" / "migrations"
    shutil.copytree(SERVICES / "permits" / "migrations", before)
    for revision in (before / "versions").glob("*.py"):
        if revision.name >= "0003":
            revision.unlink()
    await migrate("permits", made.owner_url, tmp_path)
    admin = await asyncpg.connect(made.admin_dsn)
    await admin.execute("INSERT INTO organisations VALUES ('comunidad-a', 'A', 'community', NULL, 's')")
    await admin.execute(f"INSERT INTO titles VALUES ('T-1', NULL, 'comunidad-a', 'loreto', 1, 1, '{'0' * 64}', 's')")
    await admin.execute("INSERT INTO title_polygons VALUES ('T-1', 'comunidad-a', 'loreto', $1)", square(-70.0, -11.0))

    await migrate("permits", made.owner_url)

    row = await admin.fetchrow("SELECT west_e7, south_e7, east_e7, north_e7, source FROM title_polygons")
    await admin.close()
    assert row is not None
    assert tuple(row) == (-700000000, -110000000, -699000000, -109000000, None)
