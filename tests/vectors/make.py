"""The test vectors: proof files, policies and the reports on them, for whoever writes a verifier.

`python -m tests.vectors.make` writes them anew after a deliberate change of the format. They are the same in every run.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson

from shared.lot.bundle import FORMAT
from shared.timber import disclosure, event
from shared.timber.disclosure import Value
from shared.timber.upload import Together
from shared.tlog.encoding import to_base64url
from shared.tlog.note import COSIGNATURE, Signer
from tests.shared.lot.proofs import Proof, dumps
from tests.shared.lot.verifiers import by_python
from tests.shared.lot.wood import CERTIFICATE, LINE, PERMIT, SPECIES, Wood, a_lot, key, log_signer, witness
from tests.shared.tlog.test_ed25519 import L

HERE = Path(__file__).parent
LOT = "LOTE-01"
LAST_YEAR = "trozalog.example/madre-de-dios/2025"
TRUSTING = f"log {log_signer().verifier.vkey}\nwitness w1 {witness().verifier.vkey}\nquorum none\n"
Files = tuple[bytes, bytes]  # bundle, policy


def files(wood: Wood, policy: str = TRUSTING, **checkpoint: list[Signer]) -> Files:
    """The bundle of the lot as a server makes it, under this policy."""
    return wood.bundle(LOT, **checkpoint), policy.encode()


def proof_of(wood: Wood, without: str = "") -> Proof:
    """The bundle of the lot taken apart, without the records of one type."""
    indices = [index for index in wood.gathered(LOT) if wood.records[index].type != without]
    return Proof(LOT, [record.entry for record in wood.records], indices, [])


def sold(wood: Wood, logs: list[str]) -> Wood:
    """These logs on a guide, received and sold."""
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    return wood


# ---- what holds


def consistent() -> Files:
    """Two trees, four logs, one guide; a witness signed."""
    return files(a_lot(LOT), TRUSTING.replace("quorum none", "quorum w1"), witnesses=[witness()])


def to_review() -> Files:
    """More wood than the permit authorises: B01, S4."""
    wood = Wood(authorised_dm3=5_000)
    return files(sold(wood, wood.cut(wood.fell("501"), "501")))


def incomplete() -> Files:
    """The load arrived and nobody said that it had left: T02 is not evaluated."""
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs, sent=False)
    total = sum(wood.volume(log) for log in logs)
    arrived = {"guide": "001-1", "form": "official", "at": "2026-07-03T08:00:00Z", "volume_dm3": total}
    wood.add("guide.received", "aserradero-1", arrived)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    return files(wood)


def sawn() -> Files:
    """Sawn wood of a mill, one yield above its ceiling: M01; branches beside the stem."""
    wood = Wood()
    tree = wood.fell("501")
    logs = wood.cut(tree, "501")
    branch = {
        "item": wood.new_id(), "code": "501/C", "species": SPECIES, "diameter_large_mm": 200, "diameter_small_mm": 150,
        "length_mm": 2_000, "volume_dm3": 48, "branch": True,
    }  # fmt: skip
    wood.add(
        "log.cut", "comunidad-a", {"source": tree, "permit": PERMIT, "parcel": LINE["parcel"], "sections": [branch]}
    )
    wood.guide("001-1", logs)
    wood.sell(LOT, [wood.saw(logs, permille=610)], seller="aserradero-1", buyer="otra-1")
    return files(wood)


def resolved() -> Files:
    """A finding by hand, and one of a rule, both answered for by an authority."""
    wood = Wood()
    logs = [*wood.cut(wood.fell("501", length_mm=10_800), "501"), *wood.cut(wood.fell("502"), "502")]
    sold(wood, logs)
    cut = next(record for record in wood.records if record.type == "log.cut")
    raised = {"subject": f"permit:{PERMIT}", "org": "comunidad-a", "severity": "S3", "text": "No hay tocón", "by": "c3"}
    by_hand = wood.add("finding.raised", "registro", raised, by="registrar")
    for record, rule in ((cut, "C08"), (by_hand, "H01")):
        wood.add("finding.resolved", "registro", {
            "record": record.sid, "rule": rule, "reason": "Medida repetida en campo", "evidence_sha256": "e" * 64, "by": "c3",
        }, by="registrar")  # fmt: skip
    return files(wood)


def doubted() -> Files:
    """The mill's key was revoked later, in doubt since before it signed: D05."""
    wood = a_lot(LOT)
    kid = event.key_id(key("aserradero-1").public_key().public_bytes_raw())
    wood.add("key.revoked", "registro", {"kid": kid, "reason": "Teléfono perdido", "distrust_from": 9})
    return files(wood)


def certified() -> Files:
    """The sale names a group certificate whose group stands, and of which the seller is a suspended member: D06."""
    wood = Wood()
    wood.certify("aserradero-1", "comunidad-a")
    wood.certificate("suspended", member="aserradero-1")
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1", claim="FSC 100%", certificate=CERTIFICATE)
    return files(wood)


def private() -> Files:
    """A sale that shows its price and the contact of the buyer."""
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.add("lot.composed", "aserradero-1", {"lot": LOT, "items": logs}, day="2026-07-06")
    fields: list[tuple[str, Value]] = [("price_cents", 1_234_500), ("currency", "PEN"), ("buyer_contact", "Ana Ñ.")]
    shown = [disclosure.make(bytes(range(at, at + 16)), name, value) for at, (name, value) in enumerate(fields)]
    sd = disclosure.padded([one.digest for one in shown], iter([disclosure.digest_of("decoy")]))
    wood.add("lot.sold", "aserradero-1", {"lot": LOT, "buyer": "otra-1"}, day="2026-07-06", sd=sd)
    pairs = [(len(wood.records) - 1, one.text) for one in shown]
    return wood.packed(LOT, wood.gathered(LOT), disclosed=pairs), TRUSTING.encode()


def over(before: str, after: str) -> Files:
    """A log went over from one name to another behind the sale; the checkpoint is of the log of these tests."""
    wood = a_lot(LOT)
    wood.close(after)
    wood.go_on(before)
    return files(wood)


def went_over() -> Files:
    """The log of the year before ended behind the sale and goes on as the one that signed."""
    return over(LAST_YEAR, log_signer().name)


# ---- what nobody trusted signed


def unknown_log() -> Files:
    """The policy knows another key under the log's name."""
    other = Signer(log_signer().name, key("impostor")).verifier.vkey
    return files(a_lot(LOT), f"log {other}\nquorum none\n")


def quorum_not_met() -> Files:
    """Two of three witnesses have to sign, and one did."""
    keys = [Signer(f"{name}.example", key(name), COSIGNATURE).verifier.vkey for name in ("w1", "w2", "w3")]
    known = "".join(f"witness w{n} {vkey}\n" for n, vkey in enumerate(keys, 1))
    policy = f"log {log_signer().verifier.vkey}\n{known}group most 2 w1 w2 w3\nquorum most\n"
    return files(a_lot(LOT), policy, witnesses=[witness()])


# ---- what does not hold


def changed(change: Callable[[bytes], bytes], kind: str = "lot.sold", *, resign: str = "") -> Files:
    """One entry is another one, in a log that holds exactly that; signed again by the key of this name, if one is given."""
    wood = a_lot(LOT)
    at = next(index for index, record in enumerate(wood.records) if record.type == kind)
    entry = change(wood.records[at].entry)
    if resign:
        entry = event.sign(entry[entry.index(b'],"stmt":') + 9 : -1], key(resign))
    proof = proof_of(wood)
    return replace(proof, entries=[*proof.entries[:at], entry, *proof.entries[at + 1 :]]).bytes(), TRUSTING.encode()


def changed_and_not_signed() -> Files:
    """The buyer is another one: the signature is not of these bytes."""
    return changed(lambda entry: entry.replace(b"otra-1", b"otra-2"))


def changed_and_signed_again() -> Files:
    """The seller signed another sale than the one in the log."""
    bundle, policy = changed(lambda entry: entry.replace(b"otra-1", b"registro"), resign="aserradero-1")
    document = orjson.loads(bundle)
    document["log"]["checkpoint"] = orjson.loads(a_lot(LOT).bundle(LOT))["log"]["checkpoint"]
    return dumps(document), policy


def signature_beyond_the_order() -> Files:
    """S + L in place of S: the same equation, and one signature too many."""

    def beyond(entry: bytes) -> bytes:
        whole = orjson.loads(entry)
        [(_, value)] = event.parse_entry(entry).signatures
        more = value[:32] + (int.from_bytes(value[32:], "little") + L).to_bytes(32, "little")
        whole["sig"][0]["sig"] = to_base64url(more)
        return b'{"sig":' + dumps(whole["sig"]) + b',"stmt":' + entry[entry.index(b'],"stmt":') + 9 : -1] + b"}"

    return changed(beyond)


def signed_together(move: int = 0) -> Files:
    """What the community says bears one signature, over all of it; ``move`` puts each statement in another's place."""
    entries = [record.entry for record in a_lot(LOT).records]
    kid = event.key_id(key("comunidad-a").public_key().public_bytes_raw())
    theirs = [at for at, entry in enumerate(entries) if kid in dict(event.parse_entry(entry).signatures)]
    said = [event.parse_entry(entries[at]).statement for at in theirs]
    together = Together([event.sid_of(one) for one in said])
    signature = to_base64url(key("comunidad-a").sign(together.message))
    for place, (at, statement) in enumerate(zip(theirs, said, strict=True)):
        entries[at] = together.entry_head((place + move) % len(said), kid, signature) + statement + b"}"
    proof = proof_of(a_lot(LOT))
    return replace(proof, entries=entries).bytes(), TRUSTING.encode()


def signed_together_elsewhere() -> Files:
    """As before, but the paths of neighbours are exchanged: the signature is not over these statements."""
    return signed_together(1)


def character_of_a_later_unicode() -> Files:
    """U+1ACF, a combining mark of Unicode 17 in a claim."""
    return changed(
        lambda entry: entry.replace(b'"buyer":"otra-1"', '"buyer":"otra-1","claim":"e\u1acf"'.encode()),
        resign="aserradero-1",
    )


def parent_left_out() -> Files:
    """The felling is not in the file."""
    return proof_of(a_lot(LOT), without="tree.felled").bytes(), TRUSTING.encode()


def anchor_left_out() -> Files:
    """Entry 0 is not in the file."""
    proof = proof_of(a_lot(LOT))
    return replace(proof, indices=proof.indices[1:]).bytes(), TRUSTING.encode()


def revoked_key() -> Files:
    """The sale is signed by a key that a record before it revoked."""
    wood = a_lot(LOT)
    kid = event.key_id(key("aserradero-1").public_key().public_bytes_raw())
    revoked = event.make_statement("key.revoked", "registro", "2026-07-05T10:00:00Z", {"kid": kid, "reason": "Robado"})
    entries = [record.entry for record in wood.records]
    entries.insert(len(entries) - 1, event.sign(revoked, key("registrar")))
    return Proof(LOT, entries, list(range(len(entries))), []).bytes(), TRUSTING.encode()


def on_after_its_end() -> Files:
    """The log said that it goes on under another name, and signed on under its own."""
    return over(LAST_YEAR, "trozalog.example/madre-de-dios/2027")


def private_of_another_record() -> Files:
    """A private field beside a record that does not commit to it."""
    bundle, policy = private()
    document = orjson.loads(bundle)
    document["private"]["indices"] = [0] * len(document["private"]["indices"])
    return dumps(document), policy


# ---- what cannot be read


def cut_short() -> Files:
    """A bundle of which the end is missing."""
    return a_lot(LOT).bundle(LOT)[:-1000], TRUSTING.encode()


def version_2() -> Files:
    """A bundle of a version to come."""
    return a_lot(LOT).bundle(LOT).replace(FORMAT.encode(), b"trozalog-bundle/2"), TRUSTING.encode()


def bad_policy() -> Files:
    """A quorum of a witness that was not named."""
    return files(a_lot(LOT), TRUSTING.replace("quorum none", "quorum w2"))


VECTORS: dict[str, Callable[[], Files]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        consistent, to_review, incomplete, sawn, resolved, doubted, certified, private, went_over, unknown_log, quorum_not_met, changed_and_not_signed,
        changed_and_signed_again, signed_together, signed_together_elsewhere, signature_beyond_the_order, character_of_a_later_unicode, parent_left_out, anchor_left_out,
        revoked_key, on_after_its_end, private_of_another_record, cut_short, version_2, bad_policy,
    )
}  # fmt: skip


def contents(name: str) -> dict[str, bytes]:
    """The files of one vector."""
    bundle, policy = VECTORS[name]()
    report = json.dumps(by_python(bundle, policy), ensure_ascii=False, indent=1).encode() + b"\n"
    return {"bundle.json": bundle, "policy.txt": policy, "report.json": report}


if __name__ == "__main__":
    for name in VECTORS:
        (HERE / name).mkdir(exist_ok=True)
        for file, data in contents(name).items():
            (HERE / name / file).write_bytes(data)
