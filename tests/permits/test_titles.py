"""Titles: a boundary that is whole, simple, in Peru and as large as declared; seen only by those concerned."""

import hashlib
from typing import Any

import pytest

from services.permits.domain.land.drawing import DEGREES, read_geojson
from services.permits.domain.land.judge import judge
from services.permits.domain.land.limits import land_limits_on
from tests.permits.conftest import (
    MANAGER,
    MEMBER,
    NEIGHBOUR,
    OFFICER,
    REGENT,
    SQUARE,
    SQUARE_M2,
    SUPERVISOR,
    TITLE,
    Permits,
    Person,
    a_plan,
    a_title,
)


def ring(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


BOW_TIE = ring((-70.0, -11.0), (-69.9, -10.9), (-69.9, -11.0), (-70.0, -10.9), (-70.0, -11.0))
SWAPPED = ring((-11.0, -70.0), (-11.0, -69.9), (-10.9, -69.9), (-10.9, -70.0), (-11.0, -70.0))
OPEN = ring((-70.0, -11.0), (-69.9, -11.0), (-69.9, -10.9), (-70.0, -10.9))
SPIKE = ring((-70.0, -11.0), (-69.9, -11.0), (-69.8, -11.0), (-69.9, -11.0), (-69.9, -10.9), (-70.0, -11.0))
RONDONIA = ring((-65.5, -9.6), (-65.4, -9.6), (-65.4, -9.5), (-65.5, -9.6))
EMPTY_FAR = {"type": "MultiPolygon", "coordinates": []}


async def test_a_title_is_measured_and_announced(permits: Permits) -> None:
    registered = await permits.post("/v1/titles", OFFICER, a_title(official_number="25-MAD/P-1"), expect=201)
    await permits.published()

    assert abs(registered["area_m2"] - SQUARE_M2) < 1000
    assert permits.custody.bodies("title.registered")[0] == {
        "number": TITLE, "official_number": "25-MAD/P-1", "org": "comunidad-a", "region": "madre-de-dios",
        "area_m2": registered["area_m2"], "polygon_sha256": registered["polygon_sha256"],
    }  # fmt: skip


async def test_the_digest_is_of_the_canonical_polygon(permits: Permits) -> None:
    registered = await permits.post("/v1/titles", OFFICER, a_title())

    points = "[-700000000,-110000000],[-699000000,-110000000],[-699000000,-109000000],[-700000000,-109000000]"
    document = '{"lon_lat_e7":[[[' + points + ',[-700000000,-110000000]]]],"type":"multipolygon"}'

    assert registered["polygon_sha256"] == hashlib.sha256(document.encode()).hexdigest()


@pytest.mark.parametrize(
    ("polygon", "slug"),
    [
        (BOW_TIE, "polygon-crosses-itself"),
        (SPIKE, "polygon-crosses-itself"),
        (SWAPPED, "axes-swapped"),
        (RONDONIA, "outside-peru"),
        (OPEN, "ring-open"),
        (EMPTY_FAR, "polygon-invalid"),
        ({"type": "Point", "coordinates": [-70, -11]}, "polygon-invalid"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [0, 0]]]}, "polygon-invalid"),
        (ring((-70.0, -11.0), (-69.9, 300.0), (-69.9, -10.9), (-70.0, -11.0)), "polygon-invalid"),
        ({}, "polygon-invalid"),
    ],
)
async def test_a_boundary_that_cannot_be_is_refused(permits: Permits, polygon: dict[str, Any], slug: str) -> None:
    await permits.refused(slug, "/v1/titles", OFFICER, a_title(polygon=polygon), status=422)

    await permits.post("/v1/titles", OFFICER, a_title(), expect=201)


async def test_where_the_boundary_crosses_itself_is_said(permits: Permits) -> None:
    problem = await permits.refused(
        "polygon-crosses-itself", "/v1/titles", OFFICER, a_title(polygon=BOW_TIE), status=422
    )

    assert (problem["facts"]["lon"], problem["facts"]["lat"]) == ("-69.9500000", "-10.9500000")


async def test_two_parcels_of_land_are_one_title(permits: Permits) -> None:
    other = [[[-70.5, -11.0], [-70.4, -11.0], [-70.4, -10.9], [-70.5, -10.9], [-70.5, -11.0]]]
    polygon = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], other]}

    registered = await permits.post("/v1/titles", OFFICER, a_title(polygon=polygon, declared_area_m2=2 * SQUARE_M2))

    assert registered["polygon"] == polygon


async def test_an_area_two_percent_off_is_refused_with_both_figures(permits: Permits) -> None:
    declared = SQUARE_M2 * 103 // 100

    problem = await permits.refused(
        "area-differs", "/v1/titles", OFFICER, a_title(declared_area_m2=declared), status=422
    )

    assert (problem["facts"]["declared_m2"], problem["facts"]["tolerance_permille"]) == (declared, 20)
    await permits.post("/v1/titles", OFFICER, a_title(declared_area_m2=SQUARE_M2 * 101 // 100), expect=201)


async def test_the_polygon_is_shown_only_to_those_concerned(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())
    before = await permits.get(f"/v1/titles/{TITLE}", REGENT)
    await permits.post("/v1/plans", MANAGER, a_plan())

    for person in (MANAGER, MEMBER, OFFICER, SUPERVISOR, REGENT):
        assert (await permits.get(f"/v1/titles/{TITLE}", person))["polygon"] == SQUARE
    for stranger in (None, NEIGHBOUR, Person("company", "comprador-1", "u-9"), Person("operator", "trozalog", "u-8")):
        assert (await permits.get(f"/v1/titles/{TITLE}", stranger))["polygon"] is None
    assert before["polygon"] is None
    assert (await permits.get("/v1/titles", MANAGER))["items"][0]["polygon"] is None


async def test_the_same_title_again_is_known_and_another_is_refused(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title(), expect=201)

    await permits.post("/v1/titles", OFFICER, a_title(), expect=200)

    national = Person("authority", "gerfor-md", "u-national", "*")
    await permits.refused("number-taken", "/v1/titles", national, a_title(region="loreto"))
    await permits.refused("reference-unknown", "/v1/titles", OFFICER, a_title(number="T-2", org="nadie"))
    await permits.get("/v1/titles/NADA", expect=404)


def test_a_boundary_of_twenty_thousand_points_is_surveyed_in_reasonable_time() -> None:
    import math
    import time
    from datetime import date

    from services.permits.domain.norms import limits_on

    points = [
        (-70 + 0.1 * math.cos(2 * math.pi * n / 19_999), -11 + 0.1 * math.sin(2 * math.pi * n / 19_999))
        for n in range(19_999)
    ]
    day = date(2026, 1, 1)
    started = time.process_time()

    land = judge(read_geojson(ring(*points, points[0])), DEGREES, limits_on(day), land_limits_on(day)).settle([])

    assert len(land.document) < 1_000_000
    assert time.process_time() - started < 20
