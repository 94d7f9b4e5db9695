"""Act 1: the papers. What stands before the first tree falls, each approved by a second person."""

from deploy.demo.story import Story, m3
from deploy.seed import LOADED, papers
from deploy.seed.house import House, Json

TITLES = {
    "organisation.registered": ("Organización", "Organisation"),
    "title.registered": ("Título habilitante", "Title"),
    "plan.approved": ("Plan aprobado por una segunda persona", "Plan approved by a second person"),
    "permit.issued": ("Permiso aprobado por una segunda persona", "Permit approved by a second person"),
    "inspection.reported": ("Verificación en campo", "Field inspection"),
}


def tell(story: Story, house: House) -> None:
    """Load the sample data (nothing is recorded twice) and show where each paper stands in the log."""
    story.act("papers", "1. Los papeles: quién puede talar qué, y dónde", "1. The papers: who may fell what, and where")
    for kind, paper in papers(house):
        name = str(paper.get("id") or paper.get("number"))
        es, en = TITLES[kind]
        what_es, what_en = _about(kind, paper)
        story.step(
            f"{kind}:{name}", "logged", f"{es} {name}{what_es}", f"{en} {name}{what_en}", paper["log"]["index"],
            sid=paper["log"]["sid"],
        )  # fmt: skip
        if kind == "plan.approved":
            _findings(story, house, name)
        story.expect(
            isinstance(paper["log"]["index"], int), f"{name} no está en el registro", f"{name} is not in the log"
        )
    house.instance.sample_mark.write_text(LOADED)  # also of a house that was begun empty


def _findings(story: Story, house: House, plan: str) -> None:
    """What the review found in the plan and what the community said of it: told, not hidden."""
    for found in house.person("comunidad").get(f"/v1/plans/{plan}/findings")["findings"]:
        if found["status"] != "FAIL":
            continue
        head = f"{found['rule']} {found['severity']}"
        story.note(f"{head}: {found['es']}", f"{head}: {found['en']}")
        for tree in found["evidence"] if found["rule"] == "P06" else ():
            declared, computed = m3(tree["declared_dm3"]), m3(tree["computed_dm3"])
            story.note(
                f"El árbol {tree['code']} declara {declared} m³ y sus medidas dan {computed} con el factor del plan.",
                f"Tree {tree['code']} declares {declared} m³ and its measures give {computed} with the plan's factor.",
            )
        for act in found["acts"]:
            story.note(f"Explicación: {act['text']}", f"Explanation (as written): {act['text']}")


def _about(kind: str, paper: Json) -> tuple[str, str]:
    if kind == "title.registered":
        hectares = f"{paper['declared_area_m2'] / 10_000:.1f} ha"
        return f": {hectares}", f": {hectares}"
    if kind == "plan.approved":
        parcels, trees = ", ".join(p["code"] for p in paper["parcels"]), paper["census"]["trees"]
        return (
            f": {parcels}; árboles en el censo parcial: {trees}",
            f": {parcels}; trees in the partial census: {trees}",
        )
    if kind == "permit.issued":
        lines = len(paper["lines"])
        return f": {lines} líneas", f": {lines} lines"
    if kind == "inspection.reported":
        sampled, wrong = paper["trees_sampled"], paper["trees_mismatched"]
        return (
            f": {sampled} árboles vistos, {wrong} de otra especie",
            f": {sampled} trees seen, {wrong} of another species",
        )
    return f": {paper['name']}", f": {paper['name']}"
