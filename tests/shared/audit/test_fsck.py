"""Every way of damaging a log is found, at its place; a log that is whole is called so."""

import random
from functools import cache

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.audit.fsck import first_damage
from shared.audit.refusals import CannotRead, Damaged
from shared.audit.tree import Tree
from shared.tlog.merkle import BadProof, verify_consistency
from shared.tlog.tile import Tile
from tests.shared.audit.logs import PlainLog, Shelf, checkpoint_of, leaf, root, some_entries

SMALL, LARGE = 600, 65_536 + 300  # the large one has full tiles of level 1 and a level 2
SIZES = (0, 1, 2, 255, 256, 257, 511, 512, 513, SMALL)


@cache
def a_log(size: int) -> tuple[PlainLog, dict[str, bytes]]:
    log = PlainLog(some_entries(size))
    return log, log.files()


async def damage_of(size: int, files: dict[str, bytes]) -> Damaged | None:
    return await first_damage(Shelf(files), checkpoint_of(a_log(size)[0]))


def entry_at(data: bytes, place: int) -> int:
    """Which entry of a bundle a byte belongs to, its length included."""
    at = index = 0
    while True:
        at += 2 + int.from_bytes(data[at : at + 2], "big")
        if place < at:
            return index
        index += 1


# ---- a log that is whole


@pytest.mark.parametrize("size", [*SIZES, LARGE])
async def test_a_whole_log_has_no_damage_and_every_file_of_it_was_read(size: int) -> None:
    log, files = a_log(size)
    shelf, heard = Shelf(files), list[tuple[int, int]]()

    assert await first_damage(shelf, checkpoint_of(log), lambda done, total: heard.append((done, total))) is None

    assert set(shelf.asked) == set(files) - {"checkpoint"}
    assert heard == [(min(at + 256, size), size) for at in range(0, size, 256)]


def test_the_logs_of_these_tests_have_the_roots_of_pymerkle() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    hashes = []
    for entry in some_entries(SMALL):
        tree.append_entry(entry)
        hashes.append(leaf(entry))
        if len(hashes) % 37 == 0 or len(hashes) == SMALL:
            assert tree.get_root() == root(hashes)


# ---- one file damaged

HASHES = [path for path in a_log(SMALL)[1] if path.startswith("tile/") and "entries" not in path]
ENTRIES = [path for path in a_log(SMALL)[1] if "entries" in path]


@given(st.data())
async def test_any_flipped_bit_is_found_in_its_file_and_entry(data: st.DataObject) -> None:
    files = dict(a_log(SMALL)[1])
    path = data.draw(st.sampled_from([*HASHES, *ENTRIES]))
    place = data.draw(st.integers(0, len(files[path]) - 1))
    bit = data.draw(st.integers(0, 7))
    spoiled = bytearray(files[path])
    spoiled[place] ^= 1 << bit

    found = await damage_of(SMALL, files | {path: bytes(spoiled)})

    assert found is not None
    assert found.place == path
    if path in ENTRIES:
        n = ENTRIES.index(path)
        assert found.index == n * 256 + entry_at(files[path], place)


async def test_flips_anywhere_in_a_large_log_are_found() -> None:
    files, chance = dict(a_log(LARGE)[1]), random.Random(7)
    upper = [path for path in files if path.startswith(("tile/1", "tile/2"))]
    for path in [*upper, *chance.sample(sorted(set(files) - {"checkpoint"}), 8)]:
        sound = files[path]
        spoiled = bytearray(sound)
        spoiled[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)

        found = await damage_of(LARGE, files | {path: bytes(spoiled)})

        assert found is not None
        assert found.place == path


@pytest.mark.parametrize("path", [*HASHES, *ENTRIES])
async def test_a_missing_a_truncated_and_an_empty_file_are_found(path: str) -> None:
    files = a_log(SMALL)[1]
    for spoiled in (None, files[path][:-1], files[path][: len(files[path]) // 2], b"", files[path] + b"\x00\x00"):
        changed = dict(files)
        if spoiled is None:
            del changed[path]
        else:
            changed[path] = spoiled

        found = await damage_of(SMALL, changed)

        assert found is not None
        assert found.place == path
        assert found.text("es") != found.text("en")


@pytest.mark.parametrize(
    ("one", "other"),
    [("tile/0/000", "tile/0/001"), ("tile/entries/000", "tile/entries/001"), ("tile/entries/000", "tile/0/000")],
)
async def test_swapped_files_are_found_at_the_first_of_them(one: str, other: str) -> None:
    files = dict(a_log(SMALL)[1])
    files[one], files[other] = files[other], files[one]

    found = await damage_of(SMALL, files)

    assert found is not None
    assert found.place == ("tile/0/000" if "tile/0/000" in (one, other) else one)


async def test_an_entry_put_in_the_place_of_another_is_found() -> None:
    log, files = a_log(SMALL)
    swapped = [*log.entries]
    swapped[300], swapped[301] = swapped[301], swapped[300]

    found = await damage_of(SMALL, files | {"tile/entries/001": PlainLog(swapped).files()["tile/entries/001"]})

    assert found is not None
    assert (found.place, found.index, found.reason) == ("tile/entries/001", 300, "entry")


# ---- more than one file damaged


@given(st.sets(st.sampled_from([*HASHES, *ENTRIES]), min_size=1), st.integers(0, 31), st.integers(0, 7))
async def test_however_many_files_are_damaged_the_log_is_never_called_whole(
    paths: set[str], place: int, bit: int
) -> None:
    files = dict(a_log(SMALL)[1])
    for path in paths:
        spoiled = bytearray(files[path])
        spoiled[place] ^= 1 << bit
        files[path] = bytes(spoiled)

    found = await damage_of(SMALL, files)

    assert found is not None
    if not {"tile/0/002.p/88", "tile/entries/002.p/88"} <= paths:  # with both gone nothing leads to the root any more
        assert found.place in paths


async def test_of_two_damaged_entries_the_first_is_named() -> None:
    files = dict(a_log(SMALL)[1])
    for path in ("tile/entries/000", "tile/entries/001"):
        files[path] = files[path][:-1] + b"?"

    found = await damage_of(SMALL, files)

    assert found is not None
    assert found.index == 255


async def test_a_log_that_agrees_with_itself_and_not_with_what_was_signed_is_not_that_log() -> None:
    other = some_entries(SMALL)
    other[5] = b"another past"

    found = await damage_of(SMALL, PlainLog(other).files())

    assert found is not None
    assert (found.place, found.reason) == ("checkpoint", "tree")


async def test_what_cannot_be_read_is_not_called_damaged() -> None:
    class Broken(Shelf):
        async def tile(self, tile: Tile) -> bytes:
            if tile.path == "tile/entries/001":
                raise CannotRead(tile.path, "Input/output error")
            return await super().tile(tile)

    log, files = a_log(SMALL)
    with pytest.raises(CannotRead):
        await first_damage(Broken(files), checkpoint_of(log))


# ---- the verified tree


@given(st.sampled_from(SIZES), st.data())
async def test_the_tree_knows_every_earlier_root_and_proves_it(size: int, data: st.DataObject) -> None:
    log, files = a_log(size)
    old = data.draw(st.integers(0, size))
    tree = Tree(Shelf(files), checkpoint_of(log))
    was = root([leaf(entry) for entry in log.entries[:old]])

    assert await tree.root_at(old) == was
    proof = await tree.consistency(old)
    verify_consistency(old, size, was, log.root, proof)
    if proof:
        with pytest.raises(BadProof):
            verify_consistency(old, size, bytes(32), log.root, proof)


async def test_bundles_come_in_order_from_any_of_them_on() -> None:
    log, files = a_log(SMALL)

    for first in range(4):
        tree = Tree(Shelf(files), checkpoint_of(log), ahead=2)
        read = [entry async for bundle in tree.bundles(first) for entry in bundle.entries]
        assert read == log.entries[first * 256 :]
