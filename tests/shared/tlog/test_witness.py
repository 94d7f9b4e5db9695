"""tlog-witness without any I/O: requests read and written, decisions over many trees, answers of liars."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Refusal
from shared.tlog import merkle, note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import BadText
from shared.tlog.merkle import BadProof, consistency_proof, leaf_hash
from shared.tlog.note import COSIGNATURE, BadNote, BadSignature, Signer, Verifier
from shared.tlog.refusals import BadBytes
from shared.tlog.witness import (
    BadRequest,
    Offer,
    OtherSize,
    Request,
    StateLost,
    cosign,
    examine,
    follow,
    monitoring_path,
    parse,
    read_cosignature,
    read_size,
)
from tests.witness.foreign import ForeignLog, cosigned_at

NAME = "watcher.example/w1"
WITNESS = Signer(NAME, Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32), COSIGNATURE)
LOG = ForeignLog("trozalog.example/madre-de-dios/2026", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
KEYS = [Verifier.parse(LOG.vkey)]
sizes = st.integers(0, 200)


def an_offer(body: bytes) -> Offer:
    return examine(parse(body), KEYS, WITNESS.verifier)


def at(size: int, log: ForeignLog = LOG) -> Checkpoint | None:
    return Checkpoint(log.name, size, log.root(size)) if size else None


def our_request(old: int, new: int) -> bytes:
    leaves = [leaf_hash(leaf) for leaf in LOG.leaves(new)]
    proof = consistency_proof(old, new, lambda level, i: merkle.root_of(leaves[i << level : (i + 1) << level]))
    return Request(old, tuple(proof), LOG.checkpoint(new)).encode()


@given(sizes, sizes)
def test_what_we_send_is_what_a_stranger_sends_and_is_accepted(a: int, b: int) -> None:
    old, new = sorted((a, b))

    assert our_request(old, new) == LOG.request(old, new)
    follow(an_offer(our_request(old, new)), at(old))


@given(sizes, sizes, st.data())
def test_another_history_is_never_accepted(a: int, b: int, data: st.DataObject) -> None:
    old, new = sorted((max(a, 1), max(b, 1)))
    fork = LOG.forked(data.draw(st.integers(0, old - 1)))

    with pytest.raises(BadProof):
        follow(an_offer(fork.request(old, new)), at(old))


@given(sizes, sizes, sizes)
def test_only_what_builds_on_the_last_size_is_accepted(a: int, b: int, last: int) -> None:
    old, new = sorted((a, b))
    if old == last:
        return
    with pytest.raises(OtherSize) as refused:
        follow(an_offer(LOG.request(old, new)), at(last))
    assert refused.value.size == last


@given(st.integers(1, 100), st.integers(1, 100), st.data())
def test_a_changed_bit_of_the_proof_is_never_accepted(old: int, more: int, data: st.DataObject) -> None:
    request = parse(LOG.request(old, old + more))
    which = data.draw(st.integers(0, len(request.proof) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(request.proof[which])
    changed[bit // 8] ^= 1 << bit % 8
    proof = (*request.proof[:which], bytes(changed), *request.proof[which + 1 :])

    with pytest.raises(BadProof):
        follow(an_offer(Request(request.old_size, proof, request.note).encode()), at(old))


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary())
def test_a_request_is_read_as_it_was_written(old: int, proof: list[bytes], checkpoint: bytes) -> None:
    request = Request(old, tuple(proof), checkpoint)
    assert parse(request.encode()) == request


@given(st.binary(max_size=400))
def test_no_bytes_do_anything_but_parse_or_be_refused(body: bytes) -> None:
    for each in (body, b"old " + body, b"old 3\n\n" + body):
        try:
            parsed = parse(each)
        except BadBytes:
            continue
        assert parsed.encode() == each


def test_the_longest_proof_of_any_tree_there_will_be_fits() -> None:
    spans = merkle.consistency_spans(2**61 + 1, 2**62)
    request = Request(2**61 + 1, (bytes(32),) * len(spans), b"note")
    assert len(spans) <= 63
    assert parse(request.encode()) == request


def test_the_example_of_the_specification_is_read() -> None:
    body = (
        "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n"
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+"
        "zyWE+xeMcTOAYQ8=\n"
    ).encode()
    request = parse(body)
    assert (request.old_size, len(request.proof)) == (20_852_014, 4)
    assert request.encode() == body


# --- the witness's memory


def test_its_own_signature_above_what_it_knows_means_that_it_forgot() -> None:
    ours = LOG.checkpoint(9) + WITNESS.line(LOG.text(9), 5).encode()

    for last in (at(0), at(4)):
        with pytest.raises(StateLost):
            follow(an_offer(LOG.request(9, 9, note=ours)), last)
    follow(an_offer(LOG.request(9, 9, note=ours)), at(9))


def test_its_own_signature_on_another_root_means_that_it_forgot() -> None:
    fork = LOG.forked(2)
    ours = fork.checkpoint(9) + WITNESS.line(fork.text(9), 5).encode()

    with pytest.raises(StateLost):
        follow(an_offer(LOG.request(9, 9, proof=[], note=ours)), at(9))


def test_a_cosignature_is_one_to_a_stranger_and_to_us() -> None:
    offer = an_offer(LOG.request(0, 9))
    line = cosign(offer, WITNESS, 1_700_000_000)

    assert cosigned_at(line, LOG.text(9), WITNESS.verifier.vkey) == 1_700_000_000
    assert read_cosignature(LOG.checkpoint(9), line.encode(), WITNESS.verifier) == (line, 1_700_000_000)
    assert offer.note(line) == LOG.checkpoint(9) + line.encode()


def test_the_monitoring_path_is_the_hash_of_the_origin() -> None:  # by coreutils' sha256sum
    assert monitoring_path("example.com/behind-the-sofa") == (
        "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4/checkpoint"
    )


# --- answers


def lies(size: int = 9) -> dict[str, bytes]:
    text = LOG.text(size)
    good = WITNESS.line(text, 5)
    other = Signer.generate(NAME, COSIGNATURE)
    return {
        "nothing": b"",
        "another key": other.line(text, 5).encode(),
        "another checkpoint": WITNESS.line(LOG.text(size + 1), 5).encode(),
        "another time": (good[:-60] + ("A" if good[-60] != "A" else "B") + good[-59:]).encode(),
        "not a line": b"thank you\n",
        "cut short": good.encode()[:-1],
        "a log's signature": Signer(NAME, WITNESS.private_key).line(text).encode(),
        "a note of its own": note.sign("I saw it\n", [WITNESS], 5),
        "a right line after text": ("hello\n\n" + good).encode(),
        "a line over more than the checkpoint": ("hello\n\n" + WITNESS.line(f"{text}\nhello\n", 5)).encode(),
        "a right line and a wrong one": (good + WITNESS.line(LOG.text(size + 1), 5)).encode(),
        "not UTF-8": b"\xff" + good.encode(),
    }


@pytest.mark.parametrize("lie", lies())
def test_an_answer_that_is_no_cosignature_of_this_checkpoint_is_not_used(lie: str) -> None:
    with pytest.raises((BadNote, BadSignature, BadText)):
        read_cosignature(LOG.checkpoint(9), lies()[lie], WITNESS.verifier)


def test_lines_of_other_keys_in_an_answer_are_left_behind() -> None:
    good, other = WITNESS.line(LOG.text(9), 5), Signer.generate("other.example", COSIGNATURE).line(LOG.text(9), 6)

    assert read_cosignature(LOG.checkpoint(9), (other + good).encode(), WITNESS.verifier) == (good, 5)


@pytest.mark.parametrize("body", [b"", b"5", b"05\n", b"-5\n", b"5\n\n", b" 5\n", b"5 \n", "٥\n".encode(), b"9" * 30])
def test_a_conflict_that_is_not_a_size_is_refused(body: bytes) -> None:
    with pytest.raises(BadBytes):
        read_size(body)


def test_a_conflict_tells_the_size() -> None:
    assert (read_size(b"0\n"), read_size(b"20852163\n")) == (0, 20_852_163)


@pytest.mark.parametrize(
    "body", [b"", b"old 1\n\n", LOG.request(5, 4, proof=[]), LOG.request(0, 4, note=LOG.text(4).encode())]
)
def test_a_refusal_speaks_both_languages(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        an_offer(body)
    assert isinstance(refused.value, BadRequest | BadBytes)
    assert refused.value.text("es") != refused.value.text("en")
