"""L08 of a log: which census each plan was handed in with, held against its approval and against the trees that are listed."""

from collections.abc import Iterator

from shared.audit.ledger import Ledger
from shared.timber.event import Record
from shared.timber.facts import Plan
from shared.timber.lottery import FRAME, Tree, listing_leaf
from shared.timber.norms import Rule
from shared.timber.rules import watch
from shared.timber.rules.outcome import Outcome
from shared.timber.rules.watch import HandedIn
from shared.tlog import merkle


def outcomes(ledger: Ledger, index: int, record: Record, rule: Rule) -> Iterator[Outcome]:
    """What does not hold of a census with this record, which the rules have just admitted. Inside a round of the ledger."""
    body = record.body
    if record.type == "census.committed":
        ledger.load([f"plan:{body['plan']}"])
        plan = ledger.facts.find(Plan, f"plan:{body['plan']}")
        if plan is not None:
            yield watch.l08_late(rule, plan.id, plan.index)
        else:
            said = (body[name] for name in ("root", "listing_root", "trees", "harvestable_dm3"))
            ledger.commit_census(HandedIn(body["plan"], index, *said))
    elif record.type == "plan.approved":
        census, handed_in = body["census"], ledger.committed(body["id"])
        day, known = record.time[:10], ledger.some_commitment()
        yield watch.l08_approved(rule, body["id"], day, census["root"], census["trees"], handed_in, known)
    elif record.type == "census.listed" and (handed_in := ledger.committed(body["plan"])) is not None:
        yield from _listed(ledger, record, rule, handed_in)


def _listed(ledger: Ledger, record: Record, rule: Rule, handed_in: HandedIn) -> Iterator[Outcome]:
    """The parts of a listing are held against the commitment when the last one has come."""
    body = record.body
    trees = [Tree(parcel=body["parcel"], **tree) for tree in body["trees"]]
    harvestable_dm3 = sum(tree.volume_dm3 for tree in trees if tree.condition == FRAME)
    parts = ledger.list_census(body["plan"], body["part"], [listing_leaf(tree) for tree in trees], harvestable_dm3)
    if parts == ledger.facts.get(f"plan:{body['plan']}").census_parts:
        leaves, harvestable_dm3 = ledger.listed_census(body["plan"])
        yield watch.l08_listed(rule, handed_in, merkle.root_of(leaves).hex(), len(leaves), harvestable_dm3)
