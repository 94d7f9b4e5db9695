"""The sample data is arithmetically what its sources say."""

import csv
from decimal import Decimal

import pytest
from pyproj import Geod, Transformer
from shapely.geometry import Point, shape

from deploy.seed import balance_lines, sample, tree_lines
from shared.timber.measure import census_dm3, mean_of_ends_dm3
from shared.timber.species import catalogue


def test_every_official_balance_is_authorised_less_extracted() -> None:
    with (sample.HERE / "balance_2025.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == 96
    for row in rows:
        assert Decimal(row["authorised_m3"]) - Decimal(row["extracted_m3"]) == Decimal(row["balance_m3"])


def test_the_balance_has_81_lines_of_round_wood_and_15_of_branch_firewood_all_different() -> None:
    products = [line.product for line in sample.balance()]

    assert (products.count("roundwood"), products.count("branch_firewood")) == (81, 15)
    assert len({line.key for line in sample.balance()}) == 96
    assert all(line.species in catalogue() for line in sample.balance())


def test_the_measures_of_both_trees_give_the_official_volumes() -> None:
    trees = sample.trees()
    pieces = [piece for tree in trees.values() for piece in (tree.felling, *tree.logs)]

    computed = [mean_of_ends_dm3(piece.large_mm, piece.small_mm, piece.length_mm) for piece in pieces]

    assert computed == [piece.volume_dm3 for piece in pieces] == [5643, 5192, 9975, 5436, 3181, 2202]
    assert (census_dm3(800, 18_000, 650), census_dm3(950, 20_000, 710)) == (5881, 10065)
    assert [tree.census_dm3 for tree in trees.values()] == [5881, 10065]


def test_the_permit_of_the_trees_covers_what_they_were_listed_as_and_what_they_are() -> None:
    covered = {line["species"] for line in tree_lines()}

    assert covered == {"Brosimum guianense", "Myroxylon balsamum", "Hymenaea oblongifolia"}
    assert all(line in balance_lines() for line in tree_lines())


def test_the_synthetic_title_has_the_area_of_its_parcels_and_holds_the_trees() -> None:
    land = shape(sample.polygon())
    to_degrees = Transformer.from_crs(32719, 4326, always_xy=True)

    area_m2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(land)[0])

    assert area_m2 == pytest.approx(sum(sample.PARCELS_M2.values()), rel=1e-4)
    for tree in sample.trees().values():
        assert land.contains(Point(*to_degrees.transform(tree.census["easting"], tree.census["northing"])))


@pytest.mark.parametrize(("text", "litres"), [("5.643", 5643), ("0.70", 700), ("13.30", 13_300), ("0", 0)])
def test_cubic_metres_become_whole_litres(text: str, litres: int) -> None:
    assert sample.dm3(text) == litres


def test_a_fraction_of_a_litre_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of litres"):
        sample.dm3("5.6431")
