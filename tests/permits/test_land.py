"""Boundaries: read from any common file, judged with a repair offered, measured, laid over other land. No rows, no HTTP."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj.transformer import TransformerGroup

from services.permits.domain.land import measure, overlap
from services.permits.domain.land.document import box_of, document_of, geojson_of
from services.permits.domain.land.drawing import Drawing, Frame, Rings, decide_frame
from services.permits.domain.land.faults import FrameContradicts, FrameMissing, LandFault
from services.permits.domain.land.judge import Judgement, judge
from services.permits.domain.land.limits import land_limits_on
from services.permits.domain.land.overlap import Plot
from services.permits.domain.norms import limits_on
from services.permits.land_file import GEOJSON_TYPES, GEOPACKAGE_TYPE, GPX_TYPE, KML_TYPE, ZIP_TYPE, read_drawing
from shared.refusal import Malformed

DAY = date(2026, 1, 1)
LAND = land_limits_on(DAY)
VECTORS = Path(__file__).parent / "land_vectors"
GEOJSON = GEOJSON_TYPES[0]
# One square in Madre de Dios, as each form writes it.
CORNERS = [(-70.0, -11.0), (-69.9, -11.0), (-69.9, -10.9), (-70.0, -10.9), (-70.0, -11.0)]
HOLE = [(-69.98, -10.98), (-69.98, -10.96), (-69.96, -10.96), (-69.96, -10.98), (-69.98, -10.98)]


def geojson(*rings: list[tuple[float, float]], **more: Any) -> bytes:
    return json.dumps({"type": "Polygon", "coordinates": rings, **more}).encode()


def kml(*rings: list[tuple[float, float]], head: str = "") -> bytes:
    def coordinates(ring: list[tuple[float, float]]) -> str:
        return "<LinearRing><coordinates>" + " ".join(f"{x},{y},0" for x, y in ring) + "</coordinates></LinearRing>"

    holes = "".join(f"<innerBoundaryIs>{coordinates(ring)}</innerBoundaryIs>" for ring in rings[1:])
    polygon = f"<Polygon><outerBoundaryIs>{coordinates(rings[0])}</outerBoundaryIs>{holes}</Polygon>"
    return f'<?xml version="1.0"?>{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark>{polygon}</Placemark></kml>'.encode()


def gpx(ring: list[tuple[float, float]]) -> bytes:
    points = "".join(f'<trkpt lat="{y}" lon="{x}"><ele>200</ele></trkpt>' for x, y in ring)
    start = '<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">'
    return f'{start}<wpt lat="1" lon="1"/><trk><trkseg>{points}</trkseg></trk></gpx>'.encode()


def judged(
    data: bytes, media_type: str = GEOJSON, datum: Any = None, zone: str | None = None, title: bytes | None = None
) -> Judgement:
    drawing = read_drawing(data, media_type)
    return judge(drawing, decide_frame(drawing, datum, zone), limits_on(DAY), LAND, title)


def square(west: float, south: float, side: float = 0.1) -> bytes:
    """The document of a square of so many degrees."""
    east, north = west + side, south + side
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return judged(geojson(ring)).settle([]).document


SQUARE_M2 = measure.area_m2({"type": "Polygon", "coordinates": [CORNERS]})


# ---- forms


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(geojson(CORNERS), GEOJSON), (geojson(CORNERS), "application/json"), (kml(CORNERS), KML_TYPE), (gpx(CORNERS), GPX_TYPE),
     (b"\xef\xbb\xbf" + geojson(CORNERS), GEOJSON)],
)  # fmt: skip
def test_the_same_land_is_read_from_each_form(data: bytes, media_type: str) -> None:
    land = judged(data, media_type).settle([])

    assert (land.area_m2, land.box) == (SQUARE_M2, (-700000000, -110000000, -699000000, -109000000))


# Written by GDAL 3.12: 4 x 3 km with a hole of 1 x 1 km, and 1 x 1 km beside it, in metres of zone 19S.
@pytest.mark.parametrize(
    ("name", "media_type", "frame"),
    [
        ("wgs84_19s.shp.zip", ZIP_TYPE, Frame("WGS84", "19S")),
        ("psad56_19s.shp.zip", ZIP_TYPE, Frame("PSAD56", "19S")),
        ("wgs84_19s.gpkg", GEOPACKAGE_TYPE, Frame("WGS84", "19S")),
    ],
)
def test_files_of_a_geographic_information_system_are_read_with_their_holes(
    name: str, media_type: str, frame: Frame
) -> None:
    drawing = read_drawing((VECTORS / name).read_bytes(), media_type)

    found = judge(drawing, decide_frame(drawing, None, None), limits_on(DAY), LAND)
    land = found.settle([])

    assert drawing.frame == frame
    assert [[len(ring) for ring in polygon] for polygon in drawing.polygons] == [[5, 5], [5]]
    # At this easting the scale of UTM is 0.99972: an area on the map is 0.99944 of the one on the ground.
    assert abs(land.area_m2 - 12_000_000) < 12_000_000 * 0.0008
    assert (found.transformation() or {})["from_epsg"] == frame.epsg


def test_holes_count_as_holes_whichever_way_they_turn() -> None:
    hole_m2 = measure.area_m2({"type": "Polygon", "coordinates": [HOLE]})

    for ring in (HOLE, HOLE[::-1]):
        for data, media_type in ((geojson(CORNERS, ring), GEOJSON), (kml(CORNERS, ring), KML_TYPE)):
            assert abs(judged(data, media_type).settle([]).area_m2 - (SQUARE_M2 - hole_m2)) <= 1


def test_features_and_collections_are_read() -> None:
    polygon = json.loads(geojson(CORNERS))
    feature = {"type": "Feature", "properties": {}, "geometry": polygon}
    collection = {"type": "FeatureCollection", "features": [feature]}

    for document in (feature, collection, {"type": "GeometryCollection", "geometries": [polygon]}):
        assert judged(json.dumps(document).encode()).settle([]).area_m2 == SQUARE_M2


def laughs() -> bytes:
    lines = ['<!ENTITY a0 "ha">'] + [f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 40)]
    return kml(CORNERS, head=f"<!DOCTYPE x [{''.join(lines)}]>").replace(
        b"<Placemark>", b"<Placemark><name>&a39;</name>"
    )


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


SHP_ZIP = (VECTORS / "wgs84_19s.shp.zip").read_bytes()
GPKG = (VECTORS / "wgs84_19s.gpkg").read_bytes()


def shp() -> bytes:
    with zipfile.ZipFile(io.BytesIO(SHP_ZIP)) as archive:
        return archive.read("linderos/wgs84_19s.shp")


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (laughs, KML_TYPE),
    "external entity": (
        lambda: kml(CORNERS, head='<!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), KML_TYPE,
    ),
    "deep": (lambda: b"<kml>" + b"<Folder>" * 5000 + b"</Folder>" * 5000 + b"</kml>", KML_TYPE),
    "cut": (lambda: kml(CORNERS)[:-20], KML_TYPE),
    "kml said to be gpx": (lambda: kml(CORNERS), GPX_TYPE),
    "zip said to be geojson": (lambda: SHP_ZIP, GEOJSON),
    "nothing": (lambda: b"", GEOJSON),
    "nested json": (lambda: b'{"type":' * 5000, GEOJSON),
    "twice the same key": (lambda: b'{"type":"Polygon","type":"Polygon","coordinates":[]}', GEOJSON),
    "zip bomb": (lambda: zipped(a_shp=bytes(200_000_000)), ZIP_TYPE),
    "two shapefiles": (lambda: zipped(a_shp=shp(), b_shp=shp()), ZIP_TYPE),
    "no shapefile": (lambda: zipped(a_txt=b"x"), ZIP_TYPE),
    "shapefile cut": (lambda: zipped(a_shp=shp()[:-9]), ZIP_TYPE),
    "points that are not there": (lambda: zipped(a_shp=shp()[:148] + b"\xff\xff\xff\x7f" + shp()[152:]), ZIP_TYPE),
    "shapefile of points": (lambda: zipped(a_shp=shp()[:108] + b"\x01\x00\x00\x00" + shp()[112:]), ZIP_TYPE),
    "zip cut": (lambda: SHP_ZIP[:-40], ZIP_TYPE),
    "geopackage cut": (lambda: GPKG[:50_000], GEOPACKAGE_TYPE),
    "no geopackage": (lambda: b"SQLite format 3\x00" + bytes(5000), GEOPACKAGE_TYPE),
    "geometry cut": (lambda: GPKG.replace(b"GP\x00", b"GX\x00"), GEOPACKAGE_TYPE),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_is_none_is_refused_by_name(kind: str) -> None:
    make, media_type = HOSTILE[kind]

    with pytest.raises(Malformed) as refused:
        read_drawing(make(), media_type)

    assert refused.value.slug == "land-file-unreadable"
    assert refused.value.text("es") != refused.value.text("en")


def test_the_shapefile_without_a_reference_system_needs_one_said() -> None:
    bare = zipped(a_shp=shp())

    with pytest.raises(FrameMissing) as missing:
        judged(bare, ZIP_TYPE)
    with pytest.raises(FrameMissing):
        judged(bare, ZIP_TYPE, zone="19S")
    with pytest.raises(FrameMissing):
        judged(bare, ZIP_TYPE, datum="WGS84")

    assert {row["zone"] for row in missing.value.zones} == {"17S", "18S", "19S", "20S"}
    assert judged(bare, ZIP_TYPE, datum="WGS84", zone="19S").settle([]).area_m2 > 0


def test_what_is_said_may_not_contradict_the_file_or_the_numbers() -> None:
    for data, media_type, datum, zone in (
        (SHP_ZIP, ZIP_TYPE, "PSAD56", "19S"), (SHP_ZIP, ZIP_TYPE, "WGS84", "18S"), (geojson(CORNERS), GEOJSON, "WGS84", "19S"),
        (geojson(CORNERS, crs={"type": "name", "properties": {"name": "EPSG:3857"}}), GEOJSON, None, None),
    ):  # fmt: skip
        with pytest.raises(FrameContradicts):
            judged(data, media_type, datum=datum, zone=zone)

    judged(SHP_ZIP, ZIP_TYPE, datum="WGS84", zone="19S").settle([])
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    judged(geojson(CORNERS, crs=named)).settle([])


@pytest.mark.parametrize("name", ["EPSG:32719", "urn:ogc:def:crs:EPSG::32719", "urn:ogc:def:crs:EPSG:6.18.3:32719"])
def test_metres_are_read_in_the_system_that_the_file_names_however_it_is_written(name: str) -> None:
    named = {"type": "name", "properties": {"name": name}}

    land = judged(geojson(METRES, crs=named)).settle([])

    assert land.document == judged(geojson(METRES), datum="WGS84", zone="19S").settle([]).document


# ---- faults and their repairs

TWICE = [CORNERS[0], CORNERS[1], CORNERS[1], *CORNERS[2:]]
BOW_TIE = [CORNERS[0], CORNERS[2], CORNERS[1], CORNERS[3], CORNERS[0]]
METRES = [
    (400000.0, 8790000.0),
    (404000.0, 8790000.0),
    (404000.0, 8793000.0),
    (400000.0, 8793000.0),
    (400000.0, 8790000.0),
]


@pytest.mark.parametrize(
    ("ring", "slug", "fix", "kept"),
    [
        (CORNERS[:-1], "ring-open", "close-ring", 1.0),
        (TWICE, "points-repeated", "drop-duplicates", 1.0),
        ([(y, x) for x, y in CORNERS], "axes-swapped", "swap-axes", 1.0),
        (BOW_TIE, "polygon-crosses-itself", "repair-crossing", 0.5),
    ],
)
def test_a_fault_names_its_place_and_is_repaired_only_with_consent(
    ring: list[tuple[float, float]], slug: str, fix: str, kept: float
) -> None:
    found = judged(geojson(ring))

    with pytest.raises(LandFault) as refused:
        found.settle([])
    land = found.settle([fix])

    assert (refused.value.slug, refused.value.fix, found.needed) == (slug, fix, [fix])
    assert refused.value.where
    assert refused.value.offer["polygon"] == geojson_of(land.document)
    assert refused.value.offer["accept"] == [fix]
    assert abs(land.area_m2 - kept * SQUARE_M2) < 200_000 * (kept < 1) + 1
    source = json.loads(land.source)
    assert source["accepted"] == [fix]
    assert source["as_written"] == [[[list(point) for point in ring]]]
    assert judged(json.dumps(geojson_of(land.document)).encode()).settle([]).document == land.document


def test_several_faults_are_offered_together_and_every_one_needs_consent() -> None:
    ring = [(y, x) for x, y in TWICE[:-1]]
    found = judged(geojson(ring))

    assert found.needed == ["close-ring", "drop-duplicates", "swap-axes"]
    for partial in ([], ["close-ring"], ["close-ring", "swap-axes"], ["repair-crossing"]):
        with pytest.raises(LandFault):
            found.settle(partial)
    assert found.settle(found.needed).document == judged(geojson(CORNERS)).settle([]).document


def test_northing_before_easting_is_found_in_metres_too() -> None:
    swapped = [(y, x) for x, y in METRES]

    found = judged(geojson(swapped), datum="WGS84", zone="19S")

    assert found.needed == ["swap-axes"]
    assert (
        found.settle(["swap-axes"]).document == judged(geojson(METRES), datum="WGS84", zone="19S").settle([]).document
    )


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (geojson([(-65.5, -9.6), (-65.4, -9.6), (-65.4, -9.5), (-65.5, -9.6)]), "outside-peru"),
        (geojson([CORNERS[0], CORNERS[1], CORNERS[0]]), "polygon-invalid"),
        (geojson([CORNERS[0], CORNERS[1], (-69.8, -11.0), CORNERS[0]]), "polygon-invalid"),
        (geojson([CORNERS[0], (500000.0, 8790000.0), CORNERS[2], CORNERS[0]]), "polygon-invalid"),
        (kml([(-70.0, -11.0), (float("nan"), -11.0), (-69.9, -10.9), (-70.0, -11.0)]), "polygon-invalid"),
        (b'{"type":"Polygon","coordinates":[[[-70,"x"],[-69,-11],[-69,-10],[-70,-11]]]}', "polygon-invalid"),
        (b'{"type":"LineString","coordinates":[[-70,-11],[-69,-11]]}', "polygon-invalid"),
        (b"<kml></kml>", "polygon-invalid"),
    ],
)
def test_what_has_no_repair_is_refused_whatever_is_accepted(data: bytes, slug: str) -> None:
    with pytest.raises(Malformed) as refused:
        judged(data, GEOJSON if data.startswith(b"{") else KML_TYPE).settle(
            ["close-ring", "drop-duplicates", "swap-axes", "repair-crossing", "shift-psad56"]
        )

    assert refused.value.slug == slug


# ---- datum


def test_the_shift_of_psad56_is_that_of_the_geodetic_registry() -> None:
    group = TransformerGroup("EPSG:24879", "EPSG:4326", always_xy=True)
    registry = next(one for one in group.transformers if "WGS 84 (8)" in one.description)  # EPSG:1208, Peru

    for easting, northing in METRES:
        ours = measure.to_degrees([(easting, northing)], Frame("PSAD56", "19S"), LAND.psad56_to_wgs84_m)[0]
        assert measure.metres_between(ours, registry.transform(easting, northing)) < 0.001
        unshifted = measure.to_degrees([(easting, northing)], Frame("WGS84", "19S"), (0, 0, 0))[0]
        assert 200 < measure.metres_between(ours, unshifted) < 500


def test_metres_and_degrees_are_each_others_inverse() -> None:
    degrees = measure.to_degrees(METRES, Frame("WGS84", "19S"), (0, 0, 0))

    for back, was in zip(measure.to_metres(degrees, "19S"), METRES, strict=True):
        assert abs(back[0] - was[0]) < 1e-4
        assert abs(back[1] - was[1]) < 1e-4


def test_numbers_of_psad56_said_to_be_wgs84_are_suspected_with_the_shift_offered() -> None:
    """A narrow parcel that fits its title once its numbers are read on the old datum."""
    strip = [
        (400000.0, 8790000.0),
        (400600.0, 8790000.0),
        (400600.0, 8790600.0),
        (400000.0, 8790600.0),
        (400000.0, 8790000.0),
    ]
    title = judged(geojson(strip), datum="PSAD56", zone="19S").settle([]).document

    found = judged(geojson(strip), datum="WGS84", zone="19S", title=title)
    right = judged(geojson(strip), datum="PSAD56", zone="19S", title=title)

    assert [fault.slug for fault in found.faults] == ["datum-suspected"]
    assert right.faults == []
    shifted = found.settle(["shift-psad56"])
    trial = overlap.datum_trial([shifted.document], title, LAND)
    assert trial is not None
    assert trial.outside_permille == 0
    assert json.loads(shifted.source)["transformation"]["psad56_to_wgs84_m"] == [-279, 175, -379]


def test_a_parcel_that_is_simply_elsewhere_is_no_datum_error() -> None:
    title = square(-70.0, -11.0)

    trial = overlap.datum_trial([square(-69.5, -11.0)], title, LAND)

    assert trial is not None
    assert (trial.outside_permille, trial.suspected(LAND)) == (1000, False)
    assert 200 < trial.shift_m < 500
    assert overlap.datum_trial([], title, LAND) is None


# ---- land over land


# Edges are measured as geodesics: one of 10 km cut in two bulges less than the whole, by square metres in a million.
def about(area_m2: float, whole_m2: float = SQUARE_M2) -> Any:
    return pytest.approx(area_m2, abs=whole_m2 / 1_000_000 + 1)


edge = st.integers(0, 30).map(lambda n: n / 1000)


@given(edge, edge, st.integers(1, 30), edge, edge, st.integers(1, 30))
def test_what_is_inside_and_what_is_outside_make_the_whole(
    x: float, y: float, side: int, x2: float, y2: float, side2: int
) -> None:
    a, b = square(-70 + x, -11 + y, side / 1000), square(-70 + x2, -11 + y2, side2 / 1000)
    first, second = measure.form_of(geojson_of(a)), measure.form_of(geojson_of(b))

    common, rest = measure.area_of(measure.inside(first, second)), measure.area_of(measure.outside(first, second))

    assert common + rest == about(measure.area_of(first))
    assert abs(common - measure.area_of(measure.inside(second, first))) <= 1
    west, south, east, north = (
        max(p, q) if n < 2 else min(p, q) for n, (p, q) in enumerate(zip(box_of(a), box_of(b), strict=True))
    )
    if west < east and south < north:
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        assert common == about(measure.area_m2(geojson_of(document_of([[ring]]))))
    else:
        assert common == 0


def test_overlaps_name_what_they_are_with_and_leave_out_what_is_none() -> None:
    shapes = {"PC 01": square(-70.0, -11.0), "PC 02": square(-69.95, -11.0)}
    own, cycle = square(-70.2, -11.2, 1.0), (date(2005, 7, 1), date(2025, 7, 1))
    half = measure.area_m2(geojson_of(square(-70.0, -11.0))) / 2
    near = [
        Plot("title", "CN-A", None, "CN-A", own),
        Plot("title", "CN-B", None, "CN-B", square(-69.9, -11.0)),
        Plot("sacred", "CN-A", None, "Z1", square(-70.05, -11.0)),
        Plot("parcel", "CN-A", "PO-1", "PC 01", shapes["PC 01"]),
        Plot("parcel", "CN-A", "PO-1", "PC 02", shapes["PC 02"]),
        Plot("parcel", "CN-A", "PO-0", "PC 01", shapes["PC 01"], harvest_from=date(2010, 1, 1)),
        Plot("parcel", "CN-A", "PO-9", "PC 01", shapes["PC 01"], harvest_from=date(2001, 1, 1)),
        Plot("parcel", "CN-A", "PO-8", "PC 01", shapes["PC 01"], harvest_from=date(2010, 1, 1), approved=False),
        Plot("title", "CN-C", None, "CN-C", square(-69.0, -11.0)),
    ]

    found = overlap.overlaps("PO-1", "CN-A", shapes, near, cycle)

    by = {(one.parcel, one.kind, one.plan or one.code): one.area_m2 for one in found}
    whole = measure.area_m2(geojson_of(shapes["PC 01"]))
    assert set(by) == {
        ("PC 01", "sacred", "Z1"), ("PC 01", "parcel", "PO-1"), ("PC 01", "used_parcel", "PO-0"),
        ("PC 01", "parcel", "PO-9"), ("PC 01", "parcel", "PO-8"), ("PC 02", "title", "CN-B"),
        ("PC 02", "used_parcel", "PO-0"), ("PC 02", "parcel", "PO-9"), ("PC 02", "parcel", "PO-8"),
    }  # fmt: skip
    assert by["PC 01", "used_parcel", "PO-0"] == whole
    assert by["PC 02", "title", "CN-B"] == about(half)
    assert by["PC 01", "sacred", "Z1"] == about(half)


def test_of_land_that_the_asker_may_not_see_only_what_lies_in_the_own_title_is_said() -> None:
    shapes, hidden = {"PC 01": square(-70.0, -11.0)}, square(-70.0, -11.0)
    cycle, own = (date(2005, 7, 1), date(2025, 7, 1)), square(-69.95, -11.0)
    near = [
        Plot("title", "CN-B", None, "CN-B", hidden, seen=False),
        Plot("sacred", "CN-B", None, "Z", hidden, seen=False),
    ]

    inside_own = overlap.overlaps("PO-1", "CN-A", shapes, near, cycle, own)
    seen = overlap.overlaps("PO-1", "CN-A", shapes, [Plot("title", "CN-B", None, "CN-B", hidden)], cycle, own)

    assert overlap.overlaps("PO-1", "CN-A", shapes, near, cycle) == []
    assert [one.kind for one in inside_own] == ["title"]
    assert inside_own[0].within_title
    assert not seen[0].within_title
    assert inside_own[0].area_m2 * 2 == about(seen[0].area_m2)


def test_what_lies_outside_the_title_and_the_zones_is_measured_and_what_cannot_be_is_not() -> None:
    shapes = {"PC 01": square(-70.0, -11.0)}
    title, zone = square(-69.95, -11.0), square(-70.0, -11.0)

    found = overlap.placed([("PC 01", 5), ("PC 02", 7)], shapes, title, [zone])
    alone = overlap.placed([("PC 01", 5)], shapes, None, [])

    assert (found[0].outside_title_m2 or 0) * 2 == about(found[0].area_m2 or 0)
    assert found[0].outside_zones_m2 == 0
    assert (found[1].area_m2, found[1].outside_title_m2, found[1].outside_zones_m2) == (None, None, None)
    assert (alone[0].outside_title_m2, alone[0].outside_zones_m2) == (None, None)


def test_trees_outside_the_title_and_their_parcel_are_counted() -> None:
    [(e1, n1), (e2, n2)] = measure.to_metres([(-69.99, -10.99), (-69.91, -10.99)], "19S")
    trees = [("PC 01", "19S", round(e1 * 10), round(n1 * 10)), ("PC 02", "19S", round(e2 * 10), round(n2 * 10))]

    found = overlap.trees_placed(trees, {"PC 01": square(-69.95, -11.0)}, square(-70.0, -11.0, 0.05), LAND)

    assert (found.trees, found.outside_title, found.with_shape, found.outside_parcel) == (2, 1, 1, 1)


def test_a_drawing_of_many_parts_is_bounded() -> None:
    rings: Rings = [[list(CORNERS)] for _ in range(5000)]

    with pytest.raises(Malformed):
        read_drawing(json.dumps({"type": "MultiPolygon", "coordinates": rings}).encode(), GEOJSON)

    assert Drawing(rings, "geojson", None).points[0] == CORNERS[0]
