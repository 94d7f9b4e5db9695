"""How people write numbers, zones, species and headers."""

from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.permits.domain import columns
from services.permits.domain.columns import BadCell, Cell

ZONES = ("17S", "18S", "19S", "20S")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (80, "80"), (63.5, "63.5"), ("63.5", "63.5"), ("63,5", "63.5"), ("0,635", "0.635"), ("1000", "1000"),
        (" 5.881 ", "5.881"), ("-3.5", "-3.5"), ("12,3456", "12.3456"), (0.1, "0.1"),
    ],
)  # fmt: skip
def test_a_number_is_read_when_there_is_one_way_to_read_it(cell: Cell, value: str) -> None:
    assert columns.number(cell, decimal_comma=False) == Decimal(value)


@pytest.mark.parametrize("cell", ["1,234", "12,345", "999,000"])
def test_a_comma_that_may_part_thousands_is_not_guessed(cell: Cell) -> None:
    with pytest.raises(BadCell) as refused:
        columns.number(cell, decimal_comma=False)

    assert refused.value.rule == "ambiguous-comma"
    assert columns.number(cell, decimal_comma=True) == Decimal(str(cell).replace(",", "."))


@pytest.mark.parametrize(
    "cell",
    ["", "x", "1e999", "1e3", "0x10", "NaN", "inf", "1.234,5", "1,234.5", "١٢", "5 881", "=1+1", "--5", None, True,
     float("inf"), float("nan"), "9" * 400, "1.5.5"],
)  # fmt: skip
def test_what_is_no_number_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell) as refused:
        columns.number(cell, decimal_comma=False)

    assert refused.value.rule == "not-a-number"


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (["63,5", "1,234"], True), (["0,635"], True), (["1,234", "2,500"], False), (["63,5", "63.5"], False), ([], False),
        (["80", "18"], False),
    ],
)  # fmt: skip
def test_a_sheet_shows_whether_its_commas_are_decimal(texts: list[str], decimal: bool) -> None:
    assert columns.commas_are_decimal(texts) is decimal


@given(st.integers(1, 99_999), st.integers(0, 3))
def test_every_decimal_written_with_a_point_is_read_exactly(units: int, places: int) -> None:
    text = f"{Decimal(units).scaleb(-places):f}"

    assert columns.number(text, decimal_comma=False) == Decimal(units).scaleb(-places)
    assert columns.number(text.replace(".", ","), decimal_comma=True) == Decimal(units).scaleb(-places)


@given(st.one_of(st.text(max_size=30), st.integers(), st.floats(), st.none()))
def test_no_cell_breaks_a_reader(cell: Cell) -> None:
    def zone(value: Cell) -> str:
        return columns.zone(value, ZONES)

    for read in (columns.tree_code, columns.parcel, zone, columns.condition, columns.species):
        with suppress(BadCell):
            assert read(cell)


@pytest.mark.parametrize(
    ("cell", "zone"), [("19S", "19S"), ("19", "19S"), ("19 L", "19S"), (18, "18S"), (18.0, "18S"), ("17s", "17S")]
)
def test_zones_as_receivers_and_forms_write_them(cell: Cell, zone: str) -> None:
    assert columns.zone(cell, ZONES) == zone


@pytest.mark.parametrize("cell", ["", "19N", "22S", "S19", "WGS84"])
def test_a_zone_outside_the_country_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell, match="zone"):
        columns.zone(cell, ZONES)


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Brosimum guianense | Manchinga", ("Brosimum guianense", "Manchinga")),
        ("Brosimum guianense (Aubl.) Huber | Manchinga", ("Brosimum guianense", "Manchinga")),
        ("  Himatanthus\u00a0sucuuba  ", ("Himatanthus sucuuba", "")),
        ("Parkia sp.", ("Parkia sp.", "")),
        ("Pouteria caimito-brava", ("Pouteria caimito-brava", "")),
    ],
)
def test_species_lose_their_author_and_keep_their_trade_name(cell: Cell, names: tuple[str, str]) -> None:
    assert columns.species(cell) == names


def test_a_trade_name_alone_is_refused_with_what_it_may_mean() -> None:
    with pytest.raises(BadCell) as refused:
        columns.species("Manchinga")

    assert "Brosimum" in refused.value.es


@pytest.mark.parametrize("cell", ["Вrosimum guianense", "BROSIMUM GUIANENSE", "Brosimum", "=cmd|' /C calc'!A0", 5])
def test_what_is_no_scientific_name_is_refused(cell: Cell) -> None:
    with pytest.raises(BadCell, match="species"):
        columns.species(cell)


@pytest.mark.parametrize(
    ("cell", "condition"),
    [("Aprovechable", "harvestable"), ("SEMILLERO", "seed"), ("", "harvestable"), ("PAB", "harvestable"), ("CPL", "protected"),
     ("Futura cosecha", "future"), ("Protección", "protected")],
)  # fmt: skip
def test_conditions_as_forms_write_them(cell: Cell, condition: str) -> None:
    assert columns.condition(cell) == condition


def test_codes_and_parcels_have_one_spelling() -> None:
    assert [columns.tree_code(cell) for cell in (501, 501.0, " a-12 ", "501")] == ["501", "501", "A-12", "501"]
    assert [columns.parcel(cell) for cell in ("PC1", "pc 01", "PC-1", "PC 001")] == ["PC 01"] * 4
    for wrong in ("501/A", "árbol", "x" * 21, "=1+1", "-1", ""):
        with pytest.raises(BadCell, match="code"):
            columns.tree_code(wrong)


def test_a_header_is_found_under_the_titles_of_a_form() -> None:
    rows: list[tuple[int, list[Cell]]] = [
        (1, ["CENSO COMERCIAL", "", ""]),
        (3, ["", "CÓDIGO", "Especies", "DAP (cm)", "AC (m)", "Volumen (m3)", "Zona", "Coordenada Este", "Coordenada Norte", "Nota"]),
    ]  # fmt: skip

    header = columns.find_header(rows)

    assert header is not None
    assert (header.row, header.columns["code"], header.missing, header.ignored) == (3, 1, (), ("Nota",))
    assert columns.letter(header.columns["northing"]) == "I"
    assert [columns.letter(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_the_zone_may_stand_in_the_name_of_a_coordinate_column() -> None:
    header = columns.find_header([(1, ["tree", "species", "dbh_cm", "commercial_height_m", "volume_m3",
                                       "easting_wgs84_20s", "northing_wgs84_20s"])])  # fmt: skip

    assert header is not None
    assert (header.zone, header.missing) == ("20S", ())


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2025-05-03", date(2025, 5, 3)), ("2025-05-03 00:00:00", date(2025, 5, 3)), ("3/5/2025", date(2025, 5, 3)),
        ("03/05/2025", date(2025, 5, 3)), ("2025-13-03", None), ("31/02/2025", None), ("mayo", None), ("", None), (45_780, None),
        ("2025-05-031", None), ("٣/٥/٢٠٢٥", None),
    ],
)  # fmt: skip
def test_the_day_a_tree_was_measured_is_read_where_it_is_one(cell: Cell, day: date | None) -> None:
    assert columns.day(cell) == day
