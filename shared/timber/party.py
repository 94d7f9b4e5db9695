"""Who may say what: the keys behind a record, their roles and the organisation they speak for."""

from base64 import urlsafe_b64decode

from shared.timber.event import AUTHORITY, Record, check_signature
from shared.timber.facts import Facts, Key, Organisation
from shared.timber.refusals import KeyRevoked, KeyRole, UnknownKey, UnknownOrganisation, WrongSigner

REGISTRAR, HOST, ROOT, DEVICE, HOSTED = "registrar", "host", "root", "device", "hosted"
MEMBERS = frozenset({ROOT, DEVICE, HOSTED})
SUPERVISING = frozenset({"authority", "supervisor"})
"""Kinds of organisation that may see another's guide on the road."""
INDEPENDENT = SUPERVISING | {"certifier"}
"""Kinds of organisation whose field inspections count as coverage."""


def keys_behind(record: Record, index: int, facts: Facts) -> list[Key]:
    """The registered, unrevoked keys whose signatures the record carries, each verified. Refuses any other."""
    keys = []
    for kid, _ in record.signatures:
        key = facts.find(Key, f"key:{kid}") or _anchor(record, index, kid)
        if key.revoked_index is not None:
            raise KeyRevoked(kid, key.revoked_index)
        if kid not in record.checked:
            check_signature(record, kid, urlsafe_b64decode(key.public_key + "="))
        keys.append(key)
    return keys


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
    if key.role == REGISTRAR:
        return kind in AUTHORITY or kind == "record.corrected"
    if key.org != record.actor:
        return False
    if key.role == HOST:
        return kind == "conflict.noted" or (kind == "key.added" and record.body["role"] == HOSTED)
    if kind == "key.added":
        return key.role == ROOT and record.body["role"] == DEVICE and record.body["org"] == key.org
    if kind == "key.revoked":
        return key.role == ROOT
    return kind not in AUTHORITY


def known_organisation(facts: Facts, organisation: str) -> Organisation:
    """The registered organisation, or a refusal that names it."""
    found = facts.find(Organisation, f"org:{organisation}")
    if found is None:
        raise UnknownOrganisation(organisation)
    return found
