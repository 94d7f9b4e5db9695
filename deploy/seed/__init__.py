"""Loads the sample data through the public API, as the people of the sample data would. May be repeated."""

from typing import Any

from deploy.instance import Instance
from deploy.seed import certified, sample
from deploy.seed.house import House, Json, opened, until_logged

__all__ = ["LOADED", "Papers", "load", "papers"]

LOADED = "The sample data was loaded.\n"
# What the demo prints of each paper: the type of its record and the thing itself, with its place in the log.
Papers = list[tuple[str, Json]]


def load(instance: Instance) -> str:
    """Put everything in; one line about what stands now."""
    with opened(instance) as house:
        found = papers(house)
        _plan(
            house,
            certified.PLAN,
            certified.NUMBER,
            {certified.PARCEL: sample.PARCELS_M2[certified.PARCEL]},
            certified.census(),
        )
        _permit(house, certified.PERMIT, certified.PLAN, certified.lines())
        certified.load(house)
    instance.sample_mark.write_text(LOADED)
    lines = sum(len(paper["lines"]) for kind, paper in found if kind == "permit.issued")
    return (
        f"1 title, 2 plans, 2 permits with {lines} lines, 3 census trees, 1 inspection; {len(found)} papers in the log;"
        " 1 invented certificate with its wood, 1 price book"
    )


def papers(house: House) -> Papers:
    """Make or find every paper, each approved by a second person, and wait until all are in the log."""
    found: Papers = [_organisation(house, *one) for one in sample.ORGANISATIONS]
    found.append(_title(house))
    found.append(_plan(house, sample.BALANCE_PLAN, "PO-18-20", sample.PARCELS_M2, sample.synthetic_sheet()))
    tree_parcels = {"PC 01": sample.PARCELS_M2["PC 01"]}
    found.append(_plan(house, sample.TREE_PLAN, "PO-19", tree_parcels, sample.census_sheet(("501", "1170"))))
    found.append(_permit(house, sample.BALANCE_PERMIT, sample.BALANCE_PLAN, balance_lines()))
    found.append(_permit(house, sample.TREE_PERMIT, sample.TREE_PLAN, tree_lines()))
    found.append(_inspection(house))
    return found


def balance_lines() -> list[Json]:
    """All 96 lines of the official balance, as authorised."""
    return [_line(line) for line in sample.balance()]


def tree_lines() -> list[Json]:
    """What the balance authorises in PC 01 for the species the two trees were listed or found as."""
    trees = sample.trees().values()
    species = {tree.census["species"] for tree in trees} | {tree.felling.species for tree in trees}
    return [
        _line(line)
        for line in sample.balance()
        if line.parcel == "PC 01" and line.product == "roundwood" and line.species in species
    ]


def _line(line: sample.BalanceLine) -> Json:
    return {
        "parcel": line.parcel, "species": line.species, "product": line.product, "volume_dm3": line.authorised_dm3,
    }  # fmt: skip


def _organisation(house: House, id_: str, name: str, kind: str) -> tuple[str, Json]:
    body = {"id": id_, "name": name, "kind": kind, "region": sample.REGION}
    house.person("autoridad").post("/v1/organisations", body)
    return "organisation.registered", until_logged(house.public, f"/v1/organisations/{id_}")


def _title(house: House) -> tuple[str, Json]:
    authority = house.person("autoridad")
    authority.post(
        "/v1/titles",
        {
            "number": sample.TITLE, "official_number": "CN-A/P-MAD-000", "org": sample.COMMUNITY,
            "region": sample.REGION, "declared_area_m2": sum(sample.PARCELS_M2.values()), "polygon": sample.polygon(),
        },
    )  # fmt: skip
    return "title.registered", until_logged(authority, f"/v1/titles/{sample.TITLE}")


def _agreed(house: House, plan: str) -> None:
    """The minutes of an assembly in the vault, its agreement to submit the plan, and what it lets the regent do."""
    community, own = house.person("comunidad"), f"/v1/organisations/{sample.COMMUNITY}"
    minutes = community.upload("/v1/documents?kind=assembly_act", sample.minutes(plan), "text/plain")
    agreement = {
        "held_on": sample.ASSEMBLY_ON, "present": sample.PRESENT, "members": sample.MEMBERS, "plan": plan,
        "document": minutes["sha256"],
    }  # fmt: skip
    community.post(
        f"{own}/assembly-acts",
        agreement | {"number": f"ACTA-{plan}", "purpose": "plan", "agreement": f"Presentar el plan {plan}"},
    )
    community.post(
        f"{own}/assembly-acts",
        agreement
        | {
            "number": f"ACTA-REG-{plan}", "purpose": "delegation", "third_parties": [sample.REGENT],
            "agreement": f"Que la regencia levante y suba el censo de {plan}",
        },
    )  # fmt: skip
    community.post(
        f"{own}/delegations",
        {
            "number": f"DEL-{plan}", "delegate": sample.REGENT, "plan": plan, "acts": ["upload_census"],
            "valid_from": sample.ASSEMBLY_ON, "valid_to": sample.HARVEST_TO, "assembly_act": f"ACTA-REG-{plan}",
        },
    )  # fmt: skip


def _plan(house: House, id_: str, number: str, parcels: dict[str, int], census: bytes) -> tuple[str, Json]:
    """The community proposes, the regent uploads the census, the community submits and explains what the rules found, the
    authority approves."""
    community, path = house.person("comunidad"), f"/v1/plans/{id_}"
    plan = community.post(
        "/v1/plans",
        {
            "id": id_, "title": sample.TITLE, "number": number, "season": "2025", "regent": sample.REGENT,
            "parcels": [{"code": code, "area_m2": area} for code, area in parcels.items()], "form_factor_milli": 650,
            "harvest_from": sample.HARVEST_FROM, "harvest_to": sample.HARVEST_TO, "census_basis": "partial",
        },
    )  # fmt: skip
    if plan["state"] == "draft":
        _agreed(house, id_)
        house.person("regente").upload(f"{path}/census", census, "text/csv")
        plan = community.post(f"{path}/submit", {})
    if plan["state"] == "submitted":
        house.person("autoridad2").post(f"{path}/review", {})
        _answer(house, path)
        house.person("autoridad").post(f"{path}/approve", {"resolution": sample.RESOLUTION})
    return "plan.approved", until_logged(community, path)


def _answer(house: House, path: str) -> None:
    """The community explains what an officer's review found."""
    community = house.person("comunidad")
    for found in community.get(f"{path}/findings")["findings"]:
        if found["blocks"] == "needs-explanation":
            said = {"text": sample.EXPLANATIONS[found["rule"]]}
            community.post(f"{path}/findings/{found['id']}/explanation", said)


def _permit(house: House, number: str, plan: str, lines: list[Any]) -> tuple[str, Json]:
    """One officer proposes, another approves."""
    proposer, path = house.person("autoridad"), f"/v1/permits/{number}"
    permit = proposer.post(
        "/v1/permits",
        {
            "number": number, "plan": plan, "holder": sample.COMMUNITY, "harvest_from": sample.HARVEST_FROM,
            "harvest_to": sample.HARVEST_TO, "move_to": sample.MOVE_TO, "lines": lines,
        },
    )  # fmt: skip
    if permit["state"] == "proposed":
        house.person("autoridad2").post(f"{path}/approve", {})
    return "permit.issued", until_logged(proposer, path)


def _inspection(house: House) -> tuple[str, Json]:
    """The supervisor's check of both trees in the field: both stood there, one is of another species."""
    trees = sample.trees().values()
    body = {
        "number": sample.INSPECTION, "plan": sample.TREE_PLAN, "parcel": "PC 01", "trees_sampled": len(trees),
        "trees_absent": 0, "trees_mismatched": sum(t.checked_species != t.census["species"] for t in trees),
        "volume_dm3": sum(tree.census_dm3 for tree in trees), "trees": sorted(tree.code for tree in trees),
    }  # fmt: skip
    house.person("supervisor").post("/v1/inspections", body)
    return "inspection.reported", until_logged(house.public, f"/v1/inspections/{sample.INSPECTION}")
