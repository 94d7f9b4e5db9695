"""What the acts about trees share: statements of the sample's measures, told with their place in the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.demo.story import Story, m3
from deploy.seed.house import Json, Person
from deploy.seed.pieces import measures, piece_id
from deploy.seed.sample import Piece, SampleTree
from shared.timber.event import tree_item

CLOCK = "T17:00:00Z"  # the source gives days: noon in Peru


@dataclass(frozen=True)
class Teller:
    """Records statements as one person and tells each; `permit` and `plan` are those of the tree."""

    story: Story
    person: Person
    permit: str
    plan: str

    def record(self, name: str, kind: str, on: str, body: Json, es: str, en: str, prev: Sequence[str] = ()) -> Json:
        """One statement that must be logged; its result."""
        statement = {"type": kind, "time": on if "T" in on else on + CLOCK, "body": body, "prev": sorted(prev)}
        [result] = self.person.state(statement)
        index = result.get("index")
        failed = [finding["rule"] for finding in result.get("findings") or [] if finding["status"] == "FAIL"]
        self.story.step(name, result["status"], es, en, index, sid=result.get("sid"), type=kind, failed=failed)
        problem = (result.get("problem") or {}).get("detail")
        self.story.expect(
            result["status"] == "logged", f"{name} fue rechazado: {problem}", f"{name} was refused: {problem}"
        )
        return result

    def fell(self, tree: SampleTree) -> Json:
        """The felling as the operations book has it."""
        body = self.felling_body(tree.code, tree.parcel, tree.felling)
        if tree.observations:
            body["observations"] = " ".join(tree.observations.split())
        volume = m3(tree.felling.volume_dm3)
        self.story.items.append(
            {"code": tree.code, "item": body["item"], "kind": "tree", "volume_dm3": tree.felling.volume_dm3}
        )
        return self.record(
            f"fell-{tree.code}", "tree.felled", tree.felling.on, body,
            f"Tala del árbol {tree.code}: {tree.felling.species}, {volume} m³",
            f"Tree {tree.code} felled: {tree.felling.species}, {volume} m³",
        )  # fmt: skip

    def felling_body(self, code: str, parcel: str, felling: Piece) -> Json:
        """The statement of a felling."""
        return {
            "item": tree_item(self.plan, parcel, code), "permit": self.permit, "plan": self.plan, "parcel": parcel,
            "tree": code, **measures(felling),
        }  # fmt: skip

    def cut(self, code: str, parcel: str, logs: Sequence[Piece], felled: Json) -> Json:
        """All logs of one stem, cut on one day."""
        body = {
            "source": tree_item(self.plan, parcel, code), "permit": self.permit, "parcel": parcel,
            "sections": [
                {"item": piece_id(self.plan, log.code), "code": log.code, "branch": False, **measures(log)} for log in logs
            ],
        }  # fmt: skip
        for log in logs:
            self.story.items.append(
                {"code": log.code, "item": piece_id(self.plan, log.code), "kind": "log", "volume_dm3": log.volume_dm3}
            )
        each = ", ".join(f"{log.code} {m3(log.volume_dm3)} m³" for log in logs)
        return self.record(
            f"cut-{code}", "log.cut", logs[0].on, body, f"Trozado: {each}", f"Cross-cut: {each}", [felled["sid"]]
        )
