"""Type 0x06 of signed notes: ML-DSA-44 over a structure that the specification writes out, written out here once more."""

import hashlib
import struct

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from shared.tlog import note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import from_base64
from shared.tlog.mldsa import cosigned_message
from shared.tlog.note import MLDSA44, BadNote, BadSignature, Signer, Verifier
from shared.tlog.policy import BadPolicy, Policy, UnknownLog
from shared.tlog.refusals import BadBytes

ORIGIN = "trozalog.example/madre-de-dios/2026"
CHECKPOINT = Checkpoint(ORIGIN, 42, bytes(range(32)))
CLASSIC = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))


def a_signer(name: str = ORIGIN, seed: int = 6) -> Signer:
    return Signer(name, MLDSA44PrivateKey.from_seed_bytes(bytes([seed]) * 32), MLDSA44)


def written_out(name: str, timestamp: int, origin: str, size: int, root: bytes) -> bytes:
    """c2sp.org/tlog-cosignature, "ML-DSA-44 signed message", field by field."""
    return (
        b"subtree/v1\n\0"
        + struct.pack(">B", len(name)) + name.encode()
        + struct.pack(">Q", timestamp)
        + struct.pack(">B", len(origin)) + origin.encode()
        + struct.pack(">QQ", 0, size)
        + root
    )  # fmt: skip


def test_the_signed_message_is_that_of_the_specification() -> None:
    message = cosigned_message("w.example/1", 1_800_000_000, CHECKPOINT)

    assert message == written_out("w.example/1", 1_800_000_000, ORIGIN, 42, bytes(range(32)))
    assert len(message) == 12 + 1 + 11 + 8 + 1 + len(ORIGIN) + 16 + 32


def test_a_line_holds_key_id_time_and_signature_over_it() -> None:
    signer = a_signer()
    line = signer.line(CHECKPOINT.text(), 1_800_000_000)

    dash, name, encoded = line.rstrip("\n").split(" ")
    blob = from_base64(encoded, "line")
    public = signer.verifier.public_key
    assert (dash, name, len(blob), len(public)) == ("—", ORIGIN, 4 + 8 + 2420, 1312)
    assert blob[:4] == hashlib.sha256(ORIGIN.encode() + b"\n\x06" + public).digest()[:4]
    assert blob[4:12] == struct.pack(">Q", 1_800_000_000)
    message = written_out(ORIGIN, 1_800_000_000, ORIGIN, 42, bytes(range(32)))
    MLDSA44PublicKey.from_public_bytes(public).verify(blob[12:], message)
    with pytest.raises(InvalidSignature):
        MLDSA44PublicKey.from_public_bytes(public).verify(blob[12:], message + b"\0")


def test_keys_are_written_and_read_again() -> None:
    signer = a_signer()

    assert Signer.parse(signer.skey).verifier == signer.verifier
    assert Verifier.parse(signer.verifier.vkey) == signer.verifier
    assert Signer.generate(ORIGIN, MLDSA44).verifier.kind == MLDSA44


def test_two_signatures_of_one_checkpoint_differ_and_both_are_right() -> None:
    one, other = (note.sign(CHECKPOINT.text(), [a_signer()]) for _ in range(2))

    assert one != other
    for signed in (one, other):
        [known] = note.open_note(signed, [a_signer().verifier]).known
        assert known.timestamp == 0


@pytest.mark.parametrize(
    "text",
    [
        Checkpoint("other.example/log", 42, CHECKPOINT.root).text(),
        Checkpoint(ORIGIN, 43, CHECKPOINT.root).text(),
        Checkpoint(ORIGIN, 42, bytes(32)).text(),
    ],
    ids=["origin", "size", "root"],
)
def test_a_signature_fits_one_checkpoint(text: str) -> None:
    line = a_signer().line(CHECKPOINT.text())

    with pytest.raises(BadSignature):
        note.open_note(f"{text}\n{line}".encode(), [a_signer().verifier])
    note.open_note(f"{CHECKPOINT.text()}\n{line}".encode(), [a_signer().verifier])


def test_a_signature_states_its_time_and_its_name() -> None:
    verifier, text = a_signer().verifier, CHECKPOINT.text()
    value = from_base64(a_signer().line(text, 7).split(" ")[2].rstrip("\n"), "line")[4:]

    assert verifier.verify(text, value)
    assert not verifier.verify(text, struct.pack(">Q", 8) + value[8:])
    assert not verifier.verify(text, struct.pack(">Q", 2**63) + value[8:])
    assert not verifier.verify(text, value[:-1])
    assert not Verifier("other.example/log", verifier.public_key, MLDSA44).verify(text, value)


def test_nothing_but_a_checkpoint_is_signed_so() -> None:
    with pytest.raises(BadBytes):
        note.sign("three\nlines\nof prose\n", [a_signer()])

    line = a_signer().line(CHECKPOINT.text())
    with pytest.raises(BadSignature):
        note.open_note(f"three\nlines\nof prose\n\n{line}".encode(), [a_signer().verifier])


@pytest.mark.parametrize("length", [0, 32, 1311, 1313])
def test_a_key_of_another_length_is_none(length: int) -> None:
    with pytest.raises(BadBytes):
        Verifier(ORIGIN, bytes(length), MLDSA44)
    with pytest.raises(BadNote):
        Verifier(ORIGIN, bytes(1312), 0x07)


# ---- as a second line of a log


BOTH = note.sign(CHECKPOINT.text(), [CLASSIC, a_signer()])


def a_policy(*keys: Signer) -> Policy:
    return Policy.parse("".join(f"log {key.verifier.vkey}\n" for key in keys).encode() + b"quorum none\n")


@pytest.mark.parametrize("keys", [(CLASSIC,), (a_signer(),), (CLASSIC, a_signer())])
def test_a_checkpoint_with_both_lines_is_accepted_by_whoever_knows_either(keys: tuple[Signer, ...]) -> None:
    assert a_policy(*keys).check(BOTH).checkpoint == CHECKPOINT


def test_a_wrong_second_line_of_a_known_key_condemns_the_note() -> None:
    wrong = note.sign(CHECKPOINT.text(), [CLASSIC]) + a_signer().line(Checkpoint(ORIGIN, 7, bytes(32)).text()).encode()

    with pytest.raises(BadSignature):
        a_policy(CLASSIC, a_signer()).check(wrong)
    assert a_policy(CLASSIC).check(wrong).checkpoint == CHECKPOINT  # to whom it is unknown


def test_a_policy_that_knows_the_new_kind_only_needs_its_line() -> None:
    with pytest.raises(UnknownLog):
        a_policy(a_signer()).check(note.sign(CHECKPOINT.text(), [CLASSIC]))


def test_witnesses_keep_to_their_own_kind() -> None:
    with pytest.raises(BadPolicy):
        Policy.parse(f"witness w {a_signer('w.example/1').verifier.vkey}\nquorum none\n".encode())
