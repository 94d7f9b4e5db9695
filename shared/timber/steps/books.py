"""Price books: the log holds the hash of what was published, so that it cannot be rewritten."""

from shared.timber.party import PUBLISHING, known_organisation
from shared.timber.refusals import NotPublishing
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case


def publish_book(case: Case) -> Outcomes:
    """A version of a book was published. Two records of one version with two hashes are for everybody to see."""
    actor = known_organisation(case.facts, case.record.actor)
    if actor.kind not in PUBLISHING:
        raise NotPublishing(actor.id, actor.kind, case.record.type)
    return Outcomes()
