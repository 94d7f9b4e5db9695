"""Whom a verifier trusts, and how many of them must have signed."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.tlog import note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, BadSignature, Signer
from shared.tlog.policy import BadPolicy, Policy, QuorumNotMet, UnknownLog

ORIGIN = "trozalog.example/madre-de-dios/2026"
TEXT = Checkpoint(ORIGIN, 5, bytes(32)).text()


def a_signer(name: str, seed: int, kind: int = note.ED25519) -> Signer:
    return Signer(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32), kind)


LOG = a_signer(ORIGIN, 1)
WITNESSES = {f"w{i}": a_signer(f"w{i}.example", 10 + i, COSIGNATURE) for i in range(1, 7)}
KEYS = "\n".join([f"log {LOG.verifier.vkey}", *(f"witness {name} {w.verifier.vkey}" for name, w in WITNESSES.items())])


def a_policy(rest: str = "quorum none") -> Policy:
    return Policy.parse(f"{KEYS}\n{rest}\n".encode())


def a_note(*names: str, log: Signer = LOG, text: str = TEXT) -> bytes:
    return note.sign(text, [log]) + "".join(WITNESSES[n].line(text, 1_700_000_000) for n in names).encode()


def test_a_checkpoint_of_a_known_log_passes_without_witnesses() -> None:
    checked = a_policy().check(a_note())
    assert checked.checkpoint == Checkpoint(ORIGIN, 5, bytes(32))
    assert (checked.log, dict(checked.witnesses), checked.known_witnesses) == (LOG.verifier, {}, 6)


def test_witnesses_are_reported_with_the_time_they_signed() -> None:
    assert a_policy().check(a_note("w2", "w3")).witnesses == {"w2": 1_700_000_000, "w3": 1_700_000_000}


GROUPS = "group x 2 w1 w2 w3\ngroup y any w4 w5\ngroup z all x y\n"


@pytest.mark.parametrize(
    ("quorum", "names", "met"),
    [
        ("quorum w1", ["w1"], True),
        ("quorum w1", ["w2"], False),
        ("quorum w1", [], False),
        (f"{GROUPS}quorum x", ["w1", "w3"], True),
        (f"{GROUPS}quorum x", ["w1", "w4"], False),
        (f"{GROUPS}quorum y", ["w5"], True),
        (f"{GROUPS}quorum z", ["w1", "w2", "w4"], True),
        (f"{GROUPS}quorum z", ["w1", "w4", "w5"], False),
        (f"{GROUPS}quorum z", ["w1", "w2", "w6"], False),
        ("group all-three all w1 w2 w3\nquorum all-three", ["w1", "w2"], False),
        ("group all-three all w1 w2 w3\nquorum all-three", ["w3", "w1", "w2"], True),
    ],
)
def test_the_quorum_decides(quorum: str, names: list[str], met: bool) -> None:
    policy = a_policy(quorum)
    if met:
        assert set(policy.check(a_note(*names)).witnesses) == set(names)
        return
    with pytest.raises(QuorumNotMet) as refused:
        policy.check(a_note(*names))
    assert (refused.value.cosigned, refused.value.known) == (len(names), 6)


@pytest.mark.parametrize(
    ("quorum", "names"),
    [
        ("quorum none", []),
        ("quorum w2", ["w2"]),
        (f"{GROUPS}quorum x", ["w1", "w2", "w3"]),
        (f"{GROUPS}quorum y", ["w4", "w5"]),
        (f"{GROUPS}quorum z", ["w1", "w2", "w3", "w4", "w5"]),
    ],
)
def test_only_those_count_whom_the_quorum_names_itself_or_by_its_groups(quorum: str, names: list[str]) -> None:
    assert a_policy(quorum).counted() == names


def test_a_log_that_the_policy_does_not_name_is_unknown() -> None:
    other = a_signer("other.example", 1)
    with pytest.raises(UnknownLog) as refused:
        a_policy().check(note.sign(Checkpoint("other.example", 5, bytes(32)).text(), [other]))
    assert refused.value.origin == "other.example"


def test_a_known_origin_under_another_key_is_unknown() -> None:
    with pytest.raises(UnknownLog):
        a_policy().check(a_note(log=a_signer(ORIGIN, 2)))


def test_a_known_log_may_not_sign_for_another_origin() -> None:
    with pytest.raises(UnknownLog):
        a_policy().check(a_note(text=Checkpoint("other.example", 5, bytes(32)).text()))


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    alone = note.sign(TEXT, [WITNESSES["w1"]], 7)
    with pytest.raises(UnknownLog):
        a_policy().check(alone)


def test_a_wrong_signature_is_told_from_an_unknown_one() -> None:
    wrong = TEXT.replace("5", "6", 1)
    with pytest.raises(BadSignature):
        a_policy().check(a_note().replace(TEXT.encode(), wrong.encode()))
    bad_witness = a_note() + WITNESSES["w1"].line(wrong, 7).encode()
    with pytest.raises(BadSignature) as refused:
        a_policy().check(bad_witness)
    assert refused.value.name == "w1.example"


def test_the_layout_of_the_file_is_free_where_the_specification_says_so() -> None:
    text = f"# comentario ñ\n\n \t# más\n\tlog  {LOG.verifier.vkey}\thttps://x.example/ \nquorum  none"
    policy = Policy.parse(text.encode())
    assert policy.logs[0].url == "https://x.example/"
    assert Policy.parse(b"quorum none\n").logs == ()


def test_names_are_octets() -> None:
    key = WITNESSES["w1"].verifier.vkey.encode()
    assert Policy.parse(b"witness \xff " + key + b"\nquorum \xff\n").quorum == "\\xff"
    with pytest.raises(BadPolicy):
        Policy.parse(b"witness K " + key + "\nquorum \u212a\n".encode())


W1 = WITNESSES["w1"].verifier.vkey
RENAMED = Signer("again.example", WITNESSES["w1"].private_key, COSIGNATURE).verifier.vkey


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("", "policy", "quorum line"),
        (f"witness a {W1}\n", "policy", "quorum line"),
        ("quorum none\nquorum none\n", "line 2", "quorum line"),
        ("quorum a\n", "line 1", "name not defined before"),
        (f"quorum a\nwitness a {W1}\n", "line 1", "name not defined before"),
        (f"witness none {W1}\nquorum none\n", "line 1", "name used twice"),
        (f"witness a {W1}\ngroup a any a\nquorum a\n", "line 2", "name used twice"),
        (f"witness a {W1}\nwitness b {RENAMED}\nquorum none\n", "line 2", "key used twice"),
        (f"log {LOG.verifier.vkey}\nlog {Signer('b', LOG.private_key).verifier.vkey}\n", "line 2", "key used twice"),
        (f"witness a {W1}\ngroup g any b\nquorum g\n", "line 2", "name not defined before"),
        (f"witness a {W1}\ngroup g any none\nquorum g\n", "line 2", "name not defined before"),
        (f"witness a {W1}\ngroup g any g\nquorum g\n", "line 2", "name not defined before"),
        (f"witness a {W1}\ngroup g 1 a a\nquorum g\n", "line 2", "member used twice"),
        (f"witness a {W1}\ngroup g 1 a\ngroup h 1 a\nquorum g\n", "line 3", "member used twice"),
        (f"witness a {W1}\ngroup g 0 a\nquorum g\n", "line 2", "threshold"),
        (f"witness a {W1}\ngroup g 2 a\nquorum g\n", "line 2", "threshold"),
        (f"witness a {W1}\ngroup g 1\nquorum g\n", "line 2", "wrong number of words"),
        ("log\nquorum none\n", "line 1", "wrong number of words"),
        ("quorum\n", "line 1", "wrong number of words"),
        ("quorum none x\n", "line 1", "wrong number of words"),
        ("Quorum none\n", "line 1", "unknown directive"),
        ("quorum none\r\n", "policy", "control character"),
        ("quorum\x0bnone\n", "policy", "control character"),
        ("quorum none\x7f\n", "policy", "control character"),
        (f"log {W1}\nquorum none\n", "line 1", "unsupported key type"),
        (f"witness a {LOG.verifier.vkey}\nquorum none\n", "line 1", "unsupported key type"),
        ("log x\nquorum none\n", "line 1", "not a verifier key"),
        ("\n" * 2_000, "policy", "too many lines"),
    ],
)
def test_a_policy_that_says_two_things_or_nothing_is_refused(text: str, where: str, reason: str) -> None:
    with pytest.raises(BadPolicy) as refused:
        Policy.parse(text.encode())
    assert (refused.value.where, refused.value.reason) == (where, reason)


def test_a_threshold_has_one_spelling() -> None:
    for spelling in ("01", "+1", "1.0", "uno"):
        with pytest.raises(Refusal):
            a_policy(f"group g {spelling} w1 w2\nquorum g")
    assert a_policy("group g 1 w1 w2\nquorum g").quorum == "g"


def test_thirty_two_logs_witnesses_and_groups_are_supported() -> None:
    lines = [f"log {a_signer(f'log{i}', i + 1).verifier.vkey}" for i in range(32)]
    lines += [f"witness w{i} {a_signer(f'w{i}', i + 50, COSIGNATURE).verifier.vkey}" for i in range(32)]
    lines += [f"group g{i} any w{i}" for i in range(32)]
    assert len(Policy.parse("\n".join([*lines, "quorum g31"]).encode()).groups) == 32


@given(st.binary(max_size=200))
def test_whatever_the_bytes_the_only_error_is_a_refusal(data: bytes) -> None:
    for act in (lambda: Policy.parse(data), lambda: a_policy().check(data)):
        try:
            act()
        except Refusal:
            continue
