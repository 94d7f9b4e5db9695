"""A group certificate with members, their wood of a season, and a price book: invented and marked so, but for the prices,
which the press printed. So that a certification body, an auditor and a community see something after ``./timber up``.

All of it is wood of a third plan of its own, away from the trees and balances of the demo (README.md in this folder).
"""

from dataclasses import dataclass
from typing import Any

from deploy import press
from deploy.seed import sample
from deploy.seed.house import House, Json, Problem, until_logged
from deploy.seed.pieces import measures, piece_id
from deploy.seed.sample import Piece
from shared.timber.event import tree_item
from shared.timber.measure import census_dm3, mean_of_ends_dm3

GROUP, SECOND_MEMBER = "asociacion-muestra", "comunidad-muestra"
ORGANISATIONS = (
    (GROUP, "Asociación de muestra (datos inventados)", "federation"),
    (SECOND_MEMBER, "Comunidad de muestra (datos inventados)", "community"),
)
CODE, CERTIFICATE, CLAIM = "MUESTRA-FM/COC-000001", "MUESTRA-FM-COC-000001", "FSC 100% (muestra)"
PLAN, PERMIT, NUMBER, PARCEL = "MUESTRA-PO-1", "MUESTRA-2025-1", "PO MUESTRA", "PC 03"
LOT = "MUESTRA-1"
GUIDES = ("MUESTRA-0001", "MUESTRA-0002")
FELLED_ON, CUT_ON, LEFT_ON, ARRIVED_ON, SAWN_ON, SOLD_ON, EXPIRES_ON = (
    "2025-10-06", "2025-10-08", "2025-10-13", "2025-10-15", "2025-10-22", "2025-11-05", "2025-10-31",
)  # fmt: skip
NOON = "T17:00:00Z"
YIELD_MILLI = 520  # of the ceiling of 560 that a mill may have without a study


@dataclass(frozen=True)
class Stem:
    """An invented tree: as the census measured it, and the stem as it was felled; all of it becomes one log."""

    code: str
    species: str
    trade_name: str
    dbh_cm: int
    height_m: int
    minimum_dbh_cm: int
    easting: int
    northing: int
    felled: bool = True

    @property
    def census_dm3(self) -> int:
        """With the form factor of the plan."""
        return census_dm3(self.dbh_cm * 10, self.height_m * 1000, 650)

    def piece(self, code: str, length_mm: int) -> Piece:
        """So much of the stem, under a code."""
        large, small = self.dbh_cm * 10 - 40, self.dbh_cm * 10 - 160
        return Piece(
            code, "", self.species, large, small, length_mm, mean_of_ends_dm3(large, small, length_mm)
        )  # fmt: skip

    @property
    def stem(self) -> Piece:
        """As felled."""
        return self.piece(self.code, 12_000)

    @property
    def log(self) -> Piece:
        """The one log that is cut from it."""
        return self.piece(f"{self.code}/A", 11_000)


# One of them bears the code of a tree of the demo: what is painted on wood is unique in its parcel only.
STEMS = (
    Stem("M-1", "Dipteryx ferrea", "Shihuahuaco", 95, 19, 51, 509_310, 8_804_870),
    Stem("501", "Dipteryx ferrea", "Shihuahuaco", 88, 22, 51, 509_742, 8_805_133),
    Stem("M-3", "Cedrelinga cateniformis", "Tornillo", 102, 21, 61, 510_068, 8_804_695),
    Stem("M-4", "Cedrelinga cateniformis", "Tornillo", 79, 17, 61, 509_521, 8_804_402, felled=False),
)
FELLED = tuple(stem for stem in STEMS if stem.felled)
SAWN = FELLED[:1] + FELLED[2:]  # the second log still lies at the mill


def load(house: House) -> None:
    """Everything above; nothing is recorded twice."""
    for id_, name, kind in ORGANISATIONS:
        house.person("autoridad").post(
            "/v1/organisations", {"id": id_, "name": name, "kind": kind, "region": sample.REGION}
        )
    _certificate(house)
    _wood(house)
    _prices(house)


def census() -> bytes:
    """The census as the regent uploads it."""
    rows = [
        (stem.code, PARCEL, {
            "species": stem.species, "trade_name": stem.trade_name, "dbh_cm": stem.dbh_cm, "height_m": stem.height_m,
            "volume_m3": f"{stem.census_dm3 / 1000:.3f}", "minimum_dbh_cm": stem.minimum_dbh_cm, "zone": "19S",
            "easting": stem.easting, "northing": stem.northing, "condition": "Aprovechable",
        }) for stem in STEMS
    ]  # fmt: skip
    return sample.sheet(rows)


def lines() -> list[Json]:
    """What the permit authorises: the census, species by species."""
    species = sorted({stem.species for stem in STEMS})
    return [
        {
            "parcel": PARCEL, "species": one, "product": "roundwood",
            "volume_dm3": sum(stem.census_dm3 for stem in STEMS if stem.species == one),
        } for one in species
    ]  # fmt: skip


def _certificate(house: House) -> None:
    """Of the sample's certification body, over a group of two communities and a mill."""
    members = [{"org": org, "first_day": "2025-01-01"} for org in (sample.COMMUNITY, SECOND_MEMBER, sample.MILL)]
    house.person("certificadora").post(
        "/v1/certificates",
        {
            "code": CODE, "scheme": "fsc", "holder": GROUP, "valid_from": "2025-01-01", "valid_to": "2029-12-31",
            "members": members,
        },
    )  # fmt: skip
    until_logged(house.public, f"/v1/certificates/{CERTIFICATE}")


def _wood(house: House) -> None:
    """From the stump to a sale under the certificate, signed by the community and by the mill."""
    community, mill = house.person("comunidad"), house.person("comprador")
    _stated(community, *_in_the_forest())
    _stated(mill, *_at_the_mill())


def _in_the_forest() -> list[Json]:
    of_permit = {"permit": PERMIT, "parcel": PARCEL}
    said = [
        _said("tree.felled", FELLED_ON, {
            **of_permit, "item": tree_item(PLAN, PARCEL, stem.code), "plan": PLAN, "tree": stem.code, **measures(stem.stem),
        }) for stem in FELLED
    ]  # fmt: skip
    said += [
        _said("log.cut", CUT_ON, {
            **of_permit, "source": tree_item(PLAN, PARCEL, stem.code),
            "sections": [{"item": _log(stem), "code": stem.log.code, "branch": False, **measures(stem.log)}],
        }) for stem in FELLED
    ]  # fmt: skip
    for number, loaded in _loads():
        said.append(_said("guide.issued", LEFT_ON, {
            "guide": number, "form": "own", "permit": PERMIT, "addressee": sample.MILL, "issued_on": LEFT_ON,
            "expires_on": EXPIRES_ON, "items": _listed(loaded), "lines": [
                {"parcel": PARCEL, "species": loaded[0].species, "product": "roundwood", "volume_dm3": _sum(loaded)}
            ],
        }))  # fmt: skip
        said.append(_said("guide.departed", LEFT_ON, {"guide": number, "form": "own", "at": LEFT_ON + NOON}))
    return said


def _at_the_mill() -> list[Json]:
    boards = [_boards(stem) for stem in SAWN]
    said = [
        _said("guide.received", ARRIVED_ON, {
            "guide": number, "form": "own", "at": ARRIVED_ON + NOON, "items": _listed(loaded), "volume_dm3": _sum(loaded),
        }) for number, loaded in _loads()
    ]  # fmt: skip
    for stem, made in zip(SAWN, boards, strict=True):
        came = _sum([one for one in FELLED if one.species == stem.species])
        stock = {
            "species": stem.species, "opening_dm3": 0, "in_dm3": came, "consumed_dm3": stem.log.volume_dm3,
            "closing_dm3": came - stem.log.volume_dm3,
        }  # fmt: skip
        said.append(_said("mill.processed", SAWN_ON, {"inputs": [_log(stem)], "outputs": [made], "stock": [stock]}))
    said.append(_said("lot.composed", SOLD_ON, {"lot": LOT, "items": [made["item"] for made in boards]}))
    said.append(_said("lot.sold", SOLD_ON, {
        "lot": LOT, "buyer": sample.BUYER, "claim": CLAIM, "certificate": CERTIFICATE,
    }))  # fmt: skip
    return said


def _boards(stem: Stem) -> Json:
    return {
        "item": piece_id(PLAN, f"{stem.log.code}/tablas"), "product": "sawn", "species": stem.species,
        "volume_dm3": stem.log.volume_dm3 * YIELD_MILLI // 1000, "pieces": 60,
    }  # fmt: skip


def _loads() -> list[tuple[str, list[Stem]]]:
    """A guide for each species."""
    species = list(dict.fromkeys(stem.species for stem in FELLED))
    return [
        (number, [stem for stem in FELLED if stem.species == one]) for number, one in zip(GUIDES, species, strict=True)
    ]


def _log(stem: Stem) -> str:
    return piece_id(PLAN, stem.log.code)


def _listed(stems: list[Stem]) -> list[Json]:
    return [{"item": _log(stem), "volume_dm3": stem.log.volume_dm3} for stem in stems]


def _sum(stems: list[Stem]) -> int:
    return sum(stem.log.volume_dm3 for stem in stems)


def _said(kind: str, on: str, body: Json) -> Json:
    return {"type": kind, "time": on + NOON, "body": body, "prev": []}


def _stated(person: Any, *statements: Json) -> None:
    """Raises Problem for the first statement that was refused."""
    for one in person.state(*statements):
        if one["status"] != "logged":
            raise Problem("POST", "/v1/statements", 409, one.get("problem") or {})


def _prices(house: House) -> None:
    house.person("operador").post("/v1/price-books", press.market())
