"""Signed notes, against the examples that C2SP and golang.org/x/mod publish."""

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.tlog import note
from shared.tlog.ed25519 import BadKey
from shared.tlog.note import COSIGNATURE, BadNote, BadSignature, Signer, Verifier

C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERY"
    "NZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
TEXT = "trozalog.example/madre-de-dios/2026\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"


def a_signer(name: str = "trozalog.example/log", seed: int = 1, kind: int = note.ED25519) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), kind)


def why(data: bytes, *signers: Signer) -> str:
    with pytest.raises(BadNote) as refused:
        note.open_note(data, [s.verifier for s in signers or (a_signer(),)])
    return refused.value.reason


# ---- published examples


def test_the_example_of_the_specification_opens() -> None:
    opened = note.open_note(C2SP_NOTE, [Verifier.parse(C2SP_VKEY)])
    assert opened.text == "This is an example message.\n"
    assert [k.verifier.name for k in opened.known] == ["example.com/foo"]
    assert Verifier.parse(C2SP_VKEY).vkey == C2SP_VKEY


def test_the_go_example_is_made_again_byte_for_byte() -> None:
    signer = Signer.parse(PETER_SKEY)
    assert signer.skey == PETER_SKEY
    assert signer.verifier.vkey == PETER_VKEY
    assert note.sign(GO_TEXT, [signer]) == f"{GO_TEXT}\n{PETER_LINE}".encode()


def test_both_go_signatures_are_known_and_either_may_be_unknown() -> None:
    data = f"{GO_TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
    peter, enoch = Verifier.parse(PETER_VKEY), Verifier.parse(ENOCH_VKEY)

    assert {k.verifier for k in note.open_note(data, [peter, enoch]).known} == {peter, enoch}
    opened = note.open_note(data, [enoch])
    assert [k.verifier for k in opened.known] == [enoch]
    assert [u.name for u in opened.unknown] == ["PeterNeumann"]


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER_VKEY.replace("c74f20a3", "C74F20A3"),
        PETER_VKEY.replace("c74f20a3", "c74f20a4"),
        PETER_VKEY.replace("+c74f20a3", ""),
        PETER_VKEY.replace("PeterNeumann", ""),
        PETER_VKEY.replace("PeterNeumann", "Peter Neumann"),
        PETER_VKEY.replace("PeterNeumann", "Peter\ud800"),
        "",
        "++",
    ],
)
def test_a_mangled_verifier_key_is_refused(vkey: str) -> None:
    assert Verifier.parse(PETER_VKEY)
    with pytest.raises((BadNote, BadKey)):
        Verifier.parse(vkey)


def test_every_slice_and_every_next_byte_of_a_verifier_key_is_refused() -> None:
    for i in range(len(PETER_VKEY) + 1):
        for j in range(i, len(PETER_VKEY) + 1):
            if (i, j) != (0, len(PETER_VKEY)):
                with pytest.raises((BadNote, BadKey)):
                    Verifier.parse(PETER_VKEY[i:j])
    for i, c in enumerate(PETER_VKEY):
        with pytest.raises((BadNote, BadKey)):
            Verifier.parse(PETER_VKEY[:i] + chr(ord(c) + 1) + PETER_VKEY[i + 1 :])


def test_a_key_of_small_order_cannot_be_a_verifier() -> None:
    with pytest.raises(BadKey):
        Verifier("trozalog.example", (1).to_bytes(32, "little"))


@pytest.mark.parametrize("skey", ["", PETER_VKEY, PETER_SKEY[:-4], PETER_SKEY.replace("c74f20a3", "c74f20a4")])
def test_a_mangled_signer_key_is_refused(skey: str) -> None:
    with pytest.raises(BadNote):
        Signer.parse(skey)


def test_a_generated_key_survives_its_text_form() -> None:
    for kind in (note.ED25519, COSIGNATURE):
        signer = Signer.generate("trozalog.example/ñ", kind)
        again = Signer.parse(signer.skey)
        assert again.verifier == signer.verifier == Verifier.parse(signer.verifier.vkey)


# ---- opening


def test_a_note_keeps_blank_lines_in_its_text() -> None:
    text = "uno\n\ndos\n\n\n"
    assert note.open_note(note.sign(text, [a_signer()]), [a_signer().verifier]).text == text


def test_a_cosignature_states_its_time_and_signs_it() -> None:
    log, witness = a_signer(), a_signer("witness.example", 2, COSIGNATURE)
    data = note.sign(TEXT, [log]) + witness.line(TEXT, 1_679_315_147).encode()

    opened = note.open_note(data, [log.verifier, witness.verifier])
    assert [(k.verifier.name, k.timestamp) for k in opened.known] == [
        ("trozalog.example/log", None),
        ("witness.example", 1_679_315_147),
    ]
    public = witness.private_key.public_key()
    signature = base64.b64decode(data.split(b" ")[-1])[4:]
    public.verify(signature[8:], b"cosignature/v1\ntime 1679315147\n" + TEXT.encode())

    blob = bytearray(base64.b64decode(witness.line(TEXT, 1_679_315_147).split(" ")[2]))
    blob[11] ^= 1  # the timestamp
    forged = note.sign(TEXT, [log]) + f"— witness.example {base64.b64encode(blob).decode()}\n".encode()
    with pytest.raises(BadSignature):
        note.open_note(forged, [log.verifier, witness.verifier])


def test_a_timestamp_of_64_bits_is_refused() -> None:
    witness = a_signer("witness.example", 2, COSIGNATURE)
    data = note.sign(TEXT, [witness], 2**63)
    with pytest.raises(BadSignature):
        note.open_note(data, [witness.verifier])


def test_the_same_key_under_another_kind_is_another_signature() -> None:
    log, witness = a_signer(kind=note.ED25519), a_signer(kind=COSIGNATURE)
    assert log.verifier.key_id != witness.verifier.key_id
    assert why(note.sign(TEXT, [log]), witness) == "unsigned by a known key"


def test_a_wrong_signature_of_a_known_key_refuses_the_whole_note() -> None:
    log, other = a_signer(), a_signer("other.example", 2)
    data = note.sign(TEXT, [log, other])
    assert len(note.open_note(data, [log.verifier, other.verifier]).known) == 2

    wrong = note.sign(TEXT, [log]) + other.line("another text\n").encode()
    with pytest.raises(BadSignature) as refused:
        note.open_note(wrong, [log.verifier, other.verifier])
    assert refused.value.name == "other.example"
    assert note.open_note(wrong, [log.verifier]).text == TEXT


def test_a_key_with_a_known_name_and_another_id_is_unknown() -> None:
    log, impostor = a_signer(), a_signer(seed=9)
    assert why(note.sign(TEXT, [impostor]), log) == "unsigned by a known key"


def test_at_least_sixteen_signatures_are_taken_and_a_flood_is_not() -> None:
    signers = [a_signer(f"w{i}.example", i) for i in range(1, 17)]
    assert len(note.open_note(note.sign(TEXT, signers), [s.verifier for s in signers]).known) == 16
    flood = note.sign(TEXT, [a_signer()]) + a_signer("other", 2).line(TEXT).encode() * 100
    assert why(flood) == "too many signatures"
    assert why(b"x" * 1_000_001) == "too long"


def test_a_repeated_signature_counts_once() -> None:
    data = note.sign(TEXT, [a_signer(), a_signer()])
    assert len(note.open_note(data, [a_signer().verifier]).known) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda n: n.replace(b"\n\n", b"\n"), "no signature"),
        (lambda n: n[: n.index(b"\n\n") + 2], "no signature"),
        (lambda n: n[:-1], "text does not end in a newline"),
        (lambda n: n.replace(b"\n", b"\r\n"), "no signature"),
        (lambda n: n.replace(b"7\n", b"7\t\n"), "control character"),
        (lambda n: n.replace(b"7\n", b"7\x00\n"), "control character"),
        (lambda n: n.replace(b"7\n", b"\xff\n"), "not UTF-8"),
        (lambda n: n.replace("— ".encode(), b"- "), "signature line"),
        (lambda n: n.replace("— ".encode(), "—".encode()), "signature line"),
        (lambda n: n.replace(b"trozalog.example/log ", b" "), "key name of a note"),
        (lambda n: n.replace(b"/log ", b"/log+x "), "key name of a note"),
        (lambda n: n.replace(b"/log ", "\u2003 ".encode()), "key name of a note"),
    ],
)
def test_a_malformed_note_is_refused(change: Callable[[bytes], bytes], reason: str) -> None:
    good = note.sign(TEXT, [a_signer()])
    assert note.open_note(good, [a_signer().verifier]).text == TEXT
    with pytest.raises(BadNote) as refused:
        note.open_note(change(good), [a_signer().verifier])
    assert refused.value.reason == reason


def test_a_note_appended_to_a_note_is_a_longer_text_that_nobody_signed() -> None:
    good = note.sign(TEXT, [a_signer()])
    with pytest.raises(BadSignature):
        note.open_note(good + good, [a_signer().verifier])


def test_a_signature_shorter_than_its_key_id_is_refused() -> None:
    assert why(f"{TEXT}\n— x {base64.b64encode(b'1234').decode()}\n".encode()) == "signature line"


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "nul\0\n"])
def test_a_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(BadNote):
        note.sign(text, [a_signer()])
    with pytest.raises(BadNote):
        note.sign("text\n", [])


def test_every_other_byte_anywhere_in_a_note_is_refused() -> None:
    good = note.sign(TEXT, [a_signer()])
    verifiers = [a_signer().verifier]
    for at in range(len(good)):
        for value in {good[at] ^ 1, good[at] ^ 0x20, good[at] ^ 0x80, 0x0A, 0x20, 0x41, 0x3D, 0} - {good[at]}:
            with pytest.raises(Refusal):
                note.open_note(good[:at] + bytes([value]) + good[at + 1 :], verifiers)


@pytest.mark.full
def test_every_value_of_every_byte_of_a_note_is_refused() -> None:
    good = note.sign(TEXT, [a_signer()])
    verifiers = [a_signer().verifier]
    for at in range(len(good)):
        for value in set(range(256)) - {good[at]}:
            with pytest.raises(Refusal):
                note.open_note(good[:at] + bytes([value]) + good[at + 1 :], verifiers)


@given(st.binary(max_size=300))
def test_whatever_the_bytes_the_only_error_is_a_refusal(data: bytes) -> None:
    with pytest.raises(Refusal):
        note.open_note(data, [a_signer().verifier])
