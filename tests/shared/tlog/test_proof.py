"""One entry's place in a log, as a file."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.tlog import merkle, note, proof
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import Signer
from shared.tlog.policy import Policy, UnknownLog
from shared.tlog.proof import Proof

ORIGIN = "trozalog.example/madre-de-dios/2026"
LOG = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
POLICY = Policy.parse(f"log {LOG.verifier.vkey}\nquorum none\n".encode())
ENTRIES = [b"entry %d" % i for i in range(11)]
LEAVES = [merkle.leaf_hash(e) for e in ENTRIES]
NOTE = note.sign(Checkpoint(ORIGIN, 11, merkle.root_of(LEAVES)).text(), [LOG])


def a_proof(index: int = 4, extra: bytes | None = None) -> Proof:
    hashes = merkle.inclusion_proof(index, 11, lambda lv, i: merkle.root_of(LEAVES[i << lv : (i + 1) << lv]))
    return Proof(index, tuple(hashes), NOTE, extra)


def test_a_proof_shows_its_entry_and_no_other() -> None:
    for index, entry in enumerate(ENTRIES):
        made = a_proof(index)
        assert proof.parse(made.encode()) == made
        assert proof.verify(made, entry, POLICY).checkpoint.size == 11
        with pytest.raises(merkle.BadProof):
            proof.verify(made, entry + b"x", POLICY)


def test_the_file_is_laid_out_as_the_specification_says() -> None:
    made = a_proof(0, b"more")
    lines = made.encode().decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 0"]
    assert lines[3] == base64.b64encode(made.hashes[0]).decode()
    assert lines[3 + len(made.hashes)] == ""
    assert made.encode().endswith(b"\n\n" + NOTE)
    assert proof.parse(made.encode()).extra == b"more"


def test_a_proof_of_the_only_entry_has_no_hashes() -> None:
    only = note.sign(Checkpoint(ORIGIN, 1, LEAVES[0]).text(), [LOG])
    made = Proof(0, (), only)
    assert made.encode().startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\n")
    assert proof.verify(proof.parse(made.encode()), ENTRIES[0], POLICY)


def test_a_proof_under_another_policy_is_unknown() -> None:
    with pytest.raises(UnknownLog):
        proof.verify(a_proof(), ENTRIES[4], Policy.parse(b"quorum none\n"))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d[1:],
        lambda d: d.replace(b"@v1", b"@v2"),
        lambda d: d.replace(b"index 4\n", b""),
        lambda d: d.replace(b"index 4", b"index 04"),
        lambda d: d.replace(b"index 4", b"index  4"),
        lambda d: d.replace(b"index 4", b"Index 4"),
        lambda d: d.replace(b"index 4", b"extra bad\nindex 4"),
        lambda d: d.replace(b"index 4\n", b"index 4\nextra bW9yZQ==\n"),
        lambda d: d.replace(b"index 4\n", b"index 4\nAAAA\n"),
        lambda d: d.replace(b"\n\n", b"\n"),
        lambda d: d.replace(b"\n", b"\r\n"),
        lambda d: d.replace(b"index 4\n", b"index 4\n" + (b"A" * 43 + b"=\n") * 70),
        lambda _: b"",
    ],
)
def test_a_malformed_proof_is_refused(change: Callable[[bytes], bytes]) -> None:
    good = a_proof().encode()
    assert proof.parse(good)
    with pytest.raises(Refusal):
        proof.verify(proof.parse(change(good)), ENTRIES[4], POLICY)


def test_every_changed_byte_of_a_proof_is_refused() -> None:
    good = a_proof().encode()
    for at in range(len(good)):
        for value in {good[at] ^ 1, good[at] ^ 0x80, 0x0A, 0x20, 0x3D} - {good[at]}:
            with pytest.raises(Refusal):
                proof.verify(proof.parse(good[:at] + bytes([value]) + good[at + 1 :]), ENTRIES[4], POLICY)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_the_only_error_is_a_refusal(data: bytes) -> None:
    with pytest.raises(Refusal):
        proof.verify(proof.parse(b"c2sp.org/tlog-proof@v1\n" + data), ENTRIES[4], POLICY)
