"""What keys signed while they may have been in wrong hands: known once a revocation says since when."""

from collections.abc import Iterable, Mapping

from shared.timber.event import Record
from shared.timber.facts import Facts, Key
from shared.timber.norms import Norms
from shared.timber.rules.outcome import Outcome

RULE = "D05"


def doubts(own: Iterable[int], records: Mapping[int, Record], facts: Facts, norms: Norms) -> dict[int, Outcome]:
    """Rule D05 over these entries: by the index of the revocation that says so, what its key signed while in doubt.

    Counted are the entries asked about, and those that added the keys which signed them, up to the registrar's: a key
    that a thief added is no better than the thief's. ``records`` hold all of these by index.
    """
    found: dict[int, Outcome] = {}
    for kid, entries in _signed_in_doubt(own, records, facts).items():
        key = facts.find(Key, f"key:{kid}")
        assert key is not None
        said, revocation = _revocation(key, records)
        rule = norms.on(revocation.time[:10])[RULE]
        computed = {
            "kid": kid, "org": key.org, "from_index": key.distrust_from, "until_index": key.revoked_index,
            "count": len(entries), "entries": entries[:20],
        }  # fmt: skip
        found[said] = rule.failed(rule.parameters["severity"], f"key:{kid}", "signed", computed)
    return found


def _signed_in_doubt(own: Iterable[int], records: Mapping[int, Record], facts: Facts) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    seen: set[int] = set()
    queue = list(own)
    while queue:
        index = queue.pop()
        if index in seen:
            continue
        seen.add(index)
        for kid, _ in records[index].signatures:
            key = facts.find(Key, f"key:{kid}")
            assert key is not None, "the record was admitted"
            queue.append(key.added_index)
            if key.distrust_from is not None and index >= key.distrust_from:
                found.setdefault(kid, []).append(index)
    return {kid: sorted(entries) for kid, entries in sorted(found.items())}


def _revocation(key: Key, records: Mapping[int, Record]) -> tuple[int, Record]:
    """The revocation that said the doubt that counts."""
    return next(
        (index, record)
        for index, record in records.items()
        if record.type == "key.revoked"
        and record.body["kid"] == key.kid
        and record.body.get("distrust_from") == key.distrust_from
    )
