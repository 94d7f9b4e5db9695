"""What a checkpoint that somebody else saw says: only after its signature, and never more than it proves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Malformed
from shared.tlog import gossip, merkle
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, Signer, sign
from shared.tlog.witness import NotByTheLog

LOG, OTHER = Signer.generate("log.test/region/2026"), Signer.generate("log.test/region/2026")
WITNESS = Signer.generate("w.test", COSIGNATURE)
LEAVES = [merkle.leaf_hash(b"%d" % n) for n in range(40)]


def a_checkpoint(size: int, leaves: list[bytes] = LEAVES) -> Checkpoint:
    return Checkpoint(LOG.name, size, merkle.root_of(leaves[:size]))


def proof(old: int, new: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    return merkle.consistency_proof(old, new, lambda level, i: merkle.root_of(leaves[i << level : (i + 1) << level]))


@given(st.integers(0, 40), st.integers(0, 40))
def test_two_sizes_of_one_log_are_consistent_unless_theirs_is_ahead(ours: int, theirs: int) -> None:
    given_proof = proof(theirs, ours) if theirs <= ours else []

    outcome = gossip.judge(a_checkpoint(ours), a_checkpoint(theirs), given_proof)

    assert outcome == ("ahead" if theirs > ours else "consistent")


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 39))
def test_another_past_is_a_fork_at_every_size_that_holds_it(ours: int, theirs: int, changed: int) -> None:
    other = [*LEAVES]
    other[changed] = merkle.leaf_hash(b"another")
    given_proof = proof(theirs, ours) if theirs <= ours else []

    outcome = gossip.judge(a_checkpoint(ours), a_checkpoint(theirs, other), given_proof)

    assert outcome == ("ahead" if theirs > ours else "fork" if changed < theirs else "consistent")


def test_an_empty_log_with_a_root_of_something_is_a_fork() -> None:
    assert gossip.judge(a_checkpoint(5), Checkpoint(LOG.name, 0, LEAVES[0]), []) == "fork"


def test_a_note_is_kept_under_the_logs_own_signature_alone() -> None:
    text = a_checkpoint(5).text()
    note = sign(text, [LOG, WITNESS], 1_800_000_000) + OTHER.line(text).encode()

    heard = gossip.heard(note, [LOG.verifier])

    assert heard.checkpoint == a_checkpoint(5)
    assert heard.note == sign(text, [LOG])


def test_a_note_of_nobody_known_says_nothing() -> None:
    text = a_checkpoint(5).text()
    forged = sign(text, [LOG]).replace(b"\n5\n", b"\n6\n")

    for note in (sign(text, [OTHER]), sign(text, [WITNESS], 1), forged):
        with pytest.raises(NotByTheLog):
            gossip.heard(note, [LOG.verifier])
    with pytest.raises(NotByTheLog):
        gossip.heard(sign(text, [LOG]), [Signer.generate("other.test/x/2026").verifier])


@pytest.mark.parametrize("note", [b"", b"\xff\n\n", b"only text\n", b"a\nb\nc\n\n\xe2\x80\x94 x AAAA\n"])
def test_bytes_that_are_no_checkpoint_are_malformed(note: bytes) -> None:
    with pytest.raises(Malformed):
        gossip.heard(note, [LOG.verifier])
