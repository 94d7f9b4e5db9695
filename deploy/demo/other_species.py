"""Act 3: tree 1170, which the census calls estoraque and the saw found to be azúcar huayo. Recorded, and reported."""

from deploy.demo import lots
from deploy.demo.story import Story, m3
from deploy.demo.wood import Teller
from deploy.seed import sample
from deploy.seed.house import House, Json
from deploy.seed.pieces import piece_id

CODE = "1170"
LOT = "LOTE-1170"
TRIP_DAYS = {"2025-09-02": "2025-09-09", "2025-09-08": "2025-09-15", "2025-09-09": "2025-09-16"}


def tell(story: Story, house: House) -> None:
    """Felling, three logs, three guides of the paper book, a lot: nothing is refused, and the verdict says what it is."""
    story.act(
        "tree-1170",
        "3. El árbol 1170: todo se registra, y el veredicto lo dice",
        "3. Tree 1170: all is recorded, and the verdict tells",
    )
    tree = sample.trees()[CODE]
    forest = Teller(story, house.person("comunidad"), sample.TREE_PERMIT, sample.TREE_PLAN)
    felled = forest.fell(tree)
    cut = forest.cut(CODE, tree.parcel, tree.logs, felled)
    _found(story, felled, "C05")
    _found(story, cut, "C08")
    in_order = sorted(tree.logs, key=lambda log: tree.guides[log.code][1])
    sids = [_guide(forest, tree, log, cut) for log in in_order]
    items = [piece_id(sample.TREE_PLAN, log.code) for log in tree.logs]
    forest.record(
        f"composed-{LOT}", "lot.composed", "2025-09-20", {"lot": LOT, "items": items},
        f"Lote {LOT}: las tres trozas", f"Lot {LOT}: the three logs", sids,
    )  # fmt: skip
    found = lots.check(story, house, LOT, "TO_REVIEW")
    lots.print_failures(story, found, "C05", "C08")
    felled_dm3, logs_dm3 = tree.felling.volume_dm3, sum(log.volume_dm3 for log in tree.logs)
    story.expect(
        (felled_dm3, logs_dm3) == (9975, 10819),
        "los volúmenes no son los oficiales",
        "the volumes are not the official ones",
    )
    story.note(
        f"Las trozas suman {m3(logs_dm3)} m³ y el fuste medía {m3(felled_dm3)}: {(logs_dm3 / felled_dm3 - 1) * 100:.1f} % más.",
        f"The logs add up to {m3(logs_dm3)} m³ and the stem measured {m3(felled_dm3)}: {(logs_dm3 / felled_dm3 - 1) * 100:.1f} % more.",
    )


def _found(story: Story, result: Json, rule: str) -> None:
    """The rule reported it when it was recorded, with its figures."""
    findings = [finding for finding in result["findings"] if finding["rule"] == rule and finding["status"] == "FAIL"]
    story.expect(bool(findings), f"la regla {rule} no lo observó", f"rule {rule} did not report it")
    for finding in findings:
        head = f"{rule} {finding['severity']}"
        story.note(f"{head}: {finding['text_es']}", f"{head}: {finding['text_en']}")


def _guide(forest: Teller, tree: sample.SampleTree, log: sample.Piece, cut: Json) -> str:
    """A guide of the official paper book: a fact, not a permission of ours."""
    number, day = tree.guides[log.code]
    issued = forest.record(
        f"guide-{number}", "guide.issued", day,
        {
            "guide": number, "form": "official", "permit": sample.TREE_PERMIT, "addressee": sample.MILL,
            "issued_on": day, "expires_on": TRIP_DAYS[day],
            "lines": [
                {"parcel": tree.parcel, "species": log.species, "product": "roundwood", "volume_dm3": log.volume_dm3}
            ],
            "items": [{"item": piece_id(sample.TREE_PLAN, log.code), "volume_dm3": log.volume_dm3}],
        },
        f"Guía oficial {number}, como hecho: {log.code}, {m3(log.volume_dm3)} m³",
        f"Official guide {number}, as a fact: {log.code}, {m3(log.volume_dm3)} m³",
        [cut["sid"]],
    )  # fmt: skip
    forest.story.guides.append({"guide": number, "form": "official", "index": issued.get("index"), "state": "issued"})
    return str(issued["sid"])
