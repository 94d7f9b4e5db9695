"""What keys signed while they may have been in wrong hands: recorded, shown in the verdict, not refused."""

import pytest

from shared.lot.verify import verify
from shared.timber.bodies import possession
from shared.timber.event import Record, key_id
from shared.timber.rules.outcome import Outcome
from shared.timber.verdict import Verdict
from shared.tlog.encoding import to_base64url
from tests.shared.lot.wood import Wood, a_lot, a_policy, key

LOT = "LOTE-01"


def kid_of(name: str) -> str:
    return key_id(key(name).public_key().public_bytes_raw())


def revoke(wood: Wood, name: str, distrust_from: int | None = None) -> Record:
    body = {"kid": kid_of(name), "reason": "Teléfono perdido"}
    return wood.add(
        "key.revoked", "registro", body if distrust_from is None else body | {"distrust_from": distrust_from}
    )


def verdict_of(wood: Wood) -> Verdict:
    report = verify(wood.bundle(LOT), a_policy())
    assert report.outcome == "valid"
    assert report.verdict is not None
    return report.verdict


def d05(wood: Wood) -> list[Outcome]:
    return [finding for finding in verdict_of(wood).findings if finding.rule == "D05"]


def first(wood: Wood, kind: str) -> int:
    return next(index for index, record in enumerate(wood.records) if record.type == kind)


def add_key(wood: Wood, name: str, role: str, *, by: str, replaces: str | None = None) -> Record:
    public = key(name).public_key().public_bytes_raw()
    body = {"org": "comunidad-a", "role": role, "public_key": to_base64url(public), "kid": key_id(public)}
    if replaces is not None:
        body["replaces"] = kid_of(replaces)
    body |= {"alg": "ed25519", "proof": to_base64url(key(name).sign(possession(body)))}
    if by == "registrar":
        body |= {"proposed_by": "u1", "approved_by": "u2"}
    return wood.add("key.added", "registro" if by == "registrar" else "comunidad-a", body, by=by)


def test_a_revocation_without_doubt_changes_nothing_of_what_was_signed() -> None:
    wood = a_lot()
    revoke(wood, "comunidad-a")

    verdict = verdict_of(wood)

    assert (verdict.word, verdict.open) == ("CONSISTENT", [])
    assert {rule.rule: rule.status for rule in verdict.rules}["D05"] == "NOT_APPLICABLE"


def test_what_a_key_signed_from_the_doubtful_entry_on_is_flagged_and_not_refused() -> None:
    wood = a_lot()
    cut = first(wood, "log.cut")
    said = revoke(wood, "comunidad-a", cut)

    verdict, [doubt] = verdict_of(wood), d05(wood)

    signed = [
        i for i, record in enumerate(wood.records)
        if i >= cut and kid_of("comunidad-a") in dict(record.signatures)
    ]  # fmt: skip
    assert (doubt.status, doubt.severity) == ("FAIL", "S2")
    assert (doubt.computed["entries"], doubt.computed["count"]) == (signed, len(signed))
    assert (doubt.computed["from_index"], doubt.computed["until_index"]) == (cut, wood.records.index(said))
    assert kid_of("comunidad-a") in doubt.text_es
    assert verdict.word == "CONSISTENT"  # one S2 alone
    assert {rule.rule: rule.status for rule in verdict.rules}["D05"] == "FAIL"


@pytest.mark.parametrize(("name", "flagged"), [("aserradero-1", True), ("otra-1", False)])
def test_only_keys_that_signed_for_the_lot_are_asked_about(name: str, flagged: bool) -> None:
    wood = a_lot()
    revoke(wood, name, 1)

    assert bool(d05(wood)) == flagged


def test_a_doubt_that_begins_after_the_last_signature_touches_nothing() -> None:
    wood = a_lot()
    revoke(wood, "comunidad-a", len(wood.records))

    assert d05(wood) == []


def test_a_key_that_a_doubtful_key_added_is_no_better() -> None:
    wood = Wood()
    add_key(wood, "root", "root", by="registrar")
    stolen = len(wood.records)
    add_key(wood, "thief", "device", by="root")
    logs = wood.cut(wood.fell("501"), "501")
    wood.add("log.moved", "comunidad-a", {"items": logs, "place": "Patio 1"}, by="thief")
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    assert d05(wood) == []

    revoke(wood, "root", stolen)

    [doubt] = d05(wood)
    assert (doubt.computed["kid"], doubt.computed["entries"]) == (kid_of("root"), [stolen])


def test_a_successor_that_a_thief_named_is_no_better() -> None:
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    stolen = len(wood.records)
    add_key(wood, "thief", "device", by="comunidad-a", replaces="comunidad-a")
    issued = {"guide": "001-1", "form": "official"}
    wood.add("guide.issued", "comunidad-a", {
        **issued, "permit": "PER-17-2026", "addressee": "aserradero-1", "issued_on": "2026-07-01",
        "expires_on": "2026-07-20", "items": [{"item": log, "volume_dm3": wood.volume(log)} for log in logs],
        "lines": [{"parcel": "PC 01", "species": "Cedrelinga cateniformis", "product": "roundwood",
                   "volume_dm3": sum(map(wood.volume, logs))}],
    }, by="thief")  # fmt: skip
    wood.add("guide.departed", "comunidad-a", {**issued, "at": "2026-07-02T08:00:00Z"}, by="thief")
    wood.add("guide.received", "aserradero-1", {
        **issued, "at": "2026-07-03T08:00:00Z", "volume_dm3": sum(map(wood.volume, logs)),
    })  # fmt: skip
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")

    revoke(wood, "thief", stolen)
    revoke(wood, "comunidad-a", stolen)

    assert {doubt.computed["kid"]: doubt.computed["count"] for doubt in d05(wood)} == {
        kid_of("thief"): 2,
        kid_of("comunidad-a"): 1,  # it named the thief's key
    }


def test_a_supervisor_may_resolve_a_doubt() -> None:
    wood = a_lot()
    said = revoke(wood, "comunidad-a", 1)
    body = {"record": said.sid, "rule": "D05", "reason": "Entrevista", "evidence_sha256": "e" * 64, "by": "c3"}

    wood.add("organisation.registered", "registro", {"id": "osinfor", "name": "Osinfor", "kind": "supervisor"})
    wood.add("finding.resolved", "osinfor", body, by="registrar")

    assert [doubt.status for doubt in d05(wood)] == ["RESOLVED"]
