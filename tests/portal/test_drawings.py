"""Charts and maps: what they show, for whom, and that they fit."""

import re
from xml.etree import ElementTree

import pytest

from services.portal.drawing.charts import chart, histogram, shares, waterfall
from services.portal.drawing.maps import Area, Spot, area_of, both_maps, plane_of, step_of, zone_of

SVG = "{http://www.w3.org/2000/svg}"
PARCEL = {"type": "Polygon", "coordinates": [[[-72.60, -11.60], [-72.58, -11.60], [-72.58, -11.58], [-72.60, -11.60]]]}


def say(key: str, **facts: object) -> str:
    return " ".join([key, *(str(value) for value in facts.values())])


def pictures(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", html, re.DOTALL)]  # noqa: S314  our own


def a_map(areas: list[Area], spots: list[Spot]) -> list[ElementTree.Element]:
    drawn = both_maps(areas, spots, say, "Mapa", "Parcelas y árboles")
    assert drawn is not None
    return pictures(drawn)


def test_a_chart_comes_for_a_page_and_for_a_telephone_as_one_picture_each_with_words() -> None:
    told = chart(
        waterfall([("talado", 10, 0, "10 m³"), ("trozado", 8, -2, "8 m³")], "m³"), "Balance <1>", "Talado y trozado"
    )

    wide, narrow = pictures(told)
    assert int(wide.get("width") or 0) <= 660
    assert int(narrow.get("width") or 0) <= 328
    for picture in (wide, narrow):
        assert picture.get("role") == "img"
        assert picture.get("aria-label") == "Balance <1>"
        assert picture.findtext(f"{SVG}desc") == "Talado y trozado"
        assert "10 m³" in "".join(picture.itertext())
        assert len([p for p in picture.iter() if p.get("role")]) == 1, "its parts are not read out one by one"
    assert "style=" not in told, "the page's policy allows none"
    assert "<script" not in told


@pytest.mark.parametrize("name", ['b role="', 'a aria-label="x"', '<script>alert(1)</script>" onload="x', "a > b & c"])
def test_a_name_that_looks_like_markup_stays_a_name(name: str) -> None:
    told = chart(shares([(name, 40.0, None, name)], "%"), name, name)

    for root in pictures(told):
        written = [one.text for one in root.iter(f"{SVG}text") if one.text]
        assert any(text.startswith(name[:8]) for text in written)
        assert not [one for one in root.iter() if "script" in one.tag or "onload" in one.attrib]
        assert not [one for one in list(root.iter())[1:] if "role" in one.attrib]


def test_the_same_figures_are_the_same_chart() -> None:
    spec = shares([("a", 40.0, 56.0, "40 %"), ("b", 60.0, None, "60 %")], "%")
    assert chart(spec, "t", "d") == chart(shares([("a", 40.0, 56.0, "40 %"), ("b", 60.0, None, "60 %")], "%"), "t", "d")


def test_the_columns_of_a_histogram_stand_on_its_axis_as_high_as_they_count() -> None:
    told = chart(histogram([(40.0, 45.0, 10), (45.0, 50.0, 5)], [(42.5, 9.0), (47.5, 6.0)], "cm", "n"), "t", "d")
    columns = re.findall(r'd="M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+Z" fill="var', told)[:2]
    (x0, y0, w0, h0), (x1, y1, _, h1) = (map(float, column) for column in columns)
    assert x0 + w0 == x1
    assert y0 + h0 == y1 + h1
    assert h0 == 2 * h1


def test_a_map_shows_land_and_trees_with_grid_scale_north_and_legend() -> None:
    areas = [
        area_of("title", "TIT-1", PARCEL),
        area_of("parcel", "PC 01", PARCEL),
        area_of("no_harvest", "Cocha", PARCEL),
    ]
    plane = plane_of(areas, [])
    x, y = plane.areas[0][1][0][0]
    spots = [Spot("harvestable", "Árbol 501", plane.zone, x, y), Spot("felled", "Árbol 502", plane.zone, x + 50, y)]

    for picture in a_map(areas, spots):
        said = [text.text or "" for text in picture.iter(f"{SVG}text")]
        assert {"N", "PC 01", "map.title 0", "map.no_harvest 0", "map.harvestable 1", "map.felled 1"} <= set(said)
        assert any(text.endswith((" m", " km")) for text in said)
        assert any(text.endswith(" E") for text in said)
        assert f"UTM {plane.zone}, WGS 84" in said
        titles = [title.text for title in picture.iter(f"{SVG}title")]
        assert {"Árbol 501", "Árbol 502", "Cocha"} <= set(titles)
        shapes = {spot.get("class"): re.sub(r"[-0-9. ]", "", spot.get("d") or "") for spot in picture.iter(f"{SVG}path")
                  if (spot.get("class") or "").startswith("spot")}  # fmt: skip
        assert len(set(shapes.values())) == 2, "kinds differ in shape, not in colour alone"


def test_without_exact_places_only_the_parcel_is_on_the_map() -> None:
    for picture in a_map([area_of("parcel", "PC 01", PARCEL)], []):
        assert not [path for path in picture.iter(f"{SVG}path") if (path.get("class") or "").startswith("spot")]
    assert both_maps([], [], say, "Mapa", "") is None


def test_north_is_up_and_the_scale_is_that_of_the_ground() -> None:
    west, east = Spot("seed", "a", "19S", 300_000, 8_700_000), Spot("seed", "b", "19S", 301_000, 8_701_000)
    [picture, _] = a_map([], [west, east])

    at = {title.text: path.get("d") or "" for path in picture.iter(f"{SVG}path") for title in path if path.get("class")}
    (x0, y0), (x1, y1) = (map(float, re.findall(r"[-0-9.]+", at[name])[:2]) for name in ("a", "b"))
    assert x1 > x0
    assert y1 < y0
    bar = [text for text in picture.iter(f"{SVG}text") if (text.text or "").endswith(" m")]
    ends = [
        path.get("d") or ""
        for path in picture.iter(f"{SVG}path")
        if re.fullmatch(r"M\S+ \S+V\S+H\S+V\S+", path.get("d") or "")
    ]
    a, _, _, b, _ = map(float, re.findall(r"[0-9.]+", ends[-1]))
    metres = float((bar[0].text or "").removesuffix(" m"))
    assert (b - a) / metres == pytest.approx((x1 - x0) / 1000, rel=0.01)


def test_thousands_of_trees_are_few_bytes() -> None:
    spots = [
        Spot("harvestable", str(n), "18S", 400_000 + n % 100 * 20, 9_000_000 + n // 100 * 20) for n in range(10_000)
    ]
    drawn = both_maps([], spots, say, "Mapa", "")
    assert drawn is not None
    assert len(drawn) < 350_000


@pytest.mark.parametrize(("span", "step"), [(4_000, 1_000), (900, 500), (230, 100), (1_990, 500)])
def test_steps_are_round(span: float, step: float) -> None:
    assert step_of(span, 4) == step


def test_the_zone_is_that_of_the_middle() -> None:
    assert [zone_of([(-72.5, -11.0)]), zone_of([(-71.9, -12.0)]), zone_of([(-78.6, -6.0)])] == ["18S", "19S", "17S"]
