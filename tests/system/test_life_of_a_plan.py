"""A plan from draft to permit, suspension, appeal and re-entry, through the gateway by five people; each wrong step refused with
its reason in the language of whoever asks."""

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.instance import Instance
from deploy.seed import sample
from deploy.seed.house import House, Person, Problem, opened, until_logged
from services.permits.domain.day import peru_day
from services.permits.domain.land import measure
from tests.system.conftest import timber

pytestmark = pytest.mark.system

WHY = {"reason": "Informe de supervisión 12-2026"}
DECISION = {"resolution": "RGR-0001-2026"}
# Each walk has land of its own: where it begins in the west, and the easting of its middle in zone 19S.
LAND = {"es": (-70.90, 295_200), "en": (-70.80, 306_100)}
SOUTH, NORTHING, SIDE_DEG = -12.60, 8_608_050, 0.03


def day(days: int) -> str:
    return (peru_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


class Walk:
    """One plan and its permit, as five people of the house move it."""

    def __init__(self, house: House, language: str) -> None:
        self.house, self.language = house, language
        self.title, self.plan, self.permit = (f"{kind}-VIDA-{language.upper()}" for kind in ("CN", "PO", "PF"))
        self.path, self.permit_path = f"/v1/plans/{self.plan}", f"/v1/permits/{self.permit}"
        names = ("comunidad", "regente", "autoridad", "autoridad2", "supervisor")
        self.community, self.regent, self.officer, self.second, self.supervisor = map(house.person, names)

    def no(self, slug: str, who: Person, path: str, body: Any = None, status: int = 409) -> None:
        """Refused for this reason, said in full in the language asked for and in the other."""
        with pytest.raises(Problem) as refused:
            who.post(path, body if body is not None else {})
        said = refused.value.problem
        assert (refused.value.slug, refused.value.status) == (slug, status), said
        assert said["detail"] == said[f"detail_{self.language}"]
        assert said["detail_es"] != said["detail_en"]
        assert "{" not in said["detail_es"] + said["detail_en"]

    def phase(self, who: Person | None = None, on: int = 0) -> str:
        return str((who or self.house.public).get(f"{self.path}/standing", on=day(on))["phase"])

    def valid(self, on: int = 0) -> bool:
        return bool(self.house.public.get(f"{self.permit_path}/verify", on=day(on))["valid"])


def a_plan(walk: Walk) -> dict[str, Any]:
    return {
        "id": walk.plan, "title": walk.title, "number": "PO 1", "season": "2026",
        "regent": sample.REGENT, "parcels": [{"code": "PC 01", "area_m2": 9_000_000}], "form_factor_milli": 650,
        "harvest_from": day(-120), "harvest_to": day(0), "census_basis": "listed",
    }  # fmt: skip


def a_title(walk: Walk) -> dict[str, Any]:
    west, _ = LAND[walk.language]
    east, north = west + SIDE_DEG, SOUTH + SIDE_DEG
    ring = [[west, SOUTH], [east, SOUTH], [east, north], [west, north], [west, SOUTH]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    return {
        "number": walk.title, "org": sample.COMMUNITY, "region": sample.REGION,
        "declared_area_m2": measure.area_m2(polygon), "polygon": polygon,
    }  # fmt: skip


def a_census(walk: Walk) -> bytes:
    """Twenty manchingas, two of them seed trees."""
    _, easting = LAND[walk.language]
    rows = ["codigo,especies,dap,ac,volumen,zona,coordenada_este,coordenada_norte,condicion,estado,pca,dmc"]
    for n in range(1, 21):
        east, north = easting + n * 7919 % 2003 - 1000, NORTHING + n * 104_729 % 1999 - 1000
        kind = "Semillero" if n <= 2 else "Aprovechable"
        rows.append(f"{n},Brosimum guianense | Manchinga,80,18,5.881,19S,{east},{north},{kind},En Pie,PC 01,41")
    return "\n".join([*rows, ""]).encode()


def agreed(walk: Walk) -> None:
    """What the assembly agreed: to hand the plan in, and that the regent uploads its census."""
    own = f"/v1/organisations/{sample.COMMUNITY}"
    minutes = walk.community.upload("/v1/documents?kind=assembly_act", sample.minutes(walk.plan), "text/plain")
    act = {
        "plan": walk.plan, "held_on": day(-200), "present": 41, "members": 60, "document": minutes["sha256"],
    }  # fmt: skip
    to_plan = {"number": f"ACTA-{walk.plan}", "purpose": "plan", "agreement": "Presentar el plan"}
    walk.community.post(f"{own}/assembly-acts", act | to_plan)
    to_regent = {"number": f"ACTA-REG-{walk.plan}", "purpose": "delegation", "agreement": "Que suba el censo"}
    walk.community.post(f"{own}/assembly-acts", act | to_regent | {"third_parties": [sample.REGENT]})
    walk.community.post(
        f"{own}/delegations",
        {
            "number": f"DEL-{walk.plan}", "delegate": sample.REGENT, "plan": walk.plan, "acts": ["upload_census"],
            "valid_from": day(-200), "valid_to": day(200), "assembly_act": f"ACTA-REG-{walk.plan}",
        },
    )  # fmt: skip


def answered(walk: Walk) -> None:
    """An officer's review; the community explains what is asked, and the supervisor decides where that is needed."""
    walk.second.post(f"{walk.path}/review", {})
    for found in walk.community.get(f"{walk.path}/findings")["findings"]:
        where = f"{walk.path}/findings/{found['id']}"
        if found["blocks"] in ("needs-explanation", "needs-decision"):
            walk.community.post(f"{where}/explanation", {"text": "Se explica en el informe adjunto."})
        if found["blocks"] == "needs-decision":
            walk.supervisor.post(f"{where}/decision", {"decision": "accepted", "text": "Conforme."})


@pytest.fixture(scope="module")
def empty_house() -> Iterator[Instance]:
    """A house of its own: what is counted on the sample data elsewhere stays as it is."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    folder.chmod(0o711)  # as root, the database's user walks through it
    try:
        timber("up", "-d", "--empty", "--port", "0", "--data", str(folder / "data"))
        instance = Instance(folder / "data")
        with opened(instance) as found:
            for org, name, kind in sample.ORGANISATIONS:
                body = {"id": org, "name": name, "kind": kind, "region": sample.REGION}
                found.person("operador" if org == "gerfor-md" else "autoridad").post("/v1/organisations", body)
                until_logged(found.public, f"/v1/organisations/{org}")
        yield instance
    finally:
        timber("reset", "--yes", "--data", str(folder / "data"), check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["es", "en"])
def walk(empty_house: Instance, request: pytest.FixtureRequest) -> Iterator[Walk]:
    with opened(empty_house, request.param) as found:
        yield Walk(found, request.param)


def test_five_people_take_a_plan_from_draft_to_reentry_through_the_gateway(walk: Walk) -> None:
    drafted_and_approved(walk)
    permitted(walk)
    stopped_and_appealed(walk)
    caducity_appealed(walk)
    entered_again(walk)

    trail = walk.community.pages(f"/v1/organisations/{sample.COMMUNITY}/audit", "items", limit=500)
    done = {(one["what"], one["detail"]) for one in trail if walk.plan in one["thing"] or walk.permit in one["thing"]}
    assert done >= {
        ("plan", "draft > submitted"), ("plan", "inspected > approved"), ("plan", "suspend"), ("plan", "reinstate"),
        ("permit", "proposed > in_force"), ("permit", "in_force > suspended"), ("appeal", "open"),
        ("appeal", "open > upheld"), ("extension", "requested"), ("extension", "requested > approved"),
    }  # fmt: skip
    assert len({one["actor"] for one in trail if walk.plan in one["thing"] or walk.permit in one["thing"]}) == 5


def drafted_and_approved(walk: Walk) -> None:
    """Drafted by the community, its census from the regent, observed, handed in again, inspected by one officer and approved by
    another."""
    community, regent, officer, second = walk.community, walk.regent, walk.officer, walk.second
    officer.post("/v1/titles", a_title(walk))
    until_logged(officer, f"/v1/titles/{walk.title}")
    walk.no("no-delegation", regent, "/v1/plans", a_plan(walk))
    walk.no("role-not-allowed", officer, "/v1/plans", a_plan(walk), 403)
    community.post("/v1/plans", a_plan(walk))
    walk.no("census-missing", community, f"{walk.path}/submit")
    agreed(walk)
    regent.upload(f"{walk.path}/census", a_census(walk), "text/csv")
    inspection = {
        "day": day(0), "opinion": "favourable", "trees_sampled": 20, "trees_absent": 0, "reason": "Acta 4-2026",
        "documents": [],
    }  # fmt: skip
    walk.no("wrong-state", officer, f"{walk.path}/inspect", inspection)
    walk.no("role-not-allowed", regent, f"{walk.path}/submit", status=403)
    community.post(f"{walk.path}/submit", {})
    walk.no("role-not-allowed", community, f"{walk.path}/observe", WHY, 403)
    officer.post(f"{walk.path}/observe", WHY)
    walk.no("wrong-state", second, f"{walk.path}/approve", DECISION)
    regent.upload(f"{walk.path}/census", a_census(walk), "text/csv")
    community.post(f"{walk.path}/submit", {"census_ended_on": day(-1)})
    walk.no("day-not-come", officer, f"{walk.path}/inspect", inspection | {"day": day(1)})
    officer.post(f"{walk.path}/inspect", inspection)
    walk.no("same-person", officer, f"{walk.path}/approve", DECISION)
    answered(walk)
    second.post(f"{walk.path}/approve", DECISION)
    walk.no("wrong-state", officer, f"{walk.path}/reject", WHY)
    until_logged(community, walk.path)


def permitted(walk: Walk) -> None:
    """Proposed by one officer, approved by another."""
    line = {"parcel": "PC 01", "species": "Brosimum guianense", "product": "roundwood", "volume_dm3": 40_000}
    asked = {
        "number": walk.permit, "plan": walk.plan, "holder": sample.COMMUNITY, "harvest_from": day(-100),
        "harvest_to": day(0), "move_to": day(30), "lines": [line],
    }  # fmt: skip
    walk.no("role-not-allowed", walk.supervisor, "/v1/permits", asked, 403)
    walk.officer.post("/v1/permits", asked)
    walk.no("same-person", walk.officer, f"{walk.permit_path}/approve")
    walk.second.post(f"{walk.permit_path}/approve", {})
    assert until_logged(walk.community, walk.permit_path)["state"] == "in_force"
    assert (walk.valid(), walk.valid(5)) == (True, False)  # its last day of harvest
    walk.no("wrong-state", walk.community, f"{walk.permit_path}/appeals", {"id": "A0", "ground": "Nada que apelar"})


def stopped_and_appealed(walk: Walk) -> None:
    """The supervisor's measure, which the authority that approved neither orders nor lifts; the appeal, which somebody else
    decides; and the plan, which takes its permit with it and brings it back."""
    community, officer, supervisor, at = walk.community, walk.officer, walk.supervisor, walk.permit_path
    walk.no("role-not-allowed", officer, f"{at}/precautionary-measure", WHY, 403)
    stopped = supervisor.post(f"{at}/precautionary-measure", WHY)
    assert (stopped["state"], stopped["measure"]) == ("suspended", "precautionary")
    assert not walk.valid()
    walk.no("measure-of-supervisor", officer, f"{at}/reinstate", WHY)
    community.post(f"{at}/appeals", {"id": "A1", "ground": "Los árboles están en pie"})
    walk.no("appeal-open", community, f"{at}/appeals", {"id": "A2", "ground": "Otra"})
    walk.no("appeal-open", supervisor, f"{at}/caducity", WHY)
    upheld = {"outcome": "upheld", "resolution": "TFFS 3-2026"}
    walk.no("same-person", supervisor, f"{at}/appeals/A1/decide", upheld)
    decided = officer.post(f"{at}/appeals/A1/decide", upheld)
    assert (decided["state"], decided["measure"]) == ("in_force", None)
    assert walk.valid()

    assert supervisor.post(f"{walk.path}/suspend", WHY)["state"] == "suspended"
    walk.no("follows-plan", supervisor, f"{at}/reinstate", WHY)
    walk.no("measure-of-supervisor", officer, f"{walk.path}/reinstate", WHY)
    assert supervisor.post(f"{walk.path}/reinstate", WHY)["state"] == "approved"
    assert community.get(f"{at}/course")["state"] == "in_force"


def caducity_appealed(walk: Walk) -> None:
    """Declared, not lifted by anybody but the appeal, not made final by who declared it; the community wins."""
    community, at = walk.community, walk.permit_path
    declared = walk.supervisor.post(f"{at}/caducity", WHY)
    assert (declared["state"], declared["measure"]) == ("suspended", "caducity")
    walk.no("caducity-declared", walk.supervisor, f"{at}/reinstate", WHY)
    walk.no("caducity-declared", walk.officer, f"{at}/revoke", WHY)
    walk.no("same-person", walk.supervisor, f"{at}/caducity/confirm", WHY)
    community.post(f"{at}/appeals", {"id": "A3", "ground": "No se probó"})
    lost = {"outcome": "dismissed", "resolution": "TFFS 4-2026"}
    walk.no("same-person", walk.supervisor, f"{at}/appeals/A3/decide", lost)
    won = walk.second.post(f"{at}/appeals/A3/decide", {"outcome": "upheld", "resolution": "TFFS 4-2026"})
    assert (won["state"], won["measure"]) == ("in_force", None)


def entered_again(walk: Walk) -> None:
    """The last day of harvest; further days are asked for by the community and given by an officer, with a resolution in the vault."""
    community, officer, at = walk.community, walk.officer, walk.permit_path
    asked = {
        "id": "R1", "kind": "reentry", "harvest_from": day(10), "harvest_to": day(100), "move_to": day(200),
        "reason": "Quedan árboles en pie por la creciente",
    }  # fmt: skip
    assert [walk.phase(), walk.phase(on=5)] == ["active", "expired"]
    walk.no("role-not-allowed", walk.regent, f"{at}/extensions", asked, 403)
    walk.no("window-order", community, f"{at}/extensions", asked | {"harvest_from": day(0)})
    community.post(f"{at}/extensions", asked)
    assert (walk.phase(community, on=5), walk.phase(on=5)) == ("reentry_requested", "expired")
    walk.no("role-not-allowed", community, f"{at}/extensions/R1/approve", DECISION, 403)
    paper = officer.upload("/v1/documents?kind=reentry", f"Reingreso de {walk.plan}\n".encode(), "text/plain")
    given = officer.post(f"{at}/extensions/R1/approve", DECISION | {"documents": [paper["sha256"]]})
    assert given["reentries"] == [[day(10), day(100)]]
    walk.no("wrong-state", walk.second, f"{at}/extensions/R1/refuse", DECISION)
    assert [walk.phase(on=on) for on in (5, 50, 150)] == ["expired", "reentry_active", "balance_mobilisation"]
    assert [walk.valid(on) for on in (5, 50, 150)] == [False, True, False]
    index = until_logged(community, f"{at}/course")["log"]["index"]
    [entry] = walk.house.public.get("/v1/records", since=index, limit=1, wait=10)["entries"]
    said = json.loads(base64.b64decode(entry))["stmt"]
    assert (said["type"], said["body"]["documents"]) == ("permit.amended", [paper["sha256"]])
