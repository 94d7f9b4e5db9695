"""Tiles and entry bundles under the only path each of them has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog import merkle, tile
from shared.tlog.tile import BadTile, Tile


@pytest.mark.parametrize(
    ("named", "path"),
    [
        (Tile("tile", 0, 0), "tile/0/000"),
        (Tile("tile", 0, 999), "tile/0/999"),
        (Tile("tile", 0, 1000), "tile/0/x001/000"),
        (Tile("tile", 1, 1234067), "tile/1/x001/x234/067"),
        (Tile("tile", 63, 0, 1), "tile/63/000.p/1"),
        (Tile("tile", 2, 5, 255), "tile/2/005.p/255"),
        (Tile("entries", 0, 1234067), "tile/entries/x001/x234/067"),
        (Tile("entries", 0, 0, 44), "tile/entries/000.p/44"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(named: Tile, path: str) -> None:
    assert named.path == path
    assert tile.parse_tile_path(path) == named


@given(st.sampled_from(["tile", "entries"]), st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_every_tile_comes_back_from_its_path(kind: str, level: int, n: int, width: int) -> None:
    named = Tile("tile", level, n, width) if kind == "tile" else Tile("entries", 0, n, width)
    assert tile.parse_tile_path(named.path) == named


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/00",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/x1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.P/1",
        "tile/0/000.p/1000",
        "tile/0/000/",
        "/tile/0/000",
        "tile//000",
        "tile/0",
        "tile/",
        "",
        "tile/0/000\n",
        "Tile/0/000",
        "tile/0/000?x",
        "tile/0/\u0660\u0660\u0660",
        "tile/\u0660/000",
        "tile/entry/000",
        "tile/entries/0",
        "tile/entries/000.p/0",
        "tile/entries/0/000",
        "tile/0/../0/000",
        "tile/0/000%2ep/1",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    ],
)
def test_any_other_spelling_of_a_path_is_refused(path: str) -> None:
    with pytest.raises(BadTile):
        tile.parse_tile_path(path)


@given(st.text(alphabet="tile/enrs0123x.p", max_size=24))
def test_no_tile_has_two_paths(path: str) -> None:
    try:
        named = tile.parse_tile_path(path)
    except BadTile:
        return
    assert named.path == path


def test_a_log_of_70000_entries_has_the_tiles_of_the_specification() -> None:
    widths = {level: [w for n in range(300) if (w := tile.width_at(level, n, 70_000))] for level in range(4)}
    assert widths[0] == [256] * 273 + [112]
    assert widths[1] == [256, 17]
    assert widths[2] == [1]
    assert widths[3] == []
    assert [tile.width_at(level, 0, 256) for level in range(3)] == [256, 1, 0]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entries_survive_their_bundle(entries: list[bytes]) -> None:
    assert tile.decode_entries(tile.encode_entries(entries)) == entries


def test_an_entry_is_at_most_65535_bytes() -> None:
    longest = b"x" * 65_535
    assert tile.decode_entries(tile.encode_entries([longest])) == [longest]
    with pytest.raises(BadTile):
        tile.encode_entries([longest + b"x"])


def test_a_bundle_that_is_cut_short_is_refused() -> None:
    data = tile.encode_entries([b"abc", b"de"])
    for end in range(len(data)):
        if end in (0, 5):
            continue  # the border between two entries
        with pytest.raises(BadTile):
            tile.decode_entries(data[:end])


@given(st.lists(st.integers(1, 900), max_size=6), st.data())
def test_every_node_is_read_from_the_tiles_that_growing_wrote(batches: list[int], data: st.DataObject) -> None:
    tree = merkle.CompactRange()
    stored: dict[tuple[int, int], bytearray] = {}
    leaves: list[bytes] = []
    for count in batches:
        new = [merkle.leaf_hash(b"%d" % (tree.size + i)) for i in range(count)]
        leaves += new
        for row in tree.append(new):
            for n, offset, hashes in tile.pieces(row):
                held = stored.setdefault((row.tile_level, n), bytearray())
                assert len(held) == offset * 32
                held += b"".join(hashes)
    for (level, n), held in stored.items():
        assert len(held) == 32 * tile.width_at(level, n, tree.size)
    if tree.size:
        level = data.draw(st.integers(0, tree.size.bit_length() - 1))
        index = data.draw(st.integers(0, (tree.size >> level) - 1))
        read = tile.node_reader(lambda tile_level, n: bytes(stored[tile_level, n]))
        assert read(level, index) == merkle.root_of(leaves[index << level : (index + 1) << level])
        assert tile.tiles_for([(level, index)])[0] in stored


def test_a_node_outside_a_tile_is_refused() -> None:
    read = tile.node_reader(lambda *_: bytes(32 * 3))
    assert read(1, 0) == merkle.node_hash(bytes(32), bytes(32))
    with pytest.raises(BadTile):
        read(1, 1)
    with pytest.raises(BadTile):
        read(0, 3)
