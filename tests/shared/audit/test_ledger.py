"""The memory of a monitor, held against what it stands for."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.ledger import Ledger
from shared.audit.refusals import CannotWrite
from shared.tlog.merkle import verify_consistency
from tests.shared.audit.logs import ORIGIN, leaf, root, some_entries


@given(st.lists(st.integers(0, 40), unique=True))
def test_the_gaps_are_the_numbers_between_the_first_and_the_last_that_no_record_has(numbers: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger", "1")
        with ledger.round(ORIGIN):
            for index, seq in enumerate(numbers):
                assert ledger.count("kid", seq, index, f"{index:064}") is None
                missing = [n for _, first, last, _, _ in ledger.gaps() for n in range(first, last + 1)]
                seen = numbers[: index + 1]
                assert sorted(missing) == sorted(set(range(min(seen), max(seen))) - set(seen))
                assert ledger.count("kid", seq, index + 1, "1" * 64) == (index, f"{index:064}")
        assert list(ledger.gaps(since=len(numbers))) == []
        ledger.close()


@given(st.lists(st.integers(1, 300), max_size=6), st.data())
def test_roots_and_proofs_are_those_of_the_tree_at_every_size(steps: list[int], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger, hashes = Ledger(Path(folder) / "ledger", "1"), list[bytes]()
        for step in steps:
            new = [leaf(entry) for entry in some_entries(step, start=len(hashes))]
            with ledger.round(ORIGIN):
                ledger.append(new)
            hashes += new
        old = data.draw(st.integers(0, len(hashes)))

        was, now = root(hashes[:old]), root(hashes)
        assert ledger.root_at(old) == was
        verify_consistency(old, len(hashes), was, now, ledger.consistency(old))
        ledger.close()
        again = Ledger(Path(folder) / "ledger", "1")
        assert (again.size, again.tree.root(), again.root_at(old)) == (len(hashes), now, was)
        again.close()


def test_times_only_go_forward_and_count_from_where_they_were_learnt(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger", "1")
    with ledger.round(ORIGIN):
        ledger.passed(10, "2026-07-10T00:00:00Z")
        ledger.passed(12, "2026-07-01T00:00:00Z")  # older than what is known: says nothing
        ledger.observe(20, "2026-07-20T00:00:00Z")
        ledger.observe(20, "2026-07-21T00:00:00Z")

    assert [ledger.entered_after(index) for index in (10, 11, 19, 20)] == [
        None, "2026-07-10T00:00:00Z", "2026-07-10T00:00:00Z", "2026-07-21T00:00:00Z",
    ]  # fmt: skip
    # of 20 entries a checkpoint was there before; one of 21 came after
    assert [ledger.made_after(size) for size in (10, 11, 20, 21)] == [
        None, "2026-07-10T00:00:00Z", "2026-07-10T00:00:00Z", "2026-07-21T00:00:00Z",
    ]  # fmt: skip
    ledger.close()


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"something else" * 100)

    with pytest.raises(CannotWrite):
        Ledger(tmp_path / "ledger", "1")
