"""The sample data as read from its files, in the units of records. What each figure is: README.md in this folder."""

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

COMMUNITY = "comunidad-a"
REGENT = "regencia-1"
MILL = "aserradero-1"
BUYER = "importadora-1"
REGION = "madre-de-dios"
TITLE = "CN-A-P-MAD-000"
BALANCE_PLAN = "CN-A-PO-18-20"
BALANCE_PERMIT = "CN-A-2025-A"
TREE_PLAN = "CN-A-PO-19"
TREE_PERMIT = "CN-A-2025-B"
INSPECTION = "INF-0000-2026"
RESOLUTION = "RGR-0000-2025"
HARVEST_FROM, HARVEST_TO, MOVE_TO = "2025-07-22", "2028-07-21", "2029-07-21"
ASSEMBLY_ON, PRESENT, MEMBERS = "2025-05-10", 41, 60  # invented, as the community is
CONSULTED_ON = "2026-06-10"
PARCELS_M2 = {"PC 01": 14_000_000, "PC 02": 26_994_000, "PC 03": 26_912_000}
# What the community says of what the review of its plans finds, by rule.
EXPLANATIONS = {
    "P06": "El árbol 1170 es estoraque: la fuente calcula su volumen con factor de forma 0.71; el plan usa 0.65 para todos.",
}
SYNTHETIC_TREE = "SINTETICO-1"
AUTHORISED_TREES = 7_664  # of the season, in the same source as the balance; it gives the plan's mean volume of a tree

ORGANISATIONS = (
    ("gerfor-md", "Autoridad forestal regional (demostración)", "authority"),
    ("osinfor-md", "Supervisión forestal (demostración)", "supervisor"),
    (COMMUNITY, "Comunidad Nativa A", "community"),
    (REGENT, "Regencia Forestal 1 (demostración)", "regent_firm"),
    (MILL, "Aserradero 1 (demostración)", "mill"),
    (BUYER, "Importadora 1 (demostración)", "company"),
    ("cert-1", "Certificadora 1 (demostración)", "certifier"),
)


@dataclass(frozen=True)
class BalanceLine:
    """One line of the official balance, in litres."""

    number: int
    plan: str
    parcel: str
    species: str
    product: str
    trade_name: str
    authorised_dm3: int
    extracted_dm3: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it one line of the permit."""
        return self.parcel, self.species, self.product


@dataclass(frozen=True)
class Piece:
    """A felled stem or a log as measured."""

    code: str
    on: str
    species: str
    large_mm: int
    small_mm: int
    length_mm: int
    volume_dm3: int


@dataclass(frozen=True)
class SampleTree:
    """One tree from census to dispatch. `guides` gives, by log code, the guide and its day."""

    code: str
    parcel: str
    census: dict[str, Any]
    census_dm3: int
    felling: Piece
    observations: str | None
    logs: tuple[Piece, ...]
    guides: dict[str, tuple[str, str]]
    checked_species: str


def dm3(text: str) -> int:
    """Cubic metres as written by the source, in litres; refuses a fraction of a litre."""
    litres = Decimal(text) * 1000
    if litres != litres.to_integral_value():
        raise ValueError(f"{text} m3 is not a whole number of litres")
    return int(litres)


def balance() -> list[BalanceLine]:
    """The 96 lines, in the order of the source."""
    with (HERE / "balance_2025.csv").open(newline="") as file:
        return [
            BalanceLine(
                number, row["plan"], row["parcel"], row["species"], row["product"], row["trade_name"],
                dm3(row["authorised_m3"]), dm3(row["extracted_m3"]),
            )
            for number, row in enumerate(csv.DictReader(file), 1)
        ]  # fmt: skip


def trees() -> dict[str, SampleTree]:
    """The two real trees, by code."""
    found = json.loads((HERE / "trees_2025.json").read_text())["trees"]
    return {tree["tree"]: _tree(tree) for tree in found}


def polygon() -> dict[str, Any]:
    """The synthetic boundary of the title."""
    found: dict[str, Any] = json.loads((HERE / "title.geojson").read_text())
    return found


def minutes(plan: str) -> bytes:
    """The minutes of the sample's assembly, which says of itself that it is one."""
    text = (
        f"Acta de asamblea de la Comunidad Nativa A (datos de demostración).\nFecha: {ASSEMBLY_ON}."
        f" Asistentes: {PRESENT} de {MEMBERS}.\nAcuerdo: presentar el plan {plan} y que la regencia suba su censo.\n"
    )
    return text.encode()


def census_sheet(codes: tuple[str, ...]) -> bytes:
    """The census of the real trees as the regent uploads it: the source's own columns and words."""
    known = trees()
    rows = [(code, known[code].parcel, known[code].census) for code in codes]
    return sheet(rows)


def synthetic_sheet() -> bytes:
    """The census of the balance's plan: one invented shihuahuaco, named so that nobody takes it for a real tree."""
    tree = {
        "species": "Dipteryx ferrea", "trade_name": "Shihuahuaco", "dbh_cm": 90, "height_m": 20, "volume_m3": "8.270",
        "minimum_dbh_cm": 51, "zone": "19S", "easting": 507400, "northing": 8806200, "condition": "Aprovechable",
    }  # fmt: skip
    return sheet([(SYNTHETIC_TREE, "PC 03", tree)])


def sheet(rows: list[tuple[str, str, dict[str, Any]]]) -> bytes:
    """Rows of trees (code, parcel, measures) in the columns and words of the source."""
    lines = ["codigo;pca;especies;dap;ac;volumen;dmc;zona;coordenada_este;coordenada_norte;condicion"]
    for code, parcel, tree in rows:
        species = f"{tree['species']} | {tree['trade_name']}"
        cells = (
            code, parcel, species, tree["dbh_cm"], tree["height_m"], tree["volume_m3"], tree["minimum_dbh_cm"],
            tree["zone"], tree["easting"], tree["northing"], tree["condition"],
        )  # fmt: skip
        lines.append(";".join(str(cell) for cell in cells))
    return ("\n".join(lines) + "\n").encode()


def _tree(source: dict[str, Any]) -> SampleTree:
    return SampleTree(
        source["tree"], source["parcel"], source["census"], dm3(source["census"]["volume_m3"]),
        _piece(source["felling"] | {"code": source["tree"]}), source["felling"]["observations"],
        tuple(_piece(log) for log in source["logs"]),
        {sent["log"]: (sent["guide"], sent["on"]) for sent in source["dispatches"]}, source["field_check"]["species"],
    )  # fmt: skip


def _piece(source: dict[str, Any]) -> Piece:
    return Piece(
        source["code"], source["on"], source["species"], dm3(source["large_m"]), dm3(source["small_m"]),
        dm3(source["length_m"]), dm3(source["volume_m3"]),
    )  # fmt: skip
