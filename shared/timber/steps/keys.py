"""Keys: how they begin to count, follow one another, and stop."""

from base64 import urlsafe_b64decode

from shared.timber.bodies import possession
from shared.timber.facts import Key
from shared.timber.party import MEMBERS, REGISTRAR, ROOT, closed, known_organisation
from shared.timber.refusals import (
    DistrustLater,
    IdTaken,
    KeyRole,
    OnePerson,
    PossessionNotShown,
    UnknownKey,
    Unrelated,
    WrongSigner,
)
from shared.timber.rules.outcome import Outcomes
from shared.timber.steps.case import Case
from shared.tlog.ed25519 import verify_ed25519

DOUBT = "D05"


def add_key(case: Case) -> Outcomes:
    """A key begins to count, from this index on, and the one it replaces stops. The added key has signed that it is
    there; ``party.may_sign`` has seen to who else signed."""
    body, facts = case.body, case.facts
    kid, org, role = body["kid"], body["org"], body["role"]
    taken = facts.find(Key, f"key:{kid}")
    if taken is not None:
        raise IdTaken("key", kid, taken.added_index)
    public_key = urlsafe_b64decode(body["public_key"] + "=")
    if not verify_ed25519(public_key, urlsafe_b64decode(body["proof"] + "=="), possession(body)):
        raise PossessionNotShown(kid)
    if case.index > 0:  # entry 0 comes before every organisation
        known_organisation(facts, org)
    replaces = body.get("replaces")
    if replaces is None and case.signer.role == REGISTRAR and role in MEMBERS and "approved_by" not in body:
        raise OnePerson(kid)
    key = Key(kid, org, role, body["public_key"], case.index)
    if replaces is not None:
        old = _known(case, replaces)
        old.revoked_index, old.replaced_by = case.index, kid
        facts.put(f"key:{replaces}", old)
    facts.put(f"key:{kid}", key)
    return Outcomes()


def revoke_key(case: Case) -> Outcomes:
    """A key stops counting, from this index on. What it signed before stands; what it signed from ``distrust_from`` on
    is in doubt. Of a key that counts no more only an earlier doubt can still be said."""
    body = case.body
    key = _known(case, body["kid"])
    if body.get("org", key.org) != key.org:
        raise Unrelated(f"key {key.kid}", key.org, body["org"])
    if case.signer.role == ROOT:
        if key.org != case.signer.org:
            raise WrongSigner(key.org, case.signer.org)
        if key.role not in MEMBERS:  # the registrar's and the host's keys hold up the whole log
            raise KeyRole(case.signer.role, f"key.revoked ({key.role})")
    distrust_from = body.get("distrust_from")
    if distrust_from is not None and distrust_from > case.index:
        raise DistrustLater(key.kid, distrust_from, case.index)
    if key.revoked_index is not None:
        # The entry that ended it may be its own: that of its successor, or of a root that revokes itself.
        said = key.revoked_index + 1 if key.distrust_from is None else key.distrust_from
        if distrust_from is None or distrust_from >= said:
            raise closed(key)
    else:
        key.revoked_index = case.index
    outcomes = Outcomes()
    if distrust_from is not None:
        key.distrust_from = distrust_from
        computed = {"kid": key.kid, "org": key.org, "from_index": distrust_from, "until_index": key.revoked_index}
        rule = case.rules[DOUBT]
        outcomes.note(rule.failed(rule.parameters["severity"], f"key:{key.kid}", "declared", computed))
    case.facts.put(f"key:{key.kid}", key)
    return outcomes


def _known(case: Case, kid: str) -> Key:
    key = case.facts.find(Key, f"key:{kid}")
    if key is None:
        raise UnknownKey(kid)
    return key
