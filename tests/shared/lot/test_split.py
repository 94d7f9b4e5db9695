"""A lot taken apart: every pair of files stands by itself before verifiers that know nothing of wood."""

import base64
import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import orjson
import pymerkle
import pytest

from shared.lot.bundle import BundleUnreadable, pack, read
from shared.lot.split import split
from shared.tlog import proof as proofs
from shared.tlog.merkle import BadProof
from tests.shared.lot.wood import ORIGIN, Wood, a_lot, a_policy, witness

ROOT = Path(__file__).parents[3]
LOT = "LOTE-01"


@cache
def lot() -> Wood:
    """A lot whose records do not lie beside each other in the log. Not to be changed."""
    wood = a_lot()
    wood.fell("503")
    return wood


@cache
def bundle() -> bytes:
    return lot().bundle(LOT, witnesses=[witness()])


def command(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "shared.lot", "split", *map(str, words)], cwd=ROOT, capture_output=True, text=True,
        encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip


def by_hand(text: bytes) -> tuple[int, list[bytes], list[str]]:
    """A tlog-proof read with nothing but c2sp.org/tlog-proof: index, hashes, and the lines of the checkpoint."""
    head, _, note = text.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("index ")
    return int(lines[1][6:]), [base64.b64decode(line, validate=True) for line in lines[2:]], note.decode().split("\n")


def test_the_command_writes_a_pair_of_files_for_every_entry(tmp_path: Path) -> None:
    file = tmp_path / "lot.json"
    file.write_bytes(bundle())

    done = command(file, tmp_path / "parts", "--lang", "en")

    indices = lot().gathered(LOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{len(indices)} entries")
    found = {path.name: path.read_bytes() for path in (tmp_path / "parts").iterdir()}
    assert found.keys() == {f"{index}.{kind}" for index in indices for kind in ("entry", "tlog-proof")}
    assert all(found[f"{index}.entry"] == lot().records[index].entry for index in indices)
    assert all(proofs.parse(found[f"{index}.tlog-proof"]).index == index for index in indices)


def test_another_implementation_checks_each_pair() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for record in lot().records:
        tree.append_entry(record.entry)

    for pair in split(bundle()):
        index, hashes, note = by_hand(pair.files[f"{pair.index}.tlog-proof"])
        leaf = hashlib.sha256(b"\0" + pair.files[f"{pair.index}.entry"]).digest()
        assert note[0] == ORIGIN
        assert int(note[1]) == len(lot().records)
        theirs = tree.prove_inclusion(index + 1, int(note[1]))  # it counts from 1
        theirs.path = [leaf, *hashes]
        pymerkle.verify_inclusion(leaf, base64.b64decode(note[2]), theirs, index=index + 1, size=int(note[1]))
        assert sum(line.startswith("— ") for line in note) == 2  # the log's and the witness's


def test_each_pair_stands_under_a_policy_and_falls_with_another_entry() -> None:
    pairs = list(split(bundle()))

    assert proofs.verify(pairs[3].proof, pairs[3].entry, a_policy("w1")).checkpoint.size == len(lot().records)
    with pytest.raises(BadProof):
        proofs.verify(pairs[3].proof, pairs[4].entry, a_policy("w1"))


def test_a_file_that_does_not_hold_together_is_not_taken_apart(tmp_path: Path) -> None:
    whole = read(bundle())
    entries = [*whole.entries[:-1], whole.entries[-1] + b" "]
    bent = pack(LOT, whole.checkpoint, zip(whole.indices, entries, strict=True), whole.proof)
    file = tmp_path / "lot.json"
    file.write_bytes(bent)

    done = command(file, tmp_path / "parts")

    assert done.returncode == 1
    assert "raíz" in done.stderr
    assert not (tmp_path / "parts").exists()
    with pytest.raises(BadProof):
        split(bent)


def test_another_file_is_not_taken_apart(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(orjson.dumps(json.loads(bundle()) | {"format": "trozalog-bundle/2"}, option=orjson.OPT_SORT_KEYS))

    assert command(file, tmp_path / "parts").returncode == 2
    with pytest.raises(BundleUnreadable):
        split(file.read_bytes())


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "lot.json").write_bytes(bundle())

    done = command(tmp_path / "lot.json", tmp_path, "--lang", "en")

    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lot.json"]
