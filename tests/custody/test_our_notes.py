"""What stands under our own checkpoints: every line of ours is asked, of whatever kind."""

import random
from dataclasses import replace
from typing import Any

import pytest

from services.custody.keys.log_keys import LogKeys
from services.custody.keys.our_notes import opened, under_right_lines
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, MLDSA44, BadNote, BadSignature, Signer, sign, split_note

ORIGIN = "trozalog.test/madre-de-dios/2026"
TEXT = Checkpoint(ORIGIN, 1, bytes(32)).text()
FIRST, LATTICE = Signer.generate(ORIGIN), Signer.generate(ORIGIN, MLDSA44)
KEYS = (FIRST.verifier, LATTICE.verifier)
SOME_FLIPS = 2_000


def note(*by: Signer) -> bytes:
    return sign(TEXT, by)


def spoilt(data: bytes, line: int) -> bytes:
    """A letter of the signature of one line is another."""
    at = data.index(split_note(data)[1][line].line.encode()) + len(ORIGIN) + 40
    return data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :]


def test_a_line_of_each_kind_is_asked() -> None:
    both = note(FIRST, LATTICE)

    assert opened(both, KEYS).bears == set(KEYS)
    for line in (0, 1):
        with pytest.raises(BadSignature):
            opened(spoilt(both, line), KEYS)


def test_a_checkpoint_from_before_the_second_key_bears_one_line() -> None:
    found = opened(note(FIRST), KEYS)

    assert (found.bears, found.strange) == ({FIRST.verifier}, ())
    assert found.stands(KEYS)


def test_a_line_of_the_second_kind_alone_is_no_checkpoint_of_ours() -> None:
    with pytest.raises(BadNote):
        opened(note(LATTICE), KEYS)
    with pytest.raises(BadNote):
        opened(note(LATTICE, Signer.generate(ORIGIN)), KEYS)


def test_under_our_key_no_other_log_speaks() -> None:
    other = sign(Checkpoint("other.test/log", 1, bytes(32)).text(), [FIRST])

    with pytest.raises(BadNote):
        opened(other, KEYS)
    assert opened(note(FIRST), KEYS)


def test_a_line_of_a_key_that_was_added_is_strange_and_no_fault_and_one_in_the_place_of_ours_is() -> None:
    added = Signer.generate(ORIGIN, MLDSA44)

    assert opened(note(FIRST, LATTICE, added), KEYS).stands(KEYS)
    instead = opened(note(FIRST, added), KEYS)
    assert [line.key_id for line in instead.strange] == [added.verifier.key_id]
    assert not instead.stands(KEYS)
    assert instead.stands([FIRST.verifier])


def test_a_witness_is_not_strange() -> None:
    witness = Signer.generate("watcher.example/w", COSIGNATURE)

    found = opened(note(FIRST, LATTICE, witness), KEYS)

    assert (found.strange, found.bears) == ((), set(KEYS))


def test_no_bit_flips_unnoticed(request: pytest.FixtureRequest) -> None:
    both = note(FIRST, LATTICE)
    bits = range(8 * len(both))
    tried = bits if request.config.getoption("--full") else random.Random(44).sample(bits, SOME_FLIPS)

    for bit in tried:
        flipped = bytearray(both)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            found = opened(bytes(flipped), KEYS)
        except Refusal:
            continue
        assert found.strange, bit
        assert not found.stands(KEYS), bit


def test_what_somebody_else_shows_counts_by_the_lines_that_are_right() -> None:
    witness = Signer.generate("watcher.example/w", COSIGNATURE)
    shown = note(FIRST, LATTICE, witness)

    assert under_right_lines(shown, KEYS) == shown.replace(split_note(shown)[1][2].line.encode(), b"")
    assert opened(under_right_lines(spoilt(shown, 1), KEYS), KEYS).bears == {FIRST.verifier}
    with pytest.raises(BadNote):
        under_right_lines(spoilt(shown, 0), KEYS)


class FailingMemory:
    """A private key on a machine that flips a bit now and then: of the first signature."""

    def __init__(self, key: Any) -> None:
        self._key, self._times = key, 0

    def public_key(self) -> Any:
        return self._key.public_key()

    def sign(self, message: bytes) -> bytes:
        self._times += 1
        signature = bytearray(self._key.sign(message))
        signature[100 % len(signature)] ^= self._times == 1
        return bytes(signature)


@pytest.mark.parametrize("at", [0, 1])
def test_a_signature_that_came_out_wrong_leaves_nobody(at: int) -> None:
    signers = [FIRST, LATTICE]
    signers[at] = replace(signers[at], private_key=FailingMemory(signers[at].private_key))
    keys = LogKeys(tuple(signers), KEYS)

    with pytest.raises(RuntimeError, match="of 1 entries is not right"):
        keys.signed(Checkpoint(ORIGIN, 1, bytes(32)))
    again = keys.signed(Checkpoint(ORIGIN, 1, bytes(32)))

    assert opened(again, KEYS).bears == set(KEYS)
