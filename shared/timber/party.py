"""Who may say what: the keys behind a record, their roles and the organisation they speak for."""

from base64 import urlsafe_b64decode

from shared.timber.event import AUTHORITY, CUSTODY, Record, check_signature
from shared.timber.facts import Facts, Key, Organisation
from shared.timber.refusals import KeyReplaced, KeyRevoked, KeyRole, UnknownKey, UnknownOrganisation, WrongSigner

REGISTRAR, HOST, ROOT, DEVICE, HOSTED = "registrar", "host", "root", "device", "hosted"
HOSTS = frozenset({"conflict.noted", "log.recovered", "log.closed", "log.continued"})
"""What the keeper of the log says of it."""
MEMBERS = frozenset({ROOT, DEVICE, HOSTED})
SUPERVISING = frozenset({"authority", "supervisor"})
"""Kinds of organisation that may see another's guide on the road."""
PUBLISHING = frozenset({"operator", "authority", "federation"})
"""Kinds of organisation that publish what others appraise by."""
CERTIFYING = "certifier"
INDEPENDENT = SUPERVISING | {CERTIFYING}
"""Kinds of organisation whose field inspections count as coverage."""


def keys_behind(record: Record, index: int, facts: Facts) -> list[Key]:
    """The registered, unrevoked keys whose signatures the record carries, each verified. Refuses any other."""
    keys = []
    for kid, _ in record.signatures:
        key = facts.find(Key, f"key:{kid}") or _anchor(record, index, kid)
        if key.revoked_index is not None:
            raise closed(key)
        if kid not in record.checked:
            check_signature(record, kid, urlsafe_b64decode(key.public_key + "="))
        keys.append(key)
    return keys


def closed(key: Key) -> KeyRevoked | KeyReplaced:
    """Why a key that was revoked or replaced does not count."""
    index = key.revoked_index or 0
    return KeyRevoked(key.kid, index) if key.replaced_by is None else KeyReplaced(key.kid, key.replaced_by, index)


def _anchor(record: Record, index: int, kid: str) -> Key:
    """The first entry of a log introduces the registrar's key and is signed by it; no other key vouches for itself."""
    body = record.body
    if (index, record.type) == (0, "key.added") and (body["kid"], body["role"]) == (kid, REGISTRAR):
        return Key(kid, body["org"], REGISTRAR, body["public_key"], 0)
    raise UnknownKey(kid)


def signer(record: Record, index: int, facts: Facts) -> Key:
    """The key that entitles the actor to this record. Refuses keys of other organisations and of other roles."""
    keys = keys_behind(record, index, facts)
    for key in keys:
        if may_sign(key, record):
            if key.role == REGISTRAR and key.org != record.actor:
                known_organisation(facts, record.actor)
            return key
    first = keys[0]
    if first.org != record.actor and first.role != REGISTRAR:
        raise WrongSigner(record.actor, first.org)
    raise KeyRole(first.role, record.type)


def may_sign(key: Key, record: Record) -> bool:
    """Whether a key of this role may sign a record of this type for its actor."""
    kind = record.type
    if kind == "key.added":
        return _may_add(key, record)
    if key.role == REGISTRAR:
        return kind not in CUSTODY
    if key.org != record.actor:
        return False
    if key.role == HOST:
        return kind in HOSTS
    if kind == "key.revoked":
        return key.role == ROOT
    return kind not in AUTHORITY


def _may_add(key: Key, record: Record) -> bool:
    """A key names its own successor, of its organisation and role, and nobody else does; but a host's comes from the
    registrar. A key beside those that are there comes from the registrar (another registrar's for itself only), from a
    root (devices) or the host (hosted)."""
    role, org, ours = str(record.body["role"]), str(record.body["org"]), key.org == record.actor
    if "replaces" in record.body:
        return ours and role != HOST and (record.body["replaces"], org, role) == (key.kid, key.org, key.role)
    if key.role == REGISTRAR:
        return role != REGISTRAR or org == key.org
    if key.role == HOST:
        return ours and role == HOSTED
    return key.role == ROOT and ours and (org, role) == (key.org, DEVICE)


def known_organisation(facts: Facts, organisation: str) -> Organisation:
    """The registered organisation, or a refusal that names it."""
    found = facts.find(Organisation, f"org:{organisation}")
    if found is None:
        raise UnknownOrganisation(organisation)
    return found
