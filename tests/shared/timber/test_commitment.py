"""A commitment opens with its own salt and document, and with nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.timber.commitment import SALT_BYTES, commitment_of, opens

salts = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)


@given(salts, st.binary(max_size=200))
def test_a_commitment_is_what_the_page_says_and_opens(salt: bytes, document: bytes) -> None:
    commitment = commitment_of(salt, document)

    assert commitment == hashlib.sha256(b"trozalog/v1/commitment\n" + salt + document).hexdigest()
    assert opens(commitment, salt, document)


@given(salts, salts, st.binary(min_size=1, max_size=200), st.integers(0, 199))
def test_another_salt_or_document_does_not_open_it(salt: bytes, other: bytes, document: bytes, at: int) -> None:
    commitment = commitment_of(salt, document)
    changed = bytearray(document)
    changed[at % len(document)] ^= 1

    assert not opens(commitment, salt, bytes(changed))
    assert opens(commitment, other, document) is (salt == other)


@pytest.mark.parametrize("length", [0, SALT_BYTES - 1, SALT_BYTES + 1])
def test_where_salt_ends_and_document_begins_is_not_open_to_choice(length: int) -> None:
    with pytest.raises(ValueError, match="256 bits"):
        commitment_of(bytes(length), b"{}")
    assert not opens("0" * 64, bytes(length), b"{}")
